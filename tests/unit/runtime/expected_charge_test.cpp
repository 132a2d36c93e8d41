// The cell that was meant has the charge that was meant: judged by its rested voltage and the table in its file.
#include "controller/runtime/expected_charge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "profiles/open_circuit.hpp"

namespace cellrig {
namespace {

using testing::HasSubstr;

const OpenCircuitTable straight{{3.0, 3.5, 4.0}};        // 10 mV a percent
const OpenCircuitTable flat{{3.0, 3.3, 3.3, 3.3, 3.6}};  // a plateau from 25 to 75 %
constexpr Accuracy exact{};

TEST(OpenCircuit, finds_the_state_of_charge_of_a_range_of_voltages) {
  const OpenCircuitTable::Range range = straight.charge_at(3.2, 3.7);
  EXPECT_NEAR(range.min_pct, 20.0, 1e-9);
  EXPECT_NEAR(range.max_pct, 70.0, 1e-9);
  EXPECT_LT(straight.charge_at(2.0, 2.9).max_pct, 0.0);
  EXPECT_GT(straight.charge_at(4.1, 4.2).min_pct, 100.0);
  EXPECT_EQ(straight.charge_at(2.9, 4.1).min_pct, 0.0);
  EXPECT_EQ(straight.charge_at(2.9, 4.1).max_pct, 100.0);
}

TEST(OpenCircuit, a_plateau_may_be_anywhere_on_it) {
  const OpenCircuitTable::Range range = flat.charge_at(3.3, 3.3);
  EXPECT_NEAR(range.min_pct, 25.0, 1e-9);
  EXPECT_NEAR(range.max_pct, 75.0, 1e-9);
}

TEST(OpenCircuit, reads_the_table_of_a_cell_file_and_knows_when_there_is_none) {
  const std::string with = "name: x\nmodel:\n  tables:\n    open_circuit_voltage_V: [3.0, 3.5, 4.0]\n";
  EXPECT_EQ(read_open_circuit_table(with, "cell.yaml")->voltage_V, straight.voltage_V);
  EXPECT_FALSE(read_open_circuit_table("name: x\n", "cell.yaml"));
  EXPECT_FALSE(read_open_circuit_table("name: x\nmodel: {tables: {}}\n", "cell.yaml"));
}

TEST(OpenCircuit, a_table_that_is_none_is_named_with_its_place) {
  const auto complaint = [](const std::string& list) -> std::string {
    try {
      (void)read_open_circuit_table("model: {tables: {open_circuit_voltage_V: " + list + "}}\n", "cell.yaml");
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_EQ(complaint("[3.0, 3.5, 3.4]"), "cell.yaml:1:53: open_circuit_voltage_V must rise from empty to full");
  EXPECT_THAT(complaint("[3.0]"), HasSubstr("at least two"));
  EXPECT_THAT(complaint("[3.0, x]"), HasSubstr("cell.yaml:1:"));
  EXPECT_THAT(complaint("[3.0, .nan]"), HasSubstr("cell.yaml:1:"));
  EXPECT_THAT(complaint("3.7"), HasSubstr("cell.yaml:1:"));
}

TEST(ExpectedCharge, is_a_range_or_a_number_with_five_percent_around_it) {
  const ExpectedCharge range = parse_expected_charge("40..60.5", straight);
  EXPECT_EQ(range.min_pct, 40.0);
  EXPECT_EQ(range.max_pct, 60.5);
  EXPECT_EQ(parse_expected_charge("50", straight).min_pct, 45.0);
  EXPECT_EQ(parse_expected_charge("50", straight).max_pct, 55.0);
  EXPECT_EQ(parse_expected_charge("0", straight).min_pct, 0.0);
  EXPECT_EQ(parse_expected_charge("100", straight).max_pct, 100.0);
}

TEST(ExpectedCharge, refuses_what_is_no_range) {
  for (const char* text :
       {"", "..", "40..", "..60", "60..40", "-1..10", "40..101", "nan", "nan..nan", "40-60", "40..60..80", "40 %"})
    EXPECT_THROW((void)parse_expected_charge(text, straight), ConfigError) << text;
}

TEST(ExpectedCharge, refuses_a_cell_of_another_charge_and_says_which) {
  const ExpectedCharge expected = parse_expected_charge("40..60", straight);
  EXPECT_TRUE(judge_charge(expected, 3.5, exact));
  EXPECT_TRUE(judge_charge(expected, 3.395, exact)) << "it may not have rested for hours";
  const Result<void> low = judge_charge(expected, 3.2, exact);
  ASSERT_FALSE(low);
  EXPECT_THAT(low.error().what, HasSubstr("3.200 V is a state of charge of 19 to 21 %, expected 40 to 60 %"));
  EXPECT_FALSE(judge_charge(expected, 3.8, exact));
  const Result<void> empty = judge_charge(expected, 2.5, exact);
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().what, HasSubstr("a state of charge below empty"));
  EXPECT_FALSE(judge_charge(expected, 4.3, exact));
  EXPECT_FALSE(judge_charge(expected, std::numeric_limits<double>::quiet_NaN(), exact));
}

// What the instrument may be wrong by is no fault of the cell.
TEST(ExpectedCharge, allows_for_the_accuracy_of_the_cycler) {
  const ExpectedCharge expected = parse_expected_charge("40..60", straight);
  EXPECT_FALSE(judge_charge(expected, 3.36, exact));
  EXPECT_TRUE(judge_charge(expected, 3.36, Accuracy{.offset = 0.032}));
}

}  // namespace
}  // namespace cellrig
