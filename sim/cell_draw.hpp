// How one cell of a lot differs from the next.
#pragma once

#include <cstdint>

#include "sim/physics/life_parameters.hpp"
#include "sim/random.hpp"

namespace cellrig::sim {

/// Factors on the numbers of the cell file.
struct CellDraw {
  double capacity = 1.0;
  double resistance = 1.0;
  double lifetime = 1.0;
};

/// Standard normal, of twelve uniform draws: within +/-6, the same on every machine.
[[nodiscard]] inline double draw_normal(Random& random) {
  double sum = -6.0;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

/// The same seed draws the same cell. Without a spread every cell is like its file.
[[nodiscard]] inline CellDraw draw_cell(const LifeParameters& life, std::uint64_t seed) {
  if (!life.spread) return {};
  Random random{seed};
  CellDraw draw;
  draw.capacity += life.spread->capacity * draw_normal(random);
  draw.resistance += life.spread->resistance * draw_normal(random);
  draw.lifetime += life.spread->lifetime * draw_normal(random);
  return draw;
}

}  // namespace cellrig::sim
