// Faults from a file, as the person at the command line orders them: for the bench, for the controller's own host, and wrong ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <regex>

#include "tests/program/process.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr int killed = 128 + 9;  // F37, F38
const std::string profile =
    "profile: Charge\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 0.5, until: step_time_s >= 900, at_most_h: 1}\n";

Finished run_with(const std::string& faults, const std::vector<std::string>& more = {}) {
  const std::string folder = temporary_folder();
  (void)file_with(profile, "p.yaml", folder);
  (void)file_with(faults, "faults.yaml", folder);
  std::vector<std::string> words{"run", "p.yaml", "--bench", "demo", "--simulated", "--faults", "faults.yaml", "--quiet"};
  words.insert(words.end(), more.begin(), more.end());
  return cellrig(words, {.folder = folder});
}

TEST(FaultFile, a_fault_of_an_instrument_comes_at_its_instant_and_trips) {
  const Finished done = run_with("faults:\n  - {kind: F23, at_s: 60, for_s: 30}\n");
  EXPECT_EQ(done.exit_code, 3) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr("current flows against the command"));
}

TEST(FaultFile, in_lockstep_the_same_file_does_the_same) {
  const Finished done = run_with("faults:\n  - {kind: F23, at_s: 60, for_s: 30}\n", {"--time", "lockstep"});
  EXPECT_EQ(done.exit_code, 3) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr("current flows against the command"));
}

// F41: durations are not measured with the wall clock.
TEST(FaultFile, a_wall_clock_that_jumps_has_no_effect) {
  const Finished quiet = run_with("[]\n", {"--json"});
  const Finished forward = run_with("- F41 at_s=300\n", {"--json"});
  const Finished back = run_with("- F41 at_s=300 step_s=-3600\n", {"--json"});
  EXPECT_EQ(quiet.exit_code, 0) << quiet.err;
  EXPECT_EQ(forward.exit_code, 0) << forward.err;
  // Rows carry UTC as a label, so that the chain over them differs; nothing else does.
  const auto without_chain = [](const std::string& text) {
    static const std::regex chain{"\"chain_[a-z0-9]+\":[^,]*,"};
    return std::regex_replace(text, chain, "");
  };
  EXPECT_EQ(without_chain(forward.out), without_chain(quiet.out));
  EXPECT_EQ(without_chain(back.out), without_chain(quiet.out));
}

// F42: what was measured before is too old afterwards.
TEST(FaultFile, a_controller_that_was_suspended_switches_off) {
  const Finished brief = run_with("- F42 at_s=300 for_s=0.3\n");
  EXPECT_EQ(brief.exit_code, 0) << brief.out << brief.err;
  const Finished done = run_with("- F42 at_s=300 for_s=10\n");
  EXPECT_EQ(done.exit_code, 4) << done.out << done.err;
  EXPECT_THAT(done.out + done.err, HasSubstr("no fresh reading: voltage_V"));
}

// F44
TEST(FaultFile, a_controller_that_is_a_little_late_goes_on) {
  const Finished done = run_with("- F44 at_s=300 for_s=60\n");
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
}

// F39
TEST(FaultFile, a_full_disk_ends_the_run_in_order) {
  const Finished done = run_with("- F39 at_s=300\n");
  EXPECT_EQ(done.exit_code, 5) << done.out << done.err;
}

// From a file each of them, one run for one fault, on the bench with everything: whatever comes, the run ends in a named way.
TEST(FaultFile, takes_each_numbered_fault_and_the_run_ends_in_a_named_way) {
  for (int number = 1; number <= 49; ++number) {
    if (number == 40) continue;  // every sync takes 5 s, of real time: host_faults_test
    const std::string fault = "F" + std::string(number < 10 ? "0" : "") + std::to_string(number);
    SCOPED_TRACE(fault);
    const std::string folder = temporary_folder();
    (void)file_with(profile, "p.yaml", folder);
    (void)file_with("- " + fault + " at_s=300\n", "faults.yaml", folder);
    const Finished done = cellrig({"run", "p.yaml", "--bench", "full", "--channel", "ch1", "--cell", "sulfide-20", "--simulated",
                                   "--faults", "faults.yaml", "--quiet"},
                                  {.folder = folder});
    if (number == 37 || number == 38) {
      EXPECT_EQ(done.exit_code, killed) << done.out << done.err;
    } else {
      EXPECT_THAT(done.exit_code, testing::AnyOf(0, 3, 4, 5)) << done.out << done.err;
    }
    std::printf("  %s: exit code %d\n", fault.c_str(), done.exit_code);
  }
}

TEST(FaultFile, what_is_wrong_is_bad_input_with_its_place) {
  const Finished unknown = run_with("faults:\n  - {kind: F21, target: psb1}\n  - {kind: dorp}\n");
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("faults.yaml:3:12: unknown fault 'dorp', did you mean 'drop'?"));
  const Finished elsewhere = run_with("- F42\n", {"--time", "lockstep"});
  EXPECT_EQ(elsewhere.exit_code, 2);
  EXPECT_THAT(elsewhere.err, HasSubstr("faults.yaml:1:3: suspend: this is a fault of the controller's host"));
  const std::string file = file_with("[]", "faults.yaml");
  const Finished real = cellrig({"run", "cccv-cycle", "--bench", "demo", "--faults", file});
  EXPECT_EQ(real.exit_code, 2);
  EXPECT_THAT(real.err, HasSubstr("--faults needs --simulated"));
}

}  // namespace
}  // namespace cellrig::test
