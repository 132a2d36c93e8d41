// One row of the hazard table after the other: the value just inside passes, the value just outside trips with the hazard's own
// name. A row that is deleted fails on its outside, a row that is negated on its inside.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "tests/unit/engine/supervised_cell.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr LimitCase cell_rows[] = {
    {"over_voltage", Hazard::over_voltage, Measurand::voltage, 4.2, +1},
    {"under_voltage", Hazard::under_voltage, Measurand::voltage, 2.5, -1},
    {"over_current_charge", Hazard::over_current_charge, Measurand::current, 10.0, +1},
    {"over_current_discharge", Hazard::over_current_discharge, Measurand::current, -20.0, -1},
    {"over_temperature", Hazard::over_temperature, Measurand::cell_temperature, 60.0, +1},
    {"under_temperature", Hazard::under_temperature, Measurand::cell_temperature, -20.0, -1},
};

class SupervisorLimit : public testing::TestWithParam<LimitCase> {};

TEST_P(SupervisorLimit, passes_at_the_limit_and_just_inside) {
  const LimitCase row = GetParam();
  for (const double value : {row.limit, std::nextafter(row.limit, -row.outside * infinity), row.limit - row.outside * 0.001}) {
    Supervised cell;
    cell.set(row.measurand, value);
    EXPECT_FALSE(cell.check()) << value << ": " << describe(*cell.check());
  }
}

TEST_P(SupervisorLimit, trips_just_outside_at_once_and_says_what_it_was) {
  const LimitCase row = GetParam();
  for (const double value :
       {std::nextafter(row.limit, row.outside * infinity), row.limit + row.outside * 1.0, row.limit + row.outside * 1e6}) {
    Supervised cell;
    cell.set(row.measurand, value);
    const auto& cause = cell.check();
    ASSERT_TRUE(cause) << value;
    EXPECT_EQ(cause->hazard, row.hazard);
    EXPECT_EQ(cause->measurand, row.measurand);
    EXPECT_EQ(cause->value, value);
    EXPECT_EQ(cause->limit, row.limit);
    EXPECT_EQ(cause->at, cell.now);
  }
}

TEST_P(SupervisorLimit, guards_whatever_was_commanded) {
  const LimitCase row = GetParam();
  for (const Commanded& commanded :
       {Commanded{true, at(0), 0}, Commanded{true, at(1000), +1}, Commanded{true, at(1000), -1}, Commanded{false, at(1000), 0}}) {
    Supervised cell;
    cell.commanded = commanded;
    cell.set(row.measurand, row.limit + row.outside * 0.001);
    EXPECT_EQ(cell.hazard(), row.hazard);
  }
}

// "Limits are written so that NaN fails."
TEST_P(SupervisorLimit, nan_and_infinity_trip) {
  const LimitCase row = GetParam();
  for (const double value : {nan, -nan, infinity, -infinity}) {
    Supervised cell;
    cell.set(row.measurand, value);
    EXPECT_EQ(cell.hazard(), Hazard::bad_reading) << value;
  }
}

TEST_P(SupervisorLimit, a_bad_reading_trips_even_when_its_number_looks_well) {
  const LimitCase row = GetParam();
  Supervised cell;
  cell.set(row.measurand, row.limit - row.outside * 0.5, Quality::bad);
  EXPECT_EQ(cell.hazard(), Hazard::bad_reading);
  EXPECT_EQ(cell.check()->measurand, row.measurand);
}

TEST_P(SupervisorLimit, a_limit_that_is_no_number_lets_nothing_pass) {
  const LimitCase row = GetParam();
  SafetyLimits limits = cell_limits();
  switch (row.hazard) {
    case Hazard::over_voltage: limits.voltage_max = Volts{nan}; break;
    case Hazard::under_voltage: limits.voltage_min = Volts{nan}; break;
    case Hazard::over_current_charge: limits.charge_current_max = Amps{nan}; break;
    case Hazard::over_current_discharge: limits.discharge_current_max = Amps{nan}; break;
    case Hazard::over_temperature: limits.cell_temperature_max = Celsius{nan}; break;
    case Hazard::under_temperature: limits.cell_temperature_min = Celsius{nan}; break;
    default: FAIL();
  }
  Supervised cell{guarded_options(), limits};
  EXPECT_EQ(cell.hazard(), row.hazard);
}

TEST_P(SupervisorLimit, an_over_limit_is_not_reported_as_the_staleness_that_comes_with_it) {
  const LimitCase row = GetParam();
  Supervised cell;
  cell.set(row.measurand, row.limit + row.outside * 0.5);
  cell.now += 1h;
  EXPECT_EQ(cell.hazard(), row.hazard);
}

INSTANTIATE_TEST_SUITE_P(EveryRow, SupervisorLimit, testing::ValuesIn(cell_rows),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(Supervisor, passes_a_healthy_cell) {
  Supervised cell;
  EXPECT_FALSE(cell.check());
  for (int second = 0; second < 100; ++second) ASSERT_FALSE(cell.check_after(1s));
}

TEST(Supervisor, the_number_of_a_missing_reading_means_nothing) {
  Supervised cell;
  cell.set(Measurand::voltage, 99.0, Quality::missing);
  EXPECT_FALSE(cell.check());
}

TEST(Supervisor, a_temperature_that_is_measured_is_guarded_even_where_none_is_required) {
  Supervised cell{SupervisorOptions{}};
  cell.set(Measurand::cell_temperature, 60.1);
  EXPECT_EQ(cell.hazard(), Hazard::over_temperature);
}

TEST(Supervisor, an_open_thermocouple_trips_only_where_a_temperature_is_required) {
  Supervised without{SupervisorOptions{}};
  without.set(Measurand::cell_temperature, 0, Quality::bad);
  EXPECT_FALSE(without.check());
  Supervised with;
  with.set(Measurand::cell_temperature, 0, Quality::bad);
  EXPECT_EQ(with.hazard(), Hazard::bad_reading);
}

TEST(Supervisor, a_bad_voltage_or_current_trips_also_where_no_temperature_is_required) {
  for (const Measurand measurand : {Measurand::voltage, Measurand::current}) {
    Supervised cell{SupervisorOptions{}};
    cell.set(measurand, 3.0, Quality::bad);
    EXPECT_EQ(cell.hazard(), Hazard::bad_reading) << name_with_unit(measurand);
  }
}

// ---- cold charging --------------------------------------------------------------------------------------------------------

std::optional<Hazard> at_temperature(double cell_degC, double current_A) {
  Supervised cell;
  cell.set(Measurand::cell_temperature, cell_degC);
  cell.set(Measurand::current, current_A);
  return cell.hazard();
}

TEST(Supervisor, a_cell_that_is_too_cold_is_not_charged) {
  EXPECT_EQ(at_temperature(std::nextafter(0.0, -1.0), 1.0), Hazard::cold_charging);
  EXPECT_EQ(at_temperature(-10, 10), Hazard::cold_charging);
  EXPECT_EQ(at_temperature(0.0, 1.0), std::nullopt) << "at the limit";
  EXPECT_EQ(at_temperature(-10, -1), std::nullopt) << "it may be discharged";
  EXPECT_EQ(at_temperature(-10, 0), std::nullopt) << "and rest";
}

TEST(Supervisor, cold_charging_begins_above_the_noise_of_the_current) {
  EXPECT_EQ(at_temperature(-10, 0.05), std::nullopt);
  EXPECT_EQ(at_temperature(-10, std::nextafter(0.05, 1.0)), Hazard::cold_charging);
}

TEST(Supervisor, cold_charging_does_not_wait_for_the_settling_of_a_command) {
  Supervised cell;
  cell.command(+1);
  cell.set(Measurand::cell_temperature, -1);
  cell.set(Measurand::current, 1);
  EXPECT_EQ(cell.hazard(), Hazard::cold_charging);
}

TEST(Supervisor, the_cause_of_cold_charging_is_the_temperature) {
  Supervised cell;
  cell.set(Measurand::cell_temperature, -1.5);
  cell.set(Measurand::current, 1);
  const auto& cause = cell.check();
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->measurand, Measurand::cell_temperature);
  EXPECT_EQ(cause->value, -1.5);
  EXPECT_EQ(cause->limit, 0.0);
}

// ---- the latch --------------------------------------------------------------------------------------------------------------

TEST(SupervisorLatch, keeps_the_first_cause_for_ever) {
  Supervised cell;
  cell.set(Measurand::voltage, 4.3);
  ASSERT_TRUE(cell.check());
  const TimePoint first = cell.now;
  cell.set(Measurand::voltage, 3.7);
  cell.set(Measurand::cell_temperature, 99);
  for (int n = 0; n < 100; ++n) {
    const auto& cause = cell.check_after(1s);
    ASSERT_TRUE(cause);
    EXPECT_EQ(cause->hazard, Hazard::over_voltage);
    EXPECT_EQ(cause->value, 4.3);
    EXPECT_EQ(cause->at, first);
  }
}

TEST(SupervisorLatch, a_cause_from_outside_is_latched_like_one_of_its_own) {
  Supervised cell;
  const TripCause outside{Hazard::instrument_protection, Measurand::voltage, 4.25, 4.25, cell.now};
  EXPECT_EQ(cell.supervisor.trip(outside).hazard, Hazard::instrument_protection);
  cell.set(Measurand::voltage, 9);
  EXPECT_EQ(cell.hazard(), Hazard::instrument_protection);
  ASSERT_TRUE(cell.supervisor.tripped());
  EXPECT_EQ(cell.supervisor.tripped()->value, 4.25);
}

TEST(SupervisorLatch, a_cause_from_outside_does_not_replace_the_first) {
  Supervised cell;
  cell.set(Measurand::voltage, 9);
  ASSERT_TRUE(cell.check());
  EXPECT_EQ(cell.supervisor.trip(TripCause{.hazard = Hazard::outside_request}).hazard, Hazard::over_voltage);
  EXPECT_EQ(cell.supervisor.tripped()->hazard, Hazard::over_voltage);
}

TEST(SupervisorLatch, is_open_until_something_trips) {
  Supervised cell;
  EXPECT_FALSE(cell.supervisor.tripped());
  EXPECT_FALSE(cell.check());
  EXPECT_FALSE(cell.supervisor.tripped());
}

// ---- what a technician reads ------------------------------------------------------------------------------------------------

TEST(HazardTable, has_a_row_for_every_hazard_in_its_order_with_a_text_of_its_own) {
  for (std::size_t n = 0; n < hazard_count; ++n) {
    EXPECT_EQ(hazard_table()[n].hazard, static_cast<Hazard>(n));
    EXPECT_FALSE(hazard_table()[n].text.empty());
    EXPECT_EQ(to_string(static_cast<Hazard>(n)), hazard_table()[n].text);
    for (std::size_t m = 0; m < n; ++m) EXPECT_NE(hazard_table()[n].text, hazard_table()[m].text);
  }
  EXPECT_EQ(static_cast<std::size_t>(Hazard::energy_balance) + 1, hazard_count) << "the last one";
}

std::set<Hazard> those_with(bool (*property)(Hazard)) {
  std::set<Hazard> all;
  for (const HazardRow& row : hazard_table()) {
    if (property(row.hazard)) all.insert(row.hazard);
  }
  return all;
}

TEST(HazardTable, names_the_hazards_that_make_the_whole_chamber_safe) {
  using enum Hazard;
  const std::set<Hazard> of_the_chamber{over_temperature, temperature_rate, gas, chamber_runaway, self_heating, unexplained_heat};
  EXPECT_EQ(those_with(is_thermal), of_the_chamber);
  for (const Hazard hazard : of_the_chamber) EXPECT_TRUE(sounds_siren(hazard)) << "whatever empties a chamber calls people";
}

// Heat, gas, a cell full of charge, a short inside it, a current nobody asked for; for the rest nobody has to come running.
TEST(HazardTable, names_the_hazards_that_call_people) {
  using enum Hazard;
  EXPECT_EQ(those_with(sounds_siren), (std::set{over_temperature, temperature_rate, overcharge, current_without_command, gas,
                                                chamber_runaway, no_rise, voltage_step, self_heating, unexplained_heat}));
}

TEST(HazardTable, tells_a_broken_instrument_from_a_cell_outside_its_limits) {
  using enum Hazard;
  EXPECT_EQ(those_with(is_instrument_failure), (std::set{off_command, frozen_reading, still_reading, stale_reading, bad_reading,
                                                         instrument_lost_remote, chamber_failure, chamber_behind}));
}

// H9 and H13 to H15 but for a current without a command are no business of readings: start, watchdog, OFF, record.
TEST(HazardTable, every_hazard_of_the_list_that_readings_show_has_a_row) {
  for (const std::string number : {"H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8", "H10", "H11", "H12", "H14"}) {
    EXPECT_TRUE(std::any_of(hazard_table().begin(), hazard_table().end(), [&](const HazardRow& row) {
      return row.number == number;
    })) << number;
  }
}

// The header's example: "over-voltage: voltage_V 4.2510 above 4.2500".
TEST(Describe, says_hazard_quantity_value_side_and_limit_in_one_line) {
  const std::string high = describe({Hazard::over_voltage, Measurand::voltage, 4.251, 4.22, {}});
  EXPECT_EQ(high.find("over-voltage: voltage_V 4.251"), 0u) << high;
  EXPECT_NE(high.find(" above 4.22"), std::string::npos) << high;
  const std::string low = describe({Hazard::under_voltage, Measurand::voltage, 2.4, 2.5, {}});
  EXPECT_NE(low.find(" below 2.5"), std::string::npos) << low;
}

// "voltage_V 4.2, limit 4.2" explains nothing.
TEST(Describe, a_value_just_outside_is_not_printed_like_the_limit) {
  const std::string text = describe({Hazard::over_voltage, Measurand::voltage, 4.2004, 4.2, {}});
  EXPECT_NE(text.find("4.2004"), std::string::npos) << text;
}

TEST(Describe, charge_is_not_called_a_current_and_a_rate_not_a_temperature) {
  const std::string charge = describe({Hazard::overcharge, Measurand::current, 5.3, 5.25, {}});
  EXPECT_EQ(charge.find("current_A"), std::string::npos) << charge;
  EXPECT_NE(charge.find("Ah"), std::string::npos) << charge;
  const std::string rate = describe({Hazard::temperature_rate, Measurand::cell_temperature, 1.3, 1.0, {}});
  EXPECT_NE(rate.find("K/s"), std::string::npos) << rate;
}

TEST(Describe, a_cause_without_a_number_prints_none) {
  EXPECT_EQ(describe({Hazard::outside_request, Measurand::voltage, 0, 0, {}}), to_string(Hazard::outside_request));
  EXPECT_EQ(describe({Hazard::bad_reading, Measurand::cell_temperature, nan, 0, {}}).find("nan"), std::string::npos);
}

TEST(Describe, staleness_is_told_in_seconds) {
  EXPECT_EQ(describe({Hazard::stale_reading, Measurand::voltage, 3.24, 3.0, {}}),
            "no fresh reading: voltage_V is 3.2 s old, limit 3.0 s");
}

}  // namespace
}  // namespace cellrig
