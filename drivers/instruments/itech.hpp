// ITECH IT-M3400, IT-M3900 and IT6000C: bidirectional supplies that share one SCPI tree. In CV priority only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "drivers/instruments/scpi_cycler.hpp"

namespace cellrig {

struct ItechModel : ScpiCyclerModel {
  Amps over_current_protection_max;
  Duration over_voltage_delay{};  ///< of the protections: how long a value must be beyond its level
  Duration over_current_delay{};  ///< long enough for the overshoot of a change of set-point
  Duration under_voltage_delay{};
  Watts power_limit_min;  ///< smallest limit it accepts in either direction
};

namespace itech {

/// The set-point as the instrument takes it. Pure.
struct Settings {
  Volts voltage;
  Amps limit_positive;  ///< charges
  Amps limit_negative;  ///< magnitude, discharges
  Watts power_positive;
  Watts power_negative;  ///< magnitude
  Amps current_max;      ///< the larger wanted magnitude
};
[[nodiscard]] Result<Settings> plan_setpoint(const Setpoint& setpoint, const ItechModel& model, const Protections& armed);

[[nodiscard]] scpi::Settings least_limits(const ItechModel& model);
/// Least currents, then powers, then the voltage, then the currents wanted.
[[nodiscard]] scpi::Settings steps_of(const Settings& settings, const ItechModel& model);

/// What arm() programs and watches; rounded towards the safe side in steps of the model's resolution.
[[nodiscard]] Result<scpi::Settings> plan_protections(const Protections& protections, const ItechModel& model);

/// "V,I,P,Ah,Wh;output;operation;questionable".
[[nodiscard]] Result<CyclerReadings> decode_measurement(std::string_view reply, const ItechModel& model, TimePoint at);

/// Reads as "over-voltage" and so on.
[[nodiscard]] std::string trip_cause(std::uint32_t questionable);

}  // namespace itech

/// What is peculiar to it, beyond what every ScpiCycler does:
/// * Settings are taken after SYST:REM only. Its panel can take it back, and nothing tells: reading back does.
/// * Always CV priority with two current and two power limits. A change of priority rewrites limits, so it comes first.
/// * Constant power is the power limit of one direction. There is no constant resistance in this driver.
/// * After each command it wants a pause before the next message.
/// * One session only: how many clients it takes is not known. OFF therefore cuts the exchange in flight, and relies on nothing but
///   single messages, because whether every firmware takes joined ones is not known either.
/// * A cleared trip shows for a moment longer.
class ItechCycler final : public ScpiCycler {
 public:
  ItechCycler(TimeSource& time, std::unique_ptr<ByteStream> scpi, const ItechModel& model);

 private:
  [[nodiscard]] Result<ProtectionPlan> plan_protections(const Protections& protections) const override;
  [[nodiscard]] Result<SetpointPlan> plan_setpoint(const Setpoint& setpoint, const Protections& armed) const override;
  [[nodiscard]] Result<CyclerReadings> decode_measurement(std::string_view reply, TimePoint at) const override;
  [[nodiscard]] std::string trip_cause(std::uint32_t questionable) const override;
  [[nodiscard]] Task<Result<void>> check_ratings(Call call) override;

  ItechModel model_;
};

}  // namespace cellrig
