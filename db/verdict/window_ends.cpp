#include "db/verdict/window_ends.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace cellrig::verdict {
namespace {

constexpr double slope_span_V = 0.03;  ///< over which a slope is taken: above a converter's noise, below where a curve bends
constexpr double short_span_V = 0.01;  ///< where the greater of two slopes counts, of a curve that may bend just there
/// A curve that is flatter than that over its whole length has no slope that could be read from it.
constexpr double least_span_V = 0.003;
constexpr double like_temperature_K = 5.0;  ///< so near two resistances are alike
constexpr std::size_t points_max = 20'000;

/// Time constants of the slow processes by which a rest is told: what lies between them two of them tell together.
constexpr std::array<double, 5> slow_s{12.0, 60.0, 300.0, 1500.0, 7500.0};
constexpr double rest_least_s = 60.0;   ///< a shorter one tells too little
constexpr double rest_most_s = 7200.0;  ///< what falls later is self-discharge as well
constexpr double counted_share = 0.8;   ///< of the resistances by a rest, so that the slope rather comes out too great
/// Of a resistance by a discharge at least, and all of it at most: by how much slow processes deceive, nobody knows without a rest.
constexpr double discharge_share_least = 0.6;

struct Point {
  double at_s = 0.0;      ///< of test time
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
          add_point(curve,
                    {static_cast<double>(row.test_time_ns) * 1e-9, before_Ah + moved_Ah, row.voltage_V, std::abs(row.current_A)});
        return true;
      });
      if (!visited) return visited.error();
      before_Ah += moved_Ah;
    }
  }
  return curve;
}

/// A straight line of the voltage over the charge (least squares), from the end of a curve back; each point counts by the charge it stands for.
class LineFromEnd {
 public:
  explicit LineFromEnd(const Point& end) : end_{end} {}
  void add(const Point& p, double weight) {
    const double q = end_.moved_Ah - p.moved_Ah, v = p.voltage_V - end_.voltage_V;
    ++points_;
    length_Ah_ = q;
    w_ += weight;
    q_ += weight * q;
    v_ += weight * v;
    qq_ += weight * q * q;
    qv_ += weight * q * v;
    vv_ += weight * v * v;
  }
  [[nodiscard]] std::size_t points() const { return points_; }
  [[nodiscard]] double length_Ah() const { return length_Ah_; }
  /// What it rises or falls by over its length.
  [[nodiscard]] double apart_V() const { return spread() > 0.0 ? std::abs(together() / spread()) * length_Ah_ : 0.0; }
  /// Standard uncertainty of that, by the scatter about the line.
  [[nodiscard]] double standard_V() const {
    if (points_ < 3 || !(spread() > 0.0)) return 0.0;
    const double variance = std::max(0.0, vv_ / w_ - v_ * v_ / (w_ * w_) - together() * together() / spread());
    return std::sqrt(12.0 * variance / (static_cast<double>(points_) - 2.0));
  }

 private:
  [[nodiscard]] double spread() const { return w_ > 0.0 ? qq_ / w_ - q_ * q_ / (w_ * w_) : 0.0; }
  [[nodiscard]] double together() const { return qv_ / w_ - q_ * v_ / (w_ * w_); }

  Point end_;
  std::size_t points_ = 0;
  double length_Ah_ = 0.0, w_ = 0.0, q_ = 0.0, v_ = 0.0, qq_ = 0.0, qv_ = 0.0, vv_ = 0.0;
};

/// |dQ/dV| over so much of the end of a curve: of the longest line from the end that does not go beyond it, straight between two lengths, so
/// that it follows the curve without steps. A single reading at either end decides nothing where there are many.
double slope_at_end(const Curve& curve, double span_V = slope_span_V) {
  constexpr std::size_t points_min = 8;  // fewer may go beyond it by their noise alone
  constexpr double sure = 4.0;           // standard uncertainties
  if (curve.size() < 2) return 0.0;
  LineFromEnd line{curve.back()};
  double before_Ah = 0.0, before_V = 0.0, found_Ah = 0.0;
  for (std::size_t i = curve.size(); i-- > 0;) {
    const double older_Ah = i > 0 ? curve[i].moved_Ah - curve[i - 1].moved_Ah : 0.0;
    const double newer_Ah = i + 1 < curve.size() ? curve[i + 1].moved_Ah - curve[i].moved_Ah : 0.0;
    line.add(curve[i], 0.5 * (std::abs(older_Ah) + std::abs(newer_Ah)));
    const double apart_V = line.apart_V();
    if (before_V <= span_V && apart_V > span_V) {
      const double share = (span_V - before_V) / (apart_V - before_V);
      found_Ah = before_Ah + share * (line.length_Ah() - before_Ah);
    }
    if (line.points() >= points_min && apart_V - sure * line.standard_V() > span_V) break;
    before_Ah = line.length_Ah();
    before_V = apart_V;
  }
  if (line.apart_V() > span_V) return std::abs(found_Ah) / span_V;
  return std::abs(line.length_Ah()) / std::max(line.apart_V(), least_span_V);
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
    return Point{below.at_s + share * (above->at_s - below.at_s), moved_Ah,
                 below.voltage_V + share * (above->voltage_V - below.voltage_V),
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

/// What the charge's voltage would have been with its last current, from its end back to where the resistance is known, with so much of it.
Curve at_last_current(const Curve& charge, const Resistance& resistance, double share) {
  Curve curve;
  const Point& end = charge.back();
  for (std::size_t i = charge.size(); i-- > 0;) {
    const Point& p = charge[i];
    const std::optional<double> ohm = resistance(p, end);
    if (!ohm) break;
    curve.push_back({p.at_s, p.moved_Ah, p.voltage_V - share * *ohm * (p.current_A - end.current_A), end.current_A});
  }
  std::reverse(curve.begin(), curve.end());
  return curve;
}

/// A current, and behind it what each slow process has felt of it. Times as many resistances it is a voltage.
using Felt = std::array<double, slow_s.size() + 1>;

double voltage_of(const Felt& felt, const Felt& ohm) {
  double sum_V = 0.0;
  for (std::size_t k = 0; k < felt.size(); ++k) sum_V += felt[k] * ohm[k];
  return sum_V;
}

/// At each point of a charge that began at rest. Between two points flowed what was counted.
std::vector<Felt> felt_by(const Curve& charge) {
  std::vector<Felt> all(charge.size(), Felt{});
  for (std::size_t i = 0; i < charge.size(); ++i) {
    all[i][0] = charge[i].current_A;
    if (i == 0) continue;
    const double seconds = charge[i].at_s - charge[i - 1].at_s;
    for (std::size_t k = 0; k < slow_s.size(); ++k) {
      const double before_A = all[i - 1][k + 1];
      const double mean_A = seconds > 0.0 ? 3600.0 * (charge[i].moved_Ah - charge[i - 1].moved_Ah) / seconds : before_A;
      all[i][k + 1] = before_A + (mean_A - before_A) * (1.0 - std::exp(-seconds / slow_s[k]));
    }
  }
  return all;
}

/// The voltage that a charge was held at when it ended: a mean, of what one reading is not known to.
double held_V(const Curve& charge, double cv_seconds) {
  constexpr std::size_t rows_max = 20;
  double sum_V = 0.0;
  std::size_t rows = 0;
  for (std::size_t i = charge.size(); i-- > 0 && rows < rows_max;) {
    if (rows > 0 && charge.back().at_s - charge[i].at_s > cv_seconds) break;
    sum_V += charge[i].voltage_V;
    ++rows;
  }
  return sum_V / static_cast<double>(rows);
}

/// What a voltage fell by, so long after the last current.
struct Fall {
  double after_s = 0.0, fall_V = 0.0;
};

/// In the rest after a charge, the later the sparser, each the mean of the readings up to the next. Empty: there is none, or it tells too little.
Result<std::vector<Fall>> falls_after(const RunFacts& run, std::size_t charge, const Point& end) {
  constexpr double sparser = 1.1;
  std::vector<Fall> falls;
  if (charge + 1 >= run.executions.size() || !run.executions[charge + 1].is_rest() || !(end.current_A > 0.0)) return falls;
  const Execution& rest = run.executions[charge + 1];
  if (rest.parts.empty()) return falls;
  Fall sum;
  double from_s = 0.0, last_s = 0.0, readings = 0.0;
  const auto close = [&] {
    if (readings > 0.0) falls.push_back({sum.after_s / readings, sum.fall_V / readings});
    sum = {};
    readings = 0.0;
  };
  const Result<void> visited = run.visit(rest.parts.front(), [&](const db::SampleRow& row) {
    const double after_s = static_cast<double>(row.test_time_ns) * 1e-9 - end.at_s;
    if (after_s > rest_most_s) return false;
    const bool is_off = std::abs(row.current_A) < 0.5 * end.current_A;  // the first sample may be from before it was
    if (!is_off || !std::isfinite(row.voltage_V) || after_s < 0.0) return true;
    if (readings > 0.0 && after_s >= sparser * from_s) close();
    if (readings == 0.0) from_s = after_s;
    last_s = after_s;
    sum.after_s += after_s;
    sum.fall_V += end.voltage_V - row.voltage_V;
    readings += 1.0;
    return true;
  });
  if (!visited) return visited.error();
  if (last_s < rest_least_s) return std::vector<Fall>{};
  close();
  return falls;
}

/// Resistances, none of them negative, by which a rest falls as it did (least squares): what earlier and greater currents left in a slow
/// process falls in it, too, and is not laid to the last current.
Felt resistances_of(const Felt& at_end, const std::vector<Fall>& falls) {
  constexpr int rounds_max = 1000;
  constexpr double settled = 1e-5;
  std::array<Felt, std::tuple_size_v<Felt>> products{};
  Felt wanted{}, ohm{};
  for (const Fall& fall : falls) {
    Felt row = at_end;
    for (std::size_t k = 0; k < slow_s.size(); ++k) row[k + 1] *= 1.0 - std::exp(-fall.after_s / slow_s[k]);
    for (std::size_t i = 0; i < row.size(); ++i) {
      wanted[i] += row[i] * fall.fall_V;
      for (std::size_t k = 0; k < row.size(); ++k) products[i][k] += row[i] * row[k];
    }
  }
  for (int round = 0; round < rounds_max; ++round) {
    double changed = 0.0, sum = 0.0;
    for (std::size_t i = 0; i < ohm.size(); ++i) {
      if (!(products[i][i] > 0.0)) continue;
      const double here = std::max(0.0, ohm[i] + (wanted[i] - voltage_of(products[i], ohm)) / products[i][i]);
      changed += std::abs(here - ohm[i]);
      sum += here;
      ohm[i] = here;
    }
    if (changed <= settled * sum) break;
  }
  return ohm;
}

/// As at_last_current, where a rest has told the resistances.
Curve at_last_felt(const Curve& charge, const std::vector<Felt>& felt, const Felt& ohm) {
  Curve curve = charge;
  const double end_V = voltage_of(felt.back(), ohm);
  for (std::size_t i = 0; i < curve.size(); ++i) curve[i].voltage_V -= counted_share * (voltage_of(felt[i], ohm) - end_V);
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

/// The greater one over a long and a short end.
double greatest_slope(const Curve& curve) { return std::max(slope_at_end(curve), slope_at_end(curve, short_span_V)); }

/// The greatest slope of those that the discharge leaves possible.
Result<double> slope_by_discharge(const RunFacts& run, const Curve& charge, const Execution& last, std::size_t next) {
  Result<Curve> discharge = curve_of(run, {discharge_for(run, last, next)});
  if (!discharge) return discharge.error();
  const Resistance resistance = resistance_by(Discharge{std::move(*discharge)});
  constexpr int steps = 5;
  double greatest = 0.0;
  for (int i = 0; i <= steps; ++i) {
    const Curve slow = at_last_current(charge, resistance, discharge_share_least + (1.0 - discharge_share_least) * i / steps);
    greatest = std::max(greatest, greatest_slope(slow.size() < 2 ? charge : slow));
  }
  return greatest;
}

Result<double> slope_at_top(const RunFacts& run, const std::vector<std::size_t>& stages, std::size_t next) {
  const Execution& last = run.executions[stages.back()];
  const Result<Curve> charge = curve_of(run, stages);
  if (!charge) return charge.error();
  if (charge->size() < 2) return 0.0;
  if (!(last.cv_seconds > 0.0)) return slope_at_end(*charge);
  Point held = charge->back();
  held.voltage_V = held_V(*charge, last.cv_seconds);
  const Result<std::vector<Fall>> falls = falls_after(run, stages.back(), held);
  if (!falls) return falls.error();
  const Result<double> by_discharge = slope_by_discharge(run, *charge, last, next);
  if (!by_discharge || falls->empty()) return by_discharge;
  const std::vector<Felt> felt = felt_by(*charge);
  const double by_rest = greatest_slope(at_last_felt(*charge, felt, resistances_of(felt.back(), *falls)));
  // A fall that is lost in the noise or between two digits of the voltmeter tells no resistance, and the slope is boundless.
  const bool is_like = apart_K(run.executions[discharge_for(run, last, next)], last) <= like_temperature_K;
  return is_like ? std::min(by_rest, *by_discharge) : by_rest;
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
