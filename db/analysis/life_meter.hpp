// How a cell lasts, cycle by cycle as they end: what is stored with each of them. Against other references, life.hpp computes it on reading.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "db/analysis/definitions.hpp"
#include "db/analysis/life.hpp"
#include "db/record.hpp"

namespace cellrig::db {

/// One run, whatever its length. Cycles come once each, in their order. What each figure is, its Definition says.
class LifeMeter {
 public:
  explicit LifeMeter(double nominal_capacity_Ah) : nominal_Ah_(nominal_capacity_Ah) {}

  [[nodiscard]] std::vector<Metric> end_cycle(const CycleRow& cycle);

 private:
  /// Capacities against the first of them.
  struct Series {
    struct Point {
      std::int64_t cycle = 0;
      double capacity_Ah = 0;
    };
    std::optional<double> first_Ah;
    std::array<std::optional<Point>, 2> before;  ///< the two before this one, the nearer first
    std::array<bool, end_of_life_shares.size()> is_reached{};

    /// The cycle from which on it was below, for each share that this capacity shows to be reached.
    std::array<std::optional<std::int64_t>, end_of_life_shares.size()> add(std::int64_t cycle, double capacity_Ah);
  };
  struct SeriesFigures {
    Figure retention, reference, cycles_to_share;
  };
  static void add_to(Series& series, const SeriesFigures& figures, const CycleRow& cycle, std::vector<Metric>& out);

  double nominal_Ah_ = 0;
  Sums throughput_;
  Series every_cycle_, reference_cycles_;
};

}  // namespace cellrig::db
