// A disk that hangs, and one that says it could not sync: the control loop goes on, the run is stopped by name, nothing is retried.
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "db/verify.hpp"
#include "tests/db/faulty_disk.hpp"
#include "tests/db/record_check.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::TempDir;

/// A sync takes as long as the test wants.
class HangingDisk final : public test::HookedDisk {
 public:
  void hang() {
    const std::scoped_lock lock(mutex_);
    hangs_ = true;
  }
  void go_on() {
    const std::scoped_lock lock(mutex_);
    hangs_ = false;
    changed_.notify_all();
  }
  /// Returns when somebody waits for a sync.
  void wait_until_hanging() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_waiting_; });
  }

 private:
  int before_sync(std::string_view) override {
    std::unique_lock lock(mutex_);
    is_waiting_ = hangs_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !hangs_; });
    is_waiting_ = false;
    return SQLITE_OK;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool hangs_ = false;
  bool is_waiting_ = false;
};

/// With a sync that hangs: what the control thread calls must return. If it waited for the disk, this test would not end.
TEST(SlowDisk, nothing_that_the_control_loop_calls_waits_for_a_sync) {
  const TempDir dir;
  HangingDisk disk;
  RecorderOptions options = test::real(dir.file("a.db"));
  auto recorder = must(Recorder::open(options));
  Player player(*recorder, a_run());
  player.begin_step({});
  must(recorder->flush());
  disk.hang();
  player.event(Severity::warning, "note", "commit this");
  disk.wait_until_hanging();
  constexpr int rows = 100'000;
  for (int i = 0; i < rows; ++i) player.sample({});
  recorder->append(AuxRow{player.step_key(), player.now_ns, "chamber_temperature_degC", 25});
  recorder->resume_point(player.run, {});
  player.event(Severity::trip, "trip", "also a trip does not wait");
  player.end_step();
  player.end_run();
  EXPECT_FALSE(recorder->failed());
  const Duration behind = recorder->behind();
  EXPECT_GT(behind, Duration{0});
  EXPECT_GE(recorder->behind(), behind) << "and it grows";
  EXPECT_EQ(recorder->rows_written(), 0U) << "nothing is promised that the disk has not confirmed";
  disk.go_on();
  must(recorder->close());
  EXPECT_EQ(recorder->rows_written(), static_cast<std::uint64_t>(rows));
  EXPECT_EQ(test::expect_whole(options.path, 1), static_cast<std::uint64_t>(rows));
  EXPECT_TRUE(must(verify_record(options.path)).is_intact());
}

TEST(SlowDisk, a_full_queue_is_a_failure_with_a_name_and_not_a_wait) {
  const TempDir dir;
  HangingDisk disk;
  RecorderOptions options = test::real(dir.file("a.db"));
  options.queue_rows_max = 1'000;
  {
    auto recorder = must(Recorder::open(options));
    Player player(*recorder, a_run());
    player.begin_step({});
    player.sample({});
    must(recorder->flush());
    disk.hang();
    player.event(Severity::warning, "note", "commit this");
    disk.wait_until_hanging();
    for (int i = 0; i < 1'000; ++i) player.sample({});
    EXPECT_FALSE(recorder->failed()) << "what has room is no failure";
    player.sample({});
    EXPECT_TRUE(recorder->failed());
    EXPECT_NE(recorder->failure().find("the disk is too slow: 1000 samples or more wait"), std::string::npos)
        << recorder->failure();
    disk.go_on();
    EXPECT_FALSE(recorder->close());
  }
  EXPECT_GE(test::expect_whole(options.path, 1), 1U);
  EXPECT_TRUE(must(verify_record(options.path)).is_intact());
}

/// A row the disk did not confirm is not there for sure, and asking again would be answered with a lie (the kernel forgets the error).
TEST(FailingSync, is_never_asked_again_and_the_record_says_so_to_the_next_one) {
  test::FaultyDisk disk;
  for (int n = 1; n <= 3; ++n) {
    const TempDir dir;
    const RecorderOptions options = test::real(dir.file("a.db"));
    must(must(Recorder::open(options))->close());
    std::uint64_t safe = 0;
    {
      auto recorder = must(Recorder::open(options));
      Player player(*recorder, a_run());
      player.begin_step({});
      disk.fail_at(n, false, test::FaultyDisk::What::syncs);
      for (int i = 0; i < 5; ++i) {
        player.sample({});
        if (!recorder->flush()) break;
        safe = recorder->rows_written();
      }
      ASSERT_TRUE(disk.has_failed()) << n;
      EXPECT_TRUE(recorder->failed());
      EXPECT_NE(recorder->failure().find("the disk reports an error"), std::string::npos) << recorder->failure();
      EXPECT_TRUE(std::filesystem::exists(options.path + ".failed")) << "also for who opens it after this process was killed";
      player.sample({});
      EXPECT_FALSE(recorder->flush()) << "it stays failed";
      EXPECT_FALSE(recorder->close());
      EXPECT_EQ(disk.syncs_after_failure(), 0) << "a sync that failed was tried again";
    }
    disk.heal();
    EXPECT_TRUE(std::filesystem::exists(options.path + ".failed"));
    EXPECT_GE(test::expect_whole(options.path, 1), safe);
    must(must(Recorder::open(options))->close());
    EXPECT_FALSE(std::filesystem::exists(options.path + ".failed"));
    auto reader = must(Reader::open(options.path));
    const std::vector<EventRow> events = must(reader->events(0));
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, "record failure");
    EXPECT_NE(events[0].message.find("the disk reports an error"), std::string::npos) << events[0].message;
    EXPECT_TRUE(must(verify_record(options.path)).is_intact());
    for (const RunInfo& run : must(reader->runs())) EXPECT_EQ(run.status, "interrupted");
  }
}

}  // namespace
}  // namespace cellrig::db
