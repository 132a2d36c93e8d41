// When a reading has died: its digits always moved by noise, and now they do not. Never for one that has no noise to move it.
#include "controller/engine/stillness_watch.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "tests/unit/engine/program_builder.hpp"
#include "tests/unit/engine/supervised_cell.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr double period_s = 0.1;

struct Voltmeter {
  double digit = 0.0011, noise = 0.0012;
  std::mt19937 random{1};

  double operator()(double truth) {
    std::normal_distribution<double> error{0.0, noise > 0 ? noise : 1e-12};
    return std::round((truth + error(random)) / digit) * digit;
  }
};

/// The seconds after `dies_at` when it is told; nothing: not within `lasts_s`.
std::optional<double> told_after(Voltmeter meter, const std::function<double(double)>& truth, double dies_at_s, double lasts_s,
                                 Duration hold = 5s) {
  StillnessWatch watch{StillnessOptions{}};
  double shown = 0;
  for (double t = 0; t < lasts_s; t += period_s) {
    if (t < dies_at_s) shown = meter(truth(t));
    watch.look(Reading{shown, at(1000) + from_seconds(t), Quality::good}, true);
    if (watch.stands_still_for(hold)) return t - dies_at_s;
  }
  return std::nullopt;
}

double rising(double t) { return 3.6 + 1e-4 * t; }
double flat(double) { return 3.65; }

TEST(StillnessWatch, a_voltmeter_that_dies_is_told_of_in_five_seconds) {
  for (const auto& truth : {rising, flat}) {
    const auto told = told_after({}, truth, 120, 200);
    ASSERT_TRUE(told);
    EXPECT_GE(*told, 5.0 - 2 * period_s);
    EXPECT_LE(*told, 8.0);
  }
}

TEST(StillnessWatch, it_waits_for_the_hold) {
  const auto told = told_after({}, flat, 120, 300, 60s);
  ASSERT_TRUE(told);
  EXPECT_NEAR(*told, 60.0, 1.0);
}

TEST(StillnessWatch, a_living_one_is_never_told_of_in_a_week) { EXPECT_FALSE(told_after({}, flat, 1e9, 6 * 86400.0)); }

// With less noise than a digit it moves on the border of two codes and rests in the middle of one.
TEST(StillnessWatch, one_whose_noise_hides_inside_a_digit_is_not_judged) {
  for (const double noise : {0.0, 0.1, 0.2, 0.3}) {
    const Voltmeter coarse{.digit = 0.001, .noise = noise * 0.001};
    // On the border for an hour, then in the middle.
    const auto truth = [](double t) { return t < 3600 ? 3.6505 : 3.6510; };
    EXPECT_FALSE(told_after(coarse, truth, 1e9, 7200)) << noise;
    EXPECT_FALSE(told_after(
        coarse, [](double t) { return 3.6 + 2e-3 * std::exp(-t / 600); }, 1e9, 7200))
        << noise;
  }
}

TEST(StillnessWatch, one_that_is_read_faster_than_it_measures_counts_by_its_own_pace) {
  Voltmeter slow{};
  double held = 0;
  const auto truth = [&](double t) {
    if (std::fmod(t + 1e-9, 1.0) < period_s) held = slow(3.65);
    return held;
  };
  Voltmeter exact{.digit = 0.0011, .noise = 0};
  EXPECT_FALSE(told_after(exact, truth, 1e9, 86400)) << "ten readings of each measurement";
}

TEST(StillnessWatch, nothing_is_told_before_its_noise_is_known) { EXPECT_FALSE(told_after({}, flat, 20, 600)); }

TEST(StillnessWatch, what_a_new_command_moves_is_no_noise) {
  StillnessWatch watch{StillnessOptions{}};
  for (int n = 0; n < 20'000; ++n) {
    const double pulse = n % 10 == 0 ? 0.1 : (n % 10 == 5 ? -0.1 : 0.0);
    watch.look(Reading{3.65 + pulse, at(1000) + n * 100ms, Quality::good}, pulse == 0.0 && n % 5 > 1);
  }
  EXPECT_FALSE(watch.stands_still_for(1ms));
}

// ---- in the supervisor ----------------------------------------------------------------------------------------------

enum class Dies { nothing, voltage, temperature };

/// The seconds after which it tripped.
std::optional<double> supervised_death(Dies dies, double current_A, const TripCause** cause_out = nullptr) {
  static std::optional<TripCause> kept;
  Supervised cell;
  cell.commanded = Commanded{true, cell.now, 0};
  cell.observation.output_on = true;
  cell.observation.regulation = Regulation::constant_voltage;
  Voltmeter volts{};
  Voltmeter kelvin{.digit = 0.01, .noise = 0.02};
  constexpr int dies_at = 1200;
  for (int n = 0; n < 4000; ++n) {
    cell.now += 100ms;
    if (dies != Dies::voltage || n < dies_at) cell.set(Measurand::voltage, volts(3.7));
    if (dies != Dies::temperature || n < dies_at) cell.set(Measurand::cell_temperature, kelvin(25.0));
    cell.set(Measurand::current, current_A + 0.001 * (n % 3));
    cell.refresh();
    if (cell.check()) {
      kept = cell.check();
      if (cause_out != nullptr) *cause_out = &*kept;
      return (n - dies_at) * period_s;
    }
  }
  return std::nullopt;
}

TEST(SupervisorStillness, a_dead_voltmeter_trips_five_seconds_later_at_1C_and_as_much_charge_later_below) {
  const TripCause* cause = nullptr;
  const auto at_1C = supervised_death(Dies::voltage, 5.0, &cause);
  ASSERT_TRUE(at_1C);
  EXPECT_NEAR(*at_1C, 5.0, 0.5);
  EXPECT_EQ(cause->hazard, Hazard::still_reading);
  EXPECT_EQ(cause->measurand, Measurand::voltage);
  EXPECT_TRUE(is_instrument_failure(cause->hazard));
  const std::string text = describe(*cause);
  EXPECT_NE(text.find("voltage_V for 5."), std::string::npos) << text;
  EXPECT_NEAR(supervised_death(Dies::voltage, -5.0).value_or(0), 5.0, 0.5) << "also in a discharge";
  EXPECT_NEAR(supervised_death(Dies::voltage, 9.0).value_or(0), 5.0, 0.5) << "not sooner: it is a matter of chance";
  EXPECT_NEAR(supervised_death(Dies::voltage, 1.0).value_or(0), 25.0, 0.5);
}

TEST(SupervisorStillness, a_dead_thermometer_trips_after_a_minute_of_current) {
  const TripCause* cause = nullptr;
  const auto told = supervised_death(Dies::temperature, 5.0, &cause);
  ASSERT_TRUE(told);
  EXPECT_NEAR(*told, 60.0, 1.0);
  EXPECT_EQ(cause->hazard, Hazard::still_reading);
  EXPECT_EQ(cause->measurand, Measurand::cell_temperature);
  EXPECT_FALSE(supervised_death(Dies::temperature, 0.0)) << "without a current it guards nothing that we do";
}

TEST(SupervisorStillness, living_readings_pass) { EXPECT_FALSE(supervised_death(Dies::nothing, 5.0)); }

}  // namespace
}  // namespace cellrig
