// Which runs may share a chamber, and what a technician is told of it.
#include "controller/runtime/chamber_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <limits>

#include "controller/base/config_error.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

using Kind = Ruling::Kind;

constexpr double no_temperature = -1000.0;

Step step_of(StepDirection direction, double degC) {
  Step step;
  step.direction = direction;
  step.may_charge = direction == StepDirection::charge;
  if (degC != no_temperature) step.chamber_temperature = Celsius{degC};
  return step;
}

class ChamberRules : public testing::Test {
 protected:
  /// The cells stand -20 to 55 degC, and are charged from 0 degC on.
  void add(const std::string& name, const std::vector<Step>& steps) {
    Program& program = programs.emplace_back();
    program.limits.cell_temperature_min = Celsius{-20};
    program.limits.cell_temperature_max = Celsius{55};
    program.limits.charge_temperature_min = Celsius{0};
    program.code.assign(steps.begin(), steps.end());
    ChannelConfig& channel = channels.emplace_back();
    channel.name = name;
    channel.chamber = "oven";
    channel.cell_temperature = InputRef{"adam", 0};
  }
  void discharge(const std::string& name, const std::vector<double>& temperatures) {
    std::vector<Step> steps;
    for (const double degC : temperatures) steps.push_back(step_of(StepDirection::discharge, degC));
    add(name, steps);
  }
  std::vector<ChamberRuling> judge() {
    std::vector<ChamberGuest> guests;
    for (std::size_t i = 0; i < channels.size(); ++i) guests.push_back({&channels[i], &programs[i]});
    return judge_chambers(bench, guests, accuracy);
  }
  void expect_refused(const std::string& a, const std::string& b) {
    const std::vector<ChamberRuling> rulings = judge();
    const auto refused =
        std::find_if(rulings.begin(), rulings.end(), [](const ChamberRuling& said) { return said.ruling.kind == Kind::refused; });
    ASSERT_NE(refused, rulings.end());
    EXPECT_THAT(refused->ruling.text, AllOf(HasSubstr(a), HasSubstr(b)));
  }
  void expect_none_refused() {
    for (const ChamberRuling& said : judge()) EXPECT_NE(said.ruling.kind, Kind::refused) << said.ruling.text;
  }

  BenchConfig bench{
      .chambers = {{.name = "oven", .instrument = "f4t", .setpoint_min = Celsius{-40}, .setpoint_max = Celsius{85}}}};
  std::deque<Program> programs;
  std::deque<ChannelConfig> channels;
  std::map<std::string, Accuracy> accuracy;
};

TEST_F(ChamberRules, say_nothing_where_all_want_the_same_or_stand_apart) {
  discharge("ch1", {25, 25});
  discharge("ch2", {25});
  EXPECT_TRUE(judge().empty());
  discharge("ch3", {40});
  channels.back().chamber = "other";
  bench.chambers.push_back({.name = "other", .instrument = "espec", .setpoint_min = Celsius{-40}, .setpoint_max = Celsius{85}});
  EXPECT_TRUE(judge().empty());
}

TEST_F(ChamberRules, warn_each_of_those_that_take_turns) {
  discharge("ch1", {25});
  discharge("ch2", {40, 10});
  const std::vector<ChamberRuling> rulings = judge();
  ASSERT_EQ(rulings.size(), 2u);
  for (std::size_t i = 0; i < rulings.size(); ++i) {
    EXPECT_EQ(rulings[i].guest, i);
    EXPECT_EQ(rulings[i].ruling.kind, Kind::warned);
  }
  EXPECT_THAT(rulings[0].ruling.text, AllOf(HasSubstr("ch1 shares chamber 'oven' with ch2"), HasSubstr("10, 25, 40 degC"),
                                            HasSubstr("they take turns"), HasSubstr("cannot be estimated")));
}

TEST_F(ChamberRules, warn_of_turns_where_two_run_the_same_profile_at_two_temperatures) {
  discharge("ch1", {25, 40});
  discharge("ch2", {25, 40});
  EXPECT_EQ(judge().size(), 2u);
}

TEST_F(ChamberRules, refuse_a_temperature_without_a_chamber) {
  discharge("ch1", {25});
  channels.back().chamber.clear();
  expect_refused("ch1", "the channel has no chamber");
}

TEST_F(ChamberRules, refuse_a_temperature_that_the_bench_file_does_not_allow) {
  bench.chambers.front().setpoint_max = Celsius{40};
  discharge("ch1", {40});
  EXPECT_TRUE(judge().empty()) << "the limit itself is allowed";
  discharge("ch2", {40.5});
  expect_refused("ch2 asks chamber 'oven' for 40.5 degC", "-40 to 40 degC");
}

TEST_F(ChamberRules, refuse_what_the_cell_beside_it_does_not_stand_and_name_both) {
  discharge("ch1", {25});
  discharge("ch2", {54.9});
  expect_none_refused();
  accuracy["oven"] = Accuracy{.offset = 0.5};
  expect_refused("ch2 asks chamber 'oven' for 54.9 degC, where the cell of ch1 stands too", "its upper limit is 55 degC");
}

TEST_F(ChamberRules, refuse_the_cold_that_the_cell_beside_it_does_not_stand) {
  discharge("ch1", {-20});
  programs.back().limits.cell_temperature_min = Celsius{-40};
  discharge("ch2", {25});
  expect_refused("ch1 asks chamber 'oven' for -20 degC, where the cell of ch2 stands too", "its lower limit is -20 degC");
}

TEST_F(ChamberRules, a_limit_that_is_no_number_is_one_that_is_not_kept) {
  discharge("ch1", {25});
  discharge("ch2", {25});
  programs.front().limits.cell_temperature_max = Celsius{std::numeric_limits<double>::quiet_NaN()};
  expect_refused("ch2 asks", "the cell of ch1");
}

TEST_F(ChamberRules, let_a_cell_be_charged_that_has_asked_and_whose_temperature_is_measured) {
  discharge("ch1", {-10});
  add("ch2", {step_of(StepDirection::charge, 25)});
  expect_none_refused();
  channels.back().cell_temperature.reset();
  expect_refused("ch1 asks chamber 'oven' for -10 degC", "nothing measures whether it has them again");
}

// The chamber goes to -10 degC while it is being charged: nobody asked it.
TEST_F(ChamberRules, refuse_cold_beside_a_cell_that_is_charged_without_having_asked) {
  discharge("ch1", {-10});
  add("ch2", {step_of(StepDirection::charge, no_temperature), step_of(StepDirection::charge, 25)});
  channels.back().accept_any_temperature = "no reason is good enough for that";
  expect_refused("ch1 asks chamber 'oven' for -10 degC, where the cell of ch2 stands too", "without having asked");
}

TEST_F(ChamberRules, warn_who_asks_for_nothing_where_the_others_agree_on_one_temperature) {
  discharge("ch1", {30});
  discharge("ch2", {no_temperature});
  const std::vector<ChamberRuling> rulings = judge();
  ASSERT_EQ(rulings.size(), 1u);
  EXPECT_EQ(rulings[0].guest, 1u);
  EXPECT_EQ(rulings[0].ruling.kind, Kind::warned);
  EXPECT_THAT(rulings[0].ruling.text, HasSubstr("ch2 asks for no temperature, and ch1 will have chamber 'oven' at 30 degC"));
}

TEST_F(ChamberRules, refuse_who_asks_for_nothing_where_the_temperature_changes_unless_a_reason_is_given) {
  discharge("ch1", {30});
  discharge("ch3", {10});
  discharge("ch2", {no_temperature});
  expect_refused("ch2 asks for no temperature", "accept_any_temperature");
  channels.back().accept_any_temperature = "a dummy";
  expect_none_refused();
  EXPECT_EQ(judge().back().ruling.kind, Kind::accepted);
  EXPECT_THAT(judge().back().ruling.text, HasSubstr("accepted: a dummy"));
}

TEST_F(ChamberRules, who_asks_later_is_told_that_it_is_moved_until_then) {
  discharge("ch1", {30});
  discharge("ch2", {no_temperature, 10});
  expect_none_refused();
  EXPECT_THAT(judge()[1].ruling.text, HasSubstr("ch2 begins without asking for a temperature"));
  EXPECT_EQ(judge().size(), 3u) << "and both are told of the turns";
}

// ---- how long a wait may be

TEST_F(ChamberRules, a_wait_is_bounded_by_a_week_by_the_programs_or_by_the_bench_file) {
  Program short_one, long_one;
  Step rest;
  rest.time_max_is_normal = true;
  rest.time_max = 1h;
  short_one.code = {rest};
  rest.time_max = 240h;
  long_one.code = {rest};
  const std::vector<const Program*> shorts{&short_one, &short_one}, longs{&short_one, &long_one};
  ChamberConfig& chamber = bench.chambers.front();
  EXPECT_EQ(chamber_wait_max(chamber, shorts), 168h);
  EXPECT_EQ(chamber_wait_max(chamber, longs), 2 * 241h);
  chamber.wait_max = 30min;
  EXPECT_EQ(chamber_wait_max(chamber, longs), 30min);
}

std::string bench_text(const std::string& more) {
  return "bench: b\ninstruments:\n  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "  f4t: {model: watlow-f4t, modbus: \"192.0.2.12:502\"}\n"
         "chambers:\n  oven: {instrument: f4t" +
         more + "}\nchannels:\n  ch1: {cycler: psb1, chamber: oven}\n";
}

TEST(ChamberWaitOfABench, is_read_in_hours_and_refused_where_it_is_none) {
  EXPECT_EQ(parse_bench(bench_text(""), "b.yaml").chambers.front().wait_max, std::nullopt);
  EXPECT_EQ(parse_bench(bench_text(", wait_max_h: 1.5"), "b.yaml").chambers.front().wait_max, std::optional<Duration>{90min});
  for (const std::string bad : {"0", "-1", ".nan", "1e9", "a week"})
    EXPECT_THROW((void)parse_bench(bench_text(", wait_max_h: " + bad), "b.yaml"), ConfigError) << bad;
}

// A pulse train has no direction, and charges.
TEST_F(ChamberRules, refuse_what_a_course_that_charges_does_not_stand) {
  Step pulses = step_of(StepDirection::none, no_temperature);
  pulses.may_charge = true;
  add("ch1", {pulses});
  programs.back().charge_temperature_max = Celsius{45};
  discharge("ch2", {-10});
  expect_refused("ch2", "ch1");
  discharge("ch3", {50});
  channels[1].chamber = "elsewhere";
  bench.chambers.push_back(
      {.name = "elsewhere", .instrument = "espec", .setpoint_min = Celsius{-40}, .setpoint_max = Celsius{85}});
  expect_refused("ch3", "45 degC at most");
}

}  // namespace
}  // namespace cellrig
