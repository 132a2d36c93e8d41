#include "controller/engine/end_conditions.hpp"

#include <cmath>

#include "controller/engine/results.hpp"

namespace cellrig {
namespace {

struct Verdict {
  bool holds = false;
  double value = 0.0;
  double margin = 0.0;
  ConditionQuantity quantity = ConditionQuantity::voltage_V;
};

std::optional<double> reading(const Observation& observation, Measurand measurand) {
  const Reading& r = observation[measurand];
  if (!r.usable()) return std::nullopt;
  return r.value;
}

/// Not known where either is not.
std::optional<double> difference(const Observation& observation, Measurand of, Measurand from) {
  const std::optional<double> a = reading(observation, of), b = reading(observation, from);
  return a && b ? std::optional{*a - *b} : std::nullopt;
}

class Judge {
 public:
  Judge(const Program& program, const ConditionInputs& inputs, StepState& state)
      : program_{program}, inputs_{inputs}, state_{state} {}

  Verdict judge(std::uint16_t index) {
    const ConditionNode& node = program_.nodes[index];
    return node.kind == ConditionNode::Kind::leaf ? judge_leaf(node) : judge_group(node);
  }

 private:
  Verdict judge_leaf(const ConditionNode& leaf) {
    const std::optional<double> value = compared(leaf);
    const std::optional<double> threshold = threshold_of(leaf);
    const bool is_blank = leaf.blank > Duration::zero() && inputs_.now - state_.changed < leaf.blank;
    const std::uint16_t bit = static_cast<std::uint16_t>(1u << leaf.leaf_index);
    if (is_blank || !value || !threshold || !compare(*value, leaf.comparison, *threshold)) {
      state_.leaf_true &= static_cast<std::uint16_t>(~bit);
      return {};
    }
    if ((state_.leaf_true & bit) == 0) {
      state_.leaf_true |= bit;
      state_.true_since[leaf.leaf_index] = inputs_.now;
    }
    const bool held = inputs_.now - state_.true_since[leaf.leaf_index] >= leaf.hold;
    return {held, *value, *value - *threshold, leaf.quantity};
  }

  [[nodiscard]] std::optional<double> compared(const ConditionNode& leaf) const {
    if (leaf.quantity == ConditionQuantity::result) return result_of(static_cast<ResultQuantity>(leaf.operand), inputs_.state);
    if (leaf.quantity == ConditionQuantity::variable) return inputs_.state.variables[leaf.operand % variables_max];
    return value_of(leaf.quantity, inputs_);
  }

  [[nodiscard]] std::optional<double> threshold_of(const ConditionNode& leaf) const {
    if (leaf.formula < 0) return leaf.value;
    return value_of(program_.formulas[static_cast<std::size_t>(leaf.formula)], inputs_.state);
  }

  /// all_of decides by its tightest child, any_of by its first. Every child is visited: each must track its own duration.
  Verdict judge_group(const ConditionNode& group) {
    const bool all = group.kind == ConditionNode::Kind::all_of;
    Verdict decided{.holds = all};
    bool first = true;
    std::uint16_t child = group.first_child;
    for (std::uint16_t n = 0; n < group.child_count; ++n) {
      const Verdict verdict = judge(child);
      const bool better = all ? std::abs(verdict.margin) < std::abs(decided.margin) || first : verdict.holds && !decided.holds;
      if (better) {
        decided.value = verdict.value;
        decided.margin = verdict.margin;
        decided.quantity = verdict.quantity;
        first = false;
      }
      decided.holds = all ? decided.holds && verdict.holds : decided.holds || verdict.holds;
      child = program_.nodes[child].next_sibling;
    }
    return decided;
  }

  const Program& program_;
  const ConditionInputs& inputs_;
  StepState& state_;
};

struct Horizon {
  TimePoint now{};
  TimePoint step_zero{};  ///< when the step's clock would have started, pauses taken out
};

/// The shortest step time that satisfies the leaf, to the nanosecond.
Duration first_holding(const ConditionNode& leaf) {
  Duration instant = from_seconds(leaf.value);
  while (!compare(to_seconds(instant), leaf.comparison, leaf.value) && instant < Duration::max()) {
    instant += Duration{1};
    if (leaf.comparison == Comparison::at_most || leaf.comparison == Comparison::below) break;
  }
  return instant;
}

TimePoint leaf_instant(const ConditionNode& leaf, const Horizon& horizon, const StepState& state) {
  TimePoint instant = TimePoint::max();
  const bool is_true = (state.leaf_true & (1u << leaf.leaf_index)) != 0;
  if (leaf.quantity == ConditionQuantity::step_time_s && !is_true) instant = horizon.step_zero + first_holding(leaf);
  // With a blank time the leaf may hold as soon as that is over.
  if (leaf.blank > Duration::zero() && !is_true) {
    const TimePoint seen = state.changed + leaf.blank;
    if (instant == TimePoint::max() || seen > instant) instant = seen;
  }
  if (leaf.hold.count() > 0 && is_true) instant = state.true_since[leaf.leaf_index] + leaf.hold;
  return instant > horizon.now ? instant : TimePoint::max();
}

TimePoint node_instant(const Program& program, std::uint16_t index, const Horizon& horizon, const StepState& state) {
  const ConditionNode& node = program.nodes[index];
  if (node.kind == ConditionNode::Kind::leaf) return leaf_instant(node, horizon, state);
  TimePoint earliest = TimePoint::max();
  std::uint16_t child = node.first_child;
  for (std::uint16_t n = 0; n < node.child_count; ++n) {
    earliest = std::min(earliest, node_instant(program, child, horizon, state));
    child = program.nodes[child].next_sibling;
  }
  return earliest;
}

}  // namespace

namespace {

/// A slope in a unit of time, or nothing: too early, or not measured now.
std::optional<double> slope(const TrendWindow& window, Duration over, Duration per, const Reading& now) {
  if (!now.usable()) return std::nullopt;
  const std::optional<double> per_s = window.slope_per_s(over, now.at, now.value);
  return per_s ? std::optional{*per_s * to_seconds(per)} : std::nullopt;
}

std::optional<double> trend_of(ConditionQuantity quantity, const ConditionInputs& inputs) {
  constexpr Duration hour = std::chrono::hours{1};
  const Trends& trends = inputs.state.step.trends;
  const Reading& voltage = inputs.observation[Measurand::voltage];
  const Reading& cell = inputs.observation[Measurand::cell_temperature];
  switch (quantity) {
    case ConditionQuantity::temperature_rise_K:
      return cell.usable() && trends.has_temperature ? std::optional{cell.value - trends.temperature_first_degC} : std::nullopt;
    case ConditionQuantity::voltage_drop_V:
      return voltage.usable() && trends.has_voltage ? std::optional{trends.voltage_max_V - voltage.value} : std::nullopt;
    case ConditionQuantity::voltage_per_hour_V: return slope(trends.voltage_hour, Trends::ten_minutes, hour, voltage);
    case ConditionQuantity::voltage_per_minute_V: return slope(trends.voltage_minute, Trends::minute, Trends::minute, voltage);
    case ConditionQuantity::temperature_per_hour_K: return slope(trends.temperature_hour, Trends::ten_minutes, hour, cell);
    case ConditionQuantity::temperature_per_minute_K:
      return slope(trends.temperature_minute, Trends::minute, Trends::minute, cell);
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<double> value_of(ConditionQuantity quantity, const ConditionInputs& inputs) {
  switch (quantity) {
    case ConditionQuantity::step_time_s: return to_seconds(inputs.step_time);
    case ConditionQuantity::voltage_V: return reading(inputs.observation, Measurand::voltage);
    case ConditionQuantity::current_A: {
      const std::optional<double> current = reading(inputs.observation, Measurand::current);
      return current ? std::optional{std::abs(*current)} : std::nullopt;
    }
    case ConditionQuantity::capacity_Ah: return std::abs(inputs.step_moved.net().value());
    case ConditionQuantity::energy_Wh: return std::abs(inputs.step_moved.net_energy().value());
    case ConditionQuantity::soc_pct: return inputs.soc_pct;
    case ConditionQuantity::cell_temperature_degC: return reading(inputs.observation, Measurand::cell_temperature);
    case ConditionQuantity::ambient_temperature_degC: return reading(inputs.observation, Measurand::ambient_temperature);
    case ConditionQuantity::chamber_temperature_degC: return reading(inputs.observation, Measurand::chamber_temperature);
    case ConditionQuantity::logger_voltage_V: return reading(inputs.observation, Measurand::logger_voltage);
    case ConditionQuantity::stack_force_N: return reading(inputs.observation, Measurand::stack_force);
    case ConditionQuantity::stack_pressure_MPa: return reading(inputs.observation, Measurand::stack_pressure);
    case ConditionQuantity::gas_ppm: return reading(inputs.observation, Measurand::gas);
    case ConditionQuantity::power_W: {
      const std::optional<double> voltage = reading(inputs.observation, Measurand::voltage);
      const std::optional<double> current = reading(inputs.observation, Measurand::current);
      return voltage && current ? std::optional{std::abs(*voltage * *current)} : std::nullopt;
    }
    case ConditionQuantity::cv_time_s: return to_seconds(inputs.state.step.cv_time);
    case ConditionQuantity::cell_minus_chamber_K:
      return difference(inputs.observation, Measurand::cell_temperature, Measurand::chamber_temperature);
    case ConditionQuantity::cell_minus_ambient_K:
      return difference(inputs.observation, Measurand::cell_temperature, Measurand::ambient_temperature);
    case ConditionQuantity::ambient_minus_chamber_K:
      return difference(inputs.observation, Measurand::ambient_temperature, Measurand::chamber_temperature);
    default: return trend_of(quantity, inputs);
  }
}

std::optional<EndFound> judge_ends(const Program& program, const Step& step, const ConditionInputs& inputs, StepState& state) {
  Judge judge{program, inputs, state};
  std::optional<EndFound> found;
  for (std::size_t i = 0; i < step.ends.size(); ++i) {
    const Verdict verdict = judge.judge(step.ends[i].root);
    if (verdict.holds && !found) {
      found = EndFound{.end = static_cast<std::uint16_t>(i), .value = verdict.value, .margin = verdict.margin};
      found->quantity = verdict.quantity;
    }
  }
  return found;
}

std::optional<EndFound> judge_held_end(const Step& step, const Observation& observation, const StepState& state) {
  const Reading& voltage = observation[Measurand::voltage];
  const bool is_held = observation.output_on && observation.regulation == Regulation::constant_voltage;
  if (!step.held_end || !is_held || !voltage.usable() || state.cv_time < HeldEnd::hold) return std::nullopt;
  const double margin = voltage.value - step.held_end->voltage_V;
  const double short_by = step.held_end->is_upper ? -margin : margin;
  if (!(short_by >= 0.0 && short_by <= HeldEnd::short_max_V)) return std::nullopt;
  return EndFound{.end = step.held_end->end, .value = voltage.value, .margin = margin, .is_held = true};
}

TimePoint next_end_instant(const Program& program, const Step& step, TimePoint now, const StepState& state) {
  const Horizon horizon{now, state.started - state.ran_before_pause};
  TimePoint earliest = TimePoint::max();
  for (const EndCondition& end : step.ends) earliest = std::min(earliest, node_instant(program, end.root, horizon, state));
  return earliest;
}

}  // namespace cellrig
