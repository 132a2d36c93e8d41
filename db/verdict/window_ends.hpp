// What the voltage limits of a charge and a discharge are worth in charge. Pure, but for who reads the samples.
#pragma once

#include <cstddef>

#include "db/verdict/execution.hpp"

namespace cellrig::verdict {

/// |dQ/dV| with respect to each limit of the window, in Ah per V; 0 where no voltage limited the step. That of the top is meant to be rather too
/// great than too small: it comes to 0.9 to 1.5 times what another limit would give, with slow processes of 50 to 5000 s, where the charge is
/// followed by a rest of an hour and the discharge lasts longer than they do; to 2.5 times that where it does not, and to 2 times after a rest of half an hour. Without a rest of a minute at
/// least it comes to 0.9 to 5 times that.
///
/// * Bottom: a discharge that ended at its voltage goes on along its own curve when the limit is lower. The slope is that of its curve over its
///   last 30 mV, known to 30 % or so: a straight line through all its rows there, since a single last reading is off by a good part of them.
/// * Top, of a charge that ended at its voltage: the same.
/// * Top, of a charge whose voltage was held until the current was small: with another limit it ends with the same current in another state, and
///   what separates these states is the cell's voltage at that current, not the curve of the charge at its rate: that one met the limit long
///   before, where the slope is another. The voltage at the last current is V less what the current was greater by, times resistances. A rest
///   after the charge tells these: its fall is laid to the last current and to what all the currents before have left in slow processes, each
///   with its time constant. The slope is the greater one of its last 30 and 10 mV, with the resistances counted at four fifths.
///   A discharge tells a resistance, too: R(q) = (V - V_d) / (I + I_d) in the same state q, counted from full. It does not know slow
///   processes; with 0.6 to all of it the slope is the greatest. That counts where there is no rest, and where it is the smaller one: a fall
///   within the noise of a voltmeter tells no resistance, and a slope without one has no bound. A discharge that was much colder or warmer than
///   the charge counts only where there is no rest. (Where the voltage was held for seconds only the slope comes out too small, and is
///   negligible: such an end is steep.)
struct EndSlopes {
  double top_Ah_per_V = 0.0, bottom_Ah_per_V = 0.0;
  double top_V = 0.0, bottom_V = 0.0;  ///< where they are
};

/// Of the discharge at `index` and the charge before it, in stages or not.
[[nodiscard]] Result<EndSlopes> end_slopes(const RunFacts& run, std::size_t index);

}  // namespace cellrig::verdict
