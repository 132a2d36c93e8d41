// What a database knows of an exhaust: who switched it on, and whether a person has acknowledged that and not something else.
#include "controller/cli/run/alarm_memory.hpp"

#include <gtest/gtest.h>

#include "controller/runtime/config.hpp"
#include "db/recorder.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::cli {
namespace {

using db::test::a_run;
using db::test::must;
using db::test::simulated;

const std::string label = "output 2 of vents";

class AlarmMemoryInARecord : public testing::Test {
 protected:
  AlarmMemoryInARecord() {
    bench.chambers.push_back({});
    bench.chambers.back().name = "oven";
    for (const char* const name : {"ch1", "ch2"}) {
      bench.channels.push_back({});
      bench.channels.back().name = name;
      bench.channels.back().chamber = "oven";
    }
    wire.role = AlarmWire::Role::exhaust;
    wire.chamber = "oven";
    wire.wire.instrument = "vents";
    wire.wire.index = 2;
    recorder = must(db::Recorder::open(simulated(path)));
  }
  db::RunKey tripped_run(const std::string& channel) {
    db::RunRow row = a_run();
    row.channel = channel;
    row.time_source = "real";  // nobody has to acknowledge what a rehearsal tripped on
    const db::RunKey run = recorder->begin_run(row);
    recorder->append(db::EventRow{.run = run, .severity = db::Severity::trip, .kind = "trip", .message = "over-voltage"});
    db::RunEndRow end{.run = run};
    end.status = "tripped";
    recorder->end_run(end);
    return run;
  }
  void acknowledge(db::RunKey run) { recorder->acknowledge({run, UtcTime{77}, "jane", "seen"}, "bench-3"); }
  void audit(const std::string& action) { recorder->audit(db::AuditRow{.verb = "run", .action = action, .detail = "{}"}); }
  AlarmMemory remembered() {
    must(recorder->close());
    return alarm_memory_in(path, bench, wire).value();
  }

  db::test::TempDir dir;
  std::string path = dir.file("a.db");
  BenchConfig bench;
  AlarmWire wire;
  std::unique_ptr<db::Recorder> recorder;
};

TEST_F(AlarmMemoryInARecord, who_switched_it_on_may_have_it_acknowledged_by_a_trip) {
  const db::RunKey run = tripped_run("ch1");
  audit(switched_on_action(label));
  acknowledge(run);
  const AlarmMemory memory = remembered();
  EXPECT_TRUE(memory.was_switched_on && memory.is_acknowledged && !memory.has_open_trip);
}

TEST_F(AlarmMemoryInARecord, a_trip_that_switched_nothing_on_explains_nothing) {
  acknowledge(tripped_run("ch1"));
  const AlarmMemory memory = remembered();
  EXPECT_FALSE(memory.was_switched_on || memory.is_acknowledged || memory.has_open_trip);
  EXPECT_EQ(judge_at_start(memory, true), AlarmAtStart::stays_on) << "the other process of the bench may have switched it on";
}

TEST_F(AlarmMemoryInARecord, a_person_may_acknowledge_the_output_itself) {
  audit(acknowledged_action(label));
  EXPECT_EQ(judge_at_start(remembered(), true), AlarmAtStart::off);
}

TEST_F(AlarmMemoryInARecord, one_open_trip_of_the_chamber_keeps_it_on) {
  const db::RunKey run = tripped_run("ch1");
  audit(switched_on_action(label));
  (void)tripped_run("ch2");
  acknowledge(run);
  EXPECT_EQ(judge_at_start(remembered(), true), AlarmAtStart::stays_on);
}

// The neighbour that was switched off for it tripped, and is acknowledged; the cell that was hot had no trip of its own, its run was over.
TEST_F(AlarmMemoryInARecord, a_cell_that_was_hot_after_its_end_keeps_it_on_until_somebody_has_looked_at_that_cell) {
  db::RunRow row = a_run();
  row.channel = "ch1";
  row.time_source = "real";
  const db::RunKey hot = recorder->begin_run(row);
  recorder->end_run(db::RunEndRow{.run = hot, .status = "completed"});
  recorder->append(db::EventRow{
      .run = hot, .severity = db::Severity::alarm, .kind = std::string(db::heat_after_end_event), .message = "cell too hot"});
  audit(switched_on_action(label));
  acknowledge(tripped_run("ch2"));
  must(recorder->close());
  const AlarmMemory before = alarm_memory_in(path, bench, wire).value();
  EXPECT_TRUE(before.has_open_trip);
  EXPECT_EQ(judge_at_start(before, true), AlarmAtStart::stays_on);
  recorder = must(db::Recorder::open(simulated(path)));
  acknowledge(hot);
  const AlarmMemory after = remembered();
  EXPECT_FALSE(after.has_open_trip);
  EXPECT_EQ(judge_at_start(after, true), AlarmAtStart::off);
}

}  // namespace
}  // namespace cellrig::cli
