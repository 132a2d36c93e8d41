// Which runs and which cycles somebody wants to see. Pure: no Qt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.hpp"

namespace cellrig::ui {

enum class Verdict : std::uint8_t { any, running, passed, not_met, tripped, failed, stopped, interrupted };

/// Of a run's status and of its criteria, as the record has them.
[[nodiscard]] Verdict verdict_of(std::string_view status, bool criteria_met);

struct RunFacts {
  std::string cell, cell_id, profile, channel, operator_name;
  Verdict verdict = Verdict::any;
  UtcTime started{};
};

struct RunFilter {
  std::string cell;     ///< part of the cell's name or of the specimen's, whatever the case; empty: any
  std::string profile;  ///< part of its name; empty: any
  Verdict verdict = Verdict::any;
  std::optional<UtcTime> from, until;  ///< of the start; until is excluded
  [[nodiscard]] bool accepts(const RunFacts& run) const;
};

/// "1, 10, 50-60": ascending, each once, only those that exist. Empty: the text says nothing that exists.
[[nodiscard]] std::vector<std::int64_t> chosen_cycles(std::string_view text, const std::vector<std::int64_t>& existing);
/// Up to `count` of them, the first, the last and some in between: "1, 25, 50".
[[nodiscard]] std::string spread_choice(const std::vector<std::int64_t>& existing, std::size_t count);

}  // namespace cellrig::ui
