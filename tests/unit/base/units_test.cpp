#include "controller/base/units.hpp"

#include <gtest/gtest.h>

#include <concepts>
#include <limits>
#include <type_traits>

namespace cellrig {
namespace {

template <class A, class B>
concept multiplies = requires(A a, B b) {
  a* b;
};
template <class A, class B>
concept divides = requires(A a, B b) {
  a / b;
};
template <class A, class B>
concept adds = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept compares = requires(A a, B b) {
  a < b;
};

template <class A, class B, class Product>
constexpr bool product_is() {
  if constexpr (multiplies<A, B>) return std::same_as<decltype(A{} * B{}), Product>;
  return false;
}
template <class A, class B, class Ratio>
constexpr bool ratio_is() {
  if constexpr (divides<A, B>) return std::same_as<decltype(A{} / B{}), Ratio>;
  return false;
}

// The products that mean something.
static_assert(product_is<Volts, Amps, Watts>());
static_assert(product_is<Amps, Volts, Watts>());
static_assert(product_is<Amps, Ohms, Volts>());
static_assert(ratio_is<Volts, Ohms, Amps>());
static_assert(ratio_is<Watts, Volts, Amps>());
static_assert(ratio_is<Amps, Amps, double>());
static_assert(product_is<Volts, double, Volts>() && product_is<double, Volts, Volts>());

// And those that do not.
static_assert(!multiplies<Volts, Volts> && !multiplies<Amps, Amps> && !multiplies<Celsius, Celsius>);
static_assert(!multiplies<Volts, Ohms> && !multiplies<Watts, Ohms> && !multiplies<AmpHours, Amps> && !multiplies<Watts, Amps>);
static_assert(!multiplies<Celsius, Amps> && !multiplies<Celsius, Volts>);
static_assert(!divides<Amps, Volts> && !divides<Ohms, Volts> && !divides<Volts, Watts> && !divides<AmpHours, WattHours>);

// Two units never mix, and a bare number is no quantity.
static_assert(adds<Volts, Volts> && !adds<Volts, Amps> && !adds<Amps, AmpHours> && !adds<Watts, WattHours> &&
              !adds<Volts, double>);
static_assert(compares<Amps, Amps> && !compares<Amps, Volts> && !compares<Amps, double> && !compares<Celsius, Volts>);
static_assert(!std::convertible_to<double, Volts> && !std::convertible_to<Volts, double>);
static_assert(std::constructible_from<Volts, double> && !std::constructible_from<Volts, Amps> &&
              !std::constructible_from<Amps, AmpHours>);
static_assert(!std::assignable_from<Volts&, Amps> && !std::assignable_from<Volts&, double>);
static_assert(std::is_trivially_copyable_v<Volts> && sizeof(Volts) == sizeof(double));

TEST(Units, power_is_voltage_times_current_in_either_order) {
  EXPECT_EQ(4.0_V * 2.5_A, 10.0_W);
  EXPECT_EQ(2.5_A * 4.0_V, 10.0_W);
  EXPECT_EQ(-(4.0_V * 2.5_A), 4.0_V * -2.5_A);
}

TEST(Units, ohms_law_gives_voltage_and_current) {
  EXPECT_EQ(5.0_A * 0.02_Ohm, Volts{5.0 * 0.02});
  EXPECT_EQ(4.0_V / 2.0_Ohm, 2.0_A);
  EXPECT_EQ(10.0_W / 4.0_V, 2.5_A);
}

TEST(Units, a_ratio_of_two_like_quantities_is_a_bare_number) { EXPECT_DOUBLE_EQ(2.0_Ah / 5.0_Ah, 0.4); }

TEST(Units, sums_differences_and_factors_keep_the_unit) {
  Amps sum = 1.5_A + 2_A - 0.25_A;
  sum += 0.75_A;
  EXPECT_EQ(sum, 4.0_A);
  EXPECT_EQ(2.0 * 3.0_V, 6_V);
  EXPECT_EQ(3.0_V * 2.0, 6_V);
  EXPECT_EQ(3.0_V / 2.0, 1.5_V);
}

TEST(Units, the_magnitude_of_a_discharge_current_is_positive) {
  EXPECT_EQ(abs(Amps{-3.0}), 3_A);
  EXPECT_EQ(abs(3_A), 3_A);
  EXPECT_EQ(abs(Amps{0.0}).value(), 0.0);
}

// Limits are written as !(v <= v_max): that works only while every comparison with NaN is false.
TEST(Units, every_comparison_with_nan_is_false) {
  const Volts nan{std::numeric_limits<double>::quiet_NaN()};
  EXPECT_FALSE(nan <= 4.2_V);
  EXPECT_FALSE(nan >= 4.2_V);
  EXPECT_FALSE(nan < 4.2_V);
  EXPECT_FALSE(nan > 4.2_V);
  EXPECT_FALSE(nan == nan);
}

TEST(Units, a_quantity_begins_at_zero) { EXPECT_EQ(AmpHours{}.value(), 0.0); }

TEST(Units, literals_carry_their_number_unchanged) {
  EXPECT_EQ((4.2_V).value(), 4.2);
  EXPECT_EQ((25_degC).value(), 25.0);
  EXPECT_EQ((0.05_Ah).value(), 0.05);
  EXPECT_EQ((18.2_Wh).value(), 18.2);
}

}  // namespace
}  // namespace cellrig
