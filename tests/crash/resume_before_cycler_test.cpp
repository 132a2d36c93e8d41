// A cycler that has no power yet when its interrupted run is to go on.
#include "tests/crash/resume_fixture.hpp"

namespace cellrig::test {
namespace {

// As after a loss of power: the computer is back before the cycler.
class ResumeBeforeCycler : public Resume {
 protected:
  std::unique_ptr<Process> killed_and_out_of_reach(bool watchdog_fires, const std::string& for_s = "1000") {
    prepare("single", long_charge);
    const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
    if (!watchdog_fires) simulator->fault("clear_watchdog psb1");
    kill_with_current(*first);
    simulator->fault("refuse psb1 for_s=" + for_s);
    simulator->fault("close psb1");
    std::unique_ptr<Process> second = start({"--resume", "--resume-by", "resume"});
    const auto waits = [&] { return second->err().find("waiting up to") != std::string::npos || second->has_ended(); };
    EXPECT_TRUE(eventually(Seconds{40}, waits)) << second->err();
    EXPECT_FALSE(second->has_ended()) << second->err();
    return second;
  }
};

TEST_F(ResumeBeforeCycler, waits_for_it_and_goes_on_by_itself_when_it_says_that_it_is_off) {
  const std::unique_ptr<Process> second = killed_and_out_of_reach(true);
  ASSERT_TRUE(eventually(watchdog_limit, [&] { return simulator->is_off("ch1"); }));
  simulator->ask("clear-faults");
  ASSERT_TRUE(eventually(start_limit, [&] { return account().count("deviation") > 0 || second->has_ended(); }));
  EXPECT_FALSE(second->has_ended()) << second->err();
  EXPECT_THAT(second->err(), HasSubstr("the cycler was reached after"));
  second->signal(SIGTERM);
  expect_exit(*second, 143);
  const Account after = account();
  const auto gap = std::find_if(after.events.begin(), after.events.end(), [](const auto& e) { return e.kind == "deviation"; });
  ASSERT_NE(gap, after.events.end());
  EXPECT_LT(gap->value.value_or(1), 9.0 * 5.0 / 3600) << "what the watchdog allows";
}

TEST_F(ResumeBeforeCycler, and_what_it_then_finds_on_is_for_a_person) {
  const std::unique_ptr<Process> second = killed_and_out_of_reach(false, "30");
  let_flow_beyond_watchdog();
  expect_exit(*second, 2);
  EXPECT_THAT(second->err(), HasSubstr("the output was found on with +"));
  EXPECT_TRUE(simulator->is_off("ch1"));
}

TEST_F(ResumeBeforeCycler, does_not_wait_any_longer_after_ctrl_c) {
  const std::unique_ptr<Process> second = killed_and_out_of_reach(true);
  second->signal(SIGINT);
  expect_exit(*second, 4);
  EXPECT_THAT(second->err(), HasSubstr("Go and look"));
}

}  // namespace
}  // namespace cellrig::test
