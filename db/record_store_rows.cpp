// The rows that are written once in a while: runs, steps, cycles, events, and the sums a step starts from.
#include <algorithm>
#include <array>

#include "db/expected_points.hpp"
#include "db/record_store.hpp"
#include "db/sha256.hpp"

namespace cellrig::db {

namespace {

Sums plus(const Sums& a, const Sums& b) {
  return {a.charge_Ah + b.charge_Ah, a.discharge_Ah + b.discharge_Ah, a.charge_Wh + b.charge_Wh, a.discharge_Wh + b.discharge_Wh};
}

std::string_view to_text(Severity severity) {
  switch (severity) {
    case Severity::info: return "info";
    case Severity::warning: return "warning";
    case Severity::alarm: return "alarm";
    case Severity::trip: return "trip";
  }
  return "alarm";
}

Sums read_sums(const Statement& row, int first) {
  return {row.real(first), row.real(first + 1), row.real(first + 2), row.real(first + 3)};
}

}  // namespace

Result<std::int64_t> RecordStore::find_or_insert(Source source, std::span<const std::string_view> columns,
                                                 std::span<const std::string> values) {
  const std::string_view table = source_tables()[index_of(source)].table;
  std::string find = "SELECT rowid FROM " + std::string(table) + " WHERE ";
  std::string names;
  std::string marks;
  for (const std::string_view column : columns) {
    const bool is_first = names.empty();
    find += std::string(is_first ? "" : " AND ") + std::string(column) + " = ?";
    names += std::string(is_first ? "" : ", ") + std::string(column);
    marks += is_first ? "?" : ",?";
  }
  const auto bind = [&values](Statement& statement) {
    for (std::size_t i = 0; i < values.size(); ++i) statement.bind(static_cast<int>(i) + 1, values[i]);
  };
  Result<Statement> search = connection_.prepare(find);
  if (!search) return search.error();
  bind(*search);
  const Result<bool> found = search->step("looking up the " + std::string(table));
  if (!found) return found.error();
  if (*found) return search->integer(0);
  Result<Statement> insert = connection_.prepare("INSERT INTO " + std::string(table) + "(" + names + ") VALUES(" + marks + ")");
  if (!insert) return insert.error();
  bind(*insert);
  if (const Result<void> done = insert->run("storing the " + std::string(table)); !done) return done.error();
  chain_.touch(source);
  return static_cast<std::int64_t>(sqlite3_last_insert_rowid(connection_.handle()));
}

Result<std::int64_t> RecordStore::channel(const std::string& name, std::optional<std::int64_t> equipment) {
  Result<Statement> search = connection_.prepare("SELECT channel FROM channel WHERE name = ? AND equipment IS ?");
  if (!search) return search.error();
  search->bind_all(name, equipment);
  const Result<bool> found = search->step("looking up the channel");
  if (!found) return found.error();
  if (*found) return search->integer(0);
  Result<Statement> insert = connection_.prepare("INSERT INTO channel(name, equipment) VALUES(?, ?)");
  if (!insert) return insert.error();
  insert->bind_all(name, equipment);
  if (const Result<void> done = insert->run("storing the channel"); !done) return done.error();
  chain_.touch(Source::channel);
  return static_cast<std::int64_t>(sqlite3_last_insert_rowid(connection_.handle()));
}

Result<std::vector<std::int64_t>> RecordStore::equipment_of(const RunRow& run) {
  static constexpr std::array<std::string_view, 6> columns{"name", "model", "maker", "serial", "firmware", "address"};
  std::vector<std::int64_t> keys;
  for (const InstrumentRow& i : run.instruments) {
    const std::array<std::string, 6> values{i.name, i.model, i.maker, i.serial, i.firmware, i.address};
    const Result<std::int64_t> key = find_or_insert(Source::equipment, columns, values);
    if (!key) return key.error();
    keys.push_back(*key);
  }
  return keys;
}

Result<void> RecordStore::begin_run(RunKey key, const RunRow& run) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  static constexpr std::array<std::string_view, 4> cell_columns{"name", "specimen", "specification_text", "specification_sha256"};
  const std::array<std::string, 4> cell_values{run.cell_name, run.cell_id, run.cell_text, sha256_hex(run.cell_text)};
  const Result<std::int64_t> cell = find_or_insert(Source::cell, cell_columns, cell_values);
  if (!cell) return cell.error();
  static constexpr std::array<std::string_view, 5> profile_columns{"name", "text", "text_sha256", "parameters_text",
                                                                   "program_hash"};
  const std::array<std::string, 5> profile_values{run.profile_name, run.profile_text, sha256_hex(run.profile_text),
                                                  run.parameters_text, run.program_hash};
  const Result<std::int64_t> profile = find_or_insert(Source::profile, profile_columns, profile_values);
  if (!profile) return profile.error();
  const Result<std::vector<std::int64_t>> equipment = equipment_of(run);
  if (!equipment) return equipment.error();
  const auto cycler =
      std::find_if(run.instruments.begin(), run.instruments.end(), [](const InstrumentRow& i) { return i.role == "cycler"; });
  std::optional<std::int64_t> cycler_key;
  if (cycler != run.instruments.end()) {
    cycler_key = (*equipment)[static_cast<std::size_t>(cycler - run.instruments.begin())];
  }
  const Result<std::int64_t> channel_key = channel(run.channel, cycler_key);
  if (!channel_key) return channel_key.error();
  sql_.begin_run.bind_all(key, *channel_key, *cell, *profile, run.bench_text, run.operator_name, run.time_source,
                          static_cast<std::int64_t>(run.seed), static_cast<std::int64_t>(run.control_period.count()),
                          run.nominal_capacity_Ah, run.started_at.ns_since_epoch,
                          std::string_view{synchronous_full_ ? "FULL" : "OFF"}, run.software_version, run.host);
  if (const Result<void> done = sql_.begin_run.run("storing the run"); !done) return done;
  chain_.touch(Source::run);
  chain_.touch(Source::run_equipment);
  Result<Statement> link = connection_.prepare("INSERT INTO run_equipment(run, position, role, equipment) VALUES(?,?,?,?)");
  if (!link) return link.error();
  for (std::size_t i = 0; i < equipment->size(); ++i) {
    link->bind_all(key, static_cast<std::int64_t>(i), run.instruments[i].role, (*equipment)[i]);
    if (const Result<void> done = link->run("storing the run's equipment"); !done) return done;
  }
  derived_.begin_run(key, run.nominal_capacity_Ah);
  runs_.emplace(key, RunState{});
  return {};
}

/// A run that this recorder did not begin is one that goes on after an interruption: its sums are read back.
Result<RecordStore::RunState*> RecordStore::run_state(RunKey run) {
  if (const auto known = runs_.find(run); known != runs_.end()) return &known->second;
  Result<Statement> last = connection_.prepare(
      "SELECT step, sample_rowid_last IS NULL, cycle, run_charge_Ah, run_discharge_Ah, run_charge_Wh, run_discharge_Wh, "
      "cycle_charge_Ah, cycle_discharge_Ah, cycle_charge_Wh, cycle_discharge_Wh, coalesce(charge_Ah, 0), "
      "coalesce(discharge_Ah, 0), coalesce(charge_Wh, 0), coalesce(discharge_Wh, 0) "
      "FROM step WHERE run = ? ORDER BY step_count DESC, step DESC LIMIT 1");
  if (!last) return last.error();
  last->bind_all(run);
  const Result<bool> found = last->step("reading the run's last step");
  if (!found) return found.error();
  RunState state;
  if (*found) {
    state.cycle = last->integer(2);
    state.run_sums = plus(read_sums(*last, 3), read_sums(*last, 11));
    state.cycle_sums = plus(read_sums(*last, 7), read_sums(*last, 11));
    if (last->boolean(1)) state.open_step = last->integer(0);
  }
  last->reset();
  if (const Result<void> done = derived_.go_on(run); !done) return done.error();
  return &runs_.insert_or_assign(run, state).first->second;
}

Result<RecordStore::StepStart> RecordStore::load_step_start(StepKey step) {
  Result<Statement> row = connection_.prepare(
      "SELECT run, cycle, run_charge_Ah, run_discharge_Ah, run_charge_Wh, run_discharge_Wh, cycle_charge_Ah, "
      "cycle_discharge_Ah, cycle_charge_Wh, cycle_discharge_Wh FROM step WHERE step = ?");
  if (!row) return row.error();
  row->bind_all(step);
  const Result<bool> found = row->step("reading a step");
  if (!found) return found.error();
  if (!*found) return fail(Fault::refused, "step " + std::to_string(step) + " ended, but was never begun");
  return StepStart{row->integer(0), row->integer(1), read_sums(*row, 2), read_sums(*row, 6)};
}

/// The process that ran this step ended without a word: its last sample tells how far it came.
Result<void> RecordStore::close_interrupted(StepKey step) {
  Result<Statement> last = connection_.prepare(
      "SELECT x.test_time_ns, x.charge_Ah, x.discharge_Ah, x.charge_Wh, x.discharge_Wh, s.started_test_time_ns "
      "FROM step AS s LEFT JOIN sample AS x ON x.rowid = (SELECT rowid FROM sample WHERE rowid > s.sample_rowid_before "
      "AND step = s.step ORDER BY rowid DESC LIMIT 1) WHERE s.step = ?");
  if (!last) return last.error();
  last->bind_all(step);
  const Result<bool> found = last->step("reading an interrupted step");
  if (!found) return found.error();
  StepEndRow end;
  end.step = step;
  end.reason = "interrupted";
  if (*found) {
    end.ended_test_time_ns = last->is_null(0) ? last->integer(5) : last->integer(0);
    const Sums sums = read_sums(*last, 1);
    end.charge_Ah = sums.charge_Ah;
    end.discharge_Ah = sums.discharge_Ah;
    end.charge_Wh = sums.charge_Wh;
    end.discharge_Wh = sums.discharge_Wh;
    last->reset();
  }
  return end_step(end);
}

/// A run that goes on is running, whatever was written when it stopped; the events keep the history.
Result<void> RecordStore::reopen_run(RunKey run) {
  Result<Statement> update = connection_.prepare(
      "UPDATE run SET status = 'running', reason = NULL, ended_test_time_ns = NULL, ended_utc_ns = NULL, "
      "criteria_met = NULL WHERE run = ?");
  if (!update) return update.error();
  update->bind_all(run);
  if (const Result<void> done = update->run("reopening a run"); !done) return done;
  return chain_.revise(Subject::run_end, run);
}

/// Whoever holds the lock is the only writer: a run that says "running" now has lost its process.
Result<void> RecordStore::mark_interrupted_runs() {
  Result<Statement> running = connection_.prepare("SELECT run FROM run WHERE status = 'running' ORDER BY run");
  if (!running) return running.error();
  std::vector<RunKey> runs;
  for (Result<bool> row = running->step("reading runs"); !row || *row; row = running->step("reading runs")) {
    if (!row) return row.error();
    runs.push_back(running->integer(0));
  }
  if (runs.empty()) return {};
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  Result<Statement> update = connection_.prepare("UPDATE run SET status = 'interrupted' WHERE run = ?");
  if (!update) return update.error();
  for (const RunKey run : runs) {
    update->bind_all(run);
    if (const Result<void> done = update->run("marking an interrupted run"); !done) return done;
    if (const Result<void> done = chain_.revise(Subject::run_end, run); !done) return done;
  }
  return commit();
}

Result<void> RecordStore::resume_run(RunKey run) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  if (const Result<RunState*> state = run_state(run); !state) return state.error();
  return reopen_run(run);
}

Result<void> RecordStore::begin_step(const StepRow& step) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  if (step.step <= chain_.sealed_key(Source::step)) {
    return fail(Fault::refused, "step " + std::to_string(step.step) + " begins after a later one: keys are used in their order");
  }
  const bool goes_on = !runs_.contains(step.run);
  const Result<RunState*> state = run_state(step.run);
  if (!state) return state.error();
  if (goes_on) {
    if (const Result<void> done = reopen_run(step.run); !done) return done;
  }
  RunState& run = **state;
  if (run.open_step != 0) {
    if (const Result<void> done = close_interrupted(run.open_step); !done) return done;
  }
  if (step.cycle != run.cycle) run.cycle_sums = Sums{};
  run.cycle = step.cycle;
  std::optional<std::int64_t> started_utc;
  if (step.started_at.ns_since_epoch != 0) started_utc = step.started_at.ns_since_epoch;
  const Sums& r = run.run_sums;
  const Sums& c = run.cycle_sums;
  sql_.begin_step.bind_all(step.step, step.run, step.step_count, step.step_id, step.cycle, step.in_cycle, step.is_reference,
                           step.measures_reference, step.name, step.type, step.setpoint_text, step.started_test_time_ns,
                           started_utc, sample_rowid_, aux_rowid_, r.charge_Ah, r.discharge_Ah, r.charge_Wh, r.discharge_Wh,
                           c.charge_Ah, c.discharge_Ah, c.charge_Wh, c.discharge_Wh);
  if (const Result<void> done = sql_.begin_step.run("storing a step"); !done) return done;
  chain_.touch(Source::step);
  if (step.compared_with) {
    sql_.step_expectation.bind_all(step.step, *step.compared_with);
    if (const Result<void> done = sql_.step_expectation.run("storing what a step is compared with"); !done) return done;
    chain_.touch(Source::step_expectation);
  }
  run.open_step = step.step;
  open_steps_.insert_or_assign(step.step, StepStart{step.run, step.cycle, r, c});
  derived_.begin_step(step);
  return {};
}

Result<void> RecordStore::end_step(const StepEndRow& end) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  StepStart start;
  if (const auto known = open_steps_.find(end.step); known != open_steps_.end()) {
    start = known->second;
    open_steps_.erase(known);
  } else {
    const Result<StepStart> loaded = load_step_start(end.step);
    if (!loaded) return loaded.error();
    start = *loaded;
  }
  const Result<RunState*> state = run_state(start.run);
  if (!state) return state.error();
  // From where the step started, not from where the run stands: ending a step twice cannot count its charge twice.
  const Sums sums{end.charge_Ah, end.discharge_Ah, end.charge_Wh, end.discharge_Wh};
  RunState& run = **state;
  run.cycle = start.cycle;
  run.run_sums = plus(start.run_sums, sums);
  run.cycle_sums = plus(start.cycle_sums, sums);
  if (run.open_step == end.step) run.open_step = 0;
  sql_.end_step.bind_all(end.step, sample_rowid_, aux_rowid_, end.ended_test_time_ns, end.reason, end.condition, end.value,
                         end.margin, end.charge_Ah, end.discharge_Ah, end.charge_Wh, end.discharge_Wh, end.cv_time_s,
                         end.cv_charge_Ah, end.cell_temperature_max_degC, end.cell_temperature_min_degC);
  if (const Result<void> done = sql_.end_step.run("storing the end of a step"); !done) return done;
  if (const Result<void> done = derived_.end_step(end, sample_rowid_); !done) return done;
  if (const Result<void> done = chain_.revise(Subject::step_end, end.step); !done) return done;
  return chain_.revise(Subject::step_range, end.step);
}

Result<void> RecordStore::write(const CycleRow& c) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  sql_.cycle.bind_all(c.run, c.cycle, c.is_reference, c.started_test_time_ns, c.ended_test_time_ns, c.charge_Ah, c.discharge_Ah,
                      c.charge_Wh, c.discharge_Wh, c.coulombic_efficiency, c.energy_efficiency, c.charge_time_s,
                      c.cell_temperature_max_degC, c.retention);
  chain_.touch(Source::cycle);
  if (const Result<void> done = derived_.end_cycle(c); !done) return done;
  return sql_.cycle.run("storing a cycle");
}

Result<void> RecordStore::write(const EventRow& event) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  sql_.event.bind_all(event.run, event.test_time_ns, event.utc.ns_since_epoch, to_text(event.severity), event.kind, event.message,
                      event.value, event.limit);
  chain_.touch(Source::event);
  return sql_.event.run("storing an event");
}

Result<void> RecordStore::write(const AuditRow& row) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  sql_.audit.bind_all(row.utc.ns_since_epoch, row.run, row.operator_name, row.origin, row.verb, row.action, row.reason,
                      row.detail);
  chain_.touch(Source::audit);
  return sql_.audit.run("storing a row of the audit trail");
}

Result<void> RecordStore::write(const DeviationRow& row) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  std::optional<std::int64_t> to_utc_ns;
  if (row.to_utc) to_utc_ns = row.to_utc->ns_since_epoch;
  sql_.deviation.bind_all(row.run, row.category, row.from_test_time_ns, row.to_test_time_ns, row.from_utc.ns_since_epoch,
                          to_utc_ns, row.unseen_charge_max_Ah, row.bounded_by, row.description);
  chain_.touch(Source::deviation);
  return sql_.deviation.run("storing a deviation");
}

Result<void> RecordStore::write(const AcknowledgementRow& row) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  sql_.acknowledgement.bind_all(row.run, row.utc.ns_since_epoch, row.operator_name, row.reason);
  chain_.touch(Source::acknowledgement);
  return sql_.acknowledgement.run("storing an acknowledgement");
}

Result<void> RecordStore::write(const ProofRow& row) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  sql_.proof.bind_all(row.utc.ns_since_epoch, row.operator_name, row.bench, row.channel, row.instrument, row.model, row.serial,
                      row.firmware, row.is_simulated, static_cast<std::int64_t>(row.delay.count()),
                      static_cast<std::int64_t>(row.silence.count()), row.fed_by_measuring,
                      static_cast<std::int64_t>(row.off_within.count()), row.fired);
  chain_.touch(Source::instrument_proof);
  return sql_.proof.run("storing what a watchdog was seen to do");
}

Result<void> RecordStore::write(const ExpectedCurveRow& row) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  sql_.expected_curve.bind_all(row.run, row.step_id, row.execution, row.coordinate, row.ends_at, points_text(row.points));
  chain_.touch(Source::expected_curve);
  return sql_.expected_curve.run("storing an expected curve");
}

Result<void> RecordStore::write(const ExpectedWayRow& row) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  sql_.expected_way.bind_all(row.run, row.step_id, row.way, row.passes, row.execution);
  chain_.touch(Source::expected_way);
  return sql_.expected_way.run("storing a way of the rehearsal");
}

Result<void> RecordStore::resume_point(RunKey run, std::span<const std::byte> state) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  sql_.resume_point.bind_all(run, sample_rowid_, state);
  if (const Result<void> done = sql_.resume_point.run("storing a resume point"); !done) return done;
  return chain_.revise(Subject::resume_point, run);
}

Result<void> RecordStore::end_run(const RunEndRow& end) {
  if (const Result<void> begun = begin_transaction(); !begun) return begun;
  sql_.end_run.bind_all(end.run, end.ended_test_time_ns, end.ended_at.ns_since_epoch, end.status, end.reason, end.criteria_met);
  if (const Result<void> done = sql_.end_run.run("storing the end of a run"); !done) return done;
  if (const Result<void> done = chain_.revise(Subject::run_end, end.run); !done) return done;
  // A resumed run may have a step that nobody ended; nothing follows it now, so it is closed here.
  const Result<RunState*> state = run_state(end.run);
  if (!state) return state.error();
  if ((*state)->open_step != 0) {
    if (const Result<void> done = close_interrupted((*state)->open_step); !done) return done;
  }
  runs_.erase(end.run);  // a long-lived server begins many runs
  derived_.end_run(end.run);
  return {};
}

Result<std::int64_t> RecordStore::quantity(std::string_view name) {
  if (const auto known = quantities_.find(name); known != quantities_.end()) return known->second;
  static constexpr std::array<std::string_view, 1> columns{"name"};
  const std::array<std::string, 1> values{std::string(name)};
  const Result<std::int64_t> key = find_or_insert(Source::quantity, columns, values);
  if (key) quantities_.emplace(name, *key);
  return key;
}

}  // namespace cellrig::db
