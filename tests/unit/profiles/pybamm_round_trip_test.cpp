// There and back, both ways; and whatever the file holds, an import ends in a profile or in a ConfigError.
#include <algorithm>
#include <filesystem>
#include <random>

#include "profiles/exchange/pybamm_export.hpp"
#include "profiles/exchange/pybamm_import.hpp"
#include "profiles/number.hpp"
#include "profiles/yaml_reader.hpp"
#include "tests/support/sparse.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

PybammExport exported_again(const std::string& profile, const Cell& cell) {
  const Profile read = read_profile(profile, "p.yaml");
  return export_pybamm(read, compile(read, cell));
}

/// PyBaMM -> profile -> program -> PyBaMM.
PybammExport there_and_back(const std::string& text) {
  return exported_again(import_pybamm(read_pybamm(text, "e.py"), "Test").profile_text, test_cell());
}

const std::vector<std::string> experiments{
    "[(\"Discharge at C/10 for 10 hours or until 3.3 V\", \"Rest for 1 hour\", \"Charge at 1 A until 4.1 V\", "
    "\"Hold at 4.1 V until 50 mA\", \"Rest for 1 hour (10 minute period)\")] * 3",
    "[\"Charge at C/3 until 4.2 V\", \"Hold at 4.2 V until C/20\", \"Discharge at 1 W for 30 minutes\", "
    "\"Discharge at 1.5 Ohm until 2.6 V\", \"Charge at 2 W for 10 minutes or until 4 V\"]",
    "([(\"Charge at 0.7C for 20 minutes\", \"Rest for 10 seconds\")] * 2 + [(\"Rest for 1 minute\",) * 5]) * 4",
    "[\"Discharge at C/2 until 3 V\", \"Hold at 3 V for 1 hour or until C/50\", \"Rest for 1 hour or until <2.9 V\", "
    "\"Charge at 1.3 A until >4 V\"]",
    "pybamm.Experiment([pybamm.step.string(\"Discharge at 1C until 2.6 V\", temperature=\"5oC\"), \"Rest for 1 hour\"], "
    "period=\"2 seconds\", temperature=\"25oC\")"};

// Bounds are PyBaMM's own, so that no safety is lost on the way back either.
TEST(PybammRoundTrip, gives_the_same_strings_in_normal_form) {
  for (const std::string& text : experiments) {
    const PybammExperiment original = read_pybamm(text, "e.py");
    const PybammExport back = there_and_back(text);
    EXPECT_EQ(pybamm_strings(back.experiment), pybamm_strings(original)) << text;
    for (const Loss& loss : refused_losses(back.report, {})) ADD_FAILURE() << to_string(loss);
  }
}

TEST(PybammRoundTrip, gives_the_same_loops_periods_and_temperatures) {
  for (const std::string& text : experiments) {
    PybammExperiment original = read_pybamm(text, "e.py");
    if (!original.period_s) original.period_s = 60.0;  // PyBaMM's own
    EXPECT_EQ(write_pybamm(there_and_back(text).experiment, {}), write_pybamm(original, {}));
  }
}

/// Set-points, ends and loops of a program; for rests the time.
std::string essence(const Program& program) {
  std::string text;
  for (const Instruction& instruction : program.code) {
    if (const LoopBegin* const loop = std::get_if<LoopBegin>(&instruction))
      text += (loop->counts_cycles ? "cycles " : "repeat ") + std::to_string(loop->times) + "\n";
    const Step* const step = std::get_if<Step>(&instruction);
    if (step == nullptr || step->name == "chamber") continue;
    text += std::string{bdf_step_type(*step)};
    if (step->setpoint) {
      const CurrentBounds bounds = current_bounds(*step->setpoint);
      text += " " + format_short(bounds.charge.value()) + " " + format_short(bounds.discharge.value());
      if (const ConstantVoltage* const cv = std::get_if<ConstantVoltage>(&*step->setpoint))
        text += " " + format_short(cv->voltage.value());
      if (const ConstantCurrent* const cc = std::get_if<ConstantCurrent>(&*step->setpoint))
        text += " " + format_short(cc->voltage_min.value()) + " " + format_short(cc->voltage_max.value());
    } else {
      text += " for " + format_short(to_seconds(step->time_max));
    }
    for (const EndCondition& end : step->ends) text += " | " + end.text;
    text += "\n";
  }
  return text;
}

std::string library_text(const std::string& name) {
  return read_text_file(std::filesystem::path{CELLRIG_SOURCE_DIR} / "profiles/library" / name);
}

Cell library_cell() { return read_cell_file(std::filesystem::path{CELLRIG_SOURCE_DIR} / "profiles/cells/lg-m50.yaml"); }

std::string essence_after_a_round_trip(const std::string& profile) {
  const std::string python = write_pybamm(exported_again(profile, library_cell()).experiment, {"made by a test"});
  const PybammImport back = import_pybamm(read_pybamm(python, "e.py"), "Test");
  return essence(compile(read_profile(back.profile_text, "back.yaml"), library_cell()));
}

// Nothing in it but charges, rests and discharges: the same program, but for labels and bounds.
TEST(PybammRoundTrip, of_the_library_gives_the_same_set_points_and_ends) {
  const std::string text = library_text("characterisation/cccv-cycle.yaml");
  EXPECT_EQ(essence_after_a_round_trip(text), essence(compile(read_profile(text, "p.yaml"), library_cell())));
}

// A soak becomes a rest as long as its bound; all else is the same.
TEST(PybammRoundTrip, of_the_library_changes_only_what_was_reported) {
  for (const std::string name : {"cycle-life/cycle-life.yaml", "cold-weather/cold-discharge.yaml"}) {
    const std::string text = library_text(name);
    std::string expected = essence(compile(read_profile(text, "p.yaml"), library_cell()));
    for (std::size_t at = expected.find("SOAK"); at != std::string::npos; at = expected.find("SOAK")) {
      const std::size_t end = expected.find('\n', at);
      const std::string line = expected.substr(at, end - at);
      expected.replace(at, end - at, "REST" + line.substr(4, line.find(" |") - 4));
    }
    EXPECT_EQ(essence_after_a_round_trip(text), expected) << name;
  }
}

TEST(PybammRoundTrip, of_every_library_profile_compiles) {
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path{CELLRIG_SOURCE_DIR} / "profiles/library")) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string text = read_text_file(entry.path());
    // Profiles within profiles are not exported, and the table of a drive cycle lies beside its profile, not in this text.
    if (text.find(" file: ") != std::string::npos) continue;
    EXPECT_NO_THROW((void)essence_after_a_round_trip(text)) << entry.path();
  }
}

// ---- robustness -----------------------------------------------------------------------------------------------------

class PybammMutator {
 public:
  std::string next() {
    std::string text = experiments[below(experiments.size())];
    for (std::size_t i = 1 + below(3); i > 0 && !text.empty(); --i) edit(text);
    return text;
  }
  std::string noise() {
    std::string text(below(200), ' ');
    for (char& c : text) c = static_cast<char>(below(256));
    return text;
  }

 private:
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

  void edit(std::string& text) {
    static const std::vector<std::string> fragments{"(",
                                                    ")",
                                                    "[",
                                                    "]",
                                                    "\"",
                                                    ",",
                                                    " * 3",
                                                    " + ",
                                                    "#",
                                                    "\n",
                                                    " until ",
                                                    " for ",
                                                    " or ",
                                                    "C/",
                                                    "1e308",
                                                    "1e-320",
                                                    "-1",
                                                    "0",
                                                    "mA",
                                                    "\xff",
                                                    "Hold at 3 V for 1 s",
                                                    "period",
                                                    "(1 s period)",
                                                    "<",
                                                    ">",
                                                    "{",
                                                    "\\",
                                                    "import"};
    const std::size_t at = below(text.size());
    switch (below(8)) {
      case 0: text[at] = static_cast<char>(below(256)); return;
      case 1: text.erase(at, 1 + below(8)); return;
      case 2: text.insert(at, fragments[below(fragments.size())]); return;
      case 3: text.insert(at, text.substr(below(text.size()), 1 + below(40))); return;
      case 4: text.resize(at); return;
      default: edit_digit(text, at); return;
    }
  }

  void edit_digit(std::string& text, std::size_t at) {
    const std::size_t digit = text.find_first_of("0123456789", at);
    if (digit != std::string::npos) text[digit] = static_cast<char>('0' + below(10));
  }

  std::mt19937 random_{20260301};
};

/// Whether it became a profile. Whatever it became is read, and what compiles is exported.
bool survives(const std::string& text) {
  try {
    const PybammImport made = import_pybamm(read_pybamm(text, "mutant.py"), "Mutant");
    const Profile profile = read_profile(made.profile_text, "made.yaml");
    (void)write_pybamm(export_pybamm(profile, compile(profile, test_cell())).experiment, {});
    return true;
  } catch (const ConfigError& error) {
    // "made.yaml": only numbers that the cell does not allow, or no step that is left to run.
    EXPECT_TRUE(error.place().file == "mutant.py" || error.place().file == "made.yaml") << error.what();
    return false;
  }
}

TEST(PybammMutations, end_in_a_profile_or_in_a_config_error) {
  constexpr int count = 20'000 / sparse_when_sanitized(4);
  PybammMutator mutator;
  int profiles = 0;
  for (int i = 0; i < count; ++i) {
    std::string text = mutator.next();
    profiles += survives(text) ? 1 : 0;
    (void)survives(mutator.noise());
  }
  EXPECT_GT(profiles, count / 50);
  EXPECT_LT(profiles, count * 3 / 4);
}

// What an import makes is always a profile: only what the cell allows remains to be judged.
TEST(PybammMutations, never_make_a_profile_that_the_reader_refuses) {
  PybammMutator mutator;
  for (int i = 0; i < 5'000 / sparse_when_sanitized(4); ++i) {
    const std::string text = mutator.next();
    std::string profile;
    try {
      profile = import_pybamm(read_pybamm(text, "mutant.py"), "Mutant").profile_text;
    } catch (const ConfigError&) {
      continue;
    }
    EXPECT_NO_THROW((void)read_profile(profile, "made.yaml")) << text << "\n" << profile;
  }
}

}  // namespace
}  // namespace cellrig::test
