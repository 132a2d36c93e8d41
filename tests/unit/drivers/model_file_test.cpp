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
  EXPECT_GE(count, 4);
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

TEST(ModelFile, a_mistake_names_its_place_and_the_nearest_word) {
  const std::string good = text_of(path_of("ea-psb-10060-60"));
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
      {"kind: ea-psb", "kind: [ea-psb", "ea-psb"},
  };
  for (const BadRow& row : rows) {
    const Scratch file{replaced(good, row.from, row.to)};
    try {
      static_cast<void>(load_ea_psb_model(file.path()));
      ADD_FAILURE() << row.to << " was accepted";
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.place().file, file.path());
      if (std::string(row.says) != "ea-psb") {
        EXPECT_NE(error.message().find(row.says), std::string::npos) << error.what();
      }
      EXPECT_GT(error.place().line, 0) << error.what();
    }
  }
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
