// cellrig rehearse as a person uses it, and what `run` makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "db/reader.hpp"
#include "tests/program/process.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

boost::json::object json_of(const Finished& done) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(done.out, error);
  EXPECT_FALSE(error) << done.out << done.err;
  return error ? boost::json::object{} : parsed.as_object();
}

const boost::json::object& limit_of(const boost::json::object& document, const std::string& name) {
  for (const boost::json::value& limit : document.at("limits").as_array()) {
    if (limit.at("limit").as_string() == name) return limit.as_object();
  }
  throw std::runtime_error(name);
}

const std::string too_warm =
    "profile: Too warm\nformat: 1\nlimits: {cell_temperature_max_degC: 30}\nsteps:\n"
    "  - cc_charge: {rate_C: 2, until: voltage_V >= 4.2, at_most_h: 1}\n"
    "  - rest: {for_s: 10}\n";
const std::string gentle =
    "profile: Gentle\nformat: 1\nrecord: {every_s: 10}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_min: 3}\n"
    "  - rest: {for_s: 10, name: left out}\n";

// How fast the cell warms is a limit like the others; one that a step has of its own is told by that step.
TEST(Rehearse, tells_how_near_the_rate_of_the_temperature_and_the_limits_of_a_step_are_come) {
  const auto rehearsed = [](const std::string& limits) {
    return json_of(
        cellrig({"rehearse",
                 file_with("profile: Fast\nformat: 1\nsteps:\n  - cc_charge: {name: fast, rate_C: 2, until: voltage_V >= 4.2, "
                           "at_most_h: 1" +
                               limits + "}\n  - rest: {for_s: 10}\n",
                           "fast.yaml"),
                 "--cell", "lg-m50", "--json", "--quiet"}));
  };
  const boost::json::object alone = rehearsed("");
  const boost::json::object& rate = limit_of(alone, "temperature_rate_max_K_per_s");
  EXPECT_EQ(rate.at("bound").to_number<double>(), 1.0);
  EXPECT_GT(rate.at("nearest").to_number<double>(), 0.005) << "2C warms this cell by some tenths of a kelvin a minute";
  EXPECT_LT(rate.at("nearest").to_number<double>(), 0.3);
  EXPECT_EQ(rate.at("step").as_string(), "fast");
  const boost::json::object own = rehearsed(", limits: {temperature_rate_max_K_per_s: 0.5, cell_temperature_max_degC: 45}");
  EXPECT_EQ(limit_of(own, "temperature_rate_max_K_per_s").at("bound").to_number<double>(), 0.5);
  EXPECT_EQ(limit_of(own, "cell_temperature_max_degC").at("bound").to_number<double>(), 45.0);
}

// A rehearsal is the run itself: what it foretells is what the same bench then records.
TEST(Rehearse, foretells_what_the_run_records) {
  const Finished told = cellrig({"rehearse", "cccv-cycle", "--bench", "single", "--json", "--quiet"});
  ASSERT_EQ(told.exit_code, 0) << told.err;
  const boost::json::object document = json_of(told);
  const std::string folder = temporary_folder();
  const Finished ran = cellrig({"run", "cccv-cycle", "--simulated", "--db", folder + "/run.db", "--quiet"});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  const std::unique_ptr<db::Reader> record = std::move(db::Reader::open(folder + "/run.db").value());
  std::size_t rows = 0;
  double hottest = 0.0, highest = 0.0;
  (void)record
      ->for_each_sample(1,
                        [&](const db::SampleView& view) {
                          ++rows;
                          hottest = std::max(hottest, view.row.cell_temperature_degC);
                          highest = std::max(highest, view.row.voltage_V);
                          return true;
                        })
      .value();
  const db::RunInfo run = record->run(1).value();
  const double duration_s = 1e-9 * static_cast<double>(run.end->ended_test_time_ns);
  EXPECT_NEAR(document.at("duration_s").to_number<double>(), duration_s, 0.01 * duration_s)
      << "the rehearsed cell ages, a little";
  EXPECT_NEAR(document.at("rows").to_number<double>(), static_cast<double>(rows), 0.01 * static_cast<double>(rows));
  EXPECT_NEAR(document.at("cell_temperature_degC").as_array()[1].to_number<double>(), hottest, 0.2);
  EXPECT_NEAR(limit_of(document, "voltage_max_V").at("nearest").to_number<double>(), highest, 0.005);
  const auto bytes = static_cast<double>(std::filesystem::file_size(folder + "/run.db"));
  EXPECT_NEAR(document.at("bytes").to_number<double>(), bytes, 0.5 * bytes);
}

TEST(Rehearse, a_profile_that_trips_says_where_and_ends_with_3) {
  const std::string profile = file_with(too_warm, "warm.yaml");
  const Finished done = cellrig({"rehearse", profile, "--bench", "single"});
  EXPECT_EQ(done.exit_code, 3) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr("tripped"));
  EXPECT_THAT(done.out, HasSubstr("cell too hot"));
  EXPECT_THAT(done.out, HasSubstr("line 6, 'rest': never reached"));
}

TEST(Rehearse, a_bound_that_is_reached_and_a_step_that_is_not_are_told) {
  const std::string profile = file_with(gentle, "gentle.yaml");
  const Finished done = cellrig({"rehearse", profile, "--bench", "single", "--start-soc", "20"});
  EXPECT_EQ(done.exit_code, 1) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr("line 5, 'cc_charge': ended by its bound of 3 min"));
  EXPECT_THAT(done.out, HasSubstr("'left out': never reached"));
  EXPECT_THAT(done.out, HasSubstr("from 20 %"));
}

TEST(Rehearse, a_real_bench_is_rehearsed_without_being_touched) {
  const std::string bench = file_with(
      "bench: real\ninstruments:\n"
      "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
      "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
      "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}}\n",
      "real.yaml");
  const Finished done = cellrig({"rehearse", "cccv-cycle", "--bench", bench, "--set", "cycles=1"});
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr("bench real"));
}

TEST(Rehearse, writes_a_page_and_says_when_it_cannot) {
  const std::string page = temporary_folder() + "/page.html";
  ASSERT_EQ(cellrig({"rehearse", "cccv-cycle", "--bench", "single", "--html", page}).exit_code, 0);
  std::stringstream text;
  text << std::ifstream{page}.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("</svg>"));
  const Finished nowhere = cellrig({"rehearse", "cccv-cycle", "--bench", "single", "--html", "/nowhere/page.html"});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("/nowhere/page.html"));
}

TEST(Rehearse, bad_input_is_refused_with_its_place) {
  const auto complaint = [](const std::vector<std::string>& words) {
    const Finished done = cellrig(words);
    EXPECT_EQ(done.exit_code, 2) << done.out;
    return done.err;
  };
  EXPECT_THAT(complaint({"rehearse", "cccv-cicle"}), HasSubstr("cccv-cycle"));
  EXPECT_THAT(complaint({"rehearse", "cccv-cycle", "--channel", "ch9"}), HasSubstr("ch9"));
  EXPECT_THAT(complaint({"rehearse", "cccv-cycle", "--start-soc", "120"}), HasSubstr("--start-soc"));
  EXPECT_THAT(complaint({"rehearse", "cccv-cycle", "--start-sock", "12"}), HasSubstr("--start-soc"));
  const std::string bare = file_with(
      "name: Bare\nclassification: {electrolyte_class: liquid}\nnominal_capacity_Ah: 5\nrated_capacity_Ah: 5\nvoltage_min_V: "
      "2.5\n"
      "voltage_max_V: 4.2\nlimits:\n  charge_rate_max_C: 1\n  discharge_rate_max_C: 1\n  cell_temperature_min_degC: 0\n"
      "  cell_temperature_max_degC: 60\n  charge_temperature_min_degC: 5\n  charge_temperature_max_degC: 45\n"
      "  voltage_max_V: 4.25\n  voltage_min_V: 2.45\n",
      "bare.yaml");
  EXPECT_THAT(complaint({"rehearse", "cccv-cycle", "--cell", bare}), HasSubstr("bare.yaml"));
}

TEST(Rehearse, ctrl_c_ends_it_with_what_it_knows_so_far) {
  ProcessOptions options;
  Process process{cellrig_command({"rehearse", "cycle-life", "--bench", "demo", "--progress"}), options};
  ASSERT_TRUE(eventually(Seconds{20}, [&] { return process.err().find("progress ") != std::string::npos; })) << process.err();
  ASSERT_FALSE(process.has_ended());
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(Seconds{20}), 130) << process.err();
  EXPECT_THAT(process.out(), HasSubstr("How near it comes to the safety limits"));
}

class RunAfterRehearsal : public testing::Test {
 protected:
  [[nodiscard]] Finished run(const std::string& profile, const std::vector<std::string>& more) {
    std::vector<std::string> words{"run",         profile,
                                   "--bench",     simulator.bench_file(),
                                   "--simulator", simulator.ready_file(),
                                   "--time",      "real",
                                   "--cell",      "lg-m50",
                                   "--db",        database,
                                   "--quiet",     "--require-proofs"};  // a simulator that is held to the rules of a real bench
    words.insert(words.end(), more.begin(), more.end());
    return cellrig(words);
  }
  [[nodiscard]] std::string audited() const {
    std::string text;
    for (const db::AuditRow& row : db::Reader::open(database).value()->audit().value()) text += row.detail + "\n";
    return text;
  }

  Simulator simulator{"single"};
  std::string database = temporary_folder() + "/run.db";
};

TEST_F(RunAfterRehearsal, refuses_a_profile_that_would_trip_and_nothing_is_switched_on) {
  const Finished done = run(file_with(too_warm, "warm.yaml"), {});
  EXPECT_EQ(done.exit_code, 2) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("in a rehearsal on the model of LG M50, from 50 %, it trips"));
  EXPECT_THAT(done.err, HasSubstr("--without-rehearsal REASON"));
  EXPECT_EQ(simulator.truth("ch1").current_max_A, 0.0);
}

TEST_F(RunAfterRehearsal, refuses_a_profile_that_would_ask_for_a_current_that_is_not_allowed) {
  const std::string greedy =
      "profile: Greedy\nformat: 1\nvariables:\n  wanted_A: {start: 2, min: 0.1, max: 500}\nsteps:\n"
      "  - cc_discharge: {current_A: variables.wanted_A, until: step_time_s >= 20, at_most_h: 1}\n"
      "  - set: {wanted_A: 400}\n"
      "  - cc_discharge: {current_A: variables.wanted_A, until: step_time_s >= 20, at_most_h: 1}\n";
  const Finished done = run(file_with(greedy, "greedy.yaml"), {});
  EXPECT_EQ(done.exit_code, 2) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("asks for a current that is not allowed: "));
  EXPECT_EQ(simulator.truth("ch1").current_max_A, 0.0);
}

TEST_F(RunAfterRehearsal, ctrl_c_while_it_rehearses_ends_it_with_nothing_switched_on) {
  const std::string endless = file_with(
      "profile: Endless\nformat: 1\nsteps:\n  - cycles:\n      times: 20000\n      steps:\n"
      "        - cc_charge: {rate_C: 1, until: capacity_Ah >= 1, at_most_h: 2}\n"
      "        - cc_discharge: {rate_C: 1, until: capacity_Ah >= 1, at_most_h: 2}\n",
      "endless.yaml");
  Process process{cellrig_command({"run", endless, "--bench", simulator.bench_file(), "--simulator", simulator.ready_file(),
                                   "--time", "real", "--cell", "lg-m50", "--db", database, "--require-proofs"}),
                  with_leases({})};
  ASSERT_TRUE(eventually(Seconds{20}, [&] { return process.has_ended() || std::filesystem::exists(database); }));
  ASSERT_FALSE(eventually(Seconds{0.5}, [&] { return process.has_ended(); })) << process.err();
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(Seconds{20}), 130) << process.err();
  EXPECT_EQ(simulator.truth("ch1").current_max_A, 0.0);
  EXPECT_EQ(simulator.truth("ch1").current_min_A, 0.0);
}

// Both are refused later, for want of a proven watchdog: this is about what is recorded of the rehearsal.
TEST_F(RunAfterRehearsal, records_what_it_told_or_why_there_was_none) {
  const Finished rehearsed = run("cccv-cycle", {});
  EXPECT_THAT(rehearsed.err, HasSubstr("nobody has seen its watchdog fire"));
  EXPECT_THAT(audited(), HasSubstr("ch1: completed, 22 h"));
  const Finished forced = run(file_with(too_warm, "warm.yaml"), {"--without-rehearsal", "the abuse test of Monday"});
  EXPECT_THAT(forced.err, HasSubstr("nobody has seen its watchdog fire"));
  EXPECT_THAT(audited(), HasSubstr("without: the abuse test of Monday"));
}

// ---- compared with its rehearsal ------------------------------------------------------------------------------------

/// A bench inside the process whose cell is not what its file says, and a profile for it.
class ComparedRun : public testing::Test {
 protected:
  Finished run(const std::string& cell, const std::string& expect, const std::vector<std::string>& more) const {
    const std::string bench = file_with(
        "bench: b\ninstruments:\n"
        "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
        "channels:\n  ch1: {cycler: psb1}\nsimulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50" +
            cell + "}\n",
        "bench.yaml");
    const std::string profile = file_with("profile: P\nformat: 1\n" + expect +
                                              "steps:\n"
                                              "  - cc_discharge: {rate_C: 1, until: voltage_V <= 3.2, at_most_h: 1}\n"
                                              "  - rest: {for_min: 5}\n",
                                          "p.yaml");
    std::vector<std::string> words{"run", profile, "--simulated", "--bench", bench, "--db", database, "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return cellrig(words);
  }
  [[nodiscard]] std::string shown() const { return cellrig({"show", "--db", database}).out; }

  std::string database = temporary_folder() + "/run.db";
};

TEST_F(ComparedRun, warns_of_a_cell_that_is_weaker_than_its_file_and_goes_on) {
  const Finished done = run(", resistance_factor: 2", "", {"--expect"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("divergence: voltage_V"));
  EXPECT_THAT(shown(), HasSubstr("compared with its rehearsal, 2 curves: "));
  EXPECT_THAT(shown(), HasSubstr("warning: divergence: voltage_V"));
  const boost::json::object document = json_of(cellrig({"show", "--db", database, "--json"}));
  const boost::json::object& told = document.at("runs").as_array().front().as_object();
  EXPECT_EQ(told.at("expected_curves").to_number<int>(), 2);
  EXPECT_GE(told.at("divergences").to_number<int>(), 1);
  EXPECT_EQ(cellrig({"db", "verify", "--db", database, "--quiet"}).exit_code, 0);
}

// Nothing tripped and nobody asked for it: the test came to an end without what it was to show.
TEST_F(ComparedRun, that_is_stopped_by_a_divergence_ends_with_1) {
  const Finished done = run(", resistance_factor: 2", "expect: {on_divergence: stop}\n", {"--expect", "--json"});
  EXPECT_EQ(done.exit_code, 1) << done.err;
  const boost::json::object channel = json_of(done).at("channels").as_array().front().as_object();
  EXPECT_EQ(channel.at("outcome").as_string(), "stopped");
  EXPECT_FALSE(channel.at("criteria_met").as_bool());
  EXPECT_THAT(std::string(channel.at("reason").as_string()), HasSubstr("stopped by a divergence: voltage_V"));
  EXPECT_EQ(channel.at("output_off_confirmed_by").as_string(), "instrument");
}

TEST_F(ComparedRun, says_that_there_was_none_and_without_a_rehearsal_nothing) {
  EXPECT_EQ(run("", "", {"--expect"}).exit_code, 0);
  EXPECT_THAT(shown(), HasSubstr("compared with its rehearsal, 2 curves: no divergence"));
  EXPECT_EQ(run(", resistance_factor: 2", "expect: {on_divergence: stop}\n", {}).exit_code, 0)
      << "a bench in this process is its own rehearsal unless it is asked";
  const std::string second = cellrig({"show", "2", "--db", database}).out;
  EXPECT_THAT(second, testing::Not(HasSubstr("compared with")));
}

// On a bench in this process, too: who reads the record later must find why nothing was rehearsed.
TEST_F(ComparedRun, a_reason_for_no_rehearsal_is_in_the_audit_trail) {
  const Finished done = run("", "", {"--without-rehearsal", "the model is not ready"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  std::string audited;
  for (const db::AuditRow& row : db::Reader::open(database).value()->audit().value()) audited += row.detail + "\n";
  EXPECT_THAT(audited, HasSubstr(R"("rehearsal":"without: the model is not ready")"));
  EXPECT_THAT(cellrig({"db", "audit", "--db", database}).out, HasSubstr("without: the model is not ready"));
}

TEST_F(ComparedRun, that_cannot_be_compared_is_refused) {
  const Finished without = run("", "", {"--expect", "--without-rehearsal", "no time"});
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.err, HasSubstr("--without-rehearsal makes none"));
  const Finished resumed = cellrig({"run", "--resume", "1", "--bench", "single", "--db", database, "--expect", "--simulated"});
  EXPECT_EQ(resumed.exit_code, 2);
  EXPECT_THAT(resumed.err, HasSubstr("--expect is for a new run"));
}

}  // namespace
}  // namespace cellrig::test
