// What moves between two measurements. The one function for it: of the engine while a test runs, and of whoever counts again from the record.
#pragma once

namespace cellrig {

/// Charge and energy into and out of the cell, as magnitudes.
struct Moved {
  double charge_Ah = 0, discharge_Ah = 0, charge_Wh = 0, discharge_Wh = 0;

  Moved& operator+=(const Moved& other) {
    charge_Ah += other.charge_Ah;
    discharge_Ah += other.discharge_Ah;
    charge_Wh += other.charge_Wh;
    discharge_Wh += other.discharge_Wh;
    return *this;
  }
};

/// Voltage and current at both ends of a time; straight between them. Positive current charges.
struct Stretch {
  double hours = 0;
  double voltage_from_V = 0, voltage_to_V = 0;
  double current_from_A = 0, current_to_A = 0;
};

/// Of a stretch over which the current does not change its sign. Without a branch: the loops over a record are made of it.
inline Moved moved_one_way(const Stretch& s) {
  const double v0 = s.voltage_from_V, v1 = s.voltage_to_V, i0 = s.current_from_A, i1 = s.current_to_A;
  const double charge = s.hours * (i0 + i1) / 2;
  // The product of two straight lines is a parabola: this is its exact integral.
  const double energy = s.hours * (2 * v0 * i0 + v0 * i1 + v1 * i0 + 2 * v1 * i1) / 6;
  const bool is_charge = i0 + i1 >= 0;
  return {is_charge ? charge : 0.0, is_charge ? 0.0 : -charge, is_charge ? energy : 0.0, is_charge ? 0.0 : -energy};
}

/// Split where the current changes its sign. Charge = integral of max(I, 0); energy = integral of V I over the same time: both exact for
/// V and I linear in time (Battery Data Format formulas).
inline Moved moved_over(const Stretch& s) {
  if (!(s.current_from_A * s.current_to_A < 0)) return moved_one_way(s);
  const double part = s.current_from_A / (s.current_from_A - s.current_to_A);  // where the current is zero
  const double voltage_V = s.voltage_from_V + (s.voltage_to_V - s.voltage_from_V) * part;
  Moved moved = moved_one_way({s.hours * part, s.voltage_from_V, voltage_V, s.current_from_A, 0.0});
  moved += moved_one_way({s.hours * (1 - part), voltage_V, s.voltage_to_V, 0.0, s.current_to_A});
  return moved;
}

}  // namespace cellrig
