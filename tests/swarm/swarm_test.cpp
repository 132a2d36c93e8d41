// What the swarm's word is worth: the same seed is the same run, and whoever breaks a promise is found out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "controller/base/resources.hpp"
#include "profiles/cell.hpp"
#include "profiles/compile.hpp"
#include "profiles/reader.hpp"
#include "tests/support/bench_harness.hpp"
#include "tests/swarm/campaign.hpp"
#include "tests/swarm/fault_menu.hpp"
#include "tests/swarm/watched_recorder.hpp"

namespace cellrig::swarm {
namespace {

using namespace std::chrono_literals;

// ---- seeds

TEST(Swarm, the_same_seed_is_the_same_run_with_and_without_a_record) {
  std::set<std::uint64_t> traces;
  constexpr std::uint64_t seeds = 6;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Plan plan = draw_plan(seed, PlanOptions{.control_period = 1s});
    const RunReport first = run_plan(plan, Recording::counting);
    EXPECT_EQ(first.trace_hash, run_plan(plan, Recording::counting).trace_hash) << "seed " << seed;
    EXPECT_EQ(first.trace_hash, run_plan(plan, Recording::sqlite).trace_hash) << "seed " << seed << ", recorded";
    EXPECT_EQ(describe(plan), describe(draw_plan(seed, PlanOptions{.control_period = 1s})));
    traces.insert(first.trace_hash);
  }
  EXPECT_EQ(traces.size(), seeds) << "different seeds are different runs";
}

TEST(Swarm, seeds_draw_every_family_make_and_fault) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    const Plan plan = draw_plan(seed, PlanOptions{});
    seen.insert(std::string(to_string(plan.family)));
    seen.insert(std::string(to_string(plan.pace)));
    for (const ChannelPlan& channel : plan.channels) seen.insert(std::string(to_string(channel.make)));
    for (const DrawnFault& fault : plan.faults) seen.insert(fault.name);
    seen.insert(plan.chamber.empty() ? "no chamber" : plan.chamber);
    seen.insert(std::to_string(plan.channels.size()) + " channels");
    seen.insert(plan.network.empty() ? "good network" : "bad network");
  }
  for (const std::string& word : family_words()) EXPECT_TRUE(seen.contains(word)) << word;
  for (const std::string& word : pace_words()) EXPECT_TRUE(seen.contains(word)) << word;
  for (const std::string& word : make_words()) EXPECT_TRUE(seen.contains(word)) << word;
  for (const MenuEntry& entry : fault_menu()) EXPECT_TRUE(seen.contains(std::string(entry.name))) << entry.name;
  for (const char* const word : {"no chamber", "f4t", "binder", "espec", "1 channels", "2 channels", "3 channels", "4 channels",
                                 "good network", "bad network"})
    EXPECT_TRUE(seen.contains(word)) << word;
}

// Every construct of the profile language that changes current or way within a step meets faults.
TEST(Swarm, courses_are_drawn_from_the_whole_language) {
  std::string all;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const Plan plan = draw_plan(seed, PlanOptions{.family = Family::courses});
    for (const ChannelPlan& channel : plan.channels) all += channel.profile + "\n";
  }
  for (const char* const word : {"pulse_train:",
                                 "ramp_charge:",
                                 "ramp_discharge:",
                                 "voltage_ramp:",
                                 "drive_cycle:",
                                 "cp_discharge:",
                                 "cr_discharge:",
                                 "wait_for_person:",
                                 "set_pressure:",
                                 "repeat:",
                                 "cycles:",
                                 "diagnostics:",
                                 "leave_if:",
                                 "set:",
                                 "then:",
                                 "cv_time_min",
                                 "temperature_rise_K",
                                 "voltage_per_hour_V",
                                 "before_event_s",
                                 "robot-shift",
                                 "drone-flights",
                                 "hppc",
                                 "voltage-sweep",
                                 "grid-storage-8h"}) {
    EXPECT_THAT(all, testing::HasSubstr(word));
  }
}

// A run for days has more faults than one for hours, and each may be there alone or with another.
TEST(Swarm, a_long_run_meets_several_faults_and_is_measured_as_rarely_as_its_watchdog_allows) {
  std::size_t most = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Plan plan = draw_plan(seed, PlanOptions{.pace = Pace::long_work});
    most = std::max(most, plan.faults.size());
    EXPECT_LE(plan.control_period, plan.watchdog_delay / 2);
    EXPECT_GE(plan.control_period, 3s);
    EXPECT_FALSE(plan.stop_at) << "days of work go on to their end";
  }
  EXPECT_GE(most, 4u);
}

TEST(Swarm, a_person_stops_what_has_been_quiet_since_its_fault) {
  Plan plan = draw_plan(2, PlanOptions{.family = Family::cycle_life, .control_period = 1s});
  plan.faults.clear();
  plan.network.clear();
  plan.stop_at = 20min;
  const RunReport report = run_plan(plan, Recording::counting);
  EXPECT_FALSE(report.violation);
  for (const auto& [channel, outcome] : report.outcomes) EXPECT_EQ(outcome, Outcome::stopped) << channel;
  EXPECT_LT(report.channel_hours, 0.4 * static_cast<double>(plan.channels.size()));
}

TEST(Swarm, a_plan_that_is_minimised_keeps_what_breaks_it_and_nothing_else) {
  PlanOptions options{.family = Family::fast_charge, .control_period = 1s};
  Plan plan = draw_plan(1, options);
  plan.faults.clear();
  plan.network.clear();
  EXPECT_FALSE(run_plan(plan, Recording::counting).violation) << "a clean plan, to be broken by hand";
  // A fault of which the judge is told nothing: it takes it for the rig's own doing.
  sim::Random random{1};
  DrawnFault unknown = draw_fault("F24", plan, random).value();
  unknown.at = 2000s;
  unknown.takes.clear();
  unknown.orders = {"voltage_offset " + plan.channels.front().cycler + " offset_V=0.2"};
  plan.faults = {*draw_fault("F03", plan, random), unknown};
  const RunReport broken = run_plan(plan, Recording::counting);
  ASSERT_TRUE(broken.violation);
  EXPECT_EQ(broken.violation->invariant, "I0") << broken.violation->what;
  const Plan smaller = minimise(plan, *broken.violation, Recording::counting);
  ASSERT_EQ(smaller.faults.size(), 1u);
  EXPECT_EQ(smaller.faults.front().name, "F24");
}

// ---- the judge, without a rig

class JudgeTest : public testing::Test {
 protected:
  static constexpr const char* bench_text =
      "bench: b\ninstruments:\n"
      "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
      "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
      "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}}\n"
      "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n";
  static constexpr const char* profile_text =
      "profile: P\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}\n  - rest: {for_min: "
      "5}\n";

  JudgeTest() {
    plan_.control_period = 100ms;
    plan_.sensor_period = 500ms;
    plan_.watchdog_delay = 5s;
    const std::string file = test::temporary_folder() + "/bench.yaml";
    std::ofstream{file} << bench_text;
    config_ = load_bench(file);
    bench_ = sim::SimulatedBench::load(file, sim::BenchOptions{{cell_directory()}, 1});
    program_ = compile(read_profile(profile_text, "p"), read_cell_file(find_cell("lg-m50")), {});
    judge_.emplace(plan_, config_, *bench_, trace_);
    judge_->watch("ch1", program_);
  }

  sim::PowerStage& stage() { return bench_->world().stage(0); }
  void charge(TimePoint at, double current_A, double voltage_V = 4.2) {
    sim::RegulatorCommand command;
    command.on = current_A != 0;
    command.voltage_V = current_A < 0 ? 2.5 : voltage_V;
    command.source_current_max_A = std::max(current_A, 0.0);
    command.sink_current_max_A = std::max(-current_A, 0.0);
    stage().command(at, command);
  }
  /// The rig measures what is true, and says that it wants to charge.
  void measure(TimePoint at, double error_V = 0, bool wants = true, double error_A = 0) {
    ChannelState state;
    state.pc = wants ? 0 : 1;
    state.step.begun = state.step.started = TimePoint{} - 1s;
    ChannelView view{.channel = "ch1", .phase = Phase::running, .state = &state};
    const auto good = [at](double value) { return Reading{value, at, Quality::good}; };
    view.observation[Measurand::voltage] = good(stage().terminal_voltage_V() + error_V);
    view.observation[Measurand::current] = good(stage().current_A() + error_A);
    view.observation[Measurand::cell_temperature] = good(*bench_->world().cell_thermocouple(0).reading_degC());
    judge_->sample(view, at);
  }
  /// Lets time go on in steps of 10 ms, measuring every 100 ms when asked to.
  void go_on(TimePoint from, Duration duration, bool measures) {
    for (Duration passed{}; passed <= duration && !judge_->violation(); passed += 10ms) {
      bench_->advance(from + passed);
      judge_->look(from + passed);
      if (measures && passed % 100ms == 0ms) measure(from + passed);
    }
  }
  [[nodiscard]] std::string broken() const { return judge_->violation() ? judge_->violation()->invariant : "none"; }
  [[nodiscard]] std::string what() const { return judge_->violation() ? judge_->violation()->what : ""; }

  Plan plan_;
  Trace trace_;
  BenchConfig config_;
  std::unique_ptr<sim::SimulatedBench> bench_;
  Program program_;
  std::optional<Judge> judge_;
};

TEST_F(JudgeTest, a_charge_that_is_watched_is_no_violation) {
  measure(TimePoint{});
  charge(TimePoint{}, 5.0);
  go_on(TimePoint{}, 30s, true);
  EXPECT_EQ(broken(), "none") << what();
}

TEST_F(JudgeTest, current_without_fresh_readings_breaks_I1_within_the_age_limit_and_a_little) {
  measure(TimePoint{});
  charge(TimePoint{}, 5.0);
  go_on(TimePoint{}, 10s, false);
  EXPECT_EQ(broken(), "I1") << what();
  EXPECT_THAT(what(), testing::HasSubstr("no fresh voltage"));
  EXPECT_LT(judge_->violation()->at, TimePoint{1500ms});
}

TEST_F(JudgeTest, current_after_a_trip_breaks_I2_at_once) {
  measure(TimePoint{});
  judge_->message("ch1", db::Severity::trip, "over-voltage", TimePoint{});
  go_on(TimePoint{}, 1s, true);
  EXPECT_EQ(broken(), "none") << what();
  charge(TimePoint{1s}, 5.0);
  judge_->look(TimePoint{1s});
  EXPECT_EQ(broken(), "I2") << what();
}

TEST_F(JudgeTest, an_output_that_goes_on_after_the_end_breaks_I2_also_without_current) {
  judge_->ended("ch1", "completed", TimePoint{});
  judge_->look(TimePoint{});
  charge(TimePoint{1s}, 0.01);
  judge_->look(TimePoint{1s});
  EXPECT_EQ(broken(), "I2") << what();
}

TEST_F(JudgeTest, a_wrong_value_breaks_I0) {
  measure(TimePoint{});
  charge(TimePoint{}, 5.0);
  go_on(TimePoint{}, 5s, true);
  measure(TimePoint{5s}, 0.05);
  EXPECT_EQ(broken(), "I0") << what();
}

TEST_F(JudgeTest, a_cell_beyond_its_voltage_breaks_I5) {
  measure(TimePoint{});
  charge(TimePoint{}, 5.0);
  stage().cell().set_health(1.0, 20.0);  // a resistance that lifts 5 A over the limit
  charge(TimePoint{}, 5.0, 4.6);
  go_on(TimePoint{}, 5s, true);
  EXPECT_EQ(broken(), "I5") << what();
}

TEST_F(JudgeTest, a_current_against_the_command_breaks_I5) {
  measure(TimePoint{});
  charge(TimePoint{}, -5.0);
  go_on(TimePoint{}, 10s, true);
  EXPECT_EQ(broken(), "I5") << what();
  EXPECT_THAT(what(), testing::HasSubstr("wrong direction"));
}

TEST_F(JudgeTest, a_current_that_nobody_wants_breaks_I2) {
  measure(TimePoint{}, 0, false);
  charge(TimePoint{}, 5.0);
  for (TimePoint at{}; at <= TimePoint{20s} && !judge_->violation(); at += 100ms) {
    bench_->advance(at);
    judge_->look(at);
    measure(at, 0, false);
  }
  EXPECT_EQ(broken(), "I2") << what();
}

TEST_F(JudgeTest, a_rig_that_does_nothing_for_a_minute_breaks_I6) {
  measure(TimePoint{});
  go_on(TimePoint{}, 2min, false);
  EXPECT_EQ(broken(), "I6") << what();
}

TEST_F(JudgeTest, a_fault_that_takes_the_link_lengthens_the_way_to_off_but_not_for_ever) {
  measure(TimePoint{});
  charge(TimePoint{}, 5.0);
  judge_->fault_begins(DrawnFault{.name = "F02", .takes = {{"ch1", takes::cycler_link}}}, TimePoint{});
  go_on(TimePoint{}, 30s, false);
  EXPECT_EQ(broken(), "I1") << what();
  EXPECT_GT(judge_->violation()->at, TimePoint{6s});
  EXPECT_LT(judge_->violation()->at, TimePoint{12s});
}

TEST_F(JudgeTest, what_two_faults_take_is_back_when_both_have_ended) {
  const DrawnFault fault{.name = "F02", .takes = {{"ch1", takes::cycler_link}}};
  measure(TimePoint{});
  charge(TimePoint{}, 5.0);
  judge_->fault_begins(fault, TimePoint{});
  judge_->fault_begins(fault, TimePoint{});
  judge_->fault_ends(fault, TimePoint{});
  measure(TimePoint{30s});
  charge(TimePoint{30s}, 5.0);
  go_on(TimePoint{30s}, 3s, false);
  EXPECT_EQ(broken(), "none") << what();  // the link is still taken: the way to OFF is as long as the watchdog
}

// The next stair of a ramp is given while the answer to a measurement is on its way.
TEST_F(JudgeTest, a_reading_from_before_a_command_is_not_held_against_it) {
  measure(TimePoint{});
  charge(TimePoint{}, 0.5);
  go_on(TimePoint{}, 5s, true);
  charge(TimePoint{5s}, 0.58);
  judge_->look(TimePoint{5s});
  charge(TimePoint{5s}, 0.66);
  judge_->look(TimePoint{5s});
  measure(TimePoint{5s - 1ms}, 0, true, 0.5 - 0.66);
  EXPECT_EQ(broken(), "none") << what();
  measure(TimePoint{5s + 1ms}, 0, true, 0.5 - 0.66);
  EXPECT_EQ(broken(), "I0") << what();
}

// ---- the recorder's own eyes

class RecorderTest : public testing::Test {
 protected:
  static constexpr const char* rest = "  - rest: {for_min: 5}\n";
  explicit RecorderTest(const std::string& step = rest)
      : recorder_{trace_, [this](const char* invariant, const std::string& what) {
                    complaints_ += std::string(invariant) + " " + what + "\n";
                  }} {
    program_ = compile(read_profile("profile: P\nformat: 1\nrecord: {every_s: 10}\nsteps:\n" + step, "p"),
                       read_cell_file(find_cell("lg-m50")), {});
    recorder_.expect("ch1", program_, 3s);
    run_ = recorder_.begin_run(db::RunRow{.channel = "ch1"});
    step_ = recorder_.next_step_key();
    recorder_.begin_step(db::StepRow{.step = step_, .run = run_});
  }
  void sample(double at_s, std::uint32_t flags = 0) {
    recorder_.append(db::SampleRow{.step = step_, .test_time_ns = static_cast<std::int64_t>(at_s * 1e9), .flags = flags});
  }
  void sample_of(double at_s, double voltage_V, double current_A) {
    recorder_.append(db::SampleRow{
        .step = step_, .test_time_ns = static_cast<std::int64_t>(at_s * 1e9), .voltage_V = voltage_V, .current_A = current_A});
  }

  Trace trace_;
  std::string complaints_;
  WatchedRecorder recorder_;
  Program program_;
  db::RunKey run_ = 0;
  db::StepKey step_ = 0;
};

TEST_F(RecorderTest, rows_in_their_order_are_no_violation) {
  sample(1);
  sample(11);
  sample(60, db::sample_flag::after_gap);
  recorder_.end_step({.step = step_});
  recorder_.end_run({.run = run_});
  EXPECT_EQ(complaints_, "");
}

TEST_F(RecorderTest, the_same_row_twice_breaks_I3) {
  sample(1);
  sample(1);
  EXPECT_THAT(complaints_, testing::HasSubstr("I3"));
}

// Without latency the last sample of a stair and the first of the next have one instant.
TEST_F(RecorderTest, the_same_instant_twice_is_for_courses_without_latency) {
  recorder_.replies_take_no_time();
  sample(1);
  sample(1);
  EXPECT_THAT(complaints_, testing::HasSubstr("I3")) << "this is a rest";
}

class CourseRecorderTest : public RecorderTest {
 protected:
  CourseRecorderTest()
      : RecorderTest{"  - voltage_ramp: {from_voltage_V: 3, to_voltage_V: 4, rate_max_C: 0.5, for_h: 1, update_s: 1}\n"} {}
};

TEST_F(CourseRecorderTest, a_stair_repeats_an_instant_only_with_something_new) {
  recorder_.replies_take_no_time();
  sample_of(1, 3.0, 0.5);
  sample_of(1, 3.1, 0.5);  // the regulator is at its limit: the current says nothing of the next stair
  sample_of(1, 3.1, 0.6);
  EXPECT_EQ(complaints_, "");
  sample_of(1, 3.1, 0.6);
  EXPECT_THAT(complaints_, testing::HasSubstr("I3")) << "written twice";
}

TEST_F(CourseRecorderTest, a_stair_repeats_no_instant_where_answers_take_time) {
  sample_of(1, 3.0, 0.5);
  sample_of(1, 3.1, 0.5);
  EXPECT_THAT(complaints_, testing::HasSubstr("I3"));
}

TEST_F(RecorderTest, a_hole_that_is_not_marked_breaks_I3) {
  sample(1);
  sample(20);
  EXPECT_THAT(complaints_, testing::HasSubstr("hole"));
}

TEST_F(RecorderTest, a_row_of_a_step_that_has_ended_breaks_I3) {
  recorder_.end_step({.step = step_});
  sample(1);
  EXPECT_THAT(complaints_, testing::HasSubstr("after its end"));
}

TEST_F(RecorderTest, an_end_with_an_open_step_breaks_I3) {
  recorder_.end_run({.run = run_});
  EXPECT_THAT(complaints_, testing::HasSubstr("open"));
}

}  // namespace
}  // namespace cellrig::swarm
