// Loss of capacity and growth of resistance with time and use. Pure: parameters, a state, a slice of life -> the next state.
// Laws, sources and what they are worth: docs/cell-model.md, "Ageing".
#pragma once

namespace cellrig::sim {

/// A law's name says whose measurements its numbers come from; `power_law` takes its numbers from the cell file.
enum class CalendarLaw : unsigned char {
  none,
  power_law,
  lg_m50_2021,  ///< published: BLAST-Lite's fit to Bui 2021
  nmc111_2014,  ///< published: Schmalstieg 2014, an 18650 of 2.15 Ah
};
enum class CyclingLaw : unsigned char {
  none,
  power_law,
  lg_m50_2021,  ///< published: BLAST-Lite's fit to Bui 2021; valid 0 to 25 degC, charge up to 0.3C
  nmc111_2014,  ///< published: Schmalstieg 2014
  lfp_2011,     ///< published: Wang 2011, a 26650
};

/// q = loss_per_year (t / year)^exponent a(-E, T); a as in arrhenius.hpp, so that heat speeds it up.
struct CalendarParameters {
  CalendarLaw law = CalendarLaw::none;
  double loss_per_year = 0.0;  ///< at 25 degC
  double exponent = 0.5;
  double activation_J_per_mol = 0.0;
};

/// The bend after which a cell fails quickly: slope * width * ln(1 + exp((N - at) / width)).
struct KneeParameters {
  double slope_per_cycle = 0.0;  ///< 0 = no knee
  double at_cycles = 1.0;
  double width_cycles = 1.0;
};

/// q = loss_per_cycle N^exponent + knee(N), N in effective cycles.
struct CyclingParameters {
  CyclingLaw law = CyclingLaw::none;
  double loss_per_cycle = 0.0;
  double exponent = 1.0;
  KneeParameters knee;
};

/// How much one full cycle counts: f_T f_C f_depth f_P. The defaults: always one.
struct StressParameters {
  double reference_degC = 25.0;            ///< where f_T = 1
  double cold_activation_J_per_mol = 0.0;  ///< below 25 degC a cycle counts more, by plating
  double hot_activation_J_per_mol = 0.0;   ///< above it by growth of the surface layers
  double fast_charge_factor = 0.0;         ///< f_C = 1 + factor (C_charge - from)^2 above `from`
  double fast_charge_from_C = 1.0;
  double depth_exponent = 0.0;       ///< f_depth = depth^exponent
  double low_pressure_factor = 1.0;  ///< f_P below the least stack pressure
};

struct AgeingParameters {
  bool active = false;  ///< a bench file may decide otherwise
  CalendarParameters calendar;
  CyclingParameters cycling;
  StressParameters stress;
  double resistance_rise_per_loss = 0.0;  ///< resistance grows by this per lost fraction; not used by nmc111_2014
  double lifetime_factor = 1.0;           ///< of this very cell: its effective cycles are divided by it (the spread)
};

/// A stretch of time during which the cell did one thing.
struct LifeSlice {
  double duration_s = 0.0;
  double charge_Ah = 0.0;      ///< at the terminals, >= 0
  double discharge_Ah = 0.0;   ///< >= 0
  double soc = 0.5;            ///< mean
  double core_degC = 25.0;     ///< mean
  double voltage_V = 0.0;      ///< mean
  double depth = 1.0;          ///< of the half cycle it belongs to, 0..1
  double charge_rate_C = 0.0;  ///< of the charge it belongs to, or of the last one
  bool is_pressure_low = false;
};

/// Power laws y = (k^(1/p) x)^p are kept as the sum of k^(1/p) dx: exact for any steps, and k may change in between.
struct AgeingState {
  double calendar = 0.0;
  double calendar_resistance = 0.0;
  double cycling = 0.0;
  double cycling_resistance = 0.0;
  double effective_cycles = 0.0;
  bool operator==(const AgeingState&) const = default;
};

struct Health {
  double calendar_loss = 0.0;  ///< fraction of the fresh capacity
  double cycling_loss = 0.0;   ///< with the knee
  double resistance_rise = 0.0;
  [[nodiscard]] double loss() const { return calendar_loss + cycling_loss; }
};

/// capacity_Ah: of the fresh cell, which defines a cycle and 1C.
[[nodiscard]] AgeingState age(const AgeingParameters& parameters, double capacity_Ah, const AgeingState& from,
                              const LifeSlice& slice);
[[nodiscard]] Health health(const AgeingParameters& parameters, const AgeingState& state);

/// Factor on a cycle at this temperature: the worse of two branches, 1 at the reference temperature.
[[nodiscard]] double temperature_stress(const StressParameters& stress, double temperature_degC);

/// Self-discharge, A: Q per_month / (720 h) a(-E, T) z. Published order of magnitude: 2 % in a month, full, at 25 degC; that it is
/// proportional to the SoC is assumed.
struct SelfDischargeParameters {
  double per_month = 0.0;  ///< fraction of the capacity in 30 days, full cell, 25 degC
  double activation_J_per_mol = 0.0;
};
[[nodiscard]] double self_discharge_A(const SelfDischargeParameters& parameters, double capacity_Ah, double soc,
                                      double temperature_degC);

}  // namespace cellrig::sim
