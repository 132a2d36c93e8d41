#include "profiles/yaml_reader.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>

#include "profiles/number.hpp"

namespace cellrig {

YamlNode::YamlNode() = default;
YamlNode::YamlNode(Kind kind, SourcePlace place) : kind_{kind}, place_{std::move(place)} {}
YamlNode::YamlNode(const YamlNode&) = default;
YamlNode::YamlNode(YamlNode&&) noexcept = default;
YamlNode& YamlNode::operator=(const YamlNode&) = default;
YamlNode& YamlNode::operator=(YamlNode&&) noexcept = default;
YamlNode::~YamlNode() = default;

// Builds the tree from yaml-cpp's events rather than from its nodes: only there are duplicate keys, aliases and depth seen
// before they cost anything.
class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  YamlTreeBuilder(std::string_view text, const std::string& file, const YamlBounds& bounds)
      : text_{text}, file_{file}, bounds_{bounds} {}

  [[nodiscard]] YamlNode take_root() {
    if (!root_) throw ConfigError{SourcePlace{file_, 0, 0}, "the file is empty"};
    return std::move(*root_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (has_document_) throw ConfigError{place(mark), "a second document ('---'): one file holds one document"};
    has_document_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add(YamlNode{YamlNode::Kind::null, place(mark)});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark, 1); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    YamlNode node{YamlNode::Kind::scalar, place(mark)};
    if (is_quote_at(mark)) ++node.place_.column;
    node.scalar_ = value;
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] SourcePlace place(const YAML::Mark& mark) const {
    if (mark.is_null()) return SourcePlace{file_, 0, 0};
    return SourcePlace{file_, mark.line + 1, mark.column + 1};
  }

 private:
  struct Frame {
    YamlNode node;
    bool has_key = false;
    std::string key;
    SourcePlace key_place;
    std::set<std::string> seen;
  };

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != 0) throw ConfigError{place(mark), "anchors and aliases ('&', '*') are not allowed: write the value out"};
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!") throw ConfigError{place(mark), "tags ('" + tag + "') are not allowed"};
  }
  bool is_quote_at(const YAML::Mark& mark) const {
    const auto position = static_cast<std::size_t>(mark.pos < 0 ? 0 : mark.pos);
    return position < text_.size() && (text_[position] == '"' || text_[position] == '\'');
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (stack_.size() >= bounds_.depth_max) {
      throw ConfigError{place(mark), "nested deeper than " + std::to_string(bounds_.depth_max) + " levels"};
    }
    count(place(mark));
    Frame frame;
    frame.node = YamlNode{kind, place(mark)};
    stack_.push_back(std::move(frame));
  }

  void close() {
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    attach(std::move(node));
  }

  void add(YamlNode node) {
    count(node.place_);
    attach(std::move(node));
  }

  void count(const SourcePlace& where) {
    if (++node_count_ > bounds_.nodes_max) throw ConfigError{where, "more than " + std::to_string(bounds_.nodes_max) + " values"};
  }

  void attach(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind_ == YamlNode::Kind::sequence) {
      frame.node.items_.push_back(std::move(node));
    } else if (frame.has_key) {
      if (node.kind_ == YamlNode::Kind::null)
        node.place_ = frame.key_place;  // yaml-cpp places nothing where the next thing begins
      frame.node.entries_.push_back(YamlEntry{std::move(frame.key), frame.key_place, std::move(node)});
      frame.has_key = false;
    } else {
      take_key(frame, node);
    }
  }

  static void take_key(Frame& frame, const YamlNode& node) {
    if (!node.is_scalar() || node.scalar_.empty()) throw ConfigError{node.place_, "a key must be a word"};
    if (!frame.seen.insert(node.scalar_).second) {
      int first_line = 0;
      for (const YamlEntry& entry : frame.node.entries_) {
        if (entry.key == node.scalar_) first_line = entry.place.line;
      }
      throw ConfigError{node.place_, "duplicate key '" + node.scalar_ + "', first given on line " + std::to_string(first_line)};
    }
    frame.has_key = true;
    frame.key = node.scalar_;
    frame.key_place = node.place_;
  }

  std::string_view text_;
  const std::string& file_;
  YamlBounds bounds_;
  std::vector<Frame> stack_;
  std::optional<YamlNode> root_;
  std::size_t node_count_ = 0;
  bool has_document_ = false;
};

namespace {

// yaml-cpp takes some control characters for the end of the file and would silently read half a document.
void refuse_control_characters(std::string_view text, const std::string& file) {
  int line = 1;
  int column = 1;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 && c != '\n' && c != '\r' && c != '\t') {
      throw ConfigError{SourcePlace{file, line, column}, "control character " + std::to_string(code) + " in the text"};
    }
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
}

std::string kind_name(const YamlNode& node) {
  switch (node.kind()) {
    case YamlNode::Kind::null: return "nothing";
    case YamlNode::Kind::scalar: return "'" + node.scalar() + "'";
    case YamlNode::Kind::sequence: return "a list";
    case YamlNode::Kind::map: return "keys and values";
  }
  return "nothing";
}

}  // namespace

YamlNode read_yaml(std::string_view text, const std::string& file, const YamlBounds& bounds) {
  if (text.size() > bounds.bytes_max) {
    throw ConfigError{SourcePlace{file, 0, 0}, "the file is larger than " + std::to_string(bounds.bytes_max) + " bytes"};
  }
  refuse_control_characters(text, file);
  YamlTreeBuilder builder{text, file, bounds};
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    throw ConfigError{builder.place(error.mark), "not readable as YAML: " + error.msg};
  }
  return builder.take_root();
}

std::string read_text_file(const std::filesystem::path& path, std::size_t bytes_max) {
  const SourcePlace place{path.string(), 0, 0};
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw ConfigError{place, "is a directory, not a file"};
  std::ifstream stream{path, std::ios::binary};
  if (!stream) throw ConfigError{place, "cannot be opened"};
  std::string text(bytes_max + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) throw ConfigError{place, "cannot be read"};
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > bytes_max) throw ConfigError{place, "the file is larger than " + std::to_string(bytes_max) + " bytes"};
  return text;
}

const std::string& as_text(const YamlNode& node, const std::string& what) {
  if (!node.is_scalar()) throw ConfigError{node.place(), "'" + what + "' must be a text, found " + kind_name(node)};
  return node.scalar();
}

double as_number(const YamlNode& node, const std::string& what) {
  if (!node.is_scalar()) throw ConfigError{node.place(), "'" + what + "' must be a number, found " + kind_name(node)};
  return parse_number(node.scalar(), node.place());
}

std::int64_t as_integer(const YamlNode& node, const std::string& what) {
  const double value = as_number(node, what);
  constexpr double exact_max = 9007199254740992.0;  // 2^53: beyond it a double skips integers
  if (value != std::floor(value) || std::abs(value) > exact_max) {
    throw ConfigError{node.place(), "'" + what + "' must be a whole number, found '" + node.scalar() + "'"};
  }
  return static_cast<std::int64_t>(value);
}

bool as_bool(const YamlNode& node, const std::string& what) {
  if (node.is_scalar() && node.scalar() == "true") return true;
  if (node.is_scalar() && node.scalar() == "false") return false;
  throw ConfigError{node.place(), "'" + what + "' must be true or false, found " + kind_name(node)};
}

const std::vector<YamlNode>& as_list(const YamlNode& node, const std::string& what) {
  if (!node.is_sequence()) throw ConfigError{node.place(), "'" + what + "' must be a list, found " + kind_name(node)};
  return node.items();
}

YamlMap::YamlMap(const YamlNode& node, std::string what, const std::vector<std::string>& known)
    : node_{&node}, what_{std::move(what)} {
  if (!node.is_map()) throw ConfigError{node.place(), what_ + " must be keys with values, found " + kind_name(node)};
  for (const YamlEntry& entry : node.entries()) {
    bool is_known = false;
    for (const std::string& key : known) is_known = is_known || key == entry.key;
    if (!is_known) throw ConfigError{entry.place, "unknown key '" + entry.key + "' in " + what_ + suggestion(entry.key, known)};
  }
}

const YamlEntry* YamlMap::find(std::string_view key) const {
  for (const YamlEntry& entry : node_->entries()) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

const YamlEntry& YamlMap::required(std::string_view key) const {
  const YamlEntry* entry = find(key);
  if (entry == nullptr) throw ConfigError{node_->place(), what_ + " needs '" + std::string{key} + "'"};
  return *entry;
}

const std::string& YamlMap::text(std::string_view key) const { return as_text(required(key).value, std::string{key}); }

std::string YamlMap::text_or(std::string_view key, std::string_view otherwise) const {
  const YamlEntry* entry = find(key);
  return entry == nullptr ? std::string{otherwise} : as_text(entry->value, entry->key);
}

double YamlMap::number(std::string_view key) const { return as_number(required(key).value, std::string{key}); }

double YamlMap::number_or(std::string_view key, double otherwise) const {
  const YamlEntry* entry = find(key);
  return entry == nullptr ? otherwise : as_number(entry->value, entry->key);
}

std::int64_t YamlMap::integer(std::string_view key) const { return as_integer(required(key).value, std::string{key}); }

std::int64_t YamlMap::integer_or(std::string_view key, std::int64_t otherwise) const {
  const YamlEntry* entry = find(key);
  return entry == nullptr ? otherwise : as_integer(entry->value, entry->key);
}

bool YamlMap::boolean_or(std::string_view key, bool otherwise) const {
  const YamlEntry* entry = find(key);
  return entry == nullptr ? otherwise : as_bool(entry->value, entry->key);
}

}  // namespace cellrig
