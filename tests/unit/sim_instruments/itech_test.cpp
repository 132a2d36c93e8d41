// The simulated ITECH supply against the instruments reference, section 3.
#include "sim/instruments/itech.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

struct Rig {
  explicit Rig(const ItechConfig& config = {}) : itech{config, bench.stage, bench.advance_world()} {}
  std::string ask(std::string_view line) { return client.ask(now, line); }
  void tell(std::initializer_list<std::string_view> lines) {
    for (const std::string_view line : lines) EXPECT_EQ(ask(line), "(silence)") << line;
  }
  IdealBench bench{3.7, 0.05};
  Itech itech;
  ScpiClient client{itech};
  TimePoint now = at_s(1);
};

TEST(SimItech, its_identity_has_six_fields) {
  Rig rig{it6054c_800_225()};
  EXPECT_EQ(rig.ask("*IDN?"), "ITECH Electronics,IT6054C-800-225,800821020000000002,000.006.101,640.R,132.R");
}

TEST(SimItech, takes_settings_after_remote_only) {
  Rig rig;
  rig.tell({"VOLT 4.2", "OUTP 1"});
  EXPECT_EQ(rig.ask("VOLT?"), "0.000");
  EXPECT_EQ(rig.ask("OUTP?"), "0");
  EXPECT_EQ(rig.ask("SYST:ERR?"), "-203,\"Command protected\"");
  EXPECT_EQ(rig.ask("SYST:ERR?"), "-203,\"Command protected\"");
  EXPECT_EQ(rig.ask("SYST:ERR?"), "0,\"NO_ERR\"");
  rig.tell({"SYST:REM", "VOLT 4.2"});
  EXPECT_EQ(rig.ask("VOLT?"), "4.200");
  rig.tell({"SYST:LOC", "VOLT 4.0"});
  EXPECT_EQ(rig.ask("VOLT?"), "4.200");
}

TEST(SimItech, words_are_answered_in_their_long_form_and_flags_as_digits) {
  Rig rig;
  EXPECT_EQ(rig.ask("FUNC?"), "VOLTage");
  EXPECT_EQ(rig.ask("FUNC:MODE?"), "FIXed");
  EXPECT_EQ(rig.ask("OUTP?"), "0");
  EXPECT_EQ(rig.ask("OUTP:PROT:WDOG:DEL?"), "60");
}

TEST(SimItech, rounds_to_the_resolution_of_its_model) {
  Rig fine;
  fine.tell({"SYST:REM", "VOLT 4.20049", "CURR:LIM 1.9996"});
  EXPECT_EQ(fine.ask("VOLT?;:CURR:LIM?"), "4.200;2.000");
  Rig coarse{it6054c_800_225()};
  coarse.tell({"SYST:REM", "VOLT 4.206"});
  EXPECT_EQ(coarse.ask("VOLT?"), "4.21");
}

TEST(SimItech, an_inactive_setpoint_is_accepted_without_effect_and_mirrors_the_limit) {
  Rig rig;
  rig.tell({"SYST:REM", "CURR:LIM 2", "CURR 5"});
  EXPECT_EQ(rig.ask("CURR?"), "2.000");
  EXPECT_EQ(rig.ask("SYST:ERR?"), "0,\"NO_ERR\"");
}

TEST(SimItech, a_change_of_priority_copies_the_setpoint_into_the_limit) {
  Rig rig;
  rig.tell({"SYST:REM", "VOLT 4.1", "FUNC CURR"});
  EXPECT_EQ(rig.ask("FUNC?;:VOLT:LIM?;:VOLT?"), "CURRent;4.100;4.100");
  rig.tell({"CURR -1.5", "FUNC VOLT"});
  EXPECT_EQ(rig.ask("CURR:LIM:NEG?"), "-1.500");
}

TEST(SimItech, measures_five_values_of_one_acquisition) {
  Rig rig;
  rig.tell({"SYST:REM", "VOLT 4.2", "CURR:LIM 2", "CURR:LIM:NEG 0", "OUTP 1"});
  rig.now += 1s;
  const std::string reply = rig.ask("MEAS?");
  EXPECT_TRUE(reply.starts_with("3.800,2.000,7.600,")) << reply;
  EXPECT_EQ(rig.ask("STAT:OPER:COND?"), "128");  // CC+
  rig.tell({"CURR:LIM 0", "VOLT 3.0", "CURR:LIM:NEG -1"});
  EXPECT_EQ(rig.ask("MEAS:CURR?"), "-1.000");
  EXPECT_EQ(rig.ask("STAT:OPER:COND?"), "2048");  // CC-
  rig.tell({"POW:LIM:NEG -1"});
  EXPECT_EQ(rig.ask("STAT:OPER:COND?"), "4096");  // CP-
  rig.tell({"OUTP 0"});
  EXPECT_EQ(rig.ask("STAT:OPER:COND?"), "64");
}

TEST(SimItech, wants_a_pause_after_a_setting) {
  Rig rig;
  EXPECT_EQ(rig.ask("SYST:REM;*OPC?"), "1");
  const TimePoint first = rig.client.last().due;
  EXPECT_EQ(first - rig.now, 5ms);
  EXPECT_EQ(rig.ask("VOLT?"), "0.000");
  EXPECT_EQ(rig.client.last().due - first, 25ms);  // 20 ms for the setting before
}

TEST(SimItech, bad_input_is_refused_with_an_error_and_changes_nothing) {
  struct Row {
    const char* line;
    int code;
  };
  Rig rig;
  rig.tell({"SYST:REM", "VOLT 4"});
  for (const Row row :
       {Row{"VOLT", -109}, Row{"VOLT 1,2", -108}, Row{"VOLT abc", -224}, Row{"VOLT 4,2", -108}, Row{"VOLT 99", -222},
        Row{"VOLT -1", -222}, Row{"VOLT nan", -224}, Row{"CURR:LIM:NEG 1", -222}, Row{"FUNC POW", -224}, Row{"OUTP 2V", -224},
        Row{"FOO 1", -113}, Row{"OUTP:PROT:WDOG:DEL 0", -222}, Row{"FUNC:MODE BATT", -221}}) {
    EXPECT_EQ(rig.ask(row.line), "(silence)") << row.line;
    EXPECT_TRUE(rig.ask("SYST:ERR?").starts_with(std::to_string(row.code) + ",")) << row.line;
    EXPECT_EQ(rig.ask("VOLT?"), "4.000") << row.line;
  }
  EXPECT_EQ(rig.ask("VOLT?;:FOO?"), "(silence)");
  EXPECT_EQ(rig.ask("*OPC?"), "1");
}

TEST(SimItech, a_trip_latches_its_bit_and_shows_for_a_moment_after_it_was_cleared) {
  Rig rig;
  rig.tell({"SYST:REM", "VOLT 4.2", "CURR:LIM 2", "VOLT:UND:PROT 3.9", "VOLT:UND:PROT:STAT 1", "OUTP 1"});
  rig.now += 1s;
  EXPECT_EQ(rig.ask("OUTP?"), "0");
  EXPECT_EQ(rig.ask("STAT:QUES:COND?"), "4128");  // UV and PS
  rig.tell({"OUTP 1"});
  EXPECT_EQ(rig.ask("OUTP?"), "0");
  rig.tell({"OUTP:PROT:CLE"});
  rig.now += 100ms;
  EXPECT_EQ(rig.ask("STAT:QUES:COND?"), "4128");
  rig.now += 50ms;
  EXPECT_EQ(rig.ask("STAT:QUES:COND?"), "0");
}

TEST(SimItech, an_over_current_names_its_direction) {
  Rig rig;
  rig.tell({"SYST:REM", "VOLT 3", "CURR:LIM:NEG -1", "OUTP 1"});
  rig.now += 1s;
  EXPECT_EQ(rig.ask("OUTP?"), "1");
  rig.tell({"CURR:PROT 0.5", "CURR:PROT:STAT 1"});
  rig.now += 1s;
  EXPECT_EQ(rig.ask("STAT:QUES:COND?"), "4100");  // OC- and PS
}

TEST(SimItech, the_watchdog_switches_off_without_traffic_and_any_question_feeds_it) {
  Rig rig;
  rig.tell({"SYST:REM", "VOLT 4.2", "CURR:LIM 1", "OUTP:PROT:WDOG:DEL 5", "OUTP:PROT:WDOG 1", "OUTP 1"});
  for (int i = 0; i < 5; ++i) {
    rig.now += 4s;
    EXPECT_EQ(rig.ask("OUTP?"), "1");
  }
  ASSERT_TRUE(rig.itech.next_event());
  EXPECT_EQ(*rig.itech.next_event(), rig.now + 5s);
  rig.itech.advance(rig.now + 6s);
  EXPECT_FALSE(rig.bench.stage.output_on());
  rig.now += 7s;
  EXPECT_EQ(rig.ask("STAT:QUES:COND?"), "4096");  // PS
}

TEST(SimItech, a_restart_forgets_everything_and_is_local) {
  Rig rig;
  rig.tell({"SYST:REM", "VOLT 4.2", "OUTP:PROT:WDOG 1", "OUTP 1"});
  rig.itech.reboot(rig.now);
  EXPECT_EQ(rig.ask("VOLT?;:OUTP?;:OUTP:PROT:WDOG?"), "0.000;0;0");
  rig.tell({"VOLT 4.2"});
  EXPECT_EQ(rig.ask("VOLT?"), "0.000");
}

TEST(SimItech, some_firmware_ends_its_lines_with_crlf) {
  ItechConfig config;
  config.ends_with_crlf = true;
  Rig rig{config};
  EXPECT_EQ(rig.ask("OUTP?"), "0\r");
}

}  // namespace
}  // namespace cellrig::sim
