#include "profiles/cell.hpp"

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

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

// The class decides which claims a cell can make: a word outside the draft standard must not slip in.
TEST(CellFile, classification_takes_the_words_of_the_draft_standard_only) {
  const std::string present = "classification: {electrolyte_class: liquid}";
  EXPECT_EQ(refusal(present, "classification: {electrolyte_class: liquit}"),
            "cell.yaml:4:37: unknown electrolyte_class 'liquit', did you mean 'liquid'?");
  EXPECT_THAT(refusal(present, "classification: {electrolyte_class: semi-solid}"),
              testing::HasSubstr("cell.yaml:4:37: unknown electrolyte_class 'semi-solid'"));
  EXPECT_THAT(refusal(present, "classification: {electrolyte_clas: solid}"),
              testing::HasSubstr("did you mean 'electrolyte_class'?"));
  EXPECT_THAT(refusal(present, "classification: {electrolyte_class: solid, electrolyte_family: sulphide}"),
              testing::HasSubstr("did you mean 'sulfide'?"));
  EXPECT_THAT(refusal(present, "classification: {electrolyte_class: solid, mass_loss_pct: 0.4}"),
              testing::HasSubstr("'mass_loss_pct' and 'mass_loss_method' belong together"));
  EXPECT_THAT(refusal(present, "classification: {electrolyte_class: solid, mass_loss_pct: 140, mass_loss_method: none}"),
              testing::HasSubstr("'mass_loss_pct' is a percentage, found 140"));
  const Cell cell = read_cell(replaced(cell_text, present,
                                       "classification: {electrolyte_class: solid, electrolyte_family: sulfide, mass_loss_pct: "
                                       "0.4, mass_loss_method: vacuum}"),
                              "cell.yaml");
  EXPECT_EQ(cell.classification.at("electrolyte_family"), "sulfide");
  EXPECT_EQ(cell.classification.at("mass_loss_pct"), "0.4");
}

TEST(CellFile, dimensions_give_the_volume) {
  const std::string present = "mass_kg: 0.07\n";
  const auto volume = [&](const std::string& dimensions) {
    return read_cell(replaced(cell_text, present, present + "dimensions: " + dimensions + "\n"), "cell.yaml")
        .names.at("cell.volume_L");
  };
  EXPECT_NEAR(volume("{length_mm: 200, width_mm: 100, thickness_mm: 5}"), 0.1, 1e-12);
  EXPECT_NEAR(volume("{length_mm: 70, diameter_mm: 21}"), 0.024245, 1e-6);
  EXPECT_THAT(refusal(present, present + "dimensions: {length_mm: 70, diameter_mm: 21, width_mm: 3}\n"),
              testing::HasSubstr("a round cell has no 'width_mm'"));
  EXPECT_THAT(refusal(present, present + "dimensions: {length_mm: 70, width_mm: 21}\n"), testing::HasSubstr("'thickness_mm'"));
}

TEST(CellFile, rates_by_temperature_are_linear_between_their_points) {
  const std::string rates =
      "limits:\n  charge_rate_by_temperature: [{temperature_degC: 0, rate_C: 0.5}, {temperature_degC: 20, rate_C: 1.5}]\n";
  const Cell cell = read_cell(replaced(cell_text, "limits:\n", rates), "cell.yaml");
  const CurrentByTemperature& charge = cell.limits.charge_current_by_temperature;  // 5 Ah, and 5 % for the supervisor
  EXPECT_DOUBLE_EQ(charge.at(Celsius{-20.0}).value(), 0.5 * 5 * 1.05);
  EXPECT_DOUBLE_EQ(charge.at(Celsius{10.0}).value(), 1.0 * 5 * 1.05);
  EXPECT_DOUBLE_EQ(charge.at(Celsius{40.0}).value(), 1.5 * 5 * 1.05);
  EXPECT_TRUE(cell.limits.discharge_current_by_temperature.empty()) << "no points: the greatest rate";
  EXPECT_THAT(refusal("limits:\n", "limits:\n  charge_rate_by_temperature: [{temperature_degC: 0, rate_C: 2.5}]\n"),
              testing::HasSubstr("from 0 to the greatest rate, 2"));
  EXPECT_THAT(
      refusal("limits:\n",
              "limits:\n  charge_rate_by_temperature: [{temperature_degC: 9, rate_C: 1}, {temperature_degC: 9, rate_C: 2}]\n"),
      testing::HasSubstr("must rise"));
  std::string many;
  for (int i = 0; i < 13; ++i) many += "{temperature_degC: " + std::to_string(i) + ", rate_C: 1}, ";
  EXPECT_THAT(refusal("limits:\n", "limits:\n  charge_rate_by_temperature: [" + many + "]\n"),
              testing::HasSubstr("'charge_rate_by_temperature' has at most 12 points"));
  EXPECT_THAT(refusal("limits:\n", "limits:\n  charge_rate_by_temperature: [{temperature: 9, rate_C: 1}]\n"),
              testing::HasSubstr("did you mean 'temperature_degC'?"));
}

TEST(CellFile, what_a_pulse_must_show_has_defaults_and_bounds) {
  const auto with = [](const std::string& pulse) {
    return replaced(cell_text, "limits:\n", "pulse_resistance: " + pulse + "\nlimits:\n");
  };
  EXPECT_FALSE(test_cell().pulse_resistance);
  const Cell cell = read_cell(with("{min_mohm: 20, max_mohm: 60}"), "cell.yaml");
  ASSERT_TRUE(cell.pulse_resistance);
  EXPECT_DOUBLE_EQ(cell.pulse_resistance->least.value(), 0.020);
  EXPECT_DOUBLE_EQ(cell.pulse_resistance->most.value(), 0.060);
  EXPECT_EQ(cell.pulse_resistance->lasts, std::chrono::seconds{1});
  EXPECT_EQ(cell.pulse_resistance->voltage_max, cell.voltage_max);
  EXPECT_DOUBLE_EQ(cell.pulse_resistance->rest_voltage_min.value(),
                   0.6 * cell.voltage_min.value() + 0.4 * cell.voltage_max.value());
  const auto refused = [&](const std::string& pulse) { return error_of([&] { (void)read_cell(with(pulse), "cell.yaml"); }); };
  EXPECT_THAT(refused("{min_mohm: 20}"), testing::HasSubstr("'max_mohm'"));
  EXPECT_THAT(refused("{min_mohm: 60, max_mohm: 20}"), testing::HasSubstr("is more than 'min_mohm'"));
  EXPECT_THAT(refused("{min_mohm: -1, max_mohm: 20}"), testing::HasSubstr("is more than 'min_mohm'"));
  EXPECT_THAT(refused("{min_mohm: 20, max_mohm: .nan}"), testing::HasSubstr("must be finite"));
  EXPECT_THAT(refused("{min_mohm: 20, max_mohm: 60, rate_C: 9}"), testing::HasSubstr("the cell's limits in both directions"));
  EXPECT_THAT(refused("{min_mohm: 20, max_mohm: 60, for_s: 60}"), testing::HasSubstr("it is a short pulse"));
  EXPECT_THAT(refused("{min_mohm: 20, max_mohm: 60, temperature_min_degC: 40}"), testing::HasSubstr("'temperature_max_degC'"));
  EXPECT_THAT(refused("{min_mohm: 20, max_mohm: 60, voltage_min_V: 4.9}"), testing::HasSubstr("lies within the cell's window"));
  EXPECT_THAT(refused("{min_mohm: 20, max_mohms: 60}"), testing::HasSubstr("did you mean 'max_mohm'?"));
}

TEST(CellFile, mistakes_are_placed) {
  EXPECT_EQ(refusal("charge_rate_max_C", "charge_rate_C"),
            "cell.yaml:12:3: unknown key 'charge_rate_C' in limits, did you mean 'charge_rate_max_C'?");
  EXPECT_THAT(refusal("rated_capacity_Ah: 4.8\n", ""), testing::HasSubstr("a cell needs 'rated_capacity_Ah'"));
  EXPECT_THAT(refusal("mass_kg: 0.07", "mass_kg: 70 g"), testing::HasSubstr("cell.yaml:7:10: '70 g' is no number"));
}

}  // namespace
}  // namespace cellrig::test
