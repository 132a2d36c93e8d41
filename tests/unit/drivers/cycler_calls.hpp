// Calls of a cycler, run to their end: what the unit tests of every cycler driver begin with. A rig has `time` and `cycler`.
#pragma once

#include <chrono>
#include <utility>

#include "drivers/instruments/cycler.hpp"
#include "tests/unit/drivers/run_task.hpp"

namespace cellrig::testing {

const Protections protections{.over_voltage = 4.3_V,
                              .under_voltage = 2.4_V,
                              .charge_current_max = 6_A,
                              .discharge_current_max = 10_A,
                              .watchdog_delay = std::chrono::seconds{5}};
const Setpoint charge_5A = ConstantCurrent{.current = 5_A, .voltage_min = 2.5_V, .voltage_max = 4.2_V};
const Setpoint discharge_8A = ConstantCurrent{.current = -8_A, .voltage_min = 2.5_V, .voltage_max = 4.2_V};

template <class Rig>
[[nodiscard]] Deadline in(Rig& rig, Duration duration) {
  return Deadline{rig.time.now() + duration};
}

/// For tests that go on while the call is under way: the rig's time must be run.
template <class T>
Task<void> keep(Task<Result<T>> call, Result<T>& result) {
  Result<T> over = co_await std::move(call);
  result = std::move(over);
}

template <class Rig, class T>
Result<T> finish(Rig& rig, Task<Result<T>> call) {
  Result<T> result = fail(Fault::timeout, "not over");
  run_task(rig.time, keep(std::move(call), result));
  return result;
}

template <class Rig>
Result<void> arm(Rig& rig, const Protections& wanted = protections) {
  return finish(rig, rig.cycler->arm(wanted, in(rig, std::chrono::seconds{5})));
}
template <class Rig>
Result<void> apply(Rig& rig, const Setpoint& setpoint) {
  return finish(rig, rig.cycler->apply(setpoint, in(rig, std::chrono::seconds{1})));
}
template <class Rig>
Result<CyclerReadings> measure(Rig& rig) {
  return finish(rig, rig.cycler->measure(in(rig, std::chrono::seconds{1})));
}
template <class Rig>
Result<void> off(Rig& rig) {
  return finish(rig, rig.cycler->output_off(in(rig, std::chrono::seconds{1})));
}
template <class Rig>
Result<InstrumentIdentity> identify(Rig& rig) {
  return finish(rig, rig.cycler->identify(in(rig, std::chrono::seconds{5})));
}
template <class Rig>
Result<void> release(Rig& rig) {
  return finish(rig, rig.cycler->release(in(rig, std::chrono::seconds{2})));
}

}  // namespace cellrig::testing
