// A thin strict layer over yaml-cpp for every file a person writes: profile, cell, bench.
// * Every value knows its file, line and column; every error names them (ConfigError).
// * Refused, because they hide mistakes or cost without bound: duplicate keys, unknown keys, anchors and aliases, tags,
//   several documents in one file, control characters, and documents beyond YamlBounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/config_error.hpp"

namespace cellrig {

struct YamlBounds {
  std::size_t bytes_max = 1024 * 1024;
  std::size_t nodes_max = 50'000;
  std::size_t depth_max = 320;  ///< loop_depth_max loops, four levels each, and what is in the innermost
};

struct YamlEntry;

class YamlNode {
 public:
  enum class Kind : unsigned char { null, scalar, sequence, map };

  // Defined where YamlEntry is complete.
  YamlNode();
  YamlNode(Kind kind, SourcePlace place);
  YamlNode(const YamlNode&);
  YamlNode(YamlNode&&) noexcept;
  YamlNode& operator=(const YamlNode&);
  YamlNode& operator=(YamlNode&&) noexcept;
  ~YamlNode();

  [[nodiscard]] Kind kind() const { return kind_; }
  /// Where the value starts; for a quoted text its first character inside the quotes.
  [[nodiscard]] const SourcePlace& place() const { return place_; }
  [[nodiscard]] bool is_scalar() const { return kind_ == Kind::scalar; }
  [[nodiscard]] bool is_map() const { return kind_ == Kind::map; }
  [[nodiscard]] bool is_sequence() const { return kind_ == Kind::sequence; }
  [[nodiscard]] const std::string& scalar() const { return scalar_; }               ///< empty unless a scalar
  [[nodiscard]] const std::vector<YamlNode>& items() const { return items_; }       ///< empty unless a sequence
  [[nodiscard]] const std::vector<YamlEntry>& entries() const { return entries_; }  ///< empty unless a map; in file order

 private:
  friend class YamlTreeBuilder;
  Kind kind_ = Kind::null;
  SourcePlace place_;
  std::string scalar_;
  std::vector<YamlNode> items_;
  std::vector<YamlEntry> entries_;
};

struct YamlEntry {
  std::string key;
  SourcePlace place;  ///< of the key
  YamlNode value;
};

/// `file` is the name that errors show. Throws ConfigError; an empty document is an error.
[[nodiscard]] YamlNode read_yaml(std::string_view text, const std::string& file, const YamlBounds& bounds = {});

/// The whole file as text, refused beyond `bytes_max`.
[[nodiscard]] std::string read_text_file(const std::filesystem::path& path, std::size_t bytes_max = YamlBounds{}.bytes_max);

// ---- typed getters: `what` names the value in the error, usually its key ---------------------------------------------

[[nodiscard]] const std::string& as_text(const YamlNode& node, const std::string& what);
[[nodiscard]] double as_number(const YamlNode& node, const std::string& what);
[[nodiscard]] std::int64_t as_integer(const YamlNode& node, const std::string& what);
[[nodiscard]] bool as_bool(const YamlNode& node, const std::string& what);  ///< true or false, no other word
[[nodiscard]] const std::vector<YamlNode>& as_list(const YamlNode& node, const std::string& what);

/// A map whose keys are all known. Refers to the node, which must outlive it.
class YamlMap {
 public:
  /// Throws when `node` is no map or holds a key outside `known` (with the nearest known one). `what`: "step cc_charge".
  YamlMap(const YamlNode& node, std::string what, const std::vector<std::string>& known);

  [[nodiscard]] const YamlEntry* find(std::string_view key) const;  ///< nullptr when absent
  [[nodiscard]] const YamlEntry& required(std::string_view key) const;
  [[nodiscard]] const SourcePlace& place() const { return node_->place(); }
  [[nodiscard]] const std::string& what() const { return what_; }

  [[nodiscard]] const std::string& text(std::string_view key) const;
  [[nodiscard]] std::string text_or(std::string_view key, std::string_view otherwise) const;
  [[nodiscard]] double number(std::string_view key) const;
  [[nodiscard]] double number_or(std::string_view key, double otherwise) const;
  [[nodiscard]] std::int64_t integer(std::string_view key) const;
  [[nodiscard]] std::int64_t integer_or(std::string_view key, std::int64_t otherwise) const;
  [[nodiscard]] bool boolean_or(std::string_view key, bool otherwise) const;

 private:
  const YamlNode* node_;
  std::string what_;
};

}  // namespace cellrig
