// What the pulses, rests and charges of a run say beyond its stored figures: for the report and the JSON document alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/analysis/charge.hpp"
#include "db/analysis/differential.hpp"
#include "db/analysis/pulse.hpp"
#include "db/analysis/rest.hpp"
#include "db/reader.hpp"

namespace cellrig::db {

/// A pulse at one of the times of HPPC and ISO 12405-4.
struct PulseInstant {
  PulseResistancePoint resistance;
  Watts power;                  ///< really moved, positive into the cell
  double temperature_degC = 0;  ///< of the cell, the last one by then; NaN: not measured
  double charge_Ah = 0;         ///< net, into the cell, since the run began: the record knows no state of charge
};
struct RunPulse {
  std::int64_t step_count = 0;
  std::string name;
  bool is_charge = false;
  BeforePulse before;
  std::optional<PulseResistancePoint> instantaneous;
  std::vector<PulseInstant> at;
};
inline constexpr std::size_t run_pulses_max = 60;
/// The first so many steps that have a dc_resistance_ohm: constant current out of rest. Each is read for two minutes at most; its time begins with
/// the step, or with its first row after it waited.
[[nodiscard]] Result<std::vector<RunPulse>> pulses_of(Reader& reader, RunKey run, std::size_t pulses_max = run_pulses_max);

/// A rest of ten minutes or more after a step with current.
struct RunRest {
  StepInfo step, before;
  double lasts_s = 0;
  std::optional<Volts> relaxed;        ///< against the last voltage under current, after ten minutes
  std::optional<SelfDischarge> slope;  ///< through its second half, of rests of an hour or more
  /// (put in before - got out after) / time, of a day or more between a charge and a discharge that go from one end of the window and back
  /// to it: the discharge before and the last one after ended by the same voltage.
  std::optional<double> leak_by_charge_A;
  std::optional<PlatingSignal> plating;  ///< after a charge
  [[nodiscard]] bool is_after_charge() const { return before.end->charge_Ah > before.end->discharge_Ah; }
};
inline constexpr std::size_t run_rests_max = 20;
/// The longest so many, in their order.
[[nodiscard]] Result<std::vector<RunRest>> rests_of(Reader& reader, RunKey run, std::size_t rests_max = run_rests_max);

/// As reports draw them.
inline constexpr DifferentialOptions charge_dq_dv{.voltage_step_V = 0.005, .smoothed_over = 5};
inline constexpr DifferentialOptions charge_dv_dq{.smoothed_over = 5};
/// The charge of a cycle.
struct RunCharge {
  std::int64_t cycle = 0;
  LoadedCurve curve;
  CvShare share;
  std::optional<Differential> dq_dv, dv_dq;
};
/// Of the first, the middle and the last cycle with a charge.
[[nodiscard]] Result<std::vector<RunCharge>> charges_of(Reader& reader, RunKey run);

}  // namespace cellrig::db
