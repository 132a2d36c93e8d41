// `run --resume`: from what the record holds to a program and the way it goes on. ConfigError for everything that is refused.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/engine/program.hpp"
#include "controller/runtime/bench_off.hpp"
#include "controller/runtime/config.hpp"
#include "controller/runtime/resume.hpp"
#include "controller/runtime/step_follower.hpp"

namespace cellrig::cli {

struct RunOptions;

/// Which run is to go on, on which channel of the bench.
struct ResumeTarget {
  db::RunKey run = 0;
  std::string channel;
};

/// Looks into the record, reading only: nothing is opened for writing before every output is off.
[[nodiscard]] std::vector<ResumeTarget> choose_resumed(const RunOptions& options, const BenchConfig& bench);

struct ResumeMoment {
  UtcTime utc{};              ///< of that OFF: what was on until then nobody saw
  UtcTime now{};              ///< later than that, in a process that lives on
  bool is_off = true;         ///< it was confirmed; else what was found on may be on still
  bool is_elsewhere = false;  ///< the cell is on another channel now: found and off are not of the output that it had
  std::optional<UtcTime> machine_started;  ///< real time only: tells a loss of power from a dead process
  const BenchConfig* bench = nullptr;
  OutputFound found;                                           ///< of its output, right before the first OFF of this process
  bool has_run_here = false;                                   ///< in this process, after that OFF: it ended under our eyes
  std::function<void(const std::string& what)> keep_found_on;  ///< the next look finds it off; empty: the record has it already
  std::string cell_id;                                         ///< as the person gave it; empty: not given
  std::function<bool()> is_interrupted;                        ///< asked while a person is asked: true gives up
  bool may_ask = true;                                         ///< false: nobody sits at the terminal
};

struct Resumed {
  Program program;
  Continuation continuation;
  Following following;  ///< what it is compared with, when it was from its beginning
  std::string file;     ///< what error messages call the profile
};

/// With the database locked for writing. Compiles what the record holds, judges the rule, asks the person when the rule says so.
[[nodiscard]] Resumed load_resumed(const RunOptions& options, const ResumeTarget& target, const ResumeMoment& start);

/// When this computer began, by its clock of now.
[[nodiscard]] UtcTime machine_started(const TimeSource& time);

/// Channels of those runs that can go on as soon as their cycler is there, as far as the record knows: no person has to say anything first.
/// since: only those that nobody has heard of after this instant. Reads only; what cannot be read is not waited for.
[[nodiscard]] std::set<std::string> worth_waiting_for(const std::string& database, const std::vector<ResumeTarget>& targets,
                                                      std::optional<UtcTime> since);

/// How old the last words of a run may be when its process dies.
[[nodiscard]] Duration resume_point_interval_of(const std::string& time_source);

/// "cellrig run --resume 3 --bench lab.yaml --db lab.db"
[[nodiscard]] std::string resume_command(const RunOptions& options, const std::vector<db::RunKey>& runs);

}  // namespace cellrig::cli
