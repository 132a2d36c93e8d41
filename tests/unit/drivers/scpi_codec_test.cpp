#include "drivers/scpi/codec.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <clocale>
#include <cstdint>
#include <string>

namespace cellrig::scpi {
namespace {

struct NumberRow {
  const char* text;
  const char* unit;
  double value;
};

TEST(ScpiCodec, reads_the_numbers_instruments_send) {
  const std::vector<NumberRow> rows{
      {"0", "", 0.0},
      {"1", "", 1.0},
      {"+8.160000E+01", "", 81.6},
      {"-3.454664E-04", "", -3.454664e-4},
      {"+8192", "", 8192.0},
      {".5", "", 0.5},
      {"5.", "", 5.0},
      {" 4.2 ", "", 4.2},
      {"5.00 A", "A", 5.0},
      {"-8.00 A", "A", -8.0},
      {"32.00V", "V", 32.0},
      {"60 V", "V", 60.0},
      {"5 s", "s", 5.0},
      {"5", "s", 5.0},
      {"1e3", "", 1000.0},
      {"9.7E37", "", 9.7e37},
  };
  for (const NumberRow& row : rows) {
    const Result<Number> number = parse_number(row.text, row.unit);
    ASSERT_TRUE(number) << row.text << ": " << number.error().what;
    EXPECT_EQ(number->quality, Quality::good) << row.text;
    EXPECT_DOUBLE_EQ(number->value, row.value) << row.text;
  }
}

// Short numbers are converted on a way of their own: to the last bit as by the library, and so are those that are just too long for it.
TEST(ScpiCodec, numbers_are_read_to_the_last_bit) {
  std::uint64_t state = 1;
  const auto draw = [&state](std::uint64_t below) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (state >> 33U) % below;
  };
  constexpr int count = 50'000;
  for (int i = 0; i < count; ++i) {
    std::string text;
    const std::uint64_t digits = 1 + draw(18), point = draw(20);
    for (std::uint64_t n = 0; n < digits; ++n) {
      if (n == point) text += '.';
      text += static_cast<char>('0' + draw(10));
    }
    const std::uint64_t form = draw(4);
    if (form > 0) text += form == 1 ? "E" : form == 2 ? "E+" : "e-";
    if (form > 0) text += std::to_string(draw(20));  // below what stands for an overload
    double expected = 0.0;
    ASSERT_EQ(std::from_chars(text.data(), text.data() + text.size(), expected).ec, std::errc{}) << text;
    const Result<Number> number = parse_number(text);
    ASSERT_TRUE(number) << text;
    ASSERT_EQ(number->value, expected) << text;
  }
}

// F17: an answer that is no number is bad quality, never a number.
TEST(ScpiCodec, not_a_number_and_overload_are_bad) {
  for (const char* text : {"9.91E37", "+9.91E+37", "9.910000E+37", "9.9E37", "-9.9E37", "+9.900000E+37", "1E400", "-1E400", "NAN",
                           "nan", "INF", "-INF", "NINF", "OVLD"}) {
    const Result<Number> number = parse_number(text);
    ASSERT_TRUE(number) << text;
    EXPECT_EQ(number->quality, Quality::bad) << text;
    EXPECT_FALSE(parse_setting(text)) << text;
  }
}

TEST(ScpiCodec, what_is_no_number_is_malformed) {
  for (const char* text :
       {"",     " ",   "4,20", "4.2.1",  "+",        "-",   ".",       "E5",    "5E",       "5E+",  "--1", "+-1",
        "0x10", "1 2", "4.2V", "4.2 mA", "infinity", "1;2", "\"4.2\"", "4.2\n", "#15hello", "4..2", "1e",  "1e5x"}) {
    const Result<Number> number = parse_number(text);
    ASSERT_FALSE(number) << text;
    EXPECT_EQ(number.error().fault, Fault::malformed) << text;
  }
  EXPECT_FALSE(parse_number("5.00 V", "A"));
  EXPECT_FALSE(parse_number("5.00 mA", "A"));
}

TEST(ScpiCodec, does_not_depend_on_the_locale) {
  const char* const changed = std::setlocale(LC_ALL, "de_DE.UTF-8");
  EXPECT_DOUBLE_EQ(*parse_setting("4.20"), 4.2);
  EXPECT_FALSE(parse_setting("4,20"));
  EXPECT_EQ(format_number(4.2, 3), "4.200");
  if (changed != nullptr) std::setlocale(LC_ALL, "C");
}

TEST(ScpiCodec, integers_and_booleans) {
  EXPECT_EQ(*parse_integer("+8192"), 8192);
  EXPECT_EQ(*parse_integer("-113"), -113);
  EXPECT_EQ(*parse_integer(" 4 "), 4);
  for (const char* text : {"", "+", "+-1", "1.0", "99999999999", "x", "1 2"}) EXPECT_FALSE(parse_integer(text)) << text;
  EXPECT_TRUE(*parse_boolean("1"));
  EXPECT_TRUE(*parse_boolean("On"));
  EXPECT_FALSE(*parse_boolean("0"));
  EXPECT_FALSE(*parse_boolean("OFF"));
  for (const char* text : {"", "2", "TRUE", "+1", "10"}) EXPECT_FALSE(parse_boolean(text)) << text;
}

TEST(ScpiCodec, error_entries) {
  EXPECT_EQ(parse_error_entry("+0,\"No error\"")->code, 0);
  EXPECT_EQ(parse_error_entry("0, \"No error\"")->text, "No error");
  EXPECT_EQ(parse_error_entry("-113,\"Undefined header\"")->code, -113);
  EXPECT_EQ(parse_error_entry("-1,\"say \"\"no\"\";later\"")->text, "say \"no\";later");
  for (const char* text : {"", "0", "No error", "0,No error", "x,\"No error\"", "0,\"", "0,\"a\"b\""}) {
    EXPECT_FALSE(parse_error_entry(text)) << text;
  }
}

TEST(ScpiCodec, identities_have_four_or_five_fields) {
  const auto four = parse_identity("Agilent Technologies,N6974A,MY63000121,B.02.03.1268");
  ASSERT_TRUE(four);
  EXPECT_EQ(four->model, "N6974A");
  EXPECT_EQ(four->firmware, "B.02.03.1268");
  const auto five = parse_identity("EA ELEKTRO-AUTOMATIK,PSB 10060-60 2U,2810370001,KE 3.10,");
  ASSERT_TRUE(five);
  EXPECT_EQ(five->serial, "2810370001");
  EXPECT_EQ(five->firmware, "KE 3.10");
  for (const char* text : {"", "a,b,c", ",,,", "0-113,\"Undefined header\""}) EXPECT_FALSE(parse_identity(text)) << text;
}

// Found by fuzzing: a tab in a model's name went to the terminal, a byte that is no UTF-8 into JSON.
TEST(ScpiCodec, an_instruments_own_words_are_printable) {
  const auto identity = parse_identity("Maker \xb5,N69\t74A,\x1b[2J,B.02\xff");
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->maker, "Maker ?");
  EXPECT_EQ(identity->model, "N69?74A");
  EXPECT_EQ(identity->serial, "?[2J");
  EXPECT_EQ(identity->firmware, "B.02?");
  EXPECT_EQ(parse_error_entry("-1,\"\x9b 5 \xb5V\"")->text, "? 5 ?V");
}

TEST(ScpiCodec, splits_compound_replies_at_most_n_minus_1_times) {
  const auto values = split_reply("1;2;-113,\"a;b\"", 3);
  ASSERT_TRUE(values);
  EXPECT_EQ((*values)[1], "2");
  EXPECT_EQ((*values)[2], "-113,\"a;b\"");
  EXPECT_FALSE(split_reply("1;2", 3));
  EXPECT_EQ(split_reply("", 1)->size(), 1U);
}

}  // namespace
}  // namespace cellrig::scpi
