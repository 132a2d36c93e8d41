// Linked into a cellrig of its own with --wrap: whoever asks for the table of sensor limits meets an exception, from the moment on when
// a file is there. The guard of a watchdog trial asks with every reading, with current flowing.
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "profiles/sensor_limits.hpp"

namespace cellrig {

// sensor_limit_table(), under the names the linker gives the wrapped function and the one that is called instead.
const std::vector<SensorLimitKey>& real_table() asm("__real__ZN7cellrig18sensor_limit_tableEv");
const std::vector<SensorLimitKey>& failing_table() asm("__wrap__ZN7cellrig18sensor_limit_tableEv");

const std::vector<SensorLimitKey>& failing_table() {
  const char* const file = std::getenv("CELLRIG_TEST_FAIL_WHEN");
  if (file != nullptr && access(file, F_OK) == 0) throw std::logic_error("a failure of our own");
  return real_table();
}

}  // namespace cellrig
