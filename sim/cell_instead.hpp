// Which cell a bench is rehearsed with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace cellrig::sim {

/// A new, healthy cell in every channel, in place of what `simulation` puts there (which may then be missing): for rehearsals. Fixture,
/// stack and temperature stay those of the file; its faults do not happen. It ages where its own file says how.
struct CellInstead {
  std::string file;                            ///< a path, as the caller would open it
  std::optional<double> soc_pct = {};          ///< at the start; empty: the file's, or 50
  bool keeps_spread = false;                   ///< where the bench file draws cells of a lot, this one is drawn, too
  std::optional<std::uint64_t> lot_seed = {};  ///< of that draw, apart from the instruments'; empty: the bench's
};

}  // namespace cellrig::sim
