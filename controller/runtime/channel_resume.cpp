// How a run begins or goes on, and what is kept so that it can go on: the resume point, and the two clocks.
#include <fmt/format.h>

#include <cmath>

#include "controller/runtime/channel_runner.hpp"

namespace cellrig {
namespace {

/// The wall clock is slewed all the time, by less than a millisecond per second. More than this at once is somebody setting it.
constexpr Duration clock_step_min = std::chrono::seconds{1};

}  // namespace

void ChannelRunner::begin(db::RunKey run) {
  const TimePoint now = time_.now();
  ChargeGuard guard;
  if (continuation_ == nullptr) {
    record_.begin(run, now);
  } else {
    const ChannelRecord::Together together(record_);
    record_.go_on(*continuation_, now, time_.utc_now());
    const ResumePoint point = shifted(continuation_->run.point, record_.started().time_since_epoch());
    machine_.restore(point.channel);
    guard = point.guard;
    guard.count_unseen(continuation_->unseen.went_in_max());
    // With the deviation, which says that it is counted: whoever goes on after this process finds it in the guard, however soon it dies.
    record_.resume_point(ResumePoint{machine_.state(), guard});
    tightened_ = continuation_->run.limits_changed;
    if (follower_) follower_->go_on(now);
  }
  suspended_ = time_.suspended();
  utc_ahead_ = Duration{time_.utc_now().ns_since_epoch} - now.time_since_epoch() - suspended_;
  // What the overcharge guard counts by are the limits of the program: those of a bench, and what a person tightens, say nothing of when the cell is
  // empty.
  SafetyLimits of_program = program_.limits;
  of_program.sensors = limits_.sensors;
  const SupervisorOptions options = supervisor_options();
  supervisor_.emplace(of_program, options, now, guard);
  jumps_.emplace(JumpOptions{}, options.current_noise);
  if (parts_.limits.limits_cell() || !tightened_.empty()) supervisor_->set_limits(limits_now());
  commanded_ = Commanded{false, now, 0};
  last_good_ = last_cycle_ = current_seen_at_ = now;
  running_ = true;
  say(db::Severity::info, continuation_ == nullptr ? "started" : "resumed", program_.name);
  for (const auto& [kind, text] : start_remarks_) remark(db::Severity::warning, kind, text);
  if (trip_before_run_) trip(*trip_before_run_);
}

void ChannelRunner::keep_point() {
  const bool is_due = point_is_due_ || (machine_.state().phase == Phase::running && time_.now() >= next_resume_point_);
  if (!is_due || !supervisor_) return;
  point_is_due_ = false;
  record_.resume_point(ResumePoint{machine_.state(), supervisor_->charge_guard()});
  next_resume_point_ = time_.now() + options_.resume_point_interval;
}

/// UTC is a label: setting the wall clock changes no duration, but whoever reads the record must know.
void ChannelRunner::watch_clock() {
  const Duration ahead = Duration{time_.utc_now().ns_since_epoch} - time_.now().time_since_epoch() - time_.suspended();
  const Duration step = ahead - utc_ahead_;
  utc_ahead_ = ahead;
  if (std::chrono::abs(step) < clock_step_min) return;
  record_.clock_was_set();
  say(db::Severity::warning, "clock step",
      fmt::format("the wall clock was set {} by {:.1f} s; test time does not depend on it",
                  step > Duration{} ? "forward" : "back", std::abs(to_seconds(step))));
}

}  // namespace cellrig
