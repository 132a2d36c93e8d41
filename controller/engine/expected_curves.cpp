#include "controller/engine/expected_curves.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cellrig {
namespace {

/// In bands. While a step lasts its points are thinned out again and again, and what each round is wrong by adds up.
constexpr double least_share = 0.001;
constexpr double straight_share = 0.05;    ///< of the band: what a point that is left out may be off the line
constexpr double sensor_bend = 1e3;        ///< in bands: more than a curve does
constexpr double differing_share = 0.5;    ///< of the band: see CurveGatherer
constexpr std::uint64_t nothing_kept = 0;  ///< instead of an execution, that a way has met

double between(double a, double b, double share) { return a + share * (b - a); }

/// Straight between its neighbours; where they coincide, the first.
ExpectedPoint point_between(const ExpectedPoint& a, const ExpectedPoint& b, double at) {
  const double share = b.at > a.at ? (at - a.at) / (b.at - a.at) : 0.0;
  return {at, between(a.voltage_V, b.voltage_V, share), between(a.cell_degC, b.cell_degC, share),
          between(a.around_degC, b.around_degC, share)};
}

ExpectedPoint point_at(const std::vector<ExpectedPoint>& points, double at) {
  const auto next =
      std::lower_bound(points.begin(), points.end(), at, [](const ExpectedPoint& p, double value) { return p.at < value; });
  if (next == points.begin()) return points.front();
  if (next == points.end()) return points.back();
  return point_between(*(next - 1), *next, at);
}

template <class Value>
std::optional<ExpectedRange> range_within(const std::vector<ExpectedPoint>& points, double from, double to, Value value) {
  if (points.empty()) return std::nullopt;
  std::optional<ExpectedRange> range;
  const auto include = [&range, &value](const ExpectedPoint& point) {
    const double v = value(point);
    if (!std::isfinite(v)) return;
    if (!range) range = ExpectedRange{v, v};
    range->min = std::min(range->min, v);
    range->max = std::max(range->max, v);
  };
  const double first = std::clamp(from, points.front().at, points.back().at);
  const double last = std::clamp(to, points.front().at, points.back().at);
  include(point_at(points, first));
  include(point_at(points, last));
  auto inside =
      std::lower_bound(points.begin(), points.end(), first, [](const ExpectedPoint& p, double at) { return p.at < at; });
  for (; inside != points.end() && inside->at <= last; ++inside) include(*inside);
  return range;
}

/// How far a point is off the line between its neighbours, in bands.
double bend(const ExpectedPoint& before, const ExpectedPoint& point, const ExpectedPoint& after, const Expectation& band) {
  const ExpectedPoint line = point_between(before, after, point.at);
  const double volts = std::abs(point.voltage_V - line.voltage_V) / band.voltage_V;
  // A sensor that came or went is a bend as well; one that was never there is none.
  const bool was_known = std::isfinite(line.rise_K()), is_known = std::isfinite(point.rise_K());
  if (was_known != is_known) return sensor_bend;
  return is_known ? std::max(volts, std::abs(point.rise_K() - line.rise_K()) / band.temperature_K) : volts;
}

/// Leaves out every second inner point, from `first` on, that is less than `limit` off. True: something was left out.
bool leave_out(std::vector<ExpectedPoint>& points, std::size_t first, double limit, const Expectation& band) {
  std::vector<ExpectedPoint> left;
  left.reserve(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const bool is_candidate = i >= first && (i - first) % 2 == 0 && i > 0 && i + 1 < points.size();
    if (!is_candidate || !(bend(points[i - 1], points[i], points[i + 1], band) < limit)) left.push_back(points[i]);
  }
  const bool is_fewer = left.size() < points.size();
  points = std::move(left);
  return is_fewer;
}

void leave_out_all(std::vector<ExpectedPoint>& points, double limit, const Expectation& band) {
  bool is_fewer = true;
  while (is_fewer) {
    const bool was_odd = leave_out(points, 1, limit, band);
    is_fewer = leave_out(points, 2, limit, band) || was_odd;
  }
}

}  // namespace

Coordinate coordinate_of(const Step& step) {
  return step.setpoint && !step.course ? Coordinate::charge_Ah : Coordinate::step_time_s;
}

std::optional<ExpectedRange> ExpectedCurve::voltage_within(double from, double to) const {
  return range_within(points, from, to, [](const ExpectedPoint& p) { return p.voltage_V; });
}

std::optional<ExpectedRange> ExpectedCurve::rise_within(double from, double to) const {
  return range_within(points, from, to, [](const ExpectedPoint& p) { return p.rise_K(); });
}

const ExpectedCurve* ExpectedCurves::find(std::uint32_t instruction, std::uint64_t execution) const {
  const auto is_before = [](const std::pair<std::uint32_t, std::uint64_t>& wanted, const ExpectedCurve& curve) {
    return wanted < std::pair{curve.instruction, curve.execution};
  };
  const auto after = std::upper_bound(curves.begin(), curves.end(), std::pair{instruction, execution}, is_before);
  if (after == curves.begin() || (after - 1)->instruction != instruction || (after - 1)->points.empty()) return nullptr;
  return &*(after - 1);
}

ExpectedCurves::Found ExpectedCurves::find(const StepEntry& visit) const {
  if (ways.empty()) {
    const ExpectedCurve* const counted = find(visit.instruction, visit.execution);
    return {counted != nullptr, counted};
  }
  if (!visit.way) return {};
  const ExpectedWay wanted{visit.instruction, *visit.way, visit.passes, visit.execution};
  const auto is_of_way = [&wanted](const ExpectedWay& entry) {
    return entry.instruction == wanted.instruction && entry.way == wanted.way;
  };
  auto entry = std::upper_bound(ways.begin(), ways.end(), wanted);
  const bool has_before = entry != ways.begin() && is_of_way(*(entry - 1));
  const bool has_after = entry != ways.end() && is_of_way(*entry);
  // Of the visits in these very passes the rehearsal's first stands for those before it, too.
  const bool is_before_first =
      has_after && entry->passes == wanted.passes && !(has_before && (entry - 1)->passes == wanted.passes);
  if (has_before && !is_before_first) --entry;
  if (entry == ways.end() || !is_of_way(*entry)) return {};
  return {true, entry->is_kept ? find(entry->instruction, entry->execution) : nullptr};
}

// ---- making them ----------------------------------------------------------------------------------------------------

void CurveGatherer::begin_step(const StepEntry& visit) {
  visit_ = visit;
  const Step& step = std::get<Step>(program_.code[visit.instruction]);
  present_ = ExpectedCurve{.instruction = visit.instruction, .execution = visit.execution, .coordinate = coordinate_of(step)};
  stretches_.clear();
  stretch_s_ = step.course ? std::max(1.0, to_seconds(step.course->period)) : 0.0;
}

void CurveGatherer::look(const StepMoment& moment) {
  if (!present_ || !moment.voltage.usable() || !std::isfinite(moment.at)) return;
  ExpectedPoint point{.at = moment.at, .voltage_V = moment.voltage.value};
  if (moment.cell_temperature.usable()) point.cell_degC = moment.cell_temperature.value;
  if (moment.around_degC) point.around_degC = *moment.around_degC;
  if (stretch_s_ > 0) return add_to_stretch(point);
  // In a taper without a current its noise may take a little of the charge back.
  if (!present_->points.empty()) point.at = std::max(point.at, present_->points.back().at);
  present_->points.push_back(point);
  if (present_->points.size() >= 2 * curve_points_max) thin(curve_points_max);
}

/// A course bends at every change of its current: what counts is between which voltages it runs, for as long as a pass takes or longer.
void CurveGatherer::add_to_stretch(const ExpectedPoint& point) {
  if (stretches_.empty() || point.at >= stretches_.back().from + stretch_s_) {
    if (stretches_.size() >= course_stretches_max) {
      stretch_s_ *= 2;
      std::vector<Stretch> fewer;
      for (const Stretch& stretch : stretches_) {
        const double from = std::floor(stretch.from / stretch_s_) * stretch_s_;
        if (fewer.empty() || from > fewer.back().from) {
          fewer.push_back(stretch);
          fewer.back().from = from;
          continue;
        }
        if (stretch.least.voltage_V < fewer.back().least.voltage_V) fewer.back().least = stretch.least;
        if (stretch.most.voltage_V > fewer.back().most.voltage_V) fewer.back().most = stretch.most;
      }
      stretches_ = std::move(fewer);
    }
    if (stretches_.empty() || point.at >= stretches_.back().from + stretch_s_) {
      stretches_.push_back({std::floor(point.at / stretch_s_) * stretch_s_, point, point});
      return;
    }
  }
  Stretch& stretch = stretches_.back();
  if (point.voltage_V < stretch.least.voltage_V) stretch.least = point;
  if (point.voltage_V > stretch.most.voltage_V) stretch.most = point;
}

void CurveGatherer::close_stretches() {
  present_->stretch_s = stretch_s_;
  for (const Stretch& stretch : stretches_) {
    present_->points.push_back(stretch.least);
    present_->points.push_back(stretch.most);
    present_->points[present_->points.size() - 2].at = stretch.from;
    present_->points.back().at = stretch.from + stretch_s_ / 2;
  }
}

/// The limit grows until few enough are left: what is left out first is what matters least.
void CurveGatherer::thin(std::size_t count_max) {
  for (double limit = least_share; present_->points.size() > count_max; limit *= 2)
    leave_out_all(present_->points, limit, program_.expectation);
}

bool CurveGatherer::differs(const ExpectedCurve& kept) const {
  const ExpectedCurve& present = *present_;
  if (kept.points.empty() || present.points.empty() || kept.ends_at.has_value() != present.ends_at.has_value()) return true;
  const Expectation& band = program_.expectation;
  const bool is_charge = present.coordinate == Coordinate::charge_Ah;
  double room = is_charge ? differing_share * band.capacity_pct / 100.0 * program_.nominal_capacity.value() : 0.0;
  if (is_charge && present.ends_at && std::abs(*present.ends_at - *kept.ends_at) > room) return true;
  if (present.stretch_s != kept.stretch_s) return true;
  room = std::max(room, kept.stretch_s);
  const auto is_outside = [](double value, const std::optional<ExpectedRange>& range, double width) {
    return std::isfinite(value) && range && !(value >= range->min - width && value <= range->max + width);
  };
  return std::any_of(present.points.begin(), present.points.end(), [&](const ExpectedPoint& p) {
    return is_outside(p.voltage_V, kept.voltage_within(p.at - room, p.at + room), differing_share * band.voltage_V) ||
           is_outside(p.rise_K(), kept.rise_within(p.at - room, p.at + room), differing_share * band.temperature_K);
  });
}

void CurveGatherer::end_step(double ends_at, bool ended_by_itself) {
  if (!present_) return;
  if (ended_by_itself) present_->ends_at = ends_at;
  if (stretch_s_ > 0) {
    close_stretches();
  } else {
    thin(curve_points_max);
    leave_out_all(present_->points, straight_share, program_.expectation);
  }
  const bool has_points = !present_->points.empty();
  std::vector<ExpectedCurve>& kept = kept_[present_->instruction];
  if (kept.empty() || differs(kept.back())) keep_curve(kept);
  keep_way(kept, has_points);
  present_.reset();
}

void CurveGatherer::keep_curve(std::vector<ExpectedCurve>& kept) {
  if (points_kept_ + present_->points.size() > curves_points_max) {
    present_->points.clear();
    present_->ends_at.reset();
  }
  const bool was_given_up = !kept.empty() && kept.back().points.empty();
  points_kept_ += present_->points.size();
  if (!was_given_up || !present_->points.empty()) kept.push_back(*present_);
}

/// The curve of this execution is the last one kept, or as good as that. A way has another entry where its last one does not say the same.
void CurveGatherer::keep_way(const std::vector<ExpectedCurve>& kept, bool has_points) {
  if (!visit_.way || kept.empty()) return;
  const auto [met, is_new] = met_.try_emplace({visit_.instruction, *visit_.way}, 0);
  if (!is_new) {
    const auto met_execution = met->second;
    const auto last =
        std::find_if(kept.rbegin(), kept.rend(), [=](const ExpectedCurve& curve) { return curve.execution == met_execution; });
    const bool says_the_same = last != kept.rend() && (last->execution == kept.back().execution ||
                                                       (has_points && !present_->points.empty() && !differs(*last)));
    if (says_the_same) return;
  }
  if (ways_.size() >= expected_ways_max) {
    if (is_new) {
      met_.erase(met);
    } else if (met->second != nothing_kept) {
      met->second = nothing_kept;
      ways_.push_back({visit_.instruction, *visit_.way, visit_.passes, visit_.execution, false});
    }
    return;
  }
  met->second = kept.back().execution;
  ways_.push_back({visit_.instruction, *visit_.way, visit_.passes, kept.back().execution});
}

ExpectedCurves CurveGatherer::take() {
  if (present_) end_step(0.0, false);
  ExpectedCurves all;
  for (auto& [instruction, kept] : kept_) {
    for (ExpectedCurve& curve : kept) all.curves.push_back(std::move(curve));
  }
  all.ways = std::move(ways_);
  std::sort(all.ways.begin(), all.ways.end());
  kept_.clear();
  met_.clear();
  ways_.clear();
  return all;
}

}  // namespace cellrig
