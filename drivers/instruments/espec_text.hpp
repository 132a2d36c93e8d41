// The words of an ESPEC controller (P300, SCP-220, SH-641): replies to values, values to commands. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controller/base/result.hpp"

namespace cellrig::espec {

/// What TEMP? says: "26.4,0.0,140.0,-50.0". A measured value that is no number is nothing; the others must be numbers.
struct Temperatures {
  std::optional<double> measured;
  double setpoint = 0.0, alarm_high = 0.0, alarm_low = 0.0;
};
[[nodiscard]] Result<Temperatures> parse_temperatures(std::string_view reply);

enum class Mode : unsigned char { off, standby, constant, program };

/// What MON? says: "27.0,,STANDBY,0". Of temperature and humidity nothing is taken: TEMP? has the set-point beside it.
struct Monitor {
  Mode mode = Mode::off;
  int alarm_count = 0;
};
[[nodiscard]] Result<Monitor> parse_monitor(std::string_view reply);

/// What TYPE? says: "T,SCP220,190.0", or with a wet sensor "T,T,S2,160.0".
struct Type {
  std::string controller;
  double temperature_max = 0.0;
};
[[nodiscard]] Result<Type> parse_type(std::string_view reply);

/// "-25.0": the one decimal that it knows. Nothing when it is no finite number or longer than the controller's field.
[[nodiscard]] std::optional<std::string> decimal(double degC);

/// "OK:" and the command, blanks aside.
[[nodiscard]] bool is_acknowledged(std::string_view reply, std::string_view command);
/// The reason behind "NA:", printable; nothing when it is no refusal.
[[nodiscard]] std::optional<std::string> refusal(std::string_view reply);

}  // namespace cellrig::espec
