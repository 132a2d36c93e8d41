// One unit of an instrument, drawn from what its maker promises of all of them.
#pragma once

#include "sim/instruments/measurement.hpp"
#include "sim/random.hpp"

namespace cellrig::sim {

/// Keeps the promise with every reading: gain and offset evenly within their bounds, the offset's less what noise and half a step take.
inline RangeErrors draw_range(const RangeAccuracy& accuracy, Random& random) {
  constexpr double noise_beyond_sigma = 3.5;  // Noise never goes further
  const auto within = [&random](double bound) { return bound * (2.0 * random.uniform() - 1.0); };
  RangeErrors errors{.full_scale = accuracy.full_scale, .noise = accuracy.noise, .step = accuracy.step};
  errors.gain_fraction = within(accuracy.gain_fraction);
  errors.offset = within(accuracy.offset - noise_beyond_sigma * accuracy.noise - 0.5 * accuracy.step);
  return errors;
}

/// Each range has an error of its own.
inline MeasuredQuantity draw_quantity(const QuantityAccuracy& accuracy, Random& random) {
  MeasuredQuantity quantity;
  quantity.range_count = accuracy.range_count;
  for (std::size_t i = 0; i < accuracy.range_count; ++i) quantity.ranges[i] = draw_range(accuracy.ranges[i], random);
  return quantity;
}

/// The leads are the bench's, not the unit's: none are drawn.
inline CyclerMeasurement draw_cycler(const CyclerAccuracy& accuracy, Random& random) {
  CyclerMeasurement measurement;
  measurement.voltage = draw_quantity(accuracy.voltage, random);
  measurement.current = draw_quantity(accuracy.current, random);
  return measurement;
}

}  // namespace cellrig::sim
