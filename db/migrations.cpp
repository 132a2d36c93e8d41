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

/// Version 4: what the rehearsal of a run foretold.
constexpr std::string_view version_4 = R"sql(
-- The curves that a run is compared with, stored before its first row (docs/record.md says how they are made and read).
CREATE TABLE expected_curve(
  expected_curve INTEGER PRIMARY KEY,
  run            INTEGER NOT NULL,
  step_id        INTEGER NOT NULL,        -- as in step: index in the program
  execution      INTEGER NOT NULL,        -- of that step in the run, from 1: this one and those up to the next row
  coordinate     TEXT NOT NULL,           -- step_time_s; charge_Ah: moved in this step, the way it goes
  ends_at        REAL,                    -- the coordinate at its end; NULL: it did not end by itself
  points         TEXT NOT NULL            -- JSON: [[coordinate, voltage_V, cell_temperature_degC, around_degC], ...], null: unknown
);
CREATE INDEX expected_curve_of_run ON expected_curve(run);
)sql";

/// Version 5: what follows from the rows is stored with them, each figure with its definition.
constexpr std::string_view version_5 = R"sql(
-- What a figure means, in the words of the program that stored it first.
CREATE TABLE definition(
  definition INTEGER PRIMARY KEY,
  figure     INTEGER NOT NULL,            -- its number, for ever: computed in another way it is another figure
  name       TEXT NOT NULL,               -- with its unit
  unit       TEXT NOT NULL,
  at_meaning TEXT NOT NULL,               -- what the column at says; empty: nothing
  text       TEXT NOT NULL
);

-- A figure of a step, written when it ended.
CREATE TABLE step_metric(
  step_metric INTEGER PRIMARY KEY,
  step        INTEGER NOT NULL,
  figure      INTEGER NOT NULL,
  at          REAL NOT NULL,
  value       REAL NOT NULL
);
CREATE INDEX step_metric_of_step ON step_metric(step);

-- A figure of a cycle, written with its row.
CREATE TABLE cycle_metric(
  cycle_metric INTEGER PRIMARY KEY,
  run          INTEGER NOT NULL,
  cycle        INTEGER NOT NULL,
  figure       INTEGER NOT NULL,
  at           REAL NOT NULL,
  value        REAL NOT NULL
);
CREATE INDEX cycle_metric_of_run ON cycle_metric(run, cycle);

-- The least and the most of 256 rows of a step (of fewer at its end).
CREATE TABLE sample_rollup(
  sample_rollup     INTEGER PRIMARY KEY,
  step              INTEGER NOT NULL,
  rowid_before      INTEGER NOT NULL,     -- its rows: rowid_before < rowid <= rowid_last. Rows of other channels lie between
  rowid_last        INTEGER NOT NULL,
  rows              INTEGER NOT NULL,
  from_test_time_ns INTEGER NOT NULL,
  to_test_time_ns   INTEGER NOT NULL,
  voltage_min_V     REAL,
  voltage_max_V     REAL,
  current_min_A     REAL,
  current_max_A     REAL,
  cell_temperature_min_degC    REAL,
  cell_temperature_max_degC    REAL,
  ambient_temperature_min_degC REAL,
  ambient_temperature_max_degC REAL
);
CREATE INDEX sample_rollup_of_step ON sample_rollup(step);

CREATE VIEW v_step_metric AS
SELECT s.run AS run, s.step_count AS step_count, s.cycle AS cycle_count, s.name AS step_name, s.type AS step_type,
       d.name AS figure, x.at AS at, x.value AS value, d.unit AS unit, d.at_meaning AS at_meaning, d.text AS definition
FROM step AS s CROSS JOIN step_metric AS x ON x.step = s.step JOIN definition AS d ON d.figure = x.figure;

CREATE VIEW v_cycle_metric AS
SELECT x.run AS run, x.cycle AS cycle_count, d.name AS figure, x.at AS at, x.value AS value, d.unit AS unit,
       d.at_meaning AS at_meaning, d.text AS definition
FROM cycle_metric AS x JOIN definition AS d ON d.figure = x.figure;
)sql";

/// Version 6: on which way a run is compared with which curve.
constexpr std::string_view version_6 = R"sql(
-- Stored with the curves, before the first row of the run (docs/record.md).
CREATE TABLE expected_way(
  expected_way INTEGER PRIMARY KEY,
  run          INTEGER NOT NULL,
  step_id      INTEGER NOT NULL,          -- as in step: index in the program
  way          TEXT NOT NULL,             -- the same where the same steps were done since the cell was full or empty
  passes       TEXT NOT NULL,             -- of the loops around it, from the outermost: 3.2; up to the next row of that step and way
  execution    INTEGER NOT NULL           -- as in expected_curve; negative: from that execution on nothing was kept
);
CREATE INDEX expected_way_of_run ON expected_way(run);
-- With which of its curves an execution of a step was compared. No row: nothing was expected of it.
CREATE TABLE step_expectation(
  step      INTEGER PRIMARY KEY,
  execution INTEGER NOT NULL              -- as in expected_curve
);
-- Each start asks for trips that nobody has acknowledged.
CREATE INDEX audit_of_run ON audit(run, action);
)sql";

/// Version 7: a step that was interrupted and went on is one step to the view too, as its step_count says.
constexpr std::string_view version_7 = R"sql(
DROP VIEW v_sample;
-- Every Battery Data Format column that is known, by machine name; run, step and the specimen's names beside them.
-- Ask by run or by step: a step's rows are one range of rowids. CROSS JOIN keeps SQLite from choosing another order.
CREATE VIEW v_sample AS
SELECT
  s.run                                         AS run,
  s.step                                        AS step,
  x.test_time_ns / 1e9                          AS test_time_second,
  x.voltage_V                                   AS voltage_volt,
  x.current_A                                   AS current_ampere,
  (coalesce(s.started_utc_ns, r.started_utc_ns + s.started_test_time_ns) + x.test_time_ns - s.started_test_time_ns)
      / 1e9                                     AS unix_time_second,
  s.cycle                                       AS cycle_count,
  s.step_count                                  AS step_count,
  x.ambient_temperature_degC                    AS ambient_temperature_celsius,
  x.voltage_V * x.current_A                     AS power_watt,
  s.step_id                                     AS step_id,
  s.type                                        AS step_type,
  (x.test_time_ns - f.started_test_time_ns) / 1e9 AS step_time_second,
  x.rowid                                       AS record_index,
  x.cell_temperature_degC                       AS surface_temperature_celsius,
  s.run_charge_Ah + x.charge_Ah                 AS charging_capacity_ah,
  s.run_discharge_Ah + x.discharge_Ah           AS discharging_capacity_ah,
  s.run_charge_Wh + x.charge_Wh                 AS charging_energy_wh,
  s.run_discharge_Wh + x.discharge_Wh           AS discharging_energy_wh,
  (s.run_charge_Ah + x.charge_Ah) + (s.run_discharge_Ah + x.discharge_Ah) AS cumulative_capacity_ah,
  (s.run_charge_Wh + x.charge_Wh) + (s.run_discharge_Wh + x.discharge_Wh) AS cumulative_energy_wh,
  (s.run_charge_Ah + x.charge_Ah) - (s.run_discharge_Ah + x.discharge_Ah) AS net_capacity_ah,
  (s.run_charge_Wh + x.charge_Wh) - (s.run_discharge_Wh + x.discharge_Wh) AS net_energy_wh,
  s.cycle_charge_Ah + x.charge_Ah               AS cycle_charging_capacity_ah,
  s.cycle_discharge_Ah + x.discharge_Ah         AS cycle_discharging_capacity_ah,
  s.cycle_charge_Wh + x.charge_Wh               AS cycle_charging_energy_wh,
  s.cycle_discharge_Wh + x.discharge_Wh         AS cycle_discharging_energy_wh,
  (s.cycle_charge_Ah + x.charge_Ah) + (s.cycle_discharge_Ah + x.discharge_Ah) AS cycle_cumulative_capacity_ah,
  (s.cycle_charge_Wh + x.charge_Wh) + (s.cycle_discharge_Wh + x.discharge_Wh) AS cycle_cumulative_energy_wh,
  (s.cycle_charge_Ah + x.charge_Ah) - (s.cycle_discharge_Ah + x.discharge_Ah) AS cycle_net_capacity_ah,
  (s.cycle_charge_Wh + x.charge_Wh) - (s.cycle_discharge_Wh + x.discharge_Wh) AS cycle_net_energy_wh,
  (s.run_charge_Ah - f.run_charge_Ah) + x.charge_Ah AS step_charging_capacity_ah,
  (s.run_discharge_Ah - f.run_discharge_Ah) + x.discharge_Ah AS step_discharging_capacity_ah,
  (s.run_charge_Wh - f.run_charge_Wh) + x.charge_Wh AS step_charging_energy_wh,
  (s.run_discharge_Wh - f.run_discharge_Wh) + x.discharge_Wh AS step_discharging_energy_wh,
  ((s.run_charge_Ah - f.run_charge_Ah) + x.charge_Ah) + ((s.run_discharge_Ah - f.run_discharge_Ah) + x.discharge_Ah) AS step_cumulative_capacity_ah,
  ((s.run_charge_Wh - f.run_charge_Wh) + x.charge_Wh) + ((s.run_discharge_Wh - f.run_discharge_Wh) + x.discharge_Wh) AS step_cumulative_energy_wh,
  ((s.run_charge_Ah - f.run_charge_Ah) + x.charge_Ah) - ((s.run_discharge_Ah - f.run_discharge_Ah) + x.discharge_Ah) AS step_net_capacity_ah,
  ((s.run_charge_Wh - f.run_charge_Wh) + x.charge_Wh) - ((s.run_discharge_Wh - f.run_discharge_Wh) + x.discharge_Wh) AS step_net_energy_wh,
  s.name                                        AS step_name,
  s.in_cycle                                    AS in_cycle,
  s.is_reference                                AS is_reference,
  x.flags                                       AS flags
FROM step AS s
CROSS JOIN run AS r ON r.run = s.run
-- The first part of the step: the only one unless it was interrupted and went on.
CROSS JOIN step AS f ON f.step = (SELECT min(p.step) FROM step AS p WHERE p.run = s.run AND p.step_count = s.step_count)
CROSS JOIN sample AS x
  ON x.rowid > s.sample_rowid_before
 AND x.rowid <= coalesce(s.sample_rowid_last, 9223372036854775807)
 AND x.step = s.step;
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
  static const std::array<Migration, 7> all{
      {{1, schema_text()}, {2, version_2}, {3, version_3}, {4, version_4}, {5, version_5}, {6, version_6}, {7, version_7}}};
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
