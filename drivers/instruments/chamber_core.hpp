// What every chamber driver needs whatever it speaks: calls that end when the chamber is stopped, and STOP until it is confirmed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/async/time_source.hpp"
#include "drivers/instruments/call_scope.hpp"
#include "drivers/instruments/chamber.hpp"

namespace cellrig {

/// * A call of a driver lives from begin() to the next stop(): after every suspension it asks whether it was stopped.
/// * stop() cuts what is in flight, then tries again and again until the chamber confirms or time is up. Each try is short, so that a
///   reply that is lost costs one of them and not the whole time.
class ChamberCore : public Chamber {
 public:
  [[nodiscard]] const ChamberCapabilities& capabilities() const final { return capabilities_; }
  [[nodiscard]] Task<Result<void>> stop(Deadline deadline) final;

 protected:
  /// One use of the driver: everything within it ends at the deadline, or when stop() was called after it began.
  struct Call {
    Deadline deadline;
    std::uint64_t epoch = 0;
  };

  ChamberCore(TimeSource& time, ChamberCapabilities capabilities) : time_{time}, capabilities_{std::move(capabilities)} {}

  /// Ends every exchange in flight.
  virtual void cut_calls() = 0;
  /// One try to stop the chamber and to see that it stopped; the first is number 0.
  [[nodiscard]] virtual Task<Result<void>> stop_once(Call call, int attempt) = 0;

  [[nodiscard]] Result<Call> begin(Deadline deadline) const;
  [[nodiscard]] bool is_stopped(const Call& call) const { return call.epoch != epoch_; }
  /// A question whose link was lost may be asked once more, on a new connection. Nothing else is ever repeated, but by stop().
  [[nodiscard]] bool may_ask_again(const Call& call, Fault fault) const;

  /// Of arm(): in order, and within what the chamber can do.
  [[nodiscard]] Result<void> judge_limits(const ChamberLimits& limits) const;
  /// Of run(): armed, and within what was armed.
  [[nodiscard]] Result<void> judge_setpoint(Celsius setpoint) const;
  [[nodiscard]] static Reading temperature_reading(double degC, bool is_plausible, TimePoint at);

  [[nodiscard]] Error failure(Fault fault, const std::string& what) const;
  [[nodiscard]] Error refused(const std::string& what) const { return failure(Fault::refused, what); }
  [[nodiscard]] Error stopped() const { return failure(Fault::interrupted, "the chamber is being stopped"); }

  TimeSource& time_;
  std::optional<ChamberLimits> armed_;
  int calls_ = 0;  ///< under way, other than stop(): for CallScope

 private:
  static constexpr Duration retry_pause = std::chrono::milliseconds{50};

  ChamberCapabilities capabilities_;
  std::uint64_t epoch_ = 0;  ///< counts calls of stop()
  int stopping_ = 0;         ///< calls of stop() under way
};

}  // namespace cellrig
