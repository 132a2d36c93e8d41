// The contract of a temperature logger, and of the relay outputs that carry the contactors.
#pragma once

#include <span>

#include "controller/async/task.hpp"
#include "controller/base/capabilities.hpp"
#include "controller/base/observation.hpp"
#include "controller/base/result.hpp"
#include "drivers/instruments/identity.hpp"

namespace cellrig {

/// * measure() fills one Reading per channel asked for, all from one exchange. An open or out-of-range sensor is Quality::bad,
///   never a number; a failed exchange fails the call.
class Logger {
 public:
  virtual ~Logger() = default;
  [[nodiscard]] virtual const LoggerCapabilities& capabilities() const = 0;
  [[nodiscard]] virtual Task<Result<InstrumentIdentity>> identify(Deadline deadline) = 0;
  /// into[i] receives channel i; at most capabilities().temperature_channels.
  [[nodiscard]] virtual Task<Result<void>> measure(std::span<Reading> into, Deadline deadline) = 0;
};

/// Contactors are energised to close: false opens, and losing power opens. set() verifies by reading back; it may interrupt a
/// measurement in flight on the same link when `energised` is false (the second path to OFF never waits).
class Relays {
 public:
  virtual ~Relays() = default;
  [[nodiscard]] virtual Task<Result<void>> set(int channel, bool energised, Deadline deadline) = 0;
};

}  // namespace cellrig
