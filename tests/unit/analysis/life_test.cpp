#include "db/analysis/life.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "db/analysis/life_meter.hpp"

namespace cellrig::db {
namespace {

std::vector<CycleRow> fading(int count, double first_Ah, double loss_Ah) {
  std::vector<CycleRow> cycles;
  for (int i = 1; i <= count; ++i) {
    CycleRow row;
    row.cycle = i;
    row.is_reference = i % 10 == 1;
    row.discharge_Ah = first_Ah - loss_Ah * (i - 1);
    row.charge_Ah = row.discharge_Ah + 0.01;
    cycles.push_back(row);
  }
  return cycles;
}

TEST(Retention, stands_against_the_reference_that_was_stated) {
  const auto cycles = fading(100, 5, 0.01);
  const auto points = capacities(cycles, CapacitySource::every_cycle);
  ASSERT_EQ(points.size(), 100U);
  EXPECT_DOUBLE_EQ(*reference_capacity_Ah(points, {}), 5.0);
  EXPECT_DOUBLE_EQ(*reference_capacity_Ah(points, {.kind = ReferenceKind::cycle, .number = 11}), 4.9);
  EXPECT_NEAR(*reference_capacity_Ah(points, {.kind = ReferenceKind::median, .number = 40}), 5 - 0.01 * 19.5, 1e-12);
  EXPECT_NEAR(*reference_capacity_Ah(points, {.kind = ReferenceKind::median, .number = 3}), 4.99, 1e-12);
  EXPECT_DOUBLE_EQ(*reference_capacity_Ah(points, {.kind = ReferenceKind::rated, .rated_Ah = 5.2}), 5.2);
  EXPECT_FALSE(reference_capacity_Ah(points, {.kind = ReferenceKind::cycle, .number = 101}));
  EXPECT_FALSE(reference_capacity_Ah(points, {.kind = ReferenceKind::rated}));
  EXPECT_FALSE(reference_capacity_Ah({}, {}));
}

TEST(Retention, of_reference_cycles_looks_at_nothing_else) {
  const auto points = capacities(fading(100, 5, 0.01), CapacitySource::reference_cycles);
  ASSERT_EQ(points.size(), 10U);
  EXPECT_EQ(points[1].cycle, 11);
}

TEST(CyclesTo, is_the_first_below_and_not_the_first_at) {
  const auto points = capacities(fading(100, 5, 0.0625), CapacitySource::every_cycle);  // exact in binary
  EXPECT_EQ(cycles_to(points, 5, 0.95).first_below, 6) << "cycle 5 stands at exactly 95 %";
  EXPECT_EQ(cycles_to(points, 5, 0.80).confirmed_of_three, 18);
  EXPECT_FALSE(cycles_to(points, 5, -2).first_below);
}

// A chamber that failed for one cycle is no end of life.
TEST(CyclesTo, one_odd_cycle_is_no_end_of_life) {
  auto cycles = fading(100, 5, 0.01);
  cycles[9].discharge_Ah = 3;
  const auto points = capacities(cycles, CapacitySource::every_cycle);
  const CyclesTo to = cycles_to(points, 5, 0.9);
  EXPECT_EQ(to.first_below, 10);
  EXPECT_EQ(to.confirmed_of_three, 52);
}

// As they end, or all at once: the same cycle.
TEST(LifeMeter, finds_the_cycle_that_reading_finds_in_whatever_order_capacities_fall) {
  std::uint64_t seed = 1;
  for (int life = 0; life < 2000; ++life) {
    std::vector<CycleRow> cycles;
    LifeMeter meter(5);
    std::map<double, double> live;
    for (int i = 1; i <= 12; ++i) {
      seed = seed * 6364136223846793005U + 1442695040888963407U;
      CycleRow row;
      row.cycle = i;
      row.discharge_Ah = (seed >> 60) == 0 ? 0 : 5 - 1.5 * static_cast<double>(seed >> 40) / static_cast<double>(1U << 24U);
      cycles.push_back(row);
      for (const Metric& metric : meter.end_cycle(row)) {
        if (metric.figure == Figure::cycles_to_share_of_first) {
          EXPECT_TRUE(live.emplace(metric.at, metric.value).second);
        }
      }
    }
    const auto points = capacities(cycles, CapacitySource::every_cycle);
    for (const double share : end_of_life_shares) {
      const CyclesTo read = cycles_to(points, *reference_capacity_Ah(points, {}), share);
      ASSERT_EQ(read.confirmed_of_three.has_value(), live.contains(share)) << life << " " << share;
      if (!read.confirmed_of_three) continue;
      ASSERT_EQ(static_cast<double>(*read.confirmed_of_three), live[share]) << life << " " << share;
    }
  }
}

TEST(LifeMeter, a_cycle_without_discharge_or_a_cell_without_capacity_gives_no_figure_of_it) {
  CycleRow row;
  row.charge_Ah = 2;
  const auto has = [](const std::vector<Metric>& metrics, Figure figure) {
    return std::any_of(metrics.begin(), metrics.end(), [figure](const Metric& m) { return m.figure == figure; });
  };
  LifeMeter meter(5);
  const std::vector<Metric> charged = meter.end_cycle(row);
  EXPECT_TRUE(has(charged, Figure::equivalent_full_cycles_two_way));
  EXPECT_FALSE(has(charged, Figure::retention_of_first));
  row.discharge_Ah = 4;
  const std::vector<Metric> unknown = LifeMeter(0).end_cycle(row);
  EXPECT_FALSE(has(unknown, Figure::equivalent_full_cycles_two_way));
  EXPECT_FALSE(has(unknown, Figure::retention_of_nominal));
  EXPECT_TRUE(has(unknown, Figure::retention_of_first));
  row.discharge_Ah = std::numeric_limits<double>::quiet_NaN();
  for (const Metric& metric : LifeMeter(5).end_cycle(row)) EXPECT_TRUE(std::isfinite(metric.value));
}

TEST(EquivalentFullCycles, names_both_definitions) {
  const auto efc = equivalent_full_cycles({.charge_Ah = 510, .discharge_Ah = 500}, 5);
  ASSERT_TRUE(efc);
  EXPECT_DOUBLE_EQ(efc->two_way, 101);
  EXPECT_DOUBLE_EQ(efc->discharge, 100);
  EXPECT_FALSE(equivalent_full_cycles({}, 0));
}

}  // namespace
}  // namespace cellrig::db
