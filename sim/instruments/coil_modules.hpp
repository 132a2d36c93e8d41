// Simulated modules that are coils and little else: the Waveshare relay board and the ADAM-6060. Written from the instruments
// reference, sections 9.1 and 9.2.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "sim/instruments/modbus_slave.hpp"
#include "sim/instruments/responder.hpp"

namespace cellrig::sim {

inline constexpr std::size_t waveshare_relays = 8;
inline constexpr std::size_t adam_6060_relays = 6;
inline constexpr std::size_t adam_6060_inputs = 6;

/// What the two have in common: relays that drive something, and no watchdog that can be set over the wire.
class RelayBoard : public Instrument, protected ModbusDevice {
 public:
  /// Instant, relay, closed. Called for changes only; it moves the world to that instant first.
  using Relay = std::function<void(TimePoint, int, bool)>;

  [[nodiscard]] std::vector<NamedPort> ports() override { return {{"modbus", &port_}}; }
  [[nodiscard]] std::optional<TimePoint> next_event() const override { return std::nullopt; }
  void advance(TimePoint to) override { advance_world_(to); }
  /// All relays open.
  void reboot(TimePoint now) override;
  [[nodiscard]] InstrumentFaults& faults() override { return faults_; }
  [[nodiscard]] unsigned felt_faults() const override { return feels::off | feels::local; }

 protected:
  RelayBoard(std::size_t count, Duration latency, Relay relay, std::function<void(TimePoint)> advance_world);

  /// The world moves when a relay does.
  void traffic(TimePoint /*now*/) override {}
  [[nodiscard]] Duration latency() const override { return latency_ + from_seconds(faults_.extra_latency_s); }
  ModbusStatus read_registers(TimePoint, std::uint16_t, std::span<std::uint16_t>) override {
    return ModbusStatus::illegal_function;
  }
  ModbusStatus write_registers(TimePoint, std::uint16_t, std::span<const std::uint16_t>) override {
    return ModbusStatus::illegal_function;
  }
  /// What a client asks for; faults may keep it from happening.
  void ask(TimePoint now, std::size_t relay, bool closed);
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] bool is_closed(std::size_t relay) const { return relays_[relay]; }
  [[nodiscard]] const InstrumentFaults& present_faults() const { return faults_; }

 private:
  void switch_relay(TimePoint now, std::size_t relay, bool closed);

  std::size_t count_;
  Duration latency_;
  Relay relay_;
  std::function<void(TimePoint)> advance_world_;
  InstrumentFaults faults_;
  std::array<bool, waveshare_relays> relays_{};
  ModbusSlave port_{*this};
};

/// Port "modbus", unit 1: coils 0..7, functions 1, 5 and 15. Power-up state off. FC05 with 5500 toggles; coil 0x00FF is all of
/// them.
class WaveshareRelay final : public RelayBoard {
 public:
  WaveshareRelay(Relay relay, std::function<void(TimePoint)> advance_world);

 private:
  [[nodiscard]] bool answers_unit(std::uint8_t unit) const override { return unit == 1; }
  [[nodiscard]] bool supports(std::uint8_t function) const override { return function == 1 || function == 5 || function == 15; }
  ModbusStatus read_coils(TimePoint now, std::uint16_t address, std::span<bool> values) override;
  ModbusStatus write_coils(TimePoint now, std::uint16_t address, std::span<const bool> values) override;
  ModbusStatus write_coil_word(TimePoint now, std::uint16_t address, std::uint16_t word) override;
};

/// Port "modbus", units 1 and 0: coils 0..5 are the inputs (read only, 1 = the contact in its 24 V loop is closed), coils
/// 16..21 the relays. Functions 1, 5 and 15. Contacts are closed unless a fault opens them.
class Adam6060 final : public RelayBoard {
 public:
  Adam6060(Relay relay, std::function<void(TimePoint)> advance_world);
  [[nodiscard]] unsigned felt_faults() const override { return feels::off | feels::local | feels::readings; }

 private:
  [[nodiscard]] bool answers_unit(std::uint8_t unit) const override { return unit <= 1; }
  [[nodiscard]] bool supports(std::uint8_t function) const override { return function == 1 || function == 5 || function == 15; }
  ModbusStatus read_coils(TimePoint now, std::uint16_t address, std::span<bool> values) override;
  ModbusStatus write_coils(TimePoint now, std::uint16_t address, std::span<const bool> values) override;

  std::array<bool, adam_6060_inputs> frozen_{};
  bool is_frozen_ = false;
};

}  // namespace cellrig::sim
