// Something an instrument is told and asked back: "VOLT:PROT 4.3000", and then "VOLT:PROT?". Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"

namespace cellrig::scpi {

struct Setting {
  enum class Kind : unsigned char { number, flag, word };
  std::string header;
  std::string value;  ///< as it is written
  Kind kind = Kind::number;
  double number = 0.0;
  double below = 0.0;     ///< how far a number that is read back may lie below the one written
  double above = 0.0;     ///< and above
  std::string unit;       ///< that may follow a number in a reply
  std::string long_form;  ///< of a word: some instruments take "VOLT" and answer "VOLTage"
};
using Settings = std::vector<Setting>;

struct Precision {
  int digits = 0;          ///< after the point
  double tolerance = 0.0;  ///< of what is read back: a step of the converter
};

[[nodiscard]] Setting number(std::string header, double value, Precision precision);
/// A limit that may be kept in coarser steps: `step` below what was asked for is as good, anything above it is not.
[[nodiscard]] Setting upper_bound(std::string header, double value, Precision precision, double step);
[[nodiscard]] Setting flag(std::string header, bool value);
[[nodiscard]] Setting word(std::string header, std::string value, std::string long_form = {});

[[nodiscard]] std::string command_of(const Setting& setting);
/// The questions after all of them, for one message.
[[nodiscard]] std::string question_of(const Settings& settings);
/// Whether `reply` says that the instrument holds the setting; malformed when it is no such thing.
[[nodiscard]] Result<bool> is_held(const Setting& setting, std::string_view reply);
/// What must be held when all were written one after the other: the last of each header, in order.
[[nodiscard]] Settings last_of_each(const Settings& settings);
/// What of `wanted` is not in `held` already; both have each header once.
[[nodiscard]] Settings changed(const Settings& held, const Settings& wanted);

}  // namespace cellrig::scpi
