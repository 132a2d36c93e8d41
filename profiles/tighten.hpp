// Limits that a profile tightens; none may be widened.
#pragma once

#include "controller/base/limits.hpp"
#include "profiles/cell.hpp"
#include "profiles/model.hpp"

namespace cellrig {

/// `owned` with what `given` tightens: of a profile inside its cell's, of a step inside its profile's. Throws ConfigError for a limit
/// that widens, or that leaves nothing.
[[nodiscard]] SafetyLimits tightened_limits(const std::vector<Field>& given, const SafetyLimits& owned, const Cell& cell,
                                            const Names& names);

}  // namespace cellrig
