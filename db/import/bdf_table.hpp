// Reads Battery Data Format CSV (ontology 1.3.0) row by row: header, units, and the rules that a row must keep.
#pragma once

#include <array>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"

namespace cellrig::db {

/// The columns an import has a use for. Others are left out and told.
enum class BdfColumn : std::uint8_t {
  test_time,
  voltage,
  current,
  unix_time,
  cycle_count,
  step_count,
  step_id,
  step_type,
  step_time,
  ambient_temperature,
  surface_temperature,
  temperature_t1,
  applied_pressure,
  surface_pressure,
  charging_capacity,
  discharging_capacity,
};
inline constexpr std::size_t bdf_column_count = 16;

/// One row, in the record's own units. Empty cells of optional columns are NaN or none.
struct BdfRow {
  std::int64_t line = 0;  ///< of the file, from 1
  std::int64_t test_time_ns = 0;
  double voltage_V = 0, current_A = 0;
  std::optional<std::int64_t> unix_time_ns;
  std::optional<std::int64_t> cycle_count, step_count, step_id;
  std::string step_type;
  double step_time_s = 0, ambient_temperature_degC = 0, surface_temperature_degC = 0, pressure_MPa = 0;
  double charging_Ah = 0, discharging_Ah = 0;
};

class BdfTable {
 public:
  /// Reads the header. Refused: it cannot be read. Malformed: a required column is missing, a column stands there twice. Texts begin
  /// with file:line:column.
  [[nodiscard]] static Result<BdfTable> open(const std::string& path);

  /// The next row; none at the end. Malformed, with its place: another number of cells than the header, a cell that is no number, a time
  /// or a counter that goes back.
  [[nodiscard]] Result<std::optional<BdfRow>> next();

  [[nodiscard]] bool has(BdfColumn column) const { return index_[static_cast<std::size_t>(column)].has_value(); }
  /// Columns that are not read: known ones that follow from others, and those nobody knows.
  [[nodiscard]] const std::vector<std::string>& ignored() const { return ignored_; }
  [[nodiscard]] const std::vector<std::string>& unknown() const { return unknown_; }

 private:
  [[nodiscard]] Result<void> read_header();
  [[nodiscard]] Result<bool> read_line();
  [[nodiscard]] Error at(std::size_t cell, const std::string& what) const;
  [[nodiscard]] std::string_view text_of(BdfColumn column) const;
  [[nodiscard]] Result<double> number(BdfColumn column, bool is_required) const;
  [[nodiscard]] Result<std::optional<std::int64_t>> counter(BdfColumn column) const;
  [[nodiscard]] Result<void> read_times(BdfRow& row) const;
  [[nodiscard]] Result<void> read_counters(BdfRow& row) const;
  [[nodiscard]] Result<void> read_measurements(BdfRow& row) const;
  [[nodiscard]] Result<void> keep_order(const BdfRow& row);

  std::string path_;
  std::ifstream file_;
  std::int64_t line_ = 0;
  std::string text_;
  std::vector<std::string> cells_;
  std::size_t cell_count_ = 0;
  std::array<std::optional<std::size_t>, bdf_column_count> index_{};
  std::array<double, bdf_column_count> factor_{};
  std::vector<std::string> ignored_, unknown_;
  std::optional<BdfRow> before_;
};

}  // namespace cellrig::db
