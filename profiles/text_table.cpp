#include "profiles/text_table.hpp"

#include <algorithm>

namespace cellrig {

std::string text_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.empty() ? 0 : rows.front().size());
  for (const std::vector<std::string>& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    std::string padded;
    for (std::size_t i = 0; i < widths.size(); ++i) padded += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    padded.erase(padded.find_last_not_of(' ') + 1);
    text += padded + "\n";
  }
  return text;
}

}  // namespace cellrig
