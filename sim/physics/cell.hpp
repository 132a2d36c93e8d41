// One battery cell: electro-thermal equivalent circuit with Butler-Volmer charge transfer. Positive current charges.
// Equations, sources and validation: docs/cell-model.md.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "sim/physics/arrhenius.hpp"
#include "sim/physics/cell_parameters.hpp"
#include "sim/physics/influences.hpp"
#include "sim/physics/step_rule.hpp"

namespace cellrig::sim {

/// Everything that changes while a cell works. Trivially copyable, so that an event inside a step is located by
/// integrating again from a saved state.
struct CellState {
  double soc = 0.0;
  double soc_lag = 0.0;      ///< surface SoC minus mean SoC (equation 2)
  double fast_pair_V = 0.0;  ///< equation 3
  double slow_pair_V = 0.0;
  double hysteresis = 0.0;  ///< -1 .. 1 (equation 4)
  double core_degC = 25.0;
  double surface_degC = 25.0;
  double throughput_Ah = 0.0;  ///< integral of |I|; two capacities make one equivalent full cycle
  bool operator==(const CellState&) const = default;
};
static_assert(std::is_trivially_copyable_v<CellState>);

/// Terminal voltage as a function of the current at one instant: strictly increasing and continuous.
/// Cheap to evaluate many times, for a regulator's solve.
class VoltageCurve {
 public:
  [[nodiscard]] double voltage_V(double current_A) const {
    if (current_A != last_A_) {
      last_V_ = solve_V(current_A);
      last_A_ = current_A;
    }
    return last_V_;
  }
  /// dV/dI, > 0, in ohm.
  [[nodiscard]] double slope_ohm(double current_A) const;
  /// Voltage without current at the terminals (relaxation terms included).
  [[nodiscard]] double rest_voltage_V() const { return short_current_A_ == 0.0 ? rest_voltage_V_ : voltage_V(0.0); }
  /// The same curve without the internal short, and the current that a short of this conductance (S) takes while this current
  /// flows at the terminals, A.
  [[nodiscard]] VoltageCurve without_short() const;
  [[nodiscard]] double short_current_A(double current_A, double conductance_S) const;
  /// Heat generated in the core (equation 8), W; that of the short itself is not in it.
  [[nodiscard]] double heat_W(double current_A) const;

 private:
  friend class Cell;
  [[nodiscard]] double solve_V(double current_A) const;
  struct Direction {
    double resistance_ohm;
    double half_inverse_exchange_per_A;  ///< 1 / (2 I0)
  };
  [[nodiscard]] const Direction& direction(double current_A) const { return current_A > 0 ? charge_ : discharge_; }

  Direction charge_{};
  Direction discharge_{};
  double rest_voltage_V_ = 0.0;     ///< at no current through the inside
  double short_current_A_ = 0.0;    ///< flows inside, past the terminals
  double equilibrium_V_ = 0.0;      ///< OCV(z) + dU/dT (T - 25 degC)
  double entropic_V_ = 0.0;         ///< T dU/dT, T in kelvin
  double thermal_voltage_V_ = 0.0;  ///< 2 R T / F
  double inaccessible_V_ = 0.0;     ///< <= 0 (equation 7)
  double inaccessible_current_A_ = 1.0;
  /// Memory of a pure function: a limit, a regulator, the extremes and the heat of the next step ask for the same current in turn.
  mutable double last_A_ = std::numeric_limits<double>::quiet_NaN();
  mutable double last_V_ = 0.0;
};

class Cell {
 public:
  /// A rested cell in equilibrium at this temperature, which is also its ambient.
  Cell(CellParameters parameters, double soc, double temperature_degC);

  [[nodiscard]] const CellParameters& parameters() const { return parameters_; }
  [[nodiscard]] const CellState& state() const { return state_; }
  /// Takes a state as the present one.
  void commit(const CellState& state) { state_ = state; }

  /// One step of constant current, exact exponentials with coefficients taken at its midpoint (second order in the
  /// temperature). Pure: state in, state out. duration_s <= 1 (10 at rest or below C/20).
  [[nodiscard]] CellState integrate(const CellState& from, double current_A, double duration_s) const;
  /// The same with coefficients frozen at the start: half the cost, first order. For comparison and coarse searches.
  [[nodiscard]] CellState integrate_frozen(const CellState& from, double current_A, double duration_s) const;
  /// Carries this current for any duration, in steps chosen by the StepRule.
  void advance(double current_A, double duration_s);

  [[nodiscard]] VoltageCurve curve(const CellState& state) const { return known(state).curve; }
  [[nodiscard]] VoltageCurve curve() const { return curve(state_); }
  /// Without a copy: valid until the curves of two other states were asked for, or anything else about the cell was set.
  [[nodiscard]] const VoltageCurve& curve_at(const CellState& state) const { return known(state).curve; }
  [[nodiscard]] double voltage_V(double current_A) const { return known(state_).curve.voltage_V(current_A); }

  /// Health from outside: fraction of the fresh capacity left (> 0) and factor on every resistance but the metal's (> 0).
  /// The SoC is kept: it is relative to the capacity that is left. Multiplies what the slow processes say.
  void set_health(double capacity_fraction, double resistance_factor);
  [[nodiscard]] double given_capacity_fraction() const { return given_capacity_fraction_; }
  [[nodiscard]] double given_resistance_factor() const { return given_resistance_factor_; }
  /// What slow processes (cell_life.hpp) make of the cell, until they say otherwise.
  void set_influences(const CellInfluences& influences);
  [[nodiscard]] const CellInfluences& influences() const { return influences_; }
  [[nodiscard]] double capacity_Ah() const { return capacity_Ah_; }
  [[nodiscard]] double capacity_fraction() const { return capacity_Ah_ / parameters_.capacity_Ah; }
  [[nodiscard]] double resistance_factor() const { return resistance_factor_; }
  [[nodiscard]] double equivalent_full_cycles() const { return state_.throughput_Ah / (2.0 * parameters_.capacity_Ah); }

  void set_ambient(double temperature_degC) { ambient_degC_ = temperature_degC; }
  [[nodiscard]] double ambient_degC() const { return ambient_degC_; }
  /// Other thermal boundary: free air, fan, plates. W/K, at least 1e-6.
  void set_surface_to_ambient(double conductance_W_per_K);
  /// Heat put into the core from outside the model (a fault to be noticed), W.
  void set_extra_heat(double heat_W) { extra_heat_W_ = heat_W; }
  /// Heat given to the ambient now, W.
  [[nodiscard]] double heat_to_ambient_W() const {
    return parameters_.surface_to_ambient_W_per_K * (state_.surface_degC - ambient_degC_);
  }

 private:
  /// What depends on the step length alone.
  struct Decay {
    double fast_pair;
    double slow_pair;
    double core_core, core_surface, surface_core, surface_surface;  ///< propagator of the two-node thermal model
  };
  struct StepDecays {
    double duration_s = -1.0;
    Decay whole{};
    Decay half{};
  };

  /// What follows from a state alone. A step begins where the one before ended, and a regulator has looked there already.
  struct Known {
    CellState state;
    ArrheniusFactors factors;
    VoltageCurve curve;
    bool is_valid = false;
  };

  [[nodiscard]] const Known& known(const CellState& state) const;
  /// What a curve knows of currents below zero may be left out where none is asked for.
  enum class Currents : unsigned char { all, not_below_zero };
  void find_curve(const CellState& state, const ArrheniusFactors& factors, Currents currents, VoltageCurve& result) const;
  void forget_curves();
  [[nodiscard]] CellState exact_step(const CellState& from, double current_A, double duration_s, const Decay& decay,
                                     const ArrheniusFactors& factors, double heat_W) const;
  [[nodiscard]] bool is_idle(double current_A) const { return current_A == influences_.short_current_A; }
  [[nodiscard]] const StepDecays& decays(double duration_s) const;
  [[nodiscard]] Decay decay(double duration_s) const;

  CellParameters parameters_;
  ArrheniusTable arrhenius_;
  CellState state_;
  double ambient_degC_;
  double extra_heat_W_ = 0.0;
  double given_capacity_fraction_ = 1.0;
  double given_resistance_factor_ = 1.0;
  CellInfluences influences_;
  double capacity_Ah_;
  double resistance_factor_ = 1.0;            ///< given factor times the influences'
  double interface_resistance_factor_ = 1.0;  ///< the same times the pressure's: charge transfer and fast pair
  StepRule rule_;
  /// Memory of a pure function: the same step lengths come again and again, a handful for each instrument that asks in every period.
  static constexpr std::size_t remembered_steps = 16;
  mutable std::array<StepDecays, remembered_steps> remembered_{};
  mutable std::size_t next_remembered_ = 0;
  /// Two: where a step begins, and its middle, for which a regulated voltage is solved.
  mutable std::array<Known, 2> known_{};
  mutable std::size_t next_known_ = 0;
};

}  // namespace cellrig::sim
