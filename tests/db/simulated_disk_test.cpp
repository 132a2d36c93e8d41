// The disk that is put under the record of a simulated run: does it fail, forget and dawdle as it was told to?
#include <chrono>
#include <fstream>
#include <iterator>

#include "db/simulated_disk.hpp"
#include "db/verify.hpp"
#include "tests/db/record_check.hpp"

namespace cellrig::db {
namespace {

using namespace std::chrono_literals;
using test::a_run;
using test::must;
using test::Player;
using test::TempDir;

struct Loss {
  std::uint64_t promised = 0;  ///< rows that were said to be safe when the power went
  std::uint64_t found = 0;
  bool is_intact = false;
  std::string file;
};

std::string bytes_of(const std::string& path) {
  std::ifstream stream{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

/// Rows are promised 20 by 20, and the power goes with ten on their way.
Loss lose_power(UnsyncedWrites unsynced, std::uint64_t seed) {
  const TempDir dir;
  Loss loss;
  const RecorderOptions options = test::real(dir.file("a.db"));
  {
    SimulatedDisk disk;
    auto recorder = must(Recorder::open(options));
    Player player(*recorder, a_run());
    player.begin_step({});
    for (int i = 0; i < 100; ++i) {
      player.sample({});
      if (i % 20 == 19) must(recorder->flush());
    }
    for (int i = 0; i < 10; ++i) player.sample({});
    loss.promised = recorder->rows_written();
    disk.lose_power(unsynced, seed);
    player.sample({});
    EXPECT_FALSE(recorder->flush()) << "nothing is written without power";
    EXPECT_EQ(recorder->rows_written(), loss.promised);
  }
  loss.file = bytes_of(options.path) + bytes_of(options.path + "-wal");
  loss.found = test::expect_whole(options.path, 1);
  loss.is_intact = must(verify_record(options.path)).is_intact();
  return loss;
}

TEST(SimulatedDisk, keeps_what_was_promised_whatever_a_loss_of_power_leaves_of_the_rest) {
  for (const UnsyncedWrites unsynced :
       {UnsyncedWrites::dropped, UnsyncedWrites::kept, UnsyncedWrites::some, UnsyncedWrites::torn}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE("unsynced " + std::to_string(static_cast<int>(unsynced)) + ", seed " + std::to_string(seed));
      const Loss loss = lose_power(unsynced, seed);
      EXPECT_EQ(loss.promised, 100U);
      EXPECT_GE(loss.found, loss.promised);
      EXPECT_LE(loss.found, 110U);
      EXPECT_TRUE(loss.is_intact);
    }
  }
}

/// The file as SQLite leaves it where nothing is synced: by what is dropped one sees that something is.
TEST(SimulatedDisk, drops_what_was_not_synced_and_keeps_it_where_that_is_wanted) {
  const auto rows_left = [](UnsyncedWrites unsynced) {
    const TempDir dir;
    const std::string path = dir.file("a.db");
    {
      SimulatedDisk disk;
      auto connection = must(Connection::open(path, OpenMode::write));
      must(connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE t(x)", "test"));
      must(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)", "test"));
      must(connection.execute("INSERT INTO t VALUES (1), (2), (3)", "test"));  // into the log, which is not synced
      disk.lose_power(unsynced, 1);
    }
    auto connection = must(Connection::open(path, OpenMode::read));
    return must(connection.query_integer("SELECT count(*) FROM t"));
  };
  EXPECT_EQ(rows_left(UnsyncedWrites::dropped), 0);
  EXPECT_EQ(rows_left(UnsyncedWrites::kept), 3);
}

/// The log of three transactions that nothing has synced, after a loss of power. 'x' is what was written.
std::string log_left(UnsyncedWrites unsynced, std::uint64_t seed) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  {
    SimulatedDisk disk;
    auto connection = must(Connection::open(path, OpenMode::write));
    must(connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE t(x)", "test"));
    must(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)", "test"));
    for (int i = 0; i < 3; ++i) must(connection.execute("INSERT INTO t VALUES (replace(hex(zeroblob(1800)), '0', 'x'))", "test"));
    disk.lose_power(unsynced, seed);
  }
  return bytes_of(path + "-wal");
}

// A disk may write what it likes first, and a sector of the file is written whole or not at all.
TEST(SimulatedDisk, keeps_later_writes_without_earlier_ones_and_tears_them_at_sectors) {
  constexpr std::size_t sector_bytes = 512, log_header_bytes = 32, frame_bytes = 24 + 4096;
  const std::string whole = log_left(UnsyncedWrites::kept, 1);
  ASSERT_GT(whole.size(), log_header_bytes + 4 * frame_bytes);
  const std::string data(64, 'x');  // one 'x' may stand in a checksum
  int out_of_order = 0, torn = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string some = log_left(UnsyncedWrites::some, seed);
    const auto has_frame = [&](std::size_t frame) {
      const std::size_t begin = log_header_bytes + frame * frame_bytes;
      return some.size() > begin && some.substr(begin, frame_bytes).find(data) != std::string::npos;
    };
    out_of_order += !has_frame(3) && has_frame(4) ? 1 : 0;  // those of the second transaction
    std::string sectors = log_left(UnsyncedWrites::torn, seed);
    sectors.resize(whole.size());
    for (std::size_t i = 1; i < whole.size(); ++i) {
      const bool is_inside = whole[i] == 'x' && whole[i - 1] == 'x';
      if (!is_inside || sectors[i] == sectors[i - 1]) continue;
      ++torn;
      ASSERT_EQ(i % sector_bytes, 0u) << "seed " << seed;
    }
  }
  EXPECT_GT(out_of_order, 0);
  EXPECT_GT(torn, 10);
}

TEST(SimulatedDisk, answers_with_an_error_until_it_is_mended) {
  const TempDir dir;
  SimulatedDisk disk;
  disk.fail(true, false);
  EXPECT_FALSE(Recorder::open(test::real(dir.file("a.db"))));
  disk.fail(false, true);
  {
    auto opened = Recorder::open(test::real(dir.file("b.db")));
    EXPECT_FALSE(opened && (*opened)->close());
  }
  disk.fail(false, false);
  auto recorder = must(Recorder::open(test::real(dir.file("c.db"))));
  must(recorder->close());
}

TEST(SimulatedDisk, takes_its_time_and_stops_when_told_to_hurry) {
  const TempDir dir;
  SimulatedDisk disk;
  auto recorder = must(Recorder::open(test::real(dir.file("a.db"))));
  Player player(*recorder, a_run());
  player.begin_step({});
  player.sample({});
  disk.sync_takes(200ms);
  const auto began = std::chrono::steady_clock::now();
  must(recorder->flush());
  EXPECT_GE(std::chrono::steady_clock::now() - began, 200ms);
  disk.sync_takes(1h);
  player.event(Severity::warning, "note", "commit this");
  player.sample({});
  disk.sync_takes(0ms);
  must(recorder->close());  // or this test does not end
}

}  // namespace
}  // namespace cellrig::db
