// A profile as it was read: words checked, numbers not yet worked out (they need the cell and the parameters). Every part
// knows its place in the file.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/base/config_error.hpp"
#include "controller/engine/program.hpp"
#include "profiles/condition_text.hpp"
#include "profiles/drive_table.hpp"
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

/// One part of a pulse train: a current for a time; without a current a rest.
struct PulseSpec {
  SourcePlace place;
  std::vector<Field> fields;
};

/// What a drive cycle does when the voltage reaches its bound.
enum class AtLimit : unsigned char {
  hold,  ///< the instrument holds the voltage, the cycle goes on
  end,   ///< the step ends
  fail,  ///< the run fails
};

/// What 1C is.
enum class RateReference : unsigned char { nominal, rated, measured };

/// What the profile says under `expect`.
struct ExpectSpec {
  std::vector<Field> fields;
  bool stops = false;
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
  std::optional<RateReference> rate_of;             ///< none: the profile's
  std::vector<PulseSpec> pulses;                    ///< pulse_train
  std::optional<DriveTable> table;                  ///< drive_cycle
  AtLimit at_limit = AtLimit::hold;                 ///< drive_cycle
  std::string message;                              ///< wait_for_person, set_pressure
  std::vector<Field> limits;                        ///< tighter than the profile's, while this step runs

  /// The first of these keys that was given; null: none.
  [[nodiscard]] const Field* first_of(std::initializer_list<std::string_view> keys) const {
    for (const std::string_view key : keys) {
      if (const Field* const field = find(key)) return field;
    }
    return nullptr;
  }
  [[nodiscard]] const Field* find(std::string_view key) const {
    for (const Field& field : fields) {
      if (field.key == key) return &field;
    }
    return nullptr;
  }
};

struct ItemSpec;

/// What is done between two passes of a loop of cycles when it is due.
struct DiagnosticsSpec {
  SourcePlace place;
  std::optional<Expression> every_cycles, fade_pct;
  bool after_alarm = false;
  std::vector<ItemSpec> body;
};

struct LoopSpec {
  SourcePlace place;
  bool counts_cycles = false;
  bool is_reference = false;
  Expression times;
  std::vector<ItemSpec> body;
  std::shared_ptr<const DiagnosticsSpec> diagnostics;  ///< of a loop of cycles; null: none
};

struct ResultSpec {
  enum class Role : unsigned char { require, stop_if, leave_if };
  Role role = Role::stop_if;
  ResultConditionSpec condition;
};

/// Variables get values, in this order.
struct SetSpec {
  std::vector<Field> values;
};

struct MarkSpec {
  std::string text;
};

struct AdvanceSpec {
  SourcePlace place;
};

struct Profile;

/// The steps of another profile, with its parameters.
struct SubProfileSpec {
  SourcePlace place;
  std::shared_ptr<const Profile> profile;
  std::vector<Field> parameters;
};

struct ItemSpec {
  std::variant<StepSpec, LoopSpec, ResultSpec, SetSpec, MarkSpec, AdvanceSpec, SubProfileSpec> what;
};

/// A number that the profile sets and uses while it runs.
struct VariableSpec {
  std::string name;
  SourcePlace place;
  Expression initial, min, max;
};

struct Profile {
  std::string file;
  std::string text;  ///< the whole file
  std::map<std::string, std::string>
      attachments;  ///< what it names: drive cycles and other profiles, by their paths from its folder
  std::string name;
  std::string description;
  std::string source;
  std::vector<ParameterSpec> parameters;
  std::vector<VariableSpec> variables;
  RateReference rate_of = RateReference::nominal;
  SocReference soc_of = SocReference::latest;
  std::optional<RecordSpec> record;
  InterruptionRule on_interruption = InterruptionRule::ask;
  std::vector<Field> limits;
  ExpectSpec expect;
  std::optional<Field> chamber_temperature;  ///< chamber.temperature_degC
  std::vector<ItemSpec> steps;
};

}  // namespace cellrig
