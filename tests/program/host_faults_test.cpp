// F37, F38, F40, F43: what happens to the computer of a controller, ordered from a file. What is left is opened and read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/reader.hpp"
#include "db/verify.hpp"
#include "tests/program/process.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

constexpr int killed = 128 + 9;
const std::string profile =
    "profile: Charge\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 0.5, until: step_time_s >= 900, at_most_h: 1}\n";

class HostFault : public testing::Test {
 protected:
  Finished run(const std::string& faults) {
    (void)file_with(profile, "p.yaml", folder);
    (void)file_with(faults, "faults.yaml", folder);
    return cellrig({"run", "p.yaml", "--bench", "demo", "--simulated", "--faults", "faults.yaml", "--db", "a.db"},
                   {.folder = folder});
  }
  [[nodiscard]] std::string database() const { return folder + "/a.db"; }
  /// Whole and in order; its number of rows.
  [[nodiscard]] std::uint64_t rows_of_an_intact_record() const {
    const Result<db::VerifyReport> verified = db::verify_record(database());
    EXPECT_TRUE(verified && verified->is_intact()) << (verified ? "not intact" : verified.error().what);
    const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(database());
    if (!reader) {
      ADD_FAILURE() << reader.error().what;
      return 0;
    }
    std::uint64_t rows = 0;
    for (const db::RunInfo& info : (*reader)->runs().value()) {
      std::int64_t last_ns = -1;
      (void)(*reader)->for_each_sample(info.run, [&](const db::SampleView& view) {
        EXPECT_GT(view.row.test_time_ns, last_ns);
        last_ns = view.row.test_time_ns;
        ++rows;
        return true;
      });
    }
    return rows;
  }
  [[nodiscard]] std::string status() const { return cellrig({"runs", "--db", "a.db"}, {.folder = folder}).out; }

  std::string folder = temporary_folder();
};

TEST_F(HostFault, a_controller_that_is_killed_leaves_a_record_that_says_so) {
  const Finished done = run("- F37 at_s=600\n");
  EXPECT_EQ(done.exit_code, killed) << done.out << done.err;
  const std::uint64_t rows = rows_of_an_intact_record();
  EXPECT_GE(rows, 598U) << "no more than a second";
  EXPECT_LE(rows, 601U);
  EXPECT_THAT(status(), HasSubstr("interrupted"));
}

TEST_F(HostFault, the_moment_of_a_kill_may_be_drawn_from_a_seed) {
  EXPECT_EQ(run("- random kinds=kill seed=4 count=1 over_s=900\n").exit_code, killed);
  EXPECT_NE(run("- random kinds=host seed=4 count=1 over_s=0.001\n").exit_code, killed) << "only by its own name";
}

TEST_F(HostFault, a_loss_of_power_leaves_a_record_that_opens) {
  for (const std::string unsynced : {"dropped", "kept", "some", "torn"}) {
    SCOPED_TRACE(unsynced);
    folder = temporary_folder();
    const Finished done = run("- F38 at_s=600 seed=5 unsynced=" + unsynced + "\n");
    EXPECT_EQ(done.exit_code, killed) << done.out << done.err;
    const std::uint64_t rows = rows_of_an_intact_record();
    EXPECT_GE(rows, 598U) << "no more than a second";
    EXPECT_LE(rows, 601U);
  }
}

TEST_F(HostFault, a_slow_disk_changes_nothing) {
  const Finished done = run("- F40 at_s=300 for_s=300 sync_s=0.05\n");
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  const std::uint64_t rows = rows_of_an_intact_record();
  folder = temporary_folder();
  EXPECT_EQ(run("[]\n").exit_code, 0);
  EXPECT_EQ(rows, rows_of_an_intact_record());
}

TEST_F(HostFault, a_disk_that_fails_ends_the_run_in_order) {
  for (const std::string fails : {"writes", "all"}) {
    SCOPED_TRACE(fails);
    folder = temporary_folder();
    const Finished done = run("- F40 at_s=300 fails=" + fails + "\n");
    EXPECT_EQ(done.exit_code, 5) << done.out << done.err;
    EXPECT_THAT(done.out + done.err, HasSubstr("disk I/O error"));
  }
}

TEST_F(HostFault, a_second_controller_is_refused_before_it_writes_anything) {
  const Finished done = run("- F43 at_s=300\n");
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_THAT(done.err, ContainsRegex("second controller: ch1: .* is already controlled by process [0-9]+"));
  const std::uint64_t rows = rows_of_an_intact_record();
  folder = temporary_folder();
  EXPECT_EQ(run("[]\n").exit_code, 0);
  EXPECT_EQ(rows, rows_of_an_intact_record());
}

/// It switches off what we charge: not ours any more, and not to be switched on again.
TEST_F(HostFault, a_second_controller_that_asks_nobody_ends_the_run) {
  const Finished done = run("- F43 at_s=300 force=true\n");
  EXPECT_NE(done.exit_code, 0) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("second controller: it switched off every output"));
  EXPECT_LE(rows_of_an_intact_record(), 305U);
}

}  // namespace
}  // namespace cellrig::test
