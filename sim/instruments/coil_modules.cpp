#include "sim/instruments/coil_modules.hpp"

#include <utility>

namespace cellrig::sim {
namespace {
constexpr Duration waveshare_latency = std::chrono::milliseconds{6};  // assumed
constexpr Duration adam_latency = std::chrono::milliseconds{3};       // assumed
constexpr std::uint16_t all_relays = 0x00FF;
constexpr std::uint16_t toggle_word = 0x5500, on_word = 0xFF00, off_word = 0x0000;
constexpr std::size_t adam_relay_first = 16;
}  // namespace

RelayBoard::RelayBoard(std::size_t count, Duration latency, Relay relay, std::function<void(TimePoint)> advance_world)
    : count_{count}, latency_{latency}, relay_{std::move(relay)}, advance_world_{std::move(advance_world)} {}

void RelayBoard::reboot(TimePoint now) {
  advance_world_(now);
  for (std::size_t i = 0; i < count_; ++i) switch_relay(now, i, false);
}

void RelayBoard::switch_relay(TimePoint now, std::size_t relay, bool closed) {
  if (relays_[relay] == closed) return;
  relays_[relay] = closed;
  if (relay_) relay_(now, static_cast<int>(relay), closed);
}

void RelayBoard::ask(TimePoint now, std::size_t relay, bool closed) {
  if (faults_.local_control || (faults_.ignore_off && !closed)) return;
  switch_relay(now, relay, closed);
}

WaveshareRelay::WaveshareRelay(Relay relay, std::function<void(TimePoint)> advance_world)
    : RelayBoard{waveshare_relays, waveshare_latency, std::move(relay), std::move(advance_world)} {}

ModbusStatus WaveshareRelay::read_coils(TimePoint, std::uint16_t address, std::span<bool> values) {
  if (address + values.size() > count()) return ModbusStatus::illegal_address;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = is_closed(address + i);
  return ModbusStatus::ok;
}

ModbusStatus WaveshareRelay::write_coils(TimePoint now, std::uint16_t address, std::span<const bool> values) {
  if (address + values.size() > count()) return ModbusStatus::illegal_address;
  for (std::size_t i = 0; i < values.size(); ++i) ask(now, address + i, values[i]);
  return ModbusStatus::ok;
}

ModbusStatus WaveshareRelay::write_coil_word(TimePoint now, std::uint16_t address, std::uint16_t word) {
  if (word != on_word && word != off_word && word != toggle_word) return ModbusStatus::illegal_value;
  if (address >= count() && address != all_relays) return ModbusStatus::illegal_address;
  for (std::size_t i = 0; i < count(); ++i) {
    if (address == i || address == all_relays) ask(now, i, word == toggle_word ? !is_closed(i) : word == on_word);
  }
  return ModbusStatus::ok;
}

Adam6060::Adam6060(Relay relay, std::function<void(TimePoint)> advance_world)
    : RelayBoard{adam_6060_relays, adam_latency, std::move(relay), std::move(advance_world)} {}

ModbusStatus Adam6060::read_coils(TimePoint, std::uint16_t address, std::span<bool> values) {
  const InstrumentFaults& faults = present_faults();
  if (!faults.freeze_readings) is_frozen_ = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t coil = address + i;
    if (coil < adam_6060_inputs) {
      const bool is_open = faults.nan_readings || ((faults.open_inputs >> coil) & 1U) != 0;
      values[i] = is_frozen_ ? frozen_[coil] : !is_open;
    } else if (coil >= adam_relay_first && coil < adam_relay_first + adam_6060_relays) {
      values[i] = is_closed(coil - adam_relay_first);
    } else {
      return ModbusStatus::illegal_address;
    }
  }
  if (faults.freeze_readings && !is_frozen_) {
    is_frozen_ = true;
    for (std::size_t i = 0; i < adam_6060_inputs; ++i) frozen_[i] = ((faults.open_inputs >> i) & 1U) == 0;
  }
  return ModbusStatus::ok;
}

ModbusStatus Adam6060::write_coils(TimePoint now, std::uint16_t address, std::span<const bool> values) {
  if (address < adam_relay_first || address + values.size() > adam_relay_first + adam_6060_relays) {
    return ModbusStatus::illegal_address;
  }
  for (std::size_t i = 0; i < values.size(); ++i) ask(now, address - adam_relay_first + i, values[i]);
  return ModbusStatus::ok;
}

}  // namespace cellrig::sim
