#include "sim/instruments/binder_mb1.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace cellrig::sim {
namespace {

constexpr std::uint16_t mode_idle = 0;
constexpr std::uint16_t mode_basic = 0x1000;
constexpr std::uint16_t mode_manual = 0x0800;
constexpr std::uint16_t mode_program = 0x0400;
constexpr double humidity_shown_percent = 50.0;  // a chamber of this make without humidity still has the register

enum Id : std::uint16_t {
  temperature,
  humidity,
  temperature_in_force,
  humidity_in_force,
  set_at_1581,
  set_at_156f,
  humidity_at_1583,
  humidity_at_1571,
  mode,
  program,
  operation_lines,
  door,
  over_temperature,
  alarm_text,
  alarm_pending,
  note_pending,
};

std::vector<TableEntry> data_map() {
  using enum EntryAccess;
  using enum EntryType;
  return {
      {.address = 0x1007, .type = word, .id = door},  // bit 0, found out by others [V]
      {.address = 0x1077, .type = float32, .id = temperature_in_force},
      {.address = 0x1079, .type = float32, .id = humidity_in_force},
      {.address = 0x10BD, .type = word, .id = over_temperature},
      {.address = 0x11A9, .type = float32, .id = temperature},
      {.address = 0x11CD, .type = float32, .id = humidity},
      {.address = 0x1228, .type = text, .id = alarm_text, .size = 20},
      {.address = 0x123D, .type = word, .id = alarm_pending},
      {.address = 0x123E, .type = word, .id = note_pending},
      {.address = 0x156F, .type = float32, .access = read_write, .id = set_at_156f},
      {.address = 0x1571, .type = float32, .access = read_write, .id = humidity_at_1571},
      {.address = 0x1581, .type = float32, .access = read_write, .id = set_at_1581},
      {.address = 0x1583, .type = float32, .access = read_write, .id = humidity_at_1583},
      {.address = 0x158B, .type = word, .access = read_write, .id = operation_lines},
      {.address = 0x1A22,
       .type = word,
       .access = read_write,
       .id = mode,
       .allowed = {mode_idle, mode_basic, mode_manual, mode_program},
       .is_enumeration = true},
      {.address = 0x1A23, .type = word, .access = read_write, .id = program},
  };
}

/// What half a value does is unverified: a bad value.
constexpr TableHabits habits{.on_write_to_read_only = ModbusStatus::write_denied, .ignores_half_values = false};

}  // namespace

QuantityAccuracy accuracy_of(const BinderMb1Config&) { return with_accuracy({.offset = 0.5, .noise = 0.01}); }

BinderMb1::BinderMb1(BinderMb1Config config, ChamberAir& chamber, std::function<void(TimePoint)> advance_world)
    : TableDevice{data_map(), habits},
      config_{config},
      chamber_{chamber},
      advance_world_{std::move(advance_world)},
      noise_{config_.noise_seed},
      settings_{defaults()} {
  apply(chamber_.now());
}

BinderMb1::Settings BinderMb1::defaults() const {
  Settings settings;
  settings.manual_degC = config_.setpoint_degC;
  settings.basic_degC = config_.setpoint_degC;
  return settings;
}

void BinderMb1::reboot(TimePoint now) {
  advance_world_(now);
  settings_ = defaults();
  alarm_ = Alarm::none;
  apply(now);
}

void BinderMb1::advance(TimePoint to) {
  advance_world_(to);
  judge_alarms(to);
}

void BinderMb1::set_door(TimePoint now, bool is_open) {
  advance(now);
  door_is_open_ = is_open;
  apply(now);
}

void BinderMb1::reset_alarms(TimePoint now) {
  advance_world_(now);
  alarm_ = Alarm::none;
  judge_alarms(now);
  apply(now);
}

double BinderMb1::setpoint_in_force() const {
  if (settings_.mode == mode_basic) return settings_.basic_degC;
  if (settings_.mode == mode_program) return config_.program_setpoint_degC;
  return settings_.manual_degC;  // what it shows in idle is unverified
}

/// The safety device cuts the heater and the compressor alike (unverified).
bool BinderMb1::is_conditioning() const {
  return settings_.mode != mode_idle && !door_is_open_ && alarm_ != Alarm::over_temperature;
}

void BinderMb1::apply(TimePoint now) {
  const bool runs = is_conditioning();
  const double setpoint = setpoint_in_force();
  if (runs != chamber_.is_running() || (runs && setpoint != chamber_.setpoint_degC())) {
    chamber_.command(std::max(now, chamber_.now()), runs, setpoint);
  }
}

double BinderMb1::process_value() {
  if (faults_.nan_readings) return std::numeric_limits<double>::quiet_NaN();
  if (faults_.freeze_readings && frozen_degC_) return *frozen_degC_;
  const double value = faults_.readings.distort_temperature(config_.temperature.read(chamber_.air_temperature_degC(), noise_));
  frozen_degC_.reset();
  if (faults_.freeze_readings) frozen_degC_ = value;
  return value;
}

/// Judged whenever the device is looked at. The safety device has a sensor of its own: a fault of the readings does not blind it.
void BinderMb1::judge_alarms(TimePoint now) {
  if (alarm_ == Alarm::over_temperature) return;
  if (faults_.nan_readings) alarm_ = Alarm::sensor;
  if (!(chamber_.air_temperature_degC() > config_.safety_limit_degC)) return;
  alarm_ = Alarm::over_temperature;
  apply(now);
}

double BinderMb1::value_of(const TableEntry& entry) {
  const bool swapped = config_.setpoints_are_swapped;
  switch (entry.id) {
    case temperature: return process_value();
    case humidity:
    case humidity_in_force: return humidity_shown_percent;
    case temperature_in_force: return setpoint_in_force();
    case set_at_1581: return swapped ? settings_.basic_degC : settings_.manual_degC;
    case set_at_156f: return swapped ? settings_.manual_degC : settings_.basic_degC;
    case humidity_at_1583: return settings_.manual_humidity;
    case humidity_at_1571: return settings_.basic_humidity;
    case mode: return settings_.mode;
    case program: return settings_.program;
    case operation_lines: return settings_.operation_lines;
    case door: return door_is_open_ ? 1.0 : 0.0;
    case over_temperature: return alarm_ == Alarm::over_temperature ? 1.0 : 0.0;
    case alarm_pending: return alarm_ == Alarm::none ? 0.0 : 1.0;
    default: return 0.0;  // no note ever
  }
}

/// The wording is made up.
std::string BinderMb1::text_of(const TableEntry&) const {
  switch (alarm_) {
    case Alarm::none: return {};
    case Alarm::over_temperature: return "Safety controller";
    case Alarm::sensor: return "Temp. sensor";
  }
  return {};
}

ModbusStatus BinderMb1::check(const TableEntry& entry, double value) {
  switch (entry.id) {
    case set_at_1581:
    case set_at_156f: {
      const bool inside = value >= config_.setpoint_low_degC && value <= config_.setpoint_high_degC;
      return inside ? ModbusStatus::ok : ModbusStatus::illegal_value;
    }
    case humidity_at_1583:
    case humidity_at_1571: return value >= 0.0 && value <= 100.0 ? ModbusStatus::ok : ModbusStatus::illegal_value;
    case program: return value >= 1.0 && value <= 25.0 ? ModbusStatus::ok : ModbusStatus::illegal_value;  // 25: assumed
    default: return ModbusStatus::ok;
  }
}

/// Somebody operates the panel: F20.
std::optional<ModbusStatus> BinderMb1::blocked() const {
  if (faults_.local_control) return ModbusStatus::write_denied;
  return std::nullopt;
}

void BinderMb1::store(const TableEntry& entry, double value) {
  const bool swapped = config_.setpoints_are_swapped;
  const auto number = static_cast<std::uint16_t>(std::clamp(value, 0.0, 65535.0));
  switch (entry.id) {
    case set_at_1581: (swapped ? settings_.basic_degC : settings_.manual_degC) = value; break;
    case set_at_156f: (swapped ? settings_.manual_degC : settings_.basic_degC) = value; break;
    case humidity_at_1583: settings_.manual_humidity = value; break;
    case humidity_at_1571: settings_.basic_humidity = value; break;
    case program: settings_.program = number; break;
    case operation_lines: settings_.operation_lines = number; break;
    case mode:
      if (!(faults_.ignore_off && number == mode_idle)) settings_.mode = number;  // F27
      break;
    default: break;
  }
}

}  // namespace cellrig::sim
