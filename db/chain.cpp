#include "db/chain.hpp"

#include <bit>
#include <cmath>
#include <cstring>

#include "db/canonical_text.hpp"

namespace cellrig::db {

namespace {

static_assert(std::endian::native == std::endian::little, "images are little endian: swap the bytes here");

constexpr std::array<SourceTable, source_count> all_sources{{
    {Source::cell, "cell", "cell", "name, specimen, specification_text, specification_sha256", ""},
    {Source::equipment, "equipment", "equipment", "name, model, maker, serial, firmware, address", ""},
    {Source::channel, "channel", "channel", "name, equipment", ""},
    {Source::profile, "profile", "profile", "name, text, text_sha256, parameters_text, program_hash", ""},
    {Source::run, "run", "run",
     "channel, cell, profile, bench_text, operator_name, time_source, seed, control_period_ns, nominal_capacity_Ah, "
     "started_utc_ns, synchronous, software_version, host",
     "SELECT run, 0 FROM run WHERE run = ?1"},
    {Source::run_equipment, "run_equipment", "run", "position, role, equipment",
     "SELECT run, 0 FROM run_equipment WHERE run = ?1"},
    {Source::step, "step", "step",
     "run, step_count, step_id, cycle, in_cycle, is_reference, measures_reference, name, type, setpoint_text, "
     "started_test_time_ns, started_utc_ns, sample_rowid_before, aux_rowid_before, run_charge_Ah, run_discharge_Ah, "
     "run_charge_Wh, run_discharge_Wh, cycle_charge_Ah, cycle_discharge_Ah, cycle_charge_Wh, cycle_discharge_Wh",
     "SELECT run, started_test_time_ns FROM step WHERE step = ?1"},
    {Source::sample, "sample", "rowid",
     "step, test_time_ns, flags, voltage_V, current_A, cell_temperature_degC, ambient_temperature_degC, charge_Ah, "
     "discharge_Ah, charge_Wh, discharge_Wh",
     "SELECT s.run, x.test_time_ns FROM sample AS x LEFT JOIN step AS s USING(step) WHERE x.rowid = ?1"},
    {Source::quantity, "quantity", "quantity", "name", ""},
    {Source::aux_sample, "aux_sample", "rowid", "step, test_time_ns, quantity, value",
     "SELECT s.run, x.test_time_ns FROM aux_sample AS x LEFT JOIN step AS s USING(step) WHERE x.rowid = ?1"},
    {Source::cycle, "cycle", "rowid",
     "run, cycle, is_reference, started_test_time_ns, ended_test_time_ns, charge_Ah, discharge_Ah, charge_Wh, discharge_Wh, "
     "coulombic_efficiency, energy_efficiency, charge_time_s, cell_temperature_max_degC, retention",
     "SELECT run, started_test_time_ns FROM cycle WHERE rowid = ?1"},
    {Source::event, "event", "event", "run, test_time_ns, utc_ns, severity, kind, message, value, limit_value",
     "SELECT run, test_time_ns FROM event WHERE event = ?1"},
    {Source::audit, "audit", "audit", "utc_ns, run, operator_name, origin, verb, action, reason, detail",
     "SELECT run, NULL FROM audit WHERE audit = ?1"},
    {Source::revision, "revision", "revision", "subject, key, image", ""},
    {Source::deviation, "deviation", "deviation",
     "run, category, from_test_time_ns, to_test_time_ns, from_utc_ns, to_utc_ns, unseen_charge_max_Ah, bounded_by, description",
     "SELECT run, from_test_time_ns FROM deviation WHERE deviation = ?1"},
    {Source::acknowledgement, "acknowledgement", "acknowledgement", "run, utc_ns, operator_name, reason",
     "SELECT run, NULL FROM acknowledgement WHERE acknowledgement = ?1"},
    {Source::instrument_proof, "instrument_proof", "instrument_proof",
     "utc_ns, operator_name, bench, channel, instrument, model, serial, firmware, is_simulated, delay_ns, silence_ns, "
     "fed_by_measuring, off_within_ns, fired",
     ""},
    {Source::expected_curve, "expected_curve", "expected_curve", "run, step_id, execution, coordinate, ends_at, points",
     "SELECT run, NULL FROM expected_curve WHERE expected_curve = ?1"},
    {Source::definition, "definition", "definition", "figure, name, unit, at_meaning, text", ""},
    {Source::step_metric, "step_metric", "step_metric", "step, figure, at, value",
     "SELECT s.run, s.started_test_time_ns FROM step_metric AS x LEFT JOIN step AS s USING(step) WHERE x.step_metric = ?1"},
    {Source::cycle_metric, "cycle_metric", "cycle_metric", "run, cycle, figure, at, value",
     "SELECT run, NULL FROM cycle_metric WHERE cycle_metric = ?1"},
    {Source::sample_rollup, "sample_rollup", "sample_rollup",
     "step, rowid_before, rowid_last, rows, from_test_time_ns, to_test_time_ns, voltage_min_V, voltage_max_V, current_min_A, "
     "current_max_A, cell_temperature_min_degC, cell_temperature_max_degC, ambient_temperature_min_degC, "
     "ambient_temperature_max_degC",
     "SELECT s.run, x.from_test_time_ns FROM sample_rollup AS x LEFT JOIN step AS s USING(step) WHERE x.sample_rollup = ?1"},
    {Source::expected_way, "expected_way", "expected_way", "run, step_id, way, passes, execution",
     "SELECT run, NULL FROM expected_way WHERE expected_way = ?1"},
    {Source::step_expectation, "step_expectation", "step", "execution",
     "SELECT s.run, s.started_test_time_ns FROM step_expectation AS x LEFT JOIN step AS s USING(step) WHERE x.step = ?1"},
}};

constexpr std::array<RevisionSubject, subject_count> all_subjects{{
    {"step end", "step", "step",
     "ended_test_time_ns, end_reason, end_condition, end_value, end_margin, charge_Ah, discharge_Ah, charge_Wh, discharge_Wh, "
     "cv_time_s, cv_charge_Ah, cell_temperature_max_degC, cell_temperature_min_degC",
     "-|-|-|-|-|-|-|-|-|-|-|-|-"},
    {"step range", "step", "step", "sample_rowid_last, aux_rowid_last", "-|-"},
    {"run end", "run", "run", "ended_test_time_ns, ended_utc_ns, status, reason, criteria_met", "-|-|t7:running|-|-"},
    {"resume point", "resume_point", "run", "sample_rowid, state", "", true},
}};

constexpr std::size_t number_bytes = 8;

void put(char*& at, std::int64_t value) {
  std::memcpy(at, &value, number_bytes);
  at += number_bytes;
}

void put(char*& at, double value) {
  constexpr std::uint64_t null_bits = 0x7ff8ULL << 48;
  // + 0.0: a negative zero becomes a zero, which is what SQLite keeps of it.
  const std::uint64_t bits = std::isnan(value) ? null_bits : std::bit_cast<std::uint64_t>(value + 0.0);
  std::memcpy(at, &bits, number_bytes);
  at += number_bytes;
}

/// Columns 1 to `integers` are integers, those up to before `end` reals or NULL.
bool append_numbers(std::string& bytes, sqlite3_stmt* row, int integers, int end) {
  for (int column = 1; column < end; ++column) {
    std::array<char, number_bytes> number{};
    char* at = number.data();
    const int type = sqlite3_column_type(row, column);
    if (column <= integers) {
      if (type != SQLITE_INTEGER) return false;
      put(at, static_cast<std::int64_t>(sqlite3_column_int64(row, column)));
    } else if (type == SQLITE_FLOAT || type == SQLITE_NULL) {
      put(at, type == SQLITE_NULL ? std::nan("") : sqlite3_column_double(row, column));
    } else {
      return false;
    }
    bytes.append(number.data(), number.size());
  }
  return true;
}

}  // namespace

std::span<const SourceTable, source_count> source_tables() { return all_sources; }

std::string select_rows(const SourceTable& table) {
  std::string sql = "SELECT ";
  sql.append(table.key).append(", ").append(table.columns).append(" FROM ").append(table.table);
  sql.append(" WHERE ").append(table.key).append(" >= ?1 AND ").append(table.key).append(" <= ?2 ORDER BY ").append(table.key);
  if (table.source == Source::run_equipment) sql += ", position";
  return sql;
}

std::span<const RevisionSubject, subject_count> revision_subjects() { return all_subjects; }

std::string revision_image(const RevisionSubject& subject, sqlite3_stmt* row) {
  std::string image;
  append_canonical_columns(image, row, 1, sqlite3_column_count(row));
  return subject.is_hashed ? sha256_hex(image) : image;
}

void append_image(std::string& bytes, const SampleRow& row) {
  std::array<char, 11 * number_bytes> image{};
  char* at = image.data();
  put(at, row.step);
  put(at, row.test_time_ns);
  put(at, static_cast<std::int64_t>(row.flags));
  put(at, row.voltage_V);
  put(at, row.current_A);
  put(at, row.cell_temperature_degC);
  put(at, row.ambient_temperature_degC);
  put(at, row.charge_Ah);
  put(at, row.discharge_Ah);
  put(at, row.charge_Wh);
  put(at, row.discharge_Wh);
  bytes.append(image.data(), image.size());
}

void append_image(std::string& bytes, StepKey step, std::int64_t test_time_ns, std::int64_t quantity, double value) {
  std::array<char, 4 * number_bytes> image{};
  char* at = image.data();
  put(at, step);
  put(at, test_time_ns);
  put(at, quantity);
  put(at, value);
  bytes.append(image.data(), image.size());
}

bool append_image(std::string& bytes, Source source, sqlite3_stmt* row) {
  constexpr int columns_of_a_sample = 11;
  constexpr int columns_of_an_aux_sample = 4;
  if (source == Source::sample) return append_numbers(bytes, row, 3, 1 + columns_of_a_sample);
  if (source == Source::aux_sample) return append_numbers(bytes, row, 3, 1 + columns_of_an_aux_sample);
  append_canonical_columns(bytes, row, 0, sqlite3_column_count(row));
  bytes += '\n';
  return true;
}

ChainHead chain_start() {
  Sha256 hash;
  hash.update("cellrig record chain 1");
  return {0, hash.digest()};
}

void BlockHash::begin(const Sha256Digest& previous, const BlockHeader& header) {
  sha256_.restart();
  sha256_.update(previous);
  std::array<char, 5 * number_bytes> bytes{};
  char* at = bytes.data();
  for (const std::int64_t value :
       {header.block, header.source, header.first_key, header.last_key, std::int64_t{header.is_adopted}}) {
    put(at, value);
  }
  sha256_.update(std::string_view{bytes.data(), bytes.size()});
}

}  // namespace cellrig::db
