// The writing connection: turns rows into SQL, inside transactions it is told to commit. Private to the recorder; one thread
// at a time. It decides nothing about when: that is the recorder's CommitPolicy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"
#include "db/chain_writer.hpp"
#include "db/derived_writer.hpp"
#include "db/lock_file.hpp"
#include "db/record.hpp"
#include "db/recorder.hpp"
#include "db/sqlite.hpp"

namespace cellrig::db {

class RecordStore {
 public:
  /// Takes the lock, opens, migrates, prepares.
  [[nodiscard]] static Result<std::unique_ptr<RecordStore>> open(const RecorderOptions& options);

  [[nodiscard]] RunKey last_run() const { return last_run_; }
  [[nodiscard]] StepKey last_step() const { return last_step_; }

  [[nodiscard]] Result<void> begin_run(RunKey key, const RunRow& run);
  [[nodiscard]] Result<void> begin_step(const StepRow& step);
  [[nodiscard]] Result<void> write(std::span<const SampleRow> samples);
  [[nodiscard]] Result<void> write(std::span<const AuxRow> samples);
  [[nodiscard]] Result<void> end_step(const StepEndRow& end);
  [[nodiscard]] Result<void> write(const CycleRow& cycle);
  [[nodiscard]] Result<void> write(const EventRow& event);
  [[nodiscard]] Result<void> resume_point(RunKey run, std::span<const std::byte> state);
  [[nodiscard]] Result<void> end_run(const RunEndRow& end);
  [[nodiscard]] Result<void> write(const AuditRow& row);
  [[nodiscard]] Result<void> write(const DeviationRow& row);
  [[nodiscard]] Result<void> write(const AcknowledgementRow& row);
  [[nodiscard]] Result<void> write(const ProofRow& row);
  [[nodiscard]] Result<void> write(const ExpectedCurveRow& row);
  [[nodiscard]] Result<void> write(const ExpectedWayRow& row);
  [[nodiscard]] Result<void> resume_run(RunKey run);

  /// Durable as the policy says when it returns; nothing to do when nothing was written. Then a checkpoint when it is due.
  [[nodiscard]] Result<void> commit();
  void roll_back();
  [[nodiscard]] std::uint64_t wal_bytes() const;
  /// Checkpoint, close, unlock. Also after a failure.
  [[nodiscard]] Result<void> close(bool is_healthy);

 private:
  /// What v_sample adds to a row's own sums.
  struct StepStart {
    RunKey run = 0;
    std::int64_t cycle = 0;
    Sums run_sums, cycle_sums;
  };
  struct RunState {
    std::int64_t cycle = 0;
    Sums run_sums, cycle_sums;
    StepKey open_step = 0;  ///< 0: none
  };
  struct Statements {
    Statement begin, commit, samples_block, sample, aux, begin_run, begin_step, end_step, cycle, event, resume_point, end_run,
        late, audit, deviation, acknowledgement, proof, expected_curve, expected_way, step_expectation;
  };

  RecordStore() = default;
  [[nodiscard]] Result<void> configure(const RecorderOptions& options);
  [[nodiscard]] Result<void> rewrite_log(const std::string& path);
  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> load_keys();
  [[nodiscard]] Result<void> begin_transaction();
  [[nodiscard]] Result<RunState*> run_state(RunKey run);
  [[nodiscard]] Result<StepStart> load_step_start(StepKey step);
  template <class Row>
  [[nodiscard]] Result<void> reach_late_rows(std::span<const Row> rows);
  [[nodiscard]] Result<void> reach_late_row(StepKey step);
  [[nodiscard]] Result<void> reopen_run(RunKey run);
  [[nodiscard]] Result<void> close_interrupted(StepKey step);
  [[nodiscard]] Result<void> mark_interrupted_runs();
  [[nodiscard]] Result<std::int64_t> find_or_insert(Source source, std::span<const std::string_view> columns,
                                                    std::span<const std::string> values);
  [[nodiscard]] Result<std::int64_t> channel(const std::string& name, std::optional<std::int64_t> equipment);
  [[nodiscard]] Result<std::vector<std::int64_t>> equipment_of(const RunRow& run);
  [[nodiscard]] Result<std::int64_t> quantity(std::string_view name);

  LockFile lock_;  // declared first: released last, when the connection is closed
  Connection connection_;
  Statements sql_;
  ChainWriter chain_;
  DerivedWriter derived_;
  std::map<RunKey, RunState> runs_;
  std::map<StepKey, StepStart> open_steps_;
  std::map<std::string, std::int64_t, std::less<>> quantities_;
  RunKey last_run_ = 0;
  StepKey last_step_ = 0;
  std::int64_t sample_rowid_ = 0;  ///< of the last row
  std::int64_t aux_rowid_ = 0;
  bool is_in_transaction_ = false;
  bool synchronous_full_ = true;
  int wal_pages_ = 0;  ///< set by SQLite at each commit
  int page_bytes_ = 4096;
};

}  // namespace cellrig::db
