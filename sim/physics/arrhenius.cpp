#include "sim/physics/arrhenius.hpp"

#include <cmath>

namespace cellrig::sim {

ArrheniusTable::ArrheniusTable(const std::array<double, activated_count>& activation_J_per_mol) {
  for (std::size_t i = 0; i < activated_count; ++i) energy_over_R_[i] = activation_J_per_mol[i] / gas_constant_J_per_mol_K;
  const auto row_count = static_cast<std::size_t>((temperature_max_degC - temperature_min_degC) * points_per_K) + 1;
  rows_.reserve(row_count);
  for (std::size_t index = 0; index < row_count; ++index) {
    const double temperature_K = temperature_min_degC + static_cast<double>(index) / points_per_K + zero_celsius_K;
    Row row{1.0 / temperature_K, {}};
    for (std::size_t i = 0; i < activated_count; ++i) {
      row.factors[i] = std::exp(energy_over_R_[i] * (row.inverse_temperature - 1.0 / reference_temperature_K));
    }
    rows_.push_back(row);
  }
}

}  // namespace cellrig::sim
