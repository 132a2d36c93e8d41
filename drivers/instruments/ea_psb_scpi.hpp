// EA Elektro-Automatik PSB 9000 / 10000 over SCPI alone: TCP 5025, or the USB port.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "drivers/instruments/ea_psb_plan.hpp"
#include "drivers/instruments/scpi_cycler.hpp"

namespace cellrig {
namespace ea_psb {

/// What arm() programs and watches, over SCPI: the values of ProtectionPlan but for the limits of set values, which are left as they are.
[[nodiscard]] Result<scpi::Settings> scpi_guards(const Protections& protections, const EaPsbModel& model);

/// Currents to nothing, then powers, then the voltage, then the currents wanted.
[[nodiscard]] scpi::Settings scpi_steps(const Settings& settings, const EaPsbModel& model);

/// "32.00 V,-8.00 A,-256 W;ON;operation;questionable".
[[nodiscard]] Result<CyclerReadings> decode_scpi_measurement(std::string_view reply, TimePoint at);

/// Reads as "over-voltage" and so on.
[[nodiscard]] std::string scpi_trip_cause(std::uint32_t questionable);

}  // namespace ea_psb

/// What is peculiar to it, beyond what every ScpiCycler does:
/// * Replies carry units and two decimals, so that what is read back is known to half of the last one.
/// * Only measure() joins questions, so that all it tells belongs together; whether a colon after a semicolon begins at the root is not
///   known. Everything else is one question a message. Every command ends with *STB?, which waits for it and acknowledges nothing.
/// * Settings are taken in remote only (SYST:LOCK). Losing it (panel, restart, watchdog) disarms: apply() refuses until arm().
/// * Its watchdog makes it leave remote; what the output then does is a setting (POW:STAG:AFT:REM), armed as OFF.
/// * SYST:ERR? acknowledges alarms: it is asked by acknowledge_trip() and by nobody else.
/// * No constant resistance.
class EaPsbScpiCycler final : public ScpiCycler {
 public:
  EaPsbScpiCycler(TimeSource& time, std::unique_ptr<ByteStream> scpi, const EaPsbModel& model);

 private:
  [[nodiscard]] Result<ProtectionPlan> plan_protections(const Protections& protections) const override;
  [[nodiscard]] Result<SetpointPlan> plan_setpoint(const Setpoint& setpoint, const Protections& armed) const override;
  [[nodiscard]] Result<CyclerReadings> decode_measurement(std::string_view reply, TimePoint at) const override;
  [[nodiscard]] std::string trip_cause(std::uint32_t questionable) const override;
  [[nodiscard]] Task<Result<void>> check_ratings(Call call) override;

  EaPsbModel model_;
};

}  // namespace cellrig
