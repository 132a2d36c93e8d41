// A bench that is held for clients, where two things happen at once: stops and trips in the middle of a start, outputs that come on
// between runs, and what an earlier process has left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "controller/runtime/resume.hpp"
#include "profiles/yaml_reader.hpp"
#include "tests/scenario/service_fixture.hpp"
#include "tests/support/bench_harness.hpp"
#include "tests/support/service_harness.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string charges_and_rests =
    "profile: Two\nformat: 1\nrecord: {every_s: 1}\nsteps:\n"
    "  - cc_charge: {rate_C: 0.5, until: step_time_s >= 10, at_most_h: 1}\n  - rest: {for_s: 30}\n";
const std::string warms =
    "profile: Warm\nformat: 1\nrecord: {every_s: 1}\nsteps:\n  - rest: {for_min: 20, temperature_degC: 35}\n";

class ServiceSafety : public testing::Test {
 protected:
  static ServiceHarnessOptions options() {
    return {.bench = oven_for_two(), .profiles = {{"charge", half_rate_charge}, {"two", charges_and_rests}, {"warm", warms}}};
  }
  /// Ordered, and not waited for.
  void ask_for(ServiceHarness& bench, const std::string& channel, const std::string& profile) {
    answer_.reset();
    StartOrder order{
        .channel = channel, .fencing_token = bench.status(channel).fencing_token, .who = {.name = "Ada"}, .profile = profile};
    bench.service().start(order, [this](const ControlResult<Started>& reply) { answer_ = reply; });
  }
  static void expect_started(ServiceHarness& bench, const std::string& channel, const std::string& profile) {
    const ControlResult<Started> started = bench.start(channel, profile);
    ASSERT_TRUE(started) << started.error().message;
    bench.advance(5s);
  }
  static int told(const ServiceHarness& bench, const std::string& part) {
    const std::vector<std::string> all = bench.messages();
    return static_cast<int>(
        std::count_if(all.begin(), all.end(), [&](const std::string& text) { return text.find(part) != std::string::npos; }));
  }

  std::optional<ControlResult<Started>> answer_;
};

// ---- in the middle of a start ---------------------------------------------------------------------------------------

TEST_F(ServiceSafety, a_stop_counts_while_the_start_waits_for_a_look_at_its_output) {
  int waited = 0;
  for (Duration after = 0s; after < 2s; after += 200ms) {
    SCOPED_TRACE(to_seconds(after));
    ServiceHarness bench(options());
    bench.open();
    bench.fault("extra_latency psb1 delay_ms=300");
    bench.advance(2s + after);
    ask_for(bench, "ch1", "charge");
    bench.advance(1ms);
    waited += bench.status("ch1").text == "preflight" ? 1 : 0;
    ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, "not now"));
    bench.fault("extra_latency psb1 on=false");
    bench.advance(10s);
    ASSERT_TRUE(answer_.has_value());
    ASSERT_FALSE(*answer_);
    EXPECT_EQ(answer_->error().fault, ControlFault::ending);
    EXPECT_EQ(bench.status("ch1").run, 0);
    EXPECT_FALSE(bench.output_is_on("ch1"));
    expect_started(bench, "ch1", "charge");
    bench.close();
  }
  EXPECT_GT(waited, 0);
}

TEST_F(ServiceSafety, heat_beside_a_channel_that_is_being_started_ends_that_start) {
  int refused = 0;
  for (Duration after = 0s; after <= 2400ms; after += 300ms) {
    SCOPED_TRACE(to_seconds(after));
    ServiceHarness bench(options());
    bench.open();
    expect_started(bench, "ch1", "charge");
    bench.fault("thermocouple_stuck ch1 temperature_degC=90");
    bench.advance(after);
    ask_for(bench, "ch2", "charge");
    bench.advance(10s);
    EXPECT_TRUE(bench.service().chamber("oven").value().is_tripped);
    ASSERT_TRUE(answer_.has_value());
    refused += !*answer_ ? 1 : 0;
    for (const char* const channel : {"ch1", "ch2"}) {
      EXPECT_FALSE(bench.output_is_on(channel));
      EXPECT_NE(bench.status(channel).condition, ChannelCondition::running);
    }
    bench.close();
  }
  EXPECT_GT(refused, 0);
}

TEST_F(ServiceSafety, nothing_is_started_beside_an_output_that_came_on_and_does_not_go_off) {
  ServiceHarness bench(options());
  bench.open();
  bench.fault("ignore_off psb1");
  bench.fault("output_on ch1 current_A=1 voltage_V=4.2");
  bench.advance(10s);
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::not_safe);
  EXPECT_EQ(bench.start("ch2", "warm").error().fault, ControlFault::refused);
  bench.advance(300s);
  EXPECT_GE(told(bench, "the output is on again"), 13) << "ten at once, and then once a minute";
  EXPECT_LE(told(bench, "ch1: after its end the output is on again"), 20);
  bench.fault("ignore_off psb1 on=false");
  bench.advance(5s);
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_NE(bench.status("ch1").condition, ChannelCondition::not_safe);
  expect_started(bench, "ch2", "warm");
  bench.close();
  EXPECT_FALSE(bench.service().any_not_safe());
}

TEST_F(ServiceSafety, a_chamber_that_a_person_stops_does_not_run_afterwards) {
  for (Duration after = 500ms; after < 3s; after += 250ms) {
    SCOPED_TRACE(to_seconds(after));
    ServiceHarness bench(options());
    bench.open();
    ask_for(bench, "ch1", "warm");
    bench.advance(after);
    ASSERT_TRUE(bench.service().stop_chamber("oven", {.name = "Ada"}, "smoke"));
    bench.advance(20s);
    EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
    EXPECT_FALSE(bench.output_is_on("ch1"));
    bench.close();
  }
}

// ---- orders ---------------------------------------------------------------------------------------------------------

TEST_F(ServiceSafety, a_skip_that_comes_as_its_step_ends_does_not_skip_the_next_one) {
  for (Duration after = 9900ms; after < 10500ms; after += 20ms) {
    SCOPED_TRACE(to_seconds(after));
    ServiceHarness bench(options());
    bench.open();
    const ControlResult<Started> started = bench.start("ch1", "two");
    ASSERT_TRUE(started) << started.error().message;
    bench.advance(after);
    ChannelOrder order = bench.order("ch1");
    order.step_count = 1;
    const bool is_accepted = bench.service().skip(order).has_value();
    bench.advance(5s);
    EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::resting);
    EXPECT_EQ(bench.status("ch1").step_count, 2U);
    if (!is_accepted) break;  // the second step has begun
    bench.close();
  }
}

// ---- what an earlier process has left -------------------------------------------------------------------------------

TEST_F(ServiceSafety, a_run_that_a_person_had_paused_gets_no_pulse_when_the_service_comes_back) {
  const std::string cell = temporary_folder() + "/m50.yaml";
  std::ofstream{cell} << read_text_file(std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/lg-m50.yaml")
                      << "\npulse_resistance: {min_mohm: 20, max_mohm: 45}\n";
  ServiceHarnessOptions with_pulse = options();
  with_pulse.cell = cell;
  ServiceHarness bench(with_pulse);
  bench.open();
  expect_started(bench, "ch1", "charge");
  const std::int64_t run = bench.status("ch1").run;
  const auto pulses = [&] {
    const std::vector<std::string> kinds = bench.event_kinds(run);
    return std::count(kinds.begin(), kinds.end(), "pulse resistance");
  };
  EXPECT_EQ(pulses(), 1);
  ASSERT_TRUE(bench.service().pause(bench.order("ch1")));
  bench.advance(5s);
  bench.kill();
  bench.advance(20s);
  bench.open(InterruptionRule::resume);
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch1").condition == ChannelCondition::paused; }));
  bench.advance(10s);
  EXPECT_EQ(pulses(), 1);
  EXPECT_FALSE(bench.output_is_on("ch1"));
  bench.close();
}

// Whoever presses stop while the service comes back does not want the run to go on a second later.
TEST_F(ServiceSafety, a_stop_while_the_bench_is_being_opened_keeps_an_interrupted_run_from_going_on) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch1", "charge");
  bench.advance(5s);
  bench.kill();
  bench.advance(20s);
  bool was_open = true;
  const auto press = [](ServiceHarness* at, bool* open) -> Task<void> {
    co_await at->time().sleep_for(1ms);
    const Who jane{.name = "jane", .origin = {}, .role = Role::operator_};
    *open = at->service().is_open();
    EXPECT_TRUE(at->service().stop_channel("ch1", jane, ""));
  };
  bench.time().spawn(press(&bench, &was_open));
  bench.open(InterruptionRule::resume);
  bench.advance(30s);
  EXPECT_FALSE(was_open) << "the stop came too late for this test";
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_NE(bench.status("ch1").condition, ChannelCondition::running);
  EXPECT_TRUE(bench.status("ch1").is_interrupted);  // a person may still go on with it
  EXPECT_THAT(bench.messages(), testing::Contains(testing::HasSubstr("stopped by jane while the bench was being opened")));
  bench.close();
}

TEST_F(ServiceSafety, nothing_goes_on_by_itself_beside_a_trip_that_nobody_has_looked_at) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch1", "charge");
  bench.advance(5s);
  bench.kill();
  bench.advance(20s);
  bench.open(InterruptionRule::resume, {OpenTrip{.channel = "ch2", .run = 99, .text = "cell too hot"}});
  bench.advance(30s);
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_THAT(bench.messages(), testing::Contains(testing::HasSubstr("a safety trip of ch2, in the same chamber")));
  bench.close();
}

TEST_F(ServiceSafety, an_exhaust_of_an_earlier_process_goes_off_only_when_somebody_has_acknowledged_it) {
  ServiceHarnessOptions remembers = options();
  remembers.remember_alarms = [](const AlarmWire& wire) -> Result<AlarmMemory> {
    return AlarmMemory{.was_switched_on = wire.chamber == "oven"};
  };
  ServiceHarness bench(remembers);
  bench.open();
  bench.advance(5s);
  EXPECT_TRUE(bench.bench().output("exhaust oven")->is_on);
  std::uint64_t its = 0;
  for (const AlarmStatus& alarm : bench.service().alarms()) {
    if (alarm.text.find("since an earlier process") != std::string::npos) its = alarm.id;
  }
  ASSERT_NE(its, 0U);
  for (const AlarmStatus& alarm : bench.service().alarms()) {
    if (alarm.id != its) (void)bench.service().acknowledge(alarm.id, {.name = "Ada"}, "seen");
  }
  bench.advance(5s);
  EXPECT_TRUE(bench.bench().output("exhaust oven")->is_on) << "not by what is said of others";
  ASSERT_TRUE(bench.service().acknowledge(its, {.name = "Ada"}, "the air is clear"));
  bench.advance(5s);
  EXPECT_FALSE(bench.bench().output("exhaust oven")->is_on);
  bench.close();
}

// ---- is it alive ----------------------------------------------------------------------------------------------------

TEST_F(ServiceSafety, an_output_that_does_not_confirm_off_is_no_control_loop_that_stands_still) {
  ServiceHarness bench(options());
  bench.open();
  ask_for(bench, "ch1", "charge");
  EXPECT_FALSE(bench.advance_until([&] { return !bench.service().is_healthy(); }, 20s));
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::running);
  bench.fault("refuse psb1 for_s=1000");
  EXPECT_FALSE(bench.advance_until([&] { return !bench.service().is_healthy(); }, 120s));
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::not_safe);
  bench.close();
}

// The run ended, its OFF did not come through, and the current went on: what the run had commanded counts until an OFF is confirmed.
TEST_F(ServiceSafety, a_channel_whose_run_ended_without_a_confirmed_off_is_charged_until_one_is) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch1", "charge");
  const std::int64_t run = bench.status("ch1").run;
  bench.advance(20s);
  const double before_soc = bench.truth("ch1").soc;
  bench.fault("ignore_off psb1");
  bench.fault("clear_watchdog psb1");
  bench.fault("refuse psb1 for_s=600");
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch1").condition == ChannelCondition::not_safe; }));
  bench.advance(580s);
  ASSERT_TRUE(bench.output_is_on("ch1"));
  bench.fault("ignore_off psb1 on=false");
  ASSERT_TRUE(bench.advance_until([&] { return !bench.output_is_on("ch1"); }));
  bench.advance(75s);
  const double went_in_Ah = (bench.truth("ch1").soc - before_soc) * 4.978;
  ASSERT_GT(went_in_Ah, 0.3);
  const Interrupted left = find_interrupted(bench.record(), run).value();
  EXPECT_GE(left.charge_after_end.value(), went_in_Ah * 0.97);
  EXPECT_LE(left.charge_after_end.value(), went_in_Ah * 1.2 + 0.05);
  bench.close();
}

// ---- a disk that hangs ------------------------------------------------------------------------------------------------

TEST_F(ServiceSafety, nothing_is_started_on_a_disk_that_does_not_answer_and_what_runs_goes_on_until_it_may_not) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch1", "charge");
  const std::int64_t run = bench.status("ch1").run;
  bench.disk_lags_by(11s);
  bench.advance(5s);
  const ControlResult<Started> refused = bench.start("ch2", "charge");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, ControlFault::record);
  EXPECT_THAT(refused.error().message, HasSubstr("the disk of the record has not answered for 11 s"));
  EXPECT_FALSE(bench.output_is_on("ch2"));
  EXPECT_TRUE(bench.output_is_on("ch1")) << "a slow disk is no reason to end a test";
  EXPECT_GT(told(bench, "the disk has not answered"), 0);
  bench.disk_lags_by(0s);
  bench.advance(5s);
  ASSERT_TRUE(bench.start("ch2", "charge"));
  bench.disk_lags_by(31s);
  bench.advance(5s);
  for (const char* channel : {"ch1", "ch2"}) EXPECT_FALSE(bench.output_is_on(channel)) << channel;
  EXPECT_EQ(bench.record().run(run).value().status, "record failure");
  bench.close();
}

}  // namespace
}  // namespace cellrig::test
