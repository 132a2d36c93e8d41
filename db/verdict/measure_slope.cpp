// Signs of a soft short: how fast the voltage falls under a constant charging current, and in the rest after it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "db/verdict/measure_parts.hpp"

namespace cellrig::verdict {
namespace {

constexpr double seconds_per_hour = 3600.0, hours_per_day = 24.0;
constexpr std::size_t window_rows_min = 3;

struct Reading {
  double at_s = 0.0, voltage_V = 0.0, current_A = 0.0;
};

Result<std::vector<Reading>> readings_of(const RunFacts& run, const Execution& e) {
  std::vector<Reading> readings;
  for (const db::StepKey part : e.parts) {
    const Result<void> visited = run.visit(part, [&](const db::SampleRow& row) {
      readings.push_back({static_cast<double>(row.test_time_ns) / 1e9, row.voltage_V, row.current_A});
      return true;
    });
    if (!visited) return visited.error();
  }
  return readings;
}

/// A straight line (least squares) of the voltage over time.
struct VoltageLine {
  double slope_V_per_s = 0.0;
  double variance = 0.0;      ///< of the residuals, V2
  double time_squares = 0.0;  ///< about their mean, s2
  double middle_s = 0.0;
};

/// At least three readings at different times.
VoltageLine line_through(const Reading* begin, const Reading* end) {
  const auto n = static_cast<double>(end - begin);
  double mean_s = 0.0, mean_V = 0.0;
  for (const Reading* r = begin; r != end; ++r) {
    mean_s += (r->at_s - begin->at_s) / n;
    mean_V += (r->voltage_V - begin->voltage_V) / n;
  }
  double tt = 0.0, tv = 0.0, vv = 0.0;
  for (const Reading* r = begin; r != end; ++r) {
    const double t = r->at_s - begin->at_s - mean_s, v = r->voltage_V - begin->voltage_V - mean_V;
    tt += t * t;
    tv += t * v;
    vv += v * v;
  }
  return {tv / tt, std::max(0.0, vv - tv * tv / tt) / (n - 2.0), tt, begin->at_s + mean_s};
}

/// Least step between readings that differ, that is the last digit or less. 0: none do.
double digit_of(const std::vector<Reading>& readings) {
  double digit_V = 0.0;
  for (std::size_t i = 1; i < readings.size(); ++i) {
    const double apart_V = std::abs(readings[i].voltage_V - readings[i - 1].voltage_V);
    if (apart_V > 0.0 && (digit_V == 0.0 || apart_V < digit_V)) digit_V = apart_V;
  }
  return digit_V;
}

/// What the windows of one charge say together.
struct Windows {
  std::size_t count = 0;
  double noise_V = 0.0;  ///< about their lines
  double least_V_per_s = 0.0, time_squares = 0.0, at_s = 0.0, rows = 0.0, voltage_V = 0.0;
  std::string step;
  double digit_V = 0.0;     ///< 0: not known
  double constant_s = 0.0;  ///< of a constant charging current
  double covered_s = 0.0;   ///< of these, within windows
};

/// The current is the same all along: neither its beginning nor its taper.
bool is_constant(const Reading* begin, const Reading* end) {
  constexpr double share_max = 0.01;
  return std::all_of(begin, end, [&](const Reading& r) {
    return r.current_A > 0.0 && std::abs(r.current_A - begin->current_A) <= share_max * begin->current_A;
  });
}

/// Of the windows in the middle, so that a fall in some of them is none of it. The median of squares over their degrees of freedom is a
/// little less than their mean (Wilson and Hilferty).
double noise_of(std::vector<double> variances, double rows) {
  const auto middle = variances.begin() + static_cast<std::ptrdiff_t>(variances.size() / 2);
  std::nth_element(variances.begin(), middle, variances.end());
  const double dof = std::max(1.0, rows - 2.0);
  return std::sqrt(*middle / std::pow(1.0 - 2.0 / (9.0 * dof), 3.0));
}

Windows slide(const std::vector<Reading>& readings, double window_s, const Execution& e) {
  constexpr double just_s = 1e-6, longest = 1.5;  // a window that rows make longer is another one
  const Reading* const first = readings.data();
  std::size_t last = 0;
  double covered_until_s = -std::numeric_limits<double>::infinity();
  Windows windows;
  std::vector<double> variances;  // of one charge only: a life has thousands of them
  windows.digit_V = digit_of(readings);
  for (std::size_t i = 0; i < readings.size(); ++i) {
    if (i > 0 && is_constant(first + i - 1, first + i + 1)) windows.constant_s += readings[i].at_s - readings[i - 1].at_s;
    while (last < readings.size() && readings[last].at_s - readings[i].at_s < window_s - just_s) ++last;
    if (last == readings.size()) continue;
    if (last - i + 1 < window_rows_min || readings[last].at_s - readings[i].at_s > longest * window_s) continue;
    if (!is_constant(first + i, first + last + 1)) continue;
    const VoltageLine line = line_through(first + i, first + last + 1);
    if (!std::isfinite(line.slope_V_per_s)) continue;
    if (variances.empty() || line.slope_V_per_s < windows.least_V_per_s) {
      windows.least_V_per_s = line.slope_V_per_s;
      windows.time_squares = line.time_squares;
      windows.at_s = line.middle_s - e.started_s;
      windows.rows = static_cast<double>(last - i + 1);
      windows.voltage_V = readings[i].voltage_V;
      windows.step = fmt::format("'{}' (step {})", e.name, e.count);
    }
    variances.push_back(line.variance);
    windows.covered_s += readings[last].at_s - std::max(readings[i].at_s, covered_until_s);
    covered_until_s = readings[last].at_s;
  }
  windows.count = variances.size();
  if (windows.count > 0) windows.noise_V = noise_of(std::move(variances), windows.rows);
  return windows;
}

/// Of one charge: each has its own noise. `count`: windows of all charges.
Measured slope_of_charge(const Measuring& m, const Windows& windows, std::size_t count) {
  constexpr double mV_per_V = 1e3;
  const double noise = windows.noise_V;
  const double worst = coverage_factor_of_worst(infinite_dof, static_cast<int>(count)) / coverage_factor(infinite_dof);
  Measured result;
  result.value = mV_per_V * windows.least_V_per_s;
  // The least of many lies below the truth by what they scatter, the further the more of them there are.
  result.budget.push_back({"noise of the voltmeter", mV_per_V * worst * noise / std::sqrt(windows.time_squares), infinite_dof,
                           fmt::format("{:.2g} mV about the lines, of the least of {} windows", mV_per_V * noise, count)});
  // Readings that stand still and jump all err alike; noise greater than half a digit takes care of that.
  if (noise < 0.5 * windows.digit_V)
    result.budget.push_back({"last digit", mV_per_V * standard_of_bound(1.5 * windows.digit_V / m.request.window_s), infinite_dof,
                             "of the voltmeter, at both ends of a window"});
  result.budget.push_back(
      {"gain of the voltmeter",
       std::abs(result.value) * standard_of_bound(range_bound(m.instruments.voltage, windows.voltage_V).gain_fraction),
       infinite_dof, "accuracy of the range used"});
  result.note = fmt::format("least in {}, after {:.0f} s", windows.step, windows.at_s);
  return result;
}

/// The end of a rest, as a line.
struct RestEnd {
  double slope_V_per_day = 0.0, standard_V_per_day = 0.0;  ///< the latter: by the scatter about the line
  double relaxing_V_per_day = 0.0;                         ///< bound of what a relaxation still falls by
  double offset_V = 0.0;                                   ///< bound of the voltmeter's offset there
  double digit_V = 0.0;                                    ///< where the readings stand still and jump; 0: they do not
};

/// What a relaxation falls by in the last `window_h` of a rest of `rest_h`, as a multiple of what the slopes of their halves differ by. Which law it
/// follows nobody knows: the greater one of a logarithm of the time and of an exponential of two days, and twice the difference at least.
double relaxation_over_difference(double rest_h, double window_h) {
  constexpr double slowest_h = 48.0;
  constexpr double curved = 1.1;  // a line through a curve is steeper than the curve in its middle
  const double middle_h = rest_h - 0.5 * window_h;
  const double by_logarithm = 1.0 / middle_h / (1.0 / (middle_h - 0.25 * window_h) - 1.0 / (middle_h + 0.25 * window_h));
  const double by_exponential = 0.5 / std::sinh(0.25 * window_h / slowest_h);
  return std::max(2.0, curved * std::max(by_logarithm, by_exponential));
}

Result<RestEnd> rest_end(const Measuring& m, const Execution& e) {
  const std::string name = fmt::format("'{}' (step {})", e.name, e.count);
  if (!e.is_rest()) return fail(Fault::refused, name + " is no rest");
  if (const Result<void> whole = require_unbroken(m.run, e); !whole) return whole.error();
  constexpr double share_max = 0.75;  // of the rest: before that its relaxation
  constexpr double rounding = 1e-9;
  const double window_s = m.request.last_h * seconds_per_hour;
  if (!(window_s <= share_max * e.seconds * (1.0 + rounding)))
    return fail(Fault::refused,
                fmt::format("{} lasted {:.3g} h: of its last {:g} h a quarter of it is not left before them for the relaxation",
                            name, e.seconds / seconds_per_hour, m.request.last_h));
  const Result<std::vector<Reading>> all = readings_of(m.run, e);
  if (!all) return all.error();
  const auto begin = std::find_if(all->begin(), all->end(), [&](const Reading& r) { return r.at_s >= e.ended_s - window_s; });
  const auto middle = std::find_if(begin, all->end(), [&](const Reading& r) { return r.at_s >= e.ended_s - 0.5 * window_s; });
  constexpr std::ptrdiff_t rows_min = 5;  // of each half
  if (middle - begin < rows_min || all->end() - middle < rows_min)
    return fail(Fault::refused, fmt::format("{} has {} rows in its last {:g} h: too few for a slope", name, all->end() - begin,
                                            m.request.last_h));
  const VoltageLine whole = line_through(&*begin, &*begin + (all->end() - begin));
  const VoltageLine early = line_through(&*begin, &*begin + (middle - begin)),
                    late = line_through(&*middle, &*middle + (all->end() - middle));
  if (!std::isfinite(whole.slope_V_per_s)) return fail(Fault::refused, name + " has readings that are no numbers");
  const double apart = std::abs(early.slope_V_per_s - late.slope_V_per_s);
  const double scatter =
      2.0 * std::hypot(std::sqrt(early.variance / early.time_squares), std::sqrt(late.variance / late.time_squares));
  // Nothing moved all along: a digit is whatever the offset leaves.
  const double offset_V = range_bound(m.instruments.voltage, begin->voltage_V).offset;
  const double digit = digit_of(*all), digit_V = digit > 0.0 ? digit : offset_V;
  const double relaxing = relaxation_over_difference(e.seconds / seconds_per_hour, m.request.last_h);
  const bool stands_and_jumps = std::sqrt(whole.variance) < 0.5 * digit_V;
  return RestEnd{seconds_per_day * whole.slope_V_per_s, seconds_per_day * std::sqrt(whole.variance / whole.time_squares),
                 seconds_per_day * relaxing * std::max(0.0, apart - scatter), offset_V, stands_and_jumps ? digit_V : 0.0};
}

/// Of one rest, which is among `count`.
Measured slope_of_rest(const Measuring& m, const Execution& rest, const RestEnd& end, std::size_t count) {
  constexpr double mV_per_V = 1e3;
  constexpr double share_of_drift =
      0.1;  // of the offset's bound: what a voltmeter drifts by between two looks hours apart, assumed
  const double days = m.request.last_h / hours_per_day;
  // The least of several lies below the truth by what they scatter.
  const double worst = coverage_factor_of_worst(infinite_dof, static_cast<int>(count)) / coverage_factor(infinite_dof);
  Measured result;
  result.value = mV_per_V * end.slope_V_per_day;
  result.budget.push_back({"drift of the voltmeter", worst * mV_per_V * standard_of_bound(share_of_drift * end.offset_V) / days,
                           infinite_dof,
                           fmt::format("a tenth of its offset's bound between the ends, assumed{}",
                                       count > 1 ? fmt::format(", of the least of {}", count) : "")});
  result.budget.push_back({"scatter about the line", worst * mV_per_V * end.standard_V_per_day, infinite_dof, "noise"});
  if (end.digit_V > 0.0)
    result.budget.push_back({"last digit", mV_per_V * standard_of_bound(1.5 * end.digit_V / days), infinite_dof,
                             "of the voltmeter, at both ends of these hours"});
  // It pulls one way: the expanded uncertainty covers it whole.
  result.budget.push_back(
      {"relaxation", mV_per_V * end.relaxing_V_per_day / coverage_factor(infinite_dof), infinite_dof,
       "by what the halves of these hours differ, if it goes on by the logarithm of the time or over two days"});
  result.note = fmt::format("the last {:g} h of '{}' (step {}), which lasted {:.3g} h{}", m.request.last_h, rest.name, rest.count,
                            rest.seconds / seconds_per_hour, count > 1 ? fmt::format("; the steepest of {} rests", count) : "");
  return result;
}

}  // namespace

Result<Measured> slope_of_charges(const Measuring& m, const std::vector<std::size_t>& all) {
  std::vector<Windows> charges;
  std::size_t count = 0;
  double constant_s = 0.0, covered_s = 0.0;
  for (const std::size_t index : all) {
    const Execution& e = m.run.executions[index];
    if (const Result<void> whole = require_unbroken(m.run, e); !whole) return whole.error();
    const Result<std::vector<Reading>> readings = readings_of(m.run, e);
    if (!readings) return readings.error();
    charges.push_back(slide(*readings, m.request.window_s, e));
    if (charges.back().count == 0)
      return fail(Fault::refused, fmt::format("'{}' (step {}) has no {:g} s of constant charging current with {} rows or more",
                                              e.name, e.count, m.request.window_s, window_rows_min));
    count += charges.back().count;
    constant_s += charges.back().constant_s;
    covered_s += charges.back().covered_s;
  }
  // A short that nobody looked at is none that was not there.
  constexpr double covered_min = 0.9;
  if (!(covered_s >= covered_min * constant_s))
    return fail(Fault::refused,
                fmt::format("only {:.0f} % of the constant charging current lies within windows of {:g} s with {} rows "
                            "or more: record as often all along",
                            100.0 * covered_s / constant_s, m.request.window_s, window_rows_min));
  std::vector<Measured> slopes;
  for (const Windows& windows : charges) slopes.push_back(slope_of_charge(m, windows, count));
  Measured result = worst_of(slopes, false);
  result.note +=
      fmt::format("; of {} windows of {:g} s in {} charge{}", count, m.request.window_s, all.size(), all.size() == 1 ? "" : "s");
  return result;
}

Result<Measured> slope_of_rests(const Measuring& m, const std::vector<std::size_t>& all) {
  if (!(m.request.last_h > 0.0))
    return fail(Fault::refused, "the slope of a rest is of its last hours: 'last_h' is not above zero");
  std::vector<Measured> slopes;
  for (const std::size_t index : all) {
    const Result<RestEnd> end = rest_end(m, m.run.executions[index]);
    if (!end) return end.error();
    slopes.push_back(slope_of_rest(m, m.run.executions[index], *end, all.size()));
  }
  return worst_of(slopes, false);
}

Result<Measured> measure_voltage_slope(const Measuring& m) {
  const std::vector<std::size_t> all = find_all(m.run, m.request.step);
  if (all.empty()) return find_last(m.run, m.request.step).error();
  return slope_of_charges(m, all);
}

Result<Measured> measure_rest_slope(const Measuring& m) {
  const std::vector<std::size_t> all = find_all(m.run, m.request.step);
  if (all.empty()) return find_last(m.run, m.request.step).error();
  return slope_of_rests(m, all);
}

}  // namespace cellrig::verdict
