// The record, profiles and cells: everything that is read from disk.
#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "controller/api/record_views.hpp"
#include "controller/api/service.hpp"
#include "controller/base/config_error.hpp"
#include "controller/base/text.hpp"

namespace cellrig::api {
namespace {

Response bad_query(std::string where, std::string message) {
  return error_response(400, {.code = "bad_parameter", .message = std::move(message), .where = std::move(where)});
}

/// Of a run, a job, or a parameter of the query.
std::optional<std::int64_t> integer_in(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc{} && end == text.data() + text.size() && value >= 0 && value <= json_integer_max;
  return is_whole ? std::optional{value} : std::nullopt;
}
std::optional<double> number_in(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr double most = 1e12;
  const bool is_number = error == std::errc{} && end == text.data() + text.size() && value >= -most && value <= most;
  return is_number ? std::optional{value} : std::nullopt;
}

/// The parameters of a query, read one after the other; the first that cannot be read is kept.
class Query {
 public:
  explicit Query(const std::map<std::string, std::string>& query) : query_{query} {}
  [[nodiscard]] const std::optional<Response>& fault() const { return fault_; }

  [[nodiscard]] std::string text(const std::string& name) const {
    const auto found = query_.find(name);
    return found == query_.end() ? std::string{} : found->second;
  }
  /// Within 1..most.
  [[nodiscard]] std::size_t count(const std::string& name, std::size_t otherwise, std::size_t most) {
    const auto found = query_.find(name);
    if (found == query_.end()) return otherwise;
    const std::optional<std::int64_t> value = integer_in(found->second);
    if (value && *value >= 1 && *value <= static_cast<std::int64_t>(most)) return static_cast<std::size_t>(*value);
    refuse(name, fmt::format("'{}' must be a whole number from 1 to {}", name, most));
    return otherwise;
  }
  [[nodiscard]] std::optional<std::int64_t> number_of(const std::string& name) {
    const auto found = query_.find(name);
    if (found == query_.end()) return std::nullopt;
    const std::optional<std::int64_t> value = integer_in(found->second);
    if (!value) refuse(name, fmt::format("'{}' must be a whole number", name));
    return value;
  }
  [[nodiscard]] std::optional<double> seconds(const std::string& name) {
    const auto found = query_.find(name);
    if (found == query_.end()) return std::nullopt;
    const std::optional<double> value = number_in(found->second);
    if (!value) refuse(name, fmt::format("'{}' must be a number of seconds", name));
    return value;
  }
  [[nodiscard]] std::optional<UtcTime> time(const std::string& name) {
    const auto found = query_.find(name);
    if (found == query_.end()) return std::nullopt;
    const std::optional<UtcTime> value = parse_utc(found->second);
    if (!value) refuse(name, fmt::format("'{}' must be a time such as 2026-11-30T22:17:10Z", name));
    return value;
  }
  void refuse(const std::string& name, std::string message) {
    if (!fault_) fault_ = bad_query(name, std::move(message));
  }

 private:
  const std::map<std::string, std::string>& query_;
  std::optional<Response> fault_;
};

/// The record refuses what is not in it; everything else is the record's own trouble.
Response record_error(const Error& error) {
  if (error.fault == Fault::refused) return error_response(404, {.code = "not_found", .message = error.what});
  return error_response(500, {.code = "record_failed", .message = error.what});
}

template <class View>
Response answer_of(const Result<View>& view) {
  return view ? json_response(*view) : record_error(view.error());
}

/// What a catalogue refuses: unknown names, or an order that makes no sense.
Response catalogue_error(const ErrorDetail& error) {
  if (error.code == "not_kept") return error_response(500, error);
  return error_response(error.code == "not_found" ? 404 : error.code == "exists" ? 409 : 400, error);
}

template <class View>
Response answer_of(const Decoded<View>& view) {
  return view ? json_response(*view) : catalogue_error(view.error());
}

std::vector<std::string> words_in(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    words.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return words;
}

bool is_quantity_name(const std::string& name) {
  constexpr std::size_t length_max = 60;
  return !name.empty() && name.size() <= length_max &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
}

constexpr std::size_t runs_default = 50, runs_most = 500, steps_default = 1000, rows_most = 10'000, events_default = 500,
                      events_most = 5000, points_default = 2000;

}  // namespace

Task<Response> Service::on_worker(Worker& worker, std::function<Response()> work) {
  std::optional<Response> response = co_await worker.run<Response>(std::move(work));
  if (response) co_return *std::move(response);
  ErrorDetail error{.code = "busy"};
  error.message = "too many questions are waiting for the disk; ask again";
  co_return error_response(503, std::move(error));
}

Task<Response> Service::record(const Call& call) {
  ErrorDetail missing{.code = "not_found"};
  missing.message = "this bench keeps no record";
  if (settings_.database.empty()) co_return error_response(404, std::move(missing));
  const std::string database = settings_.database;
  Query query{call.target.query};
  std::function<Response()> work;
  if (call.routed.route->operation == Operation::list_runs) {
    db::RunFilter filter{.cell = query.text("cell"),
                         .profile = query.text("profile"),
                         .channel = query.text("channel"),
                         .status = query.text("status"),
                         .since = query.time("since"),
                         .before = query.number_of("before"),
                         .count_max = static_cast<std::int64_t>(query.count("limit", runs_default, runs_most))};
    if (query.fault()) co_return *query.fault();
    work = [database, filter] { return answer_of(runs_view(database, filter)); };
    co_return co_await on_worker(record_worker_, std::move(work));
  }
  const std::optional<std::int64_t> number = integer_in(call.argument());
  if (!number) co_return bad_query("run", "a run is a whole number");
  const std::int64_t run = *number, after = query.number_of("after").value_or(-1);
  switch (call.routed.route->operation) {
    case Operation::get_samples: co_return co_await samples(call, run);
    case Operation::export_run: co_return co_await export_run(call, run);
    case Operation::list_steps: {
      const std::size_t count = query.count("limit", steps_default, rows_most);
      work = [=] { return answer_of(steps_view(database, run, after, count)); };
      break;
    }
    case Operation::list_cycles: {
      const std::size_t count = query.count("limit", rows_most, rows_most);
      work = [=] { return answer_of(cycles_view(database, run, after, count)); };
      break;
    }
    case Operation::list_events: {
      const std::size_t count = query.count("limit", events_default, events_most);
      work = [=] { return answer_of(events_view(database, run, count)); };
      break;
    }
    case Operation::list_expected: {
      const std::size_t count = query.count("limit", rows_most, rows_most);
      work = [=] { return answer_of(expected_view(database, run, after, count)); };
      break;
    }
    default: work = [=] { return answer_of(run_view(database, run, true)); }; break;
  }
  if (query.fault()) co_return *query.fault();
  co_return co_await on_worker(record_worker_, std::move(work));
}

Task<Response> Service::samples(const Call& call, std::int64_t run) {
  Query query{call.target.query};
  SamplesQuery wanted{.run = run, .from_s = query.seconds("from_s"), .to_s = query.seconds("to_s")};
  wanted.points = query.count("points", points_default, points_max);
  wanted.quantities = words_in(query.text("quantities"));
  if (wanted.quantities.empty()) wanted.quantities = words_in("voltage_V,current_A,cell_temperature_degC");
  if (wanted.quantities.size() > quantities_max)
    query.refuse("quantities", fmt::format("at most {} quantities at once", quantities_max));
  std::vector<std::string> sorted = wanted.quantities;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) query.refuse("quantities", "a quantity is named twice");
  for (const std::string& name : wanted.quantities) {
    if (!is_quantity_name(name) || name == "test_time_s")
      query.refuse("quantities", "quantities are names such as voltage_V, with commas between");
  }
  if (wanted.from_s && wanted.to_s && *wanted.from_s > *wanted.to_s) query.refuse("to_s", "'to_s' lies before 'from_s'");
  if (query.fault()) co_return *query.fault();
  std::function<Response()> work = [database = settings_.database, wanted] { return answer_of(samples_view(database, wanted)); };
  co_return co_await on_worker(record_worker_, std::move(work));
}

/// The run is looked for first: what is not there is said as such, and not by a file that breaks off.
Task<Response> Service::export_run(const Call& call, std::int64_t run) {
  const auto given = call.target.query.find("format");
  const std::vector<std::string>& words = export_format_words();
  const auto known = given == call.target.query.end() ? words.begin() : std::find(words.begin(), words.end(), given->second);
  if (known == words.end()) {
    ErrorDetail error{.code = "bad_parameter", .where = "format"};
    error.message = "unknown format '" + given->second + "'" + suggestion(given->second, words);
    if (std::string nearest = nearest_word(given->second, words); !nearest.empty()) error.nearest = std::move(nearest);
    co_return error_response(400, std::move(error));
  }
  const auto format = static_cast<ExportFormat>(known - words.begin());
  constexpr std::size_t name_length_max = 200;
  const std::string name = Query{call.target.query}.text("name");
  if (name.size() > name_length_max || name.find('/') != std::string::npos)
    co_return bad_query("name", "'name' is that of a file, without its folder, of at most 200 characters");
  const std::string end_line = Query{call.target.query}.text("end_line");
  if (!end_line.empty() && end_line != "yes" && end_line != "no") co_return bad_query("end_line", "'end_line' is yes or no");
  const std::string database = settings_.database, end = end_line == "yes" ? export_end_line : "";
  using Named = Result<ExportFile>;
  std::function<Named()> look = [database, run, format] { return export_file(database, run, format); };
  const std::optional<Named> file = co_await record_worker_.run<Named>(std::move(look));
  if (file && !*file) co_return record_error(file->error());
  const ExportOrder order{run, format, name, settings_.protocol_of};
  Exports::Work work = [database, order, end](const Exports::Sink& sink, const Exports::IsCancelled& is_cancelled) {
    Result<void> done = write_export(database, order, sink, is_cancelled);
    if (done && !end.empty() && !sink(end)) done = fail(Fault::interrupted, "nobody wants the rest");
    return done;
  };
  Exports::IsCancelled has_left = call.request.watch_client ? call.request.watch_client() : Exports::IsCancelled{};
  const Exports::Owner owner{call.who.name, call.who.role};
  const std::shared_ptr<ExportFeed> feed = file ? exports_.begin(owner, std::move(work), std::move(has_left)) : nullptr;
  ErrorDetail busy{.code = "busy"};
  busy.message = "as many exports as there can be of one account, or of one role, are under way; ask again";
  if (!feed) {
    Response response = error_response(503, std::move(busy));
    response.headers.emplace_back("Retry-After", "5");
    co_return response;
  }
  if (!call.who.name.empty()) {
    std::erase_if(named_exports_, [](const auto& one) { return one.second.expired(); });
    named_exports_.emplace_back(call.who.name, feed);
    if (!access_.has_account(call.who.name)) feed->cut();
  }
  if (const std::optional<Error> failed = co_await feed->begun()) co_return record_error(*failed);
  Response response;
  response.content_type = (*file)->content_type;
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + (*file)->name + "\"");
  response.feed = feed;
  co_return response;
}

Task<Response> Service::catalogue(const Call& call) {
  Catalogue& library = catalogue_;
  std::function<Response()> work;
  switch (call.routed.route->operation) {
    case Operation::list_profiles: work = [&library] { return json_response(library.profiles()); }; break;
    case Operation::list_cells: work = [&library] { return json_response(library.cells()); }; break;
    case Operation::get_profile: work = [&library, name = call.argument()] { return answer_of(library.profile(name)); }; break;
    case Operation::get_cell: work = [&library, name = call.argument()] { return answer_of(library.cell(name)); }; break;
    default: {
      const Decoded<CheckOrder> order = from_json<CheckOrder>(call.request.body);
      if (!order) co_return error_response(400, order.error());
      work = [&library, order = *order] { return answer_of(library.check(order)); };
      break;
    }
  }
  co_return co_await on_worker(catalogue_worker_, std::move(work));
}

Task<Response> Service::add_cell(const Call& call) {
  const Decoded<CellFileOrder> order = from_json<CellFileOrder>(call.request.body);
  if (!order) co_return error_response(400, order.error());
  const Who who = who_orders(call, order->operator_name);
  ErrorDetail missing{.code = "bad_input"};
  missing.message = "what limits a real cell is added by somebody, and for a reason";
  missing.where = is_blank(who.name) ? "operator" : "reason";
  if (is_blank(who.name) || is_blank(order->reason)) co_return error_response(400, std::move(missing));
  using Added = Decoded<AddedCell>;
  Catalogue& library = catalogue_;
  std::function<Added()> work = [&library, asked = *order] { return library.add_cell(asked); };
  const std::optional<Added> added = co_await catalogue_worker_.run<Added>(std::move(work));
  ErrorDetail busy{.code = "busy"};
  busy.message = "too many questions are waiting for the disk; ask again";
  if (!added) co_return error_response(503, std::move(busy));
  if (!*added) co_return catalogue_error(added->error());
  ServerChange change{.action = "cell file added"};
  change.operator_name = who.name;
  change.origin = who.origin;
  change.reason = order->reason;
  change.text = "cell file '" + order->name + "', sha256 " + (*added)->sha256;
  if (!(*added)->is_new) change.text += ", which was there already";
  // Once more, too: who does so stands up for a file that lay there, and of which nobody knew who had added it.
  if ((*added)->is_added && settings_.on_change) settings_.on_change(change);
  co_return json_response((*added)->view);
}

Task<Response> Service::rehearse(const Call& call) {
  const Decoded<CheckOrder> order = from_json<CheckOrder>(call.request.body);
  if (!order) co_return error_response(400, order.error());
  using Command = Decoded<std::vector<std::string>>;
  Catalogue& library = catalogue_;
  std::function<Command()> work = [&library, asked = *order] { return library.rehearsal_command(asked); };
  const std::optional<Command> command = co_await catalogue_worker_.run<Command>(std::move(work));
  if (command && !*command) co_return catalogue_error(command->error());
  const std::optional<std::int64_t> job = command ? rehearsals_.begin(command->value()) : std::nullopt;
  ErrorDetail error{.code = "busy"};
  error.message = "too many rehearsals are waiting; ask again later";
  if (!job) co_return error_response(503, std::move(error));
  co_return json_response(JobAccepted{*job}, 202);
}

Response Service::rehearsal(const Call& call) const {
  const std::optional<std::int64_t> job = integer_in(call.argument());
  const RehearsalView* const view = job ? rehearsals_.find(*job) : nullptr;
  if (view != nullptr) return json_response(*view);
  return error_response(404, {.code = "not_found", .message = "there is no such rehearsal; results are kept for the last 64"});
}

}  // namespace cellrig::api
