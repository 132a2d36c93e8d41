#include "drivers/instruments/espec.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "controller/async/virtual_time.hpp"
#include "drivers/models/model_file.hpp"
#include "tests/unit/drivers/run_task.hpp"
#include "tests/unit/drivers/scripted_stream.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::run_task;
using testing::ScriptedStream;

EspecModel sh641() { return load_espec_model(std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/espec-sh-641.yaml"); }

// ---- words

TEST(EspecText, reads_what_a_real_sh641_said) {
  const Result<espec::Type> type = espec::parse_type("T,T,S2,160.0");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->controller, "S2");
  EXPECT_EQ(type->temperature_max, 160.0);
  EXPECT_EQ(espec::parse_type("T,SCP220,190.0")->controller, "SCP220");
  const Result<espec::Temperatures> shown = espec::parse_temperatures("26.4,0.0,140.0,-50.0");
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->measured, 26.4);
  EXPECT_EQ(shown->setpoint, 0.0);
  EXPECT_EQ(shown->alarm_high, 140.0);
  EXPECT_EQ(shown->alarm_low, -50.0);
  EXPECT_TRUE(espec::is_acknowledged("OK:TEMP,S25", "TEMP, S25"));
}

TEST(EspecText, a_measured_value_that_is_no_number_is_none_and_everything_else_must_be_one) {
  for (const char* const text : {"-----,0.0,140.0,-50.0", "nan,0.0,140.0,-50.0", ",0.0,140.0,-50.0", "inf,0.0,140.0,-50.0"}) {
    const Result<espec::Temperatures> shown = espec::parse_temperatures(text);
    ASSERT_TRUE(shown) << text;
    EXPECT_FALSE(shown->measured) << text;
  }
  for (const char* const text :
       {"", "26.4", "26.4,0.0,140.0", "26.4,0.0,140.0,-50.0,1", "26.4,x,140.0,-50.0", "26.4,0.0,nan,-50.0"}) {
    EXPECT_EQ(espec::parse_temperatures(text).error().fault, Fault::malformed) << text;
  }
}

TEST(EspecText, modes_and_alarms) {
  const std::array<std::pair<const char*, espec::Mode>, 6> known{{{"27.0,,STANDBY,0", espec::Mode::standby},
                                                                  {"27.0,50,CONSTANT,2", espec::Mode::constant},
                                                                  {"27.0,,OFF,0", espec::Mode::off},
                                                                  {"27.0,,RUN,0", espec::Mode::program},
                                                                  {"27.0,,RUN PAUSE,0", espec::Mode::program},
                                                                  {"27.0,,RMT RUN END HOLD,0", espec::Mode::program}}};
  for (const auto& [text, mode] : known) EXPECT_EQ(espec::parse_monitor(text)->mode, mode) << text;
  EXPECT_EQ(espec::parse_monitor("27.0,50,CONSTANT,2")->alarm_count, 2);
  for (const char* const text :
       {"27.0,,IDLE,0", "27.0,,STANDBY", "27.0,,STANDBY,x", "27.0,,STANDBY,-1", "27.0,,STANDBY,0.5", "26.4,0.0,140.0,-50.0"}) {
    EXPECT_EQ(espec::parse_monitor(text).error().fault, Fault::malformed) << text;
  }
}

// Found by fuzzing: a damaged reply went to the terminal as it came.
TEST(EspecText, a_controllers_own_words_are_printable) {
  EXPECT_EQ(espec::parse_temperatures("26.\xd6,\x9b 2J").error().what, "four temperatures were asked for: '26.?,? 2J'");
  EXPECT_EQ(espec::parse_type("T,S\xb2,160.0")->controller, "S?");
  EXPECT_EQ(espec::refusal("NA:\x9b 2J"), "? 2J");
}

TEST(EspecText, writes_one_decimal_and_no_nonsense) {
  EXPECT_EQ(espec::decimal(25), "25.0");
  EXPECT_EQ(espec::decimal(-10.04), "-10.0");
  EXPECT_EQ(espec::decimal(-0.01), "0.0");
  EXPECT_FALSE(espec::decimal(std::nan("")));
  EXPECT_FALSE(espec::decimal(1000.0));
  EXPECT_EQ(espec::refusal("NA:DATA OUT OF RANGE"), "DATA OUT OF RANGE");
  EXPECT_FALSE(espec::refusal("OK:TEMP,S25"));
  EXPECT_FALSE(espec::is_acknowledged("OK:TEMP,S25", "TEMP,S35"));
}

// ---- the driver on a line whose other end is the test

struct EspecOnLine {
  VirtualTime time;
  ScriptedStream* stream = nullptr;
  std::unique_ptr<EspecChamber> chamber;
  std::string setpoint = "23.0", high = "140.0", low = "-50.0", mode = "STANDBY", alarms = "0";
  std::vector<std::pair<TimePoint, std::string>> heard;    ///< every line, with the instant at which it came
  std::function<std::string(const std::string&)> instead;  ///< another answer than the usual one; empty: silence
  bool ignores_modes = false;

  explicit EspecOnLine(EspecModel model = sh641()) {
    auto owned =
        std::make_unique<ScriptedStream>(time, [this](ScriptedStream& line, const std::string& text) { answer(line, text); });
    stream = owned.get();
    chamber = std::make_unique<EspecChamber>(time, std::move(owned), std::move(model));
  }
  void answer(ScriptedStream& line, const std::string& text) {
    EXPECT_TRUE(text.ends_with('\r'));
    const std::string message = text.substr(0, text.size() - 1);
    heard.emplace_back(time.now(), message);
    const std::string reply = instead ? instead(message) : usual(message);
    if (!reply.empty()) line.push_later(60ms, reply + "\r\n");
  }
  std::string usual(const std::string& message) {
    if (message == "TYPE?") return "T,T,S2,160.0";
    if (message == "ROM?") return "JMIC 4.00";
    if (message == "TEMP?") return "26.4," + setpoint + "," + high + "," + low;
    if (message == "MON?") return "26.4,25," + mode + "," + alarms;
    if (message.starts_with("MODE,") && !ignores_modes) mode = message.substr(5);
    for (std::size_t at = message.find(' '); message.starts_with("TEMP,") && at != std::string::npos;
         at = message.find(' ', at + 1)) {
      const std::string value = message.substr(at + 2, message.find(' ', at + 1) - at - 2);
      std::string& into = message[at + 1] == 'S' ? setpoint : message[at + 1] == 'H' ? high : low;
      into = value;
    }
    return "OK:" + message;
  }
  [[nodiscard]] Deadline in(Duration duration) const { return Deadline{time.now() + duration}; }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> result;
    for (const auto& [at, line] : heard) result.push_back(line);
    return result;
  }
};

const ChamberLimits limits{.setpoint_min = Celsius{-20}, .setpoint_max = Celsius{60}};

Task<void> do_identify(EspecOnLine& rig, Result<InstrumentIdentity>& result) {
  result = co_await rig.chamber->identify(rig.in(5s));
}
Task<void> do_arm(EspecOnLine& rig, Result<void>& result) { result = co_await rig.chamber->arm(limits, rig.in(5s)); }
Task<void> do_run(EspecOnLine& rig, Celsius setpoint, Result<void>& result) {
  result = co_await rig.chamber->run(setpoint, rig.in(5s));
}
Task<void> do_stop(EspecOnLine& rig, Result<void>& result) { result = co_await rig.chamber->stop(rig.in(3s)); }
Task<void> do_measure(EspecOnLine& rig, Result<ChamberReadings>& result) { result = co_await rig.chamber->measure(rig.in(2s)); }

TEST(Espec, arms_runs_measures_and_stops_in_these_words) {
  EspecOnLine rig;
  Result<void> result;
  run_task(rig.time, do_run(rig, Celsius{25}, result));
  EXPECT_EQ(result.error().fault, Fault::refused);  // before arm()
  run_task(rig.time, do_arm(rig, result));
  ASSERT_TRUE(result) << result.error().what;
  run_task(rig.time, do_run(rig, Celsius{-10}, result));
  ASSERT_TRUE(result) << result.error().what;
  run_task(rig.time, do_stop(rig, result));
  ASSERT_TRUE(result) << result.error().what;
  const std::vector<std::string> expected{"TEMP?", "TEMP, H65.0 L-25.0", "TEMP?", "MON?",         "TEMP?", "TEMP, S-10.0",
                                          "TEMP?", "MODE,CONSTANT",      "MON?",  "MODE,STANDBY", "MON?"};
  EXPECT_EQ(rig.lines(), expected);
}

TEST(Espec, keeps_the_pauses_the_controller_wants) {
  EspecOnLine rig;
  Result<void> result;
  run_task(rig.time, do_arm(rig, result));
  run_task(rig.time, do_run(rig, Celsius{25}, result));
  ASSERT_TRUE(result);
  ASSERT_GT(rig.heard.size(), 5U);
  for (std::size_t i = 1; i < rig.heard.size(); ++i) {
    const bool was_question = rig.heard[i - 1].second.ends_with('?');
    const Duration since_answer = rig.heard[i].first - rig.heard[i - 1].first - 60ms;
    EXPECT_GE(since_answer, was_question ? 300ms : 500ms) << rig.heard[i].second;
    EXPECT_LE(since_answer, 510ms) << "no longer than needed";
  }
}

TEST(Espec, an_old_set_point_outside_moves_in_the_same_command_as_the_limits) {
  EspecOnLine rig;
  rig.setpoint = "100.0";
  Result<void> result;
  run_task(rig.time, do_arm(rig, result));
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(rig.heard.at(1).second, "TEMP, S60.0 H65.0 L-25.0");
}

TEST(Espec, limits_that_do_not_read_back_leave_it_unarmed) {
  EspecOnLine rig;
  rig.instead = [&rig](const std::string& message) {
    return message.starts_with("TEMP,") ? "OK:" + message : rig.usual(message);  // acknowledged, not taken
  };
  Result<void> result;
  run_task(rig.time, do_arm(rig, result));
  EXPECT_EQ(result.error().fault, Fault::refused);
  rig.instead = nullptr;
  run_task(rig.time, do_run(rig, Celsius{25}, result));
  EXPECT_EQ(result.error().fault, Fault::refused);
}

TEST(Espec, refuses_beside_a_program_and_hears_a_refusal) {
  EspecOnLine rig;
  Result<void> result;
  run_task(rig.time, do_arm(rig, result));
  rig.mode = "RUN";
  run_task(rig.time, do_run(rig, Celsius{25}, result));
  EXPECT_EQ(result.error().fault, Fault::refused);
  rig.mode = "STANDBY";
  rig.instead = [&rig](const std::string& message) {
    return message.starts_with("TEMP,") ? std::string("NA:DATA OUT OF RANGE") : rig.usual(message);
  };
  run_task(rig.time, do_run(rig, Celsius{30}, result));
  EXPECT_EQ(result.error().fault, Fault::refused);
  EXPECT_NE(result.error().what.find("DATA OUT OF RANGE"), std::string::npos);
  EXPECT_EQ(rig.stream->open_count, 1) << "a refusal is an answer";
}

TEST(Espec, another_controller_and_another_range_are_refused) {
  for (const char* const type : {"T,SCP220,190.0", "T,T,S2,100.0", "T,T,S2"}) {
    EspecOnLine rig;
    rig.instead = [&](const std::string& message) { return message == "TYPE?" ? std::string(type) : rig.usual(message); };
    Result<InstrumentIdentity> identity;
    run_task(rig.time, do_identify(rig, identity));
    ASSERT_FALSE(identity) << type;
  }
  EspecOnLine rig;
  Result<InstrumentIdentity> identity;
  run_task(rig.time, do_identify(rig, identity));
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_EQ(identity->model, "S2");
  EXPECT_EQ(identity->firmware, "JMIC 4.00");
}

// The answer to a question that was given up would answer the next one of the same kind.
TEST(Espec, closes_and_reopens_after_a_late_reply) {
  EspecOnLine rig;
  rig.instead = [&rig](const std::string& message) {
    if (rig.heard.size() == 1) {
      rig.stream->push_later(2500ms, "99.9,99.9,140.0,-50.0\r\n");
      return std::string();
    }
    return rig.usual(message);
  };
  Result<ChamberReadings> readings;
  run_task(rig.time, do_measure(rig, readings));
  EXPECT_EQ(readings.error().fault, Fault::timeout);
  run_task(rig.time, do_measure(rig, readings));
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_EQ(readings->temperature.value, 26.4);
  EXPECT_EQ(rig.stream->open_count, 2);
}

TEST(Espec, whatever_is_no_answer_closes_the_connection) {
  for (const char* const reply :
       {"OK:TEMP?", "26.4,0.0,140.0", "26.4,0.0,140.0,-50.0\r\nMORE", "26.4,0.0,140.0\x01,-50.0", "HELLO"}) {
    EspecOnLine rig;
    rig.instead = [&](const std::string& message) { return rig.heard.size() == 1 ? std::string(reply) : rig.usual(message); };
    Result<ChamberReadings> readings;
    run_task(rig.time, do_measure(rig, readings));
    ASSERT_FALSE(readings) << reply;
    EXPECT_EQ(readings.error().fault, Fault::malformed) << reply;
    EXPECT_FALSE(rig.stream->is_open()) << reply;
  }
}

TEST(Espec, an_echo_of_another_setting_is_no_acknowledgement) {
  EspecOnLine rig;
  rig.instead = [&rig](const std::string& message) {
    return message.starts_with("TEMP,") ? std::string("OK:TEMP, H99.0 L-25.0") : rig.usual(message);
  };
  Result<void> result;
  run_task(rig.time, do_arm(rig, result));
  EXPECT_EQ(result.error().fault, Fault::malformed);
}

TEST(Espec, speaks_the_old_protocol_and_to_an_address) {
  EspecModel model = sh641();
  model.session.acknowledges_questions = true;
  model.unit = 3;
  EspecOnLine rig{model};
  rig.instead = [&rig](const std::string& message) {
    EXPECT_TRUE(message.starts_with("3,"));
    const std::string bare = message.substr(2);
    return bare.ends_with('?') ? "OK:" + bare + "\r\n" + rig.usual(bare) : rig.usual(bare);
  };
  Result<void> result;
  run_task(rig.time, do_arm(rig, result));
  ASSERT_TRUE(result) << result.error().what;
  Result<ChamberReadings> readings;
  run_task(rig.time, do_measure(rig, readings));
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_EQ(readings->temperature.value, 26.4);
}

// A pause of half a second belongs to the wire's comfort, not to OFF.
TEST(Espec, stop_cuts_the_pause_of_others_and_keeps_but_the_gap_between_frames) {
  EspecOnLine rig;
  Result<void> armed, ran, stopped;
  run_task(rig.time, do_arm(rig, armed));
  ASSERT_TRUE(armed);
  struct Local {
    static Task<void> stop_after(EspecOnLine& line, Duration delay, Result<void>& result) {
      co_await line.time.sleep_for(delay);
      result = co_await line.chamber->stop(line.in(3s));
    }
  };
  rig.time.spawn(do_run(rig, Celsius{25}, ran));  // it waits out the pause behind arm()
  const TimePoint begun = rig.time.now();
  run_task(rig.time, Local::stop_after(rig, 10ms, stopped));
  EXPECT_TRUE(stopped);
  EXPECT_EQ(ran.error().fault, Fault::interrupted);
  const auto off =
      std::find_if(rig.heard.begin(), rig.heard.end(), [](const auto& entry) { return entry.second == "MODE,STANDBY"; });
  ASSERT_NE(off, rig.heard.end());
  EXPECT_GE(off->first - begun, 100ms) << "from the answer to arm()'s last question";
  EXPECT_LE(off->first - begun, 120ms);
}

TEST(Espec, a_stop_that_came_too_early_is_told_again_at_the_full_pace) {
  EspecOnLine rig;
  Result<void> armed, stopped;
  run_task(rig.time, do_arm(rig, armed));
  rig.mode = "CONSTANT";
  int told = 0;
  rig.instead = [&](const std::string& message) {
    if (message == "MODE,STANDBY" && ++told == 1) return std::string();
    return rig.usual(message);
  };
  const TimePoint begun = rig.time.now();
  run_task(rig.time, do_stop(rig, stopped));
  EXPECT_TRUE(stopped) << stopped.error().what;
  EXPECT_EQ(told, 2);
  EXPECT_LT(rig.time.now() - begun, 1500ms);
}

TEST(Espec, stop_is_confirmed_or_fails_by_its_deadline) {
  EspecOnLine rig;
  rig.mode = "CONSTANT";
  rig.ignores_modes = true;
  Result<void> result;
  const TimePoint start = rig.time.now();
  run_task(rig.time, do_stop(rig, result));
  EXPECT_EQ(result.error().fault, Fault::device_fault);
  EXPECT_LE(rig.time.now() - start, 3s);
  rig.instead = [&](const std::string& message) {
    return message.starts_with("MODE,") ? std::string("NA:CHB NOT READY") : rig.usual(message);
  };
  rig.mode = "OFF";
  run_task(rig.time, do_stop(rig, result));
  EXPECT_TRUE(result) << "what is off need not be stopped";
}

TEST(Espec, an_alarm_and_a_missing_sensor_are_told) {
  EspecOnLine rig;
  rig.alarms = "1";
  Result<ChamberReadings> readings;
  run_task(rig.time, do_measure(rig, readings));
  EXPECT_TRUE(readings->alarm);
  EXPECT_EQ(readings->temperature.quality, Quality::good);
  rig.instead = [&](const std::string& message) {
    return message == "TEMP?" ? std::string("-----,23.0,140.0,-50.0") : rig.usual(message);
  };
  run_task(rig.time, do_measure(rig, readings));
  EXPECT_EQ(readings->temperature.quality, Quality::bad);
}

}  // namespace
}  // namespace cellrig
