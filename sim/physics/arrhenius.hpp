// Arrhenius factors of one cell as a pure function of temperature, without an exponential per factor and step.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace cellrig::sim {

inline constexpr double gas_constant_J_per_mol_K = 8.314462618;
inline constexpr double faraday_C_per_mol = 96485.33212;
inline constexpr double zero_celsius_K = 273.15;
inline constexpr double reference_temperature_K = 298.15;
inline constexpr double seconds_per_hour = 3600.0;

enum class Activated : unsigned char { electrolyte, charge_transfer, fast_pair, slow_pair, diffusion, inaccessible };
inline constexpr std::size_t activated_count = 6;

/// a(E, T) = exp(E/R (1/T - 1/298.15 K)): greater than 1 when cold.
struct ArrheniusFactors {
  std::array<double, activated_count> values{};
  [[nodiscard]] double operator[](Activated what) const { return values[static_cast<std::size_t>(what)]; }
};

/// The factor is exact on a grid of 0.5 K and continued from the nearest grid point by a quartic: relative error below
/// 2e-9 for E <= 80 kJ/mol above -40 degC. A table rather than a cache of the last value, so that the result depends on the
/// temperature alone and a step integrated twice from the same state gives the same bits.
class ArrheniusTable {
 public:
  /// Beyond these the factors stay at their value there: the model says nothing outside, and stays finite.
  static constexpr double temperature_min_degC = -60.0;
  static constexpr double temperature_max_degC = 150.0;

  explicit ArrheniusTable(const std::array<double, activated_count>& activation_J_per_mol);

  [[nodiscard]] ArrheniusFactors at(double temperature_degC) const {
    const double bounded = temperature_degC < temperature_min_degC   ? temperature_min_degC
                           : temperature_degC > temperature_max_degC ? temperature_max_degC
                                                                     : temperature_degC;
    const double position = (bounded - temperature_min_degC) * points_per_K + 0.5;
    const Row& row = rows_[position > 0 ? static_cast<std::size_t>(position) : 0];
    const double distance = 1.0 / (bounded + zero_celsius_K) - row.inverse_temperature;
    ArrheniusFactors factors;
    for (std::size_t i = 0; i < activated_count; ++i) {
      const double x = energy_over_R_[i] * distance;
      factors.values[i] = row.factors[i] * (1.0 + x * (1.0 + x * (1.0 / 2 + x * (1.0 / 6 + x * (1.0 / 24)))));
    }
    return factors;
  }

 private:
  static constexpr double points_per_K = 2.0;
  struct Row {
    double inverse_temperature;
    std::array<double, activated_count> factors;
  };
  std::array<double, activated_count> energy_over_R_;
  std::vector<Row> rows_;
};

}  // namespace cellrig::sim
