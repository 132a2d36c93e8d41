#include "drivers/instruments/ea_psb_plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "controller/base/overloaded.hpp"
#include "drivers/instruments/setpoint_check.hpp"

namespace cellrig::ea_psb {
namespace {

using modbus::PercentScale;
using modbus::Rounding;

struct Scales {
  PercentScale voltage, current, power, resistance;
};

Scales scales_of(const EaPsbModel& model) {
  return Scales{.voltage = {.nominal = model.nominal_voltage.value(), .full_scale = raw_full_scale},
                .current = {.nominal = model.nominal_current.value(), .full_scale = raw_full_scale},
                .power = {.nominal = model.nominal_power.value(), .full_scale = raw_full_scale},
                .resistance = {.nominal = model.nominal_resistance.value(), .full_scale = raw_full_scale}};
}

bool bit(std::uint32_t word, unsigned number) { return ((word >> number) & 1U) != 0; }

std::string_view alarm_cause_of(std::uint32_t word) {
  if (bit(word, 16)) return "over-voltage";
  if (bit(word, 17)) return "over-current";
  if (bit(word, 18)) return "over-power";
  if (bit(word, 19)) return "over-temperature";
  if (bit(word, 21) || bit(word, 22) || bit(word, 23)) return "power fail";
  return bit(word, 15) ? "a supervision event or another alarm" : "";
}

/// The largest count not above `value`, and never above what the register takes.
std::uint16_t bounded_down(const PercentScale& scale, double value, std::uint16_t raw_max) {
  return scale.to_raw(value, Rounding::down, raw_max).value_or(raw_max);
}

/// A set value to the nearest count, inside the limits that were armed. nullopt: nothing of it is left, or too large.
std::optional<std::uint16_t> set_value(const PercentScale& scale, double value, std::uint16_t limit) {
  const std::optional<std::uint16_t> raw = scale.to_raw(value, Rounding::nearest, raw_set_max);
  if (!raw) return std::nullopt;
  return std::min(*raw, limit);
}

Error refused(const char* what) { return fail(Fault::refused, what); }

}  // namespace

State decode_state(std::span<const std::uint16_t, 5> registers) {
  const std::uint32_t word = modbus::unpack_u32(registers.first<2>(), modbus::WordOrder::abcd);
  State state;
  state.output_on = bit(word, 7);
  state.remote = bit(word, 11);
  state.sinking = bit(word, 12);
  state.alarm_cause = alarm_cause_of(word);
  state.alarm = !state.alarm_cause.empty();
  constexpr std::array<Regulation, 4> regulations{Regulation::constant_voltage, Regulation::constant_resistance,
                                                  Regulation::constant_current, Regulation::constant_power};
  state.regulation = state.output_on ? regulations[(word >> 9U) & 3U] : Regulation::off;
  state.voltage_raw = registers[2];
  state.current_raw = registers[3];
  return state;
}

Result<ProtectionPlan> plan_protections(const Protections& protections, const EaPsbModel& model) {
  if (const Result<void> sane = check_protections(protections, model.capabilities); !sane) return sane.error();
  const Scales scales = scales_of(model);
  ProtectionPlan plan;
  const double over_voltage = protections.over_voltage.value();
  const double current_max = std::max(protections.charge_current_max, protections.discharge_current_max).value();
  plan.over_voltage = bounded_down(scales.voltage, over_voltage, raw_protection_max);
  plan.over_current = bounded_down(scales.current, protections.charge_current_max.value(), raw_protection_max);
  plan.over_power = bounded_down(scales.power, over_voltage * current_max, raw_protection_max);
  plan.voltage_max = bounded_down(scales.voltage, over_voltage, raw_set_max);
  plan.source_current_max = bounded_down(scales.current, protections.charge_current_max.value(), raw_set_max);
  plan.sink_current_max = bounded_down(scales.current, protections.discharge_current_max.value(), raw_set_max);
  const auto voltage_min = scales.voltage.to_raw(protections.under_voltage.value(), Rounding::up, plan.voltage_max);
  if (!voltage_min) return refused("the under-voltage protection is above the over-voltage protection");
  plan.voltage_min = *voltage_min;
  plan.under_voltage_V = rounded_up(protections.under_voltage.value(), 0.001);
  const double sink_max = model.nominal_current.value() * raw_protection_max / raw_full_scale;
  const double sink_current = std::min(protections.discharge_current_max.value(), sink_max);
  plan.sink_over_current_A = rounded_down(sink_current, 0.001);
  const Result<int> watchdog_s = whole_seconds(protections.watchdog_delay);
  if (!watchdog_s) return watchdog_s.error();
  plan.watchdog_s = *watchdog_s;
  return plan;
}

std::vector<RegisterValue> registers_of(const ProtectionPlan& plan, const EaPsbRegisters& registers) {
  const auto next = [](std::uint16_t address) { return static_cast<std::uint16_t>(address + 1); };
  return {{registers.over_voltage, plan.over_voltage},
          {registers.over_current, plan.over_current},
          {registers.over_power, plan.over_power},
          {registers.voltage_limits, plan.voltage_max},
          {next(registers.voltage_limits), plan.voltage_min},
          {registers.source_current_limits, plan.source_current_max},
          {next(registers.source_current_limits), 0},
          {registers.power_limits, raw_set_max},
          {next(registers.power_limits), raw_set_max},
          {registers.sink_current_limits, plan.sink_current_max},
          {next(registers.sink_current_limits), 0}};
}

std::uint16_t raw_of(const Settings& settings, SetValue which) {
  switch (which) {
    case sink_power: return settings.sink_power;
    case sink_current: return settings.sink_current;
    case voltage: return settings.voltage;
    case source_current: return settings.source_current;
    case source_power: return settings.source_power;
    case source_resistance:
    case sink_resistance: break;
  }
  return 0;
}

Result<Settings> plan_setpoint(const Setpoint& setpoint, const EaPsbModel& model, const Protections& armed) {
  if (const Result<void> sane = check_setpoint(setpoint, model.capabilities, armed); !sane) return sane.error();
  const Result<ProtectionPlan> limits = plan_protections(armed, model);
  if (!limits) return limits.error();
  const Scales scales = scales_of(model);
  const SetpointBounds bounds = bounds_of(setpoint);
  const auto power_max = static_cast<std::uint16_t>(raw_full_scale);
  const bool discharges = bounds.charge_current_max == Amps{0.0};

  Settings settings{.sink_power = power_max, .source_power = power_max, .sink_resistance = std::nullopt, .current_max = {}};
  const auto voltage = set_value(scales.voltage, regulated_voltage(bounds).value(), limits->voltage_max);
  const auto source = set_value(scales.current, bounds.charge_current_max.value(), limits->source_current_max);
  const auto sink = set_value(scales.current, bounds.discharge_current_max.value(), limits->sink_current_max);
  if (!voltage || !source || !sink) return refused("the set-point is beyond what the instrument's registers hold");
  if (*source == 0 && *sink == 0) return refused("the current of the set-point is below the instrument's resolution");
  settings.voltage = std::max(*voltage, limits->voltage_min);
  settings.source_current = *source;
  settings.sink_current = *sink;
  settings.current_max = std::max(bounds.charge_current_max, bounds.discharge_current_max);

  if (const auto* power = std::get_if<ConstantPower>(&setpoint)) {
    const auto raw = set_value(scales.power, abs(power->power).value(), power_max);
    if (!raw || *raw == 0) return refused("the power of the set-point is below the instrument's resolution");
    (discharges ? settings.sink_power : settings.source_power) = *raw;
  }
  if (const auto* resistance = std::get_if<ConstantResistance>(&setpoint)) {
    if (!(resistance->resistance >= model.resistance_min)) return refused("the resistance is below the instrument's least");
    settings.sink_resistance = scales.resistance.to_raw(resistance->resistance.value(), Rounding::nearest, power_max);
    if (!settings.sink_resistance) return refused("the resistance is above the instrument's greatest");
  }
  return settings;
}

}  // namespace cellrig::ea_psb
