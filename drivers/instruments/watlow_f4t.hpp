// Watlow F4T chamber controller over Modbus TCP ("Data Map 1"): every parameter on an even register, f32 low word first.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "controller/async/time_source.hpp"
#include "drivers/instruments/call_scope.hpp"
#include "drivers/instruments/chamber.hpp"
#include "drivers/link/modbus_bus.hpp"

namespace cellrig {

/// 0-based protocol addresses, of loop 1 and alarm 1.
struct WatlowF4tRegisters {
  std::uint16_t hardware_id = 0, software_release = 0, serial_number = 0, part_number = 0, device_status = 0;
  std::uint16_t communication_units = 0;  ///< 15 = degC over Modbus TCP
  std::uint16_t process_value = 0, setpoint = 0, setpoint_low_limit = 0, setpoint_high_limit = 0;
  std::uint16_t control_mode = 0, active_control_mode = 0;
  std::uint16_t alarm_block = 0;  ///< type, sides, high, low, hysteresis, silencing, latching, each two registers apart
  std::uint16_t alarm_state = 0;
  std::uint16_t profile_state = 0, profile_terminate = 0;
  std::array<std::uint16_t, 8> events{};
};

struct WatlowF4tModel {
  ChamberCapabilities capabilities;
  std::uint8_t unit = 1;
  std::string part_number_prefix;  ///< what its part number must begin with
  int condition_event = 1;         ///< which event output powers the chamber, 1 to 8: the integrator's wiring, set per bench
  double alarm_margin_K = 0.0;     ///< the process alarm lies this far outside the set-point limits
  /// A process value outside is nonsense (word order, unit, open sensor), never a temperature.
  Celsius plausible_min, plausible_max;
  Duration request_gap{};  ///< for LibmodbusBusOptions
  Duration attempt_timeout{};
  WatlowF4tRegisters registers;
};

/// What is peculiar to it, beyond the contract of Chamber:
/// * "Running" is two things: the event output that powers the chamber, and the loop in automatic mode.
/// * While one of its own profiles runs, a set-point has no effect: run() refuses then; stop() ends the profile.
/// * It has no watchdog: limits and alarm are written by arm(), before anything runs, and only where they differ.
class WatlowF4tChamber final : public Chamber {
 public:
  WatlowF4tChamber(TimeSource& time, std::unique_ptr<ModbusBus> bus, WatlowF4tModel model);

  [[nodiscard]] const ChamberCapabilities& capabilities() const override { return model_.capabilities; }
  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> arm(const ChamberLimits& limits, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> run(Celsius setpoint, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> stop(Deadline deadline) override;
  [[nodiscard]] Task<Result<ChamberReadings>> measure(Deadline deadline) override;

 private:
  struct Call {
    Deadline deadline;
    std::uint64_t epoch = 0;
  };
  [[nodiscard]] Result<Call> begin(Deadline deadline) const;
  [[nodiscard]] Error stopped() const;
  [[nodiscard]] Error refused(const std::string& what) const;
  [[nodiscard]] ModbusAddress at(std::uint16_t address) const { return ModbusAddress{model_.unit, address}; }
  [[nodiscard]] std::uint16_t event_address() const;
  [[nodiscard]] Task<Result<void>> read(Call call, std::uint16_t address, std::span<std::uint16_t> into);
  [[nodiscard]] Task<Result<std::uint16_t>> read_word(Call call, std::uint16_t address);
  [[nodiscard]] Task<Result<double>> read_float(Call call, std::uint16_t address);
  [[nodiscard]] Task<Result<void>> write_word(Call call, std::uint16_t address, std::uint16_t value);
  [[nodiscard]] Task<Result<void>> write_float(Call call, std::uint16_t address, double value);
  [[nodiscard]] Task<Result<void>> hold_word(Call call, std::uint16_t address, std::uint16_t value);
  [[nodiscard]] Task<Result<void>> hold_float(Call call, std::uint16_t address, double value);
  [[nodiscard]] Task<Result<void>> hold_setpoint_limits(Call call, const ChamberLimits& limits);
  [[nodiscard]] Task<Result<void>> hold_alarm(Call call, const ChamberLimits& limits);
  [[nodiscard]] Task<Result<bool>> is_conditioning(Call call);
  [[nodiscard]] Task<Result<void>> stop_once(Call call);
  [[nodiscard]] Task<Result<void>> pause(Call call);

  TimeSource& time_;
  std::unique_ptr<ModbusBus> bus_;
  WatlowF4tModel model_;
  std::optional<ChamberLimits> armed_;
  std::uint64_t epoch_ = 0;  ///< counts calls of stop()
  int calls_ = 0;            ///< other calls under way
  TimePoint asked_{};        ///< when the last question went out, also when it had to be asked again
  int stopping_ = 0;
};

}  // namespace cellrig
