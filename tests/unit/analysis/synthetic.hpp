// Curves with an answer that is known in closed form.
#pragma once

#include <functional>
#include <vector>

#include "db/analysis/curve.hpp"

namespace cellrig::db::test {

struct CurvePlan {
  double from_s = 0, to_s = 3600, every_s = 1;
  std::function<double(double)> voltage_V = [](double) { return 3.7; };
  std::function<double(double)> current_A = [](double) { return 0.0; };
  std::function<double(double)> temperature_degC = [](double) { return 25.0; };
  std::function<bool(double)> is_cv = [](double) { return false; };
};

inline std::vector<CurvePoint> curve_of(const CurvePlan& plan) {
  std::vector<CurvePoint> points;
  const auto count = static_cast<int>((plan.to_s - plan.from_s) / plan.every_s + 0.5);
  for (int i = 0; i <= count; ++i) {
    const double t = plan.from_s + i * plan.every_s;
    CurvePoint point;
    point.time_s = t;
    point.voltage_V = plan.voltage_V(t);
    point.current_A = plan.current_A(t);
    point.cell_temperature_degC = plan.temperature_degC(t);
    point.is_constant_voltage = plan.is_cv(t);
    points.push_back(point);
  }
  integrate_charge(points);
  return points;
}

}  // namespace cellrig::db::test
