// A simulated JXBS-3001-CO carbon monoxide sensor. Written from the instruments reference, section 9.3: one register is known.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "sim/instruments/modbus_slave.hpp"
#include "sim/instruments/responder.hpp"

namespace cellrig::sim {

struct GasSensorConfig {
  Duration latency = std::chrono::milliseconds{10};  ///< assumed
};

/// Port "modbus", unit 1, function 3, register 6: tenths of ppm. Without its cell it reads 65535 (unverified).
class GasSensor final : public Instrument, private ModbusDevice {
 public:
  using Gas = std::function<double()>;  ///< ppm; nothing: clean air

  GasSensor(const GasSensorConfig& config, Gas gas, std::function<void(TimePoint)> advance_world);
  GasSensor(const GasSensor&) = delete;
  GasSensor& operator=(const GasSensor&) = delete;

  [[nodiscard]] std::vector<NamedPort> ports() override { return {{"modbus", &port_}}; }
  [[nodiscard]] std::optional<TimePoint> next_event() const override { return std::nullopt; }
  void advance(TimePoint to) override { advance_world_(to); }
  void reboot(TimePoint now) override { advance_world_(now); }
  [[nodiscard]] unsigned sensor_count() const override { return 1; }
  [[nodiscard]] InstrumentFaults& faults() override { return faults_; }
  [[nodiscard]] unsigned felt_faults() const override { return feels::readings | feels::other_sensor; }

 private:
  void traffic(TimePoint now) override { advance_world_(now); }
  [[nodiscard]] bool answers_unit(std::uint8_t unit) const override { return unit == 1; }
  [[nodiscard]] bool supports(std::uint8_t function) const override { return function == 3; }
  [[nodiscard]] Duration latency() const override { return config_.latency + from_seconds(faults_.extra_latency_s); }
  ModbusStatus read_coils(TimePoint, std::uint16_t, std::span<bool>) override { return ModbusStatus::illegal_function; }
  ModbusStatus write_coils(TimePoint, std::uint16_t, std::span<const bool>) override { return ModbusStatus::illegal_function; }
  ModbusStatus read_registers(TimePoint now, std::uint16_t address, std::span<std::uint16_t> values) override;
  ModbusStatus write_registers(TimePoint, std::uint16_t, std::span<const std::uint16_t>) override {
    return ModbusStatus::illegal_function;
  }

  GasSensorConfig config_;
  Gas gas_;
  std::function<void(TimePoint)> advance_world_;
  InstrumentFaults faults_;
  std::optional<std::uint16_t> frozen_;
  ModbusSlave port_{*this};
};

}  // namespace cellrig::sim
