#include "controller/base/config_error.hpp"

#include <algorithm>
#include <numeric>

namespace cellrig {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substitution = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substitution, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// For a terminal and a log, whatever the file holds: words of it that are endless are cut in the middle, control characters are '?'.
std::string presentable(std::string text) {
  constexpr std::size_t length_max = 2000, end_length = 500;
  constexpr std::string_view gap = " ... ";
  if (text.size() > length_max) text.replace(length_max - end_length, text.size() - length_max, gap);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == '\x7f'; }, '?');
  return text;
}

}  // namespace

std::string to_string(const SourcePlace& place) {
  std::string text = place.file;
  if (place.line > 0) text += ":" + std::to_string(place.line);
  if (place.line > 0 && place.column > 0) text += ":" + std::to_string(place.column);
  return text;
}

ConfigError::ConfigError(SourcePlace place, const std::string& message)
    : std::runtime_error((place.file.empty() ? "" : to_string(place) + ": ") + presentable(message)),
      place_{std::move(place)},
      message_{presentable(message)} {}

std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 2) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t beginning_min = 3;  // fewer letters begin too much
  if (word.size() >= beginning_min) {
    const auto begun =
        std::find_if(known.begin(), known.end(), [&](const std::string& k) { return k.starts_with(word) && k != word; });
    if (begun != known.end()) return ", did you mean '" + *begun + "'?";
  }
  if (const std::string near = nearest_word(word, known); !near.empty()) return ", did you mean '" + near + "'?";
  if (known.empty()) return "";
  std::string list;
  for (const std::string& candidate : known) list += (list.empty() ? "" : ", ") + candidate;
  return " (known: " + list + ")";
}

}  // namespace cellrig
