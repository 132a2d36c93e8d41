// Sensors beside the cycler: are they there before the run, and what a channel makes of their words.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/runtime/channel_runner.hpp"
#include "profiles/sensor_limits.hpp"

namespace cellrig {
bool ChannelRunner::delivers(Measurand measurand) const {
  switch (measurand) {
    case Measurand::voltage:
    case Measurand::current:
    case Measurand::chamber_temperature: return true;  // judged elsewhere
    case Measurand::cell_temperature: return parts_.has_cell_temperature;
    case Measurand::ambient_temperature: return parts_.has_ambient_temperature;
    case Measurand::logger_voltage: return parts_.has_logger_voltage;
    case Measurand::stack_force: return parts_.has_stack_force;
    case Measurand::stack_pressure: return parts_.has_stack_force && pressed_area_cm2().has_value();
    case Measurand::gas: return parts_.has_gas;
    case Measurand::interlock: return parts_.interlock_modules > 0;
  }
  return false;
}

/// What limits and conditions name is there, answers, and lies inside.
Result<void> ChannelRunner::check_sensors() const {
  for (const SensorLimitKey& key : sensor_limit_table()) {
    if (!(limits_.sensors.*key.limit)) continue;
    const std::string name{name_with_unit(key.measurand)};
    if (!delivers(key.measurand))
      return refused(fmt::format("'{}' limits {}, and no sensor of this channel delivers it", key.key, name));
    const Reading& reading = observation_[key.measurand];
    if (!reading.usable()) return refused("the sensor for " + name + " gives no number");
    if (key.measurand == Measurand::logger_voltage) continue;  // compared when the run has begun
    const double limit = *(limits_.sensors.*key.limit);
    if (key.is_upper ? !(reading.value <= limit) : !(reading.value >= limit))
      return refused(fmt::format("{} is {:.4g}, the limit is {:.4g}", name, reading.value, limit));
  }
  for (const Instruction& instruction : program_.code) {
    const Step* const step = std::get_if<Step>(&instruction);
    if (step == nullptr || !step->limits) continue;
    for (const SensorLimitKey& key : sensor_limit_table()) {
      if (!(step->limits->sensors.*key.limit)) continue;
      const std::string name{name_with_unit(key.measurand)};
      if (!delivers(key.measurand))
        return refused(fmt::format("step '{}' limits {}, and no sensor of this channel delivers it", step->name, name));
      if (!observation_[key.measurand].usable()) return refused("the sensor for " + name + " gives no number");
    }
  }
  for (const ConditionNode& node : program_.nodes) {
    if (node.kind != ConditionNode::Kind::leaf) continue;
    bool is_delivered = true;
    for (std::size_t m = 0; m < measurand_count; ++m) {
      const Measurand measurand = static_cast<Measurand>(m);
      is_delivered = is_delivered && (!needs_sensor(node.quantity, measurand) || delivers(measurand));
    }
    if (is_delivered) continue;
    return refused(fmt::format("a step ends by {}, and no sensor of this channel delivers it", to_string(node.quantity)));
  }
  if (parts_.interlock_modules == 0) return {};
  const Reading& interlock = observation_[Measurand::interlock];
  if (!interlock.usable()) return refused("nothing is known of its interlock contacts, which counts as open");
  return interlock.value >= 1.0 ? Result<void>{} : refused("interlock open");
}

/// One word for all contacts: the worst of them, and the oldest.
void ChannelRunner::interlock(std::size_t module, const Reading& reading) {
  interlocks_.at(module) = reading;
  const auto rank = [](const Reading& r) {
    if (r.quality != Quality::good) return r.quality == Quality::bad ? 0 : 1;
    return r.value >= 1.0 ? 3 : 2;
  };
  const auto worst = std::min_element(interlocks_.begin(), interlocks_.end(), [&](const Reading& a, const Reading& b) {
    return rank(a) != rank(b) ? rank(a) < rank(b) : a.at < b.at;
  });
  sensor(Measurand::interlock, *worst);
}

/// Says once that two voltmeters drift apart, well before they trip. One poll of the second may fall on an edge of the current.
void ChannelRunner::watch_difference() {
  constexpr double share = 0.5;
  constexpr int polls_in_a_row = 2;
  const std::optional<double>& limit = limits_.sensors.voltage_difference_max_V;
  const Reading& cycler = observation_[Measurand::voltage];
  const Reading& second = observation_[Measurand::logger_voltage];
  if (!limit || difference_said_ || !cycler.usable() || !second.usable()) return;
  if (second.at <= difference_seen_at_ || cycler.at < commanded_.since || second.at < commanded_.since) return;
  difference_seen_at_ = second.at;
  const double difference = std::abs(cycler.value - second.value);
  differences_ = difference <= share * *limit ? 0 : differences_ + 1;
  if (differences_ < polls_in_a_row) return;
  difference_said_ = true;
  say(db::Severity::warning, "voltage disagreement",
      fmt::format("cycler {:.4f} V and second voltmeter {:.4f} V: {:.4f} V apart, the limit is {:.4f} V", cycler.value,
                  second.value, difference, *limit));
}

/// Says once a step that what the cycler measures has jumped: no limit is near, but what is measured from there on may be wrong.
void ChannelRunner::watch_jump() {
  constexpr Duration settling = std::chrono::seconds{2};
  const Reading& voltage = observation_[Measurand::voltage];
  const Reading& current = observation_[Measurand::current];
  if (!jumps_ || jump_said_in_step_ == machine_.state().step_count || !voltage.usable() || !current.usable()) return;
  const TimePoint settled = std::max(commanded_.since, commanded_.changed) + settling;
  const auto jump = jumps_->look({voltage.at, Volts{voltage.value}, Amps{current.value}}, settled);
  if (!jump) return;
  jump_said_in_step_ = machine_.state().step_count;
  say(db::Severity::warning, "voltage jump",
      fmt::format(
          "the voltage jumped by {:+.4f} V while nothing was changed: a range, a lead, the cycler's voltmeter, or the cell. "
          "What was measured since is suspect",
          jump->step.value()));
}

}  // namespace cellrig
