// There is no more room: the caller is told, and what was committed stays readable.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "tests/db/child.hpp"
#include "tests/db/record_check.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::TempDir;

constexpr std::uint64_t samples_max = 2'000'000;

TEST(FullDisk, a_bound_on_the_size_stops_the_recorder_and_keeps_the_record) {
  const TempDir dir;
  RecorderOptions options = test::simulated(dir.file("a.db"));
  options.database_bytes_max = 4 << 20;
  std::uint64_t safe = 0;
  {
    auto recorder = must(Recorder::open(options));
    Player player(*recorder, a_run());
    player.begin_step({});
    while (!recorder->failed() && player.samples_appended < samples_max) player.sample({});
    ASSERT_TRUE(recorder->failed());
    EXPECT_NE(recorder->failure().find("is full"), std::string::npos) << recorder->failure();
    safe = recorder->rows_written();
    EXPECT_GT(safe, 20'000U);
    player.end_run();  // refused, without harm
    EXPECT_FALSE(recorder->flush());
    EXPECT_FALSE(recorder->close());
  }
  EXPECT_EQ(test::expect_whole(options.path, 1), safe);
  options.database_bytes_max = 0;
  auto recorder = must(Recorder::open(options));  // with room again it goes on
  Player player(*recorder, a_run());
  player.step({});
  must(recorder->close());
  EXPECT_EQ(test::expect_whole(options.path, 2), 50U);
}

// The same by the operating system's word: write() fails in the middle of a page.
TEST(FullDisk, a_limit_of_the_system_stops_the_recorder_and_keeps_the_record) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  int ends[2] = {};
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = test::start_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    constexpr rlim_t bytes_max = 3'000'001;
    const rlimit limit{bytes_max, bytes_max};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 10;
    auto recorder = Recorder::open(test::real(path));
    if (!recorder) return 11;
    Player player(**recorder, a_run());
    player.begin_step({});
    while (!(*recorder)->failed() && player.samples_appended < samples_max) player.sample({});
    if (!(*recorder)->failed()) return 12;
    const std::uint64_t safe = (*recorder)->rows_written();
    const bool is_told = (*recorder)->failure().find("disk") != std::string::npos;
    if ((*recorder)->close()) return 13;
    if (!is_told) return 14;
    return write(ends[1], &safe, sizeof safe) == sizeof safe ? 0 : 15;
  });
  EXPECT_EQ(WEXITSTATUS(test::wait_for(child)), 0);
  std::uint64_t safe = 0;
  EXPECT_EQ(read(ends[0], &safe, sizeof safe), static_cast<ssize_t>(sizeof safe));
  close(ends[0]);
  close(ends[1]);
  EXPECT_GT(safe, 5'000U);
  EXPECT_GE(test::expect_whole(path, 1), safe);
}

}  // namespace
}  // namespace cellrig::db
