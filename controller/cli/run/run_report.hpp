// What `cellrig run` prints when it is over.
#pragma once

#include <string>
#include <vector>

#include "controller/cli/exit_code.hpp"
#include "controller/cli/run/run_session.hpp"
#include "controller/runtime/bench_run.hpp"
#include "db/verify.hpp"

namespace cellrig::cli {

struct RunReport {
  const RunOptions& options;
  const std::vector<ChannelResult>& results;
  std::string time_name;
  std::string record_failure;
  db::Anchor head;  ///< where the chain of the record ends
  bool is_simulated = false;
  ExitCode code = ExitCode::passed;
};

/// On standard output: a table and a last line that says how a stopped run goes on, or one JSON document.
void print_report(const RunReport& report);

}  // namespace cellrig::cli
