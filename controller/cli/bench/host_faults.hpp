// Faults of the host of a controller whose bench is simulated, carried out by the controller itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "controller/async/host_clock.hpp"
#include "controller/async/time_source.hpp"
#include "db/simulated_disk.hpp"
#include "sim/faults/fault_host.hpp"

namespace cellrig::cli {

/// The time must outlive it. Faults of the disk act on databases that are opened after the first of them was ordered.
class HostFaults final : public sim::FaultHost {
 public:
  /// clock: of `time`; nullptr: its faults are not to be had.
  HostFaults(TimeSource& time, HostClock* clock) : time_{time}, clock_{clock} {}

  void step_wall_clock(TimePoint at, Duration by) override;
  void suspend(TimePoint at, Duration duration) override;
  void starve(TimePoint at, Duration lateness) override;
  void fill_disk(TimePoint at, bool full) override;
  void kill(TimePoint at) override;
  void lose_power(TimePoint at, Unsynced unsynced, std::uint64_t seed) override;
  void change_disk(TimePoint at, Disk disk) override;
  void start_second_controller(TimePoint at, bool is_forced) override;
  void clear() override;

  [[nodiscard]] bool has_disk() const { return disk_ != nullptr; }
  /// Databases that are opened from now on are on a disk that may fail.
  void prepare_disk() { (void)disk(); }
  [[nodiscard]] bool disk_is_full() const { return disk_is_full_; }

  /// How this process ends; by SIGKILL unless somebody says otherwise. What is left to do after it is not done.
  void ends_by(std::function<void()> end) { end_ = std::move(end); }
  /// Called a second before the process ends.
  void settles_by(std::function<void()> settle) { settle_ = std::move(settle); }
  /// What a second controller does. Nobody said: nothing.
  using SecondController = std::function<Task<void>(bool is_forced)>;
  void second_controller_is(SecondController second) { second_ = std::move(second); }
  /// One has been ordered: whoever runs needs a right to its outputs that the other can ask for.
  [[nodiscard]] bool awaits_second_controller() const { return awaits_second_; }

 private:
  void end();
  void settle_before(TimePoint end);
  void then(TimePoint at, std::function<void()> action);
  static Task<void> carry_out(HostFaults* self, TimePoint at, std::uint64_t generation, std::function<void()> action);
  [[nodiscard]] db::SimulatedDisk& disk();

  TimeSource& time_;
  HostClock* clock_;
  std::unique_ptr<db::SimulatedDisk> disk_;
  std::function<void()> end_;
  std::function<void()> settle_;
  SecondController second_;
  std::uint64_t generation_ = 0;  ///< of the orders that still count
  bool disk_is_full_ = false;
  bool awaits_second_ = false;
};

}  // namespace cellrig::cli
