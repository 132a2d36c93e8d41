// The simulated LG M50 against somebody else's measurements (tests/data/lgm50_measured.json: PyBOP repository, BSD-3).
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "sim/cell_file.hpp"
#include "sim/physics/cell.hpp"

namespace cellrig::sim {
namespace {

const std::string source_dir = CELLRIG_SOURCE_DIR;

struct RateTest {
  std::string name;
  double current_A;
  double start_degC;
  double soc_start;
  double conductance_W_per_K;  ///< fitted per rate by the source's reference model
  double capacity_Ah;
  double energy_Wh;
  double rise_K;
  std::vector<double> time_s;
  std::vector<double> voltage_V;
};

std::vector<RateTest> measured_rate_tests() {
  std::vector<RateTest> tests;
  // JSON is valid YAML flow style.
  for (const YAML::Node& node : YAML::LoadFile(source_dir + "/tests/data/lgm50_measured.json")["rate_tests"]) {
    tests.push_back({node["T_nominal_C"].as<std::string>() + " degC " + node["rate"].as<std::string>(), node["I_A"].as<double>(),
                     node["T_start_C"].as<double>(), node["z_start"].as<double>(), node["hA_W_per_K"].as<double>(),
                     node["Q_Ah"].as<double>(), node["E_Wh"].as<double>(), node["dT_max_K"].as<double>(),
                     node["curve"]["time_s"].as<std::vector<double>>(), node["curve"]["voltage_V"].as<std::vector<double>>()});
  }
  return tests;
}

struct Simulated {
  double capacity_Ah = 0.0;
  double energy_Wh = 0.0;
  double rise_K = 0.0;
  std::vector<double> voltage_V;  ///< one per second, from 0
};

/// Constant-current discharge to the cut-off, which is interpolated inside the last second.
Simulated discharge(const CellParameters& parameters, const RateTest& test) {
  Cell cell{parameters, test.soc_start, test.start_degC};
  cell.set_surface_to_ambient(test.conductance_W_per_K);
  Simulated result;
  constexpr int seconds_max = 50'000;
  double voltage = cell.voltage_V(test.current_A);
  result.voltage_V.push_back(voltage);
  for (int second = 0; second < seconds_max && voltage > parameters.voltage_min_V; ++second) {
    cell.advance(test.current_A, 1.0);
    const double next = cell.voltage_V(test.current_A);
    const double share = next < parameters.voltage_min_V ? (voltage - parameters.voltage_min_V) / (voltage - next) : 1.0;
    const double end = std::max(next, parameters.voltage_min_V);
    result.capacity_Ah += -test.current_A * share / 3600.0;
    result.energy_Wh += -test.current_A * 0.5 * (voltage + end) * share / 3600.0;
    result.rise_K = std::max(result.rise_K, cell.state().surface_degC - test.start_degC);
    voltage = next;
    result.voltage_V.push_back(voltage);
  }
  return result;
}

/// Root mean square of the voltage error over the measured points above 2.8 V, in mV.
double voltage_rmse_mV(const RateTest& test, const Simulated& simulated) {
  double sum = 0.0;
  int count = 0;
  for (std::size_t i = 0; i < test.time_s.size(); ++i) {
    const auto second = static_cast<std::size_t>(test.time_s[i]);
    if (test.voltage_V[i] < 2.8 || second + 1 >= simulated.voltage_V.size()) continue;
    const double share = test.time_s[i] - static_cast<double>(second);
    const double voltage = simulated.voltage_V[second] * (1 - share) + simulated.voltage_V[second + 1] * share;
    sum += (voltage - test.voltage_V[i]) * (voltage - test.voltage_V[i]);
    ++count;
  }
  return count > 0 ? 1000.0 * std::sqrt(sum / count) : 1e9;
}

// Everything a simulated verdict rests on: the model must give the measured capacity, energy, voltage and heating.
TEST(Lgm50Validation, simulated_cell_reproduces_the_measured_rate_tests) {
  constexpr double relative_max = 0.03;
  constexpr double rmse_max_mV = 40.0;
  const CellParameters parameters = load_cell_file(source_dir + "/profiles/cells/lg-m50.yaml");
  const std::vector<RateTest> tests = measured_rate_tests();
  ASSERT_EQ(tests.size(), 8u);
  std::printf("LG M50, simulated against measured; limits: Q, E +/-3 %%, voltage RMSE 40 mV above 2.8 V, dT 3 K or 15 %%\n");
  std::printf("dT is a fitted check: the heat transfer hA was fitted to these runs, so it tests the heat balance, not hA\n");
  std::printf("%-12s %8s %8s %7s | %8s %8s %7s | %8s | %8s %8s\n", "run", "Q meas", "Q sim", "err %", "E meas", "E sim", "err %",
              "RMSE mV", "dT meas", "dT sim");
  for (const RateTest& test : tests) {
    const Simulated simulated = discharge(parameters, test);
    const double capacity_error = simulated.capacity_Ah / test.capacity_Ah - 1.0;
    const double energy_error = simulated.energy_Wh / test.energy_Wh - 1.0;
    const double rmse_mV = voltage_rmse_mV(test, simulated);
    std::printf("%-12s %8.3f %8.3f %+7.2f | %8.3f %8.3f %+7.2f | %8.1f | %8.1f %8.1f\n", test.name.c_str(), test.capacity_Ah,
                simulated.capacity_Ah, 100 * capacity_error, test.energy_Wh, simulated.energy_Wh, 100 * energy_error, rmse_mV,
                test.rise_K, simulated.rise_K);
    EXPECT_LE(std::abs(capacity_error), relative_max) << test.name;
    EXPECT_LE(std::abs(energy_error), relative_max) << test.name;
    EXPECT_LE(rmse_mV, rmse_max_mV) << test.name;
    EXPECT_LE(std::abs(simulated.rise_K - test.rise_K), std::max(3.0, 0.15 * test.rise_K)) << test.name << " (fitted check)";
  }
}

// A pulse resistance is what most claims about power and cold rest on. Measured: median of 6 cells, discharge pulse of 10 s
// (docs/cell-model.md, "Validation").
TEST(Lgm50Validation, simulated_cell_reproduces_the_measured_pulse_resistances) {
  struct Pulse {
    double temperature_degC, current_A, soc, measured_mohm;
  };
  constexpr Pulse pulses[] = {{0, 2.5, 0.8, 52.7},  {0, 2.5, 0.5, 50.3},  {0, 2.5, 0.2, 61.2},
                              {25, 7.5, 0.8, 34.9}, {25, 7.5, 0.5, 33.6}, {25, 7.5, 0.2, 35.2}};
  constexpr double error_max_mohm = 3.0;
  const CellParameters parameters = load_cell_file(source_dir + "/profiles/cells/lg-m50.yaml");
  std::printf("10 s pulse resistance, limit +/-3 mohm\n");
  for (const Pulse& pulse : pulses) {
    Cell cell{parameters, pulse.soc, pulse.temperature_degC};
    const double before = cell.voltage_V(0.0);
    cell.advance(-pulse.current_A, 10.0);
    const double simulated_mohm = 1000.0 * (before - cell.voltage_V(-pulse.current_A)) / pulse.current_A;
    std::printf("%3.0f degC %3.0f %% SoC  measured %5.1f  simulated %5.1f mohm\n", pulse.temperature_degC, 100 * pulse.soc,
                pulse.measured_mohm, simulated_mohm);
    EXPECT_NEAR(simulated_mohm, pulse.measured_mohm, error_max_mohm);
  }
}

}  // namespace
}  // namespace cellrig::sim
