// What must be true of a channel before the first ampere.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/runtime/channel_runner.hpp"

namespace cellrig {
namespace {

constexpr Duration command_timeout = std::chrono::seconds{5};
constexpr Duration relay_timeout = std::chrono::seconds{2};
constexpr Duration settle_after_contactor = std::chrono::milliseconds{300};
/// The instrument's own protections lie this far beyond the supervisor's limits, or twice the accuracy, whichever is more.
constexpr double protection_margin_V = 0.03;
constexpr double protection_margin_of_current = 0.05;
/// Below this there is no cell, an open contactor, or a cell nobody should charge without a recipe for it.
constexpr double no_cell_V = 0.3;
constexpr double plausible_temperature_gap_K = 60.0;

Error refuse(const std::string& channel, const std::string& what) { return fail(Fault::refused, channel + ": " + what); }

}  // namespace

Task<Result<void>> ChannelRunner::secure() {
  const SafeBy safe = co_await make_safe();
  if (safe == SafeBy::nothing) co_return fail(Fault::device_fault, parts_.name + ": the output could not be confirmed off");
  if (parts_.relays != nullptr) {
    const Deadline deadline{time_.now() + relay_timeout};
    const bool open = co_await open_contactor(deadline);
    if (!open) co_return fail(Fault::device_fault, parts_.name + ": the contactor could not be confirmed open");
  }
  if (safe == SafeBy::watchdog)
    co_return fail(Fault::device_fault, parts_.name + ": the cycler was off only after a silence for its watchdog");
  if (safe == SafeBy::contactor)
    co_return fail(Fault::device_fault, parts_.name + ": the cycler does not confirm OFF; the contactor was opened");
  co_return Result<void>{};
}

Task<Result<InstrumentIdentity>> ChannelRunner::identify() {
  const Deadline deadline{time_.now() + command_timeout};
  Result<InstrumentIdentity> identity = co_await parts_.cycler->identify(deadline);
  co_return identity;
}

Protections ChannelRunner::protections() const {
  const CyclerCapabilities& can = parts_.cycler->capabilities();
  const SafetyLimits& limits = program_.limits;
  const double beyond = std::max(protection_margin_V, 2 * can.voltage_accuracy.bound_at(limits.voltage_max.value()));
  Protections p;
  p.over_voltage = limits.voltage_max + Volts{beyond};
  p.under_voltage = limits.voltage_min - Volts{beyond};
  p.charge_current_max = std::min(limits.charge_current_max * (1 + protection_margin_of_current), can.charge_current_max * 1.02);
  p.discharge_current_max =
      std::min(limits.discharge_current_max * (1 + protection_margin_of_current), can.discharge_current_max * 1.02);
  p.watchdog_delay = options_.watchdog_delay;
  return p;
}

Task<Result<void>> ChannelRunner::connect_cell() {
  if (!parts_.has_cell_temperature) {
    listener_.message(parts_.name, db::Severity::warning, "no thermocouple on the cell: nothing guards its temperature");
  }
  if (parts_.relays != nullptr) {
    const Deadline deadline{time_.now() + relay_timeout};
    const Result<void> closed = co_await parts_.relays->set(parts_.contactor, true, deadline);
    if (!closed) co_return Error{closed.error().fault, parts_.name + ": contactor: " + closed.error().what};
    co_await time_.sleep_for(settle_after_contactor);
  }
  Result<void> cell = co_await check_cell();
  co_return cell;
}

Task<Result<void>> ChannelRunner::arm() {
  const Deadline deadline{time_.now() + command_timeout};
  const Protections guards = protections();
  const Result<void> armed = co_await parts_.cycler->arm(guards, deadline);
  if (!armed) co_return Error{armed.error().fault, parts_.name + ": protections not armed: " + armed.error().what};
  co_return Result<void>{};
}

Task<void> ChannelRunner::keep_alive() {
  const Deadline deadline{time_.now() + relay_timeout};
  (void)co_await parts_.cycler->measure(deadline);  // whatever it says, the control loop will ask again
}

Task<void> ChannelRunner::release_unused() {
  const Deadline deadline{time_.now() + relay_timeout};
  const Result<void> released = co_await parts_.cycler->release(deadline);
  if (!released)
    listener_.message(parts_.name, db::Severity::warning, "could not give the cycler back: " + released.error().what);
}

Task<Result<void>> ChannelRunner::check_cell() {
  const Deadline deadline{time_.now() + command_timeout};
  const Result<CyclerReadings> readings = co_await parts_.cycler->measure(deadline);
  if (!readings) co_return Error{readings.error().fault, parts_.name + ": " + readings.error().what};
  if (!readings->voltage.usable() || !readings->current.usable())
    co_return refuse(parts_.name, "the cycler's readings are no numbers");
  if (readings->output_on) co_return refuse(parts_.name, "the output is on after it was confirmed off");
  if (!(abs(Amps{readings->current.value}) <= parts_.cycler->off_current_threshold())) {
    co_return refuse(parts_.name, fmt::format("{:.3f} A flow although the output is off", readings->current.value));
  }
  const double ocv = readings->voltage.value;
  const SafetyLimits& limits = program_.limits;
  if (ocv < -no_cell_V)
    co_return refuse(parts_.name, fmt::format("the cell is connected with reversed polarity ({:.3f} V)", ocv));
  if (!(ocv >= no_cell_V))
    co_return refuse(
        parts_.name,
        fmt::format("no cell, or one with reversed polarity: {:.3f} V at the sense leads (leads, contactor, fuse?)", ocv));
  if (!(ocv >= limits.voltage_min.value() && ocv <= limits.voltage_max.value())) {
    co_return refuse(
        parts_.name,
        fmt::format("open-circuit voltage {:.3f} V is outside {:.3f} to {:.3f} V: is this the cell of the cell file?", ocv,
                    limits.voltage_min.value(), limits.voltage_max.value()));
  }
  if (!parts_.has_cell_temperature) co_return Result<void>{};
  const Reading& cell = observation_[Measurand::cell_temperature];
  if (!cell.usable()) co_return refuse(parts_.name, "the cell's thermocouple gives no temperature (open or not connected?)");
  if (!(cell.value >= limits.cell_temperature_min.value() && cell.value <= limits.cell_temperature_max.value())) {
    co_return refuse(parts_.name, fmt::format("the cell is at {:.1f} degC, allowed are {:.1f} to {:.1f} degC", cell.value,
                                              limits.cell_temperature_min.value(), limits.cell_temperature_max.value()));
  }
  const Reading& ambient = observation_[Measurand::ambient_temperature];
  if (parts_.has_ambient_temperature && ambient.usable() &&
      !(std::abs(cell.value - ambient.value) <= plausible_temperature_gap_K)) {
    co_return refuse(parts_.name,
                     fmt::format("cell ({:.1f} degC) and air ({:.1f} degC) cannot both be right", cell.value, ambient.value));
  }
  co_return Result<void>{};
}

}  // namespace cellrig
