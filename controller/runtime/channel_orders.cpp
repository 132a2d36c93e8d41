// ChannelRunner: what a person orders in mid-run beside a stop: pause, resume, skip, and limits.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "controller/base/config_error.hpp"
#include "controller/runtime/channel_runner.hpp"

namespace cellrig {
namespace {

/// A limit by the name that people know it by. Set only where one is in force already, so that an optional one is never made. What a person
/// tightens in mid-run holds at once, without the delay that the wider one may have had.
struct LimitName {
  const char* name;
  bool is_upper;
  std::optional<double> (*get)(const SafetyLimits&);
  void (*set)(SafetyLimits&, double);
};

const std::array<LimitName, 11>& limit_names() {
  using L = SafetyLimits;
  using O = std::optional<double>;
  static const std::array<LimitName, 11> names{{
      {"voltage_max_V", true, [](const L& l) { return O{l.voltage_max.value()}; },
       [](L& l, double v) { l.voltage_max = Volts{v}; }},
      {"voltage_min_V", false, [](const L& l) { return O{l.voltage_min.value()}; },
       [](L& l, double v) { l.voltage_min = Volts{v}; }},
      {"charge_current_max_A", true, [](const L& l) { return O{l.charge_current_max.value()}; },
       [](L& l, double v) { l.charge_current_max = Amps{v}; }},
      {"discharge_current_max_A", true, [](const L& l) { return O{l.discharge_current_max.value()}; },
       [](L& l, double v) { l.discharge_current_max = Amps{v}; }},
      {"cell_temperature_max_degC", true, [](const L& l) { return O{l.cell_temperature_max.value()}; },
       [](L& l, double v) { l.cell_temperature_max = Celsius{v}; }},
      {"cell_temperature_min_degC", false, [](const L& l) { return O{l.cell_temperature_min.value()}; },
       [](L& l, double v) { l.cell_temperature_min = Celsius{v}; }},
      {"charge_temperature_min_degC", false, [](const L& l) { return O{l.charge_temperature_min.value()}; },
       [](L& l, double v) { l.charge_temperature_min = Celsius{v}; }},
      {"stack_pressure_max_MPa", true, [](const L& l) { return l.sensors.stack_pressure_max_MPa; },
       [](L& l, double v) {
         l.sensors.stack_pressure_max_MPa = v;
         l.sensors.stack_pressure_for_s.reset();
       }},
      {"stack_pressure_min_MPa", false, [](const L& l) { return l.sensors.stack_pressure_min_MPa; },
       [](L& l, double v) {
         l.sensors.stack_pressure_min_MPa = v;
         l.sensors.stack_pressure_for_s.reset();
       }},
      {"gas_max_ppm", true, [](const L& l) { return l.sensors.gas_max_ppm; },
       [](L& l, double v) {
         l.sensors.gas_max_ppm = v;
         l.sensors.gas_for_s.reset();
       }},
      {"voltage_difference_max_V", true, [](const L& l) { return l.sensors.voltage_difference_max_V; },
       [](L& l, double v) { l.sensors.voltage_difference_max_V = v; }},
  }};
  return names;
}

/// Written so that NaN is not tighter.
bool is_tighter(const LimitName& limit, double wanted, double than) { return limit.is_upper ? wanted < than : wanted > than; }

Result<const LimitName*> find_limit(const std::string& name) {
  std::vector<std::string> known;
  for (const LimitName& limit : limit_names()) {
    if (name == limit.name) return &limit;
    known.emplace_back(limit.name);
  }
  return fail(Fault::refused, "unknown limit '" + name + "'" + suggestion(name, known));
}

}  // namespace

// ---- pause, resume, skip --------------------------------------------------------------------------------------------

Result<void> ChannelRunner::order(PersonOrder what, const std::string& by) {
  const Phase phase = machine_.state().phase;
  const bool is_open = phase == Phase::running || phase == Phase::applying || phase == Phase::awaiting_chamber;
  if (!running_ || must_be_off() || (!is_open && phase != Phase::pausing && phase != Phase::paused))
    return refused("no step is under way");
  if (ordered_) return refused("another order is being carried out");
  const char* kind = "";
  switch (what) {
    case PersonOrder::pause:
      if (!is_open) return refused("it is paused already");
      kind = "paused";
      break;
    case PersonOrder::resume:
      if (phase == Phase::pausing) return refused("its output is still being switched off");
      if (phase != Phase::paused) return refused("it is not paused");
      kind = "pause ended";
      break;
    case PersonOrder::skip:
      if (phase == Phase::pausing) return refused("its output is still being switched off");
      kind = "step skipped";
      break;
  }
  const Step* const step = machine_.current_step();
  const std::string where =
      step == nullptr ? std::string{} : fmt::format("step {} '{}'", machine_.state().step_count, step->name);
  record_.event(db::Severity::info, kind, fmt::format("{} (by {})", where, by), time_.now(), time_.utc_now());
  ordered_ = what;
  ordered_in_step_ = machine_.state().step_count;
  wake_.wake();
  return {};
}

/// A pause waits for no measurement; what may switch the output on is decided on one of now.
Task<void> ChannelRunner::carry_out_order() {
  const PersonOrder what = *ordered_;
  if (what != PersonOrder::pause) co_await first_look();
  ordered_.reset();
  if (must_be_off()) co_return;
  // The step may have ended by itself since: the next one was not meant.
  if (what != PersonOrder::pause && ordered_in_step_ != machine_.state().step_count) {
    record_.event(db::Severity::warning, "order dropped",
                  fmt::format("{} was meant for step {}, and step {} is under way", what == PersonOrder::skip ? "skip" : "resume",
                              ordered_in_step_, machine_.state().step_count),
                  time_.now(), time_.utc_now());
    co_return;
  }
  ChannelInput in{input::Pause{}};
  if (what == PersonOrder::resume) in = input::Resume{};
  if (what == PersonOrder::skip) in = input::Skip{};
  point_is_due_ = true;
  if (follower_ && what == PersonOrder::resume) follower_->go_on_after_pause(time_.now());
  co_await perform(in);
  point_is_due_ = true;  // where it came to, also when nothing is measured for the record
  keep_point();
  listener_.sample(view());
}

// ---- limits ---------------------------------------------------------------------------------------------------------

/// Of cell, profile and bench, or of the present step where it has its own.
SafetyLimits ChannelRunner::limits_now() const {
  if (step_limits_ == nullptr) return with_tightened(limits_);
  const SafetyLimits of_step = tighter(*step_limits_, parts_.limits);
  if (step_limits_have_settled_) return with_tightened(of_step);
  SafetyLimits limits = limits_;
  limits.sensors = of_step.sensors;
  limits.cell_temperature_min = of_step.cell_temperature_min;
  limits.cell_temperature_max = of_step.cell_temperature_max;
  limits.charge_temperature_min = of_step.charge_temperature_min;
  return with_tightened(limits);
}

SafetyLimits ChannelRunner::with_tightened(SafetyLimits limits) const {
  for (const LimitName& limit : limit_names()) {
    const auto wanted = tightened_.find(limit.name);
    const std::optional<double> own = limit.get(limits);
    if (wanted != tightened_.end() && own && is_tighter(limit, wanted->second, *own)) limit.set(limits, wanted->second);
  }
  return limits;
}

namespace {

std::map<std::string, double> by_name(const SafetyLimits& limits) {
  std::map<std::string, double> known;
  for (const LimitName& limit : limit_names()) {
    if (const std::optional<double> value = limit.get(limits)) known[limit.name] = *value;
  }
  return known;
}

}  // namespace

std::map<std::string, double> ChannelRunner::limits_in_force() const { return by_name(limits_now()); }

std::map<std::string, double> ChannelRunner::limits_of_run() const { return by_name(with_tightened(limits_)); }

Result<void> ChannelRunner::set_limits(const std::map<std::string, double>& wanted, bool is_widening, const std::string& by) {
  if (!running_ || must_be_off()) return refused("no run is under way");
  const SafetyLimits tight = with_tightened(limits_);
  for (const auto& [name, value] : wanted) {
    const Result<const LimitName*> limit = find_limit(name);
    if (!limit) return limit.error();
    if (!std::isfinite(value)) return refused(name + " is no number");
    const std::optional<double> own = (**limit).get(limits_), now = (**limit).get(tight);
    if (!own || !now) return refused(name + " is not limited in this run: nothing measures it, or nobody asked for it");
    if (is_tighter(**limit, value, *now)) continue;
    if (!is_widening) return refused(fmt::format("{} {:g} is not tighter than {:g}, which is in force", name, value, *now));
    if (!is_tighter(**limit, value, *own) && value != *own)
      return refused(
          fmt::format("{} {:g} is wider than the run's own {:g}: a wider one needs another profile", name, value, *own));
  }
  for (const auto& [name, value] : wanted) {
    const double before = *(**find_limit(name)).get(tight);
    tightened_[name] = value;
    const std::string text = fmt::format("{} {:g} -> {:g} (by {})", name, before, value, by);
    record_.limit_changed({name, before, value}, text, time_.now(), time_.utc_now());
    listener_.message(parts_.name, db::Severity::info, text);
  }
  supervisor_->set_limits(limits_now());
  wake_.wake();  // judged by them at once
  tick_now_ = true;
  return {};
}

}  // namespace cellrig
