// One call of `cellrig serve`: bench, record, service, the way it ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/cli/exit_code.hpp"
#include "controller/cli/run/first_off.hpp"

namespace cellrig::cli {

struct ServeOptions {
  std::string bench;
  std::string database = "cellrig.db";
  std::string simulator;                  ///< the ready file of a running cellrig-sim
  std::string listen = "127.0.0.1:8230";  ///< port 0: any free one
  std::string token_file;                 ///< empty: beside the database
  std::string accounts_file, certificate_file, key_file;
  std::vector<std::string> make_account;     ///< name and role: nothing is served, a line for the accounts file is printed
  std::string ready_file;                    ///< written once the bench is open
  std::vector<std::string> cells, profiles;  ///< folders
  std::vector<std::string> starts;           ///< "ch1=PROFILE": of a simulated bench, right after it was opened
  std::string fault_file;
  std::uint64_t seed = 1;
  double control_period_s = 0;
  double wait_for_cycler_s = wait_for_cycler_usual_s;  ///< for one whose run is to go on and that is not there yet
  std::uint64_t disk_reserve_MiB = 256;
  bool simulated = false;
  bool idle = false;  ///< with simulated: nothing is started by itself
  bool require_proofs = false;
  bool quiet = false;
};

[[nodiscard]] ExitCode serve_bench(const ServeOptions& options);
/// A line for the accounts file, with the password from standard input.
[[nodiscard]] ExitCode print_account(const std::string& name, const std::string& role);

}  // namespace cellrig::cli
