#include "tests/bench/review_memory.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <vector>

namespace cellrig::db {
namespace {

constexpr const char* life_profile = R"yaml(profile: A life
format: 1
description: for a measurement of memory
source: none
parameters:
  cycles: {default: 1, min: 1, max: 100000, description: how often}
record: {every_s: 0}
steps:
  - cycles:
      times: parameters.cycles
      reference: true
      steps:
        - cc_charge: {name: charge, rate_C: 0.5, until: voltage_V >= cell.voltage_max_V, at_most_h: 3}
        - rest: {name: rest, for_min: 10}
        - cc_discharge: {name: discharge, rate_C: 1, until: voltage_V <= cell.voltage_min_V, at_most_h: 2, measure: reference, sets_soc_pct: 0}
        - rest: {name: rest after, for_min: 10}
)yaml";

/// Each quantity that goes through the rows of such a run, or through its cycles.
std::string memory_claim(int cycles) {
  std::string text = R"yaml(claim: Memory
format: 1
by: bench
level: cell
source: none
date: "2026"
description: for a measurement of memory
conditions: {soc_window: all, soc_reference: all, rate: all, temperature: all, measured_at: all, thermal_boundary: all, pressure: all, cycle_index: all, cells: all}
runs:
  life: {profile: life.yaml, cell: lg-m50, channel: fine-free, set: {cycles: )yaml" +
                     std::to_string(cycles) + "}}\nstatements:\n";
  for (const auto& [name, unit, rest] :
       std::initializer_list<std::array<const char*, 3>>{{"retention", "%", "reference: discharge"},
                                                         {"capacity", "Ah", "step: discharge"},
                                                         {"voltage_peak", "V", "step: charge"},
                                                         {"voltage_slope_least", "mV/s", "step: charge, window_s: 10"},
                                                         {"cell_temperature_peak", "degC", "step: charge"},
                                                         {"coulombic_efficiency", "%", "step: discharge, reference: charge"},
                                                         {"charge_excess", "%", "step: charge"},
                                                         {"step_time", "min", "step: charge"}}) {
    std::string id = name;
    std::replace(id.begin(), id.end(), '_', '-');
    text += "  " + id + ": {text: what it is, testable: yes, quantity: " + name + ", comparator: report, unit: \"" + unit +
            "\", run: life, " + rest + "}\n";
  }
  return text;
}

/// Of the program with these words, in this folder. Its peak is no less than that of the process that begins it: asked first of all.
struct Peak {
  double MiB = 0;
  int exit_code = -1;
};
Peak peak_of(const std::string& folder, std::vector<std::string> words) {
  words.insert(words.begin(), CELLRIG_PROGRAM);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (chdir(folder.c_str()) != 0) _exit(127);
    const int out = open("said.txt", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out < 0) _exit(127);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execv(pointers[0], pointers.data());
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (child < 0 || wait4(child, &status, 0, &usage) != child) return {};
  return {static_cast<double>(usage.ru_maxrss) / 1024, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

}  // namespace

ProgramPeaks peaks_of_life(const std::string& folder, int cycles) {
  std::ofstream(folder + "/life.yaml") << life_profile;
  const std::string count = std::to_string(cycles), database = "life-" + count + ".db", claim = "claim-" + count + ".yaml";
  std::ofstream(folder + "/" + claim) << memory_claim(cycles);
  const auto done = [&folder](const std::vector<std::string>& words) {
    const Peak peak = peak_of(folder, words);
    if (peak.exit_code == 0 || (words[0] == "verify" && peak.exit_code == 1)) return peak.MiB;  // what is reported is no PASS
    std::fprintf(stderr, "cellrig %s ended with %d\n", words[0].c_str(), peak.exit_code);
    std::exit(1);
  };
  done({"run", "life.yaml", "--simulated", "--set", "cycles=" + count, "--quiet", "--db", database});
  const double report_MiB = done({"report", "1", "--db", database, "-o", "report.html", "--overwrite", "--quiet"});
  const double verify_MiB = done(
      {"verify", "./" + claim, "--recorded", "life=1", "--db", database, "--quiet", "--report", "verdict-" + count + ".html"});
  std::ifstream said(folder + "/said.txt");
  const std::string verdicts{std::istreambuf_iterator<char>{said}, {}};
  if (verdicts.find("NOT RUN") != std::string::npos) {  // a quantity that was not measured read no rows
    std::fprintf(stderr, "%s\n", verdicts.c_str());
    std::exit(1);
  }
  std::filesystem::remove(folder + "/" + database);
  return {report_MiB, verify_MiB};
}

}  // namespace cellrig::db
