// The order of things: loops, cycles, criteria, variables, diagnostics, profiles within profiles, and where ends lead.
#include <algorithm>
#include <cmath>
#include <utility>

#include "controller/base/overloaded.hpp"
#include "profiles/compiler.hpp"
#include "profiles/formulas.hpp"
#include "profiles/number.hpp"

namespace cellrig {
namespace {

bool holds_cycles(const std::vector<ItemSpec>& items) {
  return std::any_of(items.begin(), items.end(), [](const ItemSpec& item) {
    if (const LoopSpec* const loop = std::get_if<LoopSpec>(&item.what)) return loop->counts_cycles || holds_cycles(loop->body);
    const SubProfileSpec* const sub = std::get_if<SubProfileSpec>(&item.what);
    return sub != nullptr && holds_cycles(sub->profile->steps);
  });
}

std::uint64_t whole_number(double value, std::uint64_t min, const Expression& expression, const std::string& what) {
  const bool is_within = value >= static_cast<double>(min) && value <= static_cast<double>(loop_times_max);
  if (is_within && value == std::floor(value)) return static_cast<std::uint64_t>(value);
  throw ConfigError{expression.place, "'" + what + "' must be a whole number from " + std::to_string(min) + " to " +
                                          std::to_string(loop_times_max) + ", found " + format_short(value)};
}

}  // namespace

void Compiler::append(const std::vector<ItemSpec>& items) {
  const std::size_t first_pending = pending_.size();
  std::vector<std::pair<std::string, std::size_t>> steps;
  for (const ItemSpec& item : items) {
    if (const StepSpec* const step = std::get_if<StepSpec>(&item.what)) steps.emplace_back(step->name, program_.code.size());
    std::visit(overloaded{
                   [this](const StepSpec& step) { append_step(step); },
                   [this](const LoopSpec& loop) { append_loop(loop); },
                   [this](const ResultSpec& result) { append_result(result); },
                   [this](const SetSpec& set) { append_set(set); },
                   [this](const MarkSpec& mark) { program_.code.emplace_back(Mark{mark.text}); },
                   [this](const AdvanceSpec& advance) {
                     if (!in_cycles_)
                       throw ConfigError{advance.place, "'advance_cycle' stands in no 'cycles': nothing counts cycles here"};
                     program_.code.emplace_back(AdvanceCycle{});
                   },
                   [this](const SubProfileSpec& sub) { append_profile(sub); },
               },
               item.what);
  }
  resolve_targets(first_pending, steps);
}

/// The targets since `first` that are steps of this sequence; the others are left to the sequences around it. Only forward: what
/// has been passed is not done again, so that every program ends.
void Compiler::resolve_targets(std::size_t first, const std::vector<std::pair<std::string, std::size_t>>& steps) {
  std::vector<PendingTarget> left(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(first));
  std::vector<std::string> later;
  for (std::size_t i = first; i < pending_.size(); ++i) {
    const PendingTarget& target = pending_[i];
    std::vector<std::size_t> found;
    for (const auto& [name, instruction] : steps) {
      if (instruction <= target.instruction) continue;
      later.push_back(name);
      if (name == target.name) found.push_back(instruction);
    }
    if (found.size() > 1)
      throw ConfigError{target.place, "'then: " + target.name + "' names more than one step: give them names of their own"};
    if (found.empty()) {
      left.push_back(target);
      continue;
    }
    EndCondition& end = std::get<Step>(program_.code[target.instruction]).ends[target.end];
    end.instruction = static_cast<std::uint32_t>(found.front());
    end.loop_depth = static_cast<std::uint8_t>(loop_depth_);
  }
  pending_ = std::move(left);
  if (loop_depth_ > 0 || here_.profile != &profile_ || pending_.empty()) return;
  later.insert(later.end(), {"next", "end", "fail"});
  throw ConfigError{pending_.front().place,
                    "no later step is named '" + pending_.front().name + "'" + suggestion(pending_.front().name, later)};
}

void Compiler::begin_loop(const LoopBegin& loop, bool is_written) {
  if (open_loops_.size() >= loop_depth_max)
    throw ConfigError{SourcePlace{here_.profile->file, 0, 0},
                      "loops nested deeper than " + std::to_string(loop_depth_max) + " levels"};
  open_loops_.push_back({program_.code.size(), is_written});
  loop_depth_ = open_loops_.size();
  program_.code.emplace_back(loop);
}

void Compiler::end_loop() {
  const std::size_t begin = open_loops_.back().begin;
  open_loops_.pop_back();
  loop_depth_ = open_loops_.size();
  const bool has_step = std::any_of(program_.code.begin() + static_cast<std::ptrdiff_t>(begin), program_.code.end(),
                                    [](const Instruction& i) { return std::holds_alternative<Step>(i); });
  if (!has_step && std::get<LoopBegin>(program_.code[begin]).times > 1)
    throw ConfigError{SourcePlace{here_.profile->file, 0, 0}, "a loop without a step in it"};
  std::get<LoopBegin>(program_.code[begin]).end = program_.code.size();
  program_.code.emplace_back(LoopEnd{begin});
}

// Zero passes are a value: the body is still compiled, so that its mistakes show, and then dropped.
void Compiler::append_loop(const LoopSpec& loop) {
  const std::uint64_t times = whole_number(evaluate(loop.times, here_.names, Unit::none, "times"), 0, loop.times, "times");
  if (loop.counts_cycles && in_cycles_)
    throw ConfigError{loop.place, "'cycles' inside 'cycles' would count a cycle twice: make the outer loop a 'repeat'"};
  const std::size_t begin = program_.code.size(), nodes = program_.nodes.size(), formulas = program_.formulas.size();
  const std::size_t pending = pending_.size(), diagnostics = diagnostics_;
  const std::optional<Celsius> temperature = temperature_;
  // With diagnostics each cycle is a loop of its own: what is done between two cycles belongs to neither.
  const bool is_wrapped = loop.diagnostics != nullptr;
  begin_loop(LoopBegin{
      .times = times, .counts_cycles = loop.counts_cycles && !is_wrapped, .is_reference = loop.is_reference && !is_wrapped});
  if (is_wrapped) {
    if (diagnostics_ >= diagnostics_max)
      throw ConfigError{loop.diagnostics->place,
                        "more than " + std::to_string(diagnostics_max) + " 'diagnostics' in one profile"};
    std::get<LoopBegin>(program_.code[begin]).diagnostics = static_cast<std::int8_t>(diagnostics_++);
    begin_loop(LoopBegin{.times = 1, .counts_cycles = true, .is_reference = loop.is_reference}, false);
  }
  append_body(loop);
  if (is_wrapped) {
    end_loop();
    append_diagnostics(*loop.diagnostics, static_cast<std::uint8_t>(std::get<LoopBegin>(program_.code[begin]).diagnostics));
  }
  end_loop();
  if (times > 0) return;
  if (loop.times.is_literal()) program_.empty_loops.push_back(spot_of(loop.place));
  program_.code.resize(begin);
  program_.nodes.resize(nodes);
  program_.formulas.resize(formulas);
  pending_.resize(pending);
  diagnostics_ = diagnostics;
  temperature_ = temperature;
}

void Compiler::append_body(const LoopSpec& loop) {
  const bool was_inside = std::exchange(in_cycles_, in_cycles_ || loop.counts_cycles);
  append(loop.body);
  in_cycles_ = was_inside;
}

void Compiler::append_diagnostics(const DiagnosticsSpec& spec, std::uint8_t slot) {
  Diagnostics diagnostics{.slot = slot, .after_alarm = spec.after_alarm, .source = spot_of(spec.place)};
  if (spec.every_cycles)
    diagnostics.every_cycles = whole_number(evaluate(*spec.every_cycles, here_.names, Unit::none, "every_cycles"), 1,
                                            *spec.every_cycles, "every_cycles");
  if (spec.fade_pct) {
    diagnostics.fade_pct = evaluate(*spec.fade_pct, here_.names, Unit::percent, "each_fade_pct");
    if (!(diagnostics.fade_pct > 0.0 && diagnostics.fade_pct < 100.0))
      throw ConfigError{spec.fade_pct->place,
                        "'each_fade_pct' must lie between 0 and 100, found " + format_short(diagnostics.fade_pct)};
  }
  const std::size_t at = program_.code.size();
  program_.code.emplace_back(diagnostics);
  const bool has_cycles = holds_cycles(spec.body);
  const std::optional<Celsius> before = temperature_;
  if (!has_cycles) begin_loop(LoopBegin{.times = 1, .counts_cycles = true, .is_reference = true}, false);
  const bool was_inside = std::exchange(in_cycles_, !has_cycles);
  append(spec.body);
  in_cycles_ = was_inside;
  if (!has_cycles) end_loop();
  program_.code.emplace_back(DiagnosticsEnd{diagnostics.slot});
  if (before) temperature_ = before;  // it is given back; without one the chamber stays where they left it
  std::get<Diagnostics>(program_.code[at]).end = program_.code.size();
}

void Compiler::append_result(const ResultSpec& spec) {
  const ResultConditionSpec& given = spec.condition;
  std::string word{to_string(given.quantity)};
  ResultCondition condition;
  condition.quantity = given.quantity;
  condition.comparison = given.comparison;
  condition.source = spot_of(given.place);
  if (!given.variable.empty()) {
    word = given.variable;
    condition.variable = static_cast<std::int16_t>(variable_named(word, given.place));
  }
  condition.value = evaluate(given.value, here_.expected, unit_of_name(word), word);
  const bool is_late = is_run_time(given.value);
  if (is_late) condition.formula = add_formula(make_formula(given.value, here_.names, program_.variables));
  condition.text =
      word + " " + std::string{to_string(given.comparison)} + " " + (is_late ? given.value.text : format_short(condition.value));
  switch (spec.role) {
    case ResultSpec::Role::require: program_.code.emplace_back(Require{std::move(condition)}); break;
    case ResultSpec::Role::stop_if: program_.code.emplace_back(StopIf{std::move(condition)}); break;
    case ResultSpec::Role::leave_if:
      if (open_loops_.empty()) throw ConfigError{given.place, "'leave_if' stands in no loop that it could leave"};
      program_.code.emplace_back(LeaveIf{std::move(condition), innermost_written_loop()});
      break;
  }
}

/// The first one is always written in the profile.
std::uint8_t Compiler::innermost_written_loop() const {
  std::size_t at = open_loops_.size() - 1;
  while (at > 0 && !open_loops_[at].is_written) --at;
  return static_cast<std::uint8_t>(at);
}

void Compiler::append_set(const SetSpec& spec) {
  for (const Field& field : spec.values) {
    SetVariable set;
    set.variable = variable_named("variables." + field.key, field.place);
    set.source = spot_of(field.place);
    (void)evaluate(field.value, here_.expected, unit_of_name(field.key), field.key);
    set.formula = static_cast<std::uint16_t>(add_formula(make_formula(field.value, here_.names, program_.variables)));
    program_.code.emplace_back(set);
  }
}

/// Its steps, with its own parameters and rules for rows. Limits and variables belong to the outermost profile.
void Compiler::append_profile(const SubProfileSpec& spec) {
  const Profile& inner = *spec.profile;
  if (!inner.limits.empty())
    throw ConfigError{inner.limits.front().place,
                      "a profile within a profile has no limits of its own: give them to the steps or the outer one"};
  if (!inner.variables.empty())
    throw ConfigError{inner.variables.front().place, "a profile within a profile has no variables of its own"};
  std::vector<std::string> known;
  for (const ParameterSpec& parameter : inner.parameters) known.push_back(parameter.name);
  Context context{&inner, cell_.names, {}, here_.record};
  for (const Field& given : spec.parameters) {
    if (std::find(known.begin(), known.end(), given.key) == known.end())
      throw ConfigError{given.place, "'" + inner.name + "' has no parameter '" + given.key + "'" + suggestion(given.key, known)};
  }
  for (const ParameterSpec& parameter : inner.parameters) {
    const auto given = std::find_if(spec.parameters.begin(), spec.parameters.end(),
                                    [&parameter](const Field& field) { return field.key == parameter.name; });
    const Expression* const value = given == spec.parameters.end() ? nullptr : &given->value;
    context.names["parameters." + parameter.name] = parameter_value(parameter, cell_, value, here_.names);
  }
  context.expected = context.names;
  context.expected.merge(run_time_names(cell_.nominal_capacity.value(), program_.variables));
  const auto known_file = std::find(program_.files.begin(), program_.files.end(), inner.file);
  context.file = static_cast<int>(known_file - program_.files.begin()) + 1;
  if (known_file == program_.files.end()) program_.files.push_back(inner.file);
  const Context outer = std::exchange(here_, std::move(context));
  if (inner.record) set_record(*inner.record, here_.record);
  begin_chamber();
  const std::size_t first_pending = pending_.size();
  append(inner.steps);
  if (pending_.size() > first_pending)
    throw ConfigError{pending_.back().place, "no later step of '" + inner.name + "' is named '" + pending_.back().name + "'"};
  here_ = outer;
}

std::int16_t Compiler::add_formula(Formula formula) {
  constexpr std::size_t formulas_max = 1000;
  if (program_.formulas.size() >= formulas_max)
    throw ConfigError{SourcePlace{here_.profile->file, formula.source.line, formula.source.column},
                      "more than " + std::to_string(formulas_max) + " values that are known only while the profile runs"};
  formula.source.file = here_.file;
  program_.formulas.push_back(std::move(formula));
  return static_cast<std::int16_t>(program_.formulas.size() - 1);
}

/// `name` is "variables.NAME".
std::uint8_t Compiler::variable_named(const std::string& name, const SourcePlace& place) const {
  const std::string word = name.substr(name.find('.') + 1);
  std::vector<std::string> known;
  for (std::size_t i = 0; i < program_.variables.size(); ++i) {
    if (program_.variables[i].name == word) return static_cast<std::uint8_t>(i);
    known.push_back(program_.variables[i].name);
  }
  throw ConfigError{place,
                    "unknown variable '" + word + "'" +
                        (known.empty() ? ": declare it under 'variables' with start, min and max" : suggestion(word, known))};
}

}  // namespace cellrig
