// Writes messages as JSON text. Private to the codec.
// Not by Boost.JSON: it writes 25 as 2.5E1, and people read these answers in a terminal.
#pragma once

#include <charconv>
#include <cmath>
#include <string>
#include <type_traits>

#include "controller/api/messages_codec.hpp"
#include "controller/api/messages_shapes.hpp"
#include "controller/api/messages_words.hpp"

namespace cellrig::api {

/// In quotes, escaped; bytes that are no UTF-8 become '?'.
void append_json_string(std::string& out, std::string_view text);

class MessageWriter {
 public:
  explicit MessageWriter(std::string& out) : out_{out} {}

  void write(bool value) { out_ += value ? "true" : "false"; }
  void write(const std::string& value) { append_json_string(out_, value); }
  void write(UtcTime value) { append_json_string(out_, utc_text(value)); }
  void write(std::int64_t value) { append(value); }
  void write(double value) {
    if (std::isfinite(value)) {
      append(value);
    } else {
      out_ += "null";
    }
  }
  template <class E>
  requires std::is_enum_v<E>
  void write(E value) { append_json_string(out_, word(value)); }
  template <class T>
  void write(const std::optional<T>& value) {
    if (value) {
      write(*value);
    } else {
      out_ += "null";
    }
  }
  template <class T>
  void write(const std::vector<T>& list) {
    out_ += '[';
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out_ += ',';
      write(list[i]);
    }
    out_ += ']';
  }
  template <class T>
  void write(const std::map<std::string, T>& map) {
    out_ += '{';
    bool is_first = true;
    for (const auto& [key, value] : map) {
      if (!is_first) out_ += ',';
      is_first = false;
      append_json_string(out_, key);
      out_ += ':';
      write(value);
    }
    out_ += '}';
  }
  template <class M>
  requires requires { Shape<M>::fields; }
  void write(const M& message) {
    out_ += '{';
    bool is_first = true;
    std::apply([&](const auto&... field) { (write_field(message, field, is_first), ...); }, Shape<M>::fields);
    out_ += '}';
  }

 private:
  template <class M, class T>
  void write_field(const M& message, const Field<M, T>& field, bool& is_first) {
    if constexpr (requires(const T& t) { t.has_value(); }) {
      if (!field.is_required && !(message.*field.member).has_value()) return;
    }
    if (!is_first) out_ += ',';
    is_first = false;
    append_json_string(out_, field.name);
    out_ += ':';
    write(message.*field.member);
  }
  template <class Number>
  void append(Number value) {
    char text[32];
    const auto [end, error] = std::to_chars(std::begin(text), std::end(text), value);
    (void)error;  // the shortest form of a number fits
    out_.append(std::begin(text), end);
  }

  std::string& out_;
};

}  // namespace cellrig::api
