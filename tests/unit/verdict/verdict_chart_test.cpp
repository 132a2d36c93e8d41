// The picture of a verdict: whoever looks at nothing else must not be misled by it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>

#include "controller/cli/verify/verdict_chart.hpp"

namespace cellrig::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using verdict::Decision;

ClaimStatement at_least_100() {
  ClaimStatement s;
  s.id = "s";
  s.text = "100 Wh/kg";
  s.quantity = ClaimQuantity::specific_energy;
  s.comparator = Comparator::at_least;
  s.value = 100;
  s.unit = "Wh/kg";
  return s;
}

CellVerdict cell(const std::string& id, double value, double expanded, Decision decision) {
  CellVerdict c;
  c.cell_id = id;
  c.measured.emplace();
  c.measured->value = value;
  c.uncertainty.expanded = expanded;
  c.decision = decision;
  return c;
}

StatementVerdict simulated(const ClaimStatement& s, std::vector<CellVerdict> cells) {
  StatementVerdict v;
  v.statement = &s;
  v.cells = std::move(cells);
  v.qualifiers.is_simulated = true;
  return v;
}

std::vector<double> all(const std::string& svg, const char* pattern) {
  std::vector<double> found;
  const std::regex expression{pattern};
  for (auto at = std::sregex_iterator{svg.begin(), svg.end(), expression}; at != std::sregex_iterator{}; ++at)
    found.push_back(std::stod((*at)[1]));
  return found;
}
std::vector<double> values_x(const std::string& svg) { return all(svg, "<circle cx=\"([0-9.]+)\""); }
std::vector<double> limits_x(const std::string& svg) { return all(svg, "class=\"guide\" x1=\"([0-9.]+)\""); }
/// Of the bars: where they begin.
std::vector<double> lows_x(const std::string& svg) { return all(svg, "<line x1=\"([0-9.]+)\"[^>]*/><line"); }

TEST(VerdictChart, draws_each_cell_where_its_number_is) {
  const ClaimStatement s = at_least_100();
  const std::string svg = verdict_svg(simulated(
      s, {cell("A", 110, 5, Decision::pass), cell("B", 102, 5, Decision::inconclusive), cell("C", 90, 5, Decision::fail)}));
  const std::vector<double> at = values_x(svg), limit = limits_x(svg), low = lows_x(svg);
  ASSERT_EQ(at.size(), 3U) << svg;
  ASSERT_EQ(limit.size(), 3U);
  ASSERT_EQ(low.size(), 3U);
  EXPECT_GT(low[0], limit[0]) << "the whole bar keeps the limit";
  EXPECT_LT(low[1], limit[1]);
  EXPECT_GT(at[1], limit[1]);
  EXPECT_LT(at[2], limit[2]);
  EXPECT_NEAR((at[0] - at[2]) / (at[0] - low[0]), 20.0 / 5.0, 0.05) << "one scale for values and uncertainty";
  for (const char* const word : {">cell A<", ">SIMULATED PASS<", ">SIMULATED INCONCLUSIVE<", ">SIMULATED FAIL<", "Wh/kg"})
    EXPECT_THAT(svg, HasSubstr(word));
  EXPECT_EQ(std::regex_replace(svg, std::regex{"SIMULATED PASS"}, "").find("PASS"), std::string::npos);
}

TEST(VerdictChart, draws_no_number_that_is_none) {
  const ClaimStatement s = at_least_100();
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(verdict_svg(simulated(s, {cell("A", nan, 1, Decision::inconclusive)})).empty());
  CellVerdict without;
  without.cell_id = "B";
  EXPECT_TRUE(verdict_svg(simulated(s, {without})).empty());
  const std::string svg =
      verdict_svg(simulated(s, {cell("A", nan, 1, Decision::inconclusive), cell("C", infinite, 1, Decision::inconclusive),
                                cell("D", 101, infinite, Decision::inconclusive)}));
  EXPECT_EQ(values_x(svg).size(), 1U) << svg;
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf\"")));
  EXPECT_THAT(svg, HasSubstr(">SIMULATED INCONCLUSIVE<"));
  EXPECT_THAT(svg, HasSubstr(">cell D (uncertainty not known)<")) << "a point without a bar must not look exact";
}

// Where there are too many, those that matter stay.
TEST(VerdictChart, of_many_cells_keeps_those_that_do_not_pass) {
  const ClaimStatement s = at_least_100();
  std::vector<CellVerdict> cells;
  for (int i = 0; i < 60; ++i) cells.push_back(cell("good-" + std::to_string(i), 110, 5, Decision::pass));
  cells.push_back(cell("bad", 80, 5, Decision::fail));
  const std::string svg = verdict_svg(simulated(s, cells));
  EXPECT_EQ(values_x(svg).size(), 40U);
  EXPECT_THAT(svg, HasSubstr(">cell bad<"));
  EXPECT_THAT(svg, HasSubstr("at most 40 are drawn"));
}

// Another reading of a life is no more at its end than the first one.
TEST(VerdictChart, another_reading_of_a_life_is_held_against_no_limit_before_its_end) {
  ClaimStatement s = at_least_100();
  s.quantity = ClaimQuantity::retention;
  s.unit = "%";
  s.value = 80;
  s.cycles = 600;
  CellVerdict early = cell("A", 99, 0.3, Decision::inconclusive);
  early.reached = 50;
  ClaimVariant faster{.varies = "rate", .to = "1C"};
  CellVerdict with_line = early;
  with_line.projection = verdict::Projection{70, 60, 80};
  StatementVerdict v = simulated(s, {early});
  v.variants.push_back({&faster, 80, with_line});
  const std::string svg = verdict_svg(v);
  EXPECT_THAT(svg, HasSubstr("with rate = 1C, after 50 of 600 cycles"));
  EXPECT_THAT(svg, HasSubstr("with rate = 1C, if it fades on in a line to 600"));
  EXPECT_EQ(values_x(svg).size(), 3U) << svg;
  EXPECT_EQ(limits_x(svg).size(), 1U) << "of where the line leads only";
}

TEST(VerdictChart, of_a_life_that_failed_early_says_so) {
  ClaimStatement s = at_least_100();
  s.quantity = ClaimQuantity::retention;
  s.value = 80;
  s.unit = "%";
  s.cycles = 600;
  CellVerdict dead = cell("A", 75, 1, Decision::fail);
  dead.reached = 200;
  const std::string failed = verdict_svg(simulated(s, {dead}));
  EXPECT_THAT(failed, HasSubstr("cell A, after 200 of 600 cycles"));
  EXPECT_THAT(failed, HasSubstr(">SIMULATED FAIL<"));
  ASSERT_EQ(limits_x(failed).size(), 1U);
  EXPECT_LT(values_x(failed)[0], limits_x(failed)[0]);

  CellVerdict alive = cell("B", 95, 1, Decision::inconclusive);
  alive.reached = 200;
  alive.projection = verdict::Projection{85, 70, 100};
  const std::string open = verdict_svg(simulated(s, {alive}));
  EXPECT_THAT(open, HasSubstr(">so far<"));
  EXPECT_THAT(open, HasSubstr("cell B, if it fades on in a line to 600"));
  EXPECT_EQ(limits_x(open).size(), 1U) << "what was lived is not held against the limit of the end";
  EXPECT_THAT(open, Not(HasSubstr("PASS")));
}

TEST(VerdictChart, of_a_lot_holds_no_single_cell_against_the_limit) {
  ClaimStatement s = at_least_100();
  s.statistic = LotStatistic::relative_spread;
  s.comparator = Comparator::at_most;
  s.value = 1;
  s.unit = "%";
  const std::string svg =
      verdict_svg(simulated(s, {cell("A", 110, 5, Decision::reported), cell("B", 111, 5, Decision::reported)}));
  EXPECT_TRUE(limits_x(svg).empty());
  EXPECT_THAT(svg, HasSubstr("result / Wh/kg")) << "the cells' unit, not that of the spread";
}

TEST(VerdictChart, of_a_limit_both_ways_has_both) {
  ClaimStatement s = at_least_100();
  s.comparator = Comparator::within;
  s.value = 5;
  EXPECT_EQ(limits_x(verdict_svg(simulated(s, {cell("A", -20, 1, Decision::fail)}))).size(), 2U);
}

TEST(VerdictChart, escapes_what_a_person_typed_and_cuts_no_character) {
  const ClaimStatement s = at_least_100();
  std::string longest = "<b>&";
  for (int i = 0; i < 40; ++i) longest += "\xC3\xA4";
  const std::string svg = verdict_svg(simulated(s, {cell(longest, 110, 5, Decision::pass)}));
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt;&amp;"));
  EXPECT_THAT(svg, Not(HasSubstr("<b>")));
  EXPECT_THAT(svg, HasSubstr("\xC3\xA4...")) << "whole characters before the dots";
}

}  // namespace
}  // namespace cellrig::cli
