#include "controller/runtime/channel_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "controller/base/overloaded.hpp"
#include "controller/engine/known_setpoint.hpp"
#include "controller/runtime/resume.hpp"

namespace cellrig {
namespace {

/// A chamber changes slowly; a row per sample would double the record.
constexpr Duration chamber_row_interval = std::chrono::seconds{10};
constexpr Duration aux_row_interval = std::chrono::seconds{1};
constexpr std::array<Measurand, 5> aux_measurands{Measurand::logger_voltage, Measurand::stack_force, Measurand::stack_pressure,
                                                  Measurand::gas, Measurand::interlock};

std::uint32_t flags_of(const output::Record& record, const Observation& observation) {
  std::uint32_t flags = 0;
  if (observation.output_on) flags |= db::sample_flag::output_on;
  switch (observation.regulation) {
    case Regulation::off:
    case Regulation::constant_current: break;
    case Regulation::constant_voltage: flags |= db::sample_flag::constant_voltage; break;
    case Regulation::constant_power: flags |= db::sample_flag::constant_power; break;
    case Regulation::constant_resistance: flags |= db::sample_flag::constant_resistance; break;
  }
  if (record.first_of_step) flags |= db::sample_flag::first_of_step;
  if (record.last_of_step) flags |= db::sample_flag::last_of_step;
  if (record.after_gap) flags |= db::sample_flag::after_gap;
  if (record.is_waiting) flags |= db::sample_flag::waiting;
  return flags;
}

double value_or_nan(const Reading& reading) {
  return reading.usable() ? reading.value : std::numeric_limits<double>::quiet_NaN();
}

std::string judged_text(const ResultCondition& condition, bool known, double value) {
  return known ? fmt::format("{}: {:.6g}", condition.text, value) : fmt::format("{}: not measured", condition.text);
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::none: return "running";
    case Outcome::completed: return "completed";
    case Outcome::failed: return "failed";
    case Outcome::stopped: return "stopped";
    case Outcome::tripped: return "tripped";
    case Outcome::instrument_failure: return "instrument failure";
    case Outcome::record_failure: return "record failure";
  }
  return "unknown";
}

std::string_view to_string(StepEndReason reason) {
  switch (reason) {
    case StepEndReason::condition: return "condition";
    case StepEndReason::time_bound: return "time bound";
    case StepEndReason::skipped: return "skipped";
    case StepEndReason::stopped: return "stopped";
    case StepEndReason::tripped: return "tripped";
    case StepEndReason::command_failed: return "command failed";
    case StepEndReason::confirmed: return "confirmed";
    case StepEndReason::refused: return "refused";
  }
  return "unknown";
}

std::string describe_setpoint(const Step& step) {
  if (step.person) return "output off; " + step.person->message;
  if (!step.setpoint) return "output off";
  if (step.course) {
    const auto by_value = [](const CoursePoint& a, const CoursePoint& b) { return a.value < b.value; };
    const auto [least, most] = std::minmax_element(step.course->points.begin(), step.course->points.end(), by_value);
    constexpr std::array<std::string_view, 3> units{"A", "W", "V"};
    return fmt::format("{:+.4g}..{:+.4g} {}, {:.4g}..{:.4g} V", least->value, most->value,
                       units[static_cast<std::size_t>(step.course->quantity)], step.course->voltage_min.value(),
                       step.course->voltage_max.value());
  }
  return std::visit(
      overloaded{
          [](const ConstantCurrent& s) {
            return fmt::format("{:+.4g} A, {:.4g}..{:.4g} V", s.current.value(), s.voltage_min.value(), s.voltage_max.value());
          },
          [](const ConstantVoltage& s) {
            return fmt::format("{:.4g} V, {:.4g}..{:.4g} A", s.voltage.value(), s.current_min.value(), s.current_max.value());
          },
          [](const ConstantPower& s) {
            return fmt::format("{:+.4g} W, {:.4g}..{:.4g} V", s.power.value(), s.voltage_min.value(), s.voltage_max.value());
          },
          [](const ConstantResistance& s) {
            return fmt::format("{:.4g} Ohm, above {:.4g} V", s.resistance.value(), s.voltage_min.value());
          },
      },
      *step.setpoint);
}

std::string describe_setpoint(const Step& step, const Program& program, const ChannelState& state) {
  if (!is_known_in_the_run(step)) return describe_setpoint(step);
  const std::optional<Step> known = as_known(step, program, state);
  return known ? describe_setpoint(*known) : "about " + describe_setpoint(step);
}

ChannelRecord::ChannelRecord(db::Recorder& recorder, const Program& program) : recorder_{recorder}, program_{program} {
  for (const Instruction& instruction : program.code) {
    if (const Step* const step = std::get_if<Step>(&instruction)) window_ = std::max(window_, step->record_before);
  }
}

void ChannelRecord::step_started(const output::StepStarted& started, const ChannelState& state, TimePoint now, UtcTime utc,
                                 std::optional<std::uint64_t> compared_with) {
  held_.clear();  // nothing, but after an interruption
  present_ = &step_at(started.instruction);
  if (!begun()) return;
  const Step& step = step_at(started.instruction);
  step_ = recorder_.next_step_key();
  step_started_ = now;
  recorder_.begin_step(db::StepRow{.step = step_,
                                   .run = run_,
                                   .step_count = static_cast<std::int64_t>(state.step_count),
                                   .step_id = started.instruction,
                                   .cycle = static_cast<std::int64_t>(state.cycle),
                                   .in_cycle = state.in_cycle,
                                   .is_reference = state.in_cycle && state.cycle_is_reference,
                                   .name = step.name,
                                   .type = std::string(bdf_step_type(step)),
                                   .setpoint_text = describe_setpoint(step, program_, state),
                                   .started_test_time_ns = test_time_ns(now),
                                   .measures_reference = step.measure == Measure::reference,
                                   .started_at = says_utc_ ? utc : UtcTime{},
                                   .compared_with = compared_with});
}

void ChannelRecord::hold_back(const Observation& observation, const Throughput& step_moved) {
  // A reading that failed is no row: never a zero.
  if (!observation[Measurand::voltage].usable() || !observation[Measurand::current].usable()) return;
  // A trip may come before anything new is measured. Where replies take no time a second answer has the same instant.
  const Reading& voltage = observation[Measurand::voltage];
  const bool says_new = voltage.value != written_V_ || observation[Measurand::current].value != written_A_;
  if (voltage.at < written_at_ || (voltage.at == written_at_ && !says_new)) return;
  hold({observation, output::Record{.step_moved = step_moved}, false});
}

/// Rows are in order and no instant has two.
void ChannelRecord::hold(const Held& held) {
  if (!held_.empty() && held.at() <= held_.back().at()) {
    if (held.is_row && !held_.back().is_row) held_.back() = held;
    return;
  }
  held_.push_back(held);
  while (held_.size() > held_max || held_.back().at() - held_.front().at() > window_) held_.pop_front();
}

void ChannelRecord::release(Duration back) {
  if (held_.empty()) return;
  const TimePoint from = held_.back().at() - back;
  for (const Held& held : held_) {
    if (held.is_row || (back > Duration::zero() && held.at() >= from)) write(held.record, held.observation);
  }
  held_.clear();
}

void ChannelRecord::sample(const output::Record& record, const Observation& observation) {
  if (!holds_back()) return write(record, observation);
  // Its step ends in this very moment, and what led to that stands before it: step_ended() writes both.
  if (record.last_of_step) return hold({observation, record, true});
  // A row that is due waits for nothing, and nothing older can come after it.
  held_.clear();
  write(record, observation);
}

void ChannelRecord::write(const output::Record& record, const Observation& observation) {
  if (!begun()) return;
  written_at_ = observation[Measurand::voltage].at;
  written_V_ = observation[Measurand::voltage].value;
  written_A_ = observation[Measurand::current].value;
  recorder_.append(db::SampleRow{.step = step_,
                                 .test_time_ns = test_time_ns(observation[Measurand::voltage].at),
                                 .flags = flags_of(record, observation),
                                 .voltage_V = observation[Measurand::voltage].value,
                                 .current_A = observation[Measurand::current].value,
                                 .cell_temperature_degC = value_or_nan(observation[Measurand::cell_temperature]),
                                 .ambient_temperature_degC = value_or_nan(observation[Measurand::ambient_temperature]),
                                 .charge_Ah = record.step_moved.charge.value(),
                                 .discharge_Ah = record.step_moved.discharge.value(),
                                 .charge_Wh = record.step_moved.charge_energy.value(),
                                 .discharge_Wh = record.step_moved.discharge_energy.value()});
  const Reading& chamber = observation[Measurand::chamber_temperature];
  if (chamber.usable() && chamber.at >= next_chamber_row_) {
    next_chamber_row_ = chamber.at + chamber_row_interval;
    recorder_.append(db::AuxRow{step_, test_time_ns(observation[Measurand::voltage].at),
                                name_with_unit(Measurand::chamber_temperature), chamber.value});
  }
  aux_rows(record, observation);
}

/// With a recorded row, at the instant of their own measurement and never twice; a contact only when it changed. What was measured
/// before the step began is of the step before.
void ChannelRecord::aux_rows(const output::Record& record, const Observation& observation) {
  for (const Measurand measurand : aux_measurands) {
    const Reading& reading = observation[measurand];
    Reading& last = last_aux_[static_cast<std::size_t>(measurand)];
    if (!reading.usable() || reading.at < step_started_) continue;
    const bool is_due = last.quality == Quality::missing || reading.at >= last.at + aux_row_interval ||
                        (record.last_of_step && reading.at > last.at);
    const bool is_changed = last.quality == Quality::missing || reading.value != last.value;
    if (measurand == Measurand::interlock ? !is_changed : !is_due) continue;
    last = reading;
    recorder_.append(db::AuxRow{step_, test_time_ns(reading.at), name_with_unit(measurand), reading.value});
  }
}

void ChannelRecord::step_ended(const output::StepEnded& ended, const Step* next) {
  release(std::max(step_at(ended.instruction).record_before, next != nullptr ? next->record_before : Duration::zero()));
  if (!begun()) return;
  const Step& step = step_at(ended.instruction);
  const StepState& t = ended.totals;
  db::StepEndRow row{
      .step = step_, .ended_test_time_ns = test_time_ns(ended.ended), .reason = std::string(to_string(ended.reason))};
  if (ended.has_end) {
    row.condition = step.ends[ended.end].text;
    // Of several conditions the value is that of one.
    const bool is_group = program_.nodes[step.ends[ended.end].root].kind != ConditionNode::Kind::leaf;
    if (is_group) row.condition += fmt::format("{}{}", decided_by, to_string(ended.quantity));
    row.value = ended.value;
    row.margin = ended.margin;
  } else if (ended.reason == StepEndReason::time_bound) {
    row.condition = fmt::format("step_time_s >= {:g}", to_seconds(step.time_max));
    row.value = to_seconds(ended.ended - t.started + t.ran_before_pause);
    row.margin = *row.value - to_seconds(step.time_max);
  }
  write_step_end(std::move(row), t);
}

/// A step that went on after an interruption has a row for each part: this one counts since the part began.
void ChannelRecord::write_step_end(db::StepEndRow row, const StepState& t) {
  const Throughput moved = t.moved - t.before.moved;
  row.charge_Ah = moved.charge.value();
  row.discharge_Ah = moved.discharge.value();
  row.charge_Wh = moved.charge_energy.value();
  row.discharge_Wh = moved.discharge_energy.value();
  row.cv_time_s = to_seconds(t.cv_time - t.before.cv_time);
  row.cv_charge_Ah = (t.cv_charge - t.before.cv_charge).value();
  if (t.cell_temperature.known) {
    row.cell_temperature_max_degC = t.cell_temperature.max_degC;
    row.cell_temperature_min_degC = t.cell_temperature.min_degC;
  }
  recorder_.end_step(row);
}

void ChannelRecord::cycle_ended(const output::CycleEnded& ended) {
  if (!begun()) return;
  const CycleState& t = ended.totals;
  db::CycleRow row{.run = run_,
                   .cycle = static_cast<std::int64_t>(ended.cycle),
                   .is_reference = ended.is_reference,
                   .started_test_time_ns = test_time_ns(t.started),
                   .ended_test_time_ns = test_time_ns(ended.ended),
                   .charge_Ah = t.moved.charge.value(),
                   .discharge_Ah = t.moved.discharge.value(),
                   .charge_Wh = t.moved.charge_energy.value(),
                   .discharge_Wh = t.moved.discharge_energy.value(),
                   .charge_time_s = to_seconds(t.charge_time)};
  if (row.charge_Ah > 0) row.coulombic_efficiency = row.discharge_Ah / row.charge_Ah;
  if (row.charge_Wh > 0) row.energy_efficiency = row.discharge_Wh / row.charge_Wh;
  if (t.cell_temperature.known) row.cell_temperature_max_degC = t.cell_temperature.max_degC;
  if (t.measured_reference) row.retention = ended.retention;
  recorder_.append(row);
}

void ChannelRecord::criterion(const output::CriterionJudged& judged, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  const ResultCondition& condition = std::get<Require>(program_.code[judged.instruction]).condition;
  db::EventRow row{.run = run_,
                   .test_time_ns = test_time_ns(now),
                   .utc = utc,
                   .severity = judged.met ? db::Severity::info : db::Severity::warning};
  row.kind = judged.met ? "criterion met" : criterion_not_met_event;
  row.message = judged_text(condition, judged.known, judged.value);
  const double threshold = judged.known ? judged.value - judged.margin : condition.value;
  if (condition.formula >= 0 && judged.known) row.message += fmt::format(" (the expression is {:.6g})", threshold);
  if (judged.known) row.value = judged.value;
  row.limit = threshold;
  recorder_.append(row);
}

void ChannelRecord::stop_held(const output::StopHeld& held, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  const ResultCondition& condition = std::get<StopIf>(program_.code[held.instruction]).condition;
  db::EventRow row{.run = run_, .test_time_ns = test_time_ns(now), .utc = utc, .kind = std::string(stop_condition_event)};
  row.message = judged_text(condition, std::isfinite(held.value), held.value);
  if (std::isfinite(held.value)) {
    row.value = held.value;
  } else {
    row.severity = db::Severity::warning;
    row.message += ": its step was skipped, or done again from the middle";
  }
  if (std::isfinite(held.threshold)) row.limit = held.threshold;
  recorder_.append(row);
}

void ChannelRecord::loop_left(const output::LoopLeft& left, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  const ResultCondition& condition = std::get<LeaveIf>(program_.code[left.instruction]).condition;
  db::EventRow row{.run = run_, .test_time_ns = test_time_ns(now), .utc = utc, .kind = "loop left"};
  row.message = judged_text(condition, true, left.value);
  row.value = left.value;
  row.limit = left.threshold;
  recorder_.append(row);
}

void ChannelRecord::variable_set(const output::VariableSet& set, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  db::EventRow row{.run = run_, .test_time_ns = test_time_ns(now), .utc = utc, .kind = "variable"};
  row.message = fmt::format("{} = {:.6g}", program_.variables[set.variable].name, set.value);
  row.value = set.value;
  recorder_.append(row);
}

void ChannelRecord::marked(const output::Marked& mark, TimePoint now, UtcTime utc) {
  event(db::Severity::info, "mark", std::get<Mark>(program_.code[mark.instruction]).text, now, utc);
}

void ChannelRecord::diagnostics_begun(const output::DiagnosticsBegun& begun, TimePoint now, UtcTime utc) {
  const auto why = [&begun]() -> std::string {
    switch (begun.reason) {
      case output::DiagnosticsReason::cycles: return fmt::format("after {:g} cycles", begun.value);
      case output::DiagnosticsReason::fade: return fmt::format("after a fade of {:.3g} %", begun.value);
      case output::DiagnosticsReason::alarm: return "after an alarm";
    }
    return {};
  };
  event(db::Severity::info, "diagnostics", why(), now, utc);
}

std::string ChannelRecord::why_unusable(const output::Unusable& found) const {
  using Why = output::Unusable::Why;
  if (found.why == Why::no_step) return "the program goes on and on without a step";
  if (const SetVariable* const set = std::get_if<SetVariable>(&program_.code[found.instruction])) {
    const Variable& variable = program_.variables[set->variable];
    const std::string text = fmt::format("variable {} = {}", variable.name, program_.formulas[set->formula].text);
    if (found.why == Why::not_known) return text + " is not known: a result in it has not been measured";
    return fmt::format("{} comes out as {:.6g}, outside its bounds of {:.6g} to {:.6g}", text, found.value, variable.min,
                       variable.max);
  }
  const Step& step = step_at(found.instruction);
  if (found.why == Why::chamber_temperature) {
    const Celsius least = step.limits ? step.limits->charge_temperature_min : program_.limits.charge_temperature_min;
    return fmt::format(
        "step '{}' charges, and the chamber was asked for {:.4g} degC: the cell is charged at {:.4g} to {:.4g} degC", step.name,
        found.value, least.value(), program_.charge_temperature_max.value_or(Celsius{}).value());
  }
  const std::string text =
      fmt::format("step '{}': {}", step.name, program_.formulas.at(static_cast<std::size_t>(found.formula)).text);
  if (found.why == Why::not_known) return text + " is not known: a result in it has not been measured";
  const bool is_tiny = found.value > 0.0 && found.value < found.least;
  const std::string least = is_tiny ? fmt::format("at least {:.6g}", found.least) : "above 0";
  return fmt::format(
      "{} comes out as {:.6g}, which is not {} and at most {:.6g}, the least of what cell, profile, bench and cycler allow", text,
      found.value, least, found.most);
}

void ChannelRecord::event(db::Severity severity, const std::string& kind, const std::string& message, TimePoint now,
                          UtcTime utc) {
  if (!begun()) return;
  if (severity != db::Severity::info) release(window_of_step());
  recorder_.append(db::EventRow{
      .run = run_, .test_time_ns = test_time_ns(now), .utc = utc, .severity = severity, .kind = kind, .message = message});
}

void ChannelRecord::trip(const TripCause& cause, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  release(window_of_step());
  db::EventRow row{.run = run_, .test_time_ns = test_time_ns(now), .utc = utc, .severity = db::Severity::trip, .kind = "trip"};
  row.message = describe(cause);
  if (std::isfinite(cause.value)) row.value = cause.value;
  row.limit = cause.limit;
  recorder_.append(row);
}

void ChannelRecord::on_again(const std::string& what, AmpHours charge, TimePoint now, UtcTime utc) {
  unseen_charge(on_again_event, what, charge, now, utc);
}

void ChannelRecord::late_off(const std::string& what, AmpHours charge, TimePoint now, UtcTime utc) {
  unseen_charge(late_off_event, what, charge, now, utc);
}

void ChannelRecord::unseen_charge(std::string_view kind, const std::string& what, AmpHours charge, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  db::EventRow row{.run = run_, .test_time_ns = test_time_ns(now), .utc = utc, .severity = db::Severity::alarm};
  row.kind = kind;
  row.message = what;
  row.value = charge.value();
  recorder_.append(row);
}

void ChannelRecord::divergence(const Divergence& found, const std::string& message, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  release(window_of_step());
  db::EventRow row{.run = run_, .test_time_ns = test_time_ns(now), .utc = utc, .severity = db::Severity::warning};
  row.kind = divergence_event;
  row.message = message;
  row.value = found.measured;
  row.limit = found.measured < found.band.min ? found.band.min : found.band.max;
  recorder_.append(row);
}

void ChannelRecord::limit_changed(const LimitChange& change, const std::string& message, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  db::EventRow row{.run = run_, .test_time_ns = test_time_ns(now), .utc = utc};
  row.kind = std::string(limit_event) + change.name;
  row.message = message;
  row.value = change.now;
  row.limit = change.before;
  recorder_.append(row);
}

void ChannelRecord::resume_point(const ResumePoint& point) {
  if (!begun()) return;
  const ResumePoint in_test_time = shifted(point, -started_.time_since_epoch());
  recorder_.resume_point(run_, std::as_bytes(std::span{&in_test_time, 1}));
}

void ChannelRecord::finished(const output::Finished& finished, const std::string& reason, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  recorder_.end_run(db::RunEndRow{.run = run_,
                                  .ended_test_time_ns = test_time_ns(now),
                                  .ended_at = utc,
                                  .status = std::string(to_string(finished.outcome)),
                                  .reason = reason,
                                  .criteria_met = finished.criteria_met});
}

}  // namespace cellrig
