// The power fails at every single write: the record opens, its chain holds, and no row that was acknowledged is missing.
// CELLRIG_POWER_LOSS_ROUNDS=20 tries each moment that many times with other writes lost (CONTRIBUTING.md).
#include <cstdlib>
#include <filesystem>
#include <set>

#include "db/failure_note.hpp"
#include "db/verify.hpp"
#include "tests/db/logged_disk.hpp"
#include "tests/db/record_check.hpp"
#include "tests/support/sparse.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::DiskOperation;
using test::DiskReplay;
using test::must;
using test::Player;
using test::TempDir;
using test::Unsynced;

namespace fs = std::filesystem;

constexpr std::size_t moment_stride = sparse_when_sanitized(13);

/// So many rows were acknowledged when the disk had seen so many operations.
struct Promise {
  std::size_t operations = 0;
  RunKey run = 0;
  std::uint64_t rows = 0;
};

/// Two processes after each other, the first one closes in order; then a third that begins.
std::vector<Promise> record(const std::string& path, test::LoggedDisk& disk) {
  std::vector<Promise> promises;
  for (RunKey run = 1; run <= 3; ++run) {
    RecorderOptions options = test::real(path);
    options.commit.interval = Duration{0};  // only when told: the log is the same every time
    auto recorder = must(Recorder::open(options));
    Player player(*recorder, a_run());
    for (int i = 0; i < 3; ++i) {
      player.play_cycle(20);
      player.event(Severity::warning, "note", "something");
      must(recorder->flush());
      promises.push_back({disk.operations(), run, recorder->rows_written()});
    }
    if (run < 3) player.end_run();
    must(recorder->close());
    promises.push_back({disk.operations(), run, recorder->rows_written()});
  }
  return promises;
}

void expect_kept(const std::string& path, const std::vector<Promise>& promises, std::size_t operations) {
  const auto is_kept = [operations](const Promise& promise) { return promise.operations <= operations; };
  if (std::none_of(promises.begin(), promises.end(), is_kept)) return;  // nothing was promised: the file may be empty
  {
    auto connection = must(Connection::open(path, OpenMode::write));
    EXPECT_EQ(must(connection.query_text("PRAGMA integrity_check")), "ok");
  }
  const VerifyReport report = must(verify_record(path));
  EXPECT_TRUE(report.is_intact()) << report.findings.front().what;
  for (RunKey run = 1; run <= 3; ++run) {
    std::uint64_t promised = 0;
    for (const Promise& promise : promises) {
      if (is_kept(promise) && promise.run == run) promised = promise.rows;
    }
    if (promised == 0) continue;
    EXPECT_GE(test::expect_whole(path, run), promised) << "run " << run;
  }
}

TEST(PowerLoss, at_any_write_no_acknowledged_row_is_lost_and_the_chain_holds) {
  const char* const wanted = std::getenv("CELLRIG_POWER_LOSS_ROUNDS");
  const int rounds = wanted == nullptr ? 1 : std::max(1, std::atoi(wanted));
  const TempDir dir;
  std::vector<DiskOperation> log;
  std::vector<Promise> promises;
  {
    test::LoggedDisk disk;
    promises = record(dir.file("a.db"), disk);
    log = disk.log();
  }
  ASSERT_GT(log.size(), 100U);
  const test::HookedDisk without_syncs;  // of the checks below
  std::mt19937 random(20'251'129);
  DiskReplay replay;
  std::uint64_t moments = 0;
  for (std::size_t at = 0; at < log.size(); ++at) {
    replay.apply(log[at]);
    if (at % moment_stride != 0) continue;
    for (int round = 0; round < rounds; ++round) {
      for (const Unsynced unsynced :
           {Unsynced::dropped, Unsynced::kept, Unsynced::some, Unsynced::torn, Unsynced::last, Unsynced::late}) {
        const bool is_random = unsynced == Unsynced::some || unsynced == Unsynced::torn;
        const bool is_order = unsynced == Unsynced::last || unsynced == Unsynced::late;
        if ((round > 0 && !is_random) || (is_order && !replay.has_several_unsynced())) continue;
        const TempDir place;
        replay.write_files(unsynced, random, [&place](const std::string& file) { return place.file(fs::path(file).filename()); });
        expect_kept(place.file("a.db"), promises, at + 1);
        // And the next writer goes on with it.
        auto next = Recorder::open(test::simulated(place.file("a.db")));
        EXPECT_TRUE(next) << next.error().what;
        ++moments;
        if (testing::Test::HasFailure()) {
          ADD_FAILURE() << "after operation " << at + 1 << " of " << log.size() << ", unsynced writes "
                        << static_cast<int>(unsynced);
          return;
        }
      }
    }
  }
  RecordProperty("moments", static_cast<int>(moments));
}

// Whoever replays in order proves little: a later write arrives and an earlier one does not, and one is torn at the sectors of the file.
class Replay : public testing::Test {
 protected:
  /// Two writes of a file that is there, of which no sync tells: 'a' from 100 on, 'b' from 2000 on.
  Replay() {
    replay_.apply(log_[0]);
    replay_.apply(log_[1]);
    replay_.apply(log_[2]);
    replay_.apply(log_[3]);
  }
  [[nodiscard]] std::string left(Unsynced unsynced) {
    const TempDir place;
    replay_.write_files(unsynced, random_, [&place](const std::string& file) { return place.file(file); });
    std::ifstream stream{place.file("f"), std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
  }
  static constexpr std::size_t a_at = 100, b_at = 2000, length = 1500, size = 4096;

  std::vector<DiskOperation> log_{{DiskOperation::Kind::write, "f", 0, std::string(size, '.')},
                                  {DiskOperation::Kind::sync, "f", 0, {}},
                                  {DiskOperation::Kind::write, "f", a_at, std::string(length, 'a')},
                                  {DiskOperation::Kind::write, "f", b_at, std::string(length, 'b')}};
  DiskReplay replay_;
  std::mt19937 random_{1};
};

TEST_F(Replay, keeps_any_of_the_unsynced_writes_also_a_later_one_without_an_earlier_one) {
  std::set<std::string> seen;
  for (int round = 0; round < 100; ++round) {
    const std::string image = left(Unsynced::some);
    seen.insert({image[a_at], image[b_at]});
  }
  EXPECT_EQ(seen, (std::set<std::string>{"..", "a.", ".b", "ab"}));
  EXPECT_TRUE(replay_.has_several_unsynced());
  const std::string last = left(Unsynced::last);
  EXPECT_EQ(last[a_at], '.');
  EXPECT_EQ(last[b_at + length - 1], 'b');
  EXPECT_EQ(left(Unsynced::late), last) << "of two";
}

TEST_F(Replay, tears_a_write_where_a_sector_of_the_file_begins) {
  constexpr std::size_t sector_bytes = 512;
  std::set<std::size_t> borders;
  for (int round = 0; round < 200; ++round) {
    const std::string image = left(Unsynced::torn);
    for (std::size_t i = a_at + 1; i < a_at + length; ++i) {
      if (image[i] != image[i - 1]) borders.insert(i);
    }
  }
  EXPECT_EQ(borders, (std::set<std::size_t>{sector_bytes, 2 * sector_bytes, 3 * sector_bytes}));
}

// The test at the top would prove nothing if a replay could not lose anything.
TEST(PowerLoss, a_disk_that_lies_about_sync_does_lose_rows) {
  const TempDir dir;
  std::vector<DiskOperation> log;
  {
    test::LoggedDisk disk;
    (void)record(dir.file("a.db"), disk);
    log = disk.log();
  }
  std::erase_if(log, [](const DiskOperation& operation) { return operation.kind == DiskOperation::Kind::sync; });
  DiskReplay replay;
  for (const DiskOperation& operation : log) replay.apply(operation);
  std::mt19937 random(1);
  replay.write_files(Unsynced::dropped, random,
                     [&dir](const std::string& file) { return dir.file("lost-" + fs::path(file).filename().string()); });
  EXPECT_FALSE(fs::exists(dir.file("lost-a.db")));
}

// What a disk says it has after a sync that failed may be in memory only: nothing is appended behind it before it is written anew.
TEST(PowerLoss, after_a_disk_that_failed_the_log_goes_into_the_database_before_anything_is_appended) {
  const TempDir dead, dir;
  {
    const test::HookedDisk without_syncs;
    auto recorder = must(Recorder::open(test::real(dead.file("a.db"))));
    Player player(*recorder, a_run());
    player.play_cycle(20);
    must(recorder->flush());
    for (const char* const suffix : {"", "-wal"}) fs::copy_file(dead.file("a.db") + suffix, dir.file("a.db") + suffix);
    must(recorder->close());
  }
  write_failure_note(dir.file("a.db"), "disk I/O error");
  test::LoggedDisk disk;
  auto recorder = must(Recorder::open(test::real(dir.file("a.db"))));
  const std::vector<DiskOperation> log = disk.log();
  const auto is_log = [](const DiskOperation& o) { return o.file.ends_with("-wal"); };
  const auto appended =
      std::find_if(log.begin(), log.end(), [&](const auto& o) { return o.kind == DiskOperation::Kind::write && is_log(o); });
  ASSERT_NE(appended, log.end()) << "this test needs somebody who appends";
  EXPECT_TRUE(
      std::any_of(log.begin(), appended, [&](const auto& o) { return o.kind == DiskOperation::Kind::write && !is_log(o); }));
  EXPECT_TRUE(
      std::any_of(log.begin(), appended, [&](const auto& o) { return o.kind == DiskOperation::Kind::sync && !is_log(o); }));
  must(recorder->close());
  EXPECT_TRUE(must(verify_record(dir.file("a.db"))).is_intact());
}

}  // namespace
}  // namespace cellrig::db
