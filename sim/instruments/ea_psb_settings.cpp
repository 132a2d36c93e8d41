#include "sim/instruments/ea_psb_settings.hpp"

namespace cellrig::sim {
namespace {

using enum EaSetting;
constexpr auto none = std::nullopt;

constexpr std::array<EaSettingTraits, ea_setting_count> settings_table{{
    {EaQuantity::power, 498, ea_nominal, ea_set_value_max, none, sink_power_limit_max},
    {EaQuantity::current, 499, 0, ea_set_value_max, sink_current_limit_min, sink_current_limit_max},
    {EaQuantity::voltage, 500, 0, ea_set_value_max, voltage_limit_min, voltage_limit_max},
    {EaQuantity::current, 501, 0, ea_set_value_max, source_current_limit_min, source_current_limit_max},
    {EaQuantity::power, 502, ea_nominal, ea_set_value_max, none, source_power_limit_max},
    {EaQuantity::resistance, 503, ea_nominal, ea_set_value_max, none, source_resistance_limit_max},
    {EaQuantity::resistance, 504, ea_nominal, ea_set_value_max, none, sink_resistance_limit_max},
    {EaQuantity::voltage, 550, ea_protection_max, ea_protection_max, none, none},
    {EaQuantity::current, 553, ea_protection_max, ea_protection_max, none, none},
    {EaQuantity::power, 556, ea_protection_max, ea_protection_max, none, none},
    {EaQuantity::current, 0, ea_protection_max, ea_protection_max, none, none},
    {EaQuantity::power, 0, ea_protection_max, ea_protection_max, none, none},
    {EaQuantity::voltage, 9000, ea_set_value_max, ea_set_value_max, voltage_limit_min, none},
    {EaQuantity::voltage, 9001, 0, ea_set_value_max, none, voltage_limit_max},
    {EaQuantity::current, 9002, ea_set_value_max, ea_set_value_max, source_current_limit_min, none},
    {EaQuantity::current, 9003, 0, ea_set_value_max, none, source_current_limit_max},
    {EaQuantity::power, 9004, ea_set_value_max, ea_set_value_max, none, none},
    {EaQuantity::power, 9005, ea_set_value_max, ea_set_value_max, none, none},
    {EaQuantity::current, 9008, ea_set_value_max, ea_set_value_max, sink_current_limit_min, none},
    {EaQuantity::current, 9009, 0, ea_set_value_max, none, sink_current_limit_max},
    {EaQuantity::resistance, 0, ea_set_value_max, ea_set_value_max, none, none},
    {EaQuantity::resistance, 0, ea_set_value_max, ea_set_value_max, none, none},
    {EaQuantity::voltage, 0, 0, ea_protection_max, none, none},
    {EaQuantity::voltage, 0, ea_protection_max, ea_protection_max, none, none},
    {EaQuantity::current, 0, 0, ea_protection_max, none, none},
    {EaQuantity::current, 0, ea_protection_max, ea_protection_max, none, none},
    {EaQuantity::power, 0, ea_protection_max, ea_protection_max, none, none},
}};

}  // namespace

const EaSettingTraits& traits_of(EaSetting setting) { return settings_table[index_of(setting)]; }

std::optional<EaSetting> setting_at(std::uint16_t address) {
  if (address == 0) return std::nullopt;
  if (address >= 498 && address <= 504) return static_cast<EaSetting>(address - 498);
  for (std::size_t i = 0; i < ea_setting_count; ++i) {
    if (settings_table[i].address == address) return static_cast<EaSetting>(i);
  }
  return std::nullopt;
}

EaSettings::EaSettings() {
  for (std::size_t i = 0; i < ea_setting_count; ++i) raw[i] = settings_table[i].raw_default;
}

}  // namespace cellrig::sim
