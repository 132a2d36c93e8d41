// Strong physical quantities. Positive current charges the cell, everywhere. Temperatures are Celsius.
#pragma once

#include <compare>

namespace cellrig {

/// A number with a unit. Construction from a bare number is explicit; only the products that mean something exist.
template <class Tag>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(double value) : value_{value} {}
  [[nodiscard]] constexpr double value() const { return value_; }

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator-() const { return Quantity{-value_}; }
  constexpr Quantity& operator+=(Quantity other) {
    value_ += other.value_;
    return *this;
  }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity{a.value_ + b.value_}; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity{a.value_ - b.value_}; }
  friend constexpr Quantity operator*(Quantity a, double k) { return Quantity{a.value_ * k}; }
  friend constexpr Quantity operator*(double k, Quantity a) { return Quantity{a.value_ * k}; }
  friend constexpr Quantity operator/(Quantity a, double k) { return Quantity{a.value_ / k}; }
  friend constexpr double operator/(Quantity a, Quantity b) { return a.value_ / b.value_; }

 private:
  double value_ = 0.0;
};

using Volts = Quantity<struct VoltsTag>;
using Amps = Quantity<struct AmpsTag>;
using Watts = Quantity<struct WattsTag>;
using Ohms = Quantity<struct OhmsTag>;
using Celsius = Quantity<struct CelsiusTag>;
using AmpHours = Quantity<struct AmpHoursTag>;
using WattHours = Quantity<struct WattHoursTag>;

constexpr Watts operator*(Volts v, Amps i) { return Watts{v.value() * i.value()}; }
constexpr Watts operator*(Amps i, Volts v) { return v * i; }
constexpr Volts operator*(Amps i, Ohms r) { return Volts{i.value() * r.value()}; }
constexpr Amps operator/(Volts v, Ohms r) { return Amps{v.value() / r.value()}; }
constexpr Amps operator/(Watts p, Volts v) { return Amps{p.value() / v.value()}; }

template <class Tag>
constexpr Quantity<Tag> abs(Quantity<Tag> q) {
  return q.value() < 0 ? -q : q;
}

inline namespace literals {
constexpr Volts operator""_V(long double v) { return Volts{static_cast<double>(v)}; }
constexpr Volts operator""_V(unsigned long long v) { return Volts{static_cast<double>(v)}; }
constexpr Amps operator""_A(long double v) { return Amps{static_cast<double>(v)}; }
constexpr Amps operator""_A(unsigned long long v) { return Amps{static_cast<double>(v)}; }
constexpr Watts operator""_W(long double v) { return Watts{static_cast<double>(v)}; }
constexpr Watts operator""_W(unsigned long long v) { return Watts{static_cast<double>(v)}; }
constexpr Ohms operator""_Ohm(long double v) { return Ohms{static_cast<double>(v)}; }
constexpr Celsius operator""_degC(long double v) { return Celsius{static_cast<double>(v)}; }
constexpr Celsius operator""_degC(unsigned long long v) { return Celsius{static_cast<double>(v)}; }
constexpr AmpHours operator""_Ah(long double v) { return AmpHours{static_cast<double>(v)}; }
constexpr AmpHours operator""_Ah(unsigned long long v) { return AmpHours{static_cast<double>(v)}; }
constexpr WattHours operator""_Wh(long double v) { return WattHours{static_cast<double>(v)}; }
}  // namespace literals

}  // namespace cellrig
