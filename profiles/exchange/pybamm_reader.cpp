// The reading half of pybamm_experiment.hpp.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

#include "profiles/compile.hpp"
#include "profiles/exchange/pybamm_experiment.hpp"
#include "profiles/number.hpp"
#include "profiles/reader.hpp"

namespace cellrig {
namespace {

/// Of what a Python list repeats: more is a slip.
constexpr std::uint64_t repetitions_max = 1'000'000;

struct PythonToken {
  enum class Kind : unsigned char { text, number, name, sign, end };
  Kind kind = Kind::end;
  std::string text;  ///< of a text without its quotes
  SourcePlace place;
};

bool is_python_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; }

/// The few tokens of Python that a list of strings needs.
class PythonTokens {
 public:
  PythonTokens(std::string_view text, const std::string& file) : text_{text}, place_{file, 1, 1} { advance(); }

  [[nodiscard]] const PythonToken& next() const { return next_; }
  [[nodiscard]] bool is_sign(char sign) const { return next_.kind == PythonToken::Kind::sign && next_.text[0] == sign; }
  [[nodiscard]] bool is_name(std::string_view name) const { return next_.kind == PythonToken::Kind::name && next_.text == name; }

  PythonToken take() {
    PythonToken taken = next_;
    advance();
    return taken;
  }

  [[noreturn]] void refuse(const std::string& wanted) const {
    const std::string found = next_.kind == PythonToken::Kind::end ? "the end of the file" : "'" + next_.text + "'";
    throw ConfigError{next_.place, "expected " + wanted + ", found " + found};
  }

  void expect(char sign, const std::string& wanted) {
    if (!is_sign(sign)) refuse(wanted);
    advance();
  }

 private:
  void step_over() {
    const bool is_line_end = text_[at_] == '\n';
    place_.line += is_line_end ? 1 : 0;
    place_.column = is_line_end ? 1 : place_.column + 1;
    ++at_;
  }

  void skip_blanks_and_comments() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') step_over();
      } else if (std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos) {
        step_over();
      } else {
        return;
      }
    }
  }

  void advance() {
    skip_blanks_and_comments();
    next_ = PythonToken{PythonToken::Kind::end, "", place_};
    if (at_ >= text_.size()) return;
    const char c = text_[at_];
    if (c == '"' || c == '\'') return take_text(c);
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-') return take_while(PythonToken::Kind::number);
    if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_') return take_while(PythonToken::Kind::name);
    next_.kind = PythonToken::Kind::sign;
    next_.text = std::string{c};
    step_over();
  }

  void take_while(PythonToken::Kind kind) {
    next_.kind = kind;
    do {
      next_.text += text_[at_];
      step_over();
    } while (at_ < text_.size() && is_python_name_part(text_[at_]));
  }

  /// Its place is that of its first character, so that a place inside it can be counted.
  void take_text(char quote) {
    const SourcePlace start = place_;
    step_over();
    next_.kind = PythonToken::Kind::text;
    next_.place = place_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      if (text_[at_] == '\\') throw ConfigError{place_, "a string with '\\' is not read here"};
      next_.text += text_[at_];
      step_over();
    }
    if (at_ >= text_.size() || text_[at_] != quote) throw ConfigError{start, "the string that begins here has no end"};
    step_over();
  }

  std::string_view text_;
  SourcePlace place_;
  std::size_t at_ = 0;
  PythonToken next_;
};

/// What an expression stands for: one step, or a list or tuple of items.
struct PythonValue {
  enum class Kind : unsigned char { step, list, tuple };
  Kind kind = Kind::list;
  SourcePlace place;
  std::vector<PybammItem> items;
};

class PybammListReader {
 public:
  PybammListReader(std::string_view text, const std::string& file) : tokens_{text, file} {}

  PybammExperiment experiment() {
    if (tokens_.is_name("import")) {
      tokens_.take();
      if (!tokens_.is_name("pybamm")) tokens_.refuse("'pybamm': nothing is executed here");
      tokens_.take();
    }
    std::optional<PythonToken> name;
    if (tokens_.next().kind == PythonToken::Kind::name) {
      name = tokens_.take();
      if (tokens_.is_sign('=')) {
        tokens_.take();
        name.reset();
        if (tokens_.next().kind == PythonToken::Kind::name) name = tokens_.take();
      }
    }
    if (name) {
      call_experiment(*name);
    } else {
      read_items();
    }
    if (tokens_.next().kind != PythonToken::Kind::end) tokens_.refuse("nothing after the experiment");
    return std::move(experiment_);
  }

 private:
  void read_items() {
    PythonValue value = expression(0);
    if (value.kind == PythonValue::Kind::tuple) value = as_list_of(std::move(value));
    experiment_.items = std::move(value.items);
    if (experiment_.items.empty()) throw ConfigError{value.place, "an experiment without a step"};
  }

  static PythonValue as_list_of(PythonValue cycle) {
    PythonValue list{PythonValue::Kind::list, cycle.place, {}};
    list.items.push_back(PybammItem{PybammGroup{cycle.place, true, 1, std::move(cycle.items)}});
    return list;
  }

  void call_experiment(const PythonToken& name) {
    static const std::vector<std::string> known{"pybamm.Experiment", "Experiment"};
    if (std::find(known.begin(), known.end(), name.text) == known.end())
      throw ConfigError{name.place, "unknown name '" + name.text + "'" + suggestion(name.text, known)};
    tokens_.expect('(', "'(' after " + name.text);
    read_items();
    keywords({"period", "temperature"}, experiment_.period_s, experiment_.temperature_degC);
  }

  /// `, name=value` up to the closing parenthesis.
  void keywords(const std::vector<std::string>& known, std::optional<double>& period_s, std::optional<double>& temperature_degC) {
    while (tokens_.is_sign(',')) {
      tokens_.take();
      if (tokens_.is_sign(')')) break;
      if (tokens_.next().kind != PythonToken::Kind::name) tokens_.refuse("a keyword: period or temperature");
      const PythonToken key = tokens_.take();
      if (std::find(known.begin(), known.end(), key.text) == known.end())
        throw ConfigError{key.place, "keyword '" + key.text + "' has no counterpart here" + suggestion(key.text, known)};
      tokens_.expect('=', "'=' after " + key.text);
      (key.text == "period" ? period_s : temperature_degC) = quantity(key.text == "period");
    }
    tokens_.expect(')', "')' or ','");
  }

  double quantity(bool is_time) {
    const PythonToken value = tokens_.take();
    if (value.kind == PythonToken::Kind::text)
      return is_time ? parse_pybamm_time(value.text, value.place) : parse_pybamm_temperature(value.text, value.place);
    if (value.kind == PythonToken::Kind::number) {
      return is_time ? parse_pybamm_time(value.text + " seconds", value.place)
                     : parse_pybamm_temperature(value.text + " K", value.place);
    }
    throw ConfigError{value.place, is_time ? "expected a time like \"30 seconds\"" : "expected a temperature like \"25oC\""};
  }

  // ---- lists and tuples ---------------------------------------------------------------------------------------------

  PythonValue expression(std::size_t depth) {
    PythonValue sum = product(depth);
    while (tokens_.is_sign('+')) {
      const PythonToken plus = tokens_.take();
      PythonValue more = product(depth);
      if (sum.kind == PythonValue::Kind::step || sum.kind != more.kind)
        throw ConfigError{plus.place, "'+' joins two lists, or two tuples"};
      std::move(more.items.begin(), more.items.end(), std::back_inserter(sum.items));
    }
    return sum;
  }

  PythonValue product(std::size_t depth) {
    PythonValue value = primary(depth);
    if (!tokens_.is_sign('*')) return value;
    const SourcePlace place = tokens_.next().place;
    std::uint64_t times = 1;
    while (tokens_.is_sign('*')) {
      tokens_.take();
      times *= factor();
      if (times > repetitions_max) throw ConfigError{place, "more than " + std::to_string(repetitions_max) + " times"};
    }
    if (value.kind == PythonValue::Kind::step)
      throw ConfigError{place, "'*' repeats a list or a tuple: a tuple of one step needs a comma, (\"...\",)"};
    repeat(value, times);
    return value;
  }

  std::uint64_t factor() {
    const PythonToken number = tokens_.take();
    const bool is_number = number.kind == PythonToken::Kind::number;
    const double value = is_number ? parse_number(number.text, number.place) : -1.0;
    if (!is_number || !(value >= 0.0 && value <= static_cast<double>(repetitions_max)) || value != std::floor(value)) {
      throw ConfigError{number.place,
                        "expected a whole number from 0 to " + std::to_string(repetitions_max) + ", found '" + number.text + "'"};
    }
    return static_cast<std::uint64_t>(value);
  }

  /// A list of one cycle becomes that cycle, so many times; anything else a group around it.
  static void repeat(PythonValue& value, std::uint64_t times) {
    if (value.items.empty()) return;
    PybammGroup* const only = value.items.size() == 1 ? std::get_if<PybammGroup>(&value.items.front().what) : nullptr;
    if (only != nullptr && only->is_cycle && only->times == 1) {
      only->times = times;
      return;
    }
    PybammGroup group{value.place, false, times, std::move(value.items)};
    value.items.clear();
    value.items.push_back(PybammItem{std::move(group)});
  }

  PythonValue primary(std::size_t depth) {
    const PythonToken& next = tokens_.next();
    if (next.kind == PythonToken::Kind::text || next.kind == PythonToken::Kind::name) return one_step();
    if (depth >= pybamm_depth_max)
      throw ConfigError{next.place, "brackets nested deeper than " + std::to_string(pybamm_depth_max) + " levels"};
    if (tokens_.is_sign('[')) return brackets(depth, ']', PythonValue::Kind::list);
    if (tokens_.is_sign('(')) return brackets(depth, ')', PythonValue::Kind::tuple);
    tokens_.refuse("a step, a list or a tuple");
  }

  PythonValue brackets(std::size_t depth, char close, PythonValue::Kind kind) {
    PythonValue value{kind, tokens_.take().place, {}};
    bool has_comma = false;
    std::size_t count = 0;
    PythonValue element;
    while (!tokens_.is_sign(close)) {
      if (count > 0) append(value, std::move(element));
      element = expression(depth + 1);
      ++count;
      if (tokens_.is_sign(close)) break;
      if (tokens_.next().kind == PythonToken::Kind::text)
        throw ConfigError{tokens_.next().place, "a comma is missing before this string: Python would join it to the one before"};
      tokens_.expect(',', std::string{"',' or '"} + close + "'");
      has_comma = true;
    }
    tokens_.take();
    // Parentheses around one thing, without a comma, are no tuple.
    if (kind == PythonValue::Kind::tuple && count == 1 && !has_comma) return element;
    if (count > 0) append(value, std::move(element));
    return value;
  }

  void append(PythonValue& value, PythonValue element) {
    if (element.kind == PythonValue::Kind::step) {
      value.items.push_back(std::move(element.items.front()));
      return;
    }
    if (value.kind == PythonValue::Kind::tuple)
      throw ConfigError{element.place, "a cycle holds steps only: join tuples with '+'"};
    // An inner list is a cycle as well: JSON has no tuples.
    if (element.items.empty()) throw ConfigError{element.place, "a cycle without a step"};
    value.items.push_back(PybammItem{PybammGroup{element.place, true, 1, std::move(element.items)}});
  }

  PythonValue one_step() {
    if (++step_count_ > items_max)
      throw ConfigError{tokens_.next().place, "more than " + std::to_string(items_max) + " steps: repeat a list with '* N'"};
    const SourcePlace place = tokens_.next().place;
    PythonValue value{PythonValue::Kind::step, place, {}};
    value.items.push_back(PybammItem{tokens_.next().kind == PythonToken::Kind::name ? call_step() : plain_step()});
    return value;
  }

  PybammStep plain_step() {
    if (tokens_.next().kind != PythonToken::Kind::text) tokens_.refuse("a step in quotes");
    const PythonToken text = tokens_.take();
    return parse_pybamm_step(text.text, text.place);
  }

  PybammStep call_step() {
    static const std::vector<std::string> known{"pybamm.step.string", "step.string"};
    const PythonToken name = tokens_.take();
    if (std::find(known.begin(), known.end(), name.text) == known.end())
      throw ConfigError{name.place, "unknown name '" + name.text + "'" + suggestion(name.text, known)};
    tokens_.expect('(', "'(' after " + name.text);
    PybammStep step = plain_step();
    std::optional<double> period_s;
    keywords({"period", "temperature"}, period_s, step.temperature_degC);
    if (period_s && step.period_s) throw ConfigError{name.place, "the period stands in the string and in the keyword"};
    if (period_s) step.period_s = period_s;
    return step;
  }

  PythonTokens tokens_;
  PybammExperiment experiment_;
  std::size_t step_count_ = 0;
};

/// Whether the first thing in the file that is no comment is Python: a bracket, `import`, `name =`, `name(`.
bool is_python(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && std::string_view{" \t\r\n#"}.find(text[at]) != std::string_view::npos) {
    if (text[at] == '#') at = std::min(text.find('\n', at), text.size() - 1);
    ++at;
  }
  if (at >= text.size()) return false;
  if (text[at] == '[' || text[at] == '(' || text[at] == '{') return true;
  const std::size_t start = at;
  while (at < text.size() && is_python_name_part(text[at])) ++at;
  if (text.substr(start, at - start) == "import" || (at < text.size() && text[at] == '(')) return true;
  while (at < text.size() && text[at] == ' ') ++at;
  return at > start && at < text.size() && text[at] == '=';
}

PybammExperiment read_lines(std::string_view text, const std::string& file) {
  PybammExperiment experiment;
  SourcePlace place{file, 0, 1};
  while (!text.empty()) {
    ++place.line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos || line[first] == '#') continue;
    if (line[first] == '"' || line[first] == '\'')
      throw ConfigError{place, "a line is one step without quotes; a list of quoted steps begins with '['"};
    if (experiment.items.size() >= items_max) throw ConfigError{place, "more than " + std::to_string(items_max) + " steps"};
    experiment.items.push_back(PybammItem{parse_pybamm_step(line, place)});
  }
  if (experiment.items.empty()) throw ConfigError{SourcePlace{file, 0, 0}, "an experiment without a step"};
  return experiment;
}

}  // namespace

PybammExperiment read_pybamm(std::string_view text, const std::string& file) {
  if (text.size() > pybamm_bytes_max)
    throw ConfigError{SourcePlace{file, 0, 0}, "the file is larger than " + std::to_string(pybamm_bytes_max) + " bytes"};
  if (text.find('\0') != std::string_view::npos) throw ConfigError{SourcePlace{file, 0, 0}, "the file is no text"};
  return is_python(text) ? PybammListReader{text, file}.experiment() : read_lines(text, file);
}

}  // namespace cellrig
