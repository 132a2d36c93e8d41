#include "db/recorder.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "db/reader.hpp"
#include "db/sqlite.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::real;
using test::simulated;
using test::TempDir;

/// A run with one row of every kind, written, closed and opened again.
class WrittenRecord : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = dir.file("a.db");
    auto recorder = must(Recorder::open(simulated(path)));
    run = recorder->begin_run(a_run());
    write_step(*recorder);
    write_rest(*recorder);
    must(recorder->close());
    EXPECT_EQ(recorder->rows_written(), 1U);
    reader = must(Reader::open(path));
  }

  void write_step(Recorder& recorder) {
    step.step = recorder.next_step_key();
    step.run = run;
    step.step_count = 1;
    step.step_id = 3;
    step.cycle = 2;
    step.in_cycle = true;
    step.is_reference = true;
    step.measures_reference = true;
    step.name = "charge, 'fast'";
    step.type = "CCCV_CHG";
    step.setpoint_text = "CC 2.5 A within 2.5..4.205 V";
    step.started_test_time_ns = 5;
    step.started_at = UtcTime{77};
    recorder.begin_step(step);
    sample = SampleRow{step.step,
                       1'234'567'890'123,
                       sample_flag::output_on | sample_flag::constant_voltage,
                       3.7000001,
                       -0.1,
                       25.5,
                       std::numeric_limits<double>::quiet_NaN(),
                       0.1,
                       0.2,
                       0.3,
                       0.4};
    recorder.append(sample);
    recorder.append(AuxRow{step.step, 7, "chamber_temperature_degC", -20.25});
    StepEndRow end;
    end.step = step.step;
    end.ended_test_time_ns = 9;
    end.reason = "condition";
    end.condition = "voltage_V >= 4.2";
    end.value = 4.21;
    end.charge_Ah = 1;
    end.cv_time_s = 12.5;
    recorder.end_step(end);
  }

  void write_rest(Recorder& recorder) {
    CycleRow cycle;
    cycle.run = run;
    cycle.cycle = 2;
    cycle.charge_Ah = 1.5;
    cycle.coulombic_efficiency = 0.999;
    recorder.append(cycle);
    recorder.append(EventRow{run, 8, UtcTime{99}, Severity::warning, "instrument", "a \"sentence\"", 1.5, std::nullopt});
    recorder.resume_point(run, state);
    recorder.end_run(RunEndRow{run, 10, UtcTime{100}, "failed", "why", false});
  }

  const TempDir dir;
  const std::array<std::byte, 3> state{std::byte{1}, std::byte{0}, std::byte{255}};
  RunKey run = 0;
  StepRow step;
  SampleRow sample;
  std::unique_ptr<Reader> reader;
};

// Nothing may be lost or changed between the caller and the reader.
TEST_F(WrittenRecord, gives_the_run_back) {
  const RunInfo info = must(reader->run(run));
  EXPECT_EQ(info.row.cell_id, "A0001");
  EXPECT_EQ(info.row.seed, 7U);
  EXPECT_EQ(info.row.started_at.ns_since_epoch, 946'684'800'000'000'000);
  EXPECT_EQ(info.row.control_period, std::chrono::seconds{1});
  ASSERT_EQ(info.row.instruments.size(), 2U);
  EXPECT_EQ(info.row.instruments[1].role, "chamber");
  EXPECT_EQ(info.row.instruments[1].serial, "456");
  EXPECT_FALSE(info.synchronous_full);
  ASSERT_TRUE(info.end);
  EXPECT_EQ(info.end->status, "failed");
  EXPECT_FALSE(info.end->criteria_met);
}

TEST_F(WrittenRecord, gives_the_steps_back) {
  const std::vector<StepInfo> steps = must(reader->steps(run));
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].row.name, step.name);
  EXPECT_TRUE(steps[0].row.measures_reference);
  EXPECT_EQ(steps[0].row.started_at.ns_since_epoch, 77);
  ASSERT_TRUE(steps[0].end);
  EXPECT_EQ(steps[0].end->value, 4.21);
  EXPECT_EQ(steps[0].end->margin, std::nullopt);
  EXPECT_EQ(steps[0].end->cv_time_s, 12.5);
}

TEST_F(WrittenRecord, gives_the_samples_back) {
  std::vector<SampleRow> samples;
  EXPECT_EQ(must(reader->for_each_sample(run, [&](const SampleView& s) { return samples.push_back(s.row), true; })), 1U);
  EXPECT_EQ(samples[0].test_time_ns, sample.test_time_ns);
  EXPECT_EQ(samples[0].flags, sample.flags);
  EXPECT_EQ(samples[0].voltage_V, sample.voltage_V);
  EXPECT_EQ(samples[0].discharge_Wh, sample.discharge_Wh);
  EXPECT_TRUE(std::isnan(samples[0].ambient_temperature_degC));
}

TEST_F(WrittenRecord, gives_aux_values_cycles_events_and_the_resume_point_back) {
  std::string quantity;
  must(reader->for_each_aux(run, [&](const AuxView& a) { return quantity = a.row.quantity, a.row.value == -20.25; }));
  EXPECT_EQ(quantity, "chamber_temperature_degC");
  EXPECT_EQ(must(reader->cycles(run)).at(0).coulombic_efficiency, 0.999);
  const std::vector<EventRow> events = must(reader->events(run));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].message, "a \"sentence\"");
  EXPECT_EQ(events[0].severity, Severity::warning);
  EXPECT_EQ(events[0].limit, std::nullopt);
  const std::optional<ResumeState> resume = must(reader->resume_point(run));
  ASSERT_TRUE(resume);
  EXPECT_EQ(resume->state, std::vector<std::byte>(state.begin(), state.end()));
  EXPECT_EQ(resume->sample_rowid, 1);
}

// "After a gap, not measured" must not come back as 0.
TEST(Recorder, stores_not_a_number_as_null) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(simulated(path)));
  SampleRow row;
  row.cell_temperature_degC = std::numeric_limits<double>::quiet_NaN();
  recorder->append(row);
  must(recorder->close());
  auto connection = must(Connection::open(path, OpenMode::read));
  EXPECT_EQ(must(connection.query_integer("SELECT cell_temperature_degC IS NULL AND voltage_V IS NOT NULL FROM sample")), 1);
}

// In virtual time a commit costs more than a row: rows wait until there are enough of them.
TEST(Recorder, commits_by_rows_when_simulated) {
  const TempDir dir;
  RecorderOptions options = simulated(dir.file("a.db"));
  options.commit.rows = 100;
  auto recorder = must(Recorder::open(options));
  for (int i = 0; i < 99; ++i) recorder->append(SampleRow{});
  EXPECT_EQ(recorder->rows_written(), 0U);
  must(recorder->flush());
  EXPECT_EQ(recorder->rows_written(), 99U);
}

// A person who pulls the plug after a trip must find the trip in the record.
TEST(Recorder, commits_a_trip_with_all_that_came_before_it) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(simulated(path)));
  Player player(*recorder, a_run());
  player.begin_step({});
  for (int i = 0; i < 5; ++i) player.sample({});
  player.event(Severity::trip, "trip", "the cell is too hot");
  while (recorder->rows_written() < 5) std::this_thread::yield();  // by itself: nobody flushes
  auto reader = must(Reader::open(path));
  EXPECT_EQ(must(reader->events(player.run)).size(), 1U);
  EXPECT_EQ(must(reader->for_each_sample(player.run, [](const SampleView&) { return true; })), 5U);
}

TEST(Recorder, commits_a_resume_point_with_all_that_came_before_it) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  player.begin_step({});
  player.sample({});
  recorder->resume_point(player.run, std::array<std::byte, 1>{});
  while (recorder->rows_written() < 1) std::this_thread::yield();
}

// On real time nobody waits longer than the interval, however few rows there are.
TEST(Recorder, commits_by_time_when_real) {
  const TempDir dir;
  RecorderOptions options = real(dir.file("a.db"));
  options.commit.interval = std::chrono::milliseconds{10};
  auto recorder = must(Recorder::open(options));
  recorder->append(SampleRow{});
  while (recorder->rows_written() < 1) std::this_thread::yield();
}

// Ah and Wh since the start of the test and of the cycle, without a window function.
TEST(Recorder, keeps_running_sums_at_the_start_of_each_step) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(simulated(path)));
  Player player(*recorder, a_run());
  player.play_cycle();
  player.play_cycle();
  must(recorder->close());
  auto reader = must(Reader::open(path));
  const std::vector<StepInfo> steps = must(reader->steps(player.run));
  ASSERT_EQ(steps.size(), 8U);
  EXPECT_EQ(steps[0].run_sums_at_start.charge_Ah, 0);
  EXPECT_EQ(steps[3].run_sums_at_start.charge_Ah, steps[0].end->charge_Ah);
  EXPECT_EQ(steps[3].cycle_sums_at_start.discharge_Ah, steps[2].end->discharge_Ah);
  EXPECT_EQ(steps[4].run_sums_at_start.discharge_Wh, steps[2].end->discharge_Wh);
  EXPECT_EQ(steps[4].cycle_sums_at_start.charge_Ah, 0) << "a new cycle starts from nothing";
  EXPECT_NEAR(steps[7].run_sums_at_start.charge_Ah, steps[0].end->charge_Ah + steps[4].end->charge_Ah, 1e-12);
}

// A process that died in the middle of a step: the charge it had moved is not forgotten, nor counted twice.
TEST(Recorder, goes_on_with_an_interrupted_run) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  RunKey run = 0;
  SampleRow last;
  {
    auto recorder = must(Recorder::open(simulated(path)));
    Player player(*recorder, a_run());
    run = player.run;
    player.step({});
    player.begin_step({});
    for (int i = 0; i < 10; ++i) last = player.sample({});
    must(recorder->close());  // without end_step and end_run
  }
  auto recorder = must(Recorder::open(simulated(path)));
  StepRow step;
  step.step = recorder->next_step_key();
  step.run = run;
  step.step_count = 3;
  recorder->begin_step(step);
  SampleRow row;
  row.step = step.step;
  recorder->append(row);
  must(recorder->close());
  auto reader = must(Reader::open(path));
  const std::vector<StepInfo> steps = must(reader->steps(run));
  ASSERT_EQ(steps.size(), 3U);
  ASSERT_TRUE(steps[1].end);
  EXPECT_EQ(steps[1].end->reason, "interrupted");
  EXPECT_EQ(steps[1].end->ended_test_time_ns, last.test_time_ns);
  EXPECT_EQ(steps[1].sample_rowid_last, 60);
  EXPECT_EQ(steps[2].run_sums_at_start.charge_Ah, steps[0].end->charge_Ah + last.charge_Ah);
  EXPECT_EQ(must(reader->run(run)).status, "interrupted") << "its process is gone once more";
  EXPECT_EQ(must(reader->for_each_sample_of_step(step.step, [](const SampleView&) { return true; })), 1U);
}

// A logger answers late; its reading belongs to the step in which it was asked.
TEST(Recorder, keeps_rows_that_arrive_after_the_end_of_their_step) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(simulated(path)));
  Player player(*recorder, a_run());
  player.step({});
  const StepKey ended = player.step_key();
  player.begin_step({});
  player.sample({});
  SampleRow late;
  late.step = ended;
  recorder->append(late);
  recorder->append(AuxRow{ended, 1, "surface_pressure_Pa", 5});
  must(recorder->close());
  auto reader = must(Reader::open(path));
  EXPECT_EQ(must(reader->for_each_sample_of_step(ended, [](const SampleView&) { return true; })), 51U);
  EXPECT_EQ(must(reader->for_each_aux(player.run, [](const AuxView&) { return true; })), 1U);
  auto connection = must(Connection::open(path, OpenMode::read));
  EXPECT_EQ(must(connection.query_integer("SELECT count(*) FROM v_aux WHERE quantity = 'surface_pressure_Pa'")), 1);
}

TEST(Recorder, gives_keys_that_were_never_used) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  RunKey first = 0;
  StepKey first_step = 0;
  {
    auto recorder = must(Recorder::open(simulated(path)));
    Player player(*recorder, a_run());
    player.step({});
    first = player.run;
    first_step = player.step_key();
  }
  auto recorder = must(Recorder::open(simulated(path)));
  EXPECT_EQ(recorder->begin_run(a_run()), first + 1);
  EXPECT_EQ(recorder->next_step_key(), first_step + 1);
}

// The same cell, profile and instruments are stored once, however many runs use them.
TEST(Recorder, stores_equal_texts_once) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(simulated(path)));
  RunRow other = a_run("2");
  other.cell_id = "A0002";
  (void)recorder->begin_run(a_run());
  (void)recorder->begin_run(a_run());
  (void)recorder->begin_run(other);
  must(recorder->close());
  auto connection = must(Connection::open(path, OpenMode::read));
  EXPECT_EQ(must(connection.query_integer("SELECT count(*) FROM profile")), 1);
  EXPECT_EQ(must(connection.query_integer("SELECT count(*) FROM cell")), 2);
  EXPECT_EQ(must(connection.query_integer("SELECT count(*) FROM channel")), 2);
  EXPECT_EQ(must(connection.query_integer("SELECT count(*) FROM equipment")), 2);
  EXPECT_EQ(must(connection.query_integer("SELECT count(*) FROM run_equipment")), 6);
}

// ---- refusals: the sentence is what a technician sees ---------------------------------------------------------------

TEST(Recorder, refuses_a_second_writer_and_names_the_holder) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(simulated(path)));
  const auto second = Recorder::open(simulated(path));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().fault, Fault::busy);
  EXPECT_NE(second.error().what.find("pid " + std::to_string(getpid())), std::string::npos) << second.error().what;
  must(recorder->close());
  EXPECT_TRUE(Recorder::open(simulated(path))) << "a closed recorder lets go";
}

TEST(Recorder, refuses_what_cannot_be_a_database) {
  const TempDir dir;
  const auto directory = Recorder::open(simulated(dir.path().string()));
  ASSERT_FALSE(directory);
  EXPECT_NE(directory.error().what.find("is a directory"), std::string::npos) << directory.error().what;

  const std::string text = dir.file("notes.txt");
  std::ofstream(text) << "this is not a database, but long enough to be looked at by SQLite as if it were one .............";
  const auto not_one = Recorder::open(simulated(text));
  ASSERT_FALSE(not_one);
  EXPECT_NE(not_one.error().what.find("not an SQLite database"), std::string::npos) << not_one.error().what;
  EXPECT_FALSE(Reader::open(text));

  const auto nowhere = Recorder::open(simulated(dir.file("missing/a.db")));
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().what.find("No such file"), std::string::npos) << nowhere.error().what;
}

TEST(Recorder, refuses_a_foreign_database_and_leaves_it_alone) {
  const TempDir dir;
  const std::string path = dir.file("other.db");
  {
    auto connection = must(Connection::open(path, OpenMode::write));
    must(connection.execute("CREATE TABLE mine(a)", "test"));
  }
  const auto opened = Recorder::open(simulated(path));
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().what.find("not a cellrig record"), std::string::npos) << opened.error().what;
  auto connection = must(Connection::open(path, OpenMode::read));
  EXPECT_EQ(must(connection.query_text("PRAGMA journal_mode")), "delete");
  EXPECT_EQ(must(connection.query_integer("SELECT count(*) FROM sqlite_schema")), 1);
}

// ---- failure --------------------------------------------------------------------------------------------------------

// A disk that is too slow must stop the run, not the control thread.
TEST(Recorder, fails_when_the_queue_is_full_in_real_time) {
  const TempDir dir;
  RecorderOptions options = real(dir.file("a.db"));
  options.commit.interval = std::chrono::hours{1};  // the recorder's thread sleeps: as if the disk hung
  options.commit.rows = 1'000'000;
  options.queue_rows_max = 10;
  auto recorder = must(Recorder::open(options));
  // More than once round: the thread may take one batch before it falls asleep.
  for (int i = 0; i < 100'000 && !recorder->failed(); ++i) recorder->append(SampleRow{});
  ASSERT_TRUE(recorder->failed());
  EXPECT_NE(recorder->failure().find("too slow"), std::string::npos) << recorder->failure();
  EXPECT_FALSE(recorder->flush());
  EXPECT_FALSE(recorder->close());
  EXPECT_FALSE(recorder->close()) << "closing twice tells the same";
}

// In virtual time the disk may be as slow as it likes: nothing is lost.
TEST(Recorder, holds_the_caller_when_the_queue_is_full_in_virtual_time) {
  const TempDir dir;
  RecorderOptions options = simulated(dir.file("a.db"));
  options.queue_rows_max = 10;
  auto recorder = must(Recorder::open(options));
  for (int i = 0; i < 5'000; ++i) recorder->append(SampleRow{});
  must(recorder->close());
  EXPECT_EQ(recorder->rows_written(), 5'000U);
}

TEST(Recorder, knows_the_free_space_of_a_place_that_does_not_exist_yet) {
  const TempDir dir;
  EXPECT_GT(must(free_bytes(dir.file("later/a.db"))), 0U);
}

}  // namespace
}  // namespace cellrig::db
