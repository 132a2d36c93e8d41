// One channel of a bench service: what it holds of its present or last run.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "controller/runtime/bench_control.hpp"
#include "controller/runtime/bench_start.hpp"
#include "controller/runtime/output_watch.hpp"
#include "profiles/estimate.hpp"

namespace cellrig {

/// Charge that was told to the record of a run, and when: whoever reads that record at the same time may have read before.
class ToldCharge {
 public:
  static constexpr std::size_t kept_max = 64;
  void add(TimePoint now, AmpHours charge);
  void forget() { told_.clear(); }
  /// At least what was told from then on.
  [[nodiscard]] AmpHours since(TimePoint from) const;

 private:
  struct Told {
    TimePoint at;
    AmpHours charge;
  };
  std::deque<Told> told_;
};

struct Place {
  enum class Stage : unsigned char {
    idle,       ///< no run yet, or its last start was refused
    preparing,  ///< files are read, the profile is rehearsed: nothing is sent
    starting,   ///< preflight
    running,
    ended,
  };

  explicit Place(const ChannelConfig& channel) : config{channel} {}

  const ChannelConfig& config;
  Stage stage = Stage::idle;
  std::uint64_t token = 0;
  std::shared_ptr<const Program> program;  ///< outlives job
  DurationEstimate estimated;              ///< of it
  std::unique_ptr<BenchJob> job;           ///< on the bench: runs, or has run
  std::unique_ptr<BenchStart> start;       ///< while starting
  std::unique_ptr<OutputWatch> watch;
  std::shared_ptr<std::atomic<bool>> is_given_up;  ///< of the preparation under way
  db::RunKey last_run = 0;  ///< of an earlier process, with this cell perhaps: whoever goes on with it counts
  ToldCharge told_charge;   ///< of its last run, by this process
  bool is_not_safe = false;
  std::optional<UtcTime> off_at;  ///< when it was confirmed off after it had not been
  bool is_being_secured = false;
  bool is_off_wanted = false;  ///< by a stop that came meanwhile
  std::string stopped_early;   ///< by whom, before the bench was open: nothing goes on by itself

  // What is shown of the present or the last run.
  std::int64_t run = 0;
  std::string cell, cell_id, profile, operator_name, reason, asks_person;
  std::optional<UtcTime> started;
  Outcome outcome = Outcome::none;
  bool criteria_met = true;
  bool is_interrupted = false;     ///< and does not go on by itself
  std::optional<TripStatus> trip;  ///< not acknowledged
  std::string doing;               ///< while preparing or starting

  [[nodiscard]] bool is_busy() const { return stage == Stage::preparing || stage == Stage::starting || stage == Stage::running; }
  [[nodiscard]] ChannelRunner* runner() const { return stage == Stage::running && job ? job->runner.get() : nullptr; }
};

/// What a person at the bench is to do about it, in one or two sentences.
[[nodiscard]] std::string what_to_do(Hazard hazard);
[[nodiscard]] TripStatus trip_status(const TripCause& cause);
/// "degC" of "cell_temperature_degC"; empty where a measurand has none.
[[nodiscard]] std::string unit_of(Measurand measurand);

/// Everything but what only the bench knows (chamber temperature of others, alarms).
[[nodiscard]] ChannelStatus channel_status(const Place& place, TimePoint now, UtcTime utc);

}  // namespace cellrig
