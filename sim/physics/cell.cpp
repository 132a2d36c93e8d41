#include "sim/physics/cell.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace cellrig::sim {
namespace {

constexpr double conductance_min_W_per_K = 1e-6;
constexpr double exponent_max = 40.0;   // keeps every exponential of the model finite, far outside any operating point
constexpr double width_low_soc = 0.04;  // equation 5: where the charge transfer slows down near empty
constexpr double exchange_shape_min = 0.15;
constexpr double inaccessible_rate_C = 0.02;    // equation 7: the term has half its size at this rate
constexpr double capacity_fraction_min = 0.05;  // whatever ages: a capacity stays above zero
constexpr int short_iteration_max = 60;
constexpr double short_tolerance = 1e-12;

/// asinh by its definition. Its absolute error is of the order of 1e-16, which is what matters for a voltage.
double fast_asinh(double x) {
  const double magnitude = std::abs(x);
  return std::copysign(std::log(magnitude + std::sqrt(magnitude * magnitude + 1.0)), x);
}

/// exp(-x) for x >= 0; the small arguments of a step by a series (error below 1e-12).
double decay_factor(double x) {
  if (x < 0.01) return 1.0 - x * (1.0 - x * (1.0 / 2) * (1.0 - x * (1.0 / 3) * (1.0 - x * (1.0 / 4))));
  return std::exp(-x);
}

double bounded_exp(double x) { return std::exp(std::min(x, exponent_max)); }

std::array<double, activated_count> activations(const CellParameters& p) {
  std::array<double, activated_count> energies{};
  const auto set = [&](Activated what, double energy) { energies[static_cast<std::size_t>(what)] = energy; };
  set(Activated::electrolyte, p.electrolyte_activation_J_per_mol);
  set(Activated::charge_transfer, p.charge_transfer_activation_J_per_mol);
  set(Activated::fast_pair, p.fast_pair.activation_J_per_mol);
  set(Activated::slow_pair, p.slow_pair.activation_J_per_mol);
  set(Activated::diffusion, p.diffusion_activation_J_per_mol);
  set(Activated::inaccessible, p.inaccessible_activation_J_per_mol);
  return energies;
}

}  // namespace

double VoltageCurve::solve_V(double terminal_current_A) const {
  const double current_A = terminal_current_A - short_current_A_;
  if (current_A == 0.0) return rest_voltage_V_;
  const Direction& d = direction(current_A);
  double voltage =
      rest_voltage_V_ + current_A * d.resistance_ohm + thermal_voltage_V_ * fast_asinh(current_A * d.half_inverse_exchange_per_A);
  if (current_A < 0) voltage += inaccessible_V_ * current_A / (current_A - inaccessible_current_A_);
  return voltage;
}

double VoltageCurve::slope_ohm(double terminal_current_A) const {
  const double current_A = terminal_current_A - short_current_A_;
  const Direction& d = direction(current_A);
  const double x = current_A * d.half_inverse_exchange_per_A;
  double slope = d.resistance_ohm + thermal_voltage_V_ * d.half_inverse_exchange_per_A / std::sqrt(x * x + 1.0);
  if (current_A < 0) {
    const double sum = inaccessible_current_A_ - current_A;
    slope -= inaccessible_V_ * inaccessible_current_A_ / (sum * sum);
  }
  return slope;
}

double VoltageCurve::heat_W(double current_A) const {
  return (current_A - short_current_A_) * (voltage_V(current_A) - equilibrium_V_ + entropic_V_);
}

VoltageCurve VoltageCurve::without_short() const {
  VoltageCurve curve = *this;
  curve.short_current_A_ = 0.0;
  curve.last_A_ = std::numeric_limits<double>::quiet_NaN();
  return curve;
}

/// x = G V(I - x): the left side rises, the right side falls, so that there is one solution; Newton inside a bracket.
double VoltageCurve::short_current_A(double current_A, double conductance_S) const {
  if (!(conductance_S > 0)) return 0.0;
  const VoltageCurve inner = without_short();
  double low = 0.0;
  double high = conductance_S * inner.voltage_V(current_A);
  if (!(high > 0)) return 0.0;
  double x = std::min(high, std::max(short_current_A_, 0.0));
  for (int i = 0; i < short_iteration_max; ++i) {
    const double excess = x - conductance_S * inner.voltage_V(current_A - x);
    if (std::abs(excess) <= short_tolerance * high || high - low <= short_tolerance * high) break;
    (excess < 0 ? low : high) = x;
    const double newton = x - excess / (1.0 + conductance_S * inner.slope_ohm(current_A - x));
    x = newton > low && newton < high && i % 3 != 2 ? newton : 0.5 * (low + high);
  }
  return x;
}

Cell::Cell(CellParameters parameters, double soc, double temperature_degC)
    : parameters_{std::move(parameters)},
      arrhenius_{activations(parameters_)},
      ambient_degC_{temperature_degC},
      capacity_Ah_{parameters_.capacity_Ah} {
  if (!(parameters_.capacity_Ah > 0)) throw std::invalid_argument("a cell needs a capacity above zero");
  state_.soc = soc;
  state_.core_degC = temperature_degC;
  state_.surface_degC = temperature_degC;
  set_surface_to_ambient(parameters_.surface_to_ambient_W_per_K);
}

CellState Cell::integrate(const CellState& from, double current_A, double duration_s) const {
  const StepDecays& steps = decays(duration_s);
  const Known& start = known(from);
  double heat = is_idle(current_A) ? 0.0 : start.curve.heat_W(current_A);
  const CellState half = exact_step(from, current_A, duration_s * 0.5, steps.half, start.factors, heat);
  const ArrheniusFactors at_middle = arrhenius_.at(half.core_degC);
  const Currents asked = current_A - influences_.short_current_A < 0 ? Currents::all : Currents::not_below_zero;
  heat = 0.0;
  if (!is_idle(current_A)) {
    VoltageCurve in_the_middle;
    find_curve(half, at_middle, asked, in_the_middle);
    heat = in_the_middle.heat_W(current_A);
  }
  return exact_step(from, current_A, duration_s, steps.whole, at_middle, heat);
}

CellState Cell::integrate_frozen(const CellState& from, double current_A, double duration_s) const {
  const Known& start = known(from);
  const double heat = is_idle(current_A) ? 0.0 : start.curve.heat_W(current_A);
  return exact_step(from, current_A, duration_s, decays(duration_s).whole, start.factors, heat);
}

void Cell::advance(double current_A, double duration_s) {
  rule_.on_current(current_A, capacity_Ah_);
  for (double left_s = duration_s; left_s > 1e-9;) {
    const double step_s = std::min(left_s, rule_.step_max_s());
    commit(integrate(state_, current_A, step_s));
    rule_.on_step(step_s);
    left_s -= step_s;
  }
}

const Cell::Known& Cell::known(const CellState& state) const {
  for (const Known& known : known_) {
    if (known.is_valid && known.state == state) return known;
  }
  Known& slot = known_[next_known_];
  next_known_ = (next_known_ + 1) % known_.size();
  slot.state = state;
  slot.factors = arrhenius_.at(state.core_degC);
  find_curve(state, slot.factors, Currents::all, slot.curve);
  slot.is_valid = true;
  return slot;
}

void Cell::forget_curves() {
  for (Known& known : known_) known.is_valid = false;
}

void Cell::find_curve(const CellState& state, const ArrheniusFactors& factors, Currents currents, VoltageCurve& result) const {
  const CellParameters& p = parameters_;
  const double temperature_K = state.core_degC + zero_celsius_K;
  const double surface_soc = state.soc + state.soc_lag;
  const double surface_ocv_V = p.open_circuit_voltage_V.at(surface_soc);
  const OcvTable::Place mean_soc = OcvTable::place_of(state.soc);
  const double entropic_V_per_K = p.entropic_coefficient_V_per_K.at(mean_soc);
  const double reversible_V = entropic_V_per_K * (temperature_K - reference_temperature_K);

  result.last_A_ = std::numeric_limits<double>::quiet_NaN();
  result.equilibrium_V_ = p.open_circuit_voltage_V.at(mean_soc) + reversible_V;
  result.entropic_V_ = entropic_V_per_K * temperature_K;
  result.rest_voltage_V_ = surface_ocv_V + reversible_V +
                           p.hysteresis_scale * p.half_hysteresis_V.at(mean_soc) * state.hysteresis + state.fast_pair_V +
                           state.slow_pair_V + influences_.voltage_offset_V;
  result.short_current_A_ = influences_.short_current_A;
  result.thermal_voltage_V_ = 2.0 * gas_constant_J_per_mol_K * temperature_K / faraday_C_per_mol;

  const double spread = surface_soc * (1.0 - surface_soc);
  const double shape = std::max(exchange_shape_min, spread > 0 ? 2.0 * std::sqrt(spread) : 0.0);
  const double slow_down = 1.0 + p.low_soc_charge_transfer_rise * bounded_exp(-surface_soc / width_low_soc);
  const double electrolyte_ohm = p.electrolyte_resistance_ohm * factors[Activated::electrolyte] * resistance_factor_;
  const double half_inverse_exchange =
      0.5 * factors[Activated::charge_transfer] * interface_resistance_factor_ * slow_down / (p.exchange_current_A * shape);
  result.discharge_ = {p.metal_resistance_ohm + electrolyte_ohm, half_inverse_exchange};
  result.charge_ = {p.metal_resistance_ohm + electrolyte_ohm * p.charge_resistance_factor,
                    half_inverse_exchange * p.charge_resistance_factor};
  if (currents == Currents::not_below_zero) return;

  const double shift = p.inaccessible_soc * factors[Activated::inaccessible] * bounded_exp(-state.soc / p.inaccessible_width_soc);
  // Floored at 0 V: in the deep cold the shift reaches many times the table, and what the load sees there is only "empty".
  const double shifted_ocv_V = std::max(p.open_circuit_voltage_V.at(surface_soc - shift), std::min(surface_ocv_V, 0.0));
  result.inaccessible_V_ = std::min(shifted_ocv_V - surface_ocv_V, 0.0);
  result.inaccessible_current_A_ = inaccessible_rate_C * capacity_Ah_;
}

CellState Cell::exact_step(const CellState& from, double terminal_current_A, double duration_s, const Decay& decay,
                           const ArrheniusFactors& factors, double heat_W) const {
  const CellParameters& p = parameters_;
  const double current_A = terminal_current_A - influences_.short_current_A;
  const double soc_per_s = current_A / (seconds_per_hour * capacity_Ah_);
  const double direction_factor = current_A > 0 ? p.charge_resistance_factor : 1.0;

  CellState to = from;
  to.soc += (soc_per_s - influences_.self_discharge_A / (seconds_per_hour * capacity_Ah_)) * duration_s;
  to.throughput_Ah += std::abs(terminal_current_A) * duration_s / seconds_per_hour;

  const double diffusion_s = p.diffusion_time_constant_s * factors[Activated::diffusion];
  const double lag_end = p.diffusion_gain * soc_per_s * diffusion_s;
  to.soc_lag = lag_end + (from.soc_lag - lag_end) * decay_factor(duration_s / diffusion_s);

  const double fast_end_V =
      current_A * p.fast_pair.resistance_ohm * factors[Activated::fast_pair] * interface_resistance_factor_ * direction_factor;
  const double slow_end_V =
      current_A * p.slow_pair.resistance_ohm * factors[Activated::slow_pair] * resistance_factor_ * direction_factor;
  to.fast_pair_V = fast_end_V + (from.fast_pair_V - fast_end_V) * decay.fast_pair;
  to.slow_pair_V = slow_end_V + (from.slow_pair_V - slow_end_V) * decay.slow_pair;

  if (current_A != 0.0) {
    const double end = current_A > 0 ? 1.0 : -1.0;
    to.hysteresis = end + (from.hysteresis - end) * decay_factor(p.hysteresis_rate * std::abs(soc_per_s) * duration_s);
  }

  const double total_heat_W = heat_W + extra_heat_W_ + influences_.heat_W;
  const double surface_end = ambient_degC_ + total_heat_W / p.surface_to_ambient_W_per_K;
  const double core_end = surface_end + total_heat_W * p.core_to_surface_K_per_W;
  const double core = from.core_degC - core_end;
  const double surface = from.surface_degC - surface_end;
  to.core_degC = core_end + decay.core_core * core + decay.core_surface * surface;
  to.surface_degC = surface_end + decay.surface_core * core + decay.surface_surface * surface;
  return to;
}

const Cell::StepDecays& Cell::decays(double duration_s) const {
  for (const StepDecays& known : remembered_) {
    if (known.duration_s == duration_s) return known;
  }
  StepDecays& slot = remembered_[next_remembered_];
  next_remembered_ = (next_remembered_ + 1) % remembered_steps;
  slot = StepDecays{duration_s, decay(duration_s), decay(duration_s * 0.5)};
  return slot;
}

/// The thermal propagator is exp(A t) of Tc' = -a Tc + a Ts, Ts' = b Tc - (b + c) Ts (deviations from the end state),
/// by its two real, distinct, negative eigenvalues.
Cell::Decay Cell::decay(double duration_s) const {
  const CellParameters& p = parameters_;
  const double a = 1.0 / (p.core_heat_capacity_J_per_K * p.core_to_surface_K_per_W);
  const double b = 1.0 / (p.surface_heat_capacity_J_per_K * p.core_to_surface_K_per_W);
  const double c = p.surface_to_ambient_W_per_K / p.surface_heat_capacity_J_per_K;
  const double mean = -0.5 * (a + b + c);
  const double distance = std::sqrt(mean * mean - a * c);
  const double quick = mean - distance;
  const double slow = a * c / quick;  // the product of the eigenvalues is a c; this form loses no digits
  const double exp_quick = std::exp(quick * duration_s);
  const double exp_slow = std::exp(slow * duration_s);
  const double scale = 1.0 / (slow - quick);
  Decay result{};
  result.fast_pair = std::exp(-duration_s / p.fast_pair.time_constant_s);
  result.slow_pair = std::exp(-duration_s / p.slow_pair.time_constant_s);
  result.core_core = (exp_slow * (-a - quick) - exp_quick * (-a - slow)) * scale;
  result.core_surface = (exp_slow - exp_quick) * a * scale;
  result.surface_core = (exp_slow - exp_quick) * b * scale;
  result.surface_surface = (exp_slow * (-(b + c) - quick) - exp_quick * (-(b + c) - slow)) * scale;
  return result;
}

void Cell::set_health(double capacity_fraction, double resistance_factor) {
  if (!(capacity_fraction > 0) || !(resistance_factor > 0)) throw std::invalid_argument("health factors must be above zero");
  given_capacity_fraction_ = capacity_fraction;
  given_resistance_factor_ = resistance_factor;
  set_influences(influences_);
}

void Cell::set_influences(const CellInfluences& influences) {
  const auto what_curves_depend_on = [this] {
    return std::array{influences_.voltage_offset_V, influences_.short_current_A, capacity_Ah_, resistance_factor_,
                      interface_resistance_factor_};
  };
  const auto before = what_curves_depend_on();
  influences_ = influences;
  capacity_Ah_ =
      parameters_.capacity_Ah * given_capacity_fraction_ * std::max(influences.capacity_fraction, capacity_fraction_min);
  resistance_factor_ = given_resistance_factor_ * influences.resistance_factor;
  interface_resistance_factor_ = resistance_factor_ * influences.interface_factor;
  if (what_curves_depend_on() != before) forget_curves();
}

void Cell::set_surface_to_ambient(double conductance_W_per_K) {
  parameters_.surface_to_ambient_W_per_K = std::max(conductance_W_per_K, conductance_min_W_per_K);
  remembered_.fill(StepDecays{});
}

}  // namespace cellrig::sim
