// Can the criteria of stop_if and require ever be known?
#include <string>

#include "profiles/check_rules.hpp"
#include "profiles/number.hpp"

namespace cellrig {
namespace {

struct Measured : MeasuredSoFar {
  void take(const Program& program, const Instruction& instruction) {
    if (const Step* step = std::get_if<Step>(&instruction)) {
      reference = reference || step->measure == Measure::reference;
      test = test || step->measure == Measure::test;
      charge_time = charge_time || step->measure == Measure::charge_time;
      resistance = resistance || step->measure == Measure::resistance;
    }
    if (const LoopBegin* loop = std::get_if<LoopBegin>(&instruction)) cycles = cycles || loop->counts_cycles;
    if (std::holds_alternative<AdvanceCycle>(instruction)) cycle_ended = true;
    if (const LoopEnd* end = std::get_if<LoopEnd>(&instruction))
      cycle_ended = cycle_ended || std::get<LoopBegin>(program.code[end->begin]).counts_cycles;
  }
};

/// What is missing for `quantity` to be known, in the profile's words; empty when nothing is.
std::string missing_for(ResultQuantity quantity, const MeasuredSoFar& measured) {
  const std::string reference = measured.reference ? "" : "'measure: reference'";
  const std::string test = measured.test ? "" : "'measure: test'";
  switch (quantity) {
    case ResultQuantity::reference_capacity_Ah:
    case ResultQuantity::retention_pct: return reference;
    case ResultQuantity::test_capacity_Ah: return test;
    case ResultQuantity::capacity_ratio_pct:
    case ResultQuantity::energy_ratio_pct: return reference + (reference.empty() || test.empty() ? "" : " and ") + test;
    case ResultQuantity::charge_time_min: return measured.charge_time ? "" : "'measure: charge_time'";
    case ResultQuantity::cycle_count: return measured.cycles ? "" : "'cycles'";
    case ResultQuantity::coulombic_efficiency_pct:
    case ResultQuantity::energy_efficiency_pct: return measured.cycle_ended ? "" : "'cycles'";
    case ResultQuantity::resistance_Ohm: return measured.resistance ? "" : "'measure: resistance'";
    case ResultQuantity::cell_temperature_peak_degC: return "";
  }
  return "";
}

/// The results that step, condition or variable is worked out of.
void check_formula(const Formula& formula, const Measured& measured, bool is_certain, FindingSink& sink) {
  for (const Formula::Operation& operation : formula.postfix) {
    if (operation.kind != Formula::Operation::Kind::result) continue;
    const std::string missing = missing_for(static_cast<ResultQuantity>(operation.operand), measured);
    if (missing.empty()) continue;
    const std::string text = "'" + formula.text + "' ";
    if (is_certain) {
      sink.error(formula.source, text + "can never be known: no step has " + missing);
    } else {
      sink.error(formula.source, text + "is not known yet where it is used first: no step before it has " + missing);
    }
  }
}

const ResultCondition* condition_of(const Instruction& instruction) {
  if (const StopIf* const stop = std::get_if<StopIf>(&instruction)) return &stop->condition;
  if (const Require* const require = std::get_if<Require>(&instruction)) return &require->condition;
  if (const LeaveIf* const leave = std::get_if<LeaveIf>(&instruction)) return &leave->condition;
  return nullptr;
}

/// An end that waits for what nobody has measured yet never comes.
void check_result_node(const Program& program, const Step& step, std::size_t index, const Measured& so_far, FindingSink& sink) {
  const ConditionNode& node = program.nodes[index];
  if (node.kind == ConditionNode::Kind::leaf) {
    if (node.formula >= 0) check_formula(program.formulas[static_cast<std::size_t>(node.formula)], so_far, false, sink);
    if (node.quantity != ConditionQuantity::result) return;
    const ResultQuantity result = static_cast<ResultQuantity>(node.operand);
    if (const std::string missing = missing_for(result, so_far); !missing.empty())
      sink.error(step.source,
                 "'results." + std::string{to_string(result)} + "' is not known in this step: nothing before it has " + missing);
    return;
  }
  std::size_t child = node.first_child;
  for (std::size_t i = 0; i < node.child_count; ++i) {
    check_result_node(program, step, child, so_far, sink);
    child = program.nodes[child].next_sibling;
  }
}

void check_ends(const Program& program, const Step& step, const Measured& so_far, FindingSink& sink) {
  for (const EndCondition& end : step.ends) check_result_node(program, step, end.root, so_far, sink);
}

void check_formulas(const Program& program, FindingSink& sink) {
  Measured ever;
  for (const Instruction& instruction : program.code) ever.take(program, instruction);
  for (const Formula& formula : program.formulas) check_formula(formula, ever, true, sink);
  Measured so_far;
  for (const Instruction& instruction : program.code) {
    const Step* const step = std::get_if<Step>(&instruction);
    const SetVariable* const set = std::get_if<SetVariable>(&instruction);
    if (step != nullptr) check_ends(program, *step, so_far, sink);
    const ResultCondition* const condition = condition_of(instruction);
    if (condition != nullptr && condition->formula >= 0)
      check_formula(program.formulas[static_cast<std::size_t>(condition->formula)], so_far, false, sink);
    if (step != nullptr) {
      for (const std::uint16_t formula : formulas_of(*step)) check_formula(program.formulas[formula], so_far, false, sink);
    }
    if (set != nullptr) check_formula(program.formulas[set->formula], so_far, false, sink);
    so_far.take(program, instruction);
  }
}

/// A pulse out of a rest changes the current by its own. The engine keeps no resistance of a smaller change than a hundredth of the nominal
/// capacity (ChannelMachine::keep_resistance()): noise over noise is none.
void check_pulses(const Program& program, FindingSink& sink) {
  constexpr double change_min_C = 0.01;
  const double needed = change_min_C * program.nominal_capacity.value();
  bool is_out_of_rest = false;
  for (const Instruction& instruction : program.code) {
    const Step* const step = std::get_if<Step>(&instruction);
    if (step == nullptr) continue;
    const double change = current_bound(*step).value();
    if (step->measure == Measure::resistance && is_out_of_rest && change < needed) {
      sink.error(step->source, step->name + ": 'measure: resistance' can never be known: the current changes by " +
                                   with_unit(change, "A") + ", and it takes " + with_unit(needed, "A"));
    }
    is_out_of_rest = !step->setpoint;
  }
}

void add_formula(const Program& program, int index, std::vector<ResultUse>& uses) {
  if (index < 0) return;
  const Formula& formula = program.formulas[static_cast<std::size_t>(index)];
  for (const Formula::Operation& operation : formula.postfix) {
    if (operation.kind != Formula::Operation::Kind::result) continue;
    uses.push_back({static_cast<ResultQuantity>(operation.operand), formula.source, "'" + formula.text + "'"});
  }
}

void add_node(const Program& program, const Step& step, std::size_t index, std::vector<ResultUse>& uses) {
  const ConditionNode& node = program.nodes[index];
  if (node.kind == ConditionNode::Kind::leaf) {
    add_formula(program, node.formula, uses);
    if (node.quantity != ConditionQuantity::result) return;
    const ResultQuantity result = static_cast<ResultQuantity>(node.operand);
    uses.push_back({result, step.source, "'results." + std::string{to_string(result)} + "'"});
    return;
  }
  std::size_t child = node.first_child;
  for (std::size_t i = 0; i < node.child_count; ++i) {
    add_node(program, step, child, uses);
    child = program.nodes[child].next_sibling;
  }
}

std::vector<ResultUse> uses_of(const Program& program, const Instruction& instruction) {
  std::vector<ResultUse> uses;
  if (const Step* const step = std::get_if<Step>(&instruction)) {
    for (const EndCondition& end : step->ends) add_node(program, *step, end.root, uses);
    for (const std::uint16_t formula : formulas_of(*step)) add_formula(program, static_cast<std::int16_t>(formula), uses);
  }
  if (const SetVariable* const set = std::get_if<SetVariable>(&instruction)) add_formula(program, set->formula, uses);
  if (const ResultCondition* const condition = condition_of(instruction)) add_formula(program, condition->formula, uses);
  if (const Require* const require = std::get_if<Require>(&instruction); require != nullptr && require->condition.variable < 0)
    uses.push_back({require->condition.quantity, require->condition.source, "require: '" + require->condition.text + "'", true});
  return uses;
}

}  // namespace

ResultsOnTheirWays::ResultsOnTheirWays(const Program& program) : program_{program}, seen_(program.code.size()) {
  Measured so_far;
  for (std::size_t i = 0; i < program.code.size(); ++i) {
    // What the text has not measured by then is the business of check_results().
    for (const ResultUse& use : uses_of(program, program.code[i])) {
      if (missing_for(use.quantity, so_far).empty()) seen_[i].push_back({use, {}, false});
    }
    so_far.take(program, program.code[i]);
  }
}

void ResultsOnTheirWays::look(std::size_t instruction, const MeasuredSoFar& measured) {
  for (Seen& seen : seen_[instruction]) {
    const std::string missing = missing_for(seen.use.quantity, measured);
    seen.is_known = seen.is_known || missing.empty();
    if (seen.missing.empty()) seen.missing = missing;
  }
}

void ResultsOnTheirWays::tell(FindingSink& sink) const {
  for (const std::vector<Seen>& of_instruction : seen_) {
    for (const Seen& seen : of_instruction) {
      if (seen.missing.empty()) continue;
      const std::string then =
          seen.use.is_criterion ? ", and then counts as not met" : ", and then the run fails or waits in vain";
      sink.warning(seen.use.source, seen.use.text + (seen.is_known ? " may not be known here" : " is not known here") + then +
                                        ": " + (seen.is_known ? "a" : "every") + " way to it leads past " + seen.missing);
    }
  }
}

void check_results(const Program& program, FindingSink& sink) {
  check_formulas(program, sink);
  check_pulses(program, sink);
  Measured ever;
  for (const Instruction& instruction : program.code) ever.take(program, instruction);
  Measured so_far;
  for (const Instruction& instruction : program.code) {
    so_far.take(program, instruction);
    const StopIf* stop = std::get_if<StopIf>(&instruction);
    const Require* require = std::get_if<Require>(&instruction);
    const LeaveIf* leave = std::get_if<LeaveIf>(&instruction);
    if (stop == nullptr && require == nullptr && leave == nullptr) continue;
    const ResultCondition& condition = stop != nullptr      ? stop->condition
                                       : require != nullptr ? require->condition
                                                            : leave->condition;
    if (condition.variable >= 0) continue;
    const std::string word = stop != nullptr ? "stop_if" : require != nullptr ? "require" : "leave_if";
    if (const std::string missing = missing_for(condition.quantity, ever); !missing.empty()) {
      sink.error(condition.source, word + ": '" + condition.text + "' can never be known: no step has " + missing);
    } else if (require != nullptr && !missing_for(condition.quantity, so_far).empty()) {
      sink.warning(condition.source,
                   word + ": '" + condition.text + "' is not known yet where it is judged first, and then counts as not met");
    }
  }
}

}  // namespace cellrig
