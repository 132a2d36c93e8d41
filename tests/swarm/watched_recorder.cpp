#include "tests/swarm/watched_recorder.hpp"

#include <fmt/format.h>

namespace cellrig::swarm {

void WatchedRecorder::expect(const std::string& channel, const Program& program, Duration gap_max) {
  expected_[channel] = {&program, gap_max};
}

db::RunKey WatchedRecorder::begin_run(const db::RunRow& row) {
  const db::RunKey key = record_ ? record_->begin_run(row) : ++last_run_;
  runs_[key].channel = row.channel;
  trace_.add(row.channel);
  return key;
}

db::StepKey WatchedRecorder::next_step_key() { return record_ ? record_->next_step_key() : ++last_step_; }

void WatchedRecorder::begin_step(const db::StepRow& row) {
  trace_.add(row.started_test_time_ns);
  trace_.add(row.name);
  OpenStep& step = steps_[row.run];
  if (step.is_open) complain_("I3", fmt::format("step {} begins before step {} has ended", row.step, step.key));
  const Expected& expected = expected_[runs_[row.run].channel];
  const Step& of_program = std::get<Step>(expected.program->code[static_cast<std::size_t>(row.step_id)]);
  step = {row.step, of_program.record_interval + expected.gap_max, std::nullopt, true, of_program.course.has_value(), row.name};
  run_of_step_[row.step] = row.run;
  if (record_) record_->begin_step(row);
}

void WatchedRecorder::judge_sample(const db::SampleRow& row) {
  const auto run = run_of_step_.find(row.step);
  if (run == run_of_step_.end()) return complain_("I3", fmt::format("a sample of step {}, which has not begun", row.step));
  OpenStep& step = steps_[run->second];
  if (step.key != row.step || !step.is_open) return complain_("I3", fmt::format("a sample of step {} after its end", row.step));
  const auto last = last_ns_.find(run->second);
  // Replies that take no time let a step begin at the instant of the last sample of the one before, and a stair of a course where the
  // one before was measured. A row that says the same was written twice.
  const bool says_new = row.current_A != step.last_A || row.voltage_V != step.last_V;
  const bool may_repeat = !step.last_ns || (instants_repeat_ && step.is_course && says_new);
  const bool goes_on =
      last == last_ns_.end() || row.test_time_ns > last->second || (may_repeat && row.test_time_ns == last->second);
  step.last_A = row.current_A;
  step.last_V = row.voltage_V;
  if (!goes_on) {
    complain_("I3", fmt::format("a sample of '{}' at {:.6f} s after one at {:.6f} s", step.name,
                                1e-9 * static_cast<double>(row.test_time_ns), 1e-9 * static_cast<double>(last->second)));
  }
  last_ns_[run->second] = row.test_time_ns;
  const bool is_flagged = (row.flags & db::sample_flag::after_gap) != 0;
  if (step.last_ns && !is_flagged && Duration{row.test_time_ns - *step.last_ns} > step.apart_max) {
    complain_("I3", fmt::format("a hole of {:.3f} s between two samples of step {}, not marked as a gap",
                                1e-9 * static_cast<double>(row.test_time_ns - *step.last_ns), row.step));
  }
  step.last_ns = row.test_time_ns;
  ++runs_[run->second].samples;
}

void WatchedRecorder::append(const db::SampleRow& row) {
  ++samples_;
  trace_.add(row.test_time_ns);
  trace_.add(row.voltage_V);
  trace_.add(row.current_A);
  trace_.add(row.cell_temperature_degC);
  judge_sample(row);
  if (record_) record_->append(row);
  if (tell_seen_) tell_seen_(runs_[run_of_step_[row.step]].channel);
}

void WatchedRecorder::append(const db::AuxRow& row) {
  trace_.add(row.value);
  if (record_) record_->append(row);
}

void WatchedRecorder::end_step(const db::StepEndRow& row) {
  trace_.add(row.ended_test_time_ns);
  trace_.add(row.charge_Ah);
  trace_.add(row.discharge_Ah);
  trace_.add(row.reason);
  const auto run = run_of_step_.find(row.step);
  if (run == run_of_step_.end() || !steps_[run->second].is_open || steps_[run->second].key != row.step) {
    complain_("I3", fmt::format("step {} ends, and was not under way", row.step));
  } else {
    steps_[run->second].is_open = false;
  }
  if (record_) record_->end_step(row);
}

void WatchedRecorder::append(const db::CycleRow& row) {
  trace_.add(row.ended_test_time_ns);
  if (record_) record_->append(row);
}

void WatchedRecorder::append(const db::EventRow& row) {
  trace_.add(row.test_time_ns);
  trace_.add(row.message);
  const auto run = runs_.find(row.run);
  if (row.severity == db::Severity::trip && run != runs_.end() && ++run->second.trips == 1) run->second.first_trip = row.message;
  if (record_) record_->append(row);
}

void WatchedRecorder::resume_point(db::RunKey run, std::span<const std::byte> state) {
  if (record_) record_->resume_point(run, state);
  if (tell_seen_) tell_seen_(runs_[run].channel);
}

void WatchedRecorder::resume_run(db::RunKey run, const std::string& operator_name, const std::string& host) {
  const auto known = runs_.find(run);
  if (known == runs_.end()) return complain_("I3", fmt::format("run {} goes on, and never began", run));
  if (known->second.end) complain_("I3", fmt::format("run {} goes on after its end", run));
  if (record_) record_->resume_run(run, operator_name, host);
}

/// Once; once more when something of the bench failed after the end, which says more than the first.
void WatchedRecorder::end_run(const db::RunEndRow& row) {
  trace_.add(row.ended_test_time_ns);
  trace_.add(row.status);
  const auto run = runs_.find(row.run);
  if (run == runs_.end()) complain_("I3", fmt::format("run {} ends, and never began", row.run));
  if (steps_[row.run].is_open) complain_("I3", fmt::format("the run ends with step {} open", steps_[row.run].key));
  if (run != runs_.end()) {
    run->second.end = row;
    if (tell_end_) tell_end_(run->second.channel, row.status);
  }
  if (record_) record_->end_run(row);
}

}  // namespace cellrig::swarm
