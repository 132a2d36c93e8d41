#include "db/analysis/life_meter.hpp"

#include <cmath>
#include <cstddef>

namespace cellrig::db {

std::array<std::optional<std::int64_t>, end_of_life_shares.size()> LifeMeter::Series::add(std::int64_t cycle,
                                                                                          double capacity_Ah) {
  std::array<std::optional<std::int64_t>, end_of_life_shares.size()> reached;
  if (!first_Ah) first_Ah = capacity_Ah;
  for (std::size_t i = 0; i < end_of_life_shares.size(); ++i) {
    const double end_Ah = end_of_life_shares[i] * *first_Ah;
    if (is_reached[i] || !(capacity_Ah < end_Ah)) continue;
    // Of three in a row two are below: this one, and the earlier of the two before it that is.
    for (const std::optional<Point>& earlier : {before[1], before[0]}) {
      if (reached[i] || !earlier || !(earlier->capacity_Ah < end_Ah)) continue;
      reached[i] = earlier->cycle;
      is_reached[i] = true;
    }
  }
  before = {Point{cycle, capacity_Ah}, before[0]};
  return reached;
}

void LifeMeter::add_to(Series& series, const SeriesFigures& figures, const CycleRow& cycle, std::vector<Metric>& out) {
  const auto reached = series.add(cycle.cycle, cycle.discharge_Ah);
  out.push_back({figures.retention, 0, cycle.discharge_Ah / *series.first_Ah});
  out.push_back({figures.reference, 0, *series.first_Ah});
  for (std::size_t i = 0; i < end_of_life_shares.size(); ++i) {
    if (reached[i]) out.push_back({figures.cycles_to_share, end_of_life_shares[i], static_cast<double>(*reached[i])});
  }
}

std::vector<Metric> LifeMeter::end_cycle(const CycleRow& cycle) {
  std::vector<Metric> out;
  throughput_.charge_Ah += cycle.charge_Ah;
  throughput_.discharge_Ah += cycle.discharge_Ah;
  const std::optional<EquivalentFullCycles> full = equivalent_full_cycles(throughput_, nominal_Ah_);
  if (full && std::isfinite(full->two_way)) {
    out.push_back({Figure::equivalent_full_cycles_two_way, 0, full->two_way});
    out.push_back({Figure::equivalent_full_cycles_discharge, 0, full->discharge});
  }
  if (!(cycle.discharge_Ah > 0) || !std::isfinite(cycle.discharge_Ah)) return out;
  if (nominal_Ah_ > 0) out.push_back({Figure::retention_of_nominal, 0, cycle.discharge_Ah / nominal_Ah_});
  add_to(every_cycle_, {Figure::retention_of_first, Figure::first_capacity_Ah, Figure::cycles_to_share_of_first}, cycle, out);
  if (!cycle.is_reference) return out;
  add_to(reference_cycles_,
         {Figure::retention_of_first_reference, Figure::first_reference_capacity_Ah, Figure::cycles_to_share_of_first_reference},
         cycle, out);
  return out;
}

}  // namespace cellrig::db
