// Chambers of three makes as the person at the command line meets them: one call runs all three, and `off` stops what a dead run left
// running.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <csignal>

#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr Seconds start_limit{60}, end_limit{20};
const std::vector<std::string> chambers{"tenney", "mk53", "sh641"};
const std::vector<std::string> channels{"ch1", "ch2", "ch3"};

class ThreeChambers : public testing::Test {
 protected:
  [[nodiscard]] bool runs(const std::string& chamber) {
    const boost::json::value truth = boost::json::parse(bench.simulator.ask("truth"));
    return truth.at("chambers").at(chamber).at("running").as_bool();
  }
  [[nodiscard]] std::size_t running_count() {
    return static_cast<std::size_t>(
        std::count_if(chambers.begin(), chambers.end(), [this](const std::string& chamber) { return runs(chamber); }));
  }

  LiveBench bench{"three-chambers"};
};

TEST_F(ThreeChambers, are_checked_and_run_in_lockstep_by_one_call) {
  bench.write_charge("p.yaml", 60, "30");
  for (const std::string& channel : channels) {
    const Finished checked = cellrig({"check", "p.yaml", "--bench", "three-chambers", "--channel", channel, "--cell", "lg-m50"},
                                     {.folder = bench.folder});
    EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
  }
  std::vector<std::string> words{
      "run",      "p.yaml", "--bench", bench.simulator.bench_file(), "--simulator", bench.simulator.ready_file(), "--time",
      "lockstep", "--db",   "first.db"};
  for (const std::string& channel : channels) words.insert(words.end(), {"--channel", channel});
  const Finished done = cellrig(words, {.folder = bench.folder});
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("mk53: warning: its controller keeps no set-point limits"));
  EXPECT_EQ(running_count(), 0U) << "what a run started it stops";
  const std::unique_ptr<db::Reader> record = bench.record();
  for (const std::string& channel : channels) EXPECT_EQ(only_run(*record, channel).status, "completed");
}

TEST_F(ThreeChambers, are_stopped_by_off_after_a_run_that_died) {
  const std::unique_ptr<Process> dead = bench.start_charging({.channels = channels, .profile = "warm.yaml"});
  ASSERT_TRUE(eventually(start_limit, [&] { return running_count() == chambers.size(); })) << bench.simulator.ask("truth");
  dead->signal(SIGKILL);
  ASSERT_TRUE(dead->wait(end_limit).has_value());
  ASSERT_EQ(running_count(), chambers.size()) << "a chamber has no watchdog";
  const Finished off = bench.off();
  EXPECT_EQ(off.exit_code, 0) << off.out << off.err;
  EXPECT_EQ(running_count(), 0U);
  for (const std::string& channel : channels) EXPECT_TRUE(bench.simulator.is_off(channel));
  for (const std::string& chamber : chambers) EXPECT_THAT(off.out, HasSubstr(chamber));
}

}  // namespace
}  // namespace cellrig::test
