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
    watch.look(Reading{shown, at(1000) + from_seconds(t), Quality::good}, TimePoint::min());
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

/// A mean that wanders over the digits, so that the noise meets borders and middles of codes.
double wandering(double t) { return 3.65 + 0.01 * std::sin(t / 500); }

TEST(StillnessWatch, a_living_one_is_never_told_of_whatever_its_noise) {
  for (const double noise_in_digits : {0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.9, 1.5}) {
    const Voltmeter meter{.noise = noise_in_digits * 0.0011};
    EXPECT_FALSE(told_after(meter, wandering, 1e9, 86400.0)) << noise_in_digits;
  }
}

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

/// Pulses of changing height, ten readings each with `read_every_s` between them; then one command, and a reading without noise. True: told of.
bool told_after_pulses(double read_every_s, bool says_when) {
  StillnessWatch watch{StillnessOptions{}};
  TimePoint now = at(1000);
  TimePoint since = now;
  for (int n = 0; n < 4000; ++n) {
    now += from_seconds(read_every_s);
    const bool is_new = n < 2000 && n % 2 == 0;
    if (is_new && says_when) since = now + from_seconds(0.5 * read_every_s);
    const double height = n < 2000 ? 0.01 * (n % 7) - 0.02 * (n % 3) : 0.0;
    watch.look(Reading{3.65 + height, now, Quality::good}, since);
    if (watch.stands_still_for(5s)) return true;
  }
  return false;
}

TEST(StillnessWatch, what_new_commands_move_is_no_noise_however_seldom_it_is_read) {
  for (const double period_of_readings_s : {0.1, 1.0, 5.0}) {
    EXPECT_FALSE(told_after_pulses(period_of_readings_s, true)) << period_of_readings_s;
    EXPECT_TRUE(told_after_pulses(period_of_readings_s, false)) << "nobody said that these were commands";
  }
}

// Each guard against a false alarm is needed: without it this living reading would be told of.
TEST(StillnessWatch, without_its_guards_it_would_cry_wolf) {
  const auto told = [](const StillnessOptions& options, const std::function<double(int)>& shown) {
    StillnessWatch watch{options};
    for (int n = 0; n < 20'000; ++n) {
      watch.look(Reading{shown(n), at(1000) + n * 100ms, Quality::good}, TimePoint::min());
      if (watch.stands_still_for(5s)) return true;
    }
    return false;
  };
  const auto rises_then_stands = [](int n) { return n < 2000 ? 3.6 + 0.001 * n + 0.001 * (n / 3) : 5.9; };
  EXPECT_FALSE(told({}, rises_then_stands));
  EXPECT_TRUE(told({.reversals_min = 0.0}, rises_then_stands));
  const auto on_a_border_then_not = [](int n) { return n < 2000 ? 3.65 + 0.001 * (n * 7919 % 13 % 2) : 3.65; };
  EXPECT_FALSE(told({}, on_a_border_then_not));
  EXPECT_TRUE(told({.wide_min = 0.0}, on_a_border_then_not));
  // It zeroes itself for six seconds out of twenty: such pauses are learned, too.
  EXPECT_FALSE(told({}, [](int n) { return 3.65 + 0.001 * ((n % 200 < 60 ? n - n % 200 : n) * 7919 % 13); }));
}

TEST(StillnessWatch, coarser_digits_beyond_a_power_of_ten_begin_anew) {
  Voltmeter fine{.digit = 0.001, .noise = 0.001};
  Voltmeter coarse{.digit = 0.01, .noise = 0.001};
  StillnessWatch watch{StillnessOptions{}};
  for (int n = 0; n < 20'000; ++n) {
    const double shown = n < 2000 ? fine(9.98) : coarse(10.05);
    watch.look(Reading{shown, at(1000) + n * 100ms, Quality::good}, TimePoint::min());
    ASSERT_FALSE(watch.stands_still_for(1s)) << n;
  }
}

// ---- in the supervisor ----------------------------------------------------------------------------------------------

enum class Dies { nothing, voltage, temperature };

/// A bench at 10 Hz whose cycler regulates the current, or holds the voltage.
struct NoisyBench {
  Supervised cell;
  Voltmeter volts{};
  Voltmeter kelvin{.digit = 0.01, .noise = 0.02};

  explicit NoisyBench(Regulation regulation = Regulation::constant_current) {
    cell.commanded = Commanded{true, cell.now, 0};
    cell.observation.output_on = true;
    cell.observation.regulation = regulation;
  }
  void set_output(bool on) {
    cell.commanded = Commanded{on, cell.now, 0};
    cell.observation.output_on = on;
    cell.observation.regulation = on ? Regulation::constant_current : Regulation::off;
  }
  /// One look; what is dead keeps its value.
  const std::optional<TripCause>& look(double current_A, bool volts_live = true, bool kelvin_lives = true) {
    cell.now += 100ms;
    if (volts_live) cell.set(Measurand::voltage, volts(3.7));
    if (kelvin_lives) cell.set(Measurand::cell_temperature, kelvin(25.0));
    cell.set(Measurand::current, current_A == 0.0 ? 0.0 : current_A + 0.001 * (looks_++ % 3));
    cell.refresh();
    return cell.check();
  }

 private:
  int looks_ = 0;
};

struct Death {
  double after_s = 0;
  TripCause cause;
};

std::optional<Death> supervised_death(Dies dies, double current_A, Regulation regulation = Regulation::constant_current) {
  NoisyBench bench(regulation);
  constexpr int dies_at = 1200;
  for (int n = 0; n < 4000; ++n) {
    const bool is_dead = n >= dies_at;
    const auto& cause = bench.look(current_A, !(is_dead && dies == Dies::voltage), !(is_dead && dies == Dies::temperature));
    if (cause) return Death{(n - dies_at) * period_s, *cause};
  }
  return std::nullopt;
}

double seconds_until(const std::optional<Death>& death) { return death ? death->after_s : -1.0; }

TEST(SupervisorStillness, a_dead_voltmeter_trips_five_seconds_later_at_1C_and_as_much_charge_later_below) {
  const auto at_1C = supervised_death(Dies::voltage, 5.0);
  ASSERT_TRUE(at_1C);
  EXPECT_NEAR(at_1C->after_s, 5.0, 0.5);
  EXPECT_EQ(at_1C->cause.hazard, Hazard::still_reading);
  EXPECT_EQ(at_1C->cause.measurand, Measurand::voltage);
  EXPECT_TRUE(is_instrument_failure(at_1C->cause.hazard));
  const std::string text = describe(at_1C->cause);
  EXPECT_NE(text.find("voltage_V for 5."), std::string::npos) << text;
  EXPECT_NEAR(seconds_until(supervised_death(Dies::voltage, -5.0)), 5.0, 0.5) << "also in a discharge";
  EXPECT_NEAR(seconds_until(supervised_death(Dies::voltage, 9.0)), 5.0, 0.5) << "not sooner: it is a matter of chance";
  EXPECT_NEAR(seconds_until(supervised_death(Dies::voltage, 1.0)), 25.0, 0.5);
  EXPECT_NEAR(seconds_until(supervised_death(Dies::voltage, 5.0, Regulation::constant_voltage)), 5.0, 0.5);
}

// What a regulator holds may stand still where the noise of the charge before it did not.
TEST(SupervisorStillness, a_regulated_voltage_without_noise_is_not_held_against_that_of_the_charge_before) {
  NoisyBench bench;
  for (int n = 0; n < 2000; ++n) ASSERT_FALSE(bench.look(5.0));
  bench.cell.observation.regulation = Regulation::constant_voltage;
  for (int n = 0; n < 600; ++n) ASSERT_FALSE(bench.look(5.0 - 0.005 * n, false)) << n;
}

TEST(SupervisorStillness, a_dead_thermometer_trips_after_a_minute_of_current) {
  const auto told = supervised_death(Dies::temperature, 5.0);
  ASSERT_TRUE(told);
  EXPECT_NEAR(told->after_s, 60.0, 1.0);
  EXPECT_EQ(told->cause.hazard, Hazard::still_reading);
  EXPECT_EQ(told->cause.measurand, Measurand::cell_temperature);
  EXPECT_FALSE(supervised_death(Dies::temperature, 0.0)) << "without a current it guards nothing that we do";
}

// The fan of the chamber, or the power stage, may have been its noise.
TEST(SupervisorStillness, a_thermometer_that_stood_still_in_a_rest_has_a_minute_of_current_before_it_counts) {
  NoisyBench bench;
  for (int n = 0; n < 2000; ++n) ASSERT_FALSE(bench.look(5.0));
  bench.set_output(false);
  for (int n = 0; n < 36'000; ++n) ASSERT_FALSE(bench.look(0.0, true, false)) << "an hour";
  bench.set_output(true);
  for (int n = 0; n < 550; ++n) ASSERT_FALSE(bench.look(5.0, true, false)) << n;
  bool is_told = false;
  for (int n = 0; n < 100; ++n) is_told = is_told || bench.look(5.0, true, false);
  EXPECT_TRUE(is_told);
}

TEST(SupervisorStillness, living_readings_pass) { EXPECT_FALSE(supervised_death(Dies::nothing, 5.0)); }

// ---- commanded against measured

std::optional<TripCause> with_current(double measured_A, Regulation regulation, int looks = 40, bool may_stand_closed = false) {
  Supervised cell;
  cell.commanded = Commanded{true, cell.now, +1, {}, may_stand_closed, {Amps{5.0}, Amps{}}};
  cell.observation.output_on = true;
  cell.observation.regulation = regulation;
  for (int n = 0; n < looks; ++n) {
    cell.now += 100ms;
    cell.set(Measurand::voltage, 3.7 + 0.001 * (n % 2));
    cell.set(Measurand::current, measured_A + 0.001 * (n % 3));
    cell.set(Measurand::cell_temperature, 25.0);
    if (const auto& cause = cell.check()) return cause;
  }
  return std::nullopt;
}

// F25: a reading that is clipped at the end of a range shows less than flows.
TEST(SupervisorCommand, a_regulated_current_that_is_not_the_commanded_one_trips_when_it_has_settled) {
  const auto clipped = with_current(1.0, Regulation::constant_current);
  ASSERT_TRUE(clipped);
  EXPECT_EQ(clipped->hazard, Hazard::off_command);
  EXPECT_EQ(clipped->limit, 5.0);
  EXPECT_NEAR(to_seconds(clipped->at - at(1000)), 2.1, 0.01) << "settled after 2 s; two looks";
  EXPECT_TRUE(with_current(5.6, Regulation::constant_current));
  EXPECT_FALSE(with_current(4.55, Regulation::constant_current)) << "within a tenth";
  EXPECT_FALSE(with_current(1.0, Regulation::constant_voltage)) << "it tapers";
  EXPECT_FALSE(with_current(1.0, Regulation::constant_power));
  EXPECT_FALSE(with_current(1.0, Regulation::constant_current, 19)) << "it rises";
}

// A float: the cell stands a little above the voltage that is held, and the regulator at its other limit, which is no current.
TEST(SupervisorCommand, a_voltage_that_the_cell_has_already_is_held_without_a_current) {
  EXPECT_FALSE(with_current(0.0, Regulation::constant_current, 40, true));
  EXPECT_TRUE(with_current(1.0, Regulation::constant_current, 40, true)) << "neither limit";
  EXPECT_TRUE(with_current(0.0, Regulation::constant_current, 40, false));
}

TEST(SupervisorCommand, one_stray_reading_looked_at_again_and_again_is_one) {
  Supervised cell;
  cell.commanded = Commanded{true, cell.now, +1, {}, false, {Amps{5.0}, Amps{}}};
  cell.observation.output_on = true;
  cell.observation.regulation = Regulation::constant_current;
  for (int n = 0; n < 100; ++n) {
    cell.now += 100ms;
    cell.set(Measurand::voltage, 3.7 + 0.001 * (n % 2));
    cell.set(Measurand::current, n == 50 ? 1.0 : 5.0 + 0.001 * (n % 3));
    cell.set(Measurand::cell_temperature, 25.0);
    for (int look = 0; look < 3; ++look) ASSERT_FALSE(cell.check()) << n;
  }
}

// A drive cycle gives another current every second: the thermometer's noise goes on.
TEST(SupervisorStillness, a_dead_thermometer_is_found_in_a_course_too) {
  NoisyBench bench;
  std::optional<TripCause> cause;
  int looks = 0;
  for (; looks < 4000 && !cause; ++looks) {
    if (looks % 10 == 0) bench.cell.commanded.changed = bench.cell.now;
    cause = bench.look(5.0 + (looks / 10) % 3, true, looks < 1200);
  }
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->measurand, Measurand::cell_temperature);
  EXPECT_NEAR((looks - 1200) * period_s, 60.0, 1.5);
}

}  // namespace
}  // namespace cellrig
