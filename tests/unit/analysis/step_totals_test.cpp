#include "db/analysis/step_totals.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cellrig::db {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

struct Row {
  StepKey step;
  int at_s;
  double voltage_V, current_A;
  std::uint32_t flags = sample_flag::output_on;
  double cell_temperature_degC = unknown;
};

void put(SampleColumns& columns, const Row& row) {
  columns.step.push_back(row.step);
  columns.test_time_ns.push_back(row.at_s * second_ns);
  columns.flags.push_back(row.flags);
  columns.voltage_V.push_back(row.voltage_V);
  columns.current_A.push_back(row.current_A);
  columns.cell_temperature_degC.push_back(row.cell_temperature_degC);
}

StepInfo step_from(StepKey key, int started_s) {
  StepInfo info;
  info.row.step = key;
  info.row.started_test_time_ns = started_s * second_ns;
  return info;
}

/// In pages of this many rows: where a page ends must not matter.
std::map<StepKey, StepTotals> count(std::span<const StepInfo> steps, const std::vector<Row>& rows, std::size_t page_rows) {
  StepTotalsCounter counter(steps);
  SampleColumns page;
  for (const Row& row : rows) {
    put(page, row);
    if (page.step.size() < page_rows) continue;
    counter.add(page);
    page.clear();
  }
  counter.add(page);
  return counter.totals();
}

TEST(StepTotals, count_from_a_steps_first_row_to_its_last_however_the_pages_fall) {
  const std::vector<StepInfo> steps{step_from(1, 0), step_from(2, 3600)};
  const std::vector<Row> rows{
      {1, 0, 3.5, 2.0}, {1, 1800, 3.7, 2.0}, {1, 3600, 3.9, 1.0}, {2, 3601, 3.6, -1.0}, {2, 7201, 3.4, -1.0}};
  for (const std::size_t page_rows : {1U, 2U, 3U, 100U}) {
    const auto totals = count(steps, rows, page_rows);
    ASSERT_EQ(totals.size(), 2U);
    EXPECT_NEAR(totals.at(1).sums.charge_Ah, 1.0 + 0.75, 1e-12);
    // 3.5 to 3.7 V at 2 A; then V and I both run straight: the integral of their product.
    EXPECT_NEAR(totals.at(1).sums.charge_Wh, 3.6 + 0.5 * (3.7 * 2 + 4 * 3.8 * 1.5 + 3.9 * 1) / 6, 1e-12);
    EXPECT_EQ(totals.at(1).sums.discharge_Ah, 0);
    EXPECT_NEAR(totals.at(2).sums.discharge_Ah, 1.0, 1e-12);
    EXPECT_NEAR(totals.at(2).sums.discharge_Wh, 3.5, 1e-12);
    EXPECT_EQ(totals.at(2).sums.charge_Ah, 0) << "nothing is counted over the edge of a step";
  }
}

TEST(StepTotals, nothing_is_counted_into_a_row_after_a_gap_and_what_turns_round_is_split) {
  const std::vector<StepInfo> steps{step_from(1, 0)};
  const std::vector<Row> rows{{1, 0, 4.0, 1.0},
                              {1, 3600, 4.0, 1.0, sample_flag::output_on | sample_flag::after_gap},
                              {1, 7200, 4.0, -1.0},
                              {1, 7201, 4.0, unknown},  // passed over: straight from the row before it to the one behind it
                              {1, 10800, 4.0, -1.0}};
  for (const std::size_t page_rows : {1U, 2U, 100U}) {
    const StepTotals totals = count(steps, rows, page_rows).at(1);
    EXPECT_NEAR(totals.sums.charge_Ah, 0.25, 1e-12);
    EXPECT_NEAR(totals.sums.discharge_Ah, 0.25 + 1.0, 1e-12);
    EXPECT_NEAR(totals.sums.discharge_Wh, 5.0, 1e-12);
  }
}

TEST(StepTotals, tell_what_a_step_waited_and_how_warm_its_cell_was_while_it_did_not) {
  constexpr std::uint32_t waits = sample_flag::waiting | sample_flag::after_gap;
  const std::vector<StepInfo> steps{step_from(1, 10)};
  std::vector<Row> rows{{1, 20, 3.6, 0, waits, 60.0},
                        {1, 30, 3.6, 1.0, sample_flag::output_on | sample_flag::after_gap, 25.0},
                        {1, 40, unknown, 1.0, sample_flag::output_on, 31.0},
                        {1, 50, 3.6, 1.0, sample_flag::output_on, std::numeric_limits<double>::infinity()},
                        {1, 60, 3.6, 0, waits, 25.0}};
  for (const std::size_t page_rows : {1U, 2U, 100U}) {
    const StepTotals totals = count(steps, rows, page_rows).at(1);
    EXPECT_EQ(totals.waited_ns, 20 * second_ns) << "from the step's start to the first row with a current";
    EXPECT_EQ(totals.waits_since_ns, 50 * second_ns) << "it still waits, since its last row that did not";
    EXPECT_EQ(totals.cell_temperature_max_degC, 31.0);
    EXPECT_NEAR(totals.sums.charge_Ah, 20.0 / 3600, 1e-12);
  }
}

}  // namespace
}  // namespace cellrig::db
