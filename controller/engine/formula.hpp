// A number that is known only while the program runs: worked out of constants, variables and results of earlier steps at the
// moment it is needed. Data, not a script: a bounded list of operations, no loop, no call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "controller/engine/source_spot.hpp"

namespace cellrig {

inline constexpr std::size_t formula_operations_max = 64;
inline constexpr std::size_t variables_max = 16;

struct Formula {
  struct Operation {
    enum class Kind : unsigned char { number, result, variable, add, subtract, multiply, divide, negate };
    Kind kind = Kind::number;
    double number = 0.0;
    std::uint8_t operand = 0;  ///< a ResultQuantity, or the index of a variable
  };
  std::vector<Operation> postfix;  ///< at most formula_operations_max; leaves exactly one number
  std::string text;                ///< as the profile says it
  SourceSpot source;
};

/// A number that a profile may set and use while it runs. Every value that it is given lies within its bounds, or the run fails.
struct Variable {
  std::string name;  ///< with its unit: "target_Ah"
  double initial = 0.0, min = 0.0, max = 0.0;
};

}  // namespace cellrig
