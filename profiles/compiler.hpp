// Turns a profile into a program. Private to compile*.cpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "profiles/compile.hpp"
#include "profiles/setpoints.hpp"

namespace cellrig {

/// Within [0, max]. Throws ConfigError.
[[nodiscard]] Duration duration_of(double seconds, Duration max, const Expression& expression, const std::string& what);
[[nodiscard]] Duration duration_of(const Field& field, Duration max, const Names& names);

/// The value of a parameter: its default, or what --set or an outer profile says, within its bounds.
[[nodiscard]] double parameter_value(const ParameterSpec& parameter, const Cell& cell, const Expression* given,
                                     const Names& names_of_given);

/// The rows of a step, as the profile and the step say it.
struct RecordRule {
  Duration interval = record_interval_default;
  RecordChanges changes;
  std::vector<Duration> at;
  Duration before{};
  void give_to(Step& step) const {
    step.record_interval = interval;
    step.record_changes = changes;
    step.record_at = at;
    step.record_before = before;
  }
};

class Compiler {
 public:
  Compiler(const Profile& profile, const Cell& cell, const std::map<std::string, std::string>& overrides);
  Program compile();

 private:
  /// What the words of one profile mean. A profile within a profile has its own.
  struct Context {
    const Profile* profile = nullptr;
    Names names;     ///< cell and parameters: constants
    Names expected;  ///< the same, and likely values of what is known only while the program runs
    RecordRule record;
    int file = 0;  ///< as SourceSpot has it
  };
  /// A `then:` whose step has not been seen yet.
  struct PendingTarget {
    std::size_t instruction = 0, end = 0;
    std::string name;
    SourcePlace place;
  };

  // compile.cpp
  void add_variables();
  void require_steps_between() const;
  void begin_chamber();
  void find_limit_sources();
  void find_needs();

  // compile_sequence.cpp
  void append(const std::vector<ItemSpec>& items);
  void append_loop(const LoopSpec& loop);
  void append_body(const LoopSpec& loop);
  void append_diagnostics(const DiagnosticsSpec& diagnostics, std::uint8_t slot);
  void append_result(const ResultSpec& spec);
  void append_set(const SetSpec& spec);
  void append_profile(const SubProfileSpec& spec);
  void begin_loop(const LoopBegin& loop, bool is_written = true);
  void end_loop();
  [[nodiscard]] std::uint8_t innermost_written_loop() const;
  void resolve_targets(std::size_t first, const std::vector<std::pair<std::string, std::size_t>>& steps);

  // compile_step.cpp
  void append_step(const StepSpec& spec);
  void set_setpoint(const StepSpec& spec, Step& step);
  void set_magnitude(const StepSpec& spec, Step& step);
  void set_course(const StepSpec& spec, Step& step);
  void set_task(const StepSpec& spec, Step& step);
  void add_ends(const StepSpec& spec, Step& step);
  void find_held_end(Step& step) const;
  void add_limit_ends(const StepSpec& spec, Step& step, std::size_t& leaves);
  void add_pressure_ends(const StepSpec& spec, Step& step, std::size_t& leaves);
  void add_end(Step& step, const ConditionSpec& condition, std::size_t& leaves);
  void add_plain_end(Step& step, const ConditionNode& leaf, EndCondition::Target target);
  void set_target(const ConditionSpec& spec, Step& step);
  void set_record(const RecordSpec& spec, RecordRule& rule) const;
  void set_bound(const StepSpec& spec, Step& step) const;
  void set_temperature(const StepSpec& spec, Step& step);
  void take_temperature(Step& step);
  void set_soc(const StepSpec& spec, Step& step) const;
  void judge_warmth(const StepSpec& spec, const Step& step) const;
  [[nodiscard]] Amps current_max(const StepSpec& spec, const Step& step) const;
  [[nodiscard]] double magnitude_max(const StepSpec& spec, const Step& step) const;
  std::uint16_t append_condition(const ConditionSpec& spec, std::size_t& leaves);
  ConditionNode leaf_of(const ConditionSpec& spec, std::size_t& leaves);
  [[nodiscard]] Duration clause_of(const std::optional<Expression>& clause, Unit unit, const std::string& word) const;
  [[nodiscard]] std::string resolved_text(const ConditionSpec& spec) const;
  void refuse_run_time(const StepSpec& spec) const;

  [[nodiscard]] SourceSpot spot_of(const SourcePlace& place) const { return SourceSpot{place.line, place.column, here_.file}; }
  [[nodiscard]] StepScope scope(RateReference reference) const;
  [[nodiscard]] RateReference rate_of(const StepSpec& spec) const { return spec.rate_of.value_or(here_.profile->rate_of); }
  [[nodiscard]] std::int16_t add_formula(Formula formula);
  [[nodiscard]] std::uint8_t variable_named(const std::string& name, const SourcePlace& place) const;

  const Profile& profile_;
  const Cell& cell_;
  Context here_;
  Program program_;
  std::size_t loop_depth_ = 0;
  struct OpenLoop {
    std::size_t begin = 0;
    bool is_written = true;  ///< in the profile; else one of ours, around a cycle of its own
  };
  std::vector<OpenLoop> open_loops_;
  bool in_cycles_ = false;
  bool step_limits_temperature_ = false;
  std::size_t diagnostics_ = 0;
  const SafetyLimits* step_limits_ = nullptr;         ///< of it, when it has its own
  RateReference step_rate_ = RateReference::nominal;  ///< of the step that is being compiled
  std::vector<PendingTarget> pending_;
  std::optional<Celsius> pending_temperature_;  ///< asked for, not yet carried by a step
  std::optional<Celsius> temperature_;          ///< the last one asked for
};

}  // namespace cellrig
