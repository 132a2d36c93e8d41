#include "sim/physics/cell_life.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::sim {
namespace {

constexpr double busy_step_s = 1.0;
constexpr double short_step_s = 0.1;
constexpr double busy_short_C = 0.02;  // short currents that want shorter steps
constexpr double quick_short_C = 0.5;
constexpr double ageing_step_s = 60.0;  // ageing laws are summed in stretches of this length, or until the direction changes
constexpr double exhaust_s = 60.0;      // in which an exhaust renews the air beside the cell (assumed: 60 L at 60 L/min)
constexpr double factor_change = 1e-3;  // changes of influences below these don't move an operating point
constexpr double capacity_change = 1e-6;
constexpr double offset_change_V = 1e-5;
constexpr double short_change_A = 1e-6;

bool differs(double a, double b, double relative) { return std::abs(a - b) > relative * std::max(std::abs(a), std::abs(b)); }

int direction_of(double charge_Ah, double discharge_Ah) {
  if (charge_Ah == 0.0 && discharge_Ah == 0.0) return 0;
  return charge_Ah > discharge_Ah ? 1 : -1;
}

}  // namespace

CellLife::CellLife(const Cell& cell)
    : p_{cell.parameters().life},
      fresh_capacity_Ah_{cell.parameters().capacity_Ah},
      electrode_area_cm2_{cell.parameters().electrode_area_cm2},
      heat_capacity_J_per_K_{cell.parameters().core_heat_capacity_J_per_K + cell.parameters().surface_heat_capacity_J_per_K},
      given_short_S_{cell.parameters().life.short_S},
      last_soc_{cell.state().soc},
      last_throughput_Ah_{cell.state().throughput_Ah},
      turned_at_soc_{cell.state().soc} {
  if (p_.ageing && !p_.ageing->active) p_.ageing.reset();
  if (p_.runaway && !p_.runaway->active) p_.runaway.reset();
  if (p_.breathing) thickness_mm_ = sim::thickness_mm(*p_.breathing, last_soc_, 1.0);
  if (p_.stack_pressure) stack_ = close_stack(*p_.stack_pressure, thickness_mm_);
  pending_ = LifeSlice{.soc = 0.0, .core_degC = 0.0};
  influences_ = present(cell, 0.0, cell.voltage_V(0.0));
  step_max_s_ = choose_step(cell);
}

std::optional<double> CellLife::thickness_mm() const { return p_.breathing ? std::optional{thickness_mm_} : std::nullopt; }
std::optional<double> CellLife::pressure_MPa() const {
  if (!p_.stack_pressure && vented_pressure_MPa_ == 0.0) return std::nullopt;
  return (p_.stack_pressure ? stack_.pressure_MPa : 0.0) + vented_pressure_MPa_;
}
std::optional<double> CellLife::gas_ppm() const {
  if (!p_.runaway && vented_gas_ppm_ == 0.0) return std::nullopt;
  return runaway_.gas_ppm + vented_gas_ppm_;
}
RunawayStage CellLife::runaway_stage() const {
  return vented_gas_ppm_ > 0 ? std::max(runaway_.stage, RunawayStage::venting) : runaway_.stage;
}

void CellLife::set_short(double conductance_S) {
  given_short_S_ = conductance_S;
  step_max_s_ = std::min(step_max_s_, short_step_s);  // it is felt at once
}

void CellLife::vent(double gas_ppm, double pressure_MPa) {
  vented_gas_ppm_ += gas_ppm;
  vented_pressure_MPa_ += pressure_MPa;
}
void CellLife::draw_off_gas(double duration_s) {
  const double left = std::exp(-duration_s / exhaust_s);
  vented_gas_ppm_ *= left;
  runaway_.gas_ppm *= left;
}
bool CellLife::set_stack_pressure(double pressure_MPa) {
  if (!p_.stack_pressure || !(pressure_MPa > 0.0)) return false;
  p_.stack_pressure->pressure_MPa = pressure_MPa;
  const double voids = stack_.void_factor;  // more pressure closes no void
  stack_ = close_stack(*p_.stack_pressure, thickness_mm_);
  stack_.void_factor = voids;
  step_max_s_ = std::min(step_max_s_, short_step_s);  // it is felt at once
  return true;
}

std::optional<double> CellLife::stack_force_N() const {
  constexpr double mm2_per_cm2 = 100.0;
  const std::optional<double> pressure = pressure_MPa();
  return pressure ? std::optional{*pressure * p_.stack_pressure->face_area_cm2 * mm2_per_cm2} : std::nullopt;
}

/// What went through the terminals: its sum from the throughput, its difference from the SoC and the currents inside.
CellLife::Charge CellLife::moved(const Cell& cell, double duration_s) const {
  const CellState& state = cell.state();
  const double throughput_Ah = state.throughput_Ah - last_throughput_Ah_;
  if (!(throughput_Ah > 0)) return {0.0, 0.0};
  const CellInfluences& held = cell.influences();
  const double inside_Ah = (held.self_discharge_A + held.short_current_A) * duration_s / seconds_per_hour;
  const double net_Ah = (state.soc - last_soc_) * cell.capacity_Ah() + inside_Ah;
  constexpr double rounding = 1e-6;
  if (net_Ah > (1.0 - rounding) * throughput_Ah) return {throughput_Ah, 0.0};
  if (net_Ah < -(1.0 - rounding) * throughput_Ah) return {0.0, throughput_Ah};
  return {0.5 * (throughput_Ah + net_Ah), 0.5 * (throughput_Ah - net_Ah)};
}

bool CellLife::advance(const Cell& cell, double duration_s, double current_A, double voltage_V) {
  const Charge charge = moved(cell, duration_s);
  if (p_.ageing) {
    follow_half_cycle(charge, cell.state().soc, duration_s);
    collect(cell, charge, duration_s, voltage_V);
  }
  step_fast(cell, charge, duration_s);
  last_soc_ = cell.state().soc;
  last_throughput_Ah_ = cell.state().throughput_Ah;

  const CellInfluences next = present(cell, current_A, voltage_V);
  const CellInfluences& now = influences_;
  const bool moves = std::abs(next.capacity_fraction - now.capacity_fraction) > capacity_change ||
                     differs(next.resistance_factor, now.resistance_factor, factor_change) ||
                     differs(next.interface_factor, now.interface_factor, factor_change) ||
                     std::abs(next.voltage_offset_V - now.voltage_offset_V) > offset_change_V ||
                     (std::abs(next.short_current_A - now.short_current_A) > short_change_A &&
                      differs(next.short_current_A, now.short_current_A, factor_change));
  if (moves) {
    influences_ = next;
  } else {
    influences_.self_discharge_A = next.self_discharge_A;
    influences_.heat_W = next.heat_W;
  }
  step_max_s_ = choose_step(cell);
  return moves;
}

void CellLife::follow_half_cycle(const Charge& charge, double soc, double duration_s) {
  const int direction = direction_of(charge.charge_Ah, charge.discharge_Ah);
  if (direction == 0) return;
  if (direction != half_cycle_direction_) {
    last_depth_ = std::abs(last_soc_ - turned_at_soc_);
    turned_at_soc_ = last_soc_;
    half_cycle_direction_ = direction;
    if (direction > 0) charge_s_ = charge_Ah_ = 0.0;
  }
  if (direction > 0) {
    charge_s_ += duration_s;
    charge_Ah_ += charge.charge_Ah;
  }
  pending_.depth = std::max(std::abs(soc - turned_at_soc_), last_depth_);
}

void CellLife::collect(const Cell& cell, const Charge& charge, double duration_s, double voltage_V) {
  const int direction = direction_of(charge.charge_Ah, charge.discharge_Ah);
  if (direction != pending_direction_) flush();
  pending_direction_ = direction;
  pending_.duration_s += duration_s;
  pending_.charge_Ah += charge.charge_Ah;
  pending_.discharge_Ah += charge.discharge_Ah;
  pending_.soc += 0.5 * (last_soc_ + cell.state().soc) * duration_s;
  pending_.core_degC += cell.state().core_degC * duration_s;
  pending_.voltage_V += voltage_V * duration_s;
  if (pending_.duration_s >= ageing_step_s) flush();
}

void CellLife::flush() {
  if (!(pending_.duration_s > 0)) return;
  LifeSlice slice = pending_;
  slice.soc /= slice.duration_s;
  slice.core_degC /= slice.duration_s;
  slice.voltage_V /= slice.duration_s;
  slice.charge_rate_C = charge_s_ > 0 ? charge_Ah_ / fresh_capacity_Ah_ / (charge_s_ / seconds_per_hour) : 0.0;
  slice.is_pressure_low = p_.stack_pressure && is_low(*p_.stack_pressure, stack_);
  ageing_ = age(*p_.ageing, fresh_capacity_Ah_, ageing_, slice);
  health_ = sim::health(*p_.ageing, ageing_);
  pending_ = LifeSlice{.soc = 0.0, .core_degC = 0.0, .depth = pending_.depth};
}

void CellLife::press(double soc, double discharged) {
  if (!p_.breathing && !p_.stack_pressure) return;
  if (p_.breathing) thickness_mm_ = sim::thickness_mm(*p_.breathing, soc, influences_.capacity_fraction);
  if (p_.stack_pressure) stack_ = sim::press(*p_.stack_pressure, stack_, thickness_mm_, discharged);
}

/// The processes that follow the cell at every step.
void CellLife::step_fast(const Cell& cell, const Charge& charge, double duration_s) {
  const CellState& state = cell.state();
  const double mean_A = (charge.charge_Ah - charge.discharge_Ah) / (duration_s / seconds_per_hour);
  press(state.soc, charge.discharge_Ah / fresh_capacity_Ah_);
  if (p_.plating) {
    plating_ = plate(*p_.plating, plating_,
                     {.duration_s = duration_s,
                      .current_A = mean_A,
                      .soc = 0.5 * (last_soc_ + state.soc),
                      .core_degC = state.core_degC,
                      .capacity_Ah = fresh_capacity_Ah_});
  }
  if (p_.soft_short) {
    const double ratio = p_.stack_pressure ? stack_.pressure_MPa / p_.stack_pressure->reference_MPa : 1.0;
    soft_short_ = grow(*p_.soft_short, soft_short_,
                       {.duration_s = duration_s,
                        .current_A = mean_A,
                        .electrode_area_cm2 = electrode_area_cm2_,
                        .core_degC = state.core_degC,
                        .pressure_ratio = ratio});
  }
  if (p_.runaway) {
    runaway_ = react(*p_.runaway, runaway_,
                     {.duration_s = duration_s,
                      .core_degC = state.core_degC,
                      .heat_capacity_J_per_K = heat_capacity_J_per_K_,
                      .capacity_Ah = fresh_capacity_Ah_});
  }
}

CellInfluences CellLife::present(const Cell& cell, double current_A, double voltage_V) {
  CellInfluences next;
  next.capacity_fraction = 1.0 - health_.loss() - plating_.lost_Ah / fresh_capacity_Ah_;
  next.resistance_factor = (1.0 + health_.resistance_rise) * stack_.void_factor;
  if (p_.stack_pressure) next.interface_factor = interface_factor(*p_.stack_pressure, stack_.pressure_MPa);
  if (p_.self_discharge) {
    next.self_discharge_A = self_discharge_A(*p_.self_discharge, fresh_capacity_Ah_, cell.state().soc, cell.state().core_degC);
  }
  if (p_.plating) next.voltage_offset_V = stripping_offset_V(*p_.plating, plating_, current_A);
  short_S_ = given_short_S_ + soft_short_.conductance_S + runaway_.short_S;
  if (short_S_ > 0) next.short_current_A = cell.curve().short_current_A(current_A, short_S_);
  next.heat_W = runaway_.heat_W + std::max(voltage_V, 0.0) * next.short_current_A;
  return next;
}

double CellLife::choose_step(const Cell& cell) const {
  double step_s = StepRule::quiet_step_s;
  const double short_C = influences_.short_current_A / fresh_capacity_Ah_;
  if (plating_.plated_Ah > 0 || short_C > busy_short_C) step_s = busy_step_s;
  if (short_C > quick_short_C) step_s = short_step_s;
  if (p_.runaway) step_s = std::min(step_s, runaway_step_max_s(*p_.runaway, runaway_, cell.state().core_degC));
  return step_s;
}

}  // namespace cellrig::sim
