// What the tests of this room share: one cell, and short profiles around a few steps.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "profiles/cell.hpp"
#include "profiles/check.hpp"
#include "profiles/compile.hpp"
#include "profiles/reader.hpp"

namespace cellrig::test {

inline const std::string cell_text = R"(name: Test cell
description: 5 Ah, for tests
source: none
classification: {electrolyte_class: liquid}
nominal_capacity_Ah: 5.0
rated_capacity_Ah: 4.8
mass_kg: 0.07
electrode_area_cm2: 1000
voltage_min_V: 2.5
voltage_max_V: 4.2
limits:
  charge_rate_max_C: 2
  discharge_rate_max_C: 3
  cell_temperature_min_degC: -30
  cell_temperature_max_degC: 60
  charge_temperature_min_degC: 0
  charge_temperature_max_degC: 45
model: {anything: [1, 2, {nested: true}]}
)";

inline Cell test_cell() { return read_cell(cell_text, "cell.yaml"); }

/// `steps` begins on line 4, at column 3.
inline std::string profile_text(const std::string& steps) { return "profile: Test\nformat: 1\nsteps:\n" + steps; }

/// The same cell with `rates` as further lines of its limits.
inline Cell cell_with_rates(const std::string& rates) {
  std::string text = cell_text;
  const std::string model = "model: ";
  return read_cell(text.insert(text.find(model), rates), "cell.yaml");
}

inline Program compiled(const std::string& text, const std::map<std::string, std::string>& overrides = {}) {
  return compile(read_profile(text, "p.yaml"), test_cell(), overrides);
}

inline Program compiled_steps(const std::string& steps) { return compiled(profile_text(steps)); }

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// what() of the ConfigError that `action` throws; "no error" otherwise.
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

inline std::string error_in(const std::string& text, const std::map<std::string, std::string>& overrides = {}) {
  return error_of([&] { (void)compiled(text, overrides); });
}

inline std::string error_in_steps(const std::string& steps) { return error_in(profile_text(steps)); }

/// All findings, one per line.
inline std::string findings_of(const Program& program, CheckContext context = {}) {
  context.file = "p.yaml";
  std::string text;
  for (Finding finding : check(program, context)) {
    EXPECT_EQ(finding.place.line > 0, finding.place.column > 0) << "a place has a line and a column: " << to_string(finding);
    finding.place.column = 0;  // the tables below would be hard to read with it
    text += to_string(finding) + "\n";
  }
  return text;
}

inline std::string findings_in_steps(const std::string& steps, const CheckContext& context = {}) {
  return findings_of(compiled_steps(steps), context);
}

}  // namespace cellrig::test
