// The bench files that come with the simulator load, are wired as they say, and the physical faults reach the world.
#include "sim/bench.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "controller/async/virtual_time.hpp"
#include "controller/base/config_error.hpp"
#include "sim/faults.hpp"
#include "sim/net/in_process.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string root = CELLRIG_SOURCE_DIR;

std::unique_ptr<SimulatedBench> load(const std::string& name) {
  return SimulatedBench::load(root + "/sim/benches/" + name, {.cell_directories = {root + "/profiles/cells"}, .seed = 1});
}

class Demo : public ::testing::Test {
 protected:
  void fault(const std::string& order) {
    const Result<void> done = apply_fault(*bench, bench->now(), order);
    ASSERT_TRUE(done) << done.error().what;
  }
  Task<void> write_coil(std::uint16_t address, bool value) {
    const ModbusAddress where{.unit = 1, .address = address};
    const Deadline deadline{time.now() + 1s};
    const Result<void> done = co_await adam->write_coil(where, value, deadline);
    EXPECT_TRUE(done) << done.error().what;
    time.stop();
  }
  void switch_relay(std::uint16_t address, bool value) {
    time.spawn(write_coil(address, value));
    time.run();
  }
  [[nodiscard]] PowerStage& stage(std::size_t i) { return bench->world().stage(i); }

  VirtualTime time;
  std::unique_ptr<SimulatedBench> bench = load("demo.yaml");
  std::unique_ptr<ModbusBus> adam = make_modbus_link(time, *bench, "adam");
};

TEST_F(Demo, has_the_ports_of_its_instruments_in_the_order_of_the_file) {
  std::vector<std::string> names;
  for (const BenchPort& port : bench->ports()) names.push_back(port.instrument + "." + port.name);
  EXPECT_THAT(names, ElementsAre("psb1.modbus", "psb1.scpi", "aps1.scpi", "f4t.modbus", "adam.modbus"));
}

TEST_F(Demo, a_contactor_is_closed_while_its_relay_is_energised) {
  EXPECT_FALSE(stage(0).contactor_closed());
  switch_relay(16, true);
  EXPECT_TRUE(stage(0).contactor_closed());
  EXPECT_FALSE(stage(1).contactor_closed());
  switch_relay(17, true);
  EXPECT_TRUE(stage(1).contactor_closed());
  switch_relay(16, false);
  EXPECT_FALSE(stage(0).contactor_closed());
}

TEST_F(Demo, a_welded_contactor_does_not_open_until_it_is_repaired) {
  switch_relay(16, true);
  fault("contactor_welded ch1");
  switch_relay(16, false);
  EXPECT_TRUE(stage(0).contactor_closed());
  clear_faults(*bench, bench->now());
  EXPECT_FALSE(stage(0).contactor_closed());
}

TEST_F(Demo, cells_swap_places_and_back) {
  const double soc_of_1 = bench->world().truth(0).soc;
  const double soc_of_2 = bench->world().truth(1).soc;
  fault("cell_swapped ch1 with=ch2");
  bench->advance(bench->now() + 1s);
  EXPECT_NEAR(bench->world().truth(0).soc, soc_of_2, 1e-6);
  clear_faults(*bench, bench->now());
  EXPECT_NEAR(bench->world().truth(0).soc, soc_of_1, 1e-6);
}

TEST_F(Demo, a_reversed_cell_and_an_open_thermocouple_are_told_to_the_world) {
  fault("reversed_cell ch2");
  EXPECT_TRUE(stage(1).reversed());
  fault("thermocouple_open ch1");
  EXPECT_FALSE(bench->world().cell_thermocouple(0).reading_degC());
  fault("thermocouple_open ch1 sensor=ambient");
  EXPECT_FALSE(bench->world().air_thermocouple(0).reading_degC());
  clear_faults(*bench, bench->now());
  EXPECT_FALSE(stage(1).reversed());
  EXPECT_TRUE(bench->world().cell_thermocouple(0).reading_degC());
  EXPECT_TRUE(bench->world().air_thermocouple(0).reading_degC());
}

TEST_F(Demo, a_stuck_chamber_does_not_obey_its_controller) {
  fault("chamber_stuck oven temperature_degC=60");
  bench->advance(bench->now() + 2h);
  EXPECT_NEAR(bench->world().chamber(0).air_temperature_degC(), 60.0, 0.5);
  EXPECT_THAT(bench->truth_json(), HasSubstr(R"("stuck":true)"));
  clear_faults(*bench, bench->now());
  EXPECT_FALSE(bench->world().chamber(0).is_running());  // what its controller had said
}

TEST_F(Demo, the_truth_is_one_line_with_every_channel_and_chamber) {
  const std::string truth = bench->truth_json();
  EXPECT_THAT(truth, HasSubstr(R"("ch1":{"voltage_V":)"));
  EXPECT_THAT(truth, HasSubstr(R"("ch2":{"voltage_V":)"));
  EXPECT_THAT(truth, HasSubstr(R"("oven":{"air_temperature_degC":25)"));
  EXPECT_EQ(truth.find('\n'), std::string::npos);
  EXPECT_EQ(std::count(truth.begin(), truth.end(), '{'), std::count(truth.begin(), truth.end(), '}'));
}

TEST(Benches, a_channel_without_contactor_is_always_connected) {
  const std::unique_ptr<SimulatedBench> bench = load("single.yaml");
  EXPECT_TRUE(bench->world().stage(0).contactor_closed());
}

std::string error_of(const std::string& what, const std::string& with, const std::string& base = "demo") {
  std::ifstream stream{root + "/sim/benches/" + base + ".yaml"};
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  text.replace(text.find(what), what.size(), with);
  const std::string path = ::testing::TempDir() + "cellrig_bench_" + std::to_string(::getpid()) + ".yaml";
  std::ofstream{path} << text;
  std::string message = "none";
  try {
    static_cast<void>(SimulatedBench::load(path, {.cell_directories = {root + "/profiles/cells"}}));
  } catch (const ConfigError& error) {
    message = error.what();
  }
  std::filesystem::remove(path);
  return message;
}

TEST(Benches, mistakes_are_named_with_their_place) {
  EXPECT_EQ(error_of("soc_pct: 50", "soc_pct: 51"), "none");
  EXPECT_THAT(error_of("{model: watlow-f4t", "{model: watlow-f4"), HasSubstr("did you mean 'watlow-f4t'?"));
  EXPECT_THAT(error_of("{file: lg-m50", "{file: lg-m51"), HasSubstr("did you mean 'lg-m50'?"));
  EXPECT_THAT(error_of("cycler: aps1", "cycler: psb1"), HasSubstr("has a channel already"));
  EXPECT_THAT(error_of("cycler: aps1", "cycler: f4t"), HasSubstr("is no cycler"));
  EXPECT_THAT(error_of("{logger: adam, input: 2}", "{logger: adam, input: 0}"), HasSubstr("taken by another sensor"));
  EXPECT_THAT(error_of("{logger: adam, input: 2}", "{logger: adam, input: 8}"), HasSubstr("0 to 7"));
  EXPECT_THAT(error_of("output: 1}", "output: 0}"), HasSubstr("drives another contactor already"));
  EXPECT_THAT(error_of("chamber: oven", "chamber: ovn"), HasSubstr("did you mean 'oven'?"));
}

TEST(Benches, sensors_and_contacts_that_are_not_there_are_named_with_their_place) {
  const auto with = [](const std::string& from, const std::string& to) { return error_of(from, to, "pressed"); };
  EXPECT_EQ(with("soc_pct: 50", "soc_pct: 51"), "none");
  EXPECT_THAT(with("{logger: daq, input: 12}", "{logger: daq, input: 11}"), HasSubstr("has voltage inputs 12 to 19 only"));
  EXPECT_THAT(with("{logger: daq, input: 12}", "{logger: adam, input: 1}"), HasSubstr("'adam' has no voltage inputs"));
  EXPECT_THAT(with("{logger: press, input: 0", "{logger: daq, input: 0"), HasSubstr("'daq' is no force sensor"));
  EXPECT_THAT(with("{logger: press, input: 0", "{logger: press, input: 2"), HasSubstr("0 to 1 only"));
  EXPECT_THAT(with("{inputs: doors, input: 2}", "{inputs: doors, input: 6}"), HasSubstr("contacts 0 to 5 only"));
  EXPECT_THAT(with("{inputs: doors, input: 2}", "{inputs: board, input: 0}"), HasSubstr("'board' has no contacts"));
  EXPECT_THAT(with("{relays: board, output: 0}", "{relays: board, output: 8}"), HasSubstr("outputs 0 to 7 only"));
}

TEST(Benches, a_cell_may_age_be_drawn_be_cooled_be_shorted_and_be_pressed) {
  const auto with = [](const std::string& keys) {
    return error_of("{file: lg-m50, soc_pct: 50,", "{" + keys + ", soc_pct: 50,");
  };
  EXPECT_EQ(with("file: lg-m50, ageing: true, spread: true, fixture: plates, short_ohm: 100"), "none");
  EXPECT_EQ(with("file: fest-77, stack: {mode: constant_gap, pressure_MPa: 0.5}"), "none");
  EXPECT_THAT(with("file: lg-m50, fixture: plate"), HasSubstr("unknown fixture 'plate', did you mean 'plates'?"));
  EXPECT_THAT(with("file: lg-m50, agein: true"), HasSubstr("did you mean 'ageing'?"));
  EXPECT_THAT(with("file: lg-m50, ageing: 3"), HasSubstr("ageing is true or false"));
  EXPECT_THAT(with("file: lg-m50, short_ohm: -1"), HasSubstr("short_ohm must be a number"));
  EXPECT_THAT(with("file: lg-m50, stack: {mode: pneumatic, pressure_MPa: 1}"), HasSubstr("has no section 'stack_pressure'"));
  EXPECT_THAT(with("file: fest-77, stack: {mode: pneumatic}"), HasSubstr("'mode' and 'pressure_MPa' are needed"));
  EXPECT_THAT(with("file: fest-77, stack: {mode: pnumatic, pressure_MPa: 1}"), HasSubstr("did you mean 'pneumatic'?"));
}

// The back door must show what sensors are to measure.
TEST(Benches, the_truth_of_a_lithium_metal_cell_has_pressure_thickness_and_gas) {
  std::ifstream stream{root + "/sim/benches/single.yaml"};
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  text.replace(text.find("lg-m50"), 6, "fest-77");
  const std::string path = ::testing::TempDir() + "cellrig_fest_" + std::to_string(::getpid()) + ".yaml";
  std::ofstream{path} << text;
  const std::unique_ptr<SimulatedBench> bench = SimulatedBench::load(path, {.cell_directories = {root + "/profiles/cells"}});
  std::filesystem::remove(path);
  const std::string truth = bench->truth_json();
  EXPECT_THAT(truth, HasSubstr(R"("pressure_MPa":1,)"));
  EXPECT_THAT(truth, HasSubstr(R"("thickness_mm":10.98)"));
  EXPECT_THAT(truth, HasSubstr(R"("gas_ppm":0)"));
  EXPECT_THAT(truth, HasSubstr(R"("runaway":"none")"));
}

// A lot of cells: the seed decides which one this is.
TEST(Benches, the_seed_draws_the_cell) {
  std::ifstream stream{root + "/sim/benches/single.yaml"};
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  text.replace(text.find("lg-m50"), 6, "lg-m50, spread: true");
  const std::string path = ::testing::TempDir() + "cellrig_spread_" + std::to_string(::getpid()) + ".yaml";
  std::ofstream{path} << text;
  const auto capacity_Ah = [&](std::uint64_t seed) {
    return SimulatedBench::load(path, {.cell_directories = {root + "/profiles/cells"}, .seed = seed})
        ->world()
        .truth(0)
        .capacity_Ah;
  };
  EXPECT_EQ(capacity_Ah(1), capacity_Ah(1));
  EXPECT_NE(capacity_Ah(1), capacity_Ah(2));
  EXPECT_NEAR(capacity_Ah(1), 4.97769, 6 * 0.0026 * 4.97769);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace cellrig::sim
