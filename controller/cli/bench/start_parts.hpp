// What a start is made of, whoever asks for it: `run` in the foreground, or a client of `serve`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/cli/bench/rig.hpp"
#include "controller/runtime/bench_run.hpp"
#include "controller/runtime/expected_charge.hpp"
#include "profiles/check.hpp"

namespace cellrig::cli {

/// How often a bench is measured. control_period_s 0: as this source of time has it.
[[nodiscard]] ChannelOptions channel_options_of(const BenchConfig& bench, const std::string& time_name, double control_period_s);
/// ConfigError when the watchdog or a reaction time does not go with the period.
void require_sensible_periods(const BenchConfig& bench, const std::string& time_name, const ChannelOptions& periods);

/// What a new run's record says of it before it starts; channel and instruments are filled in by its start.
struct NewRun {
  const Program& program;
  const BenchConfig& bench;
  std::string cell_file, cell_id, operator_name, time_name;
  std::uint64_t seed = 1;
  Duration control_period{};
};
[[nodiscard]] db::RunRow run_row_of(const NewRun& run);

/// A program that would trip is found out with the outputs off.
struct StartRehearsal {
  const Program& program;
  const BenchConfig& bench;
  std::string channel, profile_file, cell_file;
  std::uint64_t seed = 1;
  std::optional<ExpectedCharge> expected_charge;
  bool is_simulated = false;                        ///< the cell has the charge that its bench file says
  std::function<bool(const ChannelView&)> goes_on;  ///< at every sample; false: given up
  std::function<void(db::Severity, const std::string&)> say;
};
struct Rehearsed {
  std::string summary;  ///< in words, for the record; empty: given up
  std::shared_ptr<const ExpectedCurves> expected;
};
/// ConfigError for a program that does not come through, and where it cannot be rehearsed.
[[nodiscard]] Rehearsed rehearse_start(const StartRehearsal& order);

/// New connections, OFF for these channels and stop for these chambers, after this program has failed and its tasks are gone. Never
/// throws; what could not be done is said.
void switch_off_anew(Rig& rig, const BenchConfig& bench, const std::vector<std::string>& channels,
                     const std::vector<std::string>& chambers, const ChannelOptions& options, BenchInstruments& instruments,
                     RunListener& listener) noexcept;

}  // namespace cellrig::cli
