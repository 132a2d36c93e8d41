// The contracts of a logger (temperatures, a second voltage, force, gas), of relay outputs that carry the contactors, and of the
// contacts that interlock a bench.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

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
  /// Is it still set up as identify() found it, or made it? A part of that for each call, in turn. Refused: somebody else has changed it,
  /// and nothing is measured before the next identify(). Who has nothing that anybody could change answers at once.
  [[nodiscard]] virtual Task<Result<void>> verify(Deadline /*deadline*/) { co_return Result<void>{}; }
  /// into[i] receives input i of capabilities().inputs; no more than there are.
  [[nodiscard]] virtual Task<Result<void>> measure(std::span<Reading> into, Deadline deadline) = 0;
  /// into[i] receives inputs[i]. A logger that scans one input after the other asks for these alone; the others measure up to
  /// the last.
  [[nodiscard]] virtual Task<Result<void>> measure_inputs(std::span<const int> inputs, std::span<Reading> into,
                                                          Deadline deadline) {
    int count = 0;
    for (const int input : inputs) count = std::max(count, input + 1);
    std::vector<Reading> all(static_cast<std::size_t>(count));
    const Result<void> done = co_await measure(all, deadline);
    if (!done) co_return done;
    for (std::size_t i = 0; i < inputs.size(); ++i) into[i] = all[static_cast<std::size_t>(inputs[i])];
    co_return done;
  }
};

/// Contactors are energised to close: false opens, and losing power opens. set() verifies by reading back; it may interrupt a
/// measurement in flight on the same link when `energised` is false (the second path to OFF never waits). A set(true) on the same
/// module is interrupted by it, or refused as interrupted while it is under way: whoever wants it asks again.
/// state() is one exchange that changes nothing: what the module itself says of an output, never what it was told.
class Relays {
 public:
  virtual ~Relays() = default;
  [[nodiscard]] virtual int relay_count() const = 0;
  [[nodiscard]] virtual Task<Result<bool>> state(int channel, Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<void>> set(int channel, bool energised, Deadline deadline) = 0;
};

/// Contacts that are closed while all is well: a door, smoke, an emergency stop. read() is one exchange, and one only: a failed
/// one fails the call and fills nothing, for absence is not "closed". It may be cut by an opening relay of the same module.
class Contacts {
 public:
  virtual ~Contacts() = default;
  [[nodiscard]] virtual int contact_count() const = 0;
  /// closed[i] = contact i is closed; at most contact_count().
  [[nodiscard]] virtual Task<Result<void>> read(std::span<bool> closed, Deadline deadline) = 0;
};

}  // namespace cellrig
