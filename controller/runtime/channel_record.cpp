#include "controller/runtime/channel_record.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "controller/base/overloaded.hpp"

namespace cellrig {
namespace {

/// A chamber changes slowly; a row per sample would double the record.
constexpr Duration chamber_row_interval = std::chrono::seconds{10};

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

void ChannelRecord::step_started(const output::StepStarted& started, const ChannelState& state, TimePoint now) {
  if (!begun()) return;
  const Step& step = step_at(started.instruction);
  step_ = recorder_.next_step_key();
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
                                   .measures_reference = step.measure == Measure::reference});
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
  row.charge_Ah = t.moved.charge.value();
  row.discharge_Ah = t.moved.discharge.value();
  row.charge_Wh = t.moved.charge_energy.value();
  row.discharge_Wh = t.moved.discharge_energy.value();
  row.cv_time_s = to_seconds(t.cv_time);
  row.cv_charge_Ah = t.cv_charge.value();
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

void ChannelRecord::resume_point(const ChannelState& state) {
  if (begun()) recorder_.resume_point(run_, std::as_bytes(std::span{&state, 1}));
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
