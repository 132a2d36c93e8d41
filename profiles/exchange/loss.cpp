#include "profiles/exchange/loss.hpp"

#include <algorithm>

namespace cellrig {

const std::vector<std::string>& safety_loss_words() {
  static const std::vector<std::string> words{"limits", "at_most", "ends", "steps", "voltage_bound", "current_bound"};
  return words;
}

void require_safety_loss_words(const std::vector<std::string>& accepted) {
  for (const std::string& word : accepted) {
    const std::vector<std::string>& known = safety_loss_words();
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    throw ConfigError{SourcePlace{"--accept-loss " + word, 0, 0}, "no loss is called '" + word + "'" + suggestion(word, known)};
  }
}

LossReport refused_losses(const LossReport& report, const std::vector<std::string>& accepted) {
  LossReport refused;
  for (const Loss& loss : report) {
    const bool is_accepted = std::find(accepted.begin(), accepted.end(), loss.word) != accepted.end();
    if (loss.severity == LossSeverity::safety && !is_accepted) refused.push_back(loss);
  }
  return refused;
}

std::string_view to_string(LossSeverity severity) {
  switch (severity) {
    case LossSeverity::note: return "note";
    case LossSeverity::lost: return "lost";
    case LossSeverity::safety: return "safety";
  }
  return "note";
}

std::string to_string(const Loss& loss) {
  return to_string(loss.place) + ": " + std::string{to_string(loss.severity)} + ": " + loss.word + ": " + loss.what;
}

}  // namespace cellrig
