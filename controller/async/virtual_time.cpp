#include "controller/async/virtual_time.hpp"

#include <stdexcept>

namespace cellrig {
namespace {
/// Signals arrive through the reactor, which costs a system call to ask; it is asked after so many waits.
constexpr int waits_between_polls = 64;
}  // namespace

VirtualTime::VirtualTime() : work_{boost::asio::make_work_guard(context())} {}

UtcTime VirtualTime::utc_now() const { return UtcTime{simulated_epoch.ns_since_epoch + to_ns(now_ + utc_step_)}; }

void VirtualTime::post(std::function<void()> function) {
  TimeSource::post(std::move(function));
  poll_now_ = true;
}

void VirtualTime::run() {
  stopped_ = false;
  context().restart();
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
  rethrow_if_failed();
}

}  // namespace cellrig
