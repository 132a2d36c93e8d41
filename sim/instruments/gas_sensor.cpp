#include "sim/instruments/gas_sensor.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cellrig::sim {
namespace {
constexpr std::uint16_t concentration_register = 6;
constexpr std::uint16_t no_cell = 65535;
constexpr double counts_per_ppm = 10.0, counts_max = 65534.0;
}  // namespace

GasSensor::GasSensor(const GasSensorConfig& config, Gas gas, std::function<void(TimePoint)> advance_world)
    : config_{config}, gas_{std::move(gas)}, advance_world_{std::move(advance_world)} {}

ModbusStatus GasSensor::read_registers(TimePoint, std::uint16_t address, std::span<std::uint16_t> values) {
  if (address != concentration_register || values.size() != 1) return ModbusStatus::illegal_address;
  if (faults_.freeze_readings && frozen_) {
    values[0] = *frozen_;
    return ModbusStatus::ok;
  }
  const double ppm = (gas_ ? gas_() : 0.0) * faults_.readings.sensor_gain;
  values[0] = static_cast<std::uint16_t>(std::lround(std::clamp(ppm * counts_per_ppm, 0.0, counts_max)));
  if (faults_.nan_readings || (faults_.open_inputs & 1U) != 0) values[0] = no_cell;
  frozen_.reset();
  if (faults_.freeze_readings) frozen_ = values[0];
  return ModbusStatus::ok;
}

}  // namespace cellrig::sim
