// Every profile that ships compiles with the cell that ships, and a good bench finds nothing to complain about.
#include <algorithm>
#include <filesystem>
#include <set>

#include "profiles/describe.hpp"
#include "profiles/estimate.hpp"
#include "profiles/step_words.hpp"
#include "profiles/yaml_reader.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

const std::filesystem::path root{CELLRIG_SOURCE_DIR};

std::vector<std::filesystem::path> yaml_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Profile library_profile(const std::string& name) { return read_profile(read_text_file(root / "profiles/library" / name), name); }
Cell lg_m50() { return read_cell_file(root / "profiles/cells/lg-m50.yaml"); }

CheckContext good_bench(const std::string& file) {
  CyclerCapabilities cycler;
  cycler.model = "good";
  cycler.voltage_max = Volts{10.0};
  cycler.charge_current_max = Amps{20.0};
  cycler.discharge_current_max = Amps{20.0};
  cycler.power_max = Watts{200.0};
  cycler.has_constant_power = true;
  cycler.over_voltage_protection_max = Volts{11.0};
  cycler.voltage_resolution = Volts{0.0001};
  cycler.voltage_accuracy = Accuracy{0.0002, 0.001};
  cycler.current_accuracy = Accuracy{0.0005, 0.002};
  CheckContext context{file, cycler, ChamberCapabilities{"chamber", Celsius{-40.0}, Celsius{100.0}, Accuracy{0.0, 0.5}},
                       LoggerCapabilities{"logger", Celsius{-100.0}, Celsius{200.0}, Accuracy{0.0, 0.5}, 8, 4}};
  // A load cell of 200 kN on 200 cm2, 10 MPa, for the profiles that press the cell.
  context.sensors[static_cast<std::size_t>(Measurand::stack_force)] =
      LoggerInput{InputQuantity::force, 0.0, 200000.0, Accuracy{0.0, 200.0}};
  context.stack_area_cm2 = 200.0;
  return context;
}

std::string all_findings(const Program& program, const std::string& file) {
  std::string text;
  for (const Finding& finding : check(program, good_bench(file))) text += to_string(finding) + "\n";
  return text;
}

TEST(Library, every_cell_file_reads) {
  for (const auto& file : yaml_files("profiles/cells")) EXPECT_NO_THROW((void)read_cell_file(file)) << file;
  EXPECT_DOUBLE_EQ(lg_m50().nominal_capacity.value(), 5.0);
}

TEST(Library, every_profile_compiles_and_checks_clean) {
  std::set<std::string> hashes;
  const auto files = yaml_files("profiles/library");
  EXPECT_GE(files.size(), 4U);
  for (const auto& file : files) {
    const Profile profile = read_profile_file(file);
    EXPECT_FALSE(profile.description.empty()) << file;
    EXPECT_FALSE(profile.source.empty()) << file;
    const Program program = compile(profile, lg_m50());
    EXPECT_EQ(all_findings(program, file.filename().string()), "");
    EXPECT_TRUE(hashes.insert(program.hash).second) << file;
    EXPECT_GT(estimate_duration(program), Duration::zero()) << file;
  }
}

TEST(Library, every_parameter_says_what_it_is) {
  for (const auto& file : yaml_files("profiles/library")) {
    for (const ParameterSpec& parameter : read_profile_file(file).parameters)
      EXPECT_FALSE(parameter.description.empty()) << file << " " << parameter.name;
  }
}

// The first thing an engineer copies.
TEST(Documentation, the_annotated_example_compiles_and_checks_clean) {
  const std::string page = read_text_file(root / "docs/profile-language.md");
  const std::string open = "```yaml\n";
  const std::size_t begin = page.find(open);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t start = begin + open.size();
  const Profile profile = read_profile(page.substr(start, page.find("```", start) - start), "profile-language.md");
  EXPECT_EQ(all_findings(compile(profile, lg_m50()), "profile-language.md"), "");
}

TEST(Documentation, names_every_word_of_the_language) {
  const std::string page = read_text_file(root / "docs/profile-language.md");
  std::vector<std::string> words = instruction_words();
  for (const StepWord& step : step_words()) {
    for (const std::string& key : keys_of(step)) words.push_back(key);
  }
  for (const auto& more : {condition_words(), result_words(), limit_keys()}) words.insert(words.end(), more.begin(), more.end());
  for (const auto& [name, value] : test_cell().names) words.push_back(name.substr(std::string{"cell."}.size()));
  for (const std::string& word : words) EXPECT_THAT(page, testing::HasSubstr("`" + word)) << word;
}

TEST(Library, the_fast_charge_is_as_fast_as_the_cell_allows) {
  const Program program = compile(library_profile("fast-charge/fast-charge-window.yaml"), lg_m50());
  const auto is_fast = [](const Instruction& i) {
    const Step* step = std::get_if<Step>(&i);
    return step != nullptr && step->measure == Measure::charge_time;
  };
  const auto fast = std::find_if(program.code.begin(), program.code.end(), is_fast);
  ASSERT_NE(fast, program.code.end());
  const Step& step = std::get<Step>(*fast);
  EXPECT_DOUBLE_EQ(std::get<ConstantVoltage>(*step.setpoint).current_max.value(), 10.0);
  EXPECT_DOUBLE_EQ(std::get<ConstantVoltage>(*step.setpoint).voltage.value(), 4.2);
  EXPECT_EQ(step.ends.at(0).text, "soc_pct >= 90");
  EXPECT_TRUE(program.needs_chamber);
  EXPECT_TRUE(program.needs_cell_temperature);
}

// The order is the safety: nothing charges between the cold soak and the warm-up.
TEST(Library, the_cold_profile_never_charges_after_the_cold) {
  const Program program = compile(library_profile("cold-weather/cold-discharge.yaml"), lg_m50());
  bool cold = false;
  for (const Instruction& instruction : program.code) {
    const Step* step = std::get_if<Step>(&instruction);
    if (step == nullptr) continue;
    if (step->chamber_temperature) cold = *step->chamber_temperature < Celsius{0.0};
    EXPECT_FALSE(cold && step->direction == StepDirection::charge) << step->name;
  }
  EXPECT_FALSE(cold);  // it ends warm
}

TEST(Library, a_short_cycle_life_run_is_a_matter_of_parameters) {
  const Program program = compile(library_profile("cycle-life/cycle-life.yaml"), lg_m50(),
                                  {{"cycles_per_block", "3"}, {"blocks_max", "1"}, {"rest_min", "1"}, {"reference_rate_C", "1"}});
  EXPECT_LT(estimate_duration(program), std::chrono::hours{24});
  EXPECT_EQ(all_findings(program, "cycle-life.yaml"), "");
}

TEST(Library, the_cold_of_the_claim_needs_a_cell_that_may_be_colder) {
  const Profile profile = library_profile("cold-weather/cold-discharge.yaml");
  EXPECT_THAT(all_findings(compile(profile, test_cell(), {{"cold_temperature_degC", "-30"}}), "cold-discharge.yaml"),
              testing::HasSubstr("does not nest inside the cell's lower limit of -30 degC"));
}

// Whoever doubts a life looks into the reference cycles and the last ageing cycle before each of them.
TEST(Library, lives_of_claims_record_reference_cycles_and_the_cycle_before_in_full) {
  for (const char* const name : {"claim-life", "fast-charge-life"}) {
    const Program program = compile(library_profile(std::string{"cycle-life/"} + name + ".yaml"), lg_m50());
    std::vector<const LoopBegin*> loops;
    std::size_t in_full = 0, references = 0;
    for (std::size_t i = 0; i < program.code.size(); ++i) {
      const auto* const loop = std::get_if<LoopBegin>(&program.code[i]);
      if (loop == nullptr || !loop->counts_cycles) continue;
      loops.push_back(loop);
      const bool is_in_full =
          std::all_of(program.code.begin() + static_cast<std::ptrdiff_t>(i),
                      program.code.begin() + static_cast<std::ptrdiff_t>(loop->end), [](const Instruction& in) {
                        const auto* const step = std::get_if<Step>(&in);
                        const auto interval_max = step != nullptr && step->setpoint ? 1s : 10s;
                        return step == nullptr || step->record_interval <= interval_max;
                      });
      const bool is_last_of_block = !loop->is_reference && loop->times == 1;
      EXPECT_TRUE(is_in_full || (!loop->is_reference && !is_last_of_block)) << name << ", loop " << loops.size();
      in_full += is_last_of_block ? 1U : 0U;
      references += loop->is_reference ? 1U : 0U;
    }
    EXPECT_EQ(in_full, 1U) << name;
    EXPECT_EQ(references, 2U) << name;
    ASSERT_GE(loops.size(), 2U);
    EXPECT_TRUE(loops.back()->is_reference && !loops[loops.size() - 2]->is_reference && loops[loops.size() - 2]->times == 1)
        << name;
  }
}

}  // namespace
}  // namespace cellrig::test
