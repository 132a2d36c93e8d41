// Data map 1 of the F4T: which register is what (instruments reference 4.2, 4.3).
#include <algorithm>
#include <cmath>

#include "sim/instruments/watlow_f4t.hpp"

namespace cellrig::sim {
namespace {

constexpr std::uint16_t device_name_size = 20;  // unverified
constexpr std::uint16_t status_ok = 138;
constexpr std::uint16_t profile_terminated = 148;  // what the profile state reads when none ever ran is unverified
constexpr std::uint16_t off = 62;
constexpr std::uint16_t deviation_alarm = 24;
constexpr std::array<std::uint16_t, 8> event_registers{16594, 16596, 16598, 16600, 16822, 16824, 16826, 16828};

enum Id : std::uint16_t {
  hardware_id,
  software_release,  // three of them
  serial_number = software_release + 3,
  manufacture_date,
  part_number,
  device_name,
  device_status,
  line_frequency,
  display_units,
  units_over_tcp,
  units_over_rtu,
  control_mode,
  setpoint_low,
  setpoint_high,
  setpoint,
  manual_power,
  ramp_action,
  ramp_scale,
  ramp_rate,
  output_power_now,
  working_setpoint,
  active_mode,
  process_value_now,
  profile_state,
  profile_command,
  event_first,                    // eight of them
  clock_first = event_first + 8,  // six of them
  alarm_first = clock_first + 6,  // eight settings for each of four alarms
};
enum AlarmId : std::uint16_t { type, sides, high, low, hysteresis, silencing, is_latching, state, alarm_id_count };

/// Every parameter begins on an even register and takes two; a 16-bit one uses the first alone [V].
TableEntry word(std::uint16_t address, std::uint16_t id, EntryAccess access = EntryAccess::read_only) {
  return {.address = address, .type = EntryType::word, .access = access, .id = id, .size = 2};
}
TableEntry choice(std::uint16_t address, std::uint16_t id, std::array<std::uint16_t, 4> allowed) {
  TableEntry entry = word(address, id, EntryAccess::read_write);
  entry.allowed = allowed;
  entry.is_enumeration = true;
  return entry;
}
TableEntry number(std::uint16_t address, std::uint16_t id, EntryAccess access = EntryAccess::read_write) {
  return {.address = address, .type = EntryType::float32, .access = access, .id = id};
}
TableEntry characters(std::uint16_t address, std::uint16_t id, std::uint16_t size, EntryAccess access) {
  return {.address = address, .type = EntryType::text, .access = access, .id = id, .size = size};
}

void add_alarms(std::vector<TableEntry>& table, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::uint16_t>(1330 + 100 * i);
    const auto id = static_cast<std::uint16_t>(alarm_first + alarm_id_count * i);
    const auto plus = [](std::uint16_t base, std::uint16_t by) { return static_cast<std::uint16_t>(base + by); };
    table.push_back(choice(at, plus(id, type), {76, 24, 62}));
    table.push_back(choice(plus(at, 2), plus(id, sides), {13, 37, 53}));
    table.push_back(number(plus(at, 4), plus(id, high)));
    table.push_back(number(plus(at, 6), plus(id, low)));
    table.push_back(number(plus(at, 8), plus(id, hysteresis)));
    table.push_back(choice(plus(at, 10), plus(id, silencing), {59, 106}));
    table.push_back(choice(plus(at, 12), plus(id, is_latching), {49, 60}));
    table.push_back(word(plus(at, 26), plus(id, state)));
  }
}

}  // namespace

std::vector<TableEntry> WatlowF4t::table() {
  using enum EntryAccess;
  std::vector<TableEntry> table{
      word(0, hardware_id),
      word(4, software_release),
      word(6, software_release + 1),
      word(8, software_release + 2),
      {.address = 12, .type = EntryType::word32, .id = serial_number},
      word(14, manufacture_date),
      characters(16, part_number, 15, read_only),
      characters(46, device_name, device_name_size, read_write),
      word(90, device_status),
      choice(94, line_frequency, {3, 4}),
      choice(1328, display_units, {30, 15}),
      choice(6730, units_over_tcp, {30, 15}),
      choice(14080, units_over_rtu, {30, 15}),
      choice(2730, control_mode, {62, 10, 54}),
      number(2774, setpoint_low),
      number(2776, setpoint_high),
      number(2782, setpoint),
      number(2784, manual_power),
      choice(2794, ramp_action, {62, 88, 85, 13}),
      choice(2796, ramp_scale, {57, 39}),
      number(2798, ramp_rate),
      number(2808, output_power_now, read_only),
      number(2810, working_setpoint, read_only),
      word(2814, active_mode),
      number(2820, process_value_now, read_only),
      number(27586, process_value_now, read_only),  // the chamber's analog input on TestEquity builds [V]
      word(16564, profile_command, write_only),     // pause, resume, terminate: no profile runs
      word(16566, profile_command, write_only),
      word(16568, profile_state),
  };
  for (std::size_t i = 0; i < event_registers.size(); ++i) {
    table.push_back(choice(event_registers[i], static_cast<std::uint16_t>(event_first + i), {62, 63}));
  }
  for (std::uint16_t i = 0; i < 6; ++i) {
    table.push_back(word(static_cast<std::uint16_t>(14664 + 2 * i), static_cast<std::uint16_t>(clock_first + i), read_write));
  }
  add_alarms(table, alarm_count);
  return table;
}

std::uint16_t* WatlowF4t::setting_of(std::uint16_t id) {
  if (id >= alarm_first) {
    Alarm& alarm = settings_.alarms[static_cast<std::size_t>(id - alarm_first) / alarm_id_count];
    switch ((id - alarm_first) % alarm_id_count) {
      case type: return &alarm.type;
      case sides: return &alarm.sides;
      case silencing: return &alarm.silencing;
      case is_latching: return &alarm.latching;
      default: return nullptr;
    }
  }
  if (id >= clock_first) return &settings_.clock[static_cast<std::size_t>(id - clock_first)];
  if (id >= event_first) return &settings_.events[static_cast<std::size_t>(id - event_first)];
  switch (id) {
    case line_frequency: return &settings_.line_frequency;
    case display_units: return &settings_.display_units;
    case units_over_tcp: return &settings_.units_over_tcp;
    case units_over_rtu: return &settings_.units_over_rtu;
    case control_mode: return &settings_.control_mode;
    case ramp_action: return &settings_.ramp_action;
    case ramp_scale: return &settings_.ramp_scale;
    default: return nullptr;
  }
}

std::optional<WatlowF4t::Float> WatlowF4t::float_of(std::uint16_t id) {
  if (id >= alarm_first) {
    Alarm& alarm = settings_.alarms[static_cast<std::size_t>(id - alarm_first) / alarm_id_count];
    const auto scale = alarm.type == deviation_alarm ? Float::Scale::difference : Float::Scale::temperature;
    switch ((id - alarm_first) % alarm_id_count) {
      case high: return Float{&alarm.high_degC, scale};
      case low: return Float{&alarm.low_degC, scale};
      case hysteresis: return Float{&alarm.hysteresis_K, Float::Scale::difference};
      default: return std::nullopt;
    }
  }
  switch (id) {
    case setpoint_low: return Float{&settings_.setpoint_low_degC, Float::Scale::temperature};
    case setpoint_high: return Float{&settings_.setpoint_high_degC, Float::Scale::temperature};
    case setpoint: return Float{&settings_.setpoint_degC, Float::Scale::temperature};
    case manual_power: return Float{&settings_.manual_power_percent, Float::Scale::plain};
    case ramp_rate: return Float{&settings_.ramp_rate_K, Float::Scale::difference};
    default: return std::nullopt;
  }
}

double WatlowF4t::value_of(const TableEntry& entry) {
  if (const auto where = float_of(entry.id)) return to_wire(*where->target, where->scale);
  if (const std::uint16_t* const setting = setting_of(entry.id)) return *setting;
  if (entry.id >= alarm_first) {
    look();
    const std::size_t alarm = static_cast<std::size_t>(entry.id - alarm_first) / alarm_id_count;
    return settings_.alarms[alarm].state;
  }
  switch (entry.id) {
    case hardware_id: return config_.hardware_id;
    case software_release:
    case software_release + 1:
    case software_release + 2: return config_.software_release[static_cast<std::size_t>(entry.id - software_release)];
    case serial_number: return config_.serial_number;
    case device_status: return status_ok;
    case output_power_now: look(); return output_power();
    case working_setpoint: return to_wire(working_degC_, Float::Scale::temperature);
    case active_mode: return settings_.control_mode;
    case process_value_now: look(); return to_wire(process_value(), Float::Scale::temperature);
    case profile_state: return profile_terminated;
    default: return 0.0;  // date of manufacture: its coding is not in the reference
  }
}

std::string WatlowF4t::text_of(const TableEntry& entry) const {
  if (entry.id == part_number) return faults_.identity ? *faults_.identity : config_.part_number;
  return config_.device_name;
}

void WatlowF4t::store_character(const TableEntry&, std::size_t at, char character) {
  config_.device_name.resize(device_name_size, '\0');
  config_.device_name[at] = character;
}

/// 3 for a bad value [R].
ModbusStatus WatlowF4t::check(const TableEntry& entry, double value) {
  const auto where = float_of(entry.id);
  if (!where) return ModbusStatus::ok;
  const double number = from_wire(value, where->scale);
  if (!std::isfinite(number)) return ModbusStatus::illegal_value;
  // A float can't carry every decimal limit: a set point that equals its limit on the wire is inside.
  constexpr double tolerance_K = 1e-4;
  const bool too_low = number < settings_.setpoint_low_degC - tolerance_K;
  const bool too_high = number > settings_.setpoint_high_degC + tolerance_K;
  bool is_right = true;
  switch (entry.id) {
    case setpoint: is_right = !too_low && !too_high; break;
    case setpoint_low: is_right = number <= settings_.setpoint_high_degC; break;
    case setpoint_high: is_right = number >= settings_.setpoint_low_degC; break;
    case manual_power: is_right = std::fabs(number) <= 100.0; break;
    case ramp_rate: is_right = number >= 0; break;
    default: break;
  }
  return is_right ? ModbusStatus::ok : ModbusStatus::illegal_value;
}

void WatlowF4t::store(const TableEntry& entry, double value) {
  if (const auto where = float_of(entry.id)) {
    store_float(entry.id, *where, from_wire(value, where->scale));
    return;
  }
  std::uint16_t* const setting = setting_of(entry.id);
  const auto number = static_cast<std::uint16_t>(value);
  if (setting == nullptr || is_ignored_off(entry.id, number)) return;
  *setting = number;
}

/// F27: switching the chamber off is confirmed and does nothing.
bool WatlowF4t::is_ignored_off(std::uint16_t id, std::uint16_t value) const {
  const bool is_event = id >= event_first && id < clock_first;
  return faults_.ignore_off && value == off && (is_event || id == control_mode);
}

void WatlowF4t::store_float(std::uint16_t id, const Float& where, double number) {
  *where.target = number;
  // A set point outside new limits is moved onto the nearer one (unverified).
  settings_.setpoint_degC = std::clamp(settings_.setpoint_degC, settings_.setpoint_low_degC, settings_.setpoint_high_degC);
  const bool ramps = settings_.ramp_action == 85 || settings_.ramp_action == 13;
  if (id == setpoint && !ramps) working_degC_ = settings_.setpoint_degC;
}

}  // namespace cellrig::sim
