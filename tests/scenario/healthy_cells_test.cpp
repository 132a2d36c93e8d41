// What the supervisor must never take for a fault: every cell of the library, healthy, charged, held, rested and discharged over
// the temperatures and rates that its file allows. The truth is what the supervisor sees, without an instrument between.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "controller/engine/safety_supervisor.hpp"
#include "profiles/cell.hpp"
#include "sim/cell_file.hpp"
#include "sim/world.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::array<const char*, 6> cells{"fest-77", "lfp-26650", "lg-m50", "qse-5", "semi-solid-140", "sulfide-20"};

SafetyLimits limits_of(const CellParameters& cell) {
  SafetyLimits limits;
  limits.voltage_min = Volts{cell.voltage_min_V - 0.05};
  limits.voltage_max = Volts{cell.voltage_max_V + 0.05};
  limits.charge_current_max = limits.discharge_current_max = Amps{20 * cell.capacity_Ah};
  limits.cell_temperature_min = limits.charge_temperature_min = Celsius{-60};
  limits.cell_temperature_max = Celsius{200};
  limits.charge_capacity_max = AmpHours{1.2 * cell.capacity_Ah};
  limits.heat_capacity_J_per_K = least_specific_heat_J_per_kgK * cell.mass_kg;
  return limits;
}

SupervisorOptions options_of(const CellParameters& cell, Duration period) {
  SupervisorOptions options;
  options.age_limit = options.temperature_age_limit = 3 * period;
  options.cell_temperature_required = true;
  options.current_noise = Amps{0.002 * cell.capacity_Ah};
  options.leak.capacity = options.energy.capacity = AmpHours{cell.capacity_Ah};
  // An ideal instrument has no digits and the iron phosphate's plateau none either; heat is judged elsewhere.
  options.frozen_charge_max = AmpHours{std::numeric_limits<double>::infinity()};
  options.temperature_rate_max_K_per_s = std::numeric_limits<double>::infinity();
  return options;
}

/// By a thermocouple and a logger of usual noise and digits.
double shown(double temperature_degC, std::mt19937& generator) {
  constexpr double digit_K = 0.1;
  std::normal_distribution<double> noise_K{0.0, 0.2};
  return digit_K * std::round((temperature_degC + noise_K(generator)) / digit_K);
}

/// A cell, its supervisor and a command at a time.
class Healthy {
 public:
  Healthy(const CellParameters& cell, double temperature_degC, Duration period, Fixture fixture)
      : cell_{cell},
        period_{period},
        world_{TimePoint{}, temperature_degC},
        index_{world_.add_cell(cell, std::nullopt, 0.5, temperature_degC, fixture)},
        supervisor_{limits_of(cell), options_of(cell, period), TimePoint{}} {}

  void rest(Duration lasts) {
    command({}, 0);
    for (Duration passed{}; passed < lasts && ok(); passed += period_) look();
  }
  /// Constant current to the end of the voltage window; then held there for `hold`.
  void carry(double rate_C, Duration hold) {
    const bool charges = rate_C > 0;
    const double current_A = std::abs(rate_C) * cell_.capacity_Ah;
    command({.on = true,
             .voltage_V = charges ? cell_.voltage_max_V : cell_.voltage_min_V,
             .source_current_max_A = charges ? current_A : 0.0,
             .sink_current_max_A = charges ? 0.0 : current_A},
            charges ? +1 : -1);
    Duration held{};
    while (ok() && held <= hold) {
      look();
      if (world_.stage(index_).mode() == RegulatorMode::constant_voltage) held += period_;
    }
  }
  [[nodiscard]] bool ok() const { return !supervisor_.tripped() && !doubted_; }
  [[nodiscard]] std::string what() const {
    return supervisor_.tripped() ? describe(*supervisor_.tripped()) : doubted_ ? "in doubt" : "healthy";
  }

 private:
  void command(const RegulatorCommand& command, int direction) {
    world_.stage(index_).command(world_.now(), command);
    commanded_ = {command.on, world_.now(), direction};
  }
  void look() {
    world_.advance(world_.now() + period_);
    const CellTruth truth = world_.truth(index_);
    const PowerStage& stage = world_.stage(index_);
    Observation seen;
    seen[Measurand::voltage] = Reading{truth.voltage_V, world_.now(), Quality::good};
    seen[Measurand::current] = Reading{truth.current_A, world_.now(), Quality::good};
    seen[Measurand::cell_temperature] = Reading{shown(truth.surface_temperature_degC, generator_), world_.now(), Quality::good};
    seen[Measurand::ambient_temperature] = Reading{world_.room_temperature_degC(), world_.now(), Quality::good};
    seen.output_on = stage.output_on();
    seen.regulation = stage.mode() == RegulatorMode::constant_current   ? Regulation::constant_current
                      : stage.mode() == RegulatorMode::constant_voltage ? Regulation::constant_voltage
                                                                        : Regulation::off;
    (void)supervisor_.check(seen, commanded_, world_.now());
    doubted_ = doubted_ || supervisor_.is_in_doubt();
  }

  CellParameters cell_;
  Duration period_;
  World world_;
  std::size_t index_;
  SafetySupervisor supervisor_;
  Commanded commanded_;
  bool doubted_ = false;
  std::mt19937 generator_{1};
};

class HealthyCells : public testing::TestWithParam<const char*> {};

TEST_P(HealthyCells, raise_neither_a_trip_nor_a_doubt) {
  const CellParameters cell = load_cell_file(std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/" + GetParam() + ".yaml");
  for (const double temperature_degC : {-20.0, -10.0, 0.0, 25.0, 45.0}) {
    for (const double rate_C : {0.05, 0.3, 1.0, 2.0}) {
      SCOPED_TRACE(std::to_string(temperature_degC) + " degC at " + std::to_string(rate_C) + " C");
      const Fixture fixture = rate_C == 1.0 ? Fixture::plates : Fixture::free;
      Healthy healthy(cell, temperature_degC, rate_C < 0.1 ? Duration{10s} : Duration{1s}, fixture);
      healthy.rest(10min);
      healthy.carry(rate_C, 3h);
      healthy.rest(8h);
      healthy.carry(-rate_C, 10min);
      healthy.rest(8h);
      healthy.carry(rate_C, 30min);
      healthy.carry(-rate_C, 0s);
      ASSERT_TRUE(healthy.ok()) << healthy.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Library, HealthyCells, testing::ValuesIn(cells), [](const testing::TestParamInfo<const char*>& p) {
  std::string name = p.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace cellrig::sim
