// What a Keysight N6900 can be set to and simply remembers: one table for the SCPI tree, ranges, defaults and reply formats.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cellrig::sim {

/// Indexes the table of parameters; the output settings come first.
enum class N6900Parameter : std::uint8_t {
  voltage,
  current,
  current_limit,
  current_limit_negative,
  voltage_limit,
  voltage_slew,
  current_slew,
  voltage_slew_max,
  current_slew_max,
  voltage_mode,
  current_mode,
  voltage_protection,
  current_protection_state,
  protection_delay,
  protection_delay_start,
  current_sharing,
  resistance,
  resistance_state,
  protection_mode,
  protection_coupling,
  user_protection,
  user_protection_source,
  inhibit_mode,
  delay_rise,
  delay_fall,
  output_coupling,
  relay_lock,
  watchdog,
  watchdog_delay,
  power_on_state,  ///< from here on a change of the priority mode resets nothing
  temperature_margin,
  sense_voltage,
  sense_current,
  voltage_range,
  current_range,
  current_range_auto,
  sense_fault,
  format,
  byte_order,
  transient_source,
  acquire_source,
  arb_source,
  step_trigger_out,
  digital_output,
  digital_bus_trigger,
  digital_input,
  display,
  display_view,
  remote_state,
  control_port,
  line_frequency,
  ambient_temperature,
};
inline constexpr std::size_t n6900_parameter_count = 52;
inline constexpr N6900Parameter n6900_first_kept = N6900Parameter::power_on_state;

constexpr std::size_t index_of(N6900Parameter parameter) { return static_cast<std::size_t>(parameter); }

struct N6900ParameterTraits {
  enum class Kind : std::uint8_t { number, slew, integer, boolean, keyword } kind;
  double initial;  ///< of a keyword: its place in the list
  double low = 0.0;
  double high = 0.0;
  std::string_view keywords = {};  ///< "FIXed|STEP"; the short form is replied
  bool read_only = false;
  std::string_view unit = {};
};

const N6900ParameterTraits& traits_of(N6900Parameter parameter);

/// The SCPI pattern of a row; several rows may mean the same parameter.
struct N6900ParameterPattern {
  std::string_view pattern;
  N6900Parameter parameter;
};
inline constexpr std::size_t n6900_pattern_count = n6900_parameter_count + 1;
const std::array<N6900ParameterPattern, n6900_pattern_count>& n6900_parameter_patterns();

/// Infinite slew, as recorded: without a sign [V].
inline constexpr double n6900_infinite = 9.9e37;

/// The values of all parameters: keywords by their place, booleans as 0 and 1.
using N6900Values = std::array<double, n6900_parameter_count>;

void append_value(std::string& out, N6900ParameterTraits::Kind kind, std::string_view keywords, double value);

/// The place of `text` among "FIXed|STEP"; -1 when it isn't there.
int find_keyword(std::string_view keywords, std::string_view text);

}  // namespace cellrig::sim
