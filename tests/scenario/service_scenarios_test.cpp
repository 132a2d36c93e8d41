// A bench that is held for clients: channels come and go one by one, and what happens to one is none of the other's business.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "controller/runtime/lease.hpp"
#include "tests/support/bench_harness.hpp"
#include "tests/support/service_harness.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

const std::string charge =
    "profile: Charge\nformat: 1\nrecord: {every_s: 1}\nsteps:\n  - cc_charge: {rate_C: 0.5, until: voltage_V >= 4.2, at_most_h: "
    "4}\n";
const std::string two_steps =
    "profile: Two\nformat: 1\nrecord: {every_s: 1}\nsteps:\n"
    "  - cc_charge: {rate_C: 0.5, until: step_time_s >= 60, at_most_h: 1, on_interruption: resume}\n"
    "  - rest: {for_s: 30}\n";

/// Two channels without anything in common but the logger.
const std::string apart =
    "bench: b\ninstruments:\n"
    "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
    "  psb2: {model: ea-psb-10060-60, modbus: \"192.0.2.11:502\", scpi: \"192.0.2.11:5025\"}\n"
    "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
    "channels:\n"
    "  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}}\n"
    "  ch2: {cycler: psb2, cell_temperature: {logger: adam, input: 1}}\n"
    "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n    ch2: {file: lg-m50, soc_pct: 40}\n  room_temperature_degC: "
    "25\n";

ServiceHarnessOptions both(const std::string& bench = apart) {
  return {.bench = bench, .profiles = {{"charge", charge}, {"two", two_steps}}};
}

class Service : public testing::Test {
 protected:
  static void begin(ServiceHarness& bench, const std::string& channel, const std::string& profile) {
    const ControlResult<Started> started = bench.start(channel, profile);
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_GT(started->run, 0);
    EXPECT_EQ(started->fencing_token, bench.status(channel).fencing_token);
    bench.advance(5s);
  }
  static std::string status_in_record(ServiceHarness& bench, std::int64_t run) { return bench.record().run(run).value().status; }
};

// ---- one by one -----------------------------------------------------------------------------------------------------

TEST_F(Service, a_channel_starts_beside_another_and_goes_on_when_that_one_is_stopped) {
  ServiceHarness bench(both());
  bench.open();
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::idle);
  begin(bench, "ch1", "charge");
  EXPECT_GT(bench.truth("ch1").current_A, 2.0);
  EXPECT_FALSE(bench.output_is_on("ch2"));
  bench.advance(60s);
  begin(bench, "ch2", "charge");
  EXPECT_GT(bench.truth("ch1").current_A, 2.0) << "a start beside it does it no harm";
  EXPECT_GT(bench.truth("ch2").current_A, 2.0);
  const std::int64_t first = bench.status("ch1").run, second = bench.status("ch2").run;
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, "enough"));
  bench.advance(5s);
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::stopped);
  EXPECT_EQ(bench.truth("ch1").current_A, 0.0);
  EXPECT_GT(bench.truth("ch2").current_A, 2.0);
  EXPECT_EQ(status_in_record(bench, first), "stopped");
  EXPECT_EQ(status_in_record(bench, second), "running");
  EXPECT_THAT(bench.record().run(first).value().end->reason, HasSubstr("stopped by Ada: enough"));
  begin(bench, "ch1", "two");
  EXPECT_GT(bench.status("ch1").run, second);
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch1").condition == ChannelCondition::finished; }));
  EXPECT_EQ(status_in_record(bench, bench.status("ch1").run), "completed");
  EXPECT_GT(bench.truth("ch2").current_A, 2.0);
  bench.close();
  EXPECT_EQ(status_in_record(bench, second), "stopped");
  EXPECT_FALSE(bench.output_is_on("ch2"));
}

TEST_F(Service, a_busy_channel_is_not_started_and_an_old_token_orders_nothing) {
  ServiceHarness bench(both());
  bench.open();
  const std::uint64_t before = bench.status("ch1").fencing_token;
  begin(bench, "ch1", "charge");
  const ControlResult<Started> second = bench.start("ch1", "two");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().fault, ControlFault::busy);
  const ControlResult<Started> late = bench.start("ch1", "two", before);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().fault, ControlFault::fenced);
  ChannelOrder old = bench.order("ch1");
  old.fencing_token = before;
  for (const ControlResult<void>& answer : {bench.service().pause(old), bench.service().skip(old), bench.service().note(old)}) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().fault, ControlFault::fenced);
  }
  EXPECT_GT(bench.truth("ch1").current_A, 2.0);
  old.channel = "ch3x";
  EXPECT_EQ(bench.service().pause(old).error().fault, ControlFault::not_found);
  bench.close();
}

TEST_F(Service, a_viewer_and_nobody_order_nothing) {
  ServiceHarness bench(both());
  bench.open();
  begin(bench, "ch1", "charge");
  ChannelOrder viewer = bench.order("ch1");
  viewer.who.role = Role::viewer;
  EXPECT_EQ(bench.service().pause(viewer).error().fault, ControlFault::forbidden);
  ChannelOrder nobody = bench.order("ch1");
  nobody.who.name.clear();
  EXPECT_EQ(bench.service().pause(nobody).error().fault, ControlFault::bad_input);
  EXPECT_TRUE(bench.service().stop_channel("ch1", {.role = Role::viewer}, "")) << "a stop is open to all";
  bench.advance(5s);
  EXPECT_FALSE(bench.output_is_on("ch1"));
  bench.close();
}

TEST_F(Service, a_cycler_that_does_not_answer_is_not_started_and_the_other_goes_on) {
  ServiceHarness bench(both());
  bench.open();
  begin(bench, "ch2", "charge");
  bench.fault("refuse psb1 for_s=1000");
  const ControlResult<Started> dead = bench.start("ch1", "charge");
  ASSERT_FALSE(dead);
  EXPECT_EQ(dead.error().fault, ControlFault::failed);
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::not_safe) << "nobody has confirmed that it is off";
  EXPECT_GT(bench.truth("ch2").current_A, 2.0);
  EXPECT_EQ(bench.status("ch2").condition, ChannelCondition::running);
  EXPECT_THAT(bench.record().events(0).value().back().kind, "start refused");
  bench.advance(1000s);
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch1").condition != ChannelCondition::not_safe; }, 130s))
      << "OFF is tried again once a minute";
  begin(bench, "ch1", "charge");
  EXPECT_GT(bench.truth("ch1").current_A, 2.0);
  bench.close();
}

// ---- trips ----------------------------------------------------------------------------------------------------------

TEST_F(Service, a_trip_leaves_the_other_channel_and_is_started_again_by_nobody_but_after_a_look) {
  ServiceHarness bench(both());
  bench.open();
  begin(bench, "ch1", "charge");
  begin(bench, "ch2", "charge");
  const std::int64_t run = bench.status("ch1").run;
  bench.fault("voltage_offset psb1 offset_V=1");
  bench.advance(10s);
  ChannelStatus tripped = bench.status("ch1");
  EXPECT_EQ(tripped.condition, ChannelCondition::tripped);
  ASSERT_TRUE(tripped.trip);
  EXPECT_EQ(tripped.trip->hazard, "over-voltage");
  EXPECT_FALSE(tripped.trip->what_to_do.empty());
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_GT(bench.truth("ch2").current_A, 2.0);
  bench.fault("voltage_offset psb1 offset_V=0");
  bench.advance(5s);
  EXPECT_EQ(bench.start("ch1", "charge").error().fault, ControlFault::refused);
  const std::vector<AlarmStatus> alarms = bench.service().alarms();
  const auto trip =
      std::find_if(alarms.begin(), alarms.end(), [](const AlarmStatus& a) { return a.severity == AlarmSeverity::trip; });
  ASSERT_NE(trip, alarms.end());
  EXPECT_EQ(trip->channel, "ch1");
  EXPECT_EQ(trip->run, run);
  EXPECT_EQ(trip->unit, "V");
  ASSERT_TRUE(trip->limit);
  EXPECT_EQ(bench.service().acknowledge(trip->id, {.name = ""}, "looked").error().fault, ControlFault::bad_input);
  EXPECT_EQ(bench.service().acknowledge(trip->id, {.name = "Ada"}, "").error().fault, ControlFault::bad_input);
  ASSERT_TRUE(bench.service().acknowledge(trip->id, {.name = "Ada", .origin = "desk"}, "sense lead was loose"));
  EXPECT_EQ(bench.service().acknowledge(trip->id, {.name = "Ada"}, "again").error().fault, ControlFault::wrong_state);
  bench.advance(10s);
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::stopped);
  const std::vector<db::AcknowledgementRow> looked = bench.record().acknowledgements(run).value();
  ASSERT_EQ(looked.size(), 1u);
  EXPECT_EQ(looked.front().operator_name, "Ada");
  EXPECT_EQ(looked.front().reason, "sense lead was loose");
  begin(bench, "ch1", "charge");
  EXPECT_GT(bench.truth("ch1").current_A, 2.0);
  bench.close();
}

TEST_F(Service, heat_stops_every_channel_of_the_chamber_and_the_chamber_until_all_trips_are_acknowledged) {
  ServiceHarness bench(both("demo"));
  bench.open();
  begin(bench, "ch1", "charge");
  begin(bench, "ch2", "charge");
  bench.fault("thermocouple_stuck ch1 temperature_degC=90");
  bench.advance(10s);
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_FALSE(bench.output_is_on("ch2"));
  EXPECT_TRUE(bench.service().chamber("oven").value().is_tripped);
  bench.fault("thermocouple_stuck ch1 on=false");
  bench.advance(30s);
  for (const AlarmStatus& alarm : bench.service().alarms()) {
    if (alarm.severity == AlarmSeverity::warning) continue;
    EXPECT_FALSE(bench.start("ch1", "charge"));
    EXPECT_TRUE(bench.service().acknowledge(alarm.id, {.name = "Ada"}, "a loose thermocouple")) << alarm.text;
    bench.advance(1s);
  }
  EXPECT_FALSE(bench.service().chamber("oven").value().is_tripped);
  begin(bench, "ch1", "charge");
  EXPECT_GT(bench.truth("ch1").current_A, 2.0);
  bench.close();
}

// ---- pause, resume, skip, limits ------------------------------------------------------------------------------------

TEST_F(Service, a_pause_is_off_and_the_same_step_goes_on_where_it_was) {
  ServiceHarness bench(both());
  bench.open();
  begin(bench, "ch1", "two");
  bench.advance(15s);
  const std::int64_t run = bench.status("ch1").run;
  ASSERT_TRUE(bench.service().pause(bench.order("ch1", "a look at the wires")));
  bench.advance(3s);
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::paused);
  EXPECT_FALSE(bench.output_is_on("ch1"));
  const double charged_Ah = bench.status("ch1").charge_Ah.value();
  const Duration ran = bench.status("ch1").step_time.value();
  bench.advance(300s);
  EXPECT_EQ(bench.truth("ch1").current_A, 0.0);
  EXPECT_EQ(bench.status("ch1").step_time.value(), ran) << "the step's clock stands still";
  EXPECT_FALSE(bench.service().pause(bench.order("ch1")));
  ASSERT_TRUE(bench.service().resume(bench.order("ch1")));
  bench.advance(5s);
  EXPECT_GT(bench.truth("ch1").current_A, 2.0);
  EXPECT_EQ(bench.status("ch1").step_count, 1u);
  EXPECT_FALSE(bench.service().resume(bench.order("ch1"))) << "it is not paused";
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch1").condition == ChannelCondition::finished; }));
  const std::vector<db::StepInfo> steps = bench.record().steps(run).value();
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_GT(steps[0].end->charge_Ah, charged_Ah);
  EXPECT_NEAR(steps[0].end->charge_Ah, 2.5 * 60 / 3600, 0.003) << "60 s of current, and none of the pause";
  EXPECT_NEAR(to_seconds(Duration{steps[0].end->ended_test_time_ns - steps[0].row.started_test_time_ns}), 363, 8);
  const std::vector<std::string> kinds = bench.event_kinds(run);
  EXPECT_THAT(kinds, Contains("paused"));
  EXPECT_THAT(kinds, Contains("pause ended"));
  std::vector<std::string> actions;
  for (const db::AuditRow& row : bench.record().audit().value()) {
    if (row.run == run && row.operator_name == "Ada" && row.origin == "test") actions.push_back(row.action);
  }
  EXPECT_THAT(actions, Contains("pause"));
  EXPECT_THAT(actions, Contains("resume"));
  bench.close();
}

TEST_F(Service, a_skipped_step_is_left_at_once_and_the_record_says_by_whom) {
  ServiceHarness bench(both());
  bench.open();
  begin(bench, "ch1", "two");
  const std::int64_t run = bench.status("ch1").run;
  ChannelOrder stale = bench.order("ch1");
  stale.step_count = 7;
  EXPECT_EQ(bench.service().skip(stale).error().fault, ControlFault::fenced) << "another step than the person saw";
  ASSERT_TRUE(bench.service().skip(bench.order("ch1", "long enough")));
  bench.advance(3s);
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::resting);
  EXPECT_FALSE(bench.output_is_on("ch1"));
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch1").condition == ChannelCondition::finished; }));
  EXPECT_EQ(bench.record().steps(run).value()[0].end->reason, "skipped");
  std::string said;
  for (const db::EventRow& event : bench.record().events(run).value()) {
    if (event.kind == "step skipped") said = event.message;
  }
  EXPECT_THAT(said, HasSubstr("Ada: long enough"));
  bench.close();
}

TEST_F(Service, a_tightened_limit_trips_and_only_an_engineer_widens_it_and_not_beyond_the_runs_own) {
  ServiceHarness bench(both());
  bench.open();
  begin(bench, "ch1", "charge");
  const std::int64_t run = bench.status("ch1").run;
  const double own = bench.status("ch1").limits.at("cell_temperature_max_degC");
  LimitOrder order{.channel = "ch1", .fencing_token = bench.status("ch1").fencing_token, .who = {.name = "Ada"}};
  order.limits = {{"cell_temperature_max_degC", own + 1}};
  EXPECT_EQ(bench.service().set_limits(order).error().fault, ControlFault::refused);
  order.limits = {{"cell_temperature_max_degC", 40}};
  ASSERT_TRUE(bench.service().set_limits(order));
  EXPECT_EQ(bench.status("ch1").limits.at("cell_temperature_max_degC"), 40);
  order.limits = {{"cell_temperature_max_degC", 45}};
  EXPECT_FALSE(bench.service().set_limits(order)) << "wider than what is in force";
  order.may_widen = true;
  order.reason = "it warms as expected";
  EXPECT_EQ(bench.service().set_limits(order).error().fault, ControlFault::forbidden);
  order.who.role = Role::engineer;
  ASSERT_TRUE(bench.service().set_limits(order));
  order.limits = {{"cell_temperature_max_degC", own + 1}};
  EXPECT_EQ(bench.service().set_limits(order).error().fault, ControlFault::refused);
  order.limits = {{"cell_temperature_max_degc", 30}};
  EXPECT_THAT(bench.service().set_limits(order).error().message, HasSubstr("cell_temperature_max_degC"));
  order.limits = {{"cell_temperature_max_degC", std::nan("")}};
  EXPECT_FALSE(bench.service().set_limits(order));
  bench.advance(5s);
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::running);
  order.limits = {{"cell_temperature_max_degC", 20}};
  order.may_widen = false;
  ASSERT_TRUE(bench.service().set_limits(order));
  bench.advance(5s);
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::tripped);
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_THAT(bench.event_kinds(run), Contains("limit changed: cell_temperature_max_degC"));
  bench.close();
}

// A step may have tighter limits of its own. An order is judged by the run's: both are told, so that nobody writes 50 over a 45 that is the
// step's, or is refused by a number that was not shown.
TEST_F(Service, tells_the_limits_of_the_run_beside_those_of_a_step) {
  ServiceHarnessOptions options = both();
  options.profiles["careful"] =
      "profile: Careful\nformat: 1\nrecord: {every_s: 1}\nsteps:\n  - cc_charge: {rate_C: 0.5, until: voltage_V >= 4.2, "
      "at_most_h: 4, "
      "limits: {cell_temperature_max_degC: 45}}\n";
  ServiceHarness bench(options);
  bench.open();
  begin(bench, "ch1", "careful");  // more than the two seconds after which a step's own limits hold
  const char* const name = "cell_temperature_max_degC";
  const double own = bench.status("ch1").run_limits.at(name);
  EXPECT_GT(own, 46);
  EXPECT_EQ(bench.status("ch1").limits.at(name), 45);
  LimitOrder order{.channel = "ch1", .fencing_token = bench.status("ch1").fencing_token, .who = {.name = "Ada"}};
  order.limits = {{name, own}};
  EXPECT_FALSE(bench.service().set_limits(order)) << "not tighter than the run's";
  order.limits = {{name, 46}};
  ASSERT_TRUE(bench.service().set_limits(order));
  EXPECT_EQ(bench.status("ch1").run_limits.at(name), 46);
  EXPECT_EQ(bench.status("ch1").limits.at(name), 45) << "the step's is tighter still";
  order.limits = {{name, 40}};
  ASSERT_TRUE(bench.service().set_limits(order));
  EXPECT_EQ(bench.status("ch1").run_limits.at(name), 40);
  EXPECT_EQ(bench.status("ch1").limits.at(name), 40);
  bench.close();
}

// ---- a chamber that is shared ---------------------------------------------------------------------------------------

const std::string at_45 =
    "profile: Warm\nformat: 1\nrecord: {every_s: 1}\nsteps:\n  - rest: {for_min: 20, temperature_degC: 35}\n";
const std::string at_25 = "profile: Cool\nformat: 1\nrecord: {every_s: 1}\nsteps:\n  - rest: {for_s: 30, temperature_degC: 25}\n";

TEST_F(Service, who_comes_later_waits_for_the_chamber_and_gets_it_when_the_first_has_left) {
  ServiceHarness bench({.bench = "demo", .profiles = {{"warm", at_45}, {"cool", at_25}}});
  bench.open();
  begin(bench, "ch1", "warm");
  ASSERT_TRUE(bench.advance_until([&] { return bench.service().chamber("oven").value().held_by.size() == 1; }));
  begin(bench, "ch2", "cool");
  EXPECT_EQ(bench.status("ch2").condition, ChannelCondition::waiting);
  EXPECT_THAT(bench.status("ch2").text, HasSubstr("ch1 holds 35 degC"));
  const ChamberStatus oven = bench.service().chamber("oven").value();
  EXPECT_EQ(oven.setpoint_degC.value_or(0), 35);
  ASSERT_EQ(oven.waiting.size(), 1u);
  EXPECT_EQ(oven.waiting.front().channel, "ch2");
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, ""));
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch2").condition == ChannelCondition::finished; }, 2h));
  bench.advance(10s);
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running()) << "the last one has left";
  begin(bench, "ch1", "warm");
  ASSERT_TRUE(bench.advance_until([&] { return bench.service().chamber("oven").value().is_running; }));
  ASSERT_TRUE(bench.service().stop_chamber("oven", {.name = "Ada"}, "smoke"));
  bench.advance(10s);
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::stopped);
  bench.close();
}

// ---- between runs ---------------------------------------------------------------------------------------------------

struct Seen final : BenchWatcher {
  void sample(const LiveSample& sample) override {
    (sample.run == 0 ? idle : live)[std::string(sample.channel)] += 1;
    if (sample.run == 0) last_V = sample.voltage_V;
  }
  void alarm_changed(const AlarmStatus& alarm) override { alarms.push_back(alarm.text); }
  std::map<std::string, int> idle, live;
  std::vector<std::string> alarms;
  double last_V = 0;
};

TEST_F(Service, an_idle_channel_is_seen_every_second_and_an_output_that_comes_on_goes_off) {
  ServiceHarness bench(both());
  bench.open();
  Seen seen;
  bench.service().add_watcher(seen);
  begin(bench, "ch2", "charge");
  bench.advance(20s);
  EXPECT_GE(seen.idle["ch1"], 20);
  EXPECT_GE(seen.live["ch2"], 15);
  EXPECT_NEAR(seen.last_V, 3.7, 0.5);
  bench.fault("output_on ch1 current_A=1 voltage_V=4.2");
  bench.advance(4s);
  EXPECT_EQ(bench.truth("ch1").current_A, 0.0);
  EXPECT_THAT(seen.alarms, Contains(HasSubstr("the output is on again")));
  EXPECT_GT(bench.truth("ch2").current_A, 2.0);
  bench.service().remove_watcher(seen);
  bench.close();
}

TEST_F(Service, one_stop_ends_everything) {
  ServiceHarness bench(both());
  bench.open();
  begin(bench, "ch1", "charge");
  begin(bench, "ch2", "charge");
  bench.service().stop_all({.name = "Ada"}, "fire drill");
  bench.advance(3s);
  for (const char* const channel : {"ch1", "ch2"}) {
    EXPECT_FALSE(bench.output_is_on(channel));
    EXPECT_EQ(bench.status(channel).condition, ChannelCondition::stopped);
  }
  begin(bench, "ch1", "charge");
  bench.close();
}

// ---- processes that die, and two at once ----------------------------------------------------------------------------

TEST_F(Service, after_a_crash_each_run_goes_on_and_what_a_person_had_paused_waits_for_a_person) {
  ServiceHarness bench(both());
  bench.open();
  begin(bench, "ch1", "two");
  begin(bench, "ch2", "two");
  const std::int64_t first = bench.status("ch1").run, second = bench.status("ch2").run;
  bench.advance(10s);
  ASSERT_TRUE(bench.service().pause(bench.order("ch2")));
  LimitOrder tight{.channel = "ch1", .fencing_token = bench.status("ch1").fencing_token, .who = {.name = "Ada"}};
  tight.limits = {{"cell_temperature_max_degC", 41}};
  ASSERT_TRUE(bench.service().set_limits(tight));
  bench.advance(5s);
  const std::uint64_t token = bench.status("ch1").fencing_token;
  bench.kill();
  bench.advance(20s);  // the watchdogs fire
  EXPECT_FALSE(bench.output_is_on("ch1"));
  bench.open(InterruptionRule::resume);
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch2").condition == ChannelCondition::paused; }));
  bench.advance(5s);
  EXPECT_EQ(bench.status("ch1").run, first);
  EXPECT_GT(bench.truth("ch1").current_A, 2.0);
  EXPECT_EQ(bench.status("ch1").limits.at("cell_temperature_max_degC"), 41) << "a tightened limit outlives the process";
  EXPECT_EQ(bench.status("ch2").run, second);
  bench.advance(120s);
  EXPECT_FALSE(bench.output_is_on("ch2")) << "nobody asked it to go on";
  EXPECT_EQ(bench.service().pause({.channel = "ch1", .fencing_token = token, .who = {.name = "Ada"}}).error().fault,
            ControlFault::fenced);
  EXPECT_EQ(status_in_record(bench, first), "completed");
  ASSERT_TRUE(bench.service().resume(bench.order("ch2")));
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch2").condition == ChannelCondition::finished; }));
  const std::vector<db::StepInfo> steps = bench.record().steps(second).value();
  double charged_Ah = 0;
  for (const db::StepInfo& step : steps) charged_Ah += step.end ? step.end->charge_Ah : 0;
  EXPECT_GT(charged_Ah, 0.03);
  bench.close();
}

TEST_F(Service, a_second_service_of_the_same_bench_is_refused) {
  const std::string directory = temporary_folder();
  ServiceHarnessOptions options = both();
  options.lease_directory = directory;
  const Result<Lease> of_another = Lease::take(directory, "192.0.2.10:502");
  ASSERT_TRUE(of_another);
  ServiceHarness bench(options);
  bench.open();
  EXPECT_THAT(bench.refusal(), HasSubstr("192.0.2.10:502 is already controlled by process"));
  bench.kill();
}

TEST_F(Service, an_end_in_the_middle_of_a_start_leaves_nothing_on) {
  for (Duration after = 0s; after < 3s; after += 100ms) {
    SCOPED_TRACE(to_seconds(after));
    ServiceHarness bench(both());
    bench.open();
    bool is_answered = false;
    StartOrder order{
        .channel = "ch1", .fencing_token = bench.status("ch1").fencing_token, .who = {.name = "Ada"}, .profile = "charge"};
    bench.service().start(order, [&](const ControlResult<Started>&) { is_answered = true; });
    bench.advance(after);
    bench.close();
    EXPECT_TRUE(is_answered);
    EXPECT_FALSE(bench.output_is_on("ch1"));
    bench.advance(10s);
    EXPECT_FALSE(bench.output_is_on("ch1"));
  }
}

}  // namespace
}  // namespace cellrig::test
