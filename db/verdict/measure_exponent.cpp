// Exponents of power laws over several executions of a step: how a loss and a resistance grow with time, how a resistance falls with
// pressure.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "db/verdict/measure_parts.hpp"
#include "db/verdict/power_law.hpp"

namespace cellrig::verdict {
namespace {

/// By the uncertainties of the points or by their scatter about the law, whichever is the greater: each of them is an estimate of the same.
Contribution contribution_of_fit(const PowerFit& fit, std::size_t points) {
  if (fit.standard_by_scatter > fit.standard_by_points)
    return {"fit", fit.standard_by_scatter, fit.dof,
            fmt::format("scatter of {} points about the law, greater than their own doubt", points)};
  return {"fit", fit.standard_by_points, infinite_dof,
          fmt::format("doubt of {} points, greater than their scatter about the law", points)};
}

/// A reference test, and what was lost until then.
struct Loss {
  PowerPoint point;
  const Measured* test = nullptr;
  EndShift ends;
};

/// The retention is a ratio of two measurements of one kind: of its repeatability the first one's share belongs to all points alike.
double own_standard_pct(const Measuring& m, const Measured& test) { return m.request.repeatability_pct / 100.0 * test.value; }

/// What all check-ups may err by together: the first reference, the ends of the windows, and what ammeter, thermometer and interruptions do to
/// each. How much of the latter is common nobody knows: they are added up as if they pulled the exponent one way.
void add_shared(const Measuring& m, const std::vector<Loss>& losses, const PowerFit& fit, Measured& result) {
  double first = 0.0, bottom = 0.0, top = 0.0;
  std::map<std::string, double> each;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    first += fit.leverage[i] * own_standard_pct(m, *losses[i].test);
    bottom += fit.leverage[i] * losses[i].ends.bottom;
    top += fit.leverage[i] * losses[i].ends.top;
    for (const Contribution& c : losses[i].test->budget) {
      if (c.name != "repeatability" && c.name != ends_of_window) each[c.name] += std::abs(fit.leverage[i]) * c.standard;
    }
  }
  result.budget.push_back(
      {"first reference", std::abs(first), infinite_dof, "its repeatability, assumed: all losses shift by it"});
  result.budget.push_back({ends_of_window, std::hypot(bottom, top), infinite_dof,
                           "voltage accuracy times what dQ/dV differs by: one voltmeter reads all check-ups"});
  for (const auto& [name, standard] : each)
    result.budget.push_back({name, standard, infinite_dof, "of each check-up, as if all pulled one way"});
}

/// A resistance of a check-up.
struct Grown {
  double days = 0.0;
  double ratio = 1.0;     ///< to the first resistance
  double relative = 0.0;  ///< its own standard uncertainty, without the gains, which cancel in a ratio
};

/// All check-ups after the first one.
struct Growths {
  std::vector<Grown> told;      ///< from no growth, to the last
  double first_relative = 0.0;  ///< as `relative`, of the first resistance
  std::size_t later = 0;
  std::string left_out;
};

/// Of one resistance.
double own_relative(const Measuring& m, const PulseResistance& pulse) {
  return std::hypot(pulse.relative_noise, pulse_repeatability_pct(m) / 100.0);
}

Result<Growths> growths_of(const Measuring& m, const std::vector<std::size_t>& all) {
  const Result<PulseResistance> first = pulse_resistance(m, all.front());
  if (!first) return first.error();
  if (!(first->ohm > 0.0)) return fail(Fault::refused, "the first resistance of '" + m.request.step + "' is not above zero");
  const double first_s = m.run.executions[all.front()].started_s;
  Growths growths{.first_relative = own_relative(m, *first)};
  for (std::size_t i = 1; i < all.size(); ++i) {
    const Execution& e = m.run.executions[all[i]];
    ++growths.later;
    const Result<PulseResistance> here = pulse_resistance(m, all[i]);
    if (!here) {
      growths.left_out += (growths.left_out.empty() ? "" : "; ") + here.error().what + ", and is left out";
      continue;
    }
    const double days = (e.started_s - first_s + unseen_seconds(m.run, first_s, e.started_s)) / seconds_per_day;
    const Grown grown{days, here->ohm / first->ohm, own_relative(m, *here)};
    if (!(grown.ratio - 1.0 > coverage_factor(infinite_dof) * grown.ratio * std::hypot(grown.relative, growths.first_relative))) {
      growths.told.clear();  // and those before it, as of losses
      continue;
    }
    growths.told.push_back(grown);
  }
  return growths;
}

/// The law of the growth in % over the days, if the first resistance was `first` of what was read. None where one did not grow then.
std::optional<PowerFit> fit_growth(const Growths& growths, double first) {
  std::vector<PowerPoint> points;
  for (const Grown& g : growths.told)
    points.push_back({g.days, 100.0 * (g.ratio / first - 1.0), 100.0 * g.ratio / first * g.relative});
  return fit_power_law(points);
}

/// All growths shift with the first resistance, and small ones turn the exponent the more the smaller it makes them: what the whole of its
/// uncertainty does is tried out, on the side where it does more. None: the growth is too small for that.
std::optional<Contribution> contribution_of_first(const Growths& growths, double exponent) {
  const double k = coverage_factor(infinite_dof);
  double turned = 0.0;
  for (const double side : {-1.0, 1.0}) {
    const std::optional<PowerFit> shifted = fit_growth(growths, 1.0 + side * k * growths.first_relative);
    if (!shifted) return std::nullopt;
    turned = std::max(turned, std::abs(shifted->exponent - exponent));
  }
  return Contribution{"first resistance", turned / k, infinite_dof, "its noise and repeatability: all growths shift by it"};
}

/// How much of the thermometer's error is common nobody knows.
void add_temperatures(const Measuring& m, const Growths& growths, const PowerFit& fit, Measured& result) {
  if (!(std::abs(m.request.temperature_pct_per_K) > 0.0) || !m.instruments.temperature) return;
  constexpr double room_degC = 25.0;
  const double apart_K = standard_of_bound(m.instruments.temperature->bound_at(room_degC));
  double turned = 0.0;
  for (std::size_t i = 0; i < growths.told.size(); ++i)
    turned += std::abs(fit.leverage[i] * growths.told[i].ratio * m.request.temperature_pct_per_K) * apart_K;
  result.budget.push_back(
      {"temperature", turned, infinite_dof, "error of the thermometer, as if it differed from check-up to check-up"});
}

/// A pulse under a pressure.
struct PressedPulse {
  PulseResistance resistance;
  double pressure_MPa = 0.0;
  double half_range_MPa = 0.0;  ///< what the pressure moved by in the pulse
};

Result<std::vector<PressedPulse>> pressed_pulses(const Measuring& m, const std::vector<std::size_t>& all) {
  std::vector<PressedPulse> pulses;
  for (const std::size_t index : all) {
    const Execution& e = m.run.executions[index];
    const Result<PulseResistance> resistance = pulse_resistance(m, index);
    if (!resistance) return resistance.error();
    if (!(resistance->ohm > 0.0))
      return fail(Fault::refused, fmt::format("the resistance of '{}' (step {}) is not above zero", e.name, e.count));
    if (!e.stack_pressure_min_MPa || !e.stack_pressure_max_MPa)
      return fail(Fault::refused, fmt::format("the record has no stack pressure of '{}' (step {}): the channel needs a load cell",
                                              e.name, e.count));
    const PressedPulse pulse{*resistance, 0.5 * (*e.stack_pressure_min_MPa + *e.stack_pressure_max_MPa),
                             0.5 * (*e.stack_pressure_max_MPa - *e.stack_pressure_min_MPa)};
    if (!(pulse.pressure_MPa > 0.0))
      return fail(Fault::refused, fmt::format("the stack pressure of '{}' (step {}) is not above zero", e.name, e.count));
    pulses.push_back(pulse);
  }
  return pulses;
}

/// The mean of the pulses of each pressure; pressures are two that differ by more than a hundredth.
std::vector<PowerPoint> levels_of(std::vector<PowerPoint> points) {
  constexpr double apart_min = 1.01;
  std::sort(points.begin(), points.end(), [](const PowerPoint& a, const PowerPoint& b) { return a.x < b.x; });
  std::vector<PowerPoint> levels;
  for (std::size_t from = 0, to = 0; from < points.size(); from = to) {
    PowerPoint sum;
    for (; to < points.size() && points[to].x <= apart_min * points[from].x; ++to) {
      sum.x += points[to].x;
      sum.y += points[to].y;
      sum.standard = std::hypot(sum.standard, points[to].standard);
    }
    const auto count = static_cast<double>(to - from);
    levels.push_back({sum.x / count, sum.y / count, sum.standard / count});
  }
  return levels;
}

/// What the law misses by at a pressure it misses by in each pulse there: repeated pulses tell no more of that.
Contribution contribution_of_levels(const PowerFit& fit, const std::vector<PowerPoint>& points) {
  const std::vector<PowerPoint> levels = levels_of(points);
  const std::optional<PowerFit> of_levels = fit_power_law(levels);
  if (!of_levels || !(of_levels->standard_by_scatter > std::max(fit.standard_by_points, fit.standard_by_scatter)))
    return contribution_of_fit(fit, points.size());
  return {
      "fit", of_levels->standard_by_scatter, of_levels->dof,
      fmt::format("scatter of the means of {} pressures about the law, greater than that of {} pulses and than their own doubt",
                  levels.size(), points.size())};
}

/// What is common to all pulses cancels, and what differs turns the exponent. Nobody knows how much of it is common.
void add_temperatures(const Measuring& m, const std::vector<PressedPulse>& pulses, const PowerFit& fit, Measured& result) {
  if (!(std::abs(m.request.temperature_pct_per_K) > 0.0) || !m.instruments.temperature) return;
  constexpr double room_degC = 25.0;
  const double apart_K = standard_of_bound(m.instruments.temperature->bound_at(room_degC));
  double turned = 0.0;
  for (std::size_t i = 0; i < pulses.size(); ++i)
    turned += std::abs(fit.leverage[i] * m.request.temperature_pct_per_K / 100.0) * pulses[i].resistance.ohm * apart_K;
  result.budget.push_back(
      {"temperature", turned, infinite_dof, "error of the thermometer, as if it differed from pulse to pulse"});
}

/// `exponent`: as far as it is known, for what an error of the pressure does.
std::vector<PowerPoint> points_of(const Measuring& m, const std::vector<PressedPulse>& pulses, double exponent) {
  std::vector<PowerPoint> points;
  for (const PressedPulse& p : pulses) {
    const double repeat = pulse_repeatability_pct(m) / 100.0;
    const double pressed = exponent * standard_of_bound(p.half_range_MPa) / p.pressure_MPa;
    points.push_back({p.pressure_MPa, p.resistance.ohm,
                      p.resistance.ohm * std::hypot(p.resistance.relative_noise, std::hypot(repeat, pressed))});
  }
  return points;
}

}  // namespace

Result<Measured> measure_loss_exponent(const Measuring& m) {
  const std::vector<std::size_t> all = find_all(m.run, m.request.reference);
  if (all.empty()) return find_first(m.run, m.request.reference).error();
  const Execution& first = m.run.executions[all.front()];
  if (const Result<void> whole = require_whole(m.run, first); !whole) return whole.error();
  if (!(first.net_Ah() > 0.0)) return fail(Fault::refused, "the first reference moved no charge");
  const Result<Course> course = course_of(m, all, true);
  if (!course) return course.error();
  std::vector<Loss> losses;
  std::vector<PowerPoint> points;
  std::size_t later = 0;
  for (std::size_t i = 0; i < course->points.size(); ++i) {
    const LifePoint& p = course->points[i];
    if (!(p.at > 0.0)) continue;
    ++later;
    const double lost_pct = 100.0 - p.retention_pct;
    if (!(lost_pct > p.uncertainty.expanded)) {  // also where it gained
      losses.clear();  // and those before it: of losses about there, only those that chance made great would be left
      points.clear();
      continue;
    }
    losses.push_back({{p.at, lost_pct, own_standard_pct(m, course->tests[i])}, &course->tests[i], course->ends[i]});
    points.push_back(losses.back().point);
  }
  const std::string used = fmt::format("{} of {} check-ups show a loss that is told from zero", losses.size(), later);
  if (losses.size() < power_points_min)
    return fail(Fault::refused, fmt::format("{}; an exponent needs {}{}", used, power_points_min,
                                            course->left_out.empty() ? "" : ": " + course->left_out));
  const std::optional<PowerFit> fit = fit_power_law(points);
  if (!fit) return fail(Fault::refused, "no power law was found through the losses");
  Measured result;
  result.value = fit->exponent;
  result.budget.push_back(contribution_of_fit(*fit, losses.size()));
  add_shared(m, losses, *fit, result);
  result.note = fmt::format("{}, from {:.3g} to {:.3g} days: {:.3g} % times days to the power of {:.3f}", used, points.front().x,
                            points.back().x, fit->factor, fit->exponent);
  if (!course->left_out.empty()) add_note(result, course->left_out);
  return result;
}

Result<Measured> measure_growth_exponent(const Measuring& m) {
  const std::vector<std::size_t> all = find_all(m.run, m.request.step);
  if (all.empty()) return find_last(m.run, m.request.step).error();
  const Result<Growths> growths = growths_of(m, all);
  if (!growths) return growths.error();
  const std::string used = fmt::format("{} of {} check-ups show a growth of the resistance that is told from zero",
                                       growths->told.size(), growths->later);
  if (growths->told.size() < power_points_min)
    return fail(Fault::refused, fmt::format("{}; an exponent needs {}{}", used, power_points_min,
                                            growths->left_out.empty() ? "" : ": " + growths->left_out));
  const std::optional<PowerFit> fit = fit_growth(*growths, 1.0);
  if (!fit) return fail(Fault::refused, "no power law was found through the growth of the resistance");
  std::optional<Contribution> first = contribution_of_first(*growths, fit->exponent);
  if (!first) return fail(Fault::refused, used + "; the first resistance is not known well enough for their exponent");
  Measured result;
  result.value = fit->exponent;
  result.budget.push_back(contribution_of_fit(*fit, growths->told.size()));
  result.budget.push_back(*std::move(first));
  add_temperatures(m, *growths, *fit, result);
  result.note = fmt::format("{}, from {:.3g} to {:.3g} days: {:.3g} % times days to the power of {:.3f}; of the whole resistance",
                            used, growths->told.front().days, growths->told.back().days, fit->factor, fit->exponent);
  if (!growths->left_out.empty()) add_note(result, growths->left_out);
  return result;
}

Result<Measured> measure_pressure_exponent(const Measuring& m) {
  const std::vector<std::size_t> all = find_all(m.run, m.request.step);
  if (all.empty()) return find_last(m.run, m.request.step).error();
  const Result<std::vector<PressedPulse>> pulses = pressed_pulses(m, all);
  if (!pulses) return pulses.error();
  const std::size_t levels = levels_of(points_of(m, *pulses, 0.0)).size();
  if (levels < power_points_min)
    return fail(Fault::refused, fmt::format("'{}' was carried out at {} different pressure{}: an exponent needs {}",
                                            m.request.step, levels, levels == 1 ? "" : "s", power_points_min));
  std::vector<PowerPoint> points = points_of(m, *pulses, 0.0);
  std::optional<PowerFit> fit = fit_power_law(points);
  if (fit) points = points_of(m, *pulses, fit->exponent);  // a second time, with what the pressures' errors do
  if (fit) fit = fit_power_law(points);
  if (!fit) return fail(Fault::refused, "no power law was found through the resistances");
  Measured result;
  result.value = -fit->exponent;
  result.budget.push_back(contribution_of_levels(*fit, points));
  if (m.instruments.pressure_MPa) {
    double shifted = 0.0;
    for (std::size_t i = 0; i < pulses->size(); ++i) {
      const PressedPulse& p = (*pulses)[i];
      const double offset_MPa = range_bound(*m.instruments.pressure_MPa, p.pressure_MPa).offset;
      shifted += fit->leverage[i] * fit->exponent * p.resistance.ohm * standard_of_bound(offset_MPa) / p.pressure_MPa;
    }
    result.budget.push_back({"load cell", std::abs(shifted), infinite_dof, "its offset; the gain cancels"});
  }
  add_temperatures(m, *pulses, *fit, result);
  constexpr double mohm_per_ohm = 1e3;
  result.note = fmt::format(
      "{} pulses at {} pressures, R0 {:.3g} mOhm at 1 MPa; of the whole resistance: gains of volt- and ammeter cancel",
      pulses->size(), levels, mohm_per_ohm * fit->factor);
  return result;
}

}  // namespace cellrig::verdict
