#include "db/migrations.hpp"

#include <array>

namespace cellrig::db {

namespace {

/// Version 2: the audit trail takes rows, the hash chain covers everything, deviations and acknowledgements have tables.
constexpr std::string_view version_2 = R"sql(
-- Was reserved and never written.
DROP TABLE audit;

-- Who did what, when and from where.
CREATE TABLE audit(
  audit         INTEGER PRIMARY KEY,
  utc_ns        INTEGER NOT NULL,
  run           INTEGER NOT NULL,         -- 0: none
  operator_name TEXT NOT NULL,
  origin        TEXT NOT NULL,            -- host column: which computer
  verb          TEXT NOT NULL,            -- run, off, db acknowledge
  action        TEXT NOT NULL,            -- run begun, outputs off, trip, stop, run ended, trip acknowledged, ...
  reason        TEXT NOT NULL,
  detail        TEXT NOT NULL             -- one JSON object: arguments that matter, hashes of profile, cell and bench
);

-- What is known about a time in which the test did not go as planned.
CREATE TABLE deviation(
  deviation            INTEGER PRIMARY KEY,
  run                  INTEGER NOT NULL,
  category             TEXT NOT NULL,     -- BattINFO: power_outage, communication_loss, equipment_failure, ...
  from_test_time_ns    INTEGER NOT NULL,
  to_test_time_ns      INTEGER,           -- NULL: not over, or nobody knows
  from_utc_ns          INTEGER NOT NULL,
  to_utc_ns            INTEGER,
  unseen_charge_max_Ah REAL,              -- at most this much moved unseen, either way; NULL: nothing moved unseen
  bounded_by           TEXT NOT NULL,     -- how that is known
  description          TEXT NOT NULL
);
CREATE INDEX deviation_of_run ON deviation(run);

-- A person has looked at what a safety trip left behind.
CREATE TABLE acknowledgement(
  acknowledgement INTEGER PRIMARY KEY,
  run             INTEGER NOT NULL,
  utc_ns          INTEGER NOT NULL,
  operator_name   TEXT NOT NULL,
  reason          TEXT NOT NULL
);

-- What was ever written over something else: no change obscures what stood there before.
CREATE TABLE revision(
  revision INTEGER PRIMARY KEY,
  subject  TEXT NOT NULL,                 -- step end, step range, run end, resume point
  key      INTEGER NOT NULL,              -- of the step or run
  image    TEXT NOT NULL                  -- the new values; of a resume point their SHA-256
);

-- Every row of evidence lies in exactly one block, and each block names the hash of the one before it (docs/record.md).
CREATE TABLE chain(
  block     INTEGER PRIMARY KEY,          -- 1, 2, 3, ...
  source    INTEGER NOT NULL,             -- which table (db/chain.cpp)
  first_key INTEGER NOT NULL,
  last_key  INTEGER NOT NULL,
  adopted   INTEGER NOT NULL,             -- 1: the rows were there before there was a chain
  sha256    BLOB NOT NULL
);
)sql";

/// Version 3: what `cellrig doctor` saw instruments do.
constexpr std::string_view version_3 = R"sql(
-- A watchdog that was put to the test. A run on a real bench relies on those that were seen to fire.
CREATE TABLE instrument_proof(
  instrument_proof INTEGER PRIMARY KEY,
  utc_ns           INTEGER NOT NULL,
  operator_name    TEXT NOT NULL,
  bench            TEXT NOT NULL,         -- its name
  channel          TEXT NOT NULL,
  instrument       TEXT NOT NULL,         -- in the bench file
  model            TEXT NOT NULL,
  serial           TEXT NOT NULL,
  firmware         TEXT NOT NULL,
  is_simulated     INTEGER NOT NULL,      -- 1: says nothing about a real instrument
  delay_ns         INTEGER NOT NULL,      -- as programmed
  silence_ns       INTEGER NOT NULL,      -- after which the output was looked at
  fed_by_measuring INTEGER NOT NULL,      -- 1: the output stayed on for longer than the delay while it was measured
  off_within_ns    INTEGER NOT NULL,      -- from the command OFF until the instrument confirmed
  fired            INTEGER NOT NULL       -- 1: the output was off after the silence
);
CREATE INDEX proof_of_model ON instrument_proof(model, serial, firmware);
)sql";

struct Identity {
  std::int64_t application = 0;
  int version = 0;
  bool is_empty = false;
};

Result<Identity> identity(Connection& connection) {
  const Result<std::optional<std::int64_t>> application = connection.query_integer("PRAGMA application_id");
  if (!application) return application.error();
  const Result<std::optional<std::int64_t>> version = connection.query_integer("PRAGMA user_version");
  if (!version) return version.error();
  const Result<std::optional<std::int64_t>> tables = connection.query_integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  return Identity{application->value_or(0), static_cast<int>(version->value_or(0)), tables->value_or(0) == 0};
}

Error newer(const std::string& path, int found, int known) {
  return fail(Fault::refused, path + " was written by a newer cellrig (schema " + std::to_string(found) +
                                  "; this program knows up to " + std::to_string(known) + "): use that program");
}

Error foreign(const std::string& path) {
  return fail(Fault::malformed, path + " is an SQLite database, but not a cellrig record");
}

}  // namespace

std::span<const Migration> migrations() {
  static const std::array<Migration, 3> all{{{1, schema_text()}, {2, version_2}, {3, version_3}}};
  return all;
}

int schema_version() { return migrations().back().version; }

Result<void> migrate(Connection& connection, std::span<const Migration> steps, const std::string& path) {
  const Result<Identity> found = identity(connection);
  if (!found) return found.error();
  if (found->application != application_id && !(found->application == 0 && found->is_empty)) return foreign(path);
  if (found->version > steps.back().version) return newer(path, found->version, steps.back().version);
  for (const Migration& step : steps) {
    if (step.version <= found->version) continue;
    // One transaction: a process that dies here leaves the former version whole.
    const std::string sql = "BEGIN IMMEDIATE;\n" + std::string(step.sql) +
                            "\nPRAGMA application_id = " + std::to_string(application_id) +
                            ";\nPRAGMA user_version = " + std::to_string(step.version) + ";\nCOMMIT;";
    const std::string doing = path + ": migrating to schema " + std::to_string(step.version);
    const Result<void> done = connection.execute(sql, doing);
    if (!done) {
      if (sqlite3_get_autocommit(connection.handle()) == 0) {
        (void)connection.execute("ROLLBACK", doing);  // the first error is the one worth telling
      }
      return done.error();
    }
  }
  return {};
}

Result<void> require_schema(Connection& connection, int version, const std::string& path) {
  const Result<Identity> found = identity(connection);
  if (!found) return found.error();
  if (found->application != application_id) {
    if (found->application == 0 && found->is_empty) return fail(Fault::malformed, path + " is empty: no record in it");
    return foreign(path);
  }
  if (found->version > version) return newer(path, found->version, version);
  if (found->version < version) {
    return fail(Fault::refused, path + " has the older schema " + std::to_string(found->version) +
                                    ": open it once for writing, which migrates it");
  }
  return {};
}

}  // namespace cellrig::db
