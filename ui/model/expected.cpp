#include "ui/model/expected.hpp"

#include <algorithm>
#include <utility>

namespace cellrig::ui {

ExpectedCurves::ExpectedCurves(std::vector<ExpectedCurve> curves) {
  for (ExpectedCurve& curve : curves) curves_[{curve.step_id, curve.execution}] = std::move(curve);
}

std::optional<ExpectedPoint> ExpectedCurves::at(const StepPlace& place) const {
  if (!place.compared_with) return std::nullopt;
  const auto curve = curves_.find({place.step_id, *place.compared_with});
  if (curve == curves_.end()) return std::nullopt;
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
