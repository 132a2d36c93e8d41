// Plain CSV in the record's own columns: everything the hot row and its step know, one line per sample.
#pragma once

#include <cstdint>

#include "controller/base/result.hpp"
#include "db/export/text_file.hpp"
#include "db/reader.hpp"

namespace cellrig::db {

/// Columns, with header: record_index, test_time_s, utc_s, step_count, step_id, step_name, step_type, step_time_s, cycle,
/// in_cycle (0, 1), is_reference (0, 1), output_on (0, 1), regulation ("CC", "CV", "CP", "CR", empty when the output is off),
/// after_gap (0, 1), voltage_V, current_A (positive charges), power_W, cell_temperature_degC, ambient_temperature_degC,
/// step_charge_Ah, step_discharge_Ah, step_charge_Wh, step_discharge_Wh, and the same four as cycle_ and run_; then logger_voltage_V,
/// stack_force_N, stack_pressure_MPa and gas_ppm, each only where the run has it, empty beside a sample without a fresh one.
/// The value is the number of lines after the header. Memory is bounded.
[[nodiscard]] Result<std::uint64_t> export_csv(Reader& reader, RunKey run, const ExportOptions& options);

/// Columns: test_time_s, step_count, cycle, quantity (with its unit), value.
[[nodiscard]] Result<std::uint64_t> export_aux_csv(Reader& reader, RunKey run, const ExportOptions& options);

/// Columns: those of the cycle table.
[[nodiscard]] Result<std::uint64_t> export_cycles_csv(Reader& reader, RunKey run, const ExportOptions& options);

/// UTC of a sample: the step's own label where it has one, else the run's start plus test time.
[[nodiscard]] std::int64_t utc_ns_of(const RunInfo& run, const SampleView& sample);

}  // namespace cellrig::db
