// Small arithmetic over numbers, cell.<key> and parameters.<name>. Data, not a script: no functions, no assignment, no loops,
// and a bound on length and nesting.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/config_error.hpp"
#include "profiles/unit_suffix.hpp"

namespace cellrig {

inline constexpr std::size_t expression_length_max = 200;
inline constexpr std::size_t expression_depth_max = 16;

struct Expression {
  struct Operation {
    enum class Kind : unsigned char { number, name, add, subtract, multiply, divide, negate };
    Kind kind = Kind::number;
    double number = 0.0;
    std::string name;  ///< in full: "cell.voltage_max_V"
    SourcePlace place;
  };
  std::string text;
  SourcePlace place;
  std::vector<Operation> operations;  ///< postfix

  [[nodiscard]] bool is_literal() const { return operations.size() == 1 && operations[0].kind == Operation::Kind::number; }
};

/// What a name stands for, by its full name.
using Names = std::map<std::string, double>;

/// Throws ConfigError at the character that does not belong.
[[nodiscard]] Expression parse_expression(std::string_view text, const SourcePlace& place);

/// `wanted` is the unit of the field, `what` its name for the error. A name on its own must carry exactly that unit; a name times
/// a number the same dimension (minutes into seconds; Ah / h into A); products and quotients of two names may be anything.
/// Throws ConfigError for unknown names (with the nearest), wrong units and results that are not finite.
[[nodiscard]] double evaluate(const Expression& expression, const Names& names, Unit wanted, std::string_view what);

}  // namespace cellrig
