#include "sim/cell_file.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "controller/base/config_error.hpp"
#include "tests/unit/physics/edited_cell_file.hpp"
#include "tests/unit/physics/lgm50.hpp"

namespace cellrig::sim {
namespace {

std::string original() {
  std::ifstream file{cell_file_path()};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(CellFile, the_lg_m50_file_gives_the_published_and_fitted_numbers) {
  const CellParameters& p = lgm50();
  EXPECT_EQ(p.name, "LG M50");
  EXPECT_DOUBLE_EQ(p.capacity_Ah, 4.97769);
  EXPECT_DOUBLE_EQ(p.voltage_max_V, 4.2);
  EXPECT_DOUBLE_EQ(p.open_circuit_voltage_V.at(0.0), 2.87227);
  EXPECT_DOUBLE_EQ(p.open_circuit_voltage_V.at(1.0), 4.17533);
  EXPECT_DOUBLE_EQ(p.slow_pair.time_constant_s, 577.043);
  EXPECT_FALSE(p.life.any()) << "does not age unless a bench file says so";
}

TEST(CellFile, an_unknown_key_names_the_nearest_one) {
  const std::string message = message_after(original(), "low_soc_rise:", "low_soc_rize:");
  EXPECT_NE(message.find("unknown key 'low_soc_rize' in model.charge_transfer, did you mean 'low_soc_rise'?"), std::string::npos)
      << message;
}

TEST(CellFile, an_unknown_group_is_refused) {
  EXPECT_NE(message_after(original(), "  thermal:", "  termal:").find("did you mean 'thermal'?"), std::string::npos);
}

TEST(CellFile, a_missing_key_is_named) {
  const std::string message = message_after(original(), "    exchange_current_A: 26.7278\n", "");
  EXPECT_NE(message.find("missing key 'charge_transfer.exchange_current_A'"), std::string::npos) << message;
}

TEST(CellFile, a_word_or_not_a_number_in_place_of_a_number_is_refused) {
  EXPECT_NE(message_after(original(), "26.7278", "plenty").find("must be a finite number, got 'plenty'"), std::string::npos);
  EXPECT_NE(message_after(original(), "26.7278", ".nan").find("must be a finite number"), std::string::npos);
  EXPECT_NE(message_after(original(), "26.7278", "-1").find("must be above zero"), std::string::npos);
}

TEST(CellFile, a_table_of_another_length_is_refused) {
  EXPECT_NE(message_after(original(), "[\n      2.87227,", "[\n      ").find("101 numbers"), std::string::npos);
}

TEST(CellFile, a_falling_open_circuit_voltage_is_refused) {
  EXPECT_NE(message_after(original(), "2.87227", "9.0").find("must rise"), std::string::npos);
}

TEST(CellFile, a_key_that_stands_twice_is_refused) {
  EXPECT_NE(message_after(original(), "  ohmic:\n", "  ohmic:\n    metal_resistance_ohm: 1.0\n").find("stands twice"),
            std::string::npos);
}

// Benches are built by the hundred from the same file: one that was edited meanwhile is another file.
TEST(CellFile, is_read_again_when_its_text_has_changed) {
  const std::string path = ::testing::TempDir() + "cell_that_changes.yaml";
  std::ofstream{path} << original();
  EXPECT_EQ(load_cell_file(path).capacity_Ah, 4.97769);
  EXPECT_EQ(load_cell_file(path).capacity_Ah, 4.97769);
  std::string text = original();
  const std::string line = " capacity_Ah: 4.97769";
  ASSERT_NE(text.find(line), std::string::npos);
  std::ofstream{path} << text.replace(text.find(line), line.size(), " capacity_Ah: 4.0");
  EXPECT_EQ(load_cell_file(path).capacity_Ah, 4.0);
  std::filesystem::remove(path);
  EXPECT_THROW(static_cast<void>(load_cell_file(path)), ConfigError);
}

TEST(CellFile, broken_yaml_and_a_missing_file_are_configuration_errors) {
  EXPECT_NE(message_after(original(), "tables:", "tables: [").find("not valid YAML"), std::string::npos);
  EXPECT_THROW(static_cast<void>(load_cell_file("no/such/cell.yaml")), ConfigError);
}

}  // namespace
}  // namespace cellrig::sim
