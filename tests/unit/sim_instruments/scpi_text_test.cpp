#include "sim/instruments/scpi_text.hpp"

#include <gtest/gtest.h>

#include "sim/instruments/scpi_tree.hpp"

namespace cellrig::sim {
namespace {

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

TEST(ScpiTreeTest, refuses_two_meanings_of_one_header) {
  const std::vector<ScpiPattern> patterns{{"VOLTage[:LEVel]", 1}, {"VOLTage", 2}};
  EXPECT_THROW(ScpiTree{patterns}, std::logic_error);
}

}  // namespace
}  // namespace cellrig::sim
