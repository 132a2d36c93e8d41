#include "profiles/step_words.hpp"

#include <utility>

#include "profiles/sensor_limits.hpp"

namespace cellrig {

const std::vector<StepWord>& step_words() {
  static const std::vector<StepWord> words{
      {"rest", StepKind::rest, StepDirection::none, {}},
      {"soak", StepKind::soak, StepDirection::none, {}},
      {"cc_charge", StepKind::cc, StepDirection::charge, {"rate_C", "current_A", "voltage_max_V"}},
      {"cc_discharge", StepKind::cc, StepDirection::discharge, {"rate_C", "current_A", "voltage_min_V"}},
      {"cv_charge", StepKind::cv, StepDirection::charge, {"voltage_V", "rate_max_C", "current_max_A"}},
      {"cv_discharge", StepKind::cv, StepDirection::discharge, {"voltage_V", "rate_max_C", "current_max_A"}},
      {"cccv_charge", StepKind::cccv, StepDirection::charge, {"rate_C", "current_A", "voltage_V"}},
      {"cccv_discharge", StepKind::cccv, StepDirection::discharge, {"rate_C", "current_A", "voltage_V"}},
      {"cp_charge", StepKind::cp, StepDirection::charge, {"power_W", "voltage_max_V", "rate_max_C", "current_max_A"}},
      {"cp_discharge", StepKind::cp, StepDirection::discharge, {"power_W", "voltage_min_V", "rate_max_C", "current_max_A"}},
      {"cr_discharge",
       StepKind::cr,
       StepDirection::discharge,
       {"resistance_Ohm", "voltage_min_V", "rate_max_C", "current_max_A"}},
  };
  return words;
}

const StepWord* find_step_word(std::string_view word) {
  for (const StepWord& known : step_words()) {
    if (known.word == word) return &known;
  }
  return nullptr;
}

std::vector<std::string> keys_of(const StepWord& word) {
  std::vector<std::string> keys = word.setpoint_keys;
  // Of equally near words the first is suggested: 'at_most_hours' must lead to hours.
  for (const char* common : {"name", "until", "at_most_h", "at_most_min", "at_most_s", "temperature_degC", "record_every_s",
                             "record", "on_interruption"}) {
    keys.emplace_back(common);
  }
  const bool is_idle = word.kind == StepKind::rest || word.kind == StepKind::soak;
  if (is_idle) {
    for (const char* idle : {"for_h", "for_min", "for_s"}) keys.emplace_back(idle);
  } else {
    for (const char* energised : {"measure", "sets_soc_pct"}) keys.emplace_back(energised);
  }
  return keys;
}

std::vector<std::string> instruction_words() {
  std::vector<std::string> words;
  for (const StepWord& known : step_words()) words.emplace_back(known.word);
  for (const char* other : {"cycles", "repeat", "stop_if", "require"}) words.emplace_back(other);
  return words;
}

const std::vector<std::string>& record_keys() {
  static const std::vector<std::string> keys{
      "every_s", "voltage_change_V", "current_change_A", "temperature_change_K", "capacity_change_Ah", "at_s"};
  return keys;
}

const std::vector<std::string>& limit_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> all{"voltage_min_V",
                                 "voltage_max_V",
                                 "charge_current_max_A",
                                 "discharge_current_max_A",
                                 "cell_temperature_min_degC",
                                 "cell_temperature_max_degC",
                                 "charge_temperature_min_degC",
                                 "charge_capacity_max_Ah"};
    for (std::string& key : sensor_limit_keys()) all.push_back(std::move(key));
    return all;
  }();
  return keys;
}

}  // namespace cellrig
