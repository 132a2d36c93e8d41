#include "sim/instruments/keysight_daq.hpp"

#include <cmath>
#include <utility>

#include "sim/instruments/keysight_daq_scpi.hpp"

namespace cellrig::sim {
namespace {

constexpr double overload = 9.9e37;
constexpr double terminals_degC = 25.0;
constexpr double voltage_max_V = 300.0;

struct Thermocouple {
  char type;
  double sensitivity_uV_per_K;  ///< near room temperature, rounded: enough to make a wrong type lie as it would
  double low_degC, high_degC;
};
constexpr std::array<Thermocouple, 8> thermocouples{{{'B', 0.3, 250.0, 1820.0},
                                                     {'E', 61.0, -200.0, 1000.0},
                                                     {'J', 52.0, -210.0, 1200.0},
                                                     {'K', 41.0, -200.0, 1372.0},
                                                     {'N', 27.0, -200.0, 1300.0},
                                                     {'R', 6.0, -50.0, 1768.0},
                                                     {'S', 6.0, -50.0, 1768.0},
                                                     {'T', 41.5, -200.0, 400.0}}};

const Thermocouple& thermocouple(char type) {
  for (const Thermocouple& candidate : thermocouples) {
    if (candidate.type == type) return candidate;
  }
  return thermocouples.back();
}

}  // namespace

KeysightDaqConfig keysight_34970a() {
  KeysightDaqConfig config;
  config.identity = "HEWLETT-PACKARD,34970A,0,13-2-2";
  config.card = "HEWLETT-PACKARD,34901A,0,2.3";
  config.empty_slot = "HEWLETT-PACKARD,0,0,0";
  return config;
}

KeysightDaqAccuracy accuracy_of(const KeysightDaqConfig&) {
  KeysightDaqAccuracy accuracy{.temperature = with_accuracy({.offset = 1.0, .noise = 0.02}), .voltage = {}};
  const auto range = [](double full_scale, double of_reading, double of_range) {
    return RangeAccuracy{.full_scale = full_scale,
                         .gain_fraction = of_reading,
                         .offset = of_range * full_scale,
                         .noise = 0.05 * of_range * full_scale};
  };
  accuracy.voltage.range_count = 5;
  accuracy.voltage.ranges = {range(0.1, 5e-5, 4e-5), range(1, 4e-5, 7e-6), range(10, 3.5e-5, 5e-6), range(100, 4.5e-5, 6e-6),
                             range(300, 4.5e-5, 3e-5)};
  return accuracy;
}

KeysightDaq::KeysightDaq(KeysightDaqConfig config, std::vector<Input> inputs, std::function<void(TimePoint)> advance_world)
    : config_{std::move(config)},
      inputs_{std::move(inputs)},
      advance_world_{std::move(advance_world)},
      noise_{config_.noise_seed},
      scpi_side_{std::make_unique<ScpiSide>(*this)} {
  inputs_.resize(keysight_daq_channels);
}

KeysightDaq::~KeysightDaq() = default;

std::vector<NamedPort> KeysightDaq::ports() { return {{"scpi", scpi_side_.get()}}; }

void KeysightDaq::reset() {
  channels_ = {};
  format_ = {};
  scan_list_.clear();
  memory_.clear();
  trigger_source_ = "IMM";
  trigger_count_ = 1.0;
}

void KeysightDaq::reboot(TimePoint now) {
  advance_world_(now);
  reset();
  scpi_side_->forget();
}

double KeysightDaq::read(std::size_t index) {
  Channel& channel = channels_[index];
  if (faults_.freeze_readings && channel.frozen) return *channel.frozen;
  double value = channel.measures_temperature ? read_temperature(index) : read_voltage(index);
  if (faults_.nan_readings) value = overload;
  channel.frozen.reset();
  if (faults_.freeze_readings) channel.frozen = value;
  return value;
}

double KeysightDaq::read_temperature(std::size_t index) {
  const Channel& channel = channels_[index];
  const Input& input = inputs_[index];
  const std::optional<double> temperature = input.temperature_degC ? input.temperature_degC() : std::nullopt;
  const Thermocouple& read_as = thermocouple(channel.type);
  double reading = terminals_degC;
  if (temperature) {
    const double voltage_uV = (*temperature - terminals_degC) * thermocouple(config_.wired_type).sensitivity_uV_per_K;
    reading = config_.temperature.read(reading + voltage_uV / read_as.sensitivity_uV_per_K, noise_);
  } else if (channel.checks_leads) {
    return overload;
  }
  reading = faults_.readings.distort_temperature(reading, index);
  if (reading > read_as.high_degC) return overload;
  if (reading < read_as.low_degC) return -overload;
  if (channel.unit == 'F') return reading * 1.8 + 32.0;
  if (channel.unit == 'K') return reading + 273.15;
  return reading;
}

/// A thermocouple that is measured as a voltage shows its microvolts.
double KeysightDaq::read_voltage(std::size_t index) {
  const Input& input = inputs_[index];
  double voltage_V = 0.0;
  if (((faults_.open_inputs >> index) & 1U) != 0) return voltage_V;  // an open input shows about nothing (assumed)
  if (input.voltage_V) {
    voltage_V = input.voltage_V();
  } else if (const auto temperature = input.temperature_degC ? input.temperature_degC() : std::nullopt) {
    voltage_V = (*temperature - terminals_degC) * thermocouple(config_.wired_type).sensitivity_uV_per_K * 1e-6;
  }
  if (!(std::fabs(voltage_V) <= voltage_max_V)) return std::copysign(overload, voltage_V);
  return config_.voltage.read(voltage_V, noise_) * faults_.readings.sensor_gain;
}

}  // namespace cellrig::sim
