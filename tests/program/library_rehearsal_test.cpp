// Every profile of the library is rehearsed on a cell it is made for: it comes to its end, trips nothing, and ends no step by a bound that
// is a failure. The long ones in their short form.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>

#include "tests/program/process.hpp"

namespace cellrig::test {
namespace {

namespace fs = std::filesystem;

/// What is set for a profile whose default takes long. CELLRIG_WHOLE_LIBRARY=1 rehearses them as they are.
const std::map<std::string, std::vector<std::string>>& short_forms() {
  static const std::map<std::string, std::vector<std::string>> forms{
      {"claim-life", {"thin_cycles_per_block=2", "blocks=2"}},
      {"cycle-life", {"cycles_per_block=3", "blocks_max=2"}},
      {"cycle-life-with-diagnostics", {"cycles_max=6", "check_up_every_cycles=3"}},
      {"calendar-storage", {"checkups_max=2", "storage_days=3"}},
      {"dst-life", {"groups_per_block=1", "cycles_per_group=8", "blocks=1"}},
      {"fast-charge-life", {"cycles_per_block=3", "blocks_max=2"}},
      {"gb-38031-fast-charge-cycles", {"cycles_per_block=3", "blocks=2"}},
      {"gb-t-31484-cycle-life", {"cycles_per_block=3", "blocks=2"}},
      {"self-discharge", {"storage_h=72"}},
      {"stack-pressure-cycles", {"repeats=1"}},
  };
  return forms;
}

/// Bench and cell of the profiles that the demonstration bench cannot carry: they need a press with a load cell.
std::vector<std::string> bench_and_cell_for(const std::string& profile) {
  if (profile == "stack-pressure-level" || profile == "stack-pressure-pair" || profile == "stack-pressure-sweep")
    return {"--bench", "pressed", "--cell", "sulfide-20"};
  if (profile == "stack-pressure-cycles") return {"--bench", "presses", "--channel", "pneumatic", "--cell", "sulfide-20"};
  return {"--bench", "demo"};
}

std::vector<std::string> library() {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path{CELLRIG_SOURCE_DIR} / "profiles/library")) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string contents(const fs::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

fs::path file_of(const std::string& profile) {
  for (const auto& entry : fs::recursive_directory_iterator(fs::path{CELLRIG_SOURCE_DIR} / "profiles/library")) {
    if (entry.path().filename() == profile + ".yaml") return entry.path();
  }
  return {};
}

/// Of "about 23 hours": seconds. 0: nothing is said in this form.
double seconds_in(const std::string& text, const std::regex& form) {
  std::smatch found;
  if (!std::regex_search(text, found, form)) return 0.0;
  static const std::map<std::string, double> units{
      {"h", 3600.0}, {"hours", 3600.0}, {"days", 86400.0}, {"months", 30.4 * 86400.0}};
  return std::stod(found[1]) * units.at(found[2]);
}

/// What `check` expects, for the whole test and for its short form: the share of it that was rehearsed.
double expected_s(const std::string& profile, const std::vector<std::string>& settings) {
  std::vector<std::string> words{"check", profile, "--cell", "lg-m50", "--json"};
  for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
  return boost::json::parse(cellrig(words).out).at("expected_duration_s").to_number<double>();
}

/// Whoever plans a week by the head of a profile, or by the page of the library, must not be wrong by more than this.
constexpr double duration_tolerance = 0.15;

void expect_stated_duration(const std::string& profile, double rehearsed_s) {
  static const std::regex in_head{"Expected duration with the defaults: about ([0-9.]+) (hours|days|months)"};
  const double head_s = seconds_in(contents(file_of(profile)), in_head);
  EXPECT_NEAR(head_s, rehearsed_s, duration_tolerance * rehearsed_s) << "the head of " << profile;
  const std::regex in_row{"\\| `" + profile + "` \\|[^\n]*\\| ([0-9.]+) (h|days) \\|"};
  const double row_s = seconds_in(contents(fs::path{CELLRIG_SOURCE_DIR} / "docs/profile-library.md"), in_row);
  EXPECT_NEAR(row_s, rehearsed_s, duration_tolerance * rehearsed_s) << "docs/profile-library.md of " << profile;
}

class LibraryRehearsal : public testing::TestWithParam<std::string> {};

TEST_P(LibraryRehearsal, comes_to_its_end_on_a_cell_it_is_made_for) {
  std::vector<std::string> words{"rehearse", GetParam(), "--json", "--quiet"};
  const std::vector<std::string> setup = bench_and_cell_for(GetParam());
  words.insert(words.end(), setup.begin(), setup.end());
  const bool is_whole = std::getenv("CELLRIG_WHOLE_LIBRARY") != nullptr;
  if (const auto form = short_forms().find(GetParam()); form != short_forms().end() && !is_whole) {
    for (const std::string& setting : form->second) words.insert(words.end(), {"--set", setting});
  }
  Process rehearsal(cellrig_command(words), with_leases({}));
  const std::optional<int> code = rehearsal.wait(Seconds{is_whole ? 600 : 60});
  ASSERT_TRUE(code == 0 || code == 1) << "within ten minutes (in the short form: one)\n" << rehearsal.out() << rehearsal.err();
  const boost::json::value document = boost::json::parse(rehearsal.out());
  EXPECT_EQ(document.at("outcome").as_string(), "completed") << document.at("reason");
  for (const boost::json::value& step : document.at("steps").as_array()) {
    EXPECT_EQ(step.at("timed_out").to_number<int>(), 0) << step;
  }
  for (const boost::json::value& limit : document.at("limits").as_array()) {
    EXPECT_GT(limit.at("margin").to_number<double>(), 0.0) << limit;
  }
  EXPECT_GT(document.at("rows").to_number<double>(), 0.0);
  // What it costs is how often it is looked at: all of them together must fit into this test's time, on any machine.
  constexpr double looks_max = 1'000'000;
  const double looks = document.at("duration_s").to_number<double>() / document.at("control_period_s").to_number<double>();
  EXPECT_TRUE(is_whole || looks <= looks_max) << looks << " looks: give it a short form";
  const auto form = short_forms().find(GetParam());
  const bool is_short = form != short_forms().end() && !is_whole;
  const double share = is_short ? expected_s(GetParam(), form->second) / expected_s(GetParam(), {}) : 1.0;
  expect_stated_duration(GetParam(), document.at("duration_s").to_number<double>() / share);
}

// The claim of the FEST 77 names neither cap nor upper voltage: the result hangs on both, so all of them must be runnable.
TEST(LibraryRehearsal, a_fast_charge_has_the_caps_and_the_upper_voltages_of_the_claim) {
  for (const char* const cap : {"2.5", "3", "4"}) {
    for (const char* const upper : {"4.20", "4.25", "4.30"}) {
      const Finished done = cellrig({"check", "fast-charge-window", "--cell", "fest-77", "--set",
                                     std::string{"charge_rate_C="} + cap, "--set", std::string{"charge_voltage_V="} + upper});
      EXPECT_EQ(done.exit_code, 0) << cap << " C, " << upper << " V: " << done.err;
    }
  }
}

// What a standard wants depends on its edition: whoever compares results must know which one was followed.
TEST(LibraryRehearsal, every_standard_that_a_profile_cites_is_cited_with_its_edition) {
  const std::regex cited{"(ISO [0-9-]+|IEC [0-9-]+|GB/T [0-9.]+|GB [0-9.]+|SAE J[0-9/]+|UN 38\\.3|USABC)"};
  // A year, a number of the revision, or that nobody could look it up. The word alone names none.
  const std::regex edition{
      "^(-(19|20)[0-9]{2}\\b|[^;\n]*(\\bedition (of )?(19|20)?[0-9]+\\b|\\b[Rr]evision [0-9]+\\b|\\bRev\\. "
      "?[0-9]+\\b|\\bUNVERIFIED\\b))"};
  for (const std::string& name : library()) {
    const std::string text = contents(file_of(name));
    const std::size_t begin = text.find("\nsource:");
    ASSERT_NE(begin, std::string::npos) << name << " has no source";
    std::size_t end = text.find('\n', begin + 1);
    while (end + 1 < text.size() && text[end + 1] == ' ') end = text.find('\n', end + 1);
    const std::string source = text.substr(begin, end - begin);
    for (std::sregex_iterator at{source.begin(), source.end(), cited}, last; at != last; ++at)
      EXPECT_TRUE(std::regex_search(at->suffix().str(), edition)) << name << " cites " << at->str() << " without its edition";
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, LibraryRehearsal, testing::ValuesIn(library()),
                         [](const testing::TestParamInfo<std::string>& p) {
                           std::string name = p.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(LibraryRehearsal, every_short_form_is_of_a_profile_that_exists) {
  const std::vector<std::string> names = library();
  for (const auto& [name, settings] : short_forms()) EXPECT_TRUE(std::count(names.begin(), names.end(), name)) << name;
}

// A profile under another ending, or twice under one name, would be rehearsed by nobody.
TEST(LibraryRehearsal, leaves_no_file_of_the_library_out) {
  const fs::path folder = fs::path{CELLRIG_SOURCE_DIR} / "profiles/library";
  std::vector<std::string> names = library();
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end()) << "two of one name";
  std::ifstream page{fs::path{CELLRIG_SOURCE_DIR} / "docs/profile-library.md"};
  const std::string text{std::istreambuf_iterator<char>{page}, {}};
  for (const std::string& name : names) EXPECT_NE(text.find("`" + name + "`"), std::string::npos) << name << " is on no page";
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory()) continue;
    const std::string ending = entry.path().extension();
    EXPECT_TRUE(ending == ".yaml" || ending == ".csv") << entry.path();
    if (ending != ".csv") continue;
    bool is_used = false;
    for (const auto& other : fs::directory_iterator(entry.path().parent_path())) {
      if (other.path().extension() != ".yaml") continue;
      std::ifstream file{other.path()};
      const std::string yaml{std::istreambuf_iterator<char>{file}, {}};
      is_used = is_used || yaml.find("file: " + entry.path().filename().string()) != std::string::npos;
    }
    EXPECT_TRUE(is_used) << entry.path() << " is the table of no profile";
  }
}

}  // namespace
}  // namespace cellrig::test
