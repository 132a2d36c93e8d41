#include "db/export/csv.hpp"

#include <array>
#include <limits>
#include <string>

#include "db/export/aux_columns.hpp"
#include "db/export/whole_step.hpp"

namespace cellrig::db {

namespace {

constexpr std::array<std::string_view, 4> csv_sensor_columns{"logger_voltage_V", "stack_force_N", "stack_pressure_MPa",
                                                             "gas_ppm"};

std::string_view regulation(std::uint32_t flags) {
  if ((flags & sample_flag::waiting) != 0) return "waiting";
  if ((flags & sample_flag::output_on) == 0) return "";
  if ((flags & sample_flag::constant_voltage) != 0) return "CV";
  if ((flags & sample_flag::constant_power) != 0) return "CP";
  if ((flags & sample_flag::constant_resistance) != 0) return "CR";
  return "CC";
}

void add_sums(CsvLine& line, const Sums& sums) {
  for (const double sum : {sums.charge_Ah, sums.discharge_Ah, sums.charge_Wh, sums.discharge_Wh}) line.real(sum);
}

void add_sums(CsvLine& line, const Sums& start, const SampleRow& row) {
  line.real(start.charge_Ah + row.charge_Ah);
  line.real(start.discharge_Ah + row.discharge_Ah);
  line.real(start.charge_Wh + row.charge_Wh);
  line.real(start.discharge_Wh + row.discharge_Wh);
}

void add_optional(CsvLine& line, std::optional<double> value) {
  line.real(value.value_or(std::numeric_limits<double>::quiet_NaN()));
}

void write_sample(CsvLine& line, const RunInfo& run, const SampleView& sample, const WholeStep& whole) {
  const StepInfo& step = sample.step;
  const SampleRow& row = sample.row;
  line.clear();
  line.integer(sample.record_index);
  line.seconds(row.test_time_ns);
  line.seconds(utc_ns_of(run, sample));
  line.integer(step.row.step_count);
  line.integer(step.row.step_id);
  line.text(step.row.name);
  line.text(step.row.type);
  line.seconds(whole.time_ns());
  line.integer(step.row.cycle);
  line.integer(step.row.in_cycle ? 1 : 0);
  line.integer(step.row.is_reference ? 1 : 0);
  line.integer((row.flags & sample_flag::output_on) != 0 ? 1 : 0);
  line.text(regulation(row.flags));
  line.integer((row.flags & sample_flag::after_gap) != 0 ? 1 : 0);
  line.real(row.voltage_V);
  line.real(row.current_A);
  line.real(row.voltage_V * row.current_A);
  line.real(row.cell_temperature_degC);
  line.real(row.ambient_temperature_degC);
  add_sums(line, whole.sums());
  add_sums(line, step.cycle_sums_at_start, row);
  add_sums(line, step.run_sums_at_start, row);
}

}  // namespace

std::int64_t utc_ns_of(const RunInfo& run, const SampleView& sample) {
  const StepRow& step = sample.step.row;
  const std::int64_t step_started = step.started_at.ns_since_epoch != 0
                                        ? step.started_at.ns_since_epoch
                                        : run.row.started_at.ns_since_epoch + step.started_test_time_ns;
  return step_started + sample.row.test_time_ns - step.started_test_time_ns;
}

Result<std::uint64_t> export_csv(Reader& reader, RunKey key, const ExportOptions& options) {
  const Result<RunInfo> run = reader.run(key);
  if (!run) return run.error();
  Result<TextFile> file = TextFile::create(options);
  if (!file) return file.error();
  Result<AuxColumns> sensors = AuxColumns::load(reader, key, csv_sensor_columns, options);
  if (!sensors) return sensors.error();
  file->write(
      "record_index,test_time_s,utc_s,step_count,step_id,step_name,step_type,step_time_s,cycle,in_cycle,is_reference,"
      "output_on,regulation,after_gap,voltage_V,current_A,power_W,cell_temperature_degC,ambient_temperature_degC,"
      "step_charge_Ah,step_discharge_Ah,step_charge_Wh,step_discharge_Wh,cycle_charge_Ah,cycle_discharge_Ah,"
      "cycle_charge_Wh,cycle_discharge_Wh,run_charge_Ah,run_discharge_Ah,run_charge_Wh,run_discharge_Wh");
  for (std::size_t i = 0; i < csv_sensor_columns.size(); ++i) {
    if (sensors->has(i)) file->write("," + std::string(csv_sensor_columns[i]));
  }
  file->write("\n");
  CsvLine line;
  WholeStep step;
  const Result<std::uint64_t> rows = reader.for_each_sample(key, [&](const SampleView& sample) {
    step.pass(sample);
    write_sample(line, *run, sample, step);
    for (std::size_t i = 0; i < csv_sensor_columns.size(); ++i) {
      if (sensors->has(i)) line.real(sensors->at(i, sample.row.test_time_ns));
    }
    return file->write(line.finish());
  });
  if (!rows) return rows;
  if (sensors->failure()) return *sensors->failure();
  if (const Result<void> done = file->finish(); !done) return done.error();
  return rows;
}

Result<std::uint64_t> export_aux_csv(Reader& reader, RunKey key, const ExportOptions& options) {
  const Result<RunInfo> run = reader.run(key);
  if (!run) return run.error();
  Result<TextFile> file = TextFile::create(options);
  if (!file) return file.error();
  file->write("test_time_s,step_count,cycle,quantity,value\n");
  CsvLine line;
  const Result<std::uint64_t> rows = reader.for_each_aux(key, [&](const AuxView& aux) {
    line.clear();
    line.seconds(aux.row.test_time_ns);
    line.integer(aux.step.row.step_count);
    line.integer(aux.step.row.cycle);
    line.text(aux.row.quantity);
    line.real(aux.row.value);
    return file->write(line.finish());
  });
  if (!rows) return rows;
  if (const Result<void> done = file->finish(); !done) return done.error();
  return rows;
}

Result<std::uint64_t> export_cycles_csv(Reader& reader, RunKey key, const ExportOptions& options) {
  const Result<RunInfo> run = reader.run(key);
  if (!run) return run.error();
  const Result<std::vector<CycleRow>> cycles = reader.cycles(key);
  if (!cycles) return cycles.error();
  Result<TextFile> file = TextFile::create(options);
  if (!file) return file.error();
  file->write(
      "cycle,is_reference,started_test_time_s,ended_test_time_s,charge_Ah,discharge_Ah,charge_Wh,discharge_Wh,"
      "coulombic_efficiency,energy_efficiency,charge_time_s,cell_temperature_max_degC,retention\n");
  CsvLine line;
  for (const CycleRow& cycle : *cycles) {
    line.clear();
    line.integer(cycle.cycle);
    line.integer(cycle.is_reference ? 1 : 0);
    line.seconds(cycle.started_test_time_ns);
    line.seconds(cycle.ended_test_time_ns);
    line.real(cycle.charge_Ah);
    line.real(cycle.discharge_Ah);
    line.real(cycle.charge_Wh);
    line.real(cycle.discharge_Wh);
    add_optional(line, cycle.coulombic_efficiency);
    add_optional(line, cycle.energy_efficiency);
    line.real(cycle.charge_time_s);
    add_optional(line, cycle.cell_temperature_max_degC);
    add_optional(line, cycle.retention);
    file->write(line.finish());
  }
  if (const Result<void> done = file->finish(); !done) return done.error();
  return static_cast<std::uint64_t>(cycles->size());
}

}  // namespace cellrig::db
