// A claim's quantity from the record of a run, with its uncertainty budget.
//
// Definitions (a step is named as the profile names it; of several executions the last one counts unless said otherwise; one that was
// interrupted and done again from the middle is a part, and not measured):
// * capacity, energy: |net| of the step; of reference cycles that follow each other without anything between their mean (the counting
//   cycles of a reference performance test). specific_energy: over the mass. energy_density: over the volume.
// * step_time: from the step's first to its last instant, of all steps of that name in the same cycle together (a charge in stages). With
//   `executions` the longest of all, which is the least that the worst one can be as long as there were fewer.
// * capacity_ratio, energy_ratio: the step over the last execution of `reference` before it.
// * retention: last execution of `reference` over its first one; with its whole course for lives, which may lack a point.
// * retention_extrapolated: the same, by loss k t^0.5 fitted over the days of storage, at `at_years`.
// * loss_exponent: p of loss = k t^p, of the executions of `reference` after the first one and the days since. The last loss that is not told
//   from zero within its uncertainty is left out, and all before it. Fewer than three are refused.
// * cell_temperature_peak, voltage_peak, voltage_least: over all executions.
// * voltage_slope_least: the least slope of the voltage over any `window_s` of constant charging current, of all executions: a straight line
//   through the rows of each window. Negative: it falls.
// * rest_slope_least: the slope of the voltage over the last `last_h` hours of a rest, a straight line, of all executions the least; a quarter of
//   the rest at least lies before these hours, for its relaxation.
// * resistance: |V1 - V0| / |I1 - I0|, V0 the last sample of the step before, 1 the last sample of the step, or with `at_s` the first one
//   that late.
// * resistance_change: last over first execution, less 100 %: of a sweep that comes back to where it began what is left of it.
// * resistance_growth_exponent: p of R = R0 (1 + k t^p), R0 the resistance of the first execution of `step`, t the days since. The last growth
//   that is not told from zero within its uncertainty is left out, and all before it, and an execution that was interrupted. Fewer than
//   three are refused.
// * pressure_exponent: n of R = R0 (P/P0)^-n, of the resistances of all executions of `step` and the stack pressure in each; at least three
//   different pressures.
// * specific_power: V_min (V0 - V_min) / R / mass (USABC), of a discharge pulse.
// * coulombic_efficiency, energy_efficiency: all executions of `step` (discharges) over all of `reference` (charges).
//   With the same name for both, what came out of these steps over what went in. Of several cycles the first is left out unless its
//   charge followed a discharge. A coulombic efficiency above 105 % is refused.
// * self_discharge: what `step` gave back less than `reference`, per 30 days of the rest before it.
// * critical_current_density: greatest rung of `step` (a ladder of charges, each with a watch and a discharge after it) without a sign of a
//   soft short (ladder_signs.hpp), in it or in the passes at its current before it, over the electrode area; the true one lies between it
//   and the next rung. The first sign of any kind ends the ladder: less than `returned_min_pct` of the charge came back, more went in than
//   the discharge before it gave, the voltage fell or did not rise while charging, it fell in the watch, or the resistance stepped down.
//   With a `reference` (the discharge after a slow charge) the return is that one's, which must keep the same share itself. A rung that
//   ended by voltage was not carried; where no rung failed the value is the least it can be.
// * charge_excess: the greatest of charge `step` over the discharge after it, less 100 %: a charge through a window ends by its count, and
//   what a soft short took shows in what comes back. The least it can be where one pair is not whole.
// activation_energy and what compares two runs: compare.hpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/base/claim_words.hpp"
#include "db/verdict/execution.hpp"
#include "db/verdict/life.hpp"
#include "db/verdict/uncertainty.hpp"

namespace cellrig::verdict {

struct MeasureRequest {
  ClaimQuantity quantity = ClaimQuantity::capacity;
  std::string step, reference;
  double at_years = 0.0;
  double at_s = 0.0;       ///< of a resistance, into its step; 0: at its end
  int executions = 0;      ///< of a time: the worst of so many; 0: the last one
  double window_s = 10.0;  ///< of voltage_slope_least
  double last_h = 0.0;     ///< of rest_slope_least
  bool is_life = false;    ///< of a retention: its course counts, and may lack a point
  double returned_min_pct = 99.0;
  double repeatability_pct = 0.1;      ///< of one measurement, where the run itself has no repeats
  double temperature_pct_per_K = 0.0;  ///< how the value follows the cell's temperature
};

/// What the instruments of the channel promise, and how often they look.
struct Instruments {
  Accuracy current, voltage;
  std::optional<Accuracy> temperature;
  std::optional<Accuracy> pressure_MPa;  ///< of the load cell over the pressed area
  double period_s = 1.0;
};

struct CellFacts {
  double nominal_Ah = 0.0;
  double voltage_min_V = 0.0;
  std::optional<double> mass_kg, volume_L, electrode_area_cm2;
  double mass_standard_kg = 0.0;   ///< of the balance
  double volume_standard_L = 0.0;  ///< of the calliper, and of when it was measured: lithium breathes
};

struct Measured {
  double value = 0.0;  ///< in the quantity's unit
  std::vector<Contribution> budget;
  std::vector<LifePoint> life;  ///< of retention: after so many cycles; of retention_extrapolated: after so many days
  bool is_least = false;        ///< the true value is this or above: it decides one way only
  std::string note;             ///< one sentence on what the number does not say; may be empty
};

/// Errors: a step that was not carried out, a mass that nobody gave. In words for the engineer.
[[nodiscard]] Result<Measured> measure(const RunFacts& run, const MeasureRequest& request, const Instruments& instruments,
                                       const CellFacts& cell);

}  // namespace cellrig::verdict
