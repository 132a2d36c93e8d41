// The band around the temperature that a chamber was given: who leaves it, for how long, and on which side.
#include "controller/engine/chamber_watch.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/unit/engine/program_builder.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr ChamberRamp ramp{.heating_K_per_min = 3.0, .cooling_K_per_min = 1.5};

ChamberWatch watch(Celsius setpoint) {
  ChamberWatch made{ramp, {Celsius{-40}, Celsius{85}}, ChamberWatchOptions{}};
  made.runs_at(setpoint);
  return made;
}

struct Tripped {
  double seconds;
  TripCause cause;
};

/// Once a second, for `lasts`; temperature by second.
std::optional<Tripped> follow(ChamberWatch& chamber, Duration lasts, const std::function<double(double)>& air_degC) {
  for (int second = 0; second <= to_seconds(lasts); ++second) {
    const auto cause = chamber.look(Reading{air_degC(second), at(1000 + second), Quality::good});
    if (cause) return Tripped{static_cast<double>(second), *cause};
  }
  return std::nullopt;
}

/// A healthy one: its ramp, then a lag of two minutes that overshoots by nothing.
double healthy(double from, double to, double K_per_min, double seconds) {
  const double moved = K_per_min / 60.0 * std::max(0.0, seconds - 120.0 * (1.0 - std::exp(-seconds / 120.0)));
  return from + std::copysign(std::min(moved, std::abs(to - from)), to - from);
}

TEST(ChamberWatch, a_healthy_chamber_passes_up_and_down_at_its_ramp_and_at_half_of_it) {
  for (const double share : {1.0, 0.5}) {
    for (const double to : {-20.0, 24.9, 25.0, 25.1, 60.0, 84.0}) {
      ChamberWatch chamber = watch(Celsius{to});
      const double rate = share * (to > 25.0 ? ramp.heating_K_per_min : ramp.cooling_K_per_min);
      EXPECT_FALSE(follow(chamber, 4h, [&](double s) { return healthy(25.0, to, rate, s); })) << to;
    }
  }
}

TEST(ChamberWatch, a_chamber_faster_than_its_maker_says_passes) {
  ChamberWatch chamber = watch(Celsius{60});
  EXPECT_FALSE(follow(chamber, 1h, [](double s) { return healthy(25.0, 60.0, 30.0, s); }));
}

// H11: people are told after half a minute, well before the runs end.
TEST(ChamberWatch, air_outside_its_band_is_told_of_after_half_a_minute_and_not_when_it_comes_back) {
  ChamberWatch chamber = watch(Celsius{40});
  std::optional<int> told;
  for (int second = 0; second <= 360 + 170 && !told; ++second) {
    EXPECT_FALSE(chamber.look(Reading{25.0 + 0.05 * second, at(1000 + second), Quality::good}));
    if (chamber.left_for_long(at(1000 + second))) told = second;
  }
  ASSERT_TRUE(told);
  EXPECT_NEAR(*told, 361 + 30, 1) << "43 degC after 360 s";
  EXPECT_EQ(chamber.left_for_long(at(1000 + *told)), 43.0);

  ChamberWatch door = watch(Celsius{40});
  for (int second = 0; second < 600; ++second) {
    const double opened_K = second >= 300 && second < 340 ? 0.4 * (second - 300) : std::max(0.0, 16.0 - 0.4 * (second - 340));
    EXPECT_FALSE(door.look(Reading{40.0 - (second < 300 ? 0.0 : opened_K), at(1000 + second), Quality::good}));
    EXPECT_FALSE(door.left_for_long(at(1000 + second)) && second > 345) << "it comes back: " << second;
  }
  EXPECT_FALSE(door.is_outside());
}

TEST(ChamberWatch, a_heater_that_does_not_stop_at_the_set_point_trips_after_the_hold) {
  ChamberWatch chamber = watch(Celsius{40});
  const auto tripped = follow(chamber, 1h, [](double s) { return 25.0 + 0.05 * s; });
  ASSERT_TRUE(tripped);
  EXPECT_EQ(tripped->cause.hazard, Hazard::chamber_runaway);
  EXPECT_EQ(tripped->cause.measurand, Measurand::chamber_temperature);
  EXPECT_EQ(tripped->cause.limit, 43.0);
  EXPECT_NEAR(tripped->seconds, 361 + 180, 1) << "43 degC after 360 s";
  EXPECT_NEAR(tripped->cause.value, 52.05, 0.06);
  EXPECT_EQ(
      describe(tripped->cause).find("the chamber runs away from the temperature it was given: chamber_temperature_degC 52."), 0u);
  EXPECT_TRUE(is_thermal(tripped->cause.hazard));
  EXPECT_FALSE(is_instrument_failure(tripped->cause.hazard));
}

TEST(ChamberWatch, one_that_goes_the_wrong_way_trips_too) {
  ChamberWatch cooled = watch(Celsius{0});
  const auto hotter = follow(cooled, 1h, [](double s) { return 25.0 + 0.05 * s; });
  ASSERT_TRUE(hotter);
  EXPECT_EQ(hotter->cause.hazard, Hazard::chamber_runaway);
  EXPECT_NEAR(hotter->seconds, 360 + 180, 20) << "in the first five minutes the probe may have shown the room";
  EXPECT_NEAR(hotter->cause.limit, 41.0, 0.5) << "40 degC after five minutes, and then down by half a kelvin each minute";
  ChamberWatch heated = watch(Celsius{60});
  const auto colder = follow(heated, 1h, [](double s) { return 25.0 - 0.05 * s; });
  ASSERT_TRUE(colder);
  EXPECT_EQ(colder->cause.hazard, Hazard::chamber_runaway);
  EXPECT_NEAR(colder->cause.limit, 10.8, 0.5);
}

TEST(ChamberWatch, a_short_way_out_and_one_just_inside_pass) {
  ChamberWatch door = watch(Celsius{45});
  const auto opened = [](double s) {
    return s < 600 ? 45.0 : s < 660 ? 45.0 - 0.3 * (s - 600) : 45.0 - 18 * std::exp(-(s - 660) / 400);
  };
  EXPECT_FALSE(follow(door, 1h, opened)) << "open for a minute, and back within a quarter of an hour";
  ChamberWatch cold = watch(Celsius{-20});
  const auto begun = [](double s) {
    return s < 120 ? 25.0 - 0.2 * s : s < 240 ? 1.0 + 0.1 * (s - 120) : 13.0 - 33 * (1 - std::exp(-(s - 240) / 900));
  };
  EXPECT_FALSE(follow(cold, 2h, begun)) << "its door was opened once more in the beginning";
  ChamberWatch edge = watch(Celsius{25});
  const auto beyond = follow(edge, 1h, [](double s) { return s < 600 ? 25.0 : s < 1200 ? 28.0 : std::nextafter(28.0, 29.0); });
  ASSERT_TRUE(beyond);
  EXPECT_EQ(beyond->cause.hazard, Hazard::chamber_behind) << "it stays where it is: it does not get there, and does not run away";
  EXPECT_NEAR(beyond->seconds, 1200 + 180, 1);
}

TEST(ChamberWatch, beyond_the_limits_of_the_bench_it_trips_at_once) {
  for (const double air_degC : {90.001, -45.001}) {
    ChamberWatch chamber = watch(Celsius{25});
    const auto tripped = follow(chamber, 1min, [&](double s) { return s < 10 ? 25.0 : air_degC; });
    ASSERT_TRUE(tripped);
    EXPECT_EQ(tripped->seconds, 10.0);
    EXPECT_EQ(tripped->cause.hazard, Hazard::chamber_runaway);
    EXPECT_EQ(tripped->cause.limit, air_degC > 0 ? 90.0 : -45.0);
  }
}

TEST(ChamberWatch, one_that_does_not_move_is_behind_the_slowest_of_its_kind) {
  ChamberWatch chamber = watch(Celsius{60});
  const auto tripped = follow(chamber, 1h, [](double) { return 25.0; });
  ASSERT_TRUE(tripped);
  EXPECT_EQ(tripped->cause.hazard, Hazard::chamber_behind);
  EXPECT_TRUE(is_instrument_failure(tripped->cause.hazard));
  EXPECT_FALSE(is_thermal(tripped->cause.hazard));
  // A third of 3 K/min after five minutes: 3 K more than it did after another three.
  EXPECT_NEAR(tripped->seconds, 300 + 180 + 1 + 180, 2);
  EXPECT_NEAR(tripped->cause.limit, 28.0, 0.06);
}

TEST(ChamberWatch, one_that_arrived_and_falls_back_runs_away) {
  ChamberWatch chamber = watch(Celsius{60});
  const auto tripped =
      follow(chamber, 2h, [](double s) { return s < 3600 ? healthy(25.0, 60.0, 3.0, s) : 60.0 - 0.02 * (s - 3600); });
  ASSERT_TRUE(tripped);
  EXPECT_EQ(tripped->cause.hazard, Hazard::chamber_runaway);
  EXPECT_EQ(tripped->cause.limit, 57.0);
}

TEST(ChamberWatch, another_set_point_is_another_band_from_where_it_is) {
  ChamberWatch chamber = watch(Celsius{25});
  EXPECT_FALSE(follow(chamber, 1h, [](double) { return 25.0; }));
  chamber.runs_at(Celsius{60});
  EXPECT_FALSE(follow(chamber, 1h, [](double s) { return healthy(25.0, 60.0, 3.0, s); }));
}

TEST(ChamberWatch, without_a_set_point_and_of_no_number_nothing_is_told) {
  ChamberWatch idle{ramp, {Celsius{-40}, Celsius{85}}, ChamberWatchOptions{}};
  EXPECT_FALSE(follow(idle, 1h, [](double s) { return s; }));
  ChamberWatch chamber = watch(Celsius{25});
  EXPECT_FALSE(chamber.look(Reading{std::nan(""), at(1000), Quality::good}));
  EXPECT_FALSE(chamber.look(Reading{200.0, at(1001), Quality::bad}));
}

}  // namespace
}  // namespace cellrig
