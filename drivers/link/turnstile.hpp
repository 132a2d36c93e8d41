// One exchange at a time on a link, first come first served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"
#include "controller/base/result.hpp"

namespace cellrig {

/// Control thread only. It must outlive every caller that is inside or waits.
/// * enter() waits for its turn: timeout at the deadline, interrupted by a cut, busy when too many wait.
/// * After enter() succeeded a Leave on the caller's stack gives the turn back.
class Turnstile {
 public:
  explicit Turnstile(TimeSource& time) : time_{time} {}

  [[nodiscard]] Task<Result<void>> enter(Deadline deadline);
  /// The turn, when nobody has it: saves a coroutine where a link is free, which is nearly always.
  [[nodiscard]] bool try_enter() {
    if (taken_) return false;
    take();
    return true;
  }

  /// Everybody who waits ends with interrupted. Who is inside keeps the turn until it leaves.
  void cut_waiting();
  /// As cut_waiting(), and the turn is free at once: who was inside has lost it, and its Leave does nothing.
  void cut_all();
  [[nodiscard]] bool taken() const { return taken_; }

  class Leave {
   public:
    explicit Leave(Turnstile& turnstile) : turnstile_{turnstile}, owner_{turnstile.owner_} {}
    ~Leave() { turnstile_.leave(owner_); }
    Leave(const Leave&) = delete;
    Leave& operator=(const Leave&) = delete;

   private:
    Turnstile& turnstile_;
    std::uint64_t owner_;
  };

 private:
  struct Waiter {
    explicit Waiter(Turnstile& of) : turnstile{of}, wait{of.time_} { turnstile.waiting_.push_back(this); }
    ~Waiter() { std::erase(turnstile.waiting_, this); }  // a task that is dropped takes its place with it
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    Turnstile& turnstile;
    Wait wait;
    std::uint64_t owner = 0;
    bool granted = false;
    bool cut = false;
  };
  void leave(std::uint64_t owner);
  void take();
  void pass_on();

  static constexpr std::size_t waiting_count_max = 16;

  TimeSource& time_;
  std::deque<Waiter*> waiting_;
  std::uint64_t owner_ = 0;  ///< counts turns, so that a dispossessed Leave is recognised
  bool taken_ = false;
};

}  // namespace cellrig
