// How an output was found, in the exchange right before an OFF that somebody must know more of: after it nobody can see it any more.
#pragma once

#include "controller/base/units.hpp"

namespace cellrig {

struct OutputFound {
  bool is_known = false;  ///< false: no answer in time, or OFF without a current to show it; OFF did not wait
  bool is_on = false;
  bool is_unreachable = false;  ///< there was no connection: no OFF can have got there either
  Amps current{0.0};
};

}  // namespace cellrig
