#include "controller/cli/verify/circumstances.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/base/observation.hpp"
#include "controller/cli/verify/recorded_run.hpp"

namespace cellrig::cli {
namespace {

std::string range_text(const SeenRange& range, std::string_view format, const std::string& unit) {
  const std::string low = fmt::format(fmt::runtime(format), range.low), high = fmt::format(fmt::runtime(format), range.high);
  return low == high ? low + " " + unit : low + " to " + high + " " + unit;
}

}  // namespace

void include(std::optional<SeenRange>& range, double value) {
  if (!std::isfinite(value)) return;
  range = range ? SeenRange{std::min(range->low, value), std::max(range->high, value)} : SeenRange{value, value};
}

std::optional<Circumstances> circumstances_of(db::Reader& reader, db::RunKey run, const ClaimStatement& statement) {
  try {
    const RecordedRun recorded = read_recorded_run(reader, run);
    const std::string& name = statement.step.empty() ? statement.reference : statement.step;
    const Result<std::size_t> last = verdict::find_last(recorded.facts, name);
    if (!last) return std::nullopt;
    const verdict::Execution& e = recorded.facts.executions[*last];
    Circumstances seen{.step = e.name};
    if (recorded.cell.nominal_Ah > 0.0) seen.mean_rate_C = e.mean_A() / recorded.cell.nominal_Ah;
    for (const db::StepKey part : e.parts) {
      const Result<void> visited = recorded.facts.visit(part, [&](const db::SampleRow& row) {
        include(seen.voltage_V, row.voltage_V);
        include(seen.cell_temperature_degC, row.cell_temperature_degC);
        return true;
      });
      if (!visited) return std::nullopt;
    }
    if (!recorded.measures_pressure) return seen;
    const auto visited = reader.for_each_aux(run, [&](const db::AuxView& aux) {
      const bool is_here = std::find(e.parts.begin(), e.parts.end(), aux.row.step) != e.parts.end();
      if (is_here && aux.row.quantity == name_with_unit(Measurand::stack_pressure))
        include(seen.stack_pressure_MPa, aux.row.value);
      return true;
    });
    if (!visited) return std::nullopt;
    return seen;
  } catch (const ConfigError&) {
    return std::nullopt;  // whoever measures says why
  }
}

std::string recorded_text(std::string_view condition, const std::optional<Circumstances>& seen) {
  if (!seen) return "not known";
  const std::string in_step = " in '" + seen->step + "'";
  if (condition == "temperature")
    return seen->cell_temperature_degC ? range_text(*seen->cell_temperature_degC, "{:.1f}", "degC") + " at the cell" + in_step
                                       : "no thermometer on the cell";
  if (condition == "pressure")
    return seen->stack_pressure_MPa ? range_text(*seen->stack_pressure_MPa, "{:.2f}", "MPa") + in_step
                                    : "not set or measured by this channel";
  if (condition == "soc_window" && seen->voltage_V) return range_text(*seen->voltage_V, "{:.3f}", "V") + in_step;
  if (condition == "rate" && seen->mean_rate_C > 0.0) return fmt::format("{:.3g}C on average{}", seen->mean_rate_C, in_step);
  return "not checked";
}

}  // namespace cellrig::cli
