// Messages to and from JSON text.
#pragma once

#include <boost/system/result.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "controller/api/messages.hpp"

namespace cellrig::api {

[[noreturn]] void throw_exception_from_error(const ErrorDetail& error, const boost::source_location& where);

/// A message, or what is wrong with its text: code, message, where, and the valid word that was probably meant.
template <class M>
using Decoded = boost::system::result<M, ErrorDetail>;

/// What happens to fields that this version does not know.
enum class UnknownFields : unsigned char {
  refused,  ///< of what a client asks for: a misspelt "reson" must not get lost
  ignored,  ///< of what a server answers: a newer one may say more
};

inline constexpr std::size_t json_depth_max = 16;
/// A number in JSON is exact up to here, whatever language reads it.
inline constexpr std::int64_t json_integer_max = (std::int64_t{1} << 53) - 1;

/// For each message, and for vectors of those in CELLRIG_API_LISTS. A number that is not finite becomes null, bytes that are no UTF-8 become '?'.
template <class M>
[[nodiscard]] std::string to_json(const M& message);

/// Codes: not_json, wrong_type, missing_field, unknown_field, unknown_word, out_of_range, bad_text.
/// Strings may hold no control characters but newline and tab when unknown fields are refused: they go into the record and into logs.
template <class M>
[[nodiscard]] Decoded<M> from_json(std::string_view text, UnknownFields unknown = UnknownFields::refused);

/// "2026-11-30T22:17:10.123Z".
[[nodiscard]] std::string utc_text(UtcTime utc);
/// Empty: it is none. Milliseconds may be missing.
[[nodiscard]] std::optional<UtcTime> parse_utc(std::string_view text);

}  // namespace cellrig::api
