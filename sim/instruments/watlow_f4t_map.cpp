// Data map 1 of the F4T: which register is what (instruments reference 4.2, 4.3).
#include <algorithm>
#include <bit>
#include <cmath>

#include "sim/instruments/watlow_f4t.hpp"

namespace cellrig::sim {
namespace {

constexpr std::uint16_t part_number_first = 16;
constexpr std::uint16_t part_number_size = 15;
constexpr std::uint16_t device_name_first = 46;
constexpr std::uint16_t device_name_size = 20;  // unverified
constexpr std::uint16_t status_ok = 138;
constexpr std::uint16_t profile_terminated = 148;  // what the profile state reads when none ever ran is unverified
constexpr std::uint16_t setpoint_low_register = 2774;
constexpr std::uint16_t setpoint_high_register = 2776;
constexpr std::uint16_t setpoint_register = 2782;

constexpr std::array<std::uint16_t, 8> event_registers{16594, 16596, 16598, 16600, 16822, 16824, 16826, 16828};

std::uint32_t pattern_of(double value) { return std::bit_cast<std::uint32_t>(static_cast<float>(value)); }

/// One character per register [V].
std::uint16_t character(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : std::uint16_t{0};
}

}  // namespace

std::optional<WatlowF4t::Enumeration> WatlowF4t::enumeration_at(std::uint16_t address) {
  for (std::size_t i = 0; i < event_registers.size(); ++i) {
    if (address == event_registers[i]) return Enumeration{&settings_.events[i], {62, 63}};
  }
  if (address >= 14664 && address <= 14674 && address % 2 == 0) return Enumeration{&settings_.clock[(address - 14664U) / 2], {}};
  switch (address) {
    case 94: return Enumeration{&settings_.line_frequency, {3, 4}};
    case 1328: return Enumeration{&settings_.display_units, {30, 15}};
    case 6730: return Enumeration{&settings_.communication_units, {30, 15}};
    case 2730: return Enumeration{&settings_.control_mode, {62, 10, 54}};
    case 2794: return Enumeration{&settings_.ramp_action, {62, 88, 85, 13}};
    case 2796: return Enumeration{&settings_.ramp_scale, {57, 39}};
    default: break;
  }
  if (address < 1330 || address >= 1330 + 100 * alarm_count) return std::nullopt;
  Alarm& alarm = settings_.alarms[(address - 1330U) / 100];
  switch ((address - 1330U) % 100) {
    case 0: return Enumeration{&alarm.type, {76, 24, 62}};
    case 2: return Enumeration{&alarm.sides, {13, 37, 53}};
    case 10: return Enumeration{&alarm.silencing, {59, 106}};
    case 12: return Enumeration{&alarm.latching, {49, 60}};
    default: return std::nullopt;
  }
}

std::optional<WatlowF4t::Float> WatlowF4t::float_at(std::uint16_t address) {
  switch (address) {
    case setpoint_low_register: return Float{&settings_.setpoint_low_degC, Float::Scale::temperature};
    case setpoint_high_register: return Float{&settings_.setpoint_high_degC, Float::Scale::temperature};
    case setpoint_register: return Float{&settings_.setpoint_degC, Float::Scale::temperature};
    case 2784: return Float{&settings_.manual_power_percent, Float::Scale::plain};
    case 2798: return Float{&settings_.ramp_rate_K, Float::Scale::difference};
    default: break;
  }
  if (address < 1330 || address >= 1330 + 100 * alarm_count) return std::nullopt;
  Alarm& alarm = settings_.alarms[(address - 1330U) / 100];
  const auto scale = alarm.type == 24 ? Float::Scale::difference : Float::Scale::temperature;
  switch ((address - 1330U) % 100) {
    case 4: return Float{&alarm.high_degC, scale};
    case 6: return Float{&alarm.low_degC, scale};
    case 8: return Float{&alarm.hysteresis_K, Float::Scale::difference};
    default: return std::nullopt;
  }
}

std::optional<std::uint32_t> WatlowF4t::measured_at(std::uint16_t address) {
  switch (address) {
    case 90: return status_ok;
    case 2808: return pattern_of(output_power());
    case 2810: return pattern_of(to_wire(working_degC_, Float::Scale::temperature));
    case 2814: return settings_.control_mode;
    case 2820:
    case 27586:  // the chamber's analog input on TestEquity builds [V]
      return pattern_of(to_wire(process_value(), Float::Scale::temperature));
    case 16568: return profile_terminated;
    default: break;
  }
  if (address >= 1330 && address < 1330 + 100 * alarm_count && (address - 1330) % 100 == 26) {
    return settings_.alarms[(address - 1330U) / 100].state;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> WatlowF4t::identity_at(std::uint16_t address) const {
  switch (address) {
    case 0: return config_.hardware_id;
    case 4: return config_.software_release[0];
    case 6: return config_.software_release[1];
    case 8: return config_.software_release[2];
    case 12: return config_.serial_number;
    case 14: return 0U;  // date of manufacture: its coding is not in the reference
    default: return std::nullopt;
  }
}

std::optional<std::uint16_t> WatlowF4t::text_at(std::uint16_t address) const {
  if (address >= part_number_first && address < part_number_first + part_number_size) {
    return character(faults_.identity ? *faults_.identity : config_.part_number, address - part_number_first);
  }
  if (address >= device_name_first && address < device_name_first + device_name_size) {
    return character(config_.device_name, address - device_name_first);
  }
  return std::nullopt;
}

/// Every parameter begins on an even register and takes two; a 16-bit one uses the first alone [V].
std::optional<std::uint32_t> WatlowF4t::parameter_at(std::uint16_t address) {
  if (const auto measured = measured_at(address)) return measured;
  if (const auto where = float_at(address)) return pattern_of(to_wire(*where->target, where->scale));
  if (const auto where = enumeration_at(address)) return *where->target;
  return identity_at(address);
}

ModbusStatus WatlowF4t::read_registers(TimePoint, std::uint16_t address, std::span<std::uint16_t> values) {
  std::optional<std::uint32_t> parameter;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto at = static_cast<std::uint16_t>(address + i);
    if (const auto text = text_at(at)) {
      values[i] = *text;
      continue;
    }
    const bool second = at % 2 != 0;
    if (!second || i == 0) parameter = parameter_at(static_cast<std::uint16_t>(at - (second ? 1 : 0)));
    if (!parameter) return ModbusStatus::illegal_address;
    values[i] = static_cast<std::uint16_t>(second ? *parameter >> 16U : *parameter & 0xFFFFU);
  }
  return ModbusStatus::ok;
}

/// First everything is checked, then everything is written: a refused request changes nothing (unverified).
ModbusStatus WatlowF4t::write_registers(TimePoint now, std::uint16_t address, std::span<const std::uint16_t> values) {
  for (const bool commit : {false, true}) {
    if (commit && faults_.local_control) return ModbusStatus::ok;  // F20: confirmed and ignored
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto at = static_cast<std::uint16_t>(address + i);
      const bool second = at % 2 != 0;
      const auto base = static_cast<std::uint16_t>(at - (second ? 1 : 0));
      if (text_at(at)) {
        if (at < device_name_first) return ModbusStatus::illegal_address;
        if (!commit) continue;
        config_.device_name.resize(device_name_size, '\0');
        config_.device_name[at - device_name_first] = static_cast<char>(values[i] & 0xFFU);
        continue;
      }
      const bool is_float = float_at(base).has_value();
      if (second || (is_float && i + 1 == values.size())) {
        if (!parameter_at(base)) return ModbusStatus::illegal_address;
        continue;  // the other half of a value, or half of a 32-bit value alone: ignored [R]
      }
      const std::uint32_t value = is_float ? values[i] | std::uint32_t{values[i + 1]} << 16U : values[i];
      const ModbusStatus status = write_parameter(base, value, commit);
      if (status != ModbusStatus::ok) return status;
    }
  }
  apply(now);
  judge_alarms();
  return ModbusStatus::ok;
}

/// Writing what can only be read is answered with 2; the real code is unverified.
ModbusStatus WatlowF4t::write_parameter(std::uint16_t address, std::uint32_t value, bool commit) {
  if (address == 16564 || address == 16566) return ModbusStatus::ok;  // pause, resume, terminate: no profile runs
  if (const auto where = float_at(address)) return write_float(address, *where, value, commit);
  const auto where = enumeration_at(address);
  if (!where) return ModbusStatus::illegal_address;
  const auto number = static_cast<std::uint16_t>(value);
  const bool free_choice = where->allowed[0] == 0;
  if (!free_choice && (number == 0 || std::find(where->allowed.begin(), where->allowed.end(), number) == where->allowed.end())) {
    return ModbusStatus::illegal_value;  // 3 for a bad value [R]
  }
  if (commit && !is_ignored_off(where->target, number)) *where->target = number;
  return ModbusStatus::ok;
}

/// F27: switching the chamber off is confirmed and does nothing.
bool WatlowF4t::is_ignored_off(const std::uint16_t* target, std::uint16_t value) const {
  if (!faults_.ignore_off || value != 62) return false;
  const bool is_event = target >= settings_.events.data() && target < settings_.events.data() + settings_.events.size();
  return is_event || target == &settings_.control_mode;
}

ModbusStatus WatlowF4t::write_float(std::uint16_t address, const Float& where, std::uint32_t value, bool commit) {
  const double number = from_wire(static_cast<double>(std::bit_cast<float>(value)), where.scale);
  if (!std::isfinite(number)) return ModbusStatus::illegal_value;
  // A float can't carry every decimal limit: a set point that equals its limit on the wire is inside.
  constexpr double tolerance_K = 1e-4;
  const bool too_low = number < settings_.setpoint_low_degC - tolerance_K;
  const bool too_high = number > settings_.setpoint_high_degC + tolerance_K;
  if (address == setpoint_register && (too_low || too_high)) return ModbusStatus::illegal_value;
  if (address == setpoint_low_register && number > settings_.setpoint_high_degC) return ModbusStatus::illegal_value;
  if (address == setpoint_high_register && number < settings_.setpoint_low_degC) return ModbusStatus::illegal_value;
  if (address == 2784 && std::fabs(number) > 100.0) return ModbusStatus::illegal_value;
  if (address == 2798 && number < 0) return ModbusStatus::illegal_value;
  if (!commit) return ModbusStatus::ok;
  *where.target = number;
  // A set point outside new limits is moved onto the nearer one (unverified).
  settings_.setpoint_degC = std::clamp(settings_.setpoint_degC, settings_.setpoint_low_degC, settings_.setpoint_high_degC);
  const bool ramps = settings_.ramp_action == 85 || settings_.ramp_action == 13;
  if (where.target == &settings_.setpoint_degC && !ramps) working_degC_ = settings_.setpoint_degC;
  return ModbusStatus::ok;
}

}  // namespace cellrig::sim
