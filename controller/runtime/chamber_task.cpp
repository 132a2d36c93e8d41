#include "controller/runtime/chamber_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "controller/runtime/constants.hpp"

namespace cellrig {
namespace {
constexpr Duration measure_timeout = std::chrono::seconds{1};
constexpr int stop_attempts_max = 5;
constexpr double setpoint_tolerance_K = 0.5;  ///< no controller rounds more
/// How long exhaust and fan wait for a heater that does not confirm: they may share its wires.
constexpr Duration heater_head_start = std::chrono::seconds{1};
constexpr Duration poll_for_halt = std::chrono::milliseconds{20};
constexpr Duration poll_for_preparation = std::chrono::milliseconds{20};
constexpr double seconds_per_hour = 3600.0;
}  // namespace

class ChamberTask::Door final : public ChamberDoor {
 public:
  Door(ChamberTask& task, std::uint32_t channel) : task_{task}, channel_{channel} {}
  void request(std::uint32_t number, Celsius temperature, TimePoint since) override {
    task_.decide(chamber_input::Request{channel_, number, temperature, since});
  }
  void withdraw() override {
    task_.waits_[channel_] = {};
    task_.decide(chamber_input::Withdraw{channel_});
  }
  void thermal_trip() override { task_.decide(chamber_input::ThermalTrip{channel_}); }
  void leave(bool is_off) override {
    task_.waits_[channel_] = {};
    task_.decide(chamber_input::Leave{channel_, is_off});
  }

 private:
  ChamberTask& task_;
  std::uint32_t channel_;
};

ChamberTask::ChamberTask(TimeSource& time, std::string name, Chamber& chamber, const ChamberTaskOptions& options,
                         RunListener& listener)
    : time_{time},
      name_{std::move(name)},
      chamber_{chamber},
      limits_{options.limits},
      period_{options.period},
      wait_max_{options.wait_max},
      listener_{listener},
      wake_{time},
      looks_always_{options.looks_always},
      watch_{chamber.capabilities().ramp, {limits_.setpoint_min, limits_.setpoint_max}, ChamberWatchOptions{}},
      urgent_{time},
      halted_{time} {}

ChamberTask::~ChamberTask() = default;

void ChamberTask::add(ChannelRunner& channel, bool asks, std::optional<Celsius> held) {
  asked_ = asked_ || asks;
  const std::uint32_t place = place_of(channel.name());
  held_[place] = held;
  waits_[place] = {};
  channels_[place] = &channel;
  channel.set_chamber(doors_[place].get());
  decide(chamber_input::Join{place, held});
}

/// A new one where it had none.
std::uint32_t ChamberTask::place_of(const std::string& channel) {
  const auto known = std::find(names_.begin(), names_.end(), channel);
  const auto place = static_cast<std::uint32_t>(known - names_.begin());
  if (known != names_.end()) return place;
  names_.push_back(channel);
  held_.emplace_back();
  waits_.emplace_back();
  channels_.push_back(nullptr);
  doors_.push_back(std::make_unique<Door>(*this, place));
  return place;
}

void ChamberTask::forget(const ChannelRunner& channel) {
  const auto place = std::find(channels_.begin(), channels_.end(), &channel);
  if (place == channels_.end()) return;
  const auto number = static_cast<std::uint32_t>(place - channels_.begin());
  // What it was like when it left by itself may be long out of date.
  if (machine_ && machine_->is_in(number)) doors_[number]->leave(channel.safe_by() != SafeBy::nothing);
  *place = nullptr;
}

void ChamberTask::confirmed_off(const std::string& channel) { decide(chamber_input::Output{place_of(channel), true}); }

void ChamberTask::may_be_on(const std::string& channel) { decide(chamber_input::Output{place_of(channel), false}); }

/// Its commands and its measurements are one conversation: while it is held, the task asks.
Task<Result<void>> ChamberTask::prepare() {
  if (!asked_) co_return Result<void>{};
  if (!is_running_) {
    Result<void> done = co_await identify_and_arm();
    co_return done;
  }
  if (state_ == State::starting || state_ == State::running) co_return Result<void>{};  // armed, and at work for others
  const std::uint64_t before = preparations_;
  prepare_wanted_ = true;
  while (is_running_ && preparations_ == before) {
    wake_.wake();
    co_await time_.sleep_for(poll_for_preparation);
  }
  if (preparations_ == before) co_return fail(Fault::interrupted, name_ + " is no longer read");
  co_return prepared_;
}

Task<Result<void>> ChamberTask::identify_and_arm() {
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
  const std::vector<ChamberOutput> decided = machine_->on(input);
  if (machine_->tripped() || std::holds_alternative<chamber_input::Halt>(input))
    std::erase_if(queue_, [](const ChamberOutput& o) { return std::holds_alternative<chamber_output::Run>(o); });
  for (const ChamberOutput& o : decided) {
    const bool is_one = std::holds_alternative<chamber_output::TripChannel>(o);
    if (is_one && channels_[std::get<chamber_output::TripChannel>(o).channel] == nullptr) continue;
    // Turning channels off and granting needs no instrument, and must not wait for one.
    if (const auto* trip = std::get_if<chamber_output::TripChannel>(&o)) {
      const TripCause cause{trip->thermal ? Hazard::outside_request : Hazard::chamber_failure, Measurand::chamber_temperature,
                            0.0, 0.0, time_.now()};
      channels_[trip->channel]->trip(runaway_.value_or(cause));
    } else if (const auto* grant = std::get_if<chamber_output::Grant>(&o)) {
      end_wait(grant->channel);
      channels_[grant->channel]->chamber_granted(grant->request);
    } else if (const auto* waits = std::get_if<chamber_output::Waits>(&o)) {
      begin_wait(*waits);
    } else if ((machine_->tripped() || std::holds_alternative<chamber_input::Halt>(input)) &&
               std::holds_alternative<chamber_output::Stop>(o)) {
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
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (channels_[i] != nullptr) users.push_back(static_cast<std::uint32_t>(i));
  }
  is_running_ = true;
  machine_ = std::make_unique<ChamberMachine>(std::move(users));
  for (std::size_t i = 0; i < held_.size(); ++i) {
    if (held_[i]) machine_->restore(static_cast<std::uint32_t>(i), *held_[i]);
  }
  TimePoint next = time_.now();
  while (!stopped_ || !queue_.empty()) {
    while (!queue_.empty()) {
      const ChamberOutput o = queue_.front();
      queue_.pop_front();
      co_await perform(o);
    }
    if (stopped_) break;
    if (std::exchange(prepare_wanted_, false)) {
      prepared_ = co_await identify_and_arm();
      ++preparations_;
    }
    if (time_.now() >= next) {
      end_long_waits();
      if (asked_ || looks_always_ || state_ != State::idle) co_await refresh();
      next = std::max(next + period_, time_.now());
    }
    if (queue_.empty() && !stopped_) co_await wake_.until(next);
  }
  is_running_ = false;
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
  // Side by side with a stop it could come last.
  while (halting_ > 0) co_await time_.sleep_for(poll_for_halt);
  if (!machine_->commands(command.command)) co_return;
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
  ++halting_;
  bool is_stopped = false;
  for (int attempt = 0; attempt < stop_attempts_max && !is_stopped; ++attempt)
    is_stopped = co_await try_halt(attempt, command_may_follow);
  --halting_;
}

Task<bool> ChamberTask::try_halt(int attempt, bool command_may_follow) {
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
    co_return true;
  }
  if (attempt + 1 < stop_attempts_max) co_return false;
  say(db::Severity::alarm, "did not confirm that it stopped: " + stopped.error().what);
  if (bell_ != nullptr) bell_->ring("chamber '" + name_ + "' did not confirm that it stopped");
  co_return false;
}

Task<void> ChamberTask::refresh() {
  const Deadline deadline{time_.now() + measure_timeout};
  const Result<ChamberReadings> readings = co_await chamber_.measure(deadline);
  judge(readings);
  if (readings) {
    last_temperature_ = readings->temperature;
    for (ChannelRunner* const channel : channels_) {
      if (channel != nullptr) channel->sensor(Measurand::chamber_temperature, readings->temperature);
    }
    // It answers again: it is told again.
    if (state_ == State::not_stopped) co_await halt();
  } else if (is_silent_for_long()) {
    const Reading missing{.at = time_.now(), .quality = Quality::missing};
    for (ChannelRunner* const channel : channels_) {
      if (channel != nullptr) channel->sensor(Measurand::chamber_temperature, missing);
    }
  }
}

// ---- channels that wait for each other ------------------------------------------------------------------------------

/// "waits for chamber 'oven' at 45 degC: ch2 holds 25 degC".
std::string ChamberTask::describe_wait(const chamber_output::Waits& waits) const {
  std::string others;
  for (const std::uint32_t other : waits.by) others += (others.empty() ? "" : ", ") + names_[other];
  const bool is_one = waits.by.size() == 1;
  const char* const verb = waits.is_their_turn ? (is_one ? "comes first with" : "come first with") : (is_one ? "holds" : "hold");
  return fmt::format("waits for chamber '{}' at {:g} degC: {} {} {:g} degC", name_, waits.wanted.value(), others, verb,
                     waits.in_the_way.value());
}

void ChamberTask::begin_wait(const chamber_output::Waits& waits) {
  PresentWait& wait = waits_[waits.channel];
  if (!wait.since) wait.since = time_.now();
  wait.why = describe_wait(waits);
  channels_[waits.channel]->chamber_waits(wait.why);
}

void ChamberTask::end_wait(std::uint32_t channel) {
  const PresentWait wait = std::exchange(waits_[channel], {});
  if (!wait.since) return;
  channels_[channel]->remark(
      db::Severity::info, "chamber",
      fmt::format("chamber '{}' is set to {:g} degC for it, after it waited for {:.2f} h", name_,
                  machine_->setpoint().value_or(setpoint_).value(), to_seconds(time_.now() - *wait.since) / seconds_per_hour));
}

/// Somebody has to look: those who have the chamber do not come to an end, or the profiles do not go together.
void ChamberTask::end_long_waits() {
  for (std::size_t i = 0; i < waits_.size(); ++i) {
    if (!waits_[i].since || channels_[i] == nullptr || time_.now() - *waits_[i].since < wait_max_) continue;
    const std::string why = std::exchange(waits_[i], {}).why;
    channels_[i]->stop(Outcome::instrument_failure,
                       fmt::format("{}; it waited for {:g} h, as long as it may", why, to_seconds(wait_max_) / seconds_per_hour));
  }
}

bool ChamberTask::is_silent_for_long() const {
  return !(time_.now() - last_good_ <= std::max(age_limit_min, age_limit_periods * period_));
}

void ChamberTask::say(db::Severity severity, const std::string& what) {
  listener_.message(name_, severity, what);
  for (ChannelRunner* const channel : channels_) {
    if (channel != nullptr) channel->remark(severity, "chamber", "chamber '" + name_ + "': " + what);
  }
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
  for (ChannelRunner* const channel : channels_) {
    if (channel != nullptr) channel->stop(Outcome::instrument_failure, text);
  }
}

/// Before it ends the runs: somebody may have left the door open.
void ChamberTask::tell_of_leaving(const Reading& air) {
  if (!watch_.is_outside()) leaving_said_ = false;
  const std::optional<double> edge = watch_.left_for_long(air.at);
  if (!edge || leaving_said_) return;
  leaving_said_ = true;
  say(db::Severity::alarm,
      fmt::format("its air is at {:.1f} degC, outside its band ({:.1f} degC), and does not come back: look at "
                  "its door and its heater, the runs in it end soon",
                  air.value, *edge));
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
    if (is_running) tell_of_leaving(readings->temperature);
    failing_ = failed_ = false;
    return;
  }
  const std::string what = readings ? "its temperature is no number" : readings.error().what;
  if (is_running && is_silent_for_long()) return fails("no longer answers: " + what);
  if (!failing_ && (readings || readings.error().fault != Fault::interrupted))
    say(db::Severity::warning, "measurement failed: " + what);
  failing_ = true;
}

void ChamberTask::emergency_stop() {
  if (state_ != State::idle || (machine_ && (machine_->setpoint() || !machine_->waiting().empty())))
    decide(chamber_input::Halt{});
}

bool ChamberTask::clear_trip() {
  if (machine_ && !machine_->clear_trip()) return false;
  runaway_.reset();
  failing_ = failed_ = false;
  halted_.forget();
  return true;
}

ChamberLook ChamberTask::look() const {
  ChamberLook look{
      .actual = last_temperature_, .is_running = state_ == State::running, .is_not_stopped = state_ == State::not_stopped};
  if (!machine_) return look;
  look.is_tripped = machine_->tripped();
  look.setpoint = machine_->setpoint();
  for (const std::uint32_t holder : machine_->holders()) look.held_by.push_back(names_[holder]);
  for (const ChamberMachine::Waiting& waiting : machine_->waiting())
    look.waiting.push_back({names_[waiting.channel], waiting.temperature, waits_[waiting.channel].why});
  return look;
}

void ChamberTask::stop() {
  stopped_ = true;
  wake_.wake();
}

}  // namespace cellrig
