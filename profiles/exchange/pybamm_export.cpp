#include "profiles/exchange/pybamm_export.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "controller/base/overloaded.hpp"
#include "profiles/exchange/pybamm_step_export.hpp"
#include "profiles/number.hpp"

namespace cellrig {
namespace {

class PybammExporter {
 public:
  PybammExporter(const Profile& profile, const Program& program) : profile_{profile}, program_{program} {
    index(profile.steps);
    find_period();
    find_temperature();
  }

  PybammExport export_all() {
    for (const Field& limit : profile_.limits)
      add(limit.place, LossSeverity::safety, "limits", "'" + limit.key + "' guards nothing in a simulation");
    add(SourcePlace{profile_.file, 0, 0}, LossSeverity::note, "limits", "the limits of the cell's file are not in an experiment");
    std::size_t at = 0;
    export_range(at, program_.code.size(), exported_.experiment.items);
    if (pybamm_strings(exported_.experiment).empty())
      throw ConfigError{SourcePlace{profile_.file, 0, 0}, "no step of it can be said in PyBaMM"};
    return std::move(exported_);
  }

 private:
  void add(SourcePlace place, LossSeverity severity, const std::string& word, const std::string& what) {
    exported_.report.push_back(Loss{std::move(place), word, what, severity});
  }

  [[nodiscard]] SourcePlace place_of(const SourceSpot& spot) const { return {profile_.file, spot.line, spot.column}; }

  void index(const std::vector<ItemSpec>& items) {
    for (const ItemSpec& item : items) {
      if (const StepSpec* const step = std::get_if<StepSpec>(&item.what))
        specs_[{step->place.line, step->place.column}] = step;
      else if (const LoopSpec* const loop = std::get_if<LoopSpec>(&item.what)) {
        index(loop->body);
        if (loop->diagnostics) index(loop->diagnostics->body);
      } else if (const SubProfileSpec* const sub = std::get_if<SubProfileSpec>(&item.what)) {
        throw ConfigError{sub->place, "a profile within a profile is not exported: its steps come from another file"};
      }
    }
  }

  /// nullptr for the step that carries the chamber's first temperature: the profile does not have it.
  [[nodiscard]] const StepSpec* spec_of(const Step& step) const {
    const auto found = specs_.find({step.source.line, step.source.column});
    return found == specs_.end() ? nullptr : found->second;
  }

  template <class Visit>
  void for_each_step(const Visit& visit) const {
    for (const Instruction& instruction : program_.code) {
      if (const Step* const step = std::get_if<Step>(&instruction)) visit(*step);
    }
  }

  /// That of the first step which does not say its own.
  void find_period() {
    std::optional<Duration> period;
    for_each_step([&](const Step& step) {
      const StepSpec* const spec = spec_of(step);
      if (!period && (spec == nullptr || spec->find("record_every_s") == nullptr)) period = step.record_interval;
    });
    if (period && *period > Duration::zero()) exported_.experiment.period_s = to_seconds(*period);
  }

  /// The profile's own, when it is a number; otherwise the one that the first step asks for.
  void find_temperature() {
    if (const std::optional<Field>& field = profile_.chamber_temperature; field && is_number(field->value)) {
      exported_.experiment.temperature_degC = evaluate(field->value, {}, Unit::celsius, field->key);
      return;
    }
    bool is_first = true;
    for_each_step([&](const Step& step) {
      if (std::exchange(is_first, false) && step.chamber_temperature)
        exported_.experiment.temperature_degC = step.chamber_temperature->value();
    });
  }

  static bool is_number(const Expression& expression) {
    return std::none_of(expression.operations.begin(), expression.operations.end(),
                        [](const Expression::Operation& o) { return o.kind == Expression::Operation::Kind::name; });
  }

  // ---- instructions -------------------------------------------------------------------------------------------------

  /// [at, end) of the code, appended to `items`; a loop is one item.
  void export_range(std::size_t& at, std::size_t end, std::vector<PybammItem>& items) {
    while (at < end) {
      const std::size_t here = at++;
      std::visit(overloaded{
                     [&](const Step& step) { export_step(step, items); },
                     [&](const LoopBegin& loop) { export_loop(loop, at, items); },
                     [&](const LoopEnd&) {},
                     [&](const StopIf& stop) { lose_result("stop_if", stop.condition); },
                     [&](const Require& require) { lose_result("require", require.condition); },
                     [&](const LeaveIf& leave) { lose_result("leave_if", leave.condition); },
                     [&](const SetVariable& set) { lose_word("set", set.source, "a variable does not exist there"); },
                     [&](const Mark&) { lose_word("mark", {}, "a mark belongs to a record"); },
                     [](const DiagnosticsEnd&) {},
                     [&](const AdvanceCycle&) { lose_word("advance_cycle", {}, "a cycle ends with its strings"); },
                     [&](const Diagnostics& diagnostics) {
                       lose_word("diagnostics", diagnostics.source, "nothing is done only now and then: left out");
                       at = diagnostics.end;
                     },
                 },
                 program_.code[here]);
    }
  }

  void lose_word(const std::string& word, const SourceSpot& spot, const std::string& why) {
    add(place_of(spot), LossSeverity::lost, word, why);
  }

  void lose_result(const std::string& word, const ResultCondition& condition) {
    add(place_of(condition.source), LossSeverity::lost, word, "'" + condition.text + "' judges a record, not a simulation");
  }

  void export_loop(const LoopBegin& loop, std::size_t& at, std::vector<PybammItem>& items) {
    PybammGroup group;
    group.is_cycle = loop.counts_cycles;
    group.times = loop.times;
    before_ = {};
    const std::optional<double> at_entry = temperature_;
    export_range(at, loop.end, group.items);
    before_ = {};
    if (loop.is_reference)
      add(SourcePlace{profile_.file, 0, 0}, LossSeverity::lost, "labels", "cycles are not marked as reference tests");
    if (loop.times > 1 && at_entry != temperature_ && !is_temperature_given_first(loop, at)) {
      add(SourcePlace{profile_.file, 0, 0}, LossSeverity::lost, "temperature",
          "a loop ends at another temperature than it begins with: the strings say that of its first pass");
    }
    if (!group.items.empty()) items.push_back(PybammItem{std::move(group)});
  }

  /// Whether the first step inside asks for its own; `at` is behind the body.
  [[nodiscard]] bool is_temperature_given_first(const LoopBegin& loop, std::size_t at) const {
    for (std::size_t i = at; i-- > 0;) {
      const LoopBegin* const begin = std::get_if<LoopBegin>(&program_.code[i]);
      if (begin == nullptr || begin->end != loop.end) continue;
      for (std::size_t j = i + 1; j < at; ++j) {
        if (const Step* const step = std::get_if<Step>(&program_.code[j])) return step->chamber_temperature.has_value();
      }
    }
    return false;
  }

  void export_step(const Step& step, std::vector<PybammItem>& items) {
    if (step.chamber_temperature) temperature_ = step.chamber_temperature->value();
    const StepSpec* const spec = spec_of(step);
    if (spec == nullptr) return;
    const PybammStepExport from{program_, step, *spec, place_of(step.source)};
    before_.strings = export_pybamm_step(from, before_, exported_.report);
    for (PybammStep& string : before_.strings) {
      const double interval = to_seconds(step.record_interval);
      if (interval > 0.0 && interval != exported_.experiment.period_s) string.period_s = interval;
      if (temperature_ != exported_.experiment.temperature_degC) string.temperature_degC = temperature_;
      items.push_back(PybammItem{string});
    }
    if (step.record_interval == Duration::zero() && !before_.strings.empty())
      add(from.place, LossSeverity::note, "record", step.name + ": 'every sample' is no period, PyBaMM takes its own");
  }

  const Profile& profile_;
  const Program& program_;
  std::map<std::pair<int, int>, const StepSpec*> specs_;  ///< by line and column
  PybammBefore before_;
  std::optional<double> temperature_;
  PybammExport exported_;
};

}  // namespace

PybammExport export_pybamm(const Profile& profile, const Program& program) {
  return PybammExporter{profile, program}.export_all();
}

}  // namespace cellrig
