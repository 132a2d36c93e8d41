#include "drivers/instruments/register_chamber.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>
#include <utility>

#include "drivers/modbus/register_map.hpp"

namespace cellrig {
namespace {

constexpr Duration state_poll = std::chrono::milliseconds{50};
constexpr std::size_t words_max = 125;  // of one read

}  // namespace

RegisterChamber::RegisterChamber(TimeSource& time, std::unique_ptr<ModbusBus> bus, RegisterChamberModel model)
    : ChamberCore{time, model.capabilities}, bus_{std::move(bus)}, model_{std::move(model)} {}

Error RegisterChamber::not_held(const ChamberRegister& where) const {
  return refused("register " + where.name + " (" + std::to_string(where.address(model_.event)) +
                 ") does not hold what it was given");
}

ModbusAddress RegisterChamber::at(const ChamberRegister& where) const {
  return ModbusAddress{model_.unit, where.address(model_.event)};
}

double RegisterChamber::value_of(const RegisterWrite& write) const {
  switch (write.what) {
    case WrittenValue::constant: return write.constant;
    case WrittenValue::setpoint_min: return arming_.setpoint_min.value();
    case WrittenValue::setpoint_max: return arming_.setpoint_max.value();
    case WrittenValue::alarm_low: return arming_.setpoint_min.value() - model_.alarm_margin_K;
    case WrittenValue::alarm_high: return arming_.setpoint_max.value() + model_.alarm_margin_K;
  }
  return write.constant;
}

/// A value read with its words swapped is next to zero, or huge; no sensor shows a temperature of less than a microkelvin.
bool RegisterChamber::is_plausible(double temperature) const {
  constexpr double least = 1e-6;
  const bool is_swapped = temperature != 0.0 && std::abs(temperature) < least;
  return temperature >= model_.plausible_min.value() && temperature <= model_.plausible_max.value() && !is_swapped;
}

/// Where the controller keeps no limits the driver watches them itself.
bool RegisterChamber::is_outside_armed(double temperature) const {
  if (model_.capabilities.has_own_limits || !armed_) return false;
  const double low = armed_->setpoint_min.value() - model_.alarm_margin_K;
  const double high = armed_->setpoint_max.value() + model_.alarm_margin_K;
  return !(temperature >= low && temperature <= high);
}

/// One coroutine from the question to the value: it is asked for more often than anything else of a bench.
template <class T, std::size_t size_max>
Task<Result<T>> RegisterChamber::read_as(Call call, const ChamberRegister& where) {
  std::array<std::uint16_t, size_max> words{};
  const std::span<std::uint16_t> used{words.data(), std::min(words.size(), where.size())};
  if (is_stopped(call)) co_return stopped();
  asked_ = time_.now();
  Result<void> done = co_await bus_->read_holding(at(where), used, call.deadline);
  if (!done && may_ask_again(call, done.error().fault)) {
    asked_ = time_.now();
    done = co_await bus_->read_holding(at(where), used, call.deadline);
  }
  if (is_stopped(call)) co_return stopped();
  if (!done) co_return done.error();
  if constexpr (std::is_same_v<T, double>) {
    const std::optional<double> value = register_chamber::decode(where, used, model_.word_order);
    if (!value) co_return refused("register " + where.name + " is no number");
    co_return *value;
  } else {
    co_return modbus::text_one_per_register(used);
  }
}

Task<Result<double>> RegisterChamber::read(Call call, const ChamberRegister& where) { return read_as<double, 2>(call, where); }

Task<Result<std::string>> RegisterChamber::read_text(Call call, const ChamberRegister& where) {
  return read_as<std::string, words_max>(call, where);
}

// All words of a value in one request: half a value is ignored, or worse.
Task<Result<void>> RegisterChamber::write(Call call, const ChamberRegister& where, double value) {
  if (is_stopped(call)) co_return stopped();
  const std::optional<std::vector<std::uint16_t>> words = register_chamber::encode(where, value, model_.word_order);
  if (!words) co_return refused("register " + where.name + " cannot hold " + std::to_string(value));
  Result<void> done;
  if (words->size() == 1) {
    done = co_await bus_->write_register(at(where), words->front(), call.deadline);
  } else {
    done = co_await bus_->write_registers(at(where), *words, call.deadline);
  }
  if (is_stopped(call)) co_return stopped();
  if (!done && done.error().fault == Fault::busy && model_.exception_5_is_denial) {
    co_return refused("it denies write access to " + where.name + " (" + done.error().what + ")");
  }
  co_return done;
}

/// Reads, writes only what differs (the memory wears), and reads back.
Task<Result<void>> RegisterChamber::hold(Call call, const ChamberRegister& where, double value) {
  const double tolerance = where.type == RegisterType::f32 || where.scale != 1.0 ? model_.setpoint_tolerance_K : 0.0;
  Result<double> held = co_await read(call, where);
  if (!held) co_return held.error();
  if (std::abs(*held - value) <= tolerance) co_return Result<void>{};
  const Result<void> written = co_await write(call, where, value);
  if (!written) co_return written;
  held = co_await read(call, where);
  if (!held) co_return held.error();
  if (!(std::abs(*held - value) <= tolerance)) co_return not_held(where);
  co_return Result<void>{};
}

Task<Result<void>> RegisterChamber::hold_each(Call call, const std::vector<RegisterWrite>& writes) {
  Result<void> done;
  for (const RegisterWrite& entry : writes) {
    const double value = value_of(entry);
    done = co_await hold(call, entry.where, value);
    if (!done) break;
  }
  co_return done;
}

Task<Result<void>> RegisterChamber::require(Call call, const std::vector<RegisterTest>& tests) {
  for (const RegisterTest& test : tests) {
    const Result<double> value = co_await read(call, test.where);
    if (!value) co_return value.error();
    if (!test.holds(*value)) co_return failure(test.fault, test.otherwise);
  }
  co_return Result<void>{};
}

Task<Result<bool>> RegisterChamber::all_hold(Call call, const std::vector<RegisterTest>& tests) {
  for (const RegisterTest& test : tests) {
    const Result<double> value = co_await read(call, test.where);
    if (!value) co_return value.error();
    if (!test.holds(*value)) co_return false;
  }
  co_return true;
}

Task<Result<void>> RegisterChamber::await_all(Call call, const std::vector<RegisterTest>& tests) {
  while (true) {
    const Result<bool> reached = co_await all_hold(call, tests);
    if (!reached) co_return reached.error();
    if (*reached) co_return Result<void>{};
    const Result<void> paused = co_await pause(call);
    if (!paused) co_return paused;
  }
}

Task<Result<void>> RegisterChamber::pause(Call call) {
  const TimePoint until = std::min(call.deadline.at, time_.now() + state_poll);
  co_await time_.sleep_until(until);
  if (is_stopped(call)) co_return stopped();
  if (time_.now() >= call.deadline.at) co_return failure(Fault::timeout, "not done in time");
  co_return Result<void>{};
}

Task<Result<InstrumentIdentity>> RegisterChamber::identify(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  InstrumentIdentity identity;
  identity.maker = model_.maker;
  identity.model = model_.capabilities.model;
  if (model_.identity) {
    const Result<std::string> text = co_await read_text(call, *model_.identity);
    if (!text) co_return text.error();
    if (!text->starts_with(model_.identity_prefix)) {
      co_return refused("it calls itself '" + *text + "', that should begin with '" + model_.identity_prefix + "'");
    }
    identity.model = *text;
  }
  using Part = std::pair<const std::optional<ChamberRegister>*, std::string*>;
  const std::array<Part, 2> parts{Part{&model_.serial, &identity.serial}, Part{&model_.firmware, &identity.firmware}};
  for (const auto& [where, into] : parts) {
    if (!*where) continue;
    const Result<double> number = co_await read(call, **where);
    if (!number) co_return number.error();
    *into = std::to_string(std::llround(*number));
  }
  const Result<void> checked = co_await require(call, model_.checks);
  if (!checked) co_return checked.error();
  const Result<double> temperature = co_await read(call, model_.temperature);
  if (!temperature) co_return temperature.error();
  if (!is_plausible(*temperature)) {
    co_return refused("its temperature is none; is the word order that of the model file, and its sensor connected?");
  }
  co_return identity;
}

Task<Result<void>> RegisterChamber::arm(const ChamberLimits& limits, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  armed_.reset();
  const Result<void> possible = judge_limits(limits);
  if (!possible) co_return possible;
  const ChamberLimits wanted = limits;
  arming_ = wanted;
  // Limits that no register keeps are worth something only with a temperature to judge.
  const Result<double> temperature = co_await read(*call, model_.temperature);
  if (!temperature) co_return temperature.error();
  if (!is_plausible(*temperature)) co_return failure(Fault::device_fault, "it shows no temperature");
  Result<void> done;
  if (model_.limit_low) {
    const Pair pair{wanted.setpoint_min.value(), wanted.setpoint_max.value()};
    done = co_await hold_setpoint_limits(*call, pair);
  }
  if (done) done = co_await hold_each(*call, model_.arm);
  if (done) armed_ = wanted;
  co_return done;
}

/// The old set-point may lie outside the new limits and hold them open: it is brought inside first. Nothing runs because of
/// it.
Task<Result<void>> RegisterChamber::hold_setpoint_limits(Call call, Pair wanted) {
  Result<void> done = co_await bring_setpoint_inside(call, wanted);
  if (done) done = co_await hold(call, *model_.limit_low, wanted.low);
  if (done) done = co_await hold(call, *model_.limit_high, wanted.high);
  co_return done;
}

Task<Result<void>> RegisterChamber::bring_setpoint_inside(Call call, Pair wanted) {
  Result<void> done;
  for (const ChamberRegister& where : model_.setpoints) {
    const Result<double> setpoint = co_await read(call, where);
    if (!setpoint) co_return setpoint.error();
    if (*setpoint >= wanted.low && *setpoint <= wanted.high) continue;
    const Result<double> old_low = co_await read(call, *model_.limit_low);
    if (!old_low) co_return old_low.error();
    const Result<double> old_high = co_await read(call, *model_.limit_high);
    if (!old_high) co_return old_high.error();
    // Widen, so that the new set-point is inside both; then move it.
    if (*old_low > wanted.low) done = co_await hold(call, *model_.limit_low, wanted.low);
    if (done && *old_high < wanted.high) done = co_await hold(call, *model_.limit_high, wanted.high);
    const double inside = *setpoint < wanted.low ? wanted.low : wanted.high;
    if (done) done = co_await hold(call, where, inside);
    if (!done) co_return done;
  }
  co_return done;
}

Task<Result<void>> RegisterChamber::run(Celsius setpoint, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  const Result<void> allowed = judge_setpoint(setpoint);
  if (!allowed) co_return allowed;
  Result<void> done = co_await require(call, model_.ready);
  for (const ChamberRegister& where : model_.setpoints) {
    if (done) done = co_await hold(call, where, setpoint.value());
  }
  if (done) done = co_await hold_each(call, model_.run);
  if (done) done = co_await await_all(call, model_.running);
  co_return done;
}

Task<Result<void>> RegisterChamber::stop_once(Call whole, int) {
  const TimePoint attempt_end = std::min(whole.deadline.at, time_.now() + model_.attempt_timeout);
  const Call call{Deadline{attempt_end}, whole.epoch};
  // A write that is refused keeps none of the others from being tried: one of them may be enough.
  Result<void> refusal;
  for (const RegisterWrite& entry : model_.stop) {
    if (entry.when) {
      const Result<double> value = co_await read(call, entry.when->where);
      if (!value) co_return value.error();
      if (!entry.when->holds(*value)) continue;
    }
    const Result<void> written = co_await write(call, entry.where, entry.constant);
    if (written) continue;
    if (written.error().fault != Fault::refused) co_return written;
    refusal = written;
  }
  const Result<void> confirmed = co_await await_all(call, model_.stopped);
  co_return (confirmed || refusal) ? confirmed : refusal;
}

Task<Result<ChamberReadings>> RegisterChamber::measure(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  const Result<double> temperature = co_await read(call, model_.temperature);
  if (!temperature) co_return temperature.error();
  const TimePoint at_middle = midpoint(asked_, time_.now());
  const Result<double> setpoint = co_await read(call, model_.setpoint_shown);
  if (!setpoint) co_return setpoint.error();
  const Result<bool> conditioning = co_await all_hold(call, model_.running);
  if (!conditioning) co_return conditioning.error();
  const Result<bool> healthy = co_await all_hold(call, model_.healthy);
  if (!healthy) co_return healthy.error();
  const bool is_good = is_plausible(*temperature);
  ChamberReadings readings;
  readings.temperature = temperature_reading(*temperature, is_good, at_middle);
  readings.setpoint = Celsius{*setpoint};
  readings.running = *conditioning;
  readings.alarm = !*healthy || (is_good && is_outside_armed(*temperature));
  co_return readings;
}

}  // namespace cellrig
