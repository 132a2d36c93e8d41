// People look at a run while it is being written.
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "db/export/bdf.hpp"
#include "tests/db/bdf_check.hpp"
#include "tests/db/child.hpp"
#include "tests/db/record_check.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::TempDir;

constexpr std::uint64_t mebibyte = 1 << 20;

void write_rows(Recorder& recorder, Player& player, int rows) {
  for (int i = 0; i < rows; ++i) player.sample({});
  must(recorder.flush());
}

// A slow reader must not let the log grow: it holds no transaction while it thinks.
TEST(ReadWhileWriting, a_reader_does_not_stop_checkpoints) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(test::simulated(path)));
  Player player(*recorder, a_run());
  player.begin_step({});
  write_rows(*recorder, player, 100'000);
  auto reader = must(Reader::open(path));
  std::uint64_t largest = 0;
  const SampleVisitor slow = [&](const SampleView& s) {
    if (s.record_index % 5'000 == 0) write_rows(*recorder, player, 40'000);
    largest = std::max(largest, recorder->wal_bytes());
    return true;
  };
  EXPECT_EQ(must(reader->for_each_sample(player.run, slow)), 100'000U) << "what was there when it began";
  EXPECT_EQ(player.samples_appended, 900'000U);
  EXPECT_LT(largest, 32 * mebibyte);
}

// The test above proves something only if a reader *inside* a SELECT does stop them.
TEST(ReadWhileWriting, a_reader_inside_a_select_shows_in_wal_bytes) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(test::simulated(path)));
  Player player(*recorder, a_run());
  player.begin_step({});
  write_rows(*recorder, player, 1'000);
  auto connection = must(Connection::open(path, OpenMode::read));
  auto select = must(connection.prepare("SELECT rowid FROM sample"));
  ASSERT_TRUE(must(select.step("test")));
  write_rows(*recorder, player, 600'000);
  EXPECT_GT(recorder->wal_bytes(), 40 * mebibyte);
  EXPECT_FALSE(recorder->failed());
  select.reset();
  write_rows(*recorder, player, 50'000);
  write_rows(*recorder, player, 50'000);
  EXPECT_LT(recorder->wal_bytes(), 32 * mebibyte) << "the log is reused as soon as it has gone";
}

TEST(ReadWhileWriting, an_export_is_valid_at_any_moment) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  RecorderOptions options = test::simulated(path);
  options.commit.rows = 97;
  auto recorder = must(Recorder::open(options));
  Player player(*recorder, a_run());
  must(recorder->flush());
  std::atomic<bool> is_over = false;
  std::thread writer([&] {
    while (!is_over) player.play_cycle(50);
  });
  auto reader = must(Reader::open(path));
  std::uint64_t rows = 0;
  for (int i = 0; i < 10; ++i) {
    const std::string file = dir.file("x" + std::to_string(i) + ".bdf.csv");
    const BdfReport report = must(export_bdf(*reader, player.run, {file}));
    EXPECT_GE(report.rows, rows);
    rows = report.rows;
    if (rows > 20'000) break;  // reading the files takes longest
    test::expect_valid_bdf(test::read_bdf(file));
    EXPECT_NE(must(bdf_metadata(*reader, player.run, {})).find("\"status\":\"running\""), std::string::npos);
  }
  is_over = true;
  writer.join();
  must(recorder->close());
}

/// Reads as a user who may not write there; under root, as nobody. 0: as expected.
int read_as_a_guest(const std::string& path, std::uint64_t rows, bool expects_note) {
  if (geteuid() == 0 && setuid(65534) != 0) return 1;
  auto reader = Reader::open(path);
  if (!reader) return 2;
  const auto visited = (*reader)->for_each_sample(1, [](const SampleView&) { return true; });
  if (!visited || *visited != rows) return 3;
  return (*reader)->note().empty() == expects_note ? 4 : 0;
}

// A record on a read-only share, or copied from a bench that crashed.
TEST(ReadOnlyPlace, shows_what_can_be_shown_and_says_what_cannot) {
  const TempDir dir;
  const std::filesystem::path clean = dir.path() / "clean";
  const std::filesystem::path crashed = dir.path() / "crashed";
  std::filesystem::create_directories(clean);
  std::filesystem::create_directories(crashed);
  {
    auto recorder = must(Recorder::open(test::simulated(dir.file("a.db"))));
    Player player(*recorder, a_run());
    player.step({});
    must(recorder->close());
    std::filesystem::copy(dir.file("a.db"), clean / "a.db");
    recorder = must(Recorder::open(test::simulated(dir.file("a.db"))));
    Player second(*recorder, a_run());
    second.step({});
    must(recorder->flush());
    std::filesystem::copy(dir.file("a.db"), crashed / "a.db");
    std::filesystem::copy(dir.file("a.db-wal"), crashed / "a.db-wal");
  }
  for (const auto& place : {dir.path(), clean, crashed}) chmod(place.c_str(), 0555);
  const auto guest = [](const std::filesystem::path& path, bool expects_note) {
    return WEXITSTATUS(test::wait_for(test::start_child([&] { return read_as_a_guest(path, 50, expects_note); })));
  };
  EXPECT_EQ(guest(clean / "a.db", false), 0);
  EXPECT_EQ(guest(crashed / "a.db", true), 0);
  for (const auto& place : {dir.path(), clean, crashed}) chmod(place.c_str(), 0755);
  // With the right to write there, the log is read too.
  auto reader = must(Reader::open(crashed / "a.db"));
  EXPECT_EQ(must(reader->runs()).size(), 2U);
  EXPECT_TRUE(reader->note().empty());
}

}  // namespace
}  // namespace cellrig::db
