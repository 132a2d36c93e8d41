// The contract of Cycler, apply(): only when armed, exact at the cell, read back, and safe after each single write.
#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "tests/contract/cycler_contract.hpp"
#include "tests/support/sparse.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr int exchange_stride = sparse_when_sanitized(5);

/// What a set-point may do to the cell, in either direction.
struct Bounds {
  double charge_A = 0.0, discharge_A = 0.0;
  double voltage_min_V = 0.0, voltage_max_V = 10.0;
};

struct Target {
  std::optional<Setpoint> setpoint;  ///< nothing: output off
  Bounds bounds;
};

class CyclerApply : public CyclerContract {
 protected:
  [[nodiscard]] double resting_V() { return truth().voltage_V; }
  [[nodiscard]] static Setpoint hold(double voltage_V, double least_A, double most_A) {
    return ConstantVoltage{.voltage = Volts{voltage_V}, .current_min = Amps{least_A}, .current_max = Amps{most_A}};
  }
  [[nodiscard]] static Setpoint power(double power_W) {
    return ConstantPower{.power = Watts{power_W}, .voltage_min = cell_low, .voltage_max = cell_high, .current_limit = 3.0_A};
  }
  [[nodiscard]] static Setpoint resistance(double value_Ohm) {
    return ConstantResistance{
        .resistance = Ohms{value_Ohm}, .voltage_min = cell_low, .voltage_max = cell_high, .current_limit = 3.0_A};
  }
  [[nodiscard]] double resolution_V() { return 2.0 * cycler().capabilities().voltage_resolution.value(); }
  [[nodiscard]] double resolution_A() { return 2.0 * cycler().capabilities().current_resolution.value(); }

  /// What flows now is what this set-point allows, or nothing.
  [[nodiscard]] bool is_inside(const ChannelTruth& now, const Bounds& bounds) {
    if (now.current_A > idle_A())
      return now.current_A <= bounds.charge_A + idle_A() && now.voltage_V <= bounds.voltage_max_V + resolution_V();
    if (now.current_A < -idle_A())
      return now.current_A >= -bounds.discharge_A - idle_A() && now.voltage_V >= bounds.voltage_min_V - resolution_V();
    return true;
  }
  /// The one or the other: parts of both together may be more than either allows.
  void expect_inside(const Bounds& old, const Bounds& wanted) {
    const ChannelTruth now = truth();
    EXPECT_TRUE(is_inside(now, old) || is_inside(now, wanted)) << now.current_A << " A at " << now.voltage_V << " V";
    EXPECT_LE(now.current_max_A, std::max(old.charge_A, wanted.charge_A) + idle_A());
    EXPECT_GE(now.current_min_A, -std::max(old.discharge_A, wanted.discharge_A) - idle_A());
  }

  /// Cuts the link at the n-th exchange of apply(), n = 1, 1 + exchange_stride, ... until apply() gets through. Each time in a fresh
  /// world, in which `old` is in force, or nothing. The process never comes back: at the end the watchdog has turned the output off.
  void cut_after_every_exchange(const std::string& fault, const Target& old, const Target& wanted) {
    for (int n = 1; n <= exchange_count_max; n += exchange_stride) {
      SCOPED_TRACE(fault + " at exchange " + std::to_string(n));
      make_world();
      ASSERT_NO_FATAL_FAILURE(arm_or_fail());
      if (old.setpoint) {
        ASSERT_NO_FATAL_FAILURE(apply_or_fail(*old.setpoint));
      }
      rig().fault(fault + " " + main_port() + " count=for_ever skip=" + std::to_string(n - 1));
      const Result<void> applied = apply(*wanted.setpoint);
      expect_inside(old.bounds, wanted.bounds);
      rig().pass(500ms);
      expect_inside(old.bounds, wanted.bounds);
      if (applied) {
        EXPECT_GT(n, 3) << "apply() cannot have written and read back everything in so few exchanges";
        return;
      }
      rig().pass(watchdog_delay + 500ms);
      expect_inside(old.bounds, wanted.bounds);
      expect_off();
      if (HasFailure()) return;
    }
    FAIL() << "apply() does not get through";
  }
  void cut_after_every_exchange(const Target& old, const Target& wanted) {
    for (const char* const fault : {"close", "drop"}) cut_after_every_exchange(fault, old, wanted);
  }
};

TEST_P(CyclerApply, is_refused_before_protections_are_armed) {
  const Result<void> applied = apply(charge());
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().fault, Fault::refused);
  expect_off();
  EXPECT_EQ(truth().current_max_A, 0.0);
}

TEST_P(CyclerApply, is_refused_when_arming_failed) {
  rig().fault("drop " + instrument() + " skip=3 count=for_ever");
  ASSERT_FALSE(rig().call(cycler().arm(protections(), in(500ms))));
  rig().clear_faults();
  const Result<void> applied = apply(charge());
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().fault, Fault::refused);
  EXPECT_EQ(truth().current_max_A, 0.0);
}

TEST_P(CyclerApply, constant_current_charges) {
  ASSERT_NO_FATAL_FAILURE(energise(charge(2.0_A)));
  rig().pass(2s);
  EXPECT_NEAR(truth().current_A, 2.0, resolution_A());
  EXPECT_GE(truth().current_min_A, -idle_A());
}

TEST_P(CyclerApply, constant_current_discharges) {
  ASSERT_NO_FATAL_FAILURE(energise(discharge(2.0_A)));
  rig().pass(2s);
  EXPECT_NEAR(truth().current_A, -2.0, resolution_A());
  EXPECT_LE(truth().current_max_A, idle_A());
}

TEST_P(CyclerApply, constant_current_stays_inside_its_voltages_by_itself) {
  const double rest_V = resting_V();
  ASSERT_NO_FATAL_FAILURE(
      energise(ConstantCurrent{.current = 4.0_A, .voltage_min = cell_low, .voltage_max = Volts{rest_V + 0.03}}));
  rig().pass(2s);
  EXPECT_NEAR(truth().voltage_V, rest_V + 0.03, resolution_V());
  EXPECT_LT(truth().current_A, 4.0);
  EXPECT_GT(truth().current_A, 0.0);
  EXPECT_EQ(measure()->regulation, Regulation::constant_voltage);
  ASSERT_NO_FATAL_FAILURE(
      apply_or_fail(ConstantCurrent{.current = -4.0_A, .voltage_min = Volts{rest_V - 0.03}, .voltage_max = cell_high}));
  rig().pass(2s);
  EXPECT_NEAR(truth().voltage_V, rest_V - 0.03, resolution_V());
  EXPECT_GT(truth().current_A, -4.0);
  EXPECT_LT(truth().current_A, 0.0);
}

TEST_P(CyclerApply, constant_voltage_charges_up_to_its_current) {
  const double rest_V = resting_V();
  ASSERT_NO_FATAL_FAILURE(energise(hold(rest_V + 0.02, 0.0, 2.0)));
  rig().pass(2s);
  EXPECT_NEAR(truth().voltage_V, rest_V + 0.02, resolution_V());
  EXPECT_GT(truth().current_A, 0.05);
  EXPECT_GE(truth().current_min_A, -idle_A());
  ASSERT_NO_FATAL_FAILURE(apply_or_fail(hold(4.2, 0.0, 2.0)));
  rig().pass(1s);
  EXPECT_NEAR(truth().current_A, 2.0, resolution_A());
}

TEST_P(CyclerApply, constant_voltage_discharges_down_to_its_current) {
  const double rest_V = resting_V();
  ASSERT_NO_FATAL_FAILURE(energise(hold(rest_V - 0.02, -2.0, 0.0)));
  rig().pass(2s);
  EXPECT_NEAR(truth().voltage_V, rest_V - 0.02, resolution_V());
  EXPECT_LT(truth().current_A, -0.05);
  EXPECT_LE(truth().current_max_A, idle_A());
  ASSERT_NO_FATAL_FAILURE(apply_or_fail(hold(3.0, -2.0, 0.0)));
  rig().pass(1s);
  EXPECT_NEAR(truth().current_A, -2.0, resolution_A());
}

TEST_P(CyclerApply, constant_voltage_may_go_both_ways) {
  const double rest_V = resting_V();
  ASSERT_NO_FATAL_FAILURE(energise(hold(rest_V + 0.03, -1.0, 2.0)));
  rig().pass(1s);
  EXPECT_GT(truth().current_A, 0.0);
  ASSERT_NO_FATAL_FAILURE(apply_or_fail(hold(rest_V - 0.3, -1.0, 2.0)));
  rig().pass(1s);
  EXPECT_NEAR(truth().current_A, -1.0, resolution_A());
}

TEST_P(CyclerApply, constant_power_is_exact_or_refused) {
  ASSERT_NO_FATAL_FAILURE(arm_or_fail());
  for (const double wanted_W : {5.0, -5.0}) {
    const Result<void> applied = apply(power(wanted_W));
    EXPECT_EQ(applied.has_value(), cycler().capabilities().has_constant_power);
    if (!applied) {
      EXPECT_EQ(applied.error().fault, Fault::refused);
      expect_off();
      continue;
    }
    rig().pass(2s);
    const ChannelTruth now = truth();
    EXPECT_NEAR(now.voltage_V * now.current_A, wanted_W, 0.05);
    EXPECT_EQ(measure()->regulation, Regulation::constant_power);
  }
}

TEST_P(CyclerApply, constant_resistance_is_exact_or_refused) {
  ASSERT_NO_FATAL_FAILURE(arm_or_fail());
  const Result<void> applied = apply(resistance(3.0));
  EXPECT_EQ(applied.has_value(), cycler().capabilities().has_constant_resistance);
  if (!applied) {
    EXPECT_EQ(applied.error().fault, Fault::refused);
    expect_off();
    return;
  }
  rig().pass(2s);
  ChannelTruth now = truth();
  EXPECT_NEAR(now.voltage_V / -now.current_A, 3.0, 0.01);
  EXPECT_EQ(measure()->regulation, Regulation::constant_resistance);
  ASSERT_NO_FATAL_FAILURE(apply_or_fail(discharge(2.0_A)));  // and no resistance is left behind
  rig().pass(1s);
  EXPECT_NEAR(truth().current_A, -2.0, resolution_A());
}

TEST_P(CyclerApply, what_is_no_safe_setpoint_is_refused_and_leaves_the_old_one_in_force) {
  ASSERT_NO_FATAL_FAILURE(energise(charge(1.0_A)));
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Setpoint> refused{
      charge(Amps{nan}),
      charge(6.0_A),  // beyond the armed protections
      discharge(6.0_A),
      charge(1000.0_A),  // beyond the instrument
      ConstantCurrent{.current = 1.0_A, .voltage_min = 2.6_V, .voltage_max = 4.3_V},
      ConstantCurrent{.current = -1.0_A, .voltage_min = 2.0_V, .voltage_max = 4.2_V},
      ConstantCurrent{.current = 1.0_A, .voltage_min = 4.2_V, .voltage_max = 2.6_V},
      ConstantCurrent{.current = 1.0_A, .voltage_min = 2.6_V, .voltage_max = Volts{nan}},
      ConstantCurrent{.current = 0.0_A, .voltage_min = 2.6_V, .voltage_max = 4.2_V},
      hold(nan, 0.0, 1.0),
      hold(4.0, 0.5, 1.0),
      hold(4.0, 0.0, nan),
      hold(4.0, 0.0, 0.0),
      power(nan),
      resistance(nan),
      resistance(0.0),
  };
  for (std::size_t i = 0; i < refused.size(); ++i) {
    SCOPED_TRACE(i);
    const Result<void> applied = apply(refused[i]);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().fault, Fault::refused);
    EXPECT_NEAR(truth().current_A, 1.0, resolution_A());
  }
  EXPECT_NEAR(truth().current_max_A, 1.0, resolution_A());
  EXPECT_GE(truth().current_min_A, -idle_A());
}

TEST_P(CyclerApply, is_safe_after_each_write_from_off) {
  const double rest_V = resting_V();
  std::vector<Target> targets{
      {charge(2.0_A), {.charge_A = 2.0, .voltage_max_V = 4.2}},
      {discharge(2.0_A), {.discharge_A = 2.0, .voltage_min_V = 2.6}},
      {hold(rest_V + 0.02, 0.0, 2.0), {.charge_A = 2.0, .voltage_max_V = rest_V + 0.02}},
      {hold(rest_V - 0.02, -2.0, 0.0), {.discharge_A = 2.0, .voltage_min_V = rest_V - 0.02}},
  };
  if (cycler().capabilities().has_constant_power) targets.push_back({power(5.0), {.charge_A = 1.5, .voltage_max_V = 4.2}});
  if (cycler().capabilities().has_constant_resistance)
    targets.push_back({resistance(3.0), {.discharge_A = 1.3, .voltage_min_V = 2.6}});
  for (std::size_t i = 0; i < targets.size(); ++i) {
    SCOPED_TRACE(i);
    cut_after_every_exchange(Target{}, targets[i]);
  }
}

// What was left over from the set-point before must not act with a part of the new one.
TEST_P(CyclerApply, is_safe_after_each_write_while_another_setpoint_is_in_force) {
  const double rest_V = resting_V();
  const double above_V = rest_V + 0.02;
  const double below_V = rest_V - 0.02;
  const Target charging{charge(1.0_A), {.charge_A = 1.0, .voltage_max_V = 4.2}};
  const Target discharging{discharge(1.0_A), {.discharge_A = 1.0, .voltage_min_V = 2.6}};
  // Much current in a narrow voltage: with the other's voltage it would be too much.
  const Target strong_charging{hold(above_V, 0.0, 3.0), {.charge_A = 3.0, .voltage_max_V = above_V}};
  const Target strong_discharging{hold(below_V, -3.0, 0.0), {.discharge_A = 3.0, .voltage_min_V = below_V}};
  std::vector<std::pair<Target, Target>> changes{
      {{charge(2.0_A), {.charge_A = 2.0, .voltage_max_V = 4.2}}, charging},
      {charging, discharging},
      {discharging, charging},
      {charging, strong_charging},
      {strong_charging, charging},
      {discharging, strong_discharging},
      {strong_discharging, discharging},
      {strong_discharging, strong_charging},
  };
  if (cycler().capabilities().has_constant_power) {
    const Target weak{power(2.0), {.charge_A = 0.6, .voltage_max_V = 4.2}};  // its current limit is 3 A
    changes.emplace_back(weak, charging);
    changes.emplace_back(charging, weak);
  }
  if (cycler().capabilities().has_constant_resistance) {
    const Target weak{resistance(8.0), {.discharge_A = 0.5, .voltage_min_V = 2.6}};
    changes.emplace_back(weak, discharging);
    changes.emplace_back(discharging, weak);
  }
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE(i);
    cut_after_every_exchange(changes[i].first, changes[i].second);
  }
}

TEST_P(CyclerApply, changes_the_setpoint_without_switching_the_output) {
  ASSERT_NO_FATAL_FAILURE(energise(charge(2.0_A)));
  const auto applying = [&](const Setpoint& next) {
    Pending<Result<void>> pending = rig().start(cycler().apply(next, in(plenty)));
    while (!pending.is_over()) {
      rig().pass(1ms);
      EXPECT_TRUE(truth().output_on);
      EXPECT_GE(truth().current_A, -1.0 - idle_A());
      EXPECT_LE(truth().current_A, 2.0 + idle_A());
    }
    EXPECT_TRUE(pending.finish());
  };
  applying(charge(1.0_A));
  EXPECT_NEAR(truth().current_A, 1.0, resolution_A());
  applying(discharge(1.0_A));
  EXPECT_NEAR(truth().current_A, -1.0, resolution_A());
}

// Somebody at the panel: the instrument obeys no more, and success would be a lie.
TEST_P(CyclerApply, fails_when_the_instrument_does_not_take_it) {
  ASSERT_NO_FATAL_FAILURE(arm_or_fail());
  rig().fault("local " + instrument());
  EXPECT_FALSE(apply(charge()));
  EXPECT_EQ(truth().current_max_A, 0.0);
  expect_off();
}

TEST_P(CyclerApply, fails_when_the_instrument_keeps_the_old_setpoint) {
  ASSERT_NO_FATAL_FAILURE(energise(charge(2.0_A)));
  rig().fault("local " + instrument());
  EXPECT_FALSE(apply(charge(1.0_A)));
}

TEST_P(CyclerApply, after_a_reboot_is_refused_until_armed_again) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("reboot " + instrument());
  rig().fault("refuse " + instrument() + " for_s=0.5");  // a box that starts up keeps no connection
  rig().pass(1s);
  expect_off();
  const Result<CyclerReadings> readings = measure();
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_FALSE(readings->output_on);
  const Result<void> applied = apply(charge());
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().fault, Fault::refused);
  expect_off();
  ASSERT_NO_FATAL_FAILURE(arm_or_fail());
  EXPECT_TRUE(apply(charge()));
}

// A warm start, or somebody's *RST: protections are back at their defaults, and no connection tells.
TEST_P(CyclerApply, after_a_reset_that_kept_the_connection_is_refused_until_armed_again) {
  ASSERT_NO_FATAL_FAILURE(arm_or_fail());
  rig().fault("reboot " + instrument());
  const Result<void> applied = apply(charge());
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().fault, Fault::refused);
  EXPECT_EQ(truth().current_max_A, 0.0);
}

TEST_P(CyclerApply, after_a_lost_link_goes_on_only_when_the_protections_stand) {
  ASSERT_NO_FATAL_FAILURE(energise(charge(1.0_A)));
  rig().fault("refuse " + instrument() + " for_s=0.2");
  EXPECT_FALSE(measure(100ms));
  rig().pass(1s);
  EXPECT_NEAR(truth().current_A, 1.0, resolution_A());  // nobody has touched it
  const Result<void> applied = apply(charge(2.0_A));
  EXPECT_TRUE(applied) << applied.error().what;
  ASSERT_TRUE(output_off());
  if (is_on_a_line()) return;  // a line has one owner: nobody else can come in between

  BenchInstruments other = rig().make_instruments(channel());
  Protections wider = protections();
  wider.over_voltage = 4.4_V;
  const Result<void> rearmed = rig().call(other.cyclers.at(instrument())->arm(wider, in(plenty)));
  ASSERT_TRUE(rearmed) << rearmed.error().what;
  other = BenchInstruments{};
  rig().fault("refuse " + instrument() + " for_s=0.2");
  EXPECT_FALSE(measure(100ms));
  rig().pass(1s);
  const Result<void> refused = apply(charge());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::refused);
  expect_off();
}

TEST_P(CyclerApply, nothing_is_applied_again_after_a_lost_link) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("reboot " + instrument());
  rig().fault("refuse " + instrument() + " for_s=0.5");
  rig().pass(1s);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(measure());
    expect_off();
    rig().pass(1s);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryCycler, CyclerApply, every_cycler, case_name);

// Whoever takes the unit back at its panel has it: its output goes off, and what was armed is not believed any more.
class EaPsbApply : public EaPsbContract {};

TEST_P(EaPsbApply, after_lost_remote_is_refused_until_armed_again) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("local " + instrument());
  rig().pass(100ms);
  Result<CyclerReadings> readings = measure();
  ASSERT_TRUE(readings);
  EXPECT_FALSE(readings->remote);
  expect_off();
  rig().fault("local " + instrument() + " on=false");
  const Result<void> applied = apply(charge());
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().fault, Fault::refused);
  expect_off();
  ASSERT_NO_FATAL_FAILURE(arm_or_fail());
  EXPECT_TRUE(apply(charge()));
  readings = measure();
  ASSERT_TRUE(readings);
  EXPECT_TRUE(readings->remote);
}

// Remote control that somebody else took again is not ours.
TEST_P(EaPsbApply, lost_remote_is_remembered_when_it_is_back) {
  ASSERT_NO_FATAL_FAILURE(arm_or_fail());
  rig().fault("local " + instrument());
  EXPECT_FALSE(measure()->remote);
  rig().fault("local " + instrument() + " on=false");
  BenchInstruments other = rig().make_instruments(channel());
  EXPECT_TRUE(rig().call(other.cyclers.at(instrument())->arm(protections(), in(plenty))));
  const Result<void> applied = apply(charge());
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().fault, Fault::refused);
  expect_off();
}

// A ramp is made of many of these: each would be a dip of the current if it went by way of none.
TEST_P(CyclerApply, another_current_under_the_same_voltages_does_not_interrupt_what_flows) {
  for (int n = 1; n <= exchange_count_max; n += exchange_stride) {
    SCOPED_TRACE("close at exchange " + std::to_string(n));
    make_world();
    ASSERT_NO_FATAL_FAILURE(energise(charge(2.0_A)));
    rig().pass(2s);
    ASSERT_NEAR(truth().current_A, 2.0, resolution_A());
    rig().fault("close " + main_port() + " count=for_ever skip=" + std::to_string(n - 1));
    const Result<void> applied = apply(charge(3.0_A));
    EXPECT_GT(truth().current_A, 2.0 - resolution_A());
    EXPECT_LT(truth().current_A, 3.0 + resolution_A());
    if (!applied) continue;
    rig().pass(1s);
    EXPECT_NEAR(truth().current_A, 3.0, resolution_A());
    EXPECT_GT(n, 3);
    return;
  }
  FAIL() << "apply() does not get through";
}

// What the driver remembers is not believed after an OFF: the output comes on by way of the least current.
TEST_P(CyclerApply, after_off_the_way_back_is_the_long_one) {
  ASSERT_NO_FATAL_FAILURE(energise(charge(2.0_A)));
  rig().pass(1s);
  ASSERT_TRUE(output_off());
  expect_off();
  ASSERT_NO_FATAL_FAILURE(apply_or_fail(charge(1.0_A)));
  rig().pass(2s);
  EXPECT_NEAR(truth().current_A, 1.0, resolution_A());
}

INSTANTIATE_TEST_SUITE_P(EaPsb, EaPsbApply,
                         ::testing::Values(CyclerCase{Make::ea_psb, LinkKind::memory},
                                           CyclerCase{Make::ea_psb, LinkKind::lockstep},
                                           CyclerCase{Make::ea_psb_rtu, LinkKind::memory}),
                         case_name);

}  // namespace
}  // namespace cellrig::test
