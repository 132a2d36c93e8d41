#include "sim/instruments/itech.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/instruments/itech_scpi.hpp"

namespace cellrig::sim {
namespace {

// STAT:OPER:COND? and STAT:QUES:COND? [V]
constexpr std::uint16_t operation_off = 1U << 6U;
constexpr std::uint16_t operation_current_positive = 1U << 7U;
constexpr std::uint16_t operation_voltage = 1U << 8U;
constexpr std::uint16_t operation_power_positive = 1U << 9U;
constexpr std::uint16_t operation_current_negative = 1U << 11U;
constexpr std::uint16_t operation_power_negative = 1U << 12U;
constexpr std::uint16_t questionable_over_voltage = 1U << 0U;
constexpr std::uint16_t questionable_over_current_positive = 1U << 1U;
constexpr std::uint16_t questionable_over_current_negative = 1U << 2U;
constexpr std::uint16_t questionable_under_voltage = 1U << 5U;
constexpr std::uint16_t questionable_over_temperature = 1U << 6U;
constexpr std::uint16_t questionable_shutdown = 1U << 12U;

}  // namespace

ItechConfig it6054c_800_225() {
  ItechConfig config;
  config.identity = "ITECH Electronics,IT6054C-800-225,800821020000000002,000.006.101,640.R,132.R";
  config.ratings = {.voltage_V = 808.0,
                    .current_A = 227.25,
                    .power_W = 55080.0,
                    .over_voltage_max_V = 880.0,
                    .over_current_max_A = 236.25,
                    .over_nominal = 1.01,
                    .decimals = 2};
  return config;
}

/// The ratings in the tables are 1 % above the nominal values.
CyclerAccuracy accuracy_of(const ItechConfig& config) {
  constexpr double noise_of_offset = 0.05;
  const auto accuracy = [](double fraction, double full_scale) {
    const double offset = fraction * full_scale;
    return with_accuracy(
        {.full_scale = 1.05 * full_scale, .gain_fraction = fraction, .offset = offset, .noise = noise_of_offset * offset});
  };
  const ItechRatings& ratings = config.ratings;
  return {.voltage = accuracy(0.0003, ratings.voltage_V / ratings.over_nominal),
          .current = accuracy(0.001, ratings.current_A / ratings.over_nominal)};
}

Itech::Itech(ItechConfig config, PowerStage& stage, std::function<void(TimePoint)> advance_world)
    : config_{std::move(config)},
      stage_{stage},
      advance_world_{std::move(advance_world)},
      noise_{config_.noise_seed},
      values_{},
      scpi_side_{std::make_unique<ScpiSide>(*this, config_.ratings)} {
  last_traffic_ = stage_.now();
  counter_.begin(last_traffic_);
  reset(stage_.now());
}

Itech::~Itech() = default;

std::vector<NamedPort> Itech::ports() { return {{"scpi", scpi_side_.get()}}; }

std::optional<TimePoint> Itech::next_event() const {
  const bool is_armed =
      value(ItechParameter::watchdog) != 0 && (latched_ & questionable_shutdown) == 0 && !faults_.clear_watchdog;
  if (!is_armed) return std::nullopt;
  return last_traffic_ + from_seconds(value(ItechParameter::watchdog_delay));
}

void Itech::advance(TimePoint to) {
  if (const auto event = next_event(); event && *event <= to) {
    advance_world_(*event);
    observe(*event);
    protect(*event, questionable_shutdown);
  }
  advance_world_(to);
  observe(to);
}

void Itech::traffic(TimePoint now) {
  advance(now);
  last_traffic_ = now;
}

/// Whatever OUTP:PON:STAT says: the states LAST_ON and LAST_OFF are not modelled.
void Itech::reboot(TimePoint now) {
  advance_world_(now);
  observe(now);
  latched_ = fading_ = 0;
  stage_.clear_trip();
  remote_ = false;
  last_readings_.reset();
  counter_.set_charge(0.0);
  counter_.set_energy(0.0);
  last_traffic_ = now;
  output_on_ = false;
  reset(now);
  scpi_side_->forget();
}

/// *RST: defaults and the output off; latched protections and remote stay (unverified).
void Itech::reset(TimePoint now) {
  const ItechTraits traits = traits_for(config_.ratings);
  for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = traits[i].initial;
  current_priority_ = false;
  switch_output(now, faults_.ignore_off && output_on_);
}

void Itech::set(TimePoint now, ItechParameter parameter, double value) {
  // The set-point of the other priority is accepted and does nothing.
  if (parameter == ItechParameter::current && !current_priority_) return;
  if (parameter == ItechParameter::voltage && current_priority_) return;
  values_[index_of(parameter)] = value;
  apply(now);
  observe(now);
}

/// The set-point that was active becomes the limit [V]; the new set-point begins at what was its limit (unverified).
void Itech::set_priority(TimePoint now, bool current_priority) {
  using enum ItechParameter;
  if (current_priority == current_priority_) return;
  double* const v = values_.data();
  if (current_priority) {
    v[index_of(voltage_limit_high)] = value(voltage);
    v[index_of(current)] = value(current_limit);
  } else {
    if (value(current) >= 0) {
      v[index_of(current_limit)] = value(current);
    } else {
      v[index_of(current_limit_negative)] = value(current);
    }
    v[index_of(voltage)] = value(voltage_limit_high);
  }
  current_priority_ = current_priority;
  apply(now);
}

void Itech::switch_output(TimePoint now, bool on) {
  output_on_ = on;
  apply(now);
}

void Itech::protect(TimePoint now, std::uint16_t questionable_bits) {
  latched_ = static_cast<std::uint16_t>(latched_ | questionable_bits);
  switch_output(now, false);
}

/// PS, the shutdown by a protection, comes with every cause.
bool Itech::trip_itself(TimePoint now, OwnTrip cause) {
  advance(now);
  switch (cause) {
    case OwnTrip::over_voltage: protect(now, questionable_over_voltage | questionable_shutdown); break;
    case OwnTrip::over_current: protect(now, questionable_over_current_positive | questionable_shutdown); break;
    case OwnTrip::over_temperature: protect(now, questionable_over_temperature | questionable_shutdown); break;
  }
  return true;
}

/// Clears only what has gone (taken from its sisters): with the output off that leaves a cell above the over-voltage level.
void Itech::clear_protection(TimePoint now) {
  if (latched_ == 0) return;
  using enum ItechParameter;
  const bool stays = (latched_ & questionable_over_voltage) != 0 && !(stage_.terminal_voltage_V() <= value(over_voltage));
  if (stays) return;
  fading_ = latched_;
  faded_at_ = now + config_.trip_clear_time;
  latched_ = 0;
  stage_.clear_trip();
  apply(now);
}

void Itech::apply(TimePoint now) {
  using enum ItechParameter;
  RegulatorCommand command;
  command.on = output_on_;
  command.source_power_max_W = value(power_limit);
  command.sink_power_max_W = -value(power_limit_negative);
  if (value(over_voltage_state) != 0) command.over_voltage_trip_V = value(over_voltage);
  if (value(over_current_state) != 0) command.over_current_trip_A = value(over_current);
  if (value(under_voltage_state) != 0) command.under_voltage_trip_V = value(under_voltage);
  if (!current_priority_) {
    command.voltage_V = value(voltage);
    command.source_current_max_A = value(current_limit);
    command.sink_current_max_A = -value(current_limit_negative);
  } else if (value(current) >= 0) {
    command.voltage_V = value(voltage_limit_high);
    command.source_current_max_A = value(current);
  } else {
    command.voltage_V = value(voltage_limit_low);
    command.sink_current_max_A = -value(current);
  }
  count_charge(now);
  if (command != stage_.last_command()) stage_.command(std::max(now, stage_.now()), command);
  counter_.resume(stage_);
}

void Itech::observe(TimePoint at) {
  count_charge(at);
  if (!output_on_) return;
  switch (stage_.trip()) {
    case StageTrip::none: return;
    case StageTrip::over_voltage: return protect(at, questionable_over_voltage | questionable_shutdown);
    case StageTrip::under_voltage: return protect(at, questionable_under_voltage | questionable_shutdown);
    case StageTrip::over_current:
      protect(at,
              questionable_shutdown | (was_sinking_ ? questionable_over_current_negative : questionable_over_current_positive));
      return;
  }
}

void Itech::count_charge(TimePoint at) {
  if (const double current = stage_.current_A(); current != 0.0) was_sinking_ = current < 0.0;
  counter_.look(at, stage_);
}

std::uint16_t Itech::operation() const {
  if (!stage_.output_on()) return operation_off;
  const bool sinks = stage_.current_A() < 0;
  switch (stage_.mode()) {
    case RegulatorMode::constant_current: return sinks ? operation_current_negative : operation_current_positive;
    case RegulatorMode::constant_power: return sinks ? operation_power_negative : operation_power_positive;
    default: return operation_voltage;
  }
}

std::uint16_t Itech::questionable(TimePoint now) {
  if (now >= faded_at_) fading_ = 0;
  return static_cast<std::uint16_t>(latched_ | fading_);
}

OutputReading Itech::measure() {
  if (faults_.nan_readings) return {scpi_not_a_number, scpi_not_a_number};
  if (faults_.freeze_readings && last_readings_) return *last_readings_;
  last_readings_ = read_output(stage_, config_.measurement, faults_, noise_);
  return *last_readings_;
}

}  // namespace cellrig::sim
