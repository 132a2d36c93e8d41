// Faults of the host of a controller in another process, which keeps a line of the back door open for them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sim/bench.hpp"

namespace cellrig::sim {

/// Every fault is a line of the form "<what> <number> ...", told when its instant has come. Serving thread only.
class RemoteHost final : public FaultHost {
 public:
  /// What the controllers that listen can do.
  struct Listeners {
    std::size_t count = 0;
    bool keep_own_time = true;  ///< none of them is in lockstep
  };
  RemoteHost(SimulatedBench& bench, std::function<Listeners()> listeners, std::function<void(const std::string&)> tell);
  ~RemoteHost() override;
  RemoteHost(const RemoteHost&) = delete;
  RemoteHost& operator=(const RemoteHost&) = delete;

  [[nodiscard]] std::string why_not(std::string_view kind) const override;
  void step_wall_clock(TimePoint at, Duration by) override;
  void suspend(TimePoint at, Duration duration) override;
  void starve(TimePoint at, Duration lateness) override;
  void fill_disk(TimePoint at, bool full) override;
  void kill(TimePoint at) override;
  void lose_power(TimePoint at, Unsynced unsynced, std::uint64_t seed) override;
  void change_disk(TimePoint at, Disk disk) override;
  void start_second_controller(TimePoint at, bool is_forced) override;
  void clear() override;

 private:
  void tell_at(TimePoint at, std::string line);

  SimulatedBench& bench_;
  std::function<Listeners()> listeners_;
  std::function<void(const std::string&)> tell_;
  std::shared_ptr<int> life_ = std::make_shared<int>(0);  ///< of this object, for what the bench has scheduled
};

}  // namespace cellrig::sim
