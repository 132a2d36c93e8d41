#include "db/import/bdf_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>

#include "controller/base/config_error.hpp"

namespace cellrig::db {

namespace {

struct KnownColumn {
  BdfColumn column{};
  std::string_view label, machine_name;
  double factor = 1;
};

constexpr std::array<KnownColumn, 18> read_columns{{
    {BdfColumn::test_time, "Test Time / s", "test_time_second"},
    {BdfColumn::voltage, "Voltage / V", "voltage_volt"},
    {BdfColumn::current, "Current / A", "current_ampere"},
    {BdfColumn::unix_time, "Unix Time / s", "unix_time_second"},
    {BdfColumn::cycle_count, "Cycle Count / 1", "cycle_count"},
    {BdfColumn::step_count, "Step Count / 1", "step_count"},
    {BdfColumn::step_id, "Step ID", "step_id"},
    {BdfColumn::step_type, "Step Type", "step_type"},
    {BdfColumn::step_time, "Step Time / s", "step_time_second"},
    {BdfColumn::ambient_temperature, "Ambient Temperature / degC", "ambient_temperature_celsius"},
    {BdfColumn::surface_temperature, "Surface Temperature / degC", "surface_temperature_celsius"},
    {BdfColumn::temperature_t1, "Temperature T1 / degC", "temperature_t1_celsius"},
    {BdfColumn::applied_pressure, "Applied Pressure / Pa", "applied_pressure_pa"},
    {BdfColumn::surface_pressure, "Surface Pressure / Pa", "surface_pressure_pa"},
    {BdfColumn::charging_capacity, "Charging Capacity / Ah", "charging_capacity_ah"},
    {BdfColumn::discharging_capacity, "Discharging Capacity / Ah", "discharging_capacity_ah"},
    // Deprecated: the same in milliseconds.
    {BdfColumn::test_time, "Test Time / ms", "test_time_millisecond", 1e-3},
    {BdfColumn::unix_time, "Unix Time / ms", "unix_time_millisecond", 1e-3},
}};

/// Known, and not read: they follow from what is, or a record has no place for them.
constexpr std::array<std::string_view, 18> known_words{
    "capacity", "energy",      "power",    "record index", "record_index", "step_index", "internal",   "impedance", "frequency",
    "phase",    "temperature", "pressure", "resistance",   "step record",  "schedule",   "cumulative", "net",       "hertz"};

constexpr std::size_t line_bytes_max = 64 * 1024;

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

bool is_known_word(const std::string& label) {
  const std::string lower = lowered(label);
  return std::any_of(known_words.begin(), known_words.end(),
                     [&lower](std::string_view w) { return lower.find(w) != std::string::npos; });
}

/// Cells of a line; quotes as CSV has them.
void split_line(const std::string& line, std::vector<std::string>& cells, std::size_t& count) {
  count = 0;
  std::size_t at = 0;
  const auto next_cell = [&cells, &count]() -> std::string& {
    if (count == cells.size()) cells.emplace_back();
    cells[count].clear();
    return cells[count++];
  };
  while (true) {
    std::string& cell = next_cell();
    if (at < line.size() && line[at] == '"') {
      for (++at; at < line.size(); ++at) {
        if (line[at] == '"') {
          if (at + 1 >= line.size() || line[at + 1] != '"') break;
          ++at;
        }
        cell += line[at];
      }
      if (at < line.size()) ++at;
    }
    const std::size_t comma = std::min(line.find(',', at), line.size());
    cell.append(line, at, comma - at);
    if (comma == line.size()) return;
    at = comma + 1;
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<BdfTable> BdfTable::open(const std::string& path) {
  BdfTable table;
  table.path_ = path;
  table.file_.open(path, std::ios::binary);
  if (!table.file_) return fail(Fault::refused, "cannot open " + path);
  if (const Result<void> done = table.read_header(); !done) return done.error();
  return table;
}

Error BdfTable::at(std::size_t cell, const std::string& what) const {
  return fail(Fault::malformed, path_ + ":" + std::to_string(line_) + ":" + std::to_string(cell + 1) + ": " + what);
}

Result<bool> BdfTable::read_line() {
  if (!std::getline(file_, text_)) {
    if (file_.bad()) return fail(Fault::device_fault, "reading " + path_ + " failed in line " + std::to_string(line_ + 1));
    return false;
  }
  ++line_;
  if (text_.size() > line_bytes_max) return at(0, "a line of more than 64 KiB: this is no Battery Data Format CSV");
  if (!text_.empty() && text_.back() == '\r') text_.pop_back();
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (line_ == 1 && text_.starts_with(byte_order_mark)) text_.erase(0, byte_order_mark.size());
  split_line(text_, cells_, cell_count_);
  return true;
}

Result<void> BdfTable::read_header() {
  const Result<bool> read = read_line();
  if (!read) return read.error();
  if (!*read) return at(0, "the file is empty: the first row must be the header");
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < cell_count_; ++i) {
    const std::string label(trimmed(cells_[i]));
    labels.push_back(label);
    const auto known = std::find_if(read_columns.begin(), read_columns.end(),
                                    [&label](const KnownColumn& c) { return label == c.label || label == c.machine_name; });
    if (known == read_columns.end()) {
      (is_known_word(label) ? ignored_ : unknown_).push_back(label);
      continue;
    }
    std::optional<std::size_t>& index = index_[static_cast<std::size_t>(known->column)];
    if (index) return at(i, "the column '" + label + "' stands there twice");
    index = i;
    factor_[static_cast<std::size_t>(known->column)] = known->factor;
  }
  for (const KnownColumn& required : std::span(read_columns).first(3)) {
    if (has(required.column)) continue;
    return at(0, "there is no column '" + std::string(required.label) + "' (" + std::string(required.machine_name) + ")" +
                     suggestion(required.label, labels));
  }
  return {};
}

std::string_view BdfTable::text_of(BdfColumn column) const {
  const std::optional<std::size_t>& index = index_[static_cast<std::size_t>(column)];
  return index ? trimmed(cells_[*index]) : std::string_view{};
}

Result<double> BdfTable::number(BdfColumn column, bool is_required) const {
  const std::string_view text = text_of(column);
  if (text.empty() && !is_required) return std::numeric_limits<double>::quiet_NaN();
  const std::size_t cell = index_[static_cast<std::size_t>(column)].value_or(0);
  if (text.empty()) return at(cell, "the cell is empty; the format requires a value here");
  double value = 0;
  const char* first = text.data() + (text.front() == '+' ? 1 : 0);
  const auto end = std::from_chars(first, text.data() + text.size(), value);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size() || !std::isfinite(value)) {
    if (!is_required && (lowered(text) == "nan" || lowered(text) == "null")) return std::numeric_limits<double>::quiet_NaN();
    return at(cell, "'" + std::string(text) + "' is no number");
  }
  return value * factor_[static_cast<std::size_t>(column)];
}

Result<std::optional<std::int64_t>> BdfTable::counter(BdfColumn column) const {
  const Result<double> value = number(column, false);
  if (!value) return value.error();
  if (!std::isfinite(*value)) return std::optional<std::int64_t>{};
  if (*value < 0 || *value > 1e15 || *value != std::floor(*value)) {
    const std::size_t cell = *index_[static_cast<std::size_t>(column)];
    return at(cell, "'" + std::string(text_of(column)) + "' is no counter: whole numbers from 0 on");
  }
  return std::optional<std::int64_t>{static_cast<std::int64_t>(*value)};
}

Result<void> BdfTable::read_times(BdfRow& row) const {
  const Result<double> test_time = number(BdfColumn::test_time, true);
  if (!test_time) return test_time.error();
  constexpr double seconds_max = 9e9;  // nanoseconds in 64 bits
  const std::size_t cell = *index_[static_cast<std::size_t>(BdfColumn::test_time)];
  if (std::abs(*test_time) > seconds_max) return at(cell, "a test time of more than 285 years");
  row.test_time_ns = std::llround(*test_time * 1e9);
  const Result<double> unix_time = number(BdfColumn::unix_time, false);
  if (!unix_time) return unix_time.error();
  if (std::isfinite(*unix_time)) {
    const std::size_t unix_cell = *index_[static_cast<std::size_t>(BdfColumn::unix_time)];
    if (std::abs(*unix_time) > seconds_max)
      return at(unix_cell, "this is no Unix time in seconds (milliseconds have a column of their own)");
    row.unix_time_ns = std::llround(*unix_time * 1e9);
  }
  const Result<double> step_time = number(BdfColumn::step_time, false);
  if (!step_time) return step_time.error();
  row.step_time_s = *step_time;
  return {};
}

Result<void> BdfTable::read_counters(BdfRow& row) const {
  for (const auto& [column, target] :
       {std::pair{BdfColumn::cycle_count, &row.cycle_count}, std::pair{BdfColumn::step_count, &row.step_count}}) {
    const Result<std::optional<std::int64_t>> value = counter(column);
    if (!value) return value.error();
    *target = *value;
  }
  // A step id is a name that may be a number.
  std::int64_t id = 0;
  const std::string_view text = text_of(BdfColumn::step_id);
  const auto end = std::from_chars(text.data(), text.data() + text.size(), id);
  if (!text.empty() && end.ec == std::errc{} && end.ptr == text.data() + text.size()) row.step_id = id;
  row.step_type = std::string(text_of(BdfColumn::step_type));
  return {};
}

Result<void> BdfTable::read_measurements(BdfRow& row) const {
  struct Target {
    BdfColumn column{};
    double* value = nullptr;
    bool is_required = false;
  };
  double t1 = 0, surface_pressure_Pa = 0, applied_pressure_Pa = 0;
  const std::array<Target, 9> targets{{{BdfColumn::voltage, &row.voltage_V, true},
                                       {BdfColumn::current, &row.current_A, true},
                                       {BdfColumn::ambient_temperature, &row.ambient_temperature_degC},
                                       {BdfColumn::surface_temperature, &row.surface_temperature_degC},
                                       {BdfColumn::temperature_t1, &t1},
                                       {BdfColumn::applied_pressure, &applied_pressure_Pa},
                                       {BdfColumn::surface_pressure, &surface_pressure_Pa},
                                       {BdfColumn::charging_capacity, &row.charging_Ah},
                                       {BdfColumn::discharging_capacity, &row.discharging_Ah}}};
  for (const Target& target : targets) {
    const Result<double> value = number(target.column, target.is_required);
    if (!value) return value.error();
    *target.value = *value;
  }
  if (!has(BdfColumn::surface_temperature)) row.surface_temperature_degC = t1;
  constexpr double pascal_per_MPa = 1e6;
  row.pressure_MPa = (has(BdfColumn::applied_pressure) ? applied_pressure_Pa : surface_pressure_Pa) / pascal_per_MPa;
  return {};
}

/// What the format promises from one row to the next.
Result<void> BdfTable::keep_order(const BdfRow& row) {
  if (before_) {
    const auto cell_of = [this](BdfColumn column) { return *index_[static_cast<std::size_t>(column)]; };
    if (row.test_time_ns < before_->test_time_ns) return at(cell_of(BdfColumn::test_time), "test time goes back");
    if (row.cycle_count && before_->cycle_count && *row.cycle_count < *before_->cycle_count) {
      return at(cell_of(BdfColumn::cycle_count), "the cycle counter goes back");
    }
    if (row.step_count && before_->step_count && *row.step_count < *before_->step_count) {
      return at(cell_of(BdfColumn::step_count),
                "the step counter goes back: it never resets or repeats (what repeats is 'Step ID')");
    }
  }
  before_ = row;
  return {};
}

Result<std::optional<BdfRow>> BdfTable::next() {
  Result<bool> read = read_line();
  while (read && *read && cell_count_ == 1 && trimmed(cells_[0]).empty()) read = read_line();  // an empty line says nothing
  if (!read) return read.error();
  if (!*read) return std::optional<BdfRow>{};
  const std::size_t columns = index_.size();
  std::size_t labels = ignored_.size() + unknown_.size();
  for (std::size_t i = 0; i < columns; ++i) labels += index_[i] ? 1 : 0;
  if (cell_count_ != labels) {
    return at(0, "the row has " + std::to_string(cell_count_) + " cells, the header " + std::to_string(labels));
  }
  BdfRow row;
  row.line = line_;
  if (const Result<void> done = read_times(row); !done) return done.error();
  if (const Result<void> done = read_counters(row); !done) return done.error();
  if (const Result<void> done = read_measurements(row); !done) return done.error();
  if (const Result<void> done = keep_order(row); !done) return done.error();
  return std::optional<BdfRow>{std::move(row)};
}

}  // namespace cellrig::db
