// A drive cycle as a file of comma-separated values: time and current, power or rate.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/engine/program.hpp"

namespace cellrig {

/// `time_s,current_A` (or `power_W`, or `rate_C`) in the first line, then a row per change; positive charges; lines that begin with
/// '#' are comments. Each value holds until the time of the next row; the last row says when the table ends, its value is not used.
struct DriveTable {
  std::string file;
  std::string column;  ///< "current_A", "power_W", "rate_C"
  std::vector<CoursePoint> points;
  std::vector<int> lines;  ///< of each point, for errors
  Duration period{};
};

/// Throws ConfigError at the line and column of what is wrong.
[[nodiscard]] DriveTable read_drive_table(std::string_view text, const std::string& file);

}  // namespace cellrig
