#include "controller/runtime/resume.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/runtime/channel_record.hpp"

namespace cellrig {
namespace {

Error refuse(db::RunKey run, const std::string& what) { return fail(Fault::refused, fmt::format("run {} {}", run, what)); }

bool is_status(const db::RunInfo& info, Outcome outcome) { return info.status == to_string(outcome); }

UtcTime utc_of(const db::RunInfo& info, const db::StepInfo* step, std::int64_t test_time_ns) {
  const bool has_own = step != nullptr && step->row.started_at.ns_since_epoch != 0;
  if (has_own) return UtcTime{step->row.started_at.ns_since_epoch + test_time_ns - step->row.started_test_time_ns};
  return UtcTime{info.row.started_at.ns_since_epoch + test_time_ns};
}

/// Told of a run that is over or whose process is dead: for how long nobody saw what it did is not counted from there.
bool is_after_the_end(const db::EventRow& event) {
  return event.kind == on_again_event || event.kind == db::heat_after_end_event;
}

bool fails_criteria(const db::EventRow& event) {
  if (event.kind == criterion_not_met_event) return true;
  if (event.kind == stop_condition_event) return event.severity == db::Severity::warning;
  return event.kind == stop_event && event.message.starts_with(divergence_stop);
}

/// The trip that ended the run, or came after its end, and the charge that went in after it, or the stop that did not come to its end;
/// unless it went on since.
void find_last_word(const std::vector<db::EventRow>& events, Interrupted& run) {
  for (const db::EventRow& event : events) {
    if (event.kind == stop_event) run.stop = event.message;
    if (fails_criteria(event)) run.criteria_met = false;
    if (event.severity == db::Severity::trip || event.kind == db::heat_after_end_event) run.trip = event.message;
    if (event.kind == on_again_event || event.kind == late_off_event) run.charge_after_end += AmpHours{event.value.value_or(0.0)};
    if (event.kind != deviation_event) continue;
    run.trip.clear();  // it went on, and counted what had flowed
    run.stop.clear();
    run.charge_after_end = AmpHours{};
  }
  if (run.info.end) run.stop.clear();
  if (run.info.end && !run.info.end->criteria_met) run.criteria_met = false;
  // Whatever the events say: a run that ended like this does not go on by itself.
  const bool is_tripped = is_status(run.info, Outcome::tripped) || run.point.channel.outcome == Outcome::tripped;
  if (is_tripped && run.trip.empty()) run.trip = run.info.end ? run.info.end->reason : "a trip whose cause is not in the record";
}

Result<void> find_last_instant(db::Reader& reader, Interrupted& run) {
  const Result<std::vector<db::StepInfo>> steps = reader.steps(run.info.run);
  if (!steps) return steps.error();
  const db::StepInfo* const last = steps->empty() ? nullptr : &steps->back();
  std::int64_t latest = 0;
  if (last != nullptr) {
    if (!last->end) run.open_step = last->row.step;
    latest = last->end ? last->end->ended_test_time_ns : last->row.started_test_time_ns;
    const auto look = [&latest, &run](const db::SampleView& sample) {
      latest = std::max(latest, sample.row.test_time_ns);
      if (std::isfinite(sample.row.current_A)) run.last_current = Amps{sample.row.current_A};
      return true;
    };
    const Result<std::uint64_t> visited = reader.for_each_sample_of_step(last->row.step, look);
    if (!visited) return visited.error();
  }
  latest = std::max(latest, to_ns(seen_until(run.point.channel.step)));
  if (run.info.end) latest = std::max(latest, run.info.end->ended_test_time_ns);
  run.test_time = Duration{latest};
  run.last_seen = utc_of(run.info, last, latest);
  return {};
}

}  // namespace

std::string_view to_string(DeviationKind kind) {
  switch (kind) {
    case DeviationKind::power_outage: return "power_outage";
    case DeviationKind::software_error: return "software_error";
    case DeviationKind::operator_intervention: return "operator_intervention";
    case DeviationKind::premature_termination: return "premature_termination";
    case DeviationKind::communication_loss: return "communication_loss";
    case DeviationKind::equipment_failure: return "equipment_failure";
  }
  return "other";
}

Result<Interrupted> find_interrupted(db::Reader& reader, db::RunKey run) {
  Interrupted found;
  Result<db::RunInfo> info = reader.run(run);
  if (!info) return info.error();
  found.info = std::move(*info);
  const std::string& status = found.info.status;
  if (is_status(found.info, Outcome::completed) || is_status(found.info, Outcome::failed))
    return refuse(run, "is finished (" + status + "): nothing to resume");
  found.was_off = is_status(found.info, Outcome::stopped);
  const Result<std::optional<db::ResumeState>> stored = reader.resume_point(run);
  if (!stored) return stored.error();
  if (*stored) {
    std::string why_not;
    const std::optional<ResumePoint> point = resume_point_of((**stored).state, why_not);
    if (point) {
      found.point = *point;
    } else {
      found.unreadable = "cannot be resumed: " + why_not;
    }
  }
  const Result<std::vector<db::EventRow>> events = reader.events(run);
  if (!events) return events.error();
  find_last_word(*events, found);
  for (const db::EventRow& event : *events) {
    if (event.kind.starts_with(limit_event) && event.value)
      found.limits_changed[event.kind.substr(limit_event.size())] = *event.value;
  }
  const Result<bool> acknowledged = reader.is_last_trip_acknowledged(run);
  if (!acknowledged) return acknowledged.error();
  found.is_acknowledged = *acknowledged;
  const Result<void> placed = find_last_instant(reader, found);
  if (!placed) return placed.error();
  for (const db::EventRow& event : *events) {
    found.test_time = std::max(found.test_time, Duration{event.test_time_ns});
    if (!is_after_the_end(event)) found.last_seen = std::max(found.last_seen, event.utc);
  }
  return found;
}

Result<db::RunKey> last_run_of(db::Reader& reader, const std::string& channel) {
  const Result<std::vector<db::RunInfo>> runs = reader.runs();
  if (!runs) return runs.error();
  const auto last = std::find_if(runs->rbegin(), runs->rend(), [&](const db::RunInfo& r) { return r.row.channel == channel; });
  if (last == runs->rend()) return fail(Fault::refused, "nothing to resume: no run of channel " + channel);
  return last->run;
}

Result<std::vector<db::RunKey>> later_runs(db::Reader& reader, const Interrupted& run, const std::string& channel) {
  const Result<std::vector<db::RunInfo>> all = reader.runs();
  if (!all) return all.error();
  const db::RunRow& own = run.info.row;
  std::vector<db::RunKey> later;
  for (const db::RunInfo& other : *all) {
    const bool is_specimen = !own.cell_id.empty() && other.row.cell_id == own.cell_id && other.row.cell_name == own.cell_name;
    const bool is_on_channel = other.row.channel == own.channel || other.row.channel == channel;
    if (other.run == run.info.run || other.row.time_source == "virtual" || !(is_specimen || is_on_channel)) continue;
    bool is_later = other.run > run.info.run || (other.end && other.end->ended_at > run.last_seen);
    // One that began earlier may have gone on later, and nobody wrote an end.
    const Result<std::vector<db::DeviationRow>> gaps = reader.deviations(other.run);
    if (!gaps) return gaps.error();
    for (const db::DeviationRow& gap : *gaps) is_later = is_later || gap.to_utc > run.last_seen;
    if (is_later) later.push_back(other.run);
  }
  return later;
}

Result<void> bring_up_to_date(db::Reader& reader, const Program& program, Interrupted& run) {
  const db::RunKey key = run.info.run;
  if (!run.unreadable.empty()) return refuse(key, run.unreadable);
  if (program.hash != run.info.row.program_hash) {
    return refuse(key, fmt::format("was of program {:.12}, its profile, cell and parameters come to {:.12} here: resume it with "
                                   "the cellrig that started it ({})",
                                   run.info.row.program_hash, program.hash, run.info.row.software_version));
  }
  if (const std::string wrong = misfit(program, run.point.channel); !wrong.empty())
    return refuse(key, "cannot be resumed: its resume point holds " + wrong);
  const Result<std::optional<db::ResumeState>> stored = reader.resume_point(key);
  if (!stored) return stored.error();
  const std::int64_t after = *stored ? (**stored).sample_rowid : 0;
  const auto add = [&run](const db::SampleView& view) {
    const db::SampleRow& row = view.row;
    if ((row.flags & db::sample_flag::waiting) != 0) return true;  // nothing moved, and no clock ran
    RowSeen seen;
    seen.sample = ElectricalSample{TimePoint{Duration{row.test_time_ns}}, Volts{row.voltage_V}, Amps{row.current_A}};
    seen.step_moved =
        Throughput{AmpHours{row.charge_Ah}, AmpHours{row.discharge_Ah}, WattHours{row.charge_Wh}, WattHours{row.discharge_Wh}};
    if (std::isfinite(row.cell_temperature_degC)) seen.cell_degC = row.cell_temperature_degC;
    seen.constant_voltage = (row.flags & db::sample_flag::constant_voltage) != 0;
    catch_up(run.point, seen);
    return true;
  };
  const Result<std::uint64_t> read = reader.for_each_sample_after(key, after, add);
  if (!read) return read.error();
  return {};
}

const Step* interrupted_step(const Program& program, const ChannelState& state) {
  const bool is_over = (state.phase == Phase::stopping || state.phase == Phase::finished) &&
                       (state.outcome == Outcome::completed || state.outcome == Outcome::failed);
  if (state.step_count == 0 || is_over || state.pc >= program.code.size()) return nullptr;
  return std::get_if<Step>(&program.code[state.pc]);
}

UnseenCharge unseen_of(const Program& program, const Interrupted& run, Duration time_unseen) {
  UnseenCharge unseen = unseen_charge(program, run.point.channel, run.was_off ? stop_time_max : time_unseen);
  unseen.after_end = run.charge_after_end;
  return unseen;
}

UnseenCharge unseen_of_unreadable(const Interrupted& run, std::optional<Amps> most, Duration time_unseen) {
  UnseenCharge unseen{.current = most ? worse_of(*most, run.last_current) : run.last_current,
                      .time = run.was_off ? stop_time_max : time_unseen};
  unseen.after_end = run.charge_after_end;
  return unseen;
}

void close_interrupted(ChannelRecord& record, const Continuation& continuation, Outcome outcome, const std::string& reason,
                       TimePoint now, UtcTime utc) {
  // The deviation says that all of it is counted: it must not stand there without the count.
  const ChannelRecord::Together together(record);
  record.go_on(continuation, now, utc);
  if (!continuation.cannot_go_on.empty()) {
    record.closed_unread(continuation, now, utc);
    record.finished(output::Finished{outcome, continuation.criteria_met()}, reason, now, utc);
    return;
  }
  ResumePoint counted = shifted(continuation.run.point, record.started().time_since_epoch());
  counted.guard.count_unseen(continuation.unseen.went_in_max());
  record.resume_point(counted);
  record.finished(output::Finished{outcome, continuation.criteria_met()}, reason, now, utc);
}

}  // namespace cellrig
