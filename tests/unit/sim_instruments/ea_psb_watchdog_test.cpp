// The interface monitoring of the EA PSB: what stands between a dead controller and a cell that goes on being charged.
#include <gtest/gtest.h>

#include "sim/instruments/ea_psb.hpp"
#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

struct EaPsbWatchdog : testing::Test {
  void SetUp() override {
    for (const char* line : {"SYST:LOCK ON", "VOLT 40;CURR 8", "SYST:COMM:MON:TIME 3", "SYST:COMM:MON:ACT ON", "OUTP ON"}) {
      scpi.ask(TimePoint{}, line);
    }
  }

  IdealBench bench{32.0};
  EaPsb psb{EaPsbConfig{}, bench.stage, bench.advance_world()};
  ScpiClient scpi{psb};
  ModbusClient modbus{psb};
};

TEST_F(EaPsbWatchdog, drops_the_output_when_told_to_and_nobody_speaks) {
  scpi.ask(at_s(1), "POW:STAG:AFT:REM OFF");
  ASSERT_EQ(psb.next_event(), at_s(4));
  psb.advance(at_ms(3999));
  EXPECT_TRUE(bench.stage.output_on());
  psb.advance(at_s(4));
  EXPECT_FALSE(bench.stage.output_on());
  EXPECT_EQ(bench.stage.current_A(), 0.0);
  EXPECT_EQ(bench.stage.now(), at_s(4));
  EXPECT_EQ(psb.next_event(), std::nullopt);
  EXPECT_EQ(scpi.ask(at_s(5), "SYST:LOCK:OWN?"), "NONE");
}

// Instruments reference 17.1: it leaves remote, and by default the output may stay on.
TEST_F(EaPsbWatchdog, keeps_the_output_on_when_the_stage_after_remote_is_auto) {
  EXPECT_EQ(scpi.ask(at_s(1), "POW:STAG:AFT:REM?"), "AUTO");
  psb.advance(at_s(4));
  EXPECT_TRUE(bench.stage.output_on());
  EXPECT_EQ(scpi.ask(at_s(5), "SYST:LOCK:OWN?"), "NONE");
  EXPECT_EQ(scpi.ask(at_s(6), "OUTP OFF"), "(silence)");
  EXPECT_EQ(scpi.ask(at_s(7), "OUTP?"), "ON") << "refused: not in remote";
}

TEST_F(EaPsbWatchdog, is_fed_by_any_traffic_on_any_port) {
  scpi.ask(at_s(1), "POW:STAG:AFT:REM OFF");
  for (int i = 2; i < 20; ++i) {
    if (i % 2 == 0) {
      scpi.ask(at_s(i), "*STB?");
    } else {
      modbus.read_one(at_s(i), 507);
    }
    EXPECT_EQ(psb.next_event(), at_s(i + 3));
  }
  EXPECT_TRUE(bench.stage.output_on());
}

TEST(EaPsbWatchdogOption, modbus_may_be_made_not_to_feed_it) {
  IdealBench bench{32.0};
  EaPsbConfig config;
  config.modbus_feeds_monitor = false;
  EaPsb psb{config, bench.stage, bench.advance_world()};
  ScpiClient scpi{psb};
  ModbusClient modbus{psb};
  for (const char* line : {"SYST:LOCK ON", "POW:STAG:AFT:REM OFF", "SYST:COMM:MON:TIME 3", "SYST:COMM:MON:ACT ON", "OUTP ON"}) {
    scpi.ask(TimePoint{}, line);
  }
  modbus.read_one(at_s(2), 507);
  EXPECT_EQ(psb.next_event(), at_s(3));
  modbus.read_one(at_s(4), 507);
  EXPECT_FALSE(bench.stage.output_on());
}

// A request that arrives too late must not rescue the output.
TEST_F(EaPsbWatchdog, fires_before_a_late_message_is_served) {
  scpi.ask(at_s(1), "POW:STAG:AFT:REM OFF");
  EXPECT_EQ(scpi.ask(at_s(10), "OUTP?"), "OFF");
}

TEST_F(EaPsbWatchdog, starts_again_with_the_next_taking_of_remote) {
  psb.advance(at_s(4));
  scpi.ask(at_s(100), "SYST:LOCK ON");
  EXPECT_EQ(psb.next_event(), at_s(103));
}

TEST_F(EaPsbWatchdog, takes_times_from_1_to_36000_seconds) {
  for (const char* bad : {"SYST:COMM:MON:TIME 0", "SYST:COMM:MON:TIME 36001", "SYST:COMM:MON:TIME -3"}) {
    scpi.ask(at_s(1), bad);
    EXPECT_EQ(scpi.ask(at_s(1), "SYST:ERR?"), "-222, \"Data out of range\"");
  }
  EXPECT_EQ(scpi.ask(at_s(2), "SYST:COMM:MON:TIME?;ACT?"), "3;ON");
}

TEST_F(EaPsbWatchdog, can_be_broken) {
  scpi.ask(at_s(1), "POW:STAG:AFT:REM OFF");
  psb.faults().clear_watchdog = true;
  EXPECT_EQ(psb.next_event(), std::nullopt);
  psb.advance(at_s(1000));
  EXPECT_TRUE(bench.stage.output_on());
}

TEST_F(EaPsbWatchdog, is_forgotten_by_a_power_cycle) {
  psb.reboot(at_s(1));
  EXPECT_EQ(psb.next_event(), std::nullopt);
  EXPECT_EQ(scpi.ask(at_s(2), "SYST:COMM:MON:ACT?"), "OFF");
}

}  // namespace
}  // namespace cellrig::sim
