// A bench with a press, a gas sensor, a second voltmeter and contacts, by the program's own verbs: what is wrong in its file, and a run from
// check to export.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/program/process.hpp"

namespace cellrig::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

const char* const profile =
    "profile: P\nformat: 1\nrecord: {every_s: 10}\nsteps:\n"
    "  - cc_charge: {rate_C: 0.5, until: [voltage_V >= 4.2, stack_pressure_MPa >= 5.1], at_most_h: 3}\n";

std::string text_of(const std::string& path) {
  std::ifstream stream{path};
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string file_text(const std::string& path) { return text_of(std::string(CELLRIG_SOURCE_DIR) + "/" + path); }

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

std::string with(const std::string& from, const std::string& to) {
  return file_with(replaced(file_text("sim/benches/pressed.yaml"), from, to), "bench.yaml");
}

struct Mistake {
  const char* from;
  const char* to;
  const char* what;
};

TEST(SensorBench, mistakes_in_its_file_are_refused_with_their_place_by_check_and_by_run) {
  const std::string file = file_with(profile, "p.yaml");
  for (const Mistake& m :
       {Mistake{"voltage: {logger: daq, input: 12}", "voltage: {logger: daq, input: 1}", "measures a temperature, not a voltage"},
        Mistake{"voltage: {logger: daq, input: 12}", "voltage: {logger: daq, input: 20}", "'daq' has inputs 0 to 19 only"},
        Mistake{"stack_force: {logger: press, input: 0", "stack_force: {logger: sniffer, input: 0",
                "measures a gas, not a force"},
        Mistake{"gas: {logger: sniffer, input: 0}", "gas: {logger: press, input: 0}", "measures a force, not a gas"},
        Mistake{"area_cm2: 200", "area_cm2: 0", "area_cm2 must be above zero"},
        Mistake{"area_cm2: 200", "area_mm2: 200", "did you mean 'area_cm2'?"},
        Mistake{"{inputs: doors, input: 2}", "{inputs: doors, input: 6}", "'doors' has 6 contacts"},
        Mistake{"{inputs: doors, input: 2}", "{inputs: doors, input: 1}", "listed twice"},
        Mistake{"{inputs: doors, input: 2}", "{inputs: board, input: 0}", "'board' has no contacts"},
        Mistake{"{inputs: doors, input: 2}", "{inputs: door, input: 2}", "did you mean 'doors'?"},
        Mistake{"gas_max_ppm: 50", "gas_max_pmm: 50", "did you mean 'gas_max_ppm'?"},
        Mistake{"gas_max_ppm: 50", "gas_max_ppm: -1", "must be above zero"},
        Mistake{"    gas: {logger: sniffer, input: 0}\n", "", "needs a sensor: this channel has no 'gas'"},
        Mistake{"stack_pressure_min_MPa: 2 ", "stack_pressure_min_MPa: 8 ", "no window"}}) {
    SCOPED_TRACE(m.what);
    const std::string bench = with(m.from, m.to);
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"check", file, "--cell", "sulfide-20", "--bench", bench},
          std::vector<std::string>{"run", file, "--cell", "sulfide-20", "--bench", bench, "--simulated", "--db", "never.db"}}) {
      const Finished done = cellrig(words);
      EXPECT_EQ(done.exit_code, 2) << done.err;
      EXPECT_THAT(done.err, ContainsRegex("bench.yaml:[0-9]+:[0-9]+: "));
      // With --simulated the simulator reads the file first, and says it in its own words.
      if (words.front() == "check") {
        EXPECT_THAT(done.err, HasSubstr(m.what));
      }
    }
  }
}

TEST(SensorBench, a_condition_that_no_sensor_delivers_is_refused_with_file_line_and_column) {
  const std::string file = file_with(profile, "p.yaml");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"check", file, "--cell", "sulfide-20", "--bench", "single"},
        std::vector<std::string>{"run", file, "--cell", "sulfide-20", "--bench", "single", "--simulated", "--db", "never.db"}}) {
    const Finished done = cellrig(words);
    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_THAT(done.err, ContainsRegex("p.yaml:5:[0-9]+: error: 'stack_pressure_MPa >= 5.1' can never be judged"));
  }
}

TEST(SensorBench, is_checked_run_shown_and_exported) {
  const std::string file = file_with(profile, "p.yaml");
  const std::string folder = std::filesystem::path(file).parent_path().string();
  const auto call = [&folder](const std::vector<std::string>& words) { return cellrig(words, {.folder = folder}); };
  const Finished checked = call({"check", "p.yaml", "--cell", "sulfide-20", "--bench", "pressed"});
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
  EXPECT_THAT(checked.err, HasSubstr("has no watchdog"));
  const Finished run = call({"run", "p.yaml", "--cell", "sulfide-20", "--bench", "pressed", "--simulated", "--db", "r.db"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Finished shown = call({"show", "1", "--db", "r.db"});
  EXPECT_THAT(shown.out, HasSubstr("stack_pressure_MPa >= 5.1"));
  EXPECT_THAT(shown.out, ContainsRegex("stack_pressure_MPa +5 +5\\.1"));
  const Finished json = call({"show", "1", "--db", "r.db", "--json"});
  EXPECT_THAT(json.out, HasSubstr("\"interlock_closed\":{\"rows\":1"));
  EXPECT_EQ(call({"export", "1", "--db", "r.db", "-o", "x.csv"}).exit_code, 0);
  EXPECT_EQ(call({"export", "1", "--db", "r.db", "--format", "bdf", "-o", "x.bdf.csv"}).exit_code, 0);
  EXPECT_EQ(call({"export", "1", "--db", "r.db", "--format", "aux"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder + "/run-1-aux.csv"));
  ASSERT_EQ(call({"report", "1", "--db", "r.db", "-o", "r.html"}).exit_code, 0);
  const std::string page = text_of(folder + "/r.html");
  for (const char* limit :
       {"<td>highest stack pressure</td><td class=\"n\">7</td><td>MPa</td>", "<td>gas</td><td class=\"n\">50</td><td>ppm</td>",
        "<td>fastest warming</td><td class=\"n\">1</td><td>K/s</td>"})
    EXPECT_THAT(page, HasSubstr(limit));
}

}  // namespace
}  // namespace cellrig::test
