// Keysight N6900 / N7900 Advanced Power System (the RP7900 shares the tree), in voltage priority only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "drivers/instruments/scpi_cycler.hpp"

namespace cellrig {

struct KeysightN6900Model : ScpiCyclerModel {
  bool over_current_trips_in_limit =
      false;  ///< CURR:PROT:STAT 1: trips wherever the current limit regulates, which a CC phase does
};

namespace keysight_n6900 {

/// The set-point as the instrument takes it. Pure.
struct Settings {
  Volts voltage;
  Amps limit_positive;  ///< charges; at least current_limit_min
  Amps limit_negative;  ///< magnitude, discharges; at least current_limit_min
  Amps current_max;     ///< the larger wanted magnitude
};
[[nodiscard]] Result<Settings> plan_setpoint(const Setpoint& setpoint, const KeysightN6900Model& model, const Protections& armed);

[[nodiscard]] scpi::Settings least_limits(const KeysightN6900Model& model);
/// Least limits, then the voltage, then the limits wanted.
[[nodiscard]] scpi::Settings steps_of(const Settings& settings, const KeysightN6900Model& model);

/// What arm() programs and watches. The over-voltage is rounded down to millivolts: never beyond the bound.
[[nodiscard]] Result<scpi::Settings> plan_protections(const Protections& protections, const KeysightN6900Model& model);

/// The five values of one measurement message.
[[nodiscard]] Result<CyclerReadings> decode_measurement(std::string_view reply, const KeysightN6900Model& model, TimePoint at);

/// Reads as "over-voltage" and so on.
[[nodiscard]] std::string trip_cause(std::uint32_t questionable);

}  // namespace keysight_n6900

/// What is peculiar to it, beyond what every ScpiCycler does:
/// * Always voltage priority with two current limits; never current priority, where a changed mode resets every setting.
/// * The least limit is 0.026 A, in either direction: the idle direction of a set-point carries up to that much.
/// * No constant power, no constant resistance, no under-voltage protection of its own (a discharge regulates to voltage_min).
/// * A mistake voids the whole message and is answered by silence, which ends in a timeout and a new connection.
/// * CURR:PROT:STAT stays off unless the model says otherwise: with it on, entering the current limit turns the output off.
class KeysightN6900Cycler final : public ScpiCycler {
 public:
  KeysightN6900Cycler(TimeSource& time, std::unique_ptr<ByteStream> scpi, std::unique_ptr<ByteStream> stop_session,
                      const KeysightN6900Model& model);

 private:
  [[nodiscard]] Result<ProtectionPlan> plan_protections(const Protections& protections) const override;
  [[nodiscard]] Result<SetpointPlan> plan_setpoint(const Setpoint& setpoint, const Protections& armed) const override;
  [[nodiscard]] Result<CyclerReadings> decode_measurement(std::string_view reply, TimePoint at) const override;
  [[nodiscard]] std::string trip_cause(std::uint32_t questionable) const override;
  [[nodiscard]] Task<Result<void>> check_ratings(Call call) override;

  KeysightN6900Model model_;
};

}  // namespace cellrig
