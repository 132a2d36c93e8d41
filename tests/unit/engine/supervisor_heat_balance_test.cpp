// A cell that makes more heat than its current can, told apart from the heat of a current, of its surroundings and of a loose thermocouple.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/unit/engine/supervised_cell.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr double heat_capacity_J_per_K = 50.0;
using Curve = std::function<double(double seconds)>;

constexpr auto steady_25 = [](double) { return 25.0; };

/// A current of 1 A at 3.7 V, half way up the window: at most 1 A (3.7 V - 2.5 V + 0.1 V) = 1.3 W, and 0.026 K/s, of it become heat.
std::optional<TripCause> charge(
    const Curve& cell_degC, const Curve& air_degC = steady_25, const Curve& current_A = [](double) { return 1.0; },
    double capacity_J_per_K = heat_capacity_J_per_K) {
  SafetyLimits limits = cell_limits();
  limits.heat_capacity_J_per_K = capacity_J_per_K;
  limits.charge_capacity_max = AmpHours{1000};
  SupervisorOptions options = guarded_options();
  options.frozen_charge_max = AmpHours{1000};
  options.leak.rise_stretch = 1e9;
  Supervised cell(options, limits);
  cell.command(0);
  for (double second = 1; second <= 1800; ++second) {
    cell.now += 1s;
    cell.set(Measurand::voltage, 3.7);
    cell.set(Measurand::current, current_A(second));
    cell.set(Measurand::cell_temperature, cell_degC(second));
    if (air_degC) cell.set(Measurand::chamber_temperature, air_degC(second));
    if (cell.check()) return cell.supervisor.tripped();
  }
  return std::nullopt;
}

/// From the tenth minute on.
Curve warming(double K_per_s, double most_degC = 55.0) {
  return [=](double s) { return std::min(most_degC, 25.0 + K_per_s * std::max(0.0, s - 600)); };
}

TEST(SupervisorHeatBalance, a_cell_that_warms_faster_than_its_current_can_warm_it_is_a_matter_of_the_whole_chamber) {
  const auto cause = charge(warming(0.06));
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->hazard, Hazard::unexplained_heat);
  EXPECT_EQ(cause->measurand, Measurand::cell_temperature);
  EXPECT_NEAR(cause->value, 0.06, 1e-9);
  EXPECT_NEAR(cause->limit, 1.3 / heat_capacity_J_per_K + 1.0 / 60, 1e-9);
  EXPECT_GE(cause->at - at(1000), 600s + 50s + 75s) << "3 K more than the air, then three means of half a minute in a row";
  EXPECT_LE(cause->at - at(1000), 600s + 50s + 150s);
  EXPECT_EQ(describe(*cause),
            "the cell warms faster than its current can warm it: quarantine the cell: 0.0600 K/s, limit 0.0427 K/s");
  EXPECT_TRUE(is_thermal(cause->hazard));
  EXPECT_FALSE(is_instrument_failure(cause->hazard));
}

TEST(SupervisorHeatBalance, what_the_current_can_do_passes_and_more_current_can_do_more) {
  EXPECT_FALSE(charge(warming(0.042)));
  EXPECT_FALSE(charge(warming(0.06), steady_25, [](double) { return 2.0; }));
  EXPECT_TRUE(charge(warming(0.10), steady_25, [](double) { return 2.0; }));
  const Curve discharge = [](double) { return -2.0; };  // 2 A (4.2 V - 3.7 V + 0.1 V) = 1.2 W
  EXPECT_FALSE(charge(warming(0.040), steady_25, discharge));
  EXPECT_TRUE(charge(warming(0.060), steady_25, discharge));
}

TEST(SupervisorHeatBalance, the_heat_of_a_current_comes_out_for_ten_minutes_after_it) {
  EXPECT_FALSE(charge(warming(0.06, 40), steady_25, [](double s) { return s < 600 ? 2.0 : 0.0; }));
  EXPECT_TRUE(charge([](double s) { return 25.0 + 0.03 * std::max(0.0, s - 1300); }, steady_25,
                     [](double s) { return s < 600 ? 2.0 : 0.0; }))
      << "later there is none left";
}

TEST(SupervisorHeatBalance, warmer_surroundings_may_warm_it_and_unknown_ones_are_not_judged) {
  EXPECT_FALSE(charge(warming(0.06, 50), [](double s) { return s < 500 ? 25.0 : 55.0; }));
  EXPECT_FALSE(charge(warming(0.06, 50), [](double s) { return s > 300 && s < 500 ? 55.0 : 25.0; }))
      << "its fixture is still warm";
  EXPECT_TRUE(charge(warming(0.06), [](double s) { return s < 500 ? 25.0 : 30.0; })) << "and then it is warmer than they were";
  EXPECT_FALSE(charge(warming(0.06), nullptr));
  EXPECT_FALSE(charge(
      warming(0.06), steady_25, [](double) { return 1.0; }, 0.0))
      << "a cell whose mass nobody gave";
}

TEST(SupervisorHeatBalance, a_cell_that_follows_its_chamber_at_once_passes_whatever_the_two_thermometers_are_wrong_by) {
  const Curve ramp = [](double s) { return 25.0 + std::clamp((s - 600) * 4.0 / 60.0, 0.0, 25.0); };
  for (const double wrong_K : {-1.5, 0.0, 1.5}) {
    EXPECT_FALSE(charge([&](double s) { return ramp(s) + wrong_K; }, ramp, [](double) { return 0.0; })) << wrong_K;
  }
}

TEST(SupervisorHeatBalance, a_thermocouple_that_falls_off_and_is_put_back_passes) {
  for (double back = 700; back < 760; back += 7) {
    EXPECT_FALSE(charge([=](double s) { return s < 600 || s > back ? 45.0 : 45.0 - 15.0 * std::min(1.0, (s - 600) / 20); }))
        << back;
  }
}

}  // namespace
}  // namespace cellrig
