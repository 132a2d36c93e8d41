#include "db/verdict/ladder_signs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "db/analysis/soft_short.hpp"

namespace cellrig::verdict {
namespace {

/// `healthy`: what a sound cell shows; a value beyond the mark that may be that one just as well tells nothing, and neither does one
/// within it that may lie beyond.
struct Mark {
  double at = 0.0, healthy = 0.0;
};
Told told_by(double value, double expanded, const Mark& mark) {
  const double up = mark.at > mark.healthy ? 1.0 : -1.0;
  const double beyond = up * (value - mark.at);
  if (!(beyond > 0.0)) return -beyond >= expanded ? Told::absent : Told::nothing;
  if (beyond > expanded) return Told::present;
  return up * (value - mark.healthy) > expanded ? Told::doubtful : Told::nothing;
}

/// The non-rest before an execution; none: nullptr.
const Execution* before_of(const RunFacts& run, const Execution& e) {
  for (auto it = run.executions.begin() + (&e - run.executions.data()); it != run.executions.begin();) {
    --it;
    if (!it->is_rest()) return &*it;
  }
  return nullptr;
}

/// Of the pass before it at the same rate. After another rate it is that rung's return, which was judged there.
Sign overrun_of(const Measuring& m, std::size_t charge, double wanted) {
  constexpr double same_rate = 0.01;
  const Execution& e = m.run.executions[charge];
  const Execution* const out = before_of(m.run, e);
  if (!out || out->is_charge() || !out->has_ended || !require_whole(m.run, *out)) return {};
  const Execution* const in = before_of(m.run, *out);
  if (!in || !in->is_charge() || !(std::abs(in->mean_A() - e.mean_A()) <= same_rate * e.mean_A())) return {};
  if (!(e.net_Ah() > 0.0) || !(out->net_Ah() > 0.0)) return {};
  const double share = out->net_Ah() / e.net_Ah();
  const double expanded = 2.0 * share * relative_standard_of_ratio(m.instruments.current, e.mean_A(), -out->mean_A());
  return {told_by(share, expanded, {.at = wanted, .healthy = std::max(1.0, wanted)}),
          fmt::format("it took in {:.1f} +/- {:.1f} % of what the discharge before it gave", 100.0 / share,
                      100.0 * expanded / (share * share))};
}

Sign fall_of(const Measuring& m, std::size_t charge) {
  constexpr double mV_per_V = 1e3;
  const Result<Measured> slope = slope_of_charges(m, {charge});
  if (!slope) return {Told::nothing, "the slope of its voltage: " + slope.error().what};
  const double expanded = combine(slope->budget).expanded;
  return {told_by(slope->value, expanded, {.at = mV_per_V * db::soft_short_slope_V_per_s}),
          fmt::format("its voltage falls while charging, by {:.1f} +/- {:.1f} mV/s", -slope->value, expanded)};
}

/// Several rows as one, so that a single reading that stands out is no height that is never reached again.
struct Block {
  double voltage_V = 0.0, charge_Ah = 0.0, temperature_degC = 0.0;
};
Result<std::vector<Block>> blocks_of(const RunFacts& run, const Execution& e) {
  constexpr int rows_of_block = 5;
  constexpr double constant_share = 0.01;
  std::vector<Block> blocks;
  Block sum;
  int rows = 0;
  double before_Ah = 0.0, first_A = 0.0;
  for (const db::StepKey part : e.parts) {
    double part_Ah = 0.0;
    const Result<void> visited = run.visit(part, [&](const db::SampleRow& row) {
      part_Ah = row.charge_Ah;
      if (!(row.current_A > 0.0)) return true;  // it had not begun
      if (!std::isfinite(row.voltage_V)) return true;
      if (first_A == 0.0) first_A = row.current_A;
      if (row.current_A < (1.0 - constant_share) * first_A) return true;  // at its voltage limit there is no rise
      constexpr double share = 1.0 / rows_of_block;
      sum.voltage_V += share * row.voltage_V;
      sum.charge_Ah += share * (before_Ah + row.charge_Ah);
      sum.temperature_degC += share * row.cell_temperature_degC;
      if (++rows < rows_of_block) return true;
      blocks.push_back(sum);
      sum = {};
      rows = 0;
      return true;
    });
    if (!visited) return visited.error();
    before_Ah += part_Ah;
  }
  return blocks;
}

/// The longest charge from a highest voltage to the last block before a higher one.
Sign no_rise_of(const Measuring& m, std::size_t charge) {
  constexpr std::size_t blocks_min = 20;  // a mark of a tenth is not told by fewer
  constexpr double warmed_max_K = 2.0;    // of which the resistance falls by a tenth, as charge transfer does
  if (!(m.cell.nominal_Ah > 0.0)) return {Told::nothing, "the rise of its voltage: the cell's file gives no nominal capacity"};
  const Result<std::vector<Block>> blocks = blocks_of(m.run, m.run.executions[charge]);
  if (!blocks) return {Told::nothing, "the rise of its voltage: " + blocks.error().what};
  if (blocks->size() < blocks_min) return {Told::nothing, "the rise of its voltage: it has too few rows"};
  const Block* highest = &blocks->front();
  const Block *from = highest, *to = highest;
  for (const Block& b : *blocks) {
    if (b.voltage_V > highest->voltage_V) highest = &b;
    if (b.charge_Ah - highest->charge_Ah > to->charge_Ah - from->charge_Ah) from = highest, to = &b;
  }
  const double share = (to->charge_Ah - from->charge_Ah) / m.cell.nominal_Ah;
  const double doubt = (*blocks)[1].charge_Ah - blocks->front().charge_Ah;  // where in its block it was highest
  Sign sign{told_by(share, doubt / m.cell.nominal_Ah, {.at = db::soft_short_without_rise_share}),
            fmt::format("its voltage does not rise over {:.0f} % of the capacity", 100.0 * share)};
  if (sign.told != Told::present || to->temperature_degC - from->temperature_degC <= warmed_max_K) return sign;
  sign.told = Told::doubtful;
  const double warmed_K = to->temperature_degC - from->temperature_degC;
  sign.text += std::isfinite(warmed_K) ? fmt::format(", but it warms by {:.1f} K meanwhile", warmed_K)
                                       : ", but how it warms meanwhile nobody measured";
  return sign;
}

/// The second half of a rest that is long enough, but no more than the day's. The short one of a pass is not for it.
Sign rest_fall_of(const Measuring& m, const ChargeOfRung& of) {
  constexpr double mV_per_V = 1e3, s_per_h = 3600.0, most_h = 18.0, share = 0.75;
  const std::vector<Execution>& all = m.run.executions;
  const std::size_t rest = of.charge + 1;
  const bool has_rest = rest < all.size() && all[rest].is_rest();
  const double hours = has_rest ? all[rest].seconds / s_per_h : 0.0;
  if (!of.is_watched && !(hours >= db::soft_short_rest_least_h)) return {};
  if (!has_rest) return {Told::nothing, "the fall of its rest: there is none"};
  if (!(hours >= db::soft_short_rest_least_h))
    return {Told::nothing, fmt::format("the fall of its rest: {:.3g} h are too short", hours)};
  MeasureRequest request = m.request;
  request.last_h = std::min(most_h, share * hours);
  const Result<Measured> slope = slope_of_rests({m.run, request, m.instruments, m.cell}, {rest});
  if (!slope) return {Told::nothing, "the fall of its rest: " + slope.error().what};
  const double expanded = combine(slope->budget).expanded;
  return {told_by(slope->value, expanded, {.at = mV_per_V * db::soft_short_rest_slope_V_per_day}),
          fmt::format("in the rest its voltage falls by {:.1f} +/- {:.1f} mV a day", -slope->value, expanded)};
}

/// Of one reading, by how the last ones of a rest differ from each other; their slope is none of it.
Result<double> noise_at_end_V(const RunFacts& run, const Execution& rest) {
  constexpr std::size_t differences = 20;
  std::array<double, differences> last{};
  std::size_t count = 0;
  std::optional<double> before_V;
  for (const db::StepKey part : rest.parts) {
    const Result<void> visited = run.visit(part, [&](const db::SampleRow& row) {
      if (before_V) last.at(count++ % differences) = row.voltage_V - *before_V;
      before_V = row.voltage_V;
      return true;
    });
    if (!visited) return visited.error();
  }
  const std::size_t used = std::min(count, differences);
  if (used < 3) return fail(Fault::refused, "the rest before it has too few rows");
  double mean = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < used; ++i) mean += last.at(i) / static_cast<double>(used);
  for (std::size_t i = 0; i < used; ++i) squares += (last.at(i) - mean) * (last.at(i) - mean);
  return std::sqrt(0.5 * squares / (static_cast<double>(used) - 1.0));
}

/// Early enough to be mostly ohmic, and all at about the same time into their discharges.
Result<PulseResistance> early_resistance(const Measuring& m, std::size_t discharge) {
  constexpr double early_s = 10.0, latest_s = 20.0;
  MeasureRequest request = m.request;
  request.at_s = early_s;
  Result<PulseResistance> r = pulse_resistance({m.run, request, m.instruments, m.cell}, discharge);
  if (r && !(r->after_s <= latest_s)) return fail(Fault::refused, "its rows lie too far apart");
  if (r && !(r->ohm > 0.0)) return fail(Fault::refused, "it is not above zero");
  if (!r) return r;
  const Result<double> noise_V = noise_at_end_V(m.run, m.run.executions[discharge - 1]);
  if (!noise_V) return noise_V.error();
  r->relative_noise = std::max(r->relative_noise, std::sqrt(2.0) * *noise_V / std::abs(r->change_V));
  return r;
}

/// Of the last few discharges of the same rate before its rung, each after a charge: of the rungs below, all of them sound. In its own
/// passes it may be shorted already.
std::vector<PulseResistance> resistances_before(const Measuring& m, std::size_t rung_begin, std::size_t discharge) {
  constexpr std::size_t before_max = 5;
  constexpr double same_rate = 0.01;
  const std::vector<Execution>& all = m.run.executions;
  const double rate_A = all[discharge].mean_A();
  std::vector<PulseResistance> before;
  for (std::size_t i = rung_begin; i-- > 0 && before.size() < before_max;) {
    const Execution& e = all[i];
    if (e.is_rest() || e.is_charge() || !e.has_ended || !(std::abs(e.mean_A() - rate_A) <= same_rate * rate_A)) continue;
    const Execution* const in = before_of(m.run, e);
    if (!in || !in->is_charge()) continue;
    if (const Result<PulseResistance> r = early_resistance(m, i)) before.push_back(*r);
  }
  return before;
}

/// Relative, of one of them. At least three.
double relative_scatter(const std::vector<PulseResistance>& all) {
  const auto n = static_cast<double>(all.size());
  double mean = 0.0, squares = 0.0;
  for (const PulseResistance& r : all) mean += r.ohm / n;
  for (const PulseResistance& r : all) squares += (r.ohm - mean) * (r.ohm - mean);
  return std::sqrt(squares / (n - 1.0)) / mean;
}

Sign resistance_of(const Measuring& m, const ChargeOfRung& of) {
  // A warmer cell has less resistance without any short; this is of an activation energy of 60 kJ/mol, beyond what cells have.
  constexpr double by_warmth_per_K = 0.08;
  constexpr std::size_t before_min = 3;
  const auto back = back_of(m.run, of.charge);
  if (back == m.run.executions.end()) return {};
  const auto discharge = static_cast<std::size_t>(back - m.run.executions.begin());
  const Result<PulseResistance> here = early_resistance(m, discharge);
  if (!here) return {Told::nothing, "the resistance after it: " + here.error().what};
  std::vector<PulseResistance> before = resistances_before(m, of.rung_begin, discharge);
  if (before.size() < before_min)
    return {Told::nothing, fmt::format("the resistance after it: {} before it to compare with", before.size())};
  const double noise = std::max({here->relative_noise, pulse_repeatability_pct(m) / 100.0, relative_scatter(before)});
  const auto middle = before.begin() + static_cast<std::ptrdiff_t>(before.size() / 2);
  std::nth_element(before.begin(), middle, before.end(),
                   [](const PulseResistance& a, const PulseResistance& b) { return a.ohm < b.ohm; });
  const double ratio = here->ohm / middle->ohm;
  double expanded = coverage_factor(static_cast<double>(before.size()) - 1.0) * std::sqrt(2.0) * ratio * noise;
  if (here->temperature_degC && middle->temperature_degC)
    expanded += by_warmth_per_K * std::max(0.0, *here->temperature_degC - *middle->temperature_degC);
  return {told_by(ratio, expanded, {.at = db::soft_short_resistance_ratio, .healthy = 1.0}),
          fmt::format("the resistance after it is {:.0f} +/- {:.0f} % of what it was before", 100.0 * ratio, 100.0 * expanded)};
}

Sign return_of(const Measuring& m, std::size_t charge, double wanted) {
  const std::optional<Returned> returned = returned_of(m, charge);
  if (!returned) return {Told::doubtful, "what it gave back is not known"};
  const std::string text =
      fmt::format("it gave back {:.1f} +/- {:.1f} % of its charge", 100.0 * returned->share, 100.0 * returned->expanded);
  if (returned->share + returned->expanded < wanted) return {Told::present, text};
  if (!(returned->share >= wanted)) return {Told::doubtful, text};
  return {Told::absent, text};
}

}  // namespace

std::vector<Execution>::const_iterator back_of(const RunFacts& run, std::size_t charge) {
  return std::find_if(run.executions.begin() + static_cast<std::ptrdiff_t>(charge) + 1, run.executions.end(),
                      [](const Execution& e) { return e.has_ended && !e.is_rest() && !e.is_charge(); });
}

std::optional<Returned> returned_of(const Measuring& m, std::size_t charge) {
  const std::vector<Execution>& all = m.run.executions;
  const auto back = back_of(m.run, charge);
  if (back == all.end() || !(all[charge].net_Ah() > 0.0) || !(back->net_Ah() > 0.0)) return std::nullopt;
  const double share = back->net_Ah() / all[charge].net_Ah();
  return Returned{share, 2.0 * share * relative_standard_of_ratio(m.instruments.current, all[charge].mean_A(), -back->mean_A())};
}

std::vector<ChargeOfRung> charges_of_rung(const RunFacts& run, std::size_t from, std::size_t watched) {
  constexpr double same_rate = 0.01;
  const double rate_A = run.executions[watched].mean_A();
  std::vector<ChargeOfRung> charges{{watched, watched, true}};
  bool is_before_discharge = false;
  for (std::size_t i = watched; i-- > from;) {
    const Execution& e = run.executions[i];
    if (e.is_rest()) continue;
    const bool is_pass = e.is_charge() && e.has_ended && is_before_discharge;
    is_before_discharge = !e.is_charge();
    if (is_pass && std::abs(e.mean_A() - rate_A) <= same_rate * rate_A) charges.insert(charges.begin() + 1, {i, i, false});
  }
  for (ChargeOfRung& of : charges) of.rung_begin = charges.size() > 1 ? charges[1].charge : watched;
  return charges;
}

std::vector<Sign> signs_of_charge(const Measuring& m, const ChargeOfRung& of, double wanted) {
  return {overrun_of(m, of.charge, wanted),
          fall_of(m, of.charge),
          no_rise_of(m, of.charge),
          rest_fall_of(m, of),
          resistance_of(m, of),
          return_of(m, of.charge, wanted)};
}

}  // namespace cellrig::verdict
