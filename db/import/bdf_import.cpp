#include "db/import/bdf_import.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "db/analysis/run_meter.hpp"
#include "db/import/bdf_table.hpp"
#include "db/run_origin.hpp"
#include "db/sha256.hpp"

namespace cellrig::db {

namespace {

constexpr std::int64_t gap_ns_min = 3'600'000'000'000;  // BEEP: paused
constexpr double rest_share = 1e-3;                     // of the greatest current: below it nothing flows

bool is_gap(const BdfRow& a, const BdfRow& b) { return b.test_time_ns - a.test_time_ns > gap_ns_min; }

struct ImportedStep {
  std::int64_t started_ns = 0;
  std::int64_t cycle = 0, step_id = 0;
  std::string type, name;
  Sums sums;
  double hours = 0;              ///< over which the sums go
  double first_magnitude_A = 0;  ///< of its first row: all that is known of a step of one row
  std::int64_t rows = 0;
};

/// What the first reading of the file learns.
struct Survey {
  std::vector<ImportedStep> steps;
  std::uint64_t rows = 0, gaps = 0;
  std::optional<std::int64_t> first_unix_ns;
  std::int64_t first_ns = 0, last_ns = 0;
  std::optional<std::int64_t> last_unix_ns;
  double charging_Ah = 0, discharging_Ah = 0;  ///< by the file's own sums; NaN: it has none
  Sums sums;
  std::map<std::int64_t, double> cycle_discharge_Ah;
  bool has_cycles = false, has_step_counts = false;
};

/// Finds where steps begin. Both readings of the file use one, so that they agree.
class StepDivider {
 public:
  explicit StepDivider(double current_max_A) : rest_below_A_(rest_share * current_max_A) {}

  bool begins_step(const BdfRow& row) {
    const int direction = std::abs(row.current_A) <= rest_below_A_ ? 0 : row.current_A > 0 ? 1 : -1;
    bool begins = !before_;
    if (before_ && row.step_count) {
      begins = row.step_count != before_->step_count;
    } else if (before_) {
      begins = direction != direction_ || row.cycle_count != before_->cycle_count || row.step_id != before_->step_id;
    }
    direction_ = direction;
    before_ = row;
    return begins;
  }

 private:
  double rest_below_A_;
  std::optional<BdfRow> before_;
  int direction_ = 0;
};

/// The type as the format has it where the file says one of those, else by what the step moved.
std::string type_of(const ImportedStep& step, double rest_below_A) {
  static const std::set<std::string> known{"CC_CHG", "CC_DCH", "CV_CHG", "CV_DCH", "CCCV_CHG", "CCCV_DCH",
                                           "CP_CHG", "CP_DCH", "CR_DCH", "REST",   "OCV"};
  if (known.contains(step.name)) return step.name;
  const double moved_Ah = step.sums.charge_Ah + step.sums.discharge_Ah;
  if (step.hours > 0 ? moved_Ah <= rest_below_A * step.hours : step.first_magnitude_A <= rest_below_A) return "REST";
  if (step.sums.charge_Ah > step.sums.discharge_Ah) return "CC_CHG";
  return step.sums.discharge_Ah > 0 ? "CC_DCH" : "REST";
}

Result<double> greatest_current(const std::string& path) {
  Result<BdfTable> table = BdfTable::open(path);
  if (!table) return table.error();
  double greatest = 0;
  while (true) {
    const Result<std::optional<BdfRow>> row = table->next();
    if (!row) return row.error();
    if (!*row) return greatest;
    greatest = std::max(greatest, std::abs((*row)->current_A));
  }
}

void survey_row(Survey& survey, const BdfRow& row, const std::optional<BdfRow>& before, bool begins) {
  if (begins) {
    ImportedStep step;
    // The step time says when it really began; never before the row before it.
    const std::int64_t earlier =
        std::isfinite(row.step_time_s) ? row.test_time_ns - std::llround(row.step_time_s * 1e9) : row.test_time_ns;
    step.started_ns = std::clamp(earlier, before ? before->test_time_ns : std::min(earlier, row.test_time_ns), row.test_time_ns);
    step.cycle = row.cycle_count.value_or(0);
    step.step_id = row.step_id.value_or(0);
    step.name = row.step_type;
    step.first_magnitude_A = std::abs(row.current_A);
    survey.steps.push_back(std::move(step));
  } else if (before && is_gap(*before, row)) {
    ++survey.gaps;
  } else if (before) {
    const Moved moved = moved_over(stretch_between(*before, row));
    ImportedStep& step = survey.steps.back();
    step.sums.charge_Ah += moved.charge_Ah;
    step.sums.discharge_Ah += moved.discharge_Ah;
    step.hours += static_cast<double>(row.test_time_ns - before->test_time_ns) / 3.6e12;
    survey.sums.charge_Ah += moved.charge_Ah;
    survey.sums.discharge_Ah += moved.discharge_Ah;
    survey.cycle_discharge_Ah[step.cycle] += moved.discharge_Ah;
  }
  ++survey.steps.back().rows;
  if (survey.rows++ == 0) survey.first_ns = row.test_time_ns;
  survey.last_ns = row.test_time_ns;
  if (!survey.first_unix_ns && row.unix_time_ns) survey.first_unix_ns = *row.unix_time_ns - row.test_time_ns;
  if (row.unix_time_ns) survey.last_unix_ns = *row.unix_time_ns - row.test_time_ns;
  survey.charging_Ah = row.charging_Ah;
  survey.discharging_Ah = row.discharging_Ah;
  survey.has_cycles = survey.has_cycles || row.cycle_count.has_value();
  survey.has_step_counts = survey.has_step_counts || row.step_count.has_value();
}

Result<Survey> survey_of(const std::string& path, double current_max_A) {
  Result<BdfTable> table = BdfTable::open(path);
  if (!table) return table.error();
  Survey survey;
  StepDivider divider(current_max_A);
  std::optional<BdfRow> before;
  while (true) {
    Result<std::optional<BdfRow>> row = table->next();
    if (!row) return row.error();
    if (!*row) break;
    survey_row(survey, **row, before, divider.begins_step(**row));
    before = std::move(**row);
  }
  if (survey.rows == 0) return fail(Fault::malformed, path + ":2: there is no row below the header");
  for (ImportedStep& step : survey.steps) {
    step.type = type_of(step, rest_share * current_max_A);
    if (step.name.empty()) step.name = step.type;
  }
  return survey;
}

/// "the file's time runs 1000 times too fast": milliseconds in a column of seconds (issue 65 of the format).
Result<void> check_time_scale(const std::string& path, const Survey& survey) {
  if (!survey.first_unix_ns || !survey.last_unix_ns || survey.last_ns <= survey.first_ns) return {};
  const auto test_ns = static_cast<double>(survey.last_ns - survey.first_ns);
  const double ratio = (test_ns + static_cast<double>(*survey.last_unix_ns - *survey.first_unix_ns)) / test_ns;
  const bool is_thousand = (ratio > 900 && ratio < 1100) || (ratio > 0.9e-3 && ratio < 1.1e-3);
  if (!is_thousand) return {};
  return fail(Fault::malformed,
              path +
                  ": test time and Unix time differ by a factor of 1000: one of them is in milliseconds under a label "
                  "of seconds");
}

Result<std::string> file_sha256(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Fault::refused, "cannot open " + path);
  Sha256 hash;
  std::vector<char> block(1 << 16);
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    hash.update(std::string_view{block.data(), static_cast<std::size_t>(file.gcount())});
  }
  const Sha256Digest digest = hash.digest();
  return hex_text(std::span<const std::byte>{digest});
}

std::vector<std::string> notes_of(const BdfTable& table, const Survey& survey, bool is_capacity_given) {
  std::vector<std::string> notes;
  if (!survey.has_step_counts)
    notes.emplace_back("no Step Count: steps begin where the current changes between charge, rest and discharge");
  if (!survey.has_cycles) notes.emplace_back("no Cycle Count: there are no cycles");
  if (!survey.first_unix_ns) notes.emplace_back("no Unix Time: the file does not say when it was measured");
  if (!is_capacity_given)
    notes.emplace_back("the nominal capacity is the greatest discharge of a cycle: state the real one if you know it");
  notes.emplace_back("the file does not say what the regulator did: constant-voltage parts are known of CV steps only");
  if (survey.gaps > 0)
    notes.push_back(std::to_string(survey.gaps) + " gaps of more than an hour: no charge is counted across them");
  for (const std::string& label : table.unknown()) notes.push_back("the column '" + label + "' is not of the format: left out");
  const auto compare = [&notes](const char* what, double file_Ah, double rows_Ah) {
    constexpr double share = 0.005;
    if (!std::isfinite(file_Ah) || std::abs(file_Ah - rows_Ah) <= share * std::max(std::abs(file_Ah), 1e-6)) return;
    char text[160];
    std::snprintf(text, sizeof text, "%s: the file counts %.6g Ah, its rows give %.6g Ah", what, file_Ah, rows_Ah);
    notes.emplace_back(text);
  };
  compare("charge", survey.charging_Ah, survey.sums.charge_Ah);
  compare("discharge", survey.discharging_Ah, survey.sums.discharge_Ah);
  return notes;
}

/// The second reading: rows into the record.
class ImportWriter {
 public:
  ImportWriter(Recorder& recorder, RunKey run, const Survey& survey) : recorder_(recorder), run_(run), survey_(survey) {}

  void add(const BdfRow& row, bool begins) {
    if (begins) {
      end_step();
      if (survey_.has_cycles && step_index_ > 0 && survey_.steps[step_index_].cycle != survey_.steps[step_index_ - 1].cycle)
        end_cycle();
      begin_step();
    }
    SampleRow sample;
    sample.step = step_;
    sample.test_time_ns = row.test_time_ns;
    const bool has_gap = before_ && !begins && is_gap(*before_, row);
    if (before_ && !begins && !has_gap) sums_ += moved_over(stretch_between(*before_, row));
    const ImportedStep& step = survey_.steps[step_index_ - 1];
    if (step.type != "REST" && step.type != "OCV") sample.flags |= sample_flag::output_on;
    if (step.type.starts_with("CV_")) sample.flags |= sample_flag::constant_voltage;
    if (step.type.starts_with("CP_")) sample.flags |= sample_flag::constant_power;
    if (step.type.starts_with("CR_")) sample.flags |= sample_flag::constant_resistance;
    if (begins) sample.flags |= sample_flag::first_of_step;
    if (++rows_of_step_ == step.rows) sample.flags |= sample_flag::last_of_step;
    if (has_gap) sample.flags |= sample_flag::after_gap;
    sample.voltage_V = row.voltage_V;
    sample.current_A = row.current_A;
    sample.cell_temperature_degC = row.surface_temperature_degC;
    sample.ambient_temperature_degC = row.ambient_temperature_degC;
    sample.charge_Ah = sums_.charge_Ah;
    sample.discharge_Ah = sums_.discharge_Ah;
    sample.charge_Wh = sums_.charge_Wh;
    sample.discharge_Wh = sums_.discharge_Wh;
    recorder_.append(sample);
    if (std::isfinite(row.pressure_MPa))
      recorder_.append(AuxRow{step_, row.test_time_ns, stack_pressure_quantity, row.pressure_MPa});
    if (std::isfinite(row.surface_temperature_degC)) {
      hottest_ = std::max(hottest_.value_or(row.surface_temperature_degC), row.surface_temperature_degC);
      coldest_ = std::min(coldest_.value_or(row.surface_temperature_degC), row.surface_temperature_degC);
    }
    before_ = row;
  }

  void finish() {
    end_step();
    if (survey_.has_cycles) end_cycle();
  }
  [[nodiscard]] std::uint64_t cycles() const { return cycles_; }

 private:
  void begin_step() {
    const ImportedStep& step = survey_.steps[step_index_++];
    step_ = recorder_.next_step_key();
    StepRow row;
    row.step = step_;
    row.run = run_;
    row.step_count = static_cast<std::int64_t>(step_index_);
    row.step_id = step.step_id;
    row.cycle = step.cycle;
    row.in_cycle = survey_.has_cycles;
    row.name = step.name;
    row.type = step.type;
    row.setpoint_text = "not known";
    row.started_test_time_ns = step.started_ns;
    recorder_.begin_step(row);
    sums_ = Sums{};
    rows_of_step_ = 0;
    hottest_.reset();
    coldest_.reset();
  }

  void end_step() {
    if (step_ == 0) return;
    const ImportedStep& step = survey_.steps[step_index_ - 1];
    StepEndRow end;
    end.step = step_;
    end.ended_test_time_ns = before_->test_time_ns;
    end.reason = "not known";
    end.charge_Ah = sums_.charge_Ah;
    end.discharge_Ah = sums_.discharge_Ah;
    end.charge_Wh = sums_.charge_Wh;
    end.discharge_Wh = sums_.discharge_Wh;
    end.cell_temperature_max_degC = hottest_;
    end.cell_temperature_min_degC = coldest_;
    recorder_.end_step(end);
    if (cycle_.cycle != step.cycle || !cycle_started_) {
      cycle_ = CycleRow{.run = run_, .cycle = step.cycle, .started_test_time_ns = step.started_ns};
      cycle_started_ = true;
    }
    cycle_.ended_test_time_ns = end.ended_test_time_ns;
    cycle_.charge_Ah += end.charge_Ah;
    cycle_.discharge_Ah += end.discharge_Ah;
    cycle_.charge_Wh += end.charge_Wh;
    cycle_.discharge_Wh += end.discharge_Wh;
    if (step.type.ends_with("_CHG")) cycle_.charge_time_s += static_cast<double>(end.ended_test_time_ns - step.started_ns) / 1e9;
    if (hottest_) cycle_.cell_temperature_max_degC = std::max(cycle_.cell_temperature_max_degC.value_or(*hottest_), *hottest_);
    step_ = 0;
  }

  void end_cycle() {
    if (!cycle_started_) return;
    if (cycle_.charge_Ah > 0) cycle_.coulombic_efficiency = cycle_.discharge_Ah / cycle_.charge_Ah;
    if (cycle_.charge_Wh > 0) cycle_.energy_efficiency = cycle_.discharge_Wh / cycle_.charge_Wh;
    recorder_.append(cycle_);
    cycle_started_ = false;
    ++cycles_;
  }

  Recorder& recorder_;
  RunKey run_;
  const Survey& survey_;
  std::size_t step_index_ = 0;  ///< of the step after the one that is open
  StepKey step_ = 0;
  std::int64_t rows_of_step_ = 0;
  Sums sums_;
  std::optional<BdfRow> before_;
  std::optional<double> hottest_, coldest_;
  CycleRow cycle_;
  bool cycle_started_ = false;
  std::uint64_t cycles_ = 0;
};

/// "UCam__A0001__20241031_001.bdf.csv" -> {"UCam", "A0001"}
std::pair<std::string, std::string> names_in(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  const std::size_t first = name.find("__"), second = first == std::string::npos ? first : name.find("__", first + 2);
  if (second == std::string::npos) return {"unknown", name.substr(0, name.find('.'))};
  return {name.substr(0, first), name.substr(first + 2, second - first - 2)};
}

RunRow run_row_of(const BdfImportOptions& options, const Survey& survey, const BdfImportReport& report) {
  const auto [institution, cell] = names_in(options.path);
  const std::string file = std::filesystem::path(options.path).filename().string();
  RunRow row;
  row.channel = imported_time_source;
  row.cell_name = options.cell_name.empty() ? "imported from " + institution : options.cell_name;
  row.cell_id = options.cell_id.empty() ? cell : options.cell_id;
  row.profile_name = "imported: " + file;
  row.profile_text = "# Battery Data Format file " + file + ", SHA-256 " + report.sha256 + "\n";
  row.program_hash = report.sha256;
  row.operator_name = options.operator_name;
  row.time_source = imported_time_source;
  row.started_at = UtcTime{survey.first_unix_ns.value_or(0)};
  row.software_version = options.software_version;
  row.host = options.host;
  row.nominal_capacity_Ah = report.nominal_capacity_Ah;
  return row;
}

Result<void> write_rows(const std::string& path, double current_max_A, ImportWriter& writer) {
  Result<BdfTable> table = BdfTable::open(path);
  if (!table) return table.error();
  StepDivider divider(current_max_A);
  while (true) {
    const Result<std::optional<BdfRow>> row = table->next();
    if (!row) return row.error();
    if (!*row) return {};
    writer.add(**row, divider.begins_step(**row));
  }
}

}  // namespace

Result<BdfImportReport> import_bdf(Recorder& recorder, const BdfImportOptions& options) {
  const Result<double> current_max_A = greatest_current(options.path);
  if (!current_max_A) return current_max_A.error();
  const Result<Survey> survey = survey_of(options.path, *current_max_A);
  if (!survey) return survey.error();
  if (const Result<void> done = check_time_scale(options.path, *survey); !done) return done.error();
  Result<BdfTable> header = BdfTable::open(options.path);
  if (!header) return header.error();
  BdfImportReport report;
  const Result<std::string> sha256 = file_sha256(options.path);
  if (!sha256) return sha256.error();
  report.sha256 = *sha256;
  report.rows = survey->rows;
  report.steps = survey->steps.size();
  report.nominal_capacity_Ah = options.nominal_capacity_Ah;
  if (!(report.nominal_capacity_Ah > 0)) {
    for (const auto& [cycle, discharge_Ah] : survey->cycle_discharge_Ah)
      report.nominal_capacity_Ah = std::max(report.nominal_capacity_Ah, discharge_Ah);
  }
  report.notes = notes_of(*header, *survey, options.nominal_capacity_Ah > 0);
  const RunRow row = run_row_of(options, *survey, report);
  report.run = recorder.begin_run(row);
  const auto say = [&](const std::string& kind, const std::string& message) {
    recorder.append(EventRow{.run = report.run, .utc = row.started_at, .kind = kind, .message = message});
  };
  say("imported", std::to_string(report.rows) + " rows of " + std::filesystem::path(options.path).filename().string() +
                      ", SHA-256 " + report.sha256 + ": measured elsewhere, not by this bench");
  for (const std::string& note : report.notes) say("import note", note);
  ImportWriter writer(recorder, report.run, *survey);
  if (const Result<void> done = write_rows(options.path, *current_max_A, writer); !done) return done.error();
  writer.finish();
  report.cycles = writer.cycles();
  recorder.end_run(RunEndRow{report.run, survey->last_ns, UtcTime{row.started_at.ns_since_epoch + survey->last_ns},
                             imported_time_source, "imported from a file", true});
  if (const Result<void> done = recorder.flush(); !done) return done.error();
  return report;
}

}  // namespace cellrig::db
