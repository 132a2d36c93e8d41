#include "profiles/estimate.hpp"

#include <algorithm>
#include <cmath>

#include "controller/base/overloaded.hpp"
#include "profiles/courses.hpp"

namespace cellrig {
namespace {

constexpr double seconds_max = 100.0 * 365.25 * 86400.0;
constexpr double taper_s = 1800.0;        // a constant-voltage phase lasts about half an hour at moderate rates
constexpr double person_s = 600.0;        // somebody is called, and comes
constexpr double temperature_s = 3600.0;  // a chamber and a cell of this size need about an hour

Duration saturated(double seconds) { return from_seconds(std::clamp(seconds, 0.0, seconds_max)); }

double middle_voltage(const Program& program) {
  return (program.limits.voltage_min.value() + program.limits.voltage_max.value()) / 2.0;
}

/// Magnitude, at the middle of the voltage window; 0 without an output.
double current_of(const Program& program, const Step& step) {
  if (!step.setpoint) return 0.0;
  const double voltage = middle_voltage(program);
  return std::visit(
      overloaded{
          [](const ConstantCurrent& s) { return std::abs(s.current.value()); },
          [](const ConstantVoltage& s) { return std::max(s.current_max.value(), -s.current_min.value()); },
          [voltage](const ConstantPower& s) { return std::min(std::abs(s.power.value()) / voltage, s.current_limit.value()); },
          [voltage](const ConstantResistance& s) { return std::min(voltage / s.resistance.value(), s.current_limit.value()); },
      },
      *step.setpoint);
}

/// What a state of charge counts as whole: before anything is measured, the nominal capacity, or the rated one where the profile says so.
AmpHours counted_capacity(const Program& program) {
  const bool is_rated = program.soc_reference == SocReference::rated && program.rated_capacity > AmpHours{};
  return is_rated ? program.rated_capacity : program.nominal_capacity;
}

class StepForecaster {
 public:
  StepForecaster(const Program& program, const Step& step, std::optional<double> soc_pct)
      : program_{program}, step_{step}, current_{current_of(program, step)} {
    soc_ = soc_pct.value_or(step.direction == StepDirection::charge ? 0.0 : 100.0);
  }

  std::optional<double> seconds() const {
    std::optional<double> earliest;
    for (const EndCondition& end : step_.ends) {
      const std::optional<double> at = node_seconds(end.root);
      if (at && (!earliest || *at < *earliest)) earliest = at;
    }
    if (step_.person) return std::min(to_seconds(step_.time_max), person_s);
    if (step_.time_max_is_normal) {
      const double bound = to_seconds(step_.time_max);
      return earliest ? std::min(*earliest, bound) : bound;
    }
    return earliest;
  }

  [[nodiscard]] double current() const { return current_; }

 private:
  std::optional<double> node_seconds(std::size_t index) const {
    const ConditionNode& node = program_.nodes[index];
    if (node.kind == ConditionNode::Kind::leaf) return leaf_seconds(node);
    const bool all = node.kind == ConditionNode::Kind::all_of;
    std::optional<double> decided;
    std::size_t child = node.first_child;
    for (std::size_t i = 0; i < node.child_count; ++i) {
      const std::optional<double> at = node_seconds(child);
      if (all && !at) return std::nullopt;
      if (at && (!decided || (all ? *at > *decided : *at < *decided))) decided = at;
      child = program_.nodes[child].next_sibling;
    }
    return decided;
  }

  std::optional<double> leaf_seconds(const ConditionNode& leaf) const {
    if (step_.course && leaf.quantity != ConditionQuantity::step_time_s) return std::nullopt;  // its currents are many
    const double hold = to_seconds(leaf.hold);
    switch (leaf.quantity) {
      case ConditionQuantity::step_time_s: return leaf.value + hold;
      case ConditionQuantity::capacity_Ah: return after_charge(leaf.value, hold);
      case ConditionQuantity::energy_Wh: return after_charge(leaf.value / middle_voltage(program_), hold);
      case ConditionQuantity::soc_pct:
        return after_charge(std::abs(leaf.value - soc_) / 100.0 * counted_capacity(program_).value(), hold);
      case ConditionQuantity::voltage_V: return after_charge(charge_left(), hold);
      case ConditionQuantity::current_A:
        return step_.kind == StepKind::cv ? std::optional{taper_s} : after_charge(charge_left(), hold + taper_s);
      case ConditionQuantity::cell_temperature_degC:
      case ConditionQuantity::ambient_temperature_degC:
      case ConditionQuantity::chamber_temperature_degC:
      case ConditionQuantity::cell_minus_chamber_K:
      case ConditionQuantity::cell_minus_ambient_K:
      case ConditionQuantity::ambient_minus_chamber_K: return step_.setpoint ? std::nullopt : std::optional{temperature_s + hold};
      case ConditionQuantity::logger_voltage_V:
      case ConditionQuantity::stack_force_N:
      case ConditionQuantity::stack_pressure_MPa:
      case ConditionQuantity::gas_ppm:
      case ConditionQuantity::power_W:
      case ConditionQuantity::cv_time_s:
      case ConditionQuantity::temperature_rise_K:
      case ConditionQuantity::voltage_drop_V:
      case ConditionQuantity::voltage_per_hour_V:
      case ConditionQuantity::voltage_per_minute_V:
      case ConditionQuantity::temperature_per_hour_K:
      case ConditionQuantity::result:
      case ConditionQuantity::variable:
      case ConditionQuantity::temperature_per_minute_K: return std::nullopt;  // nobody can tell
    }
    return std::nullopt;
  }

  /// To full or to empty.
  double charge_left() const {
    const double part = step_.direction == StepDirection::charge ? 100.0 - soc_ : soc_;
    return std::max(part, 0.0) / 100.0 * counted_capacity(program_).value();
  }

  std::optional<double> after_charge(double charge_Ah, double hold) const {
    if (!(current_ > 0.0)) return std::nullopt;
    return charge_Ah / current_ * 3600.0 + hold;
  }

  const Program& program_;
  const Step& step_;
  double current_;
  double soc_ = 0.0;
};

bool ends_at(const Program& program, const Step& step, ConditionQuantity quantity) {
  for (const EndCondition& end : step.ends) {
    const ConditionNode& node = program.nodes[end.root];
    if (node.kind == ConditionNode::Kind::leaf && node.quantity == quantity) return true;
  }
  return false;
}

/// How often they are due, of all the passes that lead past them.
double share_of_passes(const Diagnostics& diagnostics) {
  constexpr std::uint64_t otherwise = 50;  // by fade or alarm: nobody can tell
  return 1.0 / static_cast<double>(diagnostics.every_cycles > 0 ? diagnostics.every_cycles : otherwise);
}

struct Span {
  double expected = 0.0;
  double longest = 0.0;
};

class TimeWalker {
 public:
  TimeWalker(const Program& program, std::vector<Duration>& per_instruction)
      : program_{program}, per_instruction_{per_instruction} {}

  Span walk(std::size_t begin, std::size_t end) {
    Span span;
    for (std::size_t i = begin; i < end; ++i) {
      if (const Step* step = std::get_if<Step>(&program_.code[i])) {
        add(span, take(*step, i), 1.0);
      } else if (const LoopBegin* loop = std::get_if<LoopBegin>(&program_.code[i])) {
        // The first pass starts from another state of charge than the others, which are all alike. Where it does not there is one walk,
        // and where loops are nested so deep that two of each were too many.
        const std::optional<double> soc_before = soc_;
        const Span first = walk(i + 1, loop->end);
        add(span, first, 1.0);
        const bool is_another = soc_ != soc_before && steps_taken_ < steps_taken_max;
        if (loop->times > 1) add(span, is_another ? walk(i + 1, loop->end) : first, static_cast<double>(loop->times - 1));
        i = loop->end;
      } else if (const Diagnostics* diagnostics = std::get_if<Diagnostics>(&program_.code[i])) {
        Span body = walk(i + 1, diagnostics->end);
        body.expected *= share_of_passes(*diagnostics);
        add(span, body, 1.0);
        i = diagnostics->end - 1;
      }
    }
    return span;
  }

 private:
  Span take(const Step& step, std::size_t index) {
    ++steps_taken_;
    const StepForecast likely = forecast(program_, step, soc_);
    const double bound = to_seconds(step.time_max);
    const double expected = std::min(likely.seconds.value_or(bound), bound);
    soc_ = likely.soc_after_pct;
    per_instruction_[index] = saturated(expected);
    return {expected, bound};
  }

  static void add(Span& sum, const Span& part, double times) {
    sum.expected = std::min(sum.expected + part.expected * times, seconds_max);
    sum.longest = std::min(sum.longest + part.longest * times, seconds_max);
  }

  const Program& program_;
  std::vector<Duration>& per_instruction_;
  std::optional<double> soc_;
  static constexpr std::size_t steps_taken_max = 100'000;
  std::size_t steps_taken_ = 0;
};

/// Expected seconds of [begin, end) from one pass of everything.
double span_seconds(const Program& program, const DurationEstimate& estimated, std::size_t begin, std::size_t end) {
  double seconds = 0.0;
  for (std::size_t i = begin; i < end; ++i) {
    if (const LoopBegin* loop = std::get_if<LoopBegin>(&program.code[i])) {
      seconds += static_cast<double>(loop->times) * span_seconds(program, estimated, i + 1, loop->end);
      i = loop->end;
    } else if (const Diagnostics* diagnostics = std::get_if<Diagnostics>(&program.code[i])) {
      seconds += share_of_passes(*diagnostics) * span_seconds(program, estimated, i + 1, diagnostics->end);
      i = diagnostics->end - 1;
    } else {
      seconds += to_seconds(estimated.per_instruction[i]);
    }
  }
  return std::min(seconds, seconds_max);
}

struct Periods {
  double on_s = 1.0;
  double off_s = 1.0;
};

double span_rows(const Program& program, const DurationEstimate& estimated, const Periods& periods, std::size_t begin,
                 std::size_t end) {
  constexpr double rows_of_its_edges = 2.0;
  double rows = 0.0;
  for (std::size_t i = begin; i < end; ++i) {
    if (const LoopBegin* loop = std::get_if<LoopBegin>(&program.code[i])) {
      rows += static_cast<double>(loop->times) * span_rows(program, estimated, periods, i + 1, loop->end);
      i = loop->end;
    } else if (const Diagnostics* diagnostics = std::get_if<Diagnostics>(&program.code[i])) {
      rows += share_of_passes(*diagnostics) * span_rows(program, estimated, periods, i + 1, diagnostics->end);
      i = diagnostics->end - 1;
    } else if (const Step* step = std::get_if<Step>(&program.code[i])) {
      const double apart_s = std::max(to_seconds(step->record_interval), step->setpoint ? periods.on_s : periods.off_s);
      rows += rows_of_its_edges + to_seconds(estimated.per_instruction[i]) / apart_s;
    }
  }
  return rows;
}

}  // namespace

StepForecast forecast(const Program& program, const Step& step, std::optional<double> soc_pct) {
  const StepForecaster forecaster{program, step, soc_pct};
  StepForecast result{forecaster.seconds(), soc_pct};
  if (step.sets_soc_pct) {
    result.soc_after_pct = step.sets_soc_pct;
  } else if (step.course) {
    const double passes = to_seconds(step.time_max) / to_seconds(step.course->period);
    const double moved_pct = 100.0 * passes * net_charge_Ah(*step.course) / counted_capacity(program).value();
    if (soc_pct) result.soc_after_pct = std::clamp(*soc_pct + moved_pct, 0.0, 100.0);
  } else if (step.direction != StepDirection::none) {
    const bool charges = step.direction == StepDirection::charge;
    const bool to_the_end =
        ends_at(program, step, ConditionQuantity::voltage_V) || ends_at(program, step, ConditionQuantity::current_A);
    if (soc_pct && result.seconds) {
      const double moved = forecaster.current() * *result.seconds / 3600.0 / counted_capacity(program).value() * 100.0;
      result.soc_after_pct = std::clamp(*soc_pct + (charges ? moved : -moved), 0.0, 100.0);
    } else if (to_the_end) {
      result.soc_after_pct = charges ? 100.0 : 0.0;
    }
  }
  return result;
}

DurationEstimate estimate(const Program& program) {
  DurationEstimate result;
  result.per_instruction.resize(program.code.size());
  const Span span = TimeWalker{program, result.per_instruction}.walk(0, program.code.size());
  result.expected = saturated(span.expected);
  result.longest = saturated(span.longest);
  return result;
}

Duration estimate_duration(const Program& program) { return estimate(program).expected; }

double estimate_rows(const Program& program, const DurationEstimate& estimated, Duration period_on, Duration period_off) {
  return span_rows(program, estimated, Periods{to_seconds(period_on), to_seconds(period_off)}, 0, program.code.size());
}

Duration estimate_remaining(const Program& program, const DurationEstimate& estimated, const ProgramPosition& position) {
  if (position.instruction >= program.code.size()) return Duration::zero();
  struct Loop {
    std::size_t begin;
    std::size_t end;
    std::uint64_t times;
  };
  std::vector<Loop> around;
  for (std::size_t i = 0; i <= position.instruction; ++i) {
    if (const LoopBegin* loop = std::get_if<LoopBegin>(&program.code[i])) {
      if (loop->end >= position.instruction && i != position.instruction) around.push_back({i, loop->end, loop->times});
    }
  }
  double seconds = 0.0;
  std::size_t next = position.instruction;
  if (std::holds_alternative<Step>(program.code[next])) {
    seconds = std::max(to_seconds(estimated.per_instruction[next]) - to_seconds(position.in_step), 0.0);
    ++next;
  }
  for (std::size_t depth = around.size(); depth-- > 0;) {
    const Loop& loop = around[depth];
    const std::uint64_t begun = depth < position.passes.size() ? position.passes[depth] : 1;
    const std::uint64_t left = loop.times > begun ? loop.times - begun : 0;
    seconds += span_seconds(program, estimated, next, loop.end);
    seconds += static_cast<double>(left) * span_seconds(program, estimated, loop.begin + 1, loop.end);
    next = loop.end + 1;
  }
  return saturated(seconds + span_seconds(program, estimated, next, program.code.size()));
}

}  // namespace cellrig
