// Runs that did not go as planned: skipped, interrupted, with gaps, or with ladders that ended early. Nothing of them may pass or fail
// by what nobody saw.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/verdict/compare.hpp"
#include "db/verdict/decision.hpp"
#include "tests/support/play.hpp"

namespace cellrig::verdict {
namespace {

using test::Play;
using test::PlayedStep;
using testing::HasSubstr;

Instruments good_instruments() {
  Instruments i;
  i.current.offset = 0.001;
  i.voltage.offset = 0.001;
  i.temperature = Accuracy{};
  i.temperature->offset = 0.5;
  return i;
}
CellFacts small_cell() {
  CellFacts facts;
  facts.nominal_Ah = 5.0;
  facts.electrode_area_cm2 = 1000.0;
  return facts;
}
Result<Measured> judged(const Play& play, const MeasureRequest& request) {
  return measure(play.facts(), request, good_instruments(), small_cell());
}
void expect_refused(const Play& play, const MeasureRequest& request, const std::string& why) {
  const Result<Measured> m = judged(play, request);
  ASSERT_FALSE(m) << to_string(request.quantity) << " " << m->value;
  EXPECT_THAT(m.error().what, HasSubstr(why));
}

db::StepInfo row_of(std::int64_t count, const std::string& name, const std::string& reason) {
  db::StepInfo info;
  info.row.step = info.row.step_count = count;
  info.row.step_id = count - 1;
  info.row.name = name;
  info.end = db::StepEndRow{};
  info.end->reason = reason;
  return info;
}

// A bound of time is the end of a rest; of a charge it is a failure. A skip is the end of nothing.
TEST(VerdictBrokenRun, only_a_proper_end_is_an_end) {
  const std::vector<db::StepInfo> steps{row_of(1, "charge", "condition"),         row_of(2, "rest", "time bound"),
                                        row_of(3, "charge", "time bound"),        row_of(4, "discharge", "skipped"),
                                        row_of(5, "turn the valve", "confirmed"), row_of(6, "discharge", "stopped")};
  const std::vector<Execution> all = executions_of(steps, [](const db::StepRow& row) { return row.step_id == 1; });
  ASSERT_EQ(all.size(), 6U);
  const std::vector<bool> ended{all[0].has_ended, all[1].has_ended, all[2].has_ended,
                                all[3].has_ended, all[4].has_ended, all[5].has_ended};
  EXPECT_EQ(ended, (std::vector<bool>{true, true, false, false, true, false}));
  EXPECT_TRUE(all[3].was_skipped);
  EXPECT_FALSE(executions_of(steps, nullptr)[1].has_ended);
}

// The execution before a skipped one is another one; and a discharge after a skipped charge is of a cell that was not full.
TEST(VerdictBrokenRun, what_was_skipped_is_not_replaced_by_an_earlier_one) {
  Play play;
  play.add({.name = "discharge", .from_A = -5.0, .to_A = -5.0});
  play.add({.name = "discharge", .seconds = 60.0, .from_A = -5.0, .to_A = -5.0, .was_skipped = true});
  expect_refused(play, {.quantity = ClaimQuantity::capacity, .step = "discharge"}, "'discharge' was skipped by a person");
  Play before;
  before.add({.name = "charge", .seconds = 60.0, .from_A = 5.0, .to_A = 5.0, .was_skipped = true});
  before.add({.name = "discharge", .from_A = -1.0, .to_A = -1.0});
  before.add({.name = "last rest", .was_skipped = true});
  expect_refused(before, {.quantity = ClaimQuantity::capacity, .step = "discharge"}, "'charge' was skipped by a person");
  Play after;
  after.add({.name = "discharge", .from_A = -5.0, .to_A = -5.0});
  after.add({.name = "rest", .was_skipped = true});
  EXPECT_TRUE(judged(after, {.quantity = ClaimQuantity::capacity, .step = "discharge"}));
}

TEST(VerdictBrokenRun, times_resistances_and_peaks_of_a_broken_step_are_refused) {
  const std::vector<MeasureRequest> asked{{.quantity = ClaimQuantity::step_time, .step = "pulse"},
                                          {.quantity = ClaimQuantity::resistance, .step = "pulse"},
                                          {.quantity = ClaimQuantity::cell_temperature_peak, .step = "pulse"},
                                          {.quantity = ClaimQuantity::voltage_peak, .step = "pulse"}};
  for (const MeasureRequest& request : asked) {
    Play whole, gap, in_two, paused;
    for (Play* const play : {&whole, &gap, &in_two, &paused}) {
      play->add({.name = "rest"});
      play->add({.name = "pulse",
                 .from_V = 3.6,
                 .to_V = 3.6,
                 .from_A = -5.0,
                 .to_A = -5.0,
                 .has_gap = play == &gap,
                 .is_in_two = play == &in_two});
    }
    paused.disturb({.at_s = 4000.0, .what = "paused"});
    EXPECT_TRUE(judged(whole, request)) << to_string(request.quantity);
    expect_refused(gap, request, "has a gap");
    expect_refused(in_two, request, "was interrupted");
    expect_refused(paused, request, "paused");
  }
}

// An interruption between a rest and its pulse is in neither of them, and what stood before the pulse is not known all the same.
TEST(VerdictBrokenRun, a_pulse_right_after_an_interruption_has_no_resistance) {
  const MeasureRequest asked{.quantity = ClaimQuantity::resistance, .step = "pulse"};
  Play play;
  play.add({.name = "rest"});
  play.add({.name = "pulse", .from_V = 3.6, .to_V = 3.6, .from_A = -5.0, .to_A = -5.0});
  EXPECT_TRUE(judged(play, asked));
  play.disturb({.at_s = 3600.0, .what = "power outage"});
  expect_refused(play, asked, "right before 'pulse' came power outage");
}

// A cell goes on losing charge while nobody looks.
TEST(VerdictBrokenRun, a_storage_has_lasted_through_what_nobody_saw) {
  const MeasureRequest asked{.quantity = ClaimQuantity::self_discharge, .step = "left", .reference = "whole"};
  Play play;
  play.add({.name = "whole", .from_A = -5.0, .to_A = -5.0});
  play.add({.name = "charge", .from_A = 5.0, .to_A = 5.0});
  play.add({.name = "storage", .seconds = 36000.0});
  play.add({.name = "left", .from_A = -4.9, .to_A = -4.9});
  const Result<Measured> before = judged(play, asked);
  play.disturb({.at_s = 20000.0, .what = "power outage", .unseen_s = 3600.0});
  const Result<Measured> after = judged(play, asked);
  ASSERT_TRUE(before && after) << (before ? after : before).error().what;
  EXPECT_NEAR(after->value, before->value / 1.1, 1e-9);
  play.disturb({.at_s = 30000.0, .what = "power outage", .unseen_s = 3600.0});
  expect_refused(play, asked, "nobody looked for 0.1 of 0.5 days of the storage");
}

// What a step waited for its chamber is no time of a charge; of a rest it is.
TEST(VerdictBrokenRun, waits_are_no_time_of_a_charge) {
  std::vector<db::StepInfo> steps{row_of(1, "charge", "condition"), row_of(2, "rest", "condition")};
  for (db::StepInfo& step : steps) {
    step.row.started_test_time_ns = 0;
    step.end->ended_test_time_ns = 100'000'000'000;
    step.end->charge_Ah = 1.0;
  }
  steps[0].row.type = "CC_CHG";
  steps[1].row.type = "REST";
  const std::vector<db::StepMetricRow> figures{{1, {db::Figure::waited_s, 0, 40.0}}, {2, {db::Figure::waited_s, 0, 40.0}}};
  const std::vector<Execution> all = executions_of(steps, nullptr, figures);
  EXPECT_EQ(all[0].seconds, 60.0);
  EXPECT_EQ(all[0].mean_A(), 60.0);
  EXPECT_EQ(all[1].seconds, 100.0);
  EXPECT_EQ(executions_of(steps, nullptr)[0].seconds, 100.0);
}

// A charge is known all the same, but less well.
TEST(VerdictBrokenRun, unseen_charge_is_in_the_budget_and_in_the_note) {
  const MeasureRequest asked{.quantity = ClaimQuantity::capacity, .step = "discharge"};
  Play play;
  play.add({.name = "discharge", .from_A = -5.0, .to_A = -5.0});
  const Result<Measured> before = judged(play, asked);
  play.disturb({.at_s = 1800.0, .unseen_Ah = 0.2, .what = "power outage"});
  const Result<Measured> after = judged(play, asked);
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->note, "");
  EXPECT_THAT(after->note, HasSubstr("0.2 Ah moved unseen"));
  EXPECT_DOUBLE_EQ(after->value, before->value);
  EXPECT_GT(combine(after->budget).standard, combine(before->budget).standard + 0.1);
  Play gap;
  gap.add({.name = "discharge", .from_A = -5.0, .to_A = -5.0, .has_gap = true});
  const Result<Measured> holed = judged(gap, asked);
  ASSERT_TRUE(holed);
  EXPECT_THAT(holed->note, HasSubstr("0.05 Ah moved unseen"));  // 36 s at 5 A
}

db::StepInfo row_in_place(std::int64_t count, std::int64_t place, const std::string& reason, double charge_Ah) {
  db::StepInfo info = row_of(count, "charge", reason);
  info.row.step_id = place;
  info.end->charge_Ah = charge_Ah;
  return info;
}

// As the record has it after `cellrig run --resume --resume-by redo_step`, and by skip_step.
TEST(VerdictBrokenRun, a_step_that_was_cut_off_is_done_again_or_passed_over) {
  const std::vector<Execution> again = executions_of(
      {row_in_place(1, 4, "interrupted", 2.0), row_in_place(2, 4, "stopped", 0.5), row_in_place(3, 4, "condition", 1.0)},
      nullptr);
  ASSERT_EQ(again.size(), 3U);
  EXPECT_FALSE(again[0].is_done_again);
  EXPECT_FALSE(again[0].was_passed_over);
  EXPECT_TRUE(again[2].is_done_again);
  EXPECT_DOUBLE_EQ(again[2].moved_before_Ah, 2.5);
  const std::vector<Execution> over =
      executions_of({row_in_place(1, 4, "interrupted", 2.0), row_in_place(2, 5, "condition", 1.0)}, nullptr);
  EXPECT_TRUE(over[0].was_passed_over);
  EXPECT_FALSE(over[1].is_done_again);
  const std::vector<Execution> loop =
      executions_of({row_in_place(1, 4, "condition", 2.0), row_in_place(2, 4, "condition", 2.0)}, nullptr);
  EXPECT_FALSE(loop[1].is_done_again);
  const std::vector<Execution> goes_on =
      executions_of({row_in_place(1, 4, "interrupted", 2.0), row_in_place(1, 4, "condition", 1.0)}, nullptr);
  ASSERT_EQ(goes_on.size(), 1U);
  EXPECT_FALSE(goes_on[0].is_done_again);
}

PlayedStep cut_off(PlayedStep step) {
  step.seconds *= 0.5;
  step.is_cut_off = true;
  return step;
}

// 60 to 90 % is no charge of 15 to 90 %, and half a discharge is no capacity.
TEST(VerdictBrokenRun, a_step_done_again_from_the_middle_is_a_part_of_it) {
  const PlayedStep charge{.name = "charge", .from_A = 5.0, .to_A = 5.0}, full{.name = "full", .from_A = -5.0, .to_A = -5.0},
      discharge{.name = "discharge", .from_A = -5.0, .to_A = -5.0};
  using Q = ClaimQuantity;
  const auto play_with = [&](const std::string& cut) {
    Play play;
    for (const PlayedStep& step : {full, charge, discharge}) {
      if (step.name == cut) play.add(cut_off(step));
      play.add(step);
    }
    return play;
  };
  const std::vector<MeasureRequest> asked{{.quantity = Q::capacity, .step = "discharge"},
                                          {.quantity = Q::energy, .step = "discharge"},
                                          {.quantity = Q::step_time, .step = "discharge"},
                                          {.quantity = Q::voltage_least, .step = "discharge"},
                                          {.quantity = Q::cell_temperature_peak, .step = "discharge"},
                                          {.quantity = Q::capacity_ratio, .step = "discharge", .reference = "full"},
                                          {.quantity = Q::coulombic_efficiency, .step = "discharge", .reference = "charge"},
                                          {.quantity = Q::charge_excess, .step = "charge"}};
  for (const MeasureRequest& request : asked) {
    EXPECT_TRUE(judged(play_with(""), request)) << to_string(request.quantity);
    expect_refused(play_with("discharge"), request, "'discharge' was interrupted and done again from the middle");
  }
  expect_refused(play_with("charge"), asked[6], "'charge' was interrupted and done again");
  expect_refused(play_with("charge"), asked[7], "'charge' was interrupted and done again");
  expect_refused(play_with("full"), asked[5], "'full' was interrupted and done again");
  // The window of a charge is counted in per cent of its reference.
  expect_refused(play_with("full"), {.quantity = Q::step_time, .step = "charge", .reference = "full"}, "'full' was interrupted");
  EXPECT_TRUE(judged(play_with("charge"), asked[0])) << "that the cell became full in two parts is nothing to its capacity";
}

TEST(VerdictBrokenRun, a_rest_done_again_is_whole_and_so_is_what_had_not_begun) {
  const PlayedStep rest{.name = "rest", .from_A = 0.001, .to_A = 0.001},
      pulse{.name = "pulse", .seconds = 10.0, .from_V = 3.6, .to_V = 3.6, .from_A = -5.0, .to_A = -5.0};
  Play rested;
  rested.add(cut_off(rest));
  rested.add(rest);
  rested.add(pulse);
  EXPECT_TRUE(judged(rested, {.quantity = ClaimQuantity::resistance, .step = "pulse"}));
  Play pulsed;
  pulsed.add(rest);
  pulsed.add(cut_off(pulse));
  pulsed.add(pulse);
  expect_refused(pulsed, {.quantity = ClaimQuantity::resistance, .step = "pulse"}, "done again");
  const PlayedStep discharge{.name = "discharge", .from_A = -5.0, .to_A = -5.0};
  PlayedStep nothing = cut_off(discharge);
  nothing.from_A = nothing.to_A = 0.0;
  Play waited, unseen;
  for (Play* const play : {&waited, &unseen}) {
    play->add(nothing);
    play->add(discharge);
  }
  EXPECT_TRUE(judged(waited, {.quantity = ClaimQuantity::capacity, .step = "discharge"}));
  unseen.disturb({.at_s = nothing.seconds, .unseen_Ah = 0.2, .what = "power outage"});
  expect_refused(unseen, {.quantity = ClaimQuantity::capacity, .step = "discharge"}, "done again");
}

TEST(VerdictBrokenRun, what_was_passed_over_is_as_one_that_was_skipped) {
  Play play;
  play.add(cut_off({.name = "charge", .from_A = 5.0, .to_A = 5.0}));
  play.add({.name = "discharge", .from_A = -1.0, .to_A = -1.0});
  expect_refused(play, {.quantity = ClaimQuantity::capacity, .step = "discharge"}, "'charge' was interrupted and passed over");
}

// One outage in the middle of a life does not end it for good: that test alone is known less well.
TEST(VerdictBrokenRun, charge_unseen_in_one_reference_of_a_life_is_in_its_own_uncertainty) {
  Play play;
  for (int i = 0; i < 3; ++i) play.add({.name = "reference", .from_A = -5.0, .to_A = -5.0, .is_reference = true, .cycle = i + 1});
  play.disturb({.at_s = 5400.0, .unseen_Ah = 0.5, .what = "power outage"});
  const Result<Measured> m = judged(play, {.quantity = ClaimQuantity::retention, .reference = "reference", .is_life = true});
  ASSERT_TRUE(m);
  ASSERT_EQ(m->life.size(), 3U);
  EXPECT_GT(m->life[1].uncertainty.expanded, 10.0);
  EXPECT_LT(m->life[2].uncertainty.expanded, 1.0);
  EXPECT_DOUBLE_EQ(m->life[2].uncertainty.expanded, combine(m->budget).expanded);
}

// Half a reference test is no end of a life, and neither is it the beginning of one.
TEST(VerdictBrokenRun, a_life_leaves_out_a_reference_that_was_done_again) {
  MeasureRequest life{.quantity = ClaimQuantity::retention, .reference = "reference", .is_life = true};
  const auto play_with = [](int cut) {
    Play play;
    for (int i = 0; i < 3; ++i) {
      const double amps = -5.0 + 0.2 * i;
      const PlayedStep reference{.name = "reference", .from_A = amps, .to_A = amps, .is_reference = true, .cycle = 2 * i + 1};
      PlayedStep half = reference;
      half.seconds *= 0.5;
      if (i == cut) play.add(cut_off(reference));
      play.add(i == cut ? half : reference);
      if (i < 2) play.add({.name = "ageing", .from_A = -5.0, .to_A = -5.0, .cycle = 2 * i + 2});
    }
    return play;
  };
  const Result<Measured> middle = judged(play_with(1), life);
  ASSERT_TRUE(middle);
  ASSERT_EQ(middle->life.size(), 2U);
  EXPECT_NEAR(middle->value, 92.0, 1e-9);
  EXPECT_THAT(middle->note, HasSubstr("done again from the middle"));
  const Result<Measured> end = judged(play_with(2), life);
  ASSERT_TRUE(end);
  EXPECT_NEAR(end->value, 96.0, 1e-9);
  EXPECT_DOUBLE_EQ(end->life.back().at, 1.0) << "one cycle is known, not two";
  expect_refused(play_with(0), life, "done again");
  life.is_life = false;
  EXPECT_TRUE(judged(play_with(1), life));
  expect_refused(play_with(2), life, "done again");
}

/// Charges of 2, 4, 6 A, each with its end and what came back of it.
struct Rung {
  std::string ended_by;
  double share;
};
Play ladder(const std::vector<Rung>& rungs) {
  Play play;
  double rate_A = 0.0;
  for (const Rung& rung : rungs) {
    rate_A += 2.0;
    play.add({.name = "rung " + std::to_string(rate_A),
              .from_V = 3.6,
              .to_V = 4.0,
              .from_A = rate_A,
              .to_A = rate_A,
              .ended_by = rung.ended_by});
    play.add({.name = "watch"});
    play.add({.name = "back", .from_A = -rung.share * rate_A, .to_A = -rung.share * rate_A});
  }
  return play;
}
const MeasureRequest critical{.quantity = ClaimQuantity::critical_current_density, .step = "rung *"};
Decision decided(const Measured& m, const Limit& limit) {
  return decide_sample({{m.value, combine(m.budget), m.is_least}}, limit);
}

TEST(VerdictBrokenRun, a_rung_that_ended_by_voltage_was_not_carried) {
  const std::string by_charge = "capacity_pct >= 50", by_voltage = "voltage_V >= 4.3";
  const Result<Measured> m = judged(ladder({{by_charge, 1.0}, {by_charge, 1.0}, {by_voltage, 1.0}}), critical);
  ASSERT_TRUE(m);
  EXPECT_NEAR(m->value, 4.0, 1e-9);
  EXPECT_TRUE(m->is_least);
  EXPECT_THAT(m->note, HasSubstr("not carried"));
  EXPECT_EQ(decided(*m, {Comparator::at_least, 3.0}), Decision::pass);
  EXPECT_EQ(decided(*m, {Comparator::at_least, 17.0}), Decision::inconclusive);  // a ladder too short refutes nothing
  expect_refused(ladder({{by_voltage, 1.0}}), critical, "not carried");
}

TEST(VerdictBrokenRun, a_rung_that_was_done_again_ends_the_ladder) {
  Play play = ladder({{"capacity_pct >= 50", 1.0}});
  const PlayedStep rung{.name = "rung more", .from_V = 3.6, .to_V = 4.0, .from_A = 4.0, .to_A = 4.0},
      back{.name = "back more", .from_A = -2.0, .to_A = -2.0};
  play.add(rung);
  play.add(cut_off(back));
  play.add(back);  // half of the charge came back before
  const Result<Measured> m = judged(play, critical);
  ASSERT_TRUE(m);
  EXPECT_NEAR(m->value, 2.0, 1e-9);
  EXPECT_TRUE(m->is_least);
  EXPECT_THAT(m->note, HasSubstr("'back more' was interrupted and done again"));
}

// The worst of many charges may be the one that nobody knows.
TEST(VerdictBrokenRun, an_excess_is_the_least_where_one_pair_is_not_known) {
  Play play;
  play.add({.name = "in", .from_A = 5.1, .to_A = 5.1});
  play.add({.name = "out", .from_A = -5.0, .to_A = -5.0});
  play.add({.name = "in", .from_A = 5.0, .to_A = 5.0});
  play.add(cut_off({.name = "out", .from_A = -5.0, .to_A = -5.0}));
  play.add({.name = "out", .from_A = -2.5, .to_A = -2.5});
  const Result<Measured> m = judged(play, {.quantity = ClaimQuantity::charge_excess, .step = "in"});
  ASSERT_TRUE(m);
  EXPECT_NEAR(m->value, 2.0, 1e-9);
  EXPECT_TRUE(m->is_least);
}

TEST(VerdictBrokenRun, a_cell_that_gives_back_too_little_from_the_start_is_not_good) {
  const std::string by_charge = "capacity_pct >= 50";
  const Result<Measured> m = judged(ladder({{by_charge, 0.8}, {by_charge, 0.8}}), critical);
  ASSERT_TRUE(m);
  EXPECT_FALSE(m->is_least);
  EXPECT_EQ(decided(*m, {Comparator::at_least, 3.0}), Decision::fail);
  // Nor is it by a reference that is as bad.
  Play play = ladder({{by_charge, 0.8}, {by_charge, 0.8}});
  MeasureRequest by_reference = critical;
  by_reference.reference = "back";
  expect_refused(play, by_reference, "the reference itself gives back 80.0 %");
}

// Of 300 charges each must be in time; of three the worst of 300 is not known.
TEST(VerdictBrokenRun, the_worst_of_many_times_counts) {
  Play play;
  for (const double seconds : {600.0, 960.0, 660.0})
    play.add({.name = "fast charge", .seconds = seconds, .from_A = 5.0, .to_A = 5.0});
  MeasureRequest request{.quantity = ClaimQuantity::step_time, .step = "fast charge", .executions = 3};
  const Result<Measured> all = judged(play, request);
  ASSERT_TRUE(all);
  EXPECT_NEAR(all->value, 16.0, 1e-9);
  EXPECT_FALSE(all->is_least);
  request.executions = 300;
  const Result<Measured> few = judged(play, request);
  ASSERT_TRUE(few);
  EXPECT_TRUE(few->is_least);
  EXPECT_THAT(few->note, HasSubstr("3 executions of 300"));
  EXPECT_EQ(decided(*few, {Comparator::at_most, 20.0}), Decision::inconclusive);
  EXPECT_EQ(decided(*few, {Comparator::at_most, 15.0}), Decision::fail);
}

TEST(VerdictBrokenRun, a_ratio_keeps_what_is_known_one_way_only) {
  const Measured least{.value = 4.0, .budget = {{"all", 0.1}}, .is_least = true}, whole{.value = 2.0, .budget = {{"all", 0.1}}};
  ASSERT_TRUE(ratio_of(least, whole));
  EXPECT_TRUE(ratio_of(least, whole)->is_least);
  EXPECT_FALSE(ratio_of(whole, least));
}

}  // namespace
}  // namespace cellrig::verdict
