#include "controller/runtime/chamber_task.hpp"

#include <algorithm>

namespace cellrig {
namespace {
constexpr Duration command_timeout = std::chrono::seconds{5};
constexpr Duration measure_timeout = std::chrono::seconds{1};
constexpr int stop_attempts_max = 5;
constexpr Duration age_limit_min = std::chrono::seconds{3};
constexpr int age_limit_periods = 3;
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
      wake_{time} {}

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
      channels_[trip->channel]->trip(cause);
    } else if (const auto* grant = std::get_if<chamber_output::Grant>(&o)) {
      channels_[grant->channel]->chamber_granted(grant->request);
    } else if (machine_->tripped() && std::holds_alternative<chamber_output::Stop>(o)) {
      time_.spawn(halt_now());  // heat does not wait for what the chamber is doing just now
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
      if (asked_) co_await refresh();
      next = std::max(next + period_, time_.now());
    }
    if (queue_.empty() && !stopped_) co_await wake_.until(next);
  }
  if (conditioning_) co_await halt();
  while (halting_ > 0) co_await wake_.until_woken();
}

Task<void> ChamberTask::halt_now() {
  ++halting_;
  co_await halt();
  --halting_;
  wake_.wake();
}

Task<void> ChamberTask::perform(const ChamberOutput& o) {
  if (const auto* run = std::get_if<chamber_output::Run>(&o)) {
    co_await run_at(*run);
  } else if (std::holds_alternative<chamber_output::Stop>(o)) {
    co_await halt();
  }
}

Task<void> ChamberTask::run_at(const chamber_output::Run& command) {
  const Deadline deadline{time_.now() + command_timeout};
  if (machine_->tripped()) co_return;
  conditioning_ = true;
  confirmed_ = false;
  const Result<void> done = co_await chamber_.run(command.temperature, deadline);
  if (!done) listener_.message(name_, db::Severity::alarm, "does not run at the temperature asked for: " + done.error().what);
  confirmed_ = done.has_value();
  last_good_ = time_.now();
  decide(chamber_input::RunAcknowledged{command.command, done.has_value()});
}

Task<void> ChamberTask::halt() {
  confirmed_ = false;
  const int attempts_max = hurry_ ? 1 : stop_attempts_max;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const Deadline deadline{time_.now() + (hurry_ ? measure_timeout : command_timeout)};
    const Result<void> stopped = co_await chamber_.stop(deadline);
    left_running_ = !stopped;
    if (stopped) {
      conditioning_ = false;
      co_return;
    }
    if (attempt + 1 == attempts_max)
      listener_.message(name_, db::Severity::alarm, "did not confirm that it stopped: " + stopped.error().what);
  }
  conditioning_ = false;  // said, recorded, and not asked again
}

Task<void> ChamberTask::refresh() {
  const Deadline deadline{time_.now() + measure_timeout};
  const Result<ChamberReadings> readings = co_await chamber_.measure(deadline);
  judge(readings);
  if (!readings) co_return;
  for (ChannelRunner* const channel : channels_) channel->sensor(Measurand::chamber_temperature, readings->temperature);
}

/// A chamber that fails in mid-run is not a matter of a warning: the channels in it end.
void ChamberTask::judge(const Result<ChamberReadings>& readings) {
  const auto fails = [this](const std::string& what) {
    if (!failing_) listener_.message(name_, db::Severity::alarm, what);
    failing_ = true;
    decide(chamber_input::Failed{});
  };
  if (!readings) {
    if (confirmed_ && !(time_.now() - last_good_ <= std::max(age_limit_min, age_limit_periods * period_))) {
      return fails("no longer answers: " + readings.error().what);
    }
    if (!failing_ && readings.error().fault != Fault::interrupted)
      listener_.message(name_, db::Severity::warning, "measurement failed: " + readings.error().what);
    failing_ = true;
    return;
  }
  last_good_ = time_.now();
  if (confirmed_ && readings->alarm) return fails("its own alarm is active");
  if (confirmed_ && !readings->running) return fails("it no longer runs");
  failing_ = false;
}

void ChamberTask::stop() {
  stopped_ = true;
  wake_.wake();
}

}  // namespace cellrig
