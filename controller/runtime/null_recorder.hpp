// Keeps nothing: for `off`, which must work without a database, and to be derived from.
#pragma once

#include "db/recorder.hpp"

namespace cellrig {

class NullRecorder : public db::Recorder {
 public:
  [[nodiscard]] db::RunKey begin_run(const db::RunRow&) override { return 0; }
  [[nodiscard]] db::StepKey next_step_key() override { return 0; }
  void begin_step(const db::StepRow&) override {}
  void append(const db::SampleRow&) override {}
  void append(const db::AuxRow&) override {}
  void end_step(const db::StepEndRow&) override {}
  void append(const db::CycleRow&) override {}
  void append(const db::EventRow&) override {}
  void resume_point(db::RunKey, std::span<const std::byte>) override {}
  void end_run(const db::RunEndRow&) override {}
  [[nodiscard]] Result<void> flush() override { return {}; }
  [[nodiscard]] Result<void> close() override { return {}; }
  [[nodiscard]] bool failed() const override { return false; }
  [[nodiscard]] std::string failure() const override { return {}; }
  [[nodiscard]] std::uint64_t rows_written() const override { return 0; }
};

}  // namespace cellrig
