#include "drivers/instruments/adam_6018.hpp"

#include <algorithm>

namespace cellrig {
namespace {

constexpr std::uint16_t raw_low_end = 0;
constexpr std::uint16_t raw_high_end = 65535;

Reading reading_of(std::uint16_t raw, const ThermocoupleRange& range, TimePoint at) {
  if (raw == raw_low_end || raw == raw_high_end) return Reading{.value = 0.0, .at = at, .quality = Quality::bad};
  const double share = static_cast<double>(raw) / raw_high_end;
  return Reading{.value = range.low.value() + share * (range.high - range.low).value(), .at = at, .quality = Quality::good};
}

}  // namespace

bool select_thermocouple(Adam6018Model& model, const std::string& type) {
  for (const ThermocoupleRange& range : model.ranges) {
    if (range.type != type) continue;
    model.thermocouple_type = type;
    model.capabilities.temperature_min = range.low;
    model.capabilities.temperature_max = range.high;
    for (LoggerInput& input : model.capabilities.inputs) {
      input.min = range.low.value();
      input.max = range.high.value();
    }
    return true;
  }
  return false;
}

Adam6018::Adam6018(TimeSource& time, std::unique_ptr<ModbusBus> bus, Adam6018Model model)
    : time_{time}, bus_{std::move(bus)}, model_{std::move(model)} {}

Error Adam6018::refused(const std::string& what) const { return fail(Fault::refused, model_.capabilities.model + ": " + what); }

const ThermocoupleRange* Adam6018::configured_range() const {
  const auto found = std::find_if(model_.ranges.begin(), model_.ranges.end(),
                                  [this](const ThermocoupleRange& range) { return range.type == model_.thermocouple_type; });
  return found == model_.ranges.end() ? nullptr : &*found;
}

// A read whose link was lost is asked once more, on a new connection. Nothing else is ever repeated.
Task<Result<void>> Adam6018::read(std::uint16_t address, std::span<std::uint16_t> into, Deadline deadline) {
  const std::uint64_t epoch = epoch_;
  asked_ = time_.now();
  Result<void> done = co_await bus_->read_holding(at(address), into, deadline);
  if (!done && done.error().fault == Fault::link_lost && epoch == epoch_ && time_.now() < deadline.at) {
    asked_ = time_.now();
    done = co_await bus_->read_holding(at(address), into, deadline);
  }
  co_return done;
}

Task<Result<InstrumentIdentity>> Adam6018::identify(Deadline deadline) {
  types_verified_ = false;
  const Result<void> verified = co_await check_types(deadline);
  if (!verified) co_return verified.error();
  types_verified_ = true;
  co_return InstrumentIdentity{.maker = "Advantech", .model = model_.capabilities.model, .serial = {}, .firmware = {}};
}

Task<Result<void>> Adam6018::verify(Deadline deadline) {
  const Result<void> same = co_await check_types(deadline);
  if (!same && same.error().fault == Fault::refused) types_verified_ = false;
  co_return same;
}

Task<Result<void>> Adam6018::check_types(Deadline deadline) {
  const CallScope in_call{calls_};
  const ThermocoupleRange* const range = configured_range();
  if (range == nullptr) co_return refused("no range is known for thermocouple type '" + model_.thermocouple_type + "'");
  std::array<std::uint16_t, channel_count> codes{};
  const Result<void> done = co_await read(model_.registers.type_codes, codes, deadline);
  if (!done) co_return done;
  const auto checked = static_cast<std::size_t>(std::clamp(model_.channels_checked, 0, static_cast<int>(channel_count)));
  for (std::size_t i = 0; i < checked; ++i) {
    if (codes[i] == range->code) continue;
    co_return refused("input " + std::to_string(i) + " is not set to thermocouple type " + range->type + " (its code is " +
                      std::to_string(codes[i]) + ")");
  }
  co_return Result<void>{};
}

Task<Result<void>> Adam6018::measure(std::span<Reading> into, Deadline deadline) {
  const CallScope in_call{calls_};
  if (!types_verified_) co_return refused("its thermocouple types have not been verified");
  if (into.empty() || into.size() > channel_count) co_return refused("it has 8 inputs");
  std::array<std::uint16_t, channel_count> raw{};
  const std::span<std::uint16_t> wanted = std::span{raw}.first(into.size());
  const Result<void> done = co_await read(model_.registers.inputs, wanted, deadline);
  if (!done) co_return done;
  const TimePoint at_middle = midpoint(asked_, time_.now());
  const ThermocoupleRange& range = *configured_range();
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = reading_of(raw[i], range, at_middle);
  co_return done;
}

Task<Result<bool>> Adam6018::state(int channel, Deadline deadline) {
  const CallScope in_call{calls_};
  if (channel < 0 || channel >= relay_count()) co_return refused("it has 8 relay outputs");
  std::array<bool, 1> held{};
  const ModbusAddress from = at(static_cast<std::uint16_t>(model_.registers.output_coil + channel));
  const Result<void> read = co_await bus_->read_coils(from, held, deadline);
  if (!read) co_return read.error();
  co_return held[0];
}

Task<Result<void>> Adam6018::set(int channel, bool energised, Deadline deadline) {
  if (channel < 0 || channel >= static_cast<int>(channel_count)) co_return refused("it has 8 relay outputs");
  const auto coil = static_cast<std::uint16_t>(model_.registers.output_coil + channel);
  if (energised) {
    if (openings_ > 0) co_return fail(Fault::interrupted, model_.capabilities.model + ": a relay is being opened");
    const CallScope in_call{calls_};
    co_return co_await set_once(coil, true, deadline);
  }
  // The second path to OFF never waits.
  const ModbusBus::Urgent urgent{*bus_};
  const CallScope opening{openings_};
  ++epoch_;
  if (calls_ > 0) bus_->cut();
  Result<void> done = fail(Fault::timeout, model_.capabilities.model + ": no time was left to open the relay");
  while (time_.now() < deadline.at) {
    const Deadline attempt{std::min(deadline.at, time_.now() + model_.attempt_timeout)};
    done = co_await set_once(coil, false, attempt);
    if (done) break;
    const TimePoint next_attempt = std::min(deadline.at, time_.now() + retry_pause);
    co_await time_.sleep_until(next_attempt);
  }
  co_return done;
}

Task<Result<void>> Adam6018::set_once(std::uint16_t coil, bool energised, Deadline deadline) {
  const std::uint64_t epoch = epoch_;
  const Result<void> written = co_await bus_->write_coil(at(coil), energised, deadline);
  if (!written) co_return written;
  if (epoch != epoch_ && energised) co_return fail(Fault::interrupted, model_.capabilities.model + ": a relay is being opened");
  std::array<bool, 1> held{};
  const Result<void> read_back = co_await bus_->read_coils(at(coil), held, deadline);
  if (!read_back) co_return read_back;
  if (held[0] != energised) {
    co_return fail(Fault::device_fault, model_.capabilities.model + ": the relay did not take its new state");
  }
  co_return Result<void>{};
}

}  // namespace cellrig
