// Channels that want different temperatures of one chamber take turns: what runs when, at what temperature, and what the record says of it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr double flows_A = 0.5;

/// A step of half the 1C current, of so many seconds, at a temperature.
std::string step_at(const std::string& kind, double degC, int seconds) {
  return fmt::format(
      "  - {0}: {{name: {0} at {1:g}, rate_C: 0.5, until: step_time_s >= {2}, at_most_h: 2, temperature_degC: {1:g}}}\n", kind,
      degC, seconds);
}
std::string charge_at(double degC, int seconds) { return step_at("cc_charge", degC, seconds); }
std::string discharge_at(double degC, int seconds) { return step_at("cc_discharge", degC, seconds); }
std::string profile_with(const std::string& steps) { return "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n" + steps; }

/// Three channels of one make in one chamber. more_chamber: further keys of the chamber; more_channel: of every channel.
std::string three_in_an_oven(const std::string& more_chamber = "", const std::string& more_channel = "") {
  std::string text =
      "bench: b\ninstruments:\n  f4t: {model: watlow-f4t, modbus: \"192.0.2.2:502\"}\n"
      "  adam: {model: adam-6018, modbus: \"192.0.2.3:502\"}\n";
  std::string channels, cells;
  for (int i = 1; i <= 3; ++i) {
    text += fmt::format("  psb{0}: {{model: ea-psb-10060-60, modbus: \"192.0.2.1{0}:502\", scpi: \"192.0.2.1{0}:5025\"}}\n", i);
    channels += fmt::format("  ch{0}: {{cycler: psb{0}, cell_temperature: {{logger: adam, input: {0}}}, chamber: oven{1}}}\n", i,
                            more_channel);
    cells += fmt::format("    ch{}: {{file: lg-m50, soc_pct: 50}}\n", i);
  }
  return text + "chambers:\n  oven: {instrument: f4t" + more_chamber + "}\nchannels:\n" + channels + "simulation:\n  cells:\n" +
         cells + "  room_temperature_degC: 25\n";
}

HarnessOptions sharing(std::map<std::string, std::string> profiles, const std::string& bench = three_in_an_oven()) {
  return {.bench = bench, .profiles = std::move(profiles)};
}

/// What the chamber was set to while current flowed, by channel and direction: looked at in the world, every second.
class SetpointWatch {
 public:
  SetpointWatch(BenchHarness& bench, std::vector<std::string> channels, Duration from, Duration until) {
    for (Duration at = from; at < until; at += 1s) {
      bench.at(at, [this, &bench, channels, at] {
        const double setpoint = temperature_register(bench, setpoint_register);
        for (const std::string& channel : channels) {
          const double current_A = bench.truth(channel).current_A;
          if (current_A > flows_A) charged_at[channel].insert(setpoint);
          if (current_A > flows_A) charges[channel].emplace_back(at, setpoint);
          if (current_A < -flows_A) discharged_at[channel].insert(setpoint);
        }
      });
    }
  }
  std::map<std::string, std::set<double>> charged_at, discharged_at;
  std::map<std::string, std::vector<std::pair<Duration, double>>> charges;
};

/// First and last row of a step of this name, in seconds since the channel's start.
struct RowSpan {
  double first_s = 0, last_s = -1;
};
RowSpan rows_of(BenchHarness& bench, const std::string& channel, const std::string& step_name) {
  std::set<db::StepKey> keys;
  for (const db::StepInfo& step : bench.record().steps(run_of(bench, channel).run).value()) {
    if (step.row.name == step_name) keys.insert(step.row.step);
  }
  RowSpan span;
  for (const db::SampleRow& row : samples_of(bench, channel)) {
    if (!keys.contains(row.step) || (row.flags & db::sample_flag::waiting) != 0) continue;
    const double at_s = static_cast<double>(row.test_time_ns) / 1e9;
    if (span.last_s < 0) span.first_s = at_s;
    span.last_s = at_s;
  }
  EXPECT_GE(span.last_s, 0) << channel << " has no row of " << step_name;
  return span;
}

std::vector<std::string> chamber_events(BenchHarness& bench, const std::string& channel) {
  std::vector<std::string> found;
  for (const db::EventRow& event : events_of(bench, channel)) {
    if (event.kind == "chamber") found.push_back(event.message);
  }
  return found;
}

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(SharedChamber, two_channels_take_turns_and_meet_at_the_barrier) {
  BenchHarness bench(sharing({{"ch1", profile_with(charge_at(25, 120) + discharge_at(35, 120))},
                              {"ch2", profile_with(charge_at(35, 60) + discharge_at(25, 60))}}));
  SetpointWatch watch(bench, {"ch1", "ch2"}, 1s, 10min);
  bench.run();
  for (const std::string channel : {"ch1", "ch2"}) expect_ended(bench, channel, Outcome::completed, "");
  EXPECT_THAT(watch.charged_at["ch1"], ElementsAre(25));
  EXPECT_THAT(watch.discharged_at["ch1"], ElementsAre(35));
  EXPECT_THAT(watch.charged_at["ch2"], ElementsAre(35));
  EXPECT_THAT(watch.discharged_at["ch2"], ElementsAre(25));
  const RowSpan first = rows_of(bench, "ch1", "cc_charge at 25"), together = rows_of(bench, "ch1", "cc_discharge at 35");
  const RowSpan with_it = rows_of(bench, "ch2", "cc_charge at 35"), last = rows_of(bench, "ch2", "cc_discharge at 25");
  EXPECT_GT(with_it.first_s, first.last_s - 2) << "ch2 waited until ch1 had done with 25 degC";
  EXPECT_NEAR(with_it.first_s, together.first_s, 3) << "they go to 35 degC together";
  EXPECT_GT(last.first_s, together.last_s - 2) << "and ch2 waits for ch1 again";
  EXPECT_THAT(chamber_events(bench, "ch1"), IsEmpty());
  EXPECT_THAT(chamber_events(bench, "ch2"),
              ElementsAre("waits for chamber 'oven' at 35 degC: ch1 comes first with 25 degC",
                          StartsWith("chamber 'oven' is set to 35 degC for it, after it waited for 0.0"),
                          "waits for chamber 'oven' at 25 degC: ch1 holds 35 degC",
                          StartsWith("chamber 'oven' is set to 25 degC for it, after it waited for 0.0")));
  EXPECT_TRUE(bench.said("they take turns"));
  EXPECT_TRUE(bench.said("waits for chamber 'oven' at 25 degC: ch1 holds 35 degC")) << "a technician sees it";
}

// Its clock and its counters stand still; the cell does not.
TEST(SharedChamber, a_channel_that_waits_keeps_rows_at_its_interval_that_say_so) {
  BenchHarness bench(sharing({{"ch1", "profile: P\nformat: 1\nsteps:\n" + charge_at(25, 1200)},
                              {"ch2", "profile: P\nformat: 1\nrecord: {every_s: 60}\nsteps:\n" + charge_at(35, 600)}}));
  bench.run();
  const db::StepInfo step = bench.record().steps(run_of(bench, "ch2").run).value().back();
  std::vector<db::SampleRow> waiting, running;
  for (const db::SampleRow& row : samples_of(bench, "ch2"))
    ((row.flags & db::sample_flag::waiting) != 0 ? waiting : running).push_back(row);
  ASSERT_NEAR(static_cast<double>(waiting.size()), 20.0, 2.0) << "a row each minute of twenty";
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    EXPECT_EQ(waiting[i].step, step.row.step);
    EXPECT_LT(std::abs(waiting[i].current_A), 0.1);
    EXPECT_EQ(waiting[i].charge_Ah, 0.0);
    EXPECT_EQ(waiting[i].flags & (db::sample_flag::output_on | db::sample_flag::first_of_step), 0U);
    EXPECT_NE(waiting[i].flags & db::sample_flag::after_gap, 0U);
    const std::int64_t before_ns = i > 0 ? waiting[i - 1].test_time_ns : waiting[i].test_time_ns - 60'000'000'000;
    EXPECT_NEAR(1e-9 * static_cast<double>(waiting[i].test_time_ns - before_ns), 60.0, 1.5);
  }
  ASSERT_FALSE(running.empty());
  EXPECT_NE(running.front().flags & db::sample_flag::first_of_step, 0U);
  double waited_s = 0;
  for (const db::StepMetricRow& row : bench.record().step_metrics(run_of(bench, "ch2").run).value()) {
    if (row.metric.figure == db::Figure::waited_s) waited_s = row.metric.value;
  }
  EXPECT_NEAR(waited_s, 1e-9 * static_cast<double>(running.front().test_time_ns - step.row.started_test_time_ns), 0.1);
  EXPECT_GT(waited_s, 1100.0);
}

TEST(SharedChamber, of_three_channels_each_gets_its_turn_in_the_order_of_waiting) {
  BenchHarness bench(sharing({{"ch1", profile_with(charge_at(25, 120) + charge_at(40, 90))},
                              {"ch2", profile_with(discharge_at(40, 60) + discharge_at(15, 60))},
                              {"ch3", profile_with(discharge_at(15, 90) + charge_at(25, 60))}}));
  SetpointWatch watch(bench, {"ch1", "ch2", "ch3"}, 1s, 15min);
  bench.run();
  for (const std::string channel : {"ch1", "ch2", "ch3"}) expect_ended(bench, channel, Outcome::completed, "");
  EXPECT_THAT(watch.charged_at["ch1"], ElementsAre(25, 40));
  EXPECT_THAT(watch.discharged_at["ch2"], ElementsAre(15, 40));
  EXPECT_THAT(watch.discharged_at["ch3"], ElementsAre(15));
  EXPECT_THAT(watch.charged_at["ch3"], ElementsAre(25));
  const std::vector<RowSpan> turns{rows_of(bench, "ch1", "cc_charge at 25"), rows_of(bench, "ch1", "cc_charge at 40"),
                                   rows_of(bench, "ch3", "cc_discharge at 15"), rows_of(bench, "ch3", "cc_charge at 25")};
  for (std::size_t i = 1; i < turns.size(); ++i) EXPECT_GT(turns[i].first_s, turns[i - 1].last_s - 3) << "turn " << i;
  EXPECT_NEAR(rows_of(bench, "ch2", "cc_discharge at 40").first_s, turns[1].first_s, 3);
  EXPECT_NEAR(rows_of(bench, "ch2", "cc_discharge at 15").first_s, turns[2].first_s, 3);
}

TEST(SharedChamber, a_channel_that_waits_is_off_and_is_watched) {
  BenchHarness bench(
      sharing({{"ch1", profile_with(charge_at(25, 600))}, {"ch2", profile_with(charge_at(25, 30) + charge_at(40, 60))}}));
  bool is_on = true;
  bench.at(200s, [&] { is_on = bench.output_is_on("ch2") || bench.truth("ch2").current_A != 0; });
  bench.at(300s, [&] { shift_thermocouple(bench, "ch2", 50.0); });
  bench.run();
  EXPECT_FALSE(is_on);
  expect_ended(bench, "ch2", Outcome::tripped, "cell too hot");
  expect_ended(bench, "ch1", Outcome::tripped, "another channel");
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
  EXPECT_LT(rows_of(bench, "ch1", "cc_charge at 25").last_s, 303);
}

// The chamber is kept, and whoever waits need not wait for a channel that is gone.
TEST(SharedChamber, a_channel_that_trips_keeps_the_chamber_running_and_holds_it_no_longer) {
  BenchHarness bench(sharing({{"ch1", profile_with(charge_at(25, 600))}, {"ch2", profile_with(charge_at(40, 60))}}));
  bench.fault_at(60s, "voltage_offset psb1 offset_V=1");
  SetpointWatch watch(bench, {"ch2"}, 1s, 5min);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "over-voltage");
  expect_ended(bench, "ch2", Outcome::completed, "");
  EXPECT_THAT(watch.charged_at["ch2"], ElementsAre(40));
  EXPECT_LT(rows_of(bench, "ch2", "cc_charge at 40").first_s, 75) << "at once";
}

// Who waits depends on the chamber like who has it.
TEST(SharedChamber, that_fails_or_runs_away_ends_who_waits_too) {
  struct Fault {
    std::string order;
    Outcome outcome;
    std::string reason;
  };
  for (const Fault& fault : {Fault{"reboot f4t", Outcome::instrument_failure, "the chamber does not run"},
                             Fault{"chamber_stuck oven temperature_degC=120", Outcome::tripped, "the chamber runs away"},
                             Fault{"drop f4t count=for_ever", Outcome::instrument_failure, "the chamber does not run"}}) {
    SCOPED_TRACE(fault.order);
    BenchHarness bench(sharing({{"ch1", profile_with(charge_at(25, 1800))}, {"ch2", profile_with(charge_at(40, 60))}}));
    bench.fault_at(60s, fault.order);
    bench.run();
    for (const std::string channel : {"ch1", "ch2"}) expect_ended(bench, channel, fault.outcome, fault.reason);
    EXPECT_EQ(bench.truth("ch2").current_max_A, 0.0);
    EXPECT_NE(temperature_register(bench, setpoint_register), 40) << "nobody was served when it had failed";
  }
}

TEST(SharedChamber, nobody_gets_a_turn_by_a_stop) {
  BenchHarness bench(sharing({{"ch1", profile_with(charge_at(25, 600))}, {"ch2", profile_with(charge_at(40, 60))}}));
  bench.at(60s, [&bench] { bench.bench_run().stop(Outcome::stopped); });
  bench.run();
  for (const std::string channel : {"ch1", "ch2"}) expect_ended(bench, channel, Outcome::stopped, "");
  EXPECT_EQ(temperature_register(bench, setpoint_register), 25);
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
}

TEST(SharedChamber, a_wait_that_takes_too_long_ends_that_run_and_no_other) {
  BenchHarness bench(sharing({{"ch1", profile_with(charge_at(25, 900))}, {"ch2", profile_with(charge_at(40, 60))}},
                             three_in_an_oven(", wait_max_h: 0.1")));
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  expect_ended(bench, "ch2", Outcome::instrument_failure,
               "waits for chamber 'oven' at 40 degC: ch1 holds 25 degC; it waited for 0.1 h, as long as it may");
  EXPECT_EQ(bench.truth("ch2").current_max_A, 0.0);
  const db::RunInfo run = run_of(bench, "ch2");
  EXPECT_NEAR(static_cast<double>(run.end->ended_test_time_ns) / 1e9, 360, 5);
}

// Current that nobody can switch off, at 40 degC instead of 25: the chamber stays where the cell was meant to be.
TEST(SharedChamber, does_not_move_while_an_output_is_not_confirmed_off) {
  BenchHarness bench(
      sharing({{"ch1", profile_with(charge_at(25, 60) + charge_at(40, 60))}, {"ch2", profile_with(charge_at(40, 60))}},
              three_in_an_oven(", wait_max_h: 0.1")));
  bench.fault_at(30s, "ignore_off psb1");
  bench.fault_at(30s, "clear_watchdog psb1");
  double flows_on_A = 0, setpoint = 0;
  bench.at(300s, [&] {
    flows_on_A = bench.truth("ch1").current_A;
    setpoint = temperature_register(bench, setpoint_register);
  });
  bench.run();
  EXPECT_GT(flows_on_A, flows_A) << "this test needs an output that stays on";
  EXPECT_EQ(setpoint, 25);
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::instrument_failure));
  EXPECT_EQ(bench.result("ch1").safe_by, SafeBy::nothing);
  expect_ended(bench, "ch2", Outcome::instrument_failure, "it waited for 0.1 h");
  EXPECT_EQ(bench.truth("ch2").current_max_A, 0.0);
}

// Its run ends there: the chamber is not sent anywhere for its next step.
TEST(SharedChamber, is_not_asked_by_a_channel_whose_cycler_does_not_confirm_off) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", profile_with(charge_at(25, 60) + charge_at(40, 60))}}});
  bench.fault_at(30s, "ignore_off psb1");
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::instrument_failure)) << bench.result("ch1").reason;
  EXPECT_TRUE(bench.said("the contactor was opened and confirmed"));
  EXPECT_EQ(temperature_register(bench, setpoint_register), 25);
}

// Hours in somebody else's heat or cold, off: no limit of a resting cell takes that for harm.
TEST(SharedChamber, a_cell_that_waits_for_hours_at_the_temperature_of_another_trips_nothing) {
  const auto soaked = [](double degC) {
    return fmt::format("  - soak: {{temperature_degC: {:g}, for_h: 1}}\n", degC) + discharge_at(degC, 600);
  };
  for (const double other_degC : {-10.0, 50.0}) {
    SCOPED_TRACE(other_degC);
    BenchHarness bench(
        sharing({{"ch1", profile_with(fmt::format("  - rest: {{for_h: 4, temperature_degC: {:g}}}\n", other_degC))},
                 {"ch2", profile_with(soaked(25) + soaked(other_degC - 3))},
                 {"ch3", profile_with(soaked(25) + soaked(20))}}));
    bench.run();
    for (const std::string channel : {"ch1", "ch2", "ch3"}) expect_ended(bench, channel, Outcome::completed, "");
    EXPECT_NEAR(rows_of(bench, "ch2", "cc_discharge at 25").first_s, 5 * 3600, 60);
  }
}

// ---- after an interruption

double unseen_Ah(BenchHarness& bench, const std::string& channel) {
  for (const db::EventRow& e : events_of(bench, channel)) {
    if (e.kind == "deviation") return std::abs(e.value.value_or(1e9));
  }
  ADD_FAILURE() << channel << " was not interrupted";
  return 0;
}

// One stands in the middle of a charge at 25 degC. The chamber must not first go to where the other was waiting to.
TEST(SharedChamber, after_an_interruption_who_held_goes_on_first_and_who_waited_waits_again) {
  BenchHarness bench(sharing({{"ch1", profile_with(charge_at(40, 60))},
                              {"ch3", profile_with(charge_at(25, 120) + charge_at(40, 60))},
                              {"ch2", profile_with(discharge_at(25, 20) + charge_at(40, 60))}}));
  // ch1 asks first, and the others wait; then those two have 25 degC, and ch2 is the first to wait for 40. It also asks first afterwards.
  ASSERT_TRUE(bench.run_until_killed({.samples = 62 + 2 * 60 + 2 * 60}));  // while ch1 has it the others keep rows, too
  const Duration again = bench.time().now().time_since_epoch() + 20s;
  SetpointWatch watch(bench, {"ch2", "ch3"}, again, again + 10min);
  bench.resume(20s, InterruptionRule::resume);
  for (const std::string channel : {"ch1", "ch3", "ch2"}) {
    if (channel == "ch1" && run_of(bench, channel).status == "completed") continue;  // before the interruption
    EXPECT_EQ(run_of(bench, channel).status, "completed") << channel;
  }
  const auto& own = watch.charges["ch3"];
  const auto& waited = watch.charges["ch2"];
  ASSERT_FALSE(own.empty() || waited.empty());
  EXPECT_EQ(own.front().second, 25);
  EXPECT_LT(own.front().first, again + 30s) << "it goes on at once";
  EXPECT_THAT(watch.charged_at["ch3"], ElementsAre(25, 40));
  EXPECT_THAT(watch.charged_at["ch2"], ElementsAre(40));
  const auto last_at_25 = std::find_if(own.rbegin(), own.rend(), [](const auto& c) { return c.second == 25; });
  EXPECT_GT(waited.front().first, last_at_25->first);
  const std::vector<std::string> told = chamber_events(bench, "ch2");
  EXPECT_EQ(std::count_if(told.begin(), told.end(), [](const std::string& e) { return e.starts_with("waits for"); }), 3)
      << "for 25 degC, for 40, and for 40 again";
  EXPECT_LT(unseen_Ah(bench, "ch2"), 1e-9) << "its output was off, and the record knows it";
  EXPECT_GT(unseen_Ah(bench, "ch3"), 1e-3) << "this test needs one that was charging";
}

// ---- cells that ask for nothing

TEST(SharedChamber, a_cell_that_asks_for_nothing_is_not_moved_about_unless_the_bench_file_says_so) {
  const std::map<std::string, std::string> profiles{{"ch1", profile_with(charge_at(25, 60) + charge_at(40, 60))},
                                                    {"ch2", profile_with("  - rest: {for_min: 5}\n")}};
  BenchHarness refused(sharing(profiles));
  refused.run();
  EXPECT_THAT(refused.result("ch2").reason,
              AllOf(HasSubstr("ch2 asks for no temperature"), HasSubstr("25, 40 degC"), HasSubstr("accept_any_temperature")));
  EXPECT_TRUE(refused.result("ch2").refused_by_rule);
  EXPECT_EQ(refused.truth("ch1").current_max_A, 0.0);
  BenchHarness accepted(sharing(profiles, three_in_an_oven("", ", accept_any_temperature: only its leads are tested")));
  accepted.run();
  for (const std::string channel : {"ch1", "ch2"}) expect_ended(accepted, channel, Outcome::completed, "");
  EXPECT_TRUE(accepted.said("accepted: only its leads are tested"));
}

}  // namespace
}  // namespace cellrig::test
