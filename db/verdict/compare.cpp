#include "db/verdict/compare.hpp"

#include <fmt/format.h>

#include <cmath>

namespace cellrig::verdict {
namespace {

constexpr double boltzmann_eV_per_K = 8.617333262e-5;
constexpr double zero_degC_in_K = 273.15;

double relative(const Measured& m) { return combine(m.budget).standard / std::abs(m.value); }

}  // namespace

Result<Measured> ratio_of(const Measured& first, const Measured& second) {
  if (!(std::abs(second.value) > 0.0)) return fail(Fault::refused, "the cell to compare with gave nothing");
  if (second.is_least) return fail(Fault::refused, "of the cell to compare with only a least value is known");
  Measured result;
  result.is_least = first.is_least;
  result.value = first.value / second.value;
  result.budget.push_back({"this cell", std::abs(result.value) * relative(first), combine(first.budget).dof, "its own budget"});
  result.budget.push_back(
      {"the cell to compare with", std::abs(result.value) * relative(second), combine(second.budget).dof, "its own budget"});
  return result;
}

Result<Measured> activation_energy(const AtTemperature& cold, const AtTemperature& warm) {
  const double cold_K = cold.temperature_degC + zero_degC_in_K, warm_K = warm.temperature_degC + zero_degC_in_K;
  const double apart = 1.0 / cold_K - 1.0 / warm_K;
  if (!(std::abs(apart) > 0.0)) return fail(Fault::refused, "both resistances were measured at the same temperature");
  if (!(cold.resistance.value > 0.0) || !(warm.resistance.value > 0.0))
    return fail(Fault::refused, "a resistance is not above zero");
  Measured result;
  result.value = boltzmann_eV_per_K * std::log(cold.resistance.value / warm.resistance.value) / apart;
  const double scale = boltzmann_eV_per_K / std::abs(apart);
  result.budget.push_back({"resistance, cold", scale * relative(cold.resistance), infinite_dof, "its own budget"});
  result.budget.push_back({"resistance, warm", scale * relative(warm.resistance), infinite_dof, "its own budget"});
  const double by_temperature =
      std::hypot(cold.temperature_standard_K / (cold_K * cold_K), warm.temperature_standard_K / (warm_K * warm_K));
  result.budget.push_back(
      {"temperatures", std::abs(result.value * by_temperature / apart), infinite_dof, "thermometer and soak"});
  return result;
}

Result<Measured> mass_loss(double before_g, double after_g, double standard_g) {
  if (!(before_g > 0.0) || !(after_g > 0.0)) return fail(Fault::refused, "a mass is not above zero");
  Measured result;
  result.value = 100.0 * (before_g - after_g) / before_g;
  const double each = 100.0 * standard_g / before_g;
  result.budget.push_back({"weighing before", each * after_g / before_g, infinite_dof, "the balance"});
  result.budget.push_back({"weighing after", each, infinite_dof, "the balance"});
  result.note =
      fmt::format("weighed {:g} g before and {:g} g after, standard uncertainty {:g} g each", before_g, after_g, standard_g);
  return result;
}

}  // namespace cellrig::verdict
