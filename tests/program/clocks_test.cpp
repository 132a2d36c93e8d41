// F41, F42: somebody sets the wall clock, or the machine sleeps, while a controller runs. The real program, with other clocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/program/live_bench.hpp"
#include "tests/program/shifted_clocks.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr Seconds end_limit{30};
constexpr double ns_per_s = 1e9;

class Clocks : public testing::Test {
 protected:
  std::unique_ptr<Process> start(int seconds) {
    bench.write_charge("charge.yaml", seconds);
    return bench.start_charging({.environment = shifted_clocks(clocks())});
  }
  [[nodiscard]] std::string clocks() const { return bench.folder + "/clocks"; }
  void set_clocks(int realtime_s, int boottime_s) const { test::set_clocks(clocks(), realtime_s, boottime_s); }
  [[nodiscard]] db::EventRow event(const std::string& kind) const {
    const std::unique_ptr<db::Reader> record = bench.record();
    const std::vector<db::EventRow> events = record->events(only_run(*record, "ch1").run).value();
    const auto found = std::find_if(events.begin(), events.end(), [&](const db::EventRow& e) { return e.kind == kind; });
    return found == events.end() ? db::EventRow{} : *found;
  }

  LiveBench bench{"single"};
};

// UTC is a label: whatever is done to it, the step takes the time it takes, and the record says that the clock was set.
TEST_F(Clocks, an_hour_forward_or_back_changes_no_duration_and_is_recorded) {
  for (const int hours : {1, -1}) {
    set_clocks(0, 0);
    std::filesystem::remove(bench.folder + "/first.db");
    const std::unique_ptr<Process> controller = start(4);
    set_clocks(hours * 3600, 0);
    const std::optional<int> code = controller->wait(end_limit);
    ASSERT_TRUE(code.has_value());
    EXPECT_EQ(*code, 0) << controller->out() << controller->err();
    const std::unique_ptr<db::Reader> record = bench.record();
    const std::vector<db::StepInfo> steps = record->steps(only_run(*record, "ch1").run).value();
    ASSERT_FALSE(steps.empty());
    const double took_s =
        static_cast<double>(steps.front().end->ended_test_time_ns - steps.front().row.started_test_time_ns) / ns_per_s;
    EXPECT_NEAR(took_s, 4.0, 0.5);
    EXPECT_THAT(event("clock step").message, HasSubstr(hours > 0 ? "forward by 3600" : "back by 3600"));
  }
}

// The steady clock stands still while the machine sleeps; the cell does not.
TEST_F(Clocks, a_machine_that_slept_for_longer_than_a_reading_may_be_old_switches_off) {
  set_clocks(0, 0);
  const std::unique_ptr<Process> controller = start(60);
  set_clocks(0, 30);
  const std::optional<int> code = controller->wait(end_limit);
  ASSERT_TRUE(code.has_value()) << "it goes on as if nothing had happened";
  EXPECT_EQ(*code, 4) << controller->out() << controller->err();
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
  EXPECT_THAT(event("trip").message, HasSubstr("no fresh reading"));
  EXPECT_NEAR(event("trip").value.value_or(0), 30, 1) << "the age it tripped for is the sleep";
}

// What the record calls the gap: the process was gone, or the machine was.
TEST_F(Clocks, a_machine_that_was_started_after_the_last_row_tells_a_loss_of_power) {
  for (const bool restarted : {false, true}) {
    set_clocks(0, 0);
    std::filesystem::remove(bench.folder + "/first.db");
    const std::unique_ptr<Process> controller = start(60);
    controller->signal(SIGKILL);
    (void)controller->wait(end_limit);
    timespec uptime{};
    ::clock_gettime(CLOCK_BOOTTIME, &uptime);
    if (restarted) set_clocks(0, -static_cast<int>(uptime.tv_sec) - 1);
    const Finished resumed = cellrig({"run", "--resume", "--resume-by", "stop", "--bench", bench.simulator.bench_file(),
                                      "--simulator", bench.simulator.ready_file(), "--db", "first.db", "--quiet"},
                                     {.folder = bench.folder, .environment = shifted_clocks(bench.folder + "/clocks")});
    EXPECT_EQ(resumed.exit_code, 1) << resumed.err;
    EXPECT_TRUE(bench.simulator.is_off("ch1"));
    EXPECT_THAT(event("deviation").message, testing::StartsWith(restarted ? "power_outage" : "software_error"));
  }
}

}  // namespace
}  // namespace cellrig::test
