#include "db/verdict/window_ends.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace cellrig::verdict {
namespace {

constexpr double slope_span_V = 0.03;  ///< over which a slope is taken: above a converter's noise, below where a curve bends
/// A curve that is flatter than that over its whole length has no slope that could be read from it.
constexpr double least_span_V = 0.003;
constexpr double like_temperature_K = 5.0;  ///< so near two resistances are alike
constexpr std::size_t points_max = 20'000;

struct Point {
  double moved_Ah = 0.0;  ///< since the curve began
  double voltage_V = 0.0, current_A = 0.0;
};
using Curve = std::vector<Point>;

/// Every second point is fine enough where there are many.
void add_point(Curve& curve, const Point& point) {
  if (curve.size() >= points_max) {
    for (std::size_t i = 0; 2 * i < curve.size(); ++i) curve[i] = curve[2 * i];
    curve.resize(points_max / 2);
  }
  curve.push_back(point);
}

/// The curve of executions one after the other; the current as a magnitude.
Result<Curve> curve_of(const RunFacts& run, const std::vector<std::size_t>& indices) {
  Curve curve;
  double before_Ah = 0.0;
  for (const std::size_t index : indices) {
    for (const db::StepKey part : run.executions[index].parts) {
      double moved_Ah = 0.0;
      const Result<void> visited = run.visit(part, [&](const db::SampleRow& row) {
        moved_Ah = std::abs(row.charge_Ah - row.discharge_Ah);
        if (std::isfinite(row.voltage_V) && std::isfinite(row.current_A))
          add_point(curve, {before_Ah + moved_Ah, row.voltage_V, std::abs(row.current_A)});
        return true;
      });
      if (!visited) return visited.error();
      before_Ah += moved_Ah;
    }
  }
  return curve;
}

/// |dQ/dV| over the last slope_span_V of a curve, straight between two points, so that it follows the curve without steps.
double slope_at_end(const Curve& curve) {
  if (curve.size() < 2) return 0.0;
  const Point& end = curve.back();
  double apart_before_V = 0.0;
  for (std::size_t i = curve.size() - 1; i-- > 0;) {
    const double apart_V = std::abs(curve[i].voltage_V - end.voltage_V);
    if (apart_V < slope_span_V) {
      apart_before_V = apart_V;
      continue;
    }
    const double share = (slope_span_V - apart_before_V) / (apart_V - apart_before_V);
    const double there_Ah = curve[i + 1].moved_Ah + share * (curve[i].moved_Ah - curve[i + 1].moved_Ah);
    return std::abs(end.moved_Ah - there_Ah) / slope_span_V;
  }
  const double whole_V = std::abs(curve.front().voltage_V - end.voltage_V);
  return std::abs(end.moved_Ah - curve.front().moved_Ah) / std::max(whole_V, least_span_V);
}

/// Voltage and current of a discharge that began full, after so much of it.
class Discharge {
 public:
  explicit Discharge(Curve curve) : curve_{std::move(curve)} {}
  [[nodiscard]] std::optional<Point> after(double moved_Ah) const {
    const auto above = std::lower_bound(curve_.begin(), curve_.end(), moved_Ah,
                                        [](const Point& p, double wanted_Ah) { return p.moved_Ah < wanted_Ah; });
    if (above == curve_.end()) return std::nullopt;
    if (above == curve_.begin()) return *above;
    const Point& below = *(above - 1);
    const double share = (moved_Ah - below.moved_Ah) / (above->moved_Ah - below.moved_Ah);
    return Point{moved_Ah, below.voltage_V + share * (above->voltage_V - below.voltage_V),
                 below.current_A + share * (above->current_A - below.current_A)};
  }

 private:
  Curve curve_;
};

/// The resistance at a point of a charge that ended with `end`; none: nothing is known of it there.
using Resistance = std::function<std::optional<double>(const Point& here, const Point& end)>;

/// Between charge and discharge in the same state, counted from full.
Resistance resistance_by(Discharge discharge) {
  return [discharge = std::move(discharge)](const Point& here, const Point& end) -> std::optional<double> {
    const std::optional<Point> back = discharge.after(std::max(0.0, end.moved_Ah - here.moved_Ah));
    if (!back) return std::nullopt;
    const double sum_A = here.current_A + back->current_A;
    return sum_A > 0.0 ? std::max(0.0, (here.voltage_V - back->voltage_V) / sum_A) : 0.0;
  };
}

/// What the charge's voltage would have been with its last current, from its end back to where the resistance is known.
Curve at_last_current(const Curve& charge, const Resistance& resistance) {
  Curve curve;
  const Point& end = charge.back();
  for (std::size_t i = charge.size(); i-- > 0;) {
    const Point& p = charge[i];
    const std::optional<double> ohm = resistance(p, end);
    if (!ohm) break;
    curve.push_back({p.moved_Ah, p.voltage_V - *ohm * (p.current_A - end.current_A), end.current_A});
  }
  std::reverse(curve.begin(), curve.end());
  return curve;
}

bool follows_a_charge(const RunFacts& run, std::size_t index) {
  while (index-- > 0) {
    if (!run.executions[index].is_rest()) return run.executions[index].is_charge();
  }
  return false;
}

double apart_K(const Execution& a, const Execution& b) {
  if (!a.cell_temperature_max_degC || !b.cell_temperature_max_degC) return 0.0;
  return std::abs(*a.cell_temperature_max_degC - *b.cell_temperature_max_degC);
}

/// The discharge whose resistance is that of the charge: the next one, unless it was colder or warmer and another one was not.
std::size_t discharge_for(const RunFacts& run, const Execution& charge, std::size_t next) {
  std::size_t best = next;
  if (apart_K(run.executions[next], charge) <= like_temperature_K) return best;
  for (std::size_t i = 0; i < run.executions.size(); ++i) {
    const Execution& e = run.executions[i];
    if (e.is_rest() || e.is_charge() || !e.has_ended || !follows_a_charge(run, i)) continue;
    if (apart_K(e, charge) < apart_K(run.executions[best], charge)) best = i;
  }
  return best;
}

/// Of a charge that no discharge is like: what its voltage fell by when its last current ended. None without a rest after it.
Result<std::optional<double>> resistance_of_rest(const RunFacts& run, std::size_t charge, const Point& end) {
  if (charge + 1 >= run.executions.size() || !run.executions[charge + 1].is_rest() || !(end.current_A > 0.0))
    return std::optional<double>{};
  const Result<Ends> rest = ends_of(run, run.executions[charge + 1]);
  if (!rest) return rest.error();
  return std::optional{std::max(0.0, (end.voltage_V - rest->last.voltage_V) / end.current_A)};
}

Result<Resistance> resistance_for(const RunFacts& run, std::size_t charge, const Point& end, std::size_t next) {
  const std::size_t index = discharge_for(run, run.executions[charge], next);
  if (apart_K(run.executions[index], run.executions[charge]) > like_temperature_K) {
    const Result<std::optional<double>> ohm = resistance_of_rest(run, charge, end);
    if (!ohm) return ohm.error();
    if (*ohm) return Resistance{[ohm = *ohm](const Point&, const Point&) { return ohm; }};
  }
  Result<Curve> discharge = curve_of(run, {index});
  if (!discharge) return discharge.error();
  return resistance_by(Discharge{std::move(*discharge)});
}

Result<double> slope_at_top(const RunFacts& run, const std::vector<std::size_t>& stages, std::size_t next) {
  const Execution& last = run.executions[stages.back()];
  const Result<Curve> charge = curve_of(run, stages);
  if (!charge) return charge.error();
  if (charge->size() < 2) return 0.0;
  if (!(last.cv_seconds > 0.0)) return slope_at_end(*charge);
  const Result<Resistance> resistance = resistance_for(run, stages.back(), charge->back(), next);
  if (!resistance) return resistance.error();
  const Curve slow = at_last_current(*charge, *resistance);
  return slope_at_end(slow.size() < 2 ? *charge : slow);
}

}  // namespace

Result<EndSlopes> end_slopes(const RunFacts& run, std::size_t index) {
  EndSlopes slopes;
  const Execution& discharge = run.executions[index];
  if (!discharge.is_charge() && discharge.ended_by.starts_with("voltage_V <=")) {
    const Result<Curve> curve = curve_of(run, {index});
    if (!curve) return curve.error();
    slopes.bottom_Ah_per_V = slope_at_end(*curve);
    if (!curve->empty()) slopes.bottom_V = curve->back().voltage_V;
  }
  std::vector<std::size_t> stages;
  for (std::size_t i = index; i-- > 0;) {
    const Execution& before = run.executions[i];
    if (before.is_rest()) continue;
    if (!before.is_charge()) break;
    stages.insert(stages.begin(), i);
  }
  if (stages.empty()) return slopes;
  const Execution& last = run.executions[stages.back()];
  if (!(last.cv_seconds > 0.0) && !last.ended_by.starts_with("voltage_V >=")) return slopes;
  const Result<double> slope = slope_at_top(run, stages, index);
  if (!slope) return slope.error();
  slopes.top_Ah_per_V = *slope;
  const Result<Ends> ends = ends_of(run, last);
  if (!ends) return ends.error();
  slopes.top_V = ends->last.voltage_V;
  return slopes;
}

}  // namespace cellrig::verdict
