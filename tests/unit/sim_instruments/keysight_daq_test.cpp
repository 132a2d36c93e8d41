// The simulated DAQ970A against the instruments reference, section 7.
#include "sim/instruments/keysight_daq.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

struct Rig {
  std::string ask(std::string_view line) { return client.ask(at_s(1), line); }
  void tell(std::initializer_list<std::string_view> lines) {
    for (const std::string_view line : lines) EXPECT_EQ(ask(line), "(silence)") << line;
  }
  void configure() { tell({"CONF:TEMP TC,T,(@101:103)", "SENS:TEMP:TRAN:TC:CHEC ON,(@101:103)"}); }

  std::optional<double> first_degC = 26.192;
  KeysightDaq daq{{},
                  {{.temperature_degC = [this] { return first_degC; }, .voltage_V = {}},
                   {.temperature_degC = [] { return std::optional{26.031}; }, .voltage_V = {}},
                   {},
                   {.temperature_degC = {}, .voltage_V = [] { return 1.25; }}},
                  [](TimePoint) {}};
  ScpiClient client{daq};
};

TEST(SimKeysightDaq, readings_have_eight_digits) {
  Rig rig;
  rig.configure();
  rig.tell({"ROUT:SCAN (@101,102)"});
  EXPECT_EQ(rig.ask("READ?"), "+2.61920000E+01,+2.60310000E+01");
  EXPECT_EQ(rig.ask("FETC?"), "+2.61920000E+01,+2.60310000E+01");
}

TEST(SimKeysightDaq, a_reading_names_its_unit_and_channel_when_told_to) {
  Rig rig;
  rig.configure();
  rig.tell({"FORM:READ:UNIT ON", "FORM:READ:CHAN ON"});
  EXPECT_EQ(rig.ask("ROUT:SCAN (@101,104);:READ?"), "+2.61920000E+01 C,101,+1.25000000E+00 VDC,104");
  rig.tell({"UNIT:TEMP K,(@101)"});
  EXPECT_EQ(rig.ask("ROUT:SCAN (@101);:READ?"), "+2.99342000E+02 K,101");
}

TEST(SimKeysightDaq, an_open_thermocouple_is_overload_while_its_check_is_on) {
  Rig rig;
  rig.configure();
  rig.first_degC = std::nullopt;
  rig.tell({"ROUT:SCAN (@101)"});
  EXPECT_EQ(rig.ask("READ?"), "+9.90000000E+37");
  rig.tell({"SENS:TEMP:TRAN:TC:CHEC OFF,(@101)"});
  EXPECT_EQ(rig.ask("READ?"), "+2.50000000E+01");  // the terminals: a temperature that looks right
}

TEST(SimKeysightDaq, a_wrong_type_is_a_wrong_temperature_that_looks_right) {
  Rig rig;
  rig.first_degC = 60.0;
  rig.tell({"CONF:TEMP TC,J,(@101)", "ROUT:SCAN (@101)"});
  const double shown = std::stod(rig.ask("READ?"));
  EXPECT_GT(shown, 30.0);
  EXPECT_LT(shown, 57.0);
}

TEST(SimKeysightDaq, comes_up_measuring_volts_without_a_scan_list) {
  Rig rig;
  EXPECT_EQ(rig.ask("ROUT:SCAN?"), "#13(@)");
  EXPECT_EQ(rig.ask("READ?"), "(silence)");
  EXPECT_EQ(rig.ask("FETC?"), "(silence)");
  EXPECT_EQ(rig.ask("SYST:ERR?"), "-221,\"Settings conflict\"");
  EXPECT_EQ(rig.ask("SYST:ERR?"), "-230,\"Data corrupt or stale\"");
  EXPECT_EQ(rig.ask("SYST:ERR?"), "+0,\"No error\"");
  EXPECT_EQ(rig.ask("FORM:READ:UNIT ON;:ROUT:SCAN (@101);:READ?"), "+4.94680000E-05 VDC");
}

TEST(SimKeysightDaq, the_scan_list_is_a_block_and_conf_takes_channels_out_of_it) {
  Rig rig;
  rig.tell({"ROUT:SCAN (@101:104)"});
  EXPECT_EQ(rig.ask("ROUT:SCAN?"), "#218(@101,102,103,104)");
  rig.tell({"CONF:VOLT:DC AUTO,(@102)"});
  EXPECT_EQ(rig.ask("ROUT:SCAN?"), "#214(@101,103,104)");
}

TEST(SimKeysightDaq, names_the_card_in_each_slot) {
  Rig rig;
  EXPECT_EQ(rig.ask("SYST:CTYP? 100"), "Keysight Technologies,DAQM901A,MY58000202,1.0");
  EXPECT_EQ(rig.ask("SYST:CTYP? 200"), "Keysight Technologies,0,0,0");
}

TEST(SimKeysightDaq, a_scan_takes_its_time) {
  Rig rig;
  rig.tell({"CONF:TEMP TC,T,(@101:120)", "ROUT:SCAN (@101:120)"});
  rig.ask("READ?");
  EXPECT_NEAR(to_seconds(rig.client.last().due - at_s(1)), 1.0, 0.1);
}

TEST(SimKeysightDaq, bad_input_is_refused_with_an_error) {
  Rig rig;
  rig.configure();
  for (const char* line :
       {"ROUT:SCAN (@121)", "ROUT:SCAN (@99)", "ROUT:SCAN 101", "ROUT:SCAN (@104:101)", "CONF:TEMP TC,X,(@101)",
        "CONF:TEMP RTD,85,(@101)", "UNIT:TEMP R,(@101)", "SENS:TEMP:NPLC 0,(@101)", "TRIG:SOUR EXT", "TRIG:COUN 2",
        "FORM:READ:CHAN MAYBE", "UNIT:TEMP C,(@110)", "SYST:CTYP? 400", "NOPE"}) {
    EXPECT_EQ(rig.ask(line), "(silence)") << line;
    EXPECT_TRUE(rig.ask("SYST:ERR?").starts_with("-")) << line;
  }
}

}  // namespace
}  // namespace cellrig::sim
