// EA Elektro-Automatik PSB 9000 / 10000: Modbus TCP for everything cyclic, SCPI beside it for what has no register.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/instruments/cycler_core.hpp"
#include "drivers/instruments/ea_psb_plan.hpp"
#include "drivers/link/byte_stream.hpp"
#include "drivers/link/modbus_bus.hpp"
#include "drivers/scpi/session.hpp"

namespace cellrig {

/// What is peculiar to it, beyond the contract of Cycler:
/// * The actual current is a magnitude; its sign is state bit 12. 65535 is the end of the range and no measurement.
/// * Writes are accepted in remote mode only. Losing remote (panel, reboot, watchdog) disarms: apply() refuses until arm().
/// * Its watchdog makes it leave remote; what the output then does is a setting (POW:STAG:AFT:REM), armed as OFF.
/// * An alarm is never acknowledged on the way: arm() and apply() fail with protection_tripped until acknowledge_trip().
/// * SYST:ERR? is never asked, because reading it acknowledges alarms.
/// * output_off() tries Modbus first and, when that does not answer, SCPI; in turn until its deadline.
class EaPsbCycler final : public CyclerCore {
 public:
  EaPsbCycler(TimeSource& time, std::unique_ptr<ModbusBus> bus, std::unique_ptr<ByteStream> scpi, EaPsbModel model);

  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> arm(const Protections& protections, Deadline deadline) override;
  [[nodiscard]] Task<Result<CyclerReadings>> measure(Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> apply(const Setpoint& setpoint, Deadline deadline) override;
  [[nodiscard]] Task<Result<void>> release(Deadline deadline) override;
  void hang_up() noexcept override;
  [[nodiscard]] bool may_have_heard() const override { return bus_->was_open() || stream_->was_open(); }
  [[nodiscard]] Task<Result<void>> acknowledge_trip(Deadline deadline) override;

 private:
  struct Armed {
    Protections protections;
    ea_psb::ProtectionPlan plan;
  };
  struct Status {
    ea_psb::State state;
    TimePoint at;  ///< middle of the exchange
  };
  using SetValues = std::array<std::uint16_t, 7>;

  // ea_psb.cpp
  [[nodiscard]] Error checked(Error error);
  [[nodiscard]] Error misunderstood(Error error);
  [[nodiscard]] ModbusAddress at(std::uint16_t address) const { return ModbusAddress{model_.unit, address}; }
  [[nodiscard]] std::uint16_t set_value_address(ea_psb::SetValue which) const;
  [[nodiscard]] Task<Result<void>> read(Call call, std::uint16_t address, std::span<std::uint16_t> into);
  [[nodiscard]] Task<Result<bool>> read_coil(Call call, std::uint16_t address);
  [[nodiscard]] Task<Result<void>> write(Call call, std::uint16_t address, std::uint16_t raw);
  [[nodiscard]] Task<Result<void>> write_coil(Call call, std::uint16_t address, bool value);
  [[nodiscard]] Task<Result<std::string>> ask(Call call, std::string_view message);
  [[nodiscard]] Task<Result<Status>> read_status(Call call);
  [[nodiscard]] Task<Result<void>> feed_watchdog(Call call);

  // ea_psb_apply.cpp
  void cut_calls() override;
  [[nodiscard]] int off_path_count() const override { return 2; }
  [[nodiscard]] Task<Result<void>> off_by(int path, Deadline attempt) override;
  [[nodiscard]] Task<Result<ea_psb::State>> ready_for_setpoint(Call call);
  [[nodiscard]] bool is_small_change(const ea_psb::Settings& settings) const;
  [[nodiscard]] std::optional<ea_psb::SetValue> changed_value(const ea_psb::Settings& settings) const;
  [[nodiscard]] Task<Result<void>> put_into_force(Call call, const ea_psb::Settings& settings);
  [[nodiscard]] Error tripped(const ea_psb::State& state, std::string_view more) const;
  [[nodiscard]] Task<Result<void>> write_settings(Call call, const ea_psb::Settings& settings);
  [[nodiscard]] Task<Result<void>> verify_settings(Call call, const ea_psb::Settings& settings);
  [[nodiscard]] Task<Result<void>> switch_on(Call call);
  [[nodiscard]] Task<Result<void>> off_by_modbus(Call call);
  [[nodiscard]] Task<Result<void>> off_by_scpi(Call call);

  // ea_psb_arm.cpp
  [[nodiscard]] Task<Result<void>> require_idle(Call call);
  [[nodiscard]] Task<Result<void>> take_remote(Call call);
  [[nodiscard]] Task<Result<void>> program_registers(Call call, const ea_psb::ProtectionPlan& plan);
  [[nodiscard]] Task<Result<void>> write_if_different(Call call, std::uint16_t address, std::uint16_t raw);
  [[nodiscard]] Task<Result<void>> verify_registers(Call call, const ea_psb::ProtectionPlan& plan);
  [[nodiscard]] Task<Result<void>> program_scpi(Call call, const ea_psb::ProtectionPlan& plan);
  [[nodiscard]] Task<Result<void>> verify_scpi(Call call, const ea_psb::ProtectionPlan& plan);
  [[nodiscard]] Task<Result<void>> verify_armed(Call call);
  [[nodiscard]] Task<Result<void>> set_word(Call call, const std::string& header, const std::string& word);
  [[nodiscard]] Task<Result<void>> expect_word(Call call, const std::string& header, const std::string& word);

  struct NumberSetting {
    std::string header, unit;
    double value = 0.0;
    int digits = 0;
    double tolerance = 0.0;
  };
  [[nodiscard]] std::array<NumberSetting, 3> number_settings(const ea_psb::ProtectionPlan& plan) const;
  [[nodiscard]] Task<Result<void>> set_number(Call call, const NumberSetting& setting);
  [[nodiscard]] Task<Result<void>> expect_number(Call call, const NumberSetting& setting);

  std::unique_ptr<ModbusBus> bus_;
  std::unique_ptr<ByteStream> stream_;
  ScpiSession scpi_;
  EaPsbModel model_;
  std::optional<Armed> armed_;
  TimePoint asked_{};                         ///< when the last question went out, also when it had to be asked again
  std::optional<ea_psb::Settings> in_force_;  ///< read back and switched on; nothing: none, or nobody knows
  bool verify_needed_ = false;                ///< an exchange failed since the protections were last read back
  bool resistance_mode_ = false;              ///< as last written and read back
  TimePoint next_feed_{};
};

}  // namespace cellrig
