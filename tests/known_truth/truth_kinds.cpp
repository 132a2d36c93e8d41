#include "tests/known_truth/truth_kinds.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "db/verdict/compare.hpp"
#include "tests/support/play.hpp"

namespace cellrig::verdict::test {
namespace {

Instruments promised() {
  Instruments instruments;
  instruments.current.gain_fraction = instruments.voltage.gain_fraction = 0.0002;
  instruments.current.offset = instruments.voltage.offset = 0.03;
  instruments.temperature = Accuracy{};
  instruments.temperature->offset = 1.0;
  return instruments;
}

CellFacts cell_facts() {
  CellFacts cell;
  cell.nominal_Ah = 20.0;
  cell.voltage_min_V = 3.0;
  cell.mass_kg = 0.25;
  cell.volume_L = 0.1;
  cell.electrode_area_cm2 = 1000.0;
  return cell;
}

constexpr double repeat = 0.001;
constexpr double empty_V = 3.0, full_V = 4.2;

constexpr double knee_V = 3.6, share_below_knee = 0.1;
constexpr double mean_V = share_below_knee * 0.5 * (empty_V + knee_V) + (1.0 - share_below_knee) * 0.5 * (knee_V + full_V);

/// A cell whose voltage falls slowly from full and fast before it is empty, as most do: an error of the voltmeter that moves both limits
/// moves more charge at one of them. `capacity` between the two true voltages.
struct KneeCell {
  double capacity_Ah = 20.0;
  double bends_at_V = knee_V;
  /// A volt at full, and at empty.
  [[nodiscard]] double top_Ah_per_V() const { return capacity_Ah * (1.0 - share_below_knee) / (full_V - bends_at_V); }
  [[nodiscard]] double bottom_Ah_per_V() const { return capacity_Ah * share_below_knee / (bends_at_V - empty_V); }
  [[nodiscard]] double charge_between_Ah(double low_V, double high_V) const {
    return capacity_Ah + (high_V - full_V) * top_Ah_per_V() - (low_V - empty_V) * bottom_Ah_per_V();
  }
};

/// What is left of a cell of 20 Ah that lost lithium: near full its curve is that of the new one, which therefore bends at a higher voltage.
KneeCell aged(double capacity_Ah) { return {capacity_Ah, full_V - capacity_Ah / 20.0 * (full_V - knee_V)}; }

/// A charge at a constant current, then at a constant voltage until the current is small, and the rest after it, as the cycler reads them. The
/// cell is polarised by a resistance and by a slow process. Where it ends moves with the limit as the open-circuit curve does, a straight line
/// there, and so the charge between two limits is that of the cell.
void play_charge(Play& play, const KneeCell& cell, double read_A) {
  constexpr double ohm = 0.01, slow_ohm = 0.02, slow_s = 1500.0, period_s = 120.0, end_A = 1.0, rest_s = 3600.0;
  const double knee_Ah = share_below_knee * cell.capacity_Ah;
  const auto own_V = [&](double charge_Ah) {
    return charge_Ah < knee_Ah ? empty_V + charge_Ah / cell.bottom_Ah_per_V()
                               : cell.bends_at_V + (charge_Ah - knee_Ah) / cell.top_Ah_per_V();
  };
  const double passed = 1.0 - std::exp(-period_s / slow_s);
  std::vector<db::SampleRow> charge, rest;
  const auto add = [](std::vector<db::SampleRow>& rows, double at_s, double voltage_V, double current_A, double charge_Ah) {
    db::SampleRow row;
    row.test_time_ns = static_cast<std::int64_t>(at_s * 1e9);
    row.voltage_V = voltage_V;
    row.current_A = current_A;
    row.charge_Ah = charge_Ah;
    rows.push_back(row);
  };
  double charge_Ah = 0.0, slow_V = 0.0, held_s = 0.0, now_s = 0.0;
  for (;; now_s += period_s) {
    const double current_A = std::min(read_A, (full_V - own_V(charge_Ah) - slow_V) / ohm);
    add(charge, now_s, own_V(charge_Ah) + slow_V + ohm * current_A, current_A, charge_Ah);
    if (current_A <= end_A) break;
    if (current_A < read_A) held_s += period_s;
    charge_Ah += current_A * period_s / 3600.0;
    slow_V += (slow_ohm * current_A - slow_V) * passed;
  }
  for (double at_s = 0.0; at_s <= rest_s; at_s += period_s, slow_V *= 1.0 - passed)
    add(rest, at_s, own_V(charge_Ah) + slow_V, 0.0, 0.0);
  play.add({.name = "charge", .seconds = now_s, .from_A = read_A, .to_A = read_A, .cv_seconds = held_s}, std::move(charge));
  play.add({.name = "rest", .seconds = rest_s}, std::move(rest));
}

PlayedStep discharge_step(const std::string& name, double seconds, double read_A, bool is_reference, double bends_at_V = knee_V) {
  return {.name = name,
          .seconds = seconds,
          .from_V = full_V,
          .to_V = empty_V,
          .from_A = -read_A,
          .to_A = -read_A,
          .knee_share = 1.0 - share_below_knee,
          .knee_V = bends_at_V,
          .ended_by = "voltage_V <= 3",
          .is_reference = is_reference};
}

/// A full charge and a discharge, at a current that the cycler reads as `read_A`.
void play_cycle(Play& play, DrawnBench& bench, const KneeCell& cell, double read_A, const std::string& name, bool is_reference) {
  const double moved_Ah = cell.charge_between_Ah(bench.true_V(empty_V), bench.true_V(full_V)) * bench.scatter(repeat);
  const double seconds = 3600.0 * moved_Ah / bench.true_A(read_A);
  play_charge(play, cell, read_A);
  play.add(discharge_step(name, seconds, read_A, is_reference, cell.bends_at_V));
}

Measured must(const Result<Measured>& result) {
  EXPECT_TRUE(result) << (result ? "" : result.error().what);
  return result ? *result : Measured{};
}

constexpr double third_A = 20.0 / 3.0;

Measured capacity(DrawnBench& bench, double truth) {
  Play play;
  play_cycle(play, bench, {truth}, third_A, "discharge", true);
  return must(measure(play.facts(), {.quantity = ClaimQuantity::capacity, .step = "discharge"}, promised(), cell_facts()));
}

Measured specific_energy(DrawnBench& bench, double truth) {
  Play play;
  play_cycle(play, bench, {truth * 0.25 / mean_V}, third_A, "discharge", true);
  return must(measure(play.facts(), {.quantity = ClaimQuantity::specific_energy, .step = "discharge"}, promised(), cell_facts()));
}

/// Time to charge three quarters of the capacity that was measured before, at a current that the cycler reads.
Measured charge_time(DrawnBench& bench, double truth_min) {
  constexpr double fast_A = 50.0;
  const KneeCell cell{fast_A * truth_min / 60.0 / 0.75};
  Play play;
  play_cycle(play, bench, cell, third_A, "reference", true);
  const double counted_Ah = 0.75 * play.facts().executions.back().net_Ah();
  const double seconds = 3600.0 * counted_Ah / fast_A * bench.scatter(repeat);
  // The cycler counts its own readings; with its true current a true cell of this reference would need
  const double true_A = bench.true_A(fast_A);
  play.add({.name = "fast charge",
            .seconds = seconds * fast_A / true_A,
            .from_V = 3.2,
            .to_V = 4.1,
            .from_A = fast_A,
            .to_A = fast_A,
            .cycle = 2});
  return must(measure(play.facts(), {.quantity = ClaimQuantity::step_time, .step = "fast charge", .reference = "reference"},
                      promised(), cell_facts()));
}

/// The cell is charged as it was for the warm discharge; in the cold it gives back what is left of that.
Measured cold_ratio(ClaimQuantity quantity, DrawnBench& bench, double truth_pct, double cold_read_A) {
  const KneeCell warm{20.0}, cold{20.0 * truth_pct / 100.0};
  Play play;
  play_cycle(play, bench, warm, third_A, "warm", true);
  play_charge(play, warm, third_A);
  const double moved_Ah = (cold.capacity_Ah + (bench.true_V(full_V) - full_V) * warm.top_Ah_per_V() -
                           (bench.true_V(empty_V) - empty_V) * cold.bottom_Ah_per_V()) *
                          bench.scatter(repeat);
  play.add(discharge_step("cold", 3600.0 * moved_Ah / bench.true_A(cold_read_A), cold_read_A, false));
  return must(measure(play.facts(), {.quantity = quantity, .step = "cold", .reference = "warm"}, promised(), cell_facts()));
}

Measured retention(DrawnBench& bench, double truth_pct) {
  Play play;
  play_cycle(play, bench, {20.0}, third_A, "reference", true);
  play_cycle(play, bench, aged(20.0 * truth_pct / 100.0), third_A, "reference", true);
  return must(measure(play.facts(), {.quantity = ClaimQuantity::retention, .reference = "reference"}, promised(), cell_facts()));
}

Measured energy(DrawnBench& bench, double truth_Wh) {
  Play play;
  play_cycle(play, bench, {truth_Wh / mean_V}, third_A, "discharge", true);
  return must(measure(play.facts(), {.quantity = ClaimQuantity::energy, .step = "discharge"}, promised(), cell_facts()));
}

/// The calliper errs, too: what the file says of the volume is not what it is.
Measured energy_density(DrawnBench& bench, double truth) {
  CellFacts cell = cell_facts();
  cell.volume_standard_L = 0.0005;
  const double true_L = *cell.volume_L + bench.error(cell.volume_standard_L);
  Play play;
  play_cycle(play, bench, {truth * true_L / mean_V}, third_A, "discharge", true);
  return must(measure(play.facts(), {.quantity = ClaimQuantity::energy_density, .step = "discharge"}, promised(), cell));
}

/// Half a year of storage with a reference test every month, extrapolated to twenty years.
Measured retention_extrapolated(DrawnBench& bench, double truth_pct) {
  constexpr double years = 20.0, days_per_year = 365.25, day_s = 86400.0;
  const double loss_per_root_day = (1.0 - truth_pct / 100.0) / std::sqrt(years * days_per_year);
  Play play;
  std::optional<double> first_s;
  for (int month = 0; month <= 6; ++month) {
    // The discharge begins some four hours after this, at each reference test.
    const double now_s = play.facts().executions.empty() ? 0.0 : play.facts().executions.back().ended_s;
    const double days = first_s ? (now_s - *first_s) / day_s : 0.0;
    play_cycle(play, bench, aged(20.0 * (1.0 - loss_per_root_day * std::sqrt(days))), third_A, "reference", true);
    if (!first_s) first_s = now_s;
    play.add({.name = "storage", .seconds = 30.0 * day_s});
  }
  return must(measure(play.facts(),
                      {.quantity = ClaimQuantity::retention_extrapolated, .reference = "reference", .at_years = years},
                      promised(), cell_facts()));
}

/// A check-up every four weeks. In the first ones of a slow start the loss is not told from the scatter of two capacities.
Measured loss_exponent(DrawnBench& bench, double truth, double lost_pct, int checkups) {
  constexpr double day_s = 86400.0;
  Play play;
  std::optional<double> first_s;
  for (int month = 0; month <= checkups; ++month) {
    const double now_s = play.facts().executions.empty() ? 0.0 : play.facts().executions.back().ended_s;
    const double days = first_s ? (now_s - *first_s) / day_s : 0.0;
    const double all_days = 28.0 * checkups;
    const double left = 1.0 - lost_pct / 100.0 * (days > 0.0 ? std::pow(days / all_days, truth) : 0.0);
    play_cycle(play, bench, aged(20.0 * left), third_A, "reference", true);
    if (!first_s) first_s = now_s;
    play.add({.name = "storage", .seconds = 28.0 * day_s});
  }
  return must(
      measure(play.facts(), {.quantity = ClaimQuantity::loss_exponent, .reference = "reference"}, promised(), cell_facts()));
}

Measured extreme_voltage(ClaimQuantity quantity, DrawnBench& bench, double truth_V) {
  const double away_V = quantity == ClaimQuantity::voltage_peak ? truth_V - 0.5 : truth_V + 0.5;
  Play play;
  play.add({.name = "step", .from_V = bench.read_V(away_V), .to_V = bench.read_V(truth_V), .from_A = 10.0, .to_A = 10.0});
  return must(measure(play.facts(), {.quantity = quantity, .step = "step"}, promised(), cell_facts()));
}

constexpr double voltmeter_noise_V = 0.0012;

/// A row every `period_s` of a voltage that goes straight, as a voltmeter with noise reads it.
std::vector<db::SampleRow> noisy_rows(DrawnBench& bench, double seconds, double period_s, double current_A,
                                      const std::function<double(double)>& true_V) {
  std::vector<db::SampleRow> rows;
  for (double at_s = 0.0; at_s <= seconds; at_s += period_s) {
    db::SampleRow row;
    row.test_time_ns = static_cast<std::int64_t>(at_s * 1e9);
    row.voltage_V = bench.read_V(true_V(at_s)) + bench.error(voltmeter_noise_V);
    row.current_A = current_A;
    row.charge_Ah = current_A * at_s / 3600.0;
    rows.push_back(row);
  }
  return rows;
}

/// It falls all the time: every window has the true slope, and the least of them is measured.
Measured voltage_slope(DrawnBench& bench, double truth_mV_per_s) {
  Play play;
  for (int i = 0; i < 2; ++i) {
    play.add({.name = "in", .seconds = 200.0, .from_A = 10.0, .to_A = 10.0},
             noisy_rows(bench, 200.0, 1.0, 10.0, [&](double at_s) { return 3.8 + 1e-3 * truth_mV_per_s * at_s; }));
    play.add({.name = "out", .seconds = 200.0, .from_A = -10.0, .to_A = -10.0});
  }
  return must(measure(play.facts(), {.quantity = ClaimQuantity::voltage_slope_least, .step = "in"}, promised(), cell_facts()));
}

/// Six rests of a day that relax in an hour, and a voltmeter that drifts.
Measured rest_slope(DrawnBench& bench, double truth_mV_per_day) {
  constexpr double hour_s = 3600.0, day_s = 86400.0, last_h = 18.0;
  const double drift_V = 0.1 * promised().voltage.offset;
  Play play;
  for (int i = 0; i < 6; ++i) {
    const double drift_V_per_s = drift_V * bench.even() / (last_h * hour_s);
    play.add({.name = "rest", .seconds = day_s}, noisy_rows(bench, day_s, 600.0, 0.0, [&](double at_s) {
               return 3.9 + 0.02 * std::exp(-at_s / hour_s) + (1e-3 * truth_mV_per_day / day_s + drift_V_per_s) * at_s;
             }));
  }
  return must(measure(play.facts(), {.quantity = ClaimQuantity::rest_slope_least, .step = "rest", .last_h = last_h}, promised(),
                      cell_facts()));
}

/// A rest and a pulse of a cell with this resistance.
void play_pulse(Play& play, DrawnBench& bench, double truth_mOhm, double read_MPa = 0.0) {
  constexpr double pulse_A = 60.0;
  const double rest_V = bench.read_V(3.7), rest_A = bench.read_A(0.0);
  play.add({.name = "rest", .from_V = rest_V, .to_V = rest_V, .from_A = rest_A, .to_A = rest_A});
  const double loaded_V = bench.read_V(3.7 - pulse_A * truth_mOhm * 1e-3 * bench.scatter(0.01));
  play.add({.name = "pulse",
            .seconds = 10.0,
            .from_V = loaded_V,
            .to_V = loaded_V,
            .from_A = bench.read_A(-pulse_A),
            .to_A = bench.read_A(-pulse_A),
            .stack_pressure_MPa = read_MPa});
}

Measured resistance(DrawnBench& bench, double truth_mOhm) {
  Play play;
  play_pulse(play, bench, truth_mOhm);
  return must(measure(play.facts(), {.quantity = ClaimQuantity::resistance, .step = "pulse"}, promised(), cell_facts()));
}

Measured resistance_change(DrawnBench& bench, double truth_pct) {
  Play play;
  play_pulse(play, bench, 6.0);
  play_pulse(play, bench, 6.0 * (1.0 + truth_pct / 100.0));
  return must(measure(play.facts(), {.quantity = ClaimQuantity::resistance_change, .step = "pulse"}, promised(), cell_facts()));
}

/// Six pressures of a press, whose load cell has an offset of its own.
Measured pressure_exponent(DrawnBench& bench, double truth) {
  Instruments instruments = promised();
  instruments.pressure_MPa = Accuracy{};
  instruments.pressure_MPa->gain_fraction = 0.005;
  instruments.pressure_MPa->offset = 0.02;
  const double offset_MPa = instruments.pressure_MPa->offset * bench.even();
  const double gain = instruments.pressure_MPa->gain_fraction * bench.even();
  Play play;
  for (const double true_MPa : {0.5, 1.0, 2.0, 3.2, 5.0, 0.5})
    play_pulse(play, bench, 6.0 * std::pow(true_MPa, -truth), true_MPa * (1.0 + gain) + offset_MPa);
  return must(measure(play.facts(), {.quantity = ClaimQuantity::pressure_exponent, .step = "pulse"}, instruments, cell_facts()));
}

Measured specific_power(DrawnBench& bench, double truth) {
  CellFacts cell = cell_facts();
  cell.mass_standard_kg = 0.002;
  const double true_kg = *cell.mass_kg + bench.error(cell.mass_standard_kg);
  Play play;
  play_pulse(play, bench, 1e3 * cell.voltage_min_V * (3.7 - cell.voltage_min_V) / (truth * true_kg));
  return must(measure(play.facts(), {.quantity = ClaimQuantity::specific_power, .step = "pulse"}, promised(), cell));
}

/// Nor are the chamber's temperatures those that were asked for.
Measured activation(DrawnBench& bench, double truth_eV) {
  constexpr double boltzmann_eV_per_K = 8.617333262e-5, cold_degC = 0.0, warm_degC = 25.0, zero_K = 273.15;
  const auto at = [&](double degC) {
    AtTemperature result{.temperature_degC = degC};
    const double true_K = degC + zero_K + bench.error(result.temperature_standard_K);
    result.resistance =
        resistance(bench, 6.0 * std::exp(truth_eV / boltzmann_eV_per_K * (1.0 / true_K - 1.0 / (warm_degC + zero_K))));
    return result;
  };
  const AtTemperature cold = at(cold_degC);
  return must(activation_energy(cold, at(warm_degC)));
}

Measured peak_temperature(DrawnBench& bench, double truth_degC) {
  Play play;
  const double here = truth_degC + 0.5 * (bench.scatter(1.0) - 1.0);
  play.add({.name = "fast charge", .from_A = 50.0, .to_A = 50.0, .temperature_max_degC = bench.read_degC(here)});
  return must(
      measure(play.facts(), {.quantity = ClaimQuantity::cell_temperature_peak, .step = "fast charge"}, promised(), cell_facts()));
}

/// 10 A in, 10 A out: the offset has the other sign.
Measured efficiency(DrawnBench& bench, double truth_pct) {
  Play play;
  const double in_A = bench.read_A(10.0), out_A = bench.read_A(-10.0);
  play.add({.name = "in", .seconds = 7200.0, .from_A = in_A, .to_A = in_A});
  play.add({.name = "out", .seconds = 72.0 * truth_pct * bench.scatter(repeat), .from_A = out_A, .to_A = out_A});
  return must(measure(play.facts(), {.quantity = ClaimQuantity::coulombic_efficiency, .step = "out", .reference = "in"},
                      promised(), cell_facts()));
}

/// Charged at 3.8 V, discharged at 3.6 V.
Measured energy_efficiency(DrawnBench& bench, double truth_pct) {
  Play play;
  const double in_V = bench.read_V(3.8), out_V = bench.read_V(3.6), in_A = bench.read_A(10.0), out_A = bench.read_A(-10.0);
  play.add({.name = "in", .seconds = 7200.0, .from_V = in_V, .to_V = in_V, .from_A = in_A, .to_A = in_A});
  play.add({.name = "out",
            .seconds = 72.0 * truth_pct * 3.8 / 3.6 * bench.scatter(repeat),
            .from_V = out_V,
            .to_V = out_V,
            .from_A = out_A,
            .to_A = out_A});
  return must(measure(play.facts(), {.quantity = ClaimQuantity::energy_efficiency, .step = "out", .reference = "in"}, promised(),
                      cell_facts()));
}

Measured self_discharge(DrawnBench& bench, double truth_pct) {
  const KneeCell cell{20.0};
  Play play;
  play_cycle(play, bench, cell, third_A, "reference", true);
  const double kept_Ah =
      cell.charge_between_Ah(bench.true_V(empty_V), bench.true_V(full_V)) - cell.capacity_Ah * truth_pct / 100.0;
  play_charge(play, cell, third_A);
  play.add({.name = "storage", .seconds = 30.0 * 86400.0, .from_A = bench.read_A(0.0), .to_A = bench.read_A(0.0)});
  play.add(discharge_step("left", 3600.0 * kept_Ah * bench.scatter(repeat) / bench.true_A(third_A), third_A, false));
  return must(measure(play.facts(), {.quantity = ClaimQuantity::self_discharge, .step = "left", .reference = "reference"},
                      promised(), cell_facts()));
}

/// Rungs of 2 mA/cm2; where they lie the cell does not know. Above its critical current density a fifth does not come back.
Measured critical_current_density(DrawnBench& bench, double truth) {
  constexpr double rung_A = 2.0, area_cm2 = 1000.0;
  const double first_A = 10.0 + 0.5 * rung_A * bench.even();
  Play play;
  for (int i = 0; i < 15; ++i) {
    const double read_A = first_A + i * rung_A;
    const double true_A = bench.true_A(read_A);
    const double returned = 1000.0 * true_A / area_cm2 > truth ? 0.8 : 1.0;
    const double out_A = bench.read_A(-true_A);
    play.add({.name = "rung", .seconds = 3600.0, .from_V = 3.6, .to_V = 4.0, .from_A = read_A, .to_A = read_A});
    play.add({.name = "watch", .seconds = 600.0});
    play.add({.name = "back", .seconds = 3600.0 * returned, .from_A = out_A, .to_A = out_A});
  }
  return must(
      measure(play.facts(), {.quantity = ClaimQuantity::critical_current_density, .step = "rung"}, promised(), cell_facts()));
}

/// Twenty charges, all of them with the same true excess: one of them measures more than the others.
Measured charge_excess(DrawnBench& bench, double truth_pct) {
  Play play;
  const double in_A = bench.read_A(50.0), out_A = bench.read_A(-50.0);
  for (int i = 0; i < 20; ++i) {
    play.add({.name = "in", .seconds = 1440.0 * (1.0 + truth_pct / 100.0) * bench.scatter(repeat), .from_A = in_A, .to_A = in_A});
    play.add({.name = "out", .seconds = 1440.0, .from_A = out_A, .to_A = out_A});
  }
  return must(measure(play.facts(), {.quantity = ClaimQuantity::charge_excess, .step = "in"}, promised(), cell_facts()));
}

Measured weighed_loss(DrawnBench& bench, double truth_pct) {
  constexpr double standard_g = 0.02, before_g = 200.0;
  return must(
      mass_loss(before_g + bench.error(standard_g), before_g * (1.0 - truth_pct / 100.0) + bench.error(standard_g), standard_g));
}

}  // namespace

Measured growth_exponent(DrawnBench& bench, double truth, double growth_pct) {
  constexpr double day_s = 86400.0;
  constexpr int checkups = 13;
  Play play;
  for (int month = 0; month <= checkups; ++month) {
    const double share = month > 0 ? std::pow(static_cast<double>(month) / checkups, truth) : 0.0;
    play_pulse(play, bench, 6.0 * (1.0 + growth_pct / 100.0 * share));
    play.add({.name = "storage", .seconds = 28.0 * day_s});
  }
  return must(
      measure(play.facts(), {.quantity = ClaimQuantity::resistance_growth_exponent, .step = "pulse"}, promised(), cell_facts()));
}

std::vector<TruthKind> truth_kinds() {
  using Q = ClaimQuantity;
  using enum Comparator;
  const auto ratio = [](Q quantity, double cold_A) {
    return [=](DrawnBench& b, double t) { return cold_ratio(quantity, b, t, cold_A); };
  };
  const auto loss = [](double lost_pct, int checkups) {
    return [=](DrawnBench& b, double t) { return loss_exponent(b, t, lost_pct, checkups); };
  };
  const auto growth = [](double growth_pct) {
    return [=](DrawnBench& b, double t) { return growth_exponent(b, t, growth_pct); };
  };
  const auto extreme = [](Q quantity) { return [=](DrawnBench& b, double t) { return extreme_voltage(quantity, b, t); }; };
  return {{"capacity", Q::capacity, 20.0, at_least, capacity},
          {"energy", Q::energy, 72.0, at_least, energy},
          {"specific energy", Q::specific_energy, 375.0, at_least, specific_energy},
          {"energy density", Q::energy_density, 800.0, at_least, energy_density},
          {"charge time", Q::step_time, 18.0, at_most, charge_time},
          {"energy ratio", Q::energy_ratio, 72.0, at_least, ratio(Q::energy_ratio, third_A)},
          {"capacity ratio at another rate", Q::capacity_ratio, 90.0, at_least, ratio(Q::capacity_ratio, 20.0)},
          {"retention", Q::retention, 80.0, at_least, retention},
          {"retention, extrapolated", Q::retention_extrapolated, 80.0, at_least, retention_extrapolated},
          {"exponent of a loss", Q::loss_exponent, 0.5, at_most, loss(8.0, 6)},
          {"exponent of a small loss", Q::loss_exponent, 0.65, at_least, loss(3.0, 12)},
          {"temperature", Q::cell_temperature_peak, 55.0, at_most, peak_temperature},
          {"highest voltage", Q::voltage_peak, 4.3, at_most, extreme(Q::voltage_peak)},
          {"lowest voltage", Q::voltage_least, 2.8, at_least, extreme(Q::voltage_least)},
          {"slope of a charge", Q::voltage_slope_least, -2.0, at_least, voltage_slope},
          {"slope of a rest", Q::rest_slope_least, -10.0, at_least, rest_slope},
          {"resistance", Q::resistance, 6.0, at_most, resistance},
          {"change of resistance", Q::resistance_change, 30.0, at_most, resistance_change},
          {"change of resistance, either way", Q::resistance_change, 30.0, within, resistance_change},
          {"exponent of a growth", Q::resistance_growth_exponent, 0.5, at_most, growth(60.0)},
          {"exponent of a small growth", Q::resistance_growth_exponent, 0.65, at_least, growth(25.0)},
          {"exponent of a pressure", Q::pressure_exponent, 0.5, at_least, pressure_exponent},
          {"specific power", Q::specific_power, 1200.0, at_least, specific_power},
          {"coulombic efficiency", Q::coulombic_efficiency, 90.0, at_least, efficiency},
          {"energy efficiency", Q::energy_efficiency, 85.0, at_least, energy_efficiency},
          {"self-discharge", Q::self_discharge, 3.0, at_most, self_discharge},
          {"critical current density", Q::critical_current_density, 20.0, at_least, critical_current_density},
          {"excess of a charge", Q::charge_excess, 1.0, at_most, charge_excess},
          {"activation energy", Q::activation_energy, 0.3, at_most, activation},
          {"loss of mass", Q::mass_loss, 0.5, at_most, weighed_loss}};
}

std::map<ClaimQuantity, std::string> quantities_without_truth() { return {}; }

}  // namespace cellrig::verdict::test
