// The exit codes of cellrig: a contract, for ever.
#pragma once

namespace cellrig::cli {

enum class ExitCode : int {
  passed = 0,
  not_passed = 1,  ///< the test finished and its criterion was not met
  bad_input = 2,
  safety_trip = 3,
  instrument_failed = 4,
  record_failed = 5,
  interrupted = 130,  ///< SIGINT
  terminated = 143,   ///< SIGTERM
};

}  // namespace cellrig::cli
