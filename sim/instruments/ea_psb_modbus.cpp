#include <algorithm>
#include <bit>
#include <cmath>

#include "sim/instruments/ea_psb_ports.hpp"

namespace cellrig::sim {
namespace {

constexpr std::uint16_t coil_remote = 402;
constexpr std::uint16_t coil_output = 405;
constexpr std::uint16_t coil_after_power_fail = 407;  // [R]: reads off, writes are accepted without effect
constexpr std::uint16_t coil_after_power_on = 408;    // [R]
constexpr std::uint16_t coil_resistance_mode = 409;
constexpr std::uint16_t coil_restart = 410;      // [R]
constexpr std::uint16_t coil_acknowledge = 411;  // [R], unverified
constexpr std::uint16_t state_high = 505;
constexpr std::uint16_t state_low = 506;
constexpr std::uint16_t actual_voltage = 507;
constexpr std::uint16_t actual_current = 508;
constexpr std::uint16_t actual_power = 509;

/// 7 for a write outside remote is the best guess of the reference (1.2); 4 for "alarm not acknowledged" is unverified.
ModbusStatus status_of(EaRefusal refusal) {
  switch (refusal) {
    case EaRefusal::none: return ModbusStatus::ok;
    case EaRefusal::not_in_remote: return ModbusStatus::negative_acknowledge;
    case EaRefusal::out_of_range: return ModbusStatus::illegal_value;
    case EaRefusal::alarm_active: return ModbusStatus::device_failure;
  }
  return ModbusStatus::device_failure;
}

/// Registers 0..190 have holes.
bool is_information(std::uint16_t address) {
  return address <= 60 || (address >= 121 && address <= 130) || (address >= 151 && address <= 190);
}

}  // namespace

EaPsb::ModbusSide::ModbusSide(EaPsb& device) : port{*this}, device_{device} { fill_information(); }

void EaPsb::ModbusSide::fill_information() {
  const EaPsbConfig& config = device_.config_;
  information_[0] = config.device_class;
  put_text(1, config.device_type);
  put_text(21, "EA ELEKTRO-AUTOMATIK");  // [R]
  put_text(41, "");                      // the maker's address [R]: left blank
  put_float(121, config.nominal_voltage_V);
  put_float(123, config.nominal_current_A);
  put_float(125, config.nominal_power_W);
  put_float(127, config.resistance_max_ohm);
  put_float(129, config.resistance_min_ohm);
  put_text(151, config.serial_number);
  put_text(user_text_first, config.user_text);
}

/// 40 bytes in 20 registers, the first character in the high byte, padded with NUL [V].
void EaPsb::ModbusSide::put_text(std::size_t first, std::string_view text) {
  const auto byte = [text](std::size_t i) -> unsigned { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  for (std::size_t i = 0; i < 20; ++i) {
    information_[first + i] = static_cast<std::uint16_t>(byte(2 * i) << 8U | byte(2 * i + 1));
  }
}

/// ABCD: high word first [V].
void EaPsb::ModbusSide::put_float(std::size_t first, double value) {
  const auto pattern = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  information_[first] = static_cast<std::uint16_t>(pattern >> 16U);
  information_[first + 1] = static_cast<std::uint16_t>(pattern & 0xFFFFU);
}

ModbusStatus EaPsb::ModbusSide::read_coils(TimePoint now, std::uint16_t address, std::span<bool> values) {
  const EaSettings& settings = device_.shown(now);
  for (std::size_t i = 0; i < values.size(); ++i) {
    switch (address + i) {
      case coil_remote: values[i] = settings.remote; break;
      case coil_output: values[i] = device_.stage_.output_on(); break;
      case coil_after_power_fail:
      case coil_after_power_on: values[i] = false; break;
      case coil_resistance_mode: values[i] = settings.resistance_mode; break;
      default: return ModbusStatus::illegal_address;
    }
  }
  return ModbusStatus::ok;
}

/// Function 15 isn't supported: there is always exactly one value.
ModbusStatus EaPsb::ModbusSide::write_coils(TimePoint now, std::uint16_t address, std::span<const bool> values) {
  const bool on = values.front();
  const bool in_remote = device_.settings_.remote;
  switch (address) {
    case coil_remote: return status_of(device_.set_remote(now, on));
    case coil_output: return status_of(device_.set_output(now, on));
    case coil_resistance_mode: return status_of(device_.set_resistance_mode(now, on));
    case coil_after_power_fail:
    case coil_after_power_on: return status_of(in_remote ? EaRefusal::none : EaRefusal::not_in_remote);
    case coil_restart:
      if (!in_remote) return ModbusStatus::negative_acknowledge;
      if (on) device_.reboot(now);
      return ModbusStatus::ok;
    case coil_acknowledge:
      if (!in_remote) return ModbusStatus::negative_acknowledge;
      if (on) device_.acknowledge_alarms();
      return ModbusStatus::ok;
    default: return ModbusStatus::illegal_address;
  }
}

ModbusStatus EaPsb::ModbusSide::read_registers(TimePoint now, std::uint16_t address, std::span<std::uint16_t> values) {
  if (address <= 20) {  // the type may be overridden by a fault at any time
    put_text(1, device_.faults_.identity ? std::string_view{*device_.faults_.identity}
                                         : std::string_view{device_.config_.device_type});
  }
  std::optional<OutputReading> readings;  // one acquisition per request
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto at = static_cast<std::uint16_t>(address + i);
    if (is_information(at)) {
      values[i] = information_[at];
    } else if (at >= actual_voltage && at <= actual_power) {
      if (!readings) readings = device_.measure();
      values[i] = actual_at(at, *readings);
    } else if (at == state_high) {
      values[i] = static_cast<std::uint16_t>(device_.state_word(now) >> 16U);
    } else if (at == state_low) {
      values[i] = static_cast<std::uint16_t>(device_.state_word(now) & 0xFFFFU);
    } else if (const auto setting = setting_at(at)) {
      values[i] = device_.shown(now).raw[index_of(*setting)];
    } else if (const auto counter = counter_at(at)) {
      values[i] = *counter;
    } else if (at == 511 || at == 512) {  // second device state [R]: nothing in it is known
      values[i] = 0;
    } else {
      return ModbusStatus::illegal_address;
    }
  }
  return ModbusStatus::ok;
}

/// Magnitudes: the sign of the current is bit 12 of the state [V]. A negative voltage reads 0. 65535 is the end of the range.
std::uint16_t EaPsb::ModbusSide::actual_at(std::uint16_t address, const OutputReading& readings) const {
  if (device_.faults_.nan_readings) return 0xFFFF;
  switch (address) {
    case actual_voltage: return device_.to_raw(EaQuantity::voltage, readings.voltage_V);
    case actual_current: return device_.to_raw(EaQuantity::current, std::fabs(readings.current_A));
    default: return device_.to_raw(EaQuantity::power, std::fabs(readings.power_W()));
  }
}

/// 520..524 [R], unverified. Both directions are counted together here.
std::optional<std::uint16_t> EaPsb::ModbusSide::counter_at(std::uint16_t address) const {
  const AlarmCounters& counters = device_.counters_;
  switch (address) {
    case 520: return counters.over_voltage;
    case 521: return static_cast<std::uint16_t>(counters.over_current + counters.sink_over_current);
    case 522: return static_cast<std::uint16_t>(counters.over_power + counters.sink_over_power);
    case 523: return counters.over_temperature;
    case 524: return counters.power_fail;
    default: return std::nullopt;
  }
}

ModbusStatus EaPsb::ModbusSide::write_registers(TimePoint now, std::uint16_t address, std::span<const std::uint16_t> values) {
  if (address >= user_text_first && address < information_size) return write_user_text(address, values);
  for (std::size_t i = 0; i < values.size(); ++i) {  // the whole range must exist before anything is written
    if (!setting_at(static_cast<std::uint16_t>(address + i))) return ModbusStatus::illegal_address;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!device_.settings_.remote) return ModbusStatus::negative_acknowledge;
    const EaSetting setting = *setting_at(static_cast<std::uint16_t>(address + i));
    if (const EaRefusal refusal = device_.check(setting, values[i]); refusal != EaRefusal::none) return status_of(refusal);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const EaSetting setting = *setting_at(static_cast<std::uint16_t>(address + i));
    if (const EaRefusal refusal = device_.set(now, setting, values[i]); refusal != EaRefusal::none) return status_of(refusal);
  }
  return ModbusStatus::ok;
}

ModbusStatus EaPsb::ModbusSide::write_user_text(std::uint16_t address, std::span<const std::uint16_t> values) {
  if (address + values.size() > information_size) return ModbusStatus::illegal_address;
  if (!device_.settings_.remote) return ModbusStatus::negative_acknowledge;
  std::copy(values.begin(), values.end(), information_.begin() + address);
  std::string text;
  for (std::size_t i = user_text_first; i < information_size; ++i) {
    for (const unsigned c : {unsigned{information_[i]} >> 8U, unsigned{information_[i]} & 0xFFU}) {
      if (c != 0) text.push_back(static_cast<char>(c));
    }
  }
  device_.config_.user_text = text;
  return ModbusStatus::ok;
}

}  // namespace cellrig::sim
