#include "controller/cli/bench/host_faults.hpp"

#include <unistd.h>

#include <csignal>
#include <utility>

namespace cellrig::cli {
namespace {
/// Of what was recorded before a loss of power (safety reference, F38).
constexpr Duration loss_max = std::chrono::seconds{1};
}  // namespace

void HostFaults::step_wall_clock(TimePoint at, Duration by) {
  then(at, [this, by] {
    if (clock_ != nullptr) clock_->step_utc(by);
  });
}

void HostFaults::suspend(TimePoint at, Duration duration) {
  then(at, [this, duration] {
    if (clock_ != nullptr) clock_->suspend(duration);
  });
}

void HostFaults::starve(TimePoint at, Duration lateness) {
  then(at, [this, lateness] {
    if (clock_ != nullptr) clock_->starve(lateness);
  });
}

void HostFaults::fill_disk(TimePoint at, bool full) {
  then(at, [this, full] { disk_is_full_ = full; });
}

void HostFaults::kill(TimePoint at) {
  settle_before(at);
  then(at, [this] { end(); });
}

void HostFaults::end() {
  if (end_) return end_();
  (void)::kill(::getpid(), SIGKILL);
}

void HostFaults::settle_before(TimePoint end) {
  if (end - loss_max <= time_.now()) return;
  then(end - loss_max, [this] {
    if (settle_) settle_();
  });
}

void HostFaults::lose_power(TimePoint at, Unsynced unsynced, std::uint64_t seed) {
  static_assert(static_cast<int>(Unsynced::torn) == static_cast<int>(db::UnsyncedWrites::torn));
  settle_before(at);
  then(at, [this, &disk = disk(), kept = static_cast<db::UnsyncedWrites>(unsynced), seed] {
    disk.lose_power(kept, seed);
    end();
  });
}

void HostFaults::change_disk(TimePoint at, Disk wanted) {
  then(at, [&disk = disk(), wanted] {
    disk.sync_takes(wanted.sync_takes);
    disk.fail(wanted.writes_fail, wanted.syncs_fail);
  });
}

void HostFaults::start_second_controller(TimePoint at, bool is_forced) {
  awaits_second_ = true;
  then(at, [this, is_forced] {
    if (second_) time_.spawn(second_(is_forced));
  });
}

void HostFaults::clear() {
  ++generation_;
  if (clock_ != nullptr) clock_->starve(Duration::zero());
  disk_is_full_ = false;
  if (!disk_) return;
  disk_->sync_takes(Duration::zero());
  disk_->fail(false, false);
}

db::SimulatedDisk& HostFaults::disk() {
  if (!disk_) disk_ = std::make_unique<db::SimulatedDisk>();
  return *disk_;
}

void HostFaults::then(TimePoint at, std::function<void()> action) {
  time_.spawn(carry_out(this, at, generation_, std::move(action)));
}

Task<void> HostFaults::carry_out(HostFaults* self, TimePoint at, std::uint64_t generation, std::function<void()> action) {
  const std::function<void()> kept = std::move(action);
  co_await self->time_.sleep_until(at);
  if (generation == self->generation_) kept();
}

}  // namespace cellrig::cli
