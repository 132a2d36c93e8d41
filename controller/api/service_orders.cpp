// What is ordered: from JSON to the bench, and its word back.
#include <algorithm>

#include "controller/api/service.hpp"
#include "controller/api/views.hpp"
#include "controller/base/text.hpp"

namespace cellrig::api {
namespace {

struct FaultWords {
  int status;
  const char* code;
};
FaultWords words_of(ControlFault fault) {
  switch (fault) {
    case ControlFault::not_found: return {404, "not_found"};
    case ControlFault::bad_input: return {400, "bad_input"};
    case ControlFault::wrong_state: return {409, "wrong_state"};
    case ControlFault::busy: return {409, "busy"};
    case ControlFault::fenced: return {409, "fencing_token_old"};
    case ControlFault::forbidden: return {403, "forbidden"};
    case ControlFault::refused: return {409, "refused"};
    case ControlFault::failed: return {502, "instrument_failed"};
    case ControlFault::record: return {500, "record_failed"};
    case ControlFault::ending: return {503, "ending"};
  }
  return {500, "internal"};
}

cellrig::Role control_role(Role role) {
  switch (role) {
    case Role::viewer: return cellrig::Role::viewer;
    case Role::operates: return cellrig::Role::operator_;
    case Role::engineer: return cellrig::Role::engineer;
  }
  return cellrig::Role::viewer;
}

Response no_control_answer() {
  return error_response(
      503, {.code = "no_answer",
            .message = "the control thread has not answered in time; it may do it yet. If something must be off now, use the "
                       "emergency stop at the bench"});
}

std::uint64_t number_of(const std::string& text) {
  constexpr std::size_t digits_max = 16;
  const bool is_number = !text.empty() && text.size() <= digits_max && text.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? std::stoull(text) : 0;  // no alarm has the number 0
}

/// Of a call that answers at once.
template <class T>
std::function<void(BenchControl&, std::function<void(ControlResult<T>)>)> at_once(
    std::function<ControlResult<T>(BenchControl&)> call) {
  return
      [call = std::move(call)](BenchControl& bench, const std::function<void(ControlResult<T>)>& answer) { answer(call(bench)); };
}

Response done_or(const std::optional<ControlResult<void>>& result, std::string sentence) {
  if (!result) return no_control_answer();
  return *result ? done_response(std::move(sentence)) : error_response(result->error());
}

}  // namespace

Response error_response(const ControlError& error) {
  const FaultWords words = words_of(error.fault);
  ErrorDetail detail{.code = words.code, .message = error.message};
  if (!error.where.empty()) detail.where = error.where;
  if (!error.nearest.empty()) detail.nearest = error.nearest;
  return error_response(words.status, std::move(detail));
}

/// An account's name is what the record gets: nobody signs for somebody else. The one token has no name, so the order says it.
Who Service::who_orders(const Call& call, const std::string& name) const {
  return {
      .name = call.who.name.empty() ? name : call.who.name, .origin = call.request.remote, .role = control_role(call.who.role)};
}

Task<Response> Service::acknowledge(const Call& call) {
  const Decoded<AcknowledgeOrder> order = from_json<AcknowledgeOrder>(call.request.body);
  if (!order) co_return error_response(400, order.error());
  const Who who = who_orders(call, order->name);
  std::function<ControlResult<void>(BenchControl&)> ack = [who, alarm = number_of(call.argument()),
                                                           reason = order->reason](BenchControl& bench) {
    return bench.acknowledge(alarm, who, reason);
  };
  auto question = at_once<void>(std::move(ack));
  const auto result = co_await bridge_->ask<ControlResult<void>>(std::move(question), settings_.limits.control_within, false);
  hub_.forget();
  co_return done_or(result, "acknowledged by " + who.name);
}

Task<Response> Service::preflight(const Call& call) {
  const Decoded<PreflightOrder> asked = from_json<PreflightOrder>(call.request.body);
  if (!asked) co_return error_response(400, asked.error());
  cellrig::StartOrder order{.channel = call.argument(),
                            .who = who_orders(call, ""),
                            .profile = asked->profile,
                            .cell = asked->cell,
                            .cell_id = asked->cell_id,
                            .parameters = asked->parameters};
  using Answer = ControlResult<std::vector<CheckLine>>;
  std::function<void(BenchControl&, std::function<void(Answer)>)> question =
      [order](BenchControl& bench, std::function<void(Answer)> answer) { bench.preflight(order, std::move(answer)); };
  const auto result = co_await bridge_->ask<Answer>(std::move(question), settings_.limits.start_within, false);
  if (!result) co_return no_control_answer();
  if (!*result) co_return error_response(result->error());
  co_return json_response(view_of(result->value()));
}

/// Answers when the run has begun, or why it has not.
Task<Response> Service::begin_run(BeginQuestion question) {
  using Answer = ControlResult<cellrig::Started>;
  const auto result = co_await bridge_->ask<Answer>(std::move(question), settings_.limits.start_within, false);
  hub_.forget();
  if (!result) co_return no_control_answer();
  if (!*result) co_return error_response(result->error());
  const cellrig::Started& started = result->value();
  co_return json_response(Started{started.run, static_cast<std::int64_t>(started.fencing_token)});
}

Task<Response> Service::start(const Call& call) {
  const Decoded<StartOrder> asked = from_json<StartOrder>(call.request.body);
  if (!asked) co_return error_response(400, asked.error());
  cellrig::StartOrder order{.channel = call.argument(),
                            .fencing_token = call.fencing_token,
                            .who = who_orders(call, asked->operator_name),
                            .profile = asked->profile,
                            .cell = asked->cell,
                            .cell_id = asked->cell_id,
                            .parameters = asked->parameters,
                            .expected_charge_pct = asked->expected_charge_pct,
                            .without_rehearsal = asked->without_rehearsal};
  BeginQuestion question = [order](BenchControl& bench, ControlReply<cellrig::Started> answer) {
    bench.start(order, std::move(answer));
  };
  co_return co_await begin_run(std::move(question));
}

Task<Response> Service::go_on(const Call& call) {
  const Decoded<GoOnOrder> asked = from_json<GoOnOrder>(call.request.body);
  if (!asked) co_return error_response(400, asked.error());
  cellrig::GoOnOrder order{.channel = call.argument(),
                           .fencing_token = call.fencing_token,
                           .who = who_orders(call, asked->operator_name),
                           .run = asked->run,
                           .rule = asked->rule,
                           .accept_changed = asked->accept_changed};
  BeginQuestion question = [order](BenchControl& bench, ControlReply<cellrig::Started> answer) {
    bench.go_on(order, std::move(answer));
  };
  co_return co_await begin_run(std::move(question));
}

Task<Response> Service::channel_order(const Call& call) {
  using Method = ControlResult<void> (BenchControl::*)(const ChannelOrder&);
  Method method = &BenchControl::note;
  std::string sentence = "noted";
  switch (call.routed.route->operation) {
    case Operation::pause_channel: method = &BenchControl::pause, sentence = "channel " + call.argument() + " is pausing"; break;
    case Operation::resume_channel: method = &BenchControl::resume, sentence = "channel " + call.argument() + " goes on"; break;
    case Operation::skip_step: method = &BenchControl::skip, sentence = "the step is skipped"; break;
    case Operation::confirm_step: method = &BenchControl::confirm, sentence = "confirmed"; break;
    default: break;
  }
  ChannelOrder order{.channel = call.argument(), .fencing_token = call.fencing_token};
  if (call.routed.route->operation == Operation::note_channel) {
    const Decoded<NoteOrder> note = from_json<NoteOrder>(call.request.body);
    if (!note) co_return error_response(400, note.error());
    order.who = who_orders(call, note->operator_name);
    order.reason = note->text;
  } else {
    const Decoded<PersonOrder> person = from_json<PersonOrder>(call.request.body);
    if (!person) co_return error_response(400, person.error());
    order.who = who_orders(call, person->operator_name);
    order.reason = person->reason;
    if (person->step_count) order.step_count = static_cast<std::uint64_t>(std::max<std::int64_t>(*person->step_count, 0));
  }
  std::function<ControlResult<void>(BenchControl&)> act = [method, order](BenchControl& bench) { return (bench.*method)(order); };
  auto question = at_once<void>(std::move(act));
  const auto result = co_await bridge_->ask<ControlResult<void>>(std::move(question), settings_.limits.control_within, false);
  hub_.forget();
  co_return done_or(result, sentence);
}

Task<Response> Service::limits(const Call& call) {
  const Decoded<LimitsOrder> asked = from_json<LimitsOrder>(call.request.body);
  if (!asked) co_return error_response(400, asked.error());
  ErrorDetail error{.code = "forbidden"};
  if (asked->widen && call.who.role != Role::engineer) {
    error.message = "limits are widened by an engineer only; you may tighten them";
    co_return error_response(403, std::move(error));
  }
  if (asked->widen && is_blank(asked->reason)) {
    error.code = "bad_input";
    error.message = "a limit is widened with a reason only";
    error.where = "reason";
    co_return error_response(400, std::move(error));
  }
  LimitOrder order{.channel = call.argument(),
                   .fencing_token = call.fencing_token,
                   .who = who_orders(call, asked->operator_name),
                   .limits = asked->limits,
                   .may_widen = asked->widen,
                   .reason = asked->reason};
  std::function<ControlResult<void>(BenchControl&)> act = [order](BenchControl& bench) { return bench.set_limits(order); };
  auto question = at_once<void>(std::move(act));
  const auto result = co_await bridge_->ask<ControlResult<void>>(std::move(question), settings_.limits.control_within, false);
  hub_.forget();
  co_return done_or(result, "the limits are in force");
}

/// Whatever the body says, a stop is a stop: one that cannot be read is carried out without its name and reason.
Task<Response> Service::stop(const Call& call) {
  const Decoded<PersonOrder> asked = from_json<PersonOrder>(call.request.body);
  const PersonOrder order = asked ? *asked : PersonOrder();
  Who who = who_orders(call, order.operator_name);
  if (who.name.empty()) who.name = "somebody at " + call.request.remote;
  const std::string reason = order.reason.empty() ? "emergency stop" : order.reason;
  const Operation operation = call.routed.route->operation;
  const std::string name = call.routed.arguments.empty() ? std::string() : call.argument();
  std::function<ControlResult<void>(BenchControl&)> act = [operation, name, who,
                                                           reason](BenchControl& bench) -> ControlResult<void> {
    if (operation == Operation::stop_channel) return bench.stop_channel(name, who, reason);
    if (operation == Operation::stop_chamber) return bench.stop_chamber(name, who, reason);
    bench.stop_all(who, reason);
    return {};
  };
  auto question = at_once<void>(std::move(act));
  const auto result = co_await bridge_->ask<ControlResult<void>>(std::move(question), settings_.limits.control_within, true);
  hub_.forget();
  const std::string what = operation == Operation::stop_all       ? "every channel"
                           : operation == Operation::stop_channel ? "channel " + name
                                                                  : "chamber " + name + " and every channel in it";
  co_return done_or(result, "OFF is on its way to " + what);
}

}  // namespace cellrig::api
