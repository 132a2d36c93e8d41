// What subscribers of the live stream and readers of the present state get: one look at the bench serves all of them.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/api/bench_watch.hpp"
#include "controller/api/control_bridge.hpp"
#include "controller/async/task.hpp"

namespace cellrig::api {

/// Messages are encoded once for all; a subscriber holds shares of them.
using SharedText = std::shared_ptr<const std::string>;

/// What waits for one subscriber. Bounded whatever it does: of each view only the latest waits, of samples at most so many bytes; what
/// did not fit is counted, and told. API thread.
class Subscriber {
 public:
  static constexpr std::size_t views_max = 1024;  ///< that wait; more, and all of them are replaced by a new snapshot

  Subscriber(boost::asio::io_context& context, std::size_t bytes_max, std::string owner = {})
      : bytes_max_{bytes_max}, owner_{std::move(owner)}, signal_{context} {}

  /// The account that listens; empty: the token.
  [[nodiscard]] const std::string& owner() const { return owner_; }

  void put_view(const std::string& key, SharedText text);
  void put_samples(SharedText text, std::int64_t rows);
  [[nodiscard]] bool needs_snapshot() const { return needs_snapshot_; }
  void put_snapshot(SharedText text);
  /// For good: next() gives nothing more.
  void close();
  /// The next message; null: closed. Views come before samples, and what was lost before both.
  [[nodiscard]] Task<SharedText> next();

  [[nodiscard]] std::size_t waiting_bytes() const;
  [[nodiscard]] std::int64_t lost_in_all() const { return lost_in_all_; }

 private:
  [[nodiscard]] SharedText take();

  std::size_t bytes_max_;
  std::string owner_;
  std::deque<std::string> order_;  ///< of the views
  std::map<std::string, SharedText> views_;
  std::deque<std::pair<SharedText, std::int64_t>> samples_;  ///< with how many rows it has
  std::size_t samples_bytes_ = 0;
  std::int64_t lost_ = 0, lost_in_all_ = 0;
  bool is_closed_ = false;
  bool needs_snapshot_ = true;
  SharedText snapshot_;  ///< goes before everything else
  boost::asio::steady_timer signal_;
};

using Subscribers = std::vector<std::shared_ptr<Subscriber>>;

/// A place among the subscribers, given back when it goes: which may be after the hub, with the io_context. API thread.
class Subscription {
 public:
  Subscription(std::shared_ptr<Subscribers> all, std::shared_ptr<Subscriber> one) : all_{std::move(all)}, one_{std::move(one)} {
    all_->push_back(one_);
  }
  ~Subscription() { std::erase(*all_, one_); }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  [[nodiscard]] const std::shared_ptr<Subscriber>& subscriber() const { return one_; }

 private:
  std::shared_ptr<Subscribers> all_;
  std::shared_ptr<Subscriber> one_;
};

/// API thread, but for the watch.
class LiveHub {
 public:
  struct Settings {
    std::string version;
    Duration tick = std::chrono::milliseconds{100};        ///< between two looks while somebody is subscribed
    Duration view_every = std::chrono::milliseconds{500};  ///< of what only its readings changed
    Duration control_within = std::chrono::seconds{5};
    std::size_t subscriber_bytes_max = 256 * 1024;
  };
  using RunReader = std::function<Task<std::optional<RunView>>(std::int64_t)>;

  LiveHub(boost::asio::io_context& context, std::shared_ptr<ControlBridge> bridge, std::shared_ptr<BenchWatch> watch,
          Settings settings, RunReader read_run);

  /// The bench, not older than a tick and not older than the last order. Null: the control thread does not answer.
  [[nodiscard]] Task<std::shared_ptr<const Gathered>> look();
  /// Something was ordered: what was gathered before is of yesterday.
  void forget() { ++orders_; }

  [[nodiscard]] Subscription subscribe(std::string owner = {});
  [[nodiscard]] const Subscribers& subscribers() const { return *subscribers_; }
  [[nodiscard]] std::size_t subscriber_count() const { return subscribers_->size(); }
  [[nodiscard]] std::int64_t samples_lost() const { return samples_lost_; }
  [[nodiscard]] std::size_t waiting_bytes() const;
  /// Looks as long as it runs; ends with the io_context.
  [[nodiscard]] Task<void> run();

 private:
  void distribute(const Gathered& gathered);
  void distribute_alarms(const Gathered& gathered);
  void to_all(const std::string& key, const std::string& text);
  [[nodiscard]] SharedText snapshot(const Gathered& gathered) const;
  [[nodiscard]] Task<void> distribute_runs(std::set<std::int64_t> runs);
  template <class View>
  void distribute_view(const std::string& key, const View& view, bool is_now, StreamMessage message);

  boost::asio::io_context& context_;
  std::shared_ptr<ControlBridge> bridge_;
  std::shared_ptr<BenchWatch> watch_;
  Settings settings_;
  RunReader read_run_;

  std::shared_ptr<const Gathered> latest_;
  std::chrono::steady_clock::time_point latest_at_;
  std::uint64_t orders_ = 0;         ///< given so far
  std::uint64_t latest_orders_ = 0;  ///< given when the latest look began
  bool is_looking_ = false;
  std::vector<std::weak_ptr<Mailbox<bool>>> waiting_;  ///< for the look under way to be over

  struct Sent {
    std::string text;
    std::chrono::steady_clock::time_point at;
  };
  std::map<std::string, Sent> sent_;  ///< by key
  std::shared_ptr<Subscribers> subscribers_ = std::make_shared<Subscribers>();
  std::int64_t samples_lost_ = 0;
};

}  // namespace cellrig::api
