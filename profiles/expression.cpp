#include "profiles/expression.hpp"

#include <cctype>
#include <cmath>

#include "profiles/number.hpp"

namespace cellrig {
namespace {

using Operation = Expression::Operation;

bool is_name_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; }

class Parser {
 public:
  Parser(std::string_view text, const SourcePlace& place) : text_{text}, place_{place} {}

  Expression parse() {
    if (text_.size() > expression_length_max) fail_at(0, "longer than " + std::to_string(expression_length_max) + " characters");
    skip_blanks();
    if (at_end()) fail_at(0, "expected a number or an expression, found nothing");
    sum(0);
    if (!at_end()) fail_at(position_, unexpected());
    return Expression{std::string{text_}, place_, std::move(operations_)};
  }

 private:
  void sum(std::size_t depth) {
    product(depth);
    while (!at_end() && (peek() == '+' || peek() == '-')) {
      const std::size_t where = position_;
      const auto kind = take() == '+' ? Operation::Kind::add : Operation::Kind::subtract;
      product(depth);
      push(kind, where);
    }
  }

  void product(std::size_t depth) {
    factor(depth);
    while (!at_end() && (peek() == '*' || peek() == '/')) {
      const std::size_t where = position_;
      const auto kind = take() == '*' ? Operation::Kind::multiply : Operation::Kind::divide;
      factor(depth);
      push(kind, where);
    }
  }

  void factor(std::size_t depth) {
    if (depth > expression_depth_max)
      fail_at(position_, "nested deeper than " + std::to_string(expression_depth_max) + " levels");
    if (at_end()) fail_at(position_, "the expression ends where a value should follow");
    const std::size_t where = position_;
    if (peek() == '-') {
      take();
      factor(depth + 1);
      push(Operation::Kind::negate, where);
    } else if (peek() == '+') {
      take();
      factor(depth + 1);
    } else if (peek() == '(') {
      take();
      sum(depth + 1);
      if (at_end() || peek() != ')') fail_at(position_, "')' is missing");
      take();
    } else if (is_name_start(peek())) {
      name();
    } else {
      number();
    }
  }

  void number() {
    const std::size_t length = number_length(text_.substr(position_));
    if (length == 0) fail_at(position_, unexpected());
    Operation operation;
    operation.place = at(position_);
    operation.number = parse_number(text_.substr(position_, length), operation.place);
    operations_.push_back(std::move(operation));
    position_ += length;
    skip_blanks();
  }

  void name() {
    std::size_t end = position_;
    while (end < text_.size() && is_name_part(text_[end])) ++end;
    Operation operation;
    operation.kind = Operation::Kind::name;
    operation.place = at(position_);
    operation.name = std::string{text_.substr(position_, end - position_)};
    operations_.push_back(std::move(operation));
    position_ = end;
    skip_blanks();
  }

  std::string unexpected() const {
    const std::string_view rest = text_.substr(position_);
    // A comma or a unit behind a number, nan, .5: the number reader knows the words for these.
    if (position_ == 0 || rest.front() == '.' || rest.front() == ',') {
      const std::string_view whole = rest.front() == ',' ? text_ : rest;
      try {
        (void)parse_number(whole, place_);
      } catch (const ConfigError& error) {
        return error.message();
      }
    }
    if (is_name_part(rest.front())) {
      std::size_t end = 0;
      while (end < rest.size() && is_name_part(rest[end])) ++end;
      return "unexpected '" + std::string{rest.substr(0, end)} +
             "' after a value: a unit is part of the name before it, not of the value";
    }
    return "unexpected '" + std::string{rest.substr(0, 1)} + "'";
  }

  void push(Operation::Kind kind, std::size_t where) {
    Operation operation;
    operation.kind = kind;
    operation.place = at(where);
    operations_.push_back(std::move(operation));
  }

  [[nodiscard]] bool at_end() const { return position_ >= text_.size(); }
  [[nodiscard]] char peek() const { return text_[position_]; }
  char take() {
    const char c = text_[position_++];
    skip_blanks();
    return c;
  }
  void skip_blanks() {
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\n')) ++position_;
  }
  // Exact for a text on one line; in a text folded over several lines the column counts on from its start.
  [[nodiscard]] SourcePlace at(std::size_t offset) const {
    SourcePlace place = place_;
    if (place.column > 0) place.column += static_cast<int>(offset);
    return place;
  }
  [[noreturn]] void fail_at(std::size_t offset, const std::string& message) const { throw ConfigError{at(offset), message}; }

  std::string_view text_;
  SourcePlace place_;
  std::size_t position_ = 0;
  std::vector<Operation> operations_;
};

/// A number and what is known of its unit.
struct Term {
  enum class Form : unsigned char {
    literal,  ///< a plain number: takes any unit
    exact,    ///< carries exactly `unit`
    scaled,   ///< `unit` times a number: the dimension is known, the scale is the author's business
    derived,  ///< a product or quotient of names: anything
  };
  double value = 0.0;
  Unit unit = Unit::none;
  Form form = Form::literal;
};

bool is_plain(const Term& term) {
  return term.form == Term::Form::literal || (term.form == Term::Form::exact && term.unit == Unit::none);
}

std::string names_with_unit(const std::string& name, const Names& names, Unit wanted) {
  std::vector<std::string> fitting;
  for (const auto& [known, value] : names) {
    if (unit_of_name(known) == wanted) fitting.push_back(known);
  }
  const std::string near = nearest_word(name, fitting);
  return near.empty() ? "" : ", did you mean '" + near + "'?";
}

Term resolve(const Operation& operation, const Names& names) {
  if (const auto found = names.find(operation.name); found != names.end()) {
    return Term{found->second, unit_of_name(operation.name), Term::Form::exact};
  }
  for (const std::string prefix : {"results.", "variables."}) {
    if (operation.name.starts_with(prefix))
      throw ConfigError{operation.place, "'" + operation.name +
                                             "' is known only while the profile runs: it may stand in the current or power of a "
                                             "step, in conditions and in 'set'"};
  }
  for (const std::string prefix : {"parameters.", "cell."}) {
    if (names.contains(prefix + operation.name)) {
      throw ConfigError{operation.place, "'" + operation.name + "' must be written '" + prefix + operation.name + "'"};
    }
  }
  if (operation.name == "C" || operation.name == "D") {
    throw ConfigError{operation.place,
                      "'" + operation.name + "/n' is not how a rate is written: the C is part of the key, write 1/n"};
  }
  const std::string lower_start = operation.name.substr(0, 3);
  if (lower_start == "nan" || lower_start == "NaN" || lower_start == "inf" || lower_start == "Inf") {
    throw ConfigError{operation.place, "'" + operation.name + "' is refused: a number here must be finite"};
  }
  std::vector<std::string> known;
  const std::string prefix = operation.name.substr(0, operation.name.find('.') + 1);
  for (const auto& [name, value] : names) {
    if (prefix.empty() || name.starts_with(prefix)) known.push_back(name);
  }
  if (known.empty()) {
    for (const auto& [name, value] : names) known.push_back(name);
  }
  throw ConfigError{operation.place, "unknown name '" + operation.name + "'" + suggestion(operation.name, known)};
}

Term add(const Operation& operation, const Term& a, const Term& b) {
  const double value = operation.kind == Operation::Kind::add ? a.value + b.value : a.value - b.value;
  if (is_plain(b)) return Term{value, a.unit, a.form};
  if (is_plain(a)) return Term{value, b.unit, b.form};
  if (a.form == Term::Form::derived || b.form == Term::Form::derived) return Term{value, Unit::none, Term::Form::derived};
  const bool both_exact = a.form == Term::Form::exact && b.form == Term::Form::exact;
  if (both_exact ? a.unit != b.unit : !is_same_dimension(a.unit, b.unit)) {
    throw ConfigError{operation.place,
                      "cannot add or subtract " + std::string{to_string(a.unit)} + " and " + std::string{to_string(b.unit)}};
  }
  return Term{value, a.unit, both_exact ? Term::Form::exact : Term::Form::scaled};
}

Term multiply(const Operation& operation, const Term& a, const Term& b) {
  const bool divides = operation.kind == Operation::Kind::divide;
  if (divides && b.value == 0.0) throw ConfigError{operation.place, "division by zero"};
  const double value = divides ? a.value / b.value : a.value * b.value;
  if (is_plain(a) && is_plain(b)) return Term{value, Unit::none, Term::Form::literal};
  if (is_plain(b) && a.form != Term::Form::derived) return Term{value, a.unit, Term::Form::scaled};
  if (is_plain(a) && !divides && b.form != Term::Form::derived) return Term{value, b.unit, Term::Form::scaled};
  return Term{value, Unit::none, Term::Form::derived};
}

Term compute(const Expression& expression, const Names& names) {
  std::vector<Term> stack;
  for (const Operation& operation : expression.operations) {
    if (operation.kind == Operation::Kind::number) {
      stack.push_back(Term{operation.number, Unit::none, Term::Form::literal});
      continue;
    }
    if (operation.kind == Operation::Kind::name) {
      stack.push_back(resolve(operation, names));
      continue;
    }
    const Term last = stack.back();
    stack.pop_back();
    if (operation.kind == Operation::Kind::negate) {
      stack.push_back(Term{-last.value, last.unit, last.form});
      continue;
    }
    const Term first = stack.back();
    stack.pop_back();
    const bool is_sum = operation.kind == Operation::Kind::add || operation.kind == Operation::Kind::subtract;
    stack.push_back(is_sum ? add(operation, first, last) : multiply(operation, first, last));
  }
  return stack.back();
}

}  // namespace

Expression parse_expression(std::string_view text, const SourcePlace& place) { return Parser{text, place}.parse(); }

double evaluate(const Expression& expression, const Names& names, Unit wanted, std::string_view what) {
  const Term term = compute(expression, names);
  const std::string field = "'" + std::string{what} + "'";
  if (!std::isfinite(term.value)) throw ConfigError{expression.place, field + " comes out as no finite number"};
  const bool has_unit = term.form == Term::Form::exact || term.form == Term::Form::scaled;
  const bool fits = term.form == Term::Form::exact ? term.unit == wanted : is_same_dimension(term.unit, wanted);
  if (has_unit && !fits) {
    const bool is_bare_name = expression.operations.size() == 1;
    std::string message = field + " is in " + std::string{to_string(wanted)} + ", '" + expression.text + "' is in " +
                          std::string{to_string(term.unit)};
    if (wanted == Unit::none)
      message = field + " is a plain number, '" + expression.text + "' is in " + std::string{to_string(term.unit)};
    if (term.unit == Unit::none) {
      message = field + " is in " + std::string{to_string(wanted)} + ", the name '" + expression.text + "' ends in no unit";
    }
    if (is_bare_name) message += names_with_unit(expression.text, names, wanted);
    throw ConfigError{expression.place, message};
  }
  return term.value;
}

}  // namespace cellrig
