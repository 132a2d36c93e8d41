// All kinds of faults, and the 49 faults by their numbers.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/faults/kind.hpp"

namespace cellrig::sim::faults {

/// Where a fault can be carried out.
enum class Where : unsigned char {
  anywhere,    ///< in one process, and by cellrig-sim on real sockets
  controller,  ///< where a controller is: cellrig run --simulated, or a cellrig-sim that one runs on
};

/// A fault of the catalogue (safety reference, section A6) and the order it is short for.
struct NumberedFault {
  std::string_view number;  ///< "F17"
  std::string_view name;    ///< what goes wrong
  std::string_view kind;    ///< "number_format"
  std::string_view keys;    ///< its defaults: "form=9.91E37"
  std::string_view also;    ///< kinds that are other forms of the same fault
  Where where = Where::anywhere;
};

[[nodiscard]] std::span<const NumberedFault> numbered_faults();
/// nullptr: no such number. Letter case does not matter.
[[nodiscard]] const NumberedFault* numbered_fault(std::string_view number);

/// Every kind, wires first.
[[nodiscard]] const std::vector<const Kind*>& all_kinds();
[[nodiscard]] const Kind* kind_named(std::string_view name);
/// Everything that may stand after the name: keys of the aim, of the kind, and those that all have.
[[nodiscard]] std::vector<std::string> keys_of(const Kind& kind);

/// What a kind can aim at on this bench, the most natural first.
[[nodiscard]] std::vector<std::string> targets_of(SimulatedBench& bench, const Kind& kind);

/// An order by number becomes one by name: defaults are added, and a target where none is given. Others stay as they are.
[[nodiscard]] Result<FaultOrder> by_name(SimulatedBench& bench, const FaultOrder& order);

}  // namespace cellrig::sim::faults
