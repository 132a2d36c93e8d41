// The cell model written a second time, straight from the equations of docs/cell-model.md, and integrated by classical
// Runge-Kutta with 10 ms steps. It shares the parameters with the product, and no code.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "sim/physics/cell_parameters.hpp"

namespace cellrig::sim {

class ReferenceCell {
 public:
  /// z, l, u1, u2, h, Tc, Ts
  using Vector = std::array<double, 7>;

  ReferenceCell(const CellParameters& parameters, double soc, double temperature_degC)
      : p_{parameters}, x_{soc, 0, 0, 0, 0, temperature_degC, temperature_degC}, ambient_{temperature_degC} {}

  void advance(double current, double duration_s) {
    constexpr double step_s = 0.01;
    const int steps = static_cast<int>(std::lround(duration_s / step_s));
    for (int i = 0; i < steps; ++i) {
      const Vector k1 = derivative(x_, current);
      const Vector k2 = derivative(sum(x_, k1, step_s / 2), current);
      const Vector k3 = derivative(sum(x_, k2, step_s / 2), current);
      const Vector k4 = derivative(sum(x_, k3, step_s), current);
      for (std::size_t j = 0; j < x_.size(); ++j) x_[j] += step_s / 6 * (k1[j] + 2 * k2[j] + 2 * k3[j] + k4[j]);
    }
  }

  [[nodiscard]] double voltage(double current) const { return voltage(x_, current); }
  [[nodiscard]] double core_degC() const { return x_[5]; }
  [[nodiscard]] const Vector& state() const { return x_; }

 private:
  static Vector sum(const Vector& x, const Vector& k, double factor) {
    Vector result = x;
    for (std::size_t j = 0; j < x.size(); ++j) result[j] += factor * k[j];
    return result;
  }

  static double arrhenius(double energy, double temperature_degC) {
    return std::exp(energy / 8.314462618 * (1 / (temperature_degC + 273.15) - 1 / 298.15));
  }

  [[nodiscard]] double voltage(const Vector& x, double current) const {
    const double temperature_degC = x[5];
    const double zs = x[0] + x[1];
    const double ocv = p_.open_circuit_voltage_V.at(zs);
    const double shape = std::max(0.15, 2 * std::sqrt(std::max(0.0, zs * (1 - zs))));
    const double low = 1 + p_.low_soc_charge_transfer_rise * std::exp(-zs / 0.04);
    const double exchange =
        p_.exchange_current_A * shape / (arrhenius(p_.charge_transfer_activation_J_per_mol, temperature_degC) * low);
    const double charge_transfer =
        2 * 8.314462618 * (temperature_degC + 273.15) / 96485.33212 * std::asinh(current / (2 * exchange));
    const double ohmic = p_.metal_resistance_ohm +
                         p_.electrolyte_resistance_ohm * arrhenius(p_.electrolyte_activation_J_per_mol, temperature_degC);
    double inaccessible = 0;
    if (current < 0) {
      const double shift = p_.inaccessible_soc * arrhenius(p_.inaccessible_activation_J_per_mol, temperature_degC) *
                           std::exp(-x[0] / p_.inaccessible_width_soc);
      inaccessible = (p_.open_circuit_voltage_V.at(zs - shift) - ocv) * -current / (-current + 0.02 * p_.capacity_Ah);
    }
    return ocv + p_.entropic_coefficient_V_per_K.at(x[0]) * (temperature_degC - 25) +
           p_.hysteresis_scale * p_.half_hysteresis_V.at(x[0]) * x[4] + current * ohmic + charge_transfer + x[2] + x[3] +
           inaccessible;
  }

  [[nodiscard]] Vector derivative(const Vector& x, double current) const {
    const double soc_rate = current / (3600 * p_.capacity_Ah);
    const double entropic = p_.entropic_coefficient_V_per_K.at(x[0]);
    const double heat = current * (voltage(x, current) - p_.open_circuit_voltage_V.at(x[0]) - entropic * (x[5] - 25)) +
                        current * (x[5] + 273.15) * entropic;
    const double through = (x[5] - x[6]) / p_.core_to_surface_K_per_W;
    const double sign = current > 0 ? 1 : current < 0 ? -1 : 0;
    return {
        soc_rate,
        p_.diffusion_gain * soc_rate - x[1] / (p_.diffusion_time_constant_s * arrhenius(p_.diffusion_activation_J_per_mol, x[5])),
        pair(p_.fast_pair, x[2], x[5], current),
        pair(p_.slow_pair, x[3], x[5], current),
        p_.hysteresis_rate * std::abs(soc_rate) * (sign - x[4]),
        (heat - through) / p_.core_heat_capacity_J_per_K,
        (through - p_.surface_to_ambient_W_per_K * (x[6] - ambient_)) / p_.surface_heat_capacity_J_per_K};
  }

  static double pair(const RcPair& pair, double voltage, double temperature_degC, double current) {
    return (current * pair.resistance_ohm * arrhenius(pair.activation_J_per_mol, temperature_degC) - voltage) /
           pair.time_constant_s;
  }

  const CellParameters& p_;
  Vector x_;
  double ambient_;
};

}  // namespace cellrig::sim
