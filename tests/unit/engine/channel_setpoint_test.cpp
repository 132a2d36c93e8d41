// What comes out only in the run is held against the cycler before anything is on: its least current, and its power.
#include <gtest/gtest.h>

#include <random>

#include <cmath>

#include "controller/engine/known_setpoint.hpp"
#include "tests/unit/engine/channel_driver.hpp"

namespace cellrig::test {
namespace {

MachineOptions small_cycler() {
  MachineOptions options;
  options.current_min = Amps{0.1};
  options.power_max = Watts{10.0};
  return options;
}

/// One step, whose current, power or scale is the variable.
Program late_program(Step step, double value, void (*bind)(Step&, std::uint16_t formula)) {
  ProgramBuilder builder;
  builder.variable(value, 0.0, 100.0);
  bind(step, builder.formula({{.kind = Formula::Operation::Kind::variable}}));
  step.setpoint = step.setpoint ? step.setpoint : std::optional<Setpoint>{ConstantCurrent{Amps{1}, Volts{2.5}, Volts{4.2}}};
  builder.add(std::move(step), {});
  builder.edit().limits.voltage_max = Volts{4.3};
  return builder.build();
}

void bind_magnitude(Step& step, std::uint16_t formula) { step.magnitude = Magnitude{formula, 50.0}; }
void bind_scale(Step& step, std::uint16_t formula) {
  for (CoursePoint& point : step.course->points) point.is_rate = true;
  step.course_scale = formula;
}

/// Nothing: it is accepted, and applied.
std::optional<output::Unusable> refusal(const Program& program) {
  Driver driver{program, small_cycler()};
  driver.start();
  const auto refused = driver.logged<output::Unusable>();
  EXPECT_EQ(driver.logged<output::Apply>().empty(), !refused.empty()) << "either of them";
  return refused.empty() ? std::nullopt : std::optional{refused.front()};
}

TEST(ChannelSetpoint, a_current_whose_power_is_too_great_is_refused) {
  for (const double amps : {2.3, -2.3}) EXPECT_FALSE(refusal(late_program(cc(amps), 2.3, bind_magnitude)));
  for (const double amps : {2.4, -2.4}) {
    const auto found = refusal(late_program(cc(amps), 2.4, bind_magnitude));
    ASSERT_TRUE(found);
    EXPECT_NEAR(found->most, 10.0 / 4.25, 1e-9);
  }
  EXPECT_TRUE(refusal(late_program(cccv_charge(1.0), 2.4, bind_magnitude)));
  EXPECT_FALSE(refusal(late_program(cccv_charge(1.0), 2.35, bind_magnitude)));
}

TEST(ChannelSetpoint, a_current_or_a_power_that_is_too_small_is_refused) {
  EXPECT_TRUE(refusal(late_program(cc(1.0), 0.09, bind_magnitude)));
  EXPECT_FALSE(refusal(late_program(cc(1.0), 0.1, bind_magnitude)));
  Step power = cc(1.0);
  power.kind = StepKind::cp;
  power.setpoint = ConstantPower{Watts{1}, Volts{2.5}, Volts{4.2}, Amps{9}};
  EXPECT_TRUE(refusal(late_program(power, 0.24, bind_magnitude)));
  EXPECT_FALSE(refusal(late_program(power, 0.26, bind_magnitude)));
  EXPECT_TRUE(refusal(late_program(power, 10.1, bind_magnitude)));
}

// The second pulse is the small one: it is found before the first flows.
TEST(ChannelSetpoint, every_value_of_a_scaled_course_is_held_against_the_cycler) {
  EXPECT_FALSE(refusal(late_program(course({2.0, 0.5, 0.0}), 1.0, bind_scale)));
  const auto tiny = refusal(late_program(course({2.0, -0.5, 0.0}), 0.19, bind_scale));
  ASSERT_TRUE(tiny);
  EXPECT_NEAR(tiny->value, 0.095, 1e-9);
  EXPECT_EQ(tiny->least, 0.1);
  const auto great = refusal(late_program(course({0.5, -2.0}), 1.2, bind_scale));
  ASSERT_TRUE(great);
  EXPECT_NEAR(great->value, 2.4, 1e-9);
  EXPECT_NEAR(great->most, 10.0 / 4.2, 1e-9);
}

TEST(ChannelSetpoint, a_linear_course_is_looked_at_between_its_points) {
  Step ramp = course({1.0, 0.02});
  ramp.course->is_linear = true;
  ramp.course->update = std::chrono::seconds{1};
  ramp.course->points.push_back({ramp.course->period, 1.0});
  EXPECT_TRUE(ramp.course->first_below(0.1));
  EXPECT_FALSE(ramp.course->first_below(0.02));
  ramp.course->points[1].value = -1.0;  // through zero, where it is off; beside it, it is not
  EXPECT_TRUE(ramp.course->first_below(0.25));
  EXPECT_FALSE(ramp.course->first_below(0.15));
}

TEST(ChannelSetpoint, a_step_is_told_as_it_is_commanded_or_not_at_all) {
  const Program program = late_program(cc(-1.0), 2.0, bind_magnitude);
  const Step& step = std::get<Step>(program.code.front());
  EXPECT_TRUE(is_known_in_the_run(step));
  EXPECT_FALSE(is_known_in_the_run(cc(1.0)));
  Driver driver{program};
  driver.start();
  const std::optional<Step> known = as_known(step, program, driver.machine.state());
  ASSERT_TRUE(known);
  EXPECT_EQ(std::get<ConstantCurrent>(*known->setpoint).current, Amps{-2.0});
  Program unmeasured = program;
  unmeasured.formulas.front().postfix = {Formula::Operation{
      .kind = Formula::Operation::Kind::result, .operand = static_cast<std::uint8_t>(ResultQuantity::reference_capacity_Ah)}};
  EXPECT_FALSE(as_known(step, unmeasured, driver.machine.state()));
}

// What is too small for the instrument is found without walking the stairs; the walk says the same.
TEST(CourseFirstBelow, finds_on_lines_what_a_walk_over_the_stairs_finds) {
  std::mt19937 random{1};
  std::uniform_real_distribution<double> value{-3.0, 3.0};
  int found_some = 0, found_none = 0;
  for (int n = 0; n < 2000; ++n) {
    Course course;
    course.is_linear = true;
    course.update = std::chrono::milliseconds{700};
    course.least = 0.05;
    for (int i = 0; i < 4; ++i) course.points.push_back({.at = std::chrono::seconds{7 * i}, .value = value(random)});
    course.period = std::chrono::seconds{28};
    const double held = 0.1 + std::abs(value(random)) / 10;
    bool is_there = false;
    for (Duration at{}; at < course.period; at += course.update) {
      const double v = std::abs(course.value_at(at));
      is_there = is_there || (v >= course.least && v < held);
    }
    EXPECT_EQ(course.first_below(held).has_value(), is_there) << n;
    ++(is_there ? found_some : found_none);
  }
  EXPECT_GT(found_some, 100);
  EXPECT_GT(found_none, 100);
}

}  // namespace
}  // namespace cellrig::test
