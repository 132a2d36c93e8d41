// The interface as data: every route once. The router, the checks before a request is carried out, and the OpenAPI document are made of it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/exchange.hpp"

namespace cellrig::api {

enum class Operation : unsigned char {
  get_session,
  get_bench,
  list_channels,
  get_channel,
  list_chambers,
  get_chamber,
  list_alarms,
  acknowledge_alarm,
  list_runs,
  get_run,
  list_steps,
  list_cycles,
  list_events,
  list_expected,
  get_samples,
  export_run,
  list_profiles,
  get_profile,
  list_cells,
  get_cell,
  add_cell,
  check_profile,
  rehearse_profile,
  get_rehearsal,
  preflight_channel,
  start_channel,
  go_on_channel,
  pause_channel,
  resume_channel,
  skip_step,
  confirm_step,
  note_channel,
  set_limits,
  stop_channel,
  stop_chamber,
  stop_all,
  stream,
  get_openapi,
  get_metrics,
};

enum class RouteKind : unsigned char {
  read,
  ask,    ///< a question with a body; changes nothing
  write,  ///< needs an Idempotency-Key
  order,  ///< of one channel: needs its Fencing-Token too
  stop,   ///< open to everybody who is signed in, never limited; body, key and token are not needed
};

struct QueryParameter {
  std::string_view name, type, text;  ///< type: of JSON schema
};

struct Route {
  Operation operation;
  std::string_view method;
  std::string_view pattern;  ///< below /api/v1; "{channel}" stands for one part
  RouteKind kind;
  Role role;  ///< the least that may
  std::string_view summary;
  std::string_view request;   ///< schema of the body; empty: none
  std::string_view response;  ///< schema of the answer; empty: as the summary says
  bool is_list = false;
  int status = 200;
  std::span<const QueryParameter> query{};
};

[[nodiscard]] std::span<const Route> routes();
[[nodiscard]] std::string_view name_of(Operation operation);  ///< "list_channels"

struct Routed {
  const Route* route = nullptr;
  std::vector<std::string> arguments;  ///< what stood for the {...}, in order
};

/// 404 with the nearest path, 405 with Allow, or 400 with the nearest name of an unknown query parameter: a finished answer.
using RouteResult = boost::system::result<Routed, Response>;
[[noreturn]] void throw_exception_from_error(const Response& response, const boost::source_location& where);
[[nodiscard]] RouteResult find_route(std::string_view method, const Target& target);

}  // namespace cellrig::api
