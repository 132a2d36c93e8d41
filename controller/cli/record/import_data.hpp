// Measurements of others into a database.
#pragma once

#include <string>

#include "controller/cli/exit_code.hpp"
#include "controller/cli/record/record_source.hpp"

namespace cellrig::cli {

struct DataImport {
  std::string file;
  std::string database = default_database;
  std::string cell_name, cell_id;
  std::string operator_name;
  double nominal_capacity_Ah = 0;
  bool json = false, quiet = false;
};
/// ConfigError, with the place, for a file that breaks a rule of the format: then nothing is stored.
[[nodiscard]] ExitCode import_data(const DataImport& options);

}  // namespace cellrig::cli
