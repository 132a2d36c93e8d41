// Which alarms keep an exhaust or the siren on, and which are dropped when there are too many.
#include "controller/runtime/service_alarms.hpp"

#include <gtest/gtest.h>

namespace cellrig {
namespace {

AlarmStatus alarm_of(const std::string& channel, const std::string& chamber, const std::string& text,
                     AlarmSeverity severity = AlarmSeverity::alarm) {
  return {.severity = severity, .channel = channel, .chamber = chamber, .text = text};
}
const std::vector<std::string> both{"ch1", "ch2"};

TEST(ServiceAlarms, an_alarm_of_a_chamber_itself_keeps_its_exhaust_and_the_siren_on) {
  ServiceAlarms alarms;
  const std::uint64_t id = alarms.raise(alarm_of("", "oven", "did not confirm that it stopped"))->id;
  EXPECT_TRUE(alarms.has_open_alarm(both, "oven"));
  EXPECT_TRUE(alarms.has_open_alarm(both, "")) << "the siren has no chamber";
  EXPECT_FALSE(alarms.has_open_alarm({"ch3"}, "fridge"));
  alarms.find(id)->acknowledged_by = "Ada";
  EXPECT_FALSE(alarms.has_open_alarm(both, "oven"));
  EXPECT_FALSE(alarms.has_open_alarm(both, ""));
}

TEST(ServiceAlarms, a_neighbours_acknowledged_trip_leaves_the_other_one_open) {
  ServiceAlarms alarms;
  const std::uint64_t hot = alarms.raise(alarm_of("ch1", "oven", "cell too hot", AlarmSeverity::trip))->id;
  const std::uint64_t other = alarms.raise(alarm_of("ch2", "oven", "another channel", AlarmSeverity::trip))->id;
  alarms.find(other)->acknowledged_by = "Ada";
  EXPECT_TRUE(alarms.has_open_alarm(both, "oven"));
  EXPECT_TRUE(alarms.has_open_trip(both));
  alarms.find(hot)->acknowledged_by = "Ada";
  EXPECT_FALSE(alarms.has_open_alarm(both, "oven"));
}

// An acknowledgement that was meant for an alarm of a process that is gone must not close another one.
TEST(ServiceAlarms, have_numbers_that_no_process_before_gave) {
  ServiceAlarms before{1000}, now{2000};
  const std::uint64_t old = before.raise(alarm_of("ch1", "oven", "cell too hot", AlarmSeverity::trip))->id;
  const std::uint64_t id = now.raise(alarm_of("ch1", "oven", "cell too hot", AlarmSeverity::trip))->id;
  EXPECT_GT(id, old);
  EXPECT_EQ(now.find(old), nullptr);
}

TEST(ServiceAlarms, a_warning_keeps_nothing_on) {
  ServiceAlarms alarms;
  (void)alarms.raise(alarm_of("ch1", "oven", "measurement failed", AlarmSeverity::warning));
  EXPECT_FALSE(alarms.has_open_alarm(both, "oven"));
  EXPECT_FALSE(alarms.has_open_alarm(both, ""));
}

TEST(ServiceAlarms, an_open_trip_is_never_dropped_for_room) {
  ServiceAlarms alarms;
  (void)alarms.raise(alarm_of("ch1", "oven", "cell too hot", AlarmSeverity::trip));
  for (std::size_t i = 0; i < 2 * ServiceAlarms::alarms_max; ++i)
    (void)alarms.raise(alarm_of("ch2", "oven", "measurement failed " + std::to_string(i), AlarmSeverity::warning));
  EXPECT_LE(alarms.all().size(), ServiceAlarms::alarms_max);
  EXPECT_TRUE(alarms.has_open_trip({"ch1"}));
}

}  // namespace
}  // namespace cellrig
