// What every cycler driver needs whatever it speaks: calls that end when the output is turned off, and OFF by several paths.
#pragma once

#include <cstdint>
#include <string>

#include "controller/async/time_source.hpp"
#include "drivers/instruments/call_scope.hpp"
#include "drivers/instruments/cycler.hpp"

namespace cellrig {

/// * A call of a driver lives from begin() to the next output_off(): after every suspension it asks whether it was stopped.
/// * output_off() cuts what is in flight, then tries the paths of the driver in turn until one of them confirms. The first try of
///   each goes out at once; a path that refuses at once costs a short pause, one that hangs costs attempt_timeout.
class CyclerCore : public Cycler {
 public:
  [[nodiscard]] const CyclerCapabilities& capabilities() const final { return capabilities_; }
  [[nodiscard]] Task<Result<void>> output_off(Deadline deadline) final;
  [[nodiscard]] Amps off_current_threshold() const final;

 protected:
  /// Between two looks at an instrument that takes its time.
  static constexpr Duration state_poll = std::chrono::milliseconds{10};

  /// One use of the driver: everything within it ends at the deadline, or when output_off() was called after it began.
  struct Call {
    Deadline deadline;
    std::uint64_t epoch = 0;
  };

  CyclerCore(TimeSource& time, CyclerCapabilities capabilities, Duration attempt_timeout);

  /// Ends every exchange in flight. Idle links are left alone: OFF goes out at once on a connection that stands.
  virtual void cut_calls() = 0;
  [[nodiscard]] virtual int off_path_count() const = 0;
  /// One try to turn off and to confirm it. Other tries, of a second caller, may be under way beside it.
  [[nodiscard]] virtual Task<Result<void>> off_by(int path, Deadline attempt) = 0;

  [[nodiscard]] Result<Call> begin(Deadline deadline) const;
  /// For a try of off_by() that is made of calls.
  [[nodiscard]] Call call_of_off(Deadline attempt) const { return Call{attempt, epoch_}; }
  [[nodiscard]] bool is_stopped(const Call& call) const { return call.epoch != epoch_; }
  /// A question whose link was lost may be asked once more, on a new connection. Nothing else is ever repeated.
  [[nodiscard]] bool may_ask_again(const Call& call, Fault fault) const;
  [[nodiscard]] Task<Result<void>> pause(Call call, Duration duration);

  [[nodiscard]] Error failure(Fault fault, const std::string& what) const;
  [[nodiscard]] Error refused(const std::string& what) const { return failure(Fault::refused, what); }
  [[nodiscard]] Error stopped() const { return failure(Fault::interrupted, "the output is being turned off"); }

  /// The old set-point may still flow while the new one is written.
  void current_may_reach(Amps magnitude);
  void current_is_bounded_by(Amps magnitude) { last_current_ = magnitude; }

  TimeSource& time_;
  int calls_ = 0;  ///< under way, other than output_off(): for CallScope

 private:
  static constexpr Duration retry_pause = std::chrono::milliseconds{20};

  CyclerCapabilities capabilities_;
  Duration attempt_timeout_;  ///< of one try to turn off, before the next path is tried
  std::uint64_t epoch_ = 0;   ///< counts calls of output_off()
  int stopping_ = 0;          ///< calls of output_off() under way
  Amps last_current_{};       ///< magnitude of the last set-point
};

}  // namespace cellrig
