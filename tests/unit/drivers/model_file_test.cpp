#include "drivers/models/model_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace cellrig {
namespace {

std::string path_of(const std::string& name) { return std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/" + name + ".yaml"; }

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
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
        EXPECT_TRUE(c.has_watchdog) << path;
        EXPECT_GT(c.reply_time_typical, Duration::zero()) << path;
        break;
      }
      case ModelRole::chamber: EXPECT_LT(load_chamber_capabilities(path).temperature_min, Celsius{0}) << path; break;
      case ModelRole::logger: EXPECT_GT(load_logger_capabilities(path).temperature_channels, 0) << path; break;
    }
  }
  EXPECT_GE(count, 7);
}

TEST(ModelFile, the_n6900_does_not_take_open_sense_leads_for_a_trip) {
  const KeysightN6900Model model = load_keysight_n6900_model(path_of("keysight-n6974a"));
  EXPECT_EQ(model.trip_mask & (1U << 13), 0U);
  EXPECT_NE(model.trip_mask & (1U << 11), 0U);
  EXPECT_FALSE(model.over_current_trips_in_limit);
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
      {"constant_power: true", "constant_power: yes", "must be true or false"},
      {"unit: 1 ", "unit: 1\nunit: 0 ", "stands twice"},
      {"power_W: 1500", "power_W: .nan", "must be a number"},
      {"power_W: 1500", "power_W: 1500 W", "must be a number"},
      {"kind: ea-psb", "kind: [ea-psb", ""},
  };
  expect_refused("ea-psb-10060-60", rows, load_ea_psb_model);
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
                  {"idn_models: [DAQ970A, DAQ973A, 34972A, 34970A]", "idn_models: []", "must be a list of texts"},
                  {"idn_models: [DAQ970A, DAQ973A, 34972A, 34970A]", "idn_models: DAQ970A", "must be a list of texts"},
                  {"temperature_channels: 12", "temperature_channels: 21", "from 1 to 20"},
                  {"voltage_channels: 8", "voltage_channels: 9", "from 0 to 8"},
                  {"temperature_min_degC: -100", "temperature_min_degC: 500", "is above temperature_max_degC"},
                  {"power_line_cycles: 1", "power_line_cycles: 0", "greater than zero"}},
                 load_keysight_daq_model);
}

TEST(ModelFile, an_unknown_key_gets_a_suggestion_and_a_wrong_role_is_refused) {
  const Scratch file{replaced(text_of(path_of("watlow-f4t")), "unit: 1", "unti: 1\nunit: 1")};
  try {
    static_cast<void>(load_watlow_f4t_model(file.path()));
    ADD_FAILURE();
  } catch (const ConfigError& error) {
    EXPECT_NE(error.message().find("did you mean 'unit'?"), std::string::npos) << error.what();
    EXPECT_EQ(error.place().line, 3);
    EXPECT_EQ(error.place().column, 1);
  }
  EXPECT_THROW(static_cast<void>(load_cycler_capabilities(path_of("watlow-f4t"))), ConfigError);
  EXPECT_THROW(static_cast<void>(load_chamber_capabilities(path_of("adam-6018"))), ConfigError);
  EXPECT_THROW(static_cast<void>(load_ea_psb_model("/nonexistent.yaml")), ConfigError);
}

}  // namespace
}  // namespace cellrig
