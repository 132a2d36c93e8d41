// ChannelRunner: what reaches it from outside (sensors, stops, trips, the chamber, people), and what it says.
#include <fmt/format.h>

#include "controller/runtime/channel_runner.hpp"

namespace cellrig {

void ChannelRunner::sensor(Measurand measurand, const Reading& reading) {
  observation_[measurand] = reading;
  if (measurand == Measurand::cell_temperature || measurand == Measurand::gas) watch_heat(measurand, reading);
  if (!running_ || !supervisor_ || must_be_off()) return;
  if (measurand == Measurand::logger_voltage) watch_difference();
  if (!supervisor_->check(observation_, commanded_, time_.now())) return;
  make_safe_soon();
}

void ChannelRunner::trip(const TripCause& cause) {
  if (!supervisor_ && !trip_before_run_) trip_before_run_ = cause;
  if (!supervisor_ || !running_ || must_be_off()) return;
  supervisor_->trip(cause);
  make_safe_soon();
}

void ChannelRunner::stop(Outcome outcome, const std::string& reason) {
  if (stop_requested_) return;
  stop_requested_ = outcome;
  const bool is_over = machine_.state().phase == Phase::finished || (supervisor_ && supervisor_->tripped());
  if (!reason.empty() && !is_over) {
    reason_ = reason;
    record_.event(outcome == Outcome::stopped ? db::Severity::info : db::Severity::alarm, std::string(stop_event), reason,
                  time_.now(), time_.utc_now());
  }
  if (running_) make_safe_soon();
}

void ChannelRunner::chamber_granted(std::uint32_t request) {
  granted_ = request;
  waits_.clear();
  wake_.wake();
}

/// Once per step, and not before its OFF is confirmed: somebody will put hands on the cell.
void ChannelRunner::ask_person() {
  const Step* const step = machine_.current_step();
  const ChannelState& state = machine_.state();
  if (step == nullptr || !step->person || state.phase != Phase::running || asked_in_step_ == state.step_count) return;
  asked_in_step_ = state.step_count;
  is_confirmed_ = false;
  record_.event(db::Severity::info, "person asked", step->person->message, time_.now(), time_.utc_now());
  listener_.person_asked(parts_.name, *step->person);
}

bool ChannelRunner::confirm(const std::string& by) {
  const Step* const step = machine_.current_step();
  const bool is_asked = step != nullptr && step->person && step->person->is_confirmed && machine_.state().phase == Phase::running;
  if (!is_asked || is_confirmed_ || must_be_off()) return false;
  record_.event(db::Severity::info, "confirmed", step->person->message + " (by " + by + ")", time_.now(), time_.utc_now());
  is_confirmed_ = true;
  wake_.wake();
  return true;
}

void ChannelRunner::chamber_waits(const std::string& why) {
  const bool is_new = waits_.empty();
  waits_ = why;
  if (!is_new || why.empty()) return;
  say(db::Severity::info, "chamber", why);
  listener_.message(parts_.name, db::Severity::info, why);
}

void ChannelRunner::remark(db::Severity severity, const std::string& kind, const std::string& text) {
  // The bench may live on for months: what its instruments do then is none of an old run's business. What its trip switched on is.
  const bool is_of_an_instrument = kind == "logger" || kind == "interlock" || kind == "chamber";
  if (has_ended_ && is_of_an_instrument && severity < db::Severity::alarm) return;
  if (severity != db::Severity::info) machine_.note_alarm();
  record_.event(severity, kind, text, time_.now(), time_.utc_now());
}

void ChannelRunner::add_to_reason(const std::string& what) {
  if (reason_.find(what) != std::string::npos) return;
  reason_ = reason_.empty() ? what : reason_ + "; " + what;
}

void ChannelRunner::count_as_failed(const std::string& what) {
  add_to_reason(what);
  if (outcome_ != Outcome::tripped && outcome_ != Outcome::record_failure) outcome_ = Outcome::instrument_failure;
}

void ChannelRunner::failed_afterwards(const std::string& what) {
  count_as_failed(what);
  say(db::Severity::alarm, "instrument", what);
  record_end();
}

void ChannelRunner::say(db::Severity severity, const std::string& kind, const std::string& text) {
  record_.event(severity, kind, text, time_.now(), time_.utc_now());
  if (severity == db::Severity::info) return;
  machine_.note_alarm();
  listener_.message(parts_.name, severity, text);
}

ChannelView ChannelRunner::view() const {
  const ChannelState& state = machine_.state();
  const Step* const step = machine_.current_step();
  ChannelView v{.channel = parts_.name,
                .step_name = step != nullptr ? std::string_view(step->name) : std::string_view{},
                .phase = state.phase,
                .cycle = state.cycle,
                .step_count = state.step_count,
                .observation = observation_,
                .step_moved = state.step.moved,
                .soc_pct = machine_.soc_pct(),
                .waits = waits_,
                .test_time = time_.now() - record_.started()};
  v.step_time = state.step.ran_before_pause + (time_.now() - state.step.started);
  v.state = &state;
  return v;
}

}  // namespace cellrig
