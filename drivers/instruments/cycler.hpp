// The contract of a cycler channel, whatever the make.
#pragma once

#include "controller/async/task.hpp"
#include "controller/base/capabilities.hpp"
#include "controller/base/limits.hpp"
#include "controller/base/observation.hpp"
#include "controller/base/result.hpp"
#include "controller/base/setpoint.hpp"
#include "controller/base/time.hpp"
#include "drivers/instruments/identity.hpp"

namespace cellrig {

struct CyclerReadings {
  Reading voltage;  ///< at the sense leads
  Reading current;  ///< positive charges
  Regulation regulation = Regulation::off;
  bool output_on = false;
  bool remote = true;    ///< false: somebody took the instrument back at its panel, or it rebooted
  bool tripped = false;  ///< one of the instrument's own protections or its watchdog has turned the output off
};

/// One output channel of a cycler. Control thread only.
/// * Nobody else writes to this output. Calls other than output_off() are made one at a time.
/// * measure() is stamped at the middle of the exchange; a failed exchange yields no sample, never an old one.
/// * apply() is not atomic on the wire, and safe after each single write: currents to their minimum, then voltage, then currents,
///   then output on. It reads back every value and succeeds only when the instrument holds them and reports the output on.
///   Changing a set-point while the output is on goes the same way; the output need not be switched.
/// * arm() programs protections and watchdog with the output off, reads them back, and fails with `refused` when any differs.
/// * output_off() may be called at any moment, also while another call is in flight: that call ends with Fault::interrupted.
///   It needs no identity, no lock that another call holds, and no working connection beforehand. It is idempotent, returns by
///   its deadline even when the link is dead, and succeeds only when the instrument itself confirmed that the output is off and
///   |I| is below off_current_threshold().
/// * After link_lost the driver reconnects by itself with the next call but never re-applies a set-point or a protection.
/// * output_is_allowed: apply() fails with `refused` unless arm() succeeded since the last (re)connection that lost state
///   (link_lost longer than a moment, reboot, lost remote): "after an instrument's reboot nothing resumes".
class Cycler {
 public:
  virtual ~Cycler() = default;
  [[nodiscard]] virtual const CyclerCapabilities& capabilities() const = 0;
  [[nodiscard]] virtual Task<Result<void>> output_off(Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<InstrumentIdentity>> identify(Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<void>> arm(const Protections& protections, Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<CyclerReadings>> measure(Deadline deadline) = 0;
  [[nodiscard]] virtual Task<Result<void>> apply(const Setpoint& setpoint, Deadline deadline) = 0;
  /// A person's decision, made after the cause was seen: clears what a protection or the watchdog has latched. Only with the output
  /// off; succeeds when nothing is latched any more. It disarms: arm() comes next.
  [[nodiscard]] virtual Task<Result<void>> acknowledge_trip(Deadline deadline) = 0;
  /// Ends an orderly use: watchdog disarmed, remote given back. Only with the output off.
  [[nodiscard]] virtual Task<Result<void>> release(Deadline deadline) = 0;
  /// Closes its connections; the next call opens them again. Only while no call is under way.
  virtual void hang_up() noexcept = 0;
  /// False: nothing of this object has ever reached the instrument, whose watchdog was not fed by it either.
  [[nodiscard]] virtual bool may_have_heard() const { return true; }
  [[nodiscard]] virtual Amps off_current_threshold() const = 0;
};

}  // namespace cellrig
