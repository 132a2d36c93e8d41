-- The record, version 1. Later versions are numbered migrations on top of this file (db/migrations.cpp).
--
-- * Units are part of the column name. Times are integers: nanoseconds of test time, or nanoseconds of UTC since 1970.
-- * Positive current charges the cell. Charge and discharge are kept apart, both >= 0.
-- * Nothing is ever deleted from sample and aux_sample: their rowids run 1, 2, 3, ... without a hole, and step keeps the
--   range of rowids in which its rows lie. That is the only index they need, and VACUUM keeps it true.

CREATE TABLE meta(
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

INSERT INTO meta VALUES('format', 'cellrig record');

CREATE TABLE cell(
  cell                 INTEGER PRIMARY KEY,
  name                 TEXT NOT NULL,     -- of the cell file: which kind of cell
  specimen             TEXT NOT NULL,     -- this one: serial number or barcode; may be empty
  specification_text   TEXT NOT NULL,     -- the cell file as it was read
  specification_sha256 TEXT NOT NULL
);

CREATE TABLE equipment(
  equipment INTEGER PRIMARY KEY,
  name      TEXT NOT NULL,                -- in the bench file
  model     TEXT NOT NULL,
  maker     TEXT NOT NULL,
  serial    TEXT NOT NULL,
  firmware  TEXT NOT NULL,
  address   TEXT NOT NULL                 -- belongs to the host: not part of "same record"
);

CREATE TABLE channel(
  channel   INTEGER PRIMARY KEY,
  name      TEXT NOT NULL,
  equipment INTEGER REFERENCES equipment  -- the cycler; NULL when the run named none
);

CREATE TABLE profile(
  profile         INTEGER PRIMARY KEY,
  name            TEXT NOT NULL,
  text            TEXT NOT NULL,          -- as it was read
  text_sha256     TEXT NOT NULL,
  parameters_text TEXT NOT NULL,          -- "name = value" lines
  program_hash    TEXT NOT NULL           -- of what it compiled to
);

CREATE TABLE run(
  run                  INTEGER PRIMARY KEY,
  channel              INTEGER NOT NULL REFERENCES channel,
  cell                 INTEGER NOT NULL REFERENCES cell,
  profile              INTEGER NOT NULL REFERENCES profile,
  bench_text           TEXT NOT NULL,
  operator_name        TEXT NOT NULL,
  time_source          TEXT NOT NULL,     -- real, virtual, lockstep
  seed                 INTEGER NOT NULL,  -- 64 bits; shown negative from 2^63 on
  control_period_ns    INTEGER NOT NULL,
  nominal_capacity_Ah  REAL NOT NULL,
  started_utc_ns       INTEGER NOT NULL,
  synchronous          TEXT NOT NULL,     -- FULL: committed rows survive a loss of power; OFF: only the end of a process
  software_version     TEXT NOT NULL,     -- host column
  host                 TEXT NOT NULL,     -- host column
  ended_test_time_ns   INTEGER,           -- NULL, as the three below: running, or the process ended without a word
  ended_utc_ns         INTEGER,
  status               TEXT NOT NULL DEFAULT 'running',
  reason               TEXT,
  criteria_met         INTEGER
);

CREATE TABLE run_equipment(
  run       INTEGER NOT NULL REFERENCES run,
  position  INTEGER NOT NULL,             -- order in the bench file
  role      TEXT NOT NULL,                -- cycler, chamber, logger
  equipment INTEGER NOT NULL REFERENCES equipment,
  PRIMARY KEY(run, position)
) WITHOUT ROWID;

CREATE TABLE step(
  step                 INTEGER PRIMARY KEY,
  run                  INTEGER NOT NULL REFERENCES run,
  step_count           INTEGER NOT NULL,  -- +1 at each execution, from 1, never repeats
  step_id              INTEGER NOT NULL,  -- index in the program; repeats in loops
  cycle                INTEGER NOT NULL,  -- the program's own counter
  in_cycle             INTEGER NOT NULL,  -- 0: preparation, between cycles
  is_reference         INTEGER NOT NULL,  -- part of a reference performance test
  measures_reference   INTEGER NOT NULL,  -- its net charge is the reference capacity
  name                 TEXT NOT NULL,
  type                 TEXT NOT NULL,     -- Battery Data Format step type
  setpoint_text        TEXT NOT NULL,
  started_test_time_ns INTEGER NOT NULL,
  started_utc_ns       INTEGER,           -- NULL: test time ran on without a break since the run began
  -- Where its rows lie: rowid_before < rowid <= rowid_last (NULL while it runs). Rows of other channels lie between.
  sample_rowid_before  INTEGER NOT NULL,
  sample_rowid_last    INTEGER,
  aux_rowid_before     INTEGER NOT NULL,
  aux_rowid_last       INTEGER,
  -- Sums when it began, since the start of the run and of the cycle: v_sample adds the row's own.
  run_charge_Ah        REAL NOT NULL,
  run_discharge_Ah     REAL NOT NULL,
  run_charge_Wh        REAL NOT NULL,
  run_discharge_Wh     REAL NOT NULL,
  cycle_charge_Ah      REAL NOT NULL,
  cycle_discharge_Ah   REAL NOT NULL,
  cycle_charge_Wh      REAL NOT NULL,
  cycle_discharge_Wh   REAL NOT NULL,
  -- How it ended. All NULL while it runs.
  ended_test_time_ns   INTEGER,
  end_reason           TEXT,              -- condition, time bound, stopped, tripped, skipped, link lost, interrupted
  end_condition        TEXT,              -- as the profile says it
  end_value            REAL,              -- the deciding quantity, measured
  end_margin           REAL,              -- value - threshold
  charge_Ah            REAL,
  discharge_Ah         REAL,
  charge_Wh            REAL,
  discharge_Wh         REAL,
  cv_time_s            REAL,              -- under voltage regulation, by the regulator's own word
  cv_charge_Ah         REAL,
  cell_temperature_max_degC REAL,
  cell_temperature_min_degC REAL
);
CREATE INDEX step_of_run ON step(run, step_count);

-- The hot row: at most 80 bytes on disk. Sums count from the start of the step.
CREATE TABLE sample(
  step                     INTEGER,
  test_time_ns             INTEGER,
  flags                    INTEGER,       -- 1 output on, 2 CV, 4 first, 8 last of step, 16 CP, 32 CR, 64 after a gap
  voltage_V                REAL,
  current_A                REAL,
  cell_temperature_degC    REAL,          -- NULL: not measured
  ambient_temperature_degC REAL,          -- NULL: not measured
  charge_Ah                REAL,
  discharge_Ah             REAL,
  charge_Wh                REAL,
  discharge_Wh             REAL
);

CREATE TABLE quantity(
  quantity INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE           -- with its unit: chamber_temperature_degC
);

CREATE TABLE aux_sample(
  step         INTEGER,
  test_time_ns INTEGER,
  quantity     INTEGER,
  value        REAL                       -- NULL: not a number
);

CREATE TABLE cycle(
  run                  INTEGER NOT NULL REFERENCES run,
  cycle                INTEGER NOT NULL,
  is_reference         INTEGER NOT NULL,
  started_test_time_ns INTEGER NOT NULL,
  ended_test_time_ns   INTEGER NOT NULL,
  charge_Ah            REAL NOT NULL,
  discharge_Ah         REAL NOT NULL,
  charge_Wh            REAL NOT NULL,
  discharge_Wh         REAL NOT NULL,
  coulombic_efficiency REAL,              -- discharge / charge of this cycle
  energy_efficiency    REAL,
  charge_time_s        REAL NOT NULL,     -- in charging steps
  cell_temperature_max_degC REAL,
  retention            REAL               -- reference capacity / first reference capacity
);
CREATE INDEX cycle_of_run ON cycle(run, cycle);

CREATE TABLE event(
  event        INTEGER PRIMARY KEY,
  run          INTEGER NOT NULL,          -- 0: the bench as a whole
  test_time_ns INTEGER NOT NULL,
  utc_ns       INTEGER NOT NULL,
  severity     TEXT NOT NULL,             -- info, warning, alarm, trip
  kind         TEXT NOT NULL,
  message      TEXT NOT NULL,
  value        REAL,
  limit_value  REAL
);
CREATE INDEX event_of_run ON event(run);

-- Reserved: who did what through the interface, each row naming the digest of the one before it.
CREATE TABLE audit(
  audit           INTEGER PRIMARY KEY,
  utc_ns          INTEGER NOT NULL,
  actor           TEXT NOT NULL,
  action          TEXT NOT NULL,
  detail          TEXT NOT NULL,
  previous_sha256 TEXT NOT NULL,
  sha256          TEXT NOT NULL
);

CREATE TABLE resume_point(
  run          INTEGER PRIMARY KEY,
  sample_rowid INTEGER NOT NULL,          -- the last sample row it knows of
  state        BLOB NOT NULL              -- opaque, versioned by the engine
);

-- Every Battery Data Format column that is known, by machine name; run, step and the specimen's names beside them. Version 7
-- (db/migrations.cpp) puts another in its place, which counts a step that was interrupted and went on as one.
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
  (x.test_time_ns - s.started_test_time_ns) / 1e9 AS step_time_second,
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
  x.charge_Ah                                   AS step_charging_capacity_ah,
  x.discharge_Ah                                AS step_discharging_capacity_ah,
  x.charge_Wh                                   AS step_charging_energy_wh,
  x.discharge_Wh                                AS step_discharging_energy_wh,
  x.charge_Ah + x.discharge_Ah                  AS step_cumulative_capacity_ah,
  x.charge_Wh + x.discharge_Wh                  AS step_cumulative_energy_wh,
  x.charge_Ah - x.discharge_Ah                  AS step_net_capacity_ah,
  x.charge_Wh - x.discharge_Wh                  AS step_net_energy_wh,
  s.name                                        AS step_name,
  s.in_cycle                                    AS in_cycle,
  s.is_reference                                AS is_reference,
  x.flags                                       AS flags
FROM step AS s
CROSS JOIN run AS r ON r.run = s.run
CROSS JOIN sample AS x
  ON x.rowid > s.sample_rowid_before
 AND x.rowid <= coalesce(s.sample_rowid_last, 9223372036854775807)
 AND x.step = s.step;

-- Quantities that are not in the hot row, by name.
CREATE VIEW v_aux AS
SELECT s.run AS run, s.step AS step, s.cycle AS cycle_count, x.test_time_ns / 1e9 AS test_time_second,
       q.name AS quantity, x.value AS value
FROM step AS s
CROSS JOIN aux_sample AS x
  ON x.rowid > s.aux_rowid_before
 AND x.rowid <= coalesce(s.aux_rowid_last, 9223372036854775807)
 AND x.step = s.step
JOIN quantity AS q ON q.quantity = x.quantity;

-- One row per cycle, as it was written live, with what follows from it by division. No public format names these columns;
-- the names follow the Battery Data Format's style.
CREATE VIEW v_cycle AS
SELECT
  run,
  cycle                                         AS cycle_count,
  is_reference,
  started_test_time_ns / 1e9                    AS started_test_time_second,
  ended_test_time_ns / 1e9                      AS ended_test_time_second,
  charge_Ah                                     AS charging_capacity_ah,
  discharge_Ah                                  AS discharging_capacity_ah,
  charge_Wh                                     AS charging_energy_wh,
  discharge_Wh                                  AS discharging_energy_wh,
  coulombic_efficiency,
  energy_efficiency,
  charge_Wh / nullif(charge_Ah, 0)              AS charging_mean_voltage_volt,
  discharge_Wh / nullif(discharge_Ah, 0)        AS discharging_mean_voltage_volt,
  (discharge_Wh / nullif(discharge_Ah, 0)) / (charge_Wh / nullif(charge_Ah, 0)) AS voltage_efficiency,
  charge_time_s                                 AS charging_time_second,
  cell_temperature_max_degC                     AS surface_temperature_maximum_celsius,
  retention                                     AS capacity_retention
FROM cycle;
