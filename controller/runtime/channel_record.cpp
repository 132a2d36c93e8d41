#include "controller/runtime/channel_record.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "controller/base/overloaded.hpp"
#include "controller/runtime/resume.hpp"

namespace cellrig {
namespace {

/// A chamber changes slowly; a row per sample would double the record.
constexpr Duration chamber_row_interval = std::chrono::seconds{10};
constexpr Duration aux_row_interval = std::chrono::seconds{1};
constexpr std::array<Measurand, 5> aux_measurands{Measurand::logger_voltage, Measurand::stack_force, Measurand::stack_pressure,
                                                  Measurand::gas, Measurand::interlock};
constexpr std::int64_t ns_per_s = 1'000'000'000;

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
  }
  return "unknown";
}

std::string describe_setpoint(const Step& step) {
  if (!step.setpoint) return "output off";
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

void ChannelRecord::go_on(const Continuation& continuation, TimePoint now, UtcTime utc) {
  const Interrupted& from = continuation.run;
  begin(from.info.run, now - from.test_time);
  says_utc_ = true;
  const Together together(*this);
  recorder_.resume_run(run_, continuation.operator_name, continuation.host);
  if (from.open_step != 0) {
    const StepState& step = from.point.channel.step;
    step_ = from.open_step;
    write_step_end(db::StepEndRow{.step = step_, .ended_test_time_ns = to_ns(seen_until(step)), .reason = "interrupted"}, step);
  }
  deviation(continuation, utc);
}

/// The gap, in one place: a row with its numbers, and an event that says the same among the others.
void ChannelRecord::deviation(const Continuation& continuation, UtcTime utc) {
  const Interrupted& from = continuation.run;
  const Step* const step = interrupted_step(program_, from.point.channel);
  std::string message =
      fmt::format("{}: nobody looked from {:%Y-%m-%d %H:%M:%S} to {:%Y-%m-%d %H:%M:%S} UTC, test time {:.3f} s; ",
                  to_string(continuation.kind), fmt::gmtime(static_cast<std::time_t>(from.last_seen.ns_since_epoch / ns_per_s)),
                  fmt::gmtime(static_cast<std::time_t>(utc.ns_since_epoch / ns_per_s)), to_seconds(from.test_time));
  const UnseenCharge& unseen = continuation.unseen;
  message += fmt::format("unseen charge at most {:+.6f} Ah ({:+.4f} A x {:g} s); ", unseen.charge().value(),
                         unseen.current.value(), to_seconds(unseen.time));
  message += step != nullptr ? fmt::format("goes on by '{}' in step {} '{}'", to_string(continuation.rule),
                                           from.point.channel.step_count, step->name)
                             : fmt::format("goes on by '{}' between steps", to_string(continuation.rule));
  if (!continuation.operator_name.empty()) message += ", by " + continuation.operator_name;
  for (const std::string& objection : continuation.objections) message += "; " + objection;
  if (!continuation.accepted_change.empty()) message += "; accepted: " + continuation.accepted_change;
  recorder_.deviation(
      db::DeviationRow{.run = run_,
                       .category = std::string(to_string(continuation.kind)),
                       .from_test_time_ns = from.test_time.count(),
                       .to_test_time_ns = from.test_time.count(),
                       .from_utc = from.last_seen,
                       .to_utc = utc,
                       .unseen_charge_max_Ah = std::abs(unseen.charge().value()),
                       .bounded_by = fmt::format("{:+.4g} A x {:g} s", unseen.current.value(), to_seconds(unseen.time)),
                       .description = message});
  recorder_.append(db::EventRow{.run = run_,
                                .test_time_ns = from.test_time.count(),
                                .utc = utc,
                                .severity = db::Severity::warning,
                                .kind = std::string(deviation_event),
                                .message = std::move(message),
                                .value = unseen.charge().value()});
}

void ChannelRecord::step_started(const output::StepStarted& started, const ChannelState& state, TimePoint now, UtcTime utc) {
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
                                   .setpoint_text = describe_setpoint(step),
                                   .started_test_time_ns = test_time_ns(now),
                                   .measures_reference = step.measure == Measure::reference,
                                   .started_at = says_utc_ ? utc : UtcTime{}});
}

void ChannelRecord::sample(const output::Record& record, const Observation& observation) {
  if (!begun()) return;
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

void ChannelRecord::step_ended(const output::StepEnded& ended) {
  if (!begun()) return;
  const Step& step = step_at(ended.instruction);
  const StepState& t = ended.totals;
  db::StepEndRow row{
      .step = step_, .ended_test_time_ns = test_time_ns(ended.ended), .reason = std::string(to_string(ended.reason))};
  if (ended.has_end) {
    row.condition = step.ends[ended.end].text;
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
  row.kind = judged.met ? "criterion met" : "criterion not met";
  row.message = judged_text(condition, judged.known, judged.value);
  if (judged.known) row.value = judged.value;
  row.limit = condition.value;
  recorder_.append(row);
}

void ChannelRecord::stop_held(const output::StopHeld& held, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  const ResultCondition& condition = std::get<StopIf>(program_.code[held.instruction]).condition;
  db::EventRow row{.run = run_, .test_time_ns = test_time_ns(now), .utc = utc, .kind = "stop condition"};
  row.message = judged_text(condition, true, held.value);
  row.value = held.value;
  row.limit = condition.value;
  recorder_.append(row);
}

void ChannelRecord::event(db::Severity severity, const std::string& kind, const std::string& message, TimePoint now,
                          UtcTime utc) {
  if (!begun()) return;
  recorder_.append(db::EventRow{
      .run = run_, .test_time_ns = test_time_ns(now), .utc = utc, .severity = severity, .kind = kind, .message = message});
}

void ChannelRecord::trip(const TripCause& cause, TimePoint now, UtcTime utc) {
  if (!begun()) return;
  db::EventRow row{.run = run_, .test_time_ns = test_time_ns(now), .utc = utc, .severity = db::Severity::trip, .kind = "trip"};
  row.message = describe(cause);
  if (std::isfinite(cause.value)) row.value = cause.value;
  row.limit = cause.limit;
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
