#include <gtest/gtest.h>

#include "sim/instruments/ea_psb.hpp"
#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

struct EaPsbScpi : testing::Test {
  /// Each line half a second after the one before.
  std::string ask(std::string_view line) {
    now += std::chrono::milliseconds{500};
    return client.ask(now, line);
  }
  void charge() {
    ask("SYST:LOCK ON");
    ask("VOLT 40;CURR 8");
    ask("OUTP ON");
  }

  IdealBench bench{32.0};
  EaPsb psb{EaPsbConfig{}, bench.stage, bench.advance_world()};
  ScpiClient client{psb};
  TimePoint now{};
};

TEST_F(EaPsbScpi, identifies_itself_with_five_fields) {
  EXPECT_EQ(ask("*IDN?"), "EA ELEKTRO-AUTOMATIK,PSB 10060-60 2U,1234560001,KE 3.10,");
}

TEST_F(EaPsbScpi, replies_carry_units_and_sinking_is_negative) {
  ask("SYST:LOCK ON");
  ask("SINK:CURR 8");
  ask("OUTP ON");
  EXPECT_EQ(ask("MEAS:ARR?"), "32.00 V,-8.00 A,-256 W");
  EXPECT_EQ(ask("MEAS:CURR?"), "-8.00 A");
  EXPECT_EQ(ask("SINK:CURR?"), "8.00 A");
  EXPECT_EQ(ask("SYST:NOM:VOLT?"), "60 V");
  EXPECT_EQ(ask("SYST:NOM:POW?"), "1500 W");
  EXPECT_EQ(ask("SYST:NOM:RES:MIN?"), "0.04 Ohm");
}

TEST_F(EaPsbScpi, long_short_and_lower_case_forms_mean_the_same) {
  ask("SYST:LOCK ON");
  for (const char* form : {"VOLT 4.2", "VOLTAGE 4.2", "volt 4.2V", "Source:Voltage 4.2 V", "SOUR:VOLT 4.2E0"}) {
    ask("VOLT 0");
    ask(form);
    EXPECT_EQ(ask("VOLT?"), "4.20 V") << form;
  }
  ask("VOLTA 1");
  EXPECT_EQ(ask("VOLT?"), "4.20 V");
  EXPECT_EQ(ask("SYST:ERR?"), "-100, \"Command error\"");
}

TEST_F(EaPsbScpi, writes_in_local_are_silent_and_leave_error_201) {
  EXPECT_EQ(ask("VOLT 4.2"), "(silence)");
  EXPECT_EQ(ask("OUTP ON"), "(silence)");
  EXPECT_EQ(ask("OUTP?"), "OFF");
  EXPECT_EQ(ask("SYST:ERR?"), "-201, \"Invalid while in local\"");
  EXPECT_EQ(ask("SYST:ERR?"), "-201, \"Invalid while in local\"");
  EXPECT_EQ(ask("SYST:ERR?"), "0, \"No error\"");
  EXPECT_EQ(ask("SYST:LOCK:OWN?"), "NONE");
  ask("SYST:LOCK ON");
  EXPECT_EQ(ask("SYST:LOCK:OWNER?"), "REMOTE");
}

TEST_F(EaPsbScpi, values_outside_their_limits_leave_error_222) {
  ask("SYST:LOCK ON");
  ask("VOLT:LIM:HIGH 4.3");
  ask("VOLT 4.31");
  EXPECT_EQ(ask("SYST:ERR?"), "-222, \"Data out of range\"");
  ask("CURR -1");
  EXPECT_EQ(ask("SYST:ERR?"), "-222, \"Data out of range\"");
  ask("VOLT:PROT 67");
  EXPECT_EQ(ask("SYST:ERR?"), "-222, \"Data out of range\"");
  ask("VOLT 4.29");
  EXPECT_EQ(ask("VOLT?"), "4.29 V");
  EXPECT_EQ(ask("SYST:ERR?"), "0, \"No error\"");
}

TEST_F(EaPsbScpi, numbers_with_a_comma_or_rubbish_are_no_numbers) {
  ask("SYST:LOCK ON");
  for (const char* bad : {"VOLT 4,2", "VOLT abc", "VOLT", "VOLT NaN", "VOLT inf", "VOLT 0x10", "VOLT 4.2 A", "VOLT +-1"}) {
    ask(bad);
    EXPECT_EQ(ask("SYST:ERR?"), "-102, \"Syntax error\"") << bad;
    EXPECT_EQ(ask("VOLT?"), "0.00 V");
  }
}

TEST_F(EaPsbScpi, up_to_five_commands_are_joined_and_a_sixth_voids_the_message) {
  EXPECT_EQ(ask("SYST:LOCK ON;:VOLT 1;CURR 2;SINK:CURR 3;:VOLT?"), "0.00 V") << "the read-back lags";
  EXPECT_EQ(ask("VOLT?;CURR?;SINK:CURR?"), "1.00 V;2.00 A;3.00 A");
  EXPECT_EQ(ask("VOLT 5;VOLT 6;VOLT 7;VOLT 8;VOLT 9;VOLT?"), "(silence)");
  EXPECT_EQ(ask("VOLT?"), "1.00 V");
  EXPECT_EQ(ask("SYST:ERR?"), "-223, \"Too much data\"");
}

TEST_F(EaPsbScpi, a_unit_after_a_semicolon_goes_on_in_the_same_node) {
  ask("SYST:LOCK ON");
  EXPECT_EQ(ask("SYST:NOM:VOLT?;CURR?;:VOLT?"), "60 V;60 A;0.00 V");
}

TEST_F(EaPsbScpi, an_unknown_query_is_silent_and_the_rest_of_its_message_runs) {
  EXPECT_EQ(ask("FOO?"), "(silence)");
  EXPECT_FALSE(client.last().answered);
  EXPECT_EQ(ask("FOO?;*STB?"), "4");
  EXPECT_EQ(ask("SYST:ERR:ALL?"), "-100, \"Command error\", -100, \"Command error\"");
}

TEST_F(EaPsbScpi, modbus_and_scpi_share_one_state) {
  ModbusClient modbus{psb};
  ask("SYST:LOCK ON");
  ask("VOLT 4.2");
  now += std::chrono::seconds{1};
  EXPECT_EQ(modbus.read_one(now, 500), 3670);
  modbus.write(now, 501, 4369);
  EXPECT_EQ(ask("CURR?"), "5.00 A");
}

TEST_F(EaPsbScpi, reading_the_error_queue_acknowledges_alarms_that_are_over) {
  charge();
  psb.raise_alarm(now, ea_questionable::over_temperature);
  EXPECT_EQ(ask("OUTP?"), "OFF");
  EXPECT_EQ(ask("STAT:QUES:COND?"), std::to_string(8 + 1024));
  EXPECT_EQ(ask("*STB?"), "8");
  EXPECT_EQ(ask("SYST:ALAR:COUN:OTEM?"), "1");
  ask("OUTP ON");
  EXPECT_EQ(ask("OUTP?"), "OFF") << "not before it is acknowledged";
  EXPECT_EQ(ask("SYST:ERR?"), "-200, \"Execution error\"");
  EXPECT_EQ(ask("STAT:QUES?"), "1024");
  ask("OUTP ON");
  EXPECT_EQ(ask("OUTP?"), "ON");
}

TEST_F(EaPsbScpi, shows_regulation_and_output_in_its_condition_registers) {
  charge();
  EXPECT_EQ(ask("STAT:OPER:COND?"), "512") << "CC";
  EXPECT_EQ(ask("STAT:QUES:COND?"), std::to_string(1024 + 2048));
  ask("VOLT 0;SINK:CURR 3");
  EXPECT_EQ(ask("STAT:OPER:COND?"), std::to_string(512 + 4096)) << "CC, sink";
}

TEST_F(EaPsbScpi, supervision_events_turn_the_output_off_only_when_their_action_is_alarm) {
  charge();
  ask("SYST:CONF:UVD 33;OVD 20");
  ask("SYST:CONF:UVD:ACT WARNING");
  EXPECT_EQ(ask("SYST:CONF:UVD:ACT?"), "WARNING");
  EXPECT_EQ(ask("STAT:QUES:COND?"), std::to_string(32 + 1024 + 2048));
  EXPECT_EQ(ask("OUTP?"), "ON");
  ask("SYST:CONF:UVD:ACT ALARM");
  EXPECT_EQ(ask("OUTP?"), "OFF");
  EXPECT_EQ(ask("STAT:QUES:COND?"), std::to_string(32 + 1024));
}

TEST_F(EaPsbScpi, over_voltage_detection_trips_in_the_stage) {
  charge();
  ask("SYST:CONF:OVD 31");
  ask("SYST:CONF:OVD:ACT ALARM");
  EXPECT_FALSE(bench.stage.output_on());
  EXPECT_EQ(ask("STAT:QUES:COND?"), std::to_string(16 + 1024));
}

TEST_F(EaPsbScpi, the_sink_has_protections_of_its_own) {
  charge();
  ask("SINK:CURR:PROT 2");
  EXPECT_EQ(ask("OUTP?"), "ON") << "it sources";
  ask("VOLT 0;SINK:CURR 3");
  EXPECT_EQ(ask("OUTP?"), "OFF");
  EXPECT_EQ(ask("SYST:SINK:ALAR:COUN:OCUR?"), "1");
  EXPECT_EQ(ask("SYST:ALAR:COUN:OCUR?"), "0");
}

TEST_F(EaPsbScpi, reset_takes_remote_and_turns_the_output_off) {
  charge();
  ask("*RST");
  EXPECT_EQ(ask("OUTP?;:VOLT?;:SYST:LOCK:OWN?"), "OFF;0.00 V;REMOTE");
}

TEST_F(EaPsbScpi, faults_reach_this_port_too) {
  charge();
  psb.faults().ignore_off = true;
  EXPECT_EQ(ask("OUTP OFF"), "(silence)");
  EXPECT_EQ(ask("OUTP?"), "ON");
  psb.faults() = {.nan_readings = true};
  EXPECT_EQ(ask("MEAS:VOLT?"), "9.91E37");
  psb.faults() = {.negate_current = true};
  EXPECT_EQ(ask("MEAS:CURR?"), "-8.00 A");
  psb.faults() = {.identity = "EA,PS 2042"};
  EXPECT_EQ(ask("*IDN?"), "EA,PS 2042");
  psb.faults() = {.local_control = true};
  EXPECT_EQ(ask("SYST:LOCK:OWN?"), "LOCAL");
  ask("OUTP OFF");
  EXPECT_EQ(ask("SYST:ERR?"), "-201, \"Invalid while in local\"");
}

TEST_F(EaPsbScpi, a_reply_takes_five_milliseconds) {
  client.ask(at_ms(100), "*IDN?");
  EXPECT_EQ(client.last().due, at_ms(105));
}

}  // namespace
}  // namespace cellrig::sim
