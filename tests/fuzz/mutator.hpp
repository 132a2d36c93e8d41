// Inputs that are nearly right, drawn from a fixed seed: the same ones on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cellrig::fuzz {

class Mutator {
 public:
  explicit Mutator(std::vector<std::string> seeds) : seeds_{std::move(seeds)} {}

  std::string next() {
    std::string bytes = seeds_[below(seeds_.size())];
    for (std::size_t edits = 1 + below(4); edits > 0; --edits) edit(bytes);
    return bytes;
  }

 private:
  /// std::uniform_int_distribution differs between libraries.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

  void edit(std::string& bytes) {
    static constexpr std::string_view fragments[] = {
        "\n",  "\r\n", ": ",  "- ",   "{",      "}",     "[",          "]",       "&a ", "*a",  "!!x ",  "| \n",   "> \n",
        "---", "\"",   "'",   "#",    "? ",     "0",     "-1",         "+",       ".",   "e",   "1e308", "1e-320", "9.91E37",
        "nan", "inf",  "1/0", "true", "999999", "65536", "4294967296", "-0",      ",",   ";",   "?",     "*IDN?",  "#2",
        "OK:", "NA:",  "\t",  "    ", "(",      ")",     "cell.",      "for 5 s", ">=",  "any", "\x1b",  "\xff",   "null"};
    if (bytes.empty()) bytes.push_back(static_cast<char>(below(256)));
    const std::size_t at = below(bytes.size());
    switch (below(9)) {
      case 0: bytes[at] = static_cast<char>(below(256)); return;
      case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); return;
      case 2: bytes.erase(at, 1 + below(16)); return;
      case 3: bytes.insert(at, fragments[below(std::size(fragments))]); return;
      case 4: bytes.insert(at, bytes.substr(below(bytes.size()), 1 + below(60))); return;
      case 5: bytes.resize(at); return;
      case 6: bytes.insert(at, 1 + below(4), static_cast<char>(below(2) == 0 ? 0x00 : 0xFF)); return;
      case 7: splice(bytes, at); return;
      default: move_line(bytes, at); return;
    }
  }

  /// The rest becomes that of another seed.
  void splice(std::string& bytes, std::size_t at) {
    const std::string& other = seeds_[below(seeds_.size())];
    bytes.resize(at);
    if (!other.empty()) bytes += other.substr(below(other.size()));
  }

  void move_line(std::string& bytes, std::size_t at) {
    const std::size_t begin = bytes.rfind('\n', at);
    const std::size_t end = bytes.find('\n', at);
    if (begin == std::string::npos || end == std::string::npos || end <= begin) return;
    const std::string line = bytes.substr(begin, end - begin);
    bytes.erase(begin, end - begin);
    if (!bytes.empty()) bytes.insert(below(bytes.size()), line);
  }

  std::vector<std::string> seeds_;
  std::mt19937 random_{20261129};
};

}  // namespace cellrig::fuzz
