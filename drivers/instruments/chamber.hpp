// The contract of a thermal chamber.
#pragma once

#include "controller/async/task.hpp"
#include "controller/base/capabilities.hpp"
#include "controller/base/observation.hpp"
#include "controller/base/result.hpp"
#include "drivers/instruments/identity.hpp"

namespace cellrig {

struct ChamberReadings {
  Reading temperature;  ///< process value, degC
  Celsius setpoint;
  bool running = false;
  bool alarm = false;
};

struct ChamberLimits {
  Celsius setpoint_min, setpoint_max;  ///< written to the controller's own set-point limits, where it has them
};

/// * arm() writes and reads back set-point limits and alarms; run() refuses before it.
/// * Where the controller has no registers for limits (capabilities().has_own_limits is false) arm() verifies that the chamber
///   answers, and keeps the limits in the driver: run() refuses what is outside, measure() tells an alarm when the temperature
///   is outside by more than the model's margin. They bind nobody else, and end with this process: whoever starts a run says so
///   in its record.
/// * run() writes the set-point, starts conditioning, and verifies both.
/// * stop() is idempotent, may interrupt another call, and succeeds when the chamber confirmed that it no longer conditions.
/// * measure() as for a cycler: a failed exchange yields nothing.
class Chamber {
 public:
  virtual ~Chamber() = default;
  [[nodiscard]] virtual const ChamberCapabilities& capabilities() const = 0;
  [[nodiscard]] virtual Task<Result<InstrumentIdentity>> identify(Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<void>> arm(const ChamberLimits& limits, Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<void>> run(Celsius setpoint, Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<void>> stop(Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<ChamberReadings>> measure(Deadline deadline) = 0;
};

}  // namespace cellrig
