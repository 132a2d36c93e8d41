// docs/briefing.md: no statement without an answer, no answer that names nothing, no claim file that no statement leads to.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace cellrig::test {
namespace {

namespace fs = std::filesystem;

const fs::path root{CELLRIG_SOURCE_DIR};

struct Row {
  std::string statement, claim, why;
};

std::string trimmed(const std::string& text) {
  const std::size_t from = text.find_first_not_of(' ');
  if (from == std::string::npos) return {};
  return text.substr(from, text.find_last_not_of(' ') - from + 1);
}

std::vector<Row> rows_of_briefing() {
  std::ifstream file{root / "docs/briefing.md"};
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| ") || line.starts_with("| statement ")) continue;
    std::vector<std::string> cells;
    std::stringstream parts{line.substr(1)};
    for (std::string cell; std::getline(parts, cell, '|');) cells.push_back(trimmed(cell));
    EXPECT_EQ(cells.size(), 3U) << line;
    if (cells.size() == 3) rows.push_back({cells[0], cells[1], cells[2]});
  }
  return rows;
}

/// All words between backticks.
std::vector<std::string> names_in(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t at = text.find('`'); at != std::string::npos; at = text.find('`', at + 1)) {
    const std::size_t end = text.find('`', at + 1);
    if (end == std::string::npos) break;
    names.push_back(text.substr(at + 1, end - at - 1));
    at = end;
  }
  return names;
}

TEST(Briefing, every_statement_has_a_file_or_a_reason) {
  const std::vector<Row> rows = rows_of_briefing();
  EXPECT_GE(rows.size(), 60U);
  for (const Row& row : rows) {
    EXPECT_FALSE(row.statement.empty());
    const bool has_file = !names_in(row.claim).empty();
    EXPECT_TRUE(has_file || row.claim == "-") << row.statement;
    EXPECT_TRUE(has_file || row.why.size() > 5) << row.statement;
  }
}

/// What the briefing of February 2026 says, by its sections: words that the row of the statement has.
const std::vector<std::vector<std::string>> said{
    // summary
    {"transition from the laboratory to the road"},
    {"Semi-solid-state packs have entered consumer EVs"},
    {"next two to three years determine the winners"},
    {"Remaining hurdles", "yields", "cost", "dendrites", "interfaces"},
    // 1: terms
    {"about 5 % less liquid"},
    {"easier to manufacture", "existing infrastructure"},
    {"liquid replaced entirely", "lithium metal"},
    {"sulfide, oxide, halide", "manufacturing and interface challenges"},
    {"China drafted a national", "terms, classes, coding"},
    // 2: the market
    {"53.95 kWh", "530 km", "400 Wh/kg", "30 to 80 % in 21 min", "2C"},
    {"First affordable production EV", "mass market"},
    {"400 Wh/kg, 1,500 km, 70 % safer, AI"},
    {"third quarter of 2026", "2027", "Jingzhongzhao", "liquid and semi-solid"},
    {"extreme cold, 350 Wh/kg, 1,000 km, September 2026"},
    {"BYD", "2027 to 2030"},
    {"Chery"},
    {"SAIC: similar"},
    {"GAC"},
    {"CATL"},
    {"VW"},
    {"BMW: similar"},
    {"Toyota: similar"},
    {"Honda: similar"},
    {"Hyundai"},
    // 3: prototypes
    {"1,205 km", "lithium-metal anode", "25 % more usable energy", "pneumatic"},
    {"BMW i7", "integration"},
    {"vibration and crash"},
    {"77 Ah", "375 Wh/kg", "600+ cycles", "15 to 90 % in 18 min", "room temperature"},
    {"Mercedes-Benz: partner"},
    {"Stellantis: partner"},
    {"Kia: partner"},
    {"Philenergy"},
    {"Karma", "2027"},
    {"1.1 billion dollars", "FAC"},
    {"growth funding of 100 million"},
    // 4: lines and supply
    {"reproducible manufacturing", "precursors"},
    {"Honda: demonstration line since January 2025"},
    {"Nissan: pilot line", "2028 to 2029"},
    {"Sumitomo", "2028"},
    {"Idemitsu", "1,000 t"},
    {"Lithium sulfide is the key precursor"},
    {"hidden infrastructure"},
    // 5: beside the road
    {"Robotics, aerospace and premium mobility"},
    {"Grid storage", "iron-air, sodium-ion, thermal sand", "long durations"},
    {"Japan"},
    {"China: pilot deployments"},
    {"Europe"},
    {"USA"},
    {"Colombia", "5 million t"},
    // 6: what is to be solved
    {"manufacturing is the bottleneck"},
    {"plating and dendrites"},
    {"Nature Energy"},
    {"crack under volume changes"},
    {"Nature Communications"},
    {"interphases degrade"},
    {"Joule"},
    {"purity and moisture"},
    {"Pilot lines", "reproducibility and cost"},
    {"dry cathode", "formation", "environmental"},
    // 7: the market's future
    {"2026 to 2027"},
    {"2028 to 2029: Nissan and Toyota"},
    {"After 2030"},
    {"remain expensive"},
    {"precursors and automation"},
    {"subsidise early adoption"},
    {"Who is winning", "SAIC", "Factorial", "Mercedes and BMW", "Chinese and Japanese"},
    // 8 and conclusion
    {"no longer \"forever technology\""},
    {"how much and how fast"},
    {"incremental improvement is viable"},
    {"two to three years away", "yield and cost"},
    {"separate claims from hype"},
    {"inflection point", "industrial engineering"},
    {"dominate the next decade"},
    {"Watch pilot lines"},
};

TEST(Briefing, every_statement_of_it_has_a_row) {
  const std::vector<Row> rows = rows_of_briefing();
  for (const std::vector<std::string>& words : said) {
    const bool is_there = std::any_of(rows.begin(), rows.end(), [&words](const Row& row) {
      return std::all_of(words.begin(), words.end(),
                         [&row](const std::string& word) { return row.statement.find(word) != std::string::npos; });
    });
    EXPECT_TRUE(is_there) << "no row with: " << words.front();
  }
}

TEST(Briefing, every_file_that_is_named_exists_and_every_file_is_named) {
  std::set<std::string> named;
  for (const Row& row : rows_of_briefing()) {
    for (const std::string& cell : {row.claim, row.why}) {
      for (const std::string& name : names_in(cell)) {
        named.insert(name);
        EXPECT_TRUE(fs::exists(root / "profiles/claims" / (name + ".yaml"))) << row.statement << ": " << name;
      }
    }
  }
  for (const auto& entry : fs::directory_iterator{root / "profiles/claims"})
    EXPECT_TRUE(named.count(entry.path().stem().string())) << entry.path() << " answers no statement";
}

}  // namespace
}  // namespace cellrig::test
