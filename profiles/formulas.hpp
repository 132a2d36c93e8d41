// Numbers that are known only while a program runs: which expressions they are, and what the engine gets of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/engine/program.hpp"
#include "profiles/expression.hpp"

namespace cellrig {

/// Whether it names a result or a variable.
[[nodiscard]] bool is_run_time(const Expression& expression);

/// What such names stand for while nothing has run: values of the right size, for units, tables and forecasts.
[[nodiscard]] Names run_time_names(double nominal_capacity_Ah, const std::vector<Variable>& variables);

/// Throws ConfigError for an unknown result, variable or name. Units are the caller's: evaluate() with run_time_names().
[[nodiscard]] Formula make_formula(const Expression& expression, const Names& constants, const std::vector<Variable>& variables);

void multiply_by(Formula& formula, double factor);
void multiply_by(Formula& formula, ResultQuantity result);

}  // namespace cellrig
