// What somebody who watches gets to see. Called on the control thread: return at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controller/base/observation.hpp"
#include "controller/engine/channel_machine.hpp"
#include "db/record.hpp"

namespace cellrig {

/// The latest of one channel.
struct ChannelView {
  std::string_view channel;
  std::string_view step_name;  ///< empty between steps
  Phase phase = Phase::idle;
  std::uint64_t cycle = 0;
  std::uint64_t step_count = 0;
  Observation observation;
  Throughput step_moved;
  std::optional<double> soc_pct;
  std::string_view waits{};  ///< for the chamber, and for whom; empty: it does not
  Duration test_time{};
  Duration step_time{};
  const ChannelState* state = nullptr;  ///< valid during the call
};

class RunListener {
 public:
  virtual ~RunListener() = default;
  virtual void sample(const ChannelView& /*view*/) {}
  virtual void step_started(const ChannelView& /*view*/) {}
  /// A step waits for a person to do this and to say so (BenchRun::confirm).
  virtual void person_asked(std::string_view /*channel*/, const PersonTask& /*task*/) {}
  /// A control cycle begins, so long after it was due: how well the machine keeps time.
  virtual void cycle_begins(std::string_view /*channel*/, Duration /*late*/) {}
  virtual void message(std::string_view /*channel*/, db::Severity /*severity*/, std::string_view /*text*/) {}
};

}  // namespace cellrig
