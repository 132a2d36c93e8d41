// Where in the profile's text.
#pragma once

namespace cellrig {

/// 0 = unknown.
struct SourceSpot {
  int line = 0;
  int column = 0;
  int file = 0;  ///< 0: the profile itself; otherwise that of Program::files, counted from 1
};

}  // namespace cellrig
