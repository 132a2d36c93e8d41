#include "db/report/pulse_section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "db/analysis/pulse.hpp"
#include "db/analysis/run_analysis.hpp"

namespace cellrig::db {

namespace {

constexpr std::size_t pulses_max = 60;
constexpr std::size_t pulses_in_full = 12;
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

std::vector<std::string> instant_cells(const RunPulse& pulse, const PulseInstant& instant) {
  const PulseResistancePoint& r = instant.resistance;
  return {std::to_string(pulse.step_count),
          pulse.name,
          fmt::format("{:g}", r.at_s),
          fmt::format("{:+.3f}", r.current.value()),
          fmt::format("{:.4f}", r.voltage.value()),
          std::isfinite(instant.temperature_degC) ? fmt::format("{:.1f}", instant.temperature_degC) : std::string("–"),
          fmt::format("{:+.3f}", instant.charge_Ah),
          fmt::format("{:.2f}", 1000 * r.resistance.value()),
          fmt::format("{:+.1f}", instant.power.value()),
          r.is_limited ? "voltage limit" : ""};
}

/// HPPC and ISO 12405-4: what stood at each of their times.
Result<std::string> instants_html(const ReportRun& run) {
  const Result<std::vector<RunPulse>> pulses = pulses_of(*run.reader, run.summary.info.run, pulses_in_full + 1);
  if (!pulses) return pulses.error();
  ReportTable table{{">step", "name", ">at / s", ">A", ">V", ">°C", ">Ah", ">mΩ", ">W", ""}, {}, {}};
  for (std::size_t i = 0; i < std::min(pulses->size(), pulses_in_full); ++i) {
    const RunPulse& pulse = (*pulses)[i];
    if (pulse.instantaneous) {
      const PulseResistancePoint& first = *pulse.instantaneous;
      table.rows.push_back({std::to_string(pulse.step_count), pulse.name, fmt::format("R0, {:.3g}", first.at_s),
                            fmt::format("{:+.3f}", first.current.value()), fmt::format("{:.4f}", first.voltage.value()), "–", "–",
                            fmt::format("{:.2f}", 1000 * first.resistance.value()), "–",
                            first.is_limited ? "voltage limit" : ""});
    }
    for (const PulseInstant& instant : pulse.at) table.rows.push_back(instant_cells(pulse, instant));
  }
  if (table.rows.empty()) return std::string{};
  table.note =
      "Times of ISO 12405-4 and of HPPC, since the current came; straight between rows. R0: the first row whose current is "
      "within 1 % of "
      "the pulse's median. Ah: net charge since the run began, for the record knows no state of charge. W: the power really "
      "moved.";
  if (pulses->size() > pulses_in_full)
    table.note += fmt::format(" The first {} pulses; the JSON export has {}.", pulses_in_full, run_pulses_max);
  return "<h3>Pulses at stated times</h3>\n" + table_html(table);
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
  const Result<std::string> instants = instants_html(run);
  if (!instants) return instants.error();
  return "<h2>Resistance and power</h2>\n" + table_html(table) + *instants;
}

}  // namespace cellrig::db
