// The writer dies without a word: what it acknowledged is there.
#include <csignal>
#include <cstdint>
#include <cstring>
#include <span>

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
    EXPECT_EQ(must(reader->run(run)).status, "interrupted") << "nobody wrote an end";
  }
  // The lock went with the process, and the record can be continued.
  must(must(Recorder::open(test::real(path)))->close());
}

/// Runs in the child: ends a step, writes its cycle, begins the next and keeps where it stands, all held together, for ever.
int change_steps_until_killed(const std::string& path, int pipe_end) {
  RecorderOptions options = test::real(path);
  options.commit.interval = std::chrono::milliseconds{1};
  auto recorder = Recorder::open(options);
  if (!recorder) return 1;
  Player player(**recorder, a_run());
  player.begin_step({});
  constexpr int samples_per_step = 3;
  for (std::uint64_t step = 1; !(*recorder)->failed(); ++step) {
    for (int i = 0; i < samples_per_step; ++i) player.sample({});
    (*recorder)->hold();
    player.end_step();
    (*recorder)->append(CycleRow{.run = player.run, .cycle = static_cast<std::int64_t>(step)});
    player.begin_step({});
    (*recorder)->resume_point(player.run, std::as_bytes(std::span{&step, 1}));
    (*recorder)->release();
    if (step % 50 != 0) continue;
    if (!(*recorder)->flush()) return 2;
    if (write(pipe_end, &step, sizeof step) != sizeof step) return 2;
  }
  return 3;
}

// A resume point that lags behind the steps would do a step twice.
TEST(Crash, a_resume_point_stands_where_the_steps_and_cycles_stand_whenever_the_writer_is_killed) {
  const TempDir dir;
  for (int round = 0; round < 8; ++round) {
    const std::string path = dir.file("a" + std::to_string(round) + ".db");
    int ends[2] = {};
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = test::start_child([&] { return change_steps_until_killed(path, ends[1]); });
    close(ends[1]);
    std::uint64_t told = 0;
    for (int i = 0; i < 2 + round; ++i) ASSERT_EQ(read(ends[0], &told, sizeof told), static_cast<ssize_t>(sizeof told));
    kill(child, SIGKILL);
    test::wait_for(child);
    close(ends[0]);
    auto reader = must(Reader::open(path));
    const std::optional<ResumeState> point = must(reader->resume_point(1));
    ASSERT_TRUE(point);
    std::uint64_t stood = 0;
    ASSERT_EQ(point->state.size(), sizeof stood);
    std::memcpy(&stood, point->state.data(), sizeof stood);
    EXPECT_GE(stood, told) << "round " << round;
    const std::vector<StepInfo> steps = must(reader->steps(1));
    ASSERT_EQ(steps.size(), stood + 1) << "round " << round;
    EXPECT_TRUE(steps[stood - 1].end.has_value());
    EXPECT_FALSE(steps[stood].end.has_value());
    EXPECT_EQ(must(reader->cycles(1)).size(), stood) << "round " << round;
  }
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
