#include "drivers/instruments/keysight_n6900.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "controller/async/virtual_time.hpp"
#include "drivers/models/model_file.hpp"
#include "drivers/scpi/codec.hpp"
#include "tests/unit/drivers/cycler_calls.hpp"
#include "tests/unit/drivers/scripted_stream.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace testing;

/// Just enough of an N6974A to test its driver.
struct FakeN6900 {
  VirtualTime time;
  ScriptedStream* main = nullptr;
  ScriptedStream* stop = nullptr;
  std::map<std::string, std::string> settings;
  std::vector<std::string> log;  ///< every single command that took effect
  std::string ignored;           ///< header that is accepted without effect
  std::function<bool(const std::string& line)> is_silent;
  std::string measured_current = "-2.336919E-04";
  int questionable = 8192;
  bool output_sticks = false;
  std::map<std::string, std::string> recorded;  ///< questions that are answered from here, whatever the settings
  std::unique_ptr<KeysightN6900Cycler> cycler;

  FakeN6900() {
    power_on();
    auto handler = [this](ScriptedStream& stream, const std::string& line) { answer(stream, line); };
    auto first = std::make_unique<ScriptedStream>(time, handler);
    auto second = std::make_unique<ScriptedStream>(time, handler);
    main = first.get();
    stop = second.get();
    const std::string path = std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/keysight-n6974a.yaml";
    cycler = std::make_unique<KeysightN6900Cycler>(time, std::move(first), std::move(second), load_keysight_n6900_model(path));
  }
  void power_on() {
    settings = {{"FUNC", "VOLT"},
                {"VOLT", "+8.000000E-02"},
                {"CURR:LIM", "+2.550000E-01"},
                {"CURR:LIM:NEG", "-2.550000E+00"},
                {"VOLT:PROT", "+9.600000E+01"},
                {"OUTP:PROT:MODE", "LOWZ"},
                {"CURR:PROT:STAT", "0"},
                {"OUTP", "0"},
                {"OUTP:PON:STAT", "RST"},
                {"OUTP:PROT:WDOG:DEL", "+60"},
                {"OUTP:PROT:WDOG", "0"}};
  }
  void answer(ScriptedStream& stream, const std::string& line) {
    if (is_silent && is_silent(line)) return;
    std::string reply;
    std::size_t begin = 0;
    while (begin <= line.size()) {
      std::size_t end = std::min(line.find(';', begin), line.size());
      std::string part = line.substr(begin, end - begin);
      if (part.starts_with(":*")) return;  // -113, and the whole message is lost
      if (part.starts_with(":")) part.erase(0, 1);
      begin = end + 1;
      const std::optional<std::string> value = perform(part);
      if (!value) return;
      if (!value->empty()) reply += (reply.empty() ? "" : ";") + *value;
    }
    if (!reply.empty()) stream.push_later(1ms, reply + "\n");
  }
  /// Empty: a command that has no reply. nullopt: unknown, silence.
  std::optional<std::string> perform(const std::string& part) {
    if (const auto found = recorded.find(part); found != recorded.end()) return found->second;
    if (part == "*OPC?") return "1";
    if (part == "*IDN?") return "Agilent Technologies,N6974A,MY63000121,B.02.03.1268";
    if (part == "CURR:LIM? MAX") return "+2.550000E+01";
    if (part == "CURR:LIM:NEG? MIN") return "-1.275000E+01";
    if (part == "MEAS:VOLT?") return "+3.700000E+00";
    if (part == "FETC:CURR?" || part == "MEAS:CURR?") return settings["OUTP"] == "1" ? "+5.000000E+00" : measured_current;
    if (part == "STAT:OPER:COND?") return settings["OUTP"] == "1" ? "+2" : "+4";
    if (part == "STAT:QUES:COND?") return "+" + std::to_string(questionable);
    if (part.ends_with("?")) {
      const auto found = settings.find(part.substr(0, part.size() - 1));
      return found == settings.end() ? std::nullopt : std::optional{found->second};
    }
    const std::size_t blank = part.find(' ');
    if (part == "OUTP:PROT:CLE") questionable = 0;
    if (blank == std::string::npos) return "";
    const std::string header = part.substr(0, blank);
    if (!settings.contains(header)) return std::nullopt;
    if (header == ignored || (header == "OUTP" && output_sticks)) return "";
    log.push_back(part);
    settings[header] = part.substr(blank + 1);
    return "";
  }
};

TEST(KeysightN6900, identifies_itself_and_its_dissipators) {
  FakeN6900 rig;
  const auto identity = identify(rig);
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_EQ(identity->serial, "MY63000121");
  EXPECT_TRUE(rig.stop->is_open());
}

TEST(KeysightN6900, arms_and_reads_back) {
  FakeN6900 rig;
  const auto armed = arm(rig);
  ASSERT_TRUE(armed) << armed.error().what;
  EXPECT_EQ(rig.settings["VOLT:PROT"], "4.3000");
  EXPECT_EQ(rig.settings["OUTP:PROT:MODE"], "HIGHZ");
  EXPECT_EQ(rig.settings["OUTP:PROT:WDOG:DEL"], "5");
  EXPECT_EQ(rig.settings["OUTP:PROT:WDOG"], "1");
  EXPECT_TRUE(rig.stop->is_open());
  EXPECT_TRUE(rig.stop->lines.empty());
}

TEST(KeysightN6900, a_setting_that_is_ignored_is_refused) {
  for (const char* header : {"VOLT:PROT", "OUTP:PROT:MODE", "OUTP:PROT:WDOG", "OUTP:PROT:WDOG:DEL"}) {
    FakeN6900 rig;
    rig.ignored = header;
    EXPECT_EQ(arm(rig).error().fault, Fault::refused) << header;
    EXPECT_EQ(apply(rig, charge_5A).error().fault, Fault::refused) << header;
  }
}

TEST(KeysightN6900, never_energises_in_current_priority) {
  FakeN6900 rig;
  rig.settings["FUNC"] = "CURR";
  EXPECT_TRUE(arm(rig));
  EXPECT_EQ(rig.log.front(), "FUNC VOLT");
  FakeN6900 stuck;
  stuck.settings["FUNC"] = "CURR";
  stuck.ignored = "FUNC";
  EXPECT_EQ(arm(stuck).error().fault, Fault::refused);
}

TEST(KeysightN6900, a_latched_trip_must_be_acknowledged_by_a_person) {
  FakeN6900 rig;
  rig.questionable = 1 << 11;
  EXPECT_EQ(arm(rig).error().fault, Fault::protection_tripped);
  EXPECT_TRUE(finish(rig, rig.cycler->acknowledge_trip(in(rig, 1s))));
  EXPECT_TRUE(arm(rig));
}

TEST(KeysightN6900, writes_least_limits_then_voltage_then_limits_then_on) {
  FakeN6900 rig;
  ASSERT_TRUE(arm(rig));
  rig.log.clear();
  const auto applied = apply(rig, charge_5A);
  ASSERT_TRUE(applied) << applied.error().what;
  const std::vector<std::string> expected{"CURR:LIM 0.0260", "CURR:LIM:NEG -0.0260", "VOLT 4.2000",
                                          "CURR:LIM 5.0000", "CURR:LIM:NEG -0.0260", "OUTP 1"};
  EXPECT_EQ(rig.log, expected);
  rig.log.clear();
  ASSERT_TRUE(apply(rig, ConstantCurrent{.current = -8_A, .voltage_min = 2.5_V, .voltage_max = 4.2_V}));
  const std::vector<std::string> discharge{"CURR:LIM 0.0260", "CURR:LIM:NEG -0.0260", "VOLT 2.5000", "CURR:LIM 0.0260",
                                           "CURR:LIM:NEG -8.0000"};
  EXPECT_EQ(rig.log, discharge);
}

TEST(KeysightN6900, refuses_what_it_cannot_do) {
  FakeN6900 rig;
  EXPECT_EQ(apply(rig, charge_5A).error().fault, Fault::refused);  // not armed
  ASSERT_TRUE(arm(rig));
  rig.log.clear();
  const std::vector<Setpoint> nonsense{
      ConstantPower{Watts{10}, 2.5_V, 4.2_V, 5_A},       ConstantResistance{Ohms{1}, 2.5_V, 4.2_V, 5_A},
      ConstantCurrent{Amps{0.02}, 2.5_V, 4.2_V},         ConstantCurrent{7_A, 2.5_V, 4.2_V},
      ConstantCurrent{Amps{std::nan("")}, 2.5_V, 4.2_V}, ConstantCurrent{5_A, 2.5_V, 4.31_V}};
  for (const Setpoint& setpoint : nonsense) EXPECT_EQ(apply(rig, setpoint).error().fault, Fault::refused);
  EXPECT_TRUE(rig.log.empty());
}

// Silence after the n-th message, n = 1, 2, ...: the output never goes on before everything was read back.
TEST(KeysightN6900, stopping_after_any_message_of_apply_is_safe) {
  bool finished = false;
  for (int n = 0; n < 50 && !finished; ++n) {
    FakeN6900 rig;
    ASSERT_TRUE(arm(rig));
    rig.log.clear();
    int messages = 0;
    rig.is_silent = [&messages, n](const std::string&) { return messages++ >= n; };
    finished = static_cast<bool>(apply(rig, charge_5A));
    for (std::size_t i = 0; i < rig.log.size(); ++i) {
      if (rig.log[i] == "CURR:LIM 5.0000") {
        EXPECT_EQ(rig.log[i - 1], "VOLT 4.2000");
      }
      if (rig.log[i] == "OUTP 1") {
        EXPECT_EQ(i, 5U);
      }
    }
  }
  EXPECT_TRUE(finished);
}

// F19: what was restarted in between is not energised.
TEST(KeysightN6900, a_new_connection_reads_protections_back_before_the_next_setpoint) {
  FakeN6900 rig;
  ASSERT_TRUE(arm(rig));
  rig.main->drop();
  EXPECT_TRUE(apply(rig, charge_5A));  // still armed
  ASSERT_TRUE(off(rig));
  rig.main->drop();
  rig.power_on();
  rig.log.clear();
  EXPECT_EQ(apply(rig, charge_5A).error().fault, Fault::refused);
  EXPECT_TRUE(rig.log.empty());
}

TEST(KeysightN6900, measures_in_one_message) {
  FakeN6900 rig;
  const auto readings = measure(rig);
  ASSERT_TRUE(readings);
  EXPECT_DOUBLE_EQ(readings->voltage.value, 3.7);
  EXPECT_FALSE(readings->output_on);
  EXPECT_FALSE(readings->tripped);  // bit 13 only reports open sense leads
  EXPECT_EQ(readings->regulation, Regulation::off);
  EXPECT_EQ(rig.main->lines.size(), 1U);
}

/// Answers every question as the real unit did when it was recorded, and nothing else.
std::map<std::string, std::string> recorded_replies() {
  std::ifstream file{CELLRIG_SOURCE_DIR "/tests/data/n6974a_transcript.txt"};
  std::map<std::string, std::string> replies;
  for (std::string line; std::getline(file, line);) {
    const std::size_t arrow = line.find(" => ");
    if (!line.starts_with('#') && arrow != std::string::npos) replies[line.substr(0, arrow)] = line.substr(arrow + 4);
  }
  return replies;
}

// The bytes come from a real instrument, not from us.
TEST(KeysightN6900, understands_the_recorded_unit) {
  FakeN6900 rig;
  rig.recorded = recorded_replies();
  ASSERT_GT(rig.recorded.size(), 80U);
  const auto identity = identify(rig);
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_EQ(identity->serial, "MY63000121");
  const auto readings = measure(rig);
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_DOUBLE_EQ(readings->voltage.value, -3.454664e-4);
  EXPECT_DOUBLE_EQ(readings->current.value, -2.336919e-4);
  EXPECT_EQ(readings->regulation, Regulation::off);
  EXPECT_FALSE(readings->tripped);
  // As it came out of the box it guards nothing: what arm() programs is not held by this unit, which only repeats itself.
  EXPECT_EQ(arm(rig).error().fault, Fault::refused);
}

TEST(KeysightN6900, decodes_measurements) {
  const auto model = load_keysight_n6900_model(std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/keysight-n6974a.yaml");
  const auto decode = [&model](const char* text) { return keysight_n6900::decode_measurement(text, model, TimePoint{}); };
  EXPECT_EQ(decode("9.91E37;+1.0E0;1;+1;+0")->voltage.quality, Quality::bad);
  EXPECT_EQ(decode("+3.7E0;+9.9E37;1;+1;+0")->current.quality, Quality::bad);
  EXPECT_EQ(decode("+3.7E0;-5.0E0;1;+2;+0")->regulation, Regulation::constant_current);
  EXPECT_EQ(decode("+3.7E0;-5.0E0;1;+1;+0")->regulation, Regulation::constant_voltage);
  EXPECT_TRUE(decode("+3.7E0;+0.0E0;0;+4;+2048")->tripped);
  for (const char* text : {"", "1;2;3;4;5", "+3.7E0;+1.0E0;1;+1", "+3.7E0;+1.0E0;1;+1;+0;+0", "0-113,\"Undefined header\""}) {
    EXPECT_EQ(decode(text).error().fault, Fault::malformed) << text;
  }
}

// The value of another question must never pass for a measurement: after nonsense the connection is new.
TEST(KeysightN6900, nonsense_closes_the_connection) {
  FakeN6900 rig;
  rig.is_silent = [&rig](const std::string& line) {
    if (!line.starts_with("MEAS:VOLT?") || rig.main->lines.size() > 1) return false;
    rig.main->push("0-113,\"Undefined header\"\n");
    return true;
  };
  EXPECT_EQ(measure(rig).error().fault, Fault::malformed);
  EXPECT_FALSE(rig.main->is_open());
  EXPECT_TRUE(measure(rig));
}

// OFF has its own session: a measurement that hangs does not delay it.
TEST(KeysightN6900, off_does_not_wait_for_a_measurement) {
  FakeN6900 rig;
  ASSERT_TRUE(arm(rig));
  ASSERT_TRUE(apply(rig, charge_5A));
  rig.is_silent = [](const std::string& line) { return line.starts_with("MEAS:VOLT?"); };
  Result<CyclerReadings> readings;
  rig.time.spawn(keep(rig.cycler->measure(in(rig, 1s)), readings));
  const TimePoint start = rig.time.now();
  ASSERT_TRUE(off(rig));
  EXPECT_LE(rig.time.now() - start, 20ms);
  EXPECT_EQ(rig.settings["OUTP"], "0");
  EXPECT_EQ(readings.error().fault, Fault::interrupted);
  EXPECT_EQ(rig.stop->open_count, 1);
}

TEST(KeysightN6900, off_uses_the_main_session_when_the_stop_session_is_dead) {
  FakeN6900 rig;
  ASSERT_TRUE(arm(rig));
  ASSERT_TRUE(apply(rig, charge_5A));
  rig.stop->drop();
  rig.stop->refuses_connection = true;
  EXPECT_TRUE(off(rig));
  EXPECT_EQ(rig.settings["OUTP"], "0");
}

TEST(KeysightN6900, off_works_on_a_fresh_object) {
  FakeN6900 rig;
  rig.settings["OUTP"] = "1";
  EXPECT_TRUE(off(rig));
  EXPECT_EQ(rig.settings["OUTP"], "0");
}

TEST(KeysightN6900, off_is_confirmed_by_the_instrument_or_fails_by_its_deadline) {
  FakeN6900 stuck;
  ASSERT_TRUE(arm(stuck));
  ASSERT_TRUE(apply(stuck, charge_5A));
  stuck.output_sticks = true;
  const TimePoint start = stuck.time.now();
  EXPECT_EQ(off(stuck).error().fault, Fault::device_fault);
  EXPECT_LE(stuck.time.now() - start, 1s);
  FakeN6900 no_number;
  no_number.measured_current = "9.91E37";
  EXPECT_FALSE(off(no_number));
  FakeN6900 dead;
  dead.main->refuses_connection = true;
  dead.stop->refuses_connection = true;
  EXPECT_FALSE(off(dead));
}

}  // namespace
}  // namespace cellrig
