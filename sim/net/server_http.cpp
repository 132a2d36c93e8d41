// The back door for people: the same questions and orders over HTTP, for curl.
#include <algorithm>
#include <array>

#include "controller/base/config_error.hpp"
#include "sim/faults.hpp"
#include "sim/net/server_loop.hpp"

namespace cellrig::sim {
namespace {

struct Path {
  std::string_view name;
  std::string_view methods;
};
constexpr std::array<Path, 6> paths{{{"/fault", "POST"},
                                     {"/faults", "GET, DELETE"},
                                     {"/faults/kinds", "GET"},
                                     {"/truth", "GET"},
                                     {"/state", "GET"},
                                     {"/now", "GET"}}};
constexpr std::size_t orders_max = 1000;

const Path* path_named(std::string_view name) {
  const auto* const found = std::find_if(paths.begin(), paths.end(), [name](const Path& path) { return path.name == name; });
  return found == paths.end() ? nullptr : found;
}

http::Answer unknown_path(const std::string& path) {
  std::vector<std::string> known;
  for (const Path& each : paths) known.emplace_back(each.name);
  return {404, "error unknown path '" + path + "'" + suggestion(path, known), ""};
}

/// Browsers act for pages that nobody here wrote. curl sends neither of these headers, and the address that it was given.
std::optional<http::Answer> refused_as_browser(const http::Request& request) {
  if (request.has_origin) return http::Answer{403, "error a page in a browser has no business here", ""};
  if (!http::is_plain_host(request.host)) {
    return http::Answer{403, "error unknown host '" + request.host + "': use the address, or localhost", ""};
  }
  return std::nullopt;
}

}  // namespace

void SimServer::Loop::serve_http(std::size_t slot) {
  while (sessions_[slot] && !sessions_[slot]->is_ending) {
    http::Request request;
    http::Answer answer;
    switch (http::take_request(sessions_[slot]->received, request, answer)) {
      case http::Progress::incomplete: return;
      case http::Progress::refused:
        answer.body = "error " + answer.body;
        request.keeps_alive = false;
        break;
      case http::Progress::complete: answer = respond(request); break;
    }
    if (!send_all(sessions_[slot]->socket, http::format(answer, request.keeps_alive))) {
      end_session(slot);
    } else if (!request.keeps_alive) {
      // Closing now, with bytes unread, would reset the connection and perhaps take the answer away.
      end_sending(sessions_[slot]->socket);
      sessions_[slot]->is_ending = true;
    }
  }
}

http::Answer SimServer::Loop::respond(const http::Request& request) {
  if (const std::optional<http::Answer> refusal = refused_as_browser(request)) return *refusal;
  const Path* const path = path_named(request.path);
  if (path == nullptr) return unknown_path(request.path);
  const bool is_known = path->methods.starts_with(request.method) || path->methods.ends_with(", " + request.method);
  if (!is_known || request.method.empty()) {
    return {405, "error " + request.path + " takes " + std::string(path->methods) + ", not " + request.method,
            std::string(path->methods)};
  }
  const TimePoint now = clock_.now();
  if (path->name == "/now") return {200, R"({"schema_version":1,"now_ns":)" + std::to_string(to_ns(now)) + "}", ""};
  if (path->name == "/state") return {200, state_json(), ""};
  if (path->name == "/faults/kinds") return {200, fault_kinds_json(), ""};
  bench_.let_events_happen(now);
  if (path->name == "/truth") return {200, bench_.truth_json(), ""};
  if (path->name == "/fault") return carry_out_orders(request.body);
  if (request.method == "GET") return {200, faults_json(bench_, now), ""};
  clear_faults(bench_, now);
  settle(nullptr);
  return {200, "ok", ""};
}

/// One order a line. The first that is refused ends it; those before it are done, and the answer says so.
http::Answer SimServer::Loop::carry_out_orders(std::string_view body) {
  std::size_t done = 0;
  while (!body.empty()) {
    const std::size_t size = std::min(body.find('\n'), body.size());
    const std::string_view line = body.substr(0, size);
    body.remove_prefix(std::min(size + 1, body.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const Result<void> result =
        done < orders_max ? apply_fault(bench_, clock_.now(), line) : fail(Fault::refused, "too many orders");
    settle(nullptr);
    if (!result) {
      const std::string before = done == 0 ? "" : " (orders done before it: " + std::to_string(done) + ")";
      return {400, "error " + result.error().what + before, ""};
    }
    ++done;
  }
  if (done == 0) return {400, "error no order: give one as the body, like 'close psb1.modbus'", ""};
  return {200, "ok", ""};
}

}  // namespace cellrig::sim
