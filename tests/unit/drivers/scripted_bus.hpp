// A ModbusBus in memory: registers, coils, a record of every write, and a failure at will.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drivers/link/modbus_bus.hpp"
#include "controller/async/time_source.hpp"

namespace cellrig::testing {

class ScriptedBus final : public ModbusBus {
 public:
  explicit ScriptedBus(TimeSource& time) : time_{time} {}

  struct Write {
    bool is_coil = false;
    std::uint16_t address = 0;
    std::uint16_t value = 0;
    bool operator==(const Write&) const = default;
  };
  std::map<std::uint16_t, std::uint16_t> registers;
  std::map<std::uint16_t, bool> coils;
  std::vector<Write> writes;
  std::vector<std::uint16_t> reads;  ///< the first address of each
  int exchange_count = 0;
  int cut_count = 0;
  bool is_silent = false;  ///< every exchange waits for its deadline or a cut
  /// Asked for each exchange (numbered from 0): an error ends it.
  std::function<std::optional<Error>(int number)> fails;
  bool failed_writes_take_effect = false;  ///< of registers: only the reply is lost
  std::function<void()> after_write;       ///< lets the instrument react

  [[nodiscard]] Task<Result<void>> read_holding(ModbusAddress from, std::span<std::uint16_t> into, Deadline deadline) override {
    reads.push_back(from.address);
    const Result<void> exchanged = co_await exchange(deadline);
    if (!exchanged) co_return exchanged;
    for (std::size_t i = 0; i < into.size(); ++i) {
      const auto found = registers.find(static_cast<std::uint16_t>(from.address + i));
      if (found == registers.end()) co_return fail(Fault::refused, "no such register");
      into[i] = found->second;
    }
    co_return Result<void>{};
  }
  [[nodiscard]] Task<Result<void>> write_register(ModbusAddress to, std::uint16_t value, Deadline deadline) override {
    const Result<void> exchanged = co_await exchange(deadline);
    if (!exchanged && !failed_writes_take_effect) co_return exchanged;
    store(to.address, value);
    co_return exchanged;
  }
  [[nodiscard]] Task<Result<void>> write_registers(ModbusAddress to, std::span<const std::uint16_t> values,
                                                   Deadline deadline) override {
    const Result<void> exchanged = co_await exchange(deadline);
    if (!exchanged) co_return exchanged;
    for (std::size_t i = 0; i < values.size(); ++i) store(static_cast<std::uint16_t>(to.address + i), values[i]);
    co_return Result<void>{};
  }
  [[nodiscard]] Task<Result<void>> read_coils(ModbusAddress from, std::span<bool> into, Deadline deadline) override {
    const Result<void> exchanged = co_await exchange(deadline);
    if (!exchanged) co_return exchanged;
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = coils[static_cast<std::uint16_t>(from.address + i)];
    co_return Result<void>{};
  }
  [[nodiscard]] Task<Result<void>> write_coil(ModbusAddress to, bool value, Deadline deadline) override {
    const Result<void> exchanged = co_await exchange(deadline);
    if (!exchanged) co_return exchanged;
    writes.push_back(Write{.is_coil = true, .address = to.address, .value = value});
    coils[to.address] = value;
    if (after_write) after_write();
    co_return Result<void>{};
  }
  void cut() noexcept override {
    ++cut_count;
    ++epoch_;
    for (Wait* const reply : in_flight_) reply->wake();
  }
  [[nodiscard]] std::string address() const override { return "scripted"; }

 private:
  void store(std::uint16_t address, std::uint16_t value) {
    writes.push_back(Write{.is_coil = false, .address = address, .value = value});
    registers[address] = value;
    if (after_write) after_write();
  }
  Task<Result<void>> exchange(Deadline deadline) {
    const int epoch = epoch_;
    const int number = exchange_count++;
    const TimePoint due = is_silent ? deadline.at : time_.now() + std::chrono::milliseconds{1};
    Wait reply{time_};
    in_flight_.push_back(&reply);
    co_await reply.until(due);
    std::erase(in_flight_, &reply);
    if (epoch != epoch_) co_return fail(Fault::interrupted, "cut");
    if (is_silent) co_return fail(Fault::timeout, "no answer in time");
    const std::optional<Error> failure = fails ? fails(number) : std::nullopt;
    if (failure) co_return *failure;
    co_return Result<void>{};
  }

  TimeSource& time_;
  std::vector<Wait*> in_flight_;
  int epoch_ = 0;
};

}  // namespace cellrig::testing
