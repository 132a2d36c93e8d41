// A profile that runs in virtual time, and its record step by step.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {

inline std::string profile(const std::string& steps, const std::string& record = "{every_s: 0}") {
  return "profile: Language\nformat: 1\nrecord: " + record + "\nsteps:\n" + steps;
}

class Language : public testing::Test {
 protected:
  void run(const std::string& text, Duration period = std::chrono::seconds{1}, const std::string& bench_name = "demo") {
    run(HarnessOptions{.bench = bench_name, .profiles = {{"ch1", text}}, .control_period = period});
  }
  void run(HarnessOptions options, const std::string& outcome = "completed") {
    bench = std::make_unique<BenchHarness>(std::move(options));
    bench->run();
    ASSERT_EQ(to_string(bench->result("ch1").outcome), outcome) << bench->result("ch1").reason;
    steps = bench->record().steps(run_of(*bench, "ch1").run).value();
    rows = samples_of(*bench, "ch1");
  }
  [[nodiscard]] const db::StepEndRow& end(std::size_t step) const { return *steps.at(step).end; }
  [[nodiscard]] std::vector<db::SampleRow> rows_of(std::size_t step) const {
    std::vector<db::SampleRow> own;
    for (const db::SampleRow& row : rows) {
      if (row.step == steps.at(step).row.step) own.push_back(row);
    }
    return own;
  }
  [[nodiscard]] double seconds_of(const db::SampleRow& row, std::size_t step) const {
    return 1e-9 * static_cast<double>(row.test_time_ns - steps.at(step).row.started_test_time_ns);
  }
  [[nodiscard]] double duration_s(std::size_t step) const {
    return 1e-9 * static_cast<double>(end(step).ended_test_time_ns - steps.at(step).row.started_test_time_ns);
  }
  [[nodiscard]] std::string criteria() const {
    std::string text;
    for (const db::EventRow& event : events_of(*bench, "ch1")) text += event.kind + ": " + event.message + "\n";
    return text;
  }

  std::unique_ptr<BenchHarness> bench;
  std::vector<db::StepInfo> steps;
  std::vector<db::SampleRow> rows;
};

}  // namespace cellrig::test
