#include "ui/model/expected.hpp"

#include <algorithm>
#include <utility>

namespace cellrig::ui {

ExpectedCurves::ExpectedCurves(std::vector<ExpectedCurve> curves) {
  for (ExpectedCurve& curve : curves) by_step_[curve.step_id][curve.execution] = std::move(curve);
}

std::optional<ExpectedPoint> ExpectedCurves::at(const StepPlace& place) const {
  const auto step = by_step_.find(place.step_id);
  if (step == by_step_.end()) return std::nullopt;
  auto curve = step->second.upper_bound(place.execution);
  if (curve == step->second.begin()) return std::nullopt;
  --curve;
  const ExpectedCurve& expected = curve->second;
  const double x = expected.is_by_charge ? place.moved_Ah : place.step_time_s;
  const auto after = std::lower_bound(expected.points.begin(), expected.points.end(), x,
                                      [](const ExpectedPoint& p, double at) { return p.at < at; });
  if (after == expected.points.end()) return std::nullopt;
  if (after->at == x) return *after;
  if (after == expected.points.begin()) return std::nullopt;
  const ExpectedPoint& a = *(after - 1);
  const ExpectedPoint& b = *after;
  const double share = (x - a.at) / (b.at - a.at);
  return ExpectedPoint{
      .at = x,
      .voltage_V = a.voltage_V + share * (b.voltage_V - a.voltage_V),
      .cell_temperature_degC = a.cell_temperature_degC + share * (b.cell_temperature_degC - a.cell_temperature_degC)};
}

}  // namespace cellrig::ui
