// A profile as it was read: words checked, numbers not yet worked out (they need the cell and the parameters). Every part
// knows its place in the file.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/base/config_error.hpp"
#include "controller/engine/program.hpp"
#include "profiles/condition_text.hpp"
#include "profiles/expression.hpp"

namespace cellrig {

/// One `key: value` whose value is an expression in the unit that the key ends with.
struct Field {
  std::string key;
  SourcePlace place;  ///< of the key
  Expression value;
};

struct ParameterSpec {
  std::string name;
  SourcePlace place;
  std::string description;
  Expression default_value;
  std::optional<Expression> min;
  std::optional<Expression> max;
};

/// Which observations become rows.
struct RecordSpec {
  std::vector<Field> fields;     ///< every_s, voltage_change_V ...: what was given
  std::vector<Expression> at_s;  ///< step times
  std::optional<SourcePlace> at_place;
};

struct StepSpec {
  SourcePlace place;  ///< of the step's word
  std::string word;   ///< "cccv_charge"
  std::string name;   ///< the profile's label, or the word
  StepKind kind = StepKind::rest;
  StepDirection direction = StepDirection::none;
  std::vector<Field> fields;         ///< set-point, times, temperature, sets_soc_pct, record_every_s: what was given
  std::vector<ConditionSpec> until;  ///< any of them ends the step
  Measure measure = Measure::nothing;
  std::optional<RecordSpec> record;                 ///< in place of the profile's, key by key
  std::optional<InterruptionRule> on_interruption;  ///< none: the profile's

  [[nodiscard]] const Field* find(std::string_view key) const {
    for (const Field& field : fields) {
      if (field.key == key) return &field;
    }
    return nullptr;
  }
};

struct ItemSpec;

struct LoopSpec {
  SourcePlace place;
  bool counts_cycles = false;
  bool is_reference = false;
  Expression times;
  std::vector<ItemSpec> body;
};

struct ResultSpec {
  bool is_requirement = false;  ///< require; otherwise stop_if
  ResultConditionSpec condition;
};

struct ItemSpec {
  std::variant<StepSpec, LoopSpec, ResultSpec> what;
};

struct Profile {
  std::string file;
  std::string text;  ///< the whole file
  std::string name;
  std::string description;
  std::string source;
  std::vector<ParameterSpec> parameters;
  std::optional<RecordSpec> record;
  InterruptionRule on_interruption = InterruptionRule::ask;
  std::vector<Field> limits;
  std::optional<Field> chamber_temperature;  ///< chamber.temperature_degC
  std::vector<ItemSpec> steps;
};

}  // namespace cellrig
