// The rules of the Battery Data Format, written from the format's text and not from our exporter.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace cellrig::db::test {

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

struct BdfFile {
  std::vector<std::string> labels;
  std::vector<std::map<std::string, std::string>> rows;

  [[nodiscard]] bool has(const std::string& label) const {
    return std::find(labels.begin(), labels.end(), label) != labels.end();
  }
  [[nodiscard]] double number(std::size_t row, const std::string& label) const {
    const std::string& cell = rows.at(row).at(label);
    char* end = nullptr;
    const double value = std::strtod(cell.c_str(), &end);
    EXPECT_TRUE(!cell.empty() && *end == '\0') << label << ": '" << cell << "'";
    return value;
  }
};

inline BdfFile read_bdf(const std::string& path) {
  BdfFile file;
  std::istringstream lines(read_file(path));
  std::string line;
  std::getline(lines, line);
  file.labels = split(line);
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = split(line);
    EXPECT_EQ(cells.size(), file.labels.size()) << line;
    std::map<std::string, std::string> row;
    for (std::size_t i = 0; i < cells.size() && i < file.labels.size(); ++i) row[file.labels[i]] = cells[i];
    file.rows.push_back(std::move(row));
  }
  return file;
}

inline void expect_sums(const BdfFile& f, std::size_t row, const std::string& prefix, const std::string& what) {
  const double charging = f.number(row, prefix + "Charging " + what);
  const double discharging = f.number(row, prefix + "Discharging " + what);
  const double tolerance = 1e-6 * (charging + discharging) + 1e-15;
  EXPECT_GE(charging, 0);
  EXPECT_GE(discharging, 0);
  EXPECT_NEAR(f.number(row, prefix + "Cumulative " + what), charging + discharging, tolerance);
  EXPECT_NEAR(f.number(row, prefix + "Net " + what), charging - discharging, tolerance);
}

/// `gaps`: how often the run was interrupted and went on. There, and only there, Unix time runs on without test time.
inline void expect_valid_bdf(const BdfFile& f, int gaps = 0) {
  int gaps_found = 0;
  for (const char* label :
       {"Test Time / s", "Voltage / V", "Current / A", "Unix Time / s", "Cycle Count / 1", "Step Count / 1"}) {
    ASSERT_TRUE(f.has(label)) << label;
  }
  for (std::size_t i = 0; i < f.rows.size(); ++i) {
    EXPECT_NEAR(f.number(i, "Power / W"), f.number(i, "Voltage / V") * f.number(i, "Current / A"), 1e-9);
    for (const char* prefix : {"", "Cycle ", "Step "}) {
      expect_sums(f, i, prefix, "Capacity / Ah");
      expect_sums(f, i, prefix, "Energy / Wh");
    }
    EXPECT_EQ(f.number(i, "Record Index / 1"), static_cast<double>(i + 1));
    if (i == 0) {
      EXPECT_EQ(f.number(0, "Step Record Index / 1"), 1);
      continue;
    }
    const auto step = [&](const char* label) { return f.number(i, label) - f.number(i - 1, label); };
    EXPECT_GE(step("Test Time / s"), 0);
    const double standing_s = step("Unix Time / s") - step("Test Time / s");
    EXPECT_GE(standing_s, -1e-6);
    if (standing_s > 1e-6) ++gaps_found;
    const double cycle = step("Cycle Count / 1");
    EXPECT_TRUE(cycle >= 0 && cycle == std::floor(cycle));
    const double steps = step("Step Count / 1");
    EXPECT_TRUE(steps == 0 || steps == 1) << steps;
    if (steps == 0) {
      EXPECT_EQ(step("Step Record Index / 1"), 1);
      EXPECT_GE(step("Step Time / s"), 0);
    } else {
      EXPECT_EQ(f.number(i, "Step Record Index / 1"), 1);
    }
    for (const char* label : {"Charging Capacity / Ah", "Discharging Capacity / Ah", "Cumulative Capacity / Ah",
                              "Charging Energy / Wh", "Discharging Energy / Wh", "Cumulative Energy / Wh"}) {
      EXPECT_GE(step(label), 0) << label << " row " << i;
      if (cycle == 0) {
        EXPECT_GE(step((std::string("Cycle ") + label).c_str()), 0) << label << " row " << i;
      }
      if (steps == 0) {
        EXPECT_GE(step((std::string("Step ") + label).c_str()), 0) << label << " row " << i;
      }
    }
  }
  EXPECT_EQ(gaps_found, gaps);
}

}  // namespace cellrig::db::test
