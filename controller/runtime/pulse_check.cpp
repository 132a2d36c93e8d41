#include "controller/runtime/pulse_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace cellrig {
namespace {

constexpr double noise_factor = 8.0;  ///< a current is known to an eighth
constexpr double flowed_share = 0.5;  ///< of the set-point: less is no pulse
constexpr double mohm_per_ohm = 1000.0;

PulsePlan none(std::string why) { return {.setpoint = {}, .why_not = std::move(why)}; }

}  // namespace

PulsePlan plan_pulse(const PulseResistance& expected, const PulseCase& state) {
  const Reading& cell = state.cell_temperature;
  if (!cell.usable()) return none("the cell's temperature is not known");
  const double coldest = expected.temperature_min.value(), warmest = expected.temperature_max.value();
  if (!(cell.value >= coldest && cell.value <= warmest))
    return none(
        fmt::format("the cell is at {:.1f} degC, its resistance is given for {:g} to {:g} degC", cell.value, coldest, warmest));
  if (state.voltage < expected.rest_voltage_min)
    return none(fmt::format("the cell is at {:.3f} V, its resistance is given from {:g} V on", state.voltage.value(),
                            expected.rest_voltage_min.value()));
  const double current_A = std::min(expected.rate_C * state.nominal_capacity.value(), state.cycler_current_max.value());
  if (!(current_A <= state.limits.discharge_current_max.value() &&
        current_A <= state.limits.discharge_current_by_temperature.at(Celsius{cell.value}).value()))
    return none(fmt::format("{:.3g} A is more than the cell may be given at {:.1f} degC", current_A, cell.value));
  if (!(current_A >= noise_factor * state.noise.value()))
    return none(fmt::format("this cycler does not know {:.3g} A well enough", current_A));
  return {.setpoint = {.current = Amps{-current_A}, .voltage_min = expected.voltage_min, .voltage_max = expected.voltage_max},
          .why_not = {}};
}

Result<std::string> judge_pulse(const PulseResistance& expected, Amps commanded, const ElectricalSample& before,
                                const ElectricalSample& after) {
  const double moved_A = (after.current - before.current).value();
  const double moved_V = (after.voltage - before.voltage).value();
  const double seconds = to_seconds(after.at - before.at);
  const double ohm = moved_V / moved_A;
  if (!(std::isfinite(ohm) && moved_A / commanded.value() >= flowed_share))
    return fail(Fault::refused, fmt::format("a pulse of {:.3g} A was asked for before the start, and {:.3g} A flowed",
                                            commanded.value(), moved_A));
  const std::string seen = fmt::format("pulse of {:.3g} A for {:.1f} s: {:.3g} mohm", moved_A, seconds, mohm_per_ohm * ohm);
  const std::string allowed =
      fmt::format("{:g} to {:g} mohm", mohm_per_ohm * expected.least.value(), mohm_per_ohm * expected.most.value());
  if (ohm >= expected.least.value() && ohm <= expected.most.value()) return seen + ", as expected: " + allowed;
  return fail(Fault::refused,
              seen + ", expected " + allowed + ": is this the cell of the cell file, and are all its leads tight?");
}

}  // namespace cellrig
