#include "profiles/exchange/pybamm_step_export.hpp"

#include <algorithm>
#include <cmath>

#include "controller/base/overloaded.hpp"
#include "profiles/describe.hpp"
#include "profiles/number.hpp"

namespace cellrig {
namespace {

/// The ends of a step that a string can say; any of them ends it.
struct SayableEnds {
  std::optional<double> time_s;
  std::optional<PybammEnd> voltage;
  std::optional<PybammEnd> current;
};

/// Its set-point, the numbers a string needs.
struct SayableSetpoint {
  PybammValue value;             ///< current, power or resistance; for cv and cccv the bound of the current
  std::optional<double> held_V;  ///< cv, cccv
  double bound_V = 0.0;          ///< where the instrument holds the voltage on its own
};

bool is_upward(Comparison comparison) { return comparison == Comparison::at_least || comparison == Comparison::above; }

class StepExporter {
 public:
  StepExporter(const PybammStepExport& from, const PybammBefore& before, LossReport& report)
      : from_{from}, step_{from.step}, before_{before}, report_{report} {}

  std::vector<PybammStep> strings() {
    if (step_.course || step_.person) {
      add(LossSeverity::safety, "steps", "'" + from_.spec.word + "' cannot be said in strings: left out");
      return {};
    }
    if (step_.limits) add(LossSeverity::safety, "limits", "its own limits cannot be said");
    if (step_.current_bound)
      add(LossSeverity::lost, "rates",
          "'" + from_.program.formulas[step_.current_bound->formula].text + "' became the number it is expected to be");
    if (step_.magnitude)
      add(LossSeverity::lost, "rates",
          "'" + from_.program.formulas[step_.magnitude->formula].text + "' became the number it is expected to be");
    read_ends();
    std::vector<PybammStep> strings = step_.setpoint ? steered() : rest();
    if (step_.setpoint && step_.time_max > Duration::zero()) judge_bound(strings);
    tell_labels();
    return strings;
  }

 private:
  void add(LossSeverity severity, const std::string& word, const std::string& what) {
    report_.push_back(Loss{from_.place, word, step_.name + ": " + what, severity});
  }

  // ---- ends ---------------------------------------------------------------------------------------------------------

  void lose_end(const EndCondition& end, const std::string& why) {
    add(LossSeverity::safety, "ends", "'" + end.text + "' cannot be said" + (why.empty() ? "" : ": " + why));
  }

  void read_ends() {
    for (std::size_t i = 0; i < step_.ends.size(); ++i) read_end(i);
  }

  void read_end(std::size_t i) {
    const EndCondition& end = step_.ends[i];
    const ConditionNode& node = from_.program.nodes[end.root];
    if (node.kind != ConditionNode::Kind::leaf) return lose_end(end, "a string has no groups of conditions");
    if (end.target != EndCondition::Target::next) return lose_end(end, "a string goes on with the next one");
    if (node.formula >= 0) return lose_end(end, "its value is known only while it runs");
    if (node.blank > Duration::zero()) add(LossSeverity::note, "hold", "'" + end.text + "' is judged from the start");
    const bool is_up = is_upward(node.comparison);
    bool is_said = true;
    if (node.quantity == ConditionQuantity::step_time_s && is_up) {
      is_said = add_time(end, node.value);
    } else if (node.quantity == ConditionQuantity::capacity_Ah && is_up && step_.kind == StepKind::cc) {
      is_said = add_time(end, 3600.0 * node.value / current_magnitude());
      if (is_said) add(LossSeverity::note, "capacity", "'" + end.text + "' became the time in which that current moves it");
    } else if (node.quantity == ConditionQuantity::voltage_V) {
      is_said = add_voltage(end, {.value = {node.value, Unit::volt}, .comparison = is_up ? '>' : '<'});
    } else if (node.quantity == ConditionQuantity::current_A) {
      const bool is_rate = i < from_.spec.until.size() && from_.spec.until[i].quantity_word == "rate_C";
      is_said = add_current(end, {.value = current(node.value, is_rate), .comparison = is_up ? '>' : '<'});
    } else {
      is_said = false;
      lose_end(end, "an end is by time, voltage or current");
    }
    if (is_said && node.hold > Duration::zero())
      add(LossSeverity::note, "hold", "'" + end.text + "' ends at the first moment, not after 'for " + describe(node.hold) + "'");
  }

  bool add_time(const EndCondition& end, double seconds) {
    if (!(seconds >= 1e-3 && seconds <= to_seconds(pybamm_duration_max))) {
      lose_end(end, "no such time");
      return false;
    }
    if (step_.kind == StepKind::cccv) {
      lose_end(end, "it counts from the start of the constant current, in two strings it would count twice");
      return false;
    }
    ends_.time_s = ends_.time_s ? std::min(*ends_.time_s, seconds) : seconds;
    return true;
  }

  bool add_voltage(const EndCondition& end, const PybammEnd& said) {
    std::string why;
    if (ends_.voltage) why = "a string has one 'until' only";
    if (step_.kind == StepKind::cv || step_.kind == StepKind::cccv) why = "a 'Hold' has a constant voltage";
    if (!(said.value.value > 0.0)) why = "a voltage is above zero";
    if (why.empty()) {
      ends_.voltage = said;
    } else {
      lose_end(end, why);
    }
    return why.empty();
  }

  bool add_current(const EndCondition& end, const PybammEnd& said) {
    std::string why;
    if (ends_.current) why = "a string has one 'until' only";
    if (!step_.setpoint) why = "a rest has no current";
    if (step_.kind == StepKind::cc) why = "in PyBaMM the current of this step is constant, it never tapers";
    if (!(said.value.value > 0.0)) why = "a current is above zero";
    if (why.empty()) {
      ends_.current = said;
    } else {
      lose_end(end, why);
    }
    return why.empty();
  }

  // ---- set-points ---------------------------------------------------------------------------------------------------

  [[nodiscard]] PybammValue current(double amps, bool is_rate) const {
    return is_rate ? PybammValue{amps / from_.program.nominal_capacity.value(), Unit::c_rate} : PybammValue{amps, Unit::amp};
  }

  [[nodiscard]] double current_magnitude() const {
    const CurrentBounds bounds = current_bounds(*step_.setpoint);
    return std::max(bounds.charge, bounds.discharge).value();
  }

  [[nodiscard]] bool charges() const { return step_.direction == StepDirection::charge; }

  [[nodiscard]] SayableSetpoint setpoint() const {
    const bool is_rate = from_.spec.find("rate_C") != nullptr || from_.spec.find("rate_max_C") != nullptr;
    const PybammValue most = current(current_magnitude(), is_rate);
    const auto bound = [this](Volts min, Volts max) { return (charges() ? max : min).value(); };
    return std::visit(
        overloaded{
            [&](const ConstantCurrent& s) {
              return SayableSetpoint{most, std::nullopt, bound(s.voltage_min, s.voltage_max)};
            },
            [&](const ConstantVoltage& s) {
              return SayableSetpoint{most, s.voltage.value(), s.voltage.value()};
            },
            [&](const ConstantPower& s) {
              return SayableSetpoint{{abs(s.power).value(), Unit::watt}, std::nullopt, bound(s.voltage_min, s.voltage_max)};
            },
            [&](const ConstantResistance& s) {
              return SayableSetpoint{{s.resistance.value(), Unit::ohm}, std::nullopt, bound(s.voltage_min, s.voltage_max)};
            },
        },
        *step_.setpoint);
  }

  std::vector<PybammStep> steered() {
    const SayableSetpoint setpoint = this->setpoint();
    if (step_.kind == StepKind::cv) return {hold(setpoint, true)};
    PybammStep string = new_string(charges() ? PybammAction::charge : PybammAction::discharge);
    string.value = setpoint.value;
    if (step_.kind == StepKind::cccv) {
      string.end = PybammEnd{{*setpoint.held_V, Unit::volt}, charges() ? '>' : '<'};
      return {string, hold(setpoint, false)};
    }
    string.duration_s = ends_.time_s;
    string.end = ends_.voltage ? ends_.voltage : ends_.current;
    if (ends_.voltage && ends_.current)
      add(LossSeverity::safety, "ends", "of its ends by voltage and by current only the one by voltage can be said");
    judge_setpoint_bounds(setpoint);
    if (!string.duration_s && !string.end) {
      string.duration_s = longest_s();
      string.end = PybammEnd{{setpoint.bound_V, Unit::volt}, charges() ? '>' : '<'};
      add(LossSeverity::note, "ends",
          "without its end it goes on to " + with_unit(setpoint.bound_V, "V") + ", for as long as it may");
    }
    return {string};
  }

  PybammStep hold(const SayableSetpoint& setpoint, bool is_alone) {
    PybammStep string = new_string(PybammAction::hold);
    string.value = {*setpoint.held_V, Unit::volt};
    string.duration_s = ends_.time_s;
    string.end = ends_.current;
    if (!string.duration_s && !string.end) {
      string.duration_s = longest_s();
      add(LossSeverity::note, "ends", "without its end the voltage is held for as long as the step may last");
    }
    if (is_alone && !is_bounded_by_before(setpoint))
      add(LossSeverity::safety, "current_bound",
          "a 'Hold' has no limit of current, here it is " + with_unit(current_magnitude(), "A"));
    return string;
  }

  /// A hold of the voltage at which the string before it has just ended starts with that string's current and only falls.
  [[nodiscard]] bool is_bounded_by_before(const SayableSetpoint& setpoint) const {
    if (before_.strings.empty()) return false;
    const PybammStep& last = before_.strings.back();
    const bool is_same_way = last.action == (charges() ? PybammAction::charge : PybammAction::discharge);
    if (!is_same_way || !last.end || last.duration_s || last.end->value.unit != Unit::volt) return false;
    if (std::abs(last.end->value.value - *setpoint.held_V) > 1e-9) return false;
    const double nominal = from_.program.nominal_capacity.value();
    const double amps = last.value.unit == Unit::c_rate ? last.value.value * nominal : last.value.value;
    const bool is_current = last.value.unit == Unit::c_rate || last.value.unit == Unit::amp;
    return is_current && amps <= current_magnitude() * (1.0 + 1e-9);
  }

  /// What the profile itself gave the instrument to hold, beyond what follows from the step's end.
  void judge_setpoint_bounds(const SayableSetpoint& setpoint) {
    const char* const key = charges() ? "voltage_max_V" : "voltage_min_V";
    const double bound = setpoint.bound_V;
    const bool ends_before =
        ends_.voltage && (charges() ? ends_.voltage->value.value <= bound : ends_.voltage->value.value >= bound);
    if (from_.spec.find(key) != nullptr && !ends_before)
      add(LossSeverity::safety, "voltage_bound", "nothing holds the voltage at " + with_unit(bound, "V") + " (" + key + ")");
    else if (!ends_.voltage && (ends_.time_s || ends_.current))
      add(LossSeverity::lost, "voltage", "nothing holds the voltage at the cell's own " + with_unit(bound, "V"));
    if (step_.kind != StepKind::cc && (from_.spec.find("rate_max_C") != nullptr || from_.spec.find("current_max_A") != nullptr))
      add(LossSeverity::safety, "current_bound", "nothing limits its current to " + with_unit(current_magnitude(), "A"));
  }

  std::vector<PybammStep> rest() {
    PybammStep string = new_string(PybammAction::rest);
    string.duration_s = ends_.time_s;
    string.end = ends_.voltage;
    const double longest = to_seconds(step_.time_max);
    if (step_.time_max_is_normal && !(longest >= 1e-3)) {
      add(LossSeverity::note, "rest", "a rest of no time is left out");
      return {};
    }
    if (step_.time_max_is_normal || (!string.duration_s && !string.end)) {
      string.duration_s = std::min(string.duration_s.value_or(longest), longest_s());
      if (!step_.time_max_is_normal)
        add(LossSeverity::note, "ends", "without its end it rests for as long as the step may last, " + describe(step_.time_max));
    }
    return {string};
  }

  [[nodiscard]] double longest_s() const { return std::min(to_seconds(step_.time_max), to_seconds(pybamm_duration_max)); }

  [[nodiscard]] PybammStep new_string(PybammAction action) const {
    PybammStep string;
    string.place = from_.place;
    string.action = action;
    return string;
  }

  // ---- what stays behind --------------------------------------------------------------------------------------------

  /// The bound fails a run. PyBaMM has its own, which ends its experiment as well; a 'for' ends a step in order.
  void judge_bound(const std::vector<PybammStep>& strings) {
    double longest = 0.0;
    for (const PybammStep& string : strings) longest += pybamm_time_max_s(string);
    const double bound = to_seconds(step_.time_max);
    constexpr double tolerance = 1e-3;
    const bool has_for =
        std::any_of(strings.begin(), strings.end(), [](const PybammStep& s) { return s.duration_s.has_value(); });
    if (longest > bound * (1.0 + tolerance)) {
      add(LossSeverity::safety, "at_most",
          "the bound of " + describe(step_.time_max) + " cannot be said: PyBaMM goes on for up to " +
              describe(from_seconds(longest)));
    } else if (longest < bound * (1.0 - tolerance) && !has_for) {
      add(LossSeverity::note, "at_most",
          "PyBaMM gives up after " + describe(from_seconds(longest)) + ", before the bound of " + describe(step_.time_max));
    }
  }

  void tell_labels() {
    std::string lost;
    const auto lose = [&lost](const std::string& key) { lost += (lost.empty() ? "" : ", ") + key; };
    if (step_.name != from_.spec.word) lose("name");
    if (step_.measure != Measure::nothing) lose("measure");
    if (step_.sets_soc_pct) lose("sets_soc_pct");
    if (step_.record_changes.any() || !step_.record_at.empty()) lose("record");
    if (from_.spec.on_interruption) lose("on_interruption");
    if (!lost.empty()) add(LossSeverity::lost, "labels", "without " + lost);
  }

  const PybammStepExport& from_;
  const Step& step_;
  const PybammBefore& before_;
  LossReport& report_;
  SayableEnds ends_;
};

}  // namespace

std::vector<PybammStep> export_pybamm_step(const PybammStepExport& from, const PybammBefore& before, LossReport& report) {
  return StepExporter{from, before, report}.strings();
}

}  // namespace cellrig
