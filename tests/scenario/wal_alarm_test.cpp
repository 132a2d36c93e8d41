// H15: a reader that stays inside one SELECT stops every checkpoint, and the write-ahead log grows until the disk is full.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/sqlite.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t alarm_bytes = 24 * mebibyte;  ///< more than a log without readers ever holds: 16 MiB and one transaction
constexpr int notes = 300;
constexpr std::size_t note_bytes = 100'000;  ///< 30 MB in all

const std::string ten_minutes =
    "profile: P\nformat: 1\nrecord: {every_s: 1}\nsteps:\n"
    "  - cc_charge: {rate_C: 0.5, until: step_time_s >= 600, at_most_h: 1}\n";

/// A run during which somebody reads, or nobody does, while much is written.
class WalAlarm : public testing::Test {
 protected:
  void write_much() {
    for (int i = 0; i < notes; ++i) {
      bench.recorder().append(db::EventRow{.kind = "note", .message = std::string(note_bytes, 'x')});
      ASSERT_TRUE(bench.recorder().flush());
    }
  }
  void begin_to_read() {
    connection = std::move(db::Connection::open(bench.database(), db::OpenMode::read).value());
    select = std::move(connection.prepare("SELECT name FROM sqlite_schema").value());
    ASSERT_TRUE(select.step("test").value());
  }
  void read_no_more() {
    select.reset();
    connection = db::Connection{};
  }
  [[nodiscard]] std::vector<db::EventRow> recorded() {
    std::vector<db::EventRow> events = bench.record().events(0).value();
    std::erase_if(events, [](const db::EventRow& event) { return event.kind != "write-ahead log"; });
    return events;
  }

  BenchHarness bench{{.profiles = {{"ch1", ten_minutes}}, .start_rules = [](BenchRunOptions& options) {
                        options.disk_reserve_bytes = 0;  // whoever keeps no reserve has the same log
                        options.wal_bytes_alarm = alarm_bytes;
                        options.disk_check_interval = 10s;
                      }}};
  db::Connection connection;
  db::Statement select;
};

TEST_F(WalAlarm, a_reader_that_stays_is_told_and_recorded_and_that_it_has_gone_is_too) {
  bench.at(60s, [this] { begin_to_read(); });
  bench.at(65s, [this] { write_much(); });
  bench.at(80s, [this] { EXPECT_GT(bench.recorder().wal_bytes(), alarm_bytes); });
  bench.at(100s, [this] { read_no_more(); });
  bench.at(105s, [this] {  // a checkpoint, and the first commit after it
    for (int i = 0; i < 2; ++i) {
      bench.recorder().append(db::EventRow{.kind = "note", .message = "short"});
      ASSERT_TRUE(bench.recorder().flush());
    }
  });
  bench.at(200s, [this] { begin_to_read(); });
  bench.at(205s, [this] { write_much(); });
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::completed)) << "nobody stops a run for it";
  const std::vector<db::EventRow> events = recorded();
  ASSERT_EQ(events.size(), 3u) << "once each time, not at every look";
  EXPECT_EQ(events[0].severity, db::Severity::alarm);
  EXPECT_THAT(events[0].message, HasSubstr("write-ahead log has grown to 3"));
  EXPECT_EQ(events[1].severity, db::Severity::info);
  EXPECT_THAT(events[1].message, HasSubstr("from its start again"));
  EXPECT_EQ(events[2].severity, db::Severity::alarm) << "an alarm that has cleared can come again";
  EXPECT_TRUE(bench.said("does some reader keep the database open?"));
}

TEST_F(WalAlarm, as_much_without_a_reader_is_none) {
  bench.at(65s, [this] { write_much(); });
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::completed));
  EXPECT_TRUE(recorded().empty());
}

}  // namespace
}  // namespace cellrig::test
