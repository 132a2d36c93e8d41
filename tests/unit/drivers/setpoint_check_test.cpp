// What no cycler is told: each refusal once, beside a value at the bound that is taken. NaN is refused wherever it stands.
#include "drivers/instruments/setpoint_check.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace cellrig {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

CyclerCapabilities capable() {
  CyclerCapabilities c;
  c.voltage_min = Volts{0.0};
  c.voltage_max = Volts{60.0};
  c.charge_current_max = Amps{30.0};
  c.discharge_current_max = Amps{20.0};
  c.power_max = Watts{100.0};
  c.over_voltage_protection_max = Volts{66.0};
  c.has_watchdog = true;
  c.watchdog_min = std::chrono::seconds{1};
  c.watchdog_max = std::chrono::seconds{10};
  return c;
}
const Protections armed{.over_voltage = Volts{4.3},
                        .under_voltage = Volts{2.4},
                        .charge_current_max = Amps{10.0},
                        .discharge_current_max = Amps{15.0},
                        .watchdog_delay = std::chrono::seconds{5}};

std::string why(const Setpoint& setpoint, const CyclerCapabilities& can = capable(), const Protections& guards = armed) {
  const Result<void> taken = check_setpoint(setpoint, can, guards);
  return taken ? "" : taken.error().what;
}
std::string why_protections(const std::function<void(Protections&)>& change) {
  Protections wanted = armed;
  change(wanted);
  const Result<void> taken = check_protections(wanted, capable());
  return taken ? "" : taken.error().what;
}
ConstantCurrent current(double amps, double low = 2.5, double high = 4.2) { return {Amps{amps}, Volts{low}, Volts{high}}; }
bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(SetpointCheck, takes_what_lies_at_the_bounds) {
  EXPECT_EQ(why(current(10.0, 2.4, 4.3)), "");
  EXPECT_EQ(why(current(-15.0, 2.4, 4.3)), "");
  EXPECT_EQ(why(ConstantVoltage{Volts{4.2}, Amps{0.0}, Amps{10.0}}), "");
  EXPECT_EQ(why(ConstantPower{Watts{-40.0}, Volts{2.5}, Volts{4.2}, Amps{15.0}}), "");
  EXPECT_EQ(why(ConstantResistance{Ohms{1.0}, Volts{2.5}, Volts{4.2}, Amps{5.0}}), "");
}

TEST(SetpointCheck, refuses_what_makes_no_sense_by_itself) {
  for (const double none : {0.0, nan}) {
    EXPECT_TRUE(says(why(current(none)), "other than zero"));
    EXPECT_TRUE(says(why(ConstantPower{Watts{none}, Volts{2.5}, Volts{4.2}, Amps{5.0}}), "other than zero"));
    EXPECT_TRUE(says(why(ConstantPower{Watts{9.0}, Volts{2.5}, Volts{4.2}, Amps{none}}), "needs a current limit"));
    EXPECT_TRUE(says(why(ConstantResistance{Ohms{none}, Volts{2.5}, Volts{4.2}, Amps{5.0}}), "greater than zero"));
    EXPECT_TRUE(says(why(ConstantResistance{Ohms{1.0}, Volts{2.5}, Volts{4.2}, Amps{none}}), "needs a current limit"));
  }
  EXPECT_TRUE(says(why(ConstantVoltage{Volts{4.2}, Amps{1.0}, Amps{5.0}}), "both sides of zero"));
  EXPECT_TRUE(says(why(ConstantVoltage{Volts{4.2}, Amps{-5.0}, Amps{-1.0}}), "both sides of zero"));
  EXPECT_TRUE(says(why(ConstantVoltage{Volts{4.2}, Amps{0.0}, Amps{0.0}}), "one of them open"));
  EXPECT_TRUE(says(why(ConstantVoltage{Volts{4.2}, Amps{nan}, Amps{5.0}}), "both sides of zero"));
  EXPECT_TRUE(says(why(current(1.0, 4.2, 2.5)), "wrong order"));
  EXPECT_TRUE(says(why(current(1.0, nan, 4.2)), "wrong order"));
}

TEST(SetpointCheck, refuses_what_the_instrument_cannot) {
  CyclerCapabilities narrow = capable();
  narrow.voltage_min = Volts{3.0};
  EXPECT_TRUE(says(why(current(1.0), narrow), "voltage of the set-point is outside the instrument's range"));
  narrow = capable();
  narrow.voltage_max = Volts{4.0};
  EXPECT_TRUE(says(why(current(1.0), narrow), "voltage of the set-point is outside the instrument's range"));
  narrow = capable();
  narrow.charge_current_max = Amps{0.5};
  EXPECT_TRUE(says(why(current(1.0), narrow), "current of the set-point is outside the instrument's range"));
  EXPECT_EQ(why(current(-1.0), narrow), "");
  narrow = capable();
  narrow.discharge_current_max = Amps{0.5};
  EXPECT_TRUE(says(why(current(-1.0), narrow), "current of the set-point is outside the instrument's range"));
  narrow = capable();
  narrow.power_max = Watts{8.0};
  EXPECT_TRUE(says(why(ConstantPower{Watts{9.0}, Volts{2.5}, Volts{4.2}, Amps{5.0}}, narrow), "power of the set-point"));
  EXPECT_TRUE(says(why(ConstantPower{Watts{-9.0}, Volts{2.5}, Volts{4.2}, Amps{5.0}}, narrow), "power of the set-point"));
}

TEST(SetpointCheck, refuses_what_lies_outside_the_armed_protections) {
  EXPECT_TRUE(says(why(current(1.0, 2.3)), "voltage of the set-point is outside the armed protections"));
  EXPECT_TRUE(says(why(current(1.0, 2.5, 4.4)), "voltage of the set-point is outside the armed protections"));
  EXPECT_TRUE(says(why(current(10.1)), "current of the set-point is outside the armed protections"));
  EXPECT_TRUE(says(why(current(-15.1)), "current of the set-point is outside the armed protections"));
  Protections none = armed;
  none.over_voltage = Volts{nan};
  EXPECT_FALSE(why(current(1.0), capable(), none).empty());
}

TEST(SetpointCheck, refuses_protections_that_guard_nothing) {
  EXPECT_EQ(why_protections([](Protections&) {}), "");
  EXPECT_TRUE(says(why_protections([](Protections& p) { p.over_voltage = Volts{nan}; }), "voltage protections"));
  EXPECT_TRUE(says(why_protections([](Protections& p) { p.under_voltage = Volts{nan}; }), "voltage protections"));
  EXPECT_TRUE(says(why_protections([](Protections& p) { p.under_voltage = Volts{-0.1}; }), "voltage protections"));
  EXPECT_TRUE(says(why_protections([](Protections& p) { p.under_voltage = Volts{4.3}; }), "wrong order"));
  EXPECT_TRUE(says(why_protections([](Protections& p) { p.over_voltage = Volts{67.0}; }), "above what the instrument"));
  for (const double wrong : {-1.0, nan}) {
    EXPECT_TRUE(says(why_protections([wrong](Protections& p) { p.charge_current_max = Amps{wrong}; }), "magnitudes"));
    EXPECT_TRUE(says(why_protections([wrong](Protections& p) { p.discharge_current_max = Amps{wrong}; }), "magnitudes"));
  }
  EXPECT_TRUE(says(why_protections([](Protections& p) { p.watchdog_delay = Duration::zero(); }), "this delay"));
  EXPECT_TRUE(says(why_protections([](Protections& p) { p.watchdog_delay = std::chrono::seconds{11}; }), "this delay"));
}

TEST(SetpointCheck, rounds_a_protection_towards_the_safe_side_and_a_watchdog_to_whole_seconds) {
  EXPECT_NEAR(rounded_down(4.2999, 0.001), 4.299, 1e-12);
  EXPECT_NEAR(rounded_down(4.3, 0.001), 4.3, 1e-12);
  EXPECT_NEAR(rounded_up(2.3001, 0.001), 2.301, 1e-12);
  EXPECT_EQ(whole_seconds(std::chrono::milliseconds{5900}).value(), 5);
  EXPECT_FALSE(whole_seconds(std::chrono::milliseconds{900}));
}

}  // namespace
}  // namespace cellrig
