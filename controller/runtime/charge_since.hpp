// What may have gone into a cell through an output that was found on although its run had ended.
#pragma once

#include "controller/base/time.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

struct OutputLook;

/// A bound, by looks in the order of time: between two looks that told flowed at most the greater of what they saw. A look that tells
/// nothing ends no such time; one that sees an output on without a usable current has seen all that the instrument can give.
class ChargeSince {
 public:
  explicit ChargeSince(Amps charge_current_max) : unknown_{charge_current_max} {}
  /// Since `since` nothing flows, for certain; or at most `may_flow`, where nobody could confirm that.
  void begin(TimePoint since, Amps may_flow = Amps{});
  /// The charge that this look adds. Out of the cell nothing is relied on: 0.
  [[nodiscard]] AmpHours count(const OutputLook& look, TimePoint now);
  /// Before an OFF to an output that is not known to be off: more than was thought may have flowed since the last look, and may flow on. A
  /// look that sees less takes nothing back: what was commanded may yet flow.
  void raise(const OutputLook& look);
  /// Nobody looks any more, or OFF came by another way: what was seen last may have flowed until now.
  [[nodiscard]] AmpHours count_until(TimePoint now);

 private:
  [[nodiscard]] AmpHours counted(Amps current, TimePoint now);
  [[nodiscard]] Amps seen_by(const OutputLook& look) const;
  Amps unknown_;
  Amps flows_{};  ///< into the cell since counted_until_, by the last look that told
  TimePoint counted_until_{};
};

}  // namespace cellrig
