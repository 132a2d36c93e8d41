#include "controller/engine/accumulators.hpp"

namespace cellrig {
namespace {

constexpr double seconds_per_hour = 3600.0;

/// Adds a stretch over which the current does not change its sign.
void add_one_sign(Throughput& sum, double hours, double v0, double v1, double i0, double i1) {
  const double charge = hours * (i0 + i1) / 2;
  // The product of two straight lines is a parabola: this is its exact integral.
  const double energy = hours * (2 * v0 * i0 + v0 * i1 + v1 * i0 + 2 * v1 * i1) / 6;
  if (i0 + i1 >= 0) {
    sum.charge += AmpHours{charge};
    sum.charge_energy += WattHours{energy};
  } else {
    sum.discharge += AmpHours{-charge};
    sum.discharge_energy += WattHours{-energy};
  }
}

}  // namespace

Throughput& Throughput::operator+=(const Throughput& other) {
  charge += other.charge;
  discharge += other.discharge;
  charge_energy += other.charge_energy;
  discharge_energy += other.discharge_energy;
  return *this;
}

Throughput Throughput::operator-(const Throughput& other) const {
  return {charge - other.charge, discharge - other.discharge, charge_energy - other.charge_energy,
          discharge_energy - other.discharge_energy};
}

Throughput integrate(const ElectricalSample& from, const ElectricalSample& to) {
  Throughput sum;
  const double hours = to_seconds(to.at - from.at) / seconds_per_hour;
  const double v0 = from.voltage.value(), v1 = to.voltage.value();
  const double i0 = from.current.value(), i1 = to.current.value();
  if ((i0 < 0 && i1 > 0) || (i0 > 0 && i1 < 0)) {
    const double part = i0 / (i0 - i1);  // where the current is zero
    const double v_zero = v0 + (v1 - v0) * part;
    add_one_sign(sum, hours * part, v0, v_zero, i0, 0.0);
    add_one_sign(sum, hours * (1 - part), v_zero, v1, 0.0, i1);
  } else {
    add_one_sign(sum, hours, v0, v1, i0, i1);
  }
  return sum;
}

}  // namespace cellrig
