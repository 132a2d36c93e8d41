// What a channel keeps of its steps: results for later instructions, and which observations become rows.
#include <algorithm>
#include <cmath>

#include "controller/engine/channel_machine.hpp"

namespace cellrig {
namespace {

constexpr double resistance_change_min_of_nominal = 0.01;  ///< A per Ah

}  // namespace

// ---- results --------------------------------------------------------------------------------------------------------

std::optional<double> ChannelMachine::result(ResultQuantity quantity) const {
  const Results& r = state_.results;
  switch (quantity) {
    case ResultQuantity::reference_capacity_Ah: return r.has_reference ? std::optional{r.reference_Ah} : std::nullopt;
    case ResultQuantity::retention_pct:
      return r.has_reference && r.reference_first_Ah > 0 ? std::optional{100.0 * r.reference_Ah / r.reference_first_Ah}
                                                         : std::nullopt;
    case ResultQuantity::test_capacity_Ah: return r.has_test ? std::optional{r.test_Ah} : std::nullopt;
    case ResultQuantity::capacity_ratio_pct:
      return r.has_test && r.has_reference && r.reference_Ah > 0 ? std::optional{100.0 * r.test_Ah / r.reference_Ah}
                                                                 : std::nullopt;
    case ResultQuantity::energy_ratio_pct:
      return r.has_test && r.has_reference && r.reference_Wh > 0 ? std::optional{100.0 * r.test_Wh / r.reference_Wh}
                                                                 : std::nullopt;
    case ResultQuantity::charge_time_min: return r.has_charge_time ? std::optional{r.charge_time_s / 60.0} : std::nullopt;
    case ResultQuantity::cycle_count: return static_cast<double>(state_.cycle);
    case ResultQuantity::resistance_Ohm: return r.has_resistance ? std::optional{r.resistance_Ohm} : std::nullopt;
    case ResultQuantity::coulombic_efficiency_pct:
      return r.has_coulombic ? std::optional{100.0 * r.coulombic_efficiency} : std::nullopt;
    case ResultQuantity::energy_efficiency_pct: return r.has_energy ? std::optional{100.0 * r.energy_efficiency} : std::nullopt;
    case ResultQuantity::cell_temperature_peak_degC:
      return state_.cell_temperature.known ? std::optional{state_.cell_temperature.max_degC} : std::nullopt;
  }
  return std::nullopt;
}

void ChannelMachine::keep_results(const Step& step, StepEndReason reason) {
  Results& r = state_.results;
  const double capacity_Ah = std::abs(state_.step.moved.net().value());
  const double energy_Wh = std::abs(state_.step.moved.net_energy().value());
  switch (step.measure) {
    case Measure::nothing: break;
    case Measure::reference:
      if (!r.has_reference) r.reference_first_Ah = capacity_Ah;
      r.has_reference = true;
      r.reference_Ah = capacity_Ah;
      r.reference_Wh = energy_Wh;
      state_.cycle_state.reference_Ah = capacity_Ah;
      state_.cycle_state.measured_reference = state_.in_cycle;
      break;
    case Measure::test:
      r.has_test = true;
      r.test_Ah = capacity_Ah;
      r.test_Wh = energy_Wh;
      break;
    case Measure::charge_time:
      r.has_charge_time = true;
      r.charge_time_s = to_seconds(step_time());
      break;
    case Measure::resistance: keep_resistance(); break;
  }
  if (step.sets_soc_pct && reason == StepEndReason::condition) {
    state_.soc_known = true;
    state_.soc_base_pct = *step.sets_soc_pct;
    state_.charge_since_soc_Ah = 0;
  }
}

/// Unknown where the current hardly changed (noise over noise is no resistance), or nothing was measured right before it.
void ChannelMachine::keep_resistance() {
  const StepState& step = state_.step;
  const Duration apart = step.started - step.before_step.at;
  const bool is_adjacent = step.has_before_step && step.has_last && apart >= Duration::zero() && apart <= options_.gap_limit;
  const double change_A = (step.last.current - step.before_step.current).value();
  state_.results.has_resistance =
      is_adjacent && std::abs(change_A) >= resistance_change_min_of_nominal * program_.nominal_capacity.value();
  if (state_.results.has_resistance)
    state_.results.resistance_Ohm = (step.last.voltage - step.before_step.voltage).value() / change_A;
}

// ---- rows -----------------------------------------------------------------------------------------------------------

bool ChannelMachine::has_changed(const Observation& observation, const RecordChanges& by) const {
  const RecordedValues& row = state_.step.recorded;
  const auto moved = [](double now, double before, double threshold) {
    return threshold > 0 && std::abs(now - before) >= threshold;
  };
  const Reading& cell = observation[Measurand::cell_temperature];
  return moved(observation[Measurand::voltage].value, row.voltage_V, by.voltage_V) ||
         moved(observation[Measurand::current].value, row.current_A, by.current_A) ||
         (cell.usable() && row.has_temperature && moved(cell.value, row.temperature_degC, by.temperature_K)) ||
         moved(state_.step.moved.net().value(), row.net_Ah, by.capacity_Ah);
}

/// Points of time that have passed since the last observation. Several at once are one row.
bool ChannelMachine::pass_record_points(const Step& step) {
  const std::uint8_t before = state_.step.record_points;
  const Duration time = step_time();
  while (state_.step.record_points < step.record_at.size() && time >= step.record_at[state_.step.record_points])
    ++state_.step.record_points;
  return state_.step.record_points != before;
}

void ChannelMachine::record(const Observation& observation, bool last, ChannelOutputs& out) {
  StepState& step = state_.step;
  const bool first = !step.recorded_any;
  const Step* const program_step = current_step();
  const bool is_point = pass_record_points(*program_step);
  const bool is_due = first || last || step.after_gap || is_point || now_ - step.last_recorded >= program_step->record_interval;
  if (!is_due && !has_changed(observation, program_step->record_changes)) return;
  step.recorded_any = true;
  step.last_recorded = now_;
  const Reading& cell = observation[Measurand::cell_temperature];
  step.recorded = {.voltage_V = observation[Measurand::voltage].value,
                   .current_A = observation[Measurand::current].value,
                   .temperature_degC = cell.usable() ? cell.value : 0.0,
                   .net_Ah = step.moved.net().value(),
                   .has_temperature = cell.usable()};
  out.push(output::Record{first, last, step.after_gap, step.moved - step.before.moved});
}

}  // namespace cellrig
