#include "profiles/canonical.hpp"

#include <set>

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

const std::string base = R"(profile: Golden
format: 1
parameters: {rate_C: 0.5}
steps:
  - cccv_charge: {rate_C: parameters.rate_C, voltage_V: 4.2, until: [current_A <= 0.25 for 5 s, soc_pct >= 100], at_most_h: 4, sets_soc_pct: 100}
  - cycles: {times: 2, reference: true, steps: [rest: {for_min: 1, temperature_degC: 25}]}
  - require: cycle_count >= 2
)";

TEST(Sha256, known_answers) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// A golden: whoever changes what a profile compiles to sees it here.
TEST(Canonical, golden) {
  EXPECT_EQ(canonical_text(compiled(base)), R"(cellrig program 1
name "Golden"
cell "Test cell"
nominal_capacity_Ah 5
parameters "rate_C = 0.5\n"
voltage_V 2.48 4.22
current_A 10.5 15.75
cell_temperature_degC -30 60
charge_temperature_min_degC 0
charge_capacity_max_Ah 5.76
needs chamber
0 step "cccv_charge" CCCV_CHG
  setpoint cv 4.2 0 2.5
  end 0 "current_A <= 0.25 for 5 s"
  end 1 "soc_pct >= 100"
  time_max 14400000000000ns failure
  record 1000000000ns
  measure 0
  sets_soc_pct 100
1 loop 2 to 3 cycles reference
2 step "rest" REST
  setpoint off
  time_max 60000000000ns normal
  chamber_degC 25
  record 1000000000ns
  measure 0
3 loop_end 1
4 require cycle_count >= 2 "cycle_count >= 2"
node 0 leaf current_A <= 0.25 for 5000000000ns leaf 0 next 0
node 1 leaf soc_pct >= 100 for 0ns leaf 1 next 0
charge_temperature_max_degC 45
)");
  EXPECT_EQ(compiled(base).hash, sha256_hex(canonical_text(compiled(base))));
}

TEST(Hash, changes_with_everything_that_matters) {
  std::set<std::string> hashes{compiled(base).hash};
  std::size_t expected = 1;
  const std::pair<std::string, std::string> changes[] = {
      {"Golden", "Silver"},
      {"{rate_C: 0.5}", "{rate_C: 0.4}"},
      {"0.25 for", "0.26 for"},
      {"for 5 s", "for 6 s"},
      {"voltage_V: 4.2", "voltage_V: 4.19"},
      {"at_most_h: 4", "at_most_h: 5"},
      {"sets_soc_pct: 100", "sets_soc_pct: 99"},
      {"times: 2", "times: 3"},
      {"reference: true, ", ""},
      {"for_min: 1", "for_min: 2"},
      {"temperature_degC: 25", "temperature_degC: 24"},
      {"cycle_count >= 2", "cycle_count > 2"},
      {"require", "stop_if"},
      {"- cycles", "- repeat"},
      {"soc_pct >= 100]", "soc_pct > 100]"},
      {"format: 1", "format: 1\nlimits: {cell_temperature_max_degC: 59}"},
      {"format: 1", "format: 1\nrecord: {every_s: 2}"},
      {"sets_soc_pct: 100", "sets_soc_pct: 100, measure: test"},
      {"sets_soc_pct: 100", "sets_soc_pct: 100, name: other"},
  };
  for (const auto& [from, to] : changes) {
    std::string text = replaced(base, from, to);
    if (from == "- cycles") text = replaced(text, "reference: true, ", "");
    hashes.insert(compiled(text).hash);
    EXPECT_EQ(hashes.size(), ++expected) << from << " -> " << to;
  }
  Cell other = test_cell();
  other.limits.charge_capacity_max = AmpHours{5.0};
  EXPECT_TRUE(hashes.insert(compile(read_profile(base, "p.yaml"), other).hash).second);
}

TEST(Hash, does_not_change_with_comments_blanks_or_description) {
  const std::string commented = replaced(base, "format: 1\n", "\n# a comment\nformat: 1\ndescription: words\n\n");
  EXPECT_EQ(compiled(commented).hash, compiled(base).hash);
}

// Whether a step may be repeated is part of the test: the same procedure with another rule is another program.
TEST(Canonical, the_rule_for_interruptions_is_part_of_the_hash_and_the_step_outweighs_the_profile) {
  const auto hash_with = [](const std::string& top, const std::string& step) {
    return compiled("profile: T\nformat: 1\n" + top + "steps:\n  - rest: {for_s: 1" + step + "}\n").hash;
  };
  const std::string plain = hash_with("", "");
  EXPECT_EQ(hash_with("on_interruption: ask\n", ""), plain);
  std::set<std::string> hashes{plain};
  for (const char* rule : {"resume", "redo_step", "skip_step", "stop"})
    hashes.insert(hash_with("on_interruption: " + std::string(rule) + "\n", ""));
  EXPECT_EQ(hashes.size(), interruption_rule_count);
  EXPECT_EQ(hash_with("on_interruption: stop\n", ", on_interruption: ask"), plain);
  EXPECT_EQ(hash_with("", ", on_interruption: stop"), hash_with("on_interruption: stop\n", ""));
}

}  // namespace
}  // namespace cellrig::test
