// The bench with everything on it, by the program's own verbs: three makes of cycler and of chamber, two loggers, a press, a gas sensor and
// contacts, over sockets and pseudo-terminals of a simulator that is a process of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr Seconds start_limit{30}, end_limit{20}, live_time{20};
/// Five seconds in the bench file unless it says otherwise, one for the instruments' own clocks, and a busy machine.
constexpr Seconds watchdog_limit{12};
constexpr int attempts_max = 3;
const std::vector<std::string> channels{"ch1", "ch2", "ch3"};
const std::vector<std::string> chambers{"tenney", "mk53", "sh641"};
const std::vector<std::string> instruments{"psb1", "aps1", "itech1",  "f4t",   "binder", "espec",
                                           "adam", "daq",  "sniffer", "press", "doors",  "board"};
const std::vector<std::string> cells{"--cell", "ch1=sulfide-20", "--cell", "ch2=lg-m50", "--cell", "ch3=lg-m50"};

const char* const profile =
    "profile: Round\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - soak: {temperature_degC: 30, until: step_time_s >= 300, at_most_h: 1}\n"
    "  - cc_charge: {rate_C: 0.5, until: step_time_s >= 600, at_most_h: 1}\n"
    "  - rest: {for_s: 60}\n"
    "  - cc_discharge: {rate_C: 0.5, until: step_time_s >= 600, at_most_h: 1}\n"
    "  - rest: {for_s: 60}\n";

class FullBench : public testing::Test {
 protected:
  FullBench() { (void)file_with(profile, "round.yaml", bench.folder); }

  [[nodiscard]] std::vector<std::string> run_words(const std::string& database, const std::vector<std::string>& where) const {
    std::vector<std::string> words{"run", "round.yaml", "--bench", bench.simulator.bench_file(), "--db", database, "--quiet"};
    for (const std::string& channel : channels) words.insert(words.end(), {"--channel", channel});
    words.insert(words.end(), cells.begin(), cells.end());
    words.insert(words.end(), where.begin(), where.end());
    return words;
  }
  [[nodiscard]] std::vector<std::string> in_lockstep() const {
    return {"--simulator", bench.simulator.ready_file(), "--time", "lockstep"};
  }
  Finished doctor(std::vector<std::string> more) {
    std::vector<std::string> words{"doctor", "--bench", bench.simulator.bench_file()};
    for (const std::vector<std::string>& part : {cells, in_lockstep(), more}) words.insert(words.end(), part.begin(), part.end());
    return cellrig(words, {.folder = bench.folder});
  }
  [[nodiscard]] std::unique_ptr<Process> start_live(const std::string& database = "first.db") {
    (void)file_with(
        "profile: Live\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
        "  - cc_charge: {rate_C: 1, until: step_time_s >= 3600, at_most_h: 2, temperature_degC: 30}\n",
        "live.yaml", bench.folder);
    std::unique_ptr<Process> run =
        bench.start_charging({.channels = channels, .profile = "live.yaml", .database = database, .more = cells});
    const bool all_began =
        eventually(start_limit, [&] { return all(channels, [&](auto& c) { return bench.charges(c); }) || run->has_ended(); });
    EXPECT_TRUE(all_began && !run->has_ended()) << run->out() << run->err();
    return run;
  }
  template <class Predicate>
  [[nodiscard]] static bool all(const std::vector<std::string>& names, Predicate predicate) {
    return std::all_of(names.begin(), names.end(), predicate);
  }
  [[nodiscard]] bool runs(const std::string& chamber) {
    return boost::json::parse(bench.simulator.ask("truth")).at("chambers").at(chamber).at("running").as_bool();
  }
  void expect_all_off() {
    for (const std::string& channel : channels) {
      EXPECT_TRUE(bench.simulator.is_off(channel)) << channel;
      EXPECT_FALSE(bench.simulator.truth(channel).contactor_closed) << channel;
    }
    for (const std::string& chamber : chambers) EXPECT_FALSE(runs(chamber)) << chamber;
  }

  LiveBench bench{"full"};
};

void expect_same(const std::vector<db::SampleRow>& a, const std::vector<db::SampleRow>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    SCOPED_TRACE(i);
    ASSERT_EQ(a[i].test_time_ns, b[i].test_time_ns);
    ASSERT_EQ(a[i].voltage_V, b[i].voltage_V);
    ASSERT_EQ(a[i].current_A, b[i].current_A);
    ASSERT_EQ(a[i].cell_temperature_degC, b[i].cell_temperature_degC);
    ASSERT_EQ(a[i].ambient_temperature_degC, b[i].ambient_temperature_degC);
    ASSERT_EQ(a[i].charge_Ah, b[i].charge_Ah);
  }
}

TEST_F(FullBench, is_accepted_for_every_channel) {
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::string cell = i == 0 ? "sulfide-20" : "lg-m50";
    const Finished checked =
        cellrig({"check", "round.yaml", "--bench", "full", "--channel", channels[i], "--cell", cell}, {.folder = bench.folder});
    EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
    EXPECT_THAT(checked.out, HasSubstr("accepted"));
  }
}

// What differs is the hour of the day: the simulator has lived a moment in real time before the controller comes.
TEST_F(FullBench, is_run_in_lockstep_and_the_samples_are_those_of_virtual_time) {
  const Finished lockstep = cellrig(run_words("lockstep.db", in_lockstep()), {.folder = bench.folder});
  ASSERT_EQ(lockstep.exit_code, 0) << lockstep.out << lockstep.err;
  expect_all_off();
  EXPECT_THAT(lockstep.err, Not(HasSubstr("apart, the limit is"))) << "both voltmeters read one cell";
  const Finished in_virtual = cellrig(run_words("virtual.db", {"--simulated"}), {.folder = bench.folder});
  ASSERT_EQ(in_virtual.exit_code, 0) << in_virtual.out << in_virtual.err;
  const std::unique_ptr<db::Reader> a = bench.record("lockstep.db"), b = bench.record("virtual.db");
  for (const std::string& channel : channels) {
    SCOPED_TRACE(channel);
    const db::RunInfo run = only_run(*a, channel), other = only_run(*b, channel);
    EXPECT_EQ(run.row.program_hash, other.row.program_hash);
    EXPECT_EQ(run.status, "completed");
    const std::vector<db::SampleRow> rows = samples_of(*a, run.run);
    EXPECT_GT(rows.size(), 1500U);
    expect_same(rows, samples_of(*b, other.run));
  }
}

TEST_F(FullBench, is_looked_at_as_a_whole_and_every_watchdog_is_seen_to_fire) {
  const Finished done = doctor({"--prove-watchdogs", "--db", "proofs.db", "--operator", "jane", "--json"});
  ASSERT_EQ(done.exit_code, 0) << done.out << done.err;
  const boost::json::value document = boost::json::parse(done.out);
  EXPECT_EQ(document.at("watchdogs").as_array().size(), channels.size());
  for (const boost::json::value& proof : document.at("watchdogs").as_array()) EXPECT_TRUE(proof.at("fired").as_bool()) << proof;
  std::set<std::string> seen;
  for (const boost::json::value& check : document.at("checks").as_array())
    seen.insert(std::string(check.at("instrument").as_string()));
  for (const std::string& instrument : instruments) EXPECT_TRUE(seen.contains(instrument)) << instrument << " was not looked at";
  expect_all_off();
}

TEST_F(FullBench, names_the_sensor_and_the_contact_that_a_run_would_miss) {
  bench.simulator.fault("drop press count=for_ever");
  bench.simulator.fault("interlock_open doors input=2");
  const Finished done = doctor({});
  EXPECT_EQ(done.exit_code, 4) << done.out;
  EXPECT_THAT(done.out, ContainsRegex("press +identity +FAILED"));
  EXPECT_THAT(done.out, ContainsRegex("doors +contacts +FAILED +.*2 is open"));
  EXPECT_THAT(done.out, ContainsRegex("sniffer +round trip +good"));
}

// What is silent too long trips: contacts after 0.2 s, sensors after 1.5 s. A machine that stands still for so long is tripped, and
// rightly; its outputs must be off then too, and it begins anew.
TEST_F(FullBench, runs_in_real_time_until_ctrl_c_which_switches_everything_off) {
  std::string database;
  std::optional<int> code;
  for (int attempt = 1; attempt <= attempts_max && code != 130; ++attempt) {
    database = "live-" + std::to_string(attempt) + ".db";
    const std::unique_ptr<Process> run = start_live(database);
    const Seconds began = bench.now();
    ASSERT_TRUE(eventually(live_time + end_limit, [&] { return bench.now() - began > live_time || run->has_ended(); }));
    if (!run->has_ended()) run->signal(SIGINT);
    code = run->wait(end_limit);
    expect_all_off();
    if (code != 130) {
      ASSERT_THAT(run->err(), ContainsRegex("nothing fresh is known of its contacts|no fresh reading")) << run->out();
    }
  }
  ASSERT_EQ(code, 130) << "the machine is too busy";
  const std::unique_ptr<db::Reader> record = bench.record(database);
  for (const std::string& channel : channels) {
    // Ten a second are meant; a busy machine may skip some, and not most of them.
    EXPECT_GT(samples_of(*record, only_run(*record, channel).run).size(), 100U) << channel;
  }
}

TEST_F(FullBench, is_switched_off_by_its_watchdogs_after_kill_9_and_by_off_what_has_none) {
  const std::unique_ptr<Process> run = start_live();
  run->signal(SIGKILL);
  ASSERT_TRUE(run->wait(end_limit).has_value());
  const bool all_off = eventually(watchdog_limit, [&] {
    return all(channels,
               [&](auto& c) { return !bench.simulator.truth(c).output_on && bench.simulator.truth(c).current_A == 0.0; });
  });
  EXPECT_TRUE(all_off) << bench.simulator.ask("truth");
  const Finished off = bench.off();
  EXPECT_EQ(off.exit_code, 0) << off.out << off.err;
  expect_all_off();
  for (const std::string& name : channels) EXPECT_THAT(off.out, HasSubstr(name));
  for (const std::string& name : chambers) EXPECT_THAT(off.out, HasSubstr(name));
}

std::string full_bench_with(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::ifstream stream{std::string(CELLRIG_SOURCE_DIR) + "/sim/benches/full.yaml"};
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  for (const auto& [what, by] : changes) {
    const std::size_t at = text.find(what);
    if (at == std::string::npos) throw std::invalid_argument("the bench has no such line: " + what);
    text.replace(at, what.size(), by);
  }
  return text;
}

// Two programs that talk at once on one RS-485 line garble each other, whatever they want there.
TEST(SharedLine, of_sensors_alone_has_one_owner) {
  LiveBench bench{
      full_bench_with({{"    contactor: {relays: board, output: 0}\n", "    contactor: {relays: adam, output: 2}\n"},
                       {"    stack_force: {logger: press, input: 0, area_cm2: 200}\n", ""},
                       {"      stack_pressure_min_MPa: 2\n      stack_pressure_max_MPa: 7\n", ""},
                       {"    ambient_temperature: {logger: adam, input: 1}\n",
                        "    ambient_temperature: {logger: adam, input: 1}\n    gas: {logger: sniffer, input: 0}\n"}})};
  const std::unique_ptr<Process> first = bench.start_charging({.channels = {"ch1"}, .more = {"--cell", "sulfide-20"}});
  const std::unique_ptr<Process> second =
      bench.start({.channels = {"ch2"}, .database = "second.db", .more = {"--cell", "lg-m50"}});
  EXPECT_EQ(second->wait(end_limit), 4) << second->out() << second->err();
  EXPECT_THAT(second->err() + second->out(), ContainsRegex("sniffer: /dev/pts/[0-9]+ is already controlled by process [0-9]+"));
  EXPECT_TRUE(bench.charges("ch1"));
  first->signal(SIGINT);
  EXPECT_EQ(first->wait(end_limit), 130);
}

// The program has the lease of the line already when it comes to the chamber: it must not refuse itself.
TEST(SharedLine, of_a_cycler_and_its_chamber_is_run_by_one_program) {
  LiveBench bench{full_bench_with({{"modbus: \"192.0.2.10:502\"", "modbus: {serial: /dev/ttyUSB0, baud: 38400}, unit: 0"},
                                   {"modbus: {serial: /dev/ttyUSB0}}", "modbus: {serial: /dev/ttyUSB0}, unit: 1}"}})};
  bench.write_charge("warm.yaml", 60, "30");
  const Finished done =
      cellrig({"run", "warm.yaml", "--bench", bench.simulator.bench_file(), "--simulator", bench.simulator.ready_file(), "--time",
               "lockstep", "--channel", "ch1", "--cell", "sulfide-20", "--db", "one.db"},
              {.folder = bench.folder});
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
}

}  // namespace
}  // namespace cellrig::test
