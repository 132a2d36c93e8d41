#include "profiles/condition_text.hpp"

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

const SourcePlace here{"f.yaml", 2, 10};

std::string refusal(const std::string& text) {
  return error_of([&] { (void)parse_condition(text, here); });
}

TEST(Condition, reads_quantity_comparison_value_and_duration) {
  const ConditionSpec condition = parse_condition("current_A <= cell.rated_capacity_Ah / 20 for 5 s", here);
  EXPECT_EQ(condition.quantity, ConditionQuantity::current_A);
  EXPECT_EQ(condition.comparison, Comparison::at_most);
  EXPECT_EQ(condition.value.text, "cell.rated_capacity_Ah / 20");
  EXPECT_EQ(to_string(condition.value.place), "f.yaml:2:23");
  ASSERT_TRUE(condition.hold);
  EXPECT_EQ(condition.hold->text, "5");
  EXPECT_EQ(condition.hold_unit, Unit::second);
}

TEST(Condition, needs_no_blanks) {
  const ConditionSpec condition = parse_condition("voltage_V>=4.2", here);
  EXPECT_EQ(condition.comparison, Comparison::at_least);
  EXPECT_FALSE(condition.hold);
}

// "before" contains "for": only the word counts.
TEST(Condition, finds_the_word_for_and_not_the_letters) {
  const ConditionSpec condition = parse_condition("voltage_V >= parameters.before_V for parameters.hold_min min", here);
  EXPECT_EQ(condition.value.text, "parameters.before_V");
  EXPECT_EQ(condition.hold->text, "parameters.hold_min");
  EXPECT_EQ(condition.hold_unit, Unit::minute);
}

TEST(Condition, unknown_quantities_and_wrong_units_get_the_nearest_word) {
  EXPECT_EQ(refusal("voltge_V >= 4.2"), "f.yaml:2:10: unknown quantity 'voltge_V', did you mean 'voltage_V'?");
  EXPECT_EQ(refusal("voltage_mV >= 4200"), "f.yaml:2:10: unknown quantity 'voltage_mV', did you mean 'voltage_V'?");
  EXPECT_EQ(refusal("cell_temperature_K >= 300"),
            "f.yaml:2:10: unknown quantity 'cell_temperature_K', did you mean 'cell_temperature_degC'?");
  EXPECT_EQ(refusal("retention_pct < 80"),
            "f.yaml:2:10: 'retention_pct' is known after a step, not during it: use it in stop_if or require, or write "
            "'results.retention_pct'");
}

TEST(Condition, wrong_comparisons) {
  EXPECT_EQ(refusal("voltage_V => 4.2"), "f.yaml:2:20: '=>' is no comparison, did you mean '>='?");
  EXPECT_EQ(refusal("voltage_V == 4.2"),
            "f.yaml:2:20: '==' is no comparison: a measured value never equals exactly, use >=, <=, > or <");
  EXPECT_EQ(refusal("voltage_V 4.2"), "f.yaml:2:20: 'voltage_V' must be followed by >=, <=, > or <");
  EXPECT_EQ(refusal("4.2"), "f.yaml:2:10: expected a condition like 'voltage_V >= 4.2'");
}

TEST(Condition, wrong_durations) {
  EXPECT_EQ(refusal("voltage_V >= 4.2 for 5 minutes"), "f.yaml:2:33: unknown unit 'minutes' after 'for', did you mean 'min'?");
  EXPECT_EQ(refusal("voltage_V >= 4.2 for 5 sec"), "f.yaml:2:33: unknown unit 'sec' after 'for', did you mean 's'?");
  EXPECT_THAT(refusal("voltage_V >= 4.2 for 5"), testing::HasSubstr("'for' needs a duration like '5 s', '10 min' or '1 h'"));
  EXPECT_EQ(refusal("voltage_V >= 4.2 for s"), "f.yaml:2:31: 'for' needs a number before its unit");
}

TEST(Condition, wrong_values_are_found_where_they_stand) {
  EXPECT_EQ(refusal("voltage_V >= 4,2"), "f.yaml:2:24: '4,2' is no number: the decimal point is '.', did you mean '4.2'?");
  EXPECT_EQ(refusal("voltage_V >= 4.2 V"),
            "f.yaml:2:27: unexpected 'V' after a value: a unit is part of the name before it, not of the value");
  EXPECT_EQ(refusal("voltage_V >="), "f.yaml:2:22: expected a number or an expression, found nothing");
}

TEST(ResultCondition, reads_and_refuses) {
  const ResultConditionSpec condition = parse_result_condition("retention_pct < 80", here);
  EXPECT_EQ(condition.quantity, ResultQuantity::retention_pct);
  EXPECT_EQ(condition.comparison, Comparison::below);
  EXPECT_EQ(error_of([] { (void)parse_result_condition("retension_pct < 80", here); }),
            "f.yaml:2:10: unknown result 'retension_pct', did you mean 'retention_pct'?");
}

}  // namespace
}  // namespace cellrig::test
