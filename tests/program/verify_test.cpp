// cellrig verify, as a person starts it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "profiles/claim.hpp"
#include "tests/program/process.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// "PASS" that nothing qualifies.
bool says_bare_pass(const std::string& text) {
  const std::string left = std::regex_replace(text, std::regex{"SIMULATED (surrogate )?PASS"}, "");
  return left.find("PASS") != std::string::npos;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file{path};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class Verify : public testing::Test {
 protected:
  Verify() : folder_{std::filesystem::path{file_with("", "empty")}.parent_path()}, database_{(folder_ / "v.db").string()} {}
  Finished verify(std::vector<std::string> words) const {
    words.insert(words.begin(), "verify");
    words.insert(words.end(), {"--db", database_, "--quiet"});
    return cellrig(words);
  }
  std::filesystem::path folder_;
  std::string database_;
};

// The whole way: run, judge, say, keep, and judge the same record again.
TEST_F(Verify, a_simulated_cell_passes_by_that_name_only) {
  const std::string page = (folder_ / "page.html").string();
  const Finished done = verify({"quantumscape-qse-5/charge-15", "--simulated", "--no-variants", "--report", page});
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr("quantumscape-qse-5: SIMULATED PASS"));
  EXPECT_THAT(done.out, HasSubstr("no evidence about a real cell"));
  EXPECT_THAT(done.out, HasSubstr("thermal_boundary: unspecified; the claim file chooses still air"));
  EXPECT_THAT(done.out, HasSubstr("Varied: nothing. Not tried: ")) << "a range that nobody ran is no finding";
  EXPECT_THAT(done.out, testing::ContainsRegex("Not tried: [^\n]*thermal_boundary"));
  EXPECT_FALSE(says_bare_pass(done.out)) << done.out;
  EXPECT_FALSE(says_bare_pass(text_of(page)));
  EXPECT_THAT(text_of(page), HasSubstr("SIMULATED PASS"));
  for (const char* const part : {"+/-: expanded uncertainty", "Where the uncertainty comes from", "the record says",
                                 "<svg class=\"chart\"", "upper voltage", "hash chain, SHA-256", "reference capacity"})
    EXPECT_THAT(text_of(page), HasSubstr(part));
  // What the bench did the record says, not the claim file.
  EXPECT_THAT(text_of(page), HasSubstr("degC at the cell in 'fast charge'"));
  EXPECT_THAT(text_of(page), HasSubstr("not set or measured by this channel"));
  EXPECT_THAT(text_of(page), HasSubstr("not checked"));
  EXPECT_THAT(text_of(page), Not(HasSubstr("as stated")));

  const Finished trail = cellrig({"db", "audit", "--db", database_, "--json"});
  EXPECT_THAT(trail.out, HasSubstr("SIMULATED PASS"));
  EXPECT_THAT(trail.out, HasSubstr("quantumscape-qse-5"));
  EXPECT_FALSE(says_bare_pass(trail.out)) << trail.out;

  const Finished again = verify({"quantumscape-qse-5/charge-15", "--recorded", "window=1", "--json"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  const boost::json::value claim = boost::json::parse(again.out).at("claims").at(0);
  EXPECT_EQ(claim.at("verdict").as_string(), "SIMULATED PASS");  // it does not become evidence by being judged later
  const boost::json::value& cell = claim.at("statements").at(0).at("cells").at(0);
  EXPECT_GT(cell.at("value").to_number<double>(), 5.0);
  EXPECT_GT(cell.at("standard_uncertainty").to_number<double>(), 0.0);
  EXPECT_GE(cell.at("budget").as_array().size(), 4U);
  EXPECT_EQ(claim.at("statements").at(0).at("conditions").at("thermal_boundary").at("stated").as_string(), "unspecified");
  EXPECT_EQ(cell.at("verdict").as_string(), "SIMULATED PASS") << "of one cell, too";
}

// A few cycles are no life, however good they look.
TEST_F(Verify, a_shortened_life_never_passes) {
  const Finished done = verify({"factorial-fest-77/life", "--simulated", "--short"});
  EXPECT_EQ(done.exit_code, 1) << done.err;
  EXPECT_THAT(done.out, HasSubstr("SIMULATED INCONCLUSIVE"));
  EXPECT_THAT(done.out, HasSubstr("shortened"));
  EXPECT_THAT(done.out, HasSubstr("2 of 600 cycles were run"));
  EXPECT_THAT(done.out, Not(HasSubstr("PASS")));
}

// Another reading of a life is a life: it says how far it was run, as the first one does.
TEST_F(Verify, other_readings_of_a_life_tell_their_cycles) {
  const Finished done = verify({"factorial-fest-77/life", "--simulated", "--short", "--variants"});
  EXPECT_EQ(done.exit_code, 1) << done.err;
  const std::size_t readings = done.out.find("other readings");
  ASSERT_NE(readings, std::string::npos) << done.out;
  EXPECT_THAT(done.out.substr(readings), HasSubstr("2 of 600 cycles were run"));
}

// The other readings are often the finding.
TEST_F(Verify, tells_when_another_reading_changes_the_verdict) {
  const Finished done = verify({"quantumscape-qse-5/charge-12", "--simulated"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("with rate = 3.44C"));
  EXPECT_THAT(done.out, HasSubstr("<- the verdict changes"));
}

// A comparison at another rate is one of both cells; a reading of one of them says so.
TEST_F(Verify, a_reading_of_a_comparison_is_run_on_both_sides) {
  const Finished done = verify({"nissan/charge-time", "--simulated", "--json"});
  EXPECT_LE(done.exit_code, 1) << done.err;
  const boost::json::value statement = boost::json::parse(done.out).at("claims").at(0).at("statements").at(0);
  const auto runs = [](const boost::json::value& cell) { return cell.at("runs").as_array(); };
  EXPECT_TRUE(statement.at("conditions").at("rate").at("tried").as_bool());
  EXPECT_FALSE(statement.at("conditions").at("pressure").at("tried").as_bool());
  const boost::json::array main = runs(statement.at("cells").at(0));
  ASSERT_EQ(main.size(), 2U);
  std::map<std::string, boost::json::array> of;
  for (const boost::json::value& v : statement.at("variants").as_array())
    of.emplace(std::string(v.at("reading").as_string()), runs(v.at("cell")));
  const boost::json::array& faster = of.at("rate = 3C, this cell only");
  const boost::json::array& window = of.at("soc_window = 20 to 80 %, both cells");
  EXPECT_NE(faster.at(0), main.at(0));
  EXPECT_EQ(faster.at(1), main.at(1)) << "the same run of the conventional cell";
  EXPECT_NE(window.at(0), main.at(0));
  EXPECT_NE(window.at(1), main.at(1)) << "a run of the conventional cell in the other window";
}

// One cell in the place of both sides would be compared with itself, and the other side's cell charged by its voltages.
TEST_F(Verify, a_comparison_is_refused_where_the_command_line_leaves_one_side_of_it) {
  const auto refused = [&](const std::vector<std::string>& words, const std::string& hint) {
    const Finished done = verify(words);
    EXPECT_EQ(done.exit_code, 2) << done.out << done.err;
    EXPECT_THAT(done.err, HasSubstr(hint));
    EXPECT_THAT(done.err, HasSubstr("--recorded "));
  };
  refused({"nissan/energy", "--simulated", "--cell", "fest-77"},
          "nissan/energy compares two cells (sulfide-20 and lg-m50), and --cell puts one in the place of both");
  refused({"nissan", "--bench", "demo", "--cell", "fest-77"}, "nissan/energy compares two cells");
  refused({"mercedes-eqs/actuators", "--simulated", "--channel", "gap"}, "mercedes-eqs/actuators compares two channels");
  refused({"mercedes-eqs/actuators", "--bench", "demo", "--cell", "fest-77"}, "and --bench puts one in the place of both");
}

// It would be run in the fixture that the command line names, and be called another.
TEST_F(Verify, a_reading_whose_channel_or_cell_the_command_line_replaces_is_left_out) {
  const Finished done =
      verify({"quantumscape-qse-5/charge-15", "--simulated", "--cell", "qse-5", "--channel", "small-free", "--json"});
  EXPECT_LE(done.exit_code, 1) << done.err;
  const boost::json::value statement = boost::json::parse(done.out).at("claims").at(0).at("statements").at(0);
  std::size_t left_out = 0;
  for (const boost::json::value& v : statement.at("variants").as_array()) {
    const bool is_left_out = v.at("cell").at("runs").as_array().empty();
    const bool is_of_plates = std::string(v.at("reading").as_string()).find("between plates") != std::string::npos;
    EXPECT_EQ(is_left_out, is_of_plates) << v;
    if (!is_left_out) continue;
    ++left_out;
    EXPECT_THAT(std::string(v.at("cell").at("problem").as_string()), HasSubstr("--channel gives one for all runs"));
  }
  EXPECT_GT(left_out, 0U);
}

TEST_F(Verify, several_cells_differ_and_show_a_reliability) {
  const Finished done = verify({"gac/capacity", "--simulated", "--cells", "2", "--json"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const boost::json::value statement = boost::json::parse(done.out).at("claims").at(0).at("statements").at(0);
  ASSERT_EQ(statement.at("cells").as_array().size(), 2U);
  EXPECT_NE(statement.at("cells").at(0).at("value"), statement.at("cells").at(1).at("value"));
  EXPECT_NEAR(statement.at("reliability").to_number<double>(), 0.316, 0.001);
  EXPECT_EQ(statement.at("verdict").as_string(), "SIMULATED surrogate PASS");
}

// Two weighings of a real cell need no bench, and no simulation taints them.
TEST_F(Verify, a_weighing_is_judged_without_a_bench) {
  const std::vector<std::string> claim{"china-solid-state-standard/mass-loss"};
  const auto weighed = [&](const std::string& after) {
    return verify({claim[0], "--measured", "mass_before_g=200.00", "--measured", "mass_after_g=" + after});
  };
  const Finished good = weighed("199.50");
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("china-solid-state-standard: PASS"));
  EXPECT_EQ(weighed("199.01").exit_code, 1);
  EXPECT_THAT(weighed("199.01").out, HasSubstr("INCONCLUSIVE"));
  EXPECT_THAT(weighed("198.00").out, HasSubstr(": FAIL"));
  const Finished half = verify({claim[0], "--measured", "mass_before_g=200.00"});
  EXPECT_EQ(half.exit_code, 1);
  EXPECT_THAT(half.out, HasSubstr("NOT RUN"));
}

/// As `cellrig check` is asked for one run of a claim.
std::vector<std::string> check_words(const Claim& claim, const ClaimRun& run, const ClaimRunChange* change, bool shortened) {
  std::map<std::string, std::string> settings = run.settings;
  if (change != nullptr)
    for (const auto& [name, value] : change->settings) settings[name] = value;
  if (shortened)
    for (const auto& [name, value] : run.short_settings) settings[name] = value;
  const bool has_cell = change != nullptr && !change->cell.empty(), has_channel = change != nullptr && !change->channel.empty();
  std::vector<std::string> words{"check",     run.profile,
                                 "--bench",   run.bench.empty() ? claim.bench : run.bench,
                                 "--cell",    has_cell ? change->cell : run.cell,
                                 "--channel", has_channel ? change->channel : run.channel};
  for (const auto& [name, value] : settings) words.insert(words.end(), {"--set", name + "=" + value});
  return words;
}

// Every run of every claim is accepted by the bench it is meant for: rates, ranges, temperatures, pressures, modes.
TEST_F(Verify, the_bench_accepts_every_run_of_every_claim) {
  std::set<std::vector<std::string>> asked;
  for (const auto& entry : std::filesystem::directory_iterator{std::filesystem::path{CELLRIG_SOURCE_DIR} / "profiles/claims"}) {
    const Claim claim = read_claim_file(entry.path());
    for (const ClaimRun& run : claim.runs) {
      for (const bool shortened : {false, true}) asked.insert(check_words(claim, run, nullptr, shortened));
    }
    for (const ClaimStatement& s : claim.statements) {
      for (const ClaimVariant& variant : s.variants) {
        asked.insert(check_words(claim, *claim.run(s.run), &variant.own, false));
        if (!s.against.empty()) asked.insert(check_words(claim, *claim.run(s.against), &variant.against, false));
      }
    }
  }
  EXPECT_GE(asked.size(), 60U);
  for (const std::vector<std::string>& words : asked) {
    const Finished done = cellrig(words);
    EXPECT_EQ(done.exit_code, 0) << testing::PrintToString(words) << done.out << done.err;
  }
}

// The short form of what is unlike the others: pressure, ladder, duty, two temperatures, two cells, a life.
TEST_F(Verify, short_forms_come_to_a_number) {
  for (const char* const name :
       {"gotion/pressure", "interface-stability/ev-threshold", "duty-cycles/robot-energy",
        "china-solid-state-standard/activation-energy", "nissan/charge-time", "factorial-aabc-2022/life-25"}) {
    const Finished done = verify({name, "--simulated", "--short", "--json"});
    EXPECT_TRUE(done.exit_code == 0 || done.exit_code == 1) << name << done.err;
    const boost::json::value document = boost::json::parse(done.out);
    for (const boost::json::value& s : document.at("claims").at(0).at("statements").as_array()) {
      if (s.at("testable").as_string() == "no") continue;
      EXPECT_TRUE(s.at("value").is_number()) << name << s.at("remark");
      EXPECT_TRUE(s.at("verdict").as_string().starts_with("SIMULATED ")) << s.at("verdict");
    }
  }
}

TEST_F(Verify, slips_are_told_with_the_nearest_word) {
  const auto refused = [&](const std::vector<std::string>& words, const std::string& hint) {
    const Finished done = verify(words);
    EXPECT_EQ(done.exit_code, 2) << done.out << done.err;
    EXPECT_THAT(done.err, HasSubstr(hint));
  };
  refused({"factorial-fest-7", "--simulated"}, "did you mean 'factorial-fest-77'");
  refused({"factorial-fest-77/charge-tim", "--simulated"}, "did you mean 'charge-time'");
  refused({"gac"}, "--bench FILE, --simulated, or --recorded");
  refused({"--all"}, "no bench");
  refused({"gac", "--all", "--simulated"}, "give one CLAIM, or --all");
  refused({"gac", "--recorded", "capacit=3"}, "did you mean 'capacity'");
  refused({"gac", "--recorded", "capacity=x"}, "no number of a run");
  refused({"gac", "--bench", "demo"}, "which cell is connected");
  const Finished list = cellrig({"verify", "--list"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_THAT(list.out, HasSubstr("saic-mg4-anxin"));
}

}  // namespace
}  // namespace cellrig::test
