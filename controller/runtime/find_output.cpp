#include "controller/runtime/find_output.hpp"

#include <cmath>

namespace cellrig {
namespace {
constexpr Duration find_timeout = std::chrono::milliseconds{200};
}  // namespace

Task<OutputFound> find_output(TimeSource& time, Cycler& cycler) {
  OutputFound found;
  const Deadline deadline{time.now() + find_timeout};
  const Result<CyclerReadings> readings = co_await cycler.measure(deadline);
  if (!readings) {
    found.is_unreachable = readings.error().fault == Fault::link_lost;
    co_return found;
  }
  // An output that is off by its status alone may be a status that is wrong.
  found.is_known = readings->current.usable() || readings->output_on;
  if (readings->current.usable()) found.current = Amps{readings->current.value};
  // Whatever the status says: what flows is on.
  found.is_on = readings->output_on || !(std::abs(found.current.value()) <= cycler.off_current_threshold().value());
  co_return found;
}

}  // namespace cellrig
