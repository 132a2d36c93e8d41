// Time and links together: a real bench, a simulator over sockets, or a simulated bench in this process.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "controller/async/time_source.hpp"
#include "controller/cli/bench/instruments.hpp"
#include "controller/runtime/config.hpp"
#include "sim/cell_instead.hpp"

namespace cellrig::cli {

struct RigChoice {
  std::string time;        ///< "real", "lockstep", "virtual", or empty for the default
  std::string ready_file;  ///< of a running cellrig-sim; empty: none
  bool simulated = false;  ///< bring an own simulated bench
  std::uint64_t seed = 1;
  std::string fault_file;                             ///< orders for the own simulated bench; empty: none
  bool is_run = false;                                ///< what a simulator orders for the controller's host befalls this process
  std::optional<sim::CellInstead> cell_instead = {};  ///< in virtual time: this cell in every channel, and no faults
};

/// Owns the time source, and the simulated bench when there is one. Destroy what uses it first.
class Rig {
 public:
  virtual ~Rig() = default;
  [[nodiscard]] virtual TimeSource& time() = 0;
  [[nodiscard]] virtual LinkMaker& links() = 0;
  [[nodiscard]] virtual std::string time_name() const = 0;  ///< "real", "virtual", "lockstep"
  [[nodiscard]] virtual bool is_simulated() const = 0;      ///< no cell can be harmed
  /// A simulated person sets the fixture of this channel. Nothing where the fixtures are out of reach.
  virtual void set_stack_pressure(const std::string& /*channel*/, double /*pressure_MPa*/) {}
  /// A fault was ordered: nothing is left where the record is kept.
  [[nodiscard]] virtual bool disk_is_full() const { return false; }
  /// A fault of the disk under the record was ordered: whoever writes had better wait for its syncs.
  [[nodiscard]] virtual bool disk_may_fail() const { return false; }
  /// Where a run takes the right to its outputs although the bench is inside this process: somebody else will ask. Empty: nobody.
  [[nodiscard]] virtual std::string lease_directory() const { return {}; }
  /// What brings all that was recorded onto the disk: asked a second before this process is ended by a fault, so that a run in virtual
  /// time, which is far ahead of its disk, loses what one in real time would.
  virtual void on_settle(std::function<void()> /*settle*/) {}
  /// What a person should read of faults that are carried out here.
  virtual void on_message(std::function<void(const std::string&)> /*say*/) {}
};

/// ConfigError for choices that do not go together. May change the addresses of `bench` to the simulator's.
[[nodiscard]] std::unique_ptr<Rig> make_rig(const RigChoice& choice, BenchConfig& bench);

}  // namespace cellrig::cli
