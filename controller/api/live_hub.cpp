#include "controller/api/live_hub.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/api/messages_codec.hpp"
#include "controller/api/views.hpp"

namespace cellrig::api {
namespace {

constexpr auto quietly = boost::asio::as_tuple(boost::asio::use_awaitable);

std::int64_t rows_of(const LiveSamples& samples) {
  return samples.columns.empty() ? 0 : static_cast<std::int64_t>(samples.columns.begin()->second.size());
}

}  // namespace

void Subscriber::put_view(const std::string& key, SharedText text) {
  if (needs_snapshot_) return;  // it will say this too
  if (views_.insert_or_assign(key, std::move(text)).second) order_.push_back(key);
  if (views_.size() > views_max) {
    views_.clear();
    order_.clear();
    needs_snapshot_ = true;
  }
  signal_.cancel();
}

void Subscriber::put_snapshot(SharedText text) {
  snapshot_ = std::move(text);
  needs_snapshot_ = false;
  signal_.cancel();
}

void Subscriber::put_samples(SharedText text, std::int64_t rows) {
  if (needs_snapshot_ && samples_.empty()) return;  // what was before it began does not count as lost
  samples_bytes_ += text->size();
  samples_.emplace_back(std::move(text), rows);
  while (samples_bytes_ > bytes_max_) {
    samples_bytes_ -= samples_.front().first->size();
    lost_ += samples_.front().second;
    lost_in_all_ += samples_.front().second;
    samples_.pop_front();
  }
  signal_.cancel();
}

void Subscriber::close() {
  is_closed_ = true;
  signal_.cancel();
}

SharedText Subscriber::take() {
  if (snapshot_) return std::move(snapshot_);
  if (lost_ > 0) {
    StreamMessage message{.type = StreamType::dropped, .dropped = std::exchange(lost_, 0)};
    return std::make_shared<const std::string>(to_json(message));
  }
  if (!order_.empty()) {
    const auto found = views_.find(order_.front());
    SharedText text = std::move(found->second);
    views_.erase(found);
    order_.pop_front();
    return text;
  }
  if (samples_.empty()) return nullptr;
  SharedText text = std::move(samples_.front().first);
  samples_bytes_ -= text->size();
  samples_.pop_front();
  return text;
}

Task<SharedText> Subscriber::next() {
  while (!is_closed_) {
    if (SharedText text = take()) co_return text;
    signal_.expires_after(std::chrono::hours{24});
    co_await signal_.async_wait(quietly);
  }
  co_return nullptr;
}

std::size_t Subscriber::waiting_bytes() const {
  std::size_t bytes = samples_bytes_ + (snapshot_ ? snapshot_->size() : 0);
  for (const auto& [key, text] : views_) bytes += text->size();
  return bytes;
}

LiveHub::LiveHub(boost::asio::io_context& context, std::shared_ptr<ControlBridge> bridge, std::shared_ptr<BenchWatch> watch,
                 Settings settings, RunReader read_run)
    : context_{context},
      bridge_{std::move(bridge)},
      watch_{std::move(watch)},
      settings_{std::move(settings)},
      read_run_{std::move(read_run)} {}

Task<std::shared_ptr<const Gathered>> LiveHub::look() {
  const std::uint64_t orders = orders_;
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    if (latest_ && latest_orders_ >= orders && now - latest_at_ < settings_.tick) co_return latest_;
    if (is_looking_) {  // it may have begun before the last order: look again afterwards
      const auto box = std::make_shared<Mailbox<bool>>(context_);
      waiting_.push_back(box);
      const std::optional<bool> done = co_await box->wait(settings_.control_within);
      if (!done || !*done) co_return nullptr;
      continue;
    }
    is_looking_ = true;
    const std::uint64_t orders_before = orders_;
    using Answer = std::function<void(std::shared_ptr<const Gathered>)>;
    std::function<void(BenchControl&, Answer)> question = [watch = watch_](BenchControl& bench, const Answer& answer) {
      answer(std::make_shared<const Gathered>(watch->gather(bench)));
    };
    auto gathered = co_await bridge_->ask<std::shared_ptr<const Gathered>>(std::move(question), settings_.control_within, true);
    is_looking_ = false;
    const bool is_answered = gathered.has_value();
    if (is_answered) {
      latest_ = *gathered;
      latest_at_ = std::chrono::steady_clock::now();
      latest_orders_ = orders_before;
      distribute(*latest_);
    }
    for (const auto& waiting : std::exchange(waiting_, {})) {
      if (const auto box = waiting.lock()) box->put(is_answered);
    }
    if (!is_answered) co_return nullptr;
    co_return latest_;
  }
}

Task<void> LiveHub::run() {
  boost::asio::steady_timer timer{context_};
  while (true) {
    timer.expires_after(settings_.tick);
    co_await timer.async_wait(quietly);
    if (!subscribers_->empty()) (void)co_await look();
  }
}

Subscription LiveHub::subscribe(std::string owner) {
  return {subscribers_, std::make_shared<Subscriber>(context_, settings_.subscriber_bytes_max, std::move(owner))};
}

std::size_t LiveHub::waiting_bytes() const {
  std::size_t bytes = 0;
  for (const auto& subscriber : *subscribers_) bytes += subscriber->waiting_bytes();
  return bytes;
}

SharedText LiveHub::snapshot(const Gathered& gathered) const {
  StreamMessage message{.type = StreamType::snapshot, .bench = view_of(gathered, settings_.version)};
  message.alarms.emplace();
  for (const AlarmStatus& alarm : gathered.alarms) message.alarms->push_back(view_of(alarm));
  return std::make_shared<const std::string>(to_json(message));
}

void LiveHub::to_all(const std::string& key, const std::string& text) {
  const SharedText shared = std::make_shared<const std::string>(text);
  for (const auto& subscriber : *subscribers_) subscriber->put_view(key, shared);
}

template <class View>
void LiveHub::distribute_view(const std::string& key, const View& view, bool is_now, StreamMessage message) {
  const auto now = std::chrono::steady_clock::now();
  Sent& sent = sent_[key];
  if (!is_now && now - sent.at < settings_.view_every) return;
  std::string text = to_json(view);
  if (text == sent.text) return;
  sent = {std::move(text), now};
  to_all(key, to_json(message));
}

void LiveHub::distribute_alarms(const Gathered& gathered) {
  for (const AlarmStatus& alarm : gathered.alarms) {
    const AlarmView view = view_of(alarm);
    distribute_view("alarm:" + std::to_string(view.id), view, true, {.type = StreamType::alarm, .alarm = view});
  }
  // What the bench has forgotten is forgotten here.
  std::erase_if(sent_, [&gathered](const auto& entry) {
    if (!entry.first.starts_with("alarm:")) return false;
    return std::none_of(gathered.alarms.begin(), gathered.alarms.end(),
                        [&entry](const AlarmStatus& alarm) { return entry.first == "alarm:" + std::to_string(alarm.id); });
  });
}

void LiveHub::distribute(const Gathered& gathered) {
  if (subscribers_->empty()) return;
  for (const auto& [channel, lost] : gathered.samples_lost) samples_lost_ += lost;
  for (const ChannelStatus& status : gathered.channels) {
    const ChannelView view = view_of(status);
    distribute_view("channel:" + view.channel, view, gathered.channels_changed.contains(view.channel),
                    {.type = StreamType::channel, .channel = view});
  }
  for (const ChamberStatus& status : gathered.chambers) {
    const ChamberView view = view_of(status);
    distribute_view("chamber:" + view.chamber, view, gathered.chambers_changed.contains(view.chamber),
                    {.type = StreamType::chamber, .chamber = view});
  }
  distribute_alarms(gathered);
  for (const auto& [channel, samples] : gathered.samples) {
    const StreamMessage message{.type = StreamType::samples, .samples = samples};
    const SharedText shared = std::make_shared<const std::string>(to_json(message));
    for (const auto& subscriber : *subscribers_) subscriber->put_samples(shared, rows_of(samples));
  }
  if (!gathered.runs_changed.empty())
    boost::asio::co_spawn(context_, distribute_runs(gathered.runs_changed), boost::asio::detached);
  SharedText whole;
  for (const auto& subscriber : *subscribers_) {
    if (!subscriber->needs_snapshot()) continue;
    if (!whole) whole = snapshot(gathered);
    subscriber->put_snapshot(whole);
  }
}

Task<void> LiveHub::distribute_runs(std::set<std::int64_t> runs) {
  for (const std::int64_t run : runs) {
    const std::optional<RunView> view = co_await read_run_(run);
    if (!view) continue;  // not on disk yet: it comes again when the run ends
    StreamMessage message{.type = StreamType::run, .run = *view};
    to_all("run:" + view->channel, to_json(message));  // the latest of each channel
  }
}

}  // namespace cellrig::api
