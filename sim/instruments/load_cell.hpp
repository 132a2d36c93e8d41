// A simulated load-cell transmitter, the aje register map. Written from the instruments reference, section 8. The real one speaks
// Modbus RTU; here its registers are behind a TCP frame.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "sim/instruments/modbus_slave.hpp"
#include "sim/instruments/noise.hpp"
#include "sim/instruments/responder.hpp"

namespace cellrig::sim {

struct LoadCellConfig {
  int decimals = 0;              ///< of the display, 0 to 7
  double capacity_N = 250000.0;  ///< beyond: overload
  double noise_N = 0.0;          ///< standard deviation
  std::uint64_t noise_seed = 1;
  Duration latency = std::chrono::milliseconds{8};  ///< assumed; register 4 adds to it
};

/// Port "modbus". Function codes 3 and 16 (whether it knows 6 is unverified: refused).
/// * The weight is the force in newtons, in counts of the display's last digit; net is weight less tare.
/// * Parameters 0..4 are written only after 0x5AA5 in register 5; refused otherwise with exception 3 (code unverified).
/// * An open bridge drives the converter to its end: overflow.
class LoadCell final : public Instrument, private ModbusDevice {
 public:
  using Force = std::function<double()>;  ///< N; nothing connected: 0

  LoadCell(const LoadCellConfig& config, Force force, std::function<void(TimePoint)> advance_world);
  LoadCell(const LoadCell&) = delete;
  LoadCell& operator=(const LoadCell&) = delete;

  [[nodiscard]] std::vector<NamedPort> ports() override { return {{"modbus", &port_}}; }
  [[nodiscard]] std::optional<TimePoint> next_event() const override { return std::nullopt; }
  void advance(TimePoint to) override { advance_world_(to); }
  void reboot(TimePoint now) override;
  [[nodiscard]] unsigned sensor_count() const override { return 1; }
  [[nodiscard]] InstrumentFaults& faults() override { return faults_; }
  [[nodiscard]] unsigned felt_faults() const override { return feels::readings | feels::other_sensor; }

 private:
  static constexpr std::size_t parameter_count = 5;

  void traffic(TimePoint now) override { advance_world_(now); }
  [[nodiscard]] bool answers_unit(std::uint8_t unit) const override { return unit == parameters_[0]; }
  [[nodiscard]] bool supports(std::uint8_t function) const override { return function == 3 || function == 16; }
  [[nodiscard]] Duration latency() const override;
  ModbusStatus read_coils(TimePoint, std::uint16_t, std::span<bool>) override { return ModbusStatus::illegal_function; }
  ModbusStatus write_coils(TimePoint, std::uint16_t, std::span<const bool>) override { return ModbusStatus::illegal_function; }
  ModbusStatus read_registers(TimePoint now, std::uint16_t address, std::span<std::uint16_t> values) override;
  ModbusStatus write_registers(TimePoint now, std::uint16_t address, std::span<const std::uint16_t> values) override;

  struct Present {
    std::int32_t weight = 0;
    bool is_overflow = false, is_overload = false;
  };
  [[nodiscard]] Present look();
  [[nodiscard]] std::optional<std::uint16_t> value_at(std::uint16_t address, const Present& present);
  [[nodiscard]] std::uint16_t status_of(const Present& present);

  LoadCellConfig config_;
  Force force_;
  std::function<void(TimePoint)> advance_world_;
  InstrumentFaults faults_;
  Noise noise_;
  std::array<std::uint16_t, parameter_count> parameters_{1, 3, 5, 1, 0};  ///< address, 9600 baud, 8N1, RTU, no delay
  bool is_unlocked_ = false;
  std::int32_t tare_ = 0;
  std::int32_t last_weight_ = 0;
  std::optional<Present> frozen_;
  ModbusSlave port_{*this};
};

}  // namespace cellrig::sim
