// One call of `cellrig run`: time source, bench, programs, record, and the way it ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/cli/exit_code.hpp"

namespace cellrig::cli {

struct RunOptions {
  std::string profile;
  std::string bench;
  std::vector<std::string> channels, cells, cell_ids, settings;
  std::string database = "cellrig.db";
  std::string operator_name;
  std::string time;
  std::string ready_file;
  std::uint64_t seed = 1;
  double control_period_s = 0;
  std::uint64_t disk_reserve_MiB = 256;
  bool simulated = false;
  bool json = false;
  bool quiet = false;
};

[[nodiscard]] ExitCode run_profiles(const RunOptions& options);

}  // namespace cellrig::cli
