// Plays runs into a record, as the runtime would: for the tests of db/.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "db/record.hpp"
#include "db/recorder.hpp"

namespace cellrig::db::test {

/// A directory that goes away with the test.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cellrig-db-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

template <class T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().what;
    std::abort();
  }
  return std::move(*result);
}
inline void must(const Result<void>& result) {
  if (!result) ADD_FAILURE() << result.error().what;
}

inline RecorderOptions simulated(const std::string& path) { return {.path = path, .commit = CommitPolicy::simulated()}; }
inline RecorderOptions real(const std::string& path) { return {.path = path, .commit = CommitPolicy::real()}; }

inline RunRow a_run(const std::string& channel = "1") {
  RunRow run;
  run.channel = channel;
  run.cell_name = "LG M50";
  run.cell_id = "A0001";
  run.cell_text = "nominal_capacity_Ah: 5\n";
  run.profile_name = "cycle-life";
  run.profile_text = "steps:\n";
  run.program_hash = "abc";
  run.bench_text = "bench";
  run.operator_name = "ci";
  run.time_source = "virtual";
  run.seed = 7;
  run.control_period = std::chrono::seconds{1};
  run.started_at = UtcTime{946'684'800'000'000'000};
  run.software_version = "1.0";
  run.host = "bench-3";
  run.nominal_capacity_Ah = 5;
  run.instruments = {{"cycler", "c1", "PSB 10060", "EA", "123", "1.0", "localhost:5025"},
                     {"chamber", "t1", "F4T", "Watlow", "456", "2.0", "localhost:502"}};
  return run;
}

/// One channel's run: charge, rest, discharge, rest, over and over; sums as the engine makes them.
class Player {
 public:
  Player(Recorder& recorder, const RunRow& row) : recorder_(recorder), run(recorder.begin_run(row)) {}
  /// Another process goes on with what `before` played.
  Player(Recorder& recorder, const Player& before)
      : recorder_(recorder),
        first_reference_Ah_(before.first_reference_Ah_),
        noise_(before.noise_),
        run(before.run),
        now_ns(before.now_ns),
        step_count(before.step_count),
        cycle(before.cycle) {
    recorder.resume_run(run, "jane", "lab-7");
  }

  struct StepPlan {
    std::string type = "CC_CHG";
    double current_A = 2.5;
    int samples = 50;
    bool in_cycle = true;
    bool measures_reference = false;
    std::optional<std::int64_t> compared_with{};
  };

  void begin_step(const StepPlan& plan) {
    StepRow row;
    row.step = recorder_.next_step_key();
    row.run = run;
    row.step_count = ++step_count;
    row.step_id = (step_count - 1) % 4;
    row.cycle = cycle;
    row.in_cycle = plan.in_cycle;
    row.name = plan.type;
    row.type = plan.type;
    row.setpoint_text = "as planned";
    row.started_test_time_ns = now_ns;
    row.measures_reference = plan.measures_reference;
    row.is_reference = is_reference_cycle;
    row.compared_with = plan.compared_with;
    recorder_.begin_step(row);
    step_ = row;
    sums_ = Sums{};
    previous_.reset();
  }

  SampleRow sample(const StepPlan& plan, std::uint32_t extra_flags = 0) {
    now_ns += period_ns;
    ++noise_;
    SampleRow row;
    row.step = step_.step;
    row.test_time_ns = now_ns;
    row.flags = (plan.current_A != 0 ? sample_flag::output_on : 0U) | extra_flags;
    row.current_A = plan.current_A == 0 ? 0 : plan.current_A + 1e-3 * std::sin(static_cast<double>(noise_));
    row.voltage_V = 3.7 + 0.01 * std::sin(0.37 * static_cast<double>(noise_)) + 0.05 * plan.current_A;
    row.cell_temperature_degC = 25 + 0.1 * std::cos(0.11 * static_cast<double>(noise_));
    row.ambient_temperature_degC = 25;
    const bool is_after_gap = (extra_flags & sample_flag::after_gap) != 0;
    if (previous_ && !is_after_gap) add(row);
    hottest_ = std::max(hottest_, row.cell_temperature_degC);
    row.charge_Ah = sums_.charge_Ah;
    row.discharge_Ah = sums_.discharge_Ah;
    row.charge_Wh = sums_.charge_Wh;
    row.discharge_Wh = sums_.discharge_Wh;
    recorder_.append(row);
    previous_ = row;
    ++samples_appended;
    return row;
  }

  StepEndRow end_step() {
    StepEndRow end;
    end.step = step_.step;
    end.ended_test_time_ns = now_ns;
    end.reason = "condition";
    end.condition = "voltage_V >= 4.2";
    end.value = 4.2001;
    end.margin = 0.0001;
    end.charge_Ah = sums_.charge_Ah;
    end.discharge_Ah = sums_.discharge_Ah;
    end.charge_Wh = sums_.charge_Wh;
    end.discharge_Wh = sums_.discharge_Wh;
    recorder_.end_step(end);
    return end;
  }

  /// The sums of the step, when it has ended.
  Sums step(const StepPlan& plan) {
    begin_step(plan);
    for (int i = 0; i < plan.samples; ++i) {
      const bool is_first = i == 0;
      const bool is_last = i + 1 == plan.samples;
      sample(plan, (is_first ? sample_flag::first_of_step : 0U) | (is_last ? sample_flag::last_of_step : 0U));
    }
    end_step();
    return sums_;
  }

  void play_cycle(int samples = 50) {
    ++cycle;
    CycleRow row;
    row.run = run;
    row.cycle = cycle;
    row.is_reference = is_reference_cycle;
    row.started_test_time_ns = now_ns;
    hottest_ = -std::numeric_limits<double>::infinity();
    for (const StepPlan& plan : {StepPlan{"CC_CHG", 2.5, samples}, StepPlan{"REST", 0, samples / 2},
                                 StepPlan{"CC_DCH", -2.4, samples, true, true}, StepPlan{"REST", 0, samples / 2}}) {
      const std::int64_t began_ns = now_ns;
      const Sums sums = step(plan);
      row.charge_Ah += sums.charge_Ah;
      row.discharge_Ah += sums.discharge_Ah;
      row.charge_Wh += sums.charge_Wh;
      row.discharge_Wh += sums.discharge_Wh;
      if (plan.type == "CC_CHG") row.charge_time_s += static_cast<double>(now_ns - began_ns) / 1e9;
      if (!plan.measures_reference) continue;
      if (!first_reference_Ah_) first_reference_Ah_ = sums.discharge_Ah;
      row.retention = sums.discharge_Ah / *first_reference_Ah_;
    }
    row.ended_test_time_ns = now_ns;
    row.coulombic_efficiency = row.discharge_Ah / row.charge_Ah;
    row.energy_efficiency = row.discharge_Wh / row.charge_Wh;
    row.cell_temperature_max_degC = hottest_;
    recorder_.append(row);
  }

  void event(Severity severity, const std::string& kind, const std::string& message) {
    EventRow row;
    row.run = run;
    row.test_time_ns = now_ns;
    row.utc = UtcTime{946'684'800'000'000'000 + now_ns};
    row.severity = severity;
    row.kind = kind;
    row.message = message;
    recorder_.append(row);
  }

  void end_run(const std::string& status = "completed") {
    recorder_.end_run(RunEndRow{run, now_ns, UtcTime{946'684'800'000'000'000 + now_ns}, status, "end of program", true});
  }

 private:
  void add(const SampleRow& row) { sums_ += moved_over(stretch_between(*previous_, row)); }

  Recorder& recorder_;
  StepRow step_;
  Sums sums_;
  std::optional<SampleRow> previous_;
  std::optional<double> first_reference_Ah_;
  double hottest_ = 0;
  int noise_ = 0;

 public:
  RunKey run;
  std::int64_t now_ns = 0;
  std::int64_t period_ns = 1'000'000'000;
  std::int64_t step_count = 0;
  std::int64_t cycle = 0;
  bool is_reference_cycle = false;
  std::uint64_t samples_appended = 0;

  [[nodiscard]] StepKey step_key() const { return step_.step; }
};

}  // namespace cellrig::db::test
