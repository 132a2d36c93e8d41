// Other people's data, put into a record so that it can be reviewed. It is marked as imported and never passes for measured here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/base/result.hpp"
#include "db/recorder.hpp"

namespace cellrig::db {

struct BdfImportOptions {
  std::string path;
  std::string cell_name, cell_id;  ///< empty: by the file's name, "Institution__Cell__Date_Number"
  double nominal_capacity_Ah = 0;  ///< 0: the greatest discharge of a cycle
  std::string operator_name;
  std::string host, software_version;
};

struct BdfImportReport {
  RunKey run = 0;
  std::uint64_t rows = 0;
  std::uint64_t steps = 0, cycles = 0;
  double nominal_capacity_Ah = 0;
  std::string sha256;              ///< of the file
  std::vector<std::string> notes;  ///< what was decided, and what the file does not say
};

/// The whole file is read and judged first; nothing is stored of one that breaks a rule. Memory: some hundred bytes a step.
/// * Steps are those of `Step Count`; without it a step begins where the current changes between charge, rest and discharge, and where the
///   cycle changes.
/// * A cycle is what `Cycle Count` says; without it there are no cycles.
/// * Charge and energy run straight between the rows, as for rows of this bench; not across a step edge, nor over more than an hour between
///   two rows.
[[nodiscard]] Result<BdfImportReport> import_bdf(Recorder& recorder, const BdfImportOptions& options);

}  // namespace cellrig::db
