// What a program can know about what it has measured so far. Pure.
#pragma once

#include <optional>

#include "controller/engine/channel_state.hpp"
#include "controller/engine/formula.hpp"
#include "controller/engine/program.hpp"

namespace cellrig {

/// Nothing: not measured yet.
/// The latest step that was to measure this did not: a judgement by an earlier one would be of another cell.
[[nodiscard]] bool is_lost(ResultQuantity quantity, const Results& results);
[[nodiscard]] std::optional<double> result_of(ResultQuantity quantity, const ChannelState& state);

/// Nothing: a result in it is not known yet, or it comes out as no finite number.
[[nodiscard]] std::optional<double> value_of(const Formula& formula, const ChannelState& state);

/// What the condition compares, and with what. Nothing where it is not known.
[[nodiscard]] std::optional<double> compared_value(const ResultCondition& condition, const ChannelState& state);
[[nodiscard]] std::optional<double> threshold_of(const ResultCondition& condition, const Program& program,
                                                 const ChannelState& state);

}  // namespace cellrig
