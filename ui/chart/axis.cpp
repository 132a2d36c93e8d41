#include "ui/chart/axis.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::ui {

double nice_step(double span, int count) {
  if (!(span > 0) || !std::isfinite(span)) return 1;
  const double rough = span / std::max(count, 1);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double mantissa = rough / power;
  for (const double nice : {1.0, 2.0, 5.0}) {
    if (mantissa <= nice * 1.0001) return nice * power;
  }
  return 10 * power;
}

double nice_step_within(Window range, int count) {
  constexpr int count_max = 64;
  double step = nice_step(range.span(), count);
  for (int n = count; n < count_max; ++n) {
    step = nice_step(range.span(), n);
    if (std::floor(range.to / step) - std::ceil(range.from / step) >= 1) break;
  }
  return step;
}

int decimals_for(double step) {
  constexpr int decimals_max = 9;
  if (!(step > 0)) return 0;
  return std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, decimals_max);
}

Window padded(Window values, double span_min) {
  constexpr double share = 0.06;
  if (!std::isfinite(values.from) || !std::isfinite(values.to)) return {0, 1};
  const double span = std::max(values.span() * (1 + 2 * share), span_min);
  const double middle = (values.from + values.to) / 2;
  return {middle - span / 2, middle + span / 2};
}

TimeUnit time_unit_for(double span_s) {
  if (span_s <= 300) return {1, "s"};
  if (span_s <= 7200) return {60, "min"};
  if (span_s <= 4 * 86400) return {3600, "h"};
  return {86400, "d"};
}

double nice_time_step(double span, int count, TimeUnit unit) {
  const double step = nice_step(span, count);
  const bool counts_to_sixty = unit.seconds < 3600;
  if (!counts_to_sixty || step < 10 || step > 50) return step;
  const double rough = span / std::max(count, 1);
  for (const double nice : {10.0, 15.0, 30.0, 60.0}) {
    if (rough <= nice * 1.0001) return nice;
  }
  return step;
}

Window zoomed(Window window, Zoom zoom, Window whole) {
  const double whole_span = std::max(whole.span(), zoom.span_min);
  const double span = std::clamp(window.span() * zoom.factor, zoom.span_min, whole_span);
  const double share = window.span() > 0 ? std::clamp((zoom.centre - window.from) / window.span(), 0.0, 1.0) : 0.5;
  const double from = zoom.centre - share * span;
  return panned({from, from + span}, 0, {whole.from, whole.from + whole_span});
}

Window panned(Window window, double shift, Window whole) {
  const double span = std::min(window.span(), whole.span());
  const double from = std::clamp(window.from + shift, whole.from, whole.to - span);
  return {from, from + span};
}

}  // namespace cellrig::ui
