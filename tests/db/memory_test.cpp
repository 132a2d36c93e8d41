// Fails the n-th allocation, of SQLite or of C++, n = 1, 2, 3 ... until a run passes without meeting it: the caller is told, the
// record stays whole, nothing hangs and nothing ends without a word.
#include <atomic>
#include <cstdlib>
#include <new>

#include "db/verify.hpp"
#include "tests/db/hooked_disk.hpp"
#include "tests/db/record_check.hpp"
#include "tests/support/sparse.hpp"

namespace {

/// Allocations left until the one that fails; the test's own bookkeeping never fails.
std::atomic<long long> allocations_left = -1;
std::atomic<bool> is_for_ever = false;
std::atomic<bool> has_failed = false;

bool fails() {
  if (allocations_left.load(std::memory_order_relaxed) < 0) return false;
  if (has_failed && is_for_ever) return true;
  if (allocations_left.fetch_sub(1) != 1) return false;
  has_failed = true;
  if (is_for_ever) allocations_left = 1;
  return true;
}

void* allocate(std::size_t size) {
  if (fails()) throw std::bad_alloc();
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::TempDir;

sqlite3_mem_methods real_memory{};

/// SQLite's allocator with ours in front.
void install_memory() {
  static const bool is_done = [] {
    sqlite3_shutdown();
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) != SQLITE_OK) std::abort();
    sqlite3_mem_methods ours = real_memory;
    ours.xMalloc = [](int size) -> void* { return fails() ? nullptr : real_memory.xMalloc(size); };
    ours.xRealloc = [](void* old, int size) -> void* { return fails() ? nullptr : real_memory.xRealloc(old, size); };
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK) std::abort();
    return sqlite3_initialize() == SQLITE_OK;
  }();
  ASSERT_TRUE(is_done);
}

struct Outcome {
  std::uint64_t safe = 0;
  bool was_told = false;
};

/// What the runtime does; an exception on the control thread ends in OFF there.
Outcome record_a_little(const std::string& path) {
  Outcome outcome;
  try {
    RecorderOptions options = test::real(path);
    options.commit.interval = Duration{0};  // only when told
    options.queue_rows_max = 4'096;
    auto opened = Recorder::open(options);
    if (!opened) return {0, true};
    Recorder& recorder = **opened;
    Player player(recorder, a_run());
    for (int i = 0; i < 2; ++i) {
      player.play_cycle(20);
      player.event(Severity::trip, "trip", "a message that is too long for the small string inside a string");
      (void)recorder.flush();
      outcome.safe = recorder.rows_written();
    }
    player.end_run();
    const Result<void> closed = recorder.close();
    outcome.safe = recorder.rows_written();
    outcome.was_told = !closed;
  } catch (const std::bad_alloc&) {
    outcome.was_told = true;
  }
  return outcome;
}

void fail_one_after_another(bool for_ever) {
  install_memory();
  const test::HookedDisk without_syncs;
  constexpr long long allocations_max = 100'000;
  // From the first ones on each; later on every thirteenth, for they repeat themselves, or each in the long form (CONTRIBUTING.md).
  constexpr long long each_until = 200 / sparse_when_sanitized(10);
  const long long step = std::getenv("CELLRIG_EVERY_ALLOCATION") != nullptr ? 1 : 13 * sparse_when_sanitized(10);
  long long n = 1;
  std::uint64_t rounds = 0;
  for (; n < allocations_max; n += n < each_until ? 1 : step) {
    const TempDir dir;
    const std::string path = dir.file("a.db");
    is_for_ever = for_ever;
    has_failed = false;
    allocations_left = n;
    const Outcome outcome = record_a_little(path);
    allocations_left = -1;
    const bool was_hit = has_failed;
    ++rounds;
    if (!was_hit) {
      EXPECT_FALSE(outcome.was_told);
      EXPECT_EQ(outcome.safe, 2U * 60U);
      break;
    }
    EXPECT_TRUE(outcome.was_told || outcome.safe == 2U * 60U) << "allocation " << n;
    auto again = Recorder::open(test::real(path));
    ASSERT_TRUE(again) << "allocation " << n << ": " << again.error().what;
    must((*again)->close());
    if (outcome.safe > 0) {
      EXPECT_GE(test::expect_whole(path, 1), outcome.safe) << "allocation " << n;
    }
    const VerifyReport report = must(verify_record(path));
    EXPECT_TRUE(report.is_intact()) << "allocation " << n << ": " << report.findings.front().what;
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(rounds, 300U / sparse_when_sanitized(10)) << "the fault was never reached: the test would prove nothing";
  EXPECT_LT(n, allocations_max);
}

TEST(EveryAllocationFails, once_and_the_record_keeps_its_word) { fail_one_after_another(false); }
TEST(EveryAllocationFails, for_ever_and_the_record_keeps_its_word) { fail_one_after_another(true); }

}  // namespace
}  // namespace cellrig::db
