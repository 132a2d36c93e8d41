#include "db/digest.hpp"

#include <array>

#include "db/canonical_text.hpp"
#include "db/reader_impl.hpp"
#include "db/sha256.hpp"

namespace cellrig::db {

namespace {

struct Table {
  std::string_view name;
  std::string_view query;
};

constexpr std::array<Table, 19> tables{{
    {"cell", "SELECT cell, name, specimen, specification_text FROM cell ORDER BY cell"},
    {"equipment", "SELECT equipment, name, model, maker, serial, firmware FROM equipment ORDER BY equipment"},
    {"channel", "SELECT channel, name, equipment FROM channel ORDER BY channel"},
    {"profile", "SELECT profile, name, text, parameters_text, program_hash FROM profile ORDER BY profile"},
    {"run",
     "SELECT run, channel, cell, profile, bench_text, operator_name, time_source, seed, control_period_ns, "
     "nominal_capacity_Ah, started_utc_ns, ended_test_time_ns, ended_utc_ns, status, reason, criteria_met "
     "FROM run ORDER BY run"},
    {"run_equipment", "SELECT run, position, role, equipment FROM run_equipment ORDER BY run, position"},
    {"step",
     "SELECT step, run, step_count, step_id, cycle, in_cycle, is_reference, measures_reference, name, type, setpoint_text, "
     "started_test_time_ns, started_utc_ns, run_charge_Ah, run_discharge_Ah, run_charge_Wh, run_discharge_Wh, "
     "cycle_charge_Ah, cycle_discharge_Ah, cycle_charge_Wh, cycle_discharge_Wh, ended_test_time_ns, end_reason, "
     "end_condition, end_value, end_margin, charge_Ah, discharge_Ah, charge_Wh, discharge_Wh, cv_time_s, cv_charge_Ah, "
     "cell_temperature_max_degC, cell_temperature_min_degC FROM step ORDER BY step"},
    {"sample",
     "SELECT step, test_time_ns, flags, voltage_V, current_A, cell_temperature_degC, ambient_temperature_degC, charge_Ah, "
     "discharge_Ah, charge_Wh, discharge_Wh FROM sample ORDER BY rowid"},
    {"aux_sample",
     "SELECT x.step, x.test_time_ns, q.name, x.value FROM aux_sample AS x JOIN quantity AS q USING(quantity) "
     "ORDER BY x.rowid"},
    {"cycle",
     "SELECT run, cycle, is_reference, started_test_time_ns, ended_test_time_ns, charge_Ah, discharge_Ah, charge_Wh, "
     "discharge_Wh, coulombic_efficiency, energy_efficiency, charge_time_s, cell_temperature_max_degC, retention "
     "FROM cycle ORDER BY run, cycle, rowid"},
    {"event", "SELECT run, test_time_ns, utc_ns, severity, kind, message, value, limit_value FROM event ORDER BY event"},
    {"audit", "SELECT utc_ns, run, operator_name, verb, action, reason, detail FROM audit ORDER BY audit"},
    {"deviation",
     "SELECT run, category, from_test_time_ns, to_test_time_ns, from_utc_ns, to_utc_ns, unseen_charge_max_Ah, bounded_by, "
     "description FROM deviation ORDER BY deviation"},
    {"acknowledgement", "SELECT run, utc_ns, operator_name, reason FROM acknowledgement ORDER BY acknowledgement"},
    {"instrument_proof",
     "SELECT utc_ns, operator_name, bench, channel, instrument, model, serial, firmware, is_simulated, delay_ns, silence_ns, "
     "fed_by_measuring, off_within_ns, fired FROM instrument_proof ORDER BY instrument_proof"},
    {"expected_curve", "SELECT run, step_id, execution, coordinate, ends_at, points FROM expected_curve ORDER BY expected_curve"},
    {"expected_way", "SELECT run, step_id, way, passes, execution FROM expected_way ORDER BY expected_way"},
    {"step_expectation", "SELECT step, execution FROM step_expectation ORDER BY step"},
    {"resume_point", "SELECT run, state FROM resume_point ORDER BY run"},
}};

Result<void> dump_table(Connection& connection, const Table& table, const std::function<void(std::string_view)>& sink) {
  Result<Statement> select = connection.prepare(table.query);
  if (!select) return select.error();
  sqlite3_stmt* row = select->handle();
  const int columns = sqlite3_column_count(row);
  std::string text = "# " + std::string(table.name) + "\n";
  while (true) {
    const Result<bool> found = select->step("reading " + std::string(table.name));
    if (!found) return found.error();
    if (!*found) break;
    append_canonical_columns(text, row, 0, columns);
    text += '\n';
    constexpr std::size_t block_bytes = 1 << 16;
    if (text.size() < block_bytes) continue;
    sink(text);
    text.clear();
  }
  sink(text);
  return {};
}

}  // namespace

Result<void> canonical_dump(const std::string& path, const std::function<void(std::string_view)>& sink) {
  Result<ReadConnection> opened = open_for_reading(path);
  if (!opened) return opened.error();
  Result<ReadTransaction> transaction = ReadTransaction::begin(opened->connection);
  if (!transaction) return transaction.error();
  for (const Table& table : tables) {
    if (const Result<void> done = dump_table(opened->connection, table, sink); !done) return done;
  }
  return {};
}

Result<std::string> record_digest(const std::string& path) {
  Sha256 hash;
  const Result<void> done = canonical_dump(path, [&hash](std::string_view text) { hash.update(text); });
  if (!done) return done.error();
  return hash.hex();
}

}  // namespace cellrig::db
