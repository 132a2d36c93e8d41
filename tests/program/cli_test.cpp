// The command line as an interface: help, JSON, and the way of a run from start to export.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/program/process.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace fs = std::filesystem;

const std::vector<std::string> verbs{"check", "rehearse", "run",    "serve",  "off", "doctor",
                                     "runs",  "show",     "export", "import", "db"};

const std::string short_profile =
    "profile: Short\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 2, at_most_h: 1}\n"
    "  - rest: {for_s: 1}\n"
    "  - cc_discharge: {rate_C: 1, until: step_time_s >= 2, at_most_h: 1}\n";
const std::string cycle_profile =
    "profile: Cycle\nformat: 1\nrecord: {every_s: 10}\nsteps:\n  - cycles:\n      times: 2\n      steps:\n"
    "        - cc_charge: {rate_C: 2, until: capacity_Ah >= 0.5, at_most_h: 1}\n"
    "        - cc_discharge: {rate_C: 2, until: capacity_Ah >= 0.5, at_most_h: 1, measure: reference}\n"
    "  - require: retention_pct >= 99.9\n  - require: reference_capacity_Ah >= 4\n";

boost::json::object document(const Finished& done) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(done.out, error);
  EXPECT_FALSE(error) << "standard output is not one JSON document: " << done.out;
  if (error || !parsed.is_object()) return {};
  EXPECT_EQ(parsed.as_object().begin()->key(), "schema_version");
  EXPECT_EQ(parsed.at("schema_version").to_number<int>(), 1);
  return parsed.as_object();
}

TEST(Program, every_verb_explains_itself) {
  const Finished all = cellrig({"--help"});
  EXPECT_EQ(all.exit_code, 0);
  for (const std::string& verb : verbs) {
    EXPECT_THAT(all.out, HasSubstr(verb));
    const Finished one = cellrig({verb, "--help"});
    EXPECT_EQ(one.exit_code, 0) << verb;
    EXPECT_THAT(one.out, HasSubstr("--")) << verb;
    EXPECT_THAT(one.err, IsEmpty()) << verb;
  }
  EXPECT_THAT(all.out, HasSubstr("Exit codes"));
}

TEST(Program, says_its_version) {
  const Finished done = cellrig({"--version"});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_THAT(done.out, testing::MatchesRegex("cellrig [0-9]+\\.[0-9]+\\.[0-9]+.*\n"));
}

TEST(Program, check_accepts_every_profile_of_the_library) {
  for (const std::string name : {"fast-charge-window", "cold-discharge", "cycle-life", "cccv-cycle"}) {
    const Finished done = cellrig({"check", name, "--bench", "demo", "--json"});
    EXPECT_EQ(done.exit_code, 0) << name << done.err;
    const boost::json::object found = document(done);
    EXPECT_TRUE(found.at("accepted").as_bool());
  }
}

TEST(Program, check_says_in_json_what_it_says_in_words) {
  const std::string file = file_with(
      "profile: P\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 1, voltage_max_V: 4.1, until: voltage_V >= 4.2, at_most_h: 2}\n",
      "p.yaml");
  const Finished done = cellrig({"check", file, "--json"});
  EXPECT_EQ(done.exit_code, 2);
  const boost::json::object found = document(done);
  EXPECT_FALSE(found.at("accepted").as_bool());
  EXPECT_EQ(found.at("findings").at(0).at("line").to_number<int>(), 4);
  EXPECT_EQ(found.at("findings").at(0).at("column").to_number<int>(), 5);
  EXPECT_TRUE(found.at("instruments").as_array().empty()) << "no bench, no instruments";
}

const std::string taper_profile =
    "profile: P\nformat: 1\nsteps:\n  - cccv_charge: {rate_C: 1, voltage_V: 4.2, until: current_A <= 0.03 for 5 s, at_most_h: "
    "5}\n";

// A taper that the 60 A of the demo bench's first cycler cannot tell, and that the second one blurs.
TEST(Program, check_refuses_a_taper_within_the_error_of_the_cycler) {
  const std::string file = file_with(taper_profile, "p.yaml");
  const Finished coarse = cellrig({"check", file, "--bench", "demo"});
  EXPECT_EQ(coarse.exit_code, 2);
  EXPECT_THAT(coarse.err, testing::ContainsRegex("p.yaml:4:5: error: 'current_A <= 0.03' cannot be told"));
  EXPECT_THAT(coarse.out, testing::ContainsRegex("'current_A <= 0.03' +0.03 A +0.0312 A +the value +104 % +error"));
  const Finished fine = cellrig({"check", file, "--bench", "demo", "--channel", "ch2"});
  EXPECT_EQ(fine.exit_code, 0) << "warnings alone accept";
  EXPECT_THAT(fine.err, testing::ContainsRegex("p.yaml:4:5: warning: 'current_A <= 0.03' is blurred"));
}

// What else will be in the chamber is judged long before somebody stands there with two cells.
TEST(Program, check_judges_the_profiles_that_will_share_the_chamber) {
  const auto profile = [](const std::string& steps) { return file_with("profile: P\nformat: 1\nsteps:\n" + steps, "p.yaml"); };
  const std::string charge = "  - cc_charge: {rate_C: 0.5, until: voltage_V >= 4.1, at_most_h: 4}\n";
  const std::string warm = profile("  - soak: {temperature_degC: 25, for_h: 1}\n" + charge);
  const std::string cold = profile("  - soak: {temperature_degC: -10, for_h: 1}\n  - rest: {for_h: 1}\n");
  const std::string anywhere = profile(charge);
  const auto check_beside = [](const std::string& file, const std::string& beside) {
    return cellrig({"check", file, "--bench", "demo", "--channel", "ch1", "--beside", beside});
  };
  const Finished alike = check_beside(warm, "ch2=" + warm);
  EXPECT_EQ(alike.exit_code, 0) << alike.err;
  EXPECT_THAT(alike.err, Not(HasSubstr("shares chamber")));
  const Finished in_turns = check_beside(warm, "ch2=" + cold);
  EXPECT_EQ(in_turns.exit_code, 0) << in_turns.err;
  EXPECT_THAT(in_turns.err, HasSubstr("they take turns"));
  for (const auto& [file, beside] : {std::pair{cold, anywhere}, {anywhere, cold}}) {
    const Finished refused = check_beside(file, "ch2=" + beside);
    EXPECT_EQ(refused.exit_code, 2) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("it is charged there without having asked for a temperature"));
  }
}

TEST(Program, check_beside_wants_another_channel_of_the_bench_and_its_profile) {
  const std::string file = file_with("profile: P\nformat: 1\nsteps:\n  - rest: {for_h: 1}\n", "p.yaml");
  for (const auto& [beside, why] : {std::pair{"ch9=" + file, "ch9"},
                                    {file, "write channel=profile"},
                                    {"=" + file, "write channel=profile"},
                                    {"ch1=" + file, "a profile for this channel is given already"},
                                    {"ch2=missing.yaml", "missing.yaml"}}) {
    const Finished done = cellrig({"check", file, "--bench", "demo", "--channel", "ch1", "--beside", beside});
    EXPECT_EQ(done.exit_code, 2) << beside << ": " << done.err;
    EXPECT_THAT(done.err, HasSubstr(why)) << beside;
  }
  const Finished no_bench = cellrig({"check", file, "--beside", "ch2=" + file});
  EXPECT_EQ(no_bench.exit_code, 2);
  EXPECT_THAT(no_bench.err, HasSubstr("--beside needs --bench"));
}

TEST(Program, check_gives_each_accuracy_in_json) {
  const Finished done = cellrig({"check", file_with(taper_profile, "p.yaml"), "--bench", "demo", "--json"});
  EXPECT_EQ(done.exit_code, 2);
  const boost::json::object found = document(done);
  const boost::json::array& rows = found.at("instruments").as_array();
  const auto taper = std::find_if(rows.begin(), rows.end(), [](const auto& row) { return row.at("use") == "current_end"; });
  ASSERT_NE(taper, rows.end()) << done.out;
  EXPECT_EQ(taper->at("instrument").as_string(), "EA PSB 10060-60");
  EXPECT_EQ(taper->at("subject").as_string(), "'current_A <= 0.03'");
  EXPECT_EQ(taper->at("unit").as_string(), "A");
  EXPECT_DOUBLE_EQ(taper->at("value").to_number<double>(), 0.03);
  EXPECT_NEAR(taper->at("uncertainty").to_number<double>(), 0.031151, 1e-9);
  EXPECT_NEAR(taper->at("share").to_number<double>(), 0.031151 / 0.03, 1e-9);
  EXPECT_EQ(taper->at("severity").as_string(), "error");
  EXPECT_TRUE(taper->at("is_unverified").as_bool());
  EXPECT_EQ(taper->at("steps").at(0).at("line").to_number<int>(), 4);
  EXPECT_EQ(taper->at("steps").at(0).at("column").to_number<int>(), 5);
  const auto fine = std::find_if(rows.begin(), rows.end(), [](const auto& row) { return row.at("use") == "set_current"; });
  ASSERT_NE(fine, rows.end());
  EXPECT_TRUE(fine->at("severity").is_null());
}

// One database, from the run to every way to look at it.
TEST(Program, a_run_can_be_listed_shown_and_exported) {
  const std::string folder = temporary_folder();
  (void)file_with(cycle_profile, "cycle.yaml", folder);
  const Finished run = cellrig({"run", "cycle.yaml", "--simulated", "--json", "--quiet", "--operator", "Ada", "--cell-id", "C-7"},
                               {.folder = folder});
  EXPECT_EQ(run.exit_code, 1) << "0.5 Ah are no 4 Ah: the criterion is not met";
  const boost::json::object done = document(run);
  EXPECT_EQ(done.at("exit_code").to_number<int>(), 1);
  EXPECT_TRUE(done.at("simulated").as_bool());
  EXPECT_EQ(done.at("channels").at(0).at("output_off_confirmed_by").as_string(), "instrument");

  const Finished runs = cellrig({"runs", "--json"}, {.folder = folder});
  EXPECT_EQ(runs.exit_code, 0);
  const boost::json::object list = document(runs);
  EXPECT_EQ(list.at("runs").at(0).at("verdict").as_string(), "not passed");
  EXPECT_EQ(list.at("runs").at(0).at("operator").as_string(), "Ada");

  const Finished show = cellrig({"show", "1", "--json"}, {.folder = folder});
  const boost::json::object shown = document(show);
  EXPECT_EQ(shown.at("runs").at(0).at("cycles").as_array().size(), 2u);
  EXPECT_EQ(shown.at("runs").at(0).at("steps").as_array().size(), 4u);
  const boost::json::array& figures = shown.at("runs").at(0).at("steps").at(0).at("figures").as_array();
  const auto is_mean = [](const boost::json::value& f) { return f.at("name").as_string() == "mean_voltage_V"; };
  const auto mean = std::find_if(figures.begin(), figures.end(), is_mean);
  ASSERT_NE(mean, figures.end());
  EXPECT_EQ(mean->at("unit").as_string(), "V");
  EXPECT_NEAR(mean->at("value").as_double(), 3.5, 0.8);
  EXPECT_FALSE(shown.at("runs").at(0).at("cycles").at(0).at("figures").as_array().empty());
  const Finished words = cellrig({"show", "1"}, {.folder = folder});
  EXPECT_THAT(words.out, HasSubstr("criterion not met"));

  for (const std::string format : {"csv", "bdf"}) {
    const Finished exported = cellrig({"export", "1", "--format", format, "-o", "out." + format + ".csv"}, {.folder = folder});
    EXPECT_EQ(exported.exit_code, 0) << exported.err;
    EXPECT_GT(fs::file_size(folder + "/out." + format + ".csv"), 1000u);
    const Finished again = cellrig({"export", "1", "--format", format, "-o", "out." + format + ".csv"}, {.folder = folder});
    EXPECT_EQ(again.exit_code, 2) << "a file that exists is not replaced without being asked";
  }
}

// A bench that holds a pressed 20 Ah cell and two of 5 Ah: each is charged as what it is.
TEST(Program, a_simulated_bench_says_which_cell_each_channel_holds) {
  const std::string folder = temporary_folder();
  (void)file_with("profile: Rest\nformat: 1\nsteps:\n  - rest: {for_s: 10}\n", "rest.yaml", folder);
  const Finished done =
      cellrig({"run", "rest.yaml", "--simulated", "--bench", "full", "--quiet", "--channel", "ch1", "--channel", "ch2"},
              {.folder = folder});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  std::map<std::string, std::string> cells;
  const boost::json::object list = document(cellrig({"runs", "--json"}, {.folder = folder}));
  for (const boost::json::value& run : list.at("runs").as_array())
    cells[run.at("channel").as_string().c_str()] = run.at("cell").as_string();
  EXPECT_THAT(cells, testing::ElementsAre(testing::Pair("ch1", HasSubstr("ulfide")), testing::Pair("ch2", "LG M50")));
}

// A PyBaMM experiment becomes a profile that is checked, and goes back; what would lose a guard of the cell is refused.
TEST(Program, a_pybamm_experiment_is_imported_checked_and_exported) {
  const std::string folder = temporary_folder();
  (void)file_with("[(\"Charge at C/3 until 4.2 V\", \"Hold at 4.2 V until C/20\", \"Rest for 1 hour\")] * 2\n", "e.py", folder);
  const Finished made =
      cellrig({"import", "e.py", "--from", "pybamm", "-o", "e.yaml", "--cell", "lg-m50", "--json"}, {.folder = folder});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_TRUE(document(made).at("accepted").as_bool());
  EXPECT_EQ(cellrig({"import", "e.py", "--from", "pybamm", "-o", "e.yaml"}, {.folder = folder}).exit_code, 2) << "it exists";
  EXPECT_EQ(cellrig({"check", "e.yaml"}, {.folder = folder}).exit_code, 0);
  const Finished back = cellrig({"export", "--profile", "e.yaml", "--json"}, {.folder = folder});
  EXPECT_EQ(back.exit_code, 0) << back.err;
  EXPECT_EQ(document(back).at("strings").as_array().size(), 3u);

  const Finished refused = cellrig({"export", "--profile", "cccv-cycle", "-o", "cycle.py"}, {.folder = folder});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--accept-loss at_most"));
  EXPECT_FALSE(fs::exists(folder + "/cycle.py"));
  const std::vector<std::string> accepting{"export", "--profile", "cccv-cycle", "-o", "cycle.py", "--accept-loss", "at_most"};
  EXPECT_EQ(cellrig(accepting, {.folder = folder}).exit_code, 0);
  EXPECT_TRUE(fs::exists(folder + "/cycle.py"));

  const Finished small =
      cellrig({"import", "e.py", "--from", "pybamm", "--cell", "lfp-26650", "-o", "small.yaml"}, {.folder = folder});
  EXPECT_EQ(small.exit_code, 2) << "4.2 V are too much for this cell";
  EXPECT_FALSE(fs::exists(folder + "/small.yaml"));
}

TEST(Program, a_passed_run_ends_with_0_and_says_that_it_is_no_evidence) {
  const std::string file = file_with(short_profile, "short.yaml");
  const Finished done = cellrig({"run", file, "--simulated"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("SIMULATED"));
  EXPECT_THAT(done.out, HasSubstr("completed"));
}

TEST(Program, a_database_that_cannot_be_opened_ends_with_5_and_its_name) {
  const std::string file = file_with(short_profile, "short.yaml");
  const Finished missing = cellrig({"run", file, "--simulated", "--db", "no/such/folder/x.db"});
  EXPECT_EQ(missing.exit_code, 5);
  EXPECT_THAT(missing.err, HasSubstr("no/such/folder/x.db"));
  const Finished text = cellrig({"run", file, "--simulated", "--db", file});
  EXPECT_EQ(text.exit_code, 5);
  EXPECT_THAT(text.err, HasSubstr("not an SQLite database"));
}

TEST(Program, a_disk_without_the_reserve_ends_with_5_before_anything_is_switched_on) {
  const std::string file = file_with(short_profile, "short.yaml");
  const Finished done = cellrig({"run", file, "--simulated", "--disk-reserve-MiB", "1000000000"});
  EXPECT_EQ(done.exit_code, 5) << done.out;
  EXPECT_THAT(done.err, HasSubstr("the reserve is 1000000000 MiB"));
}

TEST(Program, a_short_run_in_real_time_against_a_simulator_process_passes) {
  Simulator simulator("single");
  const std::string file = file_with(short_profile, "short.yaml");
  const Finished done =
      cellrig({"run", file, "--bench", "single", "--simulator", simulator.ready_file(), "--time", "real", "--json", "--quiet"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const boost::json::object result = document(done);
  EXPECT_EQ(result.at("time_source").as_string(), "real");
  const ChannelTruth truth = simulator.truth("ch1");
  EXPECT_TRUE(simulator.is_off("ch1"));
  EXPECT_NEAR(truth.current_max_A, 5.0, 0.1);
  EXPECT_NEAR(truth.current_min_A, -5.0, 0.1);
}

TEST(Program, a_run_in_lockstep_gives_the_same_result_twice) {
  std::vector<double> socs;
  for (int i = 0; i < 2; ++i) {
    Simulator simulator("demo");
    const std::string file = file_with(cycle_profile, "cycle.yaml");
    const Finished done = cellrig({"run", file, "--bench", "demo", "--channel", "ch1", "--channel", "ch2", "--simulator",
                                   simulator.ready_file(), "--time", "lockstep", "--json", "--quiet"});
    EXPECT_EQ(done.exit_code, 1) << done.err;
    (void)document(done);
    EXPECT_TRUE(simulator.is_off("ch1"));
    EXPECT_TRUE(simulator.is_off("ch2"));
    socs.push_back(simulator.truth("ch1").soc);
  }
  EXPECT_EQ(socs[0], socs[1]);
}

// Three makes of cyclers and two of loggers behind one bench file: in virtual time, and in lockstep with another process.
TEST(Program, the_three_makes_run_side_by_side) {
  const std::string file = file_with(cycle_profile, "cycle.yaml");
  const std::vector<std::string> run{"run",       file,  "--bench",   "three-makes", "--channel", "ch1",
                                     "--channel", "ch2", "--channel", "ch3",         "--json",    "--quiet"};
  std::vector<std::string> simulated = run;
  simulated.emplace_back("--simulated");
  const Finished in_process = cellrig(simulated);
  EXPECT_EQ(in_process.exit_code, 1) << in_process.err;
  Simulator simulator("three-makes");
  std::vector<std::string> lockstep = run;
  for (const std::string& word :
       {std::string("--simulator"), simulator.ready_file(), std::string("--time"), std::string("lockstep")}) {
    lockstep.push_back(word);
  }
  const Finished over_sockets = cellrig(lockstep);
  EXPECT_EQ(over_sockets.exit_code, 1) << over_sockets.err;
  for (const char* const channel : {"ch1", "ch2", "ch3"}) {
    EXPECT_TRUE(simulator.is_off(channel));
    EXPECT_NEAR(simulator.truth(channel).current_max_A, 10.0, 0.1);
    EXPECT_NEAR(simulator.truth(channel).current_min_A, -10.0, 0.1);
  }
}

TEST(Program, off_turns_every_output_off_and_needs_neither_profile_nor_database) {
  Simulator simulator("demo");
  const Finished done = cellrig({"off", "--bench", "demo", "--simulator", simulator.ready_file()});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("off, confirmed by the instruments: ch1, ch2\nstopped, confirmed by the instruments: oven\n"));
  EXPECT_TRUE(simulator.is_off("ch1"));
  EXPECT_TRUE(simulator.is_off("ch2"));
}

TEST(Program, off_says_which_output_it_could_not_confirm) {
  Simulator simulator("demo");
  simulator.fault("refuse psb1 for_s=1000");
  const Finished done = cellrig({"off", "--bench", "demo", "--simulator", simulator.ready_file()});
  EXPECT_EQ(done.exit_code, 4);
  EXPECT_THAT(done.err, HasSubstr("ch1: the cycler does not confirm OFF"));
  EXPECT_THAT(done.err, Not(HasSubstr("ch2:")));
}

}  // namespace
}  // namespace cellrig::test
