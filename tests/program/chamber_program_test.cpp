// A chamber that fails or cannot be stopped, as the person at the command line sees it. In lockstep with a cellrig-sim process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

class ChamberProgram : public testing::Test {
 protected:
  Finished run_in_lockstep(const std::vector<std::string>& words) {
    std::vector<std::string> all{"run",         "p.yaml",
                                 "--bench",     bench.simulator.bench_file(),
                                 "--simulator", bench.simulator.ready_file(),
                                 "--time",      "lockstep",
                                 "--db",        "first.db",
                                 "--json",      "--quiet"};
    all.insert(all.end(), words.begin(), words.end());
    return cellrig(all, {.folder = bench.folder});
  }
  void expect_recorded(const std::string& channel, const std::string& status, const std::string& reason) const {
    const std::unique_ptr<db::Reader> record = bench.record();
    const db::RunInfo run = only_run(*record, channel);
    EXPECT_EQ(run.status, status);
    ASSERT_TRUE(run.end.has_value());
    EXPECT_THAT(run.end->reason, HasSubstr(reason));
  }

  LiveBench bench{"demo"};
};

struct Failure {
  std::string name, order;
};
void PrintTo(const Failure& failure, std::ostream* out) { *out << failure.order; }

class ChamberFails : public ChamberProgram, public testing::WithParamInterface<Failure> {};

TEST_P(ChamberFails, in_mid_run_ends_with_4_and_both_outputs_off) {
  bench.write_charge("p.yaml", 120, "30");
  bench.simulator.fault(GetParam().order);
  const Finished done = run_in_lockstep({"--channel", "ch1", "--channel", "ch2"});
  EXPECT_EQ(done.exit_code, 4) << done.out << done.err;
  for (const std::string channel : {"ch1", "ch2"}) {
    EXPECT_TRUE(bench.simulator.is_off(channel)) << bench.simulator.ask("truth");
    EXPECT_GT(bench.simulator.truth(channel).current_max_A, 4.9) << "it was in mid-run";
    expect_recorded(channel, "instrument failure", "the chamber does not run at the temperature it was given");
  }
  EXPECT_THAT(done.err, HasSubstr("oven: "));
}

INSTANTIATE_TEST_SUITE_P(Lockstep, ChamberFails,
                         testing::Values(Failure{"stops_answering", "drop f4t count=for_ever at_s=40"},
                                         Failure{"port_closes", "refuse f4t for_s=100000 at_s=40"},
                                         Failure{"alarms", "nan f4t at_s=40"}, Failure{"is_switched_off", "reboot f4t at_s=40"}),
                         [](const testing::TestParamInfo<Failure>& p) { return p.param.name; });

TEST_F(ChamberProgram, a_chamber_that_is_left_running_ends_with_4_and_says_so) {
  bench.write_charge("p.yaml", 60, "30");
  bench.simulator.fault("ignore_off f4t");
  const Finished done = run_in_lockstep({});
  const std::string text = "chamber 'oven' did not confirm that it stopped";
  EXPECT_EQ(done.exit_code, 4) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr(text));
  EXPECT_THAT(done.err, HasSubstr("oven: ALARM: did not confirm that it stopped"));
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
  EXPECT_TRUE(bench.oven_runs()) << "the world agrees";
  expect_recorded("ch1", "instrument failure", text);
}

// The instrument was silent for longer than its watchdog: --json says who made it safe.
TEST(SilentProgram, off_by_the_watchdog_is_what_json_and_the_record_say) {
  LiveBench single("single");
  single.write_charge("p.yaml", 120);
  single.simulator.fault("refuse psb1 for_s=8 at_s=40");
  const Finished done = cellrig({"run", "p.yaml", "--bench", "single", "--simulator", single.simulator.ready_file(), "--time",
                                 "lockstep", "--json", "--quiet", "--db", "first.db"},
                                {.folder = single.folder});
  EXPECT_EQ(done.exit_code, 4) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr(R"("output_off_confirmed_by":"watchdog")"));
  EXPECT_THAT(done.err, HasSubstr("only after a silence for its watchdog. Go and look."));
  EXPECT_TRUE(single.simulator.is_off("ch1"));
  const std::unique_ptr<db::Reader> record = single.record();
  const std::vector<db::EventRow> events = record->events(only_run(*record, "ch1").run).value();
  EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const auto& e) { return e.kind == "off by the watchdog"; }), 1);
}

}  // namespace
}  // namespace cellrig::test
