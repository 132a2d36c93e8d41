// A bench that is held for clients, and a channel on it without a run: its output, its heat, and what a later run must know of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "controller/cli/serve/serve_prepare.hpp"
#include "tests/scenario/service_fixture.hpp"
#include "tests/support/bench_harness.hpp"
#include "tests/support/service_harness.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const std::string idle_warm =
    "profile: Warm\nformat: 1\nrecord: {every_s: 1}\nsteps:\n  - rest: {for_min: 60, temperature_degC: 35}\n";

class IdleChannel : public testing::Test {
 protected:
  static ServiceHarnessOptions options() {
    return {.bench = oven_for_two(", setpoint_max_degC: 60"), .profiles = {{"charge", half_rate_charge}, {"warm", idle_warm}}};
  }
  static void expect_started(ServiceHarness& bench, const std::string& channel, const std::string& profile) {
    const ControlResult<Started> started = bench.start(channel, profile);
    ASSERT_TRUE(started) << started.error().message;
    bench.advance(5s);
  }
  static bool is_on(ServiceHarness& bench, const std::string& output) { return bench.bench().output(output)->is_on; }
  static std::vector<AlarmStatus> open_alarms(ServiceHarness& bench) {
    std::vector<AlarmStatus> open;
    for (const AlarmStatus& alarm : bench.service().alarms()) {
      if (alarm.acknowledged_by.empty()) open.push_back(alarm);
    }
    return open;
  }
  static void acknowledge_all(ServiceHarness& bench, const std::string& channel) {
    for (const AlarmStatus& alarm : open_alarms(bench)) {
      if (alarm.channel != channel) continue;
      EXPECT_TRUE(bench.service().acknowledge(alarm.id, {.name = "Ada"}, "looked at it"));
    }
  }
  static int count_open(ServiceHarness& bench, const std::string& channel, const std::string& part) {
    const std::vector<AlarmStatus> open = open_alarms(bench);
    return static_cast<int>(std::count_if(open.begin(), open.end(), [&](const AlarmStatus& alarm) {
      return alarm.channel == channel && alarm.text.find(part) != std::string::npos;
    }));
  }
};

// ---- heat -----------------------------------------------------------------------------------------------------------

// Nobody has started anything on ch1 since the service began: its cell stands in the chamber all the same.
TEST_F(IdleChannel, whose_cell_gets_hot_without_any_run_makes_the_chamber_and_its_neighbour_safe) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch2", "warm");
  ASSERT_TRUE(bench.advance_until([&] { return bench.bench().world().chamber(0).is_running(); }));
  bench.fault("thermocouple_stuck ch1 temperature_degC=75");
  bench.advance(2s);
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running()) << "heater off";
  bench.advance(3s);
  EXPECT_TRUE(is_on(bench, "exhaust oven"));
  EXPECT_TRUE(is_on(bench, "siren"));
  EXPECT_EQ(bench.status("ch2").condition, ChannelCondition::tripped);
  EXPECT_EQ(count_open(bench, "ch1", "cell too hot"), 1) << "once";
  EXPECT_EQ(bench.start("ch1", "charge").error().fault, ControlFault::refused);
  EXPECT_TRUE(bench.service().any_tripped());

  // Who acknowledges while it is still hot is told again; and the neighbour's trip alone releases nothing.
  acknowledge_all(bench, "ch1");
  bench.advance(3s);
  EXPECT_EQ(count_open(bench, "ch1", "cell too hot"), 1);
  bench.fault("thermocouple_stuck ch1 on=false");
  bench.advance(5s);
  acknowledge_all(bench, "ch2");
  bench.advance(5s);
  EXPECT_TRUE(is_on(bench, "exhaust oven")) << "the trip of ch1 still stands";
  EXPECT_TRUE(is_on(bench, "siren"));
  acknowledge_all(bench, "ch1");
  bench.advance(5s);
  EXPECT_EQ(count_open(bench, "ch1", "cell too hot"), 0);
  EXPECT_FALSE(is_on(bench, "exhaust oven"));
  EXPECT_FALSE(is_on(bench, "siren"));
  expect_started(bench, "ch1", "charge");
  bench.close();
}

TEST_F(IdleChannel, whose_cell_warms_a_kelvin_a_second_is_told_before_it_is_hot) {
  ServiceHarness bench(options());
  bench.open();
  for (int s = 0; s < 10; ++s) {
    bench.fault("thermocouple_stuck ch1 temperature_degC=" + std::to_string(25 + 2 * s));
    bench.advance(1s);
  }
  EXPECT_EQ(count_open(bench, "ch1", "cell heats too fast"), 1);
  bench.advance(3s);
  EXPECT_TRUE(is_on(bench, "exhaust oven"));
  bench.close();
}

TEST_F(IdleChannel, beside_whose_cell_there_is_gas_is_told_after_the_time_that_the_bench_gives_it) {
  ServiceHarnessOptions smelled = options();
  const auto insert = [&smelled](const std::string& before, const std::string& text) {
    smelled.bench.insert(smelled.bench.find(before), text);
  };
  insert("siren:", "  sniffer: {model: gas-jxbs-3001-co, modbus: \"192.0.2.19:502\"}\n");
  insert(", chamber: oven}\n  ch2", ", gas: {logger: sniffer, input: 0}, limits: {gas_max_ppm: 50, gas_for_s: 2}");
  ServiceHarness bench(smelled);
  bench.open();
  bench.advance(5s);
  bench.fault("venting ch1 gas_ppm=200 pressure_MPa=0 rise_K=0 over_s=0.1");
  bench.advance(1900ms);
  EXPECT_EQ(count_open(bench, "ch1", "gas beside the cell"), 0);
  bench.advance(4s);
  EXPECT_EQ(count_open(bench, "ch1", "gas beside the cell"), 1);
  EXPECT_TRUE(is_on(bench, "siren"));
  bench.close();
}

// A start that was refused has taken the last run's watch with it.
TEST_F(IdleChannel, whose_last_start_was_refused_is_watched_again) {
  ServiceHarness bench(options());
  bench.open();
  bench.fault("identity psb1 text=SOMEBODY");
  ASSERT_FALSE(bench.start("ch1", "charge"));
  bench.fault("identity psb1 on=false");
  bench.fault("thermocouple_stuck ch1 temperature_degC=75");
  bench.advance(5s);
  EXPECT_EQ(count_open(bench, "ch1", "cell too hot"), 1);
  bench.close();
}

// Once acknowledged is not for ever: the same cell may run away later, while its run of yesterday is still shown.
TEST_F(IdleChannel, whose_cell_gets_hot_again_after_a_person_has_looked_is_told_again_and_by_its_cells_own_limit) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch1", "charge");
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, ""));
  bench.advance(10s);
  const std::int64_t run = bench.status("ch1").run;
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    bench.fault("thermocouple_stuck ch1 temperature_degC=65");  // above the cell's own limit, below the bench's
    bench.advance(5s);
    EXPECT_EQ(count_open(bench, "ch1", "cell too hot"), 1);
    EXPECT_EQ(bench.start("ch1", "charge").error().fault, ControlFault::refused);
    bench.fault("thermocouple_stuck ch1 on=false");
    bench.advance(5s);
    acknowledge_all(bench, "ch1");
    bench.advance(5s);
  }
  const std::vector<std::string> kinds = bench.event_kinds(run);
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "heat after the end"), 2);
  EXPECT_TRUE(bench.record().is_last_trip_acknowledged(run).value());
  bench.close();
}

// Nobody has looked, and the process ends: whoever begins the next one must look.
TEST_F(IdleChannel, whose_cell_was_hot_without_a_run_waits_for_a_person_in_the_next_process_too) {
  ServiceHarness bench(options());
  bench.open();
  bench.fault("thermocouple_stuck ch1 temperature_degC=75");
  bench.advance(5s);
  bench.fault("thermocouple_stuck ch1 on=false");
  bench.advance(5s);
  bench.kill();
  bench.open(std::nullopt, cli::open_trips(bench.record(), bench.config()));
  EXPECT_EQ(count_open(bench, "ch1", "cell too hot"), 1);
  EXPECT_EQ(bench.start("ch1", "charge").error().fault, ControlFault::refused);
  acknowledge_all(bench, "ch1");
  EXPECT_TRUE(cli::open_trips(bench.record(), bench.config()).empty());
  expect_started(bench, "ch1", "charge");
  bench.close();
}

TEST_F(IdleChannel, whose_cell_gets_hot_while_a_start_is_prepared_is_remembered_without_the_run_before) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch1", "charge");
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, ""));
  bench.advance(10s);
  bench.fault("extra_latency psb1 delay_ms=300");
  StartOrder order{.channel = "ch1", .who = {.name = "Ada", .origin = "test"}, .profile = "charge"};
  order.fencing_token = bench.status("ch1").fencing_token;
  std::optional<ControlResult<Started>> answer;
  bench.service().start(order, [&answer](ControlResult<Started> reply) { answer = std::move(reply); });
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch1").condition == ChannelCondition::starting; }));
  bench.fault("thermocouple_stuck ch1 temperature_degC=75");
  ASSERT_TRUE(bench.advance_until([&] { return answer.has_value(); }));
  ASSERT_FALSE(*answer);
  EXPECT_TRUE(bench.record().unacknowledged_heat("ch1").value());
  for (const AlarmStatus& alarm : open_alarms(bench)) {
    const bool is_heat = alarm.channel == "ch1" && alarm.severity == AlarmSeverity::trip;
    EXPECT_TRUE(!is_heat || alarm.run == 0) << alarm.text;
  }
  bench.fault("thermocouple_stuck ch1 on=false");
  bench.fault("extra_latency psb1 on=false");
  bench.advance(5s);
  acknowledge_all(bench, "ch1");
  EXPECT_FALSE(bench.record().unacknowledged_heat("ch1").value());
  bench.close();
}

// A person takes the sensor from one cell and puts it on a warm one: it warms, and no cell does.
TEST_F(IdleChannel, whose_sensor_is_put_on_another_cell_trips_nobody_and_its_heat_still_does) {
  ServiceHarness bench(options());
  bench.open();
  bench.advance(5s);
  bench.fault("thermocouple_open ch1");
  bench.advance(15s);
  bench.fault("thermocouple_open ch1 on=false");
  for (const int degC : {30, 34, 38, 41, 43, 44, 45}) {
    bench.fault("thermocouple_stuck ch1 temperature_degC=" + std::to_string(degC));
    bench.advance(1s);
  }
  bench.advance(30s);
  EXPECT_EQ(count_open(bench, "ch1", "cell heats too fast"), 0);
  for (const int degC : {48, 51, 54, 57, 60, 63}) {
    bench.fault("thermocouple_stuck ch1 temperature_degC=" + std::to_string(degC));
    bench.advance(1s);
  }
  EXPECT_EQ(count_open(bench, "ch1", "cell heats too fast"), 1) << "the sensor has settled long ago";
  bench.close();
}

// ---- its output -----------------------------------------------------------------------------------------------------

TEST_F(IdleChannel, whose_current_is_no_number_is_not_called_safe_for_ever) {
  ServiceHarness bench(options());
  bench.open();
  bench.fault("nan psb1");
  bench.advance(1s);
  EXPECT_NE(bench.status("ch1").condition, ChannelCondition::not_safe) << "one look that fails is none";
  bench.advance(10s);
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::not_safe);
  EXPECT_TRUE(is_on(bench, "siren"));
  EXPECT_EQ(bench.start("ch2", "warm").error().fault, ControlFault::refused) << "the chamber does not move over it";
  bench.fault("nan psb1 on=false");
  bench.advance(5s);
  EXPECT_NE(bench.status("ch1").condition, ChannelCondition::not_safe);
  bench.close();
  EXPECT_FALSE(bench.service().any_not_safe());
}

TEST_F(IdleChannel, that_does_not_answer_any_more_is_told_of_once_as_a_warning_and_blocks_nobody) {
  ServiceHarness bench(options());
  bench.open();
  bench.advance(5s);
  bench.fault("refuse psb1 for_s=600");
  bench.advance(50s);
  EXPECT_EQ(count_open(bench, "ch1", "does not answer any more"), 0);
  bench.advance(300s);
  EXPECT_EQ(count_open(bench, "ch1", "does not answer any more"), 1);
  expect_started(bench, "ch2", "warm");
  bench.close();
}

// The accounts file of a service says nothing of a cell: people are told, once, and the bench works on.
TEST_F(IdleChannel, is_not_kept_from_a_start_by_what_the_service_warns_of) {
  ServiceHarness bench(options());
  bench.open();
  for (int i = 0; i < 3; ++i) bench.service().warn("the accounts stay as they were", "Mend the file.");
  const std::vector<AlarmStatus> open = open_alarms(bench);
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].severity, AlarmSeverity::warning);
  EXPECT_EQ(open[0].what_to_do, "Mend the file.");
  EXPECT_GT(open[0].id, std::uint64_t{1} << 20) << "no number of a process before";
  expect_started(bench, "ch2", "warm");
  bench.close();
}

// What flowed into the cell behind everybody's back is in no row: the overcharge guard of the run that goes on must know of it.
TEST_F(IdleChannel, whose_output_was_found_on_adds_that_charge_to_the_guard_of_the_run_that_goes_on) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch1", "charge");
  bench.advance(10s);
  const std::int64_t run = bench.status("ch1").run;
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, ""));
  bench.advance(10s);
  bench.fault("ignore_off psb1");
  bench.fault("output_on ch1 current_A=2 voltage_V=4.2");
  const double before_soc = bench.truth("ch1").soc;
  bench.advance(180s);
  bench.fault("ignore_off psb1 on=false");
  bench.advance(70s);
  ASSERT_FALSE(bench.output_is_on("ch1"));
  const double went_in_Ah = (bench.truth("ch1").soc - before_soc) * 4.978;
  ASSERT_GT(went_in_Ah, 0.09);
  const Interrupted left = find_interrupted(bench.record(), run).value();
  EXPECT_GE(left.charge_after_end.value(), went_in_Ah * 0.98);
  EXPECT_LE(left.charge_after_end.value(), went_in_Ah * 1.2 + 0.005) << "a bound, and not a wild one";
  // Who closes it says in its record that this was counted: then it was, also for whoever opens it again.
  ASSERT_TRUE(bench.go_on("ch1", InterruptionRule::stop));
  const Interrupted closed = find_interrupted(bench.record(), run).value();
  EXPECT_EQ(closed.charge_after_end, AmpHours{});
  EXPECT_GE(closed.point.guard.net_Ah - left.point.guard.net_Ah, left.charge_after_end.value());
  bench.close();
}

// Reading a long record takes its time, and the channel is looked at until it is held.
TEST_F(IdleChannel, whose_output_was_on_while_its_record_was_read_adds_that_charge_to_the_run_that_goes_on) {
  ServiceHarness* reads = nullptr;
  ServiceHarnessOptions slow = options();
  slow.aside = [&reads](std::function<void()> work) -> Task<void> {
    work();
    if (reads == nullptr) co_return;
    ServiceHarness& service = *std::exchange(reads, nullptr);  // the record of the run is read once, then other things
    service.fault("ignore_off psb1");
    service.fault("output_on ch1 current_A=2 voltage_V=4.2");
    co_await service.time().sleep_for(30s);
    service.fault("ignore_off psb1 on=false");
    co_await service.time().sleep_for(5s);
  };
  ServiceHarness bench(slow);
  bench.open();
  expect_started(bench, "ch1", "charge");
  bench.advance(10s);
  const std::int64_t run = bench.status("ch1").run;
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, ""));
  bench.advance(10s);
  reads = &bench;
  const ControlResult<Started> went_on = bench.go_on("ch1", InterruptionRule::resume);
  ASSERT_TRUE(went_on) << went_on.error().message;
  double told_Ah = 0, counted_Ah = 0;
  for (const db::EventRow& event : bench.record().events(run).value()) {
    if (event.kind == "on again after the end") told_Ah += event.value.value_or(0.0);
    if (event.kind == "deviation") counted_Ah = event.value.value_or(0.0);
  }
  EXPECT_GT(told_Ah, 2.0 * 29 / 3600);
  EXPECT_GE(counted_Ah, told_Ah);
  EXPECT_LE(counted_Ah, 1.1 * told_Ah + 0.005);
  bench.close();
}

// The first look that gets through to a cycler that was silent sees it off, by its own protection: that does not say since when.
TEST_F(IdleChannel, whose_output_was_on_while_its_link_was_dead_is_charged_for_all_that_time) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch1", "charge");
  const std::int64_t run = bench.status("ch1").run;
  ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, ""));
  bench.advance(10s);
  const double before_soc = bench.truth("ch1").soc;
  bench.fault("ignore_off psb1");
  bench.fault("output_on ch1 current_A=2 voltage_V=4.2");
  bench.advance(3s);
  bench.fault("refuse psb1 for_s=300");
  bench.advance(295s);
  ASSERT_TRUE(bench.output_is_on("ch1"));
  bench.fault("trip psb1 cause=over_voltage");
  bench.advance(75s);
  ASSERT_FALSE(bench.output_is_on("ch1"));
  const double went_in_Ah = (bench.truth("ch1").soc - before_soc) * 4.978;
  ASSERT_GT(went_in_Ah, 0.15);
  const Interrupted left = find_interrupted(bench.record(), run).value();
  EXPECT_GE(left.charge_after_end.value(), went_in_Ah * 0.98);
  EXPECT_LE(left.charge_after_end.value(), went_in_Ah * 1.2 + 0.005);
  bench.close();
}

// The last word to an output that nobody could confirm off is another OFF.
TEST_F(IdleChannel, that_was_never_confirmed_off_gets_a_last_off_when_the_service_ends) {
  ServiceHarness bench(options());
  bench.open();
  bench.fault("ignore_off psb1");
  bench.fault("output_on ch1 current_A=1 voltage_V=4.2");
  bench.advance(5s);
  bench.fault("refuse psb1 for_s=3");  // now it is silent: from here on it is only told, once a minute
  bench.advance(10s);
  ASSERT_TRUE(bench.output_is_on("ch1"));
  ASSERT_EQ(bench.status("ch1").condition, ChannelCondition::not_safe);
  bench.fault("ignore_off psb1 on=false");
  bench.close();
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_FALSE(bench.service().any_not_safe());
}

// The record may lie on a slow disk, and a bench that could not settle its outputs at first tries again beside channels that run.
TEST_F(IdleChannel, has_the_record_of_its_alarm_outputs_read_beside_the_control_thread) {
  bool is_aside = false;
  int asked = 0, asked_on_the_control_thread = 0;
  ServiceHarnessOptions watched = options();
  watched.remember_alarms = [&](const AlarmWire&) -> Result<AlarmMemory> {
    ++asked;
    asked_on_the_control_thread += is_aside ? 0 : 1;
    return AlarmMemory{};
  };
  watched.aside = [&is_aside](std::function<void()> work) -> Task<void> {
    is_aside = true;
    work();
    is_aside = false;
    co_return;
  };
  ServiceHarness bench(watched);
  bench.open();
  EXPECT_EQ(asked, 2) << "exhaust and siren";
  EXPECT_EQ(asked_on_the_control_thread, 0);
  bench.close();
}

TEST_F(IdleChannel, is_switched_off_by_a_stop_that_comes_while_its_latched_protection_is_cleared) {
  for (Duration after = 0ms; after <= 400ms; after += 20ms) {  // an exchange takes 60 ms
    SCOPED_TRACE(to_seconds(after));
    ServiceHarness bench(options());
    bench.open();
    expect_started(bench, "ch1", "charge");
    bench.fault("trip psb1 cause=over_voltage");
    ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch1").condition == ChannelCondition::tripped; }));
    bench.advance(3s);
    bench.fault("extra_latency psb1 delay_ms=60");
    acknowledge_all(bench, "ch1");
    if (after > Duration::zero()) bench.advance(after);
    ASSERT_TRUE(bench.service().stop_channel("ch1", {.name = "Ada"}, "leave it"));
    bench.fault("output_on ch1 current_A=1 voltage_V=4.2");
    bench.fault("extra_latency psb1 on=false");
    bench.advance(5s);
    EXPECT_FALSE(bench.output_is_on("ch1"));
    EXPECT_NE(bench.status("ch1").condition, ChannelCondition::not_safe);
    acknowledge_all(bench, "ch1");  // where the output that came on kept it latched, that is an alarm of its own
    bench.advance(5s);
    expect_started(bench, "ch1", "charge");
    bench.close();
  }
}

// ---- runs of an earlier process ---------------------------------------------------------------------------------------

TEST_F(IdleChannel, whose_adopted_run_is_refused_says_why_and_stays_off) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch1", "charge");
  bench.advance(10s);
  const std::int64_t run = bench.status("ch1").run;
  bench.kill();
  bench.advance(20s);
  bench.fault("identity psb1 text=SOMEBODY");
  bench.open(InterruptionRule::resume);
  bench.advance(30s);
  EXPECT_EQ(bench.status("ch1").run, run);
  EXPECT_EQ(bench.status("ch1").condition, ChannelCondition::failed);
  EXPECT_THAT(bench.messages(), Contains(HasSubstr("was interrupted and does not go on by itself")));
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_FALSE(bench.record().run(run).value().end) << "it can be gone on with by somebody who has looked";
  bench.fault("identity psb1 on=false");
  expect_started(bench, "ch2", "charge");
  bench.close();
}

// What a restarted service goes on with stays what it was: the record says of each start whether it was simulated.
TEST_F(IdleChannel, whose_adopted_run_goes_on_says_in_the_audit_trail_whether_it_is_simulated) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch1", "charge");
  bench.advance(10s);
  const std::int64_t run = bench.status("ch1").run;
  bench.kill();
  bench.advance(20s);
  bench.open(InterruptionRule::resume);
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch1").condition == ChannelCondition::running; }));
  const std::vector<db::AuditRow> audit = bench.record().audit().value();
  const auto gone_on = std::find_if(audit.rbegin(), audit.rend(), [](const auto& row) { return row.action == "run goes on"; });
  ASSERT_NE(gone_on, audit.rend());
  EXPECT_EQ(gone_on->run, run);
  EXPECT_THAT(gone_on->detail, HasSubstr("\"simulated\":"));
  bench.close();
}

// For how long nobody saw what a dead run's output did is counted from its last row, however often somebody looked afterwards.
TEST_F(IdleChannel, whose_output_is_on_again_after_its_process_has_died_was_seen_last_before_that) {
  ServiceHarness bench(options());
  bench.open();
  expect_started(bench, "ch1", "charge");
  bench.advance(10s);
  const std::int64_t run = bench.status("ch1").run;
  bench.kill();
  const UtcTime died = bench.time().utc_now();
  bench.advance(600s);
  bench.fault("identity psb1 text=SOMEBODY");
  bench.open(InterruptionRule::resume);
  bench.advance(60s);
  bench.fault("output_on ch1 current_A=1 voltage_V=4.2");
  bench.advance(10s);
  const std::vector<std::string> kinds = bench.event_kinds(run);
  ASSERT_THAT(kinds, Contains("on again after the end"));
  const Interrupted left = find_interrupted(bench.record(), run).value();
  EXPECT_LE(left.last_seen, died);
  EXPECT_GT(left.charge_after_end, AmpHours{});
  bench.close();
}

}  // namespace
}  // namespace cellrig::test
