// Claim files: what a person writes is read strictly, and every file that comes along can be run.
#include "profiles/claim.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <variant>

#include "profiles/compile.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of_claims() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator{fs::path{CELLRIG_SOURCE_DIR} / "profiles/claims"})
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

const std::string all_conditions =
    "conditions: {soc_window: all, soc_reference: its own, rate: C/3, temperature: 25 degC, measured_at: surface, "
    "thermal_boundary: plates,\n"
    "  pressure: none, cycle_index: new, cells: '3'}\n";
const std::string good_claim =
    "claim: A cell\nformat: 1\nby: somebody\nlevel: cell\nsource: a page\ndate: '2026'\ndescription: words\n" + all_conditions +
    "runs:\n  energy: {profile: cccv-cycle, cell: lg-m50, set: {cycles: 2}, short: {cycles: 1}}\n"
    "statements:\n"
    "  energy: {text: 100 Wh/kg, testable: yes, quantity: specific_energy, comparator: '>=', value: 100, value_from: source, "
    "unit: Wh/kg,\n"
    "    run: energy, step: cc_discharge, variants: [{varies: rate, to: 1C, set: {discharge_rate_C: 1}}]}\n"
    "  range: {text: 1000 km, testable: no, reason: a vehicle}\n";

std::string with(std::string text, const std::string& what, const std::string& instead) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), instead);
}

std::string complaint_of(const std::string& text) {
  try {
    (void)read_claim(text, "a.yaml");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing";
}

TEST(Claim, says_everything_that_was_written) {
  const Claim claim = read_claim(good_claim, "folder/a-cell.yaml");
  EXPECT_EQ(claim.name, "a-cell");
  EXPECT_EQ(claim.bench, "claims");
  EXPECT_EQ(claim.cells, 1);
  ASSERT_EQ(claim.statements.size(), 2U);
  const ClaimStatement& energy = claim.statements[0];
  EXPECT_EQ(energy.quantity, ClaimQuantity::specific_energy);
  EXPECT_EQ(energy.comparator, Comparator::at_least);
  EXPECT_DOUBLE_EQ(energy.value, 100.0);
  EXPECT_EQ(energy.conditions.at("rate").stated, "C/3");
  ASSERT_EQ(energy.variants.size(), 1U);
  EXPECT_EQ(energy.variants[0].own.settings.at("discharge_rate_C"), "1");
  EXPECT_EQ(claim.statements[1].testable, Testable::no);
  ASSERT_NE(claim.run("energy"), nullptr);
  EXPECT_EQ(claim.run("energy")->short_settings.at("cycles"), "1");
  EXPECT_EQ(claim.run("other"), nullptr);
}

// What the source leaves open must be said, and what the bench does instead.
TEST(Claim, nothing_is_left_out_in_silence) {
  EXPECT_THAT(complaint_of(with(good_claim, "rate: C/3, ", "")), testing::HasSubstr("condition 'rate' is missing"));
  const std::string open = with(good_claim, "rate: C/3", "rate: unspecified");
  EXPECT_THAT(complaint_of(open), testing::HasSubstr("'rate' is unspecified, and 'chosen' does not say"));
  const std::string chosen = open + "chosen: {rate: {value: C/3, range: C/20 to 1C}}\n";
  EXPECT_EQ(complaint_of(chosen), "nothing");
  EXPECT_TRUE(read_claim(chosen, "a.yaml").statements[0].conditions.at("rate").is_open());
  EXPECT_THAT(complaint_of(with(chosen, ", range: C/20 to 1C", "")), testing::HasSubstr("range"));
  EXPECT_THAT(complaint_of(with(good_claim, ", reason: a vehicle", "")), testing::HasSubstr("reason"));
  EXPECT_THAT(complaint_of(with(good_claim, ", value_from: source", "")), testing::HasSubstr("value_from"));
}

TEST(Claim, slips_are_told_with_their_place_and_the_nearest_word) {
  EXPECT_THAT(complaint_of(with(good_claim, "quantity: specific_energy", "quantity: specific_enrgy")),
              testing::AllOf(testing::HasSubstr("a.yaml:13:"), testing::HasSubstr("did you mean 'specific_energy'")));
  EXPECT_THAT(complaint_of(with(good_claim, "unit: Wh/kg", "unit: Wh/L")), testing::HasSubstr("did you mean 'Wh/kg'"));
  EXPECT_THAT(complaint_of(with(good_claim, "run: energy", "run: enrgy")), testing::HasSubstr("did you mean 'energy'"));
  EXPECT_THAT(complaint_of(with(good_claim, "varies: rate", "varies: rats")), testing::HasSubstr("did you mean 'rate'"));
  EXPECT_THAT(complaint_of(with(good_claim, "level: cell", "level: cel")), testing::HasSubstr("did you mean 'cell'"));
  EXPECT_THAT(complaint_of(with(good_claim, "comparator: '>='", "comparator: '>'")),
              testing::HasSubstr("'comparator' cannot be"));
  EXPECT_THAT(complaint_of(with(good_claim, ", set: {discharge_rate_C: 1}", "")), testing::HasSubstr("changes nothing"));
  EXPECT_THAT(complaint_of(with(good_claim, "format: 1", "format: 2")), testing::HasSubstr("format 1"));
  EXPECT_THAT(complaint_of(with(good_claim, "by: somebody", "bye: somebody")), testing::HasSubstr("did you mean 'by'"));
  EXPECT_THAT(complaint_of(good_claim + "cells: 0\n"), testing::HasSubstr("'cells' is 1 to"));
  EXPECT_THAT(complaint_of(with(good_claim, "comparator: '>='", "comparator: report")),
              testing::HasSubstr("there is no 'value'"));
  EXPECT_THAT(complaint_of(with(good_claim, "comparator: '>=', value: 100", "comparator: within, value: -5")),
              testing::HasSubstr("'within' needs a 'value' above zero"));
}

/// Step names of a program; what a sub-profile brings is among them.
std::set<std::string> steps_of(const Program& program) {
  std::set<std::string> names;
  for (const Instruction& instruction : program.code) {
    if (const Step* const step = std::get_if<Step>(&instruction)) names.insert(step->name);
  }
  return names;
}

bool has_step(const std::set<std::string>& names, const std::string& wanted) {
  if (!wanted.ends_with('*')) return names.count(wanted) != 0;
  const std::string head = wanted.substr(0, wanted.size() - 1);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return name.starts_with(head); });
}

Program compile_run(const ClaimRun& run, const ClaimRunChange* change, bool shortened) {
  std::map<std::string, std::string> settings = run.settings;
  if (change != nullptr)
    for (const auto& [name, value] : change->settings) settings[name] = value;
  if (shortened)
    for (const auto& [name, value] : run.short_settings) settings[name] = value;
  const std::string cell = change != nullptr && !change->cell.empty() ? change->cell : run.cell;
  const fs::path tree{CELLRIG_SOURCE_DIR};
  fs::path profile;
  for (const auto& entry : fs::recursive_directory_iterator{tree / "profiles/library"}) {
    if (entry.path().stem() == run.profile) profile = entry.path();
  }
  EXPECT_FALSE(profile.empty()) << run.profile;
  return compile(read_profile_file(profile), read_cell_file(tree / "profiles/cells" / (cell + ".yaml")), settings);
}

// It is run on one cell: a spread has none, a weighing has no run.
TEST(Claim, a_lot_and_a_weighing_have_no_variants) {
  EXPECT_NE(complaint_of(with(good_claim, "unit: Wh/kg,", "unit: '%', statistic: relative_spread,")).find("is about a lot"),
            std::string::npos);
  const std::string weighed =
      with(good_claim, "quantity: specific_energy, comparator: '>=', value: 100, value_from: source, unit: Wh/kg",
           "quantity: mass_loss, comparator: '<=', value: 1, value_from: source, unit: '%', measured_before: a, "
           "measured_after: b, measured_standard: 0.1");
  EXPECT_NE(complaint_of(weighed), "");
}

// Two cells side by side: which of them a reading changes is never guessed.
TEST(Claim, a_reading_of_a_comparison_says_what_becomes_of_both_sides) {
  const std::string one_run = "runs:\n  energy: {profile";
  const std::string compared =
      with(with(with(good_claim, one_run, "runs:\n  base: {profile: cccv-cycle, cell: lfp-26650}\n  energy: {profile"),
                "unit: Wh/kg", "unit: '1', against: base"),
           "set: {discharge_rate_C: 1}}", "CHANGE}");
  const auto variant_of = [&](const std::string& change) {
    return read_claim(with(compared, "CHANGE", change), "a.yaml").statements[0].variants.at(0);
  };
  const auto complaint = [&](const std::string& change) { return complaint_of(with(compared, "CHANGE", change)); };
  const std::string rate = "set: {discharge_rate_C: 1}";

  const ClaimVariant both = variant_of(rate + ", against: same");
  EXPECT_EQ(both.against.settings.at("discharge_rate_C"), "1");
  EXPECT_EQ(both.own, both.against);
  EXPECT_FALSE(variant_of(rate + ", against: unchanged").against.changes());
  EXPECT_EQ(variant_of(rate + ", against: {set: {discharge_rate_C: 2}}").against.settings.at("discharge_rate_C"), "2");
  EXPECT_EQ(variant_of("against: {cell: lg-m50}").against.cell, "lg-m50");
  EXPECT_FALSE(variant_of("cell: qse-5").against.changes()) << "another cell takes the place of the first one";
  EXPECT_FALSE(variant_of("value: 2").against.changes());

  EXPECT_THAT(complaint(rate), testing::HasSubstr("say what becomes of the other one"));
  EXPECT_THAT(complaint("channel: x"), testing::HasSubstr("say what becomes of the other one"));
  EXPECT_THAT(complaint("cell: qse-5, against: same"), testing::HasSubstr("compares that cell with itself"));
  EXPECT_THAT(complaint("value: 2, against: same"), testing::HasSubstr("no channel or set to repeat"));
  EXPECT_THAT(complaint(rate + ", against: sane"), testing::HasSubstr("did you mean 'same'"));
  EXPECT_THAT(complaint(rate + ", against: {}"), testing::HasSubstr("'against' changes nothing"));
  EXPECT_THAT(complaint(rate + ", against: {sets: {a: 1}}"), testing::HasSubstr("did you mean 'set'"));
  EXPECT_THAT(complaint_of(with(good_claim, "discharge_rate_C: 1}", "discharge_rate_C: 1}, against: same")),
              testing::HasSubstr("the statement is 'against' nothing"));
}

// What has no ratio of two cells is not compared in silence.
TEST(Claim, a_life_a_weighing_and_an_activation_energy_are_against_nothing) {
  const auto complaint = [&](const std::string& quantity, const std::string& more) {
    return complaint_of(with(with(good_claim, "quantity: specific_energy", "quantity: " + quantity), "unit: Wh/kg",
                             "unit: '1', against: energy, " + more));
  };
  EXPECT_THAT(complaint("retention", "cycles: 100"), testing::HasSubstr("judged cell by cell"));
  EXPECT_THAT(complaint("activation_energy", "cold: energy"), testing::HasSubstr("a ratio already"));
  EXPECT_THAT(complaint("mass_loss", "measured_before: a, measured_after: b, measured_standard: 0.1"),
              testing::HasSubstr("no run to compare with"));
}

// 100 % whatever the cell does.
TEST(Claim, a_step_is_not_its_own_reference) {
  const auto complaint = [&](const std::string& quantity, const std::string& unit, const std::string& reference) {
    return complaint_of(with(with(good_claim, "quantity: specific_energy", "quantity: " + quantity), "unit: Wh/kg",
                             "unit: '" + unit + "', reference: " + reference));
  };
  for (const std::string quantity : {"capacity_ratio", "energy_ratio"}) {
    EXPECT_THAT(
        complaint(quantity, "%", "cc_discharge"),
        testing::AllOf(testing::HasSubstr("a.yaml:13:"), testing::HasSubstr("'reference' is the step itself, 'cc_discharge'"),
                       testing::HasSubstr("'retention'")));
    EXPECT_EQ(complaint(quantity, "%", "other"), "nothing");
  }
  EXPECT_THAT(complaint("self_discharge", "%/month", "cc_discharge"), testing::HasSubstr("is the step itself"));
  EXPECT_THAT(complaint("step_time", "min", "cc_discharge"), testing::HasSubstr("is the step itself"));
  EXPECT_EQ(complaint("coulombic_efficiency", "%", "cc_discharge"), "nothing") << "of one step that charges and discharges";
}

// It was judged as if it said "at least".
TEST(Claim, a_life_is_at_least_so_much_or_reported) {
  const auto complaint = [&](const std::string& limit) {
    return complaint_of(with(with(with(good_claim, "quantity: specific_energy", "quantity: retention"),
                                  "comparator: '>=', value: 100, value_from: source", limit),
                             "unit: Wh/kg", "unit: '%', reference: cc_discharge, cycles: 100"));
  };
  EXPECT_EQ(complaint("comparator: '>=', value: 80, value_from: source"), "nothing");
  EXPECT_EQ(complaint("comparator: report"), "nothing");
  EXPECT_THAT(complaint("comparator: '<=', value: 9, value_from: source, statistic: relative_spread"),
              testing::Not(testing::HasSubstr("a life of 'cycles'")))
      << "a spread of lives is at most so much";
  for (const std::string comparator : {"'<='", "within"})
    EXPECT_THAT(complaint("comparator: " + comparator + ", value: 80, value_from: source"),
                testing::AllOf(testing::HasSubstr("a.yaml:13:"), testing::HasSubstr("a life of 'cycles' keeps '>=' so much")));
}

TEST(Claim, an_exponent_says_of_what) {
  const auto complaint = [&](const std::string& quantity, const std::string& more) {
    return complaint_of(
        with(with(good_claim, "quantity: specific_energy", "quantity: " + quantity), "unit: Wh/kg", "unit: '1'" + more));
  };
  EXPECT_THAT(complaint("loss_exponent", ""), testing::HasSubstr("reference"));
  EXPECT_EQ(complaint("loss_exponent", ", reference: cc_discharge"), "nothing");
  EXPECT_EQ(complaint("pressure_exponent", ""), "nothing");
  EXPECT_THAT(complaint("pressure_exponent", ", against: energy"), testing::HasSubstr("no ratio that means something"));
  EXPECT_EQ(complaint("resistance_growth_exponent", ""), "nothing");
  EXPECT_THAT(complaint("resistance_growth_exponent", ", against: energy"), testing::HasSubstr("no ratio that means something"));
  EXPECT_THAT(complaint("loss_exponents", ""), testing::HasSubstr("did you mean 'loss_exponent'"));
}

TEST(Claim, a_slope_says_over_which_time) {
  const auto complaint = [&](const std::string& quantity, const std::string& more) {
    const std::string unit = quantity == "voltage_slope_least" ? "mV/s" : quantity == "rest_slope_least" ? "mV/day" : "Wh/kg";
    return complaint_of(
        with(with(good_claim, "quantity: specific_energy", "quantity: " + quantity), "unit: Wh/kg", "unit: " + unit + more));
  };
  EXPECT_EQ(complaint("voltage_slope_least", ""), "nothing");
  EXPECT_EQ(complaint("voltage_slope_least", ", window_s: 20"), "nothing");
  EXPECT_THAT(complaint("voltage_slope_least", ", window_s: 0.5"),
              testing::AllOf(testing::HasSubstr("a.yaml:13:"), testing::HasSubstr("'window_s' is 1 to 3600")));
  EXPECT_THAT(complaint("rest_slope_least", ""), testing::HasSubstr("last_h"));
  EXPECT_EQ(complaint("rest_slope_least", ", last_h: 12"), "nothing");
  EXPECT_THAT(complaint("rest_slope_least", ", last_h: 0"), testing::HasSubstr("'last_h' is 0.1 to"));
  EXPECT_THAT(complaint("rest_slope_least", ", last_h: 12, window_s: 5"),
              testing::HasSubstr("'window_s' is of voltage_slope_least"));
  EXPECT_THAT(complaint("specific_energy", ", last_h: 5"), testing::HasSubstr("'last_h' is of rest_slope_least"));
  EXPECT_THAT(complaint("rest_slope_least", ", lasth: 5"), testing::HasSubstr("did you mean 'last_h'"));
  EXPECT_THAT(complaint("rest_slope", ""), testing::HasSubstr("did you mean 'rest_slope_least'"));
}

// A slip in a parameter or a step's name would show after days at a bench.
TEST(Claim, every_file_names_profiles_cells_parameters_and_steps_that_exist) {
  for (const fs::path& file : files_of_claims()) {
    const Claim claim = read_claim_file(file);
    for (const ClaimStatement& s : claim.statements) {
      if (s.run.empty()) continue;
      SCOPED_TRACE(claim.name + "/" + s.id);
      for (const std::string& name : {s.run, s.against, s.cold}) {
        if (name.empty()) continue;
        const Program program = compile_run(*claim.run(name), nullptr, false);
        const std::set<std::string> names = steps_of(program);
        EXPECT_TRUE(s.step.empty() || has_step(names, s.step)) << s.step;
        EXPECT_TRUE(s.reference.empty() || has_step(names, s.reference)) << s.reference;
        EXPECT_NO_THROW((void)compile_run(*claim.run(name), nullptr, true));
      }
      for (const ClaimVariant& variant : s.variants) {
        EXPECT_NO_THROW((void)compile_run(*claim.run(s.run), &variant.own, false)) << variant.to;
        if (s.against.empty()) continue;
        EXPECT_NO_THROW((void)compile_run(*claim.run(s.against), &variant.against, false)) << variant.to;
      }
    }
  }
}

TEST(Claim, every_run_of_a_file_is_used) {
  for (const fs::path& file : files_of_claims()) {
    const Claim claim = read_claim_file(file);
    std::set<std::string> used;
    for (const ClaimStatement& s : claim.statements) used.insert({s.run, s.against, s.cold});
    for (const ClaimRun& run : claim.runs) EXPECT_TRUE(used.count(run.name)) << claim.name << ": " << run.name;
  }
}

// What must be back must not have fallen either; the profile of the pressure sweep says so, too.
TEST(Claim, a_resistance_that_is_to_be_back_is_judged_both_ways) {
  int judged = 0;
  for (const fs::path& file : files_of_claims()) {
    const Claim claim = read_claim_file(file);
    for (const ClaimStatement& s : claim.statements) {
      if (s.quantity != ClaimQuantity::resistance_change || s.run.empty()) continue;
      const std::string& profile = claim.run(s.run)->profile;
      if (profile != "stack-pressure-sweep" && profile != "stack-pressure-cycles") continue;
      EXPECT_TRUE(s.comparator == Comparator::within || s.comparator == Comparator::none) << claim.name << "/" << s.id;
      ++judged;
    }
  }
  EXPECT_EQ(judged, 3);
}

// A life that can be shortened says so, or CI would cycle for minutes and a shortened one pass.
TEST(Claim, every_life_has_a_short_form) {
  for (const fs::path& file : files_of_claims()) {
    const Claim claim = read_claim_file(file);
    for (const ClaimStatement& s : claim.statements) {
      const bool is_long = s.cycles > 0;
      EXPECT_FALSE(is_long && claim.run(s.run)->short_settings.empty()) << claim.name << "/" << s.id;
    }
  }
}

}  // namespace
}  // namespace cellrig::test
