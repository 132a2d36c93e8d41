// A cell that warms without a current, told apart from the heat of a charge and of its surroundings.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/unit/engine/supervised_cell.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

using Curve = std::function<double(double seconds)>;

/// A rest in air of 25 degC, unless told otherwise.
std::optional<TripCause> rest(
    Duration lasts, const Curve& cell_degC, const Curve& air_degC = [](double) { return 25.0; }, bool air_is_known = true) {
  Supervised cell;
  cell.command_off();
  for (double second = 1; second <= to_seconds(lasts); ++second) {
    cell.now += 1s;
    cell.set(Measurand::voltage, 3.7);
    cell.set(Measurand::current, 0.0);
    cell.set(Measurand::cell_temperature, cell_degC(second));
    if (air_is_known) {
      cell.set(Measurand::chamber_temperature, air_degC(second));
      cell.set(Measurand::ambient_temperature, 20.0);  // a sensor outside the chamber
    }
    if (cell.check()) return cell.supervisor.tripped();
  }
  return std::nullopt;
}

TEST(SupervisorSelfHeating, a_cell_that_warms_at_rest_in_steady_air_trips_and_is_a_matter_of_the_whole_chamber) {
  const auto cause = rest(2h, [](double s) { return 25.0 + 0.002 * std::max(0.0, s - 3600); });
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->hazard, Hazard::self_heating);
  EXPECT_EQ(cause->measurand, Measurand::cell_temperature);
  EXPECT_EQ(cause->limit, 28.0);
  EXPECT_NEAR(to_seconds(cause->at - at(1000)), 3600 + 1500 + 60, 2) << "a minute above it";
  EXPECT_EQ(describe(*cause),
            "the cell warms by itself at rest: quarantine the cell: cell_temperature_degC 28.1220 above 28.0000");
  EXPECT_TRUE(is_thermal(cause->hazard));
  EXPECT_FALSE(is_instrument_failure(cause->hazard));
}

TEST(SupervisorSelfHeating, the_heat_of_a_charge_a_warmer_chamber_and_air_that_nobody_measures_pass) {
  EXPECT_FALSE(rest(4h, [](double s) { return 25.0 + 15 * (1 - std::exp(-s / 120)) * std::exp(-s / 1800); }))
      << "comes out of the core";
  const Curve warms = [](double s) { return 25.0 + 20 * (1 - std::exp(-std::max(0.0, s - 3600) / 600)); };
  EXPECT_FALSE(rest(
      4h, [](double s) { return 25.0 + 20 * (1 - std::exp(-std::max(0.0, s - 3600) / 1800)); }, warms));
  EXPECT_FALSE(rest(
      2h, [](double s) { return 25.0 + 0.002 * s; }, warms, false));
  EXPECT_FALSE(rest(3h, [](double s) { return std::fmod(s, 600.0) < 59.0 ? 30.0 : 25.0; })) << "false readings, a minute of them";
  EXPECT_FALSE(rest(4h, [](double s) { return 25.0 + 2.9 * std::fmod(s, 3600) / 3600; })) << "less than 3 K";
}

}  // namespace
}  // namespace cellrig
