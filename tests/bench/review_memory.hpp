// The memory of the program `cellrig` over a long run and a short one.
#pragma once

#include <string>

namespace cellrig::db {

/// Greatest resident memory of a process.
struct ProgramPeaks {
  double report_MiB = 0, verify_MiB = 0;
};
/// Writes a simulated run of so many cycles of some 10,000 rows into the folder, its report and the verdicts of a claim that asks for each
/// quantity that goes through rows or cycles. A process that fails ends this one. To be asked first of all: a process begins with the peak of
/// the one that makes it.
[[nodiscard]] ProgramPeaks peaks_of_life(const std::string& folder, int cycles);

}  // namespace cellrig::db
