// Between its last measurement and its OFF an output still lets current flow. Where OFF is not confirmed at once that is seconds, and where a
// current above what was commanded ended the run it is that current: whoever goes on with the run finds it in the overcharge guard.
#include "controller/runtime/channel_record.hpp"
#include "controller/runtime/resume.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr double cell_Ah = 4.978;
constexpr double accuracy = 0.98;  ///< of a small current on a range of 60 A

class TrippingCurrent : public testing::Test {
 protected:
  void order(Duration instant, const std::vector<std::string>& faults) {
    for (const std::string& fault : faults) bench.fault_at(instant, fault);
  }
  void run() {
    soc = bench.truth("ch1").soc;
    bench.run();
  }
  double went_in_Ah() { return (bench.truth("ch1").soc - soc) * cell_Ah; }
  /// By its events.
  double told_Ah() { return find_interrupted(bench.record(), 1).value().charge_after_end.value(); }
  /// What the run itself has counted and told, without the time of the watchdog that whoever goes on adds.
  double known_Ah() { return find_interrupted(bench.record(), 1).value().point.guard.net_Ah + told_Ah(); }
  /// As whoever goes on finds it.
  double guarded_Ah() {
    bench.resume(60s, InterruptionRule::stop);
    EXPECT_EQ(bench.resume_refusal(), "");
    return find_interrupted(bench.record(), 1).value().point.guard.net_Ah;
  }

  BenchHarness bench{{.bench = "single", .profiles = {{"ch1", profile_of(During::charge)}}}};
  double soc = 0;
};

// 10.7 A where 5 A were commanded, and OFF is confirmed eight seconds after the trip.
TEST_F(TrippingCurrent, that_flows_until_a_late_off_is_in_the_guard_of_whoever_goes_on) {
  order(10s, {"clear_watchdog psb1", "ignore_off psb1", "output_on ch1 current_A=10.7 voltage_V=4.25"});
  order(17s, {"ignore_off psb1 on=false"});
  run();
  ASSERT_EQ(to_string(bench.result("ch1").outcome), "tripped") << bench.result("ch1").reason;
  ASSERT_FALSE(bench.output_is_on("ch1"));
  const double flowed_Ah = went_in_Ah();
  ASSERT_GT(flowed_Ah, (5.0 * 9 + 10.7 * 8.5) / 3600) << "this test needs a late OFF";
  const double counted_Ah = guarded_Ah();
  EXPECT_GE(counted_Ah, flowed_Ah * accuracy);
  EXPECT_LE(counted_Ah, flowed_Ah * 1.3 + 0.02) << "a bound, and not a wild one";
}

// Each question feeds a watchdog, also one whose answer is lost.
TEST_F(TrippingCurrent, is_counted_as_what_was_commanded_where_no_answer_comes_and_the_watchdog_was_fed) {
  order(10s, {"ignore_off psb1", "drop psb1 count=for_ever"});
  run();
  ASSERT_FALSE(bench.output_is_on("ch1"));
  const double flowed_Ah = went_in_Ah();
  ASSERT_GT(flowed_Ah, 5.0 * 18.5 / 3600) << "this test needs current for longer than the watchdog has";
  EXPECT_GE(known_Ah(), flowed_Ah * accuracy);
}

TEST_F(TrippingCurrent, is_not_told_of_where_off_comes_at_once_and_no_more_flowed_than_was_commanded) {
  order(10s, {"reboot psb1"});
  run();
  ASSERT_EQ(bench.result("ch1").safe_by, SafeBy::instrument) << bench.result("ch1").reason;
  for (const db::EventRow& event : events_of(bench, "ch1")) EXPECT_NE(event.kind, late_off_event) << event.message;
  EXPECT_EQ(told_Ah(), 0.0);
  const double flowed_Ah = went_in_Ah();
  EXPECT_GE(guarded_Ah(), flowed_Ah * accuracy);
}

// A rest: nothing flows, however long its OFF takes.
TEST(RestThatTrips, has_nothing_to_tell) {
  BenchHarness bench({.bench = "single", .profiles = {{"ch1", profile_of(During::rest)}}});
  bench.fault_at(10s, "refuse psb1 for_s=600");
  bench.run();
  ASSERT_EQ(to_string(bench.result("ch1").outcome), "instrument failure");
  for (const db::EventRow& event : events_of(bench, "ch1")) EXPECT_NE(event.kind, late_off_event) << event.message;
}

}  // namespace
}  // namespace cellrig::test
