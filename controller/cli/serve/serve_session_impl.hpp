// One call of `cellrig serve`, from its options to its exit code. Private to serve_session*.cpp.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "controller/api/access.hpp"
#include "controller/api/server.hpp"
#include "controller/async/aside.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/files/catalogue.hpp"
#include "controller/cli/bench/host.hpp"
#include "controller/cli/record/protocol_record.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/run/first_off.hpp"
#include "controller/cli/run/run_start.hpp"
#include "controller/cli/run/unseen_output.hpp"
#include "controller/cli/serve/serve_log.hpp"
#include "controller/cli/serve/serve_prepare.hpp"
#include "controller/cli/serve/serve_session.hpp"
#include "controller/cli/serve/service_notify.hpp"
#include "controller/cli/bench/start_parts.hpp"
#include "controller/base/version.hpp"
#include "controller/runtime/bench_off.hpp"
#include "controller/runtime/bench_service.hpp"

namespace cellrig::cli {

class ServeSession {
 public:
  explicit ServeSession(const ServeOptions& options) : options_{options} {
    run_.bench = options.bench;
    run_.database = options.database;
    run_.time = "real";
    run_.ready_file = options.simulator;
    run_.fault_file = options.fault_file;
    run_.seed = options.seed;
    run_.control_period_s = options.control_period_s;
    run_.disk_reserve_MiB = options.disk_reserve_MiB;
    run_.simulated = options.simulated;
    run_.require_proofs = options.require_proofs;
  }

  ExitCode run() {
    notify_.emplace(ServiceNotify::from_environment());
    open_bench();
    catch_signals();
    if (!switch_off_first()) return ExitCode::instrument_failed;
    std::vector<OpenTrip> trips;
    std::vector<InterruptedRun> interrupted;
    try {
      if (!open_recorder()) {
        stop_all_chambers();
        return ExitCode::record_failed;
      }
      keep_what_was_found();
      make_service();
      start_server();
      interrupted = what_was_left(trips);
    } catch (...) {
      stop_all_chambers();
      throw;
    }
    stop_chambers(chambers_without_run(bench_, interrupted), false);
    const bool is_open = hold_bench(std::move(interrupted), std::move(trips));
    const ExitCode code = close();
    return is_open ? code : ExitCode::instrument_failed;
  }

 private:
  void open_bench();
  void catch_signals();
  void wait_for_signal();
  [[nodiscard]] bool switch_off_first();
  [[nodiscard]] bool open_recorder();
  [[nodiscard]] std::set<std::string> late_cyclers() const;
  void keep_what_was_found();
  [[nodiscard]] std::uint64_t record_opening();
  void make_service();
  void start_server();
  [[nodiscard]] PrepareParts prepare_parts() const;
  [[nodiscard]] ResumeMoment moment_of(const GoOnOrder& order);
  [[nodiscard]] std::vector<InterruptedRun> what_was_left(std::vector<OpenTrip>& trips);
  void stop_all_chambers();
  void stop_chambers(const std::vector<std::string>& wanted, bool takes_leases);
  [[nodiscard]] bool hold_bench(std::vector<InterruptedRun> interrupted, std::vector<OpenTrip> trips);
  [[nodiscard]] Task<void> whole(std::vector<InterruptedRun> interrupted, std::vector<OpenTrip> trips);
  Task<void> beat();
  Task<void> tell_of_doubtful_cells();
  void opened();
  void start_what_was_asked_for();
  void write_ready_file();
  void hear_of_change(const api::ServerChange& change);
  [[nodiscard]] Library library() const;
  [[nodiscard]] ExitCode close();
  [[nodiscard]] ChannelOptions channel_options() const {
    return channel_options_of(bench_, rig_->time_name(), options_.control_period_s);
  }
  [[nodiscard]] std::vector<std::string> channel_names() const {
    std::vector<std::string> names;
    for (const ChannelConfig& channel : bench_.channels) names.push_back(channel.name);
    return names;
  }
  [[nodiscard]] std::vector<std::string> chamber_names() const {
    std::vector<std::string> names;
    for (const ChamberConfig& chamber : bench_.chambers) names.push_back(chamber.name);
    return names;
  }

  const ServeOptions& options_;
  RunOptions run_;
  std::optional<ServiceNotify> notify_;
  BenchConfig bench_;
  std::unique_ptr<Rig> rig_;
  std::unique_ptr<ServeLog> log_;
  std::unique_ptr<boost::asio::signal_set> signals_;
  std::unique_ptr<db::Recorder> recorder_;
  std::vector<Lease> leases_;
  FoundOutputs found_;
  BenchInstruments instruments_;
  std::optional<FirstOff> off_;
  std::unique_ptr<BenchService> service_;
  std::unique_ptr<Aside> aside_;  // after what its work refers to
  std::unique_ptr<BenchCatalogue> catalogue_;
  std::unique_ptr<api::Server> server_;
  std::string token_file_;
  std::optional<Wait> beat_wake_;
  bool beats_ = false;
  std::optional<Error> not_opened_;
  int signal_ = 0;
};

}  // namespace cellrig::cli
