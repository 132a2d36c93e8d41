#include "db/analysis/life.hpp"

#include <algorithm>

namespace cellrig::db {

Figure figure_of(ReferenceKind kind) {
  switch (kind) {
    case ReferenceKind::first: return Figure::retention_first;
    case ReferenceKind::cycle: return Figure::retention_cycle;
    case ReferenceKind::median: return Figure::retention_median;
    case ReferenceKind::rated: return Figure::retention_rated;
  }
  return Figure::retention_first;
}

std::vector<CapacityPoint> capacities(std::span<const CycleRow> cycles, CapacitySource source) {
  std::vector<CapacityPoint> points;
  for (const CycleRow& cycle : cycles) {
    const bool is_asked = source == CapacitySource::every_cycle || cycle.is_reference;
    if (is_asked && cycle.discharge_Ah > 0) points.push_back({cycle.cycle, cycle.discharge_Ah});
  }
  return points;
}

std::optional<double> reference_capacity_Ah(std::span<const CapacityPoint> points, const LifeReference& reference) {
  if (reference.kind == ReferenceKind::rated) {
    return reference.rated_Ah > 0 ? std::optional<double>{reference.rated_Ah} : std::nullopt;
  }
  if (points.empty()) return std::nullopt;
  if (reference.kind == ReferenceKind::first) return points.front().capacity_Ah;
  if (reference.kind == ReferenceKind::cycle) {
    const auto found =
        std::find_if(points.begin(), points.end(), [&reference](const CapacityPoint& p) { return p.cycle == reference.number; });
    return found == points.end() ? std::nullopt : std::optional<double>{found->capacity_Ah};
  }
  std::vector<double> first;
  for (const CapacityPoint& point : points) {
    if (static_cast<std::int64_t>(first.size()) >= reference.number) break;
    first.push_back(point.capacity_Ah);
  }
  if (first.empty()) return std::nullopt;
  std::sort(first.begin(), first.end());
  const std::size_t middle = first.size() / 2;
  return first.size() % 2 == 1 ? first[middle] : 0.5 * (first[middle - 1] + first[middle]);
}

CyclesTo cycles_to(std::span<const CapacityPoint> points, double reference_Ah, double share) {
  CyclesTo out;
  const auto is_below = [&](std::size_t i) { return points[i].capacity_Ah < share * reference_Ah; };
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!is_below(i)) continue;
    if (!out.first_below) out.first_below = points[i].cycle;
    const int others = (i + 1 < points.size() && is_below(i + 1) ? 1 : 0) + (i + 2 < points.size() && is_below(i + 2) ? 1 : 0);
    if (others >= 1) {
      out.confirmed_of_three = points[i].cycle;
      return out;
    }
  }
  return out;
}

std::optional<EquivalentFullCycles> equivalent_full_cycles(const Sums& throughput, double nominal_Ah) {
  if (!(nominal_Ah > 0)) return std::nullopt;
  return EquivalentFullCycles{(throughput.charge_Ah + throughput.discharge_Ah) / (2 * nominal_Ah),
                              throughput.discharge_Ah / nominal_Ah};
}

}  // namespace cellrig::db
