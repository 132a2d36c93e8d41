// Two channels in one call: what befalls one is its own business, the other goes on to its end, and the exit code is the worse of both.
// In lockstep with a cellrig-sim process, on instruments of two makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr double capacity_Ah = 4.978;
constexpr double whole_charge = 5.0 * 120 / 3600 / capacity_Ah;  // 1C for two minutes, as a share of the cell
constexpr std::int64_t whole_charge_ns = 120'000'000'000;

const std::string charge =
    "profile: Charge\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 120, at_most_h: 1}\n";
const std::string demanding =
    "profile: Demanding\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 120, at_most_h: 1, measure: reference}\n"
    "  - require: reference_capacity_Ah >= 4\n";

struct Half {
  std::string outcome;  ///< as --json and the record say it
  std::string reason;   ///< part of it
  std::string off_by = "instrument";
};
struct TwoCase {
  std::string name;
  std::vector<std::string> orders;
  int exit_code = 0;
  Half first, second;
  std::string second_profile = "charge.yaml";
};
void PrintTo(const TwoCase& two, std::ostream* out) { *out << two.name; }

class TwoChannels : public testing::TestWithParam<TwoCase> {
 protected:
  void expect_told(const boost::json::value& document, std::size_t index, const Half& half) {
    const std::string channel = index == 0 ? "ch1" : "ch2";
    const boost::json::value& told = document.at("channels").at(index);
    EXPECT_EQ(std::string(told.at("channel").as_string()), channel);
    EXPECT_EQ(std::string(told.at("outcome").as_string()), half.outcome);
    EXPECT_THAT(std::string(told.at("reason").as_string()), HasSubstr(half.reason));
    EXPECT_EQ(std::string(told.at("output_off_confirmed_by").as_string()), half.off_by);
  }

  void expect_half(const std::string& channel, double soc_at_start, const Half& half) {
    SCOPED_TRACE(channel);
    EXPECT_TRUE(bench.simulator.is_off(channel)) << bench.simulator.ask("truth");
    const double charged = bench.simulator.truth(channel).soc - soc_at_start;
    const std::unique_ptr<db::Reader> record = bench.record();
    const db::RunInfo run = only_run(*record, channel);
    EXPECT_EQ(run.status, half.outcome);
    ASSERT_TRUE(run.end.has_value());
    EXPECT_THAT(run.end->reason, HasSubstr(half.reason));
    if (half.outcome == "completed") {
      EXPECT_NEAR(charged, whole_charge, 0.02 * whole_charge) << "not disturbed by the other";
      EXPECT_GE(run.end->ended_test_time_ns, whole_charge_ns);
    } else {
      EXPECT_LT(charged, 0.5 * whole_charge) << "it was switched off in the middle";
      EXPECT_LT(run.end->ended_test_time_ns, whole_charge_ns / 2);
    }
  }

  LiveBench bench{"demo"};
};

TEST_P(TwoChannels, end_each_in_its_own_way_and_with_the_worse_exit_code) {
  const TwoCase& two = GetParam();
  (void)file_with(charge, "charge.yaml", bench.folder);
  (void)file_with(demanding, "demanding.yaml", bench.folder);
  for (const std::string& order : two.orders) bench.simulator.fault(order);
  const Finished done = cellrig(
      {"run", "--channel", "ch1=charge.yaml", "--channel", "ch2=" + two.second_profile, "--bench", bench.simulator.bench_file(),
       "--simulator", bench.simulator.ready_file(), "--time", "lockstep", "--db", "first.db", "--json", "--quiet"},
      {.folder = bench.folder});
  EXPECT_EQ(done.exit_code, two.exit_code) << done.out << done.err;
  const boost::json::value document = boost::json::parse(done.out);
  EXPECT_EQ(document.at("exit_code").to_number<int>(), two.exit_code);
  ASSERT_EQ(document.at("channels").as_array().size(), 2u);
  expect_told(document, 0, two.first);
  expect_told(document, 1, two.second);
  expect_half("ch1", 0.5, two.first);
  expect_half("ch2", 0.4, two.second);
}

const std::string over_voltage = "voltage_offset psb1 offset_V=1 at_s=30";
const std::string no_number = "nan psb1 at_s=30";
const std::string other_over_voltage = "voltage_offset aps1 offset_V=1 at_s=30";
const std::string other_no_number = "nan aps1 at_s=30";
const Half tripped{"tripped", "over-voltage"};
const Half failed{"instrument failure", "not a number", "contactor"};  // a current that is no number is not known to be none
const Half completed{"completed", ""};

INSTANTIATE_TEST_SUITE_P(
    Lockstep, TwoChannels,
    testing::Values(TwoCase{"both_complete", {}, 0, completed, completed},
                    TwoCase{"first_trips", {over_voltage}, 3, tripped, completed},
                    TwoCase{"second_trips", {other_over_voltage}, 3, completed, tripped},
                    TwoCase{"first_instrument_fails", {no_number}, 4, failed, completed},
                    TwoCase{"second_instrument_fails", {other_no_number}, 4, completed, failed},
                    TwoCase{"a_trip_outweighs_an_instrument", {over_voltage, other_no_number}, 3, tripped, failed},
                    TwoCase{
                        "a_trip_outweighs_an_instrument_that_comes_first", {no_number, other_over_voltage}, 3, failed, tripped},
                    TwoCase{"a_criterion_not_met", {}, 1, completed, completed, "demanding.yaml"},
                    TwoCase{"an_instrument_outweighs_a_criterion", {no_number}, 4, failed, completed, "demanding.yaml"},
                    TwoCase{"a_trip_outweighs_a_criterion", {over_voltage}, 3, tripped, completed, "demanding.yaml"}),
    [](const testing::TestParamInfo<TwoCase>& p) { return p.param.name; });

}  // namespace
}  // namespace cellrig::test
