#include "controller/api/routes.hpp"

#include <boost/throw_exception.hpp>
#include <stdexcept>

#include "controller/base/config_error.hpp"

namespace cellrig::api {
namespace {

using enum Operation;
using enum RouteKind;

constexpr QueryParameter runs_query[] = {
    {"cell", "string", "name of the cell file, or the specimen"},
    {"profile", "string", "name of the profile"},
    {"channel", "string", "name of the channel"},
    {"status", "string", "running, interrupted, completed, failed, tripped, stopped, instrument failure, record failure"},
    {"since", "string", "begun at or after this time (UTC, ISO 8601)"},
    {"limit", "integer", "at most so many, the latest first; 50 if not given, 500 at most"},
    {"before", "integer", "runs with a smaller number only: the next page"},
};
constexpr QueryParameter samples_query[] = {
    {"from_s", "number", "test time at which to begin"},
    {"to_s", "number", "test time at which to end"},
    {"points", "integer",
     "thin out to about so many rows; every least and greatest value stays; 2000 if not given, 20000 at most"},
    {"quantities", "string", "with commas between: voltage_V,current_A,...; voltage, current and cell temperature if not given"},
};
constexpr QueryParameter events_query[] = {
    {"limit", "integer", "at most so many, the latest first; 500 if not given, 5000 at most"},
};
constexpr QueryParameter steps_query[] = {
    {"limit", "integer", "at most so many; 1000 if not given, 10000 at most"},
    {"after", "integer", "executions with a greater step_count only: the next page"},
};
constexpr QueryParameter cycles_query[] = {
    {"limit", "integer", "at most so many; 10000 at most, and if not given"},
    {"after", "integer", "cycles with a greater number only: the next page"},
};
constexpr QueryParameter expected_query[] = {
    {"limit", "integer",
     "at most so many curves, by step and execution; 10000 at most, and if not given; fewer when they have 100000 points "
     "together"},
    {"after", "integer", "leave out so many curves: the next page"},
};

constexpr QueryParameter export_query[] = {
    {"format", "string", "samples, cycles, other, bdf or bdf-metadata; samples if not given"},
    {"name", "string", "what the metadata call the data file; as the format recommends if not given"},
    {"end_line", "string", "yes: behind the file comes the line cellrig-export-complete, for clients that see no broken end"},
};

constexpr Role viewer = Role::viewer, operates = Role::operates;

constexpr Route table[] = {
    {get_session, "GET", "/session", read, viewer, "Who is signed in, and what they may do", "", "SessionView"},
    {get_bench, "GET", "/bench", read, viewer, "The whole bench: its channels, its chambers, how many alarms", "", "BenchView"},
    {list_channels, "GET", "/channels", read, viewer, "The latest of every channel", "", "ChannelView", true},
    {get_channel, "GET", "/channels/{channel}", read, viewer, "The latest of one channel", "", "ChannelView"},
    {list_chambers, "GET", "/chambers", read, viewer, "The latest of every chamber", "", "ChamberView", true},
    {get_chamber, "GET", "/chambers/{chamber}", read, viewer, "The latest of one chamber", "", "ChamberView"},
    {list_alarms, "GET", "/alarms", read, viewer, "Alarms of this process, newest last", "", "AlarmView", true},
    {acknowledge_alarm, "POST", "/alarms/{alarm}/acknowledge", write, operates,
     "A named person has looked at it; after a trip the channel may be started again", "AcknowledgeOrder", "Done"},
    {list_runs, "GET", "/runs", read, viewer, "Runs of the record, the latest first", "", "RunView", true, 200, runs_query},
    {get_run, "GET", "/runs/{run}", read, viewer, "One run", "", "RunView"},
    {list_steps, "GET", "/runs/{run}/steps", read, viewer, "Its steps as they were executed", "", "StepView", true, 200,
     steps_query},
    {list_cycles, "GET", "/runs/{run}/cycles", read, viewer, "Its cycles", "", "CycleView", true, 200, cycles_query},
    {list_events, "GET", "/runs/{run}/events", read, viewer, "What happened in it, the latest first", "", "EventView", true, 200,
     events_query},
    {list_expected, "GET", "/runs/{run}/expected", read, viewer, "What its rehearsal foretold of each step", "",
     "ExpectedCurveView", true, 200, expected_query},
    {get_samples, "GET", "/runs/{run}/samples", read, viewer, "Its samples, column by column", "", "SamplesView", false, 200,
     samples_query},
    {export_run, "GET", "/runs/{run}/export", read, viewer, "All of it as a file: CSV, or Battery Data Format and its metadata",
     "", "", false, 200, export_query},
    {list_profiles, "GET", "/profiles", read, viewer, "Profiles that come with cellrig", "", "ProfileView", true},
    {get_profile, "GET", "/profiles/{profile}", read, viewer, "One profile with its parameters", "", "ProfileView"},
    {list_cells, "GET", "/cells", read, viewer, "Cells that come with cellrig", "", "CellView", true},
    {get_cell, "GET", "/cells/{cell}", read, viewer, "One cell", "", "CellView"},
    {add_cell, "POST", "/cells", write, Role::engineer,
     "Takes a cell file into the bench's own folder: it can be named from now on", "CellFileOrder", "CellView"},
    {check_profile, "POST", "/check", ask, viewer, "What can be known of a profile without running it", "CheckOrder",
     "CheckReport"},
    {rehearse_profile, "POST", "/rehearse", write, operates, "Runs a profile in virtual time, as a process of its own",
     "CheckOrder", "JobAccepted", false, 202},
    {get_rehearsal, "GET", "/rehearsals/{job}", read, viewer, "How far a rehearsal is, and its result", "", "RehearsalView"},
    {preflight_channel, "POST", "/channels/{channel}/preflight", ask, viewer, "What a start would say now; touches no output",
     "PreflightOrder", "PreflightItem", true},
    {start_channel, "POST", "/channels/{channel}/start", order, operates, "Starts a run; answers when it has begun", "StartOrder",
     "Started"},
    {go_on_channel, "POST", "/channels/{channel}/go_on", order, operates, "Goes on with a run that was interrupted", "GoOnOrder",
     "Started"},
    {pause_channel, "POST", "/channels/{channel}/pause", order, operates, "Output off; the step's clock stands still",
     "PersonOrder", "Done"},
    {resume_channel, "POST", "/channels/{channel}/resume", order, operates, "Goes on after a pause", "PersonOrder", "Done"},
    {skip_step, "POST", "/channels/{channel}/skip", order, operates, "Ends the present step and goes to the next", "PersonOrder",
     "Done"},
    {confirm_step, "POST", "/channels/{channel}/confirm", order, operates, "A person has done what the step asks for",
     "PersonOrder", "Done"},
    {note_channel, "POST", "/channels/{channel}/note", order, operates, "Writes a note into the run's record", "NoteOrder",
     "Done"},
    {set_limits, "POST", "/channels/{channel}/limits", order, operates,
     "Tightens safety limits of the run; an engineer with a reason may widen them again", "LimitsOrder", "Done"},
    {stop_channel, "POST", "/channels/{channel}/stop", stop, viewer, "Emergency stop of one channel: output off, run ended",
     "PersonOrder", "Done"},
    {stop_chamber, "POST", "/chambers/{chamber}/stop", stop, viewer, "Emergency stop of a chamber and every channel in it",
     "PersonOrder", "Done"},
    {stop_all, "POST", "/stop", stop, viewer, "Emergency stop of the whole bench", "PersonOrder", "Done"},
    {stream, "GET", "/stream", read, viewer, "WebSocket: a snapshot, then what changes", "", "StreamMessage", false, 101},
    {get_openapi, "GET", "/openapi.json", read, viewer, "This document", "", ""},
    {get_metrics, "GET", "/metrics", read, viewer, "For Prometheus, as text", "", ""},
};

constexpr std::string_view names[] = {
    "get_session",   "get_bench",     "list_channels",     "get_channel",    "list_chambers",
    "get_chamber",   "list_alarms",   "acknowledge_alarm", "list_runs",      "get_run",
    "list_steps",    "list_cycles",   "list_events",       "list_expected",  "get_samples",
    "export_run",    "list_profiles", "get_profile",       "list_cells",     "get_cell",
    "add_cell",      "check_profile", "rehearse_profile",  "get_rehearsal",  "preflight_channel",
    "start_channel", "go_on_channel", "pause_channel",     "resume_channel", "skip_step",
    "confirm_step",  "note_channel",  "set_limits",        "stop_channel",   "stop_chamber",
    "stop_all",      "stream",        "get_openapi",       "get_metrics"};
static_assert(std::size(names) == static_cast<std::size_t>(get_metrics) + 1);
static_assert(std::size(table) == std::size(names), "every operation has one route");

/// What stands for the {...} of the pattern; none: it does not fit.
std::optional<std::vector<std::string>> match(std::string_view pattern, const Target& target) {
  constexpr std::size_t prefix_parts = 2;  // api, v1
  if (target.path.size() < prefix_parts || target.path[0] != "api" || target.path[1] != "v1") return std::nullopt;
  std::vector<std::string> arguments;
  std::size_t at = prefix_parts;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);  // the slash
    const std::string_view part = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(part.size());
    if (at == target.path.size()) return std::nullopt;
    if (part.front() == '{') {
      arguments.push_back(target.path[at]);
    } else if (part != target.path[at]) {
      return std::nullopt;
    }
    ++at;
  }
  return at == target.path.size() ? std::optional{arguments} : std::nullopt;
}

Response not_found(const Target& target) {
  std::string given;
  for (const std::string& part : target.path) given += "/" + part;
  std::vector<std::string> known;
  for (const Route& route : table) known.push_back(api_prefix + std::string{route.pattern});
  ErrorDetail error{.code = "unknown_path", .message = "there is no such path"};
  if (std::string nearest = nearest_word(given, known); !nearest.empty()) {
    error.message += ", did you mean " + nearest + "?";
    error.nearest = std::move(nearest);
  }
  return error_response(404, std::move(error));
}

std::optional<Response> unknown_query(const Route& route, const Target& target) {
  std::vector<std::string> known;
  for (const QueryParameter& parameter : route.query) known.emplace_back(parameter.name);
  for (const auto& [name, value] : target.query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    ErrorDetail error{
        .code = "unknown_parameter", .message = "unknown parameter '" + name + "'" + suggestion(name, known), .where = name};
    if (std::string nearest = nearest_word(name, known); !nearest.empty()) error.nearest = std::move(nearest);
    return error_response(400, std::move(error));
  }
  return std::nullopt;
}

}  // namespace

std::span<const Route> routes() { return table; }

std::string_view name_of(Operation operation) { return names[static_cast<std::size_t>(operation)]; }

void throw_exception_from_error(const Response& response, const boost::source_location& where) {
  boost::throw_exception(std::runtime_error{response.body}, where);
}

RouteResult find_route(std::string_view method, const Target& target) {
  std::string allowed;
  for (const Route& route : table) {
    std::optional<std::vector<std::string>> arguments = match(route.pattern, target);
    if (!arguments) continue;
    if (route.method != method) {
      allowed = route.method;
      continue;
    }
    if (std::optional<Response> refusal = unknown_query(route, target)) return *std::move(refusal);
    return Routed{&route, *std::move(arguments)};
  }
  if (allowed.empty()) return not_found(target);
  Response response =
      error_response(405, {.code = "wrong_method", .message = "this path takes " + allowed + " only", .nearest = allowed});
  response.headers.emplace_back("Allow", allowed);
  return response;
}

}  // namespace cellrig::api
