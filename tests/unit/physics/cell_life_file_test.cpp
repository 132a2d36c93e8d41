#include "sim/cell_life_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/unit/physics/lgm50.hpp"

namespace cellrig::sim {
namespace {

using testing::HasSubstr;

const std::string cells = std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/";

/// The message for the FEST-like file with one piece of text replaced.
std::string message_after(const std::string& from, const std::string& to) {
  std::ifstream file{cells + "fest-77.yaml"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  const std::size_t at = text.find(from);
  if (at == std::string::npos) return "the test did not find " + from;
  text.replace(at, from.size(), to);
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string path = ::testing::TempDir() + "cell_life_file_" + test->name() + ".yaml";
  std::ofstream{path} << text;
  std::string message = "no error";
  try {
    static_cast<void>(load_cell_file(path));
  } catch (const ConfigError& error) {
    message = error.what();
    EXPECT_GT(error.place().line, 0);
    EXPECT_GT(error.place().column, 0);
  }
  std::filesystem::remove(path);
  return message;
}

TEST(CellLifeFile, every_preset_reads) {
  for (const auto& entry : std::filesystem::directory_iterator{cells}) {
    EXPECT_NO_THROW(static_cast<void>(load_cell_file(entry.path().string()))) << entry.path();
  }
}

TEST(CellLifeFile, the_fest_like_file_switches_its_processes_on) {
  const LifeParameters life = cell_preset("fest-77").life;
  EXPECT_TRUE(life.is_ageing());
  EXPECT_EQ(life.ageing->cycling.knee.at_cycles, 700);
  EXPECT_TRUE(life.soft_short && life.stack_pressure && life.breathing && life.self_discharge && life.runaway && life.spread);
  EXPECT_FALSE(life.plating) << "lithium metal";
  EXPECT_EQ(life.stack_pressure->mode, StackMode::pneumatic);
  EXPECT_EQ(cell_preset("lfp-26650").life.ageing->cycling.law, CyclingLaw::lfp_2011);
  EXPECT_EQ(cell_preset("lfp-26650").half_hysteresis_V.at(0.37), 0.015);
}

TEST(CellLifeFile, unknown_keys_and_words_name_the_nearest) {
  EXPECT_THAT(message_after("  soft_short:", "  soft_shot:"), HasSubstr("did you mean 'soft_short'?"));
  EXPECT_THAT(message_after("loss_per_year:", "loss_per_yaer:"), HasSubstr("did you mean 'loss_per_year'?"));
  EXPECT_THAT(message_after("fast_charge_factor", "fast_charge_facto"), HasSubstr("did you mean 'fast_charge_factor'?"));
  EXPECT_THAT(message_after("mode: pneumatic", "mode: pneumatik"), HasSubstr("did you mean 'pneumatic'?"));
  EXPECT_THAT(message_after("law: power_law", "law: power_lav"), HasSubstr("did you mean 'power_law'?"));
  EXPECT_THAT(message_after("slope_per_cycle", "slope"), HasSubstr("model.ageing.cycling.knee"));
}

TEST(CellLifeFile, a_missing_key_is_named) {
  EXPECT_THAT(message_after("    active: true\n", ""), HasSubstr("missing key 'model.ageing.active'"));
  EXPECT_THAT(message_after("    mode: pneumatic\n", ""), HasSubstr("missing key 'model.stack_pressure.mode'"));
  EXPECT_THAT(message_after("{law: power_law, loss", "{loss"), HasSubstr("missing key 'model.ageing.calendar.law'"));
  EXPECT_THAT(message_after("    growth_S_per_s: 2.0e-6\n", ""), HasSubstr("missing key 'model.soft_short.growth_S_per_s'"));
}

TEST(CellLifeFile, numbers_out_of_range_are_refused) {
  EXPECT_THAT(message_after("loss_per_year: 0.03", "loss_per_year: 3"),
              HasSubstr("model.ageing.calendar.loss_per_year is out of range"));
  EXPECT_THAT(message_after("per_month: 0.02", "per_month: -1"), HasSubstr("must not be negative"));
  EXPECT_THAT(message_after("pressure_MPa: 1", "pressure_MPa: 0"), HasSubstr("must be above zero"));
  EXPECT_THAT(message_after("lifetime: 0.09", "lifetime: 0.9"), HasSubstr("model.spread.lifetime is out of range"));
  EXPECT_THAT(message_after("second_rate_degC: 162", "second_rate_degC: 140"), HasSubstr("must rise in this order"));
  EXPECT_THAT(message_after("critical_current_mA_per_cm2: 20", "critical_current_mA_per_cm2: much"), HasSubstr("got 'much'"));
  EXPECT_THAT(message_after("active: true", "active: perhaps"), HasSubstr("model.ageing.active is true or false"));
}

TEST(CellLifeFile, a_published_law_takes_no_numbers_of_ones_own) {
  EXPECT_THAT(message_after("{law: power_law, loss_per_year", "{law: lg_m50_2021, loss_per_year"),
              HasSubstr("unknown key 'loss_per_year' in model.ageing.calendar"));
}

}  // namespace
}  // namespace cellrig::sim
