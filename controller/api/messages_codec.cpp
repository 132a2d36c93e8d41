#include "controller/api/messages_codec.hpp"

#include <boost/throw_exception.hpp>
#include <chrono>
#include <cstdio>
#include <stdexcept>

#include "controller/api/messages_lists.hpp"
#include "controller/api/messages_parser.hpp"
#include "controller/api/messages_reader.hpp"
#include "controller/api/messages_utf8.hpp"
#include "controller/api/messages_writer.hpp"

namespace cellrig::api {
namespace {

template <class M>
Decoded<M> decode(std::string_view text, UnknownFields unknown) {
  const Decoded<boost::json::value> json = parse_json(text);
  if (!json) return Decoded<M>{boost::system::in_place_error, json.error()};
  M message{};
  MessageReader reader{unknown};
  if (!reader.read(*json, message)) return Decoded<M>{boost::system::in_place_error, *reader.fault()};
  return Decoded<M>{boost::system::in_place_value, std::move(message)};
}

/// Of exactly `count` digits; nothing else.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  if (at + count > text.size()) return std::nullopt;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

void throw_exception_from_error(const ErrorDetail& error, const boost::source_location& where) {
  boost::throw_exception(std::runtime_error{error.message}, where);
}

std::size_t utf8_length(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&byte](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80U) return 1;
  if (first >= 0xC2U && first < 0xE0U) return follows(1) ? 2 : 0;
  if (first >= 0xE0U && first < 0xF0U) {
    const bool is_overlong = first == 0xE0U && byte(1) < 0xA0U, is_surrogate = first == 0xEDU && byte(1) >= 0xA0U;
    return follows(1) && follows(2) && !is_overlong && !is_surrogate ? 3 : 0;
  }
  if (first >= 0xF0U && first < 0xF5U) {
    const bool is_overlong = first == 0xF0U && byte(1) < 0x90U, is_beyond = first == 0xF4U && byte(1) >= 0x90U;
    return follows(1) && follows(2) && follows(3) && !is_overlong && !is_beyond ? 4 : 0;
  }
  return 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = utf8_length(text);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c >= 0 && c < ' ') {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else if (length == 0) {
      out += '?';
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

std::string utc_text(UtcTime utc) {
  using namespace std::chrono;
  const sys_time<nanoseconds> time{nanoseconds{utc.ns_since_epoch}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss<milliseconds> clock{floor<milliseconds>(time - day)};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return static_cast<const char*>(text);
}

std::optional<UtcTime> parse_utc(std::string_view text) {
  using namespace std::chrono;
  constexpr std::string_view shape = "0000-00-00T00:00:00";
  if (text.size() < shape.size() + 1 || text.back() != 'Z') return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != '0' && shape[i] != text[i]) return std::nullopt;
  }
  std::optional<int> fraction = 0;
  if (text.size() == shape.size() + 5 && text[shape.size()] == '.') {
    fraction = digits(text, shape.size() + 1, 3);
  } else if (text.size() != shape.size() + 1) {
    return std::nullopt;
  }
  const auto y = digits(text, 0, 4), mo = digits(text, 5, 2), d = digits(text, 8, 2);
  const auto h = digits(text, 11, 2), mi = digits(text, 14, 2), s = digits(text, 17, 2);
  if (!y || !mo || !d || !h || !mi || !s || !fraction || *h > 23 || *mi > 59 || *s > 59) return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mo)}, day{static_cast<unsigned>(*d)}};
  constexpr int year_min = 1970, year_max = 2261;  // what nanoseconds can hold
  if (!date.ok() || *y < year_min || *y > year_max) return std::nullopt;
  const auto time = sys_days{date}.time_since_epoch() + hours{*h} + minutes{*mi} + seconds{*s} + milliseconds{*fraction};
  return UtcTime{duration_cast<nanoseconds>(time).count()};
}

template <class M>
std::string to_json(const M& message) {
  std::string out;
  MessageWriter{out}.write(message);
  return out;
}

template <class M>
Decoded<M> from_json(std::string_view text, UnknownFields unknown) {
  return decode<M>(text, unknown);
}

#define CELLRIG_INSTANTIATE(M)               \
  template std::string to_json<M>(const M&); \
  template Decoded<M> from_json<M>(std::string_view, UnknownFields);
#define CELLRIG_INSTANTIATE_LIST(M) CELLRIG_INSTANTIATE(std::vector<M>)
CELLRIG_API_MESSAGES(CELLRIG_INSTANTIATE)
CELLRIG_API_LISTS(CELLRIG_INSTANTIATE_LIST)

}  // namespace cellrig::api
