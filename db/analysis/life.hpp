// How a cell lasts: retention against a stated reference, equivalent full cycles, cycles to a share of it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "db/analysis/definitions.hpp"
#include "db/record.hpp"

namespace cellrig::db {

inline constexpr std::array<double, 3> end_of_life_shares{0.95, 0.90, 0.80};

enum class ReferenceKind : std::uint8_t {
  first,   ///< the run's first capacity
  cycle,   ///< that of a cycle by number
  median,  ///< the median of the first n (BEEP: 40)
  rated,   ///< a stated capacity: the nominal one, or a maker's
};
struct LifeReference {
  ReferenceKind kind = ReferenceKind::first;
  std::int64_t number = 0;  ///< of the cycle, or how many
  double rated_Ah = 0;
};
[[nodiscard]] Figure figure_of(ReferenceKind kind);

/// Which capacity a cycle shows.
enum class CapacitySource : std::uint8_t {
  every_cycle,      ///< discharge of every cycle that has any
  reference_cycles  ///< discharge of reference cycles only
};

struct CapacityPoint {
  std::int64_t cycle = 0;
  double capacity_Ah = 0;
};
[[nodiscard]] std::vector<CapacityPoint> capacities(std::span<const CycleRow> cycles, CapacitySource source);

/// None: there is no such cycle, or none at all.
[[nodiscard]] std::optional<double> reference_capacity_Ah(std::span<const CapacityPoint> points, const LifeReference& reference);

/// The first cycle below `share` of the reference. `confirmed_of_three`: the first of three consecutive points of which two are below: one
/// odd cycle is no end of life. None: it was not reached.
struct CyclesTo {
  std::optional<std::int64_t> first_below;
  std::optional<std::int64_t> confirmed_of_three;
};
[[nodiscard]] CyclesTo cycles_to(std::span<const CapacityPoint> points, double reference_Ah, double share);

/// Both definitions, because they differ by a factor of two only when charge equals discharge.
struct EquivalentFullCycles {
  double two_way = 0;    ///< (charge + discharge) / (2 x nominal)
  double discharge = 0;  ///< discharge / nominal
};
[[nodiscard]] std::optional<EquivalentFullCycles> equivalent_full_cycles(const Sums& throughput, double nominal_Ah);

}  // namespace cellrig::db
