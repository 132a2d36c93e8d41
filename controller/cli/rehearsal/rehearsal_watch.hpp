// Keeps what a rehearsal is asked for while it runs: sums and extremes by step, a curve of bounded size, the nearest approach to
// each limit. What it costs does not grow with the length of the test.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controller/cli/rehearsal/rehearsal.hpp"
#include "controller/engine/hazard.hpp"
#include "controller/runtime/null_recorder.hpp"
#include "profiles/sensor_limits.hpp"

namespace cellrig::cli {

/// Pieces of equal length that become twice as long whenever there are too many.
class Curve {
 public:
  void add(double seconds, const Observation& observation);
  [[nodiscard]] const std::vector<CurvePiece>& pieces() const { return pieces_; }

 private:
  void halve();

  double length_s_ = 1.0;
  std::vector<CurvePiece> pieces_;
};

/// How fast the cell warms for as long as the supervisor would let it, by means of about a second as it takes them.
class WarmingWatch {
 public:
  /// Kelvin per second that held all through the last `hold`; nothing before there are readings of so long.
  [[nodiscard]] std::optional<double> add(const Reading& cell, Duration hold);

 private:
  struct Slope {
    TimePoint from{}, to{};
    double K_per_s = 0.0;
  };
  Reading mean_{}, before_{};
  TimePoint last_{};
  double sum_ = 0.0;
  int count_ = 0;
  bool has_before_ = false;
  std::vector<Slope> slopes_;  ///< of the last `hold`
};

class RehearsalWatch final : public RunListener, public NullRecorder {
 public:
  RehearsalWatch(const Program& program, const SafetyLimits& limits, RehearsalWatcher watcher, std::function<void()> stop);

  // RunListener
  void sample(const ChannelView& view) override;
  void message(std::string_view channel, db::Severity severity, std::string_view text) override;
  void person_asked(std::string_view channel, const PersonTask& task) override {
    if (asked_) asked_(std::string(channel), task);
  }
  /// Who stands in for the person at the bench.
  void set_person(std::function<void(const std::string& channel, const PersonTask& task)> asked) { asked_ = std::move(asked); }

  // NullRecorder
  [[nodiscard]] db::RunKey begin_run(const db::RunRow&) override { return 1; }
  [[nodiscard]] db::StepKey next_step_key() override { return ++last_key_; }
  void begin_step(const db::StepRow& step) override;
  void append(const db::SampleRow& sample) override;
  void append(const db::AuxRow& sample) override;
  void append(const db::CycleRow& cycle) override;
  void append(const db::EventRow& event) override;
  void end_step(const db::StepEndRow& end) override;
  void end_run(const db::RunEndRow& end) override;

  /// All but what BenchRun itself tells: outcome, reason, criteria.
  [[nodiscard]] Rehearsal take() { return std::move(result_); }

 private:
  void watch_limit(const std::string& key, const std::string& unit, double bound, double room);
  void keep_trip(const db::EventRow& trip);
  void judge_approaches(const ChannelView& view, std::uint32_t instruction);
  void judge_sensors(const Observation& observation, const SafetyLimits& limits, std::uint32_t instruction);
  void judge_voltmeters(const Observation& observation, const SafetyLimits& limits, std::uint32_t instruction);
  void judge_warming(const Reading& cell, const SafetyLimits& limits, std::uint32_t instruction);
  [[nodiscard]] SafetyLimits limits_of(std::uint32_t instruction, Duration step_time) const;
  void approach(std::size_t which, bool is_upper, double value, std::uint32_t instruction, std::optional<double> moved = {});
  [[nodiscard]] RehearsedStep& step_of(std::uint32_t instruction);

  const Program& program_;
  SafetyLimits limits_;
  RehearsalWatcher watcher_;
  std::function<void()> stop_;
  std::function<void(const std::string&, const PersonTask&)> asked_;
  Rehearsal result_;
  Curve curve_;
  WarmingWatch warming_;
  std::optional<std::size_t> difference_;  ///< where in result_.approaches the two voltmeters stand, if they are compared
  double difference_before_V_ = 0.0;
  Reading current_before_;
  TimePoint current_changed_{}, last_compared_{};
  /// Limits on what sensors measure, where one is in force, and where in result_.approaches they stand.
  std::vector<std::pair<const SensorLimitKey*, std::size_t>> sensors_;
  double lowest_Ah_ = 0.0;                      ///< of the run's net charge
  bool is_open_ = false;                        ///< the step that began last has not ended
  std::map<std::uint32_t, std::size_t> index_;  ///< instruction -> position in result_.steps
  std::uint32_t running_ = 0;                   ///< the instruction of the step that began last
  std::optional<std::uint32_t> sampled_;        ///< the one that ran at the last sample
  std::int64_t now_ns_ = 0, step_began_ns_ = 0;
  db::StepKey last_key_ = 0;
  double rows_ = 0.0;
  std::int64_t last_row_ns_ = 0;
  bool bands_are_too_many_ = false, is_stopped_ = false;
};

}  // namespace cellrig::cli
