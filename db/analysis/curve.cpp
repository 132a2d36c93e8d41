#include "db/analysis/curve.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::db {

namespace {

CurvePoint point_of(const StepInfo& step, const SampleRow& row) {
  CurvePoint point;
  point.time_s = static_cast<double>(row.test_time_ns - step.row.started_test_time_ns) / 1e9;
  point.voltage_V = row.voltage_V;
  point.current_A = row.current_A;
  point.moved_Ah = row.charge_Ah - row.discharge_Ah;
  point.cell_temperature_degC = row.cell_temperature_degC;
  point.is_constant_voltage = (row.flags & sample_flag::constant_voltage) != 0;
  point.is_after_gap = (row.flags & sample_flag::after_gap) != 0;
  return point;
}

/// Every second one goes; a gap that a dropped point told of is told by the next one kept.
void halve(std::vector<CurvePoint>& points) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < points.size(); i += 2) {
    const bool has_gap = i > 0 && points[i - 1].is_after_gap;
    points[kept] = points[i];
    points[kept].is_after_gap = points[kept].is_after_gap || has_gap;
    ++kept;
  }
  points.resize(kept);
}

}  // namespace

Result<LoadedCurve> load_curve(Reader& reader, const StepInfo& step, std::size_t points_max) {
  LoadedCurve curve;
  std::optional<CurvePoint> last;
  std::size_t seen = 0;
  bool has_gap = false;  // told by a row that was not kept
  std::optional<double> waits_since_s;
  const std::size_t bound = std::max<std::size_t>(points_max, 4);
  const Result<std::uint64_t> visited = reader.for_each_sample_of_step(step.row.step, [&](const SampleView& sample) {
    if (!std::isfinite(sample.row.voltage_V) || !std::isfinite(sample.row.current_A)) return true;
    if ((sample.row.flags & sample_flag::waiting) != 0) {
      if (!waits_since_s) waits_since_s = last ? last->time_s : 0.0;
      return true;
    }
    last = point_of(step, sample.row);
    if (waits_since_s) curve.waited_s += last->time_s - *waits_since_s;
    waits_since_s.reset();
    last->waited_s = curve.waited_s;
    has_gap = has_gap || last->is_after_gap;
    last->is_after_gap = has_gap;
    if (seen++ % curve.thinned_by != 0) return true;
    has_gap = false;
    curve.points.push_back(*last);
    if (curve.points.size() >= bound) {
      has_gap = curve.points.size() % 2 == 0 && curve.points.back().is_after_gap;  // the one that goes
      halve(curve.points);
      curve.thinned_by *= 2;
    }
    return true;
  });
  if (!visited) return visited.error();
  if (waits_since_s && step.end) {
    const double lasted_s = static_cast<double>(step.end->ended_test_time_ns - step.row.started_test_time_ns) / 1e9;
    curve.waited_s += lasted_s - *waits_since_s;
  }
  if (last && !curve.points.empty() && curve.points.back().time_s < last->time_s) curve.points.push_back(*last);
  return curve;
}

std::string LoadedCurve::thinning() const {
  return thinned_by > 1 ? "from one row in " + std::to_string(thinned_by) : std::string{};
}

void integrate_charge(std::span<CurvePoint> points) {
  double moved_Ah = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i > 0 && !points[i].is_after_gap) {
      const double hours = (points[i].time_s - points[i - 1].time_s) / 3600;
      moved_Ah += 0.5 * hours * (points[i].current_A + points[i - 1].current_A);
    }
    points[i].moved_Ah = moved_Ah;
  }
}

std::optional<VoltageCurrent> interpolate(Curve curve, double time_s) {
  const auto after =
      std::lower_bound(curve.begin(), curve.end(), time_s, [](const CurvePoint& p, double t) { return p.time_s < t; });
  if (after == curve.end()) return std::nullopt;
  if (after->time_s == time_s) return VoltageCurrent{after->voltage_V, after->current_A};
  if (after == curve.begin() || after->is_after_gap) return std::nullopt;
  const CurvePoint& a = *(after - 1);
  const double share = (time_s - a.time_s) / (after->time_s - a.time_s);
  return VoltageCurrent{a.voltage_V + share * (after->voltage_V - a.voltage_V),
                        a.current_A + share * (after->current_A - a.current_A)};
}

}  // namespace cellrig::db
