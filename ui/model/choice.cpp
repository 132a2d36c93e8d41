#include "ui/model/choice.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

namespace cellrig::ui {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

bool has_part(const std::string& text, const std::string& part) { return lower(text).find(lower(part)) != std::string::npos; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  text = trimmed(text);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Verdict verdict_of(std::string_view status, bool criteria_met) {
  if (status == "running") return Verdict::running;
  if (status == "completed") return criteria_met ? Verdict::passed : Verdict::not_met;
  if (status == "tripped") return Verdict::tripped;
  if (status == "stopped") return Verdict::stopped;
  if (status == "interrupted") return Verdict::interrupted;
  return Verdict::failed;
}

bool RunFilter::accepts(const RunFacts& run) const {
  if (!cell.empty() && !has_part(run.cell, cell) && !has_part(run.cell_id, cell)) return false;
  if (!profile.empty() && !has_part(run.profile, profile)) return false;
  if (verdict != Verdict::any && run.verdict != verdict) return false;
  if (from && run.started < *from) return false;
  return !until || run.started < *until;
}

std::vector<std::int64_t> chosen_cycles(std::string_view text, const std::vector<std::int64_t>& existing) {
  std::set<std::int64_t> chosen;
  while (!text.empty()) {
    const std::size_t comma = text.find_first_of(",;");
    const std::string_view word = trimmed(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const std::size_t dash = word.find('-', 1);
    const std::optional<std::int64_t> first = whole_number(word.substr(0, dash));
    const std::optional<std::int64_t> last = dash == std::string_view::npos ? first : whole_number(word.substr(dash + 1));
    if (!first || !last) continue;
    for (const std::int64_t cycle : existing) {
      if (cycle >= *first && cycle <= *last) chosen.insert(cycle);
    }
  }
  return {chosen.begin(), chosen.end()};
}

std::string spread_choice(const std::vector<std::int64_t>& existing, std::size_t count) {
  std::string text;
  std::optional<std::size_t> previous;
  for (std::size_t i = 0; i < count && !existing.empty(); ++i) {
    const std::size_t at = count == 1 ? 0 : i * (existing.size() - 1) / (count - 1);
    if (at == previous) continue;
    previous = at;
    if (!text.empty()) text += ", ";
    text += std::to_string(existing[at]);
  }
  return text;
}

}  // namespace cellrig::ui
