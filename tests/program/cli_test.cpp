// The command line as an interface: help, JSON, and the way of a run from start to export.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/program/process.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace fs = std::filesystem;

const std::vector<std::string> verbs{"check", "rehearse", "run", "off", "doctor", "runs", "show", "export", "import", "db"};

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
