// Reads a record: while it is being written, after the process that wrote it died, or long after.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/result.hpp"
#include "db/analysis/definitions.hpp"
#include "db/analysis/rollup.hpp"
#include "db/record.hpp"
#include "db/run_origin.hpp"

namespace cellrig::db {

struct RunInfo {
  RunKey run = 0;
  RunRow row;
  std::string profile_sha256;
  std::string cell_sha256;
  bool synchronous_full = true;
  RunOrigin origin = RunOrigin::simulated;
  std::string status;  ///< as in RunEndRow; "running"; "interrupted": nobody wrote an end, and its writer is gone
  std::optional<RunEndRow> end;
};

struct StepInfo {
  StepRow row;
  std::optional<StepEndRow> end;  ///< none: it runs, or its process died
  Sums run_sums_at_start;
  Sums cycle_sums_at_start;
  std::int64_t sample_rowid_before = 0;
  std::optional<std::int64_t> sample_rowid_last;
  std::int64_t aux_rowid_before = 0;
  std::optional<std::int64_t> aux_rowid_last;
};

/// One sample, with the step it belongs to. References are valid during the call only.
struct SampleView {
  const StepInfo& step;
  const SampleRow& row;
  std::int64_t rowid = 0;              ///< in the database: increases, with holes where other channels wrote
  std::int64_t record_index = 0;       ///< from 1 within what was asked for
  std::int64_t step_record_index = 0;  ///< from 1 within its step, as far as it was asked for
};
/// True: go on. False: enough.
using SampleVisitor = std::function<bool(const SampleView&)>;

/// Samples of a run as columns of equal length, in the order of time: what a count over all of them needs, and nothing else.
struct SampleColumns {
  std::vector<StepKey> step;
  std::vector<std::int64_t> test_time_ns;
  std::vector<std::uint32_t> flags;
  std::vector<double> voltage_V, current_A, cell_temperature_degC;  ///< NaN: not measured

  void clear() {
    step.clear();
    test_time_ns.clear();
    flags.clear();
    for (std::vector<double>* column : {&voltage_V, &current_A, &cell_temperature_degC}) column->clear();
  }
};
using ColumnsVisitor = std::function<void(const SampleColumns&)>;

struct AuxView {
  const StepInfo& step;
  const AuxRow& row;  ///< row.quantity is valid during the call only
};
using AuxVisitor = std::function<bool(const AuxView&)>;

struct StepMetricRow {
  StepKey step = 0;
  Metric metric;
};
struct CycleMetricRow {
  std::int64_t cycle = 0;
  Metric metric;
};
/// A definition as it stands in the record: what the program that wrote it meant.
struct StoredDefinition {
  std::int64_t figure = 0;
  std::string name, unit, at, text;
};
using RollupVisitor = std::function<bool(const RollupRow&)>;

/// before < rowid <= last.
struct RowRange {
  std::int64_t before = 0, last = 0;
};

struct AuxRange {
  std::int64_t rowid_before = 0, rowid_last = 0;
};

struct ResumeState {
  std::int64_t sample_rowid = 0;  ///< the last sample row it knows of
  std::vector<std::byte> state;
};

/// A read-only connection. It never migrates and never checkpoints.
/// * Rows come in pages, each a read transaction that ends before the visitor is called: an open one stops checkpoints.
/// * What is asked together (steps and samples of a run) is seen as it was at one instant: rows that are written while the
///   visitor runs are not visited.
/// * One thread at a time.
class Reader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Reader>> open(const std::string& path);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Empty, or what the person should know: rows in a write-ahead log that cannot be read from a read-only directory.
  [[nodiscard]] const std::string& note() const;
  [[nodiscard]] const std::string& path() const;

  [[nodiscard]] Result<std::vector<RunInfo>> runs();
  [[nodiscard]] Result<RunInfo> run(RunKey run);
  [[nodiscard]] Result<std::vector<StepInfo>> steps(RunKey run);
  [[nodiscard]] Result<std::vector<CycleRow>> cycles(RunKey run);
  /// Of this run; 0: those of the bench as a whole.
  [[nodiscard]] Result<std::vector<EventRow>> events(RunKey run);
  [[nodiscard]] Result<std::optional<ResumeState>> resume_point(RunKey run);
  [[nodiscard]] Result<std::vector<DeviationRow>> deviations(RunKey run);
  [[nodiscard]] Result<std::vector<AcknowledgementRow>> acknowledgements(RunKey run);
  /// What the rehearsal of this run foretold, by step and execution; empty: it was compared with nothing.
  [[nodiscard]] Result<std::vector<ExpectedCurveRow>> expected_curves(RunKey run);
  /// By step, way and the order in which they were met.
  [[nodiscard]] Result<std::vector<ExpectedWayRow>> expected_ways(RunKey run);
  /// After a trip, and before the next one: a run that was resumed may trip again.
  [[nodiscard]] Result<bool> is_last_trip_acknowledged(RunKey run);
  /// What the watchdog of this model with this serial number and firmware was seen to do, oldest first.
  [[nodiscard]] Result<std::vector<ProofRow>> proofs(const std::string& model, const std::string& serial,
                                                     const std::string& firmware);
  /// The whole audit trail, oldest first.
  [[nodiscard]] Result<std::vector<AuditRow>> audit();
  /// Of the last row of one action; empty: there is none.
  [[nodiscard]] Result<std::string> last_audit_detail(const std::string& action);
  /// Of one action, row by row, oldest first, until the visitor says false. It must be quick: a transaction is open.
  [[nodiscard]] Result<void> for_each_audit(const std::string& action, const std::function<bool(const AuditRow&)>& visit);
  /// Runs on this channel, or with this specimen (when it has a name), that a safety trip ended and nobody has acknowledged, the last one
  /// first. Runs in virtual time do not count: their cell is gone with them.
  [[nodiscard]] Result<std::vector<RunKey>> unacknowledged_trips(const std::string& channel, const std::string& cell_name,
                                                                 const std::string& cell_id);
  /// The last of them.
  [[nodiscard]] Result<std::optional<RunKey>> unacknowledged_trip(const std::string& channel, const std::string& cell_name,
                                                                  const std::string& cell_id);

  /// What was found on the cell of this channel while it had no run, when nobody has acknowledged it since.
  [[nodiscard]] Result<std::optional<std::string>> unacknowledged_heat(const std::string& channel);

  /// In the order of time. The value is the number of samples visited. Costs a scan over the rows of all channels that
  /// were written between the run's first and last row.
  [[nodiscard]] Result<std::uint64_t> for_each_sample(RunKey run, const SampleVisitor& visit);
  /// The samples after this rowid only: what is new since the last call, for a live view.
  [[nodiscard]] Result<std::uint64_t> for_each_sample_after(RunKey run, std::int64_t rowid, const SampleVisitor& visit);
  [[nodiscard]] Result<std::uint64_t> for_each_sample_of_step(StepKey step, const SampleVisitor& visit);
  [[nodiscard]] Result<std::uint64_t> for_each_aux(RunKey run, const AuxVisitor& visit);
  /// Where the auxiliary rows of the run lie at this instant.
  [[nodiscard]] Result<AuxRange> aux_range(RunKey run);
  /// The auxiliary samples of the run with rowid_before < rowid <= rowid_last.
  [[nodiscard]] Result<std::uint64_t> for_each_aux_between(RunKey run, std::int64_t rowid_before, std::int64_t rowid_last,
                                                           const AuxVisitor& visit);
  /// The samples of the run with rowid_before < rowid <= rowid_last.
  [[nodiscard]] Result<std::uint64_t> for_each_sample_between(RunKey run, std::int64_t rowid_before, std::int64_t rowid_last,
                                                              const SampleVisitor& visit);

  /// The samples of the run in these ranges, which are ascending and apart: a few of very many rows.
  [[nodiscard]] Result<std::uint64_t> for_each_sample_in(RunKey run, const std::vector<RowRange>& ranges,
                                                         const SampleVisitor& visit);

  /// The same rows as for_each_sample(), page by page as columns: half of its time.
  [[nodiscard]] Result<std::uint64_t> for_each_page(RunKey run, const ColumnsVisitor& visit);

  /// Figures as they were stored, by step or cycle. Empty for a record from before there were any.
  [[nodiscard]] Result<std::vector<StepMetricRow>> step_metrics(RunKey run);
  [[nodiscard]] Result<std::vector<CycleMetricRow>> cycle_metrics(RunKey run);
  [[nodiscard]] Result<std::vector<StoredDefinition>> stored_definitions();
  /// In the order of time. What lies behind the last one of a step is in its samples only: rows that are not rolled up yet, and
  /// all rows of older records.
  [[nodiscard]] Result<std::uint64_t> for_each_rollup(RunKey run, const RollupVisitor& visit);

 private:
  struct Impl;
  explicit Reader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cellrig::db
