#include "controller/async/virtual_time.hpp"

#include <boost/asio/post.hpp>
#include <memory>
#include <stdexcept>

namespace cellrig {
namespace {
/// Signals arrive through the reactor, which costs a system call to ask; it is asked after so many waits.
constexpr int waits_between_polls = 512;
}  // namespace

VirtualTime::VirtualTime() : work_{boost::asio::make_work_guard(context())} {}

UtcTime VirtualTime::utc_now() const { return UtcTime{simulated_epoch.ns_since_epoch + to_ns(now_ + utc_step_)}; }

void VirtualTime::post(std::function<void()> function) {
  TimeSource::post(std::move(function));
  poll_now_ = true;
}

/// Within a handler of the context: only there does Asio keep the frames of coroutines that have ended for those that come next.
void VirtualTime::run() {
  stopped_ = false;
  context().restart();
  // Another handler may throw out of this before its turn comes: it is left behind then, and does nothing.
  const auto is_over = std::make_shared<bool>(false);
  boost::asio::post(context(), [this, is_mine = std::weak_ptr<bool>(is_over)] {
    const std::shared_ptr<bool> mine = is_mine.lock();
    if (!mine) return;
    *mine = true;
    go_on();
  });
  while (!*is_over) context().run_one();
  rethrow_if_failed();
}

void VirtualTime::go_on() {
  int waits = 0;
  while (!stopped_ && !failed()) {
    if (poll_now_ || ++waits >= waits_between_polls) {
      waits = 0;
      poll_now_ = false;
      context().poll();
      if (stopped_) break;
    }
    if (!has_wait() || next_due() == TimePoint::max()) {
      if (context().poll() == 0) throw std::logic_error("virtual time: every task waits and no instant is due (deadlock)");
      continue;
    }
    if (next_due() > now_) now_ = next_due() + lateness_;
    fire_first();
    served();
  }
}

}  // namespace cellrig
