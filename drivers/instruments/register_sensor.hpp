// A transmitter whose readings lie in Modbus holding registers: a load cell, a gas sensor and their like. What is where is in the
// model file. Nothing is ever written to it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/async/time_source.hpp"
#include "drivers/instruments/logger.hpp"
#include "drivers/link/modbus_bus.hpp"
#include "drivers/modbus/register_map.hpp"

namespace cellrig {

using modbus::register_count;
using modbus::RegisterType;

struct SensorRegister {
  std::uint16_t address = 0;
  RegisterType type = RegisterType::u16;
  modbus::WordOrder order = modbus::WordOrder::abcd;
  double scale = 1.0;         ///< from the number to the unit of its quantity
  bool has_decimals = false;  ///< divided by ten for each decimal that the status tells
};

/// A word that says how the readings are to be taken.
struct SensorStatus {
  std::uint16_t address = 0;
  std::uint16_t decimals_mask = 0;  ///< the low bits that hold the number of decimals; 0: none do
  std::uint16_t bad_mask = 0;       ///< any of these bits: no reading is a number
};

/// A register that must hold this value, or it is not this instrument, or not set up for this.
struct SensorCheck {
  std::uint16_t address = 0;
  std::uint16_t value = 0;
  std::string what;
};

struct RegisterSensorModel {
  LoggerCapabilities capabilities;
  std::string maker;
  std::uint8_t unit = 1;
  std::vector<SensorRegister> registers;  ///< one for each of capabilities.inputs
  std::optional<SensorStatus> status;
  std::vector<SensorCheck> checks;
  Duration request_gap{};
  Duration attempt_timeout{};
};

namespace register_sensor {

/// The reading of one input. Bad: the status says so, the number is none, or it lies outside the input's range.
[[nodiscard]] Reading decode(const SensorRegister& from, const LoggerInput& input, std::span<const std::uint16_t> words,
                             const std::optional<SensorStatus>& status, std::uint16_t status_word, TimePoint at);

}  // namespace register_sensor

/// Beyond the contract of Logger:
/// * The status is read after the values: an overload that came meanwhile is seen.
/// * All inputs asked for share one instant, the middle between the first request and the last reply.
class RegisterSensor final : public Logger {
 public:
  RegisterSensor(TimeSource& time, std::unique_ptr<ModbusBus> bus, RegisterSensorModel model);

  [[nodiscard]] const LoggerCapabilities& capabilities() const override { return model_.capabilities; }
  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> verify(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> measure(std::span<Reading> into, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> measure_inputs(std::span<const int> inputs, std::span<Reading> into,
                                                  Deadline deadline) override;

 private:
  [[nodiscard]] Error refused(const std::string& what) const;
  [[nodiscard]] Task<Result<void>> run_checks(Deadline deadline);
  [[nodiscard]] Task<Result<void>> read(std::uint16_t address, std::span<std::uint16_t> into, Deadline deadline);

  TimeSource& time_;
  std::unique_ptr<ModbusBus> bus_;
  RegisterSensorModel model_;
  TimePoint asked_{};  ///< when the last question went out, also when it had to be asked again
  bool is_verified_ = false;
};

}  // namespace cellrig
