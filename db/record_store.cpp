#include "db/record_store.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "db/failure_note.hpp"
#include "db/migrations.hpp"

namespace cellrig::db {

namespace {

/// Rows per INSERT. One statement for sixteen rows costs SQLite's virtual machine half of what sixteen statements do.
constexpr std::size_t block_rows = 16;
constexpr int sample_columns = 11;
/// A checkpoint is due when the log holds this many pages (16 MiB): larger saves nothing, smaller writes hot pages twice.
constexpr int checkpoint_pages = 4096;

std::string samples_sql(std::size_t rows) {
  std::string sql =
      "INSERT INTO sample(step, test_time_ns, flags, voltage_V, current_A, cell_temperature_degC, ambient_temperature_degC, "
      "charge_Ah, discharge_Ah, charge_Wh, discharge_Wh) VALUES";
  for (std::size_t i = 0; i < rows; ++i) {
    if (i > 0) sql += ',';
    sql += "(?,?,?,?,?,?,?,?,?,?,?)";
  }
  return sql;
}

void bind_sample(sqlite3_stmt* statement, int first, const SampleRow& row) {
  sqlite3_bind_int64(statement, first, row.step);
  sqlite3_bind_int64(statement, first + 1, row.test_time_ns);
  sqlite3_bind_int64(statement, first + 2, row.flags);
  sqlite3_bind_double(statement, first + 3, row.voltage_V);
  sqlite3_bind_double(statement, first + 4, row.current_A);
  sqlite3_bind_double(statement, first + 5, row.cell_temperature_degC);
  sqlite3_bind_double(statement, first + 6, row.ambient_temperature_degC);
  sqlite3_bind_double(statement, first + 7, row.charge_Ah);
  sqlite3_bind_double(statement, first + 8, row.discharge_Ah);
  sqlite3_bind_double(statement, first + 9, row.charge_Wh);
  sqlite3_bind_double(statement, first + 10, row.discharge_Wh);
}

Result<void> refuse_impossible_path(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return fail(Fault::refused, "cannot open the record " + path + ": " + std::strerror(errno));
  }
  if (S_ISDIR(info.st_mode)) return fail(Fault::refused, path + " is a directory: name a database file in it");
  if (!S_ISREG(info.st_mode)) return fail(Fault::refused, path + " is not a regular file");
  return {};
}

int remember_wal_pages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

}  // namespace

Result<std::unique_ptr<RecordStore>> RecordStore::open(const RecorderOptions& options) {
  if (const Result<void> possible = refuse_impossible_path(options.path); !possible) return possible.error();
  std::unique_ptr<RecordStore> store(new RecordStore);
  Result<LockFile> lock = LockFile::acquire(options.path);
  if (!lock) return lock.error();
  store->lock_ = std::move(*lock);
  Result<Connection> connection = Connection::open(options.path, OpenMode::write);
  if (!connection) return connection.error();
  store->connection_ = std::move(*connection);
  if (sqlite3_db_readonly(store->connection_.handle(), "main") == 1) {
    return fail(Fault::refused, options.path + " cannot be written: the file, or where it lies, is read-only");
  }
  if (const Result<void> done = store->configure(options); !done) {
    return fail(done.error().fault, options.path + ": " + done.error().what);
  }
  if (const Result<void> done = store->rewrite_log(options.path); !done) return done.error();
  if (const Result<void> done = migrate(store->connection_, migrations(), options.path); !done) return done.error();
  if (const Result<void> done = store->prepare(); !done) return done.error();
  if (const Result<void> done = store->load_keys(); !done) return done.error();
  if (const Result<void> done = store->chain_.open(store->connection_); !done) return done.error();
  if (const Result<void> done = store->derived_.open(store->connection_, store->chain_, options.path); !done) return done.error();
  if (const Result<void> done = store->mark_interrupted_runs(); !done) return done.error();
  return store;
}

Result<void> RecordStore::configure(const RecorderOptions& options) {
  synchronous_full_ = options.commit.synchronous_full;
  // Reading the identity first: a foreign database is not even turned into WAL.
  const Result<std::optional<std::int64_t>> tables = connection_.query_integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const Result<std::optional<std::int64_t>> application = connection_.query_integer("PRAGMA application_id");
  if (!application) return application.error();
  if (tables->value_or(0) > 0 && application->value_or(0) != application_id) return {};  // migrate() refuses it in words
  const Result<std::string> mode = connection_.query_text("PRAGMA journal_mode = WAL");
  if (!mode) return mode.error();
  if (*mode != "wal") return fail(Fault::refused, "this file system cannot hold a write-ahead log");
  std::string pragmas = synchronous_full_ ? "PRAGMA synchronous = FULL;" : "PRAGMA synchronous = OFF;";
  pragmas += "PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = OFF;";
  if (const Result<void> done = connection_.execute(pragmas, "configuring"); !done) return done.error();
  const Result<std::optional<std::int64_t>> page = connection_.query_integer("PRAGMA page_size");
  if (!page) return page.error();
  page_bytes_ = static_cast<int>(page->value_or(4096));
  if (options.database_bytes_max > 0) {
    const std::size_t pages = std::max<std::size_t>(1, options.database_bytes_max / static_cast<std::size_t>(page_bytes_));
    const Result<void> done = connection_.execute("PRAGMA max_page_count = " + std::to_string(pages), "bounding the size");
    if (!done) return done.error();
  }
  // This takes the place of SQLite's own automatic checkpoint: commit() runs it, so that its errors are seen.
  sqlite3_wal_hook(connection_.handle(), remember_wal_pages, &wal_pages_);
  return {};
}

/// After a sync that failed nobody knows how much of the log is on the disk, though all of it can be read. What is appended behind a hole
/// would be lost with it: first all of it goes into the database, and that is synced.
Result<void> RecordStore::rewrite_log(const std::string& path) {
  if (!read_failure_note(path)) return {};
  const int code = sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  const Error why = sqlite_error(connection_.handle(), code, "checkpointing");
  return fail(why.fault, fmt::format("{}: the last writer's disk failed, and what it left cannot be written anew: {}{}", path,
                                     why.what, (code & 0xff) == SQLITE_BUSY ? " (somebody reads it: close that first)" : ""));
}

Result<void> RecordStore::prepare() {
  struct Entry {
    Statement& statement;
    std::string text;
  };
  const std::array<Entry, 20> entries{{
      {sql_.begin, "BEGIN IMMEDIATE"},
      {sql_.commit, "COMMIT"},
      {sql_.samples_block, samples_sql(block_rows)},
      {sql_.sample, samples_sql(1)},
      {sql_.aux, "INSERT INTO aux_sample(step, test_time_ns, quantity, value) VALUES(?,?,?,?)"},
      {sql_.begin_run,
       "INSERT INTO run(run, channel, cell, profile, bench_text, operator_name, time_source, seed, control_period_ns, "
       "nominal_capacity_Ah, started_utc_ns, synchronous, software_version, host) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
      {sql_.begin_step,
       "INSERT INTO step(step, run, step_count, step_id, cycle, in_cycle, is_reference, measures_reference, name, type, "
       "setpoint_text, started_test_time_ns, started_utc_ns, sample_rowid_before, aux_rowid_before, run_charge_Ah, "
       "run_discharge_Ah, run_charge_Wh, run_discharge_Wh, cycle_charge_Ah, cycle_discharge_Ah, cycle_charge_Wh, "
       "cycle_discharge_Wh) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
      {sql_.end_step,
       "UPDATE step SET sample_rowid_last = ?2, aux_rowid_last = ?3, ended_test_time_ns = ?4, end_reason = ?5, "
       "end_condition = ?6, end_value = ?7, end_margin = ?8, charge_Ah = ?9, discharge_Ah = ?10, charge_Wh = ?11, "
       "discharge_Wh = ?12, cv_time_s = ?13, cv_charge_Ah = ?14, cell_temperature_max_degC = ?15, "
       "cell_temperature_min_degC = ?16 WHERE step = ?1"},
      {sql_.cycle,
       "INSERT INTO cycle(run, cycle, is_reference, started_test_time_ns, ended_test_time_ns, charge_Ah, discharge_Ah, "
       "charge_Wh, discharge_Wh, coulombic_efficiency, energy_efficiency, charge_time_s, cell_temperature_max_degC, "
       "retention) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
      {sql_.event,
       "INSERT INTO event(run, test_time_ns, utc_ns, severity, kind, message, value, limit_value) VALUES(?,?,?,?,?,?,?,?)"},
      {sql_.resume_point, "INSERT OR REPLACE INTO resume_point(run, sample_rowid, state) VALUES(?,?,?)"},
      {sql_.end_run,
       "UPDATE run SET ended_test_time_ns = ?2, ended_utc_ns = ?3, status = ?4, reason = ?5, criteria_met = ?6 "
       "WHERE run = ?1"},
      {sql_.late,
       "UPDATE step SET sample_rowid_last = ?2, aux_rowid_last = ?3 WHERE step = ?1 AND sample_rowid_last IS NOT NULL"},
      {sql_.audit, "INSERT INTO audit(utc_ns, run, operator_name, origin, verb, action, reason, detail) VALUES(?,?,?,?,?,?,?,?)"},
      {sql_.deviation,
       "INSERT INTO deviation(run, category, from_test_time_ns, to_test_time_ns, from_utc_ns, to_utc_ns, unseen_charge_max_Ah, "
       "bounded_by, description) VALUES(?,?,?,?,?,?,?,?,?)"},
      {sql_.acknowledgement, "INSERT INTO acknowledgement(run, utc_ns, operator_name, reason) VALUES(?,?,?,?)"},
      {sql_.proof,
       "INSERT INTO instrument_proof(utc_ns, operator_name, bench, channel, instrument, model, serial, firmware, is_simulated, "
       "delay_ns, silence_ns, fed_by_measuring, off_within_ns, fired) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
      {sql_.expected_curve,
       "INSERT INTO expected_curve(run, step_id, execution, coordinate, ends_at, points) VALUES(?,?,?,?,?,?)"},
      {sql_.expected_way, "INSERT INTO expected_way(run, step_id, way, passes, execution) VALUES(?,?,?,?,?)"},
      {sql_.step_expectation, "INSERT INTO step_expectation(step, execution) VALUES(?,?)"},
  }};
  for (const Entry& entry : entries) {
    Result<Statement> statement = connection_.prepare(entry.text);
    if (!statement) return statement.error();
    entry.statement = std::move(*statement);
  }
  return {};
}

Result<void> RecordStore::load_keys() {
  const auto read = [this](std::string_view sql, std::int64_t& target) -> Result<void> {
    const Result<std::optional<std::int64_t>> value = connection_.query_integer(sql);
    if (!value) return value.error();
    target = value->value_or(0);
    return {};
  };
  if (const Result<void> done = read("SELECT max(run) FROM run", last_run_); !done) return done;
  if (const Result<void> done = read("SELECT max(step) FROM step", last_step_); !done) return done;
  if (const Result<void> done = read("SELECT max(rowid) FROM sample", sample_rowid_); !done) return done;
  return read("SELECT max(rowid) FROM aux_sample", aux_rowid_);
}

Result<void> RecordStore::begin_transaction() {
  if (is_in_transaction_) return {};
  const Result<void> begun = sql_.begin.run("beginning a transaction");
  if (begun) is_in_transaction_ = true;
  return begun;
}

/// A logger's reading may arrive after its step has ended: the step's range of rowids is stretched over it, or no reader
/// would ever find it.
template <class Row>
Result<void> RecordStore::reach_late_rows(std::span<const Row> rows) {
  StepKey seen = 0;
  for (const Row& row : rows) {
    if (row.step == seen) continue;
    seen = row.step;
    if (open_steps_.contains(seen)) continue;
    if (const Result<void> done = reach_late_row(seen); !done) return done;
  }
  return {};
}

Result<void> RecordStore::reach_late_row(StepKey step) {
  sql_.late.bind_all(step, sample_rowid_, aux_rowid_);
  if (const Result<void> done = sql_.late.run("storing late rows"); !done) return done;
  return sqlite3_changes(connection_.handle()) == 0 ? Result<void>{} : chain_.revise(Subject::step_range, step);
}

Result<void> RecordStore::write(std::span<const SampleRow> samples) {
  if (samples.empty()) return {};
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  std::size_t at = 0;
  for (; at + block_rows <= samples.size(); at += block_rows) {
    sqlite3_stmt* block = sql_.samples_block.handle();
    for (std::size_t i = 0; i < block_rows; ++i) {
      bind_sample(block, 1 + static_cast<int>(i) * sample_columns, samples[at + i]);
    }
    if (const Result<void> done = sql_.samples_block.run("storing samples"); !done) return done;
  }
  for (; at < samples.size(); ++at) {
    bind_sample(sql_.sample.handle(), 1, samples[at]);
    if (const Result<void> done = sql_.sample.run("storing samples"); !done) return done;
  }
  if (const Result<void> done = derived_.add(samples, sample_rowid_); !done) return done;
  sample_rowid_ += static_cast<std::int64_t>(samples.size());
  if (const Result<void> done = chain_.add(samples); !done) return done;
  return reach_late_rows(samples);
}

Result<void> RecordStore::write(std::span<const AuxRow> samples) {
  if (samples.empty()) return {};
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  for (const AuxRow& row : samples) {
    const Result<std::int64_t> name = quantity(row.quantity);
    if (!name) return name.error();
    sql_.aux.bind_all(row.step, row.test_time_ns, *name, row.value);
    if (const Result<void> done = sql_.aux.run("storing auxiliary samples"); !done) return done;
    if (const Result<void> done = chain_.add(row.step, row.test_time_ns, *name, row.value); !done) return done;
    derived_.add(row);
  }
  aux_rowid_ += static_cast<std::int64_t>(samples.size());
  return reach_late_rows(samples);
}

Result<void> RecordStore::commit() {
  if (!is_in_transaction_) return {};
  if (const Result<void> done = chain_.seal(); !done) return done;
  if (const Result<void> done = sql_.commit.run("committing"); !done) return done;
  is_in_transaction_ = false;
  if (wal_pages_ < checkpoint_pages) return {};
  int log_pages = 0;
  int checkpointed_pages = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &log_pages, &checkpointed_pages);
  // Busy is no error: a reader is looking at older pages, the next commit tries again.
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) return sqlite_error(connection_.handle(), code, "checkpointing");
  return {};
}

void RecordStore::roll_back() {
  // After "disk full" and I/O errors SQLite may have rolled back by itself.
  // By itself and without a word: there may be no memory for one.
  if (sqlite3_get_autocommit(connection_.handle()) == 0) {
    (void)sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  is_in_transaction_ = false;
}

std::uint64_t RecordStore::wal_bytes() const {
  constexpr std::uint64_t frame_header_bytes = 24;
  return static_cast<std::uint64_t>(wal_pages_) * (static_cast<std::uint64_t>(page_bytes_) + frame_header_bytes);
}

Result<void> RecordStore::close(bool is_healthy) {
  Result<void> outcome;
  if (connection_.handle() != nullptr) {
    if (is_healthy) {
      // Truncating waits for readers that are inside a SELECT; whoever stays longer keeps the log, which harms nobody.
      constexpr int patience_ms = 200;
      sqlite3_busy_timeout(connection_.handle(), patience_ms);
      const int code = sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
      if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) {
        outcome = sqlite_error(connection_.handle(), code, "checkpointing");
      }
    } else {
      // A disk that failed once is not trusted with rewriting the database: the log keeps what was committed.
      sqlite3_db_config(connection_.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, static_cast<int*>(nullptr));
    }
    sql_ = Statements{};
    chain_ = ChainWriter{};
    derived_ = DerivedWriter{};
    connection_ = Connection{};
  }
  lock_.release();
  return outcome;
}

}  // namespace cellrig::db
