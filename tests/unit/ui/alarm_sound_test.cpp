#include "ui/model/alarm_sound.hpp"

#include <gtest/gtest.h>

namespace cellrig::ui {
namespace {

api::AlarmView an_alarm(std::int64_t id, std::int64_t raised_ns = 1000) {
  api::AlarmView alarm;
  alarm.id = id;
  alarm.raised_utc = UtcTime{raised_ns};
  return alarm;
}

TEST(AlarmSound, goes_on_until_the_last_alarm_is_acknowledged) {
  AlarmSound sound;
  sound.look({});
  EXPECT_FALSE(sound.is_on());
  std::vector<api::AlarmView> alarms{an_alarm(1), an_alarm(2)};
  sound.look(alarms);
  EXPECT_TRUE(sound.is_on());
  sound.look(alarms);
  EXPECT_TRUE(sound.is_on());
  alarms[0].acknowledged_by = "jane";
  sound.look(alarms);
  EXPECT_TRUE(sound.is_on());
  alarms[1].acknowledged_by = "jane";
  sound.look(alarms);
  EXPECT_FALSE(sound.is_on());
}

TEST(AlarmSound, that_was_silenced_comes_back_with_the_next_alarm_and_with_no_look_before) {
  AlarmSound sound;
  sound.look({an_alarm(1)});
  sound.silence();
  EXPECT_FALSE(sound.is_on());
  sound.look({an_alarm(1)});
  EXPECT_FALSE(sound.is_on());
  sound.look({an_alarm(2), an_alarm(1)});
  EXPECT_TRUE(sound.is_on());
  sound.look({an_alarm(1)});
  EXPECT_FALSE(sound.is_on()) << "the new one was acknowledged, the old one stays silent";
}

// A service of an earlier version that was started anew counted its alarms from 1.
TEST(AlarmSound, is_not_silenced_by_an_alarm_of_the_process_before) {
  AlarmSound sound;
  sound.look({an_alarm(1, 1000)});
  sound.silence();
  sound.look({});
  sound.look({an_alarm(1, 1000)});
  EXPECT_TRUE(sound.is_on()) << "it was gone meanwhile";
  sound.silence();
  sound.look({an_alarm(1, 9000)});
  EXPECT_TRUE(sound.is_on());
}

}  // namespace
}  // namespace cellrig::ui
