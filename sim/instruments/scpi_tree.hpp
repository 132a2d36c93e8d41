// A tree of SCPI headers: which command a header in its long or short form means. Written for the simulated instruments
// alone; the drivers know nothing of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cellrig::sim {

/// One command of an instrument. Upper case marks the short form, brackets what may be left out, `#` a numeric suffix
/// 1..9 (1 when absent): "[SOURce:]VOLTage:LIMit[:POSitive]", "SENSe:THReshold#:FUNCtion".
struct ScpiPattern {
  std::string_view pattern;
  std::uint16_t command = 0;
};

/// Immutable after construction. Lookups allocate nothing and are case-insensitive.
class ScpiTree {
 public:
  using Node = std::uint16_t;
  static constexpr Node root = 0;
  static constexpr std::uint16_t no_command = 0xFFFF;

  struct Match {
    std::uint16_t command = no_command;
    std::uint8_t suffix = 1;  ///< the last numeric suffix in the header
    Node parent = root;       ///< where a following unit of the same message goes on (IEEE 488.2 compound rule)
  };

  /// Throws std::logic_error when two patterns claim the same header: a mistake in a table of this program.
  explicit ScpiTree(std::span<const ScpiPattern> patterns);

  /// `header` without the question mark; `from` is where it starts unless it begins with a colon. Common commands start at
  /// the root and leave `from` as it is; ":*IDN" is no header.
  [[nodiscard]] Match find(std::string_view header, Node from) const;

 private:
  /// A mnemonic of at most 16 characters, in upper case and padded with NUL: compared as two integers.
  struct Mnemonic {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    bool operator==(const Mnemonic&) const = default;
  };
  struct Child {
    Mnemonic short_form;
    Mnemonic long_form;
    bool has_suffix = false;
    Node node = root;
  };
  struct TreeNode {
    std::vector<Child> children;
    std::uint16_t command = no_command;
  };

  static bool encode(std::string_view text, Mnemonic& mnemonic);
  void add(std::string_view pattern, std::uint16_t command);
  Node child_of(Node parent, std::string_view mnemonic);

  std::vector<TreeNode> nodes_;
};

/// The headers that were looked up last: a client asks for the same few again and again. Of one port, and of one tree.
class RecentHeaders {
 public:
  /// What the tree finds.
  [[nodiscard]] ScpiTree::Match find(const ScpiTree& tree, std::string_view header, ScpiTree::Node from);

 private:
  struct Known {
    std::string header;  ///< as it was written; empty: none
    ScpiTree::Node from = ScpiTree::root;
    ScpiTree::Match match;
  };
  static constexpr std::size_t header_size_max = 64;  ///< others are not kept
  std::array<Known, 8> known_{};
  std::size_t next_ = 0;
};

}  // namespace cellrig::sim
