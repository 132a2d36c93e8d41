// docs/briefing.md: no statement without an answer, no answer that names nothing, no claim file that no statement leads to.
#include <gtest/gtest.h>

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
