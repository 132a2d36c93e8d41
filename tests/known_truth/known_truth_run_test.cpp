// The whole path against known truth: a simulated cell on simulated instruments whose errors the seed draws from what their maker promises, a run
// as `cellrig run` does it, its record, and what `cellrig verify` measures there. The truth is what the same run gives on instruments without errors.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "controller/cli/record/record_source.hpp"
#include "controller/cli/run/run_session.hpp"
#include "controller/cli/verify/recorded_run.hpp"
#include "db/verdict/decision.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::cli {
namespace {

using verdict::Decision;
using verdict::Measured;

/// Of so many at most so many may be judged either way on the limit: 2.3 % of a normal error, and what so few draws scatter (1 in 300 goes
/// beyond the first). CELLRIG_KNOWN_TRUTH_BENCHES=1000: the whole of it, five minutes.
struct Size {
  int benches = 40, wrong_max = 4;
};
Size size_of_test() {
  const char* const asked = std::getenv("CELLRIG_KNOWN_TRUTH_BENCHES");
  if (asked == nullptr) return {};
  const int benches = std::max(40, std::atoi(asked));
  const double expected = verdict::one_sided_risk * benches;
  return {benches, static_cast<int>(expected + 3.4 * std::sqrt(expected))};
}

constexpr const char* bench_text = R"yaml(bench: known truth
instruments:
  aps1: {model: keysight-n6974a, scpi: "192.0.2.16:5025"}
  f4t: {model: watlow-f4t, modbus: "192.0.2.14:502"}
  adam: {model: adam-6018, modbus: "192.0.2.15:502"}
chambers:
  oven: {instrument: f4t}
channels:
  ch1: {cycler: aps1, cell_temperature: {logger: adam, input: 4}, contactor: {relays: adam, output: 4}, chamber: oven}
simulation:
  cells:
    ch1: {file: qse-5, soc_pct: 50, temperature_degC: 25}
  measurement: {aps1: HOW, adam: HOW}
  room_temperature_degC: 25
)yaml";

const std::vector<verdict::MeasureRequest>& requests() {
  static const std::vector<verdict::MeasureRequest> all{
      {.quantity = ClaimQuantity::step_time, .step = "fast charge", .reference = "reference discharge"},
      {.quantity = ClaimQuantity::specific_energy, .step = "reference discharge"},
      {.quantity = ClaimQuantity::capacity, .step = "reference discharge"},
      {.quantity = ClaimQuantity::cell_temperature_peak, .step = "fast charge"}};
  return all;
}
Comparator comparator_of(const verdict::MeasureRequest& request) {
  const bool is_upper = request.quantity == ClaimQuantity::step_time || request.quantity == ClaimQuantity::cell_temperature_peak;
  return is_upper ? Comparator::at_most : Comparator::at_least;
}

/// What is measured of one cell by one bench, an entry for each request. `how`: "drawn" or "ideal".
std::vector<Measured> measured_by(const std::string& how, std::uint64_t seed) {
  const std::string folder = test::temporary_folder();
  std::string text = bench_text;
  for (std::size_t at = text.find("HOW"); at != std::string::npos; at = text.find("HOW")) text.replace(at, 3, how);
  std::ofstream{folder + "/bench.yaml"} << text;
  RunOptions options;
  options.profile = "fast-charge-window";
  options.bench = folder + "/bench.yaml";
  options.cells = {"qse-5"};
  options.settings = {"reference_cycles=1", "charge_rate_C=4"};
  options.database = folder + "/record.db";
  options.simulated = options.quiet = true;
  options.seed = seed;
  const RunOutcome outcome = run_profiles_silently(options);
  std::vector<Measured> all;
  if (outcome.results.size() != 1 || outcome.results.front().outcome != Outcome::completed) {
    ADD_FAILURE() << how << " " << seed << ": " << (outcome.results.empty() ? "no run" : outcome.results.front().reason);
    return all;
  }
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  RecordedRun recorded = read_recorded_run(*reader, outcome.results.front().run);
  recorded.cell.mass_standard_kg = 0.0;  // the simulated cell has the mass of its file
  for (const verdict::MeasureRequest& request : requests()) {
    const Result<Measured> measured = verdict::measure(recorded.facts, request, recorded.instruments, recorded.cell);
    EXPECT_TRUE(measured) << (measured ? "" : measured.error().what);
    if (measured) all.push_back(*measured);
  }
  return all;
}

struct Tally {
  int pass = 0, fail = 0, open = 0;
};

/// The verdicts of all benches with the limit so far from the truth: in shares of each one's own uncertainty, above zero on the good side.
Tally judge(const std::vector<Measured>& all, double truth, Comparator comparator, double away, double share = 1.0) {
  Tally tally;
  for (const Measured& m : all) {
    const double expanded = verdict::combine(m.budget).expanded;
    const double limit = truth + away * expanded * (comparator == Comparator::at_least ? -1.0 : 1.0);
    const Decision decision = verdict::decide(m.value, share * expanded, {comparator, limit});
    (decision == Decision::pass ? tally.pass : decision == Decision::fail ? tally.fail : tally.open) += 1;
  }
  return tally;
}

/// Root mean square of what was measured wrongly, over that of the standard uncertainties.
double error_of(const std::vector<Measured>& all, double truth) {
  double errors = 0.0, standards = 0.0;
  for (const Measured& m : all) {
    const double standard = verdict::combine(m.budget).standard;
    errors += (m.value - truth) * (m.value - truth);
    standards += standard * standard;
  }
  return std::sqrt(errors / standards);
}

// One set of runs for all: each takes a quarter of a second.
TEST(KnownTruthOfRuns, a_charge_time_and_a_specific_energy_are_rarely_judged_wrongly) {
  const Size size = size_of_test();
  const std::vector<Measured> truths = measured_by("ideal", 1);
  ASSERT_EQ(truths.size(), requests().size());
  std::vector<std::vector<Measured>> all(requests().size());
  for (int seed = 1; seed <= size.benches; ++seed) {
    const std::vector<Measured> one = measured_by("drawn", static_cast<std::uint64_t>(seed) * 7919U);
    ASSERT_EQ(one.size(), all.size());
    for (std::size_t i = 0; i < one.size(); ++i) all[i].push_back(one[i]);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double truth = truths[i].value;
    const Comparator comparator = comparator_of(requests()[i]);
    const std::string name{to_string(requests()[i].quantity)};
    const Tally on = judge(all[i], truth, comparator, 0.0);
    EXPECT_LE(on.pass, size.wrong_max) << name;
    EXPECT_LE(on.fail, size.wrong_max) << name;
    const Tally inside = judge(all[i], truth, comparator, 2.2);
    EXPECT_GE(inside.pass, size.benches - size.wrong_max) << name;
    EXPECT_EQ(inside.fail, 0) << name;
    const Tally outside = judge(all[i], truth, comparator, -2.2);
    EXPECT_GE(outside.fail, size.benches - size.wrong_max) << name;
    EXPECT_EQ(outside.pass, 0) << name;
    const double ratio = error_of(all[i], truth);
    EXPECT_LT(ratio, 1.3) << name << ": the budget forgets something";
    EXPECT_GT(ratio, 0.2) << name << ": the instruments do not err, or the budget is boundless";
    const Tally bold = judge(all[i], truth, comparator, 0.0, 0.2 * ratio);
    EXPECT_GT(std::max(bold.pass, bold.fail), size.wrong_max)
        << name << ": a budget that forgets most of it would not be found out";
    RecordProperty(
        name,
        fmt::format(
            "truth {:.4f}; root mean square of the errors {:.2f} of the standard uncertainty; on the limit {} pass, {} fail",
            truth, ratio, on.pass, on.fail));
  }
}

}  // namespace
}  // namespace cellrig::cli
