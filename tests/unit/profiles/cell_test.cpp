#include "profiles/cell.hpp"

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string refusal(const std::string& from, const std::string& to) {
  return error_of([&] { (void)read_cell(replaced(cell_text, from, to), "cell.yaml"); });
}

TEST(CellFile, limits_lie_outside_the_window_by_the_stated_margins) {
  const Cell cell = test_cell();
  EXPECT_DOUBLE_EQ(cell.limits.voltage_max.value(), 4.22);
  EXPECT_DOUBLE_EQ(cell.limits.voltage_min.value(), 2.48);
  EXPECT_DOUBLE_EQ(cell.limits.charge_current_max.value(), 10.5);
  EXPECT_DOUBLE_EQ(cell.limits.discharge_current_max.value(), 15.75);
  EXPECT_DOUBLE_EQ(cell.limits.charge_capacity_max.value(), 4.8 * 1.2);
  EXPECT_EQ(cell.classification.at("electrolyte_class"), "liquid");
  EXPECT_EQ(cell.names.at("cell.charge_rate_max_C"), 2.0);
  EXPECT_EQ(cell.names.at("cell.voltage_max_V"), 4.2);  // the cell's, not the supervisor's
}

TEST(CellFile, safety_limits_may_be_stated) {
  const Cell cell =
      read_cell(replaced(cell_text, "limits:\n", "limits:\n  voltage_max_V: 4.25\n  charge_capacity_max_Ah: 5.5\n"), "cell.yaml");
  EXPECT_DOUBLE_EQ(cell.limits.voltage_max.value(), 4.25);
  EXPECT_DOUBLE_EQ(cell.limits.charge_capacity_max.value(), 5.5);
}

TEST(CellFile, what_does_not_nest_is_refused) {
  EXPECT_EQ(refusal("limits:\n", "limits:\n  voltage_max_V: 4.1\n"),
            "cell.yaml:12:18: 'limits.voltage_max_V' = 4.1 must be above 'voltage_max_V' = 4.2");
  EXPECT_EQ(refusal("voltage_max_V: 4.2", "voltage_max_V: 2.4"),
            "cell.yaml:10:16: 'voltage_max_V' = 2.4 must be above 'voltage_min_V' = 2.5");
  EXPECT_EQ(refusal("nominal_capacity_Ah: 5.0", "nominal_capacity_Ah: 0"),
            "cell.yaml:5:22: 'nominal_capacity_Ah' must be above zero, found 0");
}

TEST(CellFile, mistakes_are_placed) {
  EXPECT_EQ(refusal("charge_rate_max_C", "charge_rate_C"),
            "cell.yaml:12:3: unknown key 'charge_rate_C' in limits, did you mean 'charge_rate_max_C'?");
  EXPECT_THAT(refusal("rated_capacity_Ah: 4.8\n", ""), testing::HasSubstr("a cell needs 'rated_capacity_Ah'"));
  EXPECT_THAT(refusal("mass_kg: 0.07", "mass_kg: 70 g"), testing::HasSubstr("cell.yaml:7:10: '70 g' is no number"));
}

}  // namespace
}  // namespace cellrig::test
