#include "sim/instruments/keysight_n6900.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/instruments/keysight_n6900_scpi.hpp"

namespace cellrig::sim {
namespace {

constexpr double current_rating_A = 25.5;
constexpr double open_sense_gain = 1.01;  // [V]

constexpr std::uint16_t operation_constant_voltage = 1U << 0U;
constexpr std::uint16_t operation_constant_current = 1U << 1U;
constexpr std::uint16_t operation_off = 1U << 2U;
constexpr std::uint16_t questionable_over_voltage = 1U << 0U;
constexpr std::uint16_t questionable_over_current = 1U << 1U;
constexpr std::uint16_t questionable_over_temperature = 1U << 4U;
constexpr std::uint16_t questionable_watchdog = 1U << 11U;
constexpr std::uint16_t questionable_sense_fault = 1U << 13U;

}  // namespace

void KeysightN6900::StatusRegister::update(std::uint16_t now_true) {
  const unsigned rising = now_true & ~static_cast<unsigned>(condition) & positive;
  const unsigned falling = condition & ~static_cast<unsigned>(now_true) & negative;
  event = static_cast<std::uint16_t>(event | rising | falling);
  condition = now_true;
}

CyclerAccuracy accuracy_of(const KeysightN6900Config&) {
  return {.voltage = with_accuracy({.full_scale = 81.6, .gain_fraction = 0.0003, .offset = 0.008, .noise = 0.0004}),
          .current = with_accuracy({.full_scale = current_rating_A, .gain_fraction = 0.0004, .offset = 0.006, .noise = 0.0003})};
}

KeysightN6900::KeysightN6900(KeysightN6900Config config, PowerStage& stage, std::function<void(TimePoint)> advance_world)
    : config_{std::move(config)},
      stage_{stage},
      advance_world_{std::move(advance_world)},
      noise_{config_.noise_seed},
      settings_{defaults()},
      scpi_side_{std::make_unique<ScpiSide>(*this)} {
  // Presets that latch short trips [V].
  operation_.positive = 511;
  questionable_.positive = 16383;
  questionable2_.positive = 127;
  last_traffic_ = stage_.now();
  counter_.begin(last_traffic_);
  counter_.set_charge(config_.charge_Ah);
  apply(stage_.now());
  operation_.event = questionable_.event = 0;  // being off after power-on is no event
}

KeysightN6900::~KeysightN6900() = default;

std::vector<NamedPort> KeysightN6900::ports() { return {{"scpi", scpi_side_.get()}}; }

KeysightN6900::Settings KeysightN6900::defaults() const {
  Settings settings;
  for (std::size_t i = 0; i < n6900_parameter_count; ++i) {
    settings.values[i] = traits_of(static_cast<N6900Parameter>(i)).initial;
  }
  settings.measurement_points = std::floor(1.0 / 60.0 / n6900_sample_period_s);
  settings.thresholds[1].operation = 1.0;  // THR2 compares with LT [V]; 3 and 4 are unverified
  return settings;
}

/// The sink rating depends on the dissipators [V].
double KeysightN6900::low(N6900Parameter parameter) const {
  if (parameter != N6900Parameter::current && parameter != N6900Parameter::current_limit_negative)
    return traits_of(parameter).low;
  const double share = config_.dissipators <= 0 ? 0.1 : config_.dissipators == 1 ? 0.5 : 1.0;
  return -current_rating_A * share;
}

std::optional<TimePoint> KeysightN6900::watchdog_event() const {
  const bool is_armed =
      value(N6900Parameter::watchdog) != 0 && (latched_ & questionable_watchdog) == 0 && !faults_.clear_watchdog;
  if (!is_armed) return std::nullopt;
  return last_traffic_ + from_seconds(value(N6900Parameter::watchdog_delay));
}

std::optional<TimePoint> KeysightN6900::over_current_event() const {
  if (!constant_current_since_) return std::nullopt;
  return *constant_current_since_ + from_seconds(value(N6900Parameter::protection_delay));
}

std::optional<TimePoint> KeysightN6900::next_event() const {
  const std::optional<TimePoint> watchdog = watchdog_event();
  const std::optional<TimePoint> over_current = over_current_event();
  if (!watchdog) return over_current;
  if (!over_current) return watchdog;
  return std::min(*watchdog, *over_current);
}

/// Each event removes its own cause, so at most one of either kind happens here.
void KeysightN6900::advance(TimePoint to) {
  for (std::optional<TimePoint> event = next_event(); event && *event <= to; event = next_event()) {
    advance_world_(*event);
    observe(*event);
    // No SCPI traffic: the output goes off and bit 11 is latched [V]; that it trips with the output off, too, is unverified.
    if (const auto watchdog = watchdog_event(); watchdog && *watchdog <= *event) protect(*event, questionable_watchdog);
    if (const auto current = over_current_event(); current && *current <= *event) protect(*event, questionable_over_current);
  }
  advance_world_(to);
  observe(to);
}

void KeysightN6900::traffic(TimePoint now) {
  advance(now);
  last_traffic_ = now;
}

void KeysightN6900::reboot(TimePoint now) {
  advance_world_(now);
  observe(now);
  latched_ = 0;
  stage_.clear_trip();
  settings_ = defaults();
  output_on_ = false;
  acquired_.reset();
  event_status_ = event_status_enable_ = service_request_enable_ = 0;
  operation_ = {.positive = 511};
  questionable_ = {.positive = 16383};
  questionable2_ = {.positive = 127};
  counter_.set_charge(config_.charge_Ah);
  counter_.set_energy(0.0);
  last_traffic_ = now;
  apply(now);
  operation_.event = questionable_.event = 0;
  scpi_side_->forget();
}

/// *RST: output off, all settings default [V]. Latched protections stay (unverified); charge counters survive [V].
void KeysightN6900::reset(TimePoint now) {
  settings_ = defaults();
  switch_output(now, faults_.ignore_off && output_on_);
}

/// Changing the priority turns the output off and resets every output setting [V]; the watchdog is taken for one of them
/// (unverified, the less pleasant reading).
void KeysightN6900::set_priority(TimePoint now, bool current_priority) {
  if (current_priority == settings_.current_priority) return;
  const Settings fresh = defaults();
  std::copy_n(fresh.values.begin(), index_of(n6900_first_kept), settings_.values.begin());
  settings_.current_priority = current_priority;
  switch_output(now, false);
}

void KeysightN6900::switch_output(TimePoint now, bool on) {
  output_on_ = on;
  apply(now);
}

void KeysightN6900::protect(TimePoint now, std::uint16_t questionable_bits) {
  if (latched_ == 0) was_on_before_trip_ = output_on_;
  latched_ = static_cast<std::uint16_t>(latched_ | questionable_bits);
  constant_current_since_.reset();
  switch_output(now, false);
}

void KeysightN6900::raise_protection(TimePoint now, std::uint16_t questionable_bits) {
  advance(now);
  protect(now, questionable_bits);
}

bool KeysightN6900::trip_itself(TimePoint now, OwnTrip cause) {
  switch (cause) {
    case OwnTrip::over_voltage: raise_protection(now, questionable_over_voltage); break;
    case OwnTrip::over_current: raise_protection(now, questionable_over_current); break;
    case OwnTrip::over_temperature: raise_protection(now, questionable_over_temperature); break;
  }
  return true;
}

/// Clears only what has gone [V]: with the output off that leaves a cell above the over-voltage level.
void KeysightN6900::clear_protection(TimePoint now) {
  if (latched_ == 0) return;
  const bool too_high = !(stage_.terminal_voltage_V() <= value(N6900Parameter::voltage_protection));
  latched_ = too_high ? static_cast<std::uint16_t>(latched_ & questionable_over_voltage) : std::uint16_t{0};
  if (latched_ == 0) {
    stage_.clear_trip();
    if (config_.clearing_restores_output && was_on_before_trip_) output_on_ = true;
  }
  apply(now);
}

void KeysightN6900::apply(TimePoint now) {
  using enum N6900Parameter;
  RegulatorCommand command;
  command.on = output_on_;
  command.over_voltage_trip_V = value(voltage_protection);
  if (!settings_.current_priority) {
    command.voltage_V = value(voltage);
    command.source_current_max_A = value(current_limit);
    command.sink_current_max_A = -value(current_limit_negative);
  } else if (value(current) >= 0) {
    command.voltage_V = value(voltage_limit);
    command.source_current_max_A = value(current);
  } else {  // the stage sinks what it is told, down to the lowest voltage there is
    command.voltage_V = traits_of(voltage).low;
    command.sink_current_max_A = -value(current);
  }
  counter_.look(now, stage_);
  if (command != stage_.last_command()) stage_.command(std::max(now, stage_.now()), command);
  counter_.resume(stage_);
  update_status();
}

void KeysightN6900::observe(TimePoint at) {
  counter_.look(at, stage_);
  if (output_on_ && stage_.trip() == StageTrip::over_voltage) protect(at, questionable_over_voltage);
  // The over-current protection acts when the output has stood in constant current for its delay ([R], not in the reference).
  const bool in_limit =
      output_on_ && value(N6900Parameter::current_protection_state) != 0 && stage_.mode() == RegulatorMode::constant_current;
  if (!in_limit) {
    constant_current_since_.reset();
  } else if (!constant_current_since_) {
    constant_current_since_ = at;
  }
  update_status();
}

void KeysightN6900::update_status() {
  unsigned operation = operation_off;
  if (stage_.output_on()) {
    operation = stage_.mode() == RegulatorMode::constant_voltage ? operation_constant_voltage : operation_constant_current;
  }
  operation_.update(static_cast<std::uint16_t>(operation));
  unsigned questionable = latched_;
  if (config_.sense_leads_open && value(N6900Parameter::sense_fault) != 0) questionable |= questionable_sense_fault;
  questionable_.update(static_cast<std::uint16_t>(questionable));
}

Duration KeysightN6900::acquisition_time() const {
  return config_.measurement_overhead + from_seconds(settings_.measurement_points * n6900_sample_period_s);
}

/// One acquisition: voltage, current and power together [V]. The value is that of the instant the message arrived, not of the
/// middle of the integration time.
void KeysightN6900::acquire() {
  if (faults_.nan_readings) {
    acquired_ = Readings{scpi_not_a_number, scpi_not_a_number, scpi_not_a_number};
    return;
  }
  if (faults_.freeze_readings && acquired_) return;
  const double sense_gain = config_.sense_leads_open ? open_sense_gain : 1.0;
  const OutputReading reading = read_output(stage_, config_.measurement, faults_, noise_, sense_gain);
  const double power_W = config_.measurement.power.read(reading.power_W(), noise_);
  acquired_ = Readings{reading.voltage_V, reading.current_A, power_W};
}

}  // namespace cellrig::sim
