// What an ITECH supply can be set to and simply remembers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cellrig::sim {

struct ItechRatings {
  double voltage_V = 60.0;
  double current_A = 30.0;  ///< in either direction
  double power_W = 800.0;   ///< in either direction
  double over_voltage_max_V = 61.2;
  double over_current_max_A = 31.5;
  double over_nominal = 1.0;  ///< voltage and current above, of the nominal value that accuracies refer to
  int decimals = 3;           ///< of voltages and currents
};

enum class ItechParameter : std::uint8_t {
  voltage,
  current,
  current_limit,
  current_limit_negative,
  voltage_limit_high,
  voltage_limit_low,
  power_limit,
  power_limit_negative,
  voltage_slew_up,
  voltage_slew_down,
  current_slew_up,
  current_slew_down,
  over_voltage,
  over_voltage_state,
  over_voltage_delay,
  over_current,
  over_current_state,
  over_current_delay,
  over_power,
  over_power_state,
  over_power_delay,
  under_voltage,
  under_voltage_state,
  under_voltage_delay,
  under_voltage_warm,
  under_current,
  under_current_state,
  under_current_delay,
  watchdog,
  watchdog_delay,
  delay_rise,
  delay_fall,
  inhibit_mode,
  power_on_state,
  remote_sense,
  averaging,
  function_mode,
};
inline constexpr std::size_t itech_parameter_count = 37;
constexpr std::size_t index_of(ItechParameter parameter) { return static_cast<std::size_t>(parameter); }
using ItechValues = std::array<double, itech_parameter_count>;

struct ItechParameterTraits {
  enum class Kind : std::uint8_t { volts, amps, other, integer, flag, keyword } kind;
  double initial = 0.0;
  double low = 0.0;
  double high = 0.0;
  std::string_view keywords = {};  ///< the long form is replied, as FUNC? does [V]
};
using ItechTraits = std::array<ItechParameterTraits, itech_parameter_count>;
[[nodiscard]] ItechTraits traits_for(const ItechRatings& ratings);

struct ItechParameterPattern {
  std::string_view pattern;
  ItechParameter parameter;
};
[[nodiscard]] const std::vector<ItechParameterPattern>& itech_parameter_patterns();

}  // namespace cellrig::sim
