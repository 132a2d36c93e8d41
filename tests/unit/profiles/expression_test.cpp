#include "profiles/expression.hpp"

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

const SourcePlace here{"f.yaml", 5, 10};
const Names names{{"cell.voltage_max_V", 4.2},       {"cell.rated_capacity_Ah", 4.8}, {"cell.nominal_capacity_Ah", 5.0},
                  {"parameters.charge_rate_C", 2.0}, {"parameters.rest_min", 60.0},   {"parameters.charge_current_A", 1.5},
                  {"parameters.cycles", 3.0}};

double value(const std::string& text, Unit wanted = Unit::none) {
  return evaluate(parse_expression(text, here), names, wanted, "field");
}
std::string refusal(const std::string& text, Unit wanted = Unit::none) {
  return error_of([&] { (void)value(text, wanted); });
}

TEST(Expression, computes) {
  EXPECT_DOUBLE_EQ(value("1/3"), 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(value("2 + 3 * 4"), 14.0);
  EXPECT_DOUBLE_EQ(value("(2 + 3) * -4"), -20.0);
  EXPECT_DOUBLE_EQ(value("8 / 2 / 2"), 2.0);
  EXPECT_DOUBLE_EQ(value("1 - 2 - 3"), -4.0);
  EXPECT_DOUBLE_EQ(value("cell.voltage_max_V - 0.05", Unit::volt), 4.15);
  EXPECT_DOUBLE_EQ(value("0", Unit::volt), 0.0);
}

// The mistake this exists for: 4.2 A into a cell because two names were mixed up.
TEST(Expression, a_bare_name_must_carry_the_unit_of_the_field) {
  EXPECT_EQ(refusal("cell.voltage_max_V", Unit::amp), "f.yaml:5:10: 'field' is in A, 'cell.voltage_max_V' is in V");
  EXPECT_EQ(refusal("parameters.charge_rate_C", Unit::amp),
            "f.yaml:5:10: 'field' is in A, 'parameters.charge_rate_C' is in C, did you mean 'parameters.charge_current_A'?");
  EXPECT_THAT(refusal("cell.rated_capacity_Ah", Unit::amp),
              testing::StartsWith("f.yaml:5:10: 'field' is in A, 'cell.rated_capacity_Ah' is in Ah"));
  EXPECT_EQ(refusal("parameters.cycles", Unit::volt),
            "f.yaml:5:10: 'field' is in V, the name 'parameters.cycles' ends in no unit");
  EXPECT_EQ(refusal("parameters.rest_min"),
            "f.yaml:5:10: 'field' is a plain number, 'parameters.rest_min' is in min, did you mean 'parameters.cycles'?");
  EXPECT_EQ(refusal("cell.voltage_max_V + 1", Unit::amp), "f.yaml:5:10: 'field' is in A, 'cell.voltage_max_V + 1' is in V");
}

TEST(Expression, a_scaled_name_may_change_scale_but_not_dimension) {
  EXPECT_DOUBLE_EQ(value("cell.rated_capacity_Ah / 20", Unit::amp), 0.24);
  EXPECT_DOUBLE_EQ(value("parameters.rest_min * 60", Unit::second), 3600.0);
  EXPECT_DOUBLE_EQ(value("parameters.charge_rate_C * cell.nominal_capacity_Ah", Unit::amp), 10.0);
  EXPECT_DOUBLE_EQ(value("1.5 / parameters.charge_rate_C", Unit::hour), 0.75);
  EXPECT_THAT(refusal("2 * cell.voltage_max_V", Unit::amp), testing::HasSubstr("is in V"));
}

TEST(Expression, different_units_do_not_add) {
  EXPECT_EQ(refusal("cell.voltage_max_V + parameters.rest_min", Unit::volt), "f.yaml:5:29: cannot add or subtract V and min");
}

TEST(Expression, unknown_names_get_the_nearest) {
  EXPECT_EQ(refusal("cell.voltage_mx_V", Unit::volt),
            "f.yaml:5:10: unknown name 'cell.voltage_mx_V', did you mean 'cell.voltage_max_V'?");
  EXPECT_EQ(refusal("2 * charge_rate_C"), "f.yaml:5:14: 'charge_rate_C' must be written 'parameters.charge_rate_C'");
  EXPECT_EQ(refusal("voltage_max_V"), "f.yaml:5:10: 'voltage_max_V' must be written 'cell.voltage_max_V'");
  EXPECT_EQ(refusal("C/3"), "f.yaml:5:10: 'C/n' is not how a rate is written: the C is part of the key, write 1/n");
}

TEST(Expression, points_at_the_character_that_does_not_belong) {
  EXPECT_EQ(refusal("4,2"), "f.yaml:5:11: '4,2' is no number: the decimal point is '.', did you mean '4.2'?");
  EXPECT_EQ(refusal("4.2 V"),
            "f.yaml:5:14: unexpected 'V' after a value: a unit is part of the name before it, not of the value");
  EXPECT_EQ(refusal("(1 + 2"), "f.yaml:5:16: ')' is missing");
  EXPECT_EQ(refusal("1 +"), "f.yaml:5:13: the expression ends where a value should follow");
  EXPECT_EQ(refusal("1 ; 2"), "f.yaml:5:12: unexpected ';'");
  EXPECT_EQ(refusal(""), "f.yaml:5:10: expected a number or an expression, found nothing");
  EXPECT_EQ(refusal(".5"), "f.yaml:5:10: '.5' is no number, did you mean '0.5'?");
}

TEST(Expression, refuses_what_is_not_finite) {
  EXPECT_EQ(refusal("1 / 0"), "f.yaml:5:12: division by zero");
  EXPECT_EQ(refusal("1e300 * 1e300"), "f.yaml:5:10: 'field' comes out as no finite number");
  EXPECT_EQ(refusal("nan"), "f.yaml:5:10: 'nan' is refused: a number here must be finite");
  EXPECT_EQ(refusal("inf - inf"), "f.yaml:5:10: 'inf' is refused: a number here must be finite");
}

TEST(Expression, is_bounded) {
  EXPECT_THAT(refusal(std::string(50, '(') + "1" + std::string(50, ')')), testing::HasSubstr("nested deeper than 16 levels"));
  EXPECT_THAT(refusal(std::string(50, '-') + "1"), testing::HasSubstr("nested deeper than 16 levels"));
  EXPECT_THAT(refusal(std::string(300, '1')), testing::HasSubstr("longer than 200 characters"));
}

}  // namespace
}  // namespace cellrig::test
