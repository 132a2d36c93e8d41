// record: which observations become rows, in a profile and in a step; and the words of the newer conditions and results.
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string charge_head = "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.1, at_most_h: 2";

Program with_record(const std::string& profile_rule, const std::string& step_rule) {
  const std::string record = profile_rule.empty() ? "" : "record: " + profile_rule + "\n";
  return compiled("profile: Test\nformat: 1\n" + record + "steps:\n" + charge_head + step_rule + "}\n");
}

std::string record_refusal(const std::string& profile_rule, const std::string& step_rule) {
  try {
    (void)with_record(profile_rule, step_rule);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(RecordRule, a_step_replaces_the_profile_key_by_key) {
  const Program program =
      with_record("{every_s: 60, voltage_change_V: 0.01, at_s: [1, 2]}", ", record: {voltage_change_V: 0.005}");
  const Step& step = std::get<Step>(program.code.front());
  EXPECT_EQ(step.record_interval, 60s);
  EXPECT_EQ(step.record_changes.voltage_V, 0.005);
  EXPECT_EQ(step.record_at, (std::vector<Duration>{1s, 2s}));
  const Program other = with_record("{current_change_A: 0.1}",
                                    ", record: {every_s: 0, at_s: [18, 0.1], capacity_change_Ah: 0.2, temperature_change_K: 1}");
  const Step& another = std::get<Step>(other.code.front());
  EXPECT_EQ(another.record_interval, 0s);
  EXPECT_EQ(another.record_at, (std::vector<Duration>{100ms, 18s})) << "in the order of time";
  EXPECT_EQ(another.record_changes.current_A, 0.1);
  EXPECT_EQ(another.record_changes.capacity_Ah, 0.2);
  EXPECT_EQ(another.record_changes.temperature_K, 1.0);
}

TEST(RecordRule, is_part_of_the_hash_and_what_is_not_given_is_not) {
  const std::string plain = with_record("{every_s: 60}", "").hash;
  EXPECT_NE(with_record("{every_s: 60, voltage_change_V: 0.01}", "").hash, plain);
  EXPECT_NE(with_record("{every_s: 60, at_s: [1]}", "").hash, plain);
  EXPECT_EQ(with_record("", ", record: {every_s: 60}").hash, plain);
}

TEST(RecordRule, mistakes_are_refused_with_their_place_and_the_nearest_word) {
  EXPECT_THAT(record_refusal("{evry_s: 60}", ""), HasSubstr("did you mean 'every_s'?"));
  EXPECT_THAT(record_refusal("{voltage_change_mV: 5}", ""), HasSubstr("did you mean 'voltage_change_V'?"));
  EXPECT_THAT(record_refusal("{voltage_change_V: 0}", ""), HasSubstr("must be above zero"));
  EXPECT_THAT(record_refusal("{voltage_change_V: -1}", ""), HasSubstr("must be above zero"));
  EXPECT_THAT(record_refusal("", ", record_every_s: 5, record: {every_s: 6}"), HasSubstr("exclude each other"));
  EXPECT_THAT(record_refusal("", ", record: {at_s: [-1]}"), HasSubstr("at_s"));
  EXPECT_THAT(record_refusal("", ", record: 5"), HasSubstr("record"));
  std::string many = "0";
  for (std::size_t i = 1; i <= record_points_max; ++i) many += ", " + std::to_string(i);
  EXPECT_THAT(record_refusal("", ", record: {at_s: [" + many + "]}"), HasSubstr("more than 32 times"));
}

TEST(NewConditions, what_can_never_hold_or_holds_at_once_is_told) {
  struct Case {
    const char* steps;
    const char* says;
  };
  for (const Case& c : {
           Case{"rest: {until: power_W >= 1, at_most_h: 1}", "error: 'power_W >= 1' can never be reached: the output is off"},
           Case{"rest: {until: cv_time_s >= 1, at_most_h: 1}", "error: 'cv_time_s >= 1' can never be reached"},
           Case{"cc_charge: {rate_C: 1, until: power_W >= 1000, at_most_h: 1}", "error: 'power_W >= 1000' can never be reached"},
           Case{"cc_charge: {rate_C: 1, until: power_W <= 1000, at_most_h: 1}", "error: 'power_W <= 1000' holds from the start"},
           Case{"cc_charge: {rate_C: 1, until: cv_time_min <= 3, at_most_h: 1}",
                "warning: 'cv_time_s <= 180' holds from the start"},
           Case{"cc_charge: {rate_C: 1, until: cv_time_h >= 2, at_most_h: 1}", "error: 'cv_time_s >= 7200' can never be reached"},
           Case{"cc_charge: {rate_C: 1, until: voltage_drop_V <= 0.1, at_most_h: 1}",
                "warning: 'voltage_drop_V <= 0.1' holds from the start"},
           Case{"cc_charge: {rate_C: 1, until: voltage_drop_V < 0, at_most_h: 1}",
                "error: 'voltage_drop_V < 0' can never be reached"},
           Case{"rest: {until: voltage_per_hour_V <= 0.1, at_most_min: 5}",
                "error: 'voltage_per_hour_V <= 0.1' can never be reached"},
           Case{"rest: {until: voltage_per_minute_V <= 0.1, at_most_s: 30}", "can never be reached"},
       })
    EXPECT_THAT(findings_in_steps(std::string{"  - "} + c.steps + "\n"), HasSubstr(c.says)) << c.steps;
  EXPECT_EQ(
      findings_in_steps(
          "  - cc_discharge: {rate_C: 1, until: [voltage_drop_V >= 0.1, temperature_rise_K >= 5, power_W <= 3], at_most_h: 1}\n"),
      "");
  EXPECT_THAT(
      findings_in_steps("  - cc_charge: {rate_C: 1, until: {all: [voltage_drop_V <= 0.05, step_time_min >= 5]}, at_most_h: 1}\n"),
      testing::Not(HasSubstr("error")))
      << "half of a group may hold from the start";
}

TEST(NewConditions, a_change_of_temperature_needs_somebody_who_measures_it) {
  EXPECT_TRUE(compiled(profile_text("  - rest: {until: temperature_per_hour_K <= 0.1, at_most_h: 1}\n")).needs_cell_temperature);
  EXPECT_TRUE(
      compiled(profile_text("  - rest: {for_s: 1}\n  - stop_if: cell_temperature_peak_degC >= 45\n")).needs_cell_temperature)
      << "whoever writes it as a guard relies on it";
  EXPECT_FALSE(compiled(profile_text("  - rest: {until: voltage_per_hour_V <= 0.1, at_most_h: 1}\n")).needs_cell_temperature);
}

TEST(NewResults, say_what_they_need) {
  EXPECT_THAT(findings_in_steps("  - rest: {for_s: 1}\n  - require: resistance_Ohm <= 1\n"), HasSubstr("'measure: resistance'"));
  EXPECT_THAT(findings_in_steps("  - rest: {for_s: 1}\n  - require: coulombic_efficiency_pct >= 99\n"), HasSubstr("'cycles'"));
  EXPECT_THAT(findings_in_steps("  - cycles:\n      times: 2\n      steps:\n        - rest: {for_s: 1}\n        - require: "
                                "coulombic_efficiency_pct >= 99\n"),
              HasSubstr("warning"))
      << "unknown in the first pass";
  EXPECT_EQ(findings_in_steps("  - rest: {for_s: 1}\n  - require: cell_temperature_peak_degC <= 50\n"), "");
}

}  // namespace
}  // namespace cellrig::test
