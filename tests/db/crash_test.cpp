// The writer dies without a word: what it acknowledged is there.
#include <csignal>
#include <cstdint>

#include "tests/db/child.hpp"
#include "tests/db/record_check.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::TempDir;

/// Runs in the child: records for ever and tells each number of rows that are safe.
int record_until_killed(const std::string& path, int pipe_end) {
  RecorderOptions options = test::real(path);
  options.commit.interval = std::chrono::milliseconds{2};
  auto recorder = Recorder::open(options);
  if (!recorder) return 1;
  Player player(**recorder, a_run());
  player.begin_step({});
  std::uint64_t told = 0;
  while (!(*recorder)->failed()) {
    const std::uint64_t safe = (*recorder)->rows_written();
    constexpr std::uint64_t ahead_max = 50'000;  // of the disk: faster is a failure in real time
    if (player.samples_appended - safe < ahead_max) player.sample({});
    if (safe == told) continue;
    told = safe;
    if (write(pipe_end, &safe, sizeof safe) != sizeof safe) return 2;
  }
  return 3;
}

TEST(Crash, no_acknowledged_row_is_lost_when_the_writer_is_killed) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  constexpr int rounds = 8;
  for (RunKey run = 1; run <= rounds; ++run) {
    int ends[2] = {};
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = test::start_child([&] { return record_until_killed(path, ends[1]); });
    close(ends[1]);
    std::uint64_t safe = 0;
    const int commits = 3 + static_cast<int>(run) * 5;  // another moment in each round
    for (int i = 0; i < commits; ++i) ASSERT_EQ(read(ends[0], &safe, sizeof safe), static_cast<ssize_t>(sizeof safe));
    kill(child, SIGKILL);
    test::wait_for(child);
    while (read(ends[0], &safe, sizeof safe) == static_cast<ssize_t>(sizeof safe)) {
    }
    close(ends[0]);
    EXPECT_GE(test::expect_whole(path, run), safe) << "round " << run;
    auto reader = must(Reader::open(path));
    EXPECT_EQ(must(reader->run(run)).status, "running") << "nobody wrote an end";
  }
  // The lock went with the process, and the record can be continued.
  must(must(Recorder::open(test::real(path)))->close());
}

// A parent that dies must not leave its lock to a child it forked.
TEST(Crash, a_forked_child_does_not_keep_a_released_lock) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  int ends[2] = {};
  ASSERT_EQ(pipe(ends), 0);
  auto recorder = must(Recorder::open(test::real(path)));
  const pid_t child = test::start_child([&] {
    close(ends[1]);
    char byte = 0;
    return read(ends[0], &byte, 1) == 0 ? 0 : 1;
  });
  must(recorder->close());
  EXPECT_TRUE(Recorder::open(test::real(path)));
  close(ends[1]);
  close(ends[0]);
  test::wait_for(child);
}

}  // namespace
}  // namespace cellrig::db
