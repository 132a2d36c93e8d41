#include "sim/instruments/ea_psb.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/instruments/ea_psb_ports.hpp"
#include "sim/instruments/modbus_rtu.hpp"

namespace cellrig::sim {

namespace bits = ea_questionable;

EaPsbConfig ea_psb_10060_1000() {
  EaPsbConfig config;
  config.device_type = "PSB 10060-1000";
  config.identity_model = "PSB 10060-1000 4U";
  config.serial_number = "1234560002";
  config.nominal_current_A = 1000.0;
  config.nominal_power_W = 30000.0;
  config.resistance_max_ohm = 2.88;
  config.resistance_min_ohm = 0.0024;
  return config;
}

CyclerAccuracy accuracy_of(const EaPsbConfig& config) {
  constexpr double of_nominal = 0.0005, of_reading = 0.0002, noise_of_nominal = 0.00002;
  const auto accuracy = [](double nominal) {
    return with_accuracy({.full_scale = 1.25 * nominal,
                          .gain_fraction = of_reading,
                          .offset = of_nominal * nominal,
                          .noise = noise_of_nominal * nominal});
  };
  return {.voltage = accuracy(config.nominal_voltage_V), .current = accuracy(config.nominal_current_A)};
}

EaPsb::EaPsb(EaPsbConfig config, PowerStage& stage, std::function<void(TimePoint)> advance_world)
    : config_{std::move(config)},
      stage_{stage},
      advance_world_{std::move(advance_world)},
      noise_{config_.noise_seed},
      modbus_side_{std::make_unique<ModbusSide>(*this)},
      scpi_side_{std::make_unique<ScpiSide>(*this)},
      text_or_rtu_{std::make_unique<TextOrRtuPort>(*scpi_side_, *modbus_side_)} {
  last_traffic_ = stage_.now();
  apply(stage_.now());
}

EaPsb::~EaPsb() = default;

std::vector<NamedPort> EaPsb::ports() { return {{"modbus", &modbus_side_->port}, {"scpi", text_or_rtu_.get()}}; }

/// The interface monitoring: no traffic for its time, and the device leaves remote [V]. Outside remote it has nothing to do.
std::optional<TimePoint> EaPsb::next_event() const {
  if (!settings_.monitor_active || !settings_.remote || faults_.clear_watchdog) return std::nullopt;
  return last_traffic_ + from_seconds(settings_.monitor_time_s);
}

void EaPsb::advance(TimePoint to) {
  if (const std::optional<TimePoint> event = next_event(); event && *event <= to) {
    advance_world_(*event);
    observe();
    leave_remote(std::max(*event, stage_.now()));
  }
  advance_world_(to);
  observe();
  if (faults_.local_control && settings_.remote) leave_remote(to);
}

void EaPsb::traffic(TimePoint now, bool feeds_monitor) {
  advance(now);
  if (feeds_monitor) last_traffic_ = now;
}

void EaPsb::reboot(TimePoint now) {
  advance_world_(now);
  settings_ = EaSettings{};
  shown_until_ = TimePoint{};
  output_on_ = false;
  alarms_ = 0;
  counters_ = {};
  errors_.clear();
  stage_.clear_trip();
  apply(now);
}

double EaPsb::nominal(EaQuantity quantity) const {
  switch (quantity) {
    case EaQuantity::voltage: return config_.nominal_voltage_V;
    case EaQuantity::current: return config_.nominal_current_A;
    case EaQuantity::power: return config_.nominal_power_W;
    case EaQuantity::resistance: return config_.resistance_max_ohm;
  }
  return 1.0;
}

double EaPsb::value(EaSetting setting) const {
  return settings_.raw[index_of(setting)] * nominal(traits_of(setting).quantity) / ea_full_scale;
}

/// Rounded to the nearest count: 4.200 V of 60 V is 3670 and 12.5 % reads 0x199A (worked frames, [V]).
std::uint16_t EaPsb::to_raw(EaQuantity quantity, double magnitude) const {
  const double counts = magnitude / nominal(quantity) * ea_full_scale + 0.5;
  if (!(counts >= 1.0)) return 0;
  return counts >= 65535.0 ? std::uint16_t{65535} : static_cast<std::uint16_t>(counts);
}

void EaPsb::about_to_change(TimePoint now) {
  if (now >= shown_until_) shown_ = settings_;
  shown_until_ = now + config_.readback_lag;
}

EaRefusal EaPsb::check(EaSetting setting, std::uint16_t raw) const {
  const EaSettingTraits& traits = traits_of(setting);
  if (raw > traits.raw_max) return EaRefusal::out_of_range;
  if (traits.lower && raw < settings_.raw[index_of(*traits.lower)]) return EaRefusal::out_of_range;
  if (traits.upper && raw > settings_.raw[index_of(*traits.upper)]) return EaRefusal::out_of_range;
  return EaRefusal::none;
}

/// A set-value limit may be moved past the present set value, which then stays as it is (unverified).
EaRefusal EaPsb::set(TimePoint now, EaSetting setting, std::uint16_t raw) {
  if (!settings_.remote) return EaRefusal::not_in_remote;
  if (const EaRefusal refusal = check(setting, raw); refusal != EaRefusal::none) return refusal;
  return change(now, [&](EaSettings& settings) { settings.raw[index_of(setting)] = raw; });
}

EaRefusal EaPsb::set_remote(TimePoint now, bool remote) {
  if (faults_.local_control) return remote ? EaRefusal::not_in_remote : EaRefusal::none;
  if (remote == settings_.remote) return EaRefusal::none;
  if (!remote) {
    leave_remote(now);
  } else {
    about_to_change(now);
    settings_.remote = true;
  }
  return EaRefusal::none;
}

/// Switching on while an alarm waits to be acknowledged is refused (the kind of refusal is unverified).
EaRefusal EaPsb::set_output(TimePoint now, bool on) {
  if (!settings_.remote) return EaRefusal::not_in_remote;
  if (on && alarms_ != 0) return EaRefusal::alarm_active;
  if (!on && faults_.ignore_off) return EaRefusal::none;
  switch_output(now, on);
  return EaRefusal::none;
}

EaRefusal EaPsb::set_resistance_mode(TimePoint now, bool on) {
  return change(now, [on](EaSettings& settings) { settings.resistance_mode = on; });
}

/// *RST takes remote, switches the output off and clears alarms [V]; that the set values return to their defaults while the
/// set-up (monitoring, behaviour after remote, limits) stays is unverified.
EaRefusal EaPsb::reset(TimePoint now) {
  if (faults_.local_control) return EaRefusal::not_in_remote;
  about_to_change(now);
  settings_.remote = true;
  for (std::size_t i = 0; i <= index_of(EaSetting::sink_power_protection); ++i) {
    settings_.raw[i] = traits_of(static_cast<EaSetting>(i)).raw_default;
  }
  if (!faults_.ignore_off) output_on_ = false;
  apply(now);
  acknowledge_alarms();
  return EaRefusal::none;
}

void EaPsb::leave_remote(TimePoint now) {
  about_to_change(now);
  settings_.remote = false;
  if (!settings_.output_stays_after_remote) switch_output(now, false);
}

void EaPsb::switch_output(TimePoint now, bool on) {
  output_on_ = on;
  apply(now);
}

/// The stage has one over-current trip for both directions: it gets the higher threshold, observe() watches the lower one.
void EaPsb::apply(TimePoint now) {
  using enum EaSetting;
  const std::uint16_t armed = events_with(EaEventAction::alarm);
  RegulatorCommand command;
  command.on = output_on_;
  command.voltage_V = value(voltage);
  command.source_current_max_A = value(source_current);
  command.sink_current_max_A = value(sink_current);
  command.source_power_max_W = value(source_power);
  command.sink_power_max_W = value(sink_power);
  command.sink_resistance_ohm = settings_.resistance_mode ? value(sink_resistance) : 0.0;
  command.over_voltage_trip_V = value(voltage_protection);
  command.over_current_trip_A = std::max(value(source_current_protection), value(sink_current_protection));
  if ((armed & bits::over_voltage_detection) != 0) {
    command.over_voltage_trip_V = std::min(command.over_voltage_trip_V, value(over_voltage_detection));
  }
  if ((armed & bits::over_current_detection) != 0) {
    command.over_current_trip_A = std::min(command.over_current_trip_A, value(over_current_detection));
  }
  if ((armed & bits::under_voltage_detection) != 0) command.under_voltage_trip_V = value(under_voltage_detection);
  if (command != stage_.last_command()) stage_.command(std::max(now, stage_.now()), command);
}

std::uint16_t EaPsb::events_with(EaEventAction least) const {
  constexpr std::array<std::uint16_t, ea_event_count> bit_of{bits::under_voltage_detection, bits::over_voltage_detection,
                                                             bits::under_current_detection, bits::over_current_detection,
                                                             bits::over_power_detection};
  unsigned found = 0;
  for (std::size_t i = 0; i < ea_event_count; ++i) {
    if (settings_.event_action[i] >= least) found |= bit_of[i];
  }
  return static_cast<std::uint16_t>(found);
}

/// Looks at what the stage did since the last time. A trip switches the output off and is latched till acknowledged [V].
void EaPsb::observe() {
  using enum EaSetting;
  const std::uint16_t armed = events_with(EaEventAction::alarm);
  unsigned found = 0;
  if (output_on_) {
    switch (stage_.trip()) {
      case StageTrip::none: break;
      case StageTrip::over_voltage: {
        const bool detected =
            (armed & bits::over_voltage_detection) != 0 && value(over_voltage_detection) < value(voltage_protection);
        found |= detected ? bits::over_voltage_detection : bits::over_voltage;
        break;
      }
      case StageTrip::over_current: {
        const double own = std::max(value(source_current_protection), value(sink_current_protection));
        const bool detected = (armed & bits::over_current_detection) != 0 && value(over_current_detection) < own;
        found |= detected ? bits::over_current_detection : bits::over_current;
        break;
      }
      case StageTrip::under_voltage: found |= bits::under_voltage_detection; break;
    }
    if (stage_.trip() == StageTrip::none) {
      last_current_A_ = stage_.current_A();
      const std::uint16_t hardware = bits::over_current | bits::over_power;
      found |= software_alarms() & (hardware | armed);
    }
  }
  if (found != 0) latch(static_cast<std::uint16_t>(found), last_current_A_ < 0);
}

/// Thresholds the stage doesn't know. They are judged whenever the device is looked at, not in between.
std::uint16_t EaPsb::software_alarms() const {
  using enum EaSetting;
  const double current = stage_.current_A();
  const double power = std::fabs(current * stage_.terminal_voltage_V());
  const double current_max = value(current < 0 ? sink_current_protection : source_current_protection);
  const double power_max = value(current < 0 ? sink_power_protection : source_power_protection);
  unsigned found = 0;
  if (!(std::fabs(current) <= current_max)) found |= bits::over_current;
  if (!(power <= power_max)) found |= bits::over_power;
  if (!(power <= value(over_power_detection))) found |= bits::over_power_detection;
  if (!(std::fabs(current) >= value(under_current_detection))) found |= bits::under_current_detection;
  if (!(std::fabs(current) <= value(over_current_detection))) found |= bits::over_current_detection;
  if (!(stage_.terminal_voltage_V() <= value(over_voltage_detection))) found |= bits::over_voltage_detection;
  if (!(stage_.terminal_voltage_V() >= value(under_voltage_detection))) found |= bits::under_voltage_detection;
  return static_cast<std::uint16_t>(found);
}

void EaPsb::latch(std::uint16_t questionable_bits, bool sinking) {
  const unsigned fresh = questionable_bits & ~static_cast<unsigned>(alarms_);
  alarms_ = static_cast<std::uint16_t>(alarms_ | questionable_bits);
  if ((fresh & bits::over_voltage) != 0) ++counters_.over_voltage;
  if ((fresh & bits::over_current) != 0) ++(sinking ? counters_.sink_over_current : counters_.over_current);
  if ((fresh & bits::over_power) != 0) ++(sinking ? counters_.sink_over_power : counters_.over_power);
  if ((fresh & bits::over_temperature) != 0) ++counters_.over_temperature;
  if ((fresh & bits::power_fail) != 0) ++counters_.power_fail;
  switch_output(stage_.now(), false);
}

void EaPsb::raise_alarm(TimePoint now, std::uint16_t questionable_bits) {
  advance(now);
  latch(questionable_bits, stage_.current_A() < 0);
}

bool EaPsb::trip_itself(TimePoint now, OwnTrip cause) {
  switch (cause) {
    case OwnTrip::over_voltage: raise_alarm(now, bits::over_voltage); break;
    case OwnTrip::over_current: raise_alarm(now, bits::over_current); break;
    case OwnTrip::over_temperature: raise_alarm(now, bits::over_temperature); break;
  }
  return true;
}

/// Only alarms whose cause is gone can be acknowledged [V]. With the output off that leaves the voltage of the cell itself.
void EaPsb::acknowledge_alarms() {
  const bool too_high = !(stage_.terminal_voltage_V() <= value(EaSetting::voltage_protection));
  alarms_ = too_high ? static_cast<std::uint16_t>(alarms_ & bits::over_voltage) : std::uint16_t{0};
  if (alarms_ == 0) stage_.clear_trip();
}

OutputReading EaPsb::measure() {
  if (faults_.freeze_readings && frozen_) return *frozen_;
  const OutputReading readings = read_output(stage_, config_.measurement, faults_, noise_);
  frozen_.reset();
  if (faults_.freeze_readings) frozen_ = readings;
  return readings;
}

/// Registers 505-506 [V].
std::uint32_t EaPsb::state_word(TimePoint now) {
  const EaSettings& settings = shown(now);
  std::uint32_t state = 0;
  if (faults_.local_control) {
    state |= 1U;
  } else if (settings.remote) {
    state |= config_.remote_location | 1U << 11U;
  }
  if (stage_.output_on()) state |= 1U << 7U;
  switch (stage_.mode()) {
    case RegulatorMode::off:
    case RegulatorMode::constant_voltage: break;
    case RegulatorMode::constant_resistance: state |= 1U << 9U; break;
    case RegulatorMode::constant_current: state |= 2U << 9U; break;
    case RegulatorMode::constant_power: state |= 3U << 9U; break;
  }
  const double current = faults_.freeze_readings && frozen_ ? frozen_->current_A
                         : faults_.negate_current           ? -config_.measurement.current.mean_of(stage_.current_A())
                                                            : config_.measurement.current.mean_of(stage_.current_A());
  if (current < 0) state |= 1U << 12U;
  if (alarms_ != 0) state |= 1U << 15U;
  state |= static_cast<std::uint32_t>(alarms_ & 0xFU) << 16U;  // OVP OCP OPP OT stand in the same order in both words
  if ((alarms_ & bits::power_fail) != 0) state |= 1U << 21U;
  return state;
}

std::uint16_t EaPsb::questionable(TimePoint now) const {
  unsigned found = alarms_;
  // Events that only signal or warn show as long as they last, and only with the output on (unverified).
  if (stage_.output_on()) found |= software_alarms() & events_with(EaEventAction::signal);
  if (shown(now).remote && !faults_.local_control) found |= bits::remote;
  if (stage_.output_on()) found |= bits::output_on;
  return static_cast<std::uint16_t>(found);
}

std::uint16_t EaPsb::operation() const {
  unsigned found = 0;
  switch (stage_.mode()) {
    case RegulatorMode::off: break;
    case RegulatorMode::constant_voltage: found |= 1U << 8U; break;
    case RegulatorMode::constant_current: found |= 1U << 9U; break;
    case RegulatorMode::constant_power: found |= 1U << 10U; break;
    case RegulatorMode::constant_resistance: found |= 1U << 11U; break;
  }
  if (stage_.current_A() < 0) found |= 1U << 12U;
  return static_cast<std::uint16_t>(found);
}

}  // namespace cellrig::sim
