// An instrument simple enough to be predictable: a hundred registers and eight coils on "modbus", an echo on "scpi".
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/bench.hpp"
#include "sim/instruments/modbus_slave.hpp"

namespace cellrig::sim {

class FakeInstrument final : public Instrument, private ModbusDevice {
 public:
  /// Answers "text?" with "text"; anything else is a set command and silent.
  class LinePort final : public Port {
   public:
    explicit LinePort(FakeInstrument& owner) : owner_{owner} {}
    void connected(ConnectionId id) override { partial_[id].clear(); }
    void disconnected(ConnectionId id) override { partial_.erase(id); }
    void receive(TimePoint now, ConnectionId id, std::string_view bytes, std::vector<Reply>& replies) override {
      std::string& line = partial_[id];
      for (const char c : bytes) {
        if (c != '\n') {
          line += c;
          continue;
        }
        owner_.lines.push_back(line);
        const bool is_query = line.ends_with('?');
        replies.push_back({now + owner_.delay, is_query ? line.substr(0, line.size() - 1) + "\n" : "", is_query});
        line.clear();
      }
    }
    [[nodiscard]] std::size_t connection_count() const { return partial_.size(); }

   private:
    FakeInstrument& owner_;
    std::map<ConnectionId, std::string> partial_;
  };

  std::vector<NamedPort> ports() override { return {{"modbus", &modbus_}, {"scpi", &line_port}}; }
  std::optional<TimePoint> next_event() const override { return event; }
  void advance(TimePoint to) override {
    if (!event || *event > to) return;
    happened.push_back(*event);
    event.reset();
  }
  void reboot(TimePoint) override { ++reboot_count; }
  [[nodiscard]] unsigned sensor_count() const override { return 4; }
  InstrumentFaults& faults() override { return faults_; }

  Duration delay = std::chrono::milliseconds{3};
  std::array<std::uint16_t, 100> registers{};
  std::array<bool, 8> coils{};
  std::optional<TimePoint> event;
  std::vector<TimePoint> happened;
  std::vector<TimePoint> asked_at;
  std::vector<std::string> lines;
  int reboot_count = 0;
  LinePort line_port{*this};

 private:
  void traffic(TimePoint now) override { asked_at.push_back(now); }
  bool answers_unit(std::uint8_t unit) const override { return unit == 1; }
  bool supports(std::uint8_t function) const override { return function != 4; }
  Duration latency() const override { return delay + from_seconds(faults_.extra_latency_s); }
  ModbusStatus read_coils(TimePoint, std::uint16_t address, std::span<bool> values) override {
    if (address + values.size() > coils.size()) return ModbusStatus::illegal_address;
    std::copy_n(coils.begin() + address, values.size(), values.begin());
    return ModbusStatus::ok;
  }
  ModbusStatus write_coils(TimePoint, std::uint16_t address, std::span<const bool> values) override {
    if (address + values.size() > coils.size()) return ModbusStatus::illegal_address;
    std::copy(values.begin(), values.end(), coils.begin() + address);
    return ModbusStatus::ok;
  }
  ModbusStatus read_registers(TimePoint, std::uint16_t address, std::span<std::uint16_t> values) override {
    if (address == 99) return ModbusStatus::busy;
    if (address + values.size() > registers.size()) return ModbusStatus::illegal_address;
    std::copy_n(registers.begin() + address, values.size(), values.begin());
    return ModbusStatus::ok;
  }
  ModbusStatus write_registers(TimePoint, std::uint16_t address, std::span<const std::uint16_t> values) override {
    if (address + values.size() > registers.size()) return ModbusStatus::illegal_address;
    std::copy(values.begin(), values.end(), registers.begin() + address);
    return ModbusStatus::ok;
  }

  InstrumentFaults faults_;
  ModbusSlave modbus_{*this};
};

/// A bench with one such instrument, "fake".
struct FakeBench {
  SimulatedBench bench;
  FakeInstrument* fake = nullptr;

  explicit FakeBench(SimulatedBench::WireLimits limits = {}) {
    auto owned = std::make_unique<FakeInstrument>();
    fake = owned.get();
    bench.add_instrument("fake", std::move(owned), limits);
  }
};

}  // namespace cellrig::sim
