// Which cell a bench is rehearsed with: a healthy one of the kind that is named, whatever the bench file simulates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/base/config_error.hpp"
#include "sim/bench_file.hpp"

namespace cellrig::sim {
namespace {

const std::string wires =
    "bench: b\ninstruments:\n"
    "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
    "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
    "channels:\n"
    "  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}}\n";
const CellInstead healthy{.file = "/cells/other.yaml", .soc_pct = 30.0};

TEST(CellInstead, a_bench_without_simulated_cells_gets_them) {
  EXPECT_THROW((void)parse_bench_file(wires, "b.yaml"), ConfigError);
  const BenchFile file = parse_bench_file(wires, "b.yaml", healthy);
  ASSERT_EQ(file.channels.size(), 1U);
  EXPECT_EQ(file.channels.front().cell.file.text, "/cells/other.yaml");
  EXPECT_DOUBLE_EQ(file.channels.front().cell.soc, 0.3);
}

TEST(CellInstead, takes_the_place_of_what_ails_the_simulated_cell_and_keeps_where_it_sits) {
  const std::string sick =
      wires +
      "simulation:\n  room_temperature_degC: 15\n  cells:\n    ch1: {file: lg-m50, soc_pct: 80, temperature_degC: 5, "
      "reversed: true, short_ohm: 3, resistance_factor: 2, capacity_fraction: 0.5, fixture: plates}\n"
      "  faults:\n    - {at_s: 10, fault: drop psb1.modbus}\n";
  const BenchFile before = parse_bench_file(wires + "simulation:\n  cells:\n    ch1: {file: lg-m50, short_ohm: 3}\n", "b.yaml");
  EXPECT_GT(before.channels.front().cell.short_ohm, 0.0);
  const BenchFile file = parse_bench_file(sick, "b.yaml", CellInstead{.file = "/cells/other.yaml"});
  const CellEntry& cell = file.channels.front().cell;
  EXPECT_DOUBLE_EQ(cell.soc, 0.8);
  EXPECT_DOUBLE_EQ(cell.temperature_degC, 5.0);
  EXPECT_TRUE(cell.has_plates);
  EXPECT_FALSE(cell.reversed);
  EXPECT_EQ(cell.short_ohm, 0.0);
  EXPECT_EQ(cell.resistance_factor, 1.0);
  EXPECT_EQ(cell.capacity_fraction, 1.0);
  EXPECT_TRUE(file.faults.empty());
  EXPECT_DOUBLE_EQ(file.room_temperature_degC, 15.0);
}

TEST(CellInstead, a_broken_file_is_still_told_with_its_place) {
  try {
    (void)parse_bench_file(wires + "simulation: 3\n", "b.yaml", healthy);
    ADD_FAILURE();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("b.yaml:7"));
  }
  EXPECT_THROW((void)parse_bench_file("bench: b\n", "b.yaml", healthy), ConfigError);
}

}  // namespace
}  // namespace cellrig::sim
