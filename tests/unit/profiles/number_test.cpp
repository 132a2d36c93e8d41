#include "profiles/number.hpp"

#include <clocale>

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

const SourcePlace here{"f.yaml", 3, 7};

std::string refusal(const std::string& text) {
  return error_of([&] { (void)parse_number(text, here); });
}

TEST(Number, reads_what_people_write) {
  EXPECT_EQ(parse_number("0", here), 0.0);
  EXPECT_EQ(parse_number("-0.5", here), -0.5);
  EXPECT_EQ(parse_number("+12", here), 12.0);
  EXPECT_EQ(parse_number("1e-3", here), 0.001);
  EXPECT_EQ(parse_number("2.5E+1", here), 25.0);
}

// A German keyboard writes 4,2; read as 4 it would overcharge nothing, read as 42 it would.
TEST(Number, refuses_a_decimal_comma_and_shows_the_point) {
  EXPECT_EQ(refusal("4,2"), "f.yaml:3:7: '4,2' is no number: the decimal point is '.', did you mean '4.2'?");
  EXPECT_EQ(refusal("1,000.5"), "f.yaml:3:7: '1,000.5' is no number: the decimal point is '.'");
}

TEST(Number, refuses_what_is_not_finite) {
  EXPECT_EQ(refusal("nan"), "f.yaml:3:7: 'nan' is refused: a number here must be finite");
  EXPECT_EQ(refusal("-inf"), "f.yaml:3:7: '-inf' is refused: a number here must be finite");
  EXPECT_EQ(refusal(".nan"), "f.yaml:3:7: '.nan' is refused: a number here must be finite");
  EXPECT_EQ(refusal("1e999"), "f.yaml:3:7: '1e999' is beyond the range of a number");
}

TEST(Number, refuses_half_numbers_and_units) {
  EXPECT_EQ(refusal("4.2 V"), "f.yaml:3:7: '4.2 V' is no number: write 4.2 alone, its unit is part of the key");
  EXPECT_EQ(refusal(".5"), "f.yaml:3:7: '.5' is no number, did you mean '0.5'?");
  EXPECT_EQ(refusal("0x10"), "f.yaml:3:7: '0x10' is no number: write 0 alone, its unit is part of the key");
  EXPECT_EQ(refusal(""), "f.yaml:3:7: expected a number, found nothing");
  EXPECT_EQ(refusal("fast"), "f.yaml:3:7: 'fast' is no number");
  EXPECT_EQ(refusal("--1"), "f.yaml:3:7: '--1' is no number");
}

TEST(Number, survives_a_locale_with_a_decimal_comma) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"}) {
    if (std::setlocale(LC_ALL, name) != nullptr) break;
  }
  EXPECT_EQ(parse_number("4.2", here), 4.2);
  EXPECT_EQ(format_number(4.2), "4.2");
  std::setlocale(LC_ALL, before.c_str());
}

TEST(Number, writes_what_reads_back_equal) {
  for (const double value : {0.1, 1.0 / 3.0, 4.2, 1e-9, 12345678.9, -30.0, 0.0}) {
    EXPECT_EQ(parse_number(format_number(value), here), value);
  }
  EXPECT_EQ(format_number(-0.0), "0");
  EXPECT_EQ(format_short(1.0 / 3.0), "0.333333");
}

}  // namespace
}  // namespace cellrig::test
