// The record through the interface: lists, pages, and samples that were thinned out without losing an extreme.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "controller/api/messages_codec.hpp"
#include "controller/api/record_views.hpp"
#include "tests/api/answers.hpp"
#include "tests/api/fake_bench.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::api::test {
namespace {

using db::test::must;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

/// Two runs: one of two cycles with 3,000 samples each, one that is still running.
class RecordOverHttp : public testing::Test {
 protected:
  RecordOverHttp() {
    db::RecorderOptions options = db::test::simulated(dir_.file("r.db"));
    recorder_ = must(db::Recorder::open(options));
    db::test::Player first{*recorder_, db::test::a_run("ch1")};
    first.play_cycle(1000);
    first.play_cycle(1000);
    first.event(db::Severity::info, "started", "hello");
    first.event(db::Severity::warning, "note", "later");
    first.end_run();
    db::RunRow row = db::test::a_run("ch2");
    row.cell_id = "B0002";
    row.profile_name = "fast-charge";
    db::test::Player second{*recorder_, row};
    second.begin_step({});
    for (int i = 0; i < 10; ++i) second.sample({});
    must(recorder_->flush());
    FakeBenchSettings settings{.limits = patient_limits()};
    settings.database = dir_.file("r.db");
    bench_ = std::make_unique<FakeBench>(std::move(settings));
  }

  const db::test::TempDir dir_;
  std::unique_ptr<db::Recorder> recorder_;
  std::unique_ptr<FakeBench> bench_;
};

TEST_F(RecordOverHttp, lists_runs_by_what_they_were_about) {
  const auto numbers = [this](const std::string& query) {
    std::vector<std::int64_t> list;
    for (const RunView& run : read<std::vector<RunView>>(bench_->get("/runs" + query))) list.push_back(run.run);
    return list;
  };
  EXPECT_THAT(numbers(""), ElementsAre(2, 1));
  // Counting looks at every row: a list does not say what it does not know.
  EXPECT_THAT(bench_->get("/runs").body, Not(HasSubstr("sample_count")));
  EXPECT_THAT(bench_->get("/runs/1").body, HasSubstr("\"sample_count\":6000"));
  EXPECT_THAT(numbers("?cell=B0002"), ElementsAre(2));
  EXPECT_THAT(numbers("?cell=LG%20M50&limit=1"), ElementsAre(2));
  EXPECT_THAT(numbers("?before=2"), ElementsAre(1));
  EXPECT_THAT(numbers("?profile=cycle-life"), ElementsAre(1));
  EXPECT_THAT(numbers("?channel=ch2"), ElementsAre(2));
  EXPECT_THAT(numbers("?status=completed"), ElementsAre(1));
  EXPECT_THAT(numbers("?status=running"), ElementsAre(2));
  EXPECT_THAT(numbers("?status=interrupted"), ElementsAre());
  EXPECT_THAT(numbers("?since=2000-01-01T00:00:00Z"), ElementsAre(2, 1));
  EXPECT_THAT(numbers("?since=2000-01-02T00:00:00Z"), ElementsAre());
  EXPECT_THAT(numbers("?cell=%27%20OR%201=1--"), ElementsAre());
}

TEST_F(RecordOverHttp, shows_a_run_with_its_steps_cycles_and_events) {
  const auto run = read<RunView>(bench_->get("/runs/1"));
  EXPECT_EQ(run.status, "completed");
  EXPECT_EQ(run.sample_count, 6000);
  EXPECT_EQ(run.cycle_count, 2);
  EXPECT_NEAR(run.capacity_Ah.value(), 2.4 * 999 / 3600, 1e-3);
  EXPECT_NEAR(run.retention.value(), 1, 1e-3);
  EXPECT_EQ(run.is_simulated, true);
  EXPECT_EQ(read<RunView>(bench_->get("/runs/2")).status, "running");
  EXPECT_THAT(read<std::vector<StepView>>(bench_->get("/runs/1/steps")), SizeIs(8));
  EXPECT_EQ(read<std::vector<StepView>>(bench_->get("/runs/1/steps?after=6&limit=1")).at(0).step_count, 7);
  EXPECT_EQ(read<std::vector<StepView>>(bench_->get("/runs/1/steps")).at(0).condition, "voltage_V >= 4.2");
  EXPECT_THAT(read<std::vector<CycleView>>(bench_->get("/runs/1/cycles")), SizeIs(2));
  EXPECT_EQ(read<std::vector<EventView>>(bench_->get("/runs/1/events?limit=1")).at(0).text, "later");
  EXPECT_THAT(read<std::vector<ExpectedCurveView>>(bench_->get("/runs/1/expected")), SizeIs(0));
}

// A service on a simulated bench runs in real time.
TEST_F(RecordOverHttp, calls_no_simulated_run_a_measurement_and_no_imported_one_simulated) {
  db::RunRow row = db::test::a_run("ch3");
  row.time_source = "real";
  for (db::InstrumentRow& instrument : row.instruments) instrument.address = "10.0.0.5:502";
  const auto begin = [&](bool is_simulated) {
    const db::RunKey run = recorder_->begin_run(row);
    recorder_->audit(db::AuditRow{.run = run,
                                  .verb = "serve",
                                  .action = "run requested",
                                  .detail = is_simulated ? R"({"simulated":true})" : R"({"simulated":false})"});
    must(recorder_->flush());
    return read<RunView>(bench_->get("/runs/" + std::to_string(run)));
  };
  EXPECT_TRUE(begin(true).is_simulated);
  EXPECT_EQ(begin(true).origin, Origin::simulated);
  const RunView measured = begin(false);
  EXPECT_FALSE(measured.is_simulated);
  EXPECT_EQ(measured.origin, Origin::measured);
  row.time_source = "imported";
  EXPECT_FALSE(begin(true).is_simulated);
  EXPECT_EQ(begin(true).origin, Origin::imported);
  EXPECT_THAT(bench_->get("/runs?limit=1").body, HasSubstr(R"("origin":"imported")"));
}

TEST_F(RecordOverHttp, thins_samples_out_and_keeps_every_extreme) {
  const auto all = read<SamplesView>(bench_->get("/runs/1/samples?points=20000"));
  EXPECT_FALSE(all.is_decimated);
  EXPECT_EQ(all.row_count, 6000);
  ASSERT_THAT(all.columns.at("voltage_V"), SizeIs(6000));
  const auto thin = read<SamplesView>(bench_->get("/runs/1/samples?points=600"));
  EXPECT_TRUE(thin.is_decimated);
  EXPECT_EQ(thin.row_count, 6000);
  const Column& times = thin.columns.at("test_time_s");
  EXPECT_LE(times.size(), 602U);
  EXPECT_GE(times.size(), 100U);
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  for (const char* const name : {"voltage_V", "current_A", "cell_temperature_degC"}) {
    const Column &whole = all.columns.at(name), &kept = thin.columns.at(name);
    EXPECT_EQ(*std::max_element(kept.begin(), kept.end()), *std::max_element(whole.begin(), whole.end())) << name;
    EXPECT_EQ(*std::min_element(kept.begin(), kept.end()), *std::min_element(whole.begin(), whole.end())) << name;
  }
  for (std::size_t i = 0; i < times.size(); ++i) {  // rows stay rows
    const auto at = std::lower_bound(all.columns.at("test_time_s").begin(), all.columns.at("test_time_s").end(), times[i]) -
                    all.columns.at("test_time_s").begin();
    EXPECT_EQ(thin.columns.at("voltage_V")[i], all.columns.at("voltage_V")[static_cast<std::size_t>(at)]);
  }
}

TEST_F(RecordOverHttp, gives_the_range_and_the_quantities_that_were_asked_for) {
  const auto part =
      read<SamplesView>(bench_->get("/runs/1/samples?from_s=1490&to_s=1510&quantities=voltage_V,run_charge_Ah,step_count"));
  EXPECT_EQ(part.columns.size(), 4U);
  EXPECT_THAT(part.columns.at("test_time_s"), SizeIs(21));
  EXPECT_EQ(part.columns.at("step_count").front(), 2);
  EXPECT_EQ(part.columns.at("step_count").back(), 3);
  EXPECT_NEAR(part.columns.at("run_charge_Ah").back(), 2.5 * 999 / 3600, 1e-3);
  EXPECT_THAT(read<SamplesView>(bench_->get("/runs/1/samples?from_s=1e6")).columns.at("test_time_s"), SizeIs(0));
}

// Seconds of the step's own clock, null while it waits: who draws what was foretold needs no other word. From the middle of an interrupted
// step, too.
TEST_F(RecordOverHttp, tells_the_clock_of_the_step_that_stands_while_it_waits) {
  db::test::Player third{*recorder_, db::test::a_run("ch1")};
  third.begin_step({});
  for (int i = 0; i < 30; ++i) {
    third.sample({}, i >= 10 && i < 20 ? db::sample_flag::waiting : 0U);
  }
  must(recorder_->flush());
  const std::string path = "/runs/" + std::to_string(third.run) + "/samples?quantities=step_time_s";
  const Column clock = read<SamplesView>(bench_->get(path)).columns.at("step_time_s");
  ASSERT_THAT(clock, SizeIs(30));
  EXPECT_FALSE(std::isnan(clock[9]));
  for (std::size_t i = 10; i < 20; ++i) EXPECT_TRUE(std::isnan(clock[i])) << i;
  EXPECT_DOUBLE_EQ(clock[20], clock[9]) << "the first row after the wait begins where it stopped";
  EXPECT_NEAR(clock[29] - clock[20], 9 * (clock[1] - clock[0]), 1e-6);
  const Column later = read<SamplesView>(bench_->get(path + "&from_s=25")).columns.at("step_time_s");
  ASSERT_FALSE(later.empty());
  EXPECT_DOUBLE_EQ(later.back(), clock.back());
}

// Of a step in two parts both are read, wherever somebody looks into it: its clock began in the first one.
TEST_F(RecordOverHttp, tells_the_clock_of_a_step_that_was_interrupted_from_its_first_part_on) {
  db::test::Player third{*recorder_, db::test::a_run("ch1")};
  third.step({.samples = 10});
  third.step({.samples = 10});
  --third.step_count;  // the same step goes on
  third.step({.samples = 10});
  third.step({.samples = 10});
  must(recorder_->flush());
  const std::string path = "/runs/" + std::to_string(third.run) + "/samples?quantities=step_time_s";
  const SamplesView whole = read<SamplesView>(bench_->get(path));
  const Column &times = whole.columns.at("test_time_s"), &clock = whole.columns.at("step_time_s");
  ASSERT_THAT(times, SizeIs(40));
  const double period_s = times[1] - times[0];
  EXPECT_NEAR(clock[29], 20 * period_s, 1e-6);
  const auto range = "&from_s=" + std::to_string(times[25] - period_s / 2) + "&to_s=" + std::to_string(times[27] + period_s / 2);
  const Column part = read<SamplesView>(bench_->get(path + range)).columns.at("step_time_s");
  ASSERT_THAT(part, SizeIs(3));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_DOUBLE_EQ(part[i], clock[25 + i]) << i;
}

// A long run has thousands of them: an answer has an end, and the next page goes on there.
TEST_F(RecordOverHttp, pages_through_what_was_foretold) {
  db::ExpectedRows rows;
  for (const std::int64_t execution : {1, 2, 3}) {
    db::ExpectedCurveRow row{.run = 1, .step_id = 0, .execution = execution, .coordinate = "step_time_s", .ends_at = 5.0};
    for (int i = 0; i < (execution == 3 ? 2 : 60'000); ++i) row.points.push_back({static_cast<double>(i), 3.7, 25.0});
    rows.curves.push_back(std::move(row));
  }
  recorder_->expected(std::move(rows));
  must(recorder_->flush());
  const auto executions = [this](const std::string& query) {
    std::vector<std::int64_t> list;
    for (const ExpectedCurveView& curve : read<std::vector<ExpectedCurveView>>(bench_->get("/runs/1/expected" + query)))
      list.push_back(curve.execution);
    return list;
  };
  EXPECT_THAT(executions(""), ElementsAre(1)) << "two of them have more points than an answer may";
  EXPECT_THAT(executions("?after=1"), ElementsAre(2, 3));
  EXPECT_THAT(executions("?after=1&limit=1"), ElementsAre(2));
  EXPECT_THAT(executions("?after=3"), ElementsAre());
  EXPECT_EQ(bench_->get("/runs/1/expected?limit=10001").status, 400);
  EXPECT_EQ(bench_->get("/runs/1/expected?limit=0").status, 400);
}

TEST_F(RecordOverHttp, refuses_what_is_not_there_or_makes_no_sense) {
  for (const char* const target :
       {"/runs/7", "/runs/7/steps", "/runs/7/cycles", "/runs/7/events", "/runs/7/expected", "/runs/7/samples", "/runs/7/export"})
    EXPECT_EQ(bench_->get(target).status, 404) << target;
  for (const char* const target :
       {"/runs/x", "/runs/-1", "/runs/1e3", "/runs/99999999999999999999", "/runs/1/samples?points=0",
        "/runs/1/samples?points=20001", "/runs/1/samples?from_s=5&to_s=4", "/runs/1/samples?from_s=nan",
        "/runs/1/samples?from_s=1e999", "/runs/1/samples?quantities=a%3Bb", "/runs/1/samples?quantities=voltage_V,voltage_V",
        "/runs/1/samples?quantities=test_time_s", "/runs/1/samples?quantities=a,b,c,d,e,f,g,h,i,j,k,l,m", "/runs?limit=501",
        "/runs?since=yesterday", "/runs?before=x", "/runs/1/steps?limit=x", "/runs/1/export?format=xls"})
    EXPECT_EQ(bench_->get(target).status, 400) << target;
  const Answer answer = bench_->get("/runs/1/samples?quantities=voltag_V");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("did you mean 'voltage_V'?"));
}

}  // namespace
}  // namespace cellrig::api::test
