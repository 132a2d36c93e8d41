// What a supply reads at its output: the world, through its errors and its faults.
#pragma once

#include "sim/instruments/measurement.hpp"
#include "sim/instruments/responder.hpp"
#include "sim/physics/power_stage.hpp"

namespace cellrig::sim {

struct OutputReading {
  double voltage_V = 0.0;
  double current_A = 0.0;  ///< positive sources
  [[nodiscard]] double power_W() const { return voltage_V * current_A; }
};

/// `sense_gain` is that of leads which hang open. Frozen and missing readings are the instrument's business.
inline OutputReading read_output(const PowerStage& stage, const CyclerMeasurement& measurement, InstrumentFaults& faults,
                                 Noise& noise, double sense_gain = 1.0) {
  const double current_A = stage.current_A();
  OutputReading reading;
  reading.voltage_V =
      measurement.read_voltage(stage.terminal_voltage_V() * sense_gain, current_A, noise) + faults.voltage_offset_V;
  reading.current_A = measurement.current.read(current_A, noise);
  if (faults.negate_current) reading.current_A = -reading.current_A;
  faults.readings.distort(reading.voltage_V, reading.current_A);
  return reading;
}

}  // namespace cellrig::sim
