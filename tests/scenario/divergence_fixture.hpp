// Benches whose cells are or are not what their file says, and runs that are compared with their rehearsal.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {

inline std::string bench_with(const std::string& cell) {
  return "bench: b\ninstruments:\n"
         "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
         "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}}\n"
         "simulation:\n  cells:\n    ch1: {file: lg-m50, " +
         cell + "}\n  room_temperature_degC: 25\n";
}

/// One channel of the demonstration bench, in its chamber.
inline std::string bench_in_chamber_with(const std::string& cell) {
  return "bench: b\ninstruments:\n"
         "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "  f4t: {model: watlow-f4t, modbus: \"192.0.2.12:502\"}\n"
         "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
         "chambers:\n  oven: {instrument: f4t}\n"
         "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}, "
         "ambient_temperature: {logger: adam, input: 1}, chamber: oven}\n"
         "simulation:\n  cells:\n    ch1: {file: lg-m50, " +
         cell + "}\n  room_temperature_degC: 25\n";
}

inline const std::string as_declared = "soc_pct: 50";

inline std::string profile_with(const std::string& head, const std::string& steps) {
  return "profile: P\nformat: 1\nrecord: {every_s: 60}\n" + head + "steps:\n" + steps;
}

inline const std::string charge = "  - cccv_charge: {rate_C: 1/2, voltage_V: 4.2, until: rate_C <= 0.05 for 5 s, at_most_h: 8}\n";
inline const std::string rest = "  - rest: {for_min: 30}\n";
inline const std::string discharge = "  - cc_discharge: {rate_C: 1, until: voltage_V <= 2.5, at_most_h: 2}\n";
inline const std::string cycle = charge + rest + discharge + rest;

inline std::vector<db::EventRow> divergences_of(BenchHarness& bench) {
  std::vector<db::EventRow> found;
  for (const db::EventRow& event : events_of(bench, "ch1")) {
    if (event.kind == divergence_event) found.push_back(event);
  }
  return found;
}

inline std::string texts_of(const std::vector<db::EventRow>& events) {
  std::string text;
  for (const db::EventRow& event : events)
    text += fmt::format("{:.0f} s: {}\n", 1e-9 * static_cast<double>(event.test_time_ns), event.message);
  return text;
}

inline HarnessOptions compared(const std::string& bench, const std::string& profile) {
  return {.bench = bench, .profiles = {{"ch1", profile}}, .rehearsed_on = bench_with(as_declared)};
}

}  // namespace cellrig::test
