// What the record of a run says of the circumstances that a claim names. The claim file says what was meant; the bench, the channel and the
// run may be others.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "db/reader.hpp"
#include "profiles/claim.hpp"

namespace cellrig::cli {

struct SeenRange {
  double low = 0.0, high = 0.0;
};
void include(std::optional<SeenRange>& range, double value);

/// Of the last execution of the step that was judged.
struct Circumstances {
  std::string step;
  std::optional<SeenRange> voltage_V, cell_temperature_degC, stack_pressure_MPa;
  double mean_rate_C = 0.0;  ///< magnitude; 0: not known
};

/// None where the step was not run, or the record cannot be read as a run of a bench.
[[nodiscard]] std::optional<Circumstances> circumstances_of(db::Reader& reader, db::RunKey run, const ClaimStatement& statement);

/// One cell of the table: "44.0 to 45.1 degC at the cell in 'reference discharge'"; "not checked" of what no record says.
[[nodiscard]] std::string recorded_text(std::string_view condition, const std::optional<Circumstances>& seen);

}  // namespace cellrig::cli
