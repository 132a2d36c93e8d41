// The simulator's time line: it follows the machine's clock, or it stands still and is moved by hand (lockstep).
#pragma once

#include "controller/base/time.hpp"
#include "sim/net/socket.hpp"

namespace cellrig::sim {

class SimClock {
 public:
  explicit SimClock(TimePoint start) : at_{start}, anchor_ns_{monotonic_ns()} {}

  [[nodiscard]] TimePoint now() const { return is_frozen_ ? at_ : at_ + Duration{monotonic_ns() - anchor_ns_}; }
  [[nodiscard]] bool is_frozen() const { return is_frozen_; }
  void freeze() {
    at_ = now();
    is_frozen_ = true;
  }
  /// Frozen only, and never backwards.
  void move_to(TimePoint to) {
    if (to > at_) at_ = to;
  }
  void go_on() {
    anchor_ns_ = monotonic_ns();
    is_frozen_ = false;
  }
  /// When this instant comes on CLOCK_MONOTONIC. Not while frozen.
  [[nodiscard]] std::int64_t monotonic_ns_of(TimePoint instant) const { return anchor_ns_ + (instant - at_).count(); }

 private:
  TimePoint at_;
  std::int64_t anchor_ns_;
  bool is_frozen_ = false;
};

}  // namespace cellrig::sim
