// What the bench service says of its record, in the record's own rows. Pure: no Qt.
#pragma once

#include <vector>

#include "controller/api/messages.hpp"
#include "db/analysis/curve.hpp"
#include "db/reader.hpp"
#include "ui/model/expected.hpp"

namespace cellrig::ui {

[[nodiscard]] db::RunInfo run_info_of(const api::RunView& view);
[[nodiscard]] std::vector<db::StepInfo> step_infos_of(const std::vector<api::StepView>& views);
[[nodiscard]] db::CycleRow cycle_row_of(const api::CycleView& view);
[[nodiscard]] db::EventRow event_row_of(const api::EventView& view);
[[nodiscard]] ExpectedCurves expected_curves_of(const std::vector<api::ExpectedCurveView>& views);

/// The points of one step, of columns that were asked for it: without those that have no voltage or no current, or were measured while the step
/// waited.
[[nodiscard]] std::vector<db::CurvePoint> curve_points_of(const api::Columns& columns, std::int64_t step_count);

/// NaN: there is no such column, or nothing was measured.
[[nodiscard]] double column_value(const api::Columns& columns, const char* name, std::size_t row);
[[nodiscard]] std::size_t row_count_of(const api::Columns& columns);

}  // namespace cellrig::ui
