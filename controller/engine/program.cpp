#include "controller/engine/program.hpp"

#include <array>

namespace cellrig {

std::string_view to_string(ConditionQuantity quantity) {
  static constexpr std::array<std::string_view, 26> names{"step_time_s",
                                                          "voltage_V",
                                                          "current_A",
                                                          "capacity_Ah",
                                                          "energy_Wh",
                                                          "soc_pct",
                                                          "cell_temperature_degC",
                                                          "ambient_temperature_degC",
                                                          "chamber_temperature_degC",
                                                          "logger_voltage_V",
                                                          "stack_force_N",
                                                          "stack_pressure_MPa",
                                                          "gas_ppm",
                                                          "power_W",
                                                          "cv_time_s",
                                                          "temperature_rise_K",
                                                          "voltage_drop_V",
                                                          "voltage_per_hour_V",
                                                          "voltage_per_minute_V",
                                                          "temperature_per_hour_K",
                                                          "temperature_per_minute_K",
                                                          "cell_minus_chamber_K",
                                                          "cell_minus_ambient_K",
                                                          "ambient_minus_chamber_K",
                                                          "result",
                                                          "variable"};
  return names[static_cast<std::size_t>(quantity)];
}

std::string_view to_string(ResultQuantity quantity) {
  static constexpr std::array<std::string_view, 11> names{
      "reference_capacity_Ah",     "retention_pct", "test_capacity_Ah", "capacity_ratio_pct",       "energy_ratio_pct",
      "charge_time_min",           "cycle_count",   "resistance_Ohm",   "coulombic_efficiency_pct", "energy_efficiency_pct",
      "cell_temperature_peak_degC"};
  return names[static_cast<std::size_t>(quantity)];
}

std::string_view to_string(Comparison comparison) {
  static constexpr std::array<std::string_view, 4> signs{">=", "<=", ">", "<"};
  return signs[static_cast<std::size_t>(comparison)];
}

std::string_view to_string(StepKind kind) {
  static constexpr std::array<std::string_view, 9> names{"rest", "cc", "cv", "cccv", "cp", "cr", "soak", "course", "person"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view to_string(InterruptionRule rule) {
  static constexpr std::array<std::string_view, interruption_rule_count> words{"ask", "resume", "redo_step", "skip_step", "stop"};
  return words[static_cast<std::size_t>(rule)];
}

std::optional<InterruptionRule> interruption_rule(std::string_view word) {
  for (std::size_t i = 0; i < interruption_rule_count; ++i) {
    const InterruptionRule rule = static_cast<InterruptionRule>(i);
    if (to_string(rule) == word) return rule;
  }
  return std::nullopt;
}

namespace {
std::string_view course_type(const Course& course) {
  switch (course.kind) {
    case Course::Kind::ramp: return course.quantity == Course::Quantity::voltage ? "V_RAMP" : "I_RAMP";
    case Course::Kind::pulses: return "PULSES";
    case Course::Kind::drive: return "DRIVE";
  }
  return "DRIVE";
}
}  // namespace

std::string_view bdf_step_type(const Step& step) {
  const bool charge = step.direction == StepDirection::charge;
  switch (step.kind) {
    case StepKind::rest: return "REST";
    case StepKind::soak: return "SOAK";
    case StepKind::cc: return charge ? "CC_CHG" : "CC_DCH";
    case StepKind::cv: return charge ? "CV_CHG" : "CV_DCH";
    case StepKind::cccv: return charge ? "CCCV_CHG" : "CCCV_DCH";
    case StepKind::cp: return charge ? "CP_CHG" : "CP_DCH";
    case StepKind::cr: return "CR_DCH";
    case StepKind::person: return "WAIT";
    case StepKind::course: return !step.course ? "DRIVE" : course_type(*step.course);
  }
  return "REST";
}

std::optional<Measurand> sensor_of(ConditionQuantity quantity) {
  switch (quantity) {
    case ConditionQuantity::step_time_s:
    case ConditionQuantity::voltage_V:
    case ConditionQuantity::current_A:
    case ConditionQuantity::capacity_Ah:
    case ConditionQuantity::energy_Wh:
    case ConditionQuantity::soc_pct:
    case ConditionQuantity::power_W:
    case ConditionQuantity::cv_time_s:
    case ConditionQuantity::voltage_drop_V:
    case ConditionQuantity::voltage_per_hour_V:
    case ConditionQuantity::voltage_per_minute_V:
    case ConditionQuantity::result:
    case ConditionQuantity::variable:
    case ConditionQuantity::chamber_temperature_degC: return std::nullopt;
    case ConditionQuantity::cell_minus_chamber_K:
    case ConditionQuantity::cell_minus_ambient_K:
    case ConditionQuantity::temperature_rise_K:
    case ConditionQuantity::temperature_per_hour_K:
    case ConditionQuantity::temperature_per_minute_K:
    case ConditionQuantity::cell_temperature_degC: return Measurand::cell_temperature;
    case ConditionQuantity::ambient_minus_chamber_K:
    case ConditionQuantity::ambient_temperature_degC: return Measurand::ambient_temperature;
    case ConditionQuantity::logger_voltage_V: return Measurand::logger_voltage;
    case ConditionQuantity::stack_force_N: return Measurand::stack_force;
    case ConditionQuantity::stack_pressure_MPa: return Measurand::stack_pressure;
    case ConditionQuantity::gas_ppm: return Measurand::gas;
  }
  return std::nullopt;
}

bool needs_sensor(ConditionQuantity quantity, Measurand measurand) {
  return sensor_of(quantity) == measurand ||
         (quantity == ConditionQuantity::cell_minus_ambient_K && measurand == Measurand::ambient_temperature);
}

bool needs_chamber_reading(ConditionQuantity quantity) {
  return quantity == ConditionQuantity::chamber_temperature_degC || quantity == ConditionQuantity::cell_minus_chamber_K ||
         quantity == ConditionQuantity::ambient_minus_chamber_K;
}

std::vector<std::uint16_t> formulas_of(const Step& step) {
  std::vector<std::uint16_t> formulas;
  if (step.magnitude) formulas.push_back(step.magnitude->formula);
  if (step.current_bound) formulas.push_back(step.current_bound->formula);
  if (step.course_scale) formulas.push_back(*step.course_scale);
  return formulas;
}

bool compare(double a, Comparison comparison, double b) {
  switch (comparison) {
    case Comparison::at_least: return a >= b;
    case Comparison::at_most: return a <= b;
    case Comparison::above: return a > b;
    case Comparison::below: return a < b;
  }
  return false;
}

}  // namespace cellrig
