// A simulated Advantech ADAM-6018: eight thermocouple inputs and eight digital outputs on Modbus TCP.
// Written from the instruments reference, section 9.2.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "sim/instruments/measurement.hpp"
#include "sim/instruments/modbus_slave.hpp"
#include "sim/instruments/responder.hpp"

namespace cellrig::sim {

inline constexpr std::size_t adam_6018_channels = 8;

/// Thermocouple type codes of registers 200..207 and the range that 0..65535 spans [V].
namespace adam_type {
inline constexpr std::uint16_t j = 1024;
inline constexpr std::uint16_t k = 1056;
inline constexpr std::uint16_t t = 1088;
inline constexpr std::uint16_t e = 1120;
inline constexpr std::uint16_t r = 1152;
inline constexpr std::uint16_t s = 1184;
inline constexpr std::uint16_t b = 1216;
}  // namespace adam_type

struct Adam6018Config {
  /// Type T: -100..400 degC, the only one whose range holds a cold cell.
  std::array<std::uint16_t, adam_6018_channels> type_codes{adam_type::t, adam_type::t, adam_type::t, adam_type::t,
                                                           adam_type::t, adam_type::t, adam_type::t, adam_type::t};
  /// "Host idle": without traffic for this long the outputs go to their safe values. On a real module it is set with the
  /// maker's utility alone [R]; nothing on the wire shows it.
  std::optional<Duration> host_idle_timeout;
  std::array<bool, adam_6018_channels> safe_outputs{};
  Duration latency = std::chrono::milliseconds{3};  ///< assumed
  MeasuredQuantity temperature{};                   ///< in degC, of all inputs
  std::uint64_t noise_seed = 1;
};

/// 1 K with the reference junction (unverified).
[[nodiscard]] QuantityAccuracy accuracy_of(const Adam6018Config& config);

/// Port "modbus" (502 on a real unit): units 1 and 0. Function codes 1, 3, 4, 5, 15; writing registers is not in the
/// reference and refused with exception 1.
/// * Registers 0..7 raw inputs (3 and 4), 200..207 type codes; coils 16..23 the outputs. The rest is exception 2.
/// * An open sensor reads 65535 (burn-out: unverified), as does a temperature beyond the top of the range.
/// * Identity is limited: no register with a model name is known, so a client can check the type codes alone.
class Adam6018 final : public Instrument, private ModbusDevice {
 public:
  /// One temperature per channel; nothing means an open sensor. An empty function is an open input.
  using Input = std::function<std::optional<double>()>;
  /// What the outputs drive (contactors, interlocks): instant, channel 0..7, closed. Called for changes only; it
  /// moves the world to that instant first.
  using Relay = std::function<void(TimePoint, int, bool)>;

  Adam6018(Adam6018Config config, std::vector<Input> inputs, Relay relay, std::function<void(TimePoint)> advance_world);
  Adam6018(const Adam6018&) = delete;
  Adam6018& operator=(const Adam6018&) = delete;

  [[nodiscard]] std::vector<NamedPort> ports() override { return {{"modbus", &port_}}; }
  [[nodiscard]] std::optional<TimePoint> next_event() const override;
  void advance(TimePoint to) override;
  void reboot(TimePoint now) override;
  [[nodiscard]] InstrumentFaults& faults() override { return faults_; }
  [[nodiscard]] unsigned felt_faults() const override {
    return feels::chamber | feels::identity | (config_.host_idle_timeout ? feels::watchdog : 0U);
  }

 private:
  // ModbusDevice
  void traffic(TimePoint now) override;
  [[nodiscard]] bool answers_unit(std::uint8_t unit) const override { return unit <= 1; }
  [[nodiscard]] bool supports(std::uint8_t function) const override {
    return function == 1 || (function >= 3 && function <= 5) || function == 15;
  }
  [[nodiscard]] Duration latency() const override { return config_.latency + from_seconds(faults_.extra_latency_s); }
  ModbusStatus read_coils(TimePoint now, std::uint16_t address, std::span<bool> values) override;
  ModbusStatus write_coils(TimePoint now, std::uint16_t address, std::span<const bool> values) override;
  ModbusStatus read_registers(TimePoint now, std::uint16_t address, std::span<std::uint16_t> values) override;
  ModbusStatus write_registers(TimePoint, std::uint16_t, std::span<const std::uint16_t>) override {
    return ModbusStatus::illegal_function;
  }

  [[nodiscard]] std::uint16_t raw_input(std::size_t channel);
  [[nodiscard]] std::uint16_t type_code(std::size_t channel) const;
  void switch_output(TimePoint now, std::size_t channel, bool closed);
  void go_safe(TimePoint now);

  Adam6018Config config_;
  std::vector<Input> inputs_;
  Relay relay_;
  std::function<void(TimePoint)> advance_world_;
  InstrumentFaults faults_;
  Noise noise_;
  std::array<bool, adam_6018_channels> outputs_{};
  std::array<std::optional<std::uint16_t>, adam_6018_channels> frozen_{};
  TimePoint last_traffic_{};
  bool is_safe_ = false;  ///< the host idle time has run out since the last traffic
  ModbusSlave port_{*this};
};

}  // namespace cellrig::sim
