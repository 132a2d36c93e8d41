#include "controller/runtime/interlock_task.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace cellrig {
namespace {
constexpr std::uint64_t cuts_of_contacts_max = 5;
constexpr Duration poll_for_exchange_of_contacts = std::chrono::milliseconds{10};
constexpr std::size_t contacts_max = 64;
constexpr int attempts_per_age_limit = 2;  ///< so that one lost answer does not trip
}  // namespace

InterlockTask::InterlockTask(TimeSource& time, std::string name, Contacts& contacts, const ChannelOptions& options,
                             RunListener& listener)
    : time_{time},
      name_{std::move(name)},
      contacts_{contacts},
      period_{options.interlock_period()},
      age_limit_{options.interlock_age_limit()},
      listener_{listener},
      wake_{time} {}

void InterlockTask::declare(int input) {
  const std::size_t count = static_cast<std::size_t>(input) + 1;
  if (count <= count_) return;
  assert(!is_running_);  // an exchange under way writes into as many as there were
  count_ = count;
  closed_.resize(count_);
}

void InterlockTask::unsubscribe(const SensorSink& channel) {
  std::erase_if(subscriptions_, [&channel](const Subscription& s) { return s.channel == &channel; });
}

void InterlockTask::subscribe(SensorSink& channel, std::size_t source, int input) {
  declare(input);
  const auto known = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                  [&](const Subscription& s) { return s.channel == &channel && s.source == source; });
  if (known == subscriptions_.end()) {
    subscriptions_.push_back({&channel, source, {input}});
  } else {
    known->inputs.push_back(input);
  }
  open_said_ = false;  // who comes now has not been told
}

Task<Result<void>> InterlockTask::refresh() {
  if (!is_running_) {
    Result<void> done = co_await exchange();
    co_return done;
  }
  // The one under way may have begun before whoever asks came to listen.
  std::uint64_t wanted = exchanges_ + 2;
  const std::uint64_t most = wanted + cuts_of_contacts_max;
  while (is_running_ && exchanges_ < wanted) {
    wake_.wake();
    co_await time_.sleep_for(poll_for_exchange_of_contacts);
    // A contactor of the same module that opens goes first, which is no failure.
    const bool is_cut = exchanges_ >= wanted && !last_ && last_.error().fault == Fault::interrupted;
    if (is_cut && wanted < most) wanted = exchanges_ + 1;
  }
  if (!is_running_) co_return fail(Fault::interrupted, name_ + " is no longer read");
  co_return last_;
}

Task<Result<void>> InterlockTask::exchange() {
  const TimePoint asked = time_.now();
  const Deadline deadline{asked + age_limit_ / attempts_per_age_limit};
  std::array<bool, contacts_max> closed{};
  if (count_ > closed.size()) co_return fail(Fault::refused, name_ + ": more contacts than anybody has");
  const std::span<bool> wanted = std::span{closed}.first(count_);
  const Result<void> answered = co_await contacts_.read(wanted, deadline);
  if (!answered) {
    if (!failing_ && answered.error().fault != Fault::interrupted) {
      const std::string text = "contacts not read: " + answered.error().what;
      listener_.message(name_, db::Severity::warning, text);
      for (const Subscription& s : subscriptions_) s.channel->remark(db::Severity::warning, "interlock", name_ + ": " + text);
      failing_ = true;
    }
    if (!(time_.now() - last_good_ < age_limit_)) hand_out_unknown();
    co_return answered;
  }
  failing_ = false;
  std::copy(wanted.begin(), wanted.end(), closed_.begin());
  last_good_ = midpoint(asked, time_.now());
  hand_out(last_good_);
  co_return answered;
}

void InterlockTask::hand_out(TimePoint at) {
  bool any_open = false;
  for (const Subscription& s : subscriptions_) {
    const auto open = std::find_if(s.inputs.begin(), s.inputs.end(),
                                   [this](int input) { return closed_[static_cast<std::size_t>(input)] == 0; });
    if (open != s.inputs.end()) {
      any_open = true;
      if (!open_said_) say_open(s, *open);
    }
    s.channel->interlock(s.source, Reading{open == s.inputs.end() ? 1.0 : 0.0, at, Quality::good});
  }
  open_said_ = any_open;
}

void InterlockTask::hand_out_unknown() {
  for (const Subscription& s : subscriptions_) s.channel->interlock(s.source, Reading{0.0, time_.now(), Quality::bad});
}

void InterlockTask::say_open(const Subscription& subscription, int input) {
  const std::string text = "contact " + std::to_string(input) + " of " + name_ + " is open";
  listener_.message(subscription.channel->name(), db::Severity::alarm, text);
  subscription.channel->remark(db::Severity::alarm, "interlock", text);
}

Task<void> InterlockTask::run() {
  is_running_ = true;
  TimePoint next = time_.now();
  while (!stopped_) {
    last_ = co_await exchange();
    ++exchanges_;
    next = std::clamp(next + period_, time_.now(), time_.now() + period_);  // also when it was woken early
    if (!stopped_) co_await wake_.until(next);
  }
  is_running_ = false;
}

void InterlockTask::stop() {
  stopped_ = true;
  wake_.wake();
}

}  // namespace cellrig
