// Lockstep: real sockets to cellrig-sim, time owned by both. With nothing ready, the controller tells the simulator how far it
// may go and which requests are under way; the simulator answers how far it went, where it replied, and until when it will be quiet;
// the controller waits for exactly these replies, then serves its own waits. While nothing is under way and the simulator is quiet the
// controller goes on alone, and says with its next requests when they were sent.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "controller/async/core_pin.hpp"
#include "controller/async/time_source.hpp"
#include "controller/base/result.hpp"

namespace cellrig {

class LockstepTime final : public TimeSource {
 public:
  /// Whether time goes on alone while the simulator is quiet. The record is the same either way; with it a sample takes down to half as
  /// many round trips.
  enum class Lookahead : bool { off, on };

  /// Connects to the simulator's back door and takes over its clock. Blocking; at start-up only.
  LockstepTime(const std::string& host, std::uint16_t port, Lookahead lookahead = Lookahead::on);
  ~LockstepTime() override;
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] UtcTime utc_now() const override;
  /// On return the simulator stands at now(), so that its truth is that of this instant. While it runs the simulator may be behind,
  /// at the latest exchange.
  void run() override;
  void post(std::function<void()> function) override;
  void stop() override { stopped_ = true; }
  void link_opened(LinkKey link) override;

 private:
  static constexpr int no_core = -1;
  struct Answered {
    LinkKey link;
    std::uint64_t request = 0;
    bool is_damaged = false;  ///< what came may not be all that the reader waits for
  };

  void request_sent(LinkKey link) override;
  void exchange_over(LinkKey link) override { under_way_.erase(link); }
  void local_work(int change) override;

  void serve_ready();
  void wait_for_local_work();
  void advance();
  [[nodiscard]] bool may_go_alone(TimePoint to) const;
  void ask_for_advance(TimePoint to);
  void catch_up();
  void wait_for_replies();
  void wait_for_reply(const Answered& reply);
  void share_core();
  void join_core();
  [[nodiscard]] std::string ask(const std::string& line);
  [[noreturn]] void stuck(const std::string& why) const;

  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::io_context back_door_context_{1};
  boost::asio::ip::tcp::socket back_door_{back_door_context_};
  std::string received_;
  /// How many were sent on each connection since it was opened; on a line since there is one, for nobody sees it being opened.
  std::map<LinkKey, std::uint64_t> requests_;
  std::set<LinkKey> hung_up_;                   ///< lines: whoever has the name next is another one
  std::map<LinkKey, std::uint64_t> under_way_;  ///< the number of the request that each connection waits for
  std::vector<Answered> owed_;                  ///< replies that were sent and are not here yet
  const Lookahead lookahead_;
  TimePoint now_{};
  TimePoint simulator_at_{};  ///< behind now_ when time went on alone
  TimePoint quiet_until_{};   ///< before this instant the simulator does nothing by itself
  bool has_sent_ = false;     ///< a request went out at now_, and the simulator has not been asked to serve it
  int local_work_ = 0;
  bool is_simulator_here_ = false;  ///< on this machine
  std::uint64_t asks_ = 0;
  CorePin pin_;                     ///< of the control thread, while it runs
  std::atomic<int> core_{no_core};  ///< that the control thread, the bus threads and the simulator share
  const std::thread::id control_thread_ = std::this_thread::get_id();
  bool stopped_ = false;
};

}  // namespace cellrig
