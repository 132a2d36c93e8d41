// One call of `cellrig run`, from its options to its report. Private to run_session*.cpp.
#pragma once

#include <fmt/format.h>

#include <boost/asio/signal_set.hpp>
#include <boost/json/serialize.hpp>
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <system_error>

#include "controller/cli/bench/bench_context.hpp"
#include "controller/cli/bench/host.hpp"
#include "controller/cli/run/first_off.hpp"
#include "controller/cli/run/person_prompt.hpp"
#include "controller/cli/run/progress.hpp"
#include "controller/cli/run/resume_plan.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/bench/rig.hpp"
#include "controller/cli/run/run_report.hpp"
#include "controller/cli/run/run_session.hpp"
#include "controller/cli/run/run_start.hpp"
#include "controller/cli/files/settings.hpp"
#include "controller/cli/bench/start_parts.hpp"
#include "controller/base/version.hpp"
#include "controller/runtime/bench_off.hpp"
#include "controller/runtime/bench_run.hpp"
#include "db/verify.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig::cli {

/// A second controller of one channel would be two processes; two names in one call are a slip.
struct ChannelPlan {
  std::string channel;
  std::string profile_file, cell_file, cell_id;
  Settings settings;
  Program program;
  db::RunKey resumed_run = 0;  ///< 0: a new run
  std::optional<Continuation> goes_on;
  std::optional<ExpectedCharge> expected_charge;
  Following following;  ///< the curves of its rehearsal, or of the run that goes on
};

class RunSession {
 public:
  enum class Report { printed, none };
  explicit RunSession(const RunOptions& options, Report report = Report::printed)
      : options_{options}, report_{report}, progress_{options.quiet} {}

  [[nodiscard]] const std::vector<ChannelResult>& results() const { return results_; }

  ExitCode run() {
    require_sensible_expect();
    choose_bench();
    rig_ = make_rig(RigChoice{options_.time, options_.ready_file, options_.simulated, options_.seed, options_.fault_file, true,
                              options_.cell_instead},
                    bench_);
    rig_->on_message([this](const std::string& text) { progress_.message("cellrig", db::Severity::warning, text); });
    require_sensible_periods(bench_, rig_->time_name(), channel_options());
    catch_signals();
    choose_channels();
    // Instruments that live without us get OFF before anything that could fail: profile, database, identity.
    if (!options_.simulated && !switch_off_first()) {
      if (recorder_) close_record();
      return ExitCode::instrument_failed;
    }
    if (options_.resume) {
      // The lock comes before the look: nobody may write to a run that is about to go on.
      if (!recorder_ && !open_recorder()) return ExitCode::record_failed;
      load_resumed_plans();
      close_plans_to_stop();
    } else {
      compile_plans();
    }
    if (!judge_plans()) return ExitCode::bad_input;
    if (!recorder_ && !open_recorder()) return ExitCode::record_failed;
    require_acknowledged_trips();
    if (!rehearse_plans()) {  // a signal came, and nothing has begun
      close_record();
      return report();
    }
    record_request();
    if (!plans_.empty()) run_bench();
    close_record();
    return report();
  }

 private:
  void choose_bench();
  void choose_channels();
  void choose_resumed_channels();
  void load_resumed_plans();
  void close_plans_to_stop();
  [[nodiscard]] std::vector<std::string> stop_their_chambers();
  void close_record();
  [[nodiscard]] ResumeMoment resume_moment(const ChannelPlan& plan);
  void keep_what_was_found();
  [[nodiscard]] std::string operator_name() const;
  void catch_signals();
  void wait_for_signal();
  bool switch_off_first();
  [[nodiscard]] double wait_for_cycler_s() const { return options_.wait_for_cycler_s.value_or(wait_for_cycler_usual_s); }
  [[nodiscard]] std::set<std::string> late_cyclers(const FirstOff& off) const;
  void compile_plans();
  bool judge_plans();
  void refuse_unequal_neighbours() const;
  [[nodiscard]] bool was_interrupted();
  [[nodiscard]] Rehearsed rehearse_plan(const ChannelPlan& plan);
  void require_sensible_expect() const;
  [[nodiscard]] std::string rehearsal_key(const ChannelPlan& plan) const;
  /// False: a signal came. ConfigError for a program that does not come through.
  [[nodiscard]] bool rehearse_plans();
  bool open_recorder();
  void require_acknowledged_trips() const;
  void record_request();
  void run_bench();
  void attend_to_persons();
  void switch_off_after_failure() noexcept;
  ExitCode report() const;
  [[nodiscard]] ChannelOptions channel_options() const;
  [[nodiscard]] std::vector<ChannelJob> jobs() const;
  [[nodiscard]] ExitCode exit_code() const;
  [[nodiscard]] std::string stop_reason() const {
    return signal_ == SIGINT   ? "stopped by Ctrl-C (SIGINT)"
           : signal_ == SIGHUP ? "stopped: the terminal was closed (SIGHUP)"
                               : "stopped by SIGTERM";
  }

  const RunOptions& options_;
  Report report_;
  Progress progress_;
  BenchConfig bench_;
  std::unique_ptr<Rig> rig_;
  std::vector<ChannelPlan> plans_;
  std::unique_ptr<boost::asio::signal_set> signals_;
  std::unique_ptr<db::Recorder> recorder_;
  std::vector<Lease> leases_;
  std::set<std::string> leased_;              ///< the wires of them
  std::set<std::string> maybe_on_;            ///< channels whose first OFF was confirmed by nobody
  std::map<std::string, OutputFound> found_;  ///< outputs of resumed runs, right before their OFF
  BenchInstruments instruments_;
  std::unique_ptr<BenchRun> bench_run_;
  std::unique_ptr<PersonPrompt> prompt_;
  int signal_ = 0;
  std::vector<ChannelResult> results_;
  std::string record_failure_;
  std::string rehearsed_;  ///< what the rehearsals told, or the reason for none; empty: none was due
  db::Anchor head_;
};

}  // namespace cellrig::cli
