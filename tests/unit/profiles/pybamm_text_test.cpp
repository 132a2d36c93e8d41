// One PyBaMM string: every form that PyBaMM reads, the normal form, and mistakes with their place.
#include "profiles/exchange/pybamm_text.hpp"

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

const SourcePlace at_start{"e.py", 3, 10};

PybammStep parsed(const std::string& text) { return parse_pybamm_step(text, at_start); }
std::string normal(const std::string& text) { return to_pybamm(parsed(text)); }
std::string mistake(const std::string& text) {
  return error_of([&] { (void)parsed(text); });
}

TEST(PybammText, reads_a_string_with_everything) {
  const PybammStep step = parsed("Charge at C/10 for 10 hours or until 4.1 V (1 minute period)");
  EXPECT_EQ(step.action, PybammAction::charge);
  EXPECT_EQ(step.value.unit, Unit::c_rate);
  EXPECT_DOUBLE_EQ(step.value.value, 0.1);
  EXPECT_DOUBLE_EQ(step.duration_s.value(), 36'000.0);
  EXPECT_EQ(step.end.value().value.unit, Unit::volt);
  EXPECT_DOUBLE_EQ(step.end->value.value, 4.1);
  EXPECT_EQ(step.end->comparison, '>');
  EXPECT_DOUBLE_EQ(step.period_s.value(), 60.0);
}

// What is already in normal form stays as it is.
TEST(PybammText, writes_what_it_read) {
  for (const std::string text :
       {"Charge at C/10 for 10 hours or until 4.1 V", "Discharge at 1C until 2.5 V", "Discharge at 1.5C for 10 seconds",
        "Charge at 1 A until 4.1 V", "Discharge at 50 mA for 1 hour", "Discharge at 1 W for 30 minutes",
        "Charge at 20 mW until 4.2 V", "Discharge at 1.5 Ohm until 2.5 V", "Discharge at 80 mOhm for 1 second",
        "Hold at 4.1 V until 50 mA", "Hold at 4.1 V until C/50", "Hold at 4.1 V for 1 hour or until C/20",
        "Rest for 1 hour (10 minute period)", "Rest for 1 hour or until <3 V", "Charge at 1C until <4 V",
        "Hold at 4 V until >1 A", "Rest for 90 seconds (0.5 second period)"}) {
    EXPECT_EQ(normal(text), text);
  }
}

TEST(PybammText, has_one_normal_form_for_what_is_the_same) {
  EXPECT_EQ(normal("Charge at 0.1 C until >4.1V"), "Charge at C/10 until 4.1 V");
  EXPECT_EQ(normal("Discharge at 1 C for 0.5 hours"), "Discharge at 1C for 30 minutes");
  EXPECT_EQ(normal("Discharge at 2000 mA for 60 min until 2500 mV"), "Discharge at 2 A for 1 hour or until 2.5 V");
  EXPECT_EQ(normal("Hold at 4.1 V until < 0.05 A"), "Hold at 4.1 V until 50 mA");
  EXPECT_EQ(normal("Rest  for 60 s  (10 seconds period)"), "Rest for 1 minute (10 second period)");
  EXPECT_EQ(normal("Rest for 1 h"), normal("Rest for 1 hr"));
  EXPECT_EQ(normal("Rest for 5 m"), normal("Rest for 5 min"));
  EXPECT_EQ(normal("Rest for 5 sec"), normal("Rest for 5 s"));
}

// PyBaMM takes the '+' of 1e+05 for the beginning of a unit.
TEST(PybammText, writes_large_numbers_without_an_exponent) {
  EXPECT_EQ(normal("Rest for 100001 seconds (100000 second period)"), "Rest for 100001 seconds (100000 second period)");
  EXPECT_EQ(normal("Hold at 4 V until C/100000"), "Hold at 4 V until C/100000");
  EXPECT_EQ(normal("Discharge at 1e6 W for 1 s"), "Discharge at 1000000 W for 1 second");
}

struct TextMistake {
  std::string text, what;
};
void PrintTo(const TextMistake& bad, std::ostream* out) { *out << bad.text; }

class PybammTextMistake : public testing::TestWithParam<TextMistake> {};

TEST_P(PybammTextMistake, is_named_with_its_place) { EXPECT_EQ(mistake(GetParam().text), GetParam().what); }

INSTANTIATE_TEST_SUITE_P(
    All, PybammTextMistake,
    testing::Values(
        TextMistake{"Chrage at 1C until 4.2 V", "e.py:3:10: unknown step 'Chrage', did you mean 'Charge'?"},
        TextMistake{"charge at 1C until 4.2 V", "e.py:3:10: unknown step 'charge', did you mean 'Charge'?"},
        TextMistake{"Run US06 (A)", "e.py:3:10: 'Run' plays a drive cycle: a profile has no step that plays a file"},
        TextMistake{"Charge with 1C until 4.2 V", "e.py:3:17: expected 'at', found 'with' (known: at)"},
        TextMistake{"Charge at 1 Amp until 4.2 V", "e.py:3:22: unknown unit 'Amp', did you mean 'A'?"},
        TextMistake{"Charge at 1 A", "e.py:3:23: a step needs an end: 'for' with a duration, or 'until'"},
        TextMistake{"Charge at 4.2 V until 50 mA",
                    "e.py:3:20: a voltage is held: write 'Hold at' (PyBaMM takes 'Charge at 4.2 V' for -4.2 V)"},
        TextMistake{"Hold at 1 A for 1 hour",
                    "e.py:3:18: 'Hold' holds a voltage: write 'Charge at' or 'Discharge at' for anything else"},
        TextMistake{"Charge at -1 A for 1 hour",
                    "e.py:3:20: found -1, expected a number above zero: the word says the direction, and no current is a rest"},
        TextMistake{"Charge at 0 A for 1 hour",
                    "e.py:3:20: found 0, expected a number above zero: the word says the direction, and no current is a rest"},
        TextMistake{"Hold at 4,2 V until 50 mA", "e.py:3:18: '4,2' is no number: the decimal point is '.', did you mean '4.2'?"},
        TextMistake{"Charge at C/ for 1 hour", "e.py:3:23: expected a number, found 'for 1 hour'"},
        TextMistake{"Rest for 1 hours or untl 3 V", "e.py:3:30: expected 'until', found 'untl', did you mean 'until'?"},
        TextMistake{"Rest for 1 hour untl 3 V", "e.py:3:26: unknown word 'untl', did you mean 'until'?"},
        TextMistake{"Rest for 1 day",
                    "e.py:3:21: unknown unit of time 'day' (known: seconds, minutes, hours, second, minute, hour, sec, "
                    "min, hr, s, m, h)"},
        TextMistake{"Rest for 1 hout", "e.py:3:21: unknown unit of time 'hout', did you mean 'hour'?"},
        TextMistake{"Rest for 0 seconds", "e.py:3:19: a time must lie between 1 ms and 7200 hours"},
        TextMistake{"Rest for 1 hour until 3 V",
                    "e.py:3:32: PyBaMM ignores a voltage without '<' or '>' here: write one of them, or leave it out"},
        TextMistake{"Charge at 1C until 4.2 V for 1 hour", "e.py:3:35: 'for' comes before 'until'"},
        TextMistake{"Charge at 1C until 4.2 V or until 1 A", "e.py:3:35: a string has one 'until' only"},
        TextMistake{"Charge at 1C until 5 W", "e.py:3:29: a step ends by V, mV, A, mA or C, not by W"},
        TextMistake{"Rest for 1 hour (1 minute perid)", "e.py:3:36: expected 'period', found 'perid', did you mean 'period'?"},
        TextMistake{"Rest for 1 hour (1 minute period", "e.py:3:42: expected ')' after 'period'"},
        TextMistake{"Rest for 1 hour, then", "e.py:3:25: ', then' does not belong to a step"}));

TEST(PybammText, reads_times_and_temperatures_of_keywords) {
  EXPECT_DOUBLE_EQ(parse_pybamm_time("30 seconds", at_start), 30.0);
  EXPECT_DOUBLE_EQ(parse_pybamm_temperature("-5oC", at_start), -5.0);
  EXPECT_NEAR(parse_pybamm_temperature("298.15 K", at_start), 25.0, 1e-9);
  EXPECT_EQ(error_of([] { (void)parse_pybamm_temperature("25 degC", at_start); }),
            "e.py:3:13: unknown unit 'degC' of a temperature (known: oC, K)");
  EXPECT_EQ(error_of([] { (void)parse_pybamm_time("1 hour 5", at_start); }), "e.py:3:17: '5' does not belong there");
}

// Where PyBaMM gives up by itself: what an import takes for a bound.
TEST(PybammText, knows_how_long_PyBaMM_lets_a_step_run) {
  EXPECT_DOUBLE_EQ(pybamm_time_max_s(parsed("Charge at C/3 until 4.2 V")), 6 * 3600.0);
  EXPECT_DOUBLE_EQ(pybamm_time_max_s(parsed("Charge at 1 A until 4.2 V")), 24 * 3600.0);
  EXPECT_DOUBLE_EQ(pybamm_time_max_s(parsed("Charge at 1C for 10 minutes or until 4.2 V")), 600.0);
}

}  // namespace
}  // namespace cellrig::test
