#include "sim/instruments/adam_6018.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace cellrig::sim {
namespace {

constexpr std::uint16_t type_register_first = 200;
constexpr std::uint16_t output_coil_first = 16;
constexpr double raw_max = 65535.0;
constexpr std::uint16_t burn_out = 65535;

struct Range {
  double low_degC;
  double high_degC;
};

Range range_of(std::uint16_t type_code) {
  switch (type_code) {
    case adam_type::j: return {0.0, 760.0};
    case adam_type::k: return {0.0, 1370.0};
    case adam_type::e: return {0.0, 1000.0};
    case adam_type::r:
    case adam_type::s: return {500.0, 1750.0};
    case adam_type::b: return {500.0, 1800.0};
    default: return {-100.0, 400.0};  // type T
  }
}

}  // namespace

QuantityAccuracy accuracy_of(const Adam6018Config&) { return with_accuracy({.offset = 1.0, .noise = 0.03}); }

Adam6018::Adam6018(Adam6018Config config, std::vector<Input> inputs, Relay relay, std::function<void(TimePoint)> advance_world)
    : config_{std::move(config)},
      inputs_{std::move(inputs)},
      relay_{std::move(relay)},
      advance_world_{std::move(advance_world)},
      noise_{config_.noise_seed} {
  inputs_.resize(adam_6018_channels);
}

/// Counts from the last traffic, or from the zero of time before there was any.
std::optional<TimePoint> Adam6018::next_event() const {
  if (!config_.host_idle_timeout || is_safe_ || faults_.clear_watchdog) return std::nullopt;
  return last_traffic_ + *config_.host_idle_timeout;
}

void Adam6018::advance(TimePoint to) {
  if (const auto event = next_event(); event && *event <= to) {
    advance_world_(*event);
    go_safe(*event);
  }
  advance_world_(to);
}

/// The world moves when a request asks for what is measured, or switches something.
void Adam6018::traffic(TimePoint now) {
  if (const auto event = next_event(); event && *event <= now) advance(now);
  last_traffic_ = now;
  is_safe_ = false;
}

void Adam6018::go_safe(TimePoint now) {
  is_safe_ = true;
  for (std::size_t i = 0; i < adam_6018_channels; ++i) switch_output(now, i, config_.safe_outputs[i]);
}

/// Power-up: all outputs open (unverified; a real module has power-on values of its own).
void Adam6018::reboot(TimePoint now) {
  advance_world_(now);
  for (std::size_t i = 0; i < adam_6018_channels; ++i) switch_output(now, i, false);
  last_traffic_ = now;
  is_safe_ = false;
}

void Adam6018::switch_output(TimePoint now, std::size_t channel, bool closed) {
  if (outputs_[channel] == closed) return;
  outputs_[channel] = closed;
  if (relay_) relay_(now, static_cast<int>(channel), closed);
}

std::uint16_t Adam6018::type_code(std::size_t channel) const {
  if (!faults_.identity) return config_.type_codes[channel];
  std::uint16_t code = adam_type::k;  // F16: the identity as a type code; anything that isn't a number means type K
  const char* end = faults_.identity->data() + faults_.identity->size();
  std::from_chars(faults_.identity->data(), end, code);
  return code;
}

std::uint16_t Adam6018::raw_input(std::size_t channel) {
  if (faults_.freeze_readings && frozen_[channel]) return *frozen_[channel];
  std::uint16_t raw = burn_out;
  const std::optional<double> temperature = inputs_[channel] ? inputs_[channel]() : std::nullopt;
  if (temperature && !faults_.nan_readings) {
    const Range range = range_of(type_code(channel));
    const double measured = config_.temperature.read(*temperature, noise_);
    const double reading = faults_.readings.distort_temperature(measured, channel);
    const double share = (reading - range.low_degC) / (range.high_degC - range.low_degC);
    // Not a number reads as an open sensor.
    if (share < 1.0) raw = share > 0.0 ? static_cast<std::uint16_t>(std::lround(share * raw_max)) : std::uint16_t{0};
  }
  frozen_[channel].reset();
  if (faults_.freeze_readings) frozen_[channel] = raw;
  return raw;
}

ModbusStatus Adam6018::read_registers(TimePoint now, std::uint16_t address, std::span<std::uint16_t> values) {
  if (address < adam_6018_channels) advance_world_(now);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t at = address + i;
    if (at < adam_6018_channels) {
      values[i] = raw_input(at);
    } else if (at >= type_register_first && at < type_register_first + adam_6018_channels) {
      values[i] = type_code(at - type_register_first);
    } else {
      return ModbusStatus::illegal_address;
    }
  }
  return ModbusStatus::ok;
}

ModbusStatus Adam6018::read_coils(TimePoint, std::uint16_t address, std::span<bool> values) {
  if (address < output_coil_first || address + values.size() > output_coil_first + adam_6018_channels) {
    return ModbusStatus::illegal_address;
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = outputs_[address - output_coil_first + i];
  return ModbusStatus::ok;
}

ModbusStatus Adam6018::write_coils(TimePoint now, std::uint16_t address, std::span<const bool> values) {
  if (address < output_coil_first || address + values.size() > output_coil_first + adam_6018_channels) {
    return ModbusStatus::illegal_address;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool ignored = faults_.local_control || (faults_.ignore_off && !values[i]);
    if (!ignored) switch_output(now, address - output_coil_first + i, values[i]);
  }
  return ModbusStatus::ok;
}

}  // namespace cellrig::sim
