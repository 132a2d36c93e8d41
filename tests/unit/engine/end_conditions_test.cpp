#include "controller/engine/end_conditions.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/unit/engine/dice.hpp"
#include "tests/unit/engine/program_builder.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;
using enum Comparison;

/// One step with ends, and a world that is set by hand.
struct Fixture {
  explicit Fixture(const std::vector<Tree>& ends) : builder{} { builder.add(cc(2.0), ends); }

  [[nodiscard]] const Step& step() const { return std::get<Step>(builder.build().code[0]); }
  void set(Measurand m, double value, Quality quality = Quality::good) { observation[m] = Reading{value, now, quality}; }
  std::optional<EndFound> judge() {
    const ConditionInputs inputs{observation, now, now - state.started + state.ran_before_pause, moved, soc_pct, channel};
    return judge_ends(builder.build(), step(), inputs, state);
  }
  [[nodiscard]] TimePoint next_instant() const { return next_end_instant(builder.build(), step(), now, state); }

  ProgramBuilder builder;
  Observation observation;
  TimePoint now{};
  Throughput moved;
  std::optional<double> soc_pct;
  ChannelState channel;
  StepState& state = channel.step;
};

// ---- quantities -----------------------------------------------------------------------------------------------------

TEST(EndConditions, a_reading_that_was_never_measured_is_no_value) {
  Fixture f{{}};
  const ConditionInputs inputs{f.observation, f.now, 0s, f.moved, f.soc_pct, f.channel};
  for (const ConditionQuantity q :
       {ConditionQuantity::voltage_V, ConditionQuantity::current_A, ConditionQuantity::cell_temperature_degC,
        ConditionQuantity::ambient_temperature_degC, ConditionQuantity::chamber_temperature_degC, ConditionQuantity::soc_pct}) {
    EXPECT_FALSE(value_of(q, inputs)) << to_string(q);
  }
}

TEST(EndConditions, every_quantity_has_its_own_source) {
  Fixture f{{}};
  f.set(Measurand::voltage, 3.7);
  f.set(Measurand::current, -2.5);
  f.set(Measurand::cell_temperature, 31);
  f.set(Measurand::ambient_temperature, 22);
  f.set(Measurand::chamber_temperature, 25);
  f.moved.charge = 1.0_Ah;
  f.moved.discharge = 3.0_Ah;
  f.moved.charge_energy = 4.0_Wh;
  f.moved.discharge_energy = 10.0_Wh;
  f.soc_pct = 42.0;
  const ConditionInputs inputs{f.observation, f.now, 90s, f.moved, f.soc_pct, f.channel};
  EXPECT_EQ(value_of(ConditionQuantity::step_time_s, inputs), 90.0);
  EXPECT_EQ(value_of(ConditionQuantity::voltage_V, inputs), 3.7);
  EXPECT_EQ(value_of(ConditionQuantity::current_A, inputs), 2.5) << "a magnitude";
  EXPECT_EQ(value_of(ConditionQuantity::capacity_Ah, inputs), 2.0) << "magnitude of the net charge";
  EXPECT_EQ(value_of(ConditionQuantity::energy_Wh, inputs), 6.0) << "magnitude of the net energy";
  EXPECT_EQ(value_of(ConditionQuantity::soc_pct, inputs), 42.0);
  EXPECT_EQ(value_of(ConditionQuantity::cell_temperature_degC, inputs), 31.0);
  EXPECT_EQ(value_of(ConditionQuantity::ambient_temperature_degC, inputs), 22.0);
  EXPECT_EQ(value_of(ConditionQuantity::chamber_temperature_degC, inputs), 25.0);
}

TEST(EndConditions, each_comparison_is_itself_at_the_threshold) {
  const struct {
    Comparison comparison;
    bool less, equal, more;
  } table[] = {
      {at_least, false, true, true}, {at_most, true, true, false}, {above, false, false, true}, {below, true, false, false}};
  for (const auto& row : table) {
    for (const auto& [value, expected] : {std::pair{3.9, row.less}, std::pair{4.0, row.equal}, std::pair{4.1, row.more}}) {
      Fixture f{{when(ConditionQuantity::voltage_V, row.comparison, 4.0)}};
      f.set(Measurand::voltage, value);
      EXPECT_EQ(f.judge().has_value(), expected) << value << ' ' << to_string(row.comparison) << " 4.0";
    }
  }
}

// ---- what is not known never ends a step ------------------------------------------------------------------------------

TEST(EndConditions, nan_infinity_bad_and_missing_readings_never_satisfy_any_comparison) {
  for (const Comparison comparison : {at_least, at_most, above, below}) {
    for (const auto& [value, quality] :
         {std::pair{nan, Quality::good}, std::pair{infinity, Quality::good}, std::pair{-infinity, Quality::good},
          std::pair{4.0, Quality::bad}, std::pair{-9.9, Quality::bad}, std::pair{4.0, Quality::missing}}) {
      for (const auto& [quantity, measurand] :
           {std::pair{ConditionQuantity::voltage_V, Measurand::voltage},
            std::pair{ConditionQuantity::current_A, Measurand::current},
            std::pair{ConditionQuantity::cell_temperature_degC, Measurand::cell_temperature}}) {
        Fixture f{{when(quantity, comparison, 4.0)}};
        f.set(measurand, value, quality);
        EXPECT_FALSE(f.judge()) << to_string(quantity) << ' ' << to_string(comparison) << " 4.0 with " << value;
      }
    }
  }
}

TEST(EndConditions, an_unknown_state_of_charge_never_ends_a_step) {
  Fixture f{{when(ConditionQuantity::soc_pct, at_least, 80), when(ConditionQuantity::soc_pct, below, 80)}};
  EXPECT_FALSE(f.judge());
  f.soc_pct = nan;
  EXPECT_FALSE(f.judge());
  f.soc_pct = 80.0;
  EXPECT_TRUE(f.judge());
}

// ---- which end, by how much -------------------------------------------------------------------------------------------

TEST(EndConditions, the_first_end_in_the_order_of_the_profile_is_reported_with_value_and_margin) {
  Fixture f{{voltage_at_least(4.2), current_at_most(0.25), step_time_at_least(10)}};
  f.set(Measurand::voltage, 4.1);
  f.set(Measurand::current, 0.2);
  f.now = at(12);
  const std::optional<EndFound> found = f.judge();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->end, 1);
  EXPECT_DOUBLE_EQ(found->value, 0.2);
  EXPECT_NEAR(found->margin, -0.05, 1e-12) << "value - threshold";
}

TEST(EndConditions, a_step_without_ends_is_never_ended_by_one) {
  Fixture f{{}};
  f.now = at(1e6);
  EXPECT_FALSE(f.judge());
  EXPECT_EQ(f.next_instant(), TimePoint::max());
}

// ---- trees ------------------------------------------------------------------------------------------------------------

TEST(EndConditions, all_of_needs_every_child_and_any_of_one) {
  for (const bool a : {false, true}) {
    for (const bool b : {false, true}) {
      const auto world = [&](Fixture f) {
        f.set(Measurand::voltage, a ? 4.2 : 4.0);
        f.set(Measurand::current, b ? 0.1 : 1.0);
        return f.judge().has_value();
      };
      EXPECT_EQ(world(Fixture{{all_of({voltage_at_least(4.15), current_at_most(0.25)})}}), a && b);
      EXPECT_EQ(world(Fixture{{any_of({voltage_at_least(4.15), current_at_most(0.25)})}}), a || b);
    }
  }
}

TEST(EndConditions, any_of_reports_the_first_child_that_holds) {
  Fixture f{{any_of({voltage_at_least(4.15), current_at_most(0.25), step_time_at_least(5)})}};
  f.set(Measurand::voltage, 4.0);
  f.set(Measurand::current, 0.2);
  f.now = at(9);
  const std::optional<EndFound> found = f.judge();
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->value, 0.2);
}

TEST(EndConditions, all_of_reports_its_tightest_child) {
  Fixture f{{all_of({step_time_at_least(5), current_at_most(0.25), voltage_at_least(4.0)})}};
  f.set(Measurand::voltage, 4.2);
  f.set(Measurand::current, 0.24);
  f.now = at(9);
  const std::optional<EndFound> found = f.judge();
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->value, 0.24);
  EXPECT_NEAR(found->margin, -0.01, 1e-12);
}

TEST(EndConditions, random_trees_agree_with_a_plain_recursive_evaluation) {
  Dice dice{31};
  const auto plain_leaf = [](const ConditionNode& leaf, const ConditionInputs& inputs) {
    const std::optional<double> value = value_of(leaf.quantity, inputs);
    return value && compare(*value, leaf.comparison, leaf.value);
  };
  for (int n = 0; n < 20'000; ++n) {
    int leaves = 0;
    const auto grow = [&](const auto& self, int depth) -> Tree {
      if (depth == 0 || leaves >= 10 || dice.chance(0.3)) {
        ++leaves;
        return when(static_cast<ConditionQuantity>(dice.integer(0, 8)), static_cast<Comparison>(dice.integer(0, 3)),
                    dice.integer(0, 4));
      }
      std::vector<Tree> children;
      for (int child = dice.integer(1, 3); child > 0 && leaves < 12; --child) children.push_back(self(self, depth - 1));
      return dice.chance(0.5) ? all_of(std::move(children)) : any_of(std::move(children));
    };
    const Tree tree = grow(grow, 3);
    if (leaves > static_cast<int>(leaves_per_step_max)) continue;
    Fixture f{{tree}};
    f.now = at(dice.integer(0, 4));
    for (std::size_t m = 0; m < measurand_count; ++m) {
      f.set(static_cast<Measurand>(m), dice.chance(0.1) ? nan : dice.integer(0, 4), static_cast<Quality>(dice.integer(0, 2)));
    }
    f.moved.charge = AmpHours{static_cast<double>(dice.integer(0, 4))};
    f.moved.discharge_energy = WattHours{static_cast<double>(dice.integer(0, 4))};
    if (dice.chance(0.5)) f.soc_pct = dice.integer(0, 4);
    const ConditionInputs inputs{f.observation, f.now, f.now - TimePoint{}, f.moved, f.soc_pct, f.channel};
    const auto plain = [&](const auto& self, const Tree& t) -> bool {
      if (t.node.kind == ConditionNode::Kind::leaf) return plain_leaf(t.node, inputs);
      bool all = true, any = false;
      for (const Tree& child : t.children) {
        const bool holds = self(self, child);
        all = all && holds;
        any = any || holds;
      }
      return t.node.kind == ConditionNode::Kind::all_of ? all : any;
    };
    ASSERT_EQ(f.judge().has_value(), plain(plain, tree)) << "tree " << n;
  }
}

// ---- `for` ------------------------------------------------------------------------------------------------------------

/// Judges once a second with the given currents; returns the second at which the end held, or -1.
int second_of_end(Fixture& f, const std::vector<double>& currents, Quality odd_quality = Quality::good) {
  for (std::size_t second = 0; second < currents.size(); ++second) {
    f.now = at(static_cast<double>(second));
    const bool odd = !std::isfinite(currents[second]) || currents[second] < 0;
    f.set(Measurand::current, currents[second], odd ? odd_quality : Quality::good);
    if (f.judge()) return static_cast<int>(second);
  }
  return -1;
}

// One zero sample of a flaky instrument must not end a charge.
TEST(EndConditions, a_taper_must_hold_for_its_whole_time) {
  Fixture f{{current_at_most(0.25, 3s)}};
  EXPECT_EQ(second_of_end(f, {1, 0.2, 0.2, 0.2, 0.2}), 4);
}

TEST(EndConditions, a_break_starts_the_time_anew) {
  Fixture f{{current_at_most(0.25, 3s)}};
  EXPECT_EQ(second_of_end(f, {0.2, 0.2, 0.2, 0.9, 0.2, 0.2, 0.2, 0.2}), 7);
}

TEST(EndConditions, a_nan_a_bad_and_a_missing_reading_are_breaks) {
  Fixture with_nan{{current_at_most(0.25, 3s)}};
  EXPECT_EQ(second_of_end(with_nan, {0.2, 0.2, 0.2, nan, 0.2, 0.2, 0.2, 0.2}), 7);
  Fixture with_bad{{current_at_most(0.25, 3s)}};
  EXPECT_EQ(second_of_end(with_bad, {0.2, 0.2, 0.2, -0.1, 0.2, 0.2, 0.2, 0.2}, Quality::bad), 7);
  Fixture with_missing{{current_at_most(0.25, 3s)}};
  EXPECT_EQ(second_of_end(with_missing, {0.2, 0.2, 0.2, -0.1, 0.2, 0.2, 0.2, 0.2}, Quality::missing), 7);
}

TEST(EndConditions, a_time_just_too_short_does_not_end_the_step) {
  Fixture f{{current_at_most(0.25, 3s)}};
  f.set(Measurand::current, 0.2);
  EXPECT_FALSE(f.judge());
  f.now = TimePoint{3s - 1ns};
  EXPECT_FALSE(f.judge());
  f.now = TimePoint{3s};
  EXPECT_TRUE(f.judge());
}

// Each leaf keeps its own time, also while another one of the same tree, or an earlier end, already decides.
TEST(EndConditions, every_leaf_of_a_tree_keeps_its_own_time) {
  Fixture f{{all_of({current_at_most(0.25, 4s), when(ConditionQuantity::voltage_V, at_least, 4.0, 2s)})}};
  for (int second = 0; second <= 6; ++second) {
    f.now = at(second);
    f.set(Measurand::current, 0.1);
    f.set(Measurand::voltage, second >= 3 ? 4.1 : 3.9);
    EXPECT_EQ(f.judge().has_value(), second >= 5) << "second " << second;
  }
}

TEST(EndConditions, the_time_of_a_later_end_runs_while_a_shorter_one_is_judged_first) {
  Fixture f{{any_of({when(ConditionQuantity::voltage_V, at_least, 4.0), current_at_most(0.25, 4s)})}};
  for (int second = 0; second <= 4; ++second) {
    f.now = at(second);
    f.set(Measurand::voltage, 3.0);
    f.set(Measurand::current, 0.1);
    EXPECT_EQ(f.judge().has_value(), second == 4);
  }
}

// ---- when to look again -------------------------------------------------------------------------------------------------

TEST(NextEndInstant, is_the_step_time_counted_without_the_pauses) {
  Fixture f{{step_time_at_least(60)}};
  f.state.started = at(100);
  f.state.ran_before_pause = 20s;
  f.now = at(110);
  EXPECT_EQ(f.next_instant(), at(140));
}

TEST(NextEndInstant, is_the_end_of_a_running_hold_and_the_earliest_of_all) {
  Fixture f{{step_time_at_least(60), any_of({current_at_most(0.25, 10s), current_at_most(0.5, 4s)})}};
  EXPECT_EQ(f.next_instant(), at(60)) << "no hold has begun";
  f.now = at(1);
  f.set(Measurand::current, 0.2);
  EXPECT_FALSE(f.judge());
  EXPECT_EQ(f.next_instant(), at(5));
  f.set(Measurand::current, 3.0);
  EXPECT_FALSE(f.judge());
  EXPECT_EQ(f.next_instant(), at(60)) << "the hold was broken";
}

TEST(NextEndInstant, is_never_for_a_condition_that_only_a_measurement_can_change) {
  Fixture f{{voltage_at_least(4.2), all_of({current_at_most(0.2), voltage_at_most(2.5)})}};
  EXPECT_EQ(f.next_instant(), TimePoint::max());
}

TEST(NextEndInstant, lies_after_now_and_an_end_holds_there_if_nothing_changes) {
  Dice dice{12};
  for (int n = 0; n < 20'000; ++n) {
    const bool by_time = dice.chance(0.5);
    const double seconds = dice.integer(1, 100'000) / 1000.0;
    Fixture f{{by_time ? step_time_at_least(seconds) : current_at_most(0.25, from_seconds(seconds))}};
    f.set(Measurand::current, 0.1);
    f.now = at(dice.integer(0, 100'000) / 1000.0);
    if (f.judge()) continue;
    const TimePoint next = f.next_instant();
    ASSERT_GT(next, f.now);
    ASSERT_NE(next, TimePoint::max());
    f.now = next - 1ns;
    ASSERT_FALSE(f.judge()) << seconds;
    f.now = next;
    ASSERT_TRUE(f.judge()) << seconds;
  }
}

// The header promises the instant at which the condition would hold; one that is a hair too early costs a whole control period.
TEST(NextEndInstant, is_not_a_hair_too_early_for_above_and_for_thirds_of_a_second) {
  for (const Tree& end :
       {when(ConditionQuantity::step_time_s, above, 10), step_time_at_least(1.0 / 3), step_time_at_least(1e3 / 7)}) {
    Fixture f{{end}};
    EXPECT_FALSE(f.judge());
    f.now = f.next_instant();
    ASSERT_NE(f.now, TimePoint::max());
    EXPECT_TRUE(f.judge() || f.next_instant() != TimePoint::max())
        << "nothing more would wake the step at " << to_seconds(f.now - TimePoint{});
  }
}

}  // namespace
}  // namespace cellrig
