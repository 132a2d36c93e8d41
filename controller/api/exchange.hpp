// A request and its answer, as plain values: what is decided about them needs no socket and no Beast.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/api/messages_codec.hpp"

namespace cellrig::api {

struct Request {
  std::string method;                          ///< "GET"
  std::string target;                          ///< path and query, as they came
  std::map<std::string, std::string> headers;  ///< by name in lower case
  std::string body;
  std::string remote;  ///< the client's address without its port
  /// API thread. Makes what tells any other one whether the client has left; see client_watch().
  std::function<std::function<bool()>()> watch_client{};

  [[nodiscard]] std::string_view header(const std::string& name) const {  ///< empty: not given
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view{} : std::string_view{found->second};
  }
};

class ExportFeed;

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<ExportFeed> feed{};  ///< given: the body comes piece by piece from there, and `body` is empty
};

template <class M>
[[nodiscard]] Response json_response(const M& message, int status = 200) {
  return {.status = status, .body = to_json(message)};
}
[[nodiscard]] inline Response error_response(int status, ErrorDetail error) {
  return {.status = status, .body = to_json(ErrorBody{std::move(error)})};
}
[[nodiscard]] inline Response done_response(std::string sentence) { return json_response(Done{std::move(sentence)}); }

/// A request's target, taken apart and decoded.
struct Target {
  std::vector<std::string> path;  ///< "/api/v1/runs/7" -> api, v1, runs, 7
  std::map<std::string, std::string> query;
};
inline constexpr std::size_t target_length_max = 2048;

/// Refused: what is not decodable, is no UTF-8, holds control characters, an empty, "." or ".." part, or a parameter twice.
[[nodiscard]] Decoded<Target> parse_target(std::string_view text);

}  // namespace cellrig::api
