// The disk under the record of a simulated run, when faults are ordered: it is slow, it fails, or it loses its power.
#pragma once

#include <cstdint>
#include <memory>

#include "controller/base/time.hpp"

namespace cellrig::db {

/// What becomes of the writes that no sync has followed, when the power is lost.
enum class UnsyncedWrites : unsigned char {
  dropped,  ///< none arrived
  kept,     ///< all arrived
  some,     ///< any of them, in any order: later ones without earlier ones
  torn,     ///< the same, and of some only some sectors
};

/// While it lives, every database that is opened in this process is on it. One at a time; any thread.
class SimulatedDisk {
 public:
  SimulatedDisk();
  ~SimulatedDisk();
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  /// Every sync that begins from now on takes at least so long, of real time.
  void sync_takes(Duration duration);
  /// Whether writes, and syncs, are answered with an error from now on.
  void fail(bool writes, bool syncs);
  /// The files become what is left of them after a loss of power; nothing can be written any more. The same seed on the same
  /// writes leaves the same.
  void lose_power(UnsyncedWrites unsynced, std::uint64_t seed);

 private:
  class Shim;
  std::unique_ptr<Shim> shim_;
};

}  // namespace cellrig::db
