#include "controller/engine/accumulators.hpp"

#include "controller/base/moved.hpp"

namespace cellrig {
namespace {

constexpr double seconds_per_hour = 3600.0;

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
  const Moved moved = moved_over({.hours = to_seconds(to.at - from.at) / seconds_per_hour,
                                  .voltage_from_V = from.voltage.value(),
                                  .voltage_to_V = to.voltage.value(),
                                  .current_from_A = from.current.value(),
                                  .current_to_A = to.current.value()});
  return {AmpHours{moved.charge_Ah}, AmpHours{moved.discharge_Ah}, WattHours{moved.charge_Wh}, WattHours{moved.discharge_Wh}};
}

}  // namespace cellrig
