// Which step of a run a row belongs to, and where it stands in it. Pure: no Qt.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "controller/api/messages.hpp"
#include "ui/model/expected.hpp"

namespace cellrig::ui {

/// What must be known of a row.
struct RowPlace {
  double test_time_s = 0;
  std::optional<std::int64_t> step_count;  ///< none: an older service doesn't say
  std::optional<double> step_time_s;       ///< NaN while the step waits; none: an older service doesn't say
  double charge_Ah = 0, discharge_Ah = 0;  ///< of the step's part; NaN: not known
};

/// The step that the row names, of whose parts the last one that had begun by then; where the row names none, the step that had begun last. Null:
/// it is not among these. A row at the very instant of a change belongs to the step before, which the time alone does not say.
[[nodiscard]] const api::StepView* step_of(const std::vector<api::StepView>& steps, const RowPlace& row);

/// `step`: one of `steps`, of which an interruption may have made several parts. While the step waits nothing is expected of it.
[[nodiscard]] StepPlace place_of(const std::vector<api::StepView>& steps, const api::StepView& step, const RowPlace& row);

}  // namespace cellrig::ui
