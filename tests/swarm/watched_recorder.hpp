// The recorder of a swarm run: counts and judges what it is handed (I3, I7), and passes it on when there is a record.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "controller/engine/program.hpp"
#include "db/recorder.hpp"
#include "tests/swarm/trace.hpp"

namespace cellrig::swarm {

class WatchedRecorder final : public db::Recorder {
 public:
  /// What is handed over in the wrong order, or twice, or with a hole, is told to `complain`.
  using Complain = std::function<void(const char* invariant, const std::string& what)>;

  struct Run {
    std::string channel;
    std::uint64_t samples = 0;
    std::uint64_t trips = 0;
    std::string first_trip;
    std::optional<db::RunEndRow> end;
  };

  WatchedRecorder(Trace& trace, Complain complain) : trace_{trace}, complain_{std::move(complain)} {}
  void pass_on_to(std::unique_ptr<db::Recorder> record) { record_ = std::move(record); }
  /// For holes: what each channel runs, and how long measurements may be apart without a flag.
  void expect(const std::string& channel, const Program& program, Duration gap_max);
  /// A bench without latency: what is measured right before and right after a command has the same instant.
  void replies_take_no_time() { instants_repeat_ = true; }
  /// With the status that the record has.
  void on_end(std::function<void(const std::string& channel, const std::string& status)> tell) { tell_end_ = std::move(tell); }
  /// After every row and every resume point: what a process that goes on with this channel will know.
  void on_seen(std::function<void(const std::string& channel)> tell) { tell_seen_ = std::move(tell); }
  /// From now on the record cannot be kept (F40).
  void fail(std::string why) { failure_ = std::move(why); }

  [[nodiscard]] const std::map<db::RunKey, Run>& runs() const { return runs_; }
  [[nodiscard]] bool is_recorded() const { return record_ != nullptr; }

  [[nodiscard]] db::RunKey begin_run(const db::RunRow& row) override;
  [[nodiscard]] db::StepKey next_step_key() override;
  void begin_step(const db::StepRow& row) override;
  void append(const db::SampleRow& row) override;
  void append(const db::AuxRow& row) override;
  void end_step(const db::StepEndRow& row) override;
  void append(const db::CycleRow& row) override;
  void append(const db::EventRow& row) override;
  void resume_point(db::RunKey run, std::span<const std::byte> state) override;
  void end_run(const db::RunEndRow& row) override;
  void resume_run(db::RunKey run, const std::string& operator_name, const std::string& host) override;
  void deviation(const db::DeviationRow& row) override {
    if (record_) record_->deviation(row);
  }
  [[nodiscard]] Result<void> flush() override { return record_ ? record_->flush() : Result<void>{}; }
  [[nodiscard]] Result<void> close() override { return record_ ? record_->close() : Result<void>{}; }
  [[nodiscard]] bool failed() const override { return !failure_.empty() || (record_ && record_->failed()); }
  [[nodiscard]] std::string failure() const override { return failure_.empty() && record_ ? record_->failure() : failure_; }
  [[nodiscard]] std::uint64_t rows_written() const override { return record_ ? record_->rows_written() : samples_; }

 private:
  struct Expected {
    const Program* program = nullptr;
    Duration gap_max{};
  };
  struct OpenStep {
    db::StepKey key = 0;
    Duration apart_max{};
    std::optional<std::int64_t> last_ns;
    bool is_open = false;
    bool is_course = false;
    std::string name;
    double last_A = 0.0, last_V = 0.0;
  };
  void judge_sample(const db::SampleRow& row);

  Trace& trace_;
  Complain complain_;
  std::function<void(const std::string&, const std::string&)> tell_end_;
  std::function<void(const std::string&)> tell_seen_;
  std::unique_ptr<db::Recorder> record_;
  std::string failure_;
  std::map<std::string, Expected> expected_;
  std::map<db::RunKey, Run> runs_;
  std::map<db::RunKey, OpenStep> steps_;
  std::map<db::StepKey, db::RunKey> run_of_step_;
  std::map<db::RunKey, std::int64_t> last_ns_;
  db::RunKey last_run_ = 0;
  db::StepKey last_step_ = 0;
  std::uint64_t samples_ = 0;
  bool instants_repeat_ = false;
};

}  // namespace cellrig::swarm
