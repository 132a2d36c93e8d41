// Programs for tests, written as the profile compiler would lay them out.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "controller/engine/program.hpp"

namespace cellrig::test {

inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();

inline TimePoint at(double seconds) { return TimePoint{from_seconds(seconds)}; }

/// An end condition as a tree, before it is laid out flat.
struct Tree {
  ConditionNode node;
  std::vector<Tree> children;
};

inline Tree when(ConditionQuantity quantity, Comparison comparison, double value, Duration hold = Duration{}) {
  Tree tree;
  tree.node.quantity = quantity;
  tree.node.comparison = comparison;
  tree.node.value = value;
  tree.node.hold = hold;
  return tree;
}
inline Tree all_of(std::vector<Tree> children) {
  Tree tree;
  tree.node.kind = ConditionNode::Kind::all_of;
  tree.children = std::move(children);
  return tree;
}
inline Tree any_of(std::vector<Tree> children) {
  Tree tree = all_of(std::move(children));
  tree.node.kind = ConditionNode::Kind::any_of;
  return tree;
}

/// The conditions that the tests need most often.
inline Tree voltage_at_least(double value) { return when(ConditionQuantity::voltage_V, Comparison::at_least, value); }
inline Tree voltage_at_most(double value) { return when(ConditionQuantity::voltage_V, Comparison::at_most, value); }
inline Tree current_at_most(double value, Duration hold = Duration{}) {
  return when(ConditionQuantity::current_A, Comparison::at_most, value, hold);
}
inline Tree step_time_at_least(double seconds) { return when(ConditionQuantity::step_time_s, Comparison::at_least, seconds); }

class ProgramBuilder {
 public:
  ProgramBuilder() {
    program_.name = "test";
    program_.nominal_capacity = AmpHours{5.0};
  }

  ProgramBuilder& add(Step step, const std::vector<Tree>& ends = {}) {
    std::uint8_t leaf = 0;
    for (const Tree& end : ends) step.ends.push_back({lay_out(end, leaf), "condition"});
    program_.code.emplace_back(std::move(step));
    return *this;
  }
  ProgramBuilder& loop(std::uint64_t times, bool counts_cycles = false, bool is_reference = false) {
    open_.push_back(program_.code.size());
    program_.code.emplace_back(LoopBegin{times, 0, counts_cycles, is_reference});
    return *this;
  }
  ProgramBuilder& end() {
    const std::size_t begin = open_.back();
    open_.pop_back();
    std::get<LoopBegin>(program_.code[begin]).end = program_.code.size();
    program_.code.emplace_back(LoopEnd{begin});
    return *this;
  }
  ProgramBuilder& stop_if(ResultQuantity quantity, Comparison comparison, double value) {
    program_.code.emplace_back(StopIf{condition(quantity, comparison, value)});
    return *this;
  }
  ProgramBuilder& require(ResultQuantity quantity, Comparison comparison, double value) {
    program_.code.emplace_back(Require{condition(quantity, comparison, value)});
    return *this;
  }
  ProgramBuilder& leave_if(ResultQuantity quantity, Comparison comparison, double value) {
    program_.code.emplace_back(LeaveIf{condition(quantity, comparison, value)});
    return *this;
  }
  ProgramBuilder& add(Instruction instruction) {
    program_.code.emplace_back(std::move(instruction));
    return *this;
  }
  /// What is done when it is due, up to end_diagnostics().
  ProgramBuilder& diagnostics(Diagnostics when) {
    open_.push_back(program_.code.size());
    program_.code.emplace_back(when);
    return *this;
  }
  ProgramBuilder& end_diagnostics() {
    std::get<Diagnostics>(program_.code[open_.back()]).end = program_.code.size();
    open_.pop_back();
    return *this;
  }
  std::uint16_t formula(std::vector<Formula::Operation> postfix) {
    program_.formulas.push_back(Formula{.postfix = std::move(postfix), .text = "a formula"});
    return static_cast<std::uint16_t>(program_.formulas.size() - 1);
  }
  ProgramBuilder& variable(double initial, double min, double max) {
    program_.variables.push_back({"x", initial, min, max});
    return *this;
  }
  Program& edit() { return program_; }
  [[nodiscard]] const Program& build() const { return program_; }

 private:
  static ResultCondition condition(ResultQuantity quantity, Comparison comparison, double value) {
    ResultCondition result;
    result.quantity = quantity;
    result.comparison = comparison;
    result.value = value;
    return result;
  }

  std::uint16_t lay_out(const Tree& tree, std::uint8_t& leaf) {
    const auto index = static_cast<std::uint16_t>(program_.nodes.size());
    program_.nodes.push_back(tree.node);
    if (tree.node.kind == ConditionNode::Kind::leaf) {
      program_.nodes[index].leaf_index = leaf++;
      return index;
    }
    program_.nodes[index].child_count = static_cast<std::uint16_t>(tree.children.size());
    std::uint16_t before = 0;
    for (std::size_t n = 0; n < tree.children.size(); ++n) {
      const std::uint16_t child = lay_out(tree.children[n], leaf);
      if (n == 0) program_.nodes[index].first_child = child;
      if (n > 0) program_.nodes[before].next_sibling = child;
      before = child;
    }
    return index;
  }

  Program program_;
  std::vector<std::size_t> open_;
};

// ---- steps ----------------------------------------------------------------------------------------------------------

inline Step rest(Duration duration) {
  Step step;
  step.name = "rest";
  step.time_max = duration;
  step.time_max_is_normal = true;
  return step;
}

inline Step cc(double current_A) {
  Step step;
  step.name = "cc";
  step.kind = StepKind::cc;
  step.direction = current_A > 0 ? StepDirection::charge : StepDirection::discharge;
  step.setpoint = ConstantCurrent{Amps{current_A}, Volts{2.45}, Volts{4.25}};
  step.time_max = std::chrono::hours{2};
  return step;
}

inline Step cccv_charge(double current_A) {
  Step step;
  step.name = "cccv_charge";
  step.kind = StepKind::cccv;
  step.direction = StepDirection::charge;
  step.setpoint = ConstantVoltage{Volts{4.2}, Amps{0.0}, Amps{current_A}};
  step.time_max = std::chrono::hours{4};
  return step;
}

/// Currents that hold for ten seconds each, the first of them above zero.
inline Step course(std::vector<double> currents_A) {
  Step step;
  step.name = "course";
  step.kind = StepKind::course;
  Course course{
      .voltage_min = Volts{2.5}, .voltage_max = Volts{4.2}, .charge_max = Amps{9}, .discharge_max = Amps{9}, .least = 1e-3};
  for (const double current : currents_A) {
    course.points.push_back({course.period, current});
    course.period += std::chrono::seconds{10};
  }
  step.setpoint = course.setpoint_of(currents_A.front());
  step.time_max = course.period;
  step.time_max_is_normal = true;
  step.course = std::move(course);
  return step;
}

inline Step person() {
  Step step;
  step.name = "wait";
  step.kind = StepKind::person;
  step.person = PersonTask{};
  step.time_max = std::chrono::minutes{5};
  return step;
}

inline Step soak(double temperature_degC) {
  Step step;
  step.name = "soak";
  step.kind = StepKind::soak;
  step.chamber_temperature = Celsius{temperature_degC};
  step.time_max = std::chrono::hours{2};
  return step;
}

}  // namespace cellrig::test
