#include "controller/engine/program.hpp"

#include <array>

namespace cellrig {

std::string_view to_string(ConditionQuantity quantity) {
  static constexpr std::array<std::string_view, 9> names{"step_time_s",
                                                         "voltage_V",
                                                         "current_A",
                                                         "capacity_Ah",
                                                         "energy_Wh",
                                                         "soc_pct",
                                                         "cell_temperature_degC",
                                                         "ambient_temperature_degC",
                                                         "chamber_temperature_degC"};
  return names[static_cast<std::size_t>(quantity)];
}

std::string_view to_string(ResultQuantity quantity) {
  static constexpr std::array<std::string_view, 7> names{
      "reference_capacity_Ah", "retention_pct",   "test_capacity_Ah", "capacity_ratio_pct",
      "energy_ratio_pct",      "charge_time_min", "cycle_count"};
  return names[static_cast<std::size_t>(quantity)];
}

std::string_view to_string(Comparison comparison) {
  static constexpr std::array<std::string_view, 4> signs{">=", "<=", ">", "<"};
  return signs[static_cast<std::size_t>(comparison)];
}

std::string_view to_string(StepKind kind) {
  static constexpr std::array<std::string_view, 7> names{"rest", "cc", "cv", "cccv", "cp", "cr", "soak"};
  return names[static_cast<std::size_t>(kind)];
}

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
  }
  return "REST";
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
