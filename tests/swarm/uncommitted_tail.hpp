// What the death of a process takes from a record: rows that were told and not committed yet. Simulated time never waits for that, so
// that the swarm keeps them back itself, by the rule of real time.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controller/async/time_source.hpp"
#include "db/recorder.hpp"

namespace cellrig::swarm {

/// Passes on to another recorder as a commit would: a trip or any other event, an end of run, a resume point and the like at once, with all
/// that came before; other rows when they are `late` old, or at the next of those. What is between hold() and release() goes at once.
class UncommittedTail final : public db::Recorder {
 public:
  static constexpr Duration late = std::chrono::milliseconds{250};  ///< db::CommitPolicy::real()
  using Moved = std::map<std::string, double>;

  /// moved: by channel, what has moved by now; kept with each row.
  UncommittedTail(TimeSource& time, db::Recorder& record, std::function<Moved()> moved)
      : time_{time}, record_{record}, moved_{std::move(moved)} {}

  /// The process dies: what was not committed in time is gone.
  void lose();
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  /// When the row that is being passed on was told, what had moved.
  [[nodiscard]] double moved_when_told(const std::string& channel) const { return told_.at(channel); }

  [[nodiscard]] db::RunKey begin_run(const db::RunRow& row) override;
  [[nodiscard]] db::StepKey next_step_key() override { return record_.next_step_key(); }
  void begin_step(const db::StepRow& row) override { keep_back(row, &db::Recorder::begin_step); }
  void append(const db::SampleRow& row) override { keep_back(row); }
  void append(const db::AuxRow& row) override { keep_back(row); }
  void end_step(const db::StepEndRow& row) override { keep_back(row, &db::Recorder::end_step); }
  void append(const db::CycleRow& row) override { keep_back(row); }
  void append(const db::EventRow& row) override;
  void resume_point(db::RunKey run, std::span<const std::byte> state) override;
  void end_run(const db::RunEndRow& row) override;
  void resume_run(db::RunKey run, const std::string& operator_name, const std::string& host) override;
  void deviation(const db::DeviationRow& row) override;
  void hold() override { is_held_ = true; }
  void release() override;
  [[nodiscard]] Result<void> flush() override;
  [[nodiscard]] Result<void> close() override;
  [[nodiscard]] bool failed() const override { return record_.failed(); }
  [[nodiscard]] std::string failure() const override { return record_.failure(); }
  [[nodiscard]] std::uint64_t rows_written() const override { return record_.rows_written(); }

 private:
  struct Told {
    TimePoint at;
    Moved moved;
    std::function<void(db::Recorder&)> pass_on;
  };
  void keep(std::function<void(db::Recorder&)> pass_on);
  template <typename Row>
  void keep_back(const Row& row) {
    keep([row](db::Recorder& record) { record.append(row); });
  }
  template <typename Row>
  void keep_back(const Row& row, void (db::Recorder::*tell)(const Row&)) {
    keep([row, tell](db::Recorder& record) { (record.*tell)(row); });
  }
  /// Something that commits.
  void commit(std::function<void(db::Recorder&)> pass_on);
  void pass_on_until(TimePoint told_until);

  TimeSource& time_;
  db::Recorder& record_;
  std::function<Moved()> moved_;
  std::deque<Told> tail_;
  Moved told_;
  bool is_held_ = false, commits_when_released_ = false;
  std::uint64_t lost_ = 0;
};

}  // namespace cellrig::swarm
