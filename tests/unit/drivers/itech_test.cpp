#include "drivers/instruments/itech.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "controller/async/virtual_time.hpp"
#include "drivers/models/model_file.hpp"
#include "tests/unit/drivers/cycler_calls.hpp"
#include "tests/unit/drivers/scripted_stream.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace testing;

ItechModel model_of(const std::string& name) {
  return load_itech_model(std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/" + name + ".yaml");
}

/// Just enough of an IT-M3432 to test its driver: settings that are taken in remote only, and what can be asked.
struct FakeItech {
  VirtualTime time;
  ScriptedStream* stream = nullptr;
  std::map<std::string, std::string> settings;
  std::vector<std::string> log;  ///< every single command that took effect
  std::string ignored;           ///< header that is accepted without effect
  std::function<bool(const std::string& line)> is_silent;
  bool remote = false;
  bool takes_joined_messages = true;
  int questionable = 0;
  TimePoint trip_fades{};
  std::unique_ptr<ItechCycler> cycler;

  FakeItech() {
    power_on();
    auto owned = std::make_unique<ScriptedStream>(time, [this](ScriptedStream& s, const std::string& line) { answer(s, line); });
    stream = owned.get();
    cycler = std::make_unique<ItechCycler>(time, std::move(owned), model_of("itech-it-m3432"));
  }
  void power_on() {
    remote = false;
    settings = {{"FUNC", "VOLTage"},
                {"FUNC:MODE", "FIXed"},
                {"VOLT", "0.000"},
                {"CURR:LIM", "3.000"},
                {"CURR:LIM:NEG", "-3.000"},
                {"POW:LIM", "800.000"},
                {"POW:LIM:NEG", "-800.000"},
                {"VOLT:PROT", "61.200"},
                {"VOLT:PROT:DEL", "1.000"},
                {"VOLT:PROT:STAT", "0"},
                {"CURR:PROT", "31.500"},
                {"CURR:PROT:DEL", "1.000"},
                {"CURR:PROT:STAT", "0"},
                {"VOLT:UND:PROT", "0.000"},
                {"VOLT:UND:PROT:DEL", "1.000"},
                {"VOLT:UND:PROT:STAT", "0"},
                {"OUTP:PON:STAT", "LAST_ON"},
                {"OUTP:PROT:WDOG:DEL", "60"},
                {"OUTP:PROT:WDOG", "0"},
                {"OUTP", "0"}};
  }
  void answer(ScriptedStream& s, const std::string& line) {
    if (is_silent && is_silent(line)) return;
    if (!takes_joined_messages && line.find(';') != std::string::npos) return;
    std::string reply;
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t end = std::min(line.find(';', begin), line.size());
      std::string part = line.substr(begin, end - begin);
      if (part.starts_with(":")) part.erase(0, 1);
      begin = end + 1;
      const std::string value = perform(part);
      if (!value.empty()) reply += (reply.empty() ? "" : ";") + value;
    }
    if (!reply.empty()) s.push_later(5ms, reply + "\r\n");
  }
  std::string perform(const std::string& part) {
    const bool on = settings["OUTP"] == "1";
    if (part == "*OPC?") return "1";
    if (part == "*IDN?") return "ITECH Electronics,IT-M3432,800821,000.006.101,640.R,132.R";
    if (part == "MEAS?") return on ? "3.800,2.000,7.600,0.00100,0.00400" : "3.700,0.000,0.000,0.00000,0.00000";
    if (part == "MEAS:CURR?") return on ? "2.000" : "0.001";
    if (part == "STAT:OPER:COND?") return on ? "128" : "64";
    if (part == "STAT:QUES:COND?") return std::to_string(time.now() < trip_fades ? 4096 : questionable);
    if (part.ends_with("?")) return settings[part.substr(0, part.size() - 1)];
    if (part == "SYST:REM" || part == "SYST:LOC") {
      remote = part == "SYST:REM";
      return "";
    }
    if (!remote) return "";
    log.push_back(part);
    if (part == "OUTP:PROT:CLE") {
      questionable = 0;
      trip_fades = time.now() + 120ms;
      return "";
    }
    const std::size_t blank = part.find(' ');
    const std::string header = part.substr(0, blank);
    if (header != ignored && settings.contains(header)) settings[header] = part.substr(blank + 1);
    return "";
  }
};

TEST(Itech, arms_every_protection_and_reads_it_back) {
  FakeItech rig;
  const auto armed = arm(rig);
  ASSERT_TRUE(armed) << armed.error().what;
  EXPECT_TRUE(rig.remote);
  EXPECT_EQ(rig.settings["VOLT:PROT"], "4.300");
  EXPECT_EQ(rig.settings["VOLT:PROT:STAT"], "1");
  EXPECT_EQ(rig.settings["CURR:PROT"], "10.000");  // one level for both directions
  EXPECT_EQ(rig.settings["CURR:PROT:STAT"], "1");
  EXPECT_EQ(rig.settings["VOLT:UND:PROT"], "2.400");
  EXPECT_EQ(rig.settings["VOLT:UND:PROT:STAT"], "1");
  EXPECT_EQ(rig.settings["OUTP:PON:STAT"], "RST");
  EXPECT_EQ(rig.settings["OUTP:PROT:WDOG:DEL"], "5");
  EXPECT_EQ(rig.settings["OUTP:PROT:WDOG"], "1");
  EXPECT_EQ(rig.settings["OUTP"], "0");
}

TEST(Itech, protections_are_rounded_towards_the_safe_side) {
  FakeItech rig;
  Protections odd = protections;
  odd.over_voltage = Volts{4.30055};
  odd.under_voltage = Volts{2.40045};
  ASSERT_TRUE(arm(rig, odd));
  EXPECT_EQ(rig.settings["VOLT:PROT"], "4.300");
  EXPECT_EQ(rig.settings["VOLT:UND:PROT"], "2.401");
}

TEST(Itech, a_setting_that_is_ignored_is_refused) {
  for (const char* header : {"VOLT:PROT", "VOLT:PROT:STAT", "CURR:PROT:STAT", "VOLT:UND:PROT", "VOLT:UND:PROT:STAT",
                             "OUTP:PON:STAT", "OUTP:PROT:WDOG", "OUTP:PROT:WDOG:DEL"}) {
    FakeItech rig;
    rig.ignored = header;
    EXPECT_EQ(arm(rig).error().fault, Fault::refused) << header;
    EXPECT_EQ(apply(rig, charge_5A).error().fault, Fault::refused) << header;
  }
}

TEST(Itech, leaves_cc_priority_and_battery_mode_before_anything_else) {
  FakeItech rig;
  rig.settings["FUNC"] = "CURRent";
  rig.settings["FUNC:MODE"] = "BATTery";
  ASSERT_TRUE(arm(rig));
  EXPECT_EQ(rig.log[0], "FUNC VOLT");
  EXPECT_EQ(rig.log[1], "FUNC:MODE FIX");
  FakeItech stuck;
  stuck.settings["FUNC"] = "CURRent";
  stuck.ignored = "FUNC";
  EXPECT_EQ(arm(stuck).error().fault, Fault::refused);
}

TEST(Itech, writes_least_currents_then_powers_then_voltage_then_currents_then_on) {
  FakeItech rig;
  ASSERT_TRUE(arm(rig));
  rig.log.clear();
  const auto applied = apply(rig, charge_5A);
  ASSERT_TRUE(applied) << applied.error().what;
  const std::vector<std::string> charge{"CURR:LIM 0.000", "CURR:LIM:NEG 0.000", "POW:LIM 800.0",      "POW:LIM:NEG -800.0",
                                        "VOLT 4.200",     "CURR:LIM 5.000",     "CURR:LIM:NEG 0.000", "OUTP 1"};
  EXPECT_EQ(rig.log, charge);
  rig.log.clear();
  ASSERT_TRUE(apply(rig, ConstantPower{.power = Watts{-20}, .voltage_min = 2.5_V, .voltage_max = 4.2_V, .current_limit = 8_A}));
  const std::vector<std::string> power{"CURR:LIM 0.000", "CURR:LIM:NEG 0.000", "POW:LIM 800.0",      "POW:LIM:NEG -20.0",
                                       "VOLT 2.500",     "CURR:LIM 0.000",     "CURR:LIM:NEG -8.000"};
  EXPECT_EQ(rig.log, power);
}

TEST(Itech, pauses_after_every_command) {
  FakeItech rig;
  ASSERT_TRUE(arm(rig));
  TimePoint last_command{};
  bool was_command = false;
  int pauses = 0;
  rig.is_silent = [&](const std::string& line) {
    if (was_command) {
      EXPECT_GE(rig.time.now() - last_command, 20ms) << line;
      ++pauses;
    }
    was_command = line.ends_with(";*OPC?");
    last_command = rig.time.now() + 5ms;  // answered then
    return false;
  };
  ASSERT_TRUE(apply(rig, charge_5A));
  EXPECT_GE(pauses, 7);
}

TEST(Itech, refuses_what_it_cannot_do) {
  FakeItech rig;
  EXPECT_EQ(apply(rig, charge_5A).error().fault, Fault::refused);  // not armed
  ASSERT_TRUE(arm(rig));
  rig.log.clear();
  const std::vector<Setpoint> nonsense{ConstantResistance{Ohms{1}, 2.5_V, 4.2_V, 5_A},
                                       ConstantCurrent{Amps{0.0004}, 2.5_V, 4.2_V},
                                       ConstantCurrent{7_A, 2.5_V, 4.2_V},
                                       ConstantPower{Watts{0.5}, 2.5_V, 4.2_V, 5_A},
                                       ConstantCurrent{Amps{std::nan("")}, 2.5_V, 4.2_V},
                                       ConstantCurrent{5_A, 2.5_V, 4.31_V}};
  for (const Setpoint& setpoint : nonsense) EXPECT_EQ(apply(rig, setpoint).error().fault, Fault::refused) << setpoint.index();
  EXPECT_TRUE(rig.log.empty());
}

// Somebody at the panel: settings are not taken any more, and nothing but reading back tells.
TEST(Itech, success_means_it_was_read_back) {
  FakeItech rig;
  ASSERT_TRUE(arm(rig));
  ASSERT_TRUE(apply(rig, charge_5A));
  rig.remote = false;
  EXPECT_EQ(apply(rig, discharge_8A).error().fault, Fault::refused);
}

TEST(Itech, decodes_measurements) {
  const ItechModel model = model_of("itech-it-m3432");
  const auto decode = [&model](const char* text) { return itech::decode_measurement(text, model, TimePoint{}); };
  const auto charging = decode("3.800,2.000,7.600,0.00100,0.00400;1;128;0");
  ASSERT_TRUE(charging);
  EXPECT_DOUBLE_EQ(charging->voltage.value, 3.8);
  EXPECT_DOUBLE_EQ(charging->current.value, 2.0);
  EXPECT_EQ(charging->regulation, Regulation::constant_current);
  EXPECT_EQ(decode("+3.8E0,-2.0E0,-7.6E0,0,0;ON;2048;0")->regulation, Regulation::constant_current);
  EXPECT_EQ(decode("3.8,0.1,0.38,0,0;1;256;0")->regulation, Regulation::constant_voltage);
  EXPECT_EQ(decode("3.8,0.1,0.38,0,0;1;512;0")->regulation, Regulation::constant_power);
  EXPECT_EQ(decode("3.8,0.1,0.38,0,0;0;64;0")->regulation, Regulation::off);
  EXPECT_TRUE(decode("3.8,0,0,0,0;0;64;4096")->tripped);
  EXPECT_FALSE(decode("3.8,0,0,0,0;0;64;256")->tripped);  // sense leads only report
  EXPECT_EQ(decode("9.91E37,9.9E37,0,0,0;1;128;0")->voltage.quality, Quality::bad);
  for (const char* text : {"", "3.8;1;128;0", "3.8,2.0,7.6,0;1;128;0", "3.8,2.0,7.6,0,0,0;1;128;0", "3.8,2.0,7.6,0,0;1;128",
                           "3,8,2,0,7,6,0,0;1;128;0", "3.8,2.0,7.6,0,0;2;128;0", "3.8,x,7.6,0,0;1;128;0"}) {
    EXPECT_EQ(decode(text).error().fault, Fault::malformed) << text;
  }
}

TEST(Itech, a_cleared_trip_is_waited_for) {
  FakeItech rig;
  rig.questionable = 1 << 12;
  EXPECT_EQ(arm(rig).error().fault, Fault::protection_tripped);
  const auto acknowledged = finish(rig, rig.cycler->acknowledge_trip(in(rig, 1s)));
  EXPECT_TRUE(acknowledged) << acknowledged.error().what;
  EXPECT_TRUE(arm(rig));
}

// What is not known of this firmware must not stand between us and OFF.
TEST(Itech, off_needs_no_joined_messages_and_takes_control_when_it_must) {
  for (const bool remote : {true, false}) {
    FakeItech rig;
    rig.settings["OUTP"] = "1";
    rig.remote = remote;
    rig.takes_joined_messages = false;
    const TimePoint start = rig.time.now();
    const auto done = off(rig);
    EXPECT_TRUE(done) << done.error().what;
    EXPECT_EQ(rig.settings["OUTP"], "0");
    EXPECT_EQ(rig.stream->lines.front(), "OUTP 0");  // before anything else
    EXPECT_LE(rig.time.now() - start, 150ms);
  }
}

TEST(Itech, off_cuts_a_measurement_that_hangs) {
  FakeItech rig;
  ASSERT_TRUE(arm(rig));
  ASSERT_TRUE(apply(rig, charge_5A));
  rig.is_silent = [](const std::string& line) { return line.starts_with("MEAS?"); };
  Result<CyclerReadings> readings;
  rig.time.spawn(keep(rig.cycler->measure(in(rig, 10s)), readings));
  const TimePoint start = rig.time.now();
  ASSERT_TRUE(off(rig));
  EXPECT_LE(rig.time.now() - start, 50ms);
  EXPECT_EQ(readings.error().fault, Fault::interrupted);
  EXPECT_EQ(rig.settings["OUTP"], "0");
}

TEST(Itech, is_released_with_watchdog_and_panel_given_back) {
  FakeItech rig;
  ASSERT_TRUE(arm(rig));
  ASSERT_TRUE(release(rig));
  EXPECT_EQ(rig.settings["OUTP:PROT:WDOG"], "0");
  EXPECT_FALSE(rig.remote);
}

TEST(Itech, the_big_sister_is_told_in_its_own_resolution) {
  const ItechModel model = model_of("itech-it6054c-800-225");
  const Result<scpi::Settings> guards = itech::plan_protections(Protections{420.0_V, 280.0_V, 100.0_A, 100.0_A, 5s}, model);
  ASSERT_TRUE(guards);
  EXPECT_EQ(scpi::command_of(guards->front()), "VOLT:PROT 420.00");
}

}  // namespace
}  // namespace cellrig
