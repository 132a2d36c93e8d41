// Review from the command line: lists and filters, cycles against a stated reference, comparison, report, import and export.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/program/process.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

boost::json::object json_of(const Finished& done) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(done.out, error);
  EXPECT_FALSE(error) << "standard output is not one JSON document: " << done.out << done.err;
  return error || !parsed.is_object() ? boost::json::object{} : parsed.as_object();
}

/// Two runs of one profile with another rest, made once.
class ReviewVerbs : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new std::string(temporary_folder());
    for (const char* rest : {"rest_min=1", "rest_min=2"}) {
      const Finished done = cellrig({"run", "cccv-cycle", "--simulated", "--quiet", "--operator", "Ada", "--set", "cycles=2",
                                     "--set", rest, "--set", "charge_rate_C=0.7", "--set", "discharge_rate_C=1"},
                                    {.folder = *folder});
      ASSERT_EQ(done.exit_code, 0) << done.err;
    }
  }
  static void TearDownTestSuite() {
    delete folder;
    folder = nullptr;
  }
  static Finished in_folder(const std::vector<std::string>& words) { return cellrig(words, {.folder = *folder}); }

  static std::string* folder;
};
std::string* ReviewVerbs::folder = nullptr;

TEST_F(ReviewVerbs, runs_are_filtered_and_come_as_text_json_and_csv) {
  EXPECT_EQ(lines_of(in_folder({"runs"}).out).size(), 3U);
  EXPECT_EQ(lines_of(in_folder({"runs", "--limit", "1", "--csv"}).out).size(), 2U);
  EXPECT_THAT(lines_of(in_folder({"runs", "--limit", "1", "--csv"}).out)[1], HasSubstr("2,2000-01-01"));
  EXPECT_EQ(in_folder({"runs", "--cell", "no such"}).out, "no runs\n");
  EXPECT_EQ(json_of(in_folder({"runs", "--cell", "lg m50", "--operator", "ada", "--since", "1999-12-31", "--json"}))
                .at("runs")
                .as_array()
                .size(),
            2U);
  EXPECT_EQ(json_of(in_folder({"runs", "--since", "2001-01-01T12:30", "--json"})).at("runs").as_array().size(), 0U);
}

TEST_F(ReviewVerbs, filters_that_mean_nothing_are_refused_with_the_nearest_word) {
  const Finished status = in_folder({"runs", "--status", "complete"});
  EXPECT_EQ(status.exit_code, 2);
  EXPECT_THAT(status.err, HasSubstr("did you mean 'completed'?"));
  const Finished date = in_folder({"runs", "--since", "30.11.2026"});
  EXPECT_EQ(date.exit_code, 2);
  EXPECT_THAT(date.err, HasSubstr("no date such as 2026-11-30"));
  EXPECT_EQ(in_folder({"runs", "--json", "--csv"}).exit_code, 2);
}

TEST_F(ReviewVerbs, cycles_have_their_reference_stated_and_their_figures_defined) {
  const Finished text = in_folder({"cycles", "1", "--definitions"});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("retention is of the first capacity"));
  EXPECT_THAT(text.out, HasSubstr("voltage_hysteresis_V: mean charge voltage - mean discharge voltage"));
  const boost::json::object document = json_of(in_folder({"cycles", "1", "--json", "--reference", "rated"}));
  const boost::json::object& run = document.at("runs").at(0).as_object();
  EXPECT_EQ(run.at("life").at("reference").as_string(), "5 Ah rated");
  const boost::json::array& cycles = run.at("cycles").as_array();
  ASSERT_EQ(cycles.size(), 2U);
  EXPECT_NEAR(cycles[1].at("retention").to_number<double>(), cycles[1].at("discharge_Ah").to_number<double>() / 5, 1e-12);
  EXPECT_NEAR(cycles[1].at("coulombic_efficiency").to_number<double>(), 1, 0.01);
  EXPECT_EQ(run.at("definitions").at("retention").at("text").as_string(), "discharge capacity / a stated rated capacity");
  const std::vector<std::string> csv = lines_of(in_folder({"cycles", "--csv"}).out);
  ASSERT_EQ(csv.size(), 5U) << "both runs in one table";
  EXPECT_THAT(csv[0], HasSubstr("run,origin,cycle,is_reference"));
  EXPECT_THAT(csv[1], HasSubstr("1,simulated,1,"));
}

// What was written while the test ran follows from its rows; where somebody changed a number, the exit code says so.
TEST_F(ReviewVerbs, cycles_are_counted_again_from_the_rows) {
  const Finished same = in_folder({"cycles", "1", "--recount", "--json"});
  ASSERT_EQ(same.exit_code, 0) << same.err;
  EXPECT_THAT(same.err, HasSubstr("are what was written"));
  EXPECT_TRUE(json_of(same).at("runs").at(0).at("recount").at("differences").as_array().empty());
  std::filesystem::copy_file(*folder + "/cellrig.db", *folder + "/changed.db");
  const std::string change =
      "sqlite3 '" + *folder + "/changed.db' 'UPDATE cycle SET charge_Wh = charge_Wh * 1.1 WHERE run = 1 AND cycle = 2'";
  ASSERT_EQ(std::system(change.c_str()), 0);
  const Finished changed = in_folder({"cycles", "1", "--recount", "--db", "changed.db"});
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_THAT(changed.err, HasSubstr("1 figure differs:\n  cycle 2: charge (Wh) was written as"));
}

TEST_F(ReviewVerbs, the_time_through_a_window_counts_from_a_stated_state_of_charge) {
  const boost::json::object document =
      json_of(in_folder({"cycles", "1", "--json", "--window", "20:60", "--start-soc", "0", "--capacity", "4.9"}));
  const boost::json::value& cycle = document.at("runs").at(0).at("cycles").at(1);
  // Constant current at 0.7C of 5 Ah: 40 % of 4.9 Ah at 3.5 A.
  EXPECT_NEAR(cycle.at("charge_window_time_s").to_number<double>(), 0.4 * 4.9 / 3.5 * 3600, 5);
  for (const auto& [words, part] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--window", "90:15"}, "two states of charge"},
           {{"--window", "15:90", "--start-soc", "50"}, "above the window's 15 %"},
           {{"--reference", "frist"}, "did you mean 'first'?"},
           {{"--reference", "median:0"}, "is none"}}) {
    std::vector<std::string> all{"cycles", "1"};
    all.insert(all.end(), words.begin(), words.end());
    const Finished done = in_folder(all);
    EXPECT_EQ(done.exit_code, 2);
    EXPECT_THAT(done.err, HasSubstr(part));
  }
}

TEST_F(ReviewVerbs, compare_says_how_far_apart_and_what_differed) {
  const Finished text = in_folder({"compare", "1", "2"});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("difference"));
  EXPECT_THAT(text.out, HasSubstr("what differed:\n  parameters: "));
  const boost::json::object document =
      json_of(in_folder({"compare", "1", "cellrig.db:2", "--json", "--tolerance", "first_discharge_Ah=4:6"}));
  EXPECT_EQ(document.at("runs").as_array().size(), 2U);
  EXPECT_EQ(document.at("runs").at(1).at("name").as_string(), "cellrig.db:2");
  EXPECT_THAT(in_folder({"compare", "1", "2", "--csv"}).out, HasSubstr("figure,label,run 1 SIMULATED,run 2 SIMULATED,mean"));
  EXPECT_THAT(in_folder({"compare", "1", "2", "--tolerance", "first_dischrge_Ah=4:6"}).err,
              HasSubstr("did you mean 'first_discharge_Ah'?"));
  EXPECT_THAT(in_folder({"compare", "1", "2", "--tolerance", "first_discharge_Ah"}).err, HasSubstr("FIGURE=LOWER:UPPER"));
  EXPECT_EQ(in_folder({"compare", "1"}).exit_code, 2);
  EXPECT_THAT(in_folder({"compare", "1", "3"}).err, HasSubstr("there is no run 3, did you mean"));
}

TEST_F(ReviewVerbs, show_lists_steps_with_their_figures_as_csv) {
  const std::vector<std::string> csv = lines_of(in_folder({"show", "1", "--csv"}).out);
  ASSERT_EQ(csv.size(), 9U);
  EXPECT_THAT(csv[0], HasSubstr("run,origin,step_count"));
  EXPECT_THAT(csv[1], HasSubstr("1,simulated,1,"));
  EXPECT_THAT(csv[0], HasSubstr("dc_resistance_ohm_at_10"));
  EXPECT_THAT(csv[0], HasSubstr("relaxation_V_at_60"));
}

TEST_F(ReviewVerbs, report_is_one_file_that_is_not_overwritten_by_itself) {
  const Finished done = in_folder({"report", "1", "-o", "one.html"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const std::string page = content(*folder + "/one.html");
  EXPECT_THAT(page, HasSubstr("SIMULATED"));
  EXPECT_THAT(page, HasSubstr("Safety limits"));
  EXPECT_THAT(page, HasSubstr("4.25"));
  EXPECT_THAT(page, HasSubstr("2.5 to 4.2 V in its file"));
  EXPECT_THAT(page, HasSubstr("expanded uncertainty"));
  EXPECT_THAT(page,
              testing::ContainsRegex("<td>capacity</td><td class=\"n\">[0-9.]+</td><td class=\"n\">0\\.[0-9]+</td><td>Ah</td>"));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  const Finished again = in_folder({"report", "1", "-o", "one.html"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
  ASSERT_EQ(in_folder({"report", "1", "2", "-o", "two.html"}).exit_code, 0);
  EXPECT_THAT(content(*folder + "/two.html"), HasSubstr("Comparison of 2 runs"));
  EXPECT_THAT(content(*folder + "/two.html"), HasSubstr("<td>2</td>")) << "whose result it is";
}

TEST_F(ReviewVerbs, a_run_of_another_database_has_an_address) {
  const auto from_elsewhere = [](std::vector<std::string> words) {
    words.insert(words.end(), {"--db", "none.db"});
    return in_folder(words);
  };
  const Finished shown = from_elsewhere({"show", "cellrig.db:2"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("run 2: CC-CV cycling"));
  const Finished exported = from_elsewhere({"export", "cellrig.db:2", "-o", "addressed.csv"});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  for (const char* verb : {"show", "export"}) {
    for (const char* wrong : {"x", "cellrig.db:", ":1", "cellrig.db:x"}) {
      const Finished refused = in_folder({verb, wrong});
      EXPECT_EQ(refused.exit_code, 2) << verb << " " << wrong;
      EXPECT_THAT(refused.err, HasSubstr("is no run: give a number, or FILE:NUMBER")) << verb << " " << wrong;
    }
  }
}

// The time of a clock on the wall makes no measurement of a model.
TEST_F(ReviewVerbs, a_simulated_run_in_real_time_is_a_measurement_nowhere) {
  (void)file_with(
      "profile: Short\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - cc_charge: {rate_C: 1, until: step_time_s >= 0.5, at_most_h: 1}\n",
      "short.yaml", *folder);
  const Finished done =
      in_folder({"run", "short.yaml", "--simulated", "--time", "real", "--quiet", "--operator", "Ada", "--db", "real.db"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"runs"}, {"show", "1"}, {"cycles", "1"}, {"compare", "1", "cellrig.db:1"}}) {
    std::vector<std::string> whole = words;
    whole.insert(whole.end(), {"--db", "real.db"});
    EXPECT_THAT(in_folder(whole).out, HasSubstr("SIMULATED")) << words.front();
    whole.emplace_back("--json");
    const boost::json::object run = json_of(in_folder(whole)).at("runs").at(0).as_object();
    EXPECT_EQ(run.at("time_source").as_string(), "real") << words.front();
    EXPECT_EQ(run.at("origin").as_string(), "simulated") << words.front();
  }
  ASSERT_EQ(in_folder({"report", "1", "--db", "real.db", "-o", "real.html"}).exit_code, 0);
  EXPECT_THAT(content(*folder + "/real.html"), HasSubstr("SIMULATED"));
  ASSERT_EQ(in_folder({"export", "1", "--db", "real.db", "--format", "bdf", "-o", "real.bdf.csv"}).exit_code, 0);
  EXPECT_THAT(content(*folder + "/real.bdf.metadata.json"), HasSubstr("\"source_type\":\"simulation\""));
  EXPECT_THAT(content(*folder + "/real.bdf.metadata.json"), Not(HasSubstr("\"source_type\":\"lab\"")));
}

TEST_F(ReviewVerbs, data_go_out_and_come_back_as_imported) {
  ASSERT_EQ(in_folder({"export", "1", "--format", "bdf", "--labels", "machine", "-o", "x.bdf.csv"}).exit_code, 0);
  const boost::json::value metadata = boost::json::parse(content(*folder + "/x.bdf.metadata.json"));
  EXPECT_FALSE(metadata.at("test_protocol").at("method").as_array().empty()) << "its steps stand beside the data";
  EXPECT_EQ(metadata.at("test_protocol").at("safety").at("max_voltage_V").to_number<double>(), 4.25);
  ASSERT_EQ(in_folder({"export", "1", "--format", "json", "-o", "x.json"}).exit_code, 0);
  EXPECT_TRUE(boost::json::parse(content(*folder + "/x.json")).at("rows").is_array());
  const Finished imported = in_folder({"import", "x.bdf.csv", "--db", "other.db", "--capacity", "5", "--cell-id", "B7"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("run 1: "));
  EXPECT_THAT(in_folder({"runs", "--db", "other.db"}).out, HasSubstr("imported"));
  EXPECT_THAT(in_folder({"compare", "1", "other.db:1"}).out, HasSubstr("origin: 1 simulated; other.db:1 imported"));
  EXPECT_EQ(in_folder({"db", "verify", "--db", "other.db"}).exit_code, 0);
  ASSERT_EQ(in_folder({"report", "1", "--db", "other.db", "-o", "imported.html"}).exit_code, 0);
  EXPECT_THAT(content(*folder + "/imported.html"), HasSubstr("IMPORTED"));
  EXPECT_THAT(content(*folder + "/imported.html"), HasSubstr("no uncertainty is known"));
  EXPECT_THAT(content(*folder + "/imported.html"), Not(HasSubstr("SIMULATED")));
  EXPECT_THAT(in_folder({"runs", "--db", "other.db"}).out, Not(HasSubstr("SIMULATED")));
}

TEST_F(ReviewVerbs, a_file_that_breaks_the_format_is_refused_at_its_place) {
  std::ofstream(*folder + "/bad.csv") << "Test Time / s,Voltage / V,Current / A\n0,3.7,1\n1,3.7;1\n";
  const Finished done = in_folder({"import", "bad.csv", "--db", "new.db"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("cellrig: bad.csv:3:1: the row has 2 cells, the header 3"));
}

}  // namespace
}  // namespace cellrig::test
