// What is written and what must be read back: the two halves of believing a setting.
#include "drivers/scpi/setting.hpp"

#include <gtest/gtest.h>

namespace cellrig::scpi {
namespace {

constexpr Precision millivolts{.digits = 3, .tolerance = 0.001};

TEST(ScpiSetting, is_written_without_locale_exponent_or_a_minus_before_nothing) {
  EXPECT_EQ(command_of(number("VOLT", 4.2, millivolts)), "VOLT 4.200");
  EXPECT_EQ(command_of(number("CURR:LIM:NEG", -0.0, millivolts)), "CURR:LIM:NEG 0.000");
  EXPECT_EQ(command_of(flag("OUTP:PROT:WDOG", true)), "OUTP:PROT:WDOG 1");
  EXPECT_EQ(command_of(word("FUNC", "VOLT", "VOLTage")), "FUNC VOLT");
}

TEST(ScpiSetting, a_number_is_held_within_a_step) {
  const Setting volts = number("VOLT", 4.2, millivolts);
  for (const char* reply : {"4.2", "+4.200000E+00", "4.1995", "4.2005"}) EXPECT_TRUE(*is_held(volts, reply)) << reply;
  for (const char* reply : {"4.19", "4.21", "-4.2", "0"}) EXPECT_FALSE(*is_held(volts, reply)) << reply;
  for (const char* reply : {"", "VOLT", "9.91E37", "4,2", "4.2 A"}) EXPECT_FALSE(is_held(volts, reply).has_value()) << reply;
}

// A protection in coarser steps is as good below what was asked for, and never above it.
TEST(ScpiSetting, an_upper_bound_may_be_kept_lower_but_not_higher) {
  const Setting bound = upper_bound("VOLT:PROT", 4.3, millivolts, 0.05);
  EXPECT_TRUE(*is_held(bound, "4.25"));
  EXPECT_FALSE(*is_held(bound, "4.24"));
  EXPECT_FALSE(*is_held(bound, "4.35"));
}

TEST(ScpiSetting, flags_and_words_are_read_in_every_spelling) {
  EXPECT_TRUE(*is_held(flag("A", true), "1"));
  EXPECT_TRUE(*is_held(flag("A", false), "OFF"));
  EXPECT_FALSE(*is_held(flag("A", true), "0"));
  EXPECT_FALSE(is_held(flag("A", true), "2").has_value());
  const Setting mode = word("FUNC", "VOLT", "VOLTage");
  for (const char* reply : {"VOLT", "VOLTage", "voltage"}) EXPECT_TRUE(*is_held(mode, reply)) << reply;
  for (const char* reply : {"CURR", "VOLTA", "", "+1"}) EXPECT_FALSE(*is_held(mode, reply)) << reply;
}

TEST(ScpiSetting, of_several_writes_the_last_one_must_be_held) {
  const Settings steps{number("A", 0.0, millivolts), number("B", 1.0, millivolts), number("A", 2.0, millivolts)};
  const Settings last = last_of_each(steps);
  EXPECT_EQ(question_of(last), "A?;:B?");
  EXPECT_EQ(last.front().value, "2.000");
}

}  // namespace
}  // namespace cellrig::scpi
