// Virtual time: one seed, one record, to the last bit; and what chance decides does depend on the seed.
#include "db/digest.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t rate_seeds = 6;

const std::string profile =
    "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 60, at_most_h: 1}\n"
    "  - rest: {for_s: 30}\n"
    "  - cc_discharge: {rate_C: 1, until: step_time_s >= 60, at_most_h: 1}\n";

std::string digest_of_a_run(std::uint64_t seed, const std::string& fault) {
  BenchHarness bench(
      {.bench = "demo", .profiles = {{"ch1", profile}, {"ch2", profile}}, .seed = seed, .control_period = control_period});
  if (!fault.empty()) bench.fault_at(5s, fault);
  bench.run();
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_FALSE(bench.output_is_on("ch2"));
  return db::record_digest(bench.database()).value();
}

TEST(RepeatableRecord, two_runs_with_one_seed_give_the_same_record) { EXPECT_EQ(digest_of_a_run(7, ""), digest_of_a_run(7, "")); }

TEST(RepeatableRecord, two_runs_with_one_seed_and_random_faults_give_the_same_record) {
  for (std::uint64_t seed = 1; seed <= rate_seeds; ++seed) {
    const std::string fault = "random seed=" + std::to_string(seed) + " rate=0.02";
    EXPECT_EQ(digest_of_a_run(seed, fault), digest_of_a_run(seed, fault)) << fault;
  }
}

TEST(RepeatableRecord, another_seed_gives_another_record) { EXPECT_NE(digest_of_a_run(1, ""), digest_of_a_run(2, "")); }

// Looking at the truth in between changes nothing: tests may look as often as they like.
TEST(RepeatableRecord, looking_at_the_world_does_not_change_it) {
  BenchHarness bench(
      {.bench = "demo", .profiles = {{"ch1", profile}, {"ch2", profile}}, .seed = 7, .control_period = control_period});
  CurrentWatch watch(bench, "ch1", 0s);
  bench.run();
  EXPECT_EQ(db::record_digest(bench.database()).value(), digest_of_a_run(7, ""));
}

}  // namespace
}  // namespace cellrig::test
