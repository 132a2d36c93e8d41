// Runs that are killed and go on, with real processes: what their tests have in common.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "db/reader.hpp"
#include "db/sqlite.hpp"
#include "db/verify.hpp"
#include "tests/program/process.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {

using testing::HasSubstr;

constexpr Seconds start_limit{20};
constexpr Seconds end_limit{40};
constexpr Seconds watchdog_limit{7};  // 5 s, one second of tolerance, and the exchange that may have been on its way
constexpr int rounds_default = 6;

inline int rounds() {
  const char* const wanted = std::getenv("CELLRIG_CRASH_ROUNDS");
  return wanted != nullptr && std::atoi(wanted) > 0 ? std::atoi(wanted) : rounds_default;
}

/// Two cycles in eight seconds of current, in steps that end by charge, by time, and by the clock.
inline const std::string cycling =
    "profile: Cycling\nformat: 1\non_interruption: resume\nrecord: {every_s: 0}\nsteps:\n"
    "  - cycles:\n      times: 2\n      steps:\n"
    "        - cc_charge: {rate_C: 1, until: capacity_Ah >= 0.003, at_most_h: 1}\n"
    "        - rest: {for_s: 1}\n"
    "        - cc_discharge: {rate_C: 1, until: capacity_Ah >= 0.0025, at_most_h: 1}\n";

/// The same in one step, for tests of what happens around it.
inline const std::string brief =
    "profile: Brief\nformat: 1\non_interruption: resume\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: capacity_Ah >= 0.003, at_most_h: 1}\n";

struct Account {
  db::RunInfo info;
  std::vector<db::StepInfo> steps;
  std::vector<db::SampleRow> samples;
  std::vector<std::int64_t> rowids;
  std::vector<db::CycleRow> cycles;
  std::vector<db::EventRow> events;
  /// Since the start of the run, up to and with the last row.
  [[nodiscard]] double net_Ah() const {
    if (samples.empty()) return 0;
    const auto step = std::find_if(steps.begin(), steps.end(), [&](const auto& s) { return s.row.step == samples.back().step; });
    const db::Sums& start = step->run_sums_at_start;
    return start.charge_Ah - start.discharge_Ah + samples.back().charge_Ah - samples.back().discharge_Ah;
  }
  [[nodiscard]] long count(const std::string& kind) const {
    return std::count_if(events.begin(), events.end(), [&](const db::EventRow& e) { return e.kind == kind; });
  }
};

class Resume : public testing::Test {
 protected:
  void prepare(const std::string& bench, const std::string& profile) {
    simulator = std::make_unique<Simulator>(bench);
    folder = temporary_folder();
    (void)file_with(profile, "profile.yaml", folder);
  }
  [[nodiscard]] std::unique_ptr<Process> start(std::vector<std::string> words, const std::string& time = "real",
                                               Errors errors = Errors::file) {
    const std::vector<std::string> common{"--bench",     bench_file.empty() ? simulator->bench_file() : bench_file,
                                          "--simulator", simulator->ready_file(),
                                          "--time",      time,
                                          "--db",        "run.db",
                                          "--quiet"};
    words.insert(words.begin(), "run");
    words.insert(words.end(), common.begin(), common.end());
    ProcessOptions options;
    options.folder = folder;
    options.errors = errors;
    options.environment = environment;
    return std::make_unique<Process>(cellrig_command(words), with_leases(std::move(options)));
  }
  void expect_exit(Process& process, int code) {
    const std::optional<int> ended = process.wait(end_limit);
    ASSERT_TRUE(ended.has_value()) << "it does not end:\n" << process.err();
    EXPECT_EQ(*ended, code) << process.out() << process.err();
  }
  void kill_with_current(Process& process) {
    const auto charging = [&] { return simulator->truth("ch1").current_A > 4.9 || process.has_ended(); };
    ASSERT_TRUE(eventually(start_limit, charging)) << process.err();
    const double soc = simulator->truth("ch1").soc;
    const auto has_charged = [&] { return simulator->truth("ch1").soc > soc + 0.0001 || process.has_ended(); };
    ASSERT_TRUE(eventually(start_limit, has_charged)) << process.err();
    ASSERT_FALSE(process.has_ended()) << process.err();
    process.signal(SIGKILL);
    (void)process.wait(end_limit);
  }
  /// The watchdog has failed: what it should have ended goes on, for longer than it may take.
  void let_flow_beyond_watchdog() {
    constexpr double capacity_Ah = 4.978;
    const double more = 5.0 * 9 / 3600 / capacity_Ah;
    const double soc = simulator->truth("ch1").soc;
    ASSERT_TRUE(eventually(start_limit, [&] { return simulator->truth("ch1").soc > soc + more; })) << simulator->ask("truth");
  }
  [[nodiscard]] Account account() const {
    const std::unique_ptr<db::Reader> reader = std::move(db::Reader::open(folder + "/run.db").value());
    Account a{.info = reader->run(1).value(), .steps = reader->steps(1).value()};
    const auto keep = [&a](const db::SampleView& view) {
      a.samples.push_back(view.row);
      a.rowids.push_back(view.rowid);
      return true;
    };
    (void)reader->for_each_sample(1, keep).value();
    a.cycles = reader->cycles(1).value();
    a.events = reader->events(1).value();
    return a;
  }

  /// What is committed while the controller lives; nothing: the run has not begun.
  [[nodiscard]] std::optional<Account> account_so_far() const {
    const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(folder + "/run.db");
    if (!reader || !(*reader)->run(1)) return std::nullopt;
    return account();
  }
  void expect_chain_holds() const {
    if (!std::filesystem::exists(folder + "/run.db")) return;
    const Result<db::VerifyReport> report = db::verify_record(folder + "/run.db");
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_TRUE(report->is_intact()) << report->findings.front().what;
  }

  std::string folder;
  std::string bench_file;                          ///< empty: the simulator's own
  std::map<std::string, std::string> environment;  ///< of what is started from now on, on top of ours
  std::unique_ptr<Simulator> simulator;
};

/// What was committed is there, byte for byte, and nothing went back.
inline void expect_only_grown(const Account& before, const Account& after) {
  ASSERT_GE(after.samples.size(), before.samples.size());
  for (std::size_t i = 0; i < before.samples.size(); ++i) {
    ASSERT_EQ(after.rowids[i], before.rowids[i]);
    ASSERT_EQ(after.samples[i].test_time_ns, before.samples[i].test_time_ns);
    ASSERT_EQ(after.samples[i].charge_Ah, before.samples[i].charge_Ah);
  }
  for (std::size_t i = 1; i < after.samples.size(); ++i)
    ASSERT_GT(after.samples[i].test_time_ns, after.samples[i - 1].test_time_ns) << "row " << i;
}

/// The first row that was not there before begins where the last one stood, and says that there is a gap.
inline void expect_goes_on_exactly(const Account& before, const Account& after) {
  if (after.samples.size() == before.samples.size()) return;
  const db::SampleRow& first = after.samples[before.samples.size()];
  EXPECT_NE(first.flags & db::sample_flag::after_gap, 0u);
  Account there = after;
  there.samples.resize(before.samples.size() + 1);
  // A resume point may be a measurement younger than the last row that was committed.
  constexpr double between_two_rows_Ah = 5.0 * 1.3 / 3600;
  EXPECT_NEAR(there.net_Ah(), before.net_Ah(), between_two_rows_Ah);
}

inline const std::string long_charge =
    "profile: Long charge\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}\n";

}  // namespace cellrig::test
