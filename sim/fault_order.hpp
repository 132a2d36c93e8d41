// What somebody asks to go wrong, as words: parsed, not yet understood.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/base/result.hpp"

namespace cellrig::sim {

/// "drop psb1.modbus count=3", or {"kind":"drop","target":"psb1.modbus","count":3}. Hyphens in names mean underscores.
struct FaultOrder {
  std::string kind;
  std::vector<std::pair<std::string, std::string>> fields;  ///< as written; the bare word of the text form is "target"

  [[nodiscard]] const std::string* find(std::string_view key) const;
};

/// The first form of it; values with blanks come in quotes and are for people.
[[nodiscard]] std::string to_words(const FaultOrder& order);

/// Refuses what is neither form, and a field that is given twice.
[[nodiscard]] Result<FaultOrder> parse_fault_order(std::string_view text);

}  // namespace cellrig::sim
