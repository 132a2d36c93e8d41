// The page of a verdict, as somebody who was not there reads it: of a lot, a life, a run that tripped, two weighings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/program/process.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* claim_head = R"(
format: 1
by: a test
level: cell
source: none
date: "2026-01-01"
description: a test
conditions: {soc_window: all, soc_reference: all, rate: C/3, temperature: 25 degC, measured_at: surface, thermal_boundary: air,
  pressure: none, cycle_index: new, cells: "1"}
)";

std::string replaced(const std::string& text, const char* what, const char* by) {
  return std::regex_replace(text, std::regex{what}, by);
}

/// A page and what a reader sees of it: text without tags, a table row in one line with '|' between its cells.
struct Page {
  std::string html, text;
  int exit_code = -1;
  std::string said;
};

class VerdictPage : public testing::Test {
 protected:
  VerdictPage() : folder_{std::filesystem::path{file_with("", "empty")}.parent_path().string()} {}

  Page verify(std::vector<std::string> words) const {
    words.insert(words.begin(), "verify");
    words.insert(words.end(), {"--db", folder_ + "/v.db", "--quiet", "--report", folder_ + "/page.html"});
    const Finished done = cellrig(words);
    std::stringstream html;
    html << std::ifstream{folder_ + "/page.html"}.rdbuf();
    Page page{.html = html.str(), .exit_code = done.exit_code, .said = done.out + done.err};
    const std::string body = page.html.substr(std::min(page.html.find("<main>"), page.html.size()));
    page.text = replaced(replaced(replaced(body, "</t[dh]>", "|"), "<[^>]*>", ""), "&lt;", "<");
    page.text = replaced(page.text, "&gt;", ">");
    return page;
  }
  /// A claim of our own: `rest` are its runs and statements.
  Page verify_own(const std::string& title, const std::string& rest, std::vector<std::string> words = {}) const {
    words.insert(words.begin(), {file_with("claim: " + title + claim_head + rest, "own.yaml", folder_), "--simulated"});
    return verify(std::move(words));
  }
  std::string folder_;
};

double number_after(const std::string& text, const std::string& before) {
  const std::size_t at = text.find(before);
  return at == std::string::npos ? -1.0 : std::stod(text.substr(at + before.size()));
}

void expect_anchored_in(const Page& page, const std::string& database) {
  const Finished anchor = cellrig({"db", "anchor", "--db", database, "--json"});
  EXPECT_EQ(anchor.exit_code, 0) << anchor.err;
  std::smatch found;
  ASSERT_TRUE(std::regex_search(page.text, found, std::regex{"hash chain, SHA-256\\|?\\s*([0-9a-f]{64})"}) ||
              std::regex_search(page.text, found, std::regex{"\\|([0-9a-f]{64})\\|"}))
      << page.text;
  EXPECT_THAT(anchor.out, HasSubstr(found[1].str())) << "the page names the end of the chain";
}

// Every cell of a lot has its line with its own number and uncertainty; the lot's verdict says what so few cells show.
TEST_F(VerdictPage, of_a_lot_shows_every_cell_and_what_they_show_together) {
  const Page page = verify_own("A lot", R"(
cells: 3
runs:
  capacity: {profile: reference-performance-test, cell: lg-m50, channel: fine-free, set: {conditioning_cycles: 0}}
statements:
  each: {text: 4.5 Ah, testable: yes, quantity: capacity, comparator: ">=", value: 4.5, value_from: source, unit: Ah,
    run: capacity, step: capacity discharge}
  spread: {text: as alike as 3 %, testable: yes, quantity: capacity, statistic: relative_spread, comparator: "<=", value: 3,
    value_from: source, unit: "%", run: capacity, step: capacity discharge}
)");
  EXPECT_EQ(page.exit_code, 0) << page.said;
  EXPECT_THAT(page.text, HasSubstr("each: SIMULATED PASS"));
  EXPECT_THAT(page.text, HasSubstr("3 cells, none failed: at 90 % confidence 46 % of such cells keep it"));
  std::set<double> values;
  for (const std::string run : {"1", "2", "3"}) {
    std::smatch row;
    ASSERT_TRUE(std::regex_search(
        page.text, row,
        std::regex{"simulated-" + run + "\\|" + run + "\\|([0-9.]+) \\+/- ([0-9.]+) Ah\\|2\\.00\\|SIMULATED PASS\\|"}))
        << page.text;
    values.insert(std::stod(row[1]));
    EXPECT_NEAR(std::stod(row[1]), 4.9, 0.1);
    EXPECT_GT(std::stod(row[2]), 0.0);
    EXPECT_LT(std::stod(row[2]), 0.3);
    EXPECT_THAT(page.text, HasSubstr("specimensimulated-" + run)) << "the run itself stands below";
  }
  EXPECT_GE(values.size(), 2U) << "cells of a lot differ";
  EXPECT_THAT(page.text, HasSubstr("ends of the window|"));
  EXPECT_THAT(page.text, HasSubstr("spread: SIMULATED PASS"));
  const double mean = number_after(page.text, "3 cells: mean ");
  EXPECT_GE(mean, *values.begin() - 0.01);
  EXPECT_LE(mean, *values.rbegin() + 0.01);
  EXPECT_THAT(page.text, HasSubstr("SIMULATED REPORTED")) << "one cell's number keeps or breaks no limit of the lot";
  EXPECT_EQ(replaced(page.text, "SIMULATED PASS", "").find("PASS"), std::string::npos) << "no PASS that nothing qualifies";
  EXPECT_THAT(page.text, HasSubstr("no evidence about a real cell"));
  EXPECT_THAT(page.html, Not(HasSubstr("class=\"verdict good\""))) << "green is for a bare PASS";
  expect_anchored_in(page, folder_ + "/v.db");
}

// A life is judged as it is lived: what has not been reached is not passed, what has failed has failed.
TEST_F(VerdictPage, of_a_life_never_passes_before_the_claimed_count) {
  const Page page = verify_own("A life", R"(
runs:
  six: {profile: claim-life, cell: lg-m50, channel: fine-free, set: {thin_cycles_per_block: 1, blocks: 3, rest_min: 5}}
statements:
  early: {text: 60 cycles, testable: yes, quantity: retention, comparator: ">=", value: 80, value_from: source, unit: "%",
    cycles: 60, run: six, reference: reference discharge}
  whole: {text: 6 cycles, testable: yes, quantity: retention, comparator: ">=", value: 80, value_from: source, unit: "%",
    cycles: 6, run: six, reference: reference discharge}
  lost: {text: 60 cycles above 99.5 %, testable: yes, quantity: retention, comparator: ">=", value: 99.5, value_from: source,
    unit: "%", cycles: 60, run: six, reference: reference discharge}
)");
  EXPECT_EQ(page.exit_code, 1) << page.said;
  const std::size_t whole = page.text.find("whole: SIMULATED "), lost = page.text.find("lost: SIMULATED ");
  ASSERT_NE(whole, std::string::npos) << page.text;
  ASSERT_NE(lost, std::string::npos) << page.text;
  const std::string early = page.text.substr(0, whole);
  EXPECT_THAT(early, HasSubstr("early: SIMULATED INCONCLUSIVE"));
  EXPECT_THAT(early, Not(HasSubstr("PASS"))) << "97 % after a tenth of the life is no life";
  EXPECT_THAT(early, HasSubstr("6 of 60 cycles were run; a straight line leads to "));
  EXPECT_THAT(early, HasSubstr("cell simulated-1, after 6 of 60 cycles"));
  EXPECT_THAT(early, HasSubstr("if it fades on in a line to 60"));
  EXPECT_THAT(early, HasSubstr("|SIMULATED INCONCLUSIVE|6 cycles reached|"));
  const double foretold = number_after(early, "leads to "), low = number_after(early.substr(early.find("leads to ")), "(");
  EXPECT_LT(foretold, 98.0);
  EXPECT_LT(low, foretold);

  const std::string reached = page.text.substr(whole, lost - whole);
  EXPECT_THAT(reached, HasSubstr("whole: SIMULATED PASS"));
  EXPECT_THAT(reached, HasSubstr("|SIMULATED PASS|6 cycles reached|"));
  EXPECT_THAT(reached, HasSubstr("repeatability|"));

  const std::string failed = page.text.substr(lost, page.text.find("Cycles", lost) - lost);
  EXPECT_THAT(failed, HasSubstr("lost: SIMULATED FAIL")) << "the count need not be waited for";
  EXPECT_THAT(failed, HasSubstr("6 cycles reached, below the limit at "));
  EXPECT_THAT(failed, HasSubstr("; 6 of 60 cycles were run")) << "though it was decided before";
  EXPECT_THAT(failed, Not(HasSubstr("so far"))) << "in the picture, too";
}

/// Charges a cell under a limit that it must break.
std::string hot_charge(const std::string& folder) {
  return file_with(R"(profile: Too warm
format: 1
description: trips
source: a test
limits: {cell_temperature_max_degC: 27}
steps:
  - cc_charge: {name: charge, rate_C: 0.7, until: voltage_V >= 4.15, at_most_h: 3}
)",
                   "hot.yaml", folder);
}

// A run that tripped gives no number, and the page says which limit it was; the exit code is that of the trip.
TEST_F(VerdictPage, of_a_run_that_tripped_is_not_run_and_says_why) {
  const Page page = verify_own("A trip", "runs:\n  hot: {profile: " + hot_charge(folder_) + R"(, cell: lg-m50, channel: fine-free}
statements:
  capacity: {text: 0.1 Ah, testable: yes, quantity: capacity, comparator: ">=", value: 0.1, value_from: source, unit: Ah, run: hot,
    step: charge}
)");
  EXPECT_EQ(page.exit_code, 3) << page.said;
  EXPECT_THAT(page.text, HasSubstr("capacity: SIMULATED NOT RUN"));
  EXPECT_THAT(page.text, HasSubstr("run 1 tripped: cell too hot: cell_temperature_degC 27."));
  EXPECT_THAT(page.text, HasSubstr("simulated-1|1|–|–|SIMULATED NOT RUN|run 1 tripped"));
  EXPECT_THAT(page.text, Not(HasSubstr("PASS"))) << "0.1 Ah went in before the trip, and count for nothing";
  EXPECT_THAT(page.text, Not(HasSubstr("FAIL")));
  EXPECT_THAT(page.text, HasSubstr("TRIP"));
  EXPECT_THAT(page.text, HasSubstr("statustripped"));
  EXPECT_THAT(page.text, HasSubstr("highest cell temperature|27|"));
  EXPECT_THAT(page.html, HasSubstr(">SIMULATED<")) << "the run was a simulated one all the same";
  EXPECT_THAT(page.html, HasSubstr("class=\"verdict warn\">SIMULATED NOT RUN"));
  expect_anchored_in(page, folder_ + "/v.db");
}

// What tripped on the quantity that is judged has gone as far as that: below it nothing is claimed any more, above it all is open.
TEST_F(VerdictPage, of_a_trip_by_the_judged_quantity_decides_one_way_only) {
  const Page page = verify_own("A trip", "runs:\n  hot: {profile: " + hot_charge(folder_) + R"(, cell: lg-m50, channel: fine-free}
statements:
  cool: {text: below 25 degC, testable: yes, quantity: cell_temperature_peak, comparator: "<=", value: 25, value_from: source,
    unit: degC, run: hot, step: charge}
  warm: {text: below 40 degC, testable: yes, quantity: cell_temperature_peak, comparator: "<=", value: 40, value_from: source,
    unit: degC, run: hot, step: charge}
)");
  EXPECT_EQ(page.exit_code, 3) << page.said;
  EXPECT_THAT(page.text, HasSubstr("cool: SIMULATED FAIL"));
  EXPECT_THAT(page.text, HasSubstr("warm: SIMULATED INCONCLUSIVE"));
  EXPECT_THAT(page.text, HasSubstr("cell simulated-1 (at least)"));
  EXPECT_THAT(page.text, HasSubstr("run 1 tripped on it: cell too hot"));
  EXPECT_THAT(page.text, HasSubstr("simulated-1|1|27.0 +/- "));
  EXPECT_THAT(page.text, Not(HasSubstr("PASS")));
}

// Two weighings of a real cell against the draft standard: the masses stand on the page, and where it is kept.
TEST_F(VerdictPage, of_two_weighings_names_the_masses_and_is_anchored) {
  const auto weighed = [&](const std::string& after) {
    return verify({"china-solid-state-standard/mass-loss", "--measured", "mass_before_g=200.00", "--measured",
                   "mass_after_g=" + after, "--cell-id", "S-17"});
  };
  const Page good = weighed("199.10");
  EXPECT_EQ(good.exit_code, 0) << good.said;
  EXPECT_THAT(good.html, HasSubstr("class=\"verdict good\">PASS<"));
  EXPECT_THAT(good.text, Not(HasSubstr("SIMULATED"))) << "nobody simulated anything";
  EXPECT_THAT(good.text, HasSubstr("S-17||0.450 +/- 0.014 %|2.00|PASS|"));
  EXPECT_THAT(good.text, HasSubstr("weighed 200 g before and 199.1 g after, standard uncertainty 0.01 g each"));
  EXPECT_THAT(good.text, HasSubstr("Limit: <= 0.5 %"));
  EXPECT_THAT(good.text, HasSubstr("weighing before|0.005|50|the balance|"));
  EXPECT_THAT(good.text, HasSubstr("T/CSAE 434-2025"));
  expect_anchored_in(good, folder_ + "/v.db");
  const Finished trail = cellrig({"db", "audit", "--db", folder_ + "/v.db", "--json"});
  EXPECT_THAT(trail.out, HasSubstr("weighed 200 g before and 199.1 g after")) << "the record keeps what was weighed";

  const Page bad = weighed("198.00");
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.html, HasSubstr("class=\"verdict bad\">FAIL<"));
  const Page open = weighed("199.01");
  EXPECT_EQ(open.exit_code, 1);
  EXPECT_THAT(open.html, HasSubstr("class=\"verdict warn\">INCONCLUSIVE<"));
}

// The whole standard without a balance: its hint by activation energy has a number, its class has none.
TEST_F(VerdictPage, of_the_classification_standard_gives_no_class_without_a_balance) {
  const Page page = verify({"china-solid-state-standard", "--simulated", "--short"});
  EXPECT_EQ(page.exit_code, 1) << page.said;
  EXPECT_THAT(page.text, HasSubstr("mass-loss: NOT RUN"));
  EXPECT_THAT(page.text, HasSubstr("mass-loss-csae: NOT RUN"));
  EXPECT_THAT(page.text, HasSubstr("nobody weighed it: give --measured mass_before_g=... --measured mass_after_g=..."));
  EXPECT_THAT(page.text, HasSubstr("activation-energy: SIMULATED surrogate REPORTED"));
  EXPECT_THAT(page.text, HasSubstr("A hint to the kind of electrolyte, never a class"));
  std::smatch value;
  ASSERT_TRUE(std::regex_search(page.text, value, std::regex{"Result: ([0-9.]+) \\+/- ([0-9.]+) eV"})) << page.text;
  EXPECT_GT(std::stod(value[1]), 0.05);
  EXPECT_LT(std::stod(value[1]), 1.0);
  EXPECT_THAT(page.text, Not(HasSubstr("PASS")));
}

}  // namespace
}  // namespace cellrig::test
