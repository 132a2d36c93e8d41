// Charge and energy by the trapezoid, exact when current and voltage run straight between two measurements.
#pragma once

#include "controller/base/time.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

/// Charge and energy in each direction, as magnitudes.
struct Throughput {
  AmpHours charge, discharge;
  WattHours charge_energy, discharge_energy;

  [[nodiscard]] AmpHours net() const { return charge - discharge; }
  [[nodiscard]] WattHours net_energy() const { return charge_energy - discharge_energy; }
  Throughput& operator+=(const Throughput& other);
  [[nodiscard]] Throughput operator-(const Throughput& other) const;
};

/// One measurement of the cycler.
struct ElectricalSample {
  TimePoint at{};
  Volts voltage;
  Amps current;
};

/// What moved between two measurements (base/moved.hpp): split where the current changes its sign.
[[nodiscard]] Throughput integrate(const ElectricalSample& from, const ElectricalSample& to);

}  // namespace cellrig
