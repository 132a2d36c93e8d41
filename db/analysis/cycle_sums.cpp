#include "db/analysis/cycle_sums.hpp"

#include <algorithm>
#include <cstddef>

namespace cellrig::db {

std::vector<CycleSums> sum_cycles(const SampleColumns& c) {
  std::vector<CycleSums> out;
  const std::size_t rows = c.test_time_ns.size();
  const bool is_table =
      c.voltage_V.size() == rows && c.current_A.size() == rows && c.cycle.size() == rows && c.starts_anew.size() == rows;
  if (!is_table) return out;
  constexpr double half_hours_per_ns = 0.5 / 3.6e12;
  for (std::size_t first = 0; first < rows;) {
    const std::int32_t cycle = c.cycle[first];
    const std::size_t end = static_cast<std::size_t>(
        std::upper_bound(c.cycle.begin() + static_cast<std::ptrdiff_t>(first), c.cycle.end(), cycle) - c.cycle.begin());
    Sums sums;
    double current_before = c.current_A[first], power_before = c.voltage_V[first] * current_before;
    for (std::size_t i = first + 1; i < end; ++i) {
      const double current = c.current_A[i], power = c.voltage_V[i] * current;
      // Weighted by 0 instead of jumped over: the loop has no branch that depends on the data.
      const double weight = c.starts_anew[i] != 0 ? 0.0 : half_hours_per_ns;
      const double half_hours = weight * static_cast<double>(c.test_time_ns[i] - c.test_time_ns[i - 1]);
      sums.charge_Ah += half_hours * (std::max(current, 0.0) + std::max(current_before, 0.0));
      sums.discharge_Ah += half_hours * (std::max(-current, 0.0) + std::max(-current_before, 0.0));
      sums.charge_Wh += half_hours * (std::max(power, 0.0) + std::max(power_before, 0.0));
      sums.discharge_Wh += half_hours * (std::max(-power, 0.0) + std::max(-power_before, 0.0));
      current_before = current;
      power_before = power;
    }
    out.push_back({cycle, sums});
    first = end;
  }
  return out;
}

}  // namespace cellrig::db
