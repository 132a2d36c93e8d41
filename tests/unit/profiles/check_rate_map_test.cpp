// A step is held against what the cell takes at the temperature that the profile gives it.
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

/// 5 Ah: 2.5 A at 0 degC, 10 A from 20 degC on when charged; 5 A at -20 degC and 15 A from 20 degC on when discharged.
const std::string rates =
    "  charge_rate_by_temperature: [{temperature_degC: 0, rate_C: 0.5}, {temperature_degC: 20, rate_C: 2}]\n"
    "  discharge_rate_by_temperature: [{temperature_degC: -20, rate_C: 1}, {temperature_degC: 20, rate_C: 3}]\n";

std::string found(const std::string& steps, const CheckContext& context = {}) {
  return findings_of(compile(read_profile(profile_text(steps), "p.yaml"), cell_with_rates(rates)), context);
}

std::string charge_at(const std::string& temperature, const std::string& current) {
  return "  - cc_charge: {current_A: " + current + ", temperature_degC: " + temperature +
         ", until: voltage_V >= 4.2, at_most_h: 9}\n";
}
std::string discharge_at(const std::string& temperature, const std::string& current) {
  return "  - cc_discharge: {current_A: " + current + ", temperature_degC: " + temperature +
         ", until: voltage_V <= 2.5, at_most_h: 9}\n";
}

CheckContext bench(double chamber_error_K, double logger_error_K) {
  CyclerCapabilities cycler;
  cycler.model = "good";
  cycler.voltage_max = Volts{10.0};
  cycler.charge_current_max = cycler.discharge_current_max = Amps{20.0};
  cycler.power_max = Watts{200.0};
  cycler.over_voltage_protection_max = Volts{11.0};
  return {"", cycler, ChamberCapabilities{"chamber", Celsius{-40.0}, Celsius{100.0}, Accuracy{0.0, chamber_error_K}},
          LoggerCapabilities{"logger", Celsius{-100.0}, Celsius{200.0}, Accuracy{0.0, logger_error_K}, 8, 4}};
}

TEST(CheckRateMap, refuses_a_charge_beyond_the_cell_at_the_temperature_of_the_step) {
  EXPECT_EQ(found(charge_at("10", "6.25")), "");
  EXPECT_EQ(
      found(charge_at("10", "6.26")),
      "p.yaml:4: error: cc_charge: 6.26 A (1.252 C) is more than the cell may be charged with at 10 degC, 6.25 A (1.25 C)\n");
  EXPECT_EQ(found(charge_at("30", "9")), "") << "above the last point its value holds";
}

TEST(CheckRateMap, the_place_of_the_step_comes_with_the_refusal) {
  const Program program = compile(read_profile(profile_text(charge_at("0", "3")), "p.yaml"), cell_with_rates(rates));
  const std::vector<Finding> findings = check(program, CheckContext{.file = "p.yaml"});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(to_string(findings.front()), HasSubstr("p.yaml:4:5: error: cc_charge: 3 A (0.6 C) is more than the cell"));
}

TEST(CheckRateMap, refuses_a_discharge_in_the_cold_and_allows_it_warm) {
  EXPECT_EQ(found(discharge_at("25", "10")), "");
  EXPECT_THAT(found(discharge_at("-20", "10")),
              HasSubstr("error: cc_discharge: 10 A (2 C) is more than the cell may be discharged with at -20 degC, 5 A (1 C)"));
  EXPECT_EQ(found(discharge_at("-20", "5")), "");
}

TEST(CheckRateMap, a_charge_below_the_coldest_temperature_is_refused_once_and_as_that) {
  EXPECT_EQ(found(charge_at("-5", "5")),
            "p.yaml:4: error: cc_charge: charging at a chamber temperature of -5 degC is below the cell's minimum for charging, "
            "0 degC\n");
}

// The chamber keeps its temperature: a later step without one of its own has that of the step before.
TEST(CheckRateMap, a_step_has_the_temperature_that_was_asked_for_last) {
  EXPECT_THAT(found("  - soak: {temperature_degC: 5, for_h: 4}\n"
                    "  - cc_charge: {current_A: 5, until: voltage_V >= 4.2, at_most_h: 9}\n"),
              HasSubstr("p.yaml:5: error: cc_charge: 5 A (1 C) is more than the cell may be charged with at 5 degC, 4.375 A"));
}

TEST(CheckRateMap, every_kind_of_set_point_is_held_against_it) {
  EXPECT_THAT(
      found("  - cccv_charge: {current_A: 5, voltage_V: 4.2, temperature_degC: 0, until: current_A <= 0.2, at_most_h: 9}\n"),
      HasSubstr("may be charged with at 0 degC"));
  EXPECT_THAT(found("  - cp_discharge: {power_W: 20, temperature_degC: -20, until: voltage_V <= 3, at_most_h: 3}\n"),
              HasSubstr("may be discharged with at -20 degC"));
}

TEST(CheckRateMap, warns_where_the_errors_of_chamber_and_thermometer_reach_a_lower_limit) {
  const std::string step =
      charge_at("15", "8.1");  // 8.125 A allowed, the supervisor trips at 8.53 A, 0.39 A less for each kelvin
  EXPECT_EQ(found(step, bench(0.5, 0.5)), "");
  EXPECT_THAT(
      found(step, bench(0.5, 1.0)),
      HasSubstr("p.yaml:4: warning: cc_charge: at 15 degC the channel may trip: chamber and thermometer err by up to 1.5 K"));
}

// The supervisor would take the worst temperature; to find out in the middle of the night helps nobody.
TEST(CheckRateMap, without_a_thermometer_the_least_of_the_map_is_all_there_is) {
  CheckContext blind = bench(0, 0);
  blind.logger.reset();
  const std::string rest = "  - cc_charge: {current_A: 3, until: voltage_V >= 4.2, at_most_h: 9}\n";
  EXPECT_EQ(found(rest, bench(0, 0)), "") << "in the room: what is measured decides";
  EXPECT_THAT(found(rest, blind), HasSubstr("error: cc_charge: 3 A (0.6 C) is more than the cell may be charged with at a "
                                            "temperature that nobody measures on this channel, 2.5 A (0.5 C)"));
}

TEST(CheckRateMap, the_instruments_error_must_fit_below_the_supervisors_limit) {
  CheckContext coarse = bench(0, 0);
  coarse.cycler->current_accuracy = Accuracy{0.0, 0.2};
  EXPECT_THAT(found(charge_at("0", "2.5"), coarse), HasSubstr("the safety limit of 2.625 A at 0 degC do not nest"));
}

// Otherwise a changed map would resume an old run.
TEST(CheckRateMap, the_map_is_part_of_the_programs_hash) {
  const auto hash = [](const std::string& with) {
    return compile(read_profile(profile_text(charge_at("25", "1")), "p.yaml"), cell_with_rates(with)).hash;
  };
  const std::string other =
      "  charge_rate_by_temperature: [{temperature_degC: 0, rate_C: 0.4}, {temperature_degC: 20, rate_C: 2}]\n";
  EXPECT_NE(hash(rates), hash(""));
  EXPECT_NE(hash(other), hash(rates));
  EXPECT_EQ(hash(rates), hash(rates));
}

}  // namespace
}  // namespace cellrig::test
