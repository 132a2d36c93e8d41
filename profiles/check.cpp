#include "profiles/check.hpp"

#include <algorithm>

#include "profiles/check_rules.hpp"
#include "profiles/estimate.hpp"

namespace cellrig {
namespace {

/// Goes through the program as a run would, each loop twice: the second pass starts from where the first one ended.
class CheckWalker {
 public:
  CheckWalker(const Program& program, const CheckContext& context, FindingSink& sink)
      : program_{program}, context_{context}, sink_{sink} {}

  void walk(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      if (const Step* step = std::get_if<Step>(&program_.code[i])) {
        visit(*step);
      } else if (const LoopBegin* loop = std::get_if<LoopBegin>(&program_.code[i])) {
        walk(i + 1, loop->end);
        if (loop->times > 1) walk(i + 1, loop->end);
        i = loop->end;
      }
    }
  }

 private:
  void visit(const Step& step) {
    if (step.chamber_temperature) {
      temperature_ = step.chamber_temperature;
      if (*temperature_ < program_.limits.charge_temperature_min) cell_may_be_cold_ = true;
    }
    const StepVisit here{program_, context_, step, temperature_, cell_may_be_cold_, soc_is_known_, soc_pct_};
    check_conditions(here, sink_);
    check_setpoint(here, sink_);
    check_temperature(here, sink_);
    check_duration(here, sink_);
    soc_pct_ = forecast(program_, step, soc_pct_).soc_after_pct;
    soc_is_known_ = soc_is_known_ || step.sets_soc_pct.has_value();
    if (waits_until_warm(step)) cell_may_be_cold_ = false;
  }

  // Every way to end the step, save running into a failing bound, shows that the cell is warm.
  bool waits_until_warm(const Step& step) const {
    if (step.ends.empty() || step.time_max_is_normal) return false;
    return std::all_of(step.ends.begin(), step.ends.end(), [this](const EndCondition& end) { return shows_warm(end.root); });
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
  const CheckContext& context_;
  FindingSink& sink_;
  std::optional<Celsius> temperature_;
  bool cell_may_be_cold_ = false;
  bool soc_is_known_ = false;
  std::optional<double> soc_pct_;
};

}  // namespace

void FindingSink::add(Severity severity, SourceSpot spot, const std::string& message) {
  if (!seen_.emplace(severity, spot.line, message).second) return;
  findings_.push_back(Finding{severity, SourcePlace{file_, spot.line, spot.column}, message});
}

void FindingSink::error(const SourcePlace& place, const std::string& message) {
  if (!seen_.emplace(Severity::error, place.line, message).second) return;
  findings_.push_back(Finding{Severity::error, place, message});
}

std::vector<Finding> FindingSink::take() {
  std::stable_sort(findings_.begin(), findings_.end(),
                   [](const Finding& a, const Finding& b) { return a.place.line < b.place.line; });
  return std::move(findings_);
}

std::vector<Finding> check(const Program& compiled, const CheckContext& context) {
  FindingSink sink{context.file};
  check_sensors(compiled, context, sink);
  Program program = compiled;  // as this bench will run it
  program.limits.sensors = tighter(program.limits.sensors, context.bench_limits);
  check_bench(program, context, sink);
  CheckWalker{program, context, sink}.walk(0, program.code.size());
  check_results(program, sink);
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
