// What was derived from the rows when they were written.
#include <algorithm>

#include "db/reader.hpp"
#include "db/reader_impl.hpp"

namespace cellrig::db {

namespace {

/// Roll-ups looked at in one read transaction.
constexpr std::size_t rollups_a_page = 8192;

Metric read_metric(const Statement& s, int first) {
  return {static_cast<Figure>(s.integer(first)), s.real(first + 1), s.real(first + 2)};
}

RollupRow read_rollup(const Statement& s) {
  RollupRow row;
  row.step = s.integer(1);
  row.rowid_before = s.integer(2);
  row.rowid_last = s.integer(3);
  row.rows = s.integer(4);
  row.from_test_time_ns = s.integer(5);
  row.to_test_time_ns = s.integer(6);
  row.voltage_V = {s.real_or_nan(7), s.real_or_nan(8)};
  row.current_A = {s.real_or_nan(9), s.real_or_nan(10)};
  row.cell_temperature_degC = {s.real_or_nan(11), s.real_or_nan(12)};
  row.ambient_temperature_degC = {s.real_or_nan(13), s.real_or_nan(14)};
  return row;
}

/// Keys of roll-ups; last < first: there are none.
struct RollupRange {
  std::int64_t first = 0, last = -1;
};

Result<RollupRange> rollup_range(Connection& connection, const std::vector<StepKey>& steps) {
  Result<Statement> of_step =
      connection.prepare("SELECT min(sample_rollup), max(sample_rollup) FROM sample_rollup WHERE step = ?1");
  if (!of_step) return of_step.error();
  RollupRange range;
  const auto look = [&of_step](StepKey step) -> Result<std::optional<RollupRange>> {
    of_step->bind_all(step);
    const Result<bool> row = of_step->step("reading roll-ups");
    if (!row) return row.error();
    std::optional<RollupRange> found;
    if (*row && !of_step->is_null(0)) found = RollupRange{of_step->integer(0), of_step->integer(1)};
    of_step->reset();
    return found;
  };
  for (const StepKey step : steps) {
    const Result<std::optional<RollupRange>> found = look(step);
    if (!found) return found.error();
    if (!*found) continue;
    range = **found;
    break;
  }
  for (auto step = steps.rbegin(); step != steps.rend() && range.last >= range.first; ++step) {
    const Result<std::optional<RollupRange>> found = look(*step);
    if (!found) return found.error();
    if (!*found) continue;
    range.last = (*found)->last;
    break;
  }
  return range;
}

}  // namespace

Result<std::vector<StepMetricRow>> Reader::step_metrics(RunKey run) {
  Result<Statement> select = impl_->connection.prepare(
      "SELECT s.step, x.figure, x.at, x.value FROM step AS s CROSS JOIN step_metric AS x ON x.step = s.step WHERE s.run = ? "
      "ORDER BY s.step_count, s.step, x.step_metric");
  if (!select) return select.error();
  select->bind_all(run);
  std::vector<StepMetricRow> rows;
  while (true) {
    const Result<bool> row = select->step("reading figures of steps");
    if (!row) return row.error();
    if (!*row) return rows;
    rows.push_back({select->integer(0), read_metric(*select, 1)});
  }
}

Result<std::vector<CycleMetricRow>> Reader::cycle_metrics(RunKey run) {
  Result<Statement> select =
      impl_->connection.prepare("SELECT cycle, figure, at, value FROM cycle_metric WHERE run = ? ORDER BY cycle, cycle_metric");
  if (!select) return select.error();
  select->bind_all(run);
  std::vector<CycleMetricRow> rows;
  while (true) {
    const Result<bool> row = select->step("reading figures of cycles");
    if (!row) return row.error();
    if (!*row) return rows;
    rows.push_back({select->integer(0), read_metric(*select, 1)});
  }
}

Result<std::vector<StoredDefinition>> Reader::stored_definitions() {
  Result<Statement> select =
      impl_->connection.prepare("SELECT figure, name, unit, at_meaning, text FROM definition ORDER BY figure");
  if (!select) return select.error();
  std::vector<StoredDefinition> rows;
  while (true) {
    const Result<bool> row = select->step("reading definitions");
    if (!row) return row.error();
    if (!*row) return rows;
    rows.push_back({select->integer(0), select->text(1), select->text(2), select->text(3), select->text(4)});
  }
}

Result<std::uint64_t> Reader::for_each_rollup(RunKey run, const RollupVisitor& visit) {
  // By their own key, which grows along the steps of a run; those of other channels lie between.
  const Result<std::vector<StepInfo>> steps = impl_->read_steps("run = ? ORDER BY step_count, step", run);
  if (!steps) return steps.error();
  std::vector<StepKey> ours;
  for (const StepInfo& step : *steps) ours.push_back(step.row.step);
  const Result<RollupRange> range = rollup_range(impl_->connection, ours);
  if (!range) return range.error();
  std::sort(ours.begin(), ours.end());
  Result<Statement> select = impl_->connection.prepare(
      "SELECT sample_rollup, step, rowid_before, rowid_last, rows, from_test_time_ns, to_test_time_ns, voltage_min_V, "
      "voltage_max_V, current_min_A, current_max_A, cell_temperature_min_degC, cell_temperature_max_degC, "
      "ambient_temperature_min_degC, ambient_temperature_max_degC FROM sample_rollup WHERE sample_rollup >= ?1 AND "
      "sample_rollup <= ?2 ORDER BY sample_rollup LIMIT ?3");
  if (!select) return select.error();
  std::int64_t next = range->first;
  std::uint64_t visited = 0;
  std::vector<RollupRow> page;
  while (next <= range->last) {
    page.clear();
    std::size_t looked_at = 0;
    select->bind_all(next, range->last, static_cast<std::int64_t>(rollups_a_page));
    for (Result<bool> row = select->step("reading roll-ups"); !row || *row; row = select->step("reading roll-ups")) {
      if (!row) return row.error();
      next = select->integer(0) + 1;
      ++looked_at;
      if (std::binary_search(ours.begin(), ours.end(), select->integer(1))) page.push_back(read_rollup(*select));
    }
    for (const RollupRow& row : page) {
      ++visited;
      if (!visit(row)) return visited;
    }
    if (looked_at < rollups_a_page) break;
  }
  return visited;
}

}  // namespace cellrig::db
