#include "sim/instruments/espec.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <utility>

#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

/// Sends lines, seconds apart, so that no pause is cut short unless a test means to.
struct EspecTest : testing::Test {
  explicit EspecTest(EspecConfig config = {}) : espec{std::move(config), chamber, [this](TimePoint to) { chamber.advance(to); }} {
    port.connected(1);
  }
  std::string ask(const std::string& line, Duration later = 2s, const char* end = "\r\n") {
    now += later;
    std::vector<Reply> replies;
    port.receive(now, 1, line + end, replies);
    EXPECT_EQ(replies.size(), 1U);
    if (replies.size() != 1) return {};
    last = replies.front();
    if (!last.answered) return "(silence)";
    EXPECT_TRUE(last.bytes.ends_with("\r\n"));
    return last.bytes.substr(0, last.bytes.size() - 2);
  }

  TimePoint now{};
  Reply last;
  ChamberAir chamber{{.start_temperature_degC = 26.4, .room_temperature_degC = 26.4}, TimePoint{}};
  Espec espec;
  Port& port{port_of(espec, "ascii")};
};

TEST_F(EspecTest, says_what_a_real_sh641_said) {
  std::ifstream file{CELLRIG_SOURCE_DIR "/tests/data/sh641_dialogue.txt"};
  int count = 0;
  for (std::string line; std::getline(file, line);) {
    const std::size_t arrow = line.find(" => ");
    if (line.starts_with('#') || arrow == std::string::npos) continue;
    EXPECT_EQ(ask(line.substr(0, arrow)), line.substr(arrow + 4));
    ++count;
  }
  EXPECT_EQ(count, 4);
}

TEST_F(EspecTest, a_set_point_starts_nothing_and_constant_does) {
  EXPECT_EQ(ask("TEMP, S40.0"), "OK:TEMP, S40.0");
  EXPECT_FALSE(chamber.is_running());
  EXPECT_EQ(ask("MODE,CONSTANT"), "OK:MODE,CONSTANT");
  EXPECT_TRUE(chamber.is_running());
  EXPECT_EQ(chamber.setpoint_degC(), 40.0);
  EXPECT_EQ(ask("MODE?"), "CONSTANT");
  now += 2h;
  EXPECT_EQ(ask("TEMP?"), "40.0,40.0,140.0,-50.0");
  EXPECT_EQ(ask("MON?"), "40.0,25,CONSTANT,0");
  EXPECT_EQ(ask("MODE,STANDBY"), "OK:MODE,STANDBY");
  EXPECT_FALSE(chamber.is_running());
  EXPECT_EQ(ask("POWER,OFF"), "OK:POWER,OFF");
  EXPECT_EQ(ask("MODE?"), "OFF");
}

TEST_F(EspecTest, knows_one_decimal) {
  EXPECT_EQ(ask("TEMP, S25.34"), "OK:TEMP, S25.34");
  EXPECT_EQ(ask("TEMP?"), "26.4,25.3,140.0,-50.0");
}

TEST_F(EspecTest, refuses_a_set_point_outside_its_alarm_limits_and_takes_all_of_a_command_or_nothing) {
  EXPECT_EQ(ask("TEMP, S25.0 H65.0 L-25.0"), "OK:TEMP, S25.0 H65.0 L-25.0");
  EXPECT_EQ(ask("TEMP, S65.1"), "NA:DATA OUT OF RANGE");
  EXPECT_EQ(ask("TEMP, S-25.1"), "NA:DATA OUT OF RANGE");
  EXPECT_EQ(ask("TEMP, S20.0 H10.0"), "NA:DATA OUT OF RANGE");
  EXPECT_EQ(ask("TEMP, H161.0"), "NA:DATA OUT OF RANGE");
  EXPECT_EQ(ask("TEMP, S20.0 X10.0"), "NA:PARA ERR");
  EXPECT_EQ(ask("TEMP, Snan"), "NA:PARA ERR");
  EXPECT_EQ(ask("TEMP,"), "NA:PARA ERR");
  EXPECT_EQ(ask("TEMP?"), "26.4,25.0,65.0,-25.0");
}

TEST_F(EspecTest, an_alarm_is_counted_while_the_air_is_outside_its_limits) {
  EXPECT_EQ(ask("ALARM?"), "0");
  EXPECT_EQ(ask("TEMP, S20.0 H25.0"), "OK:TEMP, S20.0 H25.0");
  EXPECT_EQ(ask("MON?"), "26.4,25,STANDBY,1");
  EXPECT_TRUE(ask("ALARM?").starts_with("1,"));
}

TEST_F(EspecTest, what_it_does_not_know_it_refuses_with_the_reason) {
  EXPECT_EQ(ask("FOO?"), "NA:CMD ERR");
  EXPECT_EQ(ask("FOO,1"), "NA:CMD ERR");
  EXPECT_EQ(ask("MODE,JUMP"), "NA:PARA ERR");
  EXPECT_EQ(ask("MODE,RUN7"), "NA:DATA NOT READY");
  EXPECT_EQ(ask("PRGM MON?"), "NA:CONT NOT READY-2");
}

TEST_F(EspecTest, the_key_lock_is_refused_while_it_is_off) {
  EXPECT_EQ(ask("KEYPROTECT,ON"), "OK:KEYPROTECT,ON");
  EXPECT_EQ(ask("KEYPROTECT?"), "ON");
  EXPECT_EQ(ask("KEYPROTECT,OFF"), "OK:KEYPROTECT,OFF");
  EXPECT_EQ(ask("MODE,OFF"), "OK:MODE,OFF");
  EXPECT_EQ(ask("KEYPROTECT,ON"), "NA:CONT NOT READY-4");
}

TEST_F(EspecTest, a_program_conditions_by_itself) {
  EXPECT_EQ(ask("MODE,RUN1"), "OK:MODE,RUN1");
  EXPECT_TRUE(chamber.is_running());
  EXPECT_EQ(ask("MODE?"), "RUN");
}

// Spoken to too early it hears nothing, on whatever connection: behind the forwarder there is one serial line.
TEST_F(EspecTest, wants_a_pause_after_each_answer) {
  EXPECT_EQ(ask("MODE?"), "STANDBY");
  const TimePoint answered = last.due;
  EXPECT_EQ(ask("MODE?", answered + 299ms - now), "(silence)");
  port.disconnected(1);
  port.connected(1);
  EXPECT_EQ(espec.lost_count(), 1);
  EXPECT_EQ(ask("TEMP, S20.0", 1ms), "OK:TEMP, S20.0");
  const TimePoint set = last.due;
  EXPECT_EQ(ask("TEMP, S30.0", set + 499ms - now), "(silence)");
  EXPECT_EQ(ask("TEMP?", 1ms), "26.4,20.0,140.0,-50.0");
}

TEST_F(EspecTest, a_line_ends_with_cr_and_lf_and_has_a_bound) {
  EXPECT_EQ(ask("TEMP?", 2s, "\n"), "(silence)");
  EXPECT_EQ(ask(std::string(100'000, 'x')), "(silence)");
  std::vector<Reply> replies;
  for (const char c : std::string("TYP")) port.receive(now + 1s, 1, std::string(1, c), replies);
  EXPECT_TRUE(replies.empty());
  EXPECT_EQ(ask("E?"), "T,T,S2,160.0");
}

TEST_F(EspecTest, without_a_sensor_it_shows_no_number_and_alarms) {
  espec.faults().nan_readings = true;
  EXPECT_TRUE(ask("TEMP?").starts_with("-----,"));
  EXPECT_TRUE(ask("MON?").ends_with(",1"));
}

TEST_F(EspecTest, a_reboot_forgets_limits_and_operation) {
  ask("TEMP, S20.0 H65.0 L-25.0");
  ask("MODE,CONSTANT");
  espec.reboot(now);
  EXPECT_FALSE(chamber.is_running());
  EXPECT_EQ(ask("TEMP?").substr(5), "0.0,140.0,-50.0");
}

struct EspecOnRs485Test : EspecTest {
  EspecOnRs485Test() : EspecTest{address_3()} {}
  static EspecConfig address_3() {
    EspecConfig config;
    config.address = 3;
    return config;
  }
};

TEST_F(EspecOnRs485Test, answers_to_its_address_alone_and_without_it) {
  EXPECT_EQ(ask("3,MODE?"), "STANDBY");
  EXPECT_EQ(ask("4,MODE?"), "(silence)");
  EXPECT_EQ(ask("MODE?"), "(silence)");
  EXPECT_EQ(ask("3,TEMP,S25"), "OK:TEMP,S25");
}

struct EspecOldProtocolTest : EspecTest {
  EspecOldProtocolTest() : EspecTest{old()} {}
  static EspecConfig old() {
    EspecConfig config;
    config.acknowledges_questions = true;
    return config;
  }
};

TEST_F(EspecOldProtocolTest, acknowledges_a_question_in_a_line_before_its_data) {
  EXPECT_EQ(ask("MODE?"), "OK:MODE?\r\nSTANDBY");
  EXPECT_EQ(ask("TEMP,S25"), "OK:TEMP,S25");
  EXPECT_EQ(ask("FOO?"), "NA:CMD ERR");
}

TEST(EspecScp220, has_no_wet_sensor) {
  ChamberAir chamber{{}, TimePoint{}};
  Espec espec{espec_scp_220(), chamber, [&](TimePoint to) { chamber.advance(to); }};
  Port& port = port_of(espec, "ascii");
  std::vector<Reply> replies;
  port.receive(at_s(1), 1, "TYPE?\r\n", replies);
  port.receive(at_s(3), 1, "HUMI?\r\n", replies);
  port.receive(at_s(5), 1, "MON?\r\n", replies);
  ASSERT_EQ(replies.size(), 3U);
  EXPECT_EQ(replies[0].bytes, "T,SCP220,190.0\r\n");
  EXPECT_EQ(replies[1].bytes, "NA:CONT NOT READY-1\r\n");
  EXPECT_EQ(replies[2].bytes, "23.0,,STANDBY,0\r\n");
}

}  // namespace
}  // namespace cellrig::sim
