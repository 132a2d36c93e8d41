#include "controller/api/messages_parser.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace cellrig::api {
namespace {

namespace json = boost::json;

/// Called by json::basic_parser; `true`: go on.
struct TreeBuilder {
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  json::value_stack stack;
  std::vector<std::set<std::string>> keys;  ///< of the objects that are open
  std::string key_begun;
  std::string number_begun;
  std::string key_twice;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    keys.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t count, json::error_code&) {
    keys.pop_back();
    stack.push_object(count);
    return true;
  }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t count, json::error_code&) {
    stack.push_array(count);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    key_begun += part;
    stack.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    key_begun += part;
    stack.push_key(part);
    if (keys.back().insert(key_begun).second) {
      key_begun.clear();
      return true;
    }
    key_twice = key_begun;
    error = json::error::extra_data;
    return false;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    stack.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    stack.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view part, json::error_code&) {
    number_begun += part;
    return true;
  }
  bool on_int64(std::int64_t value, json::string_view, json::error_code&) {
    number_begun.clear();
    stack.push_int64(value);
    return true;
  }
  bool on_uint64(std::uint64_t value, json::string_view, json::error_code&) {
    number_begun.clear();
    stack.push_uint64(value);
    return true;
  }
  bool on_double(double roughly, json::string_view part, json::error_code&) {
    number_begun += part;
    double value = 0.0;
    const char* const end = number_begun.data() + number_begun.size();
    const auto [stop, problem] = std::from_chars(number_begun.data(), end, value);
    // Beyond what a double holds; `roughly` is infinite or zero then.
    if (problem != std::errc{} || stop != end) value = roughly;
    number_begun.clear();
    stack.push_double(value);
    return true;
  }
  bool on_bool(bool value, json::error_code&) {
    stack.push_bool(value);
    return true;
  }
  bool on_null(json::error_code&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

std::string place_of(std::string_view before) {
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t break_at = before.rfind('\n');
  const std::size_t column = break_at == std::string_view::npos ? before.size() + 1 : before.size() - break_at;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

Decoded<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = json_depth_max;
  json::basic_parser<TreeBuilder> parser{options};
  json::error_code error;
  parser.handler().stack.reset();
  const std::size_t consumed = parser.write_some(false, text.data(), text.size(), error);
  if (!error && consumed < text.size()) error = json::error::extra_data;
  if (!error) return Decoded<json::value>{boost::system::in_place_value, parser.handler().stack.release()};
  const std::string& twice = parser.handler().key_twice;
  ErrorDetail fault{.code = "not_json",
                    .message = twice.empty() ? "the text is no JSON document: " + error.message() : "'" + twice + "' comes twice",
                    .where = place_of(text.substr(0, consumed))};
  return Decoded<json::value>{boost::system::in_place_error, std::move(fault)};
}

}  // namespace cellrig::api
