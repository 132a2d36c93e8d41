// Lockstep: real sockets to cellrig-sim, time owned by both. With nothing ready, the controller tells the simulator how far it
// may go and which requests are under way; the simulator answers how far it went and where it replied; the controller waits for
// exactly these replies, then serves its own waits.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <string>

#include "controller/async/time_source.hpp"
#include "controller/base/result.hpp"

namespace cellrig {

class LockstepTime final : public TimeSource {
 public:
  /// Connects to the simulator's back door and takes over its clock. Blocking; at start-up only.
  LockstepTime(const std::string& host, std::uint16_t port);
  ~LockstepTime() override;
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] UtcTime utc_now() const override;
  void run() override;
  void stop() override { stopped_ = true; }
  void link_opened(LinkKey link) override { links_.erase(link.local_port); }

 private:
  struct Link {
    std::uint64_t requests = 0;  ///< sent on this connection
    bool waiting = false;        ///< a request is under way
  };

  void request_sent(LinkKey link) override;
  void exchange_over(LinkKey link) override;
  void local_work(int change) override { local_work_ += change; }

  void serve_ready();
  void wait_for_local_work();
  void advance();
  void wait_for_replies(std::string_view ports);
  [[nodiscard]] std::string ask(const std::string& line);
  [[noreturn]] void stuck(const std::string& why) const;

  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::io_context back_door_context_{1};
  boost::asio::ip::tcp::socket back_door_{back_door_context_};
  std::string received_;
  std::map<std::uint16_t, Link> links_;  ///< by local port; a reopened connection has a new one
  TimePoint now_{};
  int local_work_ = 0;
  bool stopped_ = false;
};

}  // namespace cellrig
