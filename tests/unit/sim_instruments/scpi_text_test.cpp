#include "sim/instruments/scpi_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/instruments/scpi_tree.hpp"

namespace cellrig::sim {
namespace {

using namespace std::string_literals;

TEST(ScpiNumbers, are_written_with_sign_seven_digits_and_two_digits_of_exponent) {
  const auto text = [](double value) {
    std::string out;
    append_nr3(out, value);
    return out;
  };
  EXPECT_EQ(text(81.6), "+8.160000E+01");
  EXPECT_EQ(text(0.0), "+0.000000E+00");
  EXPECT_EQ(text(-0.0), "+0.000000E+00");
  EXPECT_EQ(text(-12.75), "-1.275000E+01");
  EXPECT_EQ(text(0.08), "+8.000000E-02");
  EXPECT_EQ(text(9.91e37), "+9.910000E+37");
}

TEST(ScpiNumbers, in_fixed_point_are_never_minus_zero) {
  std::string out;
  append_fixed(out, -0.004, 2);
  EXPECT_EQ(out, "0.00");
  out.clear();
  append_fixed(out, -8.0, 2);
  EXPECT_EQ(out, "-8.00");
}

/// Of every size and sign; many of them ties, or one bit beside a tie.
std::vector<double> numbers_to_write() {
  std::vector<double> values{0.0,  1.0,  0.1,   9.9999995, 9.99999949999, 99999.995, 999999.5,
                             1e12, 1e15, 1e-12, 1e-13,     5e-324,        1e300};
  std::uint64_t state = 1;
  const auto draw = [&state] { return state = state * 6364136223846793005U + 1442695040888963407U; };
  constexpr int count = 20'000;
  for (int i = 0; i < count; ++i) {
    const auto whole = static_cast<double>(draw() >> 44U);
    const double scale = std::pow(10.0, static_cast<double>(draw() >> 60U) - 12.0);
    const double tie = (whole + 0.5) * scale;
    for (const double value : {whole * scale, tie, std::nextafter(tie, 0.0), std::nextafter(tie, 1e300)}) values.push_back(value);
  }
  const std::size_t positive = values.size();
  for (std::size_t i = 0; i < positive; ++i) values.push_back(-values[i]);
  return values;
}

TEST(ScpiNumbers, have_the_digits_that_the_library_gives_them) {
  std::array<char, 400> buffer;
  const auto library = [&buffer](double value, std::chars_format format, int decimals) {
    return std::string(buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format, decimals).ptr);
  };
  for (const double value : numbers_to_write()) {
    for (const int decimals : {6, 8}) {
      std::string expected = library(std::fabs(value), std::chars_format::scientific, decimals);
      std::replace(expected.begin(), expected.end(), 'e', 'E');
      expected.insert(0, value < 0 ? "-" : "+");
      std::string out;
      append_nr3(out, value, decimals);
      ASSERT_EQ(out, expected);
    }
    for (const int decimals : {0, 2, 3, 5}) {
      const bool is_none = !(std::fabs(value) < 1e15) || std::fabs(value) < std::pow(10.0, -decimals) / 2;
      std::string out;
      append_fixed(out, value, decimals);
      ASSERT_EQ(out, library(is_none ? 0.0 : value, std::chars_format::fixed, decimals)) << value;
    }
  }
}

TEST(ScpiNumbers, are_read_strictly) {
  EXPECT_EQ(parse_number("4.2"), 4.2);
  EXPECT_EQ(parse_number("+4.2E-1"), 0.42);
  EXPECT_EQ(parse_number("4.2 V", "V"), 4.2);
  EXPECT_EQ(parse_number("4.2v", "V"), 4.2);
  for (const char* bad : {"", "+", "4,2", "4.2 V", "nan", "inf", "0x10", "--1", "+-1", "1e999", "V"}) {
    EXPECT_EQ(parse_number(bad), std::nullopt) << bad;
  }
}

TEST(ScpiUnits, are_split_at_semicolons_outside_quotes) {
  std::string_view message = "VOLT 4.2 ; :SYST:SIGN:DEF EXPR1,\"a;b\";OUTP?";
  ScpiUnit unit;
  ASSERT_TRUE(next_unit(message, unit));
  EXPECT_EQ(unit.header, "VOLT");
  EXPECT_EQ(unit.arguments, "4.2");
  ASSERT_TRUE(next_unit(message, unit));
  EXPECT_EQ(unit.arguments, "EXPR1,\"a;b\"");
  ASSERT_TRUE(next_unit(message, unit));
  EXPECT_TRUE(unit.query);
  EXPECT_FALSE(next_unit(message, unit));
}

TEST(ScpiTreeTest, finds_short_long_and_optional_forms_and_nothing_else) {
  const std::vector<ScpiPattern> patterns{{"[SOURce:]VOLTage[:LEVel]", 1}, {"SENSe:THReshold#:FUNCtion", 2}, {"*IDN", 3}};
  const ScpiTree tree{patterns};
  for (const char* header : {"VOLT", "voltage", "SOUR:VOLT", ":SOURCE:VOLT:LEV", "VOLT:LEVel", "VOLT1"}) {
    EXPECT_EQ(tree.find(header, ScpiTree::root).command, 1) << header;
  }
  EXPECT_EQ(tree.find("SENS:THR3:FUNC", ScpiTree::root).suffix, 3);
  EXPECT_EQ(tree.find("SENS:THR:FUNC", ScpiTree::root).suffix, 1);
  for (const char* header :
       {"", ":", "VOLTA", "VOL", "VOLT:", ":VOLT:FOO", "VOLT2", "SOUR", ":*IDN", "VOLT::LEV", "AVERYVERYVERYLONGMNEMONIC"}) {
    EXPECT_EQ(tree.find(header, ScpiTree::root).command, ScpiTree::no_command) << header;
  }
}

TEST(ScpiTreeTest, recent_headers_say_what_the_tree_says_however_often_they_are_asked) {
  const std::array patterns{ScpiPattern{"MEASure:VOLTage", 1}, ScpiPattern{"MEASure:CURRent", 2},
                            ScpiPattern{"SENSe:THReshold#", 3}, ScpiPattern{"CURRent", 4}, ScpiPattern{"*IDN", 5}};
  const ScpiTree tree{patterns};
  RecentHeaders recent;
  const ScpiTree::Node within_measure = tree.find("MEAS:VOLT", ScpiTree::root).parent;
  const std::string long_one(100, 'X');
  for (int round = 0; round < 3; ++round) {
    for (const std::string& header : {"MEAS:VOLT"s, "meas:volt"s, "CURR"s, "*IDN"s, "SENS:THR2"s, "SENS:THR3"s, ""s, "NONE"s,
                                      ":CURR"s, "MEAS:CURR"s, long_one}) {
      for (const ScpiTree::Node from : {ScpiTree::root, within_measure}) {
        const ScpiTree::Match expected = tree.find(header, from);
        const ScpiTree::Match match = recent.find(tree, header, from);
        EXPECT_EQ(match.command, expected.command) << header;
        EXPECT_EQ(match.suffix, expected.suffix) << header;
        EXPECT_EQ(match.parent, expected.parent) << header;
      }
    }
  }
}

TEST(ScpiTreeTest, refuses_two_meanings_of_one_header) {
  const std::vector<ScpiPattern> patterns{{"VOLTage[:LEVel]", 1}, {"VOLTage", 2}};
  EXPECT_THROW(ScpiTree{patterns}, std::logic_error);
}

}  // namespace
}  // namespace cellrig::sim
