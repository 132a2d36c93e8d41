// The EA over SCPI alone: what is said to it, and how its replies are read. Pure.
#include "drivers/instruments/ea_psb_scpi.hpp"

#include <gtest/gtest.h>

#include "drivers/models/model_file.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;

EaPsbModel model() { return load_ea_psb_model(CELLRIG_SOURCE_DIR "/drivers/models/ea-psb-10060-60.yaml"); }

Protections protections() {
  return Protections{.over_voltage = 4.25_V,
                     .under_voltage = 2.5_V,
                     .charge_current_max = 5.0_A,
                     .discharge_current_max = 5.0_A,
                     .watchdog_delay = 5s};
}

std::vector<std::string> commands_of(const scpi::Settings& settings) {
  std::vector<std::string> commands;
  for (const scpi::Setting& setting : settings) commands.push_back(scpi::command_of(setting));
  return commands;
}

// The reference's own example of a reply; sink values are negative, and positive charges.
TEST(EaPsbScpi, a_measurement_carries_units_and_a_sign) {
  const TimePoint at{3s};
  const Result<CyclerReadings> readings = ea_psb::decode_scpi_measurement("32.00 V,-8.00 A,-256 W;ON;4608;3072", at);
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_DOUBLE_EQ(readings->voltage.value, 32.0);
  EXPECT_DOUBLE_EQ(readings->current.value, -8.0);
  EXPECT_EQ(readings->current.at, at);
  EXPECT_TRUE(readings->output_on);
  EXPECT_TRUE(readings->remote);
  EXPECT_FALSE(readings->tripped);
  EXPECT_EQ(readings->regulation, Regulation::constant_current);
}

TEST(EaPsbScpi, remote_and_alarms_are_bits_of_the_questionable_status) {
  const Result<CyclerReadings> lost = ea_psb::decode_scpi_measurement("3.70 V,0.00 A,0 W;OFF;0;0", TimePoint{});
  ASSERT_TRUE(lost);
  EXPECT_FALSE(lost->remote);
  EXPECT_EQ(lost->regulation, Regulation::off);
  const Result<CyclerReadings> tripped = ea_psb::decode_scpi_measurement("3.70 V,0.00 A,0 W;OFF;0;1025", TimePoint{});
  ASSERT_TRUE(tripped);
  EXPECT_TRUE(tripped->tripped);
  EXPECT_EQ(ea_psb::scpi_trip_cause(1025), "over-voltage");
}

// No number is no measurement, and never a zero.
TEST(EaPsbScpi, not_a_number_is_bad_quality) {
  const Result<CyclerReadings> readings = ea_psb::decode_scpi_measurement("9.91E37;ON;256;3072", TimePoint{});
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_EQ(readings->voltage.quality, Quality::bad);
  EXPECT_EQ(readings->current.quality, Quality::bad);
}

TEST(EaPsbScpi, what_is_no_measurement_is_malformed) {
  for (const char* const text : {"", "3.70 V;ON;0;0", "3.70 V,1.00 A;ON;0;0", "3.70 A,1.00 V,0 W;ON;0;0",
                                 "3.70 V,1.00 A,0 W;MAYBE;0;0", "3.70 V,1.00 A,0 W;ON;0", "3.70 V,1.00 A,0 W,1;ON;0;0"}) {
    EXPECT_EQ(ea_psb::decode_scpi_measurement(text, TimePoint{}).error().fault, Fault::malformed) << text;
  }
}

// The cell is safe after each of them: currents to nothing first, and wanted ones last.
TEST(EaPsbScpi, a_set_point_is_written_in_a_safe_order) {
  const Setpoint charge = ConstantCurrent{.current = 2.0_A, .voltage_min = 2.6_V, .voltage_max = 4.2_V};
  const Result<ea_psb::Settings> settings = ea_psb::plan_setpoint(charge, model(), protections());
  ASSERT_TRUE(settings) << settings.error().what;
  EXPECT_EQ(commands_of(ea_psb::scpi_steps(*settings, model())),
            (std::vector<std::string>{"CURR 0.000", "SINK:CURR 0.000", "POW 1500.00", "SINK:POW 1500.00", "VOLT 4.200",
                                      "CURR 2.000", "SINK:CURR 0.000"}));
}

TEST(EaPsbScpi, guards_are_never_beyond_what_was_asked_for_and_end_with_the_watchdog) {
  const Result<scpi::Settings> guards = ea_psb::scpi_guards(protections(), model());
  ASSERT_TRUE(guards) << guards.error().what;
  EXPECT_EQ((*guards)[0].header, "VOLT:PROT");
  EXPECT_LE((*guards)[0].number, 4.25);
  EXPECT_EQ((*guards)[1].header, "CURR:PROT");
  EXPECT_LE((*guards)[1].number, 5.0);
  const std::vector<std::string> commands = commands_of(*guards);
  EXPECT_EQ(commands.at(commands.size() - 2), "SYST:COMM:MON:TIME 5");
  EXPECT_EQ(commands.back(), "SYST:COMM:MON:ACT ON");
}

TEST(EaPsbScpi, what_is_read_back_may_carry_its_unit_and_two_decimals) {
  const Result<scpi::Settings> guards = ea_psb::scpi_guards(protections(), model());
  ASSERT_TRUE(guards);
  EXPECT_TRUE(*scpi::is_held((*guards)[0], "4.25 V"));
  EXPECT_FALSE(*scpi::is_held((*guards)[0], "4.30 V"));
  EXPECT_EQ(scpi::is_held((*guards)[0], "4.25 A").error().fault, Fault::malformed);
}

}  // namespace
}  // namespace cellrig
