// Conditions as a profile writes them: "current_A <= cell.rated_capacity_Ah / 20 for 5 s", "retention_pct < 80".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/engine/program.hpp"
#include "profiles/expression.hpp"

namespace cellrig {

/// How the written value becomes the value that the engine compares.
enum class ConditionScale : unsigned char {
  as_written,
  minutes,           ///< step_time_min
  hours,             ///< step_time_h
  nominal_capacity,  ///< rate_C: |current| / nominal capacity
  nominal_percent,   ///< capacity_pct: of the nominal capacity
};

/// A leaf or a group; groups nest up to condition_depth_max.
struct ConditionSpec {
  ConditionNode::Kind kind = ConditionNode::Kind::leaf;
  SourcePlace place;
  std::string text;  ///< as written; for a group "all of (a; b)"
  // leaf
  std::string quantity_word;
  ConditionQuantity quantity = ConditionQuantity::step_time_s;
  ConditionScale scale = ConditionScale::as_written;
  Comparison comparison = Comparison::at_least;
  Expression value;
  std::optional<std::uint8_t> result;  ///< `results.NAME`: a ResultQuantity; `variables.NAME` is in quantity_word
  std::optional<Expression> hold, blank;
  Unit hold_unit = Unit::second, blank_unit = Unit::second;
  // of a whole end
  std::string then;  ///< "next", "end", "fail", or a step's name; empty: next
  SourcePlace then_place;
  // group
  std::vector<ConditionSpec> children;
};

inline constexpr std::size_t condition_depth_max = 4;

/// What stop_if and require compare.
struct ResultConditionSpec {
  SourcePlace place;
  std::string text;
  ResultQuantity quantity = ResultQuantity::cycle_count;
  std::string variable;  ///< "variables.NAME", in place of `quantity`
  Comparison comparison = Comparison::at_least;
  Expression value;
};

[[nodiscard]] ConditionSpec parse_condition(std::string_view text, const SourcePlace& place);
[[nodiscard]] ResultConditionSpec parse_result_condition(std::string_view text, const SourcePlace& place);

/// Every word a condition may begin with, for documentation and tests.
[[nodiscard]] std::vector<std::string> condition_words();
[[nodiscard]] std::vector<std::string> result_words();

}  // namespace cellrig
