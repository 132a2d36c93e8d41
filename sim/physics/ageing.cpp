#include "sim/physics/ageing.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/physics/arrhenius.hpp"

namespace cellrig::sim {
namespace {

constexpr double seconds_per_day = 86'400.0;
constexpr double days_per_year = 365.0;
constexpr double hours_per_month = 720.0;

/// Speeds up with heat: 1 at 25 degC (or at the other reference).
double activated(double energy_J_per_mol, double temperature_degC, double reference_degC = 25.0) {
  const double inverse_K = 1.0 / (reference_degC + zero_celsius_K) - 1.0 / (temperature_degC + zero_celsius_K);
  return std::exp(energy_J_per_mol / gas_constant_J_per_mol_K * inverse_K);
}

/// Published (BLAST-Lite for the LG M50 after Bui 2021): y = k (days / 1e4)^0.6517, y = k (cycles / 1e4)^0.4420.
namespace m50 {
constexpr double calendar_exponent = 0.6517;
constexpr double cycling_exponent = 0.4420;
constexpr double scale = 1e4;
constexpr double temperature_K = 308.15;
constexpr double anode_V = 0.123;

/// Graphite against lithium, published (Safari and Delacourt 2011); the fit takes it on the stoichiometry 0.0085 to 0.78.
double anode_potential_V(double soc) {
  const double x = 0.0085 + std::clamp(soc, 0.0, 1.0) * (0.78 - 0.0085);
  return 0.6379 + 0.5416 * std::exp(-305.5309 * x) - 0.044 * std::tanh((x - 0.1958) / 0.1088) -
         0.1978 * std::tanh((x - 1.0571) / 0.0854) - 0.6875 * std::tanh((x + 0.0117) / 0.0529) -
         0.0175 * std::tanh((x - 0.5692) / 0.0875);
}

double calendar_rate(double soc, double temperature_degC) {
  const double t = (temperature_degC + zero_celsius_K) / temperature_K;
  const double t3 = t * t * t;
  const double u = anode_potential_V(soc) / anode_V;
  const double z = std::clamp(soc, 0.0, 1.0);
  return -2.3916 + 2.4421 * std::exp(t3 * std::pow(u, -1.0 / 3)) - 4.4600 * t3 / std::sqrt(u) +
         0.4481 * std::exp(std::sqrt(z) / (t * t)) - 0.1853 * std::exp(z * z * z);
}

double cycling_rate(double discharge_rate_C, double temperature_degC) {
  const double t = (temperature_degC + zero_celsius_K) / temperature_K;
  const double c = discharge_rate_C;
  return 0.18124 * std::exp(-0.12378 * c * c * c) * std::exp(1.24460 * t * t * t * std::sqrt(c));
}
}  // namespace m50

/// Published (Schmalstieg 2014): time in days, throughput in Ah of a cell of 2.15 Ah.
namespace nmc111 {
constexpr double calendar_exponent = 0.75;
constexpr double cycling_exponent = 0.5;

double calendar_rate(double voltage_V, double temperature_degC) {
  return std::max(0.0, 7.543 * voltage_V - 23.75) * 1e6 * std::exp(-6976.0 / (temperature_degC + zero_celsius_K));
}
double calendar_resistance_rate(double voltage_V, double temperature_degC) {
  return std::max(0.0, 5.270 * voltage_V - 16.32) * 1e5 * std::exp(-5986.0 / (temperature_degC + zero_celsius_K));
}
double cycling_rate(double voltage_V, double depth) {
  const double distance = voltage_V - 3.667;
  return 7.348e-3 * distance * distance + 7.6e-4 + 4.081e-3 * depth;
}
double cycling_resistance_rate(double voltage_V, double depth) {
  const double distance = voltage_V - 3.725;
  return std::max(0.0, 2.153e-4 * distance * distance - 1.521e-5 + 2.798e-4 * depth);
}
}  // namespace nmc111

/// Published (Wang 2011): loss in percent = B exp((-31700 + 370.3 C) / (R T)) Ah^0.55.
namespace lfp {
constexpr double exponent = 0.55;
struct Point {
  double rate_C;
  double factor;
};
constexpr std::array<Point, 4> points{{{0.5, 31'630.0}, {2.0, 21'681.0}, {6.0, 12'934.0}, {10.0, 15'512.0}}};

double cycling_rate(double rate_C, double temperature_degC) {
  const double c = std::clamp(rate_C, points.front().rate_C, points.back().rate_C);
  std::size_t i = 1;
  while (i + 1 < points.size() && c > points[i].rate_C) ++i;
  const double share = (c - points[i - 1].rate_C) / (points[i].rate_C - points[i - 1].rate_C);
  const double factor = points[i - 1].factor + share * (points[i].factor - points[i - 1].factor);
  const double energy = 31'700.0 - 370.3 * c;
  return factor / 100.0 * std::exp(-energy / (gas_constant_J_per_mol_K * (temperature_degC + zero_celsius_K)));
}
}  // namespace lfp

double power_sum(double rate, double exponent, double dx) { return rate > 0 ? std::pow(rate, 1.0 / exponent) * dx : 0.0; }
double power_value(double sum, double exponent) { return sum > 0 ? std::pow(sum, exponent) : 0.0; }

void age_by_time(const AgeingParameters& p, AgeingState& state, const LifeSlice& slice) {
  const double days = slice.duration_s / seconds_per_day;
  switch (p.calendar.law) {
    case CalendarLaw::none: return;
    case CalendarLaw::power_law: {
      const double rate = p.calendar.loss_per_year * activated(p.calendar.activation_J_per_mol, slice.core_degC);
      state.calendar += power_sum(rate, p.calendar.exponent, days / days_per_year);
      return;
    }
    case CalendarLaw::lg_m50_2021:
      state.calendar += power_sum(m50::calendar_rate(slice.soc, slice.core_degC), m50::calendar_exponent, days / m50::scale);
      return;
    case CalendarLaw::nmc111_2014:
      state.calendar += power_sum(nmc111::calendar_rate(slice.voltage_V, slice.core_degC), nmc111::calendar_exponent, days);
      state.calendar_resistance +=
          power_sum(nmc111::calendar_resistance_rate(slice.voltage_V, slice.core_degC), nmc111::calendar_exponent, days);
      return;
  }
}

/// What a full cycle counts now.
double cycle_stress(const StressParameters& stress, const LifeSlice& slice) {
  double factor = temperature_stress(stress, slice.core_degC);
  const double beyond_C = slice.charge_rate_C - stress.fast_charge_from_C;
  if (beyond_C > 0) factor *= 1.0 + stress.fast_charge_factor * beyond_C * beyond_C;
  if (stress.depth_exponent != 0.0) factor *= std::pow(std::clamp(slice.depth, 0.0, 1.0), stress.depth_exponent);
  return slice.is_pressure_low ? factor * stress.low_pressure_factor : factor;
}

void age_by_use(const AgeingParameters& p, double capacity_Ah, AgeingState& state, const LifeSlice& slice) {
  const double throughput_Ah = slice.charge_Ah + slice.discharge_Ah;
  if (!(throughput_Ah > 0) || !(slice.duration_s > 0)) return;
  const double rate_C = throughput_Ah / capacity_Ah / (slice.duration_s / seconds_per_hour);
  const double cycles = throughput_Ah / (2.0 * capacity_Ah) / p.lifetime_factor;
  switch (p.cycling.law) {
    case CyclingLaw::none: return;
    case CyclingLaw::power_law: state.effective_cycles += cycles * cycle_stress(p.stress, slice); return;
    case CyclingLaw::lg_m50_2021:
      // The law knows the rate of the discharge: a cycle is counted there.
      if (slice.discharge_Ah > 0) {
        const double discharged = slice.discharge_Ah / capacity_Ah / p.lifetime_factor;
        const double rate = m50::cycling_rate(slice.discharge_Ah / throughput_Ah * rate_C, slice.core_degC);
        state.cycling += power_sum(rate, m50::cycling_exponent, discharged / m50::scale);
      }
      state.effective_cycles += cycles;
      return;
    case CyclingLaw::nmc111_2014:
      state.cycling += power_sum(nmc111::cycling_rate(slice.voltage_V, slice.depth), nmc111::cycling_exponent,
                                 throughput_Ah / p.lifetime_factor);
      state.cycling_resistance +=
          nmc111::cycling_resistance_rate(slice.voltage_V, slice.depth) * throughput_Ah / p.lifetime_factor;
      state.effective_cycles += cycles;
      return;
    case CyclingLaw::lfp_2011:
      state.cycling += power_sum(lfp::cycling_rate(rate_C, slice.core_degC), lfp::exponent, throughput_Ah / p.lifetime_factor);
      state.effective_cycles += cycles;
      return;
  }
}

double knee_loss(const KneeParameters& knee, double cycles) {
  if (knee.slope_per_cycle == 0.0) return 0.0;
  const auto bend = [&](double n) {
    const double x = (n - knee.at_cycles) / knee.width_cycles;
    return x > 30.0 ? x : std::log1p(std::exp(x));
  };
  return knee.slope_per_cycle * knee.width_cycles * (bend(cycles) - bend(0.0));
}

double cycling_loss(const CyclingParameters& cycling, const AgeingState& state) {
  switch (cycling.law) {
    case CyclingLaw::none: return 0.0;
    case CyclingLaw::power_law:
      return cycling.loss_per_cycle * power_value(state.effective_cycles, cycling.exponent) +
             knee_loss(cycling.knee, state.effective_cycles);
    case CyclingLaw::lg_m50_2021: return power_value(state.cycling, m50::cycling_exponent);
    case CyclingLaw::nmc111_2014: return power_value(state.cycling, nmc111::cycling_exponent);
    case CyclingLaw::lfp_2011: return power_value(state.cycling, lfp::exponent);
  }
  return 0.0;
}

double calendar_loss(const CalendarParameters& calendar, const AgeingState& state) {
  switch (calendar.law) {
    case CalendarLaw::none: return 0.0;
    case CalendarLaw::power_law: return power_value(state.calendar, calendar.exponent);
    case CalendarLaw::lg_m50_2021: return power_value(state.calendar, m50::calendar_exponent);
    case CalendarLaw::nmc111_2014: return power_value(state.calendar, nmc111::calendar_exponent);
  }
  return 0.0;
}

}  // namespace

double temperature_stress(const StressParameters& stress, double temperature_degC) {
  const auto worse = [&](double degC) {
    return std::max(activated(-stress.cold_activation_J_per_mol, degC), activated(stress.hot_activation_J_per_mol, degC));
  };
  return worse(temperature_degC) / worse(stress.reference_degC);
}

AgeingState age(const AgeingParameters& parameters, double capacity_Ah, const AgeingState& from, const LifeSlice& slice) {
  AgeingState state = from;
  age_by_time(parameters, state, slice);
  age_by_use(parameters, capacity_Ah, state, slice);
  return state;
}

Health health(const AgeingParameters& parameters, const AgeingState& state) {
  Health result;
  result.calendar_loss = calendar_loss(parameters.calendar, state);
  result.cycling_loss = cycling_loss(parameters.cycling, state);
  const bool calendar_has_own = parameters.calendar.law == CalendarLaw::nmc111_2014;
  const bool cycling_has_own = parameters.cycling.law == CyclingLaw::nmc111_2014;
  const double per_loss = parameters.resistance_rise_per_loss;
  result.resistance_rise =
      calendar_has_own ? power_value(state.calendar_resistance, nmc111::calendar_exponent) : per_loss * result.calendar_loss;
  result.resistance_rise += cycling_has_own ? state.cycling_resistance : per_loss * result.cycling_loss;
  return result;
}

double self_discharge_A(const SelfDischargeParameters& parameters, double capacity_Ah, double soc, double temperature_degC) {
  return capacity_Ah * parameters.per_month / hours_per_month * activated(parameters.activation_J_per_mol, temperature_degC) *
         std::max(soc, 0.0);
}

}  // namespace cellrig::sim
