#include "profiles/exchange/pybamm_text.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <system_error>
#include <vector>

#include "profiles/number.hpp"

namespace cellrig {
namespace {

struct PybammActionWord {
  std::string_view word;
  PybammAction action;
};
constexpr std::array<PybammActionWord, 4> pybamm_actions{{{"Charge", PybammAction::charge},
                                                          {"Discharge", PybammAction::discharge},
                                                          {"Rest", PybammAction::rest},
                                                          {"Hold", PybammAction::hold}}};

struct PybammUnitWord {
  std::string_view word;
  Unit unit;
  double per_unit;  ///< "mA" -> 1000 to the ampere
};
constexpr std::array<PybammUnitWord, 9> pybamm_units{{{"A", Unit::amp, 1},
                                                      {"mA", Unit::amp, 1000},
                                                      {"C", Unit::c_rate, 1},
                                                      {"V", Unit::volt, 1},
                                                      {"mV", Unit::volt, 1000},
                                                      {"W", Unit::watt, 1},
                                                      {"mW", Unit::watt, 1000},
                                                      {"Ohm", Unit::ohm, 1},
                                                      {"mOhm", Unit::ohm, 1000}}};

struct PybammTimeWord {
  std::string_view word;
  double seconds;
};
// The words that a mistake is led to stand first.
constexpr std::array<PybammTimeWord, 12> pybamm_times{{{"seconds", 1},
                                                       {"minutes", 60},
                                                       {"hours", 3600},
                                                       {"second", 1},
                                                       {"minute", 60},
                                                       {"hour", 3600},
                                                       {"sec", 1},
                                                       {"min", 60},
                                                       {"hr", 3600},
                                                       {"s", 1},
                                                       {"m", 60},
                                                       {"h", 3600}}};

template <class Table>
std::vector<std::string> pybamm_words(const Table& table) {
  std::vector<std::string> words;
  for (const auto& row : table) words.emplace_back(row.word);
  return words;
}

bool is_pybamm_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_pybamm_digit(char c) { return c >= '0' && c <= '9'; }

class PybammStringReader {
 public:
  PybammStringReader(std::string_view text, const SourcePlace& place) : text_{text}, place_{place} {
    if (text.size() > pybamm_string_length_max) throw ConfigError{place, "a step this long is refused"};
    skip_blanks();
  }

  PybammStep step() {
    PybammStep step;
    step.place = here();
    step.action = action();
    if (step.action != PybammAction::rest) {
      expect("at", {"at"});
      step.value = setpoint(step.action);
    }
    std::size_t word_at = next_word_at();
    std::string_view next = word();
    if (next == "for") {
      step.duration_s = time();
      word_at = next_word_at();
      next = word();
    }
    if (next == "or") {
      expect("until", {"until"});
      next = "until";
    }
    if (next == "until") {
      step.end = end(step.action);
      word_at = next_word_at();
      next = word();
    }
    if (!next.empty()) refuse_word(step, word_at, next);
    if (is_next('(')) step.period_s = period();
    if (at_ < text_.size()) throw ConfigError{here(), "'" + std::string{text_.substr(at_)} + "' does not belong to a step"};
    if (!step.duration_s && !step.end) throw ConfigError{here(), "a step needs an end: 'for' with a duration, or 'until'"};
    return step;
  }

  double time_alone() {
    const double seconds = time();
    require_no_more();
    return seconds;
  }

  double temperature_alone() {
    const double number = this->number();
    const std::size_t word_at = next_word_at();
    const std::string_view unit = word();
    if (unit != "oC" && unit != "K")
      throw ConfigError{place_at(word_at), "unknown unit '" + std::string{unit} + "' of a temperature (known: oC, K)"};
    require_no_more();
    return unit == "oC" ? number : number - 273.15;
  }

 private:
  [[nodiscard]] SourcePlace place_at(std::size_t offset) const {
    SourcePlace place = place_;
    if (place.column > 0) place.column += static_cast<int>(offset);
    return place;
  }
  [[nodiscard]] SourcePlace here() const { return place_at(at_); }
  [[nodiscard]] bool is_next(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  std::size_t next_word_at() {
    skip_blanks();
    return at_;
  }

  /// The letters here, and the blanks after them.
  std::string_view word() {
    skip_blanks();
    const std::size_t start = at_;
    while (at_ < text_.size() && is_pybamm_letter(text_[at_])) ++at_;
    const std::string_view found = text_.substr(start, at_ - start);
    skip_blanks();
    return found;
  }

  void expect(std::string_view wanted, const std::vector<std::string>& known) {
    const std::size_t start = next_word_at();
    const std::string_view found = word();
    if (found == wanted) return;
    throw ConfigError{place_at(start),
                      "expected '" + std::string{wanted} + "', found '" + std::string{found} + "'" + suggestion(found, known)};
  }

  void require_no_more() {
    if (at_ < text_.size()) throw ConfigError{here(), "'" + std::string{text_.substr(at_)} + "' does not belong there"};
  }

  PybammAction action() {
    const std::size_t start = at_;
    const std::string_view found = word();
    for (const PybammActionWord& known : pybamm_actions) {
      if (known.word == found) return known.action;
    }
    if (found == "Run") throw ConfigError{place_at(start), "'Run' plays a drive cycle: a profile has no step that plays a file"};
    throw ConfigError{place_at(start),
                      "unknown step '" + std::string{found} + "'" + suggestion(found, pybamm_words(pybamm_actions))};
  }

  double number() {
    skip_blanks();
    const std::size_t start = at_;
    while (at_ < text_.size() && is_number_part(start)) ++at_;
    const std::string_view digits = text_.substr(start, at_ - start);
    if (digits.empty()) throw ConfigError{place_at(start), "expected a number, found '" + std::string{text_.substr(start)} + "'"};
    const double value = parse_number(digits, place_at(start));
    skip_blanks();
    return value;
  }

  [[nodiscard]] bool is_number_part(std::size_t start) const {
    const char c = text_[at_];
    if (is_pybamm_digit(c) || c == '.' || c == ',') return true;
    if (c == '-' || c == '+') return at_ == start || text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E';
    if ((c != 'e' && c != 'E') || at_ == start || at_ + 1 >= text_.size()) return false;
    return is_pybamm_digit(text_[at_ + 1]) || text_[at_ + 1] == '-' || text_[at_ + 1] == '+';
  }

  double positive() {
    const std::size_t start = next_word_at();
    const double value = number();
    if (value > 0.0) return value;
    throw ConfigError{
        place_at(start),
        "found " + format_short(value) + ", expected a number above zero: the word says the direction, and no current is a rest"};
  }

  PybammValue value() {
    skip_blanks();
    const std::size_t start = at_;
    if (text_.substr(at_, 2) == "C/") {
      at_ += 2;
      return require_finite({1.0 / positive(), Unit::c_rate}, start);
    }
    const double number = positive();
    const std::size_t unit_at = at_;
    const std::string_view found = word();
    for (const PybammUnitWord& known : pybamm_units) {
      if (known.word == found) return require_finite({number / known.per_unit, known.unit}, start);
    }
    throw ConfigError{place_at(unit_at),
                      "unknown unit '" + std::string{found} + "'" + suggestion(found, pybamm_words(pybamm_units))};
  }

  [[nodiscard]] PybammValue require_finite(PybammValue value, std::size_t start) const {
    if (value.value > 0.0 && std::isfinite(value.value)) return value;
    throw ConfigError{place_at(start), "a number beyond what can be told apart from zero or infinity"};
  }

  PybammValue setpoint(PybammAction action) {
    const std::size_t start = next_word_at();
    const PybammValue found = value();
    const bool is_voltage = found.unit == Unit::volt;
    if (action == PybammAction::hold && !is_voltage)
      throw ConfigError{place_at(start), "'Hold' holds a voltage: write 'Charge at' or 'Discharge at' for anything else"};
    if (action != PybammAction::hold && is_voltage)
      throw ConfigError{place_at(start), "a voltage is held: write 'Hold at' (PyBaMM takes 'Charge at 4.2 V' for -4.2 V)"};
    return found;
  }

  double time() {
    const std::size_t start = next_word_at();
    const double number = this->number();
    const std::size_t unit_at = at_;
    const std::string_view found = word();
    for (const PybammTimeWord& known : pybamm_times) {
      if (known.word != found) continue;
      const double seconds = number * known.seconds;
      if (seconds >= 1e-3 && seconds <= to_seconds(pybamm_duration_max)) return seconds;
      throw ConfigError{place_at(start),
                        "a time must lie between 1 ms and " + format_short(to_seconds(pybamm_duration_max) / 3600.0) + " hours"};
    }
    throw ConfigError{place_at(unit_at),
                      "unknown unit of time '" + std::string{found} + "'" + suggestion(found, pybamm_words(pybamm_times))};
  }

  PybammEnd end(PybammAction action) {
    skip_blanks();
    const std::size_t start = at_;
    std::optional<char> comparison;
    if (is_next('<') || is_next('>')) comparison = text_[at_++];
    PybammEnd end;
    end.value = value();
    if (end.value.unit == Unit::watt || end.value.unit == Unit::ohm)
      throw ConfigError{place_at(start), "a step ends by V, mV, A, mA or C, not by " + std::string{to_string(end.value.unit)}};
    if (!comparison) comparison = pybamm_default_comparison(action, end.value.unit);
    if (!comparison)
      throw ConfigError{place_at(start), "PyBaMM ignores a voltage without '<' or '>' here: write one of them, or leave it out"};
    end.comparison = *comparison;
    return end;
  }

  double period() {
    ++at_;
    const double seconds = time();
    expect("period", {"period"});
    if (!is_next(')')) throw ConfigError{here(), "expected ')' after 'period'"};
    ++at_;
    skip_blanks();
    return seconds;
  }

  [[noreturn]] void refuse_word(const PybammStep& step, std::size_t start, std::string_view found) const {
    if (found == "for" && step.end) throw ConfigError{place_at(start), "'for' comes before 'until'"};
    if (found == "until" || found == "or") throw ConfigError{place_at(start), "a string has one 'until' only"};
    const std::vector<std::string> known = step.end          ? std::vector<std::string>{"(... period)"}
                                           : step.duration_s ? std::vector<std::string>{"until", "or until"}
                                                             : std::vector<std::string>{"for", "until"};
    throw ConfigError{place_at(start), "unknown word '" + std::string{found} + "'" + suggestion(found, known)};
  }

  std::string_view text_;
  SourcePlace place_;
  std::size_t at_ = 0;
};

/// Twelve digits: a rate worked out from a current is free of the last digit's dust.
std::string pybamm_number(double value) {
  const double scale = std::pow(10.0, 11.0 - std::floor(std::log10(value)));
  double rounded = std::isfinite(scale) && scale > 0.0 ? std::round(value * scale) / scale : value;
  if (!(std::abs(rounded - value) <= 1e-11 * value)) rounded = value;
  const std::string text = format_number(rounded);
  if (text.find('+') == std::string::npos) return text;
  // PyBaMM takes the '+' of 1e+05 for the beginning of a unit.
  std::array<char, 400> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), rounded, std::chars_format::fixed);
  return error == std::errc{} ? std::string{buffer.data(), end} : text;
}

std::string pybamm_value_text(const PybammValue& value) {
  if (value.unit == Unit::c_rate) {
    const double divisor = pybamm_rate_divisor(value.value);
    return divisor > 0.0 ? "C/" + pybamm_number(divisor) : pybamm_number(value.value) + "C";
  }
  const std::string unit{to_string(value.unit)};
  return value.value < 0.1 ? pybamm_number(value.value * 1000.0) + " m" + unit : pybamm_number(value.value) + " " + unit;
}

std::string pybamm_time_text(double seconds, bool may_be_plural) {
  const bool is_hours = std::fmod(seconds, 3600.0) == 0.0;
  const bool is_minutes = std::fmod(seconds, 60.0) == 0.0;
  const double number = is_hours ? seconds / 3600.0 : is_minutes ? seconds / 60.0 : seconds;
  const std::string unit = is_hours ? "hour" : is_minutes ? "minute" : "second";
  return pybamm_number(number) + " " + unit + (may_be_plural && number != 1.0 ? "s" : "");
}

}  // namespace

PybammStep parse_pybamm_step(std::string_view text, const SourcePlace& place) { return PybammStringReader{text, place}.step(); }

double parse_pybamm_time(std::string_view text, const SourcePlace& place) { return PybammStringReader{text, place}.time_alone(); }

double parse_pybamm_temperature(std::string_view text, const SourcePlace& place) {
  return PybammStringReader{text, place}.temperature_alone();
}

std::optional<char> pybamm_default_comparison(PybammAction action, Unit unit) {
  if (unit != Unit::volt) return '<';
  if (action == PybammAction::charge) return '>';
  if (action == PybammAction::discharge) return '<';
  return std::nullopt;
}

double pybamm_time_max_s(const PybammStep& step) {
  constexpr double hour = 3600.0;
  if (step.duration_s) return *step.duration_s;
  if (step.action != PybammAction::rest && step.value.unit == Unit::c_rate) return 2.0 * hour / step.value.value;
  return 24.0 * hour;
}

double pybamm_rate_divisor(double rate) {
  const double divisor = std::round(1.0 / rate);
  return divisor >= 2.0 && divisor <= 1e6 && std::abs(divisor * rate - 1.0) < 1e-9 ? divisor : 0.0;
}

std::string to_pybamm_time(double seconds) { return pybamm_time_text(seconds, true); }

std::string to_pybamm(const PybammStep& step) {
  std::string text;
  for (const PybammActionWord& known : pybamm_actions) {
    if (known.action == step.action) text = known.word;
  }
  if (step.action != PybammAction::rest) text += " at " + pybamm_value_text(step.value);
  if (step.duration_s) text += " for " + to_pybamm_time(*step.duration_s);
  if (step.end) {
    text += step.duration_s ? " or until " : " until ";
    if (step.end->comparison != pybamm_default_comparison(step.action, step.end->value.unit)) text += step.end->comparison;
    text += pybamm_value_text(step.end->value);
  }
  if (step.period_s) text += " (" + pybamm_time_text(*step.period_s, false) + " period)";
  return text;
}

}  // namespace cellrig
