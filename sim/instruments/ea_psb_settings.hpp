// What an EA PSB 10000 can be set to, and how its 16-bit scale works (instruments reference 1.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cellrig::sim {

enum class EaQuantity : std::uint8_t { voltage, current, power, resistance };

/// Everything with a number behind it. The first seven are the set values of registers 498..504, in this order.
enum class EaSetting : std::uint8_t {
  sink_power,
  sink_current,
  voltage,
  source_current,
  source_power,
  source_resistance,
  sink_resistance,
  voltage_protection,
  source_current_protection,
  source_power_protection,
  sink_current_protection,
  sink_power_protection,
  voltage_limit_max,
  voltage_limit_min,
  source_current_limit_max,
  source_current_limit_min,
  source_power_limit_max,
  sink_power_limit_max,
  sink_current_limit_max,
  sink_current_limit_min,
  source_resistance_limit_max,
  sink_resistance_limit_max,
  under_voltage_detection,
  over_voltage_detection,
  under_current_detection,
  over_current_detection,
  over_power_detection,
};
inline constexpr std::size_t ea_setting_count = 27;

constexpr std::size_t index_of(EaSetting setting) { return static_cast<std::size_t>(setting); }

/// 100 % of a nominal value on the wire: 0xCCCC [V].
inline constexpr double ea_full_scale = 52428.0;
inline constexpr std::uint16_t ea_set_value_max = 0xD0E5;   ///< 102 % [V]
inline constexpr std::uint16_t ea_protection_max = 0xE147;  ///< 110 % [V]
inline constexpr std::uint16_t ea_nominal = 0xCCCC;

struct EaSettingTraits {
  EaQuantity quantity;
  std::uint16_t address;  ///< Modbus register; 0 = reachable by SCPI alone
  std::uint16_t raw_default;
  std::uint16_t raw_max;
  std::optional<EaSetting> lower;  ///< settings that bound this one
  std::optional<EaSetting> upper;
};

/// Defaults are unverified where the reference is silent: set values 0 (power and resistance 100 %), protections 110 %,
/// limits as wide as they go.
const EaSettingTraits& traits_of(EaSetting setting);

/// The setting behind a holding register, if there is one.
std::optional<EaSetting> setting_at(std::uint16_t address);

/// What happens when a supervision event (UVD, OVD, UCD, OCD, OPD) occurs: only ALARM turns the output off.
enum class EaEventAction : std::uint8_t { none, signal, warning, alarm };
inline constexpr std::size_t ea_event_count = 5;  ///< in the order of EaSetting, from under_voltage_detection on

enum class EaControllerSpeed : std::uint8_t { slow, normal, fast };

/// All that a client can set. Copied as a whole to model a read-back that lags behind a write.
struct EaSettings {
  std::array<std::uint16_t, ea_setting_count> raw;
  std::array<EaEventAction, ea_event_count> event_action{};
  bool remote = false;
  bool resistance_mode = false;           ///< UIR instead of UIP
  bool output_stays_after_remote = true;  ///< POW:STAG:AFT:REM AUTO; the default is unverified, the dangerous one is assumed
  bool output_restored_after_power_on = false;  ///< SYST:CONF:OUTP:REST; kept and reported only
  EaControllerSpeed speed = EaControllerSpeed::normal;
  bool monitor_active = false;  ///< SYST:COMM:MON:ACT, the communication watchdog
  double monitor_time_s = 5.0;  ///< SYST:COMM:MON:TIME 1..36000; the default is unverified

  EaSettings();
};

/// Bits of the questionable condition register [V]; alarms are kept in this form.
namespace ea_questionable {
inline constexpr std::uint16_t over_voltage = 1U << 0U;
inline constexpr std::uint16_t over_current = 1U << 1U;
inline constexpr std::uint16_t over_power = 1U << 2U;
inline constexpr std::uint16_t over_temperature = 1U << 3U;
inline constexpr std::uint16_t over_voltage_detection = 1U << 4U;
inline constexpr std::uint16_t under_voltage_detection = 1U << 5U;
inline constexpr std::uint16_t over_current_detection = 1U << 6U;
inline constexpr std::uint16_t under_current_detection = 1U << 7U;
inline constexpr std::uint16_t over_power_detection = 1U << 8U;
inline constexpr std::uint16_t remote = 1U << 10U;
inline constexpr std::uint16_t output_on = 1U << 11U;
inline constexpr std::uint16_t power_fail = 1U << 13U;
}  // namespace ea_questionable

}  // namespace cellrig::sim
