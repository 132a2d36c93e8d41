#include "profiles/formulas.hpp"

#include <algorithm>
#include <optional>

#include "profiles/condition_text.hpp"

namespace cellrig {
namespace {

constexpr std::string_view result_names = "results.";
constexpr std::string_view variable_names = "variables.";

std::optional<std::uint8_t> result_named(std::string_view name) {
  for (std::size_t i = 0; i < result_words().size(); ++i) {
    const ResultQuantity quantity = static_cast<ResultQuantity>(i);
    if (to_string(quantity) == name) return static_cast<std::uint8_t>(i);
  }
  return std::nullopt;
}

Formula::Operation named_operation(const Expression::Operation& given, const Names& constants,
                                   const std::vector<Variable>& variables) {
  using Kind = Formula::Operation::Kind;
  const std::string_view name = given.name;
  if (name.starts_with(result_names)) {
    const std::string word{name.substr(result_names.size())};
    if (const std::optional<std::uint8_t> result = result_named(word)) return {.kind = Kind::result, .operand = *result};
    throw ConfigError{given.place, "unknown result '" + word + "'" + suggestion(word, result_words())};
  }
  if (name.starts_with(variable_names)) {
    const std::string word{name.substr(variable_names.size())};
    std::vector<std::string> known;
    for (std::size_t i = 0; i < variables.size(); ++i) {
      if (variables[i].name == word) return {.kind = Kind::variable, .operand = static_cast<std::uint8_t>(i)};
      known.push_back(variables[i].name);
    }
    throw ConfigError{given.place, "unknown variable '" + word + "'" + suggestion(word, known)};
  }
  const auto found = constants.find(given.name);
  if (found == constants.end()) throw ConfigError{given.place, "unknown name '" + given.name + "'"};
  return {.kind = Kind::number, .number = found->second};
}

Formula::Operation::Kind kind_of(Expression::Operation::Kind kind) {
  using From = Expression::Operation::Kind;
  using To = Formula::Operation::Kind;
  switch (kind) {
    case From::add: return To::add;
    case From::subtract: return To::subtract;
    case From::multiply: return To::multiply;
    case From::divide: return To::divide;
    case From::negate: return To::negate;
    case From::number:
    case From::name: return To::number;
  }
  return To::number;
}

}  // namespace

bool is_run_time(const Expression& expression) {
  return std::any_of(expression.operations.begin(), expression.operations.end(), [](const Expression::Operation& operation) {
    return operation.name.starts_with(result_names) || operation.name.starts_with(variable_names);
  });
}

Names run_time_names(double nominal_capacity_Ah, const std::vector<Variable>& variables) {
  Names names;
  for (const std::string& word : result_words()) {
    double likely = 1.0;
    if (unit_of_name(word) == Unit::amp_hour) likely = nominal_capacity_Ah;
    if (unit_of_name(word) == Unit::percent) likely = 100.0;
    if (unit_of_name(word) == Unit::celsius) likely = 25.0;
    if (unit_of_name(word) == Unit::ohm) likely = 0.01;
    names[std::string{result_names} + word] = likely;
  }
  for (const Variable& variable : variables) names[std::string{variable_names} + variable.name] = variable.initial;
  return names;
}

Formula make_formula(const Expression& expression, const Names& constants, const std::vector<Variable>& variables) {
  Formula formula;
  formula.text = expression.text;
  formula.source = SourceSpot{expression.place.line, expression.place.column};
  for (const Expression::Operation& given : expression.operations) {
    if (given.kind == Expression::Operation::Kind::name) {
      formula.postfix.push_back(named_operation(given, constants, variables));
    } else {
      formula.postfix.push_back({.kind = kind_of(given.kind), .number = given.number});
    }
  }
  if (formula.postfix.size() + 2 > formula_operations_max)
    throw ConfigError{expression.place, "an expression this long is not worked out while a profile runs"};
  return formula;
}

void multiply_by(Formula& formula, double factor) {
  if (factor == 1.0) return;
  formula.postfix.push_back({.kind = Formula::Operation::Kind::number, .number = factor});
  formula.postfix.push_back({.kind = Formula::Operation::Kind::multiply});
}

void multiply_by(Formula& formula, ResultQuantity result) {
  formula.postfix.push_back({.kind = Formula::Operation::Kind::result, .operand = static_cast<std::uint8_t>(result)});
  formula.postfix.push_back({.kind = Formula::Operation::Kind::multiply});
}

}  // namespace cellrig
