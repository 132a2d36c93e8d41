// What follows from the rows and is stored with them: roll-ups of samples, figures of steps and cycles with their definitions.
// Private to the record store; in the transaction of the rows.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "db/analysis/rollup.hpp"
#include "db/analysis/run_meter.hpp"
#include "db/chain_writer.hpp"
#include "db/record.hpp"
#include "db/sqlite.hpp"

namespace cellrig::db {

class Reader;

class DerivedWriter {
 public:
  /// The chain is told of every row; it outlives this.
  [[nodiscard]] Result<void> open(Connection& connection, ChainWriter& chain, const std::string& path);

  void begin_run(RunKey run, double nominal_capacity_Ah) { meters_.insert_or_assign(run, RunMeter{nominal_capacity_Ah}); }
  /// A run of an earlier process goes on: its rows of the last cycles are read again.
  [[nodiscard]] Result<void> go_on(RunKey run);
  void end_run(RunKey run) { meters_.erase(run); }

  void begin_step(const StepRow& step);
  /// In the order in which they were stored; the first of them after `rowid_before`.
  [[nodiscard]] Result<void> add(std::span<const SampleRow> rows, std::int64_t rowid_before);
  void add(const AuxRow& row);
  /// `rowid_last`: of the table's last sample.
  [[nodiscard]] Result<void> end_step(const StepEndRow& end, std::int64_t rowid_last);
  [[nodiscard]] Result<void> end_cycle(const CycleRow& cycle);

 private:
  struct OpenStep {
    RunMeter* meter = nullptr;  ///< of a run in meters_, whose nodes stay where they are; null: nobody began that run
    RunKey run = 0;
    RollupRow bucket;
  };

  [[nodiscard]] OpenStep* find_step(StepKey step);
  [[nodiscard]] Result<void> fill_bucket(Reader& reader, StepKey step, RollupRow& bucket);
  [[nodiscard]] Result<void> store(const RollupRow& bucket);
  [[nodiscard]] Result<void> define(Figure figure);

  ChainWriter* chain_ = nullptr;
  std::string path_;
  Statement insert_rollup_, insert_step_metric_, insert_cycle_metric_, insert_definition_, select_rolled_up_;
  std::set<std::int64_t> defined_;
  std::map<RunKey, RunMeter> meters_;
  std::map<StepKey, OpenStep> steps_;
  StepKey last_step_ = 0;  ///< rows come in long series of the same one
  OpenStep* last_ = nullptr;
};

}  // namespace cellrig::db
