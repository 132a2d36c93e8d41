#include "db/run_list.hpp"

#include <array>
#include <limits>
#include <utility>

#include "db/lock_file.hpp"
#include "db/reader_impl.hpp"

namespace cellrig::db {
namespace {

constexpr std::string_view summary_query =
    "SELECT r.run, ch.name, c.name, c.specimen, p.name, r.operator_name, r.time_source, r.status, coalesce(r.reason, ''), "
    "r.criteria_met, r.started_utc_ns, r.ended_utc_ns, r.ended_test_time_ns, "
    "(SELECT count(*) FROM cycle WHERE cycle.run = r.run), "
    "(SELECT abs(s.charge_Ah - s.discharge_Ah) FROM step AS s WHERE s.run = r.run AND s.measures_reference "
    "AND s.ended_test_time_ns IS NOT NULL ORDER BY s.step_count DESC LIMIT 1), "
    "(SELECT y.retention FROM cycle AS y WHERE y.run = r.run AND y.retention IS NOT NULL ORDER BY y.cycle DESC LIMIT 1) "
    "FROM run AS r JOIN cell AS c USING(cell) JOIN profile AS p USING(profile) JOIN channel AS ch USING(channel) "
    "WHERE (?1 = '' OR c.name = ?1 OR c.specimen = ?1) AND (?2 = '' OR p.name = ?2) AND (?3 = '' OR ch.name = ?3) "
    "AND (?4 = '' OR r.status = ?4) AND r.started_utc_ns >= ?5 AND r.run < ?6 AND (?7 IS NULL OR r.run = ?7) "
    "ORDER BY r.run DESC LIMIT ?8";

RunSummary read_summary(const Statement& s) {
  RunSummary row;
  row.run = s.integer(0);
  row.channel = s.text(1);
  row.cell_name = s.text(2);
  row.cell_id = s.text(3);
  row.profile_name = s.text(4);
  row.operator_name = s.text(5);
  row.time_source = s.text(6);
  row.status = s.text(7);
  row.reason = s.text(8);
  if (!s.is_null(9)) row.criteria_met = s.boolean(9);
  row.started_at = UtcTime{s.integer(10)};
  if (const auto ended = s.optional_integer(11)) row.ended_at = UtcTime{*ended};
  row.ended_test_time_ns = s.optional_integer(12);
  row.cycle_count = s.integer(13);
  row.capacity_Ah = s.optional_real(14);
  row.retention = s.optional_real(15);
  return row;
}

Result<void> find_origin(Connection& connection, RunSummary& summary) {
  RunRow row;
  row.time_source = summary.time_source;
  if (row.time_source == "real") {
    Result<std::vector<InstrumentRow>> instruments = read_instruments(connection, summary.run);
    if (!instruments) return instruments.error();
    row.instruments = std::move(*instruments);
  }
  const Result<RunOrigin> origin = read_origin(connection, summary.run, row);
  if (!origin) return origin.error();
  summary.origin = *origin;
  return {};
}

}  // namespace

Result<std::vector<RunSummary>> list_runs(const std::string& path, const RunFilter& filter) {
  Result<ReadConnection> opened = open_for_reading(path);
  if (!opened) return opened.error();
  Result<Statement> select = opened->connection.prepare(summary_query);
  if (!select) return select.error();
  // "running" in the table is "interrupted" once nobody writes any more.
  const bool is_written = LockFile::is_held(path);
  const bool asks_for_open = filter.status == "running" || filter.status == "interrupted";
  if (asks_for_open && (filter.status == "running") != is_written) return std::vector<RunSummary>{};
  select->bind_all(filter.cell, filter.profile, filter.channel, asks_for_open ? std::string{"running"} : filter.status,
                   filter.since ? filter.since->ns_since_epoch : std::numeric_limits<std::int64_t>::min(),
                   filter.before.value_or(std::numeric_limits<std::int64_t>::max()), filter.only, filter.count_max);
  std::vector<RunSummary> runs;
  while (true) {
    const Result<bool> row = select->step("listing runs");
    if (!row) return row.error();
    if (!*row) return runs;
    runs.push_back(read_summary(*select));
    if (const Result<void> done = find_origin(opened->connection, runs.back()); !done) return done.error();
    if (runs.back().status == "running" && !is_written) runs.back().status = "interrupted";
  }
}

Result<std::int64_t> count_samples(const std::string& path, RunKey run) {
  Result<ReadConnection> opened = open_for_reading(path);
  if (!opened) return opened.error();
  Result<Statement> steps = opened->connection.prepare(
      "SELECT step, sample_rowid_before, coalesce(sample_rowid_last, 9223372036854775807) FROM step WHERE run = ?");
  if (!steps) return steps.error();
  Result<Statement> count = opened->connection.prepare("SELECT count(*) FROM sample WHERE rowid > ? AND rowid <= ? AND step = ?");
  if (!count) return count.error();
  std::vector<std::array<std::int64_t, 3>> ranges;
  steps->bind_all(run);
  while (true) {
    const Result<bool> row = steps->step("counting samples");
    if (!row) return row.error();
    if (!*row) break;
    ranges.push_back({steps->integer(0), steps->integer(1), steps->integer(2)});
  }
  std::int64_t total = 0;
  for (const auto& [step, before, last] : ranges) {  // each its own short transaction
    count->bind_all(before, last, step);
    const Result<bool> row = count->step("counting samples");
    if (!row) return row.error();
    total += *row ? count->integer(0) : 0;
    count->reset();
  }
  return total;
}

}  // namespace cellrig::db
