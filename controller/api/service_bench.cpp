// What is seen of the bench now.
#include <fmt/format.h>

#include "controller/api/service.hpp"
#include "controller/api/views.hpp"
#include "controller/base/config_error.hpp"

namespace cellrig::api {
namespace {

Response unknown_name(std::string_view kind, const std::string& name, const std::vector<std::string>& known) {
  ErrorDetail error{.code = "not_found", .message = fmt::format("there is no {} '{}'{}", kind, name, suggestion(name, known))};
  if (std::string nearest = nearest_word(name, known); !nearest.empty()) error.nearest = std::move(nearest);
  return error_response(404, std::move(error));
}

template <class Status, class Name>
Response one_of(const std::vector<Status>& list, Name Status::*member, std::string_view kind, const std::string& name) {
  std::vector<std::string> known;
  for (const Status& status : list) {
    if (status.*member == name) return json_response(view_of(status));
    known.push_back(status.*member);
  }
  return unknown_name(kind, name, known);
}

template <class Status>
auto views_of(const std::vector<Status>& list) {
  std::vector<decltype(view_of(list.front()))> views;
  for (const Status& status : list) views.push_back(view_of(status));
  return views;
}

}  // namespace

Response Service::session(const Call& call) const { return json_response(SessionView{call.who.name, call.who.role}); }

Task<Response> Service::bench(const Call& call) {
  const std::shared_ptr<const Gathered> gathered = co_await hub_.look();
  if (!gathered) {
    ErrorDetail error{.code = "no_answer"};
    error.message = "the control thread does not answer";
    co_return error_response(503, std::move(error));
  }
  switch (call.routed.route->operation) {
    case Operation::list_channels: co_return json_response(views_of(gathered->channels));
    case Operation::get_channel: co_return one_of(gathered->channels, &ChannelStatus::channel, "channel", call.argument());
    case Operation::list_chambers: co_return json_response(views_of(gathered->chambers));
    case Operation::get_chamber: co_return one_of(gathered->chambers, &ChamberStatus::chamber, "chamber", call.argument());
    case Operation::list_alarms: co_return json_response(views_of(gathered->alarms));
    default: co_return json_response(view_of(*gathered, settings_.version));
  }
}

Task<Response> Service::metrics() {
  const std::shared_ptr<const Gathered> gathered = co_await hub_.look();
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_text(gathered.get(), traffic_, hub_, memory_.size());
  co_return response;
}

}  // namespace cellrig::api
