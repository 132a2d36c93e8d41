#include "db/reader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "db/expected_points.hpp"
#include "db/lock_file.hpp"
#include "db/migrations.hpp"
#include "db/reader_impl.hpp"

namespace cellrig::db {

namespace {

Severity severity_of(const std::string& text) {
  if (text == "info") return Severity::info;
  if (text == "warning") return Severity::warning;
  if (text == "trip") return Severity::trip;
  return Severity::alarm;
}

constexpr std::string_view run_columns =
    "SELECT r.run, ch.name, c.name, c.specimen, c.specification_text, c.specification_sha256, p.name, p.text, p.text_sha256, "
    "p.program_hash, p.parameters_text, r.bench_text, r.operator_name, r.time_source, r.seed, r.control_period_ns, "
    "r.started_utc_ns, r.software_version, r.host, r.nominal_capacity_Ah, r.synchronous, r.status, r.ended_test_time_ns, "
    "r.ended_utc_ns, r.reason, r.criteria_met FROM run AS r JOIN cell AS c USING(cell) JOIN profile AS p USING(profile) "
    "JOIN channel AS ch USING(channel) ";

RunInfo read_run(const Statement& s) {
  RunInfo info;
  RunRow& row = info.row;
  info.run = s.integer(0);
  row.channel = s.text(1);
  row.cell_name = s.text(2);
  row.cell_id = s.text(3);
  row.cell_text = s.text(4);
  info.cell_sha256 = s.text(5);
  row.profile_name = s.text(6);
  row.profile_text = s.text(7);
  info.profile_sha256 = s.text(8);
  row.program_hash = s.text(9);
  row.parameters_text = s.text(10);
  row.bench_text = s.text(11);
  row.operator_name = s.text(12);
  row.time_source = s.text(13);
  row.seed = static_cast<std::uint64_t>(s.integer(14));
  row.control_period = Duration{s.integer(15)};
  row.started_at = UtcTime{s.integer(16)};
  row.software_version = s.text(17);
  row.host = s.text(18);
  row.nominal_capacity_Ah = s.real(19);
  info.synchronous_full = s.text(20) == "FULL";
  info.status = s.text(21);
  if (!s.is_null(23)) {
    info.end = RunEndRow{info.run, s.integer(22), UtcTime{s.integer(23)}, info.status, s.text(24), s.boolean(25)};
  }
  return info;
}

constexpr std::string_view step_columns =
    "SELECT step, run, step_count, step_id, cycle, in_cycle, is_reference, measures_reference, name, type, setpoint_text, "
    "started_test_time_ns, coalesce(started_utc_ns, 0), run_charge_Ah, run_discharge_Ah, run_charge_Wh, run_discharge_Wh, "
    "cycle_charge_Ah, cycle_discharge_Ah, cycle_charge_Wh, cycle_discharge_Wh, sample_rowid_before, sample_rowid_last, "
    "aux_rowid_before, aux_rowid_last, ended_test_time_ns, end_reason, end_condition, end_value, end_margin, charge_Ah, "
    "discharge_Ah, charge_Wh, discharge_Wh, cv_time_s, cv_charge_Ah, cell_temperature_max_degC, cell_temperature_min_degC, "
    "(SELECT execution FROM step_expectation WHERE step_expectation.step = step.step) FROM step WHERE ";

StepInfo read_step(const Statement& s) {
  StepInfo info;
  StepRow& row = info.row;
  row.step = s.integer(0);
  row.run = s.integer(1);
  row.step_count = s.integer(2);
  row.step_id = s.integer(3);
  row.cycle = s.integer(4);
  row.in_cycle = s.boolean(5);
  row.is_reference = s.boolean(6);
  row.measures_reference = s.boolean(7);
  row.name = s.text(8);
  row.type = s.text(9);
  row.setpoint_text = s.text(10);
  row.started_test_time_ns = s.integer(11);
  row.started_at = UtcTime{s.integer(12)};
  info.run_sums_at_start = Sums{s.real(13), s.real(14), s.real(15), s.real(16)};
  info.cycle_sums_at_start = Sums{s.real(17), s.real(18), s.real(19), s.real(20)};
  info.sample_rowid_before = s.integer(21);
  info.sample_rowid_last = s.optional_integer(22);
  info.aux_rowid_before = s.integer(23);
  info.aux_rowid_last = s.optional_integer(24);
  row.compared_with = s.optional_integer(38);
  if (s.is_null(25)) return info;
  StepEndRow end;
  end.step = row.step;
  end.ended_test_time_ns = s.integer(25);
  end.reason = s.text(26);
  end.condition = s.text(27);
  end.value = s.optional_real(28);
  end.margin = s.optional_real(29);
  end.charge_Ah = s.real(30);
  end.discharge_Ah = s.real(31);
  end.charge_Wh = s.real(32);
  end.discharge_Wh = s.real(33);
  end.cv_time_s = s.real(34);
  end.cv_charge_Ah = s.real(35);
  end.cell_temperature_max_degC = s.optional_real(36);
  end.cell_temperature_min_degC = s.optional_real(37);
  info.end = end;
  return info;
}

CycleRow read_cycle(const Statement& s) {
  CycleRow c;
  c.run = s.integer(0);
  c.cycle = s.integer(1);
  c.is_reference = s.boolean(2);
  c.started_test_time_ns = s.integer(3);
  c.ended_test_time_ns = s.integer(4);
  c.charge_Ah = s.real(5);
  c.discharge_Ah = s.real(6);
  c.charge_Wh = s.real(7);
  c.discharge_Wh = s.real(8);
  c.coulombic_efficiency = s.optional_real(9);
  c.energy_efficiency = s.optional_real(10);
  c.charge_time_s = s.real(11);
  c.cell_temperature_max_degC = s.optional_real(12);
  c.retention = s.optional_real(13);
  return c;
}

EventRow read_event(const Statement& s) {
  EventRow e;
  e.run = s.integer(0);
  e.test_time_ns = s.integer(1);
  e.utc = UtcTime{s.integer(2)};
  e.severity = severity_of(s.text(3));
  e.kind = s.text(4);
  e.message = s.text(5);
  e.value = s.optional_real(6);
  e.limit = s.optional_real(7);
  e.number = s.integer(8);
  return e;
}

template <class Row>
Result<std::vector<Row>> read_all(Connection& connection, std::string_view sql, std::optional<std::int64_t> key,
                                  Row (*read)(const Statement&)) {
  Result<Statement> statement = connection.prepare(sql);
  if (!statement) return statement.error();
  if (key) statement->bind_all(*key);
  std::vector<Row> rows;
  while (true) {
    const Result<bool> row = statement->step("reading");
    if (!row) return row.error();
    if (!*row) return rows;
    rows.push_back(read(*statement));
  }
}

ProofRow read_proof(const Statement& s) {
  ProofRow row{.utc = UtcTime{s.integer(0)}, .operator_name = s.text(1), .bench = s.text(2), .channel = s.text(3)};
  row.instrument = s.text(4);
  row.model = s.text(5);
  row.serial = s.text(6);
  row.firmware = s.text(7);
  row.is_simulated = s.integer(8) != 0;
  row.delay = Duration{s.integer(9)};
  row.silence = Duration{s.integer(10)};
  row.fed_by_measuring = s.integer(11) != 0;
  row.off_within = Duration{s.integer(12)};
  row.fired = s.integer(13) != 0;
  return row;
}

}  // namespace

Result<ReadConnection> open_for_reading(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return fail(Fault::refused, "cannot open " + path + ": " + std::strerror(errno));
  if (S_ISDIR(info.st_mode)) return fail(Fault::refused, path + " is a directory: name a database file in it");
  Result<Connection> connection = Connection::open(path, OpenMode::read);
  if (!connection) return connection.error();
  ReadConnection opened{std::move(*connection), {}};
  Result<void> usable = require_schema(opened.connection, schema_version(), path);
  const int code = sqlite3_errcode(opened.connection.handle()) & 0xff;
  const bool is_log_out_of_reach =
      !usable && usable.error().fault == Fault::refused && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY);
  if (is_log_out_of_reach) {
    // A WAL database needs its -shm file, which cannot be created here (SQLITE_READONLY_DIRECTORY, _CANTINIT): the database
    // file is read as it is. Where a writer lives, -shm exists and this is not reached.
    Result<Connection> immutable = Connection::open(path, OpenMode::immutable);
    if (!immutable) return immutable.error();
    opened.connection = std::move(*immutable);
    struct stat log {};
    if (stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0) {
      opened.note = path +
                    " lies in a place that cannot be written: the newest rows, in its -wal file, are not shown. "
                    "Copy the database and its -wal file together to see them.";
    }
    usable = require_schema(opened.connection, schema_version(), path);
  }
  if (!usable) return usable.error();
  return opened;
}

Reader::Reader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reader::~Reader() = default;
const std::string& Reader::note() const { return impl_->note; }
const std::string& Reader::path() const { return impl_->path; }

Result<std::unique_ptr<Reader>> Reader::open(const std::string& path) {
  Result<ReadConnection> opened = open_for_reading(path);
  if (!opened) return opened.error();
  auto impl = std::make_unique<Impl>(Impl{std::move(opened->connection), path, std::move(opened->note)});
  return std::unique_ptr<Reader>(new Reader(std::move(impl)));
}

Result<std::vector<RunInfo>> Reader::Impl::read_runs(std::string_view where, std::optional<RunKey> run) {
  Result<ReadTransaction> transaction = ReadTransaction::begin(connection);
  if (!transaction) return transaction.error();
  Result<std::vector<RunInfo>> runs = read_all<RunInfo>(connection, std::string(run_columns) + std::string(where), run, read_run);
  if (!runs) return runs;
  const bool is_any_running = std::any_of(runs->begin(), runs->end(), [](const RunInfo& r) { return r.status == "running"; });
  const bool is_written = is_any_running && LockFile::is_held(path);
  for (RunInfo& info : *runs) {
    if (info.status == "running" && !is_written) info.status = "interrupted";
    Result<std::vector<InstrumentRow>> instruments = read_instruments(connection, info.run);
    if (!instruments) return instruments.error();
    info.row.instruments = std::move(*instruments);
    const Result<RunOrigin> origin = read_origin(connection, info.run, info.row);
    if (!origin) return origin.error();
    info.origin = *origin;
  }
  return runs;
}

Result<std::vector<RunInfo>> Reader::runs() { return impl_->read_runs("ORDER BY r.run", std::nullopt); }

Result<RunInfo> Reader::run(RunKey run) {
  Result<std::vector<RunInfo>> found = impl_->read_runs("WHERE r.run = ?", run);
  if (!found) return found.error();
  if (found->empty()) return fail(Fault::refused, "there is no run " + std::to_string(run) + " in " + impl_->path);
  return std::move(found->front());
}

Result<std::vector<StepInfo>> Reader::Impl::read_steps(std::string_view where, std::int64_t key) {
  return read_all<StepInfo>(connection, std::string(step_columns) + std::string(where), key, read_step);
}

Result<std::vector<StepInfo>> Reader::steps(RunKey run) { return impl_->read_steps("run = ? ORDER BY step_count, step", run); }

Result<std::vector<CycleRow>> Reader::cycles(RunKey run) {
  return read_all<CycleRow>(
      impl_->connection,
      "SELECT run, cycle, is_reference, started_test_time_ns, ended_test_time_ns, charge_Ah, discharge_Ah, charge_Wh, "
      "discharge_Wh, coulombic_efficiency, energy_efficiency, charge_time_s, cell_temperature_max_degC, retention "
      "FROM cycle WHERE run = ? ORDER BY cycle, rowid",
      run, read_cycle);
}

Result<std::vector<EventRow>> Reader::events(RunKey run) {
  return read_all<EventRow>(impl_->connection,
                            "SELECT run, test_time_ns, utc_ns, severity, kind, message, value, limit_value, event FROM event "
                            "WHERE run = ? ORDER BY event",
                            run, read_event);
}

Result<std::vector<DeviationRow>> Reader::deviations(RunKey run) {
  return read_all<DeviationRow>(
      impl_->connection,
      "SELECT run, category, from_test_time_ns, to_test_time_ns, from_utc_ns, to_utc_ns, unseen_charge_max_Ah, bounded_by, "
      "description FROM deviation WHERE run = ? ORDER BY deviation",
      run, +[](const Statement& s) {
        DeviationRow row{.run = s.integer(0), .category = s.text(1), .from_test_time_ns = s.integer(2)};
        row.to_test_time_ns = s.optional_integer(3);
        row.from_utc = UtcTime{s.integer(4)};
        if (!s.is_null(5)) row.to_utc = UtcTime{s.integer(5)};
        row.unseen_charge_max_Ah = s.optional_real(6);
        row.bounded_by = s.text(7);
        row.description = s.text(8);
        return row;
      });
}

Result<std::vector<AcknowledgementRow>> Reader::acknowledgements(RunKey run) {
  return read_all<AcknowledgementRow>(
      impl_->connection, "SELECT run, utc_ns, operator_name, reason FROM acknowledgement WHERE run = ? ORDER BY acknowledgement",
      run, +[](const Statement& s) {
        return AcknowledgementRow{s.integer(0), UtcTime{s.integer(1)}, s.text(2), s.text(3)};
      });
}

Result<std::vector<ExpectedCurveRow>> Reader::expected_curves(RunKey run) {
  Result<Statement> select = impl_->connection.prepare(
      "SELECT run, step_id, execution, coordinate, ends_at, points FROM expected_curve WHERE run = ? ORDER BY step_id, "
      "execution");
  if (!select) return select.error();
  select->bind_all(run);
  std::vector<ExpectedCurveRow> rows;
  while (true) {
    const Result<bool> found = select->step("reading what was expected of a run");
    if (!found) return found.error();
    if (!*found) return rows;
    Result<std::vector<ExpectedPointRow>> points = points_of(select->text(5));
    if (!points) return points.error();
    rows.push_back(ExpectedCurveRow{select->integer(0), select->integer(1), select->integer(2), select->text(3),
                                    select->optional_real(4), std::move(*points)});
  }
}

Result<std::vector<ExpectedWayRow>> Reader::expected_ways(RunKey run) {
  return read_all<ExpectedWayRow>(
      impl_->connection,
      "SELECT run, step_id, way, passes, execution FROM expected_way WHERE run = ? ORDER BY step_id, way, expected_way", run,
      +[](const Statement& s) {
        return ExpectedWayRow{s.integer(0), s.integer(1), s.text(2), s.text(3), s.integer(4)};
      });
}

Result<std::vector<ProofRow>> Reader::proofs(const std::string& model, const std::string& serial, const std::string& firmware) {
  Result<Statement> select = impl_->connection.prepare(
      "SELECT utc_ns, operator_name, bench, channel, instrument, model, serial, firmware, is_simulated, delay_ns, silence_ns, "
      "fed_by_measuring, off_within_ns, fired FROM instrument_proof WHERE model = ? AND serial = ? AND firmware = ? "
      "ORDER BY instrument_proof");
  if (!select) return select.error();
  select->bind_all(model, serial, firmware);
  std::vector<ProofRow> rows;
  while (true) {
    const Result<bool> row = select->step("reading what watchdogs were seen to do");
    if (!row) return row.error();
    if (!*row) return rows;
    rows.push_back(read_proof(*select));
  }
}

namespace {
AuditRow audit_row_of(const Statement& s) {
  return AuditRow{UtcTime{s.integer(0)}, s.integer(1), s.text(2), s.text(3), s.text(4), s.text(5), s.text(6), s.text(7)};
}
}  // namespace

Result<std::vector<AuditRow>> Reader::audit() {
  return read_all<AuditRow>(
      impl_->connection, "SELECT utc_ns, run, operator_name, origin, verb, action, reason, detail FROM audit ORDER BY audit",
      std::nullopt, +[](const Statement& s) { return audit_row_of(s); });
}

Result<std::string> Reader::last_audit_detail(const std::string& action) {
  Result<Statement> select = impl_->connection.prepare("SELECT detail FROM audit WHERE action = ?1 ORDER BY audit DESC LIMIT 1");
  if (!select) return select.error();
  select->bind_all(action);
  const Result<bool> row = select->step("reading the audit trail");
  if (!row) return row.error();
  return *row ? select->text(0) : std::string{};
}

Result<void> Reader::for_each_audit(const std::string& action, const std::function<bool(const AuditRow&)>& visit) {
  Result<Statement> select = impl_->connection.prepare(
      "SELECT utc_ns, run, operator_name, origin, verb, action, reason, detail FROM audit WHERE action = ?1 ORDER BY audit");
  if (!select) return select.error();
  select->bind_all(action);
  while (true) {
    const Result<bool> row = select->step("reading the audit trail");
    if (!row) return row.error();
    if (!*row || !visit(audit_row_of(*select))) return {};
  }
}

Result<std::vector<RunKey>> Reader::unacknowledged_trips(const std::string& channel, const std::string& cell_name,
                                                         const std::string& cell_id) {
  Result<Statement> select = impl_->connection.prepare(
      "SELECT r.run FROM run AS r JOIN channel AS ch USING(channel) JOIN cell AS c USING(cell) "
      "WHERE (ch.name = ?1 OR (c.specimen <> '' AND c.specimen = ?3 AND c.name = ?2)) AND r.time_source <> 'virtual' "
      "AND (r.status = 'tripped' OR EXISTS(SELECT 1 FROM event AS e WHERE e.run = r.run AND e.severity = 'trip') "
      "OR EXISTS(SELECT 1 FROM audit AS a WHERE a.run = r.run AND a.action = ?4)) "
      "AND coalesce((SELECT max(a.audit) FROM audit AS a WHERE a.run = r.run AND a.action = 'trip acknowledged'), 0) < "
      "coalesce((SELECT max(a.audit) FROM audit AS a WHERE a.run = r.run AND a.action IN ('trip', ?4)), 1) "
      "ORDER BY r.run DESC");
  if (!select) return select.error();
  select->bind_all(channel, cell_name, cell_id, std::string(heat_after_end_event));
  std::vector<RunKey> trips;
  while (true) {
    const Result<bool> row = select->step("looking for trips that nobody acknowledged");
    if (!row) return row.error();
    if (!*row) return trips;
    trips.push_back(select->integer(0));
  }
}

Result<std::optional<RunKey>> Reader::unacknowledged_trip(const std::string& channel, const std::string& cell_name,
                                                          const std::string& cell_id) {
  const Result<std::vector<RunKey>> trips = unacknowledged_trips(channel, cell_name, cell_id);
  if (!trips) return trips.error();
  return trips->empty() ? std::optional<RunKey>{} : std::optional<RunKey>{trips->front()};
}

Result<std::optional<std::string>> Reader::unacknowledged_heat(const std::string& channel) {
  Result<Statement> select = impl_->connection.prepare(
      "SELECT action, reason FROM audit WHERE run = 0 AND action IN (?1, ?2) ORDER BY audit DESC LIMIT 1");
  if (!select) return select.error();
  const std::string found = heat_without_run_action(channel), seen = heat_seen_action(channel);
  select->bind_all(found, seen);
  const Result<bool> row = select->step("looking for heat that nobody acknowledged");
  if (!row) return row.error();
  if (!*row || select->text(0) != found) return std::optional<std::string>{};
  return std::optional<std::string>{select->text(1)};
}

Result<bool> Reader::is_last_trip_acknowledged(RunKey run) {
  // By the order of the audit trail: the clocks of a simulated run and of whoever acknowledges it differ.
  Result<Statement> select = impl_->connection.prepare(
      "SELECT coalesce(max(CASE action WHEN 'trip acknowledged' THEN audit END), 0) >= "
      "coalesce(max(CASE WHEN action IN ('trip', ?2) THEN audit END), 1) FROM audit WHERE run = ?1");
  if (!select) return select.error();
  select->bind_all(run, std::string(heat_after_end_event));
  const Result<bool> row = select->step("looking for an acknowledgement");
  if (!row) return row.error();
  return *row && select->integer(0) != 0;
}

Result<std::optional<ResumeState>> Reader::resume_point(RunKey run) {
  Result<std::vector<ResumeState>> rows = read_all<ResumeState>(
      impl_->connection, "SELECT sample_rowid, state FROM resume_point WHERE run = ?", run, +[](const Statement& s) {
        const std::span<const std::byte> state = s.blob(1);
        return ResumeState{s.integer(0), {state.begin(), state.end()}};
      });
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<ResumeState>{};
  return std::optional<ResumeState>{std::move(rows->front())};
}

}  // namespace cellrig::db
