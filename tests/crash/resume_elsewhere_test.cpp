// Where nothing bounds for how long an output was on, or the cell is on another channel now: a person decides, and the record says so.
#include "tests/crash/resume_fixture.hpp"
#include "tests/program/shifted_clocks.hpp"

namespace cellrig::test {
namespace {

db::EventRow deviation_of(const Account& account) {
  const auto found =
      std::find_if(account.events.rbegin(), account.events.rend(), [](const auto& e) { return e.kind == "deviation"; });
  return found == account.events.rend() ? db::EventRow{.message = "no deviation"} : *found;
}

// No watchdog, by the bench file: it was off when somebody looked, and nobody knows since when.
TEST_F(Resume, without_a_watchdog_all_the_time_until_a_start_counts) {
  prepare("single", long_charge);
  std::ifstream file(simulator->bench_file());
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string sensor = "    cell_temperature: {logger: adam, input: 0}\n";
  ASSERT_THAT(text, HasSubstr(sensor));
  text.insert(text.find(sensor), "    accept_without_watchdog: a relay with a timer of its own\n");
  bench_file = file_with(text, "without.yaml", folder);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  kill_with_current(*first);
  simulator->fault("reboot psb1");
  ASSERT_TRUE(eventually(start_limit, [&] { return simulator->is_off("ch1"); }));
  set_clocks(folder + "/clocks", 3600, 0);
  environment = shifted_clocks(folder + "/clocks");
  const std::unique_ptr<Process> third = start({"--resume", "--resume-by", "resume"});
  ASSERT_TRUE(eventually(start_limit, [&] { return account().count("deviation") > 0 || third->has_ended(); }));
  third->signal(SIGTERM);
  (void)third->wait(end_limit);
  const Account after = account();
  EXPECT_GE(deviation_of(after).value.value_or(0), 3600.0 * 4.9 / 3600) << third->err();
  EXPECT_THAT(after.info.row.bench_text, HasSubstr("accept_without_watchdog")) << "the record says so";
}

TEST_F(Resume, on_another_channel_a_run_goes_on_only_when_a_person_says_why_and_where_its_own_output_was_nobody_looks) {
  prepare("demo", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50", "--channel", "ch1"});
  kill_with_current(*first);
  ASSERT_TRUE(eventually(watchdog_limit, [&] { return simulator->is_off("ch1"); }));
  const std::unique_ptr<Process> second = start({"--resume", "1", "--channel", "ch2", "--resume-by", "resume"});
  expect_exit(*second, 2);
  EXPECT_THAT(second->err(), HasSubstr("run 1 began on channel ch1, not on ch2"));
  const std::unique_ptr<Process> third =
      start({"--resume", "1", "--channel", "ch2", "--resume-by", "resume", "--accept-changed", "the cell was moved"});
  const auto charging = [&] { return simulator->truth("ch2").current_A > 4.9 || third->has_ended(); };
  EXPECT_TRUE(eventually(start_limit, charging));
  EXPECT_TRUE(simulator->is_off("ch1"));
  third->signal(SIGTERM);
  expect_exit(*third, 143);
  const Account after = account();
  EXPECT_THAT(deviation_of(after).message, HasSubstr("the bench file has changed: cycler was psb1"));
  EXPECT_THAT(deviation_of(after).message, HasSubstr("the cell was moved"));
  EXPECT_GE(deviation_of(after).value.value_or(0), 5.0 * 5.0 / 3600) << "what its watchdog allowed on the channel it had";
  EXPECT_TRUE(simulator->is_off("ch2"));
}

}  // namespace
}  // namespace cellrig::test
