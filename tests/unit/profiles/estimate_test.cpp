#include "profiles/estimate.hpp"

#include "profiles/describe.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

TEST(Estimate, capacity_over_current) {
  const Program program = compiled_steps(
      "  - cc_discharge: {rate_C: 1/2, until: voltage_V <= 2.5, at_most_h: 5, sets_soc_pct: 0}\n"
      "  - cc_charge: {rate_C: 1, until: soc_pct >= 50, at_most_h: 5}\n"
      "  - rest: {for_min: 30}\n");
  EXPECT_NEAR(to_seconds(estimate_duration(program)), 3.0 * 3600.0, 1.0);
  EXPECT_EQ(estimate(program).longest, hours{10} + minutes{30});
}

// Half of the rated 4.8 Ah is less than half of the nominal 5 Ah.
TEST(Estimate, a_state_of_charge_of_the_rated_capacity_is_counted_by_it) {
  const std::string steps =
      "  - cc_discharge: {rate_C: 1, until: voltage_V <= 2.5, at_most_h: 5, sets_soc_pct: 0}\n"
      "  - cc_charge: {rate_C: 1, until: soc_pct >= 50, at_most_h: 5}\n";
  const auto charge_s = [&](const std::string& reference) {
    const Program program = compiled("soc_of: " + reference + "\n" + profile_text(steps));
    return to_seconds(estimate(program).per_instruction.at(1));
  };
  EXPECT_NEAR(charge_s("nominal"), 0.5 * 3600, 1.0);
  EXPECT_NEAR(charge_s("rated"), 0.5 * 4.8 / 5.0 * 3600, 1.0);
}

// From 15 to 90 %: the second charge starts where the first one ended.
TEST(Estimate, follows_the_state_of_charge) {
  const Program program = compiled_steps(
      "  - cc_discharge: {rate_C: 1, until: voltage_V <= 2.5, at_most_h: 5, sets_soc_pct: 0}\n"
      "  - cc_charge: {rate_C: 1, until: soc_pct >= 15, at_most_h: 5}\n"
      "  - cccv_charge: {rate_C: 2, voltage_V: 4.2, until: soc_pct >= 90, at_most_h: 5}\n");
  EXPECT_NEAR(to_seconds(estimate(program).per_instruction.at(2)), 0.75 / 2.0 * 3600.0, 1.0);
}

TEST(Estimate, loops_multiply_and_nothing_overflows) {
  const Program program = compiled_steps("  - repeat: {times: 10, steps: [cycles: {times: 3, steps: [rest: {for_h: 1}]}]}\n");
  EXPECT_EQ(estimate(program).expected, hours{30});
  const Program endless =
      compiled_steps("  - repeat: {times: 1e6, steps: [repeat: {times: 1e6, steps: [rest: {for_h: 8760}]}]}\n");
  EXPECT_GT(estimate(endless).longest, hours{24 * 365 * 99});
}

TEST(Estimate, a_step_never_takes_longer_than_its_bound) {
  EXPECT_EQ(estimate_duration(compiled_steps("  - cc_charge: {rate_C: 1/20, until: voltage_V >= 4.2, at_most_h: 1}\n")),
            hours{1});
}

// What a disk must hold: the profile's own interval where it is longer than the period of measuring.
TEST(Estimate, rows_follow_the_periods_the_interval_and_the_loops) {
  const Program program = compiled_steps(
      "  - repeat:\n      times: 10\n      steps:\n"
      "        - rest: {for_min: 10}\n"
      "        - cc_charge: {rate_C: 1, until: step_time_s >= 600, at_most_h: 1}\n");
  const DurationEstimate estimated = estimate(program);
  EXPECT_GE(to_seconds(std::get<Step>(program.code.at(2)).record_interval), 1.0) << "the language's own interval";
  const double apart_s = to_seconds(std::get<Step>(program.code.at(2)).record_interval);
  const double rest_apart_s = std::max(5.0, to_seconds(std::get<Step>(program.code.at(1)).record_interval));
  EXPECT_NEAR(estimate_rows(program, estimated, std::chrono::milliseconds{100}, std::chrono::seconds{5}),
              10 * (2 + 600 / rest_apart_s + 2 + 600 / apart_s), 1e-6);
  const Program every =
      compiled_steps("  - cc_charge: {rate_C: 1, until: step_time_s >= 600, at_most_h: 1, record_every_s: 0}\n");
  EXPECT_NEAR(estimate_rows(every, estimate(every), std::chrono::milliseconds{100}, std::chrono::seconds{5}), 6002.0, 1e-6);
}

TEST(Estimate, time_left_counts_the_passes_still_to_come) {
  const Program program =
      compiled_steps("  - repeat: {times: 10, steps: [rest: {for_min: 10}, rest: {for_min: 20}]}\n  - rest: {for_min: 7}\n");
  const DurationEstimate estimated = estimate(program);
  EXPECT_EQ(estimate_remaining(program, estimated, {0, {}, {}}), minutes{307});
  EXPECT_EQ(estimate_remaining(program, estimated, {1, minutes{4}, {3}}), minutes{6 + 20 + 7 * 30 + 7});
  EXPECT_EQ(estimate_remaining(program, estimated, {2, minutes{0}, {10}}), minutes{27});
  EXPECT_EQ(estimate_remaining(program, estimated, {4, minutes{100}, {}}), Duration::zero());
  EXPECT_EQ(estimate_remaining(program, estimated, {99, {}, {}}), Duration::zero());
}

TEST(Describe, a_table_that_a_technician_reads) {
  const std::string text = describe(compiled_steps(
      "  - cycles:\n      times: 2\n      steps:\n"
      "        - cccv_charge: {rate_C: 1/2, voltage_V: 4.2, until: rate_C <= 0.05 for 5 s, at_most_h: 6, sets_soc_pct: 100}\n"
      "        - rest: {for_min: 60}\n"));
  EXPECT_THAT(text, testing::HasSubstr("cell: Test cell"));
  EXPECT_THAT(text, testing::HasSubstr("cycles x 2"));
  EXPECT_THAT(text, testing::HasSubstr("  cccv_charge  4.2 V, 0 to 2.5 A  rate_C <= 0.05 for 5 s  at most 6 h"));
  EXPECT_THAT(text, testing::HasSubstr("  rest         output off"));
}

TEST(Describe, durations_in_the_unit_people_use) {
  EXPECT_EQ(describe(Duration{std::chrono::seconds{5}}), "5 s");
  EXPECT_EQ(describe(Duration{minutes{18}}), "18 min");
  EXPECT_EQ(describe(Duration{hours{8}}), "8 h");
  EXPECT_EQ(describe(Duration{hours{84}}), "3.5 days");
}

// Each level is walked once or twice: without a bound that would be 2 to the power of the levels.
TEST(Estimate, loops_that_nest_deeply_are_added_up_in_no_time) {
  std::string open, close;
  for (int level = 0; level < 60; ++level) {
    open += "{repeat: {times: 2, steps: [";
    close += "]}}";
  }
  const std::string step =
      "{cc_charge: {rate_C: 0.1, until: capacity_pct >= 1, at_most_h: 1, sets_soc_pct: 50}}, {rest: {for_s: 5}}";
  EXPECT_GT(estimate_duration(compiled_steps("  - " + open + step + close + "\n")), std::chrono::hours{24 * 365});
}

TEST(Describe, rows_carry_depth_and_line) {
  const std::vector<ProgramRow> rows =
      rows_of(compiled_steps("  - repeat: {times: 2, steps: [rest: {for_s: 1}]}\n  - rest: {for_s: 2}\n"));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1].depth, 1U);
  EXPECT_EQ(rows[2].depth, 0U);
  EXPECT_EQ(rows[2].source_line, 5);
  EXPECT_EQ(rows[2].instruction, 3U);
}

}  // namespace
}  // namespace cellrig::test
