#include "controller/base/config_error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cellrig {
namespace {

const std::vector<std::string> steps{"cc_charge", "cc_discharge", "cccv_charge", "rest", "soak"};

TEST(ConfigError, says_file_line_column_and_message_so_that_an_editor_can_jump_there) {
  const ConfigError error{SourcePlace{"profiles/dst.yaml", 12, 7}, "unknown step"};
  EXPECT_STREQ(error.what(), "profiles/dst.yaml:12:7: unknown step");
  EXPECT_EQ(error.message(), "unknown step");
  EXPECT_EQ(error.place().line, 12);
  EXPECT_EQ(error.place().column, 7);
}

TEST(ConfigError, leaves_out_what_is_not_known_of_the_place) {
  const ConfigError whole_line{SourcePlace{"a.yaml", 3, 0}, "m"};
  EXPECT_STREQ(whole_line.what(), "a.yaml:3: m");
  const ConfigError whole_file{SourcePlace{"a.yaml", 0, 0}, "m"};
  EXPECT_STREQ(whole_file.what(), "a.yaml: m");
  EXPECT_EQ(to_string(SourcePlace{"a.yaml", 0, 9}), "a.yaml") << "a column without a line says nothing";
}

TEST(NearestWord, finds_the_word_that_was_meant) {
  EXPECT_EQ(nearest_word("cc_chage", steps), "cc_charge");
  EXPECT_EQ(nearest_word("ccharge", steps), "cc_charge");
  EXPECT_EQ(nearest_word("cccv_chrage", steps), "cccv_charge");
  EXPECT_EQ(nearest_word("Rest", steps), "rest");
  EXPECT_EQ(nearest_word("soack", steps), "soak");
}

TEST(NearestWord, prefers_the_word_itself) { EXPECT_EQ(nearest_word("cc_discharge", steps), "cc_discharge"); }

TEST(NearestWord, is_empty_when_nothing_is_near_enough_to_be_meant) {
  EXPECT_EQ(nearest_word("temperature", steps), "");
  EXPECT_EQ(nearest_word("x", steps), "");
  EXPECT_EQ(nearest_word("", steps), "");
  EXPECT_EQ(nearest_word("cc_charge", {}), "");
}

TEST(Suggestion, asks_for_the_near_word) { EXPECT_EQ(suggestion("rset", steps), ", did you mean 'rest'?"); }

TEST(Suggestion, lists_what_is_known_when_nothing_is_near) {
  EXPECT_EQ(suggestion("temperature", {"rest", "soak"}), " (known: rest, soak)");
}

// Far by its letters, and yet what was meant.
TEST(Suggestion, knows_a_word_by_its_beginning) {
  EXPECT_EQ(suggestion("charg", {"large", "charge-time", "charge-time-cold"}), ", did you mean 'charge-time'?");
  EXPECT_EQ(suggestion("ch", {"charge-time"}), " (known: charge-time)");
}

TEST(Suggestion, says_nothing_when_there_is_nothing_to_suggest) { EXPECT_EQ(suggestion("rest", {}), ""); }

// Found by fuzzing: a key of 200 kB, or with an escape sequence in it, went to the terminal as it was.
TEST(ConfigError, what_a_file_says_is_shown_in_bounds_and_spoils_no_terminal) {
  const ConfigError endless{SourcePlace{"p.yaml", 1, 3}, "unknown key '" + std::string(200'000, 'k') + "', did you mean 'kind'?"};
  EXPECT_LT(endless.message().size(), 2100U);
  EXPECT_TRUE(std::string_view{endless.what()}.starts_with("p.yaml:1:3: unknown key 'kkk"));
  EXPECT_TRUE(endless.message().ends_with("did you mean 'kind'?"));
  EXPECT_EQ((ConfigError{{}, "unknown key '\x1b[2J\x7f', 25 \xc2\xb0\x43"}.message()), "unknown key '?[2J?', 25 \xc2\xb0\x43");
}

}  // namespace
}  // namespace cellrig
