#include "db/analysis/life.hpp"

#include <gtest/gtest.h>

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

TEST(EquivalentFullCycles, names_both_definitions) {
  const auto efc = equivalent_full_cycles({.charge_Ah = 510, .discharge_Ah = 500}, 5);
  ASSERT_TRUE(efc);
  EXPECT_DOUBLE_EQ(efc->two_way, 101);
  EXPECT_DOUBLE_EQ(efc->discharge, 100);
  EXPECT_FALSE(equivalent_full_cycles({}, 0));
}

}  // namespace
}  // namespace cellrig::db
