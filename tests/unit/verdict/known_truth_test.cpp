// The engine against known truth: cells on, just inside and just outside a limit, measured by cyclers whose errors are drawn as their
// maker bounds them. On the limit at most 39 of 1,000 may be judged either way: 2.3 % of a normal error, and what 1,000 draws scatter.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "db/verdict/decision.hpp"
#include "sim/cell_draw.hpp"
#include "sim/instruments/ea_psb.hpp"
#include "sim/measurement_draw.hpp"
#include "tests/unit/verdict/play.hpp"

namespace cellrig::verdict {
namespace {

using test::Play;
using test::PlayedStep;

constexpr int seeds = 1000;
constexpr int wrong_max = 39;

/// One cycler of the series with one cell on it. What it regulates it regulates to its own readings: the truth is elsewhere.
class DrawnBench {
 public:
  explicit DrawnBench(std::uint64_t seed) : random_{seed} {
    const sim::CyclerMeasurement drawn = sim::draw_cycler(sim::accuracy_of(sim::EaPsbConfig{}), random_);
    current_ = drawn.current.ranges.front();
    voltage_ = drawn.voltage.ranges.front();
    thermometer_K_ = 2.0 * random_.uniform() - 1.0;
  }
  [[nodiscard]] double true_A(double read_A) const { return (read_A - current_.offset) / (1.0 + current_.gain_fraction); }
  [[nodiscard]] double true_V(double read_V) const { return (read_V - voltage_.offset) / (1.0 + voltage_.gain_fraction); }
  [[nodiscard]] double read_V(double true_V) const { return true_V * (1.0 + voltage_.gain_fraction) + voltage_.offset; }
  [[nodiscard]] double read_A(double true_A) const { return true_A * (1.0 + current_.gain_fraction) + current_.offset; }
  [[nodiscard]] double read_degC(double true_degC) const { return true_degC + thermometer_K_; }
  /// One measurement is never quite like the next.
  [[nodiscard]] double scatter(double relative) { return 1.0 + relative * sim::draw_normal(random_); }

 private:
  sim::Random random_;
  sim::RangeErrors current_, voltage_;
  double thermometer_K_ = 0.0;
};

Instruments promised() {
  Instruments instruments;
  instruments.current.gain_fraction = instruments.voltage.gain_fraction = 0.0002;
  instruments.current.offset = instruments.voltage.offset = 0.03;
  instruments.temperature = Accuracy{};
  instruments.temperature->offset = 1.0;
  return instruments;
}

CellFacts cell_facts() {
  CellFacts cell;
  cell.nominal_Ah = 20.0;
  cell.voltage_min_V = 3.0;
  cell.mass_kg = 0.25;
  return cell;
}

constexpr double repeat = 0.001;
constexpr double empty_V = 3.0, full_V = 4.2;

/// A cell whose voltage rises evenly from empty to full; `capacity` between the two true voltages.
struct EvenCell {
  double capacity_Ah = 20.0;
  [[nodiscard]] double charge_between_Ah(double low_V, double high_V) const {
    return capacity_Ah * (high_V - low_V) / (full_V - empty_V);
  }
};

/// A full charge and a discharge, at a current that the cycler reads as `read_A`.
void play_cycle(Play& play, DrawnBench& bench, const EvenCell& cell, double read_A, const std::string& name, bool is_reference) {
  const double top_V = bench.true_V(full_V), bottom_V = bench.true_V(empty_V);
  const double moved_Ah = cell.charge_between_Ah(bottom_V, top_V) * bench.scatter(repeat);
  const double seconds = 3600.0 * moved_Ah / bench.true_A(read_A);
  play.add({.name = "charge",
            .seconds = seconds,
            .from_V = empty_V,
            .to_V = full_V,
            .from_A = read_A,
            .to_A = read_A,
            .cv_seconds = 1.0});
  play.add({.name = name,
            .seconds = seconds,
            .from_V = full_V,
            .to_V = empty_V,
            .from_A = -read_A,
            .to_A = -read_A,
            .ended_by = "voltage_V <= 3",
            .is_reference = is_reference});
}

/// What is measured of a cell whose true value is `truth`.
struct Kind {
  std::string name;
  double limit = 0.0;
  Comparator comparator = Comparator::at_least;
  std::function<Measured(DrawnBench&, double truth)> measured;
};

Measured must(const Result<Measured>& result) {
  EXPECT_TRUE(result) << (result ? "" : result.error().what);
  return result ? *result : Measured{};
}

constexpr double third_A = 20.0 / 3.0;

Measured capacity(DrawnBench& bench, double truth) {
  Play play;
  play_cycle(play, bench, {truth}, third_A, "discharge", true);
  return must(measure(play.facts(), {.quantity = ClaimQuantity::capacity, .step = "discharge"}, promised(), cell_facts()));
}

Measured specific_energy(DrawnBench& bench, double truth) {
  constexpr double mean_V = 0.5 * (full_V + empty_V);
  Play play;
  play_cycle(play, bench, {truth * 0.25 / mean_V}, third_A, "discharge", true);
  return must(measure(play.facts(), {.quantity = ClaimQuantity::specific_energy, .step = "discharge"}, promised(), cell_facts()));
}

/// Time to charge three quarters of the capacity that was measured before, at a current that the cycler reads.
Measured charge_time(DrawnBench& bench, double truth_min) {
  constexpr double fast_A = 50.0;
  const EvenCell cell{fast_A * truth_min / 60.0 / 0.75};
  Play play;
  play_cycle(play, bench, cell, third_A, "reference", true);
  const double counted_Ah = 0.75 * play.facts().executions.back().net_Ah();
  const double seconds = 3600.0 * counted_Ah / fast_A * bench.scatter(repeat);
  // The cycler counts its own readings; with its true current a true cell of this reference would need
  const double true_A = bench.true_A(fast_A);
  play.add({.name = "fast charge",
            .seconds = seconds * fast_A / true_A,
            .from_V = 3.2,
            .to_V = 4.1,
            .from_A = fast_A,
            .to_A = fast_A,
            .cycle = 2});
  return must(measure(play.facts(), {.quantity = ClaimQuantity::step_time, .step = "fast charge", .reference = "reference"},
                      promised(), cell_facts()));
}

Measured cold_ratio(ClaimQuantity quantity, DrawnBench& bench, double truth_pct, double cold_read_A) {
  Play play;
  play_cycle(play, bench, {20.0}, third_A, "warm", true);
  const double top_V = bench.true_V(full_V), bottom_V = bench.true_V(empty_V);
  const double moved_Ah = EvenCell{20.0 * truth_pct / 100.0}.charge_between_Ah(bottom_V, top_V) * bench.scatter(repeat);
  play.add({.name = "cold",
            .seconds = 3600.0 * moved_Ah / bench.true_A(cold_read_A),
            .from_V = full_V,
            .to_V = empty_V,
            .from_A = -cold_read_A,
            .to_A = -cold_read_A,
            .ended_by = "voltage_V <= 3"});
  return must(measure(play.facts(), {.quantity = quantity, .step = "cold", .reference = "warm"}, promised(), cell_facts()));
}

Measured retention(DrawnBench& bench, double truth_pct) {
  Play play;
  play_cycle(play, bench, {20.0}, third_A, "reference", true);
  play_cycle(play, bench, {20.0 * truth_pct / 100.0}, third_A, "reference", true);
  return must(measure(play.facts(), {.quantity = ClaimQuantity::retention, .reference = "reference"}, promised(), cell_facts()));
}

Measured resistance(DrawnBench& bench, double truth_mOhm) {
  constexpr double pulse_A = 20.0;
  Play play;
  const double rest_V = bench.read_V(3.7), rest_A = bench.read_A(0.0);
  play.add({.name = "rest", .from_V = rest_V, .to_V = rest_V, .from_A = rest_A, .to_A = rest_A});
  const double loaded_V = bench.read_V(3.7 - pulse_A * truth_mOhm * 1e-3 * bench.scatter(0.01));
  play.add({.name = "pulse",
            .seconds = 10.0,
            .from_V = loaded_V,
            .to_V = loaded_V,
            .from_A = bench.read_A(-pulse_A),
            .to_A = bench.read_A(-pulse_A)});
  return must(measure(play.facts(), {.quantity = ClaimQuantity::resistance, .step = "pulse"}, promised(), cell_facts()));
}

Measured peak_temperature(DrawnBench& bench, double truth_degC) {
  Play play;
  const double here = truth_degC + 0.5 * (bench.scatter(1.0) - 1.0);
  play.add({.name = "fast charge", .from_A = 50.0, .to_A = 50.0, .temperature_max_degC = bench.read_degC(here)});
  return must(
      measure(play.facts(), {.quantity = ClaimQuantity::cell_temperature_peak, .step = "fast charge"}, promised(), cell_facts()));
}

/// 10 A in, 10 A out: the offset has the other sign.
Measured efficiency(DrawnBench& bench, double truth_pct) {
  Play play;
  const double in_A = bench.read_A(10.0), out_A = bench.read_A(-10.0);
  play.add({.name = "in", .seconds = 7200.0, .from_A = in_A, .to_A = in_A});
  play.add({.name = "out", .seconds = 72.0 * truth_pct * bench.scatter(repeat), .from_A = out_A, .to_A = out_A});
  return must(measure(play.facts(), {.quantity = ClaimQuantity::coulombic_efficiency, .step = "out", .reference = "in"},
                      promised(), cell_facts()));
}

std::vector<Kind> kinds() {
  const auto energy_ratio = [](DrawnBench& b, double t) { return cold_ratio(ClaimQuantity::energy_ratio, b, t, third_A); };
  const auto other_rate = [](DrawnBench& b, double t) { return cold_ratio(ClaimQuantity::capacity_ratio, b, t, 20.0); };
  return {{"capacity", 20.0, Comparator::at_least, capacity},
          {"specific energy", 375.0, Comparator::at_least, specific_energy},
          {"charge time", 18.0, Comparator::at_most, charge_time},
          {"energy ratio", 72.0, Comparator::at_least, energy_ratio},
          {"capacity ratio at another rate", 90.0, Comparator::at_least, other_rate},
          {"retention", 80.0, Comparator::at_least, retention},
          {"resistance", 6.0, Comparator::at_most, resistance},
          {"temperature", 55.0, Comparator::at_most, peak_temperature},
          {"efficiency", 90.0, Comparator::at_least, efficiency}};
}

struct Tally {
  int pass = 0, fail = 0, open = 0;
};

Tally judge(const Kind& kind, double truth) {
  Tally tally;
  for (int seed = 1; seed <= seeds; ++seed) {
    DrawnBench bench{static_cast<std::uint64_t>(seed) * 7919U};
    const Measured m = kind.measured(bench, truth);
    const Decision decision = decide(m.value, combine(m.budget).expanded, {kind.comparator, kind.limit});
    (decision == Decision::pass ? tally.pass : decision == Decision::fail ? tally.fail : tally.open) += 1;
  }
  return tally;
}

double expanded_near(const Kind& kind) {
  DrawnBench bench{1};
  return combine(kind.measured(bench, kind.limit).budget).expanded;
}

TEST(VerdictKnownTruth, on_the_limit_few_are_judged_either_way) {
  for (const Kind& kind : kinds()) {
    const Tally tally = judge(kind, kind.limit);
    EXPECT_LE(tally.pass, wrong_max) << kind.name;
    EXPECT_LE(tally.fail, wrong_max) << kind.name;
    RecordProperty(kind.name, std::to_string(tally.pass) + " pass, " + std::to_string(tally.fail) + " fail");
  }
}

// Neither may an engine hide behind INCONCLUSIVE: a little beyond the guard band it must decide, and rightly.
TEST(VerdictKnownTruth, just_inside_passes_and_just_outside_fails) {
  for (const Kind& kind : kinds()) {
    const double step = 2.2 * expanded_near(kind) * (kind.comparator == Comparator::at_least ? 1.0 : -1.0);
    const Tally inside = judge(kind, kind.limit + step);
    EXPECT_GE(inside.pass, seeds - wrong_max) << kind.name;
    EXPECT_EQ(inside.fail, 0) << kind.name;
    const Tally outside = judge(kind, kind.limit - step);
    EXPECT_GE(outside.fail, seeds - wrong_max) << kind.name;
    EXPECT_EQ(outside.pass, 0) << kind.name;
  }
}

// A little inside is not enough to pass often, and never reason to fail.
TEST(VerdictKnownTruth, within_the_guard_band_the_wrong_side_is_rarer_still) {
  for (const Kind& kind : kinds()) {
    const double step = 0.5 * expanded_near(kind) * (kind.comparator == Comparator::at_least ? 1.0 : -1.0);
    EXPECT_LE(judge(kind, kind.limit + step).fail, wrong_max) << kind.name;
    EXPECT_LE(judge(kind, kind.limit - step).pass, wrong_max) << kind.name;
  }
}

// Scatter that is known from three repeats only needs a wider band than k = 2.
TEST(VerdictKnownTruth, few_repeats_do_not_make_bold) {
  int pass = 0, fail = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    sim::Random random{static_cast<std::uint64_t>(seed)};
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < 3; ++i) {
      const double x = 80.0 + sim::draw_normal(random);
      sum += x;
      squares += x * x;
    }
    const double mean = sum / 3.0;
    const double deviation = std::sqrt(std::max(0.0, (squares - 3.0 * mean * mean) / 2.0));
    const Uncertainty u = combine({{"scatter", deviation / std::sqrt(3.0), 2.0}});
    const Decision decision = decide(mean, u.expanded, {Comparator::at_least, 80.0});
    pass += decision == Decision::pass;
    fail += decision == Decision::fail;
  }
  EXPECT_LE(pass, wrong_max);
  EXPECT_LE(fail, wrong_max);
  EXPECT_GT(pass + fail, 10);
}

// A life that ends on its limit after 600 cycles, looked at every 50.
TEST(VerdictKnownTruth, a_life_on_the_limit_is_rarely_judged) {
  int pass = 0, fail = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    sim::Random random{static_cast<std::uint64_t>(seed)};
    std::vector<LifePoint> points;
    const double reference = 1.0 + 0.001 * sim::draw_normal(random);
    for (int cycle = 0; cycle <= 600; cycle += 50)
      points.push_back(
          {static_cast<double>(cycle), (100.0 - 20.0 * cycle / 600.0) * (1.0 + 0.001 * sim::draw_normal(random)) / reference});
    const double expanded = 2.0 * 80.0 * std::sqrt(2.0) * 0.001;
    const Decision decision = judge_life(points, 600.0, 80.0, expanded).decision;
    pass += decision == Decision::pass;
    fail += decision == Decision::fail;
  }
  EXPECT_LE(pass, wrong_max);
  EXPECT_LE(fail, wrong_max);
}

}  // namespace
}  // namespace cellrig::verdict
