// What the voltage limits of a charge and a discharge are worth in charge. Pure, but for who reads the samples.
#pragma once

#include <cstddef>

#include "db/verdict/execution.hpp"

namespace cellrig::verdict {

/// |dQ/dV| with respect to each limit of the window, in Ah per V, where it is known to 30 % or so; 0 where no voltage limited the step.
///
/// * Bottom: a discharge that ended at its voltage goes on along its own curve when the limit is lower. The slope is that of its curve over its
///   last 30 mV.
/// * Top, of a charge that ended at its voltage: the same.
/// * Top, of a charge whose voltage was held until the current was small: with another limit it ends with the same current in another state, and
///   what separates these states is the cell's voltage at that current, not the curve of the charge at its rate: that one met the limit long
///   before, where the slope is another. The voltage at the last current is U = V - R (I - I_end) all along the charge, with the resistance
///   R(q) = (V - V_d) / (I + I_d) between charge and discharge in the same state q, counted from full. The slope is that of U over its
///   last 30 mV. A charge that is colder or warmer than every discharge has the resistance that its voltage falls by in the rest after it. (Where the voltage was held for seconds only it comes out too small, and is negligible: such an end is steep.)
struct EndSlopes {
  double top_Ah_per_V = 0.0, bottom_Ah_per_V = 0.0;
  double top_V = 0.0, bottom_V = 0.0;  ///< where they are
};

/// Of the discharge at `index` and the charge before it, in stages or not.
[[nodiscard]] Result<EndSlopes> end_slopes(const RunFacts& run, std::size_t index);

}  // namespace cellrig::verdict
