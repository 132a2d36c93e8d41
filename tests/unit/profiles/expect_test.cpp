// expect: how far a run may be from its rehearsal.
#include "profiles/expect.hpp"

#include "profiles/canonical.hpp"
#include "profiles/describe.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Program with_expect(const std::string& block) {
  const std::string expect = block.empty() ? "" : "expect: " + block + "\n";
  return compiled("profile: Test\nformat: 1\n" + expect +
                  "parameters: {band_V: 0.1}\nsteps:\n  - cc_charge: {rate_C: 1, until: voltage_V >= 4.1, at_most_h: 2}\n");
}

std::string expect_refusal(const std::string& block) {
  try {
    (void)with_expect(block);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Expect, has_defaults_and_each_key_may_be_given_by_itself) {
  EXPECT_EQ(with_expect("").expectation, Expectation{});
  EXPECT_EQ(with_expect("{}").expectation, Expectation{});
  EXPECT_FALSE(Expectation{}.stops);
  const Expectation made = with_expect("{voltage_V: parameters.band_V / 2, hold_s: 0, on_divergence: stop}").expectation;
  EXPECT_DOUBLE_EQ(made.voltage_V, 0.05);
  EXPECT_EQ(made.hold, 0s);
  EXPECT_TRUE(made.stops);
  EXPECT_EQ(made.temperature_K, Expectation{}.temperature_K);
  EXPECT_EQ(with_expect("{temperature_K: 8, capacity_pct: 10, on_divergence: warn}").expectation,
            (Expectation{.temperature_K = 8.0, .capacity_pct = 10.0}));
}

TEST(Expect, what_makes_no_band_is_refused_with_its_place) {
  EXPECT_THAT(expect_refusal("{voltage_V: 0}"), HasSubstr("p.yaml:3:21: 'voltage_V' must be above 0 to 10, found 0"));
  EXPECT_THAT(expect_refusal("{temperature_K: -1}"), HasSubstr("'temperature_K' must be above 0"));
  EXPECT_THAT(expect_refusal("{capacity_pct: 101}"), HasSubstr("'capacity_pct' must be above 0 to 100"));
  EXPECT_THAT(expect_refusal("{hold_s: -1}"), HasSubstr("'hold_s' must be from 0"));
  EXPECT_THAT(expect_refusal("{hold_s: 1e9}"), HasSubstr("'hold_s'"));
  EXPECT_THAT(expect_refusal("{voltage_V: [1]}"), HasSubstr("needs a number"));
  EXPECT_THAT(expect_refusal("{voltage: 1}"), HasSubstr("did you mean 'voltage_V'"));
  EXPECT_THAT(expect_refusal("{on_divergence: halt}"), HasSubstr("unknown word 'halt'"));
  EXPECT_THAT(expect_refusal("{on_divergence: stopp}"), HasSubstr("did you mean 'stop'"));
  EXPECT_THAT(expect_refusal("{voltage_V: nan}"), testing::Ne("accepted"));
  EXPECT_THAT(expect_refusal("3"), testing::Ne("accepted"));
}

TEST(Expect, is_shown_by_check_where_it_is_not_the_default) {
  EXPECT_THAT(describe(with_expect("{voltage_V: 0.1, on_divergence: stop}")),
              HasSubstr("expected: within 0.1 V, 5 K and 5 % of the rehearsal; stops after 30 s outside\n"));
  EXPECT_THAT(describe(with_expect("")), testing::Not(HasSubstr("expected: within")));
}

// A program from before there was such a thing is still the same program; one that stops is another.
TEST(Expect, is_part_of_the_hash_where_it_is_not_the_default) {
  EXPECT_EQ(with_expect("").hash, with_expect("{voltage_V: 0.05, on_divergence: warn}").hash);
  EXPECT_NE(with_expect("").hash, with_expect("{on_divergence: stop}").hash);
  EXPECT_NE(with_expect("").hash, with_expect("{voltage_V: 0.06}").hash);
  EXPECT_EQ(canonical_text(Expectation{}), "");
}

}  // namespace
}  // namespace cellrig::test
