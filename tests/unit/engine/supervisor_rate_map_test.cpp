// The current that a cell takes depends on its temperature: the measured one decides, and what is not known is the worst.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/supervised_cell.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

/// Charge 2 A at 0 degC to 10 A at 20 degC, 6 A at 60; discharge 5 A at -20 to 20 A at 20.
SafetyLimits mapped_limits() {
  SafetyLimits limits = cell_limits();
  EXPECT_TRUE(limits.charge_current_by_temperature.add({Celsius{0}, Amps{2}}));
  EXPECT_TRUE(limits.charge_current_by_temperature.add({Celsius{20}, Amps{10}}));
  EXPECT_TRUE(limits.charge_current_by_temperature.add({Celsius{60}, Amps{6}}));
  EXPECT_TRUE(limits.discharge_current_by_temperature.add({Celsius{-20}, Amps{5}}));
  EXPECT_TRUE(limits.discharge_current_by_temperature.add({Celsius{20}, Amps{20}}));
  return limits;
}

struct MapCase {
  double cell_degC;
  double current_A;
  std::optional<Hazard> hazard;
};

class RateMap : public testing::TestWithParam<MapCase> {};

TEST_P(RateMap, the_limit_follows_the_measured_temperature) {
  const MapCase c = GetParam();
  Supervised cell{guarded_options(), mapped_limits()};
  cell.set(Measurand::cell_temperature, c.cell_degC);
  cell.set(Measurand::current, c.current_A);
  EXPECT_EQ(cell.hazard(), c.hazard) << c.cell_degC << " degC, " << c.current_A << " A";
}

INSTANTIATE_TEST_SUITE_P(Points, RateMap,
                         testing::Values(MapCase{0, 2.0, std::nullopt}, MapCase{0, 2.001, Hazard::over_current_charge},
                                         MapCase{10, 6.0, std::nullopt}, MapCase{10, 6.001, Hazard::over_current_charge},
                                         MapCase{20, 10.0, std::nullopt}, MapCase{20, 10.001, Hazard::over_current_charge},
                                         MapCase{40, 8.001, Hazard::over_current_charge}, MapCase{60, 6.0, std::nullopt},
                                         MapCase{-20, -5.0, std::nullopt}, MapCase{-20, -5.001, Hazard::over_current_discharge},
                                         MapCase{0, -12.5, std::nullopt}, MapCase{0, -12.501, Hazard::over_current_discharge},
                                         MapCase{30, -20.0, std::nullopt}, MapCase{30, -20.001, Hazard::over_current_discharge}));

TEST(SupervisorRateMap, the_cause_tells_the_limit_at_this_temperature) {
  Supervised cell{guarded_options(), mapped_limits()};
  cell.set(Measurand::cell_temperature, 5);
  cell.set(Measurand::current, 4.5);
  const auto& cause = cell.check();
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->measurand, Measurand::current);
  EXPECT_EQ(cause->value, 4.5);
  EXPECT_DOUBLE_EQ(cause->limit, 4.0);
}

// Without a sensor, before its first reading, after its last, and when it lies: never more than the worst temperature allows.
TEST(SupervisorRateMap, a_temperature_that_is_not_known_counts_as_the_worst) {
  const auto with = [](Quality quality, Duration age, double degC) {
    Supervised cell{SupervisorOptions{}, mapped_limits()};
    cell.observation[Measurand::cell_temperature] = Reading{degC, cell.now - age, quality};
    cell.set(Measurand::current, 2.5);
    return cell.hazard();
  };
  EXPECT_EQ(with(Quality::good, 0s, 20), std::nullopt) << "the same current at a known temperature";
  EXPECT_EQ(with(Quality::missing, 0s, 20), Hazard::over_current_charge);
  EXPECT_EQ(with(Quality::bad, 0s, 20), Hazard::over_current_charge);
  EXPECT_EQ(with(Quality::good, 3s, 20), std::nullopt) << "at its age limit";
  EXPECT_EQ(with(Quality::good, 3001ms, 20), Hazard::over_current_charge);
  EXPECT_EQ(with(Quality::good, -1s, 20), Hazard::over_current_charge) << "from the future";
  EXPECT_TRUE(with(Quality::good, 0s, std::numeric_limits<double>::quiet_NaN()));
}

// A logger that dies is an instrument that failed, and is told as that; it trips all the same.
TEST(SupervisorRateMap, where_a_temperature_is_required_its_loss_is_the_cause) {
  const auto with = [](Quality quality, Duration age, double degC) {
    Supervised cell{guarded_options(), mapped_limits()};
    cell.observation[Measurand::cell_temperature] = Reading{degC, cell.now - age, quality};
    cell.set(Measurand::current, 9.0);
    return cell.hazard();
  };
  EXPECT_EQ(with(Quality::good, 3s, 20), std::nullopt);
  EXPECT_EQ(with(Quality::good, 3001ms, 20), Hazard::stale_reading);
  EXPECT_EQ(with(Quality::good, -1s, 20), Hazard::stale_reading);
  EXPECT_EQ(with(Quality::bad, 0s, 20), Hazard::bad_reading);
  EXPECT_EQ(with(Quality::good, 0s, std::numeric_limits<double>::quiet_NaN()), Hazard::bad_reading);
  EXPECT_EQ(with(Quality::missing, 0s, 20), Hazard::over_current_charge) << "there was none yet, and a current flows";
}

TEST(SupervisorRateMap, the_absolute_limit_holds_beside_the_map) {
  SafetyLimits limits = mapped_limits();
  limits.charge_current_max = Amps{3};
  Supervised cell{guarded_options(), limits};
  cell.set(Measurand::current, 3.001);
  EXPECT_EQ(cell.hazard(), Hazard::over_current_charge);
}

// A map may forbid a direction altogether; the instrument's zero must not trip a cell at rest.
TEST(SupervisorRateMap, where_no_current_is_allowed_the_noise_of_a_resting_cell_is) {
  SafetyLimits limits = cell_limits();
  EXPECT_TRUE(limits.discharge_current_by_temperature.add({Celsius{0}, Amps{0}}));
  Supervised resting{guarded_options(), limits};
  resting.set(Measurand::current, -0.05);
  EXPECT_EQ(resting.hazard(), std::nullopt);
  Supervised discharged{guarded_options(), limits};
  discharged.set(Measurand::current, std::nextafter(-0.05, -1.0));
  EXPECT_EQ(discharged.hazard(), Hazard::over_current_discharge);
}

TEST(SupervisorRateMap, charging_below_the_coldest_temperature_is_told_as_that) {
  Supervised cell{guarded_options(), mapped_limits()};
  cell.set(Measurand::cell_temperature, -1);
  cell.set(Measurand::current, 5);
  EXPECT_EQ(cell.hazard(), Hazard::cold_charging);
}

// The set-point itself must be safe: it is judged before any current flows.
TEST(SupervisorRateMap, a_set_point_beyond_the_map_is_refused_before_it_is_applied) {
  const auto before = [](int direction, CurrentBounds bounds, double degC) -> std::optional<Hazard> {
    Supervised cell{guarded_options(), mapped_limits()};
    cell.set(Measurand::cell_temperature, degC);
    const auto& cause = cell.supervisor.check_before(direction, bounds, cell.observation, cell.now);
    return cause ? std::optional{cause->hazard} : std::nullopt;
  };
  EXPECT_EQ(before(+1, {Amps{6}, Amps{0}}, 10), std::nullopt);
  EXPECT_EQ(before(+1, {Amps{6.1}, Amps{0}}, 10), Hazard::over_current_charge);
  EXPECT_EQ(before(-1, {Amps{0}, Amps{12.6}}, 0), Hazard::over_current_discharge);
  EXPECT_EQ(before(0, {Amps{6.1}, Amps{1}}, 10), Hazard::over_current_charge) << "a voltage held both ways";
  EXPECT_EQ(before(+1, {Amps{std::numeric_limits<double>::quiet_NaN()}, Amps{0}}, 25), Hazard::over_current_charge);
  EXPECT_EQ(before(+1, {Amps{1}, Amps{0}}, -1), Hazard::cold_charging);
}

}  // namespace
}  // namespace cellrig
