// The rules of a start, on a whole bench: refused before the first ampere, or started with a record that says what was missing.
#include "controller/base/resources.hpp"
#include "profiles/yaml_reader.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string short_charge =
    "profile: P\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 1, until: step_time_s >= 5, at_most_h: 1}\n";

/// The bench "single" with one more key.
std::string single_with(const std::string& where, const std::string& more) {
  std::string text = read_text_file(find_bench("single"));
  const std::size_t at = text.find(where);
  EXPECT_NE(at, std::string::npos) << where;
  return text.insert(at + where.size(), more);
}
std::string with_accepted_watchdog() {
  return single_with("cycler: psb1", "\n    accept_unproven_watchdog: \"first day in the lab\"");
}

db::ProofRow proof_of(const InstrumentIdentity& identity) {
  db::ProofRow row{.bench = "single", .instrument = "psb1"};
  row.model = identity.model;
  row.serial = identity.serial;
  row.firmware = identity.firmware;
  row.delay = 5s;
  row.fed_by_measuring = true;
  row.fired = true;
  return row;
}

/// As a real bench asks for it; what the database knows is given.
HarnessOptions requiring(std::vector<db::ProofRow> (*known)(const InstrumentIdentity&), const std::string& bench = "single") {
  HarnessOptions options{.bench = bench, .profiles = {{"ch1", short_charge}}, .control_period = control_period};
  options.start_rules = [known](BenchRunOptions& run) {
    run.proof_rule = ProofRule::require;
    run.is_simulated = false;
    run.how_to_prove = "cellrig doctor --prove-watchdogs";
    run.proofs = [known](const InstrumentIdentity& identity) { return Result<std::vector<db::ProofRow>>{known(identity)}; };
  };
  return options;
}
std::vector<db::ProofRow> nothing(const InstrumentIdentity&) { return {}; }
std::vector<db::ProofRow> seen_to_fire(const InstrumentIdentity& identity) { return {proof_of(identity)}; }

void expect_refused(BenchHarness& bench, const std::string& why) {
  EXPECT_THAT(bench.result("ch1").reason, HasSubstr(why));
  EXPECT_EQ(bench.truth("ch1").current_max_A, 0.0);
  EXPECT_EQ(bench.truth("ch1").current_min_A, 0.0);
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_TRUE(bench.record().runs().value().empty());
  const std::vector<db::EventRow> events = bench.record().events(0).value();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events.front().kind, "start refused");
  EXPECT_THAT(events.front().message, HasSubstr(why));
}

std::vector<std::string> kinds_of(BenchHarness& bench) {
  std::vector<std::string> kinds;
  for (const db::EventRow& event : events_of(bench, "ch1")) kinds.push_back(event.kind);
  return kinds;
}
std::vector<db::AuditRow> accepted_in(BenchHarness& bench) {
  std::vector<db::AuditRow> rows = bench.record().audit().value();
  std::erase_if(rows, [](const db::AuditRow& row) { return !row.action.starts_with("accepted: "); });
  return rows;
}

TEST(StartRules, a_watchdog_that_nobody_saw_fire_stops_a_start_before_the_first_ampere) {
  BenchHarness bench(requiring(nothing));
  bench.run();
  EXPECT_TRUE(bench.result("ch1").refused_by_rule) << "nothing failed: it is bad input";
  expect_refused(bench, "nobody has seen its watchdog fire with watchdog_s: 5; run: cellrig doctor --prove-watchdogs");
}

TEST(StartRules, a_watchdog_that_was_seen_to_fire_lets_it_start_without_a_word) {
  BenchHarness bench(requiring(seen_to_fire));
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::completed)) << bench.result("ch1").reason;
  EXPECT_FALSE(bench.result("ch1").refused_by_rule);
  EXPECT_THAT(kinds_of(bench), testing::Not(testing::Contains(HasSubstr("watchdog"))));
  EXPECT_TRUE(accepted_in(bench).empty());
}

TEST(StartRules, an_accepted_reason_stands_among_the_events_and_in_the_audit_trail) {
  BenchHarness bench(requiring(nothing, with_accepted_watchdog()));
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::completed)) << bench.result("ch1").reason;
  EXPECT_TRUE(bench.said("accepted: first day in the lab")) << "the person at the bench should read it, too";
  const std::vector<db::EventRow> events = events_of(bench, "ch1");
  const auto found =
      std::find_if(events.begin(), events.end(), [](const db::EventRow& e) { return e.kind == "watchdog not proven"; });
  ASSERT_NE(found, events.end());
  EXPECT_EQ(found->severity, db::Severity::warning);
  EXPECT_THAT(found->message, HasSubstr("accepted: first day in the lab"));
  const std::vector<db::AuditRow> audit = accepted_in(bench);
  ASSERT_EQ(audit.size(), 1u);
  EXPECT_EQ(audit.front().run, run_of(bench, "ch1").run);
  EXPECT_EQ(audit.front().action, "accepted: watchdog not proven");
  EXPECT_THAT(audit.front().reason, HasSubstr("first day in the lab"));
}

// Who goes on relies on the watchdog just as who begins.
TEST(StartRules, hold_for_a_run_that_goes_on_and_are_told_again) {
  HarnessOptions options = requiring(nothing, with_accepted_watchdog());
  BenchHarness bench(options);
  ASSERT_TRUE(bench.run_until_killed({.samples = 3}));
  bench.resume(60s, InterruptionRule::resume);
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::completed)) << bench.result("ch1").reason;
  const std::vector<std::string> kinds = kinds_of(bench);
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "watchdog not proven"), 2);
  EXPECT_EQ(accepted_in(bench).size(), 2u);
}

TEST(StartRules, a_simulator_starts_and_its_record_says_what_was_not_proven) {
  HarnessOptions options = requiring(nothing);
  options.start_rules = [](BenchRunOptions& run) {
    run.proof_rule = ProofRule::remark;
    run.proofs = [](const InstrumentIdentity&) { return Result<std::vector<db::ProofRow>>{std::vector<db::ProofRow>{}}; };
  };
  BenchHarness bench(options);
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::completed));
  EXPECT_THAT(kinds_of(bench), testing::Contains("watchdog not proven"));
  EXPECT_TRUE(accepted_in(bench).empty()) << "nobody accepted anything";
}

// What cannot be asked is not known.
TEST(StartRules, a_record_that_cannot_be_read_proves_nothing) {
  HarnessOptions options = requiring(nothing);
  options.start_rules = [](BenchRunOptions& run) {
    run.proof_rule = ProofRule::require;
    run.proofs = [](const InstrumentIdentity&) {
      return Result<std::vector<db::ProofRow>>{fail(Fault::device_fault, "disk I/O error")};
    };
  };
  BenchHarness bench(options);
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::record_failure));
  expect_refused(bench, "disk I/O error");
}

// Virtual time begins in the year 2000.
TEST(StartRules, an_expired_calibration_of_any_instrument_stops_a_start) {
  for (const std::string& where : {std::string{"scpi: \"192.0.2.10:5025\""}, std::string{"modbus: \"192.0.2.13:502\""}}) {
    HarnessOptions options = requiring(seen_to_fire, single_with(where, ", calibrated_on: 1998-12-30"));
    options.start_rules = [](BenchRunOptions& run) { run.judge_calibration = true; };
    BenchHarness bench(options);
    bench.run();
    EXPECT_TRUE(bench.result("ch1").refused_by_rule);
    expect_refused(bench, "the calibration expired on 1999-12-30");
  }
}

TEST(StartRules, a_calibration_that_nobody_knows_of_stands_in_the_record) {
  HarnessOptions options = requiring(seen_to_fire);
  options.start_rules = [](BenchRunOptions& run) { run.judge_calibration = true; };
  BenchHarness bench(options);
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::completed)) << bench.result("ch1").reason;
  EXPECT_THAT(kinds_of(bench), testing::Contains("calibration not known"));
}

TEST(StartRules, an_expired_calibration_is_accepted_for_a_reason_that_the_record_keeps) {
  HarnessOptions options = requiring(
      seen_to_fire,
      single_with("modbus: \"192.0.2.13:502\"", ", calibrated_on: 1998-12-30, accept_expired_calibration: \"on its way\""));
  options.start_rules = [](BenchRunOptions& run) { run.judge_calibration = true; };
  BenchHarness bench(options);
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::completed)) << bench.result("ch1").reason;
  EXPECT_THAT(kinds_of(bench), testing::Contains("calibration expired"));
  ASSERT_EQ(accepted_in(bench).size(), 1u);
  EXPECT_THAT(accepted_in(bench).front().reason, HasSubstr("adam was calibrated on 1998-12-30"));
}

TEST(StartRules, another_firmware_is_told_to_the_person_and_to_the_record) {
  HarnessOptions options = requiring(seen_to_fire);
  options.start_rules = [](BenchRunOptions& run) {
    run.firmware_seen = [](const std::string& model) { return std::vector<std::string>{"of a " + model}; };
  };
  BenchHarness bench(options);
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::completed)) << bench.result("ch1").reason;
  EXPECT_TRUE(bench.said("its model file was tried with of a ea-psb-10060-60"));
  EXPECT_THAT(kinds_of(bench), testing::Contains("firmware"));
  EXPECT_TRUE(accepted_in(bench).empty());
}

// The cell of this bench is half full.
TEST(StartRules, a_cell_of_another_charge_than_expected_is_refused) {
  HarnessOptions options{.bench = "single", .profiles = {{"ch1", short_charge}}, .control_period = control_period};
  options.expected_soc = "80..100";
  BenchHarness other(options);
  other.run();
  EXPECT_EQ(to_string(other.result("ch1").outcome), to_string(Outcome::instrument_failure));
  expect_refused(other, "expected 80 to 100 %");
  options.expected_soc = "45..55";
  BenchHarness meant(options);
  meant.run();
  EXPECT_EQ(to_string(meant.result("ch1").outcome), to_string(Outcome::completed)) << meant.result("ch1").reason;
}

TEST(StartRules, a_disk_too_small_for_the_run_is_refused_before_it_starts) {
  const std::string long_rest = "profile: P\nformat: 1\nsteps:\n  - rest: {for_h: 100}\n";
  HarnessOptions options{.bench = "single", .profiles = {{"ch1", long_rest}}};
  options.free_disk_bytes = [](TimePoint) { return std::uint64_t{10} << 20; };
  BenchHarness bench(options);
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::record_failure));
  expect_refused(bench, "10 MiB are free where the database is; the run is expected to write some 41 MiB");
}

}  // namespace
}  // namespace cellrig::test
