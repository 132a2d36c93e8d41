#include "db/report/pulse_section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "db/analysis/pulse.hpp"

namespace cellrig::db {

namespace {

constexpr std::size_t pulses_max = 60;
constexpr std::array<double, 5> shown_at_s{0.1, 1, 10, 18, 30};

std::string milliohm_cell(const std::map<double, double>& resistances, double at_s) {
  const auto found = resistances.find(at_s);
  return found == resistances.end() ? std::string("–") : fmt::format("{:.2f}", 1000 * found->second);
}

std::optional<PowerLimits> power_limits_of(const ReportRun& run) {
  if (!run.window || !(run.window->voltage_min_V < run.window->voltage_max_V)) return std::nullopt;
  return PowerLimits{Volts{run.window->voltage_min_V}, Volts{run.window->voltage_max_V}};
}

std::string power_note(const std::optional<PowerLimits>& limits) {
  if (!limits) return "Power is not told: the record has no cell file with a voltage window.";
  return fmt::format(
      "Power: to the end of the cell's own voltage window, {:g} to {:g} V in its file, with the resistance at 10 s (HPPC).",
      limits->voltage_min.value(), limits->voltage_max.value());
}

/// By the resistance at 10 s, as HPPC has it.
std::string power_cell(const std::map<double, double>& resistances, double rest_V, bool is_charge,
                       const std::optional<PowerLimits>& limits) {
  const auto found = resistances.find(10);
  if (found == resistances.end() || !limits) return "–";
  const Volts open_circuit{rest_V};
  const Ohms resistance{found->second};
  const std::optional<Watts> power =
      is_charge ? hppc_charge_power(open_circuit, resistance, *limits) : hppc_discharge_power(open_circuit, resistance, *limits);
  return power ? fmt::format("{:.0f}", power->value()) : std::string("–");
}

struct StepFigures {
  std::map<double, double> resistances;
  std::optional<double> end_voltage_V;
};

}  // namespace

Result<std::string> pulses_html(const ReportRun& run) {
  const Result<std::vector<StepMetricRow>> metrics = run.reader->step_metrics(run.summary.info.run);
  if (!metrics) return metrics.error();
  std::map<StepKey, StepFigures> figures;
  for (const StepMetricRow& row : *metrics) {
    if (row.metric.figure == Figure::dc_resistance_ohm) figures[row.step].resistances[row.metric.at] = row.metric.value;
    if (row.metric.figure == Figure::end_voltage_V) figures[row.step].end_voltage_V = row.metric.value;
  }
  const Result<std::vector<StepInfo>> steps = run.reader->steps(run.summary.info.run);
  if (!steps) return steps.error();
  const std::optional<PowerLimits> limits = power_limits_of(run);
  ReportTable table{{">step", "name", ">V before", ">0.1 s / mΩ", ">1 s", ">10 s", ">18 s", ">30 s", ">power / W"}, {}, {}};
  std::size_t pulses = 0;
  for (std::size_t i = 1; i < steps->size(); ++i) {
    const StepInfo& step = (*steps)[i];
    const StepFigures& own = figures[step.row.step];
    const std::optional<double> rest_V = figures[(*steps)[i - 1].row.step].end_voltage_V;
    if (own.resistances.empty() || !rest_V || ++pulses > pulses_max) continue;
    std::vector<std::string> cells{std::to_string(step.row.step_count), step.row.name, fmt::format("{:.4f}", *rest_V)};
    for (const double at_s : shown_at_s) cells.push_back(milliohm_cell(own.resistances, at_s));
    const bool is_charge = step.end && step.end->charge_Ah > step.end->discharge_Ah;
    cells.push_back(power_cell(own.resistances, *rest_V, is_charge, limits));
    table.rows.push_back(std::move(cells));
  }
  if (pulses == 0) return std::string{};
  table.note = "Steps with current that began at rest; none is told where the voltage limit had reduced the current. " +
               power_note(limits);
  if (pulses > pulses_max) table.note += fmt::format(" The first {} of {}.", pulses_max, pulses);
  return "<h2>Resistance and power</h2>\n" + table_html(table);
}

}  // namespace cellrig::db
