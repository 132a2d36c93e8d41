#include "sim/instruments/scpi_tree.hpp"

#include <stdexcept>
#include <string>

#include "sim/instruments/scpi_text.hpp"

namespace cellrig::sim {
namespace {

constexpr std::size_t mnemonic_size_max = 16;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool ScpiTree::encode(std::string_view text, Mnemonic& mnemonic) {
  if (text.empty() || text.size() > mnemonic_size_max) return false;
  mnemonic = {};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(upper(text[i])));
    if (i < 8) {
      mnemonic.head |= byte << (8 * i);
    } else {
      mnemonic.tail |= byte << (8 * (i - 8));
    }
  }
  return true;
}

ScpiTree::ScpiTree(std::span<const ScpiPattern> patterns) {
  nodes_.emplace_back();
  for (const ScpiPattern& entry : patterns) add(entry.pattern, entry.command);
}

void ScpiTree::add(std::string_view pattern, std::uint16_t command) {
  const std::size_t open = pattern.find('[');
  if (open != std::string_view::npos) {  // one tree branch with the optional part and one without it
    const std::size_t close = pattern.find(']', open);
    if (close == std::string_view::npos) throw std::logic_error{"SCPI pattern without ']': " + std::string{pattern}};
    const std::string before{pattern.substr(0, open)};
    const std::string optional{pattern.substr(open + 1, close - open - 1)};
    const std::string after{pattern.substr(close + 1)};
    add(before + after, command);
    add(before + optional + after, command);
    return;
  }
  Node node = root;
  while (!pattern.empty()) {
    const std::size_t colon = pattern.find(':');
    node = child_of(node, pattern.substr(0, colon));
    pattern.remove_prefix(colon == std::string_view::npos ? pattern.size() : colon + 1);
  }
  if (nodes_[node].command != no_command) throw std::logic_error{"SCPI header claimed twice"};
  nodes_[node].command = command;
}

ScpiTree::Node ScpiTree::child_of(Node parent, std::string_view mnemonic) {
  Child child;
  child.has_suffix = mnemonic.ends_with('#');
  if (child.has_suffix) mnemonic.remove_suffix(1);
  std::string short_form;
  for (const char c : mnemonic) {
    if (!(c >= 'a' && c <= 'z')) short_form.push_back(c);
  }
  if (!encode(short_form, child.short_form) || !encode(mnemonic, child.long_form)) {
    throw std::logic_error{"SCPI mnemonic of no length: " + std::string{mnemonic}};
  }
  for (const Child& known : nodes_[parent].children) {
    if (known.long_form == child.long_form) return known.node;
  }
  child.node = static_cast<Node>(nodes_.size());
  nodes_.emplace_back();
  nodes_[parent].children.push_back(child);
  return child.node;
}

ScpiTree::Match ScpiTree::find(std::string_view header, Node from) const {
  const Node before = from;
  bool absolute = false;
  if (header.starts_with(':')) {
    header.remove_prefix(1);
    absolute = true;
  }
  const bool common = header.starts_with('*');
  if (common && absolute) return {};
  Match match{.command = no_command, .suffix = 1, .parent = absolute || common ? root : from};
  Node node = match.parent;
  while (true) {
    const std::size_t colon = header.find(':');
    std::string_view text = header.substr(0, colon);
    Mnemonic mnemonic;
    if (!encode(text, mnemonic)) return {};
    Mnemonic bare = mnemonic;
    std::uint8_t suffix = 0;
    if (is_digit(text.back()) && encode(text.substr(0, text.size() - 1), bare)) {
      suffix = static_cast<std::uint8_t>(text.back() - '0');
    }
    const Child* found = nullptr;
    for (const Child& child : nodes_[node].children) {
      // A suffix of 1 is optional everywhere; other suffixes only where the pattern has one.
      const Mnemonic& wanted = suffix != 0 && (child.has_suffix || suffix == 1) ? bare : mnemonic;
      if (child.short_form == wanted || child.long_form == wanted) {
        found = &child;
        break;
      }
    }
    if (found == nullptr) return {};
    if (found->has_suffix && suffix != 0) match.suffix = suffix;
    match.parent = node;
    node = found->node;
    if (colon == std::string_view::npos) break;
    header.remove_prefix(colon + 1);
  }
  match.command = nodes_[node].command;
  if (common) match.parent = before;
  return match;
}

ScpiTree::Match RecentHeaders::find(const ScpiTree& tree, std::string_view header, ScpiTree::Node from) {
  for (const Known& known : known_) {
    if (known.from == from && known.header == header && !header.empty()) return known.match;
  }
  const ScpiTree::Match match = tree.find(header, from);
  if (header.size() > header_size_max) return match;
  Known& slot = known_[next_];
  next_ = (next_ + 1) % known_.size();
  slot.header = header;
  slot.from = from;
  slot.match = match;
  return match;
}

}  // namespace cellrig::sim
