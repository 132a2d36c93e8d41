// A bench that is held for clients, and an output that is not known to be off: what may have gone into its cell meanwhile, whose record says
// so, and what is refused until somebody confirms OFF.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "controller/runtime/channel_record.hpp"
#include "controller/runtime/resume.hpp"
#include "tests/scenario/service_fixture.hpp"
#include "tests/support/bench_harness.hpp"
#include "tests/support/service_harness.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr double cell_Ah = 4.978;
constexpr double accuracy = 0.98;  ///< of a small current on a range of 60 A

class OutputInDoubt : public testing::Test {
 protected:
  /// A run of ch1 at half a C, 2.5 A, for 20 s.
  void begin_run() {
    bench.open();
    soc = bench.truth("ch1").soc;
    const ControlResult<Started> started = bench.start("ch1", "charge");
    ASSERT_TRUE(started) << started.error().message;
    bench.advance(20s);
    run = bench.status("ch1").run;
    bench.fault("clear_watchdog psb1");
  }
  void expect_not_safe() {
    const auto is_not_safe = [this] { return bench.status("ch1").condition == ChannelCondition::not_safe; };
    ASSERT_TRUE(bench.advance_until(is_not_safe));
    ASSERT_TRUE(bench.output_is_on("ch1")) << "this test needs an output that does not go off";
  }
  void expect_safe() {
    const auto is_safe = [this] { return bench.status("ch1").condition != ChannelCondition::not_safe; };
    ASSERT_TRUE(bench.advance_until(is_safe));
    ASSERT_FALSE(bench.output_is_on("ch1"));
    bench.advance(5s);  // the look that sees it off tells the rest
  }
  /// Since its run began.
  double went_in_Ah() { return (bench.truth("ch1").soc - soc) * cell_Ah; }
  /// The same, as far as the record knows: what the run has measured, and what may have gone in after it.
  double known_Ah() {
    const Interrupted left = find_interrupted(bench.record(), run).value();
    return left.point.guard.net_Ah + left.charge_after_end.value();
  }
  double told_Ah(std::int64_t of_run) { return find_interrupted(bench.record(), of_run).value().charge_after_end.value(); }

  ServiceHarness bench{{.bench = oven_for_two(), .profiles = {{"charge", half_rate_charge}}}};
  std::int64_t run = 0;
  double soc = 0;
};

// ---- how much -------------------------------------------------------------------------------------------------------

// Somebody turns its knob, or it fails further: what the run had commanded is no bound any more, and a look says so.
TEST_F(OutputInDoubt, that_lets_more_flow_than_was_commanded_is_charged_by_what_is_seen) {
  ASSERT_NO_FATAL_FAILURE(begin_run());
  bench.fault("ignore_off psb1");
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, ""));
  ASSERT_NO_FATAL_FAILURE(expect_not_safe());
  bench.fault("output_on ch1 current_A=8 voltage_V=4.2");
  bench.advance(185s);
  ASSERT_GT(bench.truth("ch1").current_A, 7.5) << "this test needs more than the 2.5 A of its run";
  bench.fault("ignore_off psb1 on=false");
  ASSERT_NO_FATAL_FAILURE(expect_safe());
  ASSERT_GT(went_in_Ah(), 8.0 * 180 / 3600);
  EXPECT_GE(known_Ah(), went_in_Ah() * accuracy);
  EXPECT_LE(known_Ah(), went_in_Ah() * 1.3 + 0.05) << "a bound, and not a wild one";
  bench.close();
}

// The observation that tripped it is the last one, and more than the engine had ever heard of.
TEST_F(OutputInDoubt, that_tripped_by_too_much_current_is_charged_by_that_current) {
  ASSERT_NO_FATAL_FAILURE(begin_run());
  bench.fault("ignore_off psb1");
  bench.fault("output_on ch1 current_A=10.7 voltage_V=4.25");
  const auto has_tripped = [this] { return bench.status("ch1").trip.has_value(); };
  ASSERT_TRUE(bench.advance_until(has_tripped, 30s));
  EXPECT_THAT(bench.status("ch1").trip->hazard, HasSubstr("current"));
  bench.fault("refuse psb1 for_s=600");  // nobody looks any more
  bench.fault("close psb1");
  ASSERT_NO_FATAL_FAILURE(expect_not_safe());
  bench.advance(130s);
  ASSERT_GT(went_in_Ah(), 10.7 * 120 / 3600);
  // OFF is tried once a minute, and what may have flowed until then is told at each.
  EXPECT_GE(told_Ah(run), 10.7 * 120 / 3600 * accuracy);
  EXPECT_LE(told_Ah(run), 10.7 * 200 / 3600);
  bench.close();
}

// ---- what is refused ------------------------------------------------------------------------------------------------

// Until when current may have flowed is known only when OFF was confirmed, and that is what a run that goes on counts.
TEST_F(OutputInDoubt, keeps_its_run_from_going_on_until_it_is_off) {
  ASSERT_NO_FATAL_FAILURE(begin_run());
  bench.fault("ignore_off psb1");
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, ""));
  ASSERT_NO_FATAL_FAILURE(expect_not_safe());
  const ControlResult<Started> refused = bench.go_on("ch1", InterruptionRule::resume);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, ControlFault::refused);
  EXPECT_THAT(refused.error().message, HasSubstr("its output is not known to be off"));
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::not_safe) << "asking changes nothing";
  bench.advance(100s);
  bench.fault("ignore_off psb1 on=false");
  ASSERT_NO_FATAL_FAILURE(expect_safe());
  const double flowed_Ah = went_in_Ah();
  const ControlResult<Started> gone_on = bench.go_on("ch1", InterruptionRule::resume);
  ASSERT_TRUE(gone_on) << gone_on.error().message;
  bench.advance(5s);
  EXPECT_TRUE(bench.output_is_on("ch1"));
  EXPECT_EQ(told_Ah(run), 0.0) << "it is counted";
  EXPECT_GE(known_Ah(), flowed_Ah * accuracy);
  bench.close();
}

// Closing energises nothing. "stopped" would promise that OFF was confirmed.
TEST_F(OutputInDoubt, does_not_keep_its_run_from_being_closed_and_its_record_does_not_say_that_it_was_stopped) {
  ASSERT_NO_FATAL_FAILURE(begin_run());
  bench.fault("ignore_off psb1");
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, ""));
  ASSERT_NO_FATAL_FAILURE(expect_not_safe());
  const ControlResult<Started> closed = bench.go_on("ch1", InterruptionRule::stop);
  ASSERT_TRUE(closed) << closed.error().message;
  const db::RunInfo info = bench.record().run(run).value();
  EXPECT_EQ(info.status, "instrument failure");
  EXPECT_THAT(info.end->reason, HasSubstr("not known to be off"));
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::not_safe);
  bench.fault("ignore_off psb1 on=false");
  ASSERT_NO_FATAL_FAILURE(expect_safe());
  bench.close();
}

// ---- whose record ---------------------------------------------------------------------------------------------------

// The run is over, and its process gone: the cell is the same one, and whoever goes on with that run counts what came later.
TEST_F(OutputInDoubt, that_comes_on_under_the_next_process_is_told_to_the_run_of_the_one_before) {
  ASSERT_NO_FATAL_FAILURE(begin_run());
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, ""));
  bench.advance(10s);
  bench.close();
  bench.open_after({{"ch1", run}});
  ASSERT_EQ(bench.status("ch1").run, 0) << "this process has had no run";
  soc = bench.truth("ch1").soc;
  bench.fault("ignore_off psb1");
  bench.fault("output_on ch1 current_A=2 voltage_V=4.2");
  bench.advance(60s);
  bench.fault("ignore_off psb1 on=false");
  bench.advance(5s);
  ASSERT_FALSE(bench.output_is_on("ch1"));
  ASSERT_GT(went_in_Ah(), 2.0 * 55 / 3600);
  EXPECT_GE(told_Ah(run), went_in_Ah() * accuracy);
  EXPECT_LE(told_Ah(run), went_in_Ah() * 1.2 + 0.005);
  EXPECT_THAT(bench.event_kinds(0), testing::Not(testing::Contains(on_again_event))) << "to that run, and to nobody else";
  // A run of this process takes its place: what came before it is none of its business.
  ASSERT_TRUE(bench.start("ch1", "charge"));
  bench.advance(5s);
  const std::int64_t own = bench.status("ch1").run;
  ASSERT_NE(own, run);
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, ""));
  bench.advance(10s);
  const double before_Ah = told_Ah(run);
  bench.fault("output_on ch1 current_A=2 voltage_V=4.2");
  bench.advance(5s);
  EXPECT_GT(told_Ah(own), 0.0);
  EXPECT_EQ(told_Ah(run), before_Ah);
  bench.close();
}

}  // namespace
}  // namespace cellrig::test
