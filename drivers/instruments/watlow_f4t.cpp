#include "drivers/instruments/watlow_f4t.hpp"

#include <algorithm>
#include <cmath>

#include "drivers/modbus/register_map.hpp"

namespace cellrig {
namespace {

using modbus::WordOrder;

/// Watlow's numeric constants.
enum Word : std::uint16_t {
  automatic = 10,
  inactive = 12,
  both_sides = 13,
  celsius = 15,
  failed = 32,
  latching = 49,
  none = 61,
  off = 62,
  on = 63,
  process_alarm = 76,
  startup = 88,
  paused = 146,
  terminate = 148,
  running = 149,
};

/// Offsets in the alarm block.
enum AlarmSetting : std::uint16_t { alarm_type = 0, alarm_sides = 2, alarm_high = 4, alarm_low = 6, alarm_latching = 12 };

constexpr Duration state_poll = std::chrono::milliseconds{50};
constexpr double setpoint_tolerance_K = 0.05;

std::uint16_t offset(std::uint16_t address, std::uint16_t by) { return static_cast<std::uint16_t>(address + by); }

/// A value read with its words swapped is next to zero, or huge; no sensor shows a temperature of less than a microkelvin.
bool is_plausible(double temperature, const WatlowF4tModel& model) {
  constexpr double least = 1e-6;
  const bool is_swapped = temperature != 0.0 && std::abs(temperature) < least;
  return temperature >= model.plausible_min.value() && temperature <= model.plausible_max.value() && !is_swapped;
}

}  // namespace

WatlowF4tChamber::WatlowF4tChamber(TimeSource& time, std::unique_ptr<ModbusBus> bus, WatlowF4tModel model)
    : time_{time}, bus_{std::move(bus)}, model_{std::move(model)} {}

Result<WatlowF4tChamber::Call> WatlowF4tChamber::begin(Deadline deadline) const {
  if (stopping_ > 0) return stopped();
  return Call{deadline, epoch_};
}

Error WatlowF4tChamber::stopped() const {
  return fail(Fault::interrupted, model_.capabilities.model + ": the chamber is being stopped");
}

Error WatlowF4tChamber::refused(const std::string& what) const {
  return fail(Fault::refused, model_.capabilities.model + ": " + what);
}

std::uint16_t WatlowF4tChamber::event_address() const {
  const int index = std::clamp(model_.condition_event, 1, 8) - 1;
  return model_.registers.events[static_cast<std::size_t>(index)];
}

// A read whose link was lost is asked once more, on a new connection. Nothing else is ever repeated.
Task<Result<void>> WatlowF4tChamber::read(Call call, std::uint16_t address, std::span<std::uint16_t> into) {
  if (call.epoch != epoch_) co_return stopped();
  asked_ = time_.now();
  Result<void> done = co_await bus_->read_holding(at(address), into, call.deadline);
  if (!done && done.error().fault == Fault::link_lost && call.epoch == epoch_ && time_.now() < call.deadline.at) {
    asked_ = time_.now();
    done = co_await bus_->read_holding(at(address), into, call.deadline);
  }
  if (call.epoch != epoch_) co_return stopped();
  co_return done;
}

Task<Result<std::uint16_t>> WatlowF4tChamber::read_word(Call call, std::uint16_t address) {
  std::array<std::uint16_t, 1> word{};
  const Result<void> done = co_await read(call, address, word);
  if (!done) co_return done.error();
  co_return word[0];
}

Task<Result<double>> WatlowF4tChamber::read_float(Call call, std::uint16_t address) {
  std::array<std::uint16_t, 2> words{};
  const Result<void> done = co_await read(call, address, words);
  if (!done) co_return done.error();
  co_return static_cast<double>(modbus::unpack_f32(words, WordOrder::cdab));
}

Task<Result<void>> WatlowF4tChamber::write_word(Call call, std::uint16_t address, std::uint16_t value) {
  if (call.epoch != epoch_) co_return stopped();
  const Result<void> done = co_await bus_->write_register(at(address), value, call.deadline);
  if (call.epoch != epoch_) co_return stopped();
  co_return done;
}

// Both words in one request: half a value is ignored.
Task<Result<void>> WatlowF4tChamber::write_float(Call call, std::uint16_t address, double value) {
  if (call.epoch != epoch_) co_return stopped();
  const modbus::Words words = modbus::pack_f32(static_cast<float>(value), WordOrder::cdab);
  const Result<void> done = co_await bus_->write_registers(at(address), words, call.deadline);
  if (call.epoch != epoch_) co_return stopped();
  co_return done;
}

/// Reads, writes only what differs (the memory wears), and reads back.
Task<Result<void>> WatlowF4tChamber::hold_word(Call call, std::uint16_t address, std::uint16_t value) {
  Result<std::uint16_t> held = co_await read_word(call, address);
  if (!held) co_return held.error();
  if (*held == value) co_return Result<void>{};
  const Result<void> written = co_await write_word(call, address, value);
  if (!written) co_return written;
  held = co_await read_word(call, address);
  if (!held) co_return held.error();
  if (*held != value) co_return refused("register " + std::to_string(address) + " does not hold what it was given");
  co_return Result<void>{};
}

Task<Result<void>> WatlowF4tChamber::hold_float(Call call, std::uint16_t address, double value) {
  Result<double> held = co_await read_float(call, address);
  if (!held) co_return held.error();
  if (std::abs(*held - value) <= setpoint_tolerance_K) co_return Result<void>{};
  const Result<void> written = co_await write_float(call, address, value);
  if (!written) co_return written;
  held = co_await read_float(call, address);
  if (!held) co_return held.error();
  if (!(std::abs(*held - value) <= setpoint_tolerance_K)) {
    co_return refused("register " + std::to_string(address) + " does not hold what it was given");
  }
  co_return Result<void>{};
}

Task<Result<void>> WatlowF4tChamber::pause(Call call) {
  const TimePoint until = std::min(call.deadline.at, time_.now() + state_poll);
  co_await time_.sleep_until(until);
  if (call.epoch != epoch_) co_return stopped();
  if (time_.now() >= call.deadline.at) co_return fail(Fault::timeout, model_.capabilities.model + ": not done in time");
  co_return Result<void>{};
}

Task<Result<InstrumentIdentity>> WatlowF4tChamber::identify(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  std::array<std::uint16_t, 15> part{};
  std::array<std::uint16_t, 2> serial{};
  Result<void> done = co_await read(call, model_.registers.part_number, part);
  if (done) done = co_await read(call, model_.registers.serial_number, serial);
  if (!done) co_return done.error();
  const std::string part_number = modbus::text_one_per_register(part);
  if (!part_number.starts_with(model_.part_number_prefix)) {
    co_return refused("its part number is '" + part_number + "', it should begin with '" + model_.part_number_prefix + "'");
  }
  const Result<std::uint16_t> release = co_await read_word(call, model_.registers.software_release);
  if (!release) co_return release.error();
  const Result<std::uint16_t> status = co_await read_word(call, model_.registers.device_status);
  if (!status) co_return status.error();
  if (*status == failed) co_return fail(Fault::device_fault, model_.capabilities.model + ": it reports its own failure");
  const Result<std::uint16_t> units = co_await read_word(call, model_.registers.communication_units);
  if (!units) co_return units.error();
  if (*units != celsius) co_return refused("it communicates in degrees Fahrenheit; set its communication units to Celsius");
  const Result<double> temperature = co_await read_float(call, model_.registers.process_value);
  if (!temperature) co_return temperature.error();
  if (!is_plausible(*temperature, model_)) {
    co_return refused("its process value is no temperature; is its word order low word first, and its sensor connected?");
  }
  const std::int32_t number = modbus::unpack_s32(serial, WordOrder::cdab);
  co_return InstrumentIdentity{
      .maker = "Watlow", .model = part_number, .serial = std::to_string(number), .firmware = std::to_string(*release)};
}

Task<Result<void>> WatlowF4tChamber::arm(const ChamberLimits& limits, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  armed_.reset();
  if (!(limits.setpoint_min < limits.setpoint_max) || !(limits.setpoint_min >= model_.capabilities.temperature_min) ||
      !(limits.setpoint_max <= model_.capabilities.temperature_max)) {
    co_return refused("the set-point limits are in the wrong order or outside the chamber's range");
  }
  const ChamberLimits wanted = limits;
  Result<void> done = co_await hold_setpoint_limits(*call, wanted);
  if (done) done = co_await hold_alarm(*call, wanted);
  if (done) armed_ = wanted;
  co_return done;
}

/// The old set-point may lie outside the new limits and hold them open: it is brought inside first. Nothing runs because of
/// it.
Task<Result<void>> WatlowF4tChamber::hold_setpoint_limits(Call call, const ChamberLimits& limits) {
  const WatlowF4tRegisters& map = model_.registers;
  const Result<double> setpoint = co_await read_float(call, map.setpoint);
  if (!setpoint) co_return setpoint.error();
  const double low = limits.setpoint_min.value();
  const double high = limits.setpoint_max.value();
  Result<void> done;
  if (!(*setpoint >= low && *setpoint <= high)) {
    const Result<double> old_low = co_await read_float(call, map.setpoint_low_limit);
    if (!old_low) co_return old_low.error();
    const Result<double> old_high = co_await read_float(call, map.setpoint_high_limit);
    if (!old_high) co_return old_high.error();
    // Widen, so that the new set-point is inside both; then move it.
    if (*old_low > low) done = co_await hold_float(call, map.setpoint_low_limit, low);
    if (done && *old_high < high) done = co_await hold_float(call, map.setpoint_high_limit, high);
    const double inside = *setpoint < low ? low : high;
    if (done) done = co_await hold_float(call, map.setpoint, inside);
  }
  if (done) done = co_await hold_float(call, map.setpoint_low_limit, low);
  if (done) done = co_await hold_float(call, map.setpoint_high_limit, high);
  co_return done;
}

Task<Result<void>> WatlowF4tChamber::hold_alarm(Call call, const ChamberLimits& limits) {
  const std::uint16_t block = model_.registers.alarm_block;
  const double low = limits.setpoint_min.value() - model_.alarm_margin_K;
  const double high = limits.setpoint_max.value() + model_.alarm_margin_K;
  Result<void> done = co_await hold_word(call, offset(block, alarm_type), process_alarm);
  if (done) done = co_await hold_word(call, offset(block, alarm_sides), both_sides);
  if (done) done = co_await hold_float(call, offset(block, alarm_high), high);
  if (done) done = co_await hold_float(call, offset(block, alarm_low), low);
  if (done) done = co_await hold_word(call, offset(block, alarm_latching), latching);
  co_return done;
}

Task<Result<void>> WatlowF4tChamber::run(Celsius setpoint, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  if (!armed_) co_return refused("its limits are not armed");
  if (!(setpoint >= armed_->setpoint_min && setpoint <= armed_->setpoint_max))
    co_return refused("the set-point is outside its limits");
  const Result<std::uint16_t> profile = co_await read_word(call, model_.registers.profile_state);
  if (!profile) co_return profile.error();
  if (*profile == running || *profile == paused) co_return refused("one of its own profiles is under way");
  Result<void> done = co_await hold_float(call, model_.registers.setpoint, setpoint.value());
  if (done) done = co_await hold_word(call, model_.registers.control_mode, automatic);
  if (done) done = co_await hold_word(call, event_address(), on);
  while (done) {
    const Result<bool> conditioning = co_await is_conditioning(call);
    if (!conditioning) co_return conditioning.error();
    if (*conditioning) break;
    done = co_await pause(call);
  }
  co_return done;
}

Task<Result<bool>> WatlowF4tChamber::is_conditioning(Call call) {
  const Result<std::uint16_t> event = co_await read_word(call, event_address());
  if (!event) co_return event.error();
  const Result<std::uint16_t> mode = co_await read_word(call, model_.registers.active_control_mode);
  if (!mode) co_return mode.error();
  co_return *event != off&&* mode != off;
}

// Each try is short, so that a reply that is lost costs one of them and not the whole time.
Task<Result<void>> WatlowF4tChamber::stop(Deadline deadline) {
  const CallScope stopping{stopping_};
  ++epoch_;
  if (calls_ > 0) bus_->cut();
  Result<void> done = fail(Fault::timeout, model_.capabilities.model + ": no time was left to stop the chamber");
  while (time_.now() < deadline.at) {
    const TimePoint attempt_end = std::min(deadline.at, time_.now() + model_.attempt_timeout);
    const Call call{Deadline{attempt_end}, epoch_};
    done = co_await stop_once(call);
    if (done) break;
    const TimePoint next_attempt = std::min(deadline.at, time_.now() + state_poll);
    co_await time_.sleep_until(next_attempt);
  }
  co_return done;
}

Task<Result<void>> WatlowF4tChamber::stop_once(Call call) {
  Result<void> done = co_await write_word(call, event_address(), off);
  if (done) done = co_await write_word(call, model_.registers.control_mode, off);
  if (!done) co_return done;
  const Result<std::uint16_t> profile = co_await read_word(call, model_.registers.profile_state);
  if (!profile) co_return profile.error();
  if (*profile == running || *profile == paused) {
    done = co_await write_word(call, model_.registers.profile_terminate, terminate);
    if (!done) co_return done;
  }
  while (true) {
    const Result<std::uint16_t> event = co_await read_word(call, event_address());
    if (!event) co_return event.error();
    const Result<std::uint16_t> mode = co_await read_word(call, model_.registers.active_control_mode);
    if (!mode) co_return mode.error();
    if (*event == off && *mode == off) co_return Result<void>{};
    const Result<void> paused_a_while = co_await pause(call);
    if (!paused_a_while) co_return paused_a_while;
  }
}

Task<Result<ChamberReadings>> WatlowF4tChamber::measure(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  const Result<double> temperature = co_await read_float(call, model_.registers.process_value);
  if (!temperature) co_return temperature.error();
  const TimePoint at_middle = midpoint(asked_, time_.now());
  const Result<double> setpoint = co_await read_float(call, model_.registers.setpoint);
  if (!setpoint) co_return setpoint.error();
  const Result<bool> conditioning = co_await is_conditioning(call);
  if (!conditioning) co_return conditioning.error();
  const Result<std::uint16_t> alarm = co_await read_word(call, model_.registers.alarm_state);
  if (!alarm) co_return alarm.error();
  const bool is_good = is_plausible(*temperature, model_);
  ChamberReadings readings;
  readings.temperature =
      Reading{.value = is_good ? *temperature : 0.0, .at = at_middle, .quality = is_good ? Quality::good : Quality::bad};
  readings.setpoint = Celsius{*setpoint};
  readings.running = *conditioning;
  readings.alarm = *alarm != none && *alarm != inactive && *alarm != startup;
  co_return readings;
}

}  // namespace cellrig
