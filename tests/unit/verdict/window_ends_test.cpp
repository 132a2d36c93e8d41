// What a limit of the window is worth in charge, against cells whose answer is known: the same cell run to another limit.
#include "db/verdict/window_ends.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "db/verdict/measure.hpp"
#include "sim/cell_draw.hpp"
#include "tests/support/play.hpp"

namespace cellrig::verdict {
namespace {

/// 20 Ah whose open-circuit curve has a flat place at 85 % of its charge, as some layered oxides do near their top: dQ/dV there is twice
/// that at the upper limit. Polarised by a resistance and by slower processes.
struct Cell {
  double ohm = 0.003, slow_ohm = 0.004, slow_s = 200.0;
  double slower_ohm = 0.0, slower_s = 3000.0;
  double temperature_degC = 25.0;
};

double open_circuit_V(double soc) {
  return 3.0 + 1.3 * soc - 0.09 * std::tanh((soc - 0.85) / 0.09) + 0.1 * (1.0 - std::exp(-soc / 0.02));
}

struct Limits {
  double top_V = 4.2, bottom_V = 3.05, end_A = 1.0;
  bool holds_voltage = true;
};

struct Record {
  double period_s = 5.0;
  double rests_s = 3600.0;  ///< after a charge
  double digit_V = 0.0;     ///< of the voltmeter; 0: as many as there are
  double noise_V = 0.0;     ///< of each reading
  std::uint64_t seed = 1;   ///< of the noise
};

/// A charge and a discharge in the manner of a cycler that looks every `period_s`, as a record tells them.
class Cycle {
 public:
  static constexpr double capacity_Ah = 20.0;
  explicit Cycle(const Record& record = {.period_s = 10.0}) : record_{record}, random_{record.seed} {}

  /// Charges at one temperature, discharges at another.
  void run(double rate_C, const Limits& limits, const Cell& warm, const Cell& at_discharge,
           const std::string& name = "discharge") {
    charge(rate_C * capacity_Ah, limits, warm);
    rest(record_.rests_s, warm);
    discharge(rate_C * capacity_Ah, limits, at_discharge, name);
    rest(3600.0, at_discharge);
  }

  /// To where its voltage met the limit between two looks.
  [[nodiscard]] double last_discharge_Ah() const { return last_Ah_; }

  [[nodiscard]] RunFacts facts() const { return test::with_rows(facts_, rows_); }

 private:
  void charge(double rate_A, const Limits& limits, const Cell& cell) {
    begin("charge", "CC_CHG", cell.temperature_degC);
    double current_A = rate_A;
    bool is_held = false;
    while (true) {
      const double own_V = open_circuit_V(soc_) + slow_V_ + slower_V_;
      if (!is_held && own_V + cell.ohm * rate_A >= limits.top_V) is_held = true;
      if (is_held) current_A = (limits.top_V - own_V) / cell.ohm;
      add(own_V + cell.ohm * current_A, current_A, is_held);
      if (is_held && (!limits.holds_voltage || current_A <= limits.end_A)) break;
      advance(current_A, cell);
    }
    end(limits.holds_voltage ? "current_A <= 1" : "voltage_V >= 4.2", limits.holds_voltage);
  }

  void discharge(double rate_A, const Limits& limits, const Cell& cell, const std::string& name) {
    begin(name, "CC_DCH", cell.temperature_degC);
    double before_V = 0.0;
    while (true) {
      const double own_V = open_circuit_V(soc_) + slow_V_ + slower_V_ - cell.ohm * rate_A;
      add(own_V, -rate_A, false);
      last_Ah_ = (began_soc_ - soc_) * capacity_Ah;
      if (own_V <= limits.bottom_V) {
        last_Ah_ -= rate_A * record_.period_s / 3600.0 * (limits.bottom_V - own_V) / (before_V - own_V);
        break;
      }
      before_V = own_V;
      advance(-rate_A, cell);
    }
    end("voltage_V <= 3.05", false);
  }

  void rest(double seconds, const Cell& cell) {
    begin("rest", "REST", 25.0);
    for (double t = 0.0; t < seconds; t += record_.period_s) {
      add(open_circuit_V(soc_) + slow_V_ + slower_V_, 0.0, false);
      advance(0.0, cell);
    }
    end("step_time_s >= 3600", false);
  }

  void begin(const std::string& name, const std::string& type, double temperature_degC) {
    execution_ = {};
    execution_.name = name;
    execution_.type = type;
    execution_.count = static_cast<std::int64_t>(facts_.executions.size()) + 1;
    execution_.parts = {execution_.count};
    execution_.has_ended = true;
    execution_.started_s = now_s_;
    execution_.cell_temperature_max_degC = temperature_degC;
    began_soc_ = soc_;
  }

  void add(double true_V, double current_A, bool is_held) {
    db::SampleRow row;
    const double voltage_V = record_.noise_V > 0.0 ? true_V + record_.noise_V * sim::draw_normal(random_) : true_V;
    row.test_time_ns = static_cast<std::int64_t>(now_s_ * 1e9);
    row.voltage_V = record_.digit_V > 0.0 ? record_.digit_V * std::round(voltage_V / record_.digit_V) : voltage_V;
    row.current_A = current_A;
    const double moved_Ah = (soc_ - began_soc_) * capacity_Ah;
    (moved_Ah > 0.0 ? row.charge_Ah : row.discharge_Ah) = std::abs(moved_Ah);
    if (is_held) row.flags = db::sample_flag::constant_voltage;
    rows_[execution_.count].push_back(row);
    energy_Wh_ = 3.7 * std::abs(moved_Ah);
  }

  void advance(double current_A, const Cell& cell) {
    now_s_ += record_.period_s;
    soc_ += current_A * record_.period_s / 3600.0 / capacity_Ah;
    slow_V_ += (cell.slow_ohm * current_A - slow_V_) * (1.0 - std::exp(-record_.period_s / cell.slow_s));
    slower_V_ += (cell.slower_ohm * current_A - slower_V_) * (1.0 - std::exp(-record_.period_s / cell.slower_s));
  }

  void end(const std::string& by, bool was_held) {
    execution_.ended_by = by;
    execution_.ended_s = now_s_;
    execution_.seconds = now_s_ - execution_.started_s;
    execution_.cv_seconds = was_held ? 600.0 : 0.0;
    const double moved_Ah = (soc_ - began_soc_) * capacity_Ah;
    (moved_Ah > 0.0 ? execution_.charge_Ah : execution_.discharge_Ah) = std::abs(moved_Ah);
    (moved_Ah > 0.0 ? execution_.charge_Wh : execution_.discharge_Wh) = energy_Wh_;
    facts_.executions.push_back(execution_);
  }

  Record record_;
  sim::Random random_;
  RunFacts facts_;
  test::RowsOfSteps rows_;
  Execution execution_;
  double soc_ = 0.0, slow_V_ = 0.0, slower_V_ = 0.0, now_s_ = 0.0, began_soc_ = 0.0, energy_Wh_ = 0.0, last_Ah_ = 0.0;
};

constexpr std::size_t discharge_at = 2;  // charge, rest, discharge

/// Of the second cycle: the first one began with an empty cell of nobody's making.
RunFacts cycled(Cycle& cycle, double rate_C, const Limits& limits) {
  cycle.run(rate_C, limits, {}, {});
  cycle.run(rate_C, limits, {}, {});
  return cycle.facts();
}
constexpr std::size_t second_discharge_at = discharge_at + 4;

EndSlopes slopes_at(double rate_C, const Limits& limits = {}) {
  Cycle cycle;
  const Result<EndSlopes> slopes = end_slopes(cycled(cycle, rate_C, limits), second_discharge_at);
  EXPECT_TRUE(slopes);
  return slopes ? *slopes : EndSlopes{};
}

double capacity_at(double rate_C, const Limits& limits) {
  Cycle cycle;
  return cycled(cycle, rate_C, limits).executions[second_discharge_at].net_Ah();
}

// The answer is what the same cell gives between limits 10 mV away.
TEST(WindowEnds, slopes_are_what_another_limit_gives) {
  for (const double rate_C : {0.1, 0.2, 0.33, 0.5, 1.0}) {
    const Limits usual;
    Limits lower_top = usual, higher_bottom = usual;
    lower_top.top_V -= 0.01;
    higher_bottom.bottom_V += 0.01;
    const double whole_Ah = capacity_at(rate_C, usual);
    const double true_top = (whole_Ah - capacity_at(rate_C, lower_top)) / 0.01;
    const double true_bottom = (whole_Ah - capacity_at(rate_C, higher_bottom)) / 0.01;
    const EndSlopes slopes = slopes_at(rate_C);
    EXPECT_GT(slopes.top_Ah_per_V, 0.7 * true_top) << rate_C;
    EXPECT_LT(slopes.top_Ah_per_V, 1.6 * true_top) << rate_C;
    EXPECT_GT(slopes.bottom_Ah_per_V, 0.7 * true_bottom) << rate_C;
    EXPECT_LT(slopes.bottom_Ah_per_V, 1.5 * true_bottom) << rate_C;
    EXPECT_NEAR(slopes.top_V, usual.top_V, 0.001);
    EXPECT_NEAR(slopes.bottom_V, usual.bottom_V, 0.02) << rate_C;
  }
}

// A rate that is a little other makes the doubt a little other. (The curve of the charge, taken for the slope at full, runs over the flat
// place of the cell somewhere between C/5 and C/2, and its slope with it.)
TEST(WindowEnds, a_small_change_of_the_rate_is_a_small_change_of_the_doubt) {
  const auto doubt = [](double rate_C) {
    Cycle cycle;
    const RunFacts facts = cycled(cycle, rate_C, {});
    Instruments instruments;
    instruments.current.gain_fraction = 0.0002;
    instruments.voltage.offset = 0.03;
    const Result<Measured> m = measure(facts, {.quantity = ClaimQuantity::capacity, .step = "discharge"}, instruments, {});
    EXPECT_TRUE(m) << (m ? "" : m.error().what);
    return m ? combine(m->budget).expanded : 0.0;
  };
  double before = doubt(0.1);
  double least = before, greatest = before;
  for (double rate_C = 0.1 * 1.05; rate_C < 1.0; rate_C *= 1.05) {
    const double here = doubt(rate_C);
    EXPECT_LT(std::abs(here / before - 1.0), 0.10) << rate_C;
    least = std::min(least, here);
    greatest = std::max(greatest, here);
    before = here;
  }
  EXPECT_LT(greatest / least, 1.7) << "the doubt of one cell between the same limits";
}

/// The estimate over what the same cell gives, of its third charge, which may be colder than the others. Both to the charge between looks.
double estimate_over_truth(double rate_C, const Cell& here, const Cell& before, const Record& record) {
  constexpr double between_V = 0.01;
  const auto run = [&](double top_V) {
    Cycle cycle{record};
    Limits limits;
    cycle.run(rate_C, limits, before, before);
    limits.top_V = top_V;
    cycle.run(rate_C, limits, here, before);
    return cycle;
  };
  const Cycle usual = run(4.2), lower = run(4.2 - between_V);
  const double true_top = (usual.last_discharge_Ah() - lower.last_discharge_Ah()) / between_V;
  const Result<EndSlopes> slopes = end_slopes(usual.facts(), second_discharge_at);
  EXPECT_TRUE(slopes);
  return slopes ? slopes->top_Ah_per_V / true_top : 0.0;
}

/// Of slow processes as fast as the rest begins and slower than it is long, as warm as at the discharge and colder.
struct Ratios {
  double least = std::numeric_limits<double>::infinity(), greatest = 0.0;
};

Ratios ratios_at(double rate_C, const Cell& of, const Record& record = {}) {
  Ratios ratios;
  for (const bool is_cold : {false, true}) {
    for (const double slow_s : {50.0, 200.0, 1000.0, 2000.0, 5000.0}) {
      Cell here = of;
      here.slow_s = slow_s;
      if (is_cold) here.temperature_degC = -20.0;
      const double ratio = estimate_over_truth(rate_C, here, is_cold ? Cell{} : here, record);
      ratios.least = std::min(ratios.least, ratio);
      ratios.greatest = std::max(ratios.greatest, ratio);
    }
  }
  return ratios;
}

// What large currents left in slow processes falls in the rest, too: laid to the last, small current it would make the slope several times
// too small. Too small is worse than too great, which makes a verdict INCONCLUSIVE.
TEST(WindowEnds, a_slope_is_not_too_small_for_slow_processes) {
  for (const Cell& cell : {Cell{.ohm = 0.01, .slow_ohm = 0.03}, Cell{.ohm = 0.02, .slow_ohm = 0.03}, Cell{},
                           Cell{.ohm = 0.01, .slow_ohm = 0.015, .slower_ohm = 0.015}}) {
    for (const double rate_C : {0.1, 0.33, 0.5}) {
      const Ratios ratios = ratios_at(rate_C, cell);
      EXPECT_GT(ratios.least, 0.9) << rate_C << " C, " << cell.ohm;
      EXPECT_LT(ratios.greatest, 1.5) << rate_C << " C, " << cell.ohm;
    }
    // Here the discharge is over before slow processes are: what more was charged is not all of it given back.
    const Ratios fast = ratios_at(1.0, cell);
    EXPECT_GT(fast.least, 0.85) << cell.ohm;
    EXPECT_LT(fast.greatest, 2.5) << cell.ohm;
  }
}

// The rest of a small current falls by a few digits of the voltmeter, and by less than one.
TEST(WindowEnds, a_coarse_voltmeter_makes_no_boundless_slope) {
  for (const double digit_V : {0.001, 0.003, 0.01}) {
    for (const double rate_C : {0.1, 0.33}) {
      const Ratios ratios = ratios_at(rate_C, {}, {.digit_V = digit_V});
      EXPECT_GT(ratios.least, 0.6) << digit_V;
      EXPECT_LT(ratios.greatest, 3.0) << digit_V;
    }
  }
}

// A last reading that is off by a few millivolts, as any is, must not move a slope by its share of the span.
TEST(WindowEnds, noise_of_single_readings_hardly_moves_a_slope) {
  const auto slopes = [](double rate_C, const Record& record, bool holds) {
    Cycle cycle{record};
    const Result<EndSlopes> found = end_slopes(cycled(cycle, rate_C, {.holds_voltage = holds}), second_discharge_at);
    EXPECT_TRUE(found);
    return found ? *found : EndSlopes{};
  };
  for (const double rate_C : {0.1, 0.33}) {
    for (const bool holds : {true, false}) {
      const EndSlopes quiet = slopes(rate_C, {.period_s = 1.0}, holds);
      for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const EndSlopes noisy = slopes(rate_C, {.period_s = 1.0, .noise_V = 0.002, .seed = seed}, holds);
        EXPECT_NEAR(noisy.bottom_Ah_per_V / quiet.bottom_Ah_per_V, 1.0, 0.1) << rate_C << " C, seed " << seed;
        EXPECT_NEAR(noisy.top_Ah_per_V / quiet.top_Ah_per_V, 1.0, holds ? 0.2 : 0.1)
            << rate_C << " C, seed " << seed << " " << holds;
      }
    }
  }
}

// What a rest does not last for, it does not tell.
TEST(WindowEnds, a_shorter_rest_makes_the_slope_no_smaller) {
  for (const double rate_C : {0.1, 0.33}) {
    for (const Cell& cell : {Cell{.ohm = 0.01, .slow_ohm = 0.03}, Cell{}}) {
      const Ratios ratios = ratios_at(rate_C, cell, {.rests_s = 1800.0});
      EXPECT_GT(ratios.least, 0.9) << rate_C << " C, " << cell.ohm;
      EXPECT_LT(ratios.greatest, 2.0) << rate_C << " C, " << cell.ohm;
      RecordProperty("greatest", std::to_string(ratios.greatest));
    }
  }
}

// With hardly a rest the discharge tells the resistance, as well as it can.
TEST(WindowEnds, with_hardly_a_rest_the_slope_is_rather_too_great) {
  for (const double rate_C : {0.1, 0.33}) {
    const Ratios ratios = ratios_at(rate_C, {.ohm = 0.01, .slow_ohm = 0.03}, {.rests_s = 30.0});
    EXPECT_GT(ratios.least, 0.9);
    EXPECT_LT(ratios.greatest, 6.0);
  }
}

// Where the voltage was not held the charge goes on along its own curve.
TEST(WindowEnds, of_a_charge_that_ends_at_its_voltage_the_curve_itself_counts) {
  Limits limits;
  limits.holds_voltage = false;
  Limits lower = limits;
  lower.top_V -= 0.01;
  const double true_top = (capacity_at(0.1, limits) - capacity_at(0.1, lower)) / 0.01;
  const double slope = slopes_at(0.1, limits).top_Ah_per_V;
  EXPECT_GT(slope, 0.7 * true_top);
  EXPECT_LT(slope, 1.6 * true_top);
}

// The resistance of a discharge in the cold is not that of the warm charge before it.
TEST(WindowEnds, a_discharge_in_the_cold_does_not_move_the_top_of_a_warm_charge) {
  Cell cold;
  cold.ohm = 0.03;
  cold.slow_ohm = 0.06;
  cold.temperature_degC = -20.0;
  Cycle cycle;
  cycle.run(0.33, {}, {}, {}, "warm discharge");
  cycle.run(0.33, {}, {}, {}, "warm discharge");
  cycle.run(0.33, {}, {}, cold, "cold discharge");
  const RunFacts facts = cycle.facts();
  const Result<EndSlopes> warm = end_slopes(facts, second_discharge_at), there = end_slopes(facts, second_discharge_at + 4);
  ASSERT_TRUE(warm);
  ASSERT_TRUE(there);
  EXPECT_NEAR(there->top_Ah_per_V / warm->top_Ah_per_V, 1.0, 0.1);
}

// A charge in the cold has no discharge that it is like; what its own voltage falls by afterwards tells its resistance.
TEST(WindowEnds, a_charge_in_the_cold_has_its_own_resistance) {
  Cell cold;
  cold.ohm = 0.03;
  cold.slow_ohm = 0.06;
  cold.temperature_degC = -20.0;
  const auto charged = [&](double top_V) {
    Cycle cycle;
    Limits limits;
    limits.top_V = top_V;
    cycle.run(0.1, {}, {}, {});
    cycle.run(0.1, limits, cold, {});
    return cycle.facts().executions[second_discharge_at].net_Ah();
  };
  Cycle cycle;
  cycle.run(0.1, {}, {}, {});
  cycle.run(0.1, {}, cold, {});
  const Result<EndSlopes> slopes = end_slopes(cycle.facts(), second_discharge_at);
  ASSERT_TRUE(slopes);
  const double true_top = (charged(4.2) - charged(4.19)) / 0.01;
  EXPECT_GT(slopes->top_Ah_per_V, 0.6 * true_top);
  EXPECT_LT(slopes->top_Ah_per_V, 1.6 * true_top);
}

// What no slope can be read from is no certainty: a charge so flat that its voltage hardly moves is moved the more by an error of it.
TEST(WindowEnds, a_flat_curve_has_a_great_slope_and_not_none) {
  RunFacts facts;
  Execution charge, discharge;
  charge.charge_Ah = discharge.discharge_Ah = 1.0;
  charge.type = "CC_CHG";
  charge.ended_by = "voltage_V >= 3.4";
  discharge.type = "CC_DCH";
  discharge.ended_by = "voltage_V <= 3.3";
  charge.parts = {1};
  discharge.parts = {2};
  facts.executions = {charge, discharge};
  facts.visit = [](db::StepKey step, const std::function<bool(const db::SampleRow&)>& visit) -> Result<void> {
    for (int i = 0; i <= 100; ++i) {
      db::SampleRow row;
      (step == 1 ? row.charge_Ah : row.discharge_Ah) = 0.01 * i;
      row.voltage_V = (step == 1 ? 3.39 : 3.31) + (step == 1 ? 1e-4 : -1e-4) * i;
      if (i == 50) row.voltage_V = std::numeric_limits<double>::quiet_NaN();  // of no curve
      if (!visit(row)) break;
    }
    return {};
  };
  const Result<EndSlopes> slopes = end_slopes(facts, 1);
  ASSERT_TRUE(slopes);
  EXPECT_NEAR(slopes->top_Ah_per_V, 100.0, 1e-6);
  EXPECT_NEAR(slopes->bottom_Ah_per_V, 100.0, 1e-6);
}

}  // namespace
}  // namespace cellrig::verdict
