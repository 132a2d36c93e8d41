// JSON text to a tree of values. Private to the codec.
#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "controller/api/messages_codec.hpp"

namespace cellrig::api {

/// What Boost.JSON's own parser does, but for two things: a number is the double nearest to its digits (1.9 must not become
/// 1.9000000000000001, which would be another program), and a name that comes twice in an object is an error, because two readers would
/// not take the same one of them. Depth: json_depth_max. Fault: not_json, with line and column.
[[nodiscard]] Decoded<boost::json::value> parse_json(std::string_view text);

}  // namespace cellrig::api
