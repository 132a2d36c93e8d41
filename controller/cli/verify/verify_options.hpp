// What `cellrig verify` was asked for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cellrig::cli {

struct VerifyOptions {
  std::string claim;  ///< "factorial-fest-77", a file, or "factorial-fest-77/charge-time" for one statement
  std::string bench, cell, database = "cellrig.db", operator_name, page;
  std::vector<std::string> channels, cell_ids;
  std::vector<std::string> recorded;  ///< "window=3,4": judge these runs instead of running
  std::vector<std::string> measured;  ///< "mass_before_g=200.31"
  std::optional<int> cells;
  std::uint64_t seed = 1;
  double confidence = 0.9;
  bool simulated = false, all = false, list = false;
  bool resume = false;     ///< take the runs that an earlier call finished in this database
  bool shortened = false;  ///< --short
  bool variants = false, no_variants = false;
  bool json = false, quiet = false;
};

}  // namespace cellrig::cli
