// What the record knows of people, of trips that nobody acknowledged, and of runs that lost their process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "db/export/bdf.hpp"
#include "db/lock_file.hpp"
#include "db/reader.hpp"
#include "db/verify.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::TempDir;
using testing::HasSubstr;

class Evidence : public testing::Test {
 protected:
  std::unique_ptr<Recorder> open() { return must(Recorder::open(test::simulated(path))); }
  std::unique_ptr<Reader> read() { return must(Reader::open(path)); }
  /// A run of a real bench that ends like this.
  RunKey run_that_ends(const std::string& status, const std::string& channel = "1", const std::string& cell_id = "A0001",
                       const std::string& time_source = "real") {
    auto recorder = open();
    RunRow row = a_run(channel);
    row.cell_id = cell_id;
    row.time_source = time_source;
    Player player(*recorder, row);
    player.step({});
    if (status == "tripped") player.event(Severity::trip, "trip", "4.26 V above 4.25 V");
    recorder->end_run(
        {.run = player.run, .ended_test_time_ns = 5, .ended_at = UtcTime{9}, .status = status, .reason = "because"});
    must(recorder->close());
    return player.run;
  }
  std::optional<RunKey> open_trip(const std::string& channel, const std::string& cell_id = "") {
    return must(read()->unacknowledged_trip(channel, "LG M50", cell_id));
  }

  TempDir dir;
  std::string path = dir.file("a.db");
};

// A run that ended well, and its cell got hot an hour later: that is a trip to be looked at like any other.
TEST_F(Evidence, heat_after_the_end_waits_for_a_person) {
  const RunKey run = run_that_ends("completed");
  EXPECT_FALSE(open_trip("1"));
  auto recorder = open();
  recorder->append(EventRow{.run = run,
                            .severity = Severity::alarm,
                            .kind = std::string(heat_after_end_event),
                            .message = "cell too hot: 91 above 60"});
  must(recorder->close());
  EXPECT_EQ(open_trip("1"), run);
  EXPECT_FALSE(must(read()->is_last_trip_acknowledged(run)));
  EXPECT_EQ(must(read()->audit()).back().action, "heat after the end");
  recorder = open();
  recorder->acknowledge({run, UtcTime{77}, "jane", "cooled, vent closed"}, "bench-3");
  must(recorder->close());
  EXPECT_FALSE(open_trip("1"));
  EXPECT_TRUE(must(read()->is_last_trip_acknowledged(run)));
}

// A later one hides no earlier one: somebody may have looked at that one only.
TEST_F(Evidence, every_trip_that_nobody_looked_at_is_told) {
  const RunKey first = run_that_ends("tripped"), second = run_that_ends("tripped");
  EXPECT_EQ(must(read()->unacknowledged_trips("1", "LG M50", "")), (std::vector<RunKey>{second, first}));
  auto recorder = open();
  recorder->acknowledge({second, UtcTime{77}, "jane", "cooled"}, "bench-3");
  must(recorder->close());
  EXPECT_EQ(must(read()->unacknowledged_trips("1", "LG M50", "")), (std::vector<RunKey>{first}));
}

TEST_F(Evidence, the_audit_trail_tells_who_began_what_and_how_it_ended) {
  const RunKey run = run_that_ends("tripped");
  const std::vector<AuditRow> rows = must(read()->audit());
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].action, "run begun");
  EXPECT_EQ(rows[0].utc, a_run().started_at);
  EXPECT_THAT(rows[0].detail, HasSubstr("\"profile\":\"cycle-life\",\"profile_sha256\":\""));
  EXPECT_THAT(rows[0].detail, HasSubstr("\"bench_sha256\":\""));
  EXPECT_EQ(rows[1].action, "trip");
  EXPECT_EQ(rows[1].reason, "4.26 V above 4.25 V");
  EXPECT_EQ(rows[2].action, "run ended");
  EXPECT_THAT(rows[2].detail, HasSubstr("\"status\":\"tripped\""));
  for (const AuditRow& row : rows) {
    EXPECT_EQ(row.run, run);
    EXPECT_EQ(row.operator_name, "ci");
    EXPECT_EQ(row.origin, "bench-3");
  }
}

// What a person typed may hold anything; the trail stays JSON.
TEST_F(Evidence, words_of_people_do_not_break_the_audit_trail) {
  auto recorder = open();
  RunRow row = a_run();
  row.cell_id = "a \"quoted\" \\ id\n";
  (void)recorder->begin_run(row);
  must(recorder->close());
  EXPECT_THAT(must(read()->audit()).front().detail, HasSubstr(R"("cell_id":"a \"quoted\" \\ id\u000a")"));
}

TEST_F(Evidence, a_trip_stays_open_until_a_person_acknowledges_it) {
  (void)run_that_ends("completed");
  EXPECT_FALSE(open_trip("1"));
  const RunKey tripped = run_that_ends("tripped");
  EXPECT_EQ(open_trip("1"), tripped);
  EXPECT_FALSE(open_trip("2")) << "another channel, no named cell";
  EXPECT_EQ(open_trip("2", "A0001"), tripped) << "the cell was moved to another channel";
  EXPECT_FALSE(open_trip("2", "A0002"));
  (void)run_that_ends("completed");
  EXPECT_EQ(open_trip("1"), tripped) << "a later run does not make it unseen";
  {
    auto recorder = open();
    recorder->acknowledge({tripped, UtcTime{77}, "jane", "sense lead was loose"}, "bench-3");
    must(recorder->close());
  }
  EXPECT_FALSE(open_trip("1"));
  const std::vector<AcknowledgementRow> rows = must(read()->acknowledgements(tripped));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].operator_name, "jane");
  EXPECT_EQ(must(read()->audit()).back().action, "trip acknowledged");
  const RunKey next = run_that_ends("tripped");
  EXPECT_EQ(open_trip("1"), next) << "another trip, another look";
}

/// What doctor saw of the PSB with serial number 17.
ProofRow a_proof(bool fired) {
  ProofRow row{.utc = UtcTime{78}, .operator_name = "jane", .bench = "lab", .channel = "1", .instrument = "psb1"};
  row.model = "PSB 10060-60";
  row.serial = "17";
  row.firmware = "3.05";
  row.delay = std::chrono::seconds{5};
  row.silence = std::chrono::milliseconds{6001};
  row.fed_by_measuring = true;
  row.off_within = std::chrono::milliseconds{12};
  row.fired = fired;
  return row;
}

// A proof is of one instrument with one firmware: none of another comes with it.
TEST_F(Evidence, remembers_what_a_watchdog_was_seen_to_do_by_model_serial_and_firmware) {
  {
    auto recorder = open();
    recorder->proof(a_proof(true), "bench-3");
    ProofRow simulated = a_proof(false);
    simulated.is_simulated = true;
    recorder->proof(simulated, "bench-3");
    must(recorder->close());
  }
  const std::vector<ProofRow> rows = must(read()->proofs("PSB 10060-60", "17", "3.05"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].utc, UtcTime{78});
  EXPECT_EQ(rows[0].operator_name, "jane");
  EXPECT_EQ(rows[0].bench, "lab");
  EXPECT_EQ(rows[0].channel, "1");
  EXPECT_EQ(rows[0].instrument, "psb1");
  EXPECT_EQ(rows[0].model, "PSB 10060-60");
  EXPECT_EQ(rows[0].serial, "17");
  EXPECT_EQ(rows[0].firmware, "3.05");
  EXPECT_FALSE(rows[0].is_simulated);
  EXPECT_EQ(rows[0].delay, std::chrono::seconds{5});
  EXPECT_EQ(rows[0].silence, std::chrono::milliseconds{6001});
  EXPECT_TRUE(rows[0].fed_by_measuring);
  EXPECT_EQ(rows[0].off_within, std::chrono::milliseconds{12});
  EXPECT_TRUE(rows[0].fired);
  EXPECT_TRUE(rows[1].is_simulated);
  EXPECT_FALSE(rows[1].fired);
  EXPECT_TRUE(must(read()->proofs("PSB 10060-60", "18", "3.05")).empty());
  EXPECT_TRUE(must(read()->proofs("PSB 10060-60", "17", "3.06")).empty()) << "another firmware may behave otherwise";
  EXPECT_TRUE(must(read()->proofs("PSB 10200", "17", "3.05")).empty());
}

TEST_F(Evidence, a_watchdog_put_to_the_test_stands_in_the_audit_trail) {
  {
    auto recorder = open();
    recorder->proof(a_proof(true), "bench-3");
    recorder->proof(a_proof(false), "bench-3");
    must(recorder->close());
  }
  const std::vector<AuditRow> rows = must(read()->audit());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].action, "watchdog proven");
  EXPECT_EQ(rows[1].action, "watchdog did not fire");
  for (const AuditRow& row : rows) {
    EXPECT_EQ(row.verb, "doctor");
    EXPECT_EQ(row.operator_name, "jane");
    EXPECT_EQ(row.origin, "bench-3");
    EXPECT_THAT(row.detail, HasSubstr("\"serial\":\"17\""));
    EXPECT_THAT(row.detail, HasSubstr("\"delay_s\":\"5\""));
  }
}

TEST_F(Evidence, a_simulated_cell_is_gone_with_its_trip_and_an_unnamed_one_is_nobody) {
  (void)run_that_ends("tripped", "1", "", "virtual");
  EXPECT_FALSE(open_trip("1"));
  (void)run_that_ends("tripped", "1", "");
  EXPECT_FALSE(open_trip("2", ""));
  EXPECT_TRUE(open_trip("1", ""));
  (void)run_that_ends("instrument failure", "3");
  EXPECT_FALSE(open_trip("3")) << "no safety trip";
}

// The process was killed between the trip and the end of the run.
TEST_F(Evidence, a_trip_without_an_end_of_its_run_counts_too) {
  {
    auto recorder = open();
    RunRow row = a_run();
    row.time_source = "real";
    Player player(*recorder, row);
    player.step({});
    player.event(Severity::trip, "trip", "4.26 V above 4.25 V");
    must(recorder->close());
  }
  EXPECT_EQ(open_trip("1"), 1);
}

TEST_F(Evidence, a_run_is_running_while_its_writer_lives_and_interrupted_after_it) {
  EXPECT_FALSE(LockFile::is_held(path));
  {
    auto recorder = open();
    Player player(*recorder, a_run());
    player.step({});
    must(recorder->flush());
    EXPECT_TRUE(LockFile::is_held(path));
    EXPECT_EQ(must(read()->run(1)).status, "running");
    must(recorder->close());  // without an end of the run, as after a crash
  }
  EXPECT_FALSE(LockFile::is_held(path));
  EXPECT_EQ(must(read()->run(1)).status, "interrupted");
  auto recorder = open();  // the next writer holds the lock: it is not the one of run 1
  Player player(*recorder, a_run());
  must(recorder->flush());
  EXPECT_EQ(must(read()->run(1)).status, "interrupted");
  EXPECT_EQ(must(read()->run(2)).status, "running");
  must(recorder->close());
  EXPECT_TRUE(must(verify_record(path)).is_intact());
}

// Somebody lists runs at the moment at which another process begins one: that must not be refused.
TEST_F(Evidence, looking_at_the_lock_refuses_no_writer) {
  must(open()->close());
  std::atomic<bool> is_over = false;
  std::thread looker([&] {
    while (!is_over) (void)LockFile::is_held(path);
  });
  for (int i = 0; i < 50; ++i) {
    Result<LockFile> lock = LockFile::acquire(path);
    EXPECT_TRUE(lock) << lock.error().what;
  }
  is_over = true;
  looker.join();
}

TEST_F(Evidence, deviations_come_back_as_they_were_and_stand_in_the_exported_metadata) {
  auto recorder = open();
  Player player(*recorder, a_run());
  player.step({});
  const UtcTime dark{1'000'000'000'000};
  const UtcTime light{1'090'000'000'000};
  recorder->deviation({player.run, "power_outage", 5, 9, dark, light, 0.007, "watchdog 5 s at 5 A", "the power was gone"});
  recorder->deviation({player.run, "other", 6, std::nullopt, dark, std::nullopt, std::nullopt, "", "?"});
  player.end_run();
  must(recorder->close());
  auto reader = read();
  const std::vector<DeviationRow> rows = must(reader->deviations(player.run));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].category, "power_outage");
  EXPECT_EQ(rows[0].to_test_time_ns, 9);
  EXPECT_EQ(rows[0].to_utc, light);
  EXPECT_EQ(rows[0].unseen_charge_max_Ah, 0.007);
  EXPECT_EQ(rows[0].bounded_by, "watchdog 5 s at 5 A");
  EXPECT_FALSE(rows[1].to_utc || rows[1].to_test_time_ns || rows[1].unseen_charge_max_Ah);
  const std::string metadata = must(bdf_metadata(*reader, player.run, {}));
  EXPECT_THAT(metadata, HasSubstr(R"("category":"power_outage","description":"the power was gone")"));
  EXPECT_THAT(metadata, HasSubstr(R"("duration_s":9E1)"));
  EXPECT_THAT(metadata, HasSubstr(R"("conformance":{"status":"non-conformant"})"));
  EXPECT_THAT(metadata, HasSubstr("\"chain_sha256\":\"" + must(chain_head(path)).sha256));
}

}  // namespace
}  // namespace cellrig::db
