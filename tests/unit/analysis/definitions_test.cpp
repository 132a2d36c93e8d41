#include "db/analysis/definitions.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace cellrig::db {
namespace {

// A value without its definition is not comparable.
TEST(Definitions, every_figure_has_one_and_says_its_unit) {
  std::set<std::int64_t> numbers;
  for (const Definition& d : definitions()) {
    EXPECT_TRUE(numbers.insert(static_cast<std::int64_t>(d.figure)).second) << d.name;
    EXPECT_FALSE(d.name.empty() || d.unit.empty() || d.text.empty()) << d.name;
    EXPECT_EQ(&definition_of(d.figure), &d);
    std::string suffix = "_" + std::string(d.unit);
    if (const std::size_t over = suffix.find('/'); over != std::string::npos) suffix.replace(over, 1, "_per_");
    EXPECT_TRUE(d.unit == "1" || d.unit == "cycle" || d.name.ends_with(suffix)) << d.name;
  }
  EXPECT_EQ(find_definition(std::int64_t{0}), nullptr);
  EXPECT_EQ(find_definition("no such figure"), nullptr);
  // The last of each group: an enumerator without a definition would be shown as another.
  for (const Figure last : {Figure::pressure_end_MPa, Figure::soft_short_score_of_all_signs, Figure::charge_window_time_s}) {
    EXPECT_EQ(definition_of(last).figure, last);
  }
  EXPECT_EQ(definitions().size(), 17U + 31U + 8U);
}

// The numbers stand in records: they never change.
TEST(Definitions, keep_their_numbers) {
  EXPECT_EQ(static_cast<int>(Figure::mean_voltage_V), 1);
  EXPECT_EQ(static_cast<int>(Figure::pressure_end_MPa), 16);
  EXPECT_EQ(static_cast<int>(Figure::coulombic_efficiency), 101);
  EXPECT_EQ(static_cast<int>(Figure::soft_short_score), 119);
  EXPECT_EQ(static_cast<int>(Figure::retention_of_first), 120);
  EXPECT_EQ(static_cast<int>(Figure::cycles_to_share_of_first_reference), 126);
  EXPECT_EQ(static_cast<int>(Figure::charge_overrun), 127);
  EXPECT_EQ(static_cast<int>(Figure::soft_short_score_of_all_signs), 131);
  EXPECT_EQ(static_cast<int>(Figure::retention_first), 201);
  EXPECT_EQ(static_cast<int>(Figure::equivalent_full_cycles_two_way), 205);
}

}  // namespace
}  // namespace cellrig::db
