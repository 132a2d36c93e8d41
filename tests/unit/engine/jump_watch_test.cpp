// A voltage that jumps while nothing was changed, and what only looks like it.
#include "controller/engine/jump_watch.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "tests/unit/engine/program_builder.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

std::optional<JumpWatch::Finding> jump_of(
    const std::function<double(double)>& voltage, Duration period = 100ms,
    const std::function<double(double)>& current = [](double) { return 5.0; }) {
  JumpWatch watch{JumpOptions{}, Amps{0.05}};
  for (TimePoint now = at(1000); now < at(1100); now += period) {
    const double t = to_seconds(now - at(1000));
    if (const auto found = watch.look({now, Volts{voltage(t)}, Amps{current(t)}}, at(1000))) return found;
  }
  return std::nullopt;
}

// F24 of the fault catalogue.
TEST(JumpWatch, thirty_millivolts_more_or_less_at_the_same_current_are_found_where_they_began) {
  for (const double offset : {0.03, -0.03}) {
    for (const Duration period : {Duration{100ms}, Duration{1s}}) {
      const auto found = jump_of([&](double t) { return 3.6 + 1e-4 * t + (t > 50.05 ? offset : 0.0); }, period);
      ASSERT_TRUE(found) << offset;
      EXPECT_NEAR(found->step.value(), offset, 0.002);
      EXPECT_NEAR(to_seconds(found->at - at(1000)), 50.5, 0.51);
    }
  }
}

TEST(JumpWatch, a_spike_a_small_step_a_slope_and_a_step_of_the_current_are_none) {
  EXPECT_FALSE(jump_of([](double t) { return t > 50 && t < 50.15 ? 3.7 : 3.6; })) << "one sample";
  EXPECT_FALSE(jump_of([](double t) { return t > 50 ? 3.615 : 3.6; }));
  EXPECT_FALSE(jump_of([](double t) { return 3.4 - std::exp((t - 100) / 15); }, 1s)) << "a cell that is nearly empty: its knee";
  for (const Duration period : {Duration{100ms}, Duration{1s}})
    EXPECT_FALSE(jump_of([](double t) { return 4.1 + 0.2 * std::exp(-t / 3); }, period)) << "relaxation";
  EXPECT_FALSE(jump_of([](double t) { return t > 50 ? 3.7 : 3.6; }, 100ms, [](double t) { return t > 50 ? 8.0 : 5.0; }));
  EXPECT_FALSE(jump_of([](double t) { return t > 50 ? 3.7 : 3.6; }, 10s)) << "samples that are far apart";
}

// A cycler with digits of 10 mV and noise of 12.
TEST(JumpWatch, a_noisy_voltmeter_is_not_told_of_and_its_great_jumps_are) {
  std::mt19937 random{1};
  std::normal_distribution<double> noise{0.0, 0.012};
  const auto shown = [&](double t) { return std::round(100 * (3.65 + (t > 90 ? 0.6 : 0.0) + noise(random))) / 100; };
  const auto found = jump_of(shown);
  ASSERT_TRUE(found);
  EXPECT_NEAR(to_seconds(found->at - at(1000)), 90.1, 0.05);
  EXPECT_FALSE(jump_of([&](double) { return std::round(100 * (3.65 + noise(random))) / 100; }));
}

// In a long rest readings come more seldom: the line through two that are near to each other is noise where it is followed far.
TEST(JumpWatch, readings_that_come_more_seldom_are_no_jump_and_one_among_them_is_found) {
  constexpr int seeds = 200;
  int jumps_found = 0;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    for (const double offset : {0.0, 0.03}) {
      std::mt19937 random{seed};
      std::normal_distribution<double> noise{0.0, 0.0012};
      JumpWatch watch{JumpOptions{}, Amps{0.05}};
      std::optional<JumpWatch::Finding> found;
      for (TimePoint now = at(1000); now < at(1100); now += now < at(1050) ? 100ms : 2500ms) {
        const auto look = watch.look({now, Volts{4.19 + (now > at(1075) ? offset : 0.0) + noise(random)}, Amps{0.0}}, at(1000));
        if (look) found = look;
      }
      ASSERT_FALSE(offset == 0 && found) << "seed " << seed << ": " << found->step.value() << " V";
      jumps_found += found ? 1 : 0;
    }
  }
  EXPECT_GE(jumps_found, seeds * 98 / 100) << "noise may hide one";
}

/// The voltage at readings that come at `instants` (s), with noise of half a millivolt; how often of 100 times a jump is found.
int found_of_100(const std::function<std::vector<double>()>& instants, const std::function<double(double)>& voltage) {
  int found = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    std::mt19937 random{seed};
    std::normal_distribution<double> noise{0.0, 0.0005};
    JumpWatch watch{JumpOptions{}, Amps{0.05}};
    bool is_found = false;
    for (const double t : instants())
      is_found |= watch.look({at(1000) + from_seconds(t), Volts{voltage(t) + noise(random)}, Amps{5.0}}, at(1000)).has_value();
    found += is_found ? 1 : 0;
  }
  return found;
}

std::vector<double> every_100_ms(double late_at, double late_s) {
  std::vector<double> instants;
  for (double t = 0; t < 60; t += 0.1) {
    instants.push_back(t);
    if (t >= late_at && t < late_at + 0.1) t += late_s;
  }
  return instants;
}

// A change of range takes time, and so does an answer that is asked for once more.
TEST(JumpWatch, a_jump_is_found_where_readings_are_late_or_come_unevenly) {
  const auto jumps = [](double t) { return 3.6 + (t > 50.05 ? 0.03 : 0.0); };
  EXPECT_GE(found_of_100([] { return every_100_ms(49.95, 0.25); }, jumps), 98) << "it falls into the gap";
  EXPECT_GE(found_of_100([] { return every_100_ms(50.05, 0.25); }, jumps), 98) << "the reading after it is late";
  const auto uneven = [] {
    std::vector<double> instants;
    for (double t = 0; t < 60; t += instants.size() % 2 == 0 ? 0.1 : 0.3) instants.push_back(t);
    return instants;
  };
  EXPECT_GE(found_of_100(uneven, jumps), 98);
  const auto knee = [](double t) { return 3.4 - std::exp((t - 63) / 5); };
  EXPECT_EQ(found_of_100([] { return every_100_ms(55, 1.5); }, knee), 0) << "a slope is followed";
}

TEST(JumpWatch, what_was_before_the_present_command_is_forgotten) {
  JumpWatch watch{JumpOptions{}, Amps{0.05}};
  for (int n = 0; n < 10; ++n) {
    EXPECT_FALSE(watch.look({at(1000) + n * 100ms, Volts{n < 5 ? 3.6 : 3.7}, Amps{5.0}}, at(1000) + (n < 5 ? 0ms : 500ms)));
  }
}

}  // namespace
}  // namespace cellrig
