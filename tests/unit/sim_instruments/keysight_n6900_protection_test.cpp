// Protections and the watchdog of the N6900.
#include <gtest/gtest.h>

#include "sim/instruments/keysight_n6900.hpp"
#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

struct N6900Protection : testing::Test {
  void SetUp() override {
    client.ask(TimePoint{}, "VOLT 4.2;:CURR:LIM 5");
    client.ask(TimePoint{}, "OUTP 1");
  }
  std::string ask(std::int64_t second, std::string_view line) { return client.ask(at_s(second), line); }

  IdealBench bench{4.0, 0.001};
  KeysightN6900 n6974a{KeysightN6900Config{}, bench.stage, bench.advance_world()};
  ScpiClient client{n6974a};
};

TEST_F(N6900Protection, the_watchdog_turns_the_output_off_and_latches_bit_11) {
  ask(1, "OUTP:PROT:WDOG:DEL 3;:OUTP:PROT:WDOG 1");
  ASSERT_EQ(n6974a.next_event(), at_s(4));
  n6974a.advance(at_ms(3999));
  EXPECT_TRUE(bench.stage.output_on());
  n6974a.advance(at_s(60));
  EXPECT_FALSE(bench.stage.output_on());
  EXPECT_EQ(n6974a.next_event(), std::nullopt);
  EXPECT_EQ(ask(100, "OUTP?;:STAT:QUES:COND?;:STAT:OPER:COND?"), "0;+2048;+4");
  EXPECT_EQ(ask(101, "STAT:QUES:EVEN?"), "+2048");
  EXPECT_EQ(ask(101, "STAT:QUES:EVEN?"), "+0") << "read and clear";
}

TEST_F(N6900Protection, a_latched_protection_keeps_the_output_off_until_it_is_cleared) {
  ask(1, "OUTP:PROT:WDOG:DEL 3;STAT 1");
  n6974a.advance(at_s(10));
  ask(11, "OUTP 1");
  EXPECT_EQ(ask(11, "OUTP?;:SYST:ERR?"), "0;+315,\"Settings conflict error\"");
  ask(12, "OUTP:PROT:CLE");
  EXPECT_EQ(ask(12, "OUTP?;:STAT:QUES:COND?"), "0;+0") << "cleared, and still off";
  ask(13, "OUTP 1");
  EXPECT_EQ(ask(13, "OUTP?"), "1");
  EXPECT_EQ(n6974a.next_event(), at_s(16)) << "armed again";
}

TEST_F(N6900Protection, any_message_on_any_session_feeds_the_watchdog) {
  ScpiClient other{n6974a, 5};
  ask(1, "OUTP:PROT:WDOG:DEL 3;STAT 1");
  for (int second = 2; second < 30; ++second) {
    (second % 2 == 0 ? client : other).ask(at_s(second), "*STB?");
    EXPECT_EQ(n6974a.next_event(), at_s(second + 3));
  }
  EXPECT_TRUE(bench.stage.output_on());
}

// A request that arrives too late must not rescue the output.
TEST_F(N6900Protection, the_watchdog_fires_before_a_late_message_is_served) {
  ask(1, "OUTP:PROT:WDOG:DEL 3;STAT 1");
  EXPECT_EQ(ask(10, "OUTP?"), "0");
}

TEST_F(N6900Protection, the_watchdog_can_be_broken_and_is_forgotten_by_a_power_cycle) {
  ask(1, "OUTP:PROT:WDOG:DEL 3;STAT 1");
  n6974a.faults().clear_watchdog = true;
  n6974a.advance(at_s(100));
  EXPECT_TRUE(bench.stage.output_on());
  n6974a.reboot(at_s(101));
  n6974a.faults() = {};
  EXPECT_EQ(n6974a.next_event(), std::nullopt);
  EXPECT_FALSE(bench.stage.output_on());
}

TEST_F(N6900Protection, over_voltage_trips_and_is_cleared_only_when_its_cause_is_gone) {
  ask(1, "VOLT:PROT 3.9");
  EXPECT_EQ(ask(2, "OUTP?;:STAT:QUES:COND?"), "0;+1");
  ask(3, "OUTP:PROT:CLE");
  EXPECT_EQ(ask(4, "STAT:QUES:COND?"), "+1") << "the cell itself has 4 V";
  ask(5, "VOLT:PROT 5");
  ask(6, "OUTP:PROT:CLE");
  EXPECT_EQ(ask(7, "STAT:QUES:COND?"), "+0");
  ask(8, "OUTP 1");
  EXPECT_NEAR(bench.stage.current_A(), 5.0, 1e-9);
}

TEST_F(N6900Protection, over_current_trips_after_its_delay_in_constant_current) {
  client.ask(at_s(1), "CURR:PROT:DEL 0.2");
  client.ask(at_s(1), "CURR:PROT:STAT 1");
  ASSERT_EQ(n6974a.next_event(), at_ms(1200));
  n6974a.advance(at_ms(1199));
  EXPECT_TRUE(bench.stage.output_on());
  n6974a.advance(at_ms(1200));
  EXPECT_EQ(ask(2, "OUTP?;:STAT:QUES:COND?"), "0;+2");
}

TEST_F(N6900Protection, over_current_does_not_trip_in_constant_voltage) {
  ask(1, "VOLT 4.001");
  ask(2, "CURR:PROT:STAT 1");
  n6974a.advance(at_s(50));
  EXPECT_TRUE(bench.stage.output_on());
}

TEST_F(N6900Protection, an_option_lets_clearing_switch_the_output_on_again) {
  KeysightN6900Config config;
  config.clearing_restores_output = true;
  IdealBench other{4.0, 0.001};
  KeysightN6900 eager{config, other.stage, other.advance_world()};
  ScpiClient scpi{eager};
  scpi.ask(at_s(1), "VOLT 4.2;:CURR:LIM 5");
  scpi.ask(at_s(1), "OUTP 1");
  eager.raise_protection(at_s(2), 16);
  EXPECT_EQ(scpi.ask(at_s(3), "OUTP?;:STAT:QUES:COND?"), "0;+16");
  scpi.ask(at_s(4), "OUTP:PROT:CLE");
  EXPECT_EQ(scpi.ask(at_s(5), "OUTP?"), "1");
}

TEST_F(N6900Protection, summary_bits_follow_the_enabled_events) {
  ask(1, "STAT:QUES:ENAB 1;*SRE 8");
  EXPECT_EQ(ask(1, "*STB?"), "+0");
  ask(2, "VOLT:PROT 3.9");
  EXPECT_EQ(ask(3, "*STB?"), "+72");
}

}  // namespace
}  // namespace cellrig::sim
