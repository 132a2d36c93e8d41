// What a channel keeps of its steps: results for later instructions, and which observations become rows.
#include <algorithm>
#include <cmath>
#include <utility>

#include "controller/engine/channel_machine.hpp"
#include "controller/engine/resume_point.hpp"

namespace cellrig {
namespace {

constexpr double resistance_change_min_of_nominal = 0.01;  ///< A per Ah

}  // namespace

// ---- results --------------------------------------------------------------------------------------------------------

/// An end that leads elsewhere is a guard, not the end that the step is for: it measures nothing and sets no state of charge. The
/// remainder of an interrupted step measures nothing either: a part of a capacity is none, and what was measured before is another's.
void ChannelMachine::keep_results(const Step& step, StepEndReason reason, const std::optional<EndFound>& found) {
  if (found && step.ends[found->end].target != EndCondition::Target::next) return;
  if (state_.step.is_remainder) {
    lose_result(step);
  } else {
    measure(step);
  }
  // A course ends by its time: that is its end, not a bound that was run into.
  const bool is_end = reason == StepEndReason::condition || (step.course && reason == StepEndReason::time_bound);
  if (step.sets_soc_pct && is_end) {
    state_.soc_known = true;
    state_.soc_base_pct = *step.sets_soc_pct;
    state_.charge_since_soc_Ah = 0;
  }
}

void ChannelMachine::lose_result(const Step& step) {
  if (step.measure == Measure::nothing) return;
  Results& r = state_.results;
  r.lost = static_cast<std::uint8_t>(r.lost | 1U << static_cast<unsigned>(step.measure));
  r.lost_first = r.lost_first || (step.measure == Measure::reference && !r.has_reference);
  if (step.measure == Measure::resistance) r.has_resistance = false;
}

void ChannelMachine::measure(const Step& step) {
  Results& r = state_.results;
  r.lost = static_cast<std::uint8_t>(r.lost & ~(1U << static_cast<unsigned>(step.measure)));
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

/// Somebody may want to know for hours what a cell does that waits. What was measured before the wait belongs to what was before.
void ChannelMachine::record_waiting(const Step& step, const Observation& observation, ChannelOutputs& out) {
  StepState& s = state_.step;
  const Reading& voltage = observation[Measurand::voltage];
  const bool is_of_wait = voltage.at >= s.begun && !(s.has_last && voltage.at <= s.last.at);
  if (!is_of_wait || !voltage.usable() || !observation[Measurand::current].usable() || observation.output_on) return;
  // Somebody may look more often than anything is measured.
  const Duration since_row = voltage.at - s.last_recorded;
  if (s.has_waited && (since_row <= Duration::zero() || since_row < step.record_interval)) return;
  s.has_waited = true;
  if (!s.is_waiting) s.waits_since = seen_until(s);
  s.is_waiting = true;
  s.last_recorded = voltage.at;
  out.push(output::Record{.after_gap = true, .is_waiting = true, .step_moved = s.moved - s.before.moved});
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
  const bool has_waited = std::exchange(step.has_waited, false);
  const Reading& cell = observation[Measurand::cell_temperature];
  step.recorded = {.voltage_V = observation[Measurand::voltage].value,
                   .current_A = observation[Measurand::current].value,
                   .temperature_degC = cell.usable() ? cell.value : 0.0,
                   .net_Ah = step.moved.net().value(),
                   .has_temperature = cell.usable()};
  out.push(output::Record{.first_of_step = first,
                          .last_of_step = last,
                          .after_gap = step.after_gap || has_waited,
                          .step_moved = step.moved - step.before.moved});
}

}  // namespace cellrig
