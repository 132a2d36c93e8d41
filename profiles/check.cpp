#include "profiles/check.hpp"

#include <algorithm>

#include "profiles/check_rules.hpp"
#include "profiles/estimate.hpp"

namespace cellrig {
namespace {

/// Judges each step on every way that leads to it.
class StepsOnTheirWays {
 public:
  StepsOnTheirWays(const Program& program, const CheckContext& context, FindingSink& sink)
      : program_{program}, tightened_{program}, context_{context}, sink_{sink} {}

  void judge() {
    find_known_soc();
    ResultsOnTheirWays results{program_};
    FlowJudge judge;
    judge.step = [&](std::size_t instruction, const FlowFacts& facts) {
      visit(instruction, facts);
      results.look(instruction, facts.measured);
    };
    judge.after = [this](const Step& step, const FlowFacts& before, const StepExit& exit) { return after(step, before, exit); };
    judge.timeless = [&results](std::size_t instruction, const FlowFacts& facts) { results.look(instruction, facts.measured); };
    const FlowResult flow = follow_program(program_, judge);
    // What was not judged is not known to be safe.
    if (!flow.is_complete)
      return sink_.error(SourceSpot{},
                         "the profile has more ways through it than can be judged: use fewer 'then', 'leave_if' and loops");
    results.tell(sink_);
    for (std::size_t i = 0; i < program_.code.size(); ++i) {
      const Step* const step = std::get_if<Step>(&program_.code[i]);
      if (step != nullptr && !flow.reached[i])
        sink_.warning(step->source, step->name + ": is never run: every end before it leads past it, or ends the run");
    }
  }

 private:
  /// Followed once for it alone: a step is judged on its first way already, and the state of charge may be known on the last.
  void find_known_soc() {
    has_known_soc_.assign(program_.code.size(), false);
    FlowJudge judge;
    judge.step = [this](std::size_t instruction, const FlowFacts& facts) {
      if (knows_soc(facts) && !facts.waited_in_vain) has_known_soc_[instruction] = true;
    };
    judge.after = [this](const Step& step, const FlowFacts& before, const StepExit& exit) {
      FlowFacts facts = after(step, before, exit);
      facts.waited_in_vain = before.waited_in_vain || (asks_for_soc(program_, step) && !knows_soc(before));
      return facts;
    };
    (void)follow_program(program_, judge);
  }

  static bool asks_for_soc(const Program& program, const Step& step) {
    return std::any_of(step.ends.begin(), step.ends.end(),
                       [&program](const EndCondition& end) { return asks_for_soc(program, end.root); });
  }
  static bool asks_for_soc(const Program& program, std::size_t index) {
    const ConditionNode& node = program.nodes[index];
    if (node.kind == ConditionNode::Kind::leaf) return node.quantity == ConditionQuantity::soc_pct;
    std::size_t child = node.first_child;
    for (std::size_t i = 0; i < node.child_count; ++i, child = program.nodes[child].next_sibling) {
      if (asks_for_soc(program, child)) return true;
    }
    return false;
  }

  bool knows_soc(const FlowFacts& facts) const {
    return facts.soc_is_known && (program_.soc_reference != SocReference::measured || facts.measured.reference);
  }

  /// By the limits that hold while it runs.
  void visit(std::size_t instruction, const FlowFacts& facts) {
    const Step& step = std::get<Step>(program_.code[instruction]);
    if (!step.limits) return visit(program_, instruction, facts);
    tightened_.limits = *step.limits;
    visit(tightened_, instruction, facts);
  }

  void visit(const Program& program, std::size_t instruction, const FlowFacts& facts) {
    const Step& step = std::get<Step>(program_.code[instruction]);
    const FlowFacts with = with_temperature(program, step, facts);
    const StepVisit here{program,          context_,          step,
                         with.temperature, facts.temperature, with.cell_may_be_cold,
                         knows_soc(facts), facts.soc_pct,     has_known_soc_[instruction]};
    check_conditions(here, sink_);
    check_setpoint(here, sink_);
    check_temperature(here, sink_);
    check_duration(here, sink_);
    check_ramp(here, sink_);
  }

  static FlowFacts with_temperature(const Program& program, const Step& step, FlowFacts facts) {
    if (!step.chamber_temperature) return facts;
    facts.temperature = step.chamber_temperature;
    if (*facts.temperature < program.limits.charge_temperature_min) facts.cell_may_be_cold = true;
    return facts;
  }

  /// A guard measures nothing, sets no state of charge, and comes nobody knows when.
  FlowFacts after(const Step& step, const FlowFacts& before, const StepExit& exit) const {
    FlowFacts facts = with_temperature(program_, step, before);
    if (exit.guard != nullptr) {
      if (step.setpoint) facts.soc_pct.reset();
      if (shows_warm(exit.guard->root)) facts.cell_may_be_cold = false;
      return facts;
    }
    facts.soc_pct = forecast(program_, step, before.soc_pct).soc_after_pct;
    facts.soc_is_known = facts.soc_is_known || step.sets_soc_pct.has_value();
    facts.measured.reference = facts.measured.reference || step.measure == Measure::reference;
    facts.measured.test = facts.measured.test || step.measure == Measure::test;
    facts.measured.charge_time = facts.measured.charge_time || step.measure == Measure::charge_time;
    facts.measured.resistance = facts.measured.resistance || step.measure == Measure::resistance;
    if (waits_until_warm(step)) facts.cell_may_be_cold = false;
    return facts;
  }

  // Every end that leads on shows that the cell is warm; a failing bound leads nowhere.
  bool waits_until_warm(const Step& step) const {
    if (step.ends.empty() || step.time_max_is_normal) return false;
    if (step.person && step.person->is_confirmed) return false;  // who confirms ends it, however cold it is
    return std::all_of(step.ends.begin(), step.ends.end(), [this](const EndCondition& end) {
      return end.target != EndCondition::Target::next || shows_warm(end.root);
    });
  }

  bool shows_warm(std::size_t index) const {
    const ConditionNode& node = program_.nodes[index];
    if (node.kind == ConditionNode::Kind::leaf) {
      return node.quantity == ConditionQuantity::cell_temperature_degC && points_up(node.comparison) &&
             node.value >= program_.limits.charge_temperature_min.value();
    }
    std::size_t warm = 0;
    std::size_t child = node.first_child;
    for (std::size_t i = 0; i < node.child_count; ++i) {
      if (shows_warm(child)) ++warm;
      child = program_.nodes[child].next_sibling;
    }
    return node.kind == ConditionNode::Kind::all_of ? warm > 0 : warm == node.child_count;
  }

  const Program& program_;
  Program tightened_;  ///< the same, with the limits of the step that is judged
  const CheckContext& context_;
  FindingSink& sink_;
  std::vector<bool> has_known_soc_;  ///< by instruction: on some way to it
};

}  // namespace

void FindingSink::add(Severity severity, const SourcePlace& place, const std::string& message) {
  if (!seen_.emplace(severity, place.file, place.line, message).second) return;
  findings_.push_back(Finding{severity, place, message});
}

std::vector<Finding> FindingSink::take() {
  std::stable_sort(findings_.begin(), findings_.end(),
                   [](const Finding& a, const Finding& b) { return a.place.line < b.place.line; });
  return std::move(findings_);
}

Program on_bench(Program program, const CheckContext& context) {
  program.limits = tighter(program.limits, context.bench_limits);
  for (Instruction& instruction : program.code) {
    Step* const step = std::get_if<Step>(&instruction);
    if (step != nullptr && step->limits) step->limits = tighter(*step->limits, context.bench_limits);
  }
  return program;
}

std::vector<Finding> check(const Program& compiled, const CheckContext& context) {
  FindingSink sink{context.file, compiled.files};
  check_sensors(compiled, context, sink);
  const Program program = on_bench(compiled, context);
  check_bench(program, context, sink);
  StepsOnTheirWays{program, context, sink}.judge();
  check_results(program, sink);
  check_run(program, sink);
  check_accuracy(program, context, sink);
  return sink.take();
}

bool has_errors(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity == Severity::error; });
}

std::string to_string(const Finding& finding) {
  const std::string place = to_string(finding.place);
  return place + (place.empty() ? "" : ": ") + (finding.severity == Severity::error ? "error: " : "warning: ") + finding.message;
}

}  // namespace cellrig
