// Fails the n-th write, sync or truncation, n = 1, 2, 3 ... until a run passes without meeting the fault.
#include "db/verify.hpp"
#include "tests/db/faulty_disk.hpp"
#include "tests/db/record_check.hpp"
#include "tests/support/sparse.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::TempDir;

constexpr int operation_stride = sparse_when_sanitized(7);  // no multiple of what a page is written with

struct Outcome {
  bool was_opened = false;
  std::uint64_t safe = 0;
  bool was_reported = false;
};

Outcome record_a_little(const std::string& path) {
  RecorderOptions options = test::real(path);
  options.commit.interval = Duration{0};  // only when told: the same operations in every round
  Outcome outcome;
  auto opened = Recorder::open(options);
  if (!opened) return {.was_opened = false, .safe = 0, .was_reported = true};
  Recorder& recorder = **opened;
  outcome.was_opened = true;
  Player player(recorder, a_run());
  for (int i = 0; i < 3; ++i) {
    player.play_cycle(100);
    (void)recorder.flush();
  }
  player.end_run();
  (void)recorder.flush();
  outcome.safe = recorder.rows_written();
  const Result<void> closed = recorder.close();
  outcome.was_reported = !closed && recorder.failed() && !recorder.failure().empty();
  return outcome;
}

void fail_one_after_another(bool is_for_ever, test::FaultyDisk::What what, int at_least) {
  test::FaultyDisk disk;
  constexpr int operations_max = 2'000;
  int n = 1;
  for (; n < operations_max; n += operation_stride) {
    const TempDir dir;
    const std::string path = dir.file("a.db");
    disk.fail_at(n, is_for_ever, what);
    const Outcome outcome = record_a_little(path);
    const bool was_hit = disk.has_failed();
    disk.heal();
    if (!was_hit) {
      EXPECT_FALSE(outcome.was_reported);
      EXPECT_EQ(outcome.safe, 3U * 300U);
      break;
    }
    // A fault is told, or it hit something that does not matter (a checkpoint at the end is repeated by the next writer).
    EXPECT_TRUE(outcome.was_reported || outcome.safe == 3U * 300U) << "operation " << n;
    if (outcome.was_opened) {
      EXPECT_GE(test::expect_whole(path, 1), outcome.safe) << "operation " << n;
      EXPECT_TRUE(must(verify_record(path)).is_intact()) << "operation " << n;
    }
    auto again = Recorder::open(test::real(path));
    EXPECT_TRUE(again) << "operation " << n << ": " << (again ? "" : again.error().what);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(n, at_least) << "the fault was never reached: the test would prove nothing";
  EXPECT_LT(n, operations_max);
}

constexpr auto anything = test::FaultyDisk::What::anything;
constexpr auto syncs = test::FaultyDisk::What::syncs;

TEST(EveryWriteFails, once_and_the_record_keeps_its_word) { fail_one_after_another(false, anything, 50); }
TEST(EveryWriteFails, for_ever_and_the_record_keeps_its_word) { fail_one_after_another(true, anything, 50); }
TEST(EverySyncFails, once_and_the_record_keeps_its_word) { fail_one_after_another(false, syncs, 6); }
TEST(EverySyncFails, for_ever_and_the_record_keeps_its_word) { fail_one_after_another(true, syncs, 6); }

}  // namespace
}  // namespace cellrig::db
