// A chamber controller that is a map of Modbus registers. Everything peculiar to a make is in its model file.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/instruments/chamber_core.hpp"
#include "drivers/instruments/register_chamber_map.hpp"
#include "drivers/link/modbus_bus.hpp"

namespace cellrig {

/// Beyond the contract of Chamber:
/// * Such a controller has no watchdog: limits and alarms are written by arm(), before anything runs. Registers are read first and
///   written only where they differ, because their memory wears; what was written is read back.
/// * run() refuses while a condition of the model (a program of its own under way) forbids it.
/// * stop() writes the model's list without asking anything first, again and again until the controller confirms or time is up.
/// * A read whose link was lost is asked once more, on a new connection. No write is ever repeated, but by stop().
class RegisterChamber final : public ChamberCore {
 public:
  RegisterChamber(TimeSource& time, std::unique_ptr<ModbusBus> bus, RegisterChamberModel model);

  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> arm(const ChamberLimits& limits, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> run(Celsius setpoint, Deadline deadline) override;
  [[nodiscard]] Task<Result<ChamberReadings>> measure(Deadline deadline) override;

 private:
  struct Pair {
    double low = 0.0, high = 0.0;
  };
  void cut_calls() override { bus_->cut(); }
  [[nodiscard]] Error not_held(const ChamberRegister& where) const;
  [[nodiscard]] ModbusAddress at(const ChamberRegister& where) const;
  [[nodiscard]] double value_of(const RegisterWrite& write) const;
  [[nodiscard]] bool is_plausible(double temperature) const;
  [[nodiscard]] bool is_outside_armed(double temperature) const;
  template <class T, std::size_t size_max>
  [[nodiscard]] Task<Result<T>> read_as(Call call, const ChamberRegister& where);
  [[nodiscard]] Task<Result<double>> read(Call call, const ChamberRegister& where);
  [[nodiscard]] Task<Result<std::string>> read_text(Call call, const ChamberRegister& where);
  [[nodiscard]] Task<Result<void>> write(Call call, const ChamberRegister& where, double value);
  [[nodiscard]] Task<Result<void>> hold(Call call, const ChamberRegister& where, double value);
  [[nodiscard]] Task<Result<void>> require(Call call, const std::vector<RegisterTest>& tests);
  [[nodiscard]] Task<Result<bool>> all_hold(Call call, const std::vector<RegisterTest>& tests);
  [[nodiscard]] Task<Result<void>> hold_setpoint_limits(Call call, Pair wanted);
  [[nodiscard]] Task<Result<void>> bring_setpoint_inside(Call call, Pair wanted);
  [[nodiscard]] Task<Result<void>> hold_each(Call call, const std::vector<RegisterWrite>& writes);
  [[nodiscard]] Task<Result<void>> stop_once(Call call, int attempt) override;
  [[nodiscard]] Task<Result<void>> await_all(Call call, const std::vector<RegisterTest>& tests);
  [[nodiscard]] Task<Result<void>> pause(Call call);

  std::unique_ptr<ModbusBus> bus_;
  RegisterChamberModel model_;
  ChamberLimits arming_{};  ///< what arm() is about to hold
  TimePoint asked_{};       ///< when the last question went out, also when it had to be asked again
};

}  // namespace cellrig
