// The EA PSB as numbers: its model, its status words decoded, set-points and protections as raw registers. Pure.
// Source: EA Programming Guide ModBus & SCPI, and drivers proven on a PSB 10060-60.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/capabilities.hpp"
#include "controller/base/limits.hpp"
#include "controller/base/observation.hpp"
#include "controller/base/result.hpp"
#include "controller/base/setpoint.hpp"
#include "drivers/modbus/register_map.hpp"

namespace cellrig {

/// 0-based protocol addresses.
struct EaPsbRegisters {
  std::uint16_t device_type = 0;     ///< 20 registers of text
  std::uint16_t nominal_values = 0;  ///< f32 ABCD each: voltage, current, power
  std::uint16_t serial_number = 0;   ///< 20 registers of text
  std::uint16_t remote_coil = 0;
  std::uint16_t output_coil = 0;
  std::uint16_t resistance_mode_coil = 0;
  std::uint16_t acknowledge_coil = 0;
  std::uint16_t set_values = 0;  ///< sink power, sink current, voltage, source current, source power, source R, sink R
  std::uint16_t state = 0;       ///< two words of state, then voltage, current, power as measured
  std::uint16_t over_voltage = 0;
  std::uint16_t over_current = 0;
  std::uint16_t over_power = 0;
  std::uint16_t voltage_limits = 0;         ///< max, min
  std::uint16_t source_current_limits = 0;  ///< max, min
  std::uint16_t power_limits = 0;           ///< source max, sink max
  std::uint16_t sink_current_limits = 0;    ///< max, min
};

struct EaPsbModel {
  CyclerCapabilities capabilities;
  std::string device_type;  ///< how the instrument's own type text begins: "PSB 10060-60"
  Volts nominal_voltage;
  Amps nominal_current;
  Watts nominal_power;
  Ohms nominal_resistance;  ///< 100 % of a resistance register
  Ohms resistance_min;
  std::uint8_t unit = 1;
  EaPsbRegisters registers;
  Duration request_gap{};             ///< for LibmodbusBusOptions
  Duration attempt_timeout{};         ///< of one try to turn off, before the other session is tried
  bool modbus_feeds_watchdog = true;  ///< false: measure() also sends a SCPI question in time
};

namespace ea_psb {

/// Percent registers: 0xCCCC is 100 % of the nominal value.
inline constexpr double raw_full_scale = 52428.0;
inline constexpr std::uint16_t raw_set_max = 53477;         ///< 102 %, for set values and their limits
inline constexpr std::uint16_t raw_protection_max = 57671;  ///< 110 %
inline constexpr std::uint16_t raw_saturated = 65535;       ///< the end of the range (125 %): no measurement

/// Offsets into the block of set values.
enum SetValue : std::uint16_t {
  sink_power,
  sink_current,
  voltage,
  source_current,
  source_power,
  source_resistance,
  sink_resistance
};

struct State {
  Regulation regulation = Regulation::off;
  bool output_on = false;
  bool remote = false;
  bool alarm = false;
  bool sinking = false;
  std::string_view alarm_cause;  ///< empty without alarm
  std::uint16_t voltage_raw = 0, current_raw = 0;
};
/// The five registers from `state` on.
[[nodiscard]] State decode_state(std::span<const std::uint16_t, 5> registers);

struct RegisterValue {
  std::uint16_t address = 0;
  std::uint16_t raw = 0;
};

/// What arm() programs. Rounded towards the safe side: never beyond the bound that was asked for.
struct ProtectionPlan {
  std::uint16_t over_voltage = 0, over_current = 0, over_power = 0;
  std::uint16_t voltage_max = 0, voltage_min = 0, source_current_max = 0, sink_current_max = 0;  ///< limits of set values
  double under_voltage_V = 0.0;      ///< over SCPI, in whole millivolts
  double sink_over_current_A = 0.0;  ///< over SCPI, in whole milliamperes
  int watchdog_s = 0;
};
[[nodiscard]] Result<ProtectionPlan> plan_protections(const Protections& protections, const EaPsbModel& model);
/// Every register the plan fixes, for reading back.
[[nodiscard]] std::vector<RegisterValue> registers_of(const ProtectionPlan& plan, const EaPsbRegisters& registers);

struct Settings {
  std::uint16_t sink_power = 0, sink_current = 0, voltage = 0, source_current = 0, source_power = 0;
  std::optional<std::uint16_t> sink_resistance;  ///< set: resistance mode
  Amps current_max;                              ///< the larger magnitude of both directions
};
/// What it holds in a register of the first five.
[[nodiscard]] std::uint16_t raw_of(const Settings& settings, SetValue which);
/// Refuses what is not finite, contradicts itself, or lies outside the model or the armed protections.
[[nodiscard]] Result<Settings> plan_setpoint(const Setpoint& setpoint, const EaPsbModel& model, const Protections& armed);

}  // namespace ea_psb
}  // namespace cellrig
