#include "controller/api/exchange.hpp"

#include <algorithm>

#include "controller/api/messages_utf8.hpp"

namespace cellrig::api {
namespace {

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const auto high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if ((c >= 0 && c < ' ') || c == '\x7f') return std::nullopt;
    out += c;
  }
  return is_utf8(out) ? std::optional{out} : std::nullopt;
}

Decoded<Target> bad_target(std::string message) {
  return Decoded<Target>{boost::system::in_place_error, ErrorDetail{.code = "bad_target", .message = std::move(message)}};
}

}  // namespace

Decoded<Target> parse_target(std::string_view text) {
  if (text.size() > target_length_max)
    return bad_target("the target is longer than " + std::to_string(target_length_max) + " bytes");
  if (text.empty() || text.front() != '/') return bad_target("the target must be a path that begins with /");
  Target target;
  const std::size_t mark = text.find('?');
  std::string_view path = text.substr(1, mark == std::string_view::npos ? mark : mark - 1);
  while (true) {
    const std::size_t slash = path.find('/');
    const std::optional<std::string> part = percent_decoded(path.substr(0, slash), false);
    if (!part) return bad_target("a part of the path is not decodable text");
    if (part->empty() || *part == "." || *part == "..") return bad_target("a part of the path is empty or a dot");
    target.path.push_back(*part);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  std::string_view query = mark == std::string_view::npos ? std::string_view{} : text.substr(mark + 1);
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::optional<std::string> name = percent_decoded(pair.substr(0, equals), true);
    const std::optional<std::string> value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value || name->empty()) return bad_target("the query is not decodable text");
    if (!target.query.emplace(*name, *value).second) return bad_target("'" + *name + "' is given twice");
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return Decoded<Target>{boost::system::in_place_value, std::move(target)};
}

}  // namespace cellrig::api
