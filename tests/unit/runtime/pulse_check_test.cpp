// Which pulse a cell is given before the first step, and how what it shows is judged.
#include "controller/runtime/pulse_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace cellrig {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

PulseResistance expected() {
  return {.least = Ohms{0.020},
          .most = Ohms{0.060},
          .rest_voltage_min = Volts{3.2},
          .voltage_min = Volts{2.5},
          .voltage_max = Volts{4.2}};
}

PulseCase at(double voltage_V, double temperature_degC = 25.0) {
  SafetyLimits limits;
  limits.discharge_current_max = Amps{10};
  return {.voltage = Volts{voltage_V},
          .cell_temperature = Reading{temperature_degC, TimePoint{}, Quality::good},
          .limits = limits,
          .nominal_capacity = AmpHours{5},
          .noise = Amps{0.1},
          .cycler_current_max = Amps{60}};
}

TEST(PulsePlan, discharges) {
  for (const double voltage_V : {4.2, 3.7, 3.2}) {
    const PulsePlan plan = plan_pulse(expected(), at(voltage_V));
    EXPECT_EQ(plan.why_not, "");
    EXPECT_EQ(plan.setpoint.current, Amps{-2.5}) << voltage_V;
    EXPECT_EQ(plan.setpoint.voltage_min, Volts{2.5});
    EXPECT_EQ(plan.setpoint.voltage_max, Volts{4.2});
  }
}

TEST(PulsePlan, leaves_a_cell_alone_that_it_could_not_judge_or_must_not_load) {
  EXPECT_THAT(plan_pulse(expected(), at(3.7, 14.9)).why_not, HasSubstr("14.9 degC"));
  EXPECT_THAT(plan_pulse(expected(), at(3.7, 35.1)).why_not, HasSubstr("35.1 degC"));
  EXPECT_THAT(plan_pulse(expected(), at(3.7, std::nan(""))).why_not, HasSubstr("not known"));
  PulseCase state = at(3.7);
  state.cell_temperature.quality = Quality::bad;
  EXPECT_THAT(plan_pulse(expected(), state).why_not, HasSubstr("not known"));
  state = at(3.7);
  state.limits.discharge_current_max = Amps{2.4};
  EXPECT_THAT(plan_pulse(expected(), state).why_not, HasSubstr("more than the cell may be given"));
  state = at(3.7);
  ASSERT_TRUE(state.limits.discharge_current_by_temperature.add({Celsius{20}, Amps{1}}));
  EXPECT_THAT(plan_pulse(expected(), state).why_not, HasSubstr("more than the cell may be given at 25.0 degC"));
  EXPECT_THAT(plan_pulse(expected(), at(3.19)).why_not, HasSubstr("3.190 V, its resistance is given from 3.2 V on"));
  state = at(3.7);
  state.cycler_current_max = Amps{1};
  EXPECT_EQ(plan_pulse(expected(), state).setpoint.current, Amps{-1});
  state.cycler_current_max = Amps{0.5};
  EXPECT_THAT(plan_pulse(expected(), state).why_not, HasSubstr("does not know 0.5 A"));
  state = at(3.7);
  state.noise = Amps{0.32};
  EXPECT_THAT(plan_pulse(expected(), state).why_not, HasSubstr("does not know 2.5 A"));
}

Result<std::string> judge(double voltage_V, double current_A) {
  return judge_pulse(expected(), Amps{-2.5}, {TimePoint{}, Volts{3.7}, Amps{0.0}},
                     {TimePoint{} + 1s, Volts{voltage_V}, Amps{current_A}});
}

TEST(PulseJudgement, names_what_was_seen_and_what_was_expected) {
  const Result<std::string> good = judge(3.6, -2.5);
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, "pulse of -2.5 A for 1.0 s: 40 mohm, as expected: 20 to 60 mohm");
  EXPECT_TRUE(judge(3.65, -2.5)) << "20 mohm";
  for (const double voltage_V : {3.54, 3.66, 3.7, 3.8, 0.0}) {
    const Result<std::string> bad = judge(voltage_V, -2.5);
    ASSERT_FALSE(bad) << voltage_V;
    EXPECT_EQ(bad.error().fault, Fault::refused);
    EXPECT_THAT(bad.error().what, HasSubstr("mohm, expected 20 to 60 mohm: is this the cell of the cell file"));
  }
}

TEST(PulseJudgement, a_current_that_did_not_flow_and_numbers_that_are_none_are_refused) {
  for (const double current_A : {0.0, -1.2, 2.5, std::nan("")}) {
    const Result<std::string> none = judge(3.6, current_A);
    ASSERT_FALSE(none) << current_A;
    EXPECT_THAT(none.error().what, HasSubstr("was asked for"));
  }
  EXPECT_FALSE(judge(std::nan(""), -2.5));
}

}  // namespace
}  // namespace cellrig
