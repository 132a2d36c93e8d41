// Exhaust, fan and siren across processes: what one switched on stays on when it ends or is killed, through `off`, `doctor` and every
// start, until a person by name has acknowledged why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <csignal>

#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr Seconds end_limit{30};
constexpr Seconds trip_limit{5};

const std::string bench_text =
    "bench: alarms\ninstruments:\n"
    "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
    "  aps1: {model: keysight-n6974a, scpi: \"192.0.2.11:5025\"}\n"
    "  f4t: {model: watlow-f4t, modbus: \"192.0.2.12:502\"}\n"
    "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
    "  vents: {model: adam-6060, modbus: \"192.0.2.18:502\"}\n"
    "siren: {relays: vents, output: 5}\n"
    "chambers:\n"
    "  oven: {instrument: f4t, exhaust: {relays: vents, output: 2}, fan: {relays: vents, output: 3}}\n"
    "channels:\n"
    "  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}, contactor: {relays: adam, output: 0}, chamber: oven}\n"
    "  ch2: {cycler: aps1, cell_temperature: {logger: adam, input: 2}}\n"
    "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n    ch2: {file: lg-m50, soc_pct: 40}\n";

class AlarmOutputs : public testing::Test {
 protected:
  AlarmOutputs() { bench.write_charge("short.yaml", 2); }

  [[nodiscard]] boost::json::value output(const std::string& name) {
    return boost::json::parse(bench.simulator.ask("truth")).at("outputs").at(name);
  }
  [[nodiscard]] bool is_on(const std::string& name) { return output(name).at("on").as_bool(); }
  [[nodiscard]] bool all_on() { return is_on("exhaust oven") && is_on("fan oven") && is_on("siren"); }
  [[nodiscard]] std::int64_t times_off(const std::string& name) { return output(name).at("times_off").to_number<std::int64_t>(); }
  void expect_never_off() {
    for (const char* const name : {"exhaust oven", "fan oven", "siren"}) {
      EXPECT_TRUE(is_on(name)) << name;
      EXPECT_EQ(times_off(name), 0) << name;
    }
  }
  /// A start of ch1 that is refused before anything flows.
  void expect_start_refused() {
    const std::unique_ptr<Process> again = bench.start({.profile = "short.yaml"});
    EXPECT_EQ(again->wait(end_limit), 2) << again->err();
    EXPECT_THAT(again->err(), HasSubstr("nobody has acknowledged it"));
  }
  Finished doctor(std::vector<std::string> more) {
    std::vector<std::string> words{"doctor", "--bench", bench.simulator.bench_file(), "--simulator",
                                   bench.simulator.ready_file()};
    words.insert(words.end(), more.begin(), more.end());
    return cellrig(words, with_leases({.folder = bench.folder}));
  }
  void acknowledge(db::RunKey run) {
    const Finished done = cellrig({"db", "acknowledge", "--db", bench.folder + "/first.db", "--run", std::to_string(run),
                                   "--operator", "jane", "--reason", "the cell was taken away"});
    ASSERT_EQ(done.exit_code, 0) << done.err;
  }
  [[nodiscard]] std::vector<std::string> actions() const {
    std::vector<std::string> all;
    for (const db::AuditRow& row : bench.record()->audit().value()) all.push_back(row.action);
    return all;
  }

  LiveBench bench{bench_text};
};

TEST_F(AlarmOutputs, stay_on_after_a_kill_9_and_through_every_verb_until_somebody_acknowledges) {
  const std::unique_ptr<Process> first = bench.start_charging({.channels = {"ch1", "ch2"}});
  bench.simulator.fault("thermocouple_stuck ch1 temperature_degC=90");
  ASSERT_TRUE(eventually(trip_limit, [this] { return all_on(); })) << bench.simulator.ask("truth");
  const auto is_stored = [this] {
    return testing::Value(actions(),
                          testing::IsSupersetOf({"trip", "switched on: output 2 of vents", "switched on: output 5 of vents"}));
  };
  ASSERT_TRUE(eventually(trip_limit, is_stored));  // what is not yet stored when it is killed is nobody's
  ASSERT_FALSE(first->has_ended()) << "ch2 is charged, and the process lives";
  first->signal(SIGKILL);
  EXPECT_EQ(first->wait(end_limit), 128 + SIGKILL);
  expect_never_off();
  bench.simulator.ask("clear-faults");

  expect_start_refused();
  expect_never_off();
  EXPECT_EQ(bench.off().exit_code, 0);
  expect_never_off();
  const Finished seen = doctor({"--channel", "ch1"});
  EXPECT_THAT(seen.out, HasSubstr("exhaust of chamber 'oven': output 2 is on, read back"));
  expect_never_off();

  // A start of somebody else's channel on the same bench leaves the siren on, too.
  const std::unique_ptr<Process> other = bench.start({.channels = {"ch2"}, .profile = "short.yaml"});
  EXPECT_EQ(other->wait(end_limit), 0) << other->err();
  EXPECT_THAT(other->err(), HasSubstr("siren (output 5 of vents) stays on"));
  const std::unique_ptr<Process> stranger = bench.start({.channels = {"ch2"}, .profile = "short.yaml", .database = "other.db"});
  EXPECT_EQ(stranger->wait(end_limit), 0) << stranger->err();
  EXPECT_THAT(stranger->err(), HasSubstr("this record does not say why"));
  expect_never_off();

  acknowledge(only_run(*bench.record(), "ch1").run);
  expect_never_off();
  const std::unique_ptr<Process> next = bench.start({.profile = "short.yaml"});
  EXPECT_EQ(next->wait(end_limit), 0) << next->err();
  for (const char* const name : {"exhaust oven", "fan oven", "siren"}) EXPECT_FALSE(is_on(name)) << name;
  EXPECT_THAT(actions(), testing::IsSupersetOf({"switched off: output 2 of vents", "switched off: output 5 of vents"}));
}

TEST_F(AlarmOutputs, who_acknowledges_at_the_bench_silences_the_siren_at_once_and_the_exhaust_at_the_next_start) {
  bench.simulator.fault("thermocouple_stuck ch1 temperature_degC=90 at_s=" + std::to_string(bench.now().count() + 8));
  const std::unique_ptr<Process> first = bench.start({});
  EXPECT_EQ(first->wait(end_limit), 3) << first->err();
  EXPECT_TRUE(all_on()) << "the program has ended";
  bench.simulator.ask("clear-faults");
  const Finished unnamed = doctor({"--channel", "ch2"});
  EXPECT_THAT(unnamed.out, HasSubstr("siren: output 5 is on, read back"));
  EXPECT_EQ(unnamed.out.find("exhaust"), std::string::npos) << "ch2 stands in the room";
  expect_never_off();
  const Finished done = doctor({"--channel", "ch1", "--acknowledge", "--db", bench.folder + "/first.db", "--operator", "jane"});
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_FALSE(is_on("siren"));
  EXPECT_TRUE(is_on("exhaust oven") && is_on("fan oven"));
  EXPECT_THAT(actions(), testing::IsSupersetOf({"acknowledged: output 5 of vents", "acknowledged: output 2 of vents"}));
  expect_start_refused();
  EXPECT_TRUE(is_on("exhaust oven")) << "the trip of the run is another matter, and somebody has to say so";
  acknowledge(only_run(*bench.record(), "ch1").run);
  const std::unique_ptr<Process> next = bench.start({.profile = "short.yaml"});
  EXPECT_EQ(next->wait(end_limit), 0) << next->err();
  EXPECT_FALSE(is_on("exhaust oven") || is_on("fan oven") || is_on("siren"));
}

}  // namespace
}  // namespace cellrig::test
