#include "sim/fault_order.hpp"

#include <algorithm>

namespace cellrig::sim {
namespace {

constexpr std::size_t field_count_max = 16;
constexpr std::string_view blanks = " \t\r\n";

std::string normal_name(std::string_view name) {
  std::string text{name};
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

/// A flat JSON object of strings, numbers and the words true, false, null: all this protocol needs.
class FlatObject {
 public:
  explicit FlatObject(std::string_view text) : rest_{text} {}

  Result<FaultOrder> read() {
    FaultOrder order;
    if (!take('{')) return refuse("an object in braces is expected");
    while (!take('}')) {
      if (!order.fields.empty() && !take(',')) return refuse("a comma or a closing brace is missing");
      const std::optional<std::string> key = string();
      if (!key || !take(':')) return refuse("a quoted name and a colon are expected");
      const std::optional<std::string> value = peek() == '"' ? string() : word();
      if (!value) return refuse("'" + *key + "' has no value: a string, a number, true or false");
      if (order.fields.size() >= field_count_max) return refuse("too many fields");
      order.fields.emplace_back(normal_name(*key), *value);
    }
    if (peek() != '\0') return refuse("something follows the closing brace");
    const auto kind = std::find_if(order.fields.begin(), order.fields.end(), [](const auto& f) { return f.first == "kind"; });
    if (kind == order.fields.end()) return refuse("the field 'kind' is missing");
    order.kind = normal_name(kind->second);
    order.fields.erase(kind);
    return order;
  }

 private:
  [[nodiscard]] char peek() {
    const std::size_t begin = std::min(rest_.find_first_not_of(blanks), rest_.size());
    rest_.remove_prefix(begin);
    return rest_.empty() ? '\0' : rest_.front();
  }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<std::string> string() {
    if (!take('"')) return std::nullopt;
    std::string text;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return text;
      if (c == '\\') {
        if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\\' && rest_.front() != '/')) return std::nullopt;
        c = rest_.front();
        rest_.remove_prefix(1);
      }
      text += c;
    }
    return std::nullopt;
  }
  std::optional<std::string> word() {
    const std::size_t size = std::min(rest_.find_first_of(" \t\r\n,}{[]:\""), rest_.size());
    if (size == 0) return std::nullopt;
    std::string text{rest_.substr(0, size)};
    rest_.remove_prefix(size);
    return text;
  }
  [[nodiscard]] static Error refuse(const std::string& what) { return fail(Fault::refused, "fault order: " + what); }

  std::string_view rest_;
};

Result<FaultOrder> parse_words(std::string_view text) {
  FaultOrder order;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find_first_of(blanks), text.size());
    const std::string_view word = text.substr(0, size);
    text.remove_prefix(size);
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    const std::size_t equals = word.find('=');
    if (order.kind.empty()) {
      order.kind = normal_name(word);
    } else if (order.fields.size() >= field_count_max) {
      return fail(Fault::refused, "fault order: too many fields");
    } else if (equals == std::string_view::npos) {
      order.fields.emplace_back("target", word);
    } else {
      order.fields.emplace_back(normal_name(word.substr(0, equals)), word.substr(equals + 1));
    }
  }
  return order;
}

}  // namespace

const std::string* FaultOrder::find(std::string_view key) const {
  for (const auto& [name, value] : fields) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string to_words(const FaultOrder& order) {
  std::string text = order.kind;
  for (const auto& [name, value] : order.fields) {
    text += ' ';
    if (name != "target") text += name + '=';
    text += value.find(' ') == std::string::npos ? value : '"' + value + '"';
  }
  return text;
}

Result<FaultOrder> parse_fault_order(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  if (text.empty()) return fail(Fault::refused, "fault order: it is empty");
  Result<FaultOrder> order = text.front() == '{' ? FlatObject{text}.read() : parse_words(text);
  if (!order) return order;
  for (const auto& field : order->fields) {
    const auto same = [&](const auto& other) { return other.first == field.first; };
    if (std::count_if(order->fields.begin(), order->fields.end(), same) > 1) {
      return fail(Fault::refused, "fault order: '" + field.first + "' is given twice");
    }
  }
  return order;
}

}  // namespace cellrig::sim
