#include "db/derived_writer.hpp"

#include "db/analysis/metrics.hpp"
#include "db/reader.hpp"

namespace cellrig::db {

namespace {

void bind(Statement& insert, int first, const LeastMost& range) {
  insert.bind(first, range.least);
  insert.bind(first + 1, range.most);
}

}  // namespace

Result<void> DerivedWriter::open(Connection& connection, ChainWriter& chain, const std::string& path) {
  chain_ = &chain;
  path_ = path;
  struct Entry {
    Statement& statement;
    std::string_view text;
  };
  const std::array<Entry, 5> entries{{
      {insert_rollup_,
       "INSERT INTO sample_rollup(step, rowid_before, rowid_last, rows, from_test_time_ns, to_test_time_ns, voltage_min_V, "
       "voltage_max_V, current_min_A, current_max_A, cell_temperature_min_degC, cell_temperature_max_degC, "
       "ambient_temperature_min_degC, ambient_temperature_max_degC) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
      {insert_step_metric_, "INSERT INTO step_metric(step, figure, at, value) VALUES(?,?,?,?)"},
      {insert_cycle_metric_, "INSERT INTO cycle_metric(run, cycle, figure, at, value) VALUES(?,?,?,?,?)"},
      {select_rolled_up_, "SELECT coalesce(max(rowid_last), 0) FROM sample_rollup WHERE step = ?"},
      {insert_definition_, "INSERT INTO definition(figure, name, unit, at_meaning, text) VALUES(?,?,?,?,?)"},
  }};
  for (const Entry& entry : entries) {
    Result<Statement> statement = connection.prepare(entry.text);
    if (!statement) return statement.error();
    entry.statement = std::move(*statement);
  }
  Result<Statement> known = connection.prepare("SELECT figure FROM definition");
  if (!known) return known.error();
  for (Result<bool> row = known->step("reading definitions"); !row || *row; row = known->step("reading definitions")) {
    if (!row) return row.error();
    defined_.insert(known->integer(0));
  }
  return {};
}

Result<void> DerivedWriter::go_on(RunKey run) {
  Result<std::unique_ptr<Reader>> reader = Reader::open(path_);
  if (!reader) return reader.error();
  const Result<RunInfo> info = (*reader)->run(run);
  if (!info) return info.error();
  RunMeter& meter = meters_.insert_or_assign(run, RunMeter{info->row.nominal_capacity_Ah}).first->second;
  const Result<StepKey> open = replay_last_cycles(**reader, run, meter);
  if (!open) return open.error();
  last_ = nullptr;
  if (*open == 0) return {};
  OpenStep& step = steps_.insert_or_assign(*open, OpenStep{&meter, run, {}}).first->second;
  return fill_bucket(**reader, *open, step.bucket);
}

/// What its process had not rolled up yet.
Result<void> DerivedWriter::fill_bucket(Reader& reader, StepKey step, RollupRow& bucket) {
  select_rolled_up_.bind_all(step);
  const Result<bool> found = select_rolled_up_.step("reading roll-ups");
  if (!found) return found.error();
  const std::int64_t rolled_up = *found ? select_rolled_up_.integer(0) : 0;
  select_rolled_up_.reset();
  const Result<std::uint64_t> visited = reader.for_each_sample_of_step(step, [&](const SampleView& sample) {
    if (sample.rowid <= rolled_up) return true;
    if (bucket.rows == 0) bucket.step = step, bucket.rowid_before = sample.rowid - 1;
    bucket.include(sample.row);
    bucket.rowid_last = sample.rowid;
    return true;
  });
  if (!visited) return visited.error();
  return {};
}

DerivedWriter::OpenStep* DerivedWriter::find_step(StepKey step) {
  if (last_ != nullptr && last_step_ == step) return last_;
  const auto found = steps_.find(step);
  if (found == steps_.end()) return nullptr;
  last_step_ = step;
  last_ = &found->second;
  return last_;
}

void DerivedWriter::begin_step(const StepRow& step) {
  const auto meter = meters_.find(step.run);
  OpenStep open{meter == meters_.end() ? nullptr : &meter->second, step.run, {}};
  if (open.meter != nullptr) open.meter->begin_step(step);
  steps_.insert_or_assign(step.step, open);
  last_ = nullptr;
}

Result<void> DerivedWriter::add(std::span<const SampleRow> rows, std::int64_t rowid_before) {
  for (const SampleRow& row : rows) {
    ++rowid_before;
    OpenStep* const step = find_step(row.step);
    if (step == nullptr) continue;  // a late row of a step that has ended: it is no part of its figures
    RollupRow& bucket = step->bucket;
    if (bucket.rows == 0) {
      bucket.step = row.step;
      bucket.rowid_before = rowid_before - 1;
    }
    bucket.include(row);
    bucket.rowid_last = rowid_before;
    if (step->meter != nullptr) step->meter->add(row);
    if (bucket.rows < rollup_rows) continue;
    if (const Result<void> done = store(bucket); !done) return done;
    bucket = RollupRow{};
  }
  return {};
}

void DerivedWriter::add(const AuxRow& row) {
  if (row.quantity != stack_pressure_quantity) return;
  OpenStep* const step = find_step(row.step);
  if (step != nullptr && step->meter != nullptr) step->meter->add(row);
}

Result<void> DerivedWriter::end_step(const StepEndRow& end, std::int64_t rowid_last) {
  OpenStep* const step = find_step(end.step);
  if (step == nullptr) return {};
  if (step->bucket.rows > 0) {
    // Up to here there are no further rows of this step: a reader need not look.
    step->bucket.rowid_last = rowid_last;
    if (const Result<void> done = store(step->bucket); !done) return done;
  }
  if (step->meter != nullptr) {
    for (const Metric& metric : step->meter->end_step(end)) {
      if (const Result<void> done = define(metric.figure); !done) return done;
      insert_step_metric_.bind_all(end.step, static_cast<std::int64_t>(metric.figure), metric.at, metric.value);
      if (const Result<void> done = insert_step_metric_.run("storing a figure of a step"); !done) return done;
      chain_->touch(Source::step_metric);
    }
  }
  steps_.erase(end.step);
  last_ = nullptr;
  return {};
}

Result<void> DerivedWriter::end_cycle(const CycleRow& cycle) {
  const auto meter = meters_.find(cycle.run);
  if (meter == meters_.end()) return {};
  for (const Metric& metric : meter->second.end_cycle(cycle)) {
    if (const Result<void> done = define(metric.figure); !done) return done;
    insert_cycle_metric_.bind_all(cycle.run, cycle.cycle, static_cast<std::int64_t>(metric.figure), metric.at, metric.value);
    if (const Result<void> done = insert_cycle_metric_.run("storing a figure of a cycle"); !done) return done;
    chain_->touch(Source::cycle_metric);
  }
  return {};
}

Result<void> DerivedWriter::store(const RollupRow& b) {
  insert_rollup_.bind_all(b.step, b.rowid_before, b.rowid_last, b.rows, b.from_test_time_ns, b.to_test_time_ns);
  bind(insert_rollup_, 7, b.voltage_V);
  bind(insert_rollup_, 9, b.current_A);
  bind(insert_rollup_, 11, b.cell_temperature_degC);
  bind(insert_rollup_, 13, b.ambient_temperature_degC);
  chain_->touch(Source::sample_rollup);
  return insert_rollup_.run("storing a roll-up");
}

/// The first time a figure is stored, with what this program means by it.
Result<void> DerivedWriter::define(Figure figure) {
  if (!defined_.insert(static_cast<std::int64_t>(figure)).second) return {};
  const Definition& d = definition_of(figure);
  insert_definition_.bind_all(static_cast<std::int64_t>(figure), d.name, d.unit, d.at, d.text);
  chain_->touch(Source::definition);
  return insert_definition_.run("storing a definition");
}

}  // namespace cellrig::db
