#include "sim/instruments/keysight_n6900.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

struct N6900 : testing::Test {
  std::string ask(std::string_view line) {
    now += 500ms;
    return client.ask(now, line);
  }

  IdealBench bench{4.0, 0.001};
  KeysightN6900 n6974a{KeysightN6900Config{}, bench.stage, bench.advance_world()};
  ScpiClient client{n6974a};
  TimePoint now{};
};

TEST_F(N6900, charges_in_voltage_priority_within_its_current_limits) {
  ask("VOLT 4.2;:CURR:LIM 5;:CURR:LIM:NEG -3");
  ask("OUTP 1");
  EXPECT_NEAR(bench.stage.current_A(), 5.0, 1e-9);
  EXPECT_EQ(ask("MEAS:CURR?"), "+5.000000E+00");
  EXPECT_EQ(ask("STAT:OPER:COND?"), "+2");
  ask("VOLT 3");
  EXPECT_EQ(ask("MEAS:CURR?;:FETC:VOLT?;:FETC:POW?"), "-3.000000E+00;+3.997000E+00;-1.199100E+01");
  ask("VOLT 4.001");
  EXPECT_EQ(ask("STAT:OPER:COND?"), "+1") << "CV";
  ask("OUTP OFF");
  EXPECT_EQ(ask("OUTP?;:STAT:OPER:COND?"), "0;+4");
  EXPECT_EQ(bench.stage.current_A(), 0.0);
}

// Guide: a query in the same message as its write returns the old value.
TEST_F(N6900, a_query_in_the_message_of_its_setting_returns_the_old_value) {
  EXPECT_EQ(ask("VOLT 4.2;:VOLT?"), "+8.000000E-02");
  EXPECT_EQ(ask("VOLT?"), "+4.200000E+00");
  EXPECT_EQ(ask("CURR:LIM 5;:CURR:LIM?;:CURR:LIM:NEG -4;:CURR:LIM:NEG?"), "+2.550000E-01;-2.550000E+00");
  EXPECT_EQ(ask("CURR:LIM?;:CURR:LIM:NEG?"), "+5.000000E+00;-4.000000E+00");
  EXPECT_EQ(ask("VOLT:PROT 5;:VOLT:PROT?"), "+5.000000E+00") << "only these three are known to lag";
}

TEST_F(N6900, current_in_voltage_priority_is_accepted_silently_without_effect) {
  EXPECT_EQ(ask("CURR 5"), "(silence)");
  EXPECT_EQ(ask("CURR?;:SYST:ERR?"), "+0.000000E+00;+0,\"No error\"");
}

TEST_F(N6900, voltage_limit_in_voltage_priority_conflicts) {
  EXPECT_EQ(ask("VOLT:LIM 5;:VOLT?"), "+8.000000E-02") << "the message goes on";
  EXPECT_EQ(ask("SYST:ERR?"), "+315,\"Settings conflict error\"");
}

TEST_F(N6900, changing_the_priority_turns_the_output_off_and_resets_the_output_settings) {
  ask("VOLT 4.2;:CURR:LIM 5;:VOLT:PROT 5;:OUTP:PROT:MODE HIGHZ;:OUTP 1;:SENS:SWE:NPLC 10");
  ask("FUNC VOLT");
  EXPECT_EQ(ask("OUTP?"), "1") << "no change, no reset";
  ask("FUNC CURR");
  EXPECT_EQ(ask("FUNC?;:OUTP?;:OUTP:PROT:MODE?;:VOLT:PROT?"), "CURR;0;LOWZ;+9.600000E+01");
  EXPECT_EQ(ask("CURR:LIM?"), "+2.550000E-01");
  EXPECT_FALSE(bench.stage.output_on());
}

TEST_F(N6900, regulates_current_of_both_signs_in_current_priority) {
  ask("FUNC CURR;:VOLT:LIM 4.2;:CURR 2");
  ask("OUTP 1");
  EXPECT_NEAR(bench.stage.current_A(), 2.0, 1e-9);
  ask("CURR -2.5");
  EXPECT_NEAR(bench.stage.current_A(), -2.5, 1e-9);
  EXPECT_EQ(ask("CURR?"), "-2.500000E+00");
}

TEST_F(N6900, an_unknown_header_voids_its_message_in_silence) {
  EXPECT_EQ(ask("FOO?"), "(silence)");
  EXPECT_FALSE(client.last().answered);
  EXPECT_EQ(ask("FOO 1;:VOLT 5;:VOLT?"), "(silence)");
  EXPECT_EQ(ask("VOLT?"), "+8.000000E-02");
  EXPECT_EQ(ask("SYST:ERR?"), "-113,\"Undefined header\"");
}

// Recorded on a real unit: 0-113,"Undefined header".
TEST_F(N6900, what_a_voided_message_had_already_produced_prefixes_the_next_reply) {
  EXPECT_EQ(ask("OUTP?;:FOO?"), "(silence)");
  EXPECT_EQ(ask("VOLT 4"), "(silence)") << "a setting flushes nothing";
  EXPECT_EQ(ask("SYST:ERR?"), "0-113,\"Undefined header\"");
  EXPECT_EQ(ask("SYST:ERR?"), "+0,\"No error\"");
  ask("OUTP?;:OUTP?;:FOO?");
  EXPECT_EQ(ask("VOLT?;:OUTP?"), "0;0+4.000000E+00;0");
}

TEST_F(N6900, a_reopened_connection_starts_clean) {
  ask("OUTP?;:FOO?");
  client.reopen();
  EXPECT_EQ(ask("SYST:ERR?"), "+0,\"No error\"");
}

TEST_F(N6900, the_error_queue_belongs_to_the_connection) {
  ScpiClient other{n6974a, 7};
  ask("FOO");
  EXPECT_EQ(other.ask(now, "SYST:ERR?"), "+0,\"No error\"");
  EXPECT_EQ(ask("SYST:ERR?"), "-113,\"Undefined header\"");
}

TEST_F(N6900, a_full_error_queue_ends_with_queue_overflow) {
  for (int i = 0; i < 30; ++i) ask("FOO");
  std::string last;
  int count = 0;
  for (std::string error = ask("SYST:ERR?"); error != "+0,\"No error\""; error = ask("SYST:ERR?")) {
    last = error;
    ASSERT_LT(++count, 30);
  }
  EXPECT_EQ(count, 20);
  EXPECT_EQ(last, "-350,\"Queue overflow\"");
  ask("FOO");
  ask("*CLS");
  EXPECT_EQ(ask("SYST:ERR?"), "+0,\"No error\"");
}

TEST_F(N6900, common_commands_take_no_colon) {
  EXPECT_EQ(ask("OUTP?;*OPC?"), "0;1");
  EXPECT_EQ(ask("OUTP?;:*OPC?"), "(silence)");
  EXPECT_EQ(ask("SYST:ERR?"), "0-113,\"Undefined header\"");
}

TEST_F(N6900, a_common_command_does_not_leave_the_node) {
  EXPECT_EQ(ask("VOLT:PROT?;*OPC?;LIM?"), "+9.600000E+01;1;+8.160000E+01");
}

TEST_F(N6900, missing_options_are_error_302_and_silence) {
  for (const char* line : {"SENS:ELOG:PER?", "SENS:SWE:TINT?", "SENS:SWE:POIN 5", "FETC:ARR:VOLT?", "LIST:COUN?", "SYST:BBR?"}) {
    EXPECT_EQ(ask(line), "(silence)") << line;
    EXPECT_EQ(ask("SYST:ERR?"), "+302,\"Option not installed\"") << line;
  }
}

TEST_F(N6900, fetch_before_any_measurement_is_silent_but_the_counters_are_there) {
  EXPECT_EQ(ask("FETC:VOLT?"), "(silence)");
  EXPECT_EQ(ask("FETC:AHO?"), "+0.000000E+00");
  EXPECT_EQ(ask("MEAS:VOLT?"), "+4.000000E+00");
  EXPECT_EQ(ask("FETC:VOLT?"), "+4.000000E+00");
}

TEST_F(N6900, fetch_gives_the_last_acquisition_not_a_new_one) {
  ask("VOLT 4.2;:CURR:LIM 5");
  ask("MEAS:VOLT?");
  ask("OUTP 1");
  EXPECT_EQ(ask("FETC:CURR?"), "+0.000000E+00");
  EXPECT_EQ(ask("MEAS:VOLT?;:FETC:CURR?"), "+4.005000E+00;+5.000000E+00");
}

TEST_F(N6900, ranges_depend_on_the_dissipators) {
  EXPECT_EQ(ask("CURR:LIM:NEG? MIN"), "-1.275000E+01");
  ask("CURR:LIM:NEG -12.76");
  EXPECT_EQ(ask("SYST:ERR?"), "-222,\"Data out of range\"");
  ask("CURR:LIM:NEG -12.75;:CURR:LIM 25.5;:VOLT 81.6");
  EXPECT_EQ(ask("SYST:ERR?"), "+0,\"No error\"");
  for (const char* bad : {"CURR:LIM 0.02", "CURR:LIM 25.6", "CURR:LIM:NEG 0", "VOLT 0.07", "VOLT 82", "VOLT:PROT 97",
                          "CURR:PROT:DEL 0.3", "OUTP:PROT:WDOG:DEL 0", "OUTP:PROT:WDOG:DEL 3601", "SENS:SWE:NPLC 101"}) {
    ask(bad);
    EXPECT_EQ(ask("SYST:ERR?"), "-222,\"Data out of range\"") << bad;
  }
  KeysightN6900Config config;
  config.dissipators = 2;
  KeysightN6900 strong{config, bench.stage, bench.advance_world()};
  EXPECT_EQ(ScpiClient{strong}.ask(now, "CURR:LIM:NEG? MIN"), "-2.550000E+01");
  config.dissipators = 0;
  KeysightN6900 weak{config, bench.stage, bench.advance_world()};
  EXPECT_EQ(ScpiClient{weak}.ask(now, "CURR:LIM:NEG? MIN"), "-2.550000E+00");
}

TEST_F(N6900, minimum_maximum_and_units_are_understood) {
  ask("VOLT MAX;:CURR:LIM MIN");
  EXPECT_EQ(ask("VOLT?;:CURR:LIM?"), "+8.160000E+01;+2.600000E-02");
  ask("VOLT 4.2 V;:CURR:LIM 1A;:VOLT:SLEW 5;:CURR:SLEW INF");
  EXPECT_EQ(ask("VOLT?;:CURR:LIM?;:VOLT:SLEW?;:CURR:SLEW?"), "+4.200000E+00;+1.000000E+00;+5.000000E+00;9.9E37");
}

TEST_F(N6900, long_forms_and_any_case_are_understood_other_abbreviations_are_not) {
  EXPECT_EQ(ask("source:voltage:level:immediate:amplitude?"), "+8.000000E-02");
  EXPECT_EQ(ask(":SOUR:CURR:LIM:POS:IMM:AMPL?"), "+2.550000E-01");
  EXPECT_EQ(ask("OUTPut:PROTection:WDOG:STATe?"), "0");
  EXPECT_EQ(ask("VOLT1?"), "+8.000000E-02") << "a suffix of 1 is optional";
  EXPECT_EQ(ask("VOLTA?"), "(silence)");
  EXPECT_EQ(ask("VOLT2?"), "(silence)");
}

TEST_F(N6900, wrong_parameters_leave_the_standard_errors) {
  ask("FUNC POW");
  EXPECT_EQ(ask("SYST:ERR?"), "-224,\"Illegal parameter value\"");
  ask("VOLT 4,2");
  EXPECT_EQ(ask("SYST:ERR?"), "-108,\"Parameter not allowed\"");
  ask("VOLT");
  EXPECT_EQ(ask("SYST:ERR?"), "-109,\"Missing parameter\"");
  ask("OUTP MAYBE");
  EXPECT_EQ(ask("SYST:ERR?"), "-224,\"Illegal parameter value\"");
  EXPECT_EQ(ask("*ESR?"), "+48") << "command and execution error";
  EXPECT_EQ(ask("*ESR?"), "+0");
}

TEST_F(N6900, a_measurement_takes_its_power_line_cycles) {
  client.ask(at_s(10), "OUTP?");
  EXPECT_EQ(client.last().due - at_s(10), 400us);
  client.ask(at_s(11), "MEAS:VOLT?");
  EXPECT_NEAR(to_seconds(client.last().due - at_s(11)), 0.0214, 0.0001);
  client.ask(at_s(12), "SENS:SWE:NPLC 100");
  client.ask(at_s(13), "MEAS:VOLT?");
  EXPECT_NEAR(to_seconds(client.last().due - at_s(13)), 1.67, 0.01);
  client.ask(at_s(20), "*TST?");
  EXPECT_NEAR(to_seconds(client.last().due - at_s(20)), 5.2, 0.01);
}

TEST_F(N6900, a_message_waits_for_the_one_in_front_of_it_but_not_for_another_session) {
  ScpiClient other{n6974a, 9};
  client.ask(at_s(10), "MEAS:VOLT?");
  const TimePoint first = client.last().due;
  client.ask(at_s(10), "OUTP?");
  EXPECT_EQ(client.last().due, first + 400us);
  other.ask(at_s(10), "OUTP 0");
  EXPECT_EQ(other.last().due, at_s(10) + 400us);
}

TEST_F(N6900, counts_charge_and_energy_until_they_are_reset) {
  ask("VOLT 4.2;:CURR:LIM 5");
  client.ask(at_s(100), "OUTP 1");
  client.ask(at_s(1000), "OUTP?");
  client.ask(at_s(1900), "OUTP 0");
  EXPECT_EQ(client.ask(at_s(3000), "FETC:AHO?"), "+2.500000E+00");
  EXPECT_EQ(client.ask(at_s(3000), "FETC:WHO?"), "+1.001250E+01");
  client.ask(at_s(3001), "SENS:AHO:RES;:SENS:WHO:RES");
  EXPECT_EQ(client.ask(at_s(3002), "FETC:AHO?;:FETC:WHO?"), "+0.000000E+00;+0.000000E+00");
}

TEST_F(N6900, open_sense_leads_only_report_and_read_one_percent_high) {
  KeysightN6900Config config;
  config.sense_leads_open = true;
  KeysightN6900 open{config, bench.stage, bench.advance_world()};
  ScpiClient reader{open};
  EXPECT_EQ(reader.ask(now, "STAT:QUES:COND?;:MEAS:VOLT?"), "+8192;+4.040000E+00");
  reader.ask(now, "OUTP 1");
  EXPECT_EQ(reader.ask(now, "OUTP?"), "1");
}

TEST_F(N6900, honours_its_faults) {
  ask("VOLT 4.2;:CURR:LIM 5;:OUTP 1");
  n6974a.faults().ignore_off = true;
  EXPECT_EQ(ask("OUTP 0"), "(silence)");
  EXPECT_EQ(ask("OUTP?"), "1");
  n6974a.faults() = {.negate_current = true, .voltage_offset_V = 0.03};
  EXPECT_EQ(ask("MEAS:CURR?;:FETC:VOLT?"), "-5.000000E+00;+4.035000E+00");
  n6974a.faults() = {.nan_readings = true};
  EXPECT_EQ(ask("MEAS:CURR?"), "+9.910000E+37");
  n6974a.faults() = {};
  EXPECT_EQ(ask("MEAS:CURR?"), "+5.000000E+00");
  n6974a.faults() = {.freeze_readings = true};
  ask("CURR:LIM 1");
  EXPECT_EQ(ask("MEAS:CURR?"), "+5.000000E+00");
  n6974a.faults() = {.local_control = true, .extra_latency_s = 0.1, .identity = "ACME,N6974A,1,1"};
  ask("CURR:LIM 2");
  EXPECT_EQ(ask("CURR:LIM?"), "+1.000000E+00");
  EXPECT_EQ(client.last().due - now, 100ms + 400us);
  EXPECT_EQ(ask("*IDN?"), "ACME,N6974A,1,1");
  ask("OUTP OFF");
  EXPECT_EQ(ask("OUTP?"), "0");
}

TEST_F(N6900, any_split_of_a_message_gives_the_same_reply) {
  Port& port = port_of(n6974a, "scpi");
  const std::string message = "VOLT?;:CURR:LIM?;*IDN?\r\n";
  std::string whole;
  for (std::size_t cut = 0; cut < message.size(); ++cut) {
    std::vector<Reply> replies;
    port.receive(at_s(1), 5, message.substr(0, cut), replies);
    EXPECT_TRUE(replies.empty());
    port.receive(at_s(1), 5, message.substr(cut), replies);
    ASSERT_EQ(replies.size(), 1U);
    if (cut == 0) whole = replies[0].bytes;
    EXPECT_EQ(replies[0].bytes, whole);
  }
  EXPECT_TRUE(whole.ends_with("B.02.03.1268\n"));
}

TEST_F(N6900, a_line_without_end_is_thrown_away_up_to_its_end) {
  Port& port = port_of(n6974a, "scpi");
  std::vector<Reply> replies;
  for (int i = 0; i < 100; ++i) port.receive(at_s(1), 2, std::string(10000, 'A'), replies);
  EXPECT_TRUE(replies.empty());
  port.receive(at_s(1), 2, "\nSYST:ERR?\n", replies);
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_FALSE(replies[0].answered);
  EXPECT_EQ(replies[1].bytes, "-223,\"Too much data\"\n");
}

}  // namespace
}  // namespace cellrig::sim
