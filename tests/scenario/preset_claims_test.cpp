// What the tuned cells make of the published claims (docs/cell-model.md, "Claims on simulated cells"). The cells were tuned to them:
// this shows that the machinery computes what it was given, and nothing about a product.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>

#include "sim/cell_file.hpp"
#include "sim/world.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

constexpr double never = 1e9;

/// The fast model alone: a claim about a fresh cell.
CellParameters preset(const std::string& name) {
  CellParameters parameters = load_cell_file(std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/" + name + ".yaml");
  parameters.life = LifeParameters{};
  return parameters;
}

/// 100 % is where the open-circuit voltage reaches the charge limit.
double full_soc(const CellParameters& parameters, double voltage_V) {
  double low = 0.0;
  double high = 1.2;
  while (high - low > 1e-9) {
    const double middle = 0.5 * (low + high);
    (parameters.open_circuit_voltage_V.at(middle) < voltage_V ? low : high) = middle;
  }
  return low;
}

struct Charge {
  double from = 0.15;
  double to = 0.90;
  double voltage_V = 4.25;
  double rate_C = 4.0;
  double temperature_degC = 25.0;
  Fixture fixture = Fixture::free;
  bool of_rated_capacity = false;  ///< what the percentages refer to; otherwise the capacity up to voltage_V
};

struct Charged {
  double minutes = never;
  double voltage_max_V = 0.0;
  double surface_degC = 0.0;
};

/// Minutes from one SoC to the other at constant current, then constant voltage.
Charged charge(const CellParameters& parameters, const Charge& how) {
  const double full = how.of_rated_capacity ? 1.0 : full_soc(parameters, how.voltage_V);
  World world{TimePoint{}, how.temperature_degC};
  const std::size_t cell = world.add_cell(parameters, std::nullopt, how.from * full, how.temperature_degC, how.fixture);
  world.stage(cell).command(
      world.now(), {.on = true, .voltage_V = how.voltage_V, .source_current_max_A = how.rate_C * full * parameters.capacity_Ah});
  Charged result;
  double before = how.from * full;
  for (int second = 0; second < 4 * 3600; ++second) {
    world.advance(world.now() + 1s);
    const CellTruth truth = world.truth(cell);
    result.voltage_max_V = truth.voltage_max_V;
    result.surface_degC = truth.surface_temperature_degC;
    if (truth.soc >= how.to * full) {
      result.minutes = (second + (how.to * full - before) / (truth.soc - before)) / 60.0;
      return result;
    }
    before = truth.soc;
  }
  return result;
}

struct Discharged {
  double capacity_Ah = 0.0;
  double energy_Wh = 0.0;
  double rise_K = 0.0;
};

Discharged discharge(const CellParameters& parameters, double rate_C, double temperature_degC, Fixture fixture) {
  World world{TimePoint{}, temperature_degC};
  const std::size_t cell = world.add_cell(parameters, std::nullopt, 1.0, temperature_degC, fixture);
  world.stage(cell).command(world.now(), {.on = true,
                                          .voltage_V = parameters.voltage_min_V,
                                          .source_current_max_A = 0,
                                          .sink_current_max_A = rate_C * parameters.capacity_Ah});
  Discharged result;
  double power_W = -world.stage(cell).cell_voltage_V() * world.stage(cell).cell_current_A();
  while (world.stage(cell).mode() == RegulatorMode::constant_current) {
    const double throughput_Ah = world.stage(cell).cell().state().throughput_Ah;
    world.advance(world.now() + 1s);
    const double now_W = -world.stage(cell).cell_voltage_V() * world.stage(cell).cell_current_A();
    if (world.stage(cell).mode() != RegulatorMode::constant_current) break;
    result.capacity_Ah += world.stage(cell).cell().state().throughput_Ah - throughput_Ah;
    result.energy_Wh += 0.5 * (power_W + now_W) / 3600.0;
    power_W = now_W;
    result.rise_K = std::max(result.rise_K, world.truth(cell).surface_temperature_degC - temperature_degC);
  }
  return result;
}

void expect_minutes(const char* what, const Charged& charged, double expected, double tolerance) {
  std::printf("%-58s %6.2f min (expected %5.2f), %.3f V, %.0f degC\n", what, charged.minutes, expected, charged.voltage_max_V,
              charged.surface_degC);
  EXPECT_NEAR(charged.minutes, expected, tolerance) << what;
}

// Where the heat goes decides a fast charge: the same cell, the same profile.
TEST(PresetClaims, fest_charges_15_to_90_percent_in_the_computed_time) {
  const CellParameters fest = preset("fest-77");
  constexpr double tolerance = 0.15;  // min; the greatest distance is 0.12, on plates
  const auto run = [&](const char* what, const Charge& how, double expected) {
    const Charged charged = charge(fest, how);
    expect_minutes(what, charged, expected, tolerance);
    EXPECT_LE(charged.voltage_max_V, how.voltage_V + 1e-4);
  };
  run("FEST 15-90 %, 4.25 V, 4C, free", {}, 12.1);
  run("FEST 15-90 %, 4.25 V, 4C, plates", {.fixture = Fixture::plates}, 15.4);
  run("FEST 15-90 %, 4.20 V, 4C, free", {.voltage_V = 4.20}, 13.2);
  run("FEST 15-90 %, 4.20 V, 4C, plates", {.voltage_V = 4.20, .fixture = Fixture::plates}, 17.8);
  run("FEST 15-90 %, 4.30 V, 4C, free", {.voltage_V = 4.30}, 11.3);
  run("FEST 15-90 %, 4.30 V, 4C, plates", {.voltage_V = 4.30, .fixture = Fixture::plates}, 13.2);
  run("FEST 15-90 %, 4.25 V, 2.5C, free", {.rate_C = 2.5}, 18.7);
  run("FEST 15-90 %, 4.20 V, 2.5C, free", {.voltage_V = 4.20, .rate_C = 2.5}, 19.9);
  run("FEST 15-90 %, 4.30 V, 2.5C, free", {.voltage_V = 4.30, .rate_C = 2.5}, 18.0);
  run("FEST 15-90 %, 4.25 V, 2.5C, plates", {.rate_C = 2.5, .fixture = Fixture::plates}, 20.9);
  run("FEST 15-90 %, 4.25 V, 4C, 0 degC, free", {.temperature_degC = 0}, 13.9);
  run("FEST 15-90 %, 4.25 V, 4C, -10 degC, free", {.temperature_degC = -10}, 15.4);
  run("FEST 15-90 %, 4.25 V, 4C, 45 degC, free", {.temperature_degC = 45}, 11.5);
}

TEST(PresetClaims, qse_charges_10_to_80_percent_in_the_computed_time) {
  const CellParameters qse = preset("qse-5");
  Charge how{.from = 0.1, .to = 0.8, .voltage_V = 4.30, .rate_C = 3.44};
  expect_minutes("QSE 10-80 %, 3.44C, free", charge(qse, how), 12.21, 0.05);
  how.fixture = Fixture::plates;
  expect_minutes("QSE 10-80 %, 3.44C, plates", charge(qse, how), 12.25, 0.05);
}

TEST(PresetClaims, semi_solid_charges_30_to_80_percent_in_the_computed_time) {
  const CellParameters semi = preset("semi-solid-140");
  Charge how{.from = 0.3, .to = 0.8, .voltage_V = 4.2, .rate_C = 1.43};
  expect_minutes("MG4-like 30-80 %, 1.43C", charge(semi, how), 20.98, 0.3);
  how.rate_C = 2.0;
  expect_minutes("MG4-like 30-80 %, 2C", charge(semi, how), 15.0, 0.3);
  how.temperature_degC = -7.0;
  expect_minutes("MG4-like 30-80 %, 2C, -7 degC", charge(semi, how), 15.7, 0.3);
}

TEST(PresetClaims, sulfide_charges_in_the_computed_times) {
  const CellParameters sulfide = preset("sulfide-20");
  Charge how{.from = 0.1, .to = 0.8, .voltage_V = 4.25, .rate_C = 5.0, .of_rated_capacity = true};
  expect_minutes("Sulfide 10-80 %, 5C", charge(sulfide, how), 8.7, 0.15);
  how.rate_C = 4.0;
  expect_minutes("Sulfide 10-80 %, 4C", charge(sulfide, how), 10.9, 0.15);
}

TEST(PresetClaims, energies_at_25_degC) {
  struct Case {
    const char* name;
    double rate_C, Wh_per_kg, tolerance;
  };
  constexpr Case cases[] = {{"fest-77", 0.05, 372, 2},     {"fest-77", 1.0 / 3, 368, 2},    {"fest-77", 1.0, 363, 2},
                            {"qse-5", 0.2, 297.5, 2},      {"sulfide-20", 1.0 / 3, 325, 3}, {"semi-solid-140", 1.0 / 3, 177, 2},
                            {"lfp-26650", 1.0 / 3, 95, 2}, {"lg-m50", 1.0 / 3, 258, 2}};
  for (const Case& test : cases) {
    const CellParameters parameters = preset(test.name);
    const double specific = discharge(parameters, test.rate_C, 25.0, Fixture::free).energy_Wh / parameters.mass_kg;
    std::printf("%-16s %.2fC 25 degC: %6.1f Wh/kg (expected %.1f)\n", test.name, test.rate_C, specific, test.Wh_per_kg);
    EXPECT_NEAR(specific, test.Wh_per_kg, test.tolerance) << test.name;
  }
}

// Not discriminating: a cell with liquid electrolyte keeps as much at -30 degC as those with solid ones.
TEST(PresetClaims, cold_discharges_keep_the_computed_share_of_the_energy) {
  struct Case {
    const char* name;
    double free_pct, plates_pct;
  };
  constexpr Case cases[] = {{"fest-77", 81, 75}, {"qse-5", 78, 75},     {"sulfide-20", 68, 56},
                            {"lg-m50", 76, 71},  {"lfp-26650", 75, 73}, {"semi-solid-140", 87, 85}};
  for (const Case& test : cases) {
    const CellParameters parameters = preset(test.name);
    const Discharged warm = discharge(parameters, 1.0 / 3, 25.0, Fixture::free);
    const Discharged warm_plates = discharge(parameters, 1.0 / 3, 25.0, Fixture::plates);
    const Discharged cold = discharge(parameters, 1.0 / 3, -30.0, Fixture::free);
    const Discharged plates = discharge(parameters, 1.0 / 3, -30.0, Fixture::plates);
    std::printf("%-16s -30 degC C/3: Q %.1f/%.1f %%, E %.1f/%.1f %% (expected %.0f/%.0f)\n", test.name,
                100 * cold.capacity_Ah / warm.capacity_Ah, 100 * plates.capacity_Ah / warm_plates.capacity_Ah,
                100 * cold.energy_Wh / warm.energy_Wh, 100 * plates.energy_Wh / warm_plates.energy_Wh, test.free_pct,
                test.plates_pct);
    EXPECT_NEAR(100 * cold.energy_Wh / warm.energy_Wh, test.free_pct, 1.5) << test.name;
    EXPECT_NEAR(100 * plates.energy_Wh / warm_plates.energy_Wh, test.plates_pct, 1.5) << test.name;
  }
}

TEST(PresetClaims, high_discharge_rates) {
  const CellParameters fest = preset("fest-77");
  const double fest_Ah = fest.capacity_Ah;
  const Discharged fest_free = discharge(fest, 4.0, 25, Fixture::free);
  const Discharged fest_plates = discharge(fest, 4.0, 25, Fixture::plates);
  std::printf("FEST 4C: %.1f %% free, +%.0f K; %.1f %% plates\n", 100 * fest_free.capacity_Ah / fest_Ah, fest_free.rise_K,
              100 * fest_plates.capacity_Ah / fest_Ah);
  EXPECT_NEAR(100 * fest_free.capacity_Ah / fest_Ah, 98.6, 0.4);
  EXPECT_NEAR(100 * fest_plates.capacity_Ah / fest_Ah, 96.8, 0.4);
  EXPECT_NEAR(fest_free.rise_K, 29, 3);
  const CellParameters qse = preset("qse-5");
  const double qse_Ah = qse.capacity_Ah;
  const Discharged qse_free = discharge(qse, 10.0, 25, Fixture::free);
  const Discharged qse_plates = discharge(qse, 10.0, 25, Fixture::plates);
  std::printf("QSE 10C: %.1f %% free, +%.0f K; %.1f %% plates\n", 100 * qse_free.capacity_Ah / qse_Ah, qse_free.rise_K,
              100 * qse_plates.capacity_Ah / qse_Ah);
  EXPECT_NEAR(100 * qse_free.capacity_Ah / qse_Ah, 98.1, 0.4);
  EXPECT_NEAR(100 * qse_plates.capacity_Ah / qse_Ah, 95.6, 0.4);
}

}  // namespace
}  // namespace cellrig::sim
