// Who commands an output carries the number of the lease under which it was told that it may. A lease that was taken later has a
// larger number: a command that was delayed by a stopped process, a slow network or a queue is then known to be of yesterday.
#pragma once

#include <compare>
#include <cstdint>

namespace cellrig {

/// Counts the takes of one lease, from 1. 0: no lease.
struct FencingToken {
  std::uint64_t number = 0;
  auto operator<=>(const FencingToken&) const = default;
};

/// Stands before an output that is held under one lease. OFF is never fenced: whoever asks for it gets it.
class Fence {
 public:
  explicit Fence(FencingToken held) : newest_{held} {}

  /// True: the command is of the newest lease known here. A newer one than ours means that the lease is lost: from then on
  /// nothing under the old one passes either.
  [[nodiscard]] bool admits(FencingToken token) {
    if (token.number == 0 || token < newest_) return false;
    newest_ = token;
    return true;
  }
  [[nodiscard]] FencingToken newest() const { return newest_; }

 private:
  FencingToken newest_;
};

}  // namespace cellrig
