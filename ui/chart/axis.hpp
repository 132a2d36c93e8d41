// Where the ticks of an axis go, and in which unit time is told. Pure: no Qt.
#pragma once

#include <string_view>

#include "ui/chart/decimate.hpp"

namespace cellrig::ui {

/// 1, 2 or 5 times a power of ten, so that about `count` steps fill the span. Span and result are above zero.
[[nodiscard]] double nice_step(double span, int count);
/// As nice_step(), finer where fewer than two multiples of it would lie within the range: an axis with one number says nothing.
[[nodiscard]] double nice_step_within(Window range, int count);
/// Digits after the point that tell the multiples of this step apart.
[[nodiscard]] int decimals_for(double step);
/// Room above and below, and never less than `span_min`: a flat line stands in the middle, and noise is not blown up to the size of a signal.
[[nodiscard]] Window padded(Window values, double span_min);

struct TimeUnit {
  double seconds = 1;
  std::string_view symbol = "s";
};
/// Seconds up to five minutes, minutes up to two hours, hours up to four days, else days.
[[nodiscard]] TimeUnit time_unit_for(double span_s);
/// As nice_step(), in the given unit; in minutes and seconds also 15 and 30.
[[nodiscard]] double nice_time_step(double span, int count, TimeUnit unit);

/// The window after zooming by `factor` (below 1: closer) around `centre`, never narrower than `span_min` nor wider than `whole`.
struct Zoom {
  double factor = 1;
  double centre = 0;
  double span_min = 1e-3;
};
[[nodiscard]] Window zoomed(Window window, Zoom zoom, Window whole);
/// Moved by `shift`, kept within `whole`.
[[nodiscard]] Window panned(Window window, double shift, Window whole);

}  // namespace cellrig::ui
