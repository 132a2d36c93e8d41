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
      {"ramp_charge",
       StepKind::course,
       StepDirection::charge,
       {"from_rate_C", "from_current_A", "to_rate_C", "to_current_A", "update_s", "voltage_max_V"}},
      {"ramp_discharge",
       StepKind::course,
       StepDirection::discharge,
       {"from_rate_C", "from_current_A", "to_rate_C", "to_current_A", "update_s", "voltage_min_V"}},
      {"voltage_ramp",
       StepKind::course,
       StepDirection::none,
       {"from_voltage_V", "to_voltage_V", "rate_max_C", "current_max_A", "update_s"}},
      {"pulse_train", StepKind::course, StepDirection::none, {"pulses", "times", "voltage_min_V", "voltage_max_V"}},
      {"drive_cycle",
       StepKind::course,
       StepDirection::none,
       {"file", "scale", "times", "at_limit", "voltage_min_V", "voltage_max_V", "rate_max_C", "current_max_A"}},
      {"wait_for_person", StepKind::person, StepDirection::none, {"message"}},
      {"set_pressure", StepKind::person, StepDirection::none, {"pressure_MPa", "tolerance_MPa", "hold_s", "hold_min", "message"}},
  };
  return words;
}

const StepWord* find_step_word(std::string_view word) {
  for (const StepWord& known : step_words()) {
    if (known.word == word) return &known;
  }
  return nullptr;
}

bool is_ramp(const StepWord& word) { return word.kind == StepKind::course && word.word.find("ramp") != std::string_view::npos; }

std::vector<std::string> keys_of(const StepWord& word) {
  std::vector<std::string> keys = word.setpoint_keys;
  // Of equally near words the first is suggested: 'at_most_hours' must lead to hours.
  for (const char* common : {"name", "until", "at_most_h", "at_most_min", "at_most_s", "temperature_degC", "record_every_s",
                             "record", "limits", "on_interruption"}) {
    keys.emplace_back(common);
  }
  const bool is_idle = word.kind == StepKind::rest || word.kind == StepKind::soak;
  if (is_idle || is_ramp(word)) {
    for (const char* idle : {"for_h", "for_min", "for_s"}) keys.emplace_back(idle);
  }
  if (!is_idle && word.kind != StepKind::person) {
    for (const char* energised : {"measure", "sets_soc_pct", "rate_of"}) keys.emplace_back(energised);
  }
  return keys;
}

std::vector<std::string> instruction_words() {
  std::vector<std::string> words;
  for (const StepWord& known : step_words()) words.emplace_back(known.word);
  for (const char* other : {"cycles", "repeat", "stop_if", "require", "leave_if", "set", "mark", "advance_cycle", "profile"})
    words.emplace_back(other);
  return words;
}

const std::vector<std::string>& record_keys() {
  static const std::vector<std::string> keys{
      "every_s", "voltage_change_V", "current_change_A", "temperature_change_K", "capacity_change_Ah", "at_s", "before_event_s"};
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
                                 "charge_capacity_max_Ah",
                                 "temperature_rate_max_K_per_s",
                                 "temperature_rate_for_s"};
    for (std::string& key : sensor_limit_keys()) all.push_back(std::move(key));
    return all;
  }();
  return keys;
}

}  // namespace cellrig
