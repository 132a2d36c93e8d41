#include "sim/physics/ageing.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "sim/cell_draw.hpp"
#include "tests/unit/physics/lgm50.hpp"

namespace cellrig::sim {
namespace {

constexpr double day_s = 86'400.0;
constexpr double printed_pct = 0.05;  // the published outputs have one digit after the point

/// Percent lost in storage, in steps of an hour, so that the sum over steps is what is tested.
double stored_pct(CalendarLaw law, double temperature_degC, double soc, double voltage_V, double days) {
  AgeingParameters p;
  p.calendar.law = law;
  AgeingState state;
  for (int hour = 0; hour < days * 24; ++hour) {
    state = age(p, 5.0, state, {.duration_s = 3600.0, .soc = soc, .core_degC = temperature_degC, .voltage_V = voltage_V});
  }
  return 100 * health(p, state).calendar_loss;
}

/// A state after so many equivalent full cycles at this rate.
AgeingState cycled(const AgeingParameters& p, double capacity_Ah, double cycles, double rate_C, const LifeSlice& slice) {
  AgeingState state;
  const int steps = static_cast<int>(cycles * 20);
  for (int i = 0; i < steps; ++i) {
    LifeSlice half = slice;
    half.duration_s = 3600.0 / rate_C / 20;
    half.charge_Ah = capacity_Ah / 20;
    state = age(p, capacity_Ah, state, half);
    half.charge_Ah = 0.0;
    half.discharge_Ah = capacity_Ah / 20;
    state = age(p, capacity_Ah, state, half);
  }
  return state;
}

double cycling_pct(const AgeingParameters& p, const AgeingState& state) { return 100 * health(p, state).cycling_loss; }

TEST(Ageing, lg_m50_calendar_law_gives_its_reference_outputs) {
  struct Case {
    double temperature_degC, half_pct, full_pct;
  };
  for (const Case& test : {Case{0, 3.4, 4.0}, Case{25, 4.1, 4.1}, Case{45, 8.1, 9.4}, Case{60, 14.1, 18.0}}) {
    EXPECT_NEAR(stored_pct(CalendarLaw::lg_m50_2021, test.temperature_degC, 0.5, 3.7, 365), test.half_pct, printed_pct);
    EXPECT_NEAR(stored_pct(CalendarLaw::lg_m50_2021, test.temperature_degC, 1.0, 4.2, 365), test.full_pct, printed_pct);
  }
}

TEST(Ageing, lg_m50_cycling_law_gives_its_reference_outputs) {
  AgeingParameters p;
  p.cycling.law = CyclingLaw::lg_m50_2021;
  struct Case {
    double cycles, pct;
  };
  for (const Case& test : {Case{100, 6.5}, Case{300, 10.5}, Case{500, 13.2}, Case{800, 16.2}}) {
    EXPECT_NEAR(cycling_pct(p, cycled(p, 5.0, test.cycles, 1.0, {.core_degC = 25.0})), test.pct, printed_pct) << test.cycles;
  }
}

TEST(Ageing, nmc111_laws_give_their_reference_outputs) {
  EXPECT_NEAR(stored_pct(CalendarLaw::nmc111_2014, 50.0, 0.5, 3.7, 365), 14.6, printed_pct);
  AgeingParameters stored;
  stored.calendar.law = CalendarLaw::nmc111_2014;
  const AgeingState year = age(stored, 2.15, {}, {.duration_s = 365 * day_s, .core_degC = 50.0, .voltage_V = 3.7});
  EXPECT_NEAR(100 * health(stored, year).resistance_rise, 23.9, printed_pct);

  AgeingParameters p;
  p.cycling.law = CyclingLaw::nmc111_2014;
  struct Case {
    double depth, pct;
  };
  for (const Case& test : {Case{1.0, 22.5}, Case{0.5, 13.0}, Case{0.1, 5.5}}) {
    const AgeingState state = cycled(p, 2.15, 500, 1.0, {.core_degC = 35.0, .voltage_V = 3.7, .depth = test.depth});
    EXPECT_NEAR(cycling_pct(p, state), test.pct, printed_pct) << test.depth;
    EXPECT_GT(health(p, state).resistance_rise, 0.0);
  }
}

TEST(Ageing, lfp_law_gives_its_reference_outputs) {
  AgeingParameters p;
  p.cycling.law = CyclingLaw::lfp_2011;
  const double per_cycle_Ah = 2 * 2.3;
  EXPECT_NEAR(cycling_pct(p, cycled(p, 2.3, 2000 / per_cycle_Ah, 0.5, {.core_degC = 45.0})), 13.8, 2 * printed_pct);
  EXPECT_NEAR(cycling_pct(p, cycled(p, 2.3, 10'000 / per_cycle_Ah, 0.5, {.core_degC = 45.0})), 33.6, printed_pct);
}

AgeingParameters sanyo() {
  AgeingParameters p;
  p.cycling = {.law = CyclingLaw::power_law,
               .loss_per_cycle = 5.43e-4,
               .exponent = 0.801,
               .knee = {.slope_per_cycle = 6.6e-4, .at_cycles = 1159, .width_cycles = 137}};
  return p;
}

/// Capacity left after so many effective cycles.
double left_after(const AgeingParameters& p, double cycles) {
  AgeingState state;
  state.effective_cycles = cycles / p.lifetime_factor;
  return 1 - health(p, state).cycling_loss;
}

TEST(Ageing, a_power_law_with_knee_gives_the_mean_of_48_measured_cells) {
  const std::vector<double> measured{0.962, 0.934, 0.907, 0.879, 0.838, 0.764, 0.647};
  for (std::size_t i = 0; i < measured.size(); ++i) {
    EXPECT_NEAR(left_after(sanyo(), 200.0 * static_cast<double>(i + 1)), measured[i], 0.001) << i;
  }
}

// Lifetimes differ between cells of one lot; a verdict on one cell is a verdict on one cell.
TEST(Ageing, drawn_cells_spread_like_the_48_measured_ones) {
  LifeParameters life;
  life.spread = SpreadParameters{.capacity = 0.0026, .resistance = 0.07, .lifetime = 0.09};
  constexpr int cells = 480;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < cells; ++i) {
    AgeingParameters p = sanyo();
    p.lifetime_factor = draw_cell(life, static_cast<std::uint64_t>(i)).lifetime;
    double cycles = 0;
    while (left_after(p, cycles) > 0.8) cycles += 1;
    sum += cycles;
    squares += cycles * cycles;
  }
  const double mean = sum / cells;
  const double deviation = std::sqrt(squares / cells - mean * mean);
  std::printf("cycles to 80 %%: %.0f +/- %.0f (48 measured cells: 1143 +/- 102)\n", mean, deviation);
  EXPECT_NEAR(mean, 1143, 40);
  EXPECT_NEAR(deviation, 102, 15);
  EXPECT_EQ(draw_cell(life, 7).lifetime, draw_cell(life, 7).lifetime);
  EXPECT_NE(draw_cell(life, 7).lifetime, draw_cell(life, 8).lifetime);
}

AgeingParameters fest() {
  AgeingParameters p;
  p.cycling = {.law = CyclingLaw::power_law,
               .loss_per_cycle = 2.6e-4,
               .exponent = 1.0,
               .knee = {.slope_per_cycle = 6e-4, .at_cycles = 700, .width_cycles = 80}};
  p.stress = {.cold_activation_J_per_mol = 50'000,
              .hot_activation_J_per_mol = 35'000,
              .fast_charge_factor = 0.25,
              .low_pressure_factor = 3.0};
  return p;
}

// The rate belongs to a cycle-life claim: the same cell holds 80 % after 600 mild cycles and not after 600 fast ones.
TEST(Ageing, fast_charge_makes_a_cycle_count_more) {
  const AgeingParameters p = fest();
  const AgeingState mild = cycled(p, 77, 600, 1.0 / 3, {.core_degC = 25.0, .charge_rate_C = 1.0 / 3});
  EXPECT_NEAR(mild.effective_cycles, 600, 1e-6);
  EXPECT_NEAR(100 - cycling_pct(p, mild), 83.2, printed_pct);
  const AgeingState fast = cycled(p, 77, 600, 2.5, {.core_degC = 25.0, .charge_rate_C = 2.5});
  EXPECT_NEAR(fast.effective_cycles, 937.5, 0.1);
  EXPECT_NEAR(100 - cycling_pct(p, fast), 61, 0.5);
}

// What the files of the presets were given, by the files themselves: at the temperature and the mild rate for which it was said.
TEST(Ageing, of_the_presets_gives_what_they_were_tuned_to) {
  struct Case {
    const char* name;
    double capacity_Ah, temperature_degC, cycles, left_pct;
  };
  for (const Case& test : {Case{"fest-77", 77, 25, 600, 83.2}, Case{"qse-5", 5.6, 25, 1000, 95.5},
                           Case{"sulfide-20", 20, 60, 1000, 89}, Case{"semi-solid-140", 140, 25, 1470, 80}}) {
    const AgeingParameters p = cell_preset(test.name).life.ageing.value();
    const AgeingState state =
        cycled(p, test.capacity_Ah, test.cycles, 1.0 / 3, {.core_degC = test.temperature_degC, .charge_rate_C = 1.0 / 3});
    EXPECT_NEAR(100 - cycling_pct(p, state), test.left_pct, printed_pct) << test.name;
  }
  for (const auto& [name, pct] : {std::pair{"fest-77", 3.0}, std::pair{"qse-5", 2.0}}) {
    const AgeingParameters p = cell_preset(name).life.ageing.value();
    const AgeingState year = age(p, 5.0, {}, {.duration_s = 365 * day_s, .core_degC = 25.0});
    EXPECT_NEAR(100 * health(p, year).calendar_loss, pct, printed_pct) << name;
  }
}

TEST(Ageing, a_cycle_counts_least_at_25_degC_and_more_without_pressure) {
  const StressParameters& s = fest().stress;
  EXPECT_DOUBLE_EQ(temperature_stress(s, 25.0), 1.0);
  EXPECT_GT(temperature_stress(s, 0.0), 5.0);
  EXPECT_NEAR(temperature_stress(s, 45.0), std::exp(35'000 / 8.314462618 * (1 / 298.15 - 1 / 318.15)), 1e-9);
  StressParameters hot = s;
  hot.reference_degC = 60.0;
  EXPECT_DOUBLE_EQ(temperature_stress(hot, 60.0), 1.0);
  const AgeingState low = cycled(fest(), 77, 100, 1.0, {.core_degC = 25.0, .is_pressure_low = true});
  EXPECT_NEAR(low.effective_cycles, 300, 1e-6);
}

// A rate may change in between: two halves at different rates are not the mean of both.
TEST(Ageing, power_laws_are_summed_exactly_whatever_the_steps) {
  AgeingParameters p;
  p.calendar = {.law = CalendarLaw::power_law, .loss_per_year = 0.03, .exponent = 0.5, .activation_J_per_mol = 50'000};
  AgeingState fine;
  for (int i = 0; i < 1000; ++i) fine = age(p, 77, fine, {.duration_s = 365 * day_s / 1000, .core_degC = 25.0});
  const AgeingState coarse = age(p, 77, {}, {.duration_s = 365 * day_s, .core_degC = 25.0});
  EXPECT_NEAR(health(p, fine).calendar_loss, 0.03, 1e-12);
  EXPECT_NEAR(health(p, coarse).calendar_loss, 0.03, 1e-12);
}

TEST(Ageing, self_discharge_follows_temperature_and_soc) {
  const SelfDischargeParameters p{.per_month = 0.02, .activation_J_per_mol = 50'000};
  EXPECT_NEAR(self_discharge_A(p, 77, 1.0, 25.0) * 720 / 77, 0.02, 1e-12);
  EXPECT_NEAR(self_discharge_A(p, 77, 0.5, 25.0) * 720 / 77, 0.01, 1e-12);
  EXPECT_NEAR(self_discharge_A(p, 77, 1.0, 45.0) / self_discharge_A(p, 77, 1.0, 25.0), 3.55, 0.05);
}

}  // namespace
}  // namespace cellrig::sim
