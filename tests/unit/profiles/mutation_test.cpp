// A profile is written by hand and mailed around: whatever is in the file, reading it ends in a program or in a ConfigError.
#include <algorithm>
#include <filesystem>
#include <random>

#include "profiles/describe.hpp"
#include "profiles/yaml_reader.hpp"
#include "tests/support/sparse.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

constexpr int mutation_count = 20'000 / sparse_when_sanitized(4);
constexpr std::uint32_t seed = 20260227;

/// Without the comments, so that most mutations hit something that matters.
std::string stripped(const std::string& text) {
  std::string result;
  std::size_t start = 0;
  while (start < text.size()) {
    std::size_t end = text.find('\n', start);
    if (end == std::string::npos) end = text.size();
    const std::string line = text.substr(start, end - start);
    const std::size_t first = line.find_first_not_of(' ');
    if (first != std::string::npos && line[first] != '#') result += line + "\n";
    start = end + 1;
  }
  return result;
}

class Mutator {
 public:
  explicit Mutator(std::vector<std::string> seeds) : seeds_{std::move(seeds)} {}

  std::string next() {
    std::string text = seeds_[below(seeds_.size())];
    const std::size_t edits = 1 + below(3);
    for (std::size_t i = 0; i < edits && !text.empty(); ++i) edit(text);
    return text;
  }

 private:
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

  void edit(std::string& text) {
    static const std::vector<std::string> fragments{
        "{",           "}",     "[",     "]",     ": ",   "- ",  "\n",   "  ",    "'", "\"", "&a ", "*a",  "!!x ",   "| \n",
        "> \n",        "0",     "-1",    "1e308", "nan",  "/ 0", "*",    "(",     ")", ">=", "for", "all", "any",    "cell.",
        "parameters.", "times", "until", "steps", "rest", "\t",  "\xff", "---\n", "#", "?",  "%",   ",",   "1e-320", "999999999"};
    const std::size_t at = below(text.size());
    switch (below(6)) {
      case 0: text[at] = static_cast<char>(below(256)); return;
      case 1: text.erase(at, 1 + below(12)); return;
      case 2: text.insert(at, fragments[below(fragments.size())]); return;
      case 3: text.insert(at, text.substr(below(text.size()), 1 + below(60))); return;
      case 4: text.resize(at); return;
      default: swap_lines(text, at); return;
    }
  }

  void swap_lines(std::string& text, std::size_t at) {
    const std::size_t start = text.rfind('\n', at);
    const std::size_t end = text.find('\n', at);
    if (start == std::string::npos || end == std::string::npos || end <= start) return;
    const std::string line = text.substr(start, end - start);
    text.erase(start, end - start);
    if (!text.empty()) text.insert(below(text.size()), line);
  }

  std::vector<std::string> seeds_;
  std::mt19937 random_{seed};
};

TEST(Mutations, end_in_a_program_or_in_a_config_error) {
  std::vector<std::string> seeds;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path{CELLRIG_SOURCE_DIR} / "profiles/library")) {
    if (entry.path().extension() == ".yaml") seeds.push_back(stripped(read_text_file(entry.path())));
  }
  std::sort(seeds.begin(), seeds.end());  // the order of a directory is no seed
  ASSERT_FALSE(seeds.empty());
  Mutator mutator{seeds};
  const Cell cell = test_cell();
  int programs = 0;
  int refusals = 0;
  for (int i = 0; i < mutation_count; ++i) {
    const std::string text = mutator.next();
    try {
      const Program program = compile(read_profile(text, "mutant.yaml"), cell);
      (void)check(program, CheckContext{.file = "mutant.yaml"});
      EXPECT_FALSE(describe(program).empty());
      ++programs;
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.place().file, "mutant.yaml") << error.what();
      ++refusals;
    } catch (const std::exception& error) {
      FAIL() << "mutation " << i << " of seed " << seed << ": " << error.what() << "\n" << text;
    }
  }
  // Both ways are exercised.
  EXPECT_GT(programs, mutation_count / 50);
  EXPECT_GT(refusals, mutation_count / 4);
}

TEST(Mutations, of_the_cell_file_too) {
  Mutator mutator{{cell_text}};
  for (int i = 0; i < mutation_count / 10; ++i) {
    const std::string text = mutator.next();
    try {
      (void)read_cell(text, "mutant.yaml");
    } catch (const ConfigError&) {
      continue;
    }
  }
}

}  // namespace
}  // namespace cellrig::test
