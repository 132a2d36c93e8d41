#include "profiles/condition_text.hpp"

#include <array>
#include <cctype>

namespace cellrig {
namespace {

struct QuantityWord {
  std::string_view word;
  ConditionQuantity quantity;
  ConditionScale scale;
};

constexpr std::array<QuantityWord, 30> quantity_table{{
    {"step_time_s", ConditionQuantity::step_time_s, ConditionScale::as_written},
    {"step_time_min", ConditionQuantity::step_time_s, ConditionScale::minutes},
    {"step_time_h", ConditionQuantity::step_time_s, ConditionScale::hours},
    {"voltage_V", ConditionQuantity::voltage_V, ConditionScale::as_written},
    {"current_A", ConditionQuantity::current_A, ConditionScale::as_written},
    {"rate_C", ConditionQuantity::current_A, ConditionScale::nominal_capacity},
    {"capacity_Ah", ConditionQuantity::capacity_Ah, ConditionScale::as_written},
    {"capacity_pct", ConditionQuantity::capacity_Ah, ConditionScale::nominal_percent},
    {"energy_Wh", ConditionQuantity::energy_Wh, ConditionScale::as_written},
    {"soc_pct", ConditionQuantity::soc_pct, ConditionScale::as_written},
    {"cell_temperature_degC", ConditionQuantity::cell_temperature_degC, ConditionScale::as_written},
    {"ambient_temperature_degC", ConditionQuantity::ambient_temperature_degC, ConditionScale::as_written},
    {"chamber_temperature_degC", ConditionQuantity::chamber_temperature_degC, ConditionScale::as_written},
    {"logger_voltage_V", ConditionQuantity::logger_voltage_V, ConditionScale::as_written},
    {"stack_force_N", ConditionQuantity::stack_force_N, ConditionScale::as_written},
    {"stack_pressure_MPa", ConditionQuantity::stack_pressure_MPa, ConditionScale::as_written},
    {"gas_ppm", ConditionQuantity::gas_ppm, ConditionScale::as_written},
    {"power_W", ConditionQuantity::power_W, ConditionScale::as_written},
    {"cv_time_s", ConditionQuantity::cv_time_s, ConditionScale::as_written},
    {"cv_time_min", ConditionQuantity::cv_time_s, ConditionScale::minutes},
    {"cv_time_h", ConditionQuantity::cv_time_s, ConditionScale::hours},
    {"temperature_rise_K", ConditionQuantity::temperature_rise_K, ConditionScale::as_written},
    {"voltage_drop_V", ConditionQuantity::voltage_drop_V, ConditionScale::as_written},
    {"voltage_per_hour_V", ConditionQuantity::voltage_per_hour_V, ConditionScale::as_written},
    {"voltage_per_minute_V", ConditionQuantity::voltage_per_minute_V, ConditionScale::as_written},
    {"temperature_per_hour_K", ConditionQuantity::temperature_per_hour_K, ConditionScale::as_written},
    {"temperature_per_minute_K", ConditionQuantity::temperature_per_minute_K, ConditionScale::as_written},
    {"cell_minus_chamber_K", ConditionQuantity::cell_minus_chamber_K, ConditionScale::as_written},
    {"cell_minus_ambient_K", ConditionQuantity::cell_minus_ambient_K, ConditionScale::as_written},
    {"ambient_minus_chamber_K", ConditionQuantity::ambient_minus_chamber_K, ConditionScale::as_written},
}};

constexpr std::array<ResultQuantity, 11> result_table{ResultQuantity::reference_capacity_Ah,
                                                      ResultQuantity::retention_pct,
                                                      ResultQuantity::test_capacity_Ah,
                                                      ResultQuantity::capacity_ratio_pct,
                                                      ResultQuantity::energy_ratio_pct,
                                                      ResultQuantity::charge_time_min,
                                                      ResultQuantity::cycle_count,
                                                      ResultQuantity::resistance_Ohm,
                                                      ResultQuantity::coulombic_efficiency_pct,
                                                      ResultQuantity::energy_efficiency_pct,
                                                      ResultQuantity::cell_temperature_peak_degC};

// Words people write for the three units of "for".
struct TimeWord {
  std::string_view word;
  std::string_view meant;
};
constexpr std::array<TimeWord, 14> time_words{{{"sec", "s"},
                                               {"secs", "s"},
                                               {"second", "s"},
                                               {"seconds", "s"},
                                               {"m", "min"},
                                               {"mins", "min"},
                                               {"minute", "min"},
                                               {"minutes", "min"},
                                               {"hr", "h"},
                                               {"hrs", "h"},
                                               {"hour", "h"},
                                               {"hours", "h"},
                                               {"S", "s"},
                                               {"H", "h"}}};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool is_word_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; }

/// A part of the text and where it starts in it.
struct Piece {
  std::string_view text;
  std::size_t offset = 0;
};

Piece trimmed(Piece piece) {
  while (!piece.text.empty() && is_blank(piece.text.front())) {
    piece.text.remove_prefix(1);
    ++piece.offset;
  }
  while (!piece.text.empty() && is_blank(piece.text.back())) piece.text.remove_suffix(1);
  return piece;
}

struct Comparisons {
  Piece quantity;
  Comparison comparison = Comparison::at_least;
  Piece value;
};

SourcePlace place_at(SourcePlace place, std::size_t offset) {
  if (place.column > 0) place.column += static_cast<int>(offset);
  return place;
}

std::size_t operator_end(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && std::string_view{"<>=!~"}.find(text[end]) != std::string_view::npos) ++end;
  return end;
}

Comparison comparison_of(std::string_view sign, const SourcePlace& place) {
  if (sign == ">=") return Comparison::at_least;
  if (sign == "<=") return Comparison::at_most;
  if (sign == ">") return Comparison::above;
  if (sign == "<") return Comparison::below;
  const std::string found = "'" + std::string{sign} + "' is no comparison";
  if (sign == "=>") throw ConfigError{place, found + ", did you mean '>='?"};
  if (sign == "=<") throw ConfigError{place, found + ", did you mean '<='?"};
  throw ConfigError{place, found + ": a measured value never equals exactly, use >=, <=, > or <"};
}

Comparisons split(std::string_view text, const SourcePlace& place) {
  if (text.size() > 2 * expression_length_max) throw ConfigError{place, "a condition this long is refused"};
  const Piece whole = trimmed(Piece{text, 0});
  std::size_t end = whole.offset;
  while (end < text.size() && is_word_part(text[end])) ++end;
  Comparisons result;
  result.quantity = Piece{text.substr(whole.offset, end - whole.offset), whole.offset};
  if (result.quantity.text.empty() || std::isalpha(static_cast<unsigned char>(result.quantity.text.front())) == 0) {
    throw ConfigError{place, "expected a condition like 'voltage_V >= 4.2'"};
  }
  while (end < text.size() && is_blank(text[end])) ++end;
  const std::size_t sign_end = operator_end(text, end);
  if (sign_end == end) {
    throw ConfigError{place_at(place, end), "'" + std::string{result.quantity.text} + "' must be followed by >=, <=, > or <"};
  }
  result.comparison = comparison_of(text.substr(end, sign_end - end), place_at(place, end));
  result.value = trimmed(Piece{text.substr(sign_end), sign_end});
  return result;
}

/// The position of a whole word, or npos.
std::size_t find_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t after = at + word.size();
    const bool starts = at == 0 || !is_word_part(text[at - 1]);
    const bool ends = after >= text.size() || !is_word_part(text[after]);
    if (starts && ends) return at;
  }
  return std::string_view::npos;
}

Unit clause_unit(std::string_view word, const std::string& clause, const SourcePlace& place) {
  if (word == "s") return Unit::second;
  if (word == "min") return Unit::minute;
  if (word == "h") return Unit::hour;
  for (const TimeWord& known : time_words) {
    if (known.word == word) {
      throw ConfigError{place, "unknown unit '" + std::string{word} + "' after '" + clause + "', did you mean '" +
                                   std::string{known.meant} + "'?"};
    }
  }
  throw ConfigError{place, "'" + clause + "' needs a duration like '5 s', '10 min' or '1 h', found '" + std::string{word} + "'"};
}

struct Clause {
  Expression value;
  Unit unit = Unit::second;
};

Clause read_clause(const std::string& clause, Piece piece, const SourcePlace& place) {
  piece = trimmed(piece);
  std::size_t unit_start = piece.text.size();
  while (unit_start > 0 && std::isalpha(static_cast<unsigned char>(piece.text[unit_start - 1])) != 0) --unit_start;
  const SourcePlace unit_place = place_at(place, piece.offset + unit_start);
  const Unit unit = clause_unit(piece.text.substr(unit_start), clause, unit_place);
  const Piece number = trimmed(Piece{piece.text.substr(0, unit_start), piece.offset});
  if (number.text.empty()) throw ConfigError{unit_place, "'" + clause + "' needs a number before its unit"};
  return Clause{parse_expression(number.text, place_at(place, number.offset)), unit};
}

/// "after 5 s" and "for 10 s" behind the value, in any order. What is left is the value.
Piece read_clauses(ConditionSpec& condition, Piece value, const SourcePlace& place) {
  const std::array<std::string, 2> words{"for", "after"};
  while (true) {
    std::size_t last = std::string_view::npos;
    std::string word;
    for (const std::string& each : words) {
      const std::size_t at = find_word(value.text, each);
      if (at == std::string_view::npos || (last != std::string_view::npos && at < last)) continue;
      last = at;
      word = each;
    }
    if (last == std::string_view::npos) return value;
    const std::size_t skip = last + word.size();
    const Clause clause = read_clause(word, Piece{value.text.substr(skip), value.offset + skip}, place);
    std::optional<Expression>& into = word == "for" ? condition.hold : condition.blank;
    if (into) throw ConfigError{place_at(place, value.offset + last), "'" + word + "' is given twice"};
    into = clause.value;
    (word == "for" ? condition.hold_unit : condition.blank_unit) = clause.unit;
    value = trimmed(Piece{value.text.substr(0, last), value.offset});
  }
}

constexpr std::string_view results_prefix = "results.";
constexpr std::string_view variables_prefix = "variables.";

std::optional<ResultQuantity> result_of_word(std::string_view word) {
  for (const ResultQuantity quantity : result_table) {
    if (to_string(quantity) == word) return quantity;
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> condition_words() {
  std::vector<std::string> words;
  for (const QuantityWord& known : quantity_table) words.emplace_back(known.word);
  return words;
}

std::vector<std::string> result_words() {
  std::vector<std::string> words;
  for (const ResultQuantity quantity : result_table) words.emplace_back(to_string(quantity));
  return words;
}

ConditionSpec parse_condition(std::string_view text, const SourcePlace& place) {
  const Comparisons parts = split(text, place);
  ConditionSpec condition;
  condition.place = place;
  condition.text = std::string{trimmed(Piece{text, 0}).text};
  condition.quantity_word = std::string{parts.quantity.text};
  condition.comparison = parts.comparison;
  bool is_known = false;
  for (const QuantityWord& known : quantity_table) {
    if (known.word != parts.quantity.text) continue;
    condition.quantity = known.quantity;
    condition.scale = known.scale;
    is_known = true;
  }
  const std::string_view word = parts.quantity.text;
  const SourcePlace where = place_at(place, parts.quantity.offset);
  if (word.starts_with(results_prefix)) {
    const std::optional<ResultQuantity> result = result_of_word(word.substr(results_prefix.size()));
    if (!result) {
      const std::string name{word.substr(results_prefix.size())};
      throw ConfigError{where, "unknown result '" + name + "'" + suggestion(name, result_words())};
    }
    condition.quantity = ConditionQuantity::result;
    condition.result = static_cast<std::uint8_t>(*result);
    is_known = true;
  } else if (word.starts_with(variables_prefix)) {
    condition.quantity = ConditionQuantity::variable;  // whether there is one of this name, compile() knows
    is_known = true;
  }
  if (!is_known) {
    if (result_of_word(word)) {
      throw ConfigError{where, "'" + condition.quantity_word +
                                   "' is known after a step, not during it: use it in stop_if or require, or write 'results." +
                                   condition.quantity_word + "'"};
    }
    throw ConfigError{
        where, "unknown quantity '" + condition.quantity_word + "'" + suggestion(condition.quantity_word, condition_words())};
  }
  const Piece value = read_clauses(condition, parts.value, place);
  condition.value = parse_expression(value.text, place_at(place, value.offset));
  return condition;
}

ResultConditionSpec parse_result_condition(std::string_view text, const SourcePlace& place) {
  const Comparisons parts = split(text, place);
  ResultConditionSpec condition;
  condition.place = place;
  condition.text = std::string{trimmed(Piece{text, 0}).text};
  condition.comparison = parts.comparison;
  const std::string_view word = parts.quantity.text;
  const std::optional<ResultQuantity> result =
      result_of_word(word.starts_with(results_prefix) ? word.substr(results_prefix.size()) : word);
  if (word.starts_with(variables_prefix)) {
    condition.variable = std::string{word};
  } else if (result) {
    condition.quantity = *result;
  } else {
    throw ConfigError{place_at(place, parts.quantity.offset), "unknown result '" + std::string{parts.quantity.text} + "'" +
                                                                  suggestion(parts.quantity.text, result_words())};
  }
  condition.value = parse_expression(parts.value.text, place_at(place, parts.value.offset));
  return condition;
}

}  // namespace cellrig
