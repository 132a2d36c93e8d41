#include "drivers/instruments/coil_module.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace cellrig {

CoilModule::CoilModule(TimeSource& time, std::unique_ptr<ModbusBus> bus, CoilModuleModel model)
    : time_{time}, bus_{std::move(bus)}, model_{std::move(model)} {}

Error CoilModule::failure(Fault fault, const std::string& what) const {
  return fail(fault, model_.capabilities.model + ": " + what);
}

Task<Result<void>> CoilModule::read(std::span<bool> closed, Deadline deadline) {
  const CallScope in_call{calls_};
  if (closed.empty() || closed.size() > static_cast<std::size_t>(contact_count())) {
    co_return failure(Fault::refused, "it has " + std::to_string(contact_count()) + " contacts");
  }
  // Into a place of our own: a failed exchange must leave nothing behind that looks closed.
  std::array<bool, 16> coils{};
  const std::span<bool> wanted = std::span{coils}.first(closed.size());
  const ModbusAddress from{model_.unit, model_.contact_coil};
  const Result<void> done = co_await bus_->read_coils(from, wanted, deadline);
  if (!done) co_return done;
  for (std::size_t i = 0; i < closed.size(); ++i) closed[i] = coils[i] == model_.closed_contact_reads_one;
  co_return done;
}

Result<std::uint16_t> CoilModule::coil_of(int channel) const {
  if (channel >= 0 && channel < relay_count()) return static_cast<std::uint16_t>(model_.relay_coil + channel);
  return failure(Fault::refused, "it has " + std::to_string(relay_count()) + " relays");
}

Task<Result<bool>> CoilModule::state(int channel, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<std::uint16_t> coil = coil_of(channel);
  if (!coil) co_return coil.error();
  std::array<bool, 1> held{};
  const ModbusAddress from{model_.unit, *coil};
  const Result<void> read = co_await bus_->read_coils(from, held, deadline);
  if (!read) co_return read.error();
  co_return held[0];
}

Task<Result<void>> CoilModule::set(int channel, bool energised, Deadline deadline) {
  const Result<std::uint16_t> known = coil_of(channel);
  if (!known) co_return known.error();
  const std::uint16_t coil = *known;
  if (energised) {
    if (openings_ > 0) co_return failure(Fault::interrupted, "a relay is being opened");
    const CallScope in_call{calls_};
    co_return co_await set_once(coil, true, deadline);
  }
  // The second path to OFF never waits.
  const ModbusBus::Urgent urgent{*bus_};
  const CallScope opening{openings_};
  ++epoch_;
  if (calls_ > 0) bus_->cut();
  Result<void> done = failure(Fault::timeout, "no time was left to open the relay");
  while (time_.now() < deadline.at) {
    const Deadline attempt{std::min(deadline.at, time_.now() + model_.attempt_timeout)};
    const Result<void> tried = co_await set_once(coil, false, attempt);
    // A last try that the deadline cuts short must not hide that the relay said no.
    const bool says_less = !tried && tried.error().fault == Fault::timeout && done.error().fault == Fault::device_fault;
    if (!says_less) done = tried;
    if (done) break;
    const TimePoint next_attempt = std::min(deadline.at, time_.now() + retry_pause);
    co_await time_.sleep_until(next_attempt);
  }
  co_return done;
}

Task<Result<void>> CoilModule::set_once(std::uint16_t coil, bool energised, Deadline deadline) {
  const std::uint64_t epoch = epoch_;
  const ModbusAddress at{model_.unit, coil};
  const Result<void> written = co_await bus_->write_coil(at, energised, deadline);
  if (!written) co_return written;
  if (epoch != epoch_ && energised) co_return failure(Fault::interrupted, "a relay is being opened");
  std::array<bool, 1> held{};
  const Result<void> read_back = co_await bus_->read_coils(at, held, deadline);
  if (!read_back) co_return read_back;
  if (held[0] != energised) co_return failure(Fault::device_fault, "the relay did not take its new state");
  co_return Result<void>{};
}

}  // namespace cellrig
