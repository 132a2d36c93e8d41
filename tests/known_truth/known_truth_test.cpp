// The engine against known truth: cells on, just inside and just outside a limit, measured by cyclers whose errors are drawn as their
// maker bounds them. On the limit at most 39 of 1,000 may be judged either way: 2.3 % of a normal error, and what 1,000 draws scatter.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "db/verdict/decision.hpp"
#include "db/verdict/life.hpp"
#include "db/verdict/lot.hpp"
#include "tests/known_truth/truth_kinds.hpp"

namespace cellrig::verdict {
namespace {

using test::DrawnBench;
using test::quantities_without_truth;
using test::truth_kinds;
using test::TruthKind;

constexpr int seeds = 1000;
constexpr int wrong_max = 39;

struct Tally {
  int pass = 0, fail = 0, open = 0;
};

/// `share`: of the uncertainty; less than all of it is what an engine would make of a budget that forgot something.
Tally judge(const TruthKind& kind, double truth, double share = 1.0) {
  Tally tally;
  for (int seed = 1; seed <= seeds; ++seed) {
    DrawnBench bench{static_cast<std::uint64_t>(seed) * 7919U};
    const Measured m = kind.measured(bench, truth);
    const Decision decision = restrict_one_sided(
        decide(m.value, share * combine(m.budget).expanded, {kind.comparator, kind.limit}), m.is_least, kind.comparator);
    (decision == Decision::pass ? tally.pass : decision == Decision::fail ? tally.fail : tally.open) += 1;
  }
  return tally;
}

/// The greatest of some benches: an estimate from few repeats is not alike on two of them.
double expanded_near(const TruthKind& kind) {
  double greatest = 0.0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    DrawnBench bench{seed};
    greatest = std::max(greatest, combine(kind.measured(bench, kind.limit).budget).expanded);
  }
  return greatest;
}

// A quantity without such a test would be believed unseen.
TEST(VerdictKnownTruth, every_quantity_is_tested_or_says_why_not) {
  const std::map<ClaimQuantity, std::string> without = quantities_without_truth();
  std::map<ClaimQuantity, int> kinds;
  for (const TruthKind& kind : truth_kinds()) ++kinds[kind.quantity];
  for (const ClaimQuantityWord& word : claim_quantities) {
    EXPECT_EQ(kinds.count(word.quantity) + without.count(word.quantity), 1U) << word.name;
  }
  for (const auto& [quantity, reason] : without) EXPECT_GT(reason.size(), 20U) << to_string(quantity);
}

TEST(VerdictKnownTruth, on_the_limit_few_are_judged_either_way) {
  for (const TruthKind& kind : truth_kinds()) {
    const Tally tally = judge(kind, kind.limit);
    EXPECT_LE(tally.pass, wrong_max) << kind.name;
    EXPECT_LE(tally.fail, wrong_max) << kind.name;
    RecordProperty(kind.name, std::to_string(tally.pass) + " pass, " + std::to_string(tally.fail) + " fail");
  }
}

// The test above must be able to fail: with a third of the uncertainty every kind is judged too often.
TEST(VerdictKnownTruth, a_budget_that_forgets_something_is_found_out) {
  for (const TruthKind& kind : truth_kinds()) {
    const Tally tally = judge(kind, kind.limit, 1.0 / 3.0);
    EXPECT_GT(std::max(tally.pass, tally.fail), wrong_max) << kind.name;
  }
}

// Neither may an engine hide behind INCONCLUSIVE: a little beyond the guard band it must decide, and rightly.
TEST(VerdictKnownTruth, just_inside_passes_and_just_outside_fails) {
  for (const TruthKind& kind : truth_kinds()) {
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
  for (const TruthKind& kind : truth_kinds()) {
    const double step = 0.5 * expanded_near(kind) * (kind.comparator == Comparator::at_least ? 1.0 : -1.0);
    EXPECT_LE(judge(kind, kind.limit + step).fail, wrong_max) << kind.name;
    EXPECT_LE(judge(kind, kind.limit - step).pass, wrong_max) << kind.name;
  }
}

// A first resistance that was read too high makes small growths smaller, and their exponent greater by more than a straight line says.
TEST(VerdictKnownTruth, the_exponent_of_a_growth_that_is_hardly_seen_is_rarely_judged) {
  const TruthKind kind{"exponent of a very small growth", ClaimQuantity::resistance_growth_exponent, 0.5, Comparator::at_most,
                       [](DrawnBench& bench, double truth) { return test::growth_exponent(bench, truth, 10.0); }};
  const Tally tally = judge(kind, kind.limit);
  EXPECT_LE(tally.pass, wrong_max);
  EXPECT_LE(tally.fail, wrong_max);
  EXPECT_GT(tally.pass, 0);
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

/// What is left of a cell of which `left_pct` tells after how many cycles, looked at every so often by one whose readings scatter.
std::vector<LifePoint> life_of(sim::Random& random, int every, const std::function<double(int)>& left_pct) {
  std::vector<LifePoint> points;
  const double reference = 1.0 + 0.001 * sim::draw_normal(random);
  for (int cycle = 0; cycle <= 600; cycle += every) {
    const double standard = left_pct(cycle) * std::sqrt(2.0) * 0.001;
    points.push_back({static_cast<double>(cycle),
                      left_pct(cycle) * (1.0 + 0.001 * sim::draw_normal(random)) / reference,
                      {.standard = standard, .expanded = 2.0 * standard}});
  }
  return points;
}

/// A life that ends on its limit after 600 cycles, looked at every 50.
std::vector<LifePoint> life_on_the_limit(sim::Random& random) {
  return life_of(random, 50, [](int cycle) { return 100.0 - 20.0 * cycle / 600.0; });
}

// One cell, and a lot: it does not fail by its number.
TEST(VerdictKnownTruth, a_lot_of_lives_on_the_limit_is_rarely_judged) {
  int pass = 0, fail = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    sim::Random random{static_cast<std::uint64_t>(seed)};
    std::vector<std::vector<LifePoint>> lot;
    for (int cell = 0; cell < 22; ++cell) lot.push_back(life_on_the_limit(random));
    const Decision decision = decide_lives(lot, 600.0, 80.0);
    pass += decision == Decision::pass;
    fail += decision == Decision::fail;
  }
  EXPECT_LE(pass, wrong_max);
  EXPECT_LE(fail, wrong_max);
}

TEST(VerdictKnownTruth, a_life_on_the_limit_is_rarely_judged) {
  int pass = 0, fail = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    sim::Random random{static_cast<std::uint64_t>(seed)};
    const Decision decision = judge_life(life_on_the_limit(random), 600.0, 80.0).decision;
    pass += decision == Decision::pass;
    fail += decision == Decision::fail;
  }
  EXPECT_LE(pass, wrong_max);
  EXPECT_LE(fail, wrong_max);
}

Tally judge_lives(int every, const std::function<double(int)>& left_pct) {
  Tally tally;
  for (int seed = 1; seed <= seeds; ++seed) {
    sim::Random random{static_cast<std::uint64_t>(seed)};
    const std::vector<LifePoint> whole = life_of(random, every, left_pct);
    for (std::size_t looks = 1; looks < whole.size(); ++looks) {
      const std::vector<LifePoint> so_far(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(looks));
      EXPECT_NE(judge_life(so_far, 600.0, 80.0).decision, Decision::pass) << "before the claimed count";
    }
    const Decision decision = judge_life(whole, 600.0, 80.0).decision;
    (decision == Decision::pass ? tally.pass : decision == Decision::fail ? tally.fail : tally.open) += 1;
  }
  return tally;
}

/// Falls fast in the first hundred cycles, then no more.
double flattened(int cycle, double to_pct) { return std::max(to_pct, 100.0 - (100.0 - to_pct) * cycle / 100.0); }
/// Falls to so much after 300 cycles, and half of it comes back.
double recovering(int cycle, double least_pct) {
  const double lost_pct = 100.0 - least_pct;
  return cycle <= 300 ? 100.0 - lost_pct * cycle / 300.0 : least_pct + 0.5 * lost_pct * (cycle - 300) / 300.0;
}

// Each look is one more chance to be wrong: a cell that stays on its limit is looked at there often.
TEST(VerdictKnownTruth, a_life_that_flattens_on_its_limit_is_rarely_judged_however_often_it_is_looked_at) {
  for (const int every : {100, 50, 25, 10, 5}) {
    const Tally on = judge_lives(every, [](int cycle) { return flattened(cycle, 80.0); });
    EXPECT_LE(on.pass, wrong_max) << every;
    EXPECT_LE(on.fail, wrong_max) << every;
    RecordProperty("looked at every " + std::to_string(every),
                   std::to_string(on.pass) + " pass, " + std::to_string(on.fail) + " fail");
  }
}

// Fast at first tells nothing of later.
TEST(VerdictKnownTruth, a_life_that_flattens_above_its_limit_does_not_fail_and_one_below_does) {
  for (const int every : {100, 50, 10}) {
    const Tally above = judge_lives(every, [](int cycle) { return flattened(cycle, 80.5); });
    EXPECT_GE(above.pass, seeds - wrong_max) << every;
    EXPECT_EQ(above.fail, 0) << every;
    const Tally below = judge_lives(every, [](int cycle) { return flattened(cycle, 79.5); });
    EXPECT_GE(below.fail, seeds - wrong_max) << every;
    EXPECT_EQ(below.pass, 0) << every;
  }
}

// A limit that was touched was kept; one that was crossed was not, whatever comes back.
TEST(VerdictKnownTruth, a_life_that_recovers_fails_only_if_it_was_below) {
  for (const int every : {100, 50, 10}) {
    const Tally touched = judge_lives(every, [](int cycle) { return recovering(cycle, 80.0); });
    EXPECT_LE(touched.fail, wrong_max) << every;
    EXPECT_GE(touched.pass, seeds - wrong_max) << every;
    const Tally crossed = judge_lives(every, [](int cycle) { return recovering(cycle, 79.0); });
    EXPECT_GE(crossed.fail, seeds - wrong_max) << every;
  }
}

/// So many cells about 100, and what measuring them scatters.
struct DrawnLot {
  int cells = 22;
  double deviation = 1.0, scatter = 0.1;
  double apart = 0.0;  ///< of one of them
};
db::LotSpread drawn(const DrawnLot& lot, std::uint64_t seed, const db::Tolerance& tolerance = {}) {
  sim::Random random{seed * 7919U};
  std::vector<double> values;
  for (int i = 0; i < lot.cells; ++i)
    values.push_back(100.0 + lot.deviation * sim::draw_normal(random) + lot.scatter * sim::draw_normal(random));
  values[0] += lot.apart;
  return *db::lot_spread(values, tolerance, lot.scatter);
}
Tally judge_lots(const Limit& limit, const std::function<Estimate(std::uint64_t)>& estimate) {
  Tally tally;
  for (int seed = 1; seed <= seeds; ++seed) {
    const Decision decision = decide_between(estimate(static_cast<std::uint64_t>(seed)).interval, limit);
    (decision == Decision::pass ? tally.pass : decision == Decision::fail ? tally.fail : tally.open) += 1;
  }
  return tally;
}

// A standard deviation of few cells is no normal number: the true one may be much greater, and little less.
TEST(VerdictKnownTruth, a_spread_on_the_limit_is_rarely_judged) {
  for (const int cells : {4, 8, 22, 50}) {
    const auto estimate = [cells](double deviation) {
      return [=](std::uint64_t seed) { return relative_spread(drawn({.cells = cells, .deviation = deviation}, seed), 0.1); };
    };
    const Limit limit{Comparator::at_most, 1.0};
    const Tally on = judge_lots(limit, estimate(1.0));
    EXPECT_LE(on.pass, wrong_max) << cells;
    EXPECT_LE(on.fail, wrong_max) << cells;
    EXPECT_GT(on.pass + on.fail, 10) << cells;
    EXPECT_GE(judge_lots(limit, estimate(0.1)).pass, seeds / 2) << cells;
    EXPECT_GE(judge_lots(limit, estimate(10.0)).fail, seeds / 2) << cells;
  }
}

TEST(VerdictKnownTruth, a_capability_on_the_limit_is_rarely_judged) {
  const Limit limit{Comparator::at_least, 1.33};
  for (const int cells : {8, 22, 50}) {
    for (const double far : {3.99, 100.0}) {  // in the middle of the tolerance, and at one of its ends
      const auto estimate = [=](double deviation) {
        return [=](std::uint64_t seed) {
          return capability(drawn({.cells = cells, .deviation = deviation, .scatter = 0.0}, seed, {100.0 - far, 103.99}));
        };
      };
      const Tally on = judge_lots(limit, estimate(1.0));
      EXPECT_LE(on.pass, wrong_max) << cells << " " << far;
      EXPECT_LE(on.fail, wrong_max) << cells << " " << far;
      EXPECT_GE(judge_lots(limit, estimate(0.2)).pass, seeds / 2) << cells << " " << far;
      EXPECT_GE(judge_lots(limit, estimate(5.0)).fail, seeds / 2) << cells << " " << far;
    }
  }
}

// A lot of normal cells has no outlier, though a tenth of such lots have one that a score of 3.5 names.
TEST(VerdictKnownTruth, a_clean_lot_rarely_fails_by_an_outlier) {
  const Limit limit{Comparator::at_most, 0.0};
  for (const int cells : {8, 9, 12, 22, 50, 100}) {
    const auto estimate = [cells](double apart) {
      return [=](std::uint64_t seed) { return outlier_count(drawn({.cells = cells, .apart = apart}, seed)); };
    };
    EXPECT_LE(judge_lots(limit, estimate(0.0)).fail, wrong_max) << cells;
    EXPECT_GE(judge_lots(limit, estimate(0.0)).pass, seeds / 2) << cells;
    EXPECT_LE(judge_lots(limit, estimate(10.0)).pass, wrong_max) << cells;
    EXPECT_GE(judge_lots(limit, estimate(40.0)).fail, seeds - wrong_max) << cells;
  }
}

}  // namespace
}  // namespace cellrig::verdict
