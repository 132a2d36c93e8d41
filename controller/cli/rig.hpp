// Time and links together: a real bench, a simulator over sockets, or a simulated bench in this process.
#pragma once

#include <memory>
#include <string>

#include "controller/async/time_source.hpp"
#include "controller/cli/instruments.hpp"
#include "controller/runtime/config.hpp"

namespace cellrig::cli {

struct RigChoice {
  std::string time;        ///< "real", "lockstep", "virtual", or empty for the default
  std::string ready_file;  ///< of a running cellrig-sim; empty: none
  bool simulated = false;  ///< bring an own simulated bench
  std::uint64_t seed = 1;
};

/// Owns the time source, and the simulated bench when there is one. Destroy what uses it first.
class Rig {
 public:
  virtual ~Rig() = default;
  [[nodiscard]] virtual TimeSource& time() = 0;
  [[nodiscard]] virtual LinkMaker& links() = 0;
  [[nodiscard]] virtual std::string time_name() const = 0;  ///< "real", "virtual", "lockstep"
  [[nodiscard]] virtual bool is_simulated() const = 0;      ///< no cell can be harmed
};

/// ConfigError for choices that do not go together. May change the addresses of `bench` to the simulator's.
[[nodiscard]] std::unique_ptr<Rig> make_rig(const RigChoice& choice, BenchConfig& bench);

}  // namespace cellrig::cli
