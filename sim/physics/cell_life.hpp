// All slow processes of one cell, composed: what they make of the cell, and what there is to see of them.
#pragma once

#include <optional>

#include "sim/physics/cell.hpp"
#include "sim/physics/life_parameters.hpp"

namespace cellrig::sim {

/// Moves after the cell did, by the same time, from what the cell went through; the cell then takes influences(). Single-threaded
/// and without a clock, like the cell.
class CellLife {
 public:
  explicit CellLife(const Cell& cell);

  /// The cell has moved on by this time (> 0, at most step_max_s()) and now carries this current at this voltage.
  /// True: the influences changed enough to move the operating point.
  bool advance(const Cell& cell, double duration_s, double current_A, double voltage_V);
  [[nodiscard]] const CellInfluences& influences() const { return influences_; }
  /// How long the cell may go on until this must be asked again, s.
  [[nodiscard]] double step_max_s() const { return step_max_s_; }

  [[nodiscard]] Health health() const { return health_; }
  [[nodiscard]] double effective_cycles() const { return ageing_.effective_cycles; }
  [[nodiscard]] double plated_Ah() const { return plating_.plated_Ah; }
  [[nodiscard]] double plating_loss_Ah() const { return plating_.lost_Ah; }
  [[nodiscard]] double short_S() const { return short_S_; }
  /// An internal short from outside (a fault), S; 0 takes it away again.
  void set_short(double conductance_S);
  [[nodiscard]] double given_short_S() const { return given_short_S_; }
  /// Gas has come out, from outside the model (a fault): this much beside the cell, and this much more pressure on the stack. What is
  /// there already stays.
  void vent(double gas_ppm, double pressure_MPa);
  /// An exhaust has run for this time: the gas beside the cell gets less, its pressure on the stack and what the cell has done stay.
  void draw_off_gas(double duration_s);
  /// Somebody sets the fixture to this pressure at the cell's present thickness. False: this cell has no fixture that presses it.
  bool set_stack_pressure(double pressure_MPa);
  /// The gas is gone again.
  void air_out() { vented_gas_ppm_ = vented_pressure_MPa_ = 0.0; }
  [[nodiscard]] std::optional<double> thickness_mm() const;
  [[nodiscard]] std::optional<double> pressure_MPa() const;
  /// What a load cell in line with the stack feels: the pressure on one face.
  [[nodiscard]] std::optional<double> stack_force_N() const;
  [[nodiscard]] std::optional<double> gas_ppm() const;
  [[nodiscard]] RunawayStage runaway_stage() const;

 private:
  struct Charge {
    double charge_Ah;
    double discharge_Ah;
  };
  [[nodiscard]] Charge moved(const Cell& cell, double duration_s) const;
  void follow_half_cycle(const Charge& charge, double soc, double duration_s);
  void collect(const Cell& cell, const Charge& charge, double duration_s, double voltage_V);
  void flush();
  void press(double soc, double discharged);
  void step_fast(const Cell& cell, const Charge& charge, double duration_s);
  [[nodiscard]] CellInfluences present(const Cell& cell, double current_A, double voltage_V);
  [[nodiscard]] double choose_step(const Cell& cell) const;

  LifeParameters p_;
  double fresh_capacity_Ah_;
  double electrode_area_cm2_;
  double heat_capacity_J_per_K_;
  double given_short_S_;
  double vented_gas_ppm_ = 0.0;
  double vented_pressure_MPa_ = 0.0;

  CellInfluences influences_;
  AgeingState ageing_;
  Health health_;
  PlatingState plating_;
  SoftShortState soft_short_;
  StackState stack_;
  RunawayState runaway_;
  double short_S_ = 0.0;
  double thickness_mm_ = 0.0;
  double step_max_s_ = 0.0;

  LifeSlice pending_;  ///< sums, divided by the duration at flush()
  int pending_direction_ = 0;
  double last_soc_;
  double last_throughput_Ah_;
  int half_cycle_direction_ = 0;
  double turned_at_soc_;
  double last_depth_ = 0.0;
  double charge_s_ = 0.0;  ///< of the charge that goes on, or of the last one
  double charge_Ah_ = 0.0;
};

}  // namespace cellrig::sim
