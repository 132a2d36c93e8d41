#include "controller/api/messages_reader.hpp"

namespace cellrig::api {
namespace {

std::string_view kind_of(const boost::json::value& json) {
  switch (json.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "true or false";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_: return "a number";
    case boost::json::kind::string: return "a text";
    case boost::json::kind::array: return "a list";
    case boost::json::kind::object: return "an object";
  }
  return "something else";
}

/// What a client sends is shown in its own answer only, but not at any length.
std::string quoted(std::string_view text) {
  constexpr std::size_t shown_max = 80;
  return "'" + std::string{text.substr(0, shown_max)} + (text.size() > shown_max ? "...'" : "'");
}

bool is_plain_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return (c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == '\x7f'; });
}

std::string text_of(const boost::json::value& number) {
  char text[32];
  const auto end = number.is_int64()    ? std::to_chars(std::begin(text), std::end(text), number.get_int64()).ptr
                   : number.is_uint64() ? std::to_chars(std::begin(text), std::end(text), number.get_uint64()).ptr
                                        : std::to_chars(std::begin(text), std::end(text), number.get_double()).ptr;
  return {std::begin(text), end};
}

}  // namespace

bool MessageReader::fail(ErrorDetail fault) {
  if (!where_.empty()) fault.where = where_;
  fault_ = std::move(fault);
  return false;
}

bool MessageReader::wrong_type(const boost::json::value& json, const std::string& wanted) {
  const std::string subject = where_.empty() ? "the document" : quoted(where_);
  return fail({.code = "wrong_type", .message = subject + " is " + std::string{kind_of(json)} + " and must be " + wanted});
}

bool MessageReader::missing_field(std::string_view name) {
  return fail({.code = "missing_field", .message = "'" + std::string{name} + "' is missing"});
}

bool MessageReader::unknown_field(const std::string& key, const std::vector<std::string>& known) {
  ErrorDetail fault{.code = "unknown_field", .message = "unknown field " + quoted(key) + suggestion(key, known)};
  if (std::string nearest = nearest_word(key, known); !nearest.empty()) fault.nearest = std::move(nearest);
  return fail(std::move(fault));
}

bool MessageReader::unknown_word(std::string_view given, const std::vector<std::string>& known) {
  ErrorDetail fault{.code = "unknown_word", .message = "unknown word " + quoted(given) + suggestion(given, known)};
  if (std::string nearest = nearest_word(given, known); !nearest.empty()) fault.nearest = std::move(nearest);
  return fail(std::move(fault));
}

bool MessageReader::read(const boost::json::value& json, std::string& value) {
  if (!json.is_string()) return wrong_type(json, "a text");
  value.assign(json.get_string().data(), json.get_string().size());
  if (unknown_ == UnknownFields::refused && !is_plain_text(value))
    return fail({.code = "bad_text", .message = quoted(where_) + " holds a control character"});
  return true;
}

bool MessageReader::read(const boost::json::value& json, UtcTime& value) {
  if (!json.is_string()) return wrong_type(json, "a time");
  const std::string_view text{json.get_string().data(), json.get_string().size()};
  const std::optional<UtcTime> parsed = parse_utc(text);
  if (!parsed) return fail({.code = "wrong_type", .message = quoted(text) + " is no time such as 2026-11-30T22:17:10.123Z"});
  value = *parsed;
  return true;
}

bool MessageReader::read(const boost::json::value& json, std::int64_t& value) {
  if (json.is_uint64()) return fail({.code = "out_of_range", .message = text_of(json) + " is too large"});
  if (!json.is_int64()) return wrong_type(json, "a whole number");
  if (json.get_int64() > json_integer_max || json.get_int64() < -json_integer_max) {
    return fail({.code = "out_of_range", .message = text_of(json) + " is too large"});
  }
  value = json.get_int64();
  return true;
}

bool MessageReader::read(const boost::json::value& json, double& value) {
  if (!json.is_number()) return wrong_type(json, "a number");
  value = json.to_number<double>();
  if (!std::isfinite(value)) return fail({.code = "out_of_range", .message = quoted(where_) + " is too large"});
  return true;
}

bool MessageReader::read(const boost::json::value& json, Parameters& parameters) {
  if (!json.is_object()) return wrong_type(json, "an object");
  parameters.clear();
  for (const auto& entry : json.get_object()) {
    const std::string key{entry.key()};
    const Within within{*this, "." + key};
    if (!is_plain_text(key)) return fail({.code = "bad_text", .message = "a parameter's name holds a control character"});
    if (entry.value().is_number()) {
      parameters[key] = text_of(entry.value());
    } else if (!entry.value().is_string()) {
      return wrong_type(entry.value(), "a number or an expression");
    } else if (!read(entry.value(), parameters[key])) {
      return false;
    }
  }
  return true;
}

}  // namespace cellrig::api
