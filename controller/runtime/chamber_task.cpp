#include "controller/runtime/chamber_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/runtime/constants.hpp"

namespace cellrig {
namespace {
constexpr Duration measure_timeout = std::chrono::seconds{1};
constexpr int stop_attempts_max = 5;
constexpr double setpoint_tolerance_K = 0.5;  ///< no controller rounds more
/// How long exhaust and fan wait for a heater that does not confirm: they may share its wires.
constexpr Duration heater_head_start = std::chrono::seconds{1};
}  // namespace

class ChamberTask::Door final : public ChamberDoor {
 public:
  Door(ChamberTask& task, std::uint32_t channel) : task_{task}, channel_{channel} {}
  void request(std::uint32_t number, Celsius temperature) override {
    task_.decide(chamber_input::Request{channel_, number, temperature});
  }
  void thermal_trip() override { task_.decide(chamber_input::ThermalTrip{channel_}); }
  void leave() override { task_.decide(chamber_input::Leave{channel_}); }

 private:
  ChamberTask& task_;
  std::uint32_t channel_;
};

ChamberTask::ChamberTask(TimeSource& time, std::string name, Chamber& chamber, const ChamberLimits& limits, Duration period,
                         RunListener& listener)
    : time_{time},
      name_{std::move(name)},
      chamber_{chamber},
      limits_{limits},
      period_{period},
      listener_{listener},
      wake_{time},
      watch_{chamber.capabilities().ramp, {limits.setpoint_min, limits.setpoint_max}, ChamberWatchOptions{}},
      urgent_{time},
      halted_{time} {}

ChamberTask::~ChamberTask() = default;

void ChamberTask::add(ChannelRunner& channel, bool asks) {
  asked_ = asked_ || asks;
  doors_.push_back(std::make_unique<Door>(*this, static_cast<std::uint32_t>(channels_.size())));
  channels_.push_back(&channel);
  channel.set_chamber(doors_.back().get());
}

Task<Result<void>> ChamberTask::prepare() {
  if (!asked_) co_return Result<void>{};
  const Deadline deadline{time_.now() + command_timeout};
  const Result<InstrumentIdentity> identity = co_await chamber_.identify(deadline);
  if (!identity) co_return Error{identity.error().fault, name_ + ": " + identity.error().what};
  const Deadline arm_deadline{time_.now() + command_timeout};
  const Result<void> armed = co_await chamber_.arm(limits_, arm_deadline);
  if (!armed) co_return Error{armed.error().fault, name_ + ": limits not armed: " + armed.error().what};
  co_return Result<void>{};
}

void ChamberTask::decide(const ChamberInput& input) {
  if (!machine_) return;
  for (const ChamberOutput& o : machine_->on(input)) {
    // Turning channels off and granting needs no instrument, and must not wait for one.
    if (const auto* trip = std::get_if<chamber_output::TripChannel>(&o)) {
      const TripCause cause{trip->thermal ? Hazard::outside_request : Hazard::chamber_failure, Measurand::chamber_temperature,
                            0.0, 0.0, time_.now()};
      channels_[trip->channel]->trip(runaway_.value_or(cause));
    } else if (const auto* grant = std::get_if<chamber_output::Grant>(&o)) {
      channels_[grant->channel]->chamber_granted(grant->request);
    } else if (machine_->tripped() && std::holds_alternative<chamber_output::Stop>(o)) {
      urgent_.spawn(halt_at_once());  // heat does not wait for what the chamber is doing just now
    } else if (std::holds_alternative<chamber_output::Ventilate>(o)) {
      urgent_.spawn(ventilate());
    } else {
      queue_.push_back(o);
      wake_.wake();
    }
  }
}

Task<void> ChamberTask::run() {
  std::vector<std::uint32_t> users;
  for (std::size_t i = 0; i < channels_.size(); ++i) users.push_back(static_cast<std::uint32_t>(i));
  machine_ = std::make_unique<ChamberMachine>(std::move(users));
  TimePoint next = time_.now();
  while (!stopped_ || !queue_.empty()) {
    while (!queue_.empty()) {
      const ChamberOutput o = queue_.front();
      queue_.pop_front();
      co_await perform(o);
    }
    if (stopped_) break;
    if (time_.now() >= next) {
      if (asked_ || state_ != State::idle) co_await refresh();
      next = std::max(next + period_, time_.now());
    }
    if (queue_.empty() && !stopped_) co_await wake_.until(next);
  }
  co_await urgent_.wait();
  if (state_ != State::idle) co_await halt();
}

Task<void> ChamberTask::perform(const ChamberOutput& o) {
  if (const auto* run = std::get_if<chamber_output::Run>(&o)) {
    co_await run_at(*run);
  } else if (std::holds_alternative<chamber_output::Stop>(o)) {
    co_await halt();
  }
}

Task<void> ChamberTask::run_at(const chamber_output::Run& command) {
  if (machine_->tripped()) co_return;
  warn_of_limits();
  const Deadline deadline{time_.now() + command_timeout};
  state_ = State::starting;
  setpoint_ = command.temperature;
  const Result<void> done = co_await chamber_.run(command.temperature, deadline);
  if (state_ != State::starting) co_return;  // a stop has overtaken it
  if (!done) say(db::Severity::alarm, "does not run at the temperature asked for: " + done.error().what);
  state_ = done ? State::running : State::uncertain;
  if (done) watch_.runs_at(command.temperature);
  last_good_ = time_.now();
  decide(chamber_input::RunAcknowledged{command.command, done.has_value()});
}

/// Once, in the records of those that are about to depend on it.
void ChamberTask::warn_of_limits() {
  if (limits_said_ || chamber_.capabilities().has_own_limits) return;
  limits_said_ = true;
  say(db::Severity::warning,
      fmt::format("its controller keeps no set-point limits: {:g} to {:g} degC hold while this process lives",
                  limits_.setpoint_min.value(), limits_.setpoint_max.value()));
}

Task<void> ChamberTask::halt_at_once() {
  co_await halt();
  halted_.wake();
}

Task<void> ChamberTask::ventilate() {
  const TimePoint latest = time_.now() + heater_head_start;
  co_await halted_.until(latest);
  for (AlarmOutput* const output : ventilation_) output->switch_on("a thermal trip in this chamber");
}

Task<void> ChamberTask::halt() {
  const bool command_may_follow = state_ == State::starting || state_ == State::uncertain;
  state_ = State::not_stopped;
  for (int attempt = 0; attempt < stop_attempts_max; ++attempt) {
    const Deadline deadline{time_.now() + (hurry_ ? measure_timeout : command_timeout)};
    Result<void> stopped = co_await chamber_.stop(deadline);
    if (stopped && command_may_follow) {
      // What the stop has overtaken may be carried out after it.
      co_await time_.sleep_for(overtaken_command_time);
      const Deadline second{time_.now() + (hurry_ ? measure_timeout : command_timeout)};
      stopped = co_await chamber_.stop(second);
    }
    if (stopped) {
      state_ = State::idle;
      co_return;
    }
    if (attempt + 1 < stop_attempts_max) continue;
    say(db::Severity::alarm, "did not confirm that it stopped: " + stopped.error().what);
    if (bell_ != nullptr) bell_->ring("chamber '" + name_ + "' did not confirm that it stopped");
  }
}

Task<void> ChamberTask::refresh() {
  const Deadline deadline{time_.now() + measure_timeout};
  const Result<ChamberReadings> readings = co_await chamber_.measure(deadline);
  judge(readings);
  if (readings) {
    for (ChannelRunner* const channel : channels_) channel->sensor(Measurand::chamber_temperature, readings->temperature);
    // It answers again: it is told again.
    if (state_ == State::not_stopped) co_await halt();
  } else if (is_silent_for_long()) {
    const Reading missing{.at = time_.now(), .quality = Quality::missing};
    for (ChannelRunner* const channel : channels_) channel->sensor(Measurand::chamber_temperature, missing);
  }
}

bool ChamberTask::is_silent_for_long() const {
  return !(time_.now() - last_good_ <= std::max(age_limit_min, age_limit_periods * period_));
}

void ChamberTask::say(db::Severity severity, const std::string& what) {
  listener_.message(name_, severity, what);
  for (ChannelRunner* const channel : channels_) channel->remark(severity, "chamber", "chamber '" + name_ + "': " + what);
}

/// A chamber that fails in mid-run is not a matter of a warning: the channels in it end.
void ChamberTask::fails(const std::string& what) {
  if (!failed_) say(db::Severity::alarm, what);
  failed_ = true;
  decide(chamber_input::Failed{});
}

/// Every channel in it is told the same cause, whether it asked for a temperature or not. Heat, or cold, that nobody controls is
/// latched; a chamber that is late ends the runs as an instrument that failed, and they go on by their rules.
void ChamberTask::leaves_its_band(const TripCause& cause) {
  const std::string text = describe(cause);
  if (!failed_) say(db::Severity::alarm, text);
  failed_ = true;
  if (is_thermal(cause.hazard)) {
    runaway_ = cause;
    return decide(chamber_input::RanAway{});
  }
  for (ChannelRunner* const channel : channels_) channel->stop(Outcome::instrument_failure, text);
}

void ChamberTask::judge(const Result<ChamberReadings>& readings) {
  const bool is_running = state_ == State::running;
  if (is_running && readings && readings->alarm) return fails("its own alarm is active");
  if (is_running && readings && !readings->running) return fails("it no longer runs");
  if (is_running && readings && !(std::abs(readings->setpoint.value() - setpoint_.value()) <= setpoint_tolerance_K)) {
    return fails(
        fmt::format("its set-point is {:.1f} degC, it was given {:.1f} degC", readings->setpoint.value(), setpoint_.value()));
  }
  if (readings && readings->temperature.usable()) {
    last_good_ = time_.now();
    const std::optional<TripCause> cause = is_running ? watch_.look(readings->temperature) : std::nullopt;
    if (cause) return leaves_its_band(*cause);
    failing_ = failed_ = false;
    return;
  }
  const std::string what = readings ? "its temperature is no number" : readings.error().what;
  if (is_running && is_silent_for_long()) return fails("no longer answers: " + what);
  if (!failing_ && (readings || readings.error().fault != Fault::interrupted))
    say(db::Severity::warning, "measurement failed: " + what);
  failing_ = true;
}

void ChamberTask::stop() {
  stopped_ = true;
  wake_.wake();
}

}  // namespace cellrig
