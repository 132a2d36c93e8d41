// A record whose disk answers as late as a test wants it. All that is appended is kept all the same.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "db/recorder.hpp"

namespace cellrig::test {

class SlowRecord final : public db::Recorder {
 public:
  explicit SlowRecord(std::unique_ptr<db::Recorder> record) : record_{std::move(record)} {}
  void lags_by(Duration behind) { behind_ = behind; }

  [[nodiscard]] db::RunKey begin_run(const db::RunRow& row) override { return record_->begin_run(row); }
  [[nodiscard]] db::StepKey next_step_key() override { return record_->next_step_key(); }
  void begin_step(const db::StepRow& row) override { record_->begin_step(row); }
  void append(const db::SampleRow& row) override { record_->append(row); }
  void append(const db::AuxRow& row) override { record_->append(row); }
  void end_step(const db::StepEndRow& row) override { record_->end_step(row); }
  void append(const db::CycleRow& row) override { record_->append(row); }
  void append(const db::EventRow& row) override { record_->append(row); }
  void resume_point(db::RunKey run, std::span<const std::byte> state) override { record_->resume_point(run, state); }
  void end_run(const db::RunEndRow& row) override { record_->end_run(row); }
  void audit(const db::AuditRow& row) override { record_->audit(row); }
  void deviation(const db::DeviationRow& row) override { record_->deviation(row); }
  void acknowledge(const db::AcknowledgementRow& row, const std::string& origin) override { record_->acknowledge(row, origin); }
  void proof(const db::ProofRow& row, const std::string& origin) override { record_->proof(row, origin); }
  void expected(db::ExpectedRows&& rows) override { record_->expected(std::move(rows)); }
  void resume_run(db::RunKey run, const std::string& operator_name, const std::string& host) override {
    record_->resume_run(run, operator_name, host);
  }
  void hold() override { record_->hold(); }
  void release() override { record_->release(); }
  [[nodiscard]] Result<void> flush() override { return record_->flush(); }
  [[nodiscard]] Result<void> close() override { return record_->close(); }
  [[nodiscard]] bool failed() const override { return record_->failed(); }
  [[nodiscard]] std::string failure() const override { return record_->failure(); }
  [[nodiscard]] std::uint64_t rows_written() const override { return record_->rows_written(); }
  [[nodiscard]] Duration behind() const override { return behind_; }
  [[nodiscard]] std::uint64_t wal_bytes() const override { return record_->wal_bytes(); }

 private:
  std::unique_ptr<db::Recorder> record_;
  Duration behind_{};
};

}  // namespace cellrig::test
