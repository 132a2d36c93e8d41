#include "db/digest.hpp"

#include <gtest/gtest.h>

#include "db/sha256.hpp"
#include "db/sqlite.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::TempDir;

std::string digest_of(const TempDir& dir, const std::string& name, RunRow run, RecorderOptions options) {
  options.path = dir.file(name);
  auto recorder = must(Recorder::open(options));
  Player player(*recorder, run);
  player.play_cycle(300);
  player.event(Severity::info, "started", "hello");
  player.end_run();
  must(recorder->close());
  return must(record_digest(options.path));
}

TEST(Sha256, is_the_standard_one) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// "Same seed, same record": neither the host, nor its ports, nor when rows were committed may show.
TEST(RecordDigest, does_not_depend_on_host_version_ports_or_commits) {
  const TempDir dir;
  RunRow elsewhere = a_run();
  elsewhere.host = "another";
  elsewhere.software_version = "9.9";
  elsewhere.instruments[0].address = "localhost:40001";
  RecorderOptions other_commits = test::real("");
  other_commits.commit.rows = 7;
  const std::string a = digest_of(dir, "a.db", a_run(), test::simulated(""));
  EXPECT_EQ(a.size(), 64U);
  EXPECT_EQ(a, digest_of(dir, "b.db", elsewhere, other_commits));
}

// One bit of one row must show.
TEST(RecordDigest, changes_with_any_value) {
  const TempDir dir;
  const std::string before = digest_of(dir, "a.db", a_run(), test::simulated(""));
  const char* const changes[] = {
      "UPDATE sample SET voltage_V = voltage_V + 1e-15 * voltage_V WHERE rowid = 17",
      "UPDATE sample SET cell_temperature_degC = NULL WHERE rowid = 17",
      "UPDATE step SET end_reason = 'stopped' WHERE step = 2",
      "UPDATE event SET message = 'hello '",
      "UPDATE run SET seed = 8",
      "UPDATE cycle SET retention = NULL",
      "UPDATE profile SET text = text || ' '",
      "INSERT INTO sample SELECT * FROM sample WHERE rowid = 1",
  };
  std::string last = before;
  for (const char* const change : changes) {
    auto connection = must(Connection::open(dir.file("a.db"), OpenMode::write));
    must(connection.execute(change, "test"));
    const std::string now = must(record_digest(dir.file("a.db")));
    EXPECT_NE(now, last) << change;
    last = now;
  }
}

TEST(RecordDigest, reports_a_missing_file) { EXPECT_FALSE(record_digest("/nonexistent/a.db")); }

}  // namespace
}  // namespace cellrig::db
