// A lot of 22 cells, as cellrig verify runs and judges it; a long series that is interrupted and goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/program/process.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* head = R"(
format: 1
by: a test
level: cell
source: none
date: "2026-01-01"
description: a test
conditions: {soc_window: all, soc_reference: all, rate: 1C, temperature: 25 degC, measured_at: surface, thermal_boundary: air,
  pressure: none, cycle_index: new, cells: "22"}
)";

class VerifyLot : public testing::Test {
 protected:
  VerifyLot() : folder_{std::filesystem::path{file_with("", "empty")}.parent_path().string()} {
    discharge_ = file_with(R"(profile: One discharge
format: 1
description: one discharge
source: a test
steps:
  - cc_discharge: {name: discharge, rate_C: 1, until: voltage_V <= 3.4, at_most_h: 2}
)",
                           "discharge.yaml", folder_);
  }

  /// A lot whose cells are to have this much left at least; they have 0.45 to 0.65 Ah.
  std::string lot(const std::string& least_Ah) const {
    return file_with(std::string{"claim: A lot"} + head + "cells: 22\nruns:\n  one: {profile: " + discharge_ +
                         ", cell: lg-m50, channel: fine-free}\nstatements:\n  capacity: {text: " + least_Ah +
                         " Ah, testable: yes, quantity: capacity, comparator: \">=\", value: " + least_Ah +
                         ", value_from: source, unit: Ah, run: one, step: discharge}\n",
                     "lot.yaml", folder_);
  }
  std::vector<std::string> words(const std::string& claim, const std::vector<std::string>& more,
                                 const std::string& database) const {
    std::vector<std::string> all{"verify", claim, "--db", folder_ + "/" + database};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished verify(const std::string& claim, const std::vector<std::string>& more, const std::string& database = "v.db") const {
    return cellrig(words(claim, more, database));
  }
  std::string folder_, discharge_;
};

boost::json::value statement_of(const Finished& done) {
  return boost::json::parse(done.out).at("claims").at(0).at("statements").at(0);
}

std::string numbers_to(int last) {
  std::string text = "one=1";
  for (int i = 2; i <= last; ++i) text += "," + std::to_string(i);
  return text;
}

// Zero failures of 22 show 90 % at 90 % confidence, and not more. DESIGN counts on this number.
TEST_F(VerifyLot, of_22_cells_without_a_failure_shows_ninety_percent) {
  const std::string claim = lot("0.2");
  const std::string page = folder_ + "/page.html";
  const Finished done = verify(claim, {"--simulated", "--quiet", "--json", "--report", page});
  ASSERT_EQ(done.exit_code, 0) << done.out << done.err;
  const boost::json::value statement = statement_of(done);
  EXPECT_EQ(statement.at("verdict").as_string(), "SIMULATED PASS");
  EXPECT_NEAR(statement.at("reliability").to_number<double>(), 0.9006, 1e-4);
  std::set<double> values;
  std::set<std::string> names;
  double least = 1e9;
  for (const boost::json::value& cell : statement.at("cells").as_array()) {
    values.insert(cell.at("value").to_number<double>());
    least = std::min(least, cell.at("value").to_number<double>());
    names.insert(std::string(cell.at("cell_id").as_string()));
    EXPECT_EQ(cell.at("verdict").as_string(), "SIMULATED PASS");
  }
  EXPECT_GE(values.size(), 16U) << "each is a cell of its own; the end is seen to a second, so that two may agree";
  EXPECT_EQ(names.size(), 22U);
  EXPECT_EQ(statement.at("value").to_number<double>(), least) << "a lot is as good as its worst cell";
  std::stringstream html;
  html << std::ifstream{page}.rdbuf();
  EXPECT_THAT(html.str(), HasSubstr("22 cells, none failed: at 90 % confidence 90 % of such cells keep it"));
  EXPECT_THAT(html.str(), HasSubstr("The first 12 of 22 runs are shown"));
  EXPECT_THAT(html.str(), HasSubstr(">cell simulated-22<"));

  const Finished surer = verify(claim, {"--recorded", numbers_to(22), "--confidence", "0.95", "--json", "--quiet"});
  EXPECT_NEAR(statement_of(surer).at("reliability").to_number<double>(), 0.8727, 1e-4) << surer.err;
  const Finished fewer = verify(claim, {"--recorded", numbers_to(21), "--json", "--quiet"});
  EXPECT_LT(statement_of(fewer).at("reliability").to_number<double>(), 0.9);
}

// One cell below the limit beyond doubt, and the lot has failed: nothing is shown of the population.
TEST_F(VerifyLot, of_22_cells_with_a_failure_shows_nothing) {
  const Finished done = verify(lot("0.6"), {"--simulated", "--quiet", "--json"});
  ASSERT_EQ(done.exit_code, 1) << done.err;
  const boost::json::value failed = statement_of(done);
  EXPECT_EQ(failed.at("verdict").as_string(), "SIMULATED FAIL");
  EXPECT_EQ(failed.at("reliability").to_number<double>(), 0.0);
  int passed = 0, below = 0;
  for (const boost::json::value& cell : failed.at("cells").as_array()) {
    passed += cell.at("value").to_number<double>() > 0.6 ? 1 : 0;
    below += cell.at("verdict").as_string() == "SIMULATED FAIL" ? 1 : 0;
  }
  EXPECT_GT(passed, 0) << "some cells of the lot are above it";
  EXPECT_GT(below, 0);
  // Within the uncertainty of the worst cells it is not known.
  const Finished open = verify(lot("0.46"), {"--recorded", numbers_to(22), "--quiet"});
  EXPECT_EQ(open.exit_code, 1);
  EXPECT_THAT(open.out, HasSubstr("SIMULATED INCONCLUSIVE"));
  EXPECT_THAT(open.out, Not(HasSubstr("none failed")));
}

// A ratio rests on two masses: weighing one of them is not enough.
TEST_F(VerifyLot, a_ratio_to_a_cell_that_nobody_weighed_says_so) {
  const std::string claim = file_with(std::string{"claim: A ratio"} + head + R"(runs:
  one: {profile: )" + discharge_ + R"(, cell: lg-m50, channel: fine-free}
  other: {profile: )" + discharge_ + R"(, cell: lg-m50, channel: fine-free}
statements:
  energy: {text: as good, testable: yes, quantity: specific_energy, comparator: ">=", value: 0.1, value_from: source, unit: "1",
    run: one, against: other, step: discharge}
)",
                                      "ratio.yaml", folder_);
  for (const char* const id : {"A1", "B1"}) {
    const Finished run =
        cellrig({"run", discharge_, "--simulated", "--cell", "lg-m50", "--cell-id", id, "--quiet", "--db", folder_ + "/v.db"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  const auto judged = [&](const std::vector<std::string>& weighed) {
    std::vector<std::string> more{"--recorded", "one=1", "--recorded", "other=2", "--json", "--quiet"};
    for (const std::string& mass : weighed) more.insert(more.end(), {"--measured", mass});
    return std::string(statement_of(verify(claim, more)).at("remark").as_string());
  };
  EXPECT_THAT(judged({"mass_g:A1=70"}), HasSubstr("nobody weighed it"));
  EXPECT_THAT(judged({"mass_g:B1=70"}), HasSubstr("nobody weighed it"));
  EXPECT_THAT(judged({"mass_g:A1=70", "mass_g:B1=70"}), Not(HasSubstr("nobody weighed it")));
}

// A Ctrl-C costs the run that it hits, and no other.
TEST_F(VerifyLot, that_was_interrupted_goes_on_and_comes_to_the_same_verdict) {
  const std::string claim = file_with(std::string{"claim: A life"} + head + R"(cells: 5
runs:
  life: {profile: claim-life, cell: lg-m50, channel: fine-free, set: {thin_cycles_per_block: 1, blocks: 1, rest_min: 5}}
statements:
  life: {text: 2 cycles, testable: yes, quantity: retention, comparator: ">=", value: 80, value_from: source, unit: "%", cycles: 2,
    run: life, reference: reference discharge}
)",
                                      "life.yaml", folder_);
  Process first{cellrig_command(words(claim, {"--simulated"}, "cut.db")), with_leases({})};
  ASSERT_TRUE(eventually(Seconds{60}, [&] { return first.err().find("run 3 of 5") != std::string::npos; })) << first.err();
  first.signal(SIGINT);
  EXPECT_EQ(first.wait(Seconds{60}), 130) << first.err();
  EXPECT_THAT(first.err(), HasSubstr("interrupted. "));
  EXPECT_THAT(first.err(), HasSubstr("with --resume goes on from there"));
  EXPECT_THAT(first.out(), Not(HasSubstr("PASS"))) << "two of five cells are no lot";

  const Finished second = verify(claim, {"--simulated", "--resume", "--json"}, "cut.db");
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_THAT(second.err, HasSubstr("run 1 of 5: claim-life with lg-m50 on fine-free, cell 1 of 5: run 1 of the record"));
  EXPECT_THAT(second.err, HasSubstr("cell 2 of 5: run 2 of the record"));
  EXPECT_THAT(second.err, Not(HasSubstr("cell 5 of 5: run")));
  const Finished whole = verify(claim, {"--simulated", "--quiet", "--json"}, "whole.db");
  const boost::json::value a = statement_of(second), b = statement_of(whole);
  ASSERT_EQ(a.at("cells").as_array().size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(a.at("cells").at(i).at("value"), b.at("cells").at(i).at("value")) << i;

  // What is another run is run: another seed, and what was never finished.
  const Finished other = verify(claim, {"--simulated", "--resume", "--seed", "2", "--cells", "1"}, "cut.db");
  EXPECT_THAT(other.err, Not(HasSubstr("of the record")));
  const Finished again = verify(claim, {"--simulated", "--resume", "--json"}, "cut.db");
  EXPECT_THAT(again.err, HasSubstr("cell 5 of 5: run "));
  const Finished real = verify(claim, {"--bench", "demo", "--cell", "lg-m50", "--resume"});
  EXPECT_EQ(real.exit_code, 2);
  EXPECT_THAT(real.err, HasSubstr("--resume is for --simulated"));
}

}  // namespace
}  // namespace cellrig::test
