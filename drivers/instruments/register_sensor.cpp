#include "drivers/instruments/register_sensor.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace cellrig {
namespace {

using RegisterPair = std::array<std::uint16_t, 2>;

}  // namespace

Reading register_sensor::decode(const SensorRegister& from, const LoggerInput& input, std::span<const std::uint16_t> words,
                                const std::optional<SensorStatus>& status, std::uint16_t status_word, TimePoint at) {
  const std::optional<double> number = modbus::unpack_number(from.type, words, from.order);
  double value = number.value_or(std::numeric_limits<double>::quiet_NaN()) * from.scale;  // lies in no range
  if (from.has_decimals && status) value /= std::pow(10.0, status_word & status->decimals_mask);
  const bool is_declared_bad = status && (status_word & status->bad_mask) != 0;
  const bool is_inside = value >= input.min && value <= input.max;
  if (is_declared_bad || !is_inside) return Reading{.value = 0.0, .at = at, .quality = Quality::bad};
  return Reading{.value = value, .at = at, .quality = Quality::good};
}

RegisterSensor::RegisterSensor(TimeSource& time, std::unique_ptr<ModbusBus> bus, RegisterSensorModel model)
    : time_{time}, bus_{std::move(bus)}, model_{std::move(model)} {}

Error RegisterSensor::refused(const std::string& what) const {
  return fail(Fault::refused, model_.capabilities.model + ": " + what);
}

// A read whose link was lost or whose reply did not come is asked once more, on a new connection; the first try has a time of its own,
// so that there is some left. Nothing else is ever repeated.
Task<Result<void>> RegisterSensor::read(std::uint16_t address, std::span<std::uint16_t> into, Deadline deadline) {
  const ModbusAddress from{model_.unit, address};
  asked_ = time_.now();
  const Deadline first{std::min(deadline.at, asked_ + model_.attempt_timeout)};
  Result<void> done = co_await bus_->read_holding(from, into, first);
  const bool is_link = !done && (done.error().fault == Fault::link_lost || done.error().fault == Fault::timeout);
  if (is_link && time_.now() < deadline.at) {
    asked_ = time_.now();
    done = co_await bus_->read_holding(from, into, deadline);
  }
  co_return done;
}

Task<Result<InstrumentIdentity>> RegisterSensor::identify(Deadline deadline) {
  is_verified_ = false;
  const Result<void> checked = co_await run_checks(deadline);
  if (!checked) co_return checked.error();
  // It has no name to read: what must answer is what will be measured.
  for (const SensorRegister& input : model_.registers) {
    RegisterPair words{};
    const std::span<std::uint16_t> wanted = std::span{words}.first(register_count(input.type));
    const Result<void> done = co_await read(input.address, wanted, deadline);
    if (!done) co_return done.error();
  }
  is_verified_ = true;
  co_return InstrumentIdentity{.maker = model_.maker, .model = model_.capabilities.model, .serial = {}, .firmware = {}};
}

Task<Result<void>> RegisterSensor::run_checks(Deadline deadline) {
  for (const SensorCheck& check : model_.checks) {
    std::array<std::uint16_t, 1> word{};
    const Result<void> done = co_await read(check.address, word, deadline);
    if (!done) co_return done;
    if (word[0] != check.value) {
      co_return refused(check.what + ": register " + std::to_string(check.address) + " holds " + std::to_string(word[0]) +
                        " instead of " + std::to_string(check.value));
    }
  }
  co_return Result<void>{};
}

Task<Result<void>> RegisterSensor::verify(Deadline deadline) {
  const Result<void> same = co_await run_checks(deadline);
  if (!same && same.error().fault == Fault::refused) is_verified_ = false;
  co_return same;
}

Task<Result<void>> RegisterSensor::measure(std::span<Reading> into, Deadline deadline) {
  std::vector<int> inputs(into.size());
  std::iota(inputs.begin(), inputs.end(), 0);
  co_return co_await measure_inputs(inputs, into, deadline);
}

Task<Result<void>> RegisterSensor::measure_inputs(std::span<const int> inputs, std::span<Reading> into, Deadline deadline) {
  if (!is_verified_) co_return refused("it has not been identified");
  const int count = static_cast<int>(model_.registers.size());
  const bool exists =
      !inputs.empty() && std::all_of(inputs.begin(), inputs.end(), [count](int input) { return input >= 0 && input < count; });
  if (!exists) co_return refused("it has " + std::to_string(count) + " inputs");
  TimePoint asked{};
  std::vector<RegisterPair> words(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const SensorRegister& input = model_.registers[static_cast<std::size_t>(inputs[i])];
    const std::span<std::uint16_t> wanted = std::span{words[i]}.first(register_count(input.type));
    const Result<void> done = co_await read(input.address, wanted, deadline);
    if (!done) co_return done;
    if (i == 0) asked = asked_;
  }
  std::array<std::uint16_t, 1> status{};
  if (model_.status) {
    const Result<void> done = co_await read(model_.status->address, status, deadline);
    if (!done) co_return done;
  }
  const TimePoint middle = midpoint(asked, time_.now());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto n = static_cast<std::size_t>(inputs[i]);
    into[i] =
        register_sensor::decode(model_.registers[n], model_.capabilities.inputs[n], words[i], model_.status, status[0], middle);
  }
  co_return Result<void>{};
}

}  // namespace cellrig
