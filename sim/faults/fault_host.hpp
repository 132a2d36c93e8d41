// What can go wrong with the computer on which the controller runs, as far as somebody can do it who reaches it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/base/result.hpp"
#include "controller/base/time.hpp"

namespace cellrig::sim {

/// Implemented where controller and bench share one virtual time, and by a server whose back door a controller keeps open. Every call
/// is for an instant, now or later, and returns at once.
class FaultHost {
 public:
  virtual ~FaultHost() = default;
  /// Why a fault of this name can't be carried out now; empty: it can.
  [[nodiscard]] virtual std::string why_not(std::string_view /*kind*/) const { return {}; }
  /// F41: the wall clock jumps; durations do not.
  virtual void step_wall_clock(TimePoint at, Duration by) = 0;
  /// F42: the controller does not run for so long; the world does.
  virtual void suspend(TimePoint at, Duration duration) = 0;
  /// F44: until then, whatever the controller wakes up for, it is late by so much; 0 ends it.
  virtual void starve(TimePoint at, Duration lateness) = 0;
  /// F39: nothing is left where the record is kept.
  virtual void fill_disk(TimePoint at, bool full) = 0;
  /// F37: the controller's process is gone, like by kill -9.
  virtual void kill(TimePoint at) = 0;
  /// F38: as kill(), and of the writes to the record that no sync had followed the disk has kept only these.
  enum class Unsynced : unsigned char { dropped, kept, some, torn };
  virtual void lose_power(TimePoint at, Unsynced unsynced, std::uint64_t seed) = 0;
  /// F40: what the disk under the record is like.
  struct Disk {
    Duration sync_takes{};  ///< of real time, at least
    bool writes_fail = false;
    bool syncs_fail = false;
  };
  virtual void change_disk(TimePoint at, Disk disk) = 0;
  /// F43: somebody starts a controller for the whole bench, which begins with OFF for all channels. Forced: whoever owns them.
  virtual void start_second_controller(TimePoint at, bool is_forced) = 0;
  /// All is well from now on, and nothing is under way.
  virtual void clear() = 0;
};

}  // namespace cellrig::sim
