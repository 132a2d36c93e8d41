#include "drivers/instruments/ea_psb.hpp"

#include <algorithm>
#include <cmath>

#include "drivers/scpi/codec.hpp"

namespace cellrig {
namespace {

using modbus::PercentScale;
using modbus::WordOrder;

bool is_answer(Fault fault) {
  return fault == Fault::refused || fault == Fault::busy || fault == Fault::device_fault || fault == Fault::protection_tripped;
}

Reading reading_of(std::uint16_t raw, double value, TimePoint at) {
  if (raw == ea_psb::raw_saturated) return Reading{.value = 0.0, .at = at, .quality = Quality::bad};
  return Reading{.value = value, .at = at, .quality = Quality::good};
}

bool is_near(double a, double b) { return std::abs(a - b) <= 1e-3 * std::abs(b); }

}  // namespace

EaPsbCycler::EaPsbCycler(TimeSource& time, std::unique_ptr<ModbusBus> bus, std::unique_ptr<ByteStream> scpi, EaPsbModel model)
    : CyclerCore{time, model.capabilities, model.attempt_timeout},
      bus_{std::move(bus)},
      stream_{std::move(scpi)},
      scpi_{time, *stream_},
      model_{std::move(model)} {}

/// Every failed exchange passes here: after one that was no answer the protections are read back before the next set-point.
Error EaPsbCycler::checked(Error error) {
  if (!is_answer(error.fault)) {
    verify_needed_ = true;
    in_force_.reset();
  }
  return error;
}

/// What was said over SCPI does not parse: nothing more is believed on that connection.
Error EaPsbCycler::misunderstood(Error error) {
  scpi_.cut();
  return checked(std::move(error));
}

std::uint16_t EaPsbCycler::set_value_address(ea_psb::SetValue which) const {
  return static_cast<std::uint16_t>(model_.registers.set_values + which);
}

// A read whose link was lost is asked once more, on a new connection. Nothing else is ever repeated.
Task<Result<void>> EaPsbCycler::read(Call call, std::uint16_t address, std::span<std::uint16_t> into) {
  if (is_stopped(call)) co_return stopped();
  asked_ = time_.now();
  Result<void> done = co_await bus_->read_holding(at(address), into, call.deadline);
  if (!done && may_ask_again(call, done.error().fault)) {
    verify_needed_ = true;
    in_force_.reset();
    asked_ = time_.now();
    done = co_await bus_->read_holding(at(address), into, call.deadline);
  }
  if (is_stopped(call)) co_return stopped();
  if (!done) co_return checked(done.error());
  co_return done;
}

Task<Result<bool>> EaPsbCycler::read_coil(Call call, std::uint16_t address) {
  if (is_stopped(call)) co_return stopped();
  std::array<bool, 1> coil{};
  const Result<void> done = co_await bus_->read_coils(at(address), coil, call.deadline);
  if (is_stopped(call)) co_return stopped();
  if (!done) co_return checked(done.error());
  co_return coil[0];
}

Task<Result<void>> EaPsbCycler::write(Call call, std::uint16_t address, std::uint16_t raw) {
  if (is_stopped(call)) co_return stopped();
  const Result<void> done = co_await bus_->write_register(at(address), raw, call.deadline);
  if (is_stopped(call)) co_return stopped();
  if (!done) co_return checked(done.error());
  co_return done;
}

Task<Result<void>> EaPsbCycler::write_coil(Call call, std::uint16_t address, bool value) {
  if (is_stopped(call)) co_return stopped();
  const Result<void> done = co_await bus_->write_coil(at(address), value, call.deadline);
  if (is_stopped(call)) co_return stopped();
  if (!done) co_return checked(done.error());
  co_return done;
}

Task<Result<std::string>> EaPsbCycler::ask(Call call, std::string_view message) {
  if (is_stopped(call)) co_return stopped();
  const Result<std::string> reply = co_await scpi_.query(message, call.deadline);
  if (is_stopped(call)) co_return stopped();
  if (!reply) co_return checked(reply.error());
  co_return reply;
}

Task<Result<EaPsbCycler::Status>> EaPsbCycler::read_status(Call call) {
  std::array<std::uint16_t, 5> registers{};
  const Result<void> done = co_await read(call, model_.registers.state, registers);
  if (!done) co_return done.error();
  Status status;
  status.state = ea_psb::decode_state(registers);
  status.at = midpoint(asked_, time_.now());
  // Remote is lost by the panel, by a reboot, by its watchdog: nothing it was told before is sure then.
  if (!status.state.remote) armed_.reset();
  co_return status;
}

Task<Result<CyclerReadings>> EaPsbCycler::measure(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  const Result<Status> status = co_await read_status(*call);
  if (!status) co_return status.error();
  const ea_psb::State& state = status->state;
  const PercentScale voltage{model_.nominal_voltage.value(), ea_psb::raw_full_scale};
  const PercentScale current{model_.nominal_current.value(), ea_psb::raw_full_scale};
  const double magnitude = current.to_value(state.current_raw);
  CyclerReadings readings;
  readings.voltage = reading_of(state.voltage_raw, voltage.to_value(state.voltage_raw), status->at);
  readings.current = reading_of(state.current_raw, state.sinking ? -magnitude : magnitude, status->at);
  readings.regulation = state.regulation;
  readings.output_on = state.output_on;
  readings.remote = state.remote;
  readings.tripped = state.alarm;
  const Result<void> fed = co_await feed_watchdog(*call);
  if (!fed && fed.error().fault == Fault::interrupted) co_return fed.error();
  co_return readings;  // a watchdog that was not fed speaks for itself: the instrument leaves remote
}

/// Only where Modbus traffic does not count as a sign of life.
Task<Result<void>> EaPsbCycler::feed_watchdog(Call call) {
  if (model_.modbus_feeds_watchdog || !armed_ || time_.now() < next_feed_) co_return Result<void>{};
  next_feed_ = time_.now() + armed_->protections.watchdog_delay / 3;
  const Result<std::string> reply = co_await ask(call, "*STB?");
  if (!reply) co_return reply.error();
  co_return Result<void>{};
}

Task<Result<InstrumentIdentity>> EaPsbCycler::identify(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  std::array<std::uint16_t, 20> type_text{}, serial_text{};
  std::array<std::uint16_t, 6> nominal{};
  Result<void> done = co_await read(call, model_.registers.device_type, type_text);
  if (done) done = co_await read(call, model_.registers.nominal_values, nominal);
  if (done) done = co_await read(call, model_.registers.serial_number, serial_text);
  if (!done) co_return done.error();

  const std::string type = modbus::text_two_per_register(type_text);
  if (!type.starts_with(model_.device_type)) co_return refused("the instrument calls itself '" + type + "'");
  const std::span<const std::uint16_t, 6> words{nominal};
  const double voltage = modbus::unpack_f32(words.subspan<0, 2>(), WordOrder::abcd);
  const double current = modbus::unpack_f32(words.subspan<2, 2>(), WordOrder::abcd);
  const double power = modbus::unpack_f32(words.subspan<4, 2>(), WordOrder::abcd);
  // Every register is a share of these: a wrong one would scale all that follows.
  if (!is_near(voltage, model_.nominal_voltage.value()) || !is_near(current, model_.nominal_current.value()) ||
      !is_near(power, model_.nominal_power.value())) {
    co_return refused("its nominal values are not those of the model file");
  }
  const Result<std::string> reply = co_await ask(call, "*IDN?");
  if (!reply) co_return reply.error();
  const Result<InstrumentIdentity> identity = scpi::parse_identity(*reply);
  if (!identity) co_return misunderstood(identity.error());
  // Two sessions on two addresses must be one box.
  if (identity->serial != modbus::text_two_per_register(serial_text)) {
    co_return refused("Modbus and SCPI reach two different instruments");
  }
  co_return identity;
}

}  // namespace cellrig
