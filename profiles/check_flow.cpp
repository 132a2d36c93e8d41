#include "profiles/check_flow.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "controller/base/overloaded.hpp"

namespace cellrig {
namespace {

/// Of a loop: what its first pass leaves is what the others find, so it is followed twice and then left. Each level doubles that. Deeper in,
/// passes are not told apart: whatever one of them leaves is what another may find, and what may be found behind the loop. That judges more
/// than a run does (a loop that is left after one pass), and never less.
constexpr std::uint64_t passes_followed = 2;
constexpr std::size_t loops_followed_by_pass = 8;

struct Pass {
  std::size_t begin = 0;  ///< of the LoopBegin
  std::uint8_t number = 1;
  [[nodiscard]] auto operator<=>(const Pass&) const = default;
};

struct Place {
  std::size_t at = 0;
  std::vector<Pass> passes;
  FlowFacts facts;
};

using PlaceKey = std::tuple<std::size_t, std::vector<Pass>, double, std::vector<std::pair<std::size_t, double>>, bool, bool, bool,
                            std::tuple<bool, bool, bool, bool, bool, bool>>;

PlaceKey key_of(const Place& place) {
  constexpr double none = -1000.0;  // colder than anything
  const auto degC = [](const std::optional<Celsius>& t) { return t ? t->value() : none; };
  const FlowFacts& f = place.facts;
  std::vector<std::pair<std::size_t, double>> open;
  for (const OpenDiagnostics& diagnostics : f.diagnostics) open.emplace_back(diagnostics.begin, degC(diagnostics.before));
  return {place.at,           place.passes,   degC(f.temperature), std::move(open),
          f.cell_may_be_cold, f.soc_is_known, f.waited_in_vain,    f.measured.key()};
}

class FlowFollower {
 public:
  FlowFollower(const Program& program, const FlowJudge& judge) : program_{program}, judge_{judge} {
    result_.reached.resize(program.code.size(), false);
  }

  FlowResult follow() {
    go({});
    while (!open_.empty()) {
      Place place = std::move(open_.back());
      open_.pop_back();
      if (place.at >= program_.code.size() || !seen_.insert(key_of(place)).second) continue;
      if (seen_.size() > flow_states_max) {
        result_.is_complete = false;
        break;
      }
      result_.reached[place.at] = true;
      visit(place);
    }
    return std::move(result_);
  }

 private:
  /// The last one that was added is followed first: straight on.
  void go(Place place) { open_.push_back(std::move(place)); }
  void go_to(const Place& from, std::size_t at, const FlowFacts& facts, std::size_t depth) {
    Place to{at, from.passes, facts};
    if (to.passes.size() > depth) to.passes.resize(depth);
    leave_diagnostics(to);
    go(std::move(to));
  }
  void go_on(const Place& from, const FlowFacts& facts) { go({from.at + 1, from.passes, facts}); }

  /// Whoever jumps out of them is given back the temperature as well.
  static void leave_diagnostics(Place& place) {
    std::vector<OpenDiagnostics>& open = place.facts.diagnostics;
    while (!open.empty() && !(place.at > open.back().begin && place.at < open.back().end)) end_diagnostics(place.facts);
  }
  /// Where no temperature had been asked for the chamber stays as they leave it.
  static void end_diagnostics(FlowFacts& facts) {
    if (facts.diagnostics.empty()) return;
    if (facts.diagnostics.back().before) facts.temperature = facts.diagnostics.back().before;
    facts.diagnostics.pop_back();
  }

  void visit(const Place& place) {
    const Instruction& instruction = program_.code[place.at];
    if (!std::holds_alternative<Step>(instruction) && judge_.timeless) judge_.timeless(place.at, place.facts);
    std::visit(overloaded{
                   [&](const Step& step) { visit_step(place, step); },
                   [&](const LoopBegin& loop) { begin_loop(place, loop); },
                   [&](const LoopEnd& end) { end_loop(place, end); },
                   [&](const StopIf&) { go_on(place, place.facts); },
                   [&](const Require&) { go_on(place, place.facts); },
                   [&](const LeaveIf& leave) {
                     if (leave.loop < place.passes.size()) {
                       const LoopBegin& left = std::get<LoopBegin>(program_.code[place.passes[leave.loop].begin]);
                       go_to(place, left.end + 1, with_cycle_ended(place, leave.loop), leave.loop);
                     }
                     go_on(place, place.facts);
                   },
                   [&](const SetVariable&) { go_on(place, place.facts); },
                   [&](const Mark&) { go_on(place, place.facts); },
                   [&](const AdvanceCycle&) {
                     FlowFacts facts = place.facts;
                     facts.measured.cycle_ended = true;
                     go_on(place, facts);
                   },
                   [&](const Diagnostics& diagnostics) {
                     go({diagnostics.end, place.passes, place.facts});
                     FlowFacts due = place.facts;
                     due.diagnostics.push_back({place.at, diagnostics.end, due.temperature});
                     go_on(place, due);
                   },
                   [&](const DiagnosticsEnd&) {
                     FlowFacts facts = place.facts;
                     end_diagnostics(facts);
                     go_on(place, facts);
                   },
               },
               instruction);
  }

  void visit_step(const Place& place, const Step& step) {
    judge_.step(place.at, place.facts);
    bool goes_on = step.time_max_is_normal || (step.person && step.person->is_confirmed);
    for (const EndCondition& end : step.ends) {
      goes_on = goes_on || end.target == EndCondition::Target::next;
      if (end.target == EndCondition::Target::step)
        go_to(place, end.instruction, judge_.after(step, with_cycle_ended(place, end.loop_depth), {&end}), end.loop_depth);
    }
    if (goes_on) go_on(place, judge_.after(step, place.facts, {}));
  }

  void begin_loop(const Place& place, const LoopBegin& loop) {
    if (loop.times == 0) return go({loop.end + 1, place.passes, place.facts});
    Place inside{place.at + 1, place.passes, place.facts};
    inside.passes.push_back({place.at, 1});
    inside.facts.measured.cycles = inside.facts.measured.cycles || loop.counts_cycles;
    go(std::move(inside));
  }

  void end_loop(const Place& place, const LoopEnd& end) {
    const LoopBegin& loop = std::get<LoopBegin>(program_.code[end.begin]);
    Place next{place.at + 1, place.passes, place.facts};
    next.facts.measured.cycle_ended = next.facts.measured.cycle_ended || loop.counts_cycles;
    if (next.passes.empty()) return go(std::move(next));
    if (next.passes.size() > loops_followed_by_pass && loop.times > 1) {
      go({end.begin + 1, next.passes, next.facts});
      next.passes.pop_back();
    } else if (next.passes.back().number < std::min<std::uint64_t>(loop.times, passes_followed)) {
      ++next.passes.back().number;
      next.at = end.begin + 1;
    } else {
      next.passes.pop_back();
    }
    go(std::move(next));
  }

  [[nodiscard]] FlowFacts with_cycle_ended(const Place& place, std::size_t depth) const {
    FlowFacts facts = place.facts;
    for (std::size_t i = depth; i < place.passes.size(); ++i) {
      const bool counts = std::get<LoopBegin>(program_.code[place.passes[i].begin]).counts_cycles;
      facts.measured.cycle_ended = facts.measured.cycle_ended || counts;
    }
    return facts;
  }

  const Program& program_;
  const FlowJudge& judge_;
  FlowResult result_;
  std::set<PlaceKey> seen_;
  std::vector<Place> open_;
};

}  // namespace

FlowResult follow_program(const Program& program, const FlowJudge& judge) { return FlowFollower{program, judge}.follow(); }

}  // namespace cellrig
