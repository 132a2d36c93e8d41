// What a model file says about a chamber controller that is a map of registers: where things are, and what "run", "stop" and
// "healthy" mean there. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/base/capabilities.hpp"
#include "controller/base/result.hpp"
#include "drivers/modbus/register_map.hpp"

namespace cellrig {

using modbus::RegisterType;

struct ChamberRegister {
  std::string name;                      ///< as in the model file, for messages
  std::vector<std::uint16_t> addresses;  ///< 0-based protocol addresses; more than one: the bench file's `event` chooses
  RegisterType type = RegisterType::u16;
  double scale = 1.0;  ///< value = raw * scale; of integers
  int characters = 0;  ///< of text, one in each register

  /// `event` counts from 1.
  [[nodiscard]] std::uint16_t address(int event) const;
  [[nodiscard]] std::size_t size() const;
};

/// A register reads one of these values, or none of them.
struct RegisterTest {
  ChamberRegister where;
  std::vector<double> values;
  bool one_of = true;
  std::string otherwise;  ///< what to say when it does not hold
  Fault fault = Fault::refused;

  [[nodiscard]] bool holds(double value) const;
};

/// The limits of a run, as values that can be written.
enum class WrittenValue : unsigned char { constant, setpoint_min, setpoint_max, alarm_low, alarm_high };

struct RegisterWrite {
  ChamberRegister where;
  WrittenValue what = WrittenValue::constant;
  double constant = 0.0;
  std::optional<RegisterTest> when;  ///< only where this holds
};

struct RegisterChamberModel {
  ChamberCapabilities capabilities;
  std::string maker;
  std::uint8_t unit = 1;
  modbus::WordOrder word_order = modbus::WordOrder::abcd;
  bool exception_5_is_denial = false;  ///< Binder: "write access denied"; the standard means "acknowledged, ask later"
  int event = 1;                       ///< which of a register's addresses; set per bench
  int event_count = 0;                 ///< 0: nothing to choose
  /// A temperature outside is nonsense (word order, unit, open sensor), never a temperature.
  Celsius plausible_min, plausible_max;
  double alarm_margin_K = 0.0;        ///< alarms lie this far outside the set-point limits
  double setpoint_tolerance_K = 0.0;  ///< between what was written and what is read back
  Duration request_gap{};             ///< of the bus
  Duration attempt_timeout{};

  std::optional<ChamberRegister> identity;  ///< text
  std::string identity_prefix;              ///< what it must begin with
  std::optional<ChamberRegister> serial, firmware;
  std::vector<RegisterTest> checks;  ///< before anything else
  ChamberRegister temperature;
  std::vector<ChamberRegister> setpoints;  ///< all are written, in this order
  ChamberRegister setpoint_shown;
  std::optional<ChamberRegister> limit_low, limit_high;  ///< of the set-point; both or neither
  std::vector<RegisterWrite> arm;                        ///< alarms, after the limits
  std::vector<RegisterTest> ready;                       ///< before run()
  std::vector<RegisterWrite> run;                        ///< after the set-point; each read back
  std::vector<RegisterTest> running;                     ///< all: it conditions
  std::vector<RegisterWrite> stop;                       ///< in this order, nothing asked before
  std::vector<RegisterTest> stopped;                     ///< all: it no longer conditions
  std::vector<RegisterTest> healthy;                     ///< one that does not hold is an alarm
};

namespace register_chamber {

/// Nothing when the words are of another number than the register has.
[[nodiscard]] std::optional<double> decode(const ChamberRegister& where, std::span<const std::uint16_t> words,
                                           modbus::WordOrder order);
/// Nothing when the register cannot hold the value: not finite, out of range, or text.
[[nodiscard]] std::optional<std::vector<std::uint16_t>> encode(const ChamberRegister& where, double value,
                                                               modbus::WordOrder order);

}  // namespace register_chamber

}  // namespace cellrig
