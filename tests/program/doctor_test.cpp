// `cellrig doctor` as a person uses it: what it finds, and that whatever it finds the outputs are off and the cells cut off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <csignal>
#include <fstream>
#include <iterator>

#include "db/reader.hpp"
#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Seconds end_limit{20};

class Doctor : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> words(std::vector<std::string> more) const {
    std::vector<std::string> all{"doctor", "--bench", simulator.bench_file(), "--simulator", simulator.ready_file()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished doctor(const std::vector<std::string>& more) { return cellrig(words(more), with_leases({})); }
  /// In simulated time: what takes a quarter of a minute is over at once.
  Finished trial(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--time", "lockstep", "--cell", "lg-m50"});
    more.insert(more.end(), proving.begin(), proving.end());
    return doctor(more);
  }
  /// A charge of five seconds, held to the rules of a real bench.
  Finished run(const std::string& channel, const std::vector<std::string>& more = {}) {
    const std::string profile =
        file_with("profile: Short\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 0.5, until: step_time_s >= 5, at_most_h: 1}\n",
                  "short.yaml", simulator.process().folder());
    std::vector<std::string> all{"run",         profile,
                                 "--bench",     simulator.bench_file(),
                                 "--simulator", simulator.ready_file(),
                                 "--time",      "lockstep",
                                 "--channel",   channel,
                                 "--db",        database};
    all.insert(all.end(), more.begin(), more.end());
    return cellrig(all, with_leases({}));
  }
  [[nodiscard]] std::vector<std::string> actions() const {
    std::vector<std::string> all;
    for (const db::AuditRow& row : db::Reader::open(database).value()->audit().value()) all.push_back(row.action);
    return all;
  }
  void expect_all_off() {
    for (const char* const channel : {"ch1", "ch2", "ch3"}) {
      EXPECT_TRUE(simulator.is_off(channel)) << channel << simulator.ask("truth");
      EXPECT_FALSE(simulator.truth(channel).contactor_closed) << channel;
    }
  }

  Simulator simulator{"three-makes"};
  std::string database = simulator.process().folder() + "/doctor.db";
  std::vector<std::string> proving{"--prove-watchdogs", "--db", database, "--operator", "jane"};
};

// The proof is worth something because current did flow, a little of it.
TEST_F(Doctor, sees_the_watchdog_of_every_make_end_a_small_current) {
  const Finished done = trial({"--json"});
  ASSERT_EQ(done.exit_code, 0) << done.out << done.err;
  const boost::json::value document = boost::json::parse(done.out);
  const boost::json::array& proofs = document.at("watchdogs").as_array();
  ASSERT_EQ(proofs.size(), 3U);
  for (const boost::json::value& proof : proofs) {
    EXPECT_TRUE(proof.at("fired").as_bool()) << proof;
    EXPECT_TRUE(proof.at("fed_by_measuring").as_bool()) << proof;
    EXPECT_FALSE(proof.at("serial").as_string().empty()) << proof;
  }
  for (const char* const channel : {"ch1", "ch2", "ch3"}) {
    const ChannelTruth truth = simulator.truth(channel);
    EXPECT_LT(truth.current_min_A, -0.04) << channel;
    EXPECT_GT(truth.current_min_A, -1.0) << channel << ": a fifth of 1C at the most";
    EXPECT_LT(truth.current_max_A, 0.01) << channel;
  }
  expect_all_off();
}

// The whole way of a new bench: refused, proven, started.
TEST_F(Doctor, what_it_proved_lets_a_run_start_that_was_refused_before) {
  const std::vector<std::string> strict{"--require-proofs"};
  const Finished before = run("ch1", strict);
  EXPECT_EQ(before.exit_code, 2) << before.out << before.err;
  EXPECT_THAT(before.err, HasSubstr("nobody has seen its watchdog fire"));
  EXPECT_THAT(before.err, HasSubstr("--prove-watchdogs --db " + database));
  EXPECT_EQ(simulator.truth("ch1").current_max_A, 0.0);
  ASSERT_EQ(trial({"--channel", "ch1"}).exit_code, 0);
  EXPECT_EQ(run("ch1", strict).exit_code, 0);
  EXPECT_EQ(db::Reader::open(database).value()->expected_curves(1).value().size(), 1U)
      << "rehearsed, and compared with that unasked";
  EXPECT_EQ(run("ch1", {"--require-proofs", "--without-rehearsal", "in a hurry"}).exit_code, 0);
  EXPECT_TRUE(db::Reader::open(database).value()->expected_curves(2).value().empty());
  EXPECT_EQ(run("ch2", strict).exit_code, 2) << "another instrument";
  EXPECT_THAT(actions(), testing::Contains("watchdog proven"));
}

TEST_F(Doctor, a_watchdog_that_did_not_fire_is_remembered_against_the_next_run) {
  ASSERT_EQ(trial({"--channel", "ch1"}).exit_code, 0);
  simulator.fault("clear_watchdog psb1");
  ASSERT_EQ(trial({"--channel", "ch1"}).exit_code, 4);
  simulator.ask("clear-faults");
  const Finished done = run("ch1", {"--require-proofs"});
  EXPECT_EQ(done.exit_code, 2) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("did not fire when it was put to the test"));
  EXPECT_THAT(actions(), testing::IsSupersetOf({"watchdog proven", "watchdog did not fire"}));
}

TEST_F(Doctor, a_run_on_a_simulator_starts_and_its_record_says_that_nothing_was_proven) {
  const Finished done = run("ch1");
  ASSERT_EQ(done.exit_code, 0) << done.out << done.err;
  bool is_said = false;
  for (const db::EventRow& event : db::Reader::open(database).value()->events(1).value())
    is_said = is_said || event.kind == "watchdog not proven";
  EXPECT_TRUE(is_said);
}

TEST_F(Doctor, refuses_words_that_leave_nothing_to_rely_on) {
  const auto complaint = [this](const std::vector<std::string>& more) {
    const Finished done = doctor(more);
    EXPECT_EQ(done.exit_code, 2) << done.out;
    return done.err;
  };
  EXPECT_THAT(complaint({"--cell", "lg-m50", "--prove-watchdogs"}),
              HasSubstr("--prove-watchdogs needs --db FILE --operator NAME"));
  EXPECT_THAT(complaint({"--cell", "lg-m50", "--prove-watchdogs", "--db", database}), HasSubstr("--db needs --operator NAME"));
  EXPECT_THAT(complaint({"--db", database, "--operator", "jane"}), HasSubstr("give one of them"));
  EXPECT_THAT(complaint({"--operator", "jane"}), HasSubstr("--operator belongs to --db"));
}

// In real time the clock tells whether a calibration holds.
TEST(CalibratedBench, with_an_expired_calibration_starts_only_for_a_reason) {
  const std::string bench =
      "bench: calibrated\ninstruments:\n"
      "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
      "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\", calibrated_on: 2020-01-15REASON}\n"
      "channels:\n  ch1:\n    cycler: psb1\n    cell_temperature: {logger: adam, input: 0}\n"
      "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n";
  const auto run_with = [&bench](const std::string& reason) {
    std::string text = bench;
    Simulator simulator{text.replace(text.find("REASON"), 6, reason)};
    const std::string folder = simulator.process().folder();
    const std::string profile =
        file_with("profile: Short\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 0.3, until: step_time_s >= 1, at_most_h: 1}\n",
                  "p.yaml", folder);
    Finished done = cellrig({"run", profile, "--bench", simulator.bench_file(), "--simulator", simulator.ready_file(), "--db",
                             folder + "/a.db", "--quiet"},
                            with_leases({}));
    if (reason.empty()) {
      EXPECT_EQ(simulator.truth("ch1").current_max_A, 0.0);
    }
    return done;
  };
  const Finished refused = run_with("");
  EXPECT_EQ(refused.exit_code, 2) << refused.out << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("adam was calibrated on 2020-01-15, for 365 days"));
  EXPECT_EQ(run_with(", accept_expired_calibration: on its way").exit_code, 0);
}

// A proof that cannot be kept is none: no current flows for it.
TEST_F(Doctor, proves_nothing_into_a_record_that_cannot_be_kept) {
  const Finished done = doctor(
      {"--time", "lockstep", "--cell", "lg-m50", "--prove-watchdogs", "--db", "/no/such/folder/a.db", "--operator", "jane"});
  EXPECT_EQ(done.exit_code, 5) << done.out << done.err;
  EXPECT_EQ(simulator.truth("ch1").current_min_A, 0.0);
  expect_all_off();
}

TEST_F(Doctor, leaves_instruments_that_the_next_run_can_use) {
  ASSERT_EQ(trial().exit_code, 0);
  const std::string profile =
      file_with("profile: Short\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 0.5, until: step_time_s >= 5, at_most_h: 1}\n",
                "short.yaml", simulator.process().folder());
  const Finished run =
      cellrig({"run", profile, "--bench", simulator.bench_file(), "--simulator", simulator.ready_file(), "--time", "lockstep",
               "--channel", "ch1", "--channel", "ch2", "--channel", "ch3", "--db", simulator.process().folder() + "/after.db"},
              with_leases({}));
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
}

TEST_F(Doctor, says_which_watchdog_did_not_fire_and_switches_that_output_off) {
  for (const char* const instrument : {"psb1", "aps1", "itech1"}) {
    simulator.fault(std::string("clear_watchdog ") + instrument);
    const Finished done = trial();
    EXPECT_EQ(done.exit_code, 4) << done.out;
    EXPECT_THAT(done.out, HasSubstr("DID NOT FIRE")) << instrument;
    expect_all_off();
    simulator.ask("clear-faults");
  }
}

// A controller was killed, and the watchdog ended the charge: a latched trip, which a person clears by name.
TEST_F(Doctor, clears_a_latched_trip_only_when_it_is_told_to) {
  const std::string profile =
      file_with("profile: Long\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 0.5, until: step_time_s >= 600, at_most_h: 1}\n",
                "long.yaml", simulator.process().folder());
  Process run{cellrig_command({"run", profile, "--bench", simulator.bench_file(), "--simulator", simulator.ready_file(), "--cell",
                               "lg-m50", "--channel", "ch2", "--db", simulator.process().folder() + "/killed.db"}),
              with_leases({})};
  ASSERT_TRUE(eventually(end_limit, [&] { return simulator.truth("ch2").current_A > 1.0; })) << run.err();
  run.signal(SIGKILL);
  ASSERT_TRUE(eventually(end_limit, [&] { return !simulator.truth("ch2").output_on; }));
  const Finished before = doctor({"--channel", "ch2", "--cell", "lg-m50"});
  EXPECT_EQ(before.exit_code, 4) << before.out;
  EXPECT_THAT(before.out, HasSubstr("acknowledge"));
  const Finished cleared =
      doctor({"--channel", "ch2", "--cell", "lg-m50", "--acknowledge", "--db", database, "--operator", "jane"});
  EXPECT_EQ(cleared.exit_code, 0) << cleared.out << cleared.err;
  EXPECT_THAT(actions(), testing::ElementsAre("trip acknowledged at the instrument"));
  EXPECT_EQ(doctor({"--channel", "ch2", "--cell", "lg-m50"}).exit_code, 0);
}

TEST_F(Doctor, clears_nothing_without_a_name_and_a_record) {
  const Finished nameless = doctor({"--channel", "ch2", "--acknowledge", "--db", database, "--operator", " "});
  EXPECT_EQ(nameless.exit_code, 2);
  EXPECT_THAT(nameless.err, HasSubstr("--operator NAME"));
  const Finished unkept = doctor({"--channel", "ch2", "--acknowledge", "--operator", "jane"});
  EXPECT_EQ(unkept.exit_code, 2);
  EXPECT_THAT(unkept.err, HasSubstr("--db FILE"));
}

// I2: a trial lets current flow through the cell.
TEST_F(Doctor, puts_no_watchdog_to_the_test_on_a_channel_whose_trip_nobody_has_acknowledged) {
  const std::string profile =
      file_with("profile: Long\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 0.5, until: step_time_s >= 600, at_most_h: 1}\n",
                "long.yaml", simulator.process().folder());
  Process run{cellrig_command({"run", profile, "--bench", simulator.bench_file(), "--simulator", simulator.ready_file(), "--cell",
                               "lg-m50", "--channel", "ch1", "--db", database}),
              with_leases({})};
  ASSERT_TRUE(eventually(end_limit, [&] { return simulator.truth("ch1").current_A > 1.0; })) << run.err();
  simulator.fault("voltage_offset psb1 offset_V=2");
  EXPECT_EQ(run.wait(end_limit), 3) << run.err();
  simulator.ask("clear-faults");
  const auto prove = [&] {
    return doctor({"--channel", "ch1", "--cell", "lg-m50", "--prove-watchdogs", "--db", database, "--operator", "jane"});
  };
  const Finished refused = prove();
  EXPECT_EQ(refused.exit_code, 2) << refused.out << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("nobody has acknowledged it"));
  EXPECT_TRUE(simulator.is_off("ch1"));
  EXPECT_EQ(
      cellrig({"db", "acknowledge", "--db", database, "--run", "1", "--operator", "jane", "--reason", "cell is cold"}).exit_code,
      0);
  const Finished proven = prove();
  EXPECT_EQ(proven.exit_code, 0) << proven.out << proven.err;
}

TEST_F(Doctor, lets_no_current_flow_unless_it_is_asked_to) {
  const Finished done = doctor({"--time", "lockstep", "--cell", "lg-m50"});
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr("programmed and read back"));
  EXPECT_THAT(done.out, HasSubstr("--prove-watchdogs"));
  EXPECT_EQ(simulator.truth("ch1").current_min_A, 0.0);
  expect_all_off();
}

// As a run would program them: what the fixture bears is less than what the cell bears.
TEST_F(Doctor, programs_no_protection_beyond_what_the_bench_file_allows) {
  std::ifstream file{simulator.bench_file()};
  std::string bench{std::istreambuf_iterator<char>{file}, {}};
  const std::string cycler = "cycler: psb1\n";
  ASSERT_NE(bench.find(cycler), std::string::npos) << bench;
  bench.insert(bench.find(cycler) + cycler.size(), "    limits: {voltage_max_V: 4.0, discharge_current_max_A: 2}\n");
  const std::string tight = file_with(bench, "tight.yaml", simulator.process().folder());
  const auto protections = [this](const std::string& bench_file) {
    return cellrig({"doctor", "--bench", bench_file, "--simulator", simulator.ready_file(), "--time", "lockstep", "--cell",
                    "lg-m50", "--channel", "ch1"},
                   with_leases({}))
        .out;
  };
  const std::string wide = protections(simulator.bench_file()), narrow = protections(tight);
  EXPECT_THAT(wide, testing::ContainsRegex("read back: [0-9.]+ to 4\\.[2-9]")) << wide;
  EXPECT_THAT(narrow, testing::ContainsRegex("read back: [0-9.]+ to 4\\.0[0-9]+ V, \\+[0-9.]+ A, -2\\.[0-9]+ A")) << narrow;
}

TEST_F(Doctor, refuses_to_discharge_a_cell_it_knows_nothing_about) {
  const Finished done = doctor(proving);
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("--cell"));
  EXPECT_EQ(simulator.truth("ch1").current_min_A, 0.0);
}

TEST_F(Doctor, refuses_a_reversed_cell_before_the_first_ampere) {
  simulator.fault("reversed_cell ch2");
  const Finished done = trial();
  EXPECT_EQ(done.exit_code, 4);
  EXPECT_THAT(done.out, HasSubstr("reversed polarity"));
  EXPECT_EQ(simulator.truth("ch2").current_min_A, 0.0);
  expect_all_off();
}

TEST_F(Doctor, names_another_instrument_behind_an_address_and_one_that_is_not_there) {
  simulator.fault("identity itech1 text=\"ACME,Toaster,1,1\"");
  simulator.fault("refuse daq for_s=1000000");
  const Finished done = doctor({"--time", "lockstep"});
  EXPECT_EQ(done.exit_code, 4);
  EXPECT_THAT(done.out, HasSubstr("itech1"));
  EXPECT_THAT(done.out, HasSubstr("link lost"));
}

// It confirms OFF while it is off anyway; only with current flowing it shows. The contactor ends that.
TEST_F(Doctor, finds_an_output_that_ignores_off_while_current_flows) {
  simulator.fault("ignore_off aps1");
  const Finished done = trial();
  EXPECT_EQ(done.exit_code, 4) << done.out;
  expect_all_off();
}

TEST_F(Doctor, switches_off_at_once_on_ctrl_c) {
  Process process{cellrig_command(words({"--cell", "lg-m50", "--prove-watchdogs", "--db", database, "--operator", "jane"})),
                  with_leases({})};
  ASSERT_TRUE(eventually(end_limit, [&] { return simulator.truth("ch1").current_A < -0.05; })) << process.err();
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(end_limit), 130) << process.out() << process.err();
  expect_all_off();
  EXPECT_THAT(process.out(), Not(HasSubstr("fired")));
}

TEST_F(Doctor, leaves_the_output_of_another_process_alone) {
  Process first{cellrig_command(
                    words({"--channel", "ch1", "--cell", "lg-m50", "--prove-watchdogs", "--db", database, "--operator", "jane"})),
                with_leases({})};
  ASSERT_TRUE(eventually(end_limit, [&] { return simulator.truth("ch1").current_A < -0.05; })) << first.err();
  const Finished second = doctor({"--channel", "ch1"});
  EXPECT_THAT(second.out, HasSubstr("left alone"));
  EXPECT_THAT(second.out, Not(HasSubstr("identity"))) << "nor anything else that is looked at there";
  EXPECT_LT(simulator.truth("ch1").current_A, -0.05) << "it did not touch it";
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(end_limit), 143);
}

// Two channels, two cyclers, and one RS-485 line with the contactors and temperatures of both.
TEST(DoctorOnSerialLines, leaves_a_channel_alone_whose_contactor_is_on_a_line_of_another_process) {
  Simulator simulator{"serial-lines"};
  const std::vector<std::string> words{"doctor", "--bench", simulator.bench_file(), "--simulator", simulator.ready_file()};
  const auto with = [&words](const std::vector<std::string>& more) {
    std::vector<std::string> all = words;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  Process first{cellrig_command(with({"--channel", "ch1", "--cell", "lg-m50", "--prove-watchdogs", "--db",
                                      simulator.process().folder() + "/doctor.db", "--operator", "jane"})),
                with_leases({})};
  ASSERT_TRUE(eventually(end_limit, [&] { return simulator.truth("ch1").current_A < -0.05; })) << first.err();
  const Finished second = cellrig(with({"--channel", "ch2"}), with_leases({}));
  EXPECT_THAT(second.out, HasSubstr("left alone")) << second.err;
  EXPECT_THAT(second.out, Not(HasSubstr("identity")));
  EXPECT_THAT(second.out, Not(HasSubstr("confirmed by the instrument")));
  EXPECT_LT(simulator.truth("ch1").current_A, -0.05);
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(end_limit), 143) << first.out() << first.err();
}

// A run keeps such a line busy with its other units, and an EA may take that for a sign of life: so must the proof.
TEST(DoctorOnSharedLine, keeps_asking_the_other_units_while_it_keeps_silent_to_the_cycler) {
  Simulator simulator{
      "bench: b\ninstruments:\n"
      "  psb1: {model: ea-psb-10060-60, modbus: {rtu_over_tcp: \"192.0.2.13:4001\"}, unit: 3, scpi: \"192.0.2.10:5025\"}\n"
      "  psb2: {model: ea-psb-10060-60, modbus: {rtu_over_tcp: \"192.0.2.13:4001\"}, unit: 4, scpi: \"192.0.2.11:5025\"}\n"
      "  f4t: {model: watlow-f4t, modbus: {rtu_over_tcp: \"192.0.2.13:4001\"}, unit: 1}\n"
      "  adam: {model: adam-6018, modbus: {rtu_over_tcp: \"192.0.2.13:4001\"}, unit: 2}\n"
      "chambers:\n  oven: {instrument: f4t}\n"
      "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}, chamber: oven}\n"
      "  ch2: {cycler: psb2, cell_temperature: {logger: adam, input: 1}}\n"
      "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n    ch2: {file: lg-m50, soc_pct: 50}\n"};
  Process process{cellrig_command({"doctor", "--bench", simulator.bench_file(), "--simulator", simulator.ready_file(),
                                   "--channel", "ch1", "--cell", "lg-m50", "--prove-watchdogs", "--db",
                                   simulator.process().folder() + "/doctor.db", "--operator", "jane"}),
                  with_leases({})};
  ASSERT_TRUE(eventually(end_limit, [&] { return process.err().find("silent now") != std::string::npos; })) << process.err();
  // One lost answer each: who is asked has lost it when the silence is half over.
  for (const char* const unit : {"f4t", "psb2", "adam"}) simulator.fault("drop " + std::string(unit) + ".modbus count=1");
  EXPECT_TRUE(eventually(Seconds{3}, [&] { return simulator.ask("faults").find("in force") == std::string::npos; }))
      << simulator.ask("faults");
  EXPECT_EQ(process.wait(end_limit), 0) << process.out() << process.err();
  EXPECT_THAT(process.out(), HasSubstr("fired: output on while measured"));
}

/// Contacts, load cell, gas sensor and second voltmeter beside the cycler.
class DoctorBesidePress : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> words(const std::string& time) const {
    return {"doctor",
            "--bench",
            simulator.bench_file(),
            "--simulator",
            simulator.ready_file(),
            "--time",
            time,
            "--cell",
            "sulfide-20",
            "--prove-watchdogs",
            "--db",
            database,
            "--operator",
            "jane"};
  }
  Finished trial() { return cellrig(words("lockstep"), with_leases({})); }
  void expect_off() {
    EXPECT_TRUE(simulator.is_off("ch1")) << simulator.ask("truth");
    EXPECT_FALSE(simulator.truth("ch1").contactor_closed);
  }
  /// In real time; and when its current has been seen to come back after OFF by command, all that follows is silence.
  void meet_in_silence(const std::string& fault, const std::string& complaint) {
    Process process{cellrig_command(words("real")), with_leases({})};
    ASSERT_TRUE(eventually(end_limit, [&] { return process.err().find("silent now") != std::string::npos; })) << process.err();
    ASSERT_LT(simulator.truth("ch1").current_A, -0.05);
    simulator.fault(fault);
    // Well within the five seconds after which the watchdog would have done it.
    EXPECT_TRUE(eventually(Seconds{3.5}, [&] { return simulator.is_off("ch1"); })) << process.err();
    EXPECT_EQ(process.wait(end_limit), 4) << process.out() << process.err();
    EXPECT_THAT(process.out(), HasSubstr(complaint));
    EXPECT_THAT(process.out(), Not(HasSubstr("fired:")));
    expect_off();
  }

  Simulator simulator{"pressed"};
  std::string database = simulator.process().folder() + "/doctor.db";
};

TEST_F(DoctorBesidePress, proves_a_watchdog_where_contacts_are_closed_and_limits_are_met) {
  const Finished done = trial();
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_LT(simulator.truth("ch1").current_min_A, -0.05);
  expect_off();
}

TEST_F(DoctorBesidePress, lets_no_current_flow_past_an_open_contact_gas_or_a_hot_cell) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"interlock_open doors", "interlock open: contact 0 of doors is open"},
      {"refuse doors for_s=1000000", "counts as open"},
      {"venting ch1 gas_ppm=2000", "gas_ppm is"},
      {"refuse sniffer for_s=1000000", "a limit cannot be looked at: sniffer"},
      {"thermocouple_stuck ch1 temperature_degC=95", "the cell is at 95"},
      {"thermocouple_open ch1", "gives no number"},
  };
  for (const auto& [fault, complaint] : cases) {
    simulator.fault(fault);
    const Finished done = trial();
    EXPECT_EQ(done.exit_code, 4) << fault << done.out << done.err;
    EXPECT_THAT(done.out, HasSubstr(complaint)) << fault;
    EXPECT_EQ(simulator.truth("ch1").current_min_A, 0.0) << fault;
    expect_off();
    simulator.ask("clear-faults");
  }
}

TEST_F(DoctorBesidePress, a_contact_that_opens_ends_the_silence_by_off) {
  meet_in_silence("interlock_open doors", "interlock open: contact 0 of doors is open");
}

TEST_F(DoctorBesidePress, contacts_that_fall_silent_end_the_silence_by_off) {
  meet_in_silence("half_open doors for_s=2", "counts as open");
}

// Its tasks are gone, and the watchdog alone would need seconds, and leave the contactor closed.
TEST_F(DoctorBesidePress, switches_off_after_a_failure_of_its_own) {
  const std::string now = simulator.process().folder() + "/fail-now";
  std::vector<std::string> command = words("real");
  command.insert(command.begin(), CELLRIG_FAILING_PROGRAM);
  Process process{command, with_leases({.environment = {{"CELLRIG_TEST_FAIL_WHEN", now}}})};
  ASSERT_TRUE(eventually(end_limit, [&] { return simulator.truth("ch1").current_A < -0.05; })) << process.err();
  (void)file_with("", "fail-now", simulator.process().folder());
  EXPECT_EQ(process.wait(end_limit), 4) << process.out() << process.err();
  EXPECT_THAT(process.err(), HasSubstr("a failure of our own"));
  expect_off();
}

TEST_F(DoctorBesidePress, switches_off_before_it_reads_the_cells_file) {
  simulator.fault("output_on ch1 current_A=1 voltage_V=4");
  ASSERT_FALSE(simulator.is_off("ch1") && !simulator.truth("ch1").output_on) << simulator.ask("truth");
  const Finished done = cellrig({"doctor", "--bench", simulator.bench_file(), "--simulator", simulator.ready_file(), "--time",
                                 "lockstep", "--cell", "no-such-cell"},
                                with_leases({}));
  EXPECT_EQ(done.exit_code, 2) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("no-such-cell"));
  EXPECT_FALSE(simulator.truth("ch1").output_on);
  expect_off();
}

TEST_F(DoctorBesidePress, a_hot_cell_ends_the_silence_by_off) {
  meet_in_silence("thermocouple_stuck ch1 temperature_degC=95", "the cell is at 95");
}

}  // namespace
}  // namespace cellrig::test
