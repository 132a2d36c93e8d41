#include "sim/physics/ocv_table.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace cellrig::sim {

OcvTable::OcvTable(std::span<const double> values) {
  if (values.size() != points) {
    throw std::invalid_argument("a table over the state of charge needs 101 values, got " + std::to_string(values.size()));
  }
  if (!std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); })) {
    throw std::invalid_argument("a table over the state of charge holds a value that is not finite");
  }
  std::copy(values.begin(), values.end(), values_.begin());
}

}  // namespace cellrig::sim
