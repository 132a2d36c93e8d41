#include "sim/cell_life_file.hpp"

namespace cellrig::sim {
namespace {

constexpr double fraction_max = 1.0;
constexpr double temperature_min_degC = -60.0;
constexpr double temperature_max_degC = 2000.0;
constexpr bool above_zero = true;

using Fields = std::vector<NumberField>;

NumberField fraction(const char* key, double* to) { return {.group = {}, .key = key, .to = to, .max = fraction_max}; }
NumberField optional(const char* key, double* to) { return {.group = {}, .key = key, .to = to, .may_be_missing = true}; }
NumberField temperature(const char* key, double* to) {
  return {.group = {}, .key = key, .to = to, .max = temperature_max_degC, .min = temperature_min_degC};
}

CalendarParameters read_calendar(const StrictYaml& yaml, const YAML::Node& node) {
  const std::string where = "model.ageing.calendar";
  yaml.require_map(node, node, "'" + where + "'");
  CalendarParameters p;
  if (!node["law"]) throw yaml.error(node, "missing key '" + where + ".law'");
  constexpr CalendarLaw laws[] = {CalendarLaw::power_law, CalendarLaw::lg_m50_2021, CalendarLaw::nmc111_2014};
  p.law = laws[yaml.word(node["law"], where + ".law", {"power_law", "lg_m50_2021", "nmc111_2014"})];
  if (p.law == CalendarLaw::power_law) {
    yaml.read_numbers(node, where,
                      {fraction("loss_per_year", &p.loss_per_year),
                       {"", "exponent", &p.exponent, above_zero, 2.0},
                       {"", "activation_J_per_mol", &p.activation_J_per_mol}},
                      {"law"});
  } else {
    yaml.refuse_unknown_keys(node, where, {"law"});
  }
  return p;
}

CyclingParameters read_cycling(const StrictYaml& yaml, const YAML::Node& node) {
  const std::string where = "model.ageing.cycling";
  yaml.require_map(node, node, "'" + where + "'");
  CyclingParameters p;
  if (!node["law"]) throw yaml.error(node, "missing key '" + where + ".law'");
  constexpr CyclingLaw laws[] = {CyclingLaw::power_law, CyclingLaw::lg_m50_2021, CyclingLaw::nmc111_2014, CyclingLaw::lfp_2011};
  p.law = laws[yaml.word(node["law"], where + ".law", {"power_law", "lg_m50_2021", "nmc111_2014", "lfp_2011"})];
  if (p.law != CyclingLaw::power_law) {
    yaml.refuse_unknown_keys(node, where, {"law"});
    return p;
  }
  yaml.read_numbers(node, where, {fraction("loss_per_cycle", &p.loss_per_cycle), {"", "exponent", &p.exponent, above_zero, 2.0}},
                    {"law", "knee"});
  if (const YAML::Node knee = node["knee"]) {
    yaml.read_numbers(knee, where + ".knee",
                      {fraction("slope_per_cycle", &p.knee.slope_per_cycle),
                       {"", "at_cycles", &p.knee.at_cycles, above_zero},
                       {"", "width_cycles", &p.knee.width_cycles, above_zero}});
  }
  return p;
}

AgeingParameters read_ageing(const StrictYaml& yaml, const YAML::Node& node) {
  AgeingParameters p;
  yaml.read_numbers(node, "model.ageing", {optional("resistance_rise_per_loss", &p.resistance_rise_per_loss)},
                    {"active", "calendar", "cycling", "stress"});
  if (!node["active"]) throw yaml.error(node, "missing key 'model.ageing.active'");
  p.active = yaml.boolean(node["active"], "model.ageing.active");
  if (const YAML::Node calendar = node["calendar"]) p.calendar = read_calendar(yaml, calendar);
  if (const YAML::Node cycling = node["cycling"]) p.cycling = read_cycling(yaml, cycling);
  if (const YAML::Node stress = node["stress"]) {
    StressParameters& s = p.stress;
    NumberField reference = temperature("reference_degC", &s.reference_degC);
    reference.may_be_missing = true;
    yaml.read_numbers(
        stress, "model.ageing.stress",
        {reference, optional("cold_activation_J_per_mol", &s.cold_activation_J_per_mol),
         optional("hot_activation_J_per_mol", &s.hot_activation_J_per_mol), optional("fast_charge_factor", &s.fast_charge_factor),
         optional("fast_charge_from_C", &s.fast_charge_from_C), optional("depth_exponent", &s.depth_exponent),
         optional("low_pressure_factor", &s.low_pressure_factor)});
    if (p.cycling.law != CyclingLaw::power_law) {
      throw yaml.error(stress, "model.ageing.stress belongs to the cycling law 'power_law'; a published law has its own");
    }
  }
  return p;
}

SelfDischargeParameters read_self_discharge(const StrictYaml& yaml, const YAML::Node& node) {
  SelfDischargeParameters p;
  yaml.read_numbers(node, "model.self_discharge",
                    {fraction("per_month", &p.per_month), {"", "activation_J_per_mol", &p.activation_J_per_mol}});
  return p;
}

PlatingParameters read_plating(const StrictYaml& yaml, const YAML::Node& node) {
  PlatingParameters p;
  yaml.read_numbers(node, "model.plating",
                    {{"", "limit_rate_C", &p.limit_rate_C, above_zero},
                     {"", "limit_activation_J_per_mol", &p.limit_activation_J_per_mol},
                     fraction("share", &p.share),
                     fraction("lost_share", &p.lost_share),
                     {"", "stripping_voltage_V", &p.stripping_voltage_V, false, 0.2},
                     {"", "stripping_s", &p.stripping_s, above_zero}});
  return p;
}

SoftShortParameters read_soft_short(const StrictYaml& yaml, const YAML::Node& node) {
  SoftShortParameters p;
  yaml.read_numbers(node, "model.soft_short",
                    {{"", "critical_current_mA_per_cm2", &p.critical_current_mA_per_cm2, above_zero},
                     {"", "critical_activation_J_per_mol", &p.critical_activation_J_per_mol},
                     {"", "growth_S_per_s", &p.growth_S_per_s},
                     {"", "hard_S", &p.hard_S, above_zero}});
  return p;
}

BreathingParameters read_breathing(const StrictYaml& yaml, const YAML::Node& node) {
  BreathingParameters p;
  yaml.read_numbers(node, "model.breathing",
                    {{"", "thickness_empty_mm", &p.thickness_empty_mm, above_zero},
                     {"", "thickness_swing_mm", &p.thickness_swing_mm},
                     optional("growth_mm_per_loss", &p.growth_mm_per_loss)});
  return p;
}

StackPressureParameters read_stack(const StrictYaml& yaml, const YAML::Node& node) {
  const std::string where = "model.stack_pressure";
  StackPressureParameters p;
  yaml.read_numbers(
      node, where,
      {{"", "pressure_MPa", &p.pressure_MPa, above_zero, 100.0},
       {"", "reference_MPa", &p.reference_MPa, above_zero, 100.0},
       optional("minimum_MPa", &p.minimum_MPa),
       {"", "exponent", &p.exponent, false, 2.0},
       optional("void_growth_per_cycle", &p.void_growth_per_cycle),
       {"", "face_area_cm2", &p.face_area_cm2, above_zero},
       optional("spring_N_per_mm", &p.spring_N_per_mm),
       optional("pad_modulus_MPa", &p.pad_modulus_MPa),
       {.group = {}, .key = "pad_thickness_mm", .to = &p.pad_thickness_mm, .above_zero = true, .may_be_missing = true}},
      {"mode"});
  if (!node["mode"]) throw yaml.error(node, "missing key '" + where + ".mode'");
  p.mode = static_cast<StackMode>(yaml.word(node["mode"], where + ".mode", stack_mode_words()));
  return p;
}

RunawayParameters read_runaway(const StrictYaml& yaml, const YAML::Node& node) {
  RunawayParameters p;
  const bool has_cathode = node.IsMap() && node["cathode"];
  yaml.read_numbers(
      node, "model.runaway",
      {temperature("onset_degC", &p.onset_degC),
       temperature("minute_rate_degC", &p.minute_rate_degC),
       temperature("second_rate_degC", &p.second_rate_degC),
       temperature("end_degC", &p.end_degC),
       {.group = {}, .key = "onset_rise_K", .to = &p.onset_rise_K, .above_zero = above_zero, .may_be_missing = has_cathode},
       temperature("venting_degC", &p.venting_degC),
       {"", "vented_gas_L", &p.vented_gas_L},
       {"", "runaway_gas_L", &p.runaway_gas_L}},
      {"active", "cathode"});
  if (node["active"]) p.active = yaml.boolean(node["active"], "model.runaway.active");
  if (!(p.onset_degC < p.minute_rate_degC && p.minute_rate_degC < p.second_rate_degC && p.second_rate_degC < p.end_degC)) {
    throw yaml.error(node, "model.runaway: onset, minute_rate, second_rate and end must rise in this order");
  }
  if (!has_cathode) return p;
  if (node["onset_rise_K"]) throw yaml.error(node["onset_rise_K"], "model.runaway: with a 'cathode' there is no 'onset_rise_K'");
  SelfFeedingReaction& cathode = p.cathode.emplace();
  yaml.read_numbers(node["cathode"], "model.runaway.cathode",
                    {{"", "rate_per_s", &cathode.rate_per_s, above_zero},
                     {"", "energy_J_per_mol", &cathode.energy_J_per_mol, above_zero},
                     {"", "converted_at_start", &cathode.converted_at_start, above_zero, 0.5},
                     {"", "rise_K", &cathode.rise_K, above_zero, temperature_max_degC}});
  return p;
}

SpreadParameters read_spread(const StrictYaml& yaml, const YAML::Node& node) {
  SpreadParameters p;
  constexpr double most = 0.15;  // so that six standard deviations stay above zero
  yaml.read_numbers(node, "model.spread",
                    {{"", "capacity", &p.capacity, false, most},
                     {"", "resistance", &p.resistance, false, most},
                     {"", "lifetime", &p.lifetime, false, most}});
  return p;
}

}  // namespace

const std::vector<std::string>& life_section_names() {
  static const std::vector<std::string> names{"ageing",    "self_discharge", "plating", "soft_short",
                                              "breathing", "stack_pressure", "runaway", "spread"};
  return names;
}

const std::vector<std::string>& stack_mode_words() {
  static const std::vector<std::string> words{"constant_pressure", "constant_gap", "pneumatic"};
  return words;
}

LifeParameters read_life_sections(const StrictYaml& yaml, const YAML::Node& model) {
  LifeParameters life;
  if (const YAML::Node node = model["ageing"]) life.ageing = read_ageing(yaml, node);
  if (const YAML::Node node = model["self_discharge"]) life.self_discharge = read_self_discharge(yaml, node);
  if (const YAML::Node node = model["plating"]) life.plating = read_plating(yaml, node);
  if (const YAML::Node node = model["soft_short"]) life.soft_short = read_soft_short(yaml, node);
  if (const YAML::Node node = model["breathing"]) life.breathing = read_breathing(yaml, node);
  if (const YAML::Node node = model["stack_pressure"]) life.stack_pressure = read_stack(yaml, node);
  if (const YAML::Node node = model["runaway"]) life.runaway = read_runaway(yaml, node);
  if (const YAML::Node node = model["spread"]) life.spread = read_spread(yaml, node);
  return life;
}

}  // namespace cellrig::sim
