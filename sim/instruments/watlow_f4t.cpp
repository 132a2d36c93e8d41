#include "sim/instruments/watlow_f4t.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace cellrig::sim {
namespace {

constexpr std::uint16_t mode_auto = 10;
constexpr std::uint16_t mode_manual = 54;
constexpr std::uint16_t off = 62;
constexpr std::uint16_t on = 63;
constexpr std::uint16_t fahrenheit = 30;
constexpr std::uint16_t celsius = 15;
constexpr std::uint16_t none = 61;
constexpr std::uint16_t high = 37;
constexpr std::uint16_t low = 53;
constexpr std::uint16_t alarm_error = 28;
constexpr std::uint16_t latching = 49;
constexpr std::uint16_t deviation_alarm = 24;
constexpr std::uint16_t ramp_at_startup = 88;
constexpr std::uint16_t ramp_both = 13;
constexpr std::uint16_t per_hour = 39;
/// While a ramp runs the chamber gets a new set point this often.
constexpr Duration ramp_period = std::chrono::seconds{1};

}  // namespace

QuantityAccuracy accuracy_of(const WatlowF4tConfig&) { return with_accuracy({.offset = 0.5, .noise = 0.01}); }

WatlowF4t::WatlowF4t(WatlowF4tConfig config, ChamberAir& chamber, std::function<void(TimePoint)> advance_world)
    : TableDevice{table(), TableHabits{}},
      config_{std::move(config)},
      chamber_{chamber},
      advance_world_{std::move(advance_world)},
      noise_{config_.noise_seed},
      settings_{defaults()},
      working_degC_{settings_.setpoint_degC},
      working_at_{chamber.now()} {
  apply(chamber_.now());
}

WatlowF4t::Settings WatlowF4t::defaults() const {
  Settings settings;
  settings.setpoint_degC = config_.setpoint_degC;
  settings.setpoint_low_degC = config_.setpoint_low_degC;
  settings.setpoint_high_degC = config_.setpoint_high_degC;
  settings.units_over_tcp = settings.units_over_rtu = config_.fahrenheit ? fahrenheit : celsius;
  settings.display_units = settings.units_over_tcp;
  settings.events.fill(off);
  return settings;
}

void WatlowF4t::reboot(TimePoint now) {
  advance_world_(now);
  settings_ = defaults();
  apply(now);
}

/// Only a ramp is an event of its own: the controller has no watchdog [V].
std::optional<TimePoint> WatlowF4t::next_event() const {
  if (!is_ramping()) return std::nullopt;
  return working_at_ + ramp_period;
}

void WatlowF4t::advance(TimePoint to) {
  while (is_ramping() && working_at_ + ramp_period <= to) {
    const TimePoint tick = working_at_ + ramp_period;
    advance_world_(tick);
    move_working_setpoint(tick);
    apply(tick);
  }
  advance_world_(to);
  if (!is_ramping()) working_at_ = to;
  judge_alarms();
}

/// On its way to a set point it moves by itself; else time passes when a request asks for what depends on it.
void WatlowF4t::traffic(TimePoint now) {
  asked_at_ = now;
  if (is_ramping()) look();
}

ModbusStatus WatlowF4t::write_registers(TimePoint now, std::uint16_t address, std::span<const std::uint16_t> values) {
  look();  // with the settings as they were until now
  return TableDevice::write_registers(now, address, values);
}

double WatlowF4t::ramp_per_second() const { return settings_.ramp_rate_K / (settings_.ramp_scale == per_hour ? 3600.0 : 60.0); }

/// How 2810 behaves while a ramp is active is unverified: it moves evenly from where it was to the set point.
void WatlowF4t::move_working_setpoint(TimePoint to) {
  const double step = ramp_per_second() * to_seconds(to - working_at_);
  const double distance = settings_.setpoint_degC - working_degC_;
  working_degC_ =
      std::fabs(distance) <= step || !(step > 0) ? settings_.setpoint_degC : working_degC_ + std::copysign(step, distance);
  working_at_ = to;
}

bool WatlowF4t::is_conditioning() const {
  const auto event = static_cast<std::size_t>(std::clamp(config_.condition_event, 1, 8) - 1);
  return settings_.events[event] == on && settings_.control_mode == mode_auto;
}

/// Brings the chamber in line with the settings. Called after every write and at every tick of a ramp.
void WatlowF4t::apply(TimePoint now) {
  const bool was_running = std::exchange(running_, is_conditioning());
  const bool ramped = ramp_per_second() > 0;
  if (!running_) {
    working_degC_ = settings_.setpoint_degC;
  } else if (!was_running) {
    const bool from_here = ramped && (settings_.ramp_action == ramp_at_startup || settings_.ramp_action == ramp_both);
    working_degC_ = from_here ? chamber_.air_temperature_degC() : settings_.setpoint_degC;
    working_at_ = now;
  } else if (!ramped || settings_.ramp_action == off) {
    working_degC_ = settings_.setpoint_degC;
  }
  if (running_ != chamber_.is_running() || (running_ && working_degC_ != chamber_.setpoint_degC())) {
    chamber_.command(std::max(now, chamber_.now()), running_, working_degC_);
  }
}

double WatlowF4t::process_value() {
  if (faults_.nan_readings) return std::numeric_limits<double>::quiet_NaN();
  if (faults_.freeze_readings && frozen_degC_) return *frozen_degC_;
  const double measured = config_.temperature.read(chamber_.air_temperature_degC(), noise_);
  const double value = faults_.readings.distort_temperature(measured);
  frozen_degC_.reset();
  if (faults_.freeze_readings) frozen_degC_ = value;
  return value;
}

/// Percent, cooling negative. The loop itself is part of the chamber's physics: this is what a proportional band of 5 K shows.
double WatlowF4t::output_power() const {
  if (settings_.control_mode == mode_manual) return settings_.manual_power_percent;
  if (!running_) return 0.0;
  return std::clamp((working_degC_ - chamber_.air_temperature_degC()) * 20.0, -100.0, 100.0);
}

/// Judged whenever the device is looked at. A latched alarm stays until its type is set to off (how a real one is cleared is
/// not in the reference).
void WatlowF4t::judge_alarms() {
  const bool any = std::any_of(settings_.alarms.begin(), settings_.alarms.end(),
                               [](const Alarm& a) { return a.type != off || a.state != none; });
  if (!any) return;
  const bool is_stuck = faults_.freeze_readings && frozen_degC_;
  const double pv = faults_.nan_readings ? std::numeric_limits<double>::quiet_NaN()
                    : is_stuck           ? *frozen_degC_
                                         : config_.temperature.mean_of(chamber_.air_temperature_degC());
  for (Alarm& alarm : settings_.alarms) {
    if (alarm.type == off) {
      alarm.state = none;
      continue;
    }
    const double value = alarm.type == deviation_alarm ? pv - working_degC_ : pv;
    const double high_end = alarm.high_degC - (alarm.state == high ? alarm.hysteresis_K : 0.0);
    const double low_end = alarm.low_degC + (alarm.state == low ? alarm.hysteresis_K : 0.0);
    std::uint16_t state = none;
    if (alarm.sides != low && value > high_end) state = high;
    if (alarm.sides != high && value < low_end) state = low;
    if (std::isnan(value)) state = alarm_error;
    if (state != none || alarm.latching != latching) alarm.state = state;
  }
}

bool WatlowF4t::speaks_fahrenheit() const {
  return (config_.is_on_serial_line ? settings_.units_over_rtu : settings_.units_over_tcp) == fahrenheit;
}

/// F20: confirmed and ignored.
std::optional<ModbusStatus> WatlowF4t::blocked() const {
  if (faults_.local_control) return ModbusStatus::ok;
  return std::nullopt;
}

void WatlowF4t::written(TimePoint now) {
  apply(now);
  judge_alarms();
}

double WatlowF4t::to_wire(double value, Float::Scale scale) const {
  if (!speaks_fahrenheit() || scale == Float::Scale::plain) return value;
  return scale == Float::Scale::temperature ? value * 1.8 + 32.0 : value * 1.8;
}

double WatlowF4t::from_wire(double value, Float::Scale scale) const {
  if (!speaks_fahrenheit() || scale == Float::Scale::plain) return value;
  return scale == Float::Scale::temperature ? (value - 32.0) / 1.8 : value / 1.8;
}

}  // namespace cellrig::sim
