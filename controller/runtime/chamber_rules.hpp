// Which runs may share a chamber, as a pure function: what they will ask of it, and what the cells beside them stand.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "controller/base/capabilities.hpp"
#include "controller/engine/program.hpp"
#include "controller/runtime/config.hpp"
#include "controller/runtime/start_rules.hpp"

namespace cellrig {

/// A channel of a run, in a chamber or not.
struct ChamberGuest {
  const ChannelConfig* channel = nullptr;
  const Program* program = nullptr;
};

struct ChamberRuling {
  std::size_t guest = 0;  ///< whose record is to say it; when it is refused: who asks
  Ruling ruling;
};

/// All that is to be said, in the order of the guests; nothing where all is well. accuracy: of a chamber's temperature, by its name;
/// one that is not in there is exact.
[[nodiscard]] std::vector<ChamberRuling> judge_chambers(const BenchConfig& bench, std::span<const ChamberGuest> guests,
                                                        const std::map<std::string, Accuracy>& accuracy);

/// How long a channel may wait for the others in its chamber: as the bench file says, else twice as long as all their programs are
/// expected to take, and at least a week.
[[nodiscard]] Duration chamber_wait_max(const ChamberConfig& chamber, std::span<const Program* const> programs);

}  // namespace cellrig
