#include "controller/api/service.hpp"

#include <algorithm>

#include "controller/api/messages_words.hpp"
#include "controller/api/openapi.hpp"
#include "controller/api/record_views.hpp"
#include "controller/base/config_error.hpp"

namespace cellrig::api {
namespace {

// Wrong passwords of one address: enough for a person who mistypes, too few for a program that guesses.
constexpr double failures_per_s = 0.2, failures_burst = 10;
// Those of stops are not slowed down, but who sends many keeps no other address waiting: a check takes some 50 ms.
constexpr std::size_t stop_checks_max = 32, stop_checks_of_one_address_max = 4;
constexpr int judged_times_max = 5;  // of one request, while the accounts change
static_assert(stop_checks_max <= Worker::waiting_max);

Response unsigned_answer() {
  Response response = error_response(
      401, {.code = "not_signed_in",
            .message = "this needs the header 'Authorization: Bearer TOKEN', or the name and password of an account"});
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"cellrig\"");
  return response;
}

/// Nobody looked at the password, so nothing is said about it.
Response too_busy_to_look() {
  Response response = error_response(503, {.code = "busy", .message = "too many passwords are being checked; ask again"});
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

Response accounts_changing() {
  Response response = error_response(503, {.code = "busy", .message = "the accounts are being changed; ask again"});
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

Response too_many() {
  Response response =
      error_response(429, {.code = "too_many_requests", .message = "too many requests; a stop is served all the same"});
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  constexpr std::size_t digits_max = 16;
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::string without_port(const std::string& host) {
  const std::size_t colon = host.rfind(':');
  return colon == std::string::npos || host.find(']', colon) != std::string::npos ? host : host.substr(0, colon);
}

}  // namespace

Service::Service(boost::asio::io_context& context, const ServerSettings& settings, std::shared_ptr<ControlBridge> bridge,
                 std::shared_ptr<BenchWatch> watch, Catalogue& catalogue)
    : context_{context},
      settings_{settings},
      bridge_{bridge},
      catalogue_{catalogue},
      access_{settings.access},
      limit_{settings.limits.requests_per_s, settings.limits.requests_burst},
      failures_{failures_per_s, failures_burst},
      stop_checks_{stop_checks_max, stop_checks_of_one_address_max},
      hub_{context, std::move(bridge), std::move(watch),
           LiveHub::Settings{.version = settings.version,
                             .control_within = settings.limits.control_within,
                             .subscriber_bytes_max = settings.limits.subscriber_bytes_max},
           [this](std::int64_t run) { return read_run(run); }},
      rehearsals_{context},
      exports_{context},
      record_worker_{context},
      catalogue_worker_{context},
      hash_worker_{context},
      stop_hash_worker_{context} {}

bool Service::is_stop(std::string_view method, std::string_view target) {
  const Decoded<Target> parsed = parse_target(target);
  if (!parsed) return false;
  const RouteResult routed = find_route(method, *parsed);
  return routed && routed->route->kind == RouteKind::stop;
}

/// A page of another site, open in a browser on this machine, must not reach the bench: neither by its own name (Origin) nor by a name
/// that was made to lead here (Host).
std::optional<Response> Service::wrong_host_or_origin(const Request& request) const {
  const std::string host = lower(request.header("host"));
  const bool is_local = settings_.address == "127.0.0.1" || settings_.address == "::1";
  const std::string name = without_port(host);
  if (is_local && name != "127.0.0.1" && name != "localhost" && name != "[::1]") {
    return error_response(
        403, {.code = "wrong_host", .message = "this server is 127.0.0.1 or localhost and nothing else", .where = "Host"});
  }
  if (!request.headers.contains("origin")) return std::nullopt;
  const std::string scheme = settings_.access.certificate_file.empty() ? "http://" : "https://";
  if (lower(request.header("origin")) == scheme + host) return std::nullopt;
  return error_response(403,
                        {.code = "wrong_origin", .message = "requests of other sites' pages are refused", .where = "Origin"});
}

/// What is known already, a token or a password that was right before, waits for nothing. Accounts that change meanwhile make it
/// begin anew: the password may be another one now.
Task<std::optional<Response>> Service::sign_in(const Request& request, bool is_stop, Principal& who) {
  const std::string authorization{request.header("authorization")};
  std::shared_ptr<const std::string> place;
  bool is_admitted = false;
  for (int judged_times = 0; judged_times < judged_times_max; ++judged_times) {
    const Access::Judged judged = access_.judge(authorization);
    who = judged.principal;
    if (judged.verdict == Access::Verdict::known) co_return std::nullopt;
    // Guessing passwords is slow; a stop of somebody who mistyped often is not.
    if (!is_admitted && judged.verdict == Access::Verdict::needs_hashing)
      is_admitted = is_stop || failures_.admits(request.remote, std::chrono::steady_clock::now());
    if (judged.verdict != Access::Verdict::needs_hashing || !is_admitted) co_return unsigned_answer_counted();
    if (is_stop && !place) place = stop_checks_.take(request.remote);
    if (is_stop && !place) co_return too_busy_to_look();
    Worker& worker = is_stop ? stop_hash_worker_ : hash_worker_;
    const std::uint64_t generation = access_.generation();
    std::function<std::optional<Principal>()> work = access_.hasher(authorization);
    const std::optional<std::optional<Principal>> found = co_await worker.run<std::optional<Principal>>(std::move(work));
    if (!found) co_return too_busy_to_look();
    if (generation != access_.generation()) continue;
    if (!*found) co_return unsigned_answer_counted();
    access_.remember(authorization, **found);
    who = **found;
    co_return std::nullopt;
  }
  co_return accounts_changing();
}

Response Service::unsigned_answer_counted() {
  ++traffic_.unsigned_requests;
  return unsigned_answer();
}

Task<Service::Admitted> Service::admit(const Request& request) {
  Admitted admitted;
  const bool stops = is_stop(request.method, request.target);
  admitted.refusal = wrong_host_or_origin(request);
  if (admitted.refusal) co_return admitted;
  admitted.refusal = co_await sign_in(request, stops, admitted.who);
  if (admitted.refusal) co_return admitted;
  admitted.generation = access_.generation();
  const Principal& who = admitted.who;
  const std::string client = who.name + "@" + request.remote;
  if (!stops && !limit_.admits(client, std::chrono::steady_clock::now())) {
    admitted.refusal = too_many();
    co_return admitted;
  }
  const Decoded<Target> target = parse_target(request.target);
  if (!target) {
    admitted.refusal = error_response(400, target.error());
    co_return admitted;
  }
  RouteResult routed = find_route(request.method, *target);
  if (!routed) {
    admitted.refusal = routed.error();
    co_return admitted;
  }
  admitted.routed = *routed;
  if (who.role < routed->route->role) {
    ErrorDetail error{.code = "forbidden"};
    error.message = "this needs the role " + std::string{word(routed->route->role)} + "; yours is " + std::string{word(who.role)};
    admitted.refusal = error_response(403, std::move(error));
  }
  co_return admitted;
}

Task<Response> Service::answer(const Request& request, const Admitted& admitted) {
  Response response;
  try {
    const Decoded<Target> target = parse_target(request.target);
    Call call{request, *target, admitted.who, admitted.routed};
    response = co_await once(call);
  } catch (const std::exception& error) {
    response = error_response(500, {.code = "internal", .message = error.what()});
  }
  ++traffic_.answers[std::make_pair(name_of(admitted.routed.route->operation), response.status)];
  co_return response;
}

/// Writes are done once for each key.
Task<Response> Service::once(const Call& call) {
  const RouteKind kind = call.routed.route->kind;
  if (kind != RouteKind::write && kind != RouteKind::order) co_return co_await carry_out(call);
  const std::string key{call.request.header("idempotency-key")};
  if (key.empty() || key.size() > IdempotencyMemory::key_length_max) {
    ErrorDetail error{.code = "missing_header", .where = "Idempotency-Key"};
    error.message =
        "a write needs the header Idempotency-Key: any text of at most 200 characters that is used for it alone, so that it can "
        "be repeated";
    co_return error_response(400, std::move(error));
  }
  const std::string owner = std::string{word(call.who.role)} + " " + call.who.name;
  const std::string fingerprint =
      sha256_text(call.request.target + "\n" + std::string{call.request.header("fencing-token")} + "\n" + call.request.body);
  std::optional<Response> answered;
  const auto box = std::make_shared<Mailbox<Response>>(context_);
  const IdempotencyMemory::Waiter waiter = [box](const Response& response) { box->put(response); };
  switch (memory_.begin(owner, key, fingerprint, answered, waiter)) {
    case IdempotencyMemory::Begun::answered: co_return *answered;
    case IdempotencyMemory::Begun::other: {
      ErrorDetail error{.code = "key_used", .where = "Idempotency-Key"};
      error.message = "this key was used for another request";
      co_return error_response(409, std::move(error));
    }
    case IdempotencyMemory::Begun::full: {
      ErrorDetail error{.code = "busy"};
      error.message = "too many writes are under way";
      co_return error_response(503, std::move(error));
    }
    case IdempotencyMemory::Begun::pending: {
      std::optional<Response> response = co_await box->wait(settings_.limits.start_within);
      if (response) co_return *std::move(response);
      ErrorDetail error{.code = "no_answer"};
      error.message = "it is still being done; ask again with the same key";
      co_return error_response(503, std::move(error));
    }
    case IdempotencyMemory::Begun::fresh: break;
  }
  Response response;
  try {
    response = co_await carry_out(call);
  } catch (const std::exception& error) {
    response = error_response(500, {.code = "internal", .message = error.what()});
  }
  memory_.finish(owner, key, response);
  co_return response;
}

Task<Response> Service::carry_out(const Call& call) {
  Call complete = call;
  if (call.routed.route->kind == RouteKind::order) {
    const std::optional<std::uint64_t> token = whole_number(call.request.header("fencing-token"));
    if (!token) {
      ErrorDetail error{.code = "missing_header", .where = "Fencing-Token"};
      error.message = "an order needs the header Fencing-Token: the channel's fencing_token, a whole number";
      co_return error_response(400, std::move(error));
    }
    complete.fencing_token = *token;
  }
  co_return co_await dispatch(complete);
}

Task<Response> Service::dispatch(const Call& call) {
  switch (call.routed.route->operation) {
    case Operation::get_session: co_return session(call);
    case Operation::get_bench:
    case Operation::list_channels:
    case Operation::get_channel:
    case Operation::list_chambers:
    case Operation::get_chamber:
    case Operation::list_alarms: co_return co_await bench(call);
    case Operation::acknowledge_alarm: co_return co_await acknowledge(call);
    case Operation::list_runs:
    case Operation::get_run:
    case Operation::list_steps:
    case Operation::list_cycles:
    case Operation::list_events:
    case Operation::list_expected:
    case Operation::get_samples:
    case Operation::export_run: co_return co_await record(call);
    case Operation::list_profiles:
    case Operation::get_profile:
    case Operation::list_cells:
    case Operation::get_cell:
    case Operation::check_profile: co_return co_await catalogue(call);
    case Operation::add_cell: co_return co_await add_cell(call);
    case Operation::rehearse_profile: co_return co_await rehearse(call);
    case Operation::get_rehearsal: co_return rehearsal(call);
    case Operation::preflight_channel: co_return co_await preflight(call);
    case Operation::start_channel: co_return co_await start(call);
    case Operation::go_on_channel: co_return co_await go_on(call);
    case Operation::pause_channel:
    case Operation::resume_channel:
    case Operation::skip_step:
    case Operation::confirm_step:
    case Operation::note_channel: co_return co_await channel_order(call);
    case Operation::set_limits: co_return co_await limits(call);
    case Operation::stop_channel:
    case Operation::stop_chamber:
    case Operation::stop_all: co_return co_await stop(call);
    case Operation::stream: {
      ErrorDetail error{.code = "upgrade_needed"};
      error.message = "the stream is a WebSocket: ask for an upgrade";
      co_return error_response(426, std::move(error));
    }
    case Operation::get_openapi: co_return openapi_response();
    case Operation::get_metrics: co_return co_await metrics();
  }
  co_return error_response(500, ErrorDetail());
}

Task<std::optional<RunView>> Service::read_run(std::int64_t run) {
  if (settings_.database.empty()) co_return std::nullopt;
  using Read = Result<RunView>;
  std::function<Read()> work = [database = settings_.database, run] { return run_view(database, run, false); };
  const std::optional<Read> view = co_await record_worker_.run<Read>(std::move(work));
  if (!view || !*view) co_return std::nullopt;
  co_return **view;
}

}  // namespace cellrig::api
