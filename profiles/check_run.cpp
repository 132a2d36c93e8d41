// What of a program is never run, and criteria that are decided before anything is measured.
#include <algorithm>
#include <string>

#include "profiles/check_rules.hpp"
#include "profiles/number.hpp"

namespace cellrig {
namespace {

/// Cycles begun when an instruction is come to for the first and for the last time, were every loop run to its end.
struct CyclesBegun {
  double first = 0.0;
  double last = 0.0;
};

enum class Decided : unsigned char { open, always, never };

bool is_magnitude(ResultQuantity quantity) {
  return quantity != ResultQuantity::resistance_Ohm && quantity != ResultQuantity::cell_temperature_peak_degC;
}

class RunChecker {
 public:
  RunChecker(const Program& program, FindingSink& sink) : program_{program}, sink_{sink} {}

  void check() {
    for (const SourceSpot spot : program_.empty_loops) sink_.warning(spot, "the loop has no passes: nothing of it is run");
    visit(0, program_.code.size(), {});
  }

 private:
  /// Cycles that one pass over [begin, end) begins.
  double cycles_in(std::size_t begin, std::size_t end) const {
    double cycles = 0.0;
    for (std::size_t i = begin; i < end; ++i) {
      const LoopBegin* const loop = std::get_if<LoopBegin>(&program_.code[i]);
      if (loop == nullptr) continue;
      cycles += static_cast<double>(loop->times) * cycles_per_pass(*loop, i);
      i = loop->end;
    }
    return cycles;
  }
  double cycles_per_pass(const LoopBegin& loop, std::size_t index) const {
    return (loop.counts_cycles ? 1.0 : 0.0) + cycles_in(index + 1, loop.end);
  }

  void visit(std::size_t begin, std::size_t end, CyclesBegun begun) {
    for (std::size_t i = begin; i < end; ++i) {
      if (const LoopBegin* loop = std::get_if<LoopBegin>(&program_.code[i])) {
        const double per_pass = cycles_per_pass(*loop, i);
        const double own = loop->counts_cycles ? 1.0 : 0.0;
        const double others = static_cast<double>(loop->times - 1) * per_pass;
        visit(i + 1, loop->end, {begun.first + own, begun.last + others + own});
        begun.first += per_pass + others;
        begun.last += per_pass + others;
        i = loop->end;
      } else if (const StopIf* stop = std::get_if<StopIf>(&program_.code[i])) {
        judge_stop(stop->condition, i, begun);
      } else if (const Require* require = std::get_if<Require>(&program_.code[i])) {
        judge_requirement(require->condition, begun);
      }
    }
  }

  void judge_stop(const ResultCondition& condition, std::size_t index, const CyclesBegun& begun) {
    const std::string name = "stop_if: '" + condition.text + "' ";
    const std::string most = format_short(begun.last) + " cycles at most";
    switch (decided(condition, begun)) {
      case Decided::open: return;
      case Decided::never: return sink_.warning(condition.source, name + "never holds: here it has begun " + most);
      case Decided::always: break;
    }
    // What is not measured yet does not hold: only a count is certain.
    if (condition.quantity != ResultQuantity::cycle_count)
      return sink_.warning(condition.source, name + "holds whatever is measured: the run ends here as soon as it is");
    if (const Step* next = step_after(index)) {
      sink_.error(condition.source, name + "always holds here: '" + next->name + "' on line " +
                                        std::to_string(next->source.line) + " and what follows is never run");
    }
  }

  void judge_requirement(const ResultCondition& condition, const CyclesBegun& begun) {
    const std::string name = "require: '" + condition.text + "' ";
    switch (decided(condition, begun)) {
      case Decided::open: return;
      case Decided::never:
        return sink_.warning(condition.source,
                             name + "is never met: here it has begun " + format_short(begun.last) + " cycles at most");
      case Decided::always: return sink_.warning(condition.source, name + "is met whatever is measured");
    }
  }

  /// Cycles are then counted as nobody can tell before it runs.
  [[nodiscard]] bool goes_other_ways() const {
    return std::any_of(program_.code.begin(), program_.code.end(), [](const Instruction& instruction) {
      if (const Step* const step = std::get_if<Step>(&instruction)) {
        return std::any_of(step->ends.begin(), step->ends.end(),
                           [](const EndCondition& end) { return end.target != EndCondition::Target::next; });
      }
      return std::holds_alternative<LeaveIf>(instruction) || std::holds_alternative<AdvanceCycle>(instruction) ||
             std::holds_alternative<Diagnostics>(instruction);
    });
  }

  Decided decided(const ResultCondition& condition, const CyclesBegun& begun) const {
    const bool up = points_up(condition.comparison);
    if (condition.formula >= 0 || condition.variable >= 0) return Decided::open;  // compared with what the run brings
    if (condition.quantity == ResultQuantity::cycle_count && goes_other_ways()) return Decided::open;
    if (condition.quantity == ResultQuantity::cycle_count) {
      if (!(begun.last > 0.0)) return Decided::open;  // check_results(): it is never known, or not yet
      const bool at_first = compare(begun.first, condition.comparison, condition.value);
      const bool at_last = compare(begun.last, condition.comparison, condition.value);
      // The count only rises.
      if (up ? at_first : at_last) return Decided::always;
      return (up ? !at_last : !at_first) ? Decided::never : Decided::open;
    }
    const bool at_zero = compare(0.0, condition.comparison, condition.value);
    return up && at_zero && is_magnitude(condition.quantity) ? Decided::always : Decided::open;
  }

  /// The next step that would be run, straight on or with the next pass of a loop.
  const Step* step_after(std::size_t index) const {
    for (std::size_t i = index + 1; i < program_.code.size(); ++i) {
      if (const Step* step = std::get_if<Step>(&program_.code[i])) return step;
      const LoopEnd* const end = std::get_if<LoopEnd>(&program_.code[i]);
      if (end == nullptr || std::get<LoopBegin>(program_.code[end->begin]).times < 2) continue;
      for (std::size_t j = end->begin + 1; j < i; ++j) {
        if (const Step* step = std::get_if<Step>(&program_.code[j])) return step;
      }
    }
    return nullptr;
  }

  const Program& program_;
  FindingSink& sink_;
};

}  // namespace

void check_run(const Program& program, FindingSink& sink) { RunChecker{program, sink}.check(); }

}  // namespace cellrig
