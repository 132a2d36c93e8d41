#include "drivers/models/model_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "drivers/models/model_map.hpp"

namespace cellrig {
namespace {

std::string path_of(const std::string& name) { return std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/" + name + ".yaml"; }

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

// A line at another speed, or a unit that is asked too soon, answers nothing: found on the first day at a real bench, and tedious.
TEST(ModelFile, instruments_with_a_serial_line_know_how_it_leaves_the_factory) {
  struct Line {
    const char* model;
    int baud;
    Duration gap_min;
  };
  using std::chrono::milliseconds;
  for (const Line& expected : {Line{"watlow-f4t-rtu", 38400, milliseconds{30}}, Line{"binder-mb1", 9600, milliseconds{4}},
                               Line{"loadcell-aje", 9600, milliseconds{4}}, Line{"gas-jxbs-3001-co", 9600, milliseconds{4}},
                               Line{"waveshare-relay-8", 9600, milliseconds{4}}, Line{"keysight-34970a", 57600, milliseconds{30}},
                               Line{"itech-it-m3432", 115200, milliseconds{20}}}) {
    SCOPED_TRACE(expected.model);
    const SerialModel serial = load_line_model(path_of(expected.model)).serial;
    ASSERT_TRUE(serial.settings);
    EXPECT_EQ(serial.settings->baud, expected.baud);
    EXPECT_EQ(serial.settings->parity, Parity::none);
    EXPECT_EQ(serial.settings->stop_bits, 1);
    EXPECT_GE(serial.request_gap, expected.gap_min);
  }
  EXPECT_FALSE(load_line_model(path_of("watlow-f4t")).serial.settings) << "its map is that of Modbus TCP";
}

TEST(ModelFile, every_model_in_the_repository_loads_and_holds_together) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(CELLRIG_SOURCE_DIR) + "/drivers/models")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    const std::string path = entry.path().string();
    switch (role_of_kind(load_model_kind(path))) {
      case ModelRole::cycler: {
        const CyclerCapabilities c = load_cycler_capabilities(path);
        EXPECT_LT(c.voltage_min, c.voltage_max) << path;
        EXPECT_LE(c.voltage_max, c.over_voltage_protection_max) << path;
        EXPECT_LT(c.current_limit_min, c.charge_current_max) << path;
        EXPECT_GT(c.voltage_accuracy.bound_at(4.2), 0.0) << path;
        // The EA lets go of the remote control, the others latch a trip.
        EXPECT_EQ(c.watchdog_effect == WatchdogEffect::leaves_remote, load_model_kind(path) == kind_ea_psb) << path;
        EXPECT_TRUE(c.has_watchdog) << path;
        EXPECT_GT(c.reply_time_typical, Duration::zero()) << path;
        break;
      }
      case ModelRole::chamber: EXPECT_LT(load_chamber_capabilities(path).temperature_min, Celsius{0}) << path; break;
      case ModelRole::logger: {
        const LoggerCapabilities logger = load_logger_capabilities(path);
        EXPECT_FALSE(logger.inputs.empty()) << path;
        for (const LoggerInput& input : logger.inputs) {
          EXPECT_LT(input.min, input.max) << path;
          EXPECT_GT(input.accuracy.bound_at(1.0), 0.0) << path;
        }
        break;
      }
      case ModelRole::coil_module: {
        const CoilModuleModel module = load_coil_module_model(path);
        EXPECT_GT(module.capabilities.relay_channels + module.capabilities.contact_inputs, 0) << path;
        EXPECT_GT(module.attempt_timeout, Duration::zero()) << path;
        break;
      }
    }
  }
  EXPECT_GE(count, 11);
}

TEST(ModelFile, the_n6900_does_not_take_open_sense_leads_for_a_trip) {
  const KeysightN6900Model model = load_keysight_n6900_model(path_of("keysight-n6974a"));
  EXPECT_EQ(model.trip_mask & (1U << 13), 0U);
  EXPECT_NE(model.trip_mask & (1U << 11), 0U);
  EXPECT_FALSE(model.over_current_trips_in_limit);
}

// What an instrument does by itself is known from somewhere: each line says from where, by a word that `source` explains, or "derived".
TEST(ModelFile, every_quirk_and_protection_names_its_source) {
  for (const auto& entry : std::filesystem::directory_iterator(std::string(CELLRIG_SOURCE_DIR) + "/drivers/models")) {
    if (entry.path().extension() != ".yaml") continue;
    ModelMap file = ModelMap::load(entry.path().string());
    const std::string source = file.text("source");
    bool knows_of_watchdogs = file.has("watchdog");
    for (const char* const key : {"quirks", "own_protections"}) {
      for (const std::string& line : file.texts(key)) {
        knows_of_watchdogs = knows_of_watchdogs || line.find("watchdog") != std::string::npos;
        const std::size_t end = line.find("] ");
        ASSERT_TRUE(line.starts_with('[') && end != std::string::npos) << entry.path() << ": " << line;
        const std::string tag = line.substr(0, end + 1);
        EXPECT_TRUE(tag == "[derived]" || source.find(tag + ":") != std::string::npos) << entry.path() << ": " << tag;
      }
    }
    EXPECT_TRUE(knows_of_watchdogs) << entry.path() << " says nothing of a watchdog";
    EXPECT_TRUE(file.has("timing")) << entry.path() << " says nothing of pauses and time-outs";
  }
}

class Scratch {
 public:
  explicit Scratch(const std::string& text) {
    path_ = ::testing::TempDir() + "cellrig-model-XXXXXX";
    ::close(::mkstemp(path_.data()));
    std::ofstream{path_} << text;
  }
  ~Scratch() { std::remove(path_.c_str()); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A file is parsed once for all who read it; one that was edited meanwhile is another file.
TEST(ModelMap, reads_a_file_again_when_its_text_has_changed) {
  const Scratch file{"reply_ms: 5\n"};
  EXPECT_EQ(ModelMap::load(file.path()).number("reply_ms"), 5.0);
  EXPECT_EQ(ModelMap::load(file.path()).number("reply_ms"), 5.0);
  std::ofstream{file.path()} << "reply_ms: 7\n";
  EXPECT_EQ(ModelMap::load(file.path()).number("reply_ms"), 7.0);
  std::filesystem::remove(file.path());
  EXPECT_THROW(static_cast<void>(ModelMap::load(file.path())), ConfigError);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

struct BadRow {
  const char* from;
  const char* to;
  const char* says;
};

/// Each mistake in a model file is refused with its place and what is wrong.
template <class Load>
void expect_refused(const std::string& model, const std::vector<BadRow>& rows, Load load) {
  const std::string good = text_of(path_of(model));
  for (const BadRow& row : rows) {
    const Scratch file{replaced(good, row.from, row.to)};
    try {
      static_cast<void>(load(file.path()));
      ADD_FAILURE() << row.to << " was accepted";
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.place().file, file.path());
      EXPECT_NE(error.message().find(row.says), std::string::npos) << error.what();
      EXPECT_GT(error.place().line, 0) << error.what();
    }
  }
}

TEST(ModelFile, a_mistake_names_its_place_and_the_nearest_word) {
  const std::vector<BadRow> rows{
      {"voltage_max_V: 60", "voltage_mux_V: 60", "'voltage_max_V' is missing"},
      {"device_type: PSB", "colour: red\ndevice_type: PSB", "unknown key 'colour'"},
      {"remote_coil: 402", "remote_coil: 4o2", "must be an integer"},
      {"remote_coil: 402", "remote_coil: 70000", "must be an integer"},
      {"kind: ea-psb", "kind: ea-bsp", "did you mean 'ea-psb'?"},
      {"fed_by: any_traffic", "fed_by: any_trafic", "did you mean 'any_traffic'?"},
      {"status: unverified", "status: guessed", "unknown status"},
      {"up_to_V: 60", "up_to_V: 50", "'up_to_V' does not reach the limits of the model"},
      {"up_to_A: 60, ", "", "'up_to_A' is missing"},
      {"effect: leaves_remote", "effect: leaves_remot", "did you mean 'leaves_remote'?"},
      {"own_protections:", "own_protection:", "'own_protections' is missing"},
      {"own_protections:", "firmware_seen: KE\nown_protections:", "'firmware_seen' must be a list of texts"},
      {"own_protections:", "firmware_seen: []\nown_protections:", "'firmware_seen' must be a list of texts"},
      {"constant_power: true", "constant_power: yes", "must be true or false"},
      {"unit: 1 ", "unit: 1\nunit: 0 ", "stands twice"},
      {"power_W: 1500", "power_W: .nan", "must be a number"},
      {"power_W: 1500", "power_W: 1500 W", "must be a number"},
      {"kind: ea-psb", "kind: [ea-psb", ""},
  };
  expect_refused("ea-psb-10060-60", rows, load_ea_psb_model);
}

TEST(ModelFile, says_which_firmware_it_was_tried_with_or_nothing) {
  EXPECT_EQ(load_firmware_seen(path_of("keysight-n6974a")), std::vector<std::string>{"B.02.03"});
  EXPECT_TRUE(load_firmware_seen(path_of("ea-psb-10060-60")).empty());
}

/// The N6974A with these finer ranges of its current.
std::string with_finer_ranges(const std::string& ranges) {
  return replaced(text_of(path_of("keysight-n6974a")), "up_to_A: 25.5,", "up_to_A: 25.5, finer_ranges: [" + ranges + "],");
}

// A small current in a range made for it errs by less: limits near it may lie closer.
TEST(ModelFile, an_accuracy_may_have_finer_ranges) {
  const Scratch file{
      with_finer_ranges("{up_to_A: 0.1, gain_percent: 0.05, offset_A: 0.0001, status: stated}, "
                        "{up_to_A: 2.5, gain_percent: 0.05, offset_A: 0.001, status: stated}")};
  const Accuracy accuracy = load_keysight_n6900_model(file.path()).capabilities.current_accuracy;
  EXPECT_DOUBLE_EQ(accuracy.bound_at(0.05), 0.05 * 0.0005 + 0.0001);
  EXPECT_DOUBLE_EQ(accuracy.bound_at(-2.5), 2.5 * 0.0005 + 0.001);
  EXPECT_DOUBLE_EQ(accuracy.bound_at(2.51), 2.51 * 0.0004 + 0.006);
}

// Where a person turns the knob, nobody may reckon with the finer range.
TEST(ModelFile, a_range_that_is_chosen_by_hand_is_not_reckoned_with) {
  const std::string ranges = "{up_to_A: 2.5, gain_percent: 0.05, offset_A: 0.001, status: stated}";
  const Scratch by_hand{replaced(with_finer_ranges(ranges), "finer_ranges:", "range_choice: by_hand, finer_ranges:")};
  const Accuracy accuracy = load_keysight_n6900_model(by_hand.path()).capabilities.current_accuracy;
  EXPECT_EQ(accuracy.choice, RangeChoice::by_hand);
  EXPECT_DOUBLE_EQ(accuracy.bound_at(0.05), 0.05 * 0.0004 + 0.006);
  EXPECT_DOUBLE_EQ(accuracy.bound_in(accuracy.range_holding(2.5), 0.05), 0.05 * 0.0005 + 0.001);
  EXPECT_DOUBLE_EQ(accuracy.end_of(accuracy.range_holding(2.5)), 2.5);
  EXPECT_DOUBLE_EQ(accuracy.end_of(accuracy.range_holding(2.6)), 25.5);
  EXPECT_TRUE(accuracy.is_unverified) << "so its file says of the widest";

  for (const auto& [choice, message] : {std::pair{"range_choice: by_magic, finer_ranges:", "by_magic"},
                                        std::pair{"range_choice: automatic, finer_rangs:", "range_choice"}}) {
    const Scratch bad{replaced(with_finer_ranges(ranges), "finer_ranges:", choice)};
    try {
      static_cast<void>(load_keysight_n6900_model(bad.path()));
      ADD_FAILURE() << choice;
    } catch (const ConfigError& error) {
      EXPECT_NE(error.message().find(message), std::string::npos) << error.message();
    }
  }
}

TEST(ModelFile, an_ea_says_which_resistances_it_can_be) {
  const CyclerCapabilities ea = load_cycler_capabilities(path_of("ea-psb-10060-60"));
  EXPECT_DOUBLE_EQ(ea.resistance_min.value(), 0.04);
  EXPECT_DOUBLE_EQ(ea.resistance_max.value(), 48.0);
  EXPECT_DOUBLE_EQ(load_cycler_capabilities(path_of("keysight-n6974a")).resistance_max.value(), 0.0) << "not known";
}

TEST(ModelFile, finer_ranges_must_rise_within_the_range_of_the_model) {
  const auto refusal = [](const std::string& ranges) -> std::string {
    const Scratch file{with_finer_ranges(ranges)};
    try {
      static_cast<void>(load_keysight_n6900_model(file.path()));
      return "accepted";
    } catch (const ConfigError& error) {
      EXPECT_GT(error.place().line, 0);
      return error.message();
    }
  };
  const auto range = [](const std::string& end) {
    return "{up_to_A: " + end + ", gain_percent: 0.05, offset_A: 0.001, status: stated}";
  };
  EXPECT_EQ(refusal(range("1") + ", " + range("2")), "accepted");
  EXPECT_EQ(refusal(range("2") + ", " + range("1")), "the ends of ranges must rise");
  EXPECT_EQ(refusal(range("25.5")), "the ends of ranges must rise");
  EXPECT_EQ(refusal(range("1") + ", " + range("2") + ", " + range("3") + ", " + range("4") + ", " + range("5")),
            "too many finer ranges");
  EXPECT_NE(refusal("{up_to_A: 1, gain_percent: 0.05, offset_V: 0.001, status: stated}").find("'offset_A' is missing"),
            std::string::npos);
}

TEST(ModelFile, mistakes_in_an_itech_model_are_refused) {
  expect_refused("itech-it-m3432",
                 {{"kind: itech", "kind: itec", "did you mean 'itech'?"},
                  {"kind: itech", "kind: keysight-n6900", "not 'itech'"},
                  {"idn_model: IT-M3432\n", "", "'idn_model' is missing"},
                  {"trip_bits: [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14]", "trip_bits: []", "no trip would be seen"},
                  {"trip_bits: [0,", "trip_bits: [99,", "from 0 to 15"},
                  {"over_current_max_A: 31.5", "over_current_max_A: 0", "greater than zero"},
                  {"over_current_delay_ms: 50", "over_current_delay_ms: -1", "must be an integer"},
                  {"under_voltage_delay_ms", "under_voltage_dealy_ms", "'under_voltage_delay_ms' is missing"},
                  {"constant_resistance: false", "constant_resistance: true", "no constant resistance"},
                  {"power_limit_min_W: 1", "power_limit_min_W: one", "must be a number"},
                  {"min_s: 1,", "min_s: 9999,", "min_s is above max_s"}},
                 load_itech_model);
}

TEST(ModelFile, mistakes_in_a_daq_model_are_refused) {
  expect_refused("keysight-daq970a",
                 {{"slot: 100", "slot: 101", "unknown slot '101'"},
                  {"thermocouple_type: T", "thermocouple_type: X", "unknown thermocouple_type 'X'"},
                  {"idn_models: [DAQ970A, DAQ973A, 34972A]", "idn_models: []", "must be a list of texts"},
                  {"idn_models: [DAQ970A, DAQ973A, 34972A]", "idn_models: DAQ970A", "must be a list of texts"},
                  {"temperature_channels: 12", "temperature_channels: 21", "from 1 to 20"},
                  {"voltage_channels: 8", "voltage_channels: 9", "from 0 to 8"},
                  {"temperature_min_degC: -100", "temperature_min_degC: 500", "is above temperature_max_degC"},
                  {"voltage_max_V: 300", "voltage_max_V: 0", "greater than zero"},
                  {"offset_V: 0.009", "offset_V: -1", "cannot be negative"},
                  {"up_to_V: 300", "up_to_V: 200", "does not reach the limits of the model"},
                  {"power_line_cycles: 1", "power_line_cycles: 0", "greater than zero"}},
                 load_keysight_daq_model);
}

TEST(ModelFile, mistakes_in_a_map_of_registers_are_refused) {
  expect_refused("binder-mb1",
                 {{"temperature: temperature", "temperature: temprature", "did you mean 'temperature'?"},
                  {"mode: {at: 0x1A22", "mode: {at: 0x1A2G", "must be an integer"},
                  {"mode: {at: 0x1A22", "mode: {at: -0x1", "must be an integer"},
                  {"mode: {at: 0x1A22", "mode: {at: 0x11A22", "must be an integer"},
                  {"type: u16}   # 0 idle", "type: u17}   # 0 idle", "did you mean 'u16'?"},
                  {"type: u16}   # 0 idle", "type: u16, scael: 1}   # 0 idle", "did you mean 'scale'?"},
                  {"type: u16}   # 0 idle", "type: text, characters: 4}   # 0 idle", "register 'mode' is a text"},
                  {"write: [basic_setpoint, manual_setpoint]", "write: [basic_setpoint, manual_setpiont]",
                   "did you mean 'manual_setpoint'?"},
                  {"write: [basic_setpoint, manual_setpoint]", "write: [manual_setpoint]", "'basic_setpoint' is used nowhere"},
                  {"write: [basic_setpoint, manual_setpoint]", "write: []", "must be a list of texts"},
                  {"{register: mode, value: 0x0800}", "{register: mode, value: 65536}", "cannot hold this value"},
                  {"{register: mode, value: 0x0800}", "{register: mode, value: alarm_high}", "must be an integer"},
                  {"{register: mode, is: [0x0800]}", "{register: mode, is: []}", "at least one value"},
                  {"{register: mode, is: [0x0800]}", "{register: mode, is: [0x0800], is_not: [0]}", "exclude each other"},
                  {"{register: mode, is: [0x0800]}", "{register: mode}", "'is_not' is missing"},
                  {"  - {register: mode, is: [0]}\n", "  []\n", "at least one condition"},
                  {"keeps_setpoint_limits: false", "keeps_setpoint_limits: true", "'setpoint_limits' is missing"},
                  {"word_order: low_first", "word_order: low_last", "did you mean 'low_first'?"},
                  {"exception_5: write_denied", "exception_5: denied", "unknown exception_5"},
                  {"plausible_max_degC: 250", "plausible_max_degC: 150", "narrower than the chamber's"},
                  {"cooling_K_per_min: 3", "cooling_K_per_min: 0", "greater than zero"},
                  {"heating_K_per_min: 4, ", "", "'heating_K_per_min' is missing"},
                  {"alarm_margin_K: 5", "alarm_margin_K: 0", "greater than zero"}},
                 load_register_chamber_model);
  expect_refused("watlow-f4t",
                 {{"value: alarm_high}", "value: alarm_hihg}", "did you mean 'alarm_high'?"},
                  {"unless_given: 1", "unless_given: 9", "from 1 to 8"},
                  {"begins_with: F4T", "begin_with: F4T", "'begins_with' is missing"},
                  {"text: part_number", "text: process_value", "is no text"},
                  {"setpoint: {at: 2782, type: f32}", "setpoint: {at: 2782, type: s16}", "is coarser than setpoint_tolerance_K"},
                  {"fault: device_fault", "fault: devise_fault", "did you mean 'device_fault'?"}},
                 load_register_chamber_model);
}

TEST(ModelFile, mistakes_in_an_espec_model_are_refused) {
  expect_refused("espec-sh-641",
                 {{"protocol: new", "protocol: newer", "did you mean 'new'?"},
                  {"controllers: [S2]", "controllers: []", "must be a list of texts"},
                  {"alarm_limits: {min_degC: -50, max_degC: 160}", "alarm_limits: {min_degC: -50, max_degC: 140}",
                   "as wide as the chamber's"},
                  {"frame_gap_ms: 100", "frame_gap_ms: 400", "the shortest of the pauses"},
                  {"attempt_timeout_ms: 1000", "attempt_timeout_ms: 50", "must outlast"},
                  {"pause_after_setting_ms: 500", "pause_after_seting_ms: 500", "'pause_after_setting_ms' is missing"},
                  {"unit: 0 ", "unit: 17 ", "from 0 to 16"}},
                 load_espec_model);
}

TEST(ModelFile, mistakes_in_a_sensor_model_are_refused) {
  expect_refused("loadcell-aje",
                 {{"quantity: force, register: 82", "quantity: farce, register: 82", "did you mean 'force'?"},
                  {"register: 82, type: s32", "register: 82, type: s33", "did you mean 's32'?"},
                  {"register: 82, type: s32", "register: 65535, type: s32", "the last register is 65535"},
                  {"scale: 1.0", "scale: 0", "greater than zero"},
                  {"min: -200000, max: 200000", "min: 200000, max: 200000", "min is above max"},
                  {"bad_bits: [6, 9]", "bad_bits: [2, 9]", "a bit of the decimals"},
                  {"bad_bits: [6, 9]", "bad_bits: [16]", "from 0 to 15"},
                  {"decimals_bits: 3", "decimals_bits: 4", "from 0 to 3"},
                  {"status: {register: 8", "# status: {register: 8", "the decimals are in a status"},
                  {"what: it is not", "waht: it is not", "'what' is missing"},
                  {"attempt_timeout_ms: 150", "attempt_timeout_ms: 0", "a try needs some time"}},
                 load_register_sensor_model);
}

TEST(ModelFile, mistakes_in_a_module_of_coils_are_refused) {
  expect_refused("adam-6060",
                 {{"closed_reads: 1", "closed_reads: 2", "from 0 to 1"},
                  {"contacts: {count: 6", "contacts: {count: 0", "from 1 to 16"},
                  {"watchdog: by_utility", "watchdog: maybe", "unknown watchdog 'maybe'"},
                  {"watchdog: by_utility", "", "'watchdog' is missing"},
                  {"first_coil: 16", "first_coil: -1", "from 0 to 65535"}},
                 load_coil_module_model);
}

TEST(ModelFile, an_unknown_key_gets_a_suggestion_and_a_wrong_role_is_refused) {
  const Scratch file{replaced(text_of(path_of("watlow-f4t")), "unit: 1", "unti: 1\nunit: 1")};
  try {
    static_cast<void>(load_register_chamber_model(file.path()));
    ADD_FAILURE();
  } catch (const ConfigError& error) {
    EXPECT_NE(error.message().find("did you mean 'unit'?"), std::string::npos) << error.what();
    EXPECT_EQ(error.place().line, 4);
    EXPECT_EQ(error.place().column, 1);
  }
  EXPECT_THROW(static_cast<void>(load_cycler_capabilities(path_of("watlow-f4t"))), ConfigError);
  EXPECT_THROW(static_cast<void>(load_chamber_capabilities(path_of("adam-6018"))), ConfigError);
  EXPECT_THROW(static_cast<void>(load_ea_psb_model("/nonexistent.yaml")), ConfigError);
}

// Found by fuzzing: keys were compared each with each, and a file of the greatest size kept the program busy for minutes.
TEST(ModelFile, a_file_of_very_many_keys_is_refused_soon) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  const Scratch file{text + "key7: 1\n"};
  try {
    (void)load_model_kind(file.path());
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.message(), "the model file: 'key7' stands twice");
    EXPECT_EQ(error.place().line, 50'001);
  }
}

}  // namespace
}  // namespace cellrig
