// A quantity tabulated against the state of charge: open-circuit voltage, its temperature coefficient, half the hysteresis.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace cellrig::sim {

/// 101 equidistant points over SoC 0..1, linear between them, continued with the slope of the outermost piece.
/// 101 points because 21 err by up to 14 mV (docs/cell-model.md, "Tables").
class OcvTable {
 public:
  static constexpr std::size_t points = 101;

  OcvTable() = default;

  /// @throws std::invalid_argument unless there are exactly 101 finite values (unit: the caller's).
  explicit OcvTable(std::span<const double> values);

  /// Where a state of charge lies, for several tables.
  struct Place {
    std::size_t piece;
    double share;  ///< of the piece; beyond 0..1 outside the table
  };
  [[nodiscard]] static Place place_of(double soc) {
    const double position = soc * static_cast<double>(points - 1);
    constexpr double last_piece = static_cast<double>(points - 2);
    const std::size_t piece = position > 0 ? static_cast<std::size_t>(position < last_piece ? position : last_piece) : 0;
    return {piece, position - static_cast<double>(piece)};
  }

  /// The value at this state of charge (1 = full). Any finite argument is allowed; NaN gives NaN.
  [[nodiscard]] double at(double soc) const { return at(place_of(soc)); }
  [[nodiscard]] double at(const Place& place) const {
    return values_[place.piece] + (values_[place.piece + 1] - values_[place.piece]) * place.share;
  }

  [[nodiscard]] const std::array<double, points>& values() const { return values_; }

 private:
  std::array<double, points> values_{};
};

}  // namespace cellrig::sim
