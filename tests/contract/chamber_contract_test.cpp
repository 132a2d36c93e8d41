// The contract of Chamber, on every driver and link: limits first, verified, and stopped at any moment.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "tests/contract/chamber_contract.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

TEST_P(ChamberContract, identifies_itself) {
  const Result<InstrumentIdentity> identity = rig().call(chamber().identify(in(plenty)));
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_FALSE(identity->maker.empty());
  EXPECT_FALSE(identity->model.empty());
  EXPECT_NE(identity->serial.empty(), make().has_serial);
  EXPECT_FALSE(truth().running);
}

TEST_P(ChamberContract, does_not_run_before_its_limits_are_armed) {
  expect_refused(run(Celsius{30.0}));
  EXPECT_FALSE(truth().running);
}

TEST_P(ChamberContract, runs_to_its_setpoint_and_says_so) {
  ASSERT_NO_FATAL_FAILURE(condition(Celsius{40.0}));
  EXPECT_DOUBLE_EQ(truth().setpoint_degC, 40.0);
  rig().pass(2h);
  EXPECT_NEAR(truth().air_temperature_degC, 40.0, 1.0);
  const Result<ChamberReadings> readings = measure();
  ASSERT_TRUE(readings);
  expect_true(*readings);
  EXPECT_NEAR(readings->setpoint.value(), 40.0, 0.05);
  EXPECT_TRUE(readings->running);
  EXPECT_FALSE(readings->alarm);
}

TEST_P(ChamberContract, changes_its_setpoint_while_it_runs) {
  ASSERT_NO_FATAL_FAILURE(condition(Celsius{40.0}));
  EXPECT_TRUE(run(Celsius{10.0}));
  EXPECT_DOUBLE_EQ(truth().setpoint_degC, 10.0);
  rig().pass(2h);
  EXPECT_NEAR(truth().air_temperature_degC, 10.0, 1.0);
}

TEST_P(ChamberContract, refuses_what_is_outside_its_limits_and_keeps_its_setpoint) {
  ASSERT_NO_FATAL_FAILURE(condition(Celsius{40.0}));
  for (const double wrong : {60.1, -20.1, 500.0, std::numeric_limits<double>::quiet_NaN()}) expect_refused(run(Celsius{wrong}));
  EXPECT_DOUBLE_EQ(truth().setpoint_degC, 40.0);
}

TEST_P(ChamberContract, arms_no_limits_that_guard_nothing) {
  const Celsius nan{std::numeric_limits<double>::quiet_NaN()};
  for (const ChamberLimits& wrong :
       {ChamberLimits{Celsius{60.0}, Celsius{-20.0}}, ChamberLimits{Celsius{-200.0}, Celsius{60.0}},
        ChamberLimits{Celsius{0.0}, Celsius{1000.0}}, ChamberLimits{nan, Celsius{60.0}}, ChamberLimits{Celsius{0.0}, nan}}) {
    expect_refused(arm(wrong));
    expect_refused(run(Celsius{30.0}));
  }
}

// The limits are the controller's own: they hold against whoever writes the set-point next. Where it keeps none, the capabilities say so.
TEST_P(ChamberContract, its_limits_are_held_by_the_instrument_or_it_says_that_they_are_not) {
  const ChamberLimits narrow{Celsius{10.0}, Celsius{30.0}};
  EXPECT_EQ(chamber().capabilities().has_own_limits, make().has_own_limits);
  ASSERT_TRUE(arm(narrow));
  BenchInstruments other = rig().make_instruments("ch1");
  Chamber& second = *other.chambers.at("ctl");
  ASSERT_NO_FATAL_FAILURE(hand_over());
  ASSERT_TRUE(rig().call(second.arm(contract_limits, in(plenty))));
  ASSERT_NO_FATAL_FAILURE(hand_over());
  ASSERT_TRUE(arm(narrow));
  ASSERT_NO_FATAL_FAILURE(hand_over());
  const Result<void> ran = rig().call(second.run(Celsius{50.0}, in(plenty)));
  EXPECT_NE(ran.has_value(), make().has_own_limits);
  if (make().has_own_limits) {
    EXPECT_EQ(ran.error().fault, Fault::refused) << ran.error().what;
    EXPECT_LE(truth().setpoint_degC, 30.0);
  }
}

TEST_P(ChamberContract, arms_whatever_was_armed_before) {
  for (const auto& [low, high] : {std::pair{-20.0, 60.0}, {70.0, 90.0}, {-40.0, -30.0}, {20.0, 25.0}, {-40.0, 85.0}}) {
    const Result<void> armed = arm(ChamberLimits{Celsius{low}, Celsius{high}});
    EXPECT_TRUE(armed) << armed.error().what;
    EXPECT_TRUE(run(Celsius{(low + high) / 2}));
    EXPECT_NEAR(truth().setpoint_degC, (low + high) / 2, 0.01);
    EXPECT_TRUE(stop());
  }
}

TEST_P(ChamberContract, an_alarm_outside_its_limits_is_told) {
  ASSERT_NO_FATAL_FAILURE(condition(Celsius{55.0}));
  EXPECT_FALSE(measure()->alarm);
  rig().fault("chamber_stuck oven temperature_degC=80");
  rig().pass(2h);
  ASSERT_GT(truth().air_temperature_degC, 70.0);
  const Result<ChamberReadings> readings = measure();
  ASSERT_TRUE(readings);
  EXPECT_TRUE(readings->alarm);
}

TEST_P(ChamberContract, stops_and_is_idempotent) {
  EXPECT_TRUE(stop());  // never run, never connected
  ASSERT_NO_FATAL_FAILURE(condition());
  EXPECT_TRUE(stop());
  EXPECT_FALSE(truth().running);
  EXPECT_TRUE(stop());
  EXPECT_FALSE(measure()->running);
  EXPECT_TRUE(run(Celsius{30.0}));  // its limits are still armed
}

TEST_P(ChamberContract, stop_does_not_wait_for_a_measurement_that_hangs) {
  ASSERT_NO_FATAL_FAILURE(condition());
  rig().fault("drop " + port() + " count=1");
  Pending<Result<ChamberReadings>> hanging = rig().start(chamber().measure(in(30s)));
  rig().pass(make().measure_time);
  const TimePoint begun = rig().time().now();
  EXPECT_TRUE(stop());
  EXPECT_LT(rig().time().now() - begun, make().stop_beside_call);
  EXPECT_FALSE(truth().running);
  const Result<ChamberReadings> measured = hanging.finish();
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().fault, Fault::interrupted);
}

// It may find a controller that wants a pause, and be told again.
TEST_P(ChamberContract, stop_right_behind_another_call_is_bounded) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_NO_FATAL_FAILURE(condition());
    const bool is_called = i == 0 || (i == 1 ? measure().has_value() : run(Celsius{30.0}).has_value());
    ASSERT_TRUE(is_called);
    const TimePoint begun = rig().time().now();
    EXPECT_TRUE(stop());
    EXPECT_LT(rig().time().now() - begun, make().stop_behind_call);
    EXPECT_FALSE(truth().running);
  }
}

TEST_P(ChamberContract, stop_strikes_at_each_exchange_of_run) {
  int n = 1;
  for (; n <= exchange_count_max; ++n) {
    SCOPED_TRACE(n);
    make_world();
    ASSERT_TRUE(arm());
    rig().fault("drop " + port() + " count=1 skip=" + std::to_string(n - 1));
    Pending<Result<void>> running = rig().start(chamber().run(Celsius{40.0}, in(30s)));
    rig().pass(make().run_time);
    if (running.is_over()) break;
    EXPECT_TRUE(stop());
    const Result<void> ran = running.finish();
    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().fault, Fault::interrupted);
    rig().pass(10s);
    EXPECT_FALSE(truth().running);
  }
  EXPECT_GT(n, make().run_exchange_count);
  EXPECT_LE(n, exchange_count_max);
}

// Cut anywhere, it conditions towards nothing but the set-point that was wanted.
TEST_P(ChamberContract, is_safe_after_each_write_of_run) {
  for (const char* const fault : {"close", "drop"}) {
    int n = 1;
    for (; n <= exchange_count_max; ++n) {
      SCOPED_TRACE(fault + (" at exchange " + std::to_string(n)));
      make_world();
      ASSERT_TRUE(arm());
      rig().fault(fault + (" " + port() + " count=for_ever skip=" + std::to_string(n - 1)));
      const Result<void> ran = run(Celsius{40.0});
      const ChamberTruth now = truth();
      EXPECT_TRUE(!now.running || now.setpoint_degC == 40.0) << now.setpoint_degC;
      if (ran) break;
    }
    EXPECT_GT(n, make().run_exchange_count);
    EXPECT_LE(n, exchange_count_max);
  }
}

TEST_P(ChamberContract, a_lost_reply_while_arming_leaves_it_unarmed) {
  int n = 1;
  for (; n <= exchange_count_max; ++n) {
    SCOPED_TRACE(n);
    make_world();
    rig().fault("drop " + port() + " count=1 skip=" + std::to_string(n - 1));
    const Result<void> armed = arm();
    rig().clear_faults();
    if (armed) break;
    expect_refused(run(Celsius{40.0}));
    EXPECT_FALSE(truth().running);
    EXPECT_TRUE(arm());
    EXPECT_TRUE(run(Celsius{40.0}));
  }
  EXPECT_GT(n, make().arm_exchange_count);
  EXPECT_LE(n, exchange_count_max);
}

TEST_P(ChamberContract, stop_fails_by_its_deadline_on_a_dead_link_and_when_it_is_ignored) {
  ASSERT_NO_FATAL_FAILURE(condition());
  for (const char* const fault : {"refuse ctl", "accept_only ctl", "ignore_off ctl"}) {
    SCOPED_TRACE(fault);
    rig().fault(fault);
    const TimePoint begun = rig().time().now();
    EXPECT_FALSE(stop());
    EXPECT_LE(rig().time().now() - begun, 2s);
    rig().clear_faults();
  }
  EXPECT_TRUE(stop());
  EXPECT_FALSE(truth().running);
}

TEST_P(ChamberContract, a_measurement_is_stamped_inside_its_call) {
  ASSERT_TRUE(measure());
  const TimePoint asked = rig().time().now();
  const Result<ChamberReadings> readings = measure();
  ASSERT_TRUE(readings);
  EXPECT_GT(readings->temperature.at, asked);
  EXPECT_LT(readings->temperature.at, rig().time().now());
}

TEST_P(ChamberContract, after_a_lost_link_a_measurement_is_stamped_in_the_exchange_that_brought_it) {
  ASSERT_TRUE(measure());
  rig().fault("delay " + port() + " count=1 delay_ms=400");
  rig().fault("close " + port() + " count=1");
  const TimePoint asked = rig().time().now();
  const Result<ChamberReadings> readings = measure(2s);
  if (!readings) return;  // a driver need not ask again by itself
  EXPECT_GT(to_seconds(readings->temperature.at - asked), 0.4);
}

TEST_P(ChamberContract, a_failed_exchange_yields_no_sample_and_the_next_one_is_fresh) {
  ASSERT_NO_FATAL_FAILURE(condition(Celsius{60.0}));
  for (const char* const fault : {"drop", "close", "delay delay_ms=1500", "garble bytes=40", "truncate bytes=4"}) {
    SCOPED_TRACE(fault);
    const std::string order = fault;
    const std::string kind = order.substr(0, order.find(' '));
    rig().fault(kind + " " + port() + " count=for_ever" + order.substr(kind.size()));
    const TimePoint asked = rig().time().now();
    EXPECT_FALSE(measure(make().measure_time));
    EXPECT_LE(rig().time().now() - asked, make().measure_time);
    rig().clear_faults();
    rig().pass(5min);  // it grows warmer meanwhile
    const Result<ChamberReadings> readings = measure();
    ASSERT_TRUE(readings) << readings.error().what;
    expect_true(*readings);
    EXPECT_TRUE(measure(make().measure_time)) << "that was time enough";
  }
}

TEST_P(ChamberContract, what_is_no_number_is_bad_and_not_a_value) {
  rig().fault("nan ctl");
  Result<ChamberReadings> readings = measure();
  ASSERT_TRUE(readings);
  EXPECT_EQ(readings->temperature.quality, Quality::bad);
  EXPECT_FALSE(readings->temperature.usable());
  rig().clear_faults();
  readings = measure();
  ASSERT_TRUE(readings);
  expect_true(*readings);
}

TEST_P(ChamberContract, a_reboot_stops_it_and_nothing_starts_it_again) {
  ASSERT_NO_FATAL_FAILURE(condition());
  rig().fault("reboot ctl");
  rig().fault("refuse ctl for_s=1");
  rig().pass(5s);
  EXPECT_FALSE(truth().running);
  for (int i = 0; i < 5; ++i) {
    const Result<ChamberReadings> readings = measure();
    ASSERT_TRUE(readings) << readings.error().what;
    EXPECT_FALSE(readings->running);
    rig().pass(1s);
  }
  EXPECT_FALSE(truth().running);
}

INSTANTIATE_TEST_SUITE_P(EveryChamber, ChamberContract, every_chamber, chamber_case_name);

// With the machine's own clock: short.
class ChamberInRealTime : public ChamberContract {};

TEST_P(ChamberInRealTime, runs_measures_and_stops_while_a_measurement_hangs) {
  ASSERT_NO_FATAL_FAILURE(condition());
  const Result<ChamberReadings> readings = measure(plenty);
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_TRUE(readings->running);
  rig().fault("drop " + port() + " count=1");
  Pending<Result<ChamberReadings>> hanging = rig().start(chamber().measure(in(60s)));
  rig().pass(30ms);
  EXPECT_TRUE(stop(20s));
  EXPECT_FALSE(truth().running);
  EXPECT_FALSE(hanging.finish());
}

INSTANTIATE_TEST_SUITE_P(EveryChamber, ChamberInRealTime, chambers_in_real_time, chamber_case_name);

}  // namespace
}  // namespace cellrig::test
