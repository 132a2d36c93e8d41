#include "controller/cli/record/report_run.hpp"

#include <sstream>

#include "controller/base/config_error.hpp"
#include "controller/cli/files/settings.hpp"
#include "controller/runtime/config.hpp"
#include "profiles/cell.hpp"
#include "profiles/compile.hpp"
#include "profiles/reader.hpp"

namespace cellrig::cli {
namespace {

/// "name = value" lines, as the record keeps them.
Settings recorded_settings(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::erase(line, ' ');
    if (!line.empty()) words.push_back(line);
  }
  return parse_settings(words);
}

}  // namespace

std::vector<db::NamedLimit> limits_of(const db::RunInfo& info) {
  if (info.row.profile_text.empty() || info.row.cell_text.empty()) return {};
  try {
    const Program program =
        compile(read_profile(info.row.profile_text, info.row.profile_name), read_cell(info.row.cell_text, info.row.cell_name),
                recorded_settings(info.row.parameters_text));
    const BenchConfig bench = parse_bench(info.row.bench_text, "bench");
    const SafetyLimits limits = tighter(program.limits, bench.channel(info.row.channel).limits);
    std::vector<db::NamedLimit> named{
        {"voltage_V", "upper voltage", limits.voltage_max.value(), "V"},
        {"voltage_V", "lower voltage", limits.voltage_min.value(), "V"},
        {"current_A", "charge current", limits.charge_current_max.value(), "A"},
        {"current_A", "discharge current", -limits.discharge_current_max.value(), "A"},
        {"cell_temperature_degC", "highest cell temperature", limits.cell_temperature_max.value(), "°C"},
        {"cell_temperature_degC", "lowest cell temperature", limits.cell_temperature_min.value(), "°C"},
        {"charge_temperature_degC", "lowest cell temperature for charging", limits.charge_temperature_min.value(), "°C"},
        {"charge_Ah", "net charge above the lowest point of the run", limits.charge_capacity_max.value(), "Ah"}};
    const auto add = [&named](const char* quantity, const char* text, const std::optional<double>& limit, const char* unit) {
      if (limit) named.push_back({quantity, text, *limit, unit});
    };
    add("temperature_rate", "fastest warming", limits.temperature_rate_max_K_per_s.value_or(temperature_rate_most_K_per_s),
        "K/s");
    const SensorLimits& sensors = limits.sensors;
    add("stack_pressure_MPa", "highest stack pressure", sensors.stack_pressure_max_MPa, "MPa");
    add("stack_pressure_MPa", "lowest stack pressure", sensors.stack_pressure_min_MPa, "MPa");
    add("gas_ppm", "gas", sensors.gas_max_ppm, "ppm");
    add("voltage_difference_V", "difference of the two voltmeters", sensors.voltage_difference_max_V, "V");
    return named;
  } catch (const ConfigError&) {
    return {};  // files of another version, or a drive table: the report does not guess
  }
}

std::optional<db::CellWindow> window_of(const db::RunInfo& info) {
  if (info.row.cell_text.empty()) return std::nullopt;
  try {
    const Cell cell = read_cell(info.row.cell_text, info.row.cell_name);
    return db::CellWindow{cell.voltage_min.value(), cell.voltage_max.value()};
  } catch (const ConfigError&) {
    return std::nullopt;  // a file of another version
  }
}

db::ReportRun report_run(const ComparedRun& run, const SummaryWords& words) {
  db::ReportRun shown{run.run.reader.get(), run.run.name, run.summary, {}, limits_of(run.run.info), {}};
  shown.window = window_of(run.run.info);
  shown.reference_text = reference_text(summary_options(words, run.run.info.row.nominal_capacity_Ah).reference);
  return shown;
}

}  // namespace cellrig::cli
