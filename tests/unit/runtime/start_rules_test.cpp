// What a start needs before the first ampere, and which reasons of a person count.
#include "controller/runtime/start_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

using Kind = Ruling::Kind;

UtcTime day(int year, unsigned month, unsigned day_of_month) {
  const std::chrono::sys_days days{std::chrono::year{year} / static_cast<int>(month) / static_cast<int>(day_of_month)};
  return UtcTime{std::chrono::duration_cast<Duration>(days.time_since_epoch() + 12h).count()};
}

// ---- watchdogs ------------------------------------------------------------------------------------------------------

class WatchdogRule : public testing::Test {
 protected:
  db::ProofRow proof(bool fired) {
    db::ProofRow row{.utc = day(2026, 3, 1), .bench = "lab", .instrument = "psb1"};
    row.model = "PSB";
    row.serial = known.identity.serial;
    row.firmware = "3.05";
    row.delay = 5s;
    row.fed_by_measuring = true;
    row.fired = fired;
    return row;
  }
  Ruling judge() { return judge_watchdog(channel, known, proofs); }

  ChannelConfig channel{.name = "ch1", .cycler = "psb1"};
  WatchdogCase known{.has_watchdog = true,
                     .identity = {"EA", "PSB", "17", "3.05"},
                     .delay = 5s,
                     .is_simulated = false,
                     .bench = "lab",
                     .rule = ProofRule::require,
                     .how_to_prove = "cellrig doctor --prove-watchdogs"};
  std::vector<db::ProofRow> proofs;
};

TEST_F(WatchdogRule, refuses_one_that_nobody_has_seen_fire_and_says_how_to_see_it) {
  const Ruling ruling = judge();
  EXPECT_EQ(ruling.kind, Kind::refused);
  EXPECT_THAT(ruling.text, HasSubstr("ch1: psb1 (PSB, serial 17, firmware 3.05)"));
  EXPECT_THAT(ruling.text, HasSubstr("watchdog_s: 5"));
  EXPECT_THAT(ruling.text, HasSubstr("cellrig doctor --prove-watchdogs"));
  EXPECT_THAT(ruling.text, HasSubstr("accept_unproven_watchdog"));
}

TEST_F(WatchdogRule, is_content_with_one_that_was_seen_to_fire) {
  proofs = {proof(true)};
  EXPECT_EQ(judge().kind, Kind::good);
}

// Each of these is another watchdog than the one the run relies on.
TEST_F(WatchdogRule, no_proof_of_anything_else_counts) {
  const auto with = [this](auto change) {
    db::ProofRow row = proof(true);
    change(row);
    proofs = {row};
    return judge().kind;
  };
  EXPECT_EQ(with([](db::ProofRow& row) { row.model = "PSB 10200"; }), Kind::refused);
  EXPECT_EQ(with([](db::ProofRow& row) { row.serial = "18"; }), Kind::refused);
  EXPECT_EQ(with([](db::ProofRow& row) { row.firmware = "3.06"; }), Kind::refused);
  EXPECT_EQ(with([](db::ProofRow& row) { row.delay = 10s; }), Kind::refused);
  EXPECT_EQ(with([](db::ProofRow& row) { row.is_simulated = true; }), Kind::refused)
      << "a simulator proves nothing of a real bench";
  EXPECT_EQ(with([](db::ProofRow& row) { row.fed_by_measuring = false; }), Kind::refused);
  EXPECT_EQ(with([](db::ProofRow& row) { row.bench = "other lab"; }), Kind::good) << "the same instrument on another bench";
}

TEST_F(WatchdogRule, a_real_proof_says_nothing_of_a_simulated_instrument) {
  known.is_simulated = true;
  proofs = {proof(true)};
  EXPECT_EQ(judge().kind, Kind::refused);
  proofs.front().is_simulated = true;
  EXPECT_EQ(judge().kind, Kind::good);
}

// Two of a model that both give no serial number cannot be told apart.
TEST_F(WatchdogRule, an_instrument_without_a_serial_number_is_known_by_its_place) {
  known.identity.serial.clear();
  proofs = {proof(true)};
  EXPECT_EQ(judge().kind, Kind::good);
  proofs.front().instrument = "psb2";
  EXPECT_EQ(judge().kind, Kind::refused);
  proofs.front() = proof(true);
  proofs.front().bench = "other lab";
  EXPECT_EQ(judge().kind, Kind::refused);
}

TEST_F(WatchdogRule, the_newest_trial_counts) {
  proofs = {proof(true), proof(false)};
  EXPECT_EQ(judge().kind, Kind::refused);
  EXPECT_THAT(judge().text, HasSubstr("did not fire when it was put to the test on 2026-03-01"));
  proofs = {proof(false), proof(true)};
  EXPECT_EQ(judge().kind, Kind::good) << "it was repaired";
}

TEST_F(WatchdogRule, accepts_one_that_is_not_proven_for_a_reason_and_keeps_it) {
  channel.accept_unproven_watchdog = "no cell to discharge yet";
  const Ruling ruling = judge();
  EXPECT_EQ(ruling.kind, Kind::accepted);
  EXPECT_THAT(ruling.text, HasSubstr("accepted: no cell to discharge yet"));
}

// Not proven is a gap; proven not to work is a fault.
TEST_F(WatchdogRule, no_reason_is_good_enough_for_one_that_was_seen_not_to_fire) {
  channel.accept_unproven_watchdog = "in a hurry";
  proofs = {proof(false)};
  EXPECT_EQ(judge().kind, Kind::refused);
}

TEST_F(WatchdogRule, only_remarks_on_a_simulator) {
  known.rule = ProofRule::remark;
  EXPECT_EQ(judge().kind, Kind::remarked);
  EXPECT_EQ(judge().what, "watchdog not proven");
  proofs = {proof(false)};
  EXPECT_EQ(judge().kind, Kind::remarked);
  EXPECT_EQ(judge().what, "watchdog did not fire");
  known.rule = ProofRule::not_asked;
  EXPECT_EQ(judge().kind, Kind::good);
}

TEST_F(WatchdogRule, a_model_without_one_needs_a_reason_whatever_the_bench) {
  known.has_watchdog = false;
  for (const ProofRule rule : {ProofRule::not_asked, ProofRule::remark, ProofRule::require}) {
    known.rule = rule;
    channel.accept_without_watchdog.clear();
    EXPECT_EQ(judge().kind, Kind::refused);
    EXPECT_THAT(judge().text, HasSubstr("accept_without_watchdog"));
    channel.accept_unproven_watchdog = "this is another question";
    EXPECT_EQ(judge().kind, Kind::refused);
    channel.accept_without_watchdog = "a relay with a timer of its own";
    EXPECT_EQ(judge().kind, Kind::accepted);
    EXPECT_THAT(judge().text, HasSubstr("a relay with a timer of its own"));
  }
}

// ---- firmware -------------------------------------------------------------------------------------------------------

TEST(FirmwareRule, warns_of_one_that_begins_like_none_the_model_file_was_tried_with) {
  const ChannelConfig channel{.name = "ch1", .cycler = "aps1"};
  const std::vector<std::string> seen{"B.02.03", "B.03"};
  EXPECT_EQ(judge_firmware(channel, {"Keysight", "N6974A", "1", "B.02.03.1268"}, seen).kind, Kind::good);
  EXPECT_EQ(judge_firmware(channel, {"Keysight", "N6974A", "1", "B.03.00"}, seen).kind, Kind::good);
  const Ruling ruling = judge_firmware(channel, {"Keysight", "N6974A", "1", "A.02.03"}, seen);
  EXPECT_EQ(ruling.kind, Kind::warned);
  EXPECT_EQ(ruling.text, "ch1: aps1 has the firmware 'A.02.03'; its model file was tried with B.02.03, B.03");
  EXPECT_EQ(judge_firmware(channel, {"Keysight", "N6974A", "1", ""}, seen).kind, Kind::warned) << "it says none";
  EXPECT_EQ(judge_firmware(channel, {"Keysight", "N6974A", "1", "A.02.03"}, {}).kind, Kind::good) << "nobody knows better";
}

// ---- calibration ----------------------------------------------------------------------------------------------------

InstrumentConfig calibrated(const std::string& more) {
  const BenchConfig bench = parse_bench("bench: b\ninstruments:\n  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\"" +
                                            more + "}\nchannels:\n  ch1: {cycler: psb1}\n",
                                        "bench.yaml");
  return bench.instruments.at("psb1");
}
std::string complaint(const std::string& more) {
  try {
    (void)calibrated(more);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing";
}

TEST(CalibrationRule, holds_to_its_last_day_and_not_one_longer) {
  const InstrumentConfig psb = calibrated(", calibrated_on: 2026-01-15, calibration_days: 30");
  EXPECT_EQ(judge_calibration(psb, day(2026, 1, 15)).kind, Kind::good);
  EXPECT_EQ(judge_calibration(psb, day(2026, 2, 14)).kind, Kind::good);
  const Ruling ruling = judge_calibration(psb, day(2026, 2, 15));
  EXPECT_EQ(ruling.kind, Kind::refused);
  EXPECT_THAT(ruling.text, HasSubstr("psb1 was calibrated on 2026-01-15, for 30 days: the calibration expired on 2026-02-14"));
}

TEST(CalibrationRule, is_a_year_unless_given_and_nothing_without_a_date) {
  const InstrumentConfig psb = calibrated(", calibrated_on: 2026-01-15");
  EXPECT_EQ(judge_calibration(psb, day(2027, 1, 15)).kind, Kind::good);
  EXPECT_EQ(judge_calibration(psb, day(2027, 1, 16)).kind, Kind::refused);
  EXPECT_EQ(judge_calibration(calibrated(""), day(2036, 1, 1)).kind, Kind::good);
}

TEST(CalibrationRule, an_expired_one_is_accepted_for_a_reason) {
  const InstrumentConfig psb = calibrated(", calibrated_on: 2024-01-15, accept_expired_calibration: \"appointment on Friday\"");
  const Ruling ruling = judge_calibration(psb, day(2026, 2, 1));
  EXPECT_EQ(ruling.kind, Kind::accepted);
  EXPECT_THAT(ruling.text, HasSubstr("accepted: appointment on Friday"));
  EXPECT_EQ(judge_calibration(psb, day(2024, 2, 1)).kind, Kind::good) << "a reason that is not needed";
}

// A year typed wrong would make a calibration last a year longer.
TEST(CalibrationRule, a_date_ahead_of_the_clock_is_a_slip) {
  const InstrumentConfig psb = calibrated(", calibrated_on: 2027-01-15, accept_expired_calibration: x");
  EXPECT_EQ(judge_calibration(psb, day(2027, 1, 14)).kind, Kind::good) << "time zones";
  const Ruling ruling = judge_calibration(psb, day(2026, 1, 15));
  EXPECT_EQ(ruling.kind, Kind::refused);
  EXPECT_THAT(ruling.text, HasSubstr("today is 2026-01-15"));
}

TEST(CalibrationRule, mistakes_are_named_with_their_place) {
  EXPECT_EQ(complaint(", calibrated_on: 15.1.2026"),
            "bench.yaml:3:75: 'calibrated_on' is a date like 2026-01-15, found '15.1.2026'");
  for (const char* date : {"2026-02-30", "2026-13-01", "2026-1-15", "0026-01-15", "2026-01-15T10:00", "tomorrow", "\"\""})
    EXPECT_THAT(complaint(std::string{", calibrated_on: "} + date), HasSubstr("is a date like")) << date;
  EXPECT_THAT(complaint(", calibration_days: 30"), HasSubstr("'calibration_days' needs the date"));
  EXPECT_THAT(complaint(", accept_expired_calibration: x"), HasSubstr("needs the date"));
  EXPECT_THAT(complaint(", calibrated_on: 2026-01-15, calibration_days: 0"), HasSubstr("calibration_days must be 1 to 3660"));
  EXPECT_THAT(complaint(", calibrated_on: 2026-01-15, calibration_days: 9999"), HasSubstr("calibration_days must be 1 to 3660"));
  EXPECT_THAT(complaint(", calibrated_on: 2026-01-15, accept_expired_calibration: \"  \""), HasSubstr("needs a reason"));
  EXPECT_THAT(complaint(", calibrated_at: 2026-01-15"), HasSubstr("did you mean 'calibrated_on'?"));
}

TEST(StartRules, an_empty_reason_is_none) {
  for (const char* key : {"accept_without_watchdog", "accept_unproven_watchdog"}) {
    const std::string text =
        std::string{"bench: b\ninstruments:\n  psb1: {model: m, modbus: \"192.0.2.10:502\"}\nchannels:\n  ch1: {cycler: psb1, "} +
        key + ": \"\"}\n";
    EXPECT_THROW((void)parse_bench(text, "bench.yaml"), ConfigError) << key;
  }
}

// Whatever a channel measures with has a calibration that may expire.
TEST(StartRules, know_every_instrument_of_a_channel_once) {
  const BenchConfig bench = parse_bench(
      "bench: b\ninstruments:\n"
      "  psb1: {model: a, modbus: \"192.0.2.1:502\"}\n  daq: {model: b, scpi: \"192.0.2.2:5025\"}\n"
      "  f4t: {model: c, modbus: \"192.0.2.3:502\"}\n  force: {model: d, modbus: \"192.0.2.4:502\"}\n"
      "  gas: {model: e, modbus: \"192.0.2.5:502\"}\n  io: {model: f, modbus: \"192.0.2.6:502\"}\n"
      "  unused: {model: g, modbus: \"192.0.2.7:502\"}\n"
      "chambers:\n  oven: {instrument: f4t}\n"
      "channels:\n  ch1:\n    cycler: psb1\n    cell_temperature: {logger: daq, input: 0}\n"
      "    ambient_temperature: {logger: daq, input: 1}\n    voltage: {logger: daq, input: 12}\n"
      "    stack_force: {logger: force, input: 0}\n    gas: {logger: gas, input: 0}\n"
      "    interlock: {inputs: io, input: 0}\n    contactor: {relays: io, output: 1}\n    chamber: oven\n",
      "bench.yaml");
  EXPECT_THAT(instruments_of(bench, bench.channels.front()), ElementsAre("psb1", "daq", "force", "gas", "io", "f4t"));
}

// A relay has no calibration; what is measured with has one, and nobody knows of it until somebody says so.
TEST(StartRules, tell_of_what_measures_without_a_date) {
  const BenchConfig bench = parse_bench(
      "bench: b\ninstruments:\n"
      "  psb1: {model: a, modbus: \"192.0.2.1:502\", calibrated_on: 2026-01-15}\n"
      "  psb2: {model: a, modbus: \"192.0.2.3:502\", calibrated_on: 2026-01-15}\n  daq: {model: b, scpi: \"192.0.2.2:5025\"}\n"
      "  io: {model: f, modbus: \"192.0.2.6:502\"}\n"
      "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: daq, input: 0}, contactor: {relays: io, output: 1}}\n"
      "  ch2: {cycler: psb2}\n",
      "bench.yaml");
  const Ruling ruling = judge_undated(bench, bench.channels.front(), true);
  EXPECT_EQ(ruling.kind, Kind::warned);
  EXPECT_THAT(ruling.text, HasSubstr("ch1: nobody said when daq was calibrated"));
  EXPECT_EQ(judge_undated(bench, bench.channels.front(), false).kind, Kind::remarked);
  EXPECT_EQ(judge_undated(bench, bench.channels.back(), true).kind, Kind::good);
}

// ---- disk -----------------------------------------------------------------------------------------------------------

TEST(DiskRule, asks_for_what_the_run_will_write_and_the_reserve) {
  constexpr std::uint64_t MiB = 1 << 20;
  EXPECT_EQ(judge_disk({.free_bytes = 300 * MiB, .reserve_bytes = 256 * MiB, .rows_expected = 1e5}).kind, Kind::good);
  const Ruling ruling = judge_disk({.free_bytes = 300 * MiB, .reserve_bytes = 256 * MiB, .rows_expected = 1e6});
  EXPECT_EQ(ruling.kind, Kind::refused);
  EXPECT_THAT(ruling.text, HasSubstr("300 MiB are free"));
  EXPECT_THAT(ruling.text, HasSubstr("some 114 MiB"));
  EXPECT_THAT(ruling.text, HasSubstr("256 MiB are kept in reserve"));
  EXPECT_EQ(judge_disk({.free_bytes = 255 * MiB, .reserve_bytes = 256 * MiB, .rows_expected = 0}).kind, Kind::refused);
}

}  // namespace
}  // namespace cellrig
