// What a translation between profiles and a foreign format could not carry, or had to decide. Every import and every export
// returns one: silence would be taken for fidelity.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/config_error.hpp"

namespace cellrig {

enum class LossSeverity : unsigned char {
  note,    ///< a decision, or a difference without consequence for the cell
  lost,    ///< the other side does not know of it: labels, measurements, criteria
  safety,  ///< guarded the cell; an export is refused unless a person accepts it by its word
};

struct Loss {
  SourcePlace place;  ///< in the file that was read
  std::string word;   ///< its kind, one word: what --accept-loss takes
  std::string what;   ///< one sentence
  LossSeverity severity = LossSeverity::note;
};

using LossReport = std::vector<Loss>;

/// The words of losses that are refused unless accepted.
[[nodiscard]] const std::vector<std::string>& safety_loss_words();

/// Throws ConfigError with the nearest word for one that is none of safety_loss_words().
void require_safety_loss_words(const std::vector<std::string>& accepted);

/// The losses of severity `safety` whose word nobody accepted, in their order.
[[nodiscard]] LossReport refused_losses(const LossReport& report, const std::vector<std::string>& accepted);

[[nodiscard]] std::string_view to_string(LossSeverity severity);  ///< "note", "lost", "safety"
[[nodiscard]] std::string to_string(const Loss& loss);            ///< "p.yaml:4:5: safety: limits: ..."

}  // namespace cellrig
