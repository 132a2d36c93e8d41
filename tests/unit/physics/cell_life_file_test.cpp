#include "sim/cell_life_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/unit/physics/edited_cell_file.hpp"
#include "tests/unit/physics/lgm50.hpp"

namespace cellrig::sim {
namespace {

using testing::HasSubstr;

const std::string cells = std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/";

std::string fest_77() {
  std::ifstream file{cells + "fest-77.yaml"};
  return {std::istreambuf_iterator<char>{file}, {}};
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
  EXPECT_THAT(message_after(fest_77(), "  soft_short:", "  soft_shot:"), HasSubstr("did you mean 'soft_short'?"));
  EXPECT_THAT(message_after(fest_77(), "loss_per_year:", "loss_per_yaer:"), HasSubstr("did you mean 'loss_per_year'?"));
  EXPECT_THAT(message_after(fest_77(), "fast_charge_factor", "fast_charge_facto"),
              HasSubstr("did you mean 'fast_charge_factor'?"));
  EXPECT_THAT(message_after(fest_77(), "mode: pneumatic", "mode: pneumatik"), HasSubstr("did you mean 'pneumatic'?"));
  EXPECT_THAT(message_after(fest_77(), "law: power_law", "law: power_lav"), HasSubstr("did you mean 'power_law'?"));
  EXPECT_THAT(message_after(fest_77(), "slope_per_cycle", "slope"), HasSubstr("model.ageing.cycling.knee"));
}

TEST(CellLifeFile, a_missing_key_is_named) {
  EXPECT_THAT(message_after(fest_77(), "    active: true\n", ""), HasSubstr("missing key 'model.ageing.active'"));
  EXPECT_THAT(message_after(fest_77(), "    mode: pneumatic\n", ""), HasSubstr("missing key 'model.stack_pressure.mode'"));
  EXPECT_THAT(message_after(fest_77(), "{law: power_law, loss", "{loss"), HasSubstr("missing key 'model.ageing.calendar.law'"));
  EXPECT_THAT(message_after(fest_77(), "    growth_S_per_s: 2.0e-6\n", ""),
              HasSubstr("missing key 'model.soft_short.growth_S_per_s'"));
}

TEST(CellLifeFile, numbers_out_of_range_are_refused) {
  EXPECT_THAT(message_after(fest_77(), "loss_per_year: 0.03", "loss_per_year: 3"),
              HasSubstr("model.ageing.calendar.loss_per_year is out of range"));
  EXPECT_THAT(message_after(fest_77(), "per_month: 0.02", "per_month: -1"), HasSubstr("must not be negative"));
  EXPECT_THAT(message_after(fest_77(), "pressure_MPa: 1", "pressure_MPa: 0"), HasSubstr("must be above zero"));
  EXPECT_THAT(message_after(fest_77(), "lifetime: 0.09", "lifetime: 0.9"), HasSubstr("model.spread.lifetime is out of range"));
  EXPECT_THAT(message_after(fest_77(), "second_rate_degC: 162", "second_rate_degC: 140"), HasSubstr("must rise in this order"));
  EXPECT_THAT(message_after(fest_77(), "critical_current_mA_per_cm2: 20", "critical_current_mA_per_cm2: much"),
              HasSubstr("got 'much'"));
  EXPECT_THAT(message_after(fest_77(), "active: true", "active: perhaps"), HasSubstr("model.ageing.active is true or false"));
}

TEST(CellLifeFile, a_cathode_takes_the_place_of_the_first_exotherm) {
  EXPECT_TRUE(cell_preset("sulfide-20").life.runaway->cathode);
  EXPECT_FALSE(cell_preset("fest-77").life.runaway->cathode);
  const std::string cathode = "cathode: {rate_per_s: 2.55e+14, energy_J_per_mol: 159000, converted_at_start: 0.04, rise_K: 290}";
  EXPECT_EQ(message_after(fest_77(), "onset_rise_K: 20", cathode), "no error");
  EXPECT_THAT(message_after(fest_77(), "onset_rise_K: 20", "onset_rise_K: 20\n    " + cathode),
              HasSubstr("with a 'cathode' there is no 'onset_rise_K'"));
  EXPECT_THAT(message_after(fest_77(), "    onset_rise_K: 20\n", ""), HasSubstr("missing key 'model.runaway.onset_rise_K'"));
  EXPECT_THAT(message_after(fest_77(), "onset_rise_K: 20",
                            "cathode: {rate_per_s: 1, energy_J_per_mol: 1, converted_at_stat: 0.04, rise_K: 2}"),
              HasSubstr("did you mean 'converted_at_start'?"));
}

TEST(CellLifeFile, a_published_law_takes_no_numbers_of_ones_own) {
  EXPECT_THAT(message_after(fest_77(), "{law: power_law, loss_per_year", "{law: lg_m50_2021, loss_per_year"),
              HasSubstr("unknown key 'loss_per_year' in model.ageing.calendar"));
}

}  // namespace
}  // namespace cellrig::sim
