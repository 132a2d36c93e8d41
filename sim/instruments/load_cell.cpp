#include "sim/instruments/load_cell.hpp"

#include <cmath>
#include <cstdlib>
#include <utility>

namespace cellrig::sim {
namespace {

constexpr std::uint16_t lock_register = 5, firmware_register = 6, status_register = 8;
constexpr std::uint16_t raw_register = 30, weight_register = 80, net_register = 82, tare_register = 84;
constexpr std::uint16_t unlock_word = 0x5AA5, firmware = 100;
constexpr std::int32_t auto_tare = 0x7FFFFFFF, tare_max = 8'000'000, counts_max = 8'388'607;
constexpr std::int32_t steady_counts = 2;
// Bits of the status word; 0 to 2 are the decimals.
constexpr unsigned negative_bit = 3, unstable_bit = 5, overflow_bit = 6, zero_bit = 7, overload_bit = 9;

/// One half of a signed number, its high word first.
std::uint16_t half(std::int32_t value, bool is_low) {
  const auto bits = static_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>(is_low ? bits & 0xFFFFU : bits >> 16U);
}

}  // namespace

LoadCell::LoadCell(const LoadCellConfig& config, Force force, std::function<void(TimePoint)> advance_world)
    : config_{config}, force_{std::move(force)}, advance_world_{std::move(advance_world)}, noise_{config.noise_seed} {}

Duration LoadCell::latency() const {
  return config_.latency + std::chrono::milliseconds{parameters_[4]} + from_seconds(faults_.extra_latency_s);
}

/// Locked again at power-up; whether the tare survives is unverified: here it does not.
void LoadCell::reboot(TimePoint now) {
  advance_world_(now);
  is_unlocked_ = false;
  tare_ = 0;
  frozen_.reset();
}

LoadCell::Present LoadCell::look() {
  if (faults_.freeze_readings && frozen_) return *frozen_;
  Present present;
  const double force_N = (force_ ? force_() : 0.0) + noise_(config_.noise_N);
  const double counts = force_N * faults_.readings.sensor_gain * std::pow(10.0, config_.decimals);
  const bool is_open = (faults_.open_inputs & 1U) != 0;
  present.is_overflow = is_open || faults_.nan_readings || !(std::fabs(counts) <= counts_max);
  present.is_overload = !(std::fabs(force_N) <= config_.capacity_N);
  present.weight = present.is_overflow ? counts_max : static_cast<std::int32_t>(std::lround(counts));
  frozen_.reset();
  if (faults_.freeze_readings) frozen_ = present;
  return present;
}

std::uint16_t LoadCell::status_of(const Present& present) {
  auto word = static_cast<unsigned>(config_.decimals) & 7U;
  const auto set = [&word](unsigned bit, bool on) { word |= on ? 1U << bit : 0U; };
  set(negative_bit, present.weight < 0);
  set(unstable_bit, std::abs(present.weight - last_weight_) > steady_counts);
  set(overflow_bit, present.is_overflow);
  set(zero_bit, present.weight == 0);
  set(overload_bit, present.is_overload);
  last_weight_ = present.weight;
  return static_cast<std::uint16_t>(word);
}

std::optional<std::uint16_t> LoadCell::value_at(std::uint16_t address, const Present& present) {
  if (address < parameter_count) return parameters_[address];
  switch (address) {
    case lock_register: return std::uint16_t{0};
    case firmware_register: return firmware;
    case status_register: return status_of(present);
    case raw_register:
    case raw_register + 1: return half(present.weight, address != raw_register);
    case weight_register:
    case weight_register + 1: return half(present.weight, address != weight_register);
    case net_register:
    case net_register + 1: return half(present.weight - tare_, address != net_register);
    case tare_register:
    case tare_register + 1: return half(tare_, address != tare_register);
    default: return std::nullopt;
  }
}

ModbusStatus LoadCell::read_registers(TimePoint, std::uint16_t address, std::span<std::uint16_t> values) {
  const Present present = look();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::optional<std::uint16_t> value = value_at(static_cast<std::uint16_t>(address + i), present);
    if (!value) return ModbusStatus::illegal_address;
    values[i] = *value;
  }
  return ModbusStatus::ok;
}

ModbusStatus LoadCell::write_registers(TimePoint, std::uint16_t address, std::span<const std::uint16_t> values) {
  if (address == lock_register && values.size() == 1) {
    is_unlocked_ = values[0] == unlock_word;
    return is_unlocked_ ? ModbusStatus::ok : ModbusStatus::illegal_value;
  }
  if (address == tare_register && values.size() == 2) {
    const auto wanted = static_cast<std::int32_t>((std::uint32_t{values[0]} << 16U) | values[1]);
    if (wanted != auto_tare && (wanted > tare_max || wanted < -tare_max)) return ModbusStatus::illegal_value;
    tare_ = wanted == auto_tare ? look().weight : wanted;
    return ModbusStatus::ok;
  }
  if (address >= parameter_count || address + values.size() > parameter_count) return ModbusStatus::illegal_address;
  if (!is_unlocked_) return ModbusStatus::illegal_value;
  for (std::size_t i = 0; i < values.size(); ++i) parameters_[address + i] = values[i];
  return ModbusStatus::ok;
}

}  // namespace cellrig::sim
