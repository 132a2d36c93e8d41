// cellrig export --profile: a profile in the words of another program.
#pragma once

#include <string>
#include <vector>

#include "controller/cli/exit_code.hpp"

namespace cellrig::cli {

struct ExportProfileOptions {
  std::string profile;
  std::string cell;
  std::vector<std::string> settings;
  std::vector<std::string> accepted_losses;
  std::string output;  ///< standard output when empty
  bool overwrite = false;
  bool json = false;
  bool quiet = false;
};

/// As a PyBaMM experiment. Refused with bad_input, and nothing written, when a safety loss is not accepted.
[[nodiscard]] ExitCode export_profile(const ExportProfileOptions& options);

}  // namespace cellrig::cli
