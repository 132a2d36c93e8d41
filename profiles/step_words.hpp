// The words that may begin a step, and the keys each of them takes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/engine/program.hpp"

namespace cellrig {

struct StepWord {
  std::string_view word;
  StepKind kind = StepKind::rest;
  StepDirection direction = StepDirection::none;
  std::vector<std::string> setpoint_keys;
};

/// Every step word, in the order of the documentation.
[[nodiscard]] const std::vector<StepWord>& step_words();

/// nullptr when `word` is none.
[[nodiscard]] const StepWord* find_step_word(std::string_view word);

/// Its length is given by `for_s`, `for_min` or `for_h`, though its output is on.
[[nodiscard]] bool is_ramp(const StepWord& word);

/// All keys of a step: its set-point's and the common ones.
[[nodiscard]] std::vector<std::string> keys_of(const StepWord& word);

/// Step words and the other instructions: cycles, repeat, stop_if, require, leave_if, set, mark, advance_cycle, profile.
[[nodiscard]] std::vector<std::string> instruction_words();

/// The keys under `record:`, of a profile or a step.
[[nodiscard]] const std::vector<std::string>& record_keys();

/// The keys under `limits:` that a profile may tighten.
[[nodiscard]] const std::vector<std::string>& limit_keys();

}  // namespace cellrig
