// Advantech ADAM-6018: eight thermocouples and eight digital outputs behind one Modbus TCP connection.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controller/async/time_source.hpp"
#include "drivers/instruments/call_scope.hpp"
#include "drivers/instruments/logger.hpp"
#include "drivers/link/modbus_bus.hpp"

namespace cellrig {

struct ThermocoupleRange {
  std::string type;        ///< "K"
  std::uint16_t code = 0;  ///< as the module's type register reports it
  Celsius low, high;       ///< raw 0 and raw 65535
};

struct Adam6018Registers {
  std::uint16_t inputs = 0;       ///< eight raw values
  std::uint16_t type_codes = 0;   ///< eight codes
  std::uint16_t output_coil = 0;  ///< eight coils
};

struct Adam6018Model {
  LoggerCapabilities capabilities;
  std::uint8_t unit = 1;
  std::vector<ThermocoupleRange> ranges;  ///< every type the module can be set to
  std::string thermocouple_type;          ///< the one this bench uses on every channel that is measured
  int channels_checked = 0;               ///< how many inputs, from 0 on, must be of that type
  Duration request_gap{};                 ///< for LibmodbusBusOptions
  Duration attempt_timeout{};
  Adam6018Registers registers;
};

/// Sets the thermocouple type of a bench, and the temperature range that comes with it. False: the module has no such type.
[[nodiscard]] bool select_thermocouple(Adam6018Model& model, const std::string& type);

/// What is peculiar to it, beyond the contracts of Logger and Relays:
/// * A reading is a share of the range of its thermocouple type, so the type codes are compared by identify(). measure() refuses
///   before that: a wrong type would be a wrong temperature that looks right.
/// * Both ends of the range are no measurement (burn-out shows there; its own flag is unverified).
/// * It has no identity to read; maker and model are what the model file says.
/// * It has no watchdog that can be armed over Modbus: its outputs keep their state when this process dies.
/// * set(channel, false) cuts a measurement in flight and tries until its deadline; it needs no identify().
class Adam6018 final : public Logger, public Relays {
 public:
  Adam6018(TimeSource& time, std::unique_ptr<ModbusBus> bus, Adam6018Model model);

  [[nodiscard]] const LoggerCapabilities& capabilities() const override { return model_.capabilities; }
  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> verify(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> measure(std::span<Reading> into, Deadline deadline) override;
  [[nodiscard]] int relay_count() const override { return static_cast<int>(channel_count); }
  [[nodiscard]] Task<Result<bool>> state(int channel, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> set(int channel, bool energised, Deadline deadline) override;

 private:
  static constexpr std::size_t channel_count = 8;
  static constexpr Duration retry_pause = std::chrono::milliseconds{20};

  [[nodiscard]] const ThermocoupleRange* configured_range() const;
  [[nodiscard]] Error refused(const std::string& what) const;
  [[nodiscard]] ModbusAddress at(std::uint16_t address) const { return ModbusAddress{model_.unit, address}; }
  [[nodiscard]] Task<Result<void>> read(std::uint16_t address, std::span<std::uint16_t> into, Deadline deadline);
  [[nodiscard]] Task<Result<void>> check_types(Deadline deadline);
  [[nodiscard]] Task<Result<void>> set_once(std::uint16_t coil, bool energised, Deadline deadline);

  TimeSource& time_;
  std::unique_ptr<ModbusBus> bus_;
  Adam6018Model model_;
  std::uint64_t epoch_ = 0;  ///< counts openings of a relay
  int openings_ = 0;         ///< under way: nothing is closed meanwhile
  int calls_ = 0;            ///< calls under way that an opening may cut
  TimePoint asked_{};        ///< when the last question went out, also when it had to be asked again
  bool types_verified_ = false;
};

}  // namespace cellrig
