#include "db/export/bdf.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "db/export/aux_columns.hpp"
#include "db/export/csv.hpp"
#include "db/export/whole_step.hpp"

namespace cellrig::db {

namespace {

struct Columns {
  bool has_ambient_temperature = false;
  bool has_surface_temperature = false;
  bool has_pressure = false;
};

/// The only quantity of a further sensor that the format has a column for.
constexpr std::array<std::string_view, 1> pressure_quantity{"stack_pressure_MPa"};
constexpr double pascal_per_MPa = 1e6;

/// Usually over after one row; a run without a sensor is read once more.
Result<Columns> known_columns(Reader& reader, RunKey run, const ExportOptions& options) {
  Columns columns;
  std::uint64_t row = 0;
  const Result<std::uint64_t> visited = reader.for_each_sample(run, [&](const SampleView& sample) {
    if (options.is_cancelled_at(++row)) return false;
    columns.has_ambient_temperature |= std::isfinite(sample.row.ambient_temperature_degC);
    columns.has_surface_temperature |= std::isfinite(sample.row.cell_temperature_degC);
    return !(columns.has_ambient_temperature && columns.has_surface_temperature);
  });
  if (!visited) return visited.error();
  return columns;
}

constexpr std::array<std::string_view, 4> amounts{"Charging", "Discharging", "Cumulative", "Net"};

/// "Cycle " -> Cycle Charging Capacity / Ah ... Cycle Net Energy / Wh
void add_labels(std::vector<std::string>& header, std::string_view prefix) {
  for (const std::string_view amount : amounts) header.push_back(std::string(prefix) + std::string(amount) + " Capacity / Ah");
  for (const std::string_view amount : amounts) header.push_back(std::string(prefix) + std::string(amount) + " Energy / Wh");
}

void add_amounts(CsvLine& line, double charging, double discharging) {
  line.real(charging);
  line.real(discharging);
  line.real(charging + discharging);
  line.real(charging - discharging);
}

void add_sums_and_nets(CsvLine& line, const Sums& sums) {
  add_amounts(line, sums.charge_Ah, sums.discharge_Ah);
  add_amounts(line, sums.charge_Wh, sums.discharge_Wh);
}

Sums since(const Sums& start, const SampleRow& row) {
  return {start.charge_Ah + row.charge_Ah, start.discharge_Ah + row.discharge_Ah, start.charge_Wh + row.charge_Wh,
          start.discharge_Wh + row.discharge_Wh};
}

std::vector<std::string> header_of(const Columns& columns) {
  std::vector<std::string> header{"Test Time / s", "Voltage / V",     "Current / A",
                                  "Unix Time / s", "Cycle Count / 1", "Step Count / 1"};
  if (columns.has_ambient_temperature) header.emplace_back("Ambient Temperature / degC");
  header.insert(header.end(),
                {"Power / W", "Step ID", "Step Type", "Step Time / s", "Record Index / 1", "Step Record Index / 1"});
  if (columns.has_surface_temperature) header.emplace_back("Surface Temperature / degC");
  if (columns.has_pressure) header.emplace_back("Applied Pressure / Pa");
  add_labels(header, "");
  add_labels(header, "Cycle ");
  add_labels(header, "Step ");
  return header;
}

/// What the rows of a file must keep from one to the next.
struct Progress {
  std::int64_t test_time_ns = std::numeric_limits<std::int64_t>::min();
  std::int64_t cycle = 0;
  std::optional<std::int64_t> step_count;
  std::int64_t record_index = 0;
  std::int64_t step_record_index = 0;  ///< counted here: rows that are left out leave no hole
};

std::string backwards(const SampleView& sample, const Progress& progress) {
  if (sample.row.test_time_ns < progress.test_time_ns) return "test time goes back";
  if (sample.step.row.cycle < progress.cycle) return "the cycle counter goes back";
  return {};
}

void advance(Progress& progress, const SampleView& sample) {
  progress.test_time_ns = sample.row.test_time_ns;
  progress.cycle = sample.step.row.cycle;
  // Not by the step's key: one that was interrupted and went on has several, and is one step.
  const bool goes_on = progress.step_count == sample.step.row.step_count;
  progress.step_record_index = goes_on ? progress.step_record_index + 1 : 1;
  progress.step_count = sample.step.row.step_count;
  ++progress.record_index;
}

struct Row {
  const SampleView& sample;
  const WholeStep& step;
  double pressure_MPa;
};

void write_row(CsvLine& line, const RunInfo& run, const Columns& columns, const Row& whole, const Progress& progress) {
  const SampleView& sample = whole.sample;
  const StepInfo& step = sample.step;
  const SampleRow& row = sample.row;
  line.clear();
  line.seconds(row.test_time_ns);
  line.real(row.voltage_V);
  line.real(row.current_A);
  line.seconds(utc_ns_of(run, sample));
  line.integer(step.row.cycle);
  line.integer(step.row.step_count);
  if (columns.has_ambient_temperature) line.real(row.ambient_temperature_degC);
  line.real(row.voltage_V * row.current_A);
  line.integer(step.row.step_id);
  line.text(step.row.type);
  line.seconds(whole.step.time_ns());
  line.integer(progress.record_index);
  line.integer(progress.step_record_index);
  if (columns.has_surface_temperature) line.real(row.cell_temperature_degC);
  if (columns.has_pressure) line.real(whole.pressure_MPa * pascal_per_MPa);
  add_sums_and_nets(line, since(step.run_sums_at_start, row));
  add_sums_and_nets(line, since(step.cycle_sums_at_start, row));
  add_sums_and_nets(line, whole.step.sums());
}

std::string harmless(const std::string& text, const char* otherwise) {
  if (text.empty()) return otherwise;
  std::string out = text;
  for (char& c : out) {
    const bool is_harmless = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (!is_harmless) c = '-';
  }
  return out;
}

}  // namespace

std::string bdf_machine_name(std::string_view preferred) {
  const std::size_t slash = preferred.find(" / ");
  std::string name;
  for (const char c : preferred.substr(0, slash))
    name += c == ' ' ? '_' : static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (slash == std::string_view::npos) return name;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> units{{{"s", "_second"},
                                                                                {"V", "_volt"},
                                                                                {"A", "_ampere"},
                                                                                {"W", "_watt"},
                                                                                {"Ah", "_ah"},
                                                                                {"Wh", "_wh"},
                                                                                {"degC", "_celsius"},
                                                                                {"Pa", "_pa"}}};
  for (const auto& [unit, suffix] : units) {
    if (preferred.substr(slash + 3) == unit) name += suffix;
  }
  return name;  // counters carry no unit
}

Result<BdfReport> export_bdf(Reader& reader, RunKey key, const ExportOptions& options, BdfLabels labels) {
  const Result<RunInfo> run = reader.run(key);
  if (!run) return run.error();
  Result<Columns> columns = known_columns(reader, key, options);
  if (!columns) return columns.error();
  Result<AuxColumns> pressure = AuxColumns::load(reader, key, pressure_quantity, options);
  if (!pressure) return pressure.error();
  columns->has_pressure = pressure->has(0);
  Result<TextFile> file = TextFile::create(options);
  if (!file) return file.error();
  CsvLine line;
  for (const std::string& label : header_of(*columns)) line.text(labels == BdfLabels::machine ? bdf_machine_name(label) : label);
  file->write(line.finish());
  BdfReport report;
  Progress progress;
  WholeStep step;
  std::string trouble;
  const Result<std::uint64_t> visited = reader.for_each_sample(key, [&](const SampleView& sample) {
    step.pass(sample);
    if (!std::isfinite(sample.row.voltage_V) || !std::isfinite(sample.row.current_A)) {
      ++report.rows_left_out;
      return true;
    }
    trouble = backwards(sample, progress);
    if (!trouble.empty()) {
      trouble += " at sample row " + std::to_string(sample.rowid);
      return false;
    }
    advance(progress, sample);
    const Row row{sample, step, columns->has_pressure ? pressure->at(0, sample.row.test_time_ns) : 0.0};
    write_row(line, *run, *columns, row, progress);
    ++report.rows;
    return file->write(line.finish());
  });
  if (!visited) return visited.error();
  if (pressure->failure()) return *pressure->failure();
  if (!trouble.empty()) {
    return fail(Fault::malformed, "run " + std::to_string(key) + " cannot be Battery Data Format: " + trouble);
  }
  if (const Result<void> done = file->finish(); !done) return done.error();
  return report;
}

std::string bdf_file_name(const std::string& institution, const RunInfo& run, int number) {
  const auto seconds = static_cast<std::time_t>(run.row.started_at.ns_since_epoch / 1'000'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 16> date{};
  std::strftime(date.data(), date.size(), "%Y%m%d", &utc);
  std::array<char, 16> index{};
  std::snprintf(index.data(), index.size(), "%03d", number);
  const std::string& cell = run.row.cell_id.empty() ? run.row.cell_name : run.row.cell_id;
  return harmless(institution, "Unknown") + "__" + harmless(cell, "cell") + "__" + date.data() + "_" + index.data() + ".bdf.csv";
}

std::string bdf_metadata_path(const std::string& bdf_path) {
  constexpr std::string_view extension = ".bdf.csv";
  std::string stem = bdf_path;
  if (stem.ends_with(extension)) stem.resize(stem.size() - extension.size());
  return stem + ".bdf.metadata.json";
}

}  // namespace cellrig::db
