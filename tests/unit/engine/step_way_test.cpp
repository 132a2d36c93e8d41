// Which way a run came: the same for the same steps since the cell was full or empty, whatever came before, and known to nobody after a skip.
#include "controller/engine/step_way.hpp"

#include <gtest/gtest.h>

#include "tests/unit/engine/program_builder.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t the_rest = 0, the_charge = 1, the_discharge = 2, the_part = 3;

class StepWayTest : public testing::Test {
 protected:
  StepWayTest()
      : program{ProgramBuilder{}
                    .add(rest(1h))
                    .add(cc(5.0), {voltage_at_least(4.2)})
                    .add(cc(-5.0), {voltage_at_most(2.5)})
                    .add(cc(-5.0), {when(ConditionQuantity::capacity_Ah, Comparison::at_least, 0.5)})
                    .build()},
        way{program} {}

  std::optional<std::uint64_t> begin(std::uint32_t instruction, bool continues = false) {
    return way.begin_step(instruction, continues).way;
  }
  void end(std::uint32_t instruction, double moved_Ah, StepEndReason reason = StepEndReason::condition) {
    output::StepEnded ended{.instruction = instruction, .reason = reason, .has_end = reason == StepEndReason::condition};
    (moved_Ah > 0 ? ended.totals.moved.charge : ended.totals.moved.discharge) = AmpHours{std::abs(moved_Ah)};
    way.end_step(ended);
  }
  std::optional<std::uint64_t> execute(std::uint32_t instruction, double moved_Ah = 0.0,
                                       StepEndReason reason = StepEndReason::condition) {
    const std::optional<std::uint64_t> found = begin(instruction);
    end(instruction, moved_Ah, reason);
    return found;
  }

  Program program;
  StepWay way;
};

TEST_F(StepWayTest, begins_anew_where_a_step_has_ended_at_a_voltage) {
  (void)execute(the_rest, 0, StepEndReason::time_bound);
  (void)execute(the_charge, 3.0);
  const std::optional<std::uint64_t> first = execute(the_rest, 0, StepEndReason::time_bound);
  (void)execute(the_discharge, -5.0);
  (void)execute(the_part, -0.5);
  (void)execute(the_charge, 5.0);
  EXPECT_EQ(execute(the_rest, 0, StepEndReason::time_bound), first) << "full is full";
  (void)execute(the_discharge, -5.0);
  EXPECT_NE(execute(the_rest, 0, StepEndReason::time_bound), first) << "and empty is empty";
}

TEST_F(StepWayTest, holds_each_step_since_then) {
  std::vector<std::optional<std::uint64_t>> seen;
  (void)execute(the_charge, 5.0);
  for (int i = 0; i < 4; ++i) seen.push_back(execute(the_part, -0.5));
  (void)execute(the_charge, 2.0);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(execute(the_part, -0.5), seen[static_cast<std::size_t>(i)]) << i;
  EXPECT_NE(seen[0], seen[1]);
  EXPECT_NE(seen[1], seen[2]);
}

TEST_F(StepWayTest, a_pulse_that_meets_a_voltage_says_nothing_of_the_charge) {
  (void)execute(the_charge, 5.0);
  (void)execute(the_discharge, -0.05);
  const std::optional<std::uint64_t> after_pulse = execute(the_rest, 0, StepEndReason::time_bound);
  (void)execute(the_charge, 5.0);
  (void)execute(the_discharge, -4.0);
  EXPECT_NE(execute(the_rest, 0, StepEndReason::time_bound), after_pulse);
}

TEST_F(StepWayTest, a_rest_after_a_charge_in_the_cold_is_another_one) {
  std::get<Step>(program.code[the_charge]).chamber_temperature = Celsius{25.0};
  (void)execute(the_charge, 5.0);
  const std::optional<std::uint64_t> warm = execute(the_rest, 0, StepEndReason::time_bound);
  std::get<Step>(program.code[the_charge]).chamber_temperature = Celsius{5.0};
  (void)execute(the_charge, 5.0);
  EXPECT_NE(execute(the_rest, 0, StepEndReason::time_bound), warm);
}

TEST_F(StepWayTest, after_a_skip_is_known_again_when_the_cell_is_full_or_empty) {
  (void)execute(the_charge, 1.0, StepEndReason::skipped);
  EXPECT_FALSE(begin(the_rest));
  EXPECT_EQ(way.lost(), StepWay::Lost::by_skip);
  end(the_rest, 0, StepEndReason::time_bound);
  EXPECT_FALSE(execute(the_discharge, -4.0));
  EXPECT_TRUE(begin(the_rest));
  EXPECT_EQ(way.lost(), StepWay::Lost::no);
}

TEST_F(StepWayTest, is_the_same_for_a_step_that_goes_on_after_an_interruption) {
  const StepEntry before = way.begin_step(the_charge, false, {3});
  way.go_on();
  const StepEntry after = way.begin_step(the_charge, true, {3});
  EXPECT_EQ(after.way, before.way);
  EXPECT_EQ(after.execution, before.execution);
  EXPECT_EQ(after.passes, before.passes);
  end(the_charge, 5.0);
  EXPECT_TRUE(begin(the_rest));
}

// What had flowed before the interruption is still in the cell. It is the same execution all the same: what follows is not one further.
TEST_F(StepWayTest, of_a_current_that_begins_anew_is_not_known_and_it_is_no_further_execution) {
  (void)begin(the_charge);
  way.go_on();
  const StepEntry again = way.begin_step(the_charge, false);
  EXPECT_FALSE(again.way);
  EXPECT_EQ(again.execution, 1U);
  EXPECT_EQ(way.lost(), StepWay::Lost::by_interruption);
  end(the_charge, 4.0);
  EXPECT_TRUE(begin(the_rest));
}

TEST_F(StepWayTest, of_a_rest_that_begins_anew_is_what_it_was) {
  (void)execute(the_charge, 5.0);
  const std::optional<std::uint64_t> before = begin(the_rest);
  way.go_on();
  EXPECT_EQ(begin(the_rest), before);
  end(the_rest, 0, StepEndReason::time_bound);
  const std::optional<std::uint64_t> then = execute(the_discharge, -5.0);
  (void)execute(the_charge, 5.0);
  (void)execute(the_rest, 0, StepEndReason::time_bound);
  EXPECT_EQ(begin(the_discharge), then);
}

TEST_F(StepWayTest, is_lost_where_an_interrupted_step_is_passed_over) {
  (void)begin(the_charge);
  way.go_on();
  EXPECT_FALSE(begin(the_rest));
}

// Between two steps nothing is lost.
TEST_F(StepWayTest, goes_on_where_a_run_was_interrupted_between_two_steps) {
  (void)execute(the_charge, 5.0);
  way.go_on();
  EXPECT_TRUE(begin(the_rest));
}

}  // namespace
}  // namespace cellrig::test
