// The section `measurement` of a bench file: what instruments show, beside a truth that does not change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "controller/base/config_error.hpp"
#include "sim/bench.hpp"
#include "sim/bench_file.hpp"
#include "sim/instruments/ea_psb.hpp"
#include "sim/instruments/keysight_daq.hpp"
#include "sim/measurement_draw.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::string text_with(const std::string& measurement) {
  return R"(bench: errors
instruments:
  aps1: {model: keysight-n6974a, scpi: "192.0.2.11:5025"}
  f4t: {model: watlow-f4t, modbus: "192.0.2.12:502"}
  daq: {model: keysight-daq970a, scpi: "192.0.2.15:5025"}
chambers:
  oven: {instrument: f4t}
channels:
  ch1:
    cycler: aps1
    cell_temperature: {logger: daq, input: 0}
    chamber: oven
simulation:
  cells:
    ch1: {file: lg-m50, soc_pct: 50}
  measurement: )" +
         measurement + "\n";
}

std::unique_ptr<SimulatedBench> bench_with(const std::string& measurement, std::uint64_t seed = 1) {
  const std::string path = ::testing::TempDir() + "cellrig_measurement_" + std::to_string(::getpid()) + ".yaml";
  std::ofstream{path} << text_with(measurement);
  const BenchOptions options{.cell_directories = {CELLRIG_SOURCE_DIR "/profiles/cells"}, .seed = seed};
  try {
    std::unique_ptr<SimulatedBench> bench = SimulatedBench::load(path, options);
    std::filesystem::remove(path);
    return bench;
  } catch (...) {
    std::filesystem::remove(path);
    throw;
  }
}

std::string refusal(const std::string& measurement) {
  try {
    (void)bench_with(measurement);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

/// "(silence)" when nothing comes.
std::string ask(SimulatedBench& bench, const std::string& instrument, const std::string& question) {
  constexpr ConnectionId nobody_else = 1'000'000;
  Port& port = bench.wire(instrument, "scpi")->port();
  std::vector<Reply> replies;
  port.connected(nobody_else);
  port.receive(bench.now(), nobody_else, question + "\n", replies);
  port.disconnected(nobody_else);
  return replies.empty() || replies.front().bytes.empty() ? "(silence)" : replies.front().bytes;
}

/// Charges with 2 A for a minute and reads back; then what the world says of it.
struct MeasuredRun {
  explicit MeasuredRun(const std::string& measurement, std::uint64_t seed = 1) : bench{bench_with(measurement, seed)} {
    ask(*bench, "aps1", "VOLT 4.2;:CURR:LIM 2;:OUTP 1");
    bench->advance(TimePoint{60s});
    voltage_V = std::stod(ask(*bench, "aps1", "MEAS:VOLT?"));
    current_A = std::stod(ask(*bench, "aps1", "FETC:CURR?"));
    temperature_degC = std::stod(ask(*bench, "daq", "CONF:TEMP TC,T,(@101);:ROUT:SCAN (@101);:READ?"));
    truth = bench->truth_json();
    true_voltage_V = bench->world().stage(0).terminal_voltage_V();
    true_temperature_degC = bench->world().cell_thermocouple(0).reading_degC().value_or(NAN);
  }
  std::unique_ptr<SimulatedBench> bench;
  double voltage_V = 0, current_A = 0, temperature_degC = 0, true_voltage_V = 0, true_temperature_degC = 0;
  std::string truth;
};

TEST(MeasurementSection, without_it_instruments_read_the_truth) {
  const MeasuredRun run{"ideal"};
  EXPECT_NEAR(run.voltage_V, run.true_voltage_V, 1e-6);
  EXPECT_NEAR(run.current_A, 2.0, 1e-6);
  EXPECT_NEAR(run.temperature_degC, run.true_temperature_degC, 1e-6);
}

TEST(MeasurementSection, the_numbers_of_the_file_are_the_errors_of_the_readings) {
  const MeasuredRun run{
      "{aps1: {voltage_offset_V: 0.002, voltage_gain_pct: 0.02, current_gain_pct: 0.05, current_offset_A: -0.01, "
      "lead_resistance_mOhm: 2}, daq: {temperature_offset_K: 0.7, temperature_gain_pct: -1}}"};
  EXPECT_NEAR(run.voltage_V, (run.true_voltage_V + 2.0 * 0.002) * 1.0002 + 0.002, 1e-6);
  EXPECT_NEAR(run.current_A, 2.0 * 1.0005 - 0.01, 1e-6);
  EXPECT_NEAR(run.temperature_degC, run.true_temperature_degC * 0.99 + 0.7, 1e-6);
}

// A test that wants to know what is true must be able to ask, however wrong the instruments are.
TEST(MeasurementSection, the_truth_by_the_back_door_is_the_same_with_every_error) {
  const std::string ideal = MeasuredRun{"ideal"}.truth;
  EXPECT_THAT(ideal, HasSubstr("\"current_A\":2,"));
  EXPECT_EQ(MeasuredRun{"{aps1: {voltage_offset_V: 0.5, current_gain_pct: 10, voltage_noise_V: 0.1, lead_resistance_mOhm: 50}, "
                        "daq: {temperature_offset_K: 20, thermocouple_lag_s: 60}, f4t: {temperature_offset_K: -3}}"}
                .truth,
            ideal);
  EXPECT_EQ(MeasuredRun{"drawn"}.truth, ideal);
  EXPECT_EQ((MeasuredRun{"drawn", 99}.truth), ideal);
}

TEST(MeasurementSection, the_seed_draws_the_unit) {
  EXPECT_EQ(MeasuredRun("drawn", 1).voltage_V, MeasuredRun("drawn", 1).voltage_V);
  EXPECT_NE(MeasuredRun("drawn", 1).voltage_V, MeasuredRun("drawn", 2).voltage_V);
  EXPECT_NE(MeasuredRun("drawn", 1).temperature_degC, MeasuredRun("drawn", 2).temperature_degC);
  const MeasuredRun one{"{aps1: drawn}"};
  EXPECT_NE(one.voltage_V, one.true_voltage_V) << "drawn by name";
  EXPECT_EQ(one.voltage_V, MeasuredRun("drawn", 1).voltage_V) << "what is drawn for one does not shift another";
  EXPECT_NEAR(one.temperature_degC, one.true_temperature_degC, 1e-6) << "the rest is ideal";
}

TEST(MeasurementSection, a_thermocouple_lags_by_the_time_of_the_file) {
  const auto bench = bench_with("{daq: {thermocouple_lag_s: 7}}");
  EXPECT_EQ(bench->world().cell_thermocouple(0).time_constant_s(), 7.0);
  EXPECT_EQ(bench_with("ideal")->world().cell_thermocouple(0).time_constant_s(), Thermocouple::default_time_constant_s);
  double least = 1e9, most = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const double lag_s = bench_with("drawn", seed)->world().cell_thermocouple(0).time_constant_s();
    least = std::min(least, lag_s);
    most = std::max(most, lag_s);
  }
  EXPECT_GE(least, 2.0);
  EXPECT_LT(least, 2.5);
  EXPECT_LE(most, 5.0);
  EXPECT_GT(most, 4.5);
}

// A unit beyond its maker's promise would be a fault, and has an order of its own.
TEST(MeasurementDraw, no_reading_of_a_drawn_unit_errs_by_more_than_its_maker_promises) {
  const KeysightDaqAccuracy daq = accuracy_of(KeysightDaqConfig());
  const CyclerAccuracy psb = accuracy_of(EaPsbConfig());
  double worst_share = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random{seed};
    Noise noise{seed};
    for (const QuantityAccuracy& accuracy : {psb.voltage, psb.current, daq.temperature, daq.voltage}) {
      const MeasuredQuantity unit = draw_quantity(accuracy, random);
      for (const double truth : {-40.0, -0.05, 0.0, 0.09, 0.9, 3.7, 25.0, 60.0}) {
        const RangeErrors& used = unit.range_for(truth);
        const auto& range = accuracy.ranges[static_cast<std::size_t>(&used - unit.ranges.data())];
        const double bound = range.gain_fraction * std::fabs(truth) + range.offset;
        const double error = std::fabs(unit.read(truth, noise) - truth);
        ASSERT_LE(error, bound * (1 + 1e-12)) << seed << " " << truth;
        worst_share = std::max(worst_share, error / bound);
      }
    }
  }
  EXPECT_GT(worst_share, 0.9) << "and the promise is used";
}

TEST(MeasurementSection, mistakes_are_named_with_their_place) {
  EXPECT_THAT(refusal("drwn"), HasSubstr(".yaml:16:16: unknown measurement 'drwn', did you mean 'drawn'?"));
  EXPECT_THAT(refusal("{aps2: drawn}"), HasSubstr(":16:17: simulation.measurement: unknown key 'aps2', did you mean 'aps1'?"));
  EXPECT_THAT(refusal("{aps1: {voltage_ofset_V: 1}}"),
              HasSubstr("unknown key 'voltage_ofset_V', did you mean 'voltage_offset_V'?"));
  EXPECT_THAT(refusal("{aps1: {voltage_noise_V: -1}}"), HasSubstr("voltage_noise_V must be a number from 0 to 10"));
  EXPECT_THAT(refusal("{aps1: {voltage_noise_V: .nan}}"), HasSubstr("voltage_noise_V must be a number from 0 to 10"));
  EXPECT_THAT(refusal("{aps1: {temperature_offset_K: 1}}"), HasSubstr(":16:46: 'keysight-n6974a' has no 'temperature_offset_K'"));
  EXPECT_THAT(refusal("{f4t: {thermocouple_lag_s: 3}}"), HasSubstr("'watlow-f4t' has no 'thermocouple_lag_s'"));
  EXPECT_THAT(refusal("{daq: {thermocouple_lag_s: 0}}"), HasSubstr("thermocouple_lag_s must be a number from 0.01 to 600"));
  EXPECT_THAT(refusal("[drawn]"), HasSubstr("must be a map"));
}

}  // namespace
}  // namespace cellrig::sim
