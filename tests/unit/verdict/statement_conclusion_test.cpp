// What is said of a statement when its cells are known: of masses that nobody weighed, of lots of lives, of shortened tests.
#include "controller/cli/verify/statement_conclusion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/cli/verify/verify_report.hpp"

namespace cellrig::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using verdict::Decision;
using verdict::Measured;

Measured measured(double value, double standard) { return {.value = value, .budget = {{"all", standard}}}; }

ClaimStatement at_least(ClaimQuantity quantity, double value, const std::string& unit) {
  ClaimStatement s;
  s.id = "s";
  s.quantity = quantity;
  s.comparator = Comparator::at_least;
  s.value = value;
  s.value_from = "source";
  s.unit = unit;
  return s;
}

StatementVerdict concluded(const ClaimStatement& s, std::vector<CellVerdict> cells, const verdict::Qualifiers& qualifiers = {}) {
  StatementVerdict v;
  v.statement = &s;
  v.qualifiers = qualifiers;
  v.cells = std::move(cells);
  conclude_statement(s, 0.9, v);
  return v;
}

// A ratio is as good as the worse of its two masses.
TEST(StatementConclusion, a_ratio_to_a_cell_that_nobody_weighed_is_not_known) {
  const ClaimStatement s = at_least(ClaimQuantity::specific_energy, 1.25, "1");
  const auto judged = [&](bool is_weighed, bool is_other_weighed, bool is_simulated) {
    CellVerdict cell;
    cell.is_simulated = is_simulated;
    note_mass(s, is_weighed, is_simulated, "the cell", cell);
    note_mass(s, is_other_weighed, is_simulated, "the cell to compare with", cell);
    judge_cell(s, s.value, measured(1.4, 0.01), cell);
    return concluded(s, {cell}, {.is_simulated = is_simulated});
  };
  EXPECT_EQ(judged(true, true, false).decision, Decision::pass);
  EXPECT_EQ(judged(true, true, false).remark, "");
  const StatementVerdict open = judged(true, false, false);
  EXPECT_EQ(open.decision, Decision::inconclusive);
  EXPECT_EQ(open.cells[0].decision, Decision::inconclusive);
  EXPECT_EQ(open.reliability, 0.0);
  EXPECT_THAT(open.remark, HasSubstr("the cell to compare with was not weighed"));
  EXPECT_EQ(judged(false, true, false).decision, Decision::inconclusive);
  const StatementVerdict model = judged(true, false, true);
  EXPECT_EQ(text_of(model), "SIMULATED PASS");
  EXPECT_THAT(model.remark, HasSubstr("nobody weighed it"));
}

CellVerdict lived(const ClaimStatement& s, double retention_pct) {
  const verdict::Uncertainty u{.standard = 0.15, .expanded = 0.3};
  Measured m = measured(retention_pct, 0.15);
  m.life = {{0.0, 100.0, u}, {600.0, retention_pct, u}};
  CellVerdict cell;
  judge_cell(s, s.value, m, cell);
  return cell;
}

TEST(StatementConclusion, a_lot_of_lives_does_not_fail_by_its_number) {
  ClaimStatement s = at_least(ClaimQuantity::retention, 80.0, "%");
  s.cycles = 600.0;
  std::vector<CellVerdict> cells(22, lived(s, 85.0));
  EXPECT_EQ(concluded(s, cells).decision, Decision::pass);
  cells[3] = lived(s, 79.65);
  EXPECT_EQ(concluded(s, cells).decision, Decision::inconclusive);
  EXPECT_EQ(concluded(s, {cells[3]}).decision, Decision::fail);
  cells[3] = lived(s, 79.0);
  EXPECT_EQ(concluded(s, cells).decision, Decision::fail);
}

// A source that names no end of life set no limit: whatever is left is the finding, and nothing was kept or broken.
TEST(StatementConclusion, a_life_without_a_limit_is_reported) {
  ClaimStatement s = at_least(ClaimQuantity::retention, 0.0, "%");
  s.comparator = Comparator::none;
  s.cycles = 600.0;
  const CellVerdict cell = lived(s, 61.0);
  EXPECT_EQ(cell.decision, Decision::reported);
  EXPECT_FALSE(cell.failed_at);
  const StatementVerdict all = concluded(s, {cell, lived(s, 85.0)});
  EXPECT_EQ(all.decision, Decision::reported);
  EXPECT_EQ(all.value, 61.0) << "the worst is told";
  EXPECT_EQ(all.reliability, 0.0);
  s.cycles = 1000.0;
  const StatementVerdict part = concluded(s, {lived(s, 61.0)});
  EXPECT_EQ(part.decision, Decision::reported);
  EXPECT_THAT(part.remark, HasSubstr("600 of 1000 cycles were run"));
}

// Cells of which a bound only is known look alike at that bound, and how far they lie apart nobody knows.
TEST(StatementConclusion, a_spread_of_bounds_is_none) {
  ClaimStatement s = at_least(ClaimQuantity::capacity, 2.0, "%");
  s.statistic = LotStatistic::relative_spread;
  s.comparator = Comparator::at_most;
  std::vector<CellVerdict> cells;
  for (int i = 0; i < 22; ++i) {
    CellVerdict cell;
    judge_cell(s, s.value, measured(5.0 + 0.001 * i, 0.001), cell);
    cells.push_back(cell);
  }
  EXPECT_EQ(concluded(s, cells).decision, Decision::pass);
  cells[5].measured->is_least = true;
  EXPECT_EQ(concluded(s, cells).decision, Decision::inconclusive);
  EXPECT_THAT(concluded(s, cells).remark, HasSubstr("a bound only"));
}

// Nothing that was shortened passes; so neither does it show anything of a population.
TEST(StatementConclusion, a_shortened_test_shows_no_reliability) {
  const ClaimStatement s = at_least(ClaimQuantity::capacity, 5.0, "Ah");
  CellVerdict cell;
  judge_cell(s, s.value, measured(6.0, 0.01), cell);
  EXPECT_GT(concluded(s, {cell}).reliability, 0.0);
  const StatementVerdict shortened = concluded(s, {cell}, {.is_shortened = true});
  EXPECT_EQ(text_of(shortened), "INCONCLUSIVE");
  EXPECT_EQ(shortened.reliability, 0.0);
  EXPECT_THAT(sample_text(shortened, 0.9), Not(HasSubstr("none failed")));
}

}  // namespace
}  // namespace cellrig::cli
