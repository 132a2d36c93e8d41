// The points of an expected curve as the record keeps them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"
#include "db/record.hpp"

namespace cellrig::db {

/// "[[0,3.7012,25.03,25],[0.1,3.7101,25.1,null]]": coordinate, voltage_V, cell_temperature_degC, around_degC; null where it is not known.
/// Rounded to what can be measured: 1e-6 of the coordinate, 0.01 mV, 1 mK.
[[nodiscard]] std::string points_text(const std::vector<ExpectedPointRow>& points);

/// Error: this is no such text.
[[nodiscard]] Result<std::vector<ExpectedPointRow>> points_of(std::string_view text);

}  // namespace cellrig::db
