// What lies between the world and the digits of an instrument. The truth is not touched: set-points act as they are given, only
// what is read back errs. Frozen, negated and missing readings are faults (responder.hpp), the digits of a reply are protocol.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "sim/instruments/noise.hpp"

namespace cellrig::sim {

/// One range of one quantity, in its unit. All zero: it reads the truth.
struct RangeErrors {
  double full_scale = std::numeric_limits<double>::infinity();  ///< greatest magnitude that it holds
  double gain_fraction = 0.0;
  double offset = 0.0;
  double noise = 0.0;  ///< standard deviation of one reading
  double step = 0.0;   ///< of the converter; 0: none
  bool operator==(const RangeErrors&) const = default;
};

/// A quantity as an instrument sees it; a plain value. Ranges by rising full scale, the least that holds the value measures it
/// (auto-ranging), the last one what none holds.
struct MeasuredQuantity {
  static constexpr std::size_t ranges_max = 5;
  std::array<RangeErrors, ranges_max> ranges{};
  std::size_t range_count = 1;
  bool operator==(const MeasuredQuantity&) const = default;

  [[nodiscard]] const RangeErrors& range_for(double truth) const {
    std::size_t i = 0;
    while (i + 1 < range_count && !(std::fabs(truth) <= ranges[i].full_scale)) ++i;
    return ranges[i];
  }
  /// Gain and offset alone: what a reading would be on the average.
  [[nodiscard]] double mean_of(double truth) const {
    const RangeErrors& range = range_for(truth);
    return truth * (1.0 + range.gain_fraction) + range.offset;
  }
  /// Draws from `noise` only where there is some.
  [[nodiscard]] double read(double truth, Noise& noise) const {
    const RangeErrors& range = range_for(truth);
    const double value = mean_of(truth) + noise(range.noise);
    return range.step > 0 ? std::round(value / range.step) * range.step : value;
  }
};

/// The same for every range, for an instrument that has one.
inline MeasuredQuantity with_errors(const RangeErrors& errors) {
  MeasuredQuantity quantity;
  quantity.ranges.front() = errors;
  return quantity;
}

/// How a cycler sees its output.
struct CyclerMeasurement {
  MeasuredQuantity voltage;
  MeasuredQuantity current;
  MeasuredQuantity power;  ///< on top of voltage times current as read; only of an instrument that measures it by itself
  /// Between the points where the sense leads are fixed and the cell, in the path of the current: bad contacts, or leads that are
  /// not separate.
  double lead_resistance_ohm = 0.0;
  bool operator==(const CyclerMeasurement&) const = default;

  [[nodiscard]] double read_voltage(double truth_V, double current_A, Noise& noise) const {
    return voltage.read(truth_V + current_A * lead_resistance_ohm, noise);
  }
};

// ---- what makers promise -------------------------------------------------------------------------------------------

/// |error of a reading| <= gain_fraction |value| + offset, its noise and step included.
struct RangeAccuracy {
  double full_scale = std::numeric_limits<double>::infinity();
  double gain_fraction = 0.0;
  double offset = 0.0;
  double noise = 0.0;  ///< a part of the offset; 3.5 times it must fit
  double step = 0.0;
};

struct QuantityAccuracy {
  std::array<RangeAccuracy, MeasuredQuantity::ranges_max> ranges{};
  std::size_t range_count = 1;
};

struct CyclerAccuracy {
  QuantityAccuracy voltage;
  QuantityAccuracy current;
};

inline QuantityAccuracy with_accuracy(const RangeAccuracy& accuracy) {
  QuantityAccuracy quantity;
  quantity.ranges.front() = accuracy;
  return quantity;
}

}  // namespace cellrig::sim
