// BenchService: what clients order.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "controller/base/config_error.hpp"
#include "controller/base/text.hpp"
#include "controller/runtime/bench_service.hpp"
#include "controller/runtime/constants.hpp"

namespace cellrig {
namespace {

constexpr Duration idle_off_timeout = std::chrono::seconds{1};
constexpr std::string_view stays_latched = "the cycler's own protection stays latched: ";
constexpr std::size_t text_max = 2000;  ///< of a note or a reason

ControlError wrong(ControlFault fault, const std::string& message) { return {.fault = fault, .message = message}; }

/// A JSON string of any text.
std::string json_string(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20) {
      quoted += fmt::format("\\u{:04x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

/// What a verdict rests on later: whether the cells of this bench are models.
std::string detail_of(const StartOrder& order, bool is_simulated) {
  std::string parameters;
  for (const auto& [name, value] : order.parameters)
    parameters += (parameters.empty() ? "" : ",") + json_string(name) + ":" + json_string(value);
  return fmt::format(
      R"({{"channel":{},"profile":{},"cell":{},"cell_id":{},"parameters":{{{}}},"expect_soc":{},"without_rehearsal":{},"simulated":{}}})",
      json_string(order.channel), json_string(order.profile), json_string(order.cell), json_string(order.cell_id), parameters,
      json_string(order.expected_charge_pct), json_string(order.without_rehearsal), is_simulated);
}

std::string by(const Who& who, const std::string& reason) { return reason.empty() ? who.name : who.name + ": " + reason; }

}  // namespace

// ---- who may order what, and of which run ---------------------------------------------------------------------------

Place* BenchService::find(std::string_view channel) {
  const auto found =
      std::find_if(places_.begin(), places_.end(), [&](const auto& place) { return place->config.name == channel; });
  return found == places_.end() ? nullptr : found->get();
}

const Place* BenchService::find(std::string_view channel) const { return const_cast<BenchService*>(this)->find(channel); }

ControlError BenchService::no_such_channel(const std::string& name) const {
  std::vector<std::string> known;
  for (const std::unique_ptr<Place>& place : places_) known.push_back(place->config.name);
  return {.fault = ControlFault::not_found,
          .message = "no channel '" + name + "'" + suggestion(name, known),
          .where = "channel",
          .nearest = nearest_word(name, known)};
}

ControlResult<Place*> BenchService::admit(const std::string& channel, std::uint64_t token, const Who& who) {
  Place* const place = find(channel);
  if (place == nullptr) return no_such_channel(channel);
  if (who.role == Role::viewer) return wrong(ControlFault::forbidden, "a viewer orders nothing but a stop");
  if (is_blank(who.name))
    return ControlError{.fault = ControlFault::bad_input, .message = "who orders this? Give a name", .where = "operator"};
  if (token != place->token) {
    return wrong(ControlFault::fenced,
                 fmt::format("{}: this order was made for another run: its fencing token is {}, the channel's is {}", channel,
                             token, place->token));
  }
  if (stop_requested_) return wrong(ControlFault::ending, "the bench is being closed");
  return place;
}

ControlResult<ChannelRunner*> BenchService::running(const ChannelOrder& order) {
  const ControlResult<Place*> place = admit(order.channel, order.fencing_token, order.who);
  if (!place) return place.error();
  if (order.reason.size() > text_max)
    return ControlError{
        .fault = ControlFault::bad_input, .message = fmt::format("at most {} bytes of text", text_max), .where = "reason"};
  ChannelRunner* const runner = (**place).runner();
  if (runner == nullptr) return wrong(ControlFault::wrong_state, order.channel + ": no run is under way");
  const std::uint64_t step_count = runner->state().step_count;
  if (order.step_count && *order.step_count != step_count) {
    return wrong(ControlFault::fenced, fmt::format("{}: this order was made for step {}, and step {} is under way", order.channel,
                                                   *order.step_count, step_count));
  }
  return runner;
}

ControlResult<void> BenchService::may_start(const Place& place) const {
  const std::string& name = place.config.name;
  if (!is_open_) return wrong(ControlFault::busy, "the bench is being opened");
  if (place.is_busy()) return wrong(ControlFault::busy, name + " is busy: " + std::string(to_string(status_of(place).condition)));
  if (place.is_being_secured) return wrong(ControlFault::busy, name + " is being switched off");
  return may_be_energised(place);
}

/// What can change while a start is prepared, waits for its output, and is armed.
ControlResult<void> BenchService::may_be_energised(const Place& place) const {
  const std::string& name = place.config.name;
  if (recorder_.failed()) return wrong(ControlFault::record, "the record cannot be kept: " + recorder_.failure());
  if (recorder_.behind() > db::behind_alarm)
    return wrong(ControlFault::record,
                 fmt::format("the disk of the record has not answered for {:.0f} s", to_seconds(recorder_.behind())));
  if (alarms_.has_open_trip({name}))
    return wrong(ControlFault::refused,
                 name + ": a safety trip ended its last run and nobody has acknowledged it. Look at the cell first");
  const std::string& chamber = place.config.chamber;
  if (chamber.empty()) return {};
  if (const ChamberTask* const its = bench_.chamber(chamber); its != nullptr && its->tripped()) {
    return wrong(ControlFault::refused,
                 "chamber '" + chamber + "' was tripped by heat: acknowledge the trips of all its channels first");
  }
  for (const std::unique_ptr<Place>& other : places_) {
    if (other.get() == &place || other->config.chamber != chamber || !other->is_not_safe) continue;
    return wrong(ControlFault::refused,
                 other->config.name + ", in the same chamber, is not known to be off: the chamber stays as it is");
  }
  return {};
}

void BenchService::audit(const Who& who, std::int64_t run, const std::string& action, const std::string& reason,
                         std::string detail) {
  recorder_.audit(db::AuditRow{.utc = time_.utc_now(),
                               .run = run,
                               .operator_name = who.name,
                               .origin = who.origin,
                               .verb = "serve",
                               .action = action,
                               .reason = reason,
                               .detail = std::move(detail)});
}

// ---- starts ---------------------------------------------------------------------------------------------------------

PrepareContext BenchService::prepare_context(const Place& place, bool is_rehearsed) const {
  PrepareContext context{.is_rehearsed = is_rehearsed, .acknowledged = acknowledged_};
  if (place.is_given_up) context.is_given_up = [flag = place.is_given_up] { return flag->load(); };
  return context;
}

void BenchService::attempt(Place& place, Attempt attempt, const std::string& doing) {
  place.stage = Place::Stage::preparing;
  place.doing = doing;
  tasks_.spawn(hold_channel(place, std::move(attempt)));
  changed(place);
}

void BenchService::start(StartOrder order, ControlReply<Started> reply) {
  const ControlResult<Place*> admitted = admit(order.channel, order.fencing_token, order.who);
  if (!admitted) return reply(admitted.error());
  Place& place = **admitted;
  if (const ControlResult<void> allowed = may_start(place); !allowed) return reply(allowed.error());
  place.is_given_up = std::make_shared<std::atomic<bool>>(false);
  new_token(place);  // whatever was meant for the run before comes too late now
  Attempt made{.who = order.who,
               .action = "run requested",
               .detail = detail_of(order, options_.status.is_simulated),
               .reply = std::move(reply)};
  made.prepare = [make = options_.prepare, order, context = prepare_context(place, true)] { return make(order, context); };
  attempt(place, std::move(made), "compiling and rehearsing '" + order.profile + "'");
}

void BenchService::go_on(GoOnOrder order, ControlReply<Started> reply) {
  const ControlResult<Place*> admitted = admit(order.channel, order.fencing_token, order.who);
  if (!admitted) return reply(admitted.error());
  Place& place = **admitted;
  if (const ControlResult<void> allowed = may_start(place); !allowed) return reply(allowed.error());
  if (!options_.prepare_go_on) return reply(wrong(ControlFault::refused, "a bench inside a process ends with it"));
  place.is_given_up = std::make_shared<std::atomic<bool>>(false);
  new_token(place);
  Attempt made{.who = order.who, .action = "run goes on", .reply = std::move(reply)};
  made.detail = fmt::format(R"({{"run":{},"rule":{},"accept_changed":{},"simulated":{}}})", order.run, json_string(order.rule),
                            json_string(order.accept_changed), options_.status.is_simulated);
  order.has_run_here = ran_here_.contains(order.run);
  order.off_at = place.off_at;
  made.prepare = [make = options_.prepare_go_on, order] { return make(order); };
  attempt(place, std::move(made), fmt::format("reading run {}", order.run));
}

// ---- in mid-run -----------------------------------------------------------------------------------------------------

ControlResult<void> BenchService::order(const ChannelOrder& order, ChannelRunner::PersonOrder what, const char* action) {
  const ControlResult<ChannelRunner*> runner = running(order);
  if (!runner) return runner.error();
  const Result<void> done = (**runner).order(what, by(order.who, order.reason));
  if (!done) return wrong(ControlFault::wrong_state, done.error().what);
  Place& place = *find(order.channel);
  audit(order.who, place.run, action, order.reason);
  changed(place);
  return {};
}

ControlResult<void> BenchService::pause(const ChannelOrder& given) {
  return order(given, ChannelRunner::PersonOrder::pause, "pause");
}

ControlResult<void> BenchService::resume(const ChannelOrder& given) {
  return order(given, ChannelRunner::PersonOrder::resume, "resume");
}

ControlResult<void> BenchService::skip(const ChannelOrder& given) {
  return order(given, ChannelRunner::PersonOrder::skip, "skip step");
}

ControlResult<void> BenchService::confirm(const ChannelOrder& order) {
  const ControlResult<ChannelRunner*> runner = running(order);
  if (!runner) return runner.error();
  if (!(**runner).confirm(by(order.who, order.reason)))
    return wrong(ControlFault::wrong_state, order.channel + " asks for nothing now");
  Place& place = *find(order.channel);
  place.asks_person.clear();
  audit(order.who, place.run, "confirmed", order.reason);
  changed(place);
  return {};
}

ControlResult<void> BenchService::note(const ChannelOrder& order) {
  const ControlResult<ChannelRunner*> runner = running(order);
  if (!runner) return runner.error();
  if (order.reason.empty()) return ControlError{.fault = ControlFault::bad_input, .message = "an empty note", .where = "text"};
  (**runner).remark(db::Severity::info, "note", order.reason + " (by " + order.who.name + ")");
  audit(order.who, find(order.channel)->run, "note", order.reason);
  return {};
}

ControlResult<void> BenchService::set_limits(const LimitOrder& order) {
  const ControlResult<ChannelRunner*> runner = running(
      ChannelOrder{.channel = order.channel, .fencing_token = order.fencing_token, .who = order.who, .reason = order.reason});
  if (!runner) return runner.error();
  if (order.may_widen && order.who.role != Role::engineer)
    return wrong(ControlFault::forbidden, "a limit is widened by an engineer only");
  if (order.may_widen && is_blank(order.reason))
    return ControlError{
        .fault = ControlFault::bad_input, .message = "a limit is widened for a reason: give it", .where = "reason"};
  if (order.limits.empty()) return ControlError{.fault = ControlFault::bad_input, .message = "no limit", .where = "limits"};
  const Result<void> done = (**runner).set_limits(order.limits, order.may_widen, by(order.who, order.reason));
  if (!done) return ControlError{.fault = ControlFault::refused, .message = done.error().what, .where = "limits"};
  std::string detail;
  for (const auto& [name, value] : order.limits)
    detail += fmt::format("{}{}:{}", detail.empty() ? "" : ",", json_string(name), value);
  Place& place = *find(order.channel);
  audit(order.who, place.run, "limits changed", order.reason, "{" + detail + "}");
  changed(place);
  return {};
}

// ---- stops: nothing here asks for a token or a role -----------------------------------------------------------------

void BenchService::stop_place(Place& place, const std::string& reason) {
  if (!is_open_) place.stopped_early = reason;
  if (place.is_given_up) place.is_given_up->store(true);
  if (place.start) place.start->stop(Outcome::stopped, reason);
  if (ChannelRunner* const runner = place.runner()) return runner->stop(Outcome::stopped, reason);
  if (place.stage == Place::Stage::starting) return;
  if (place.is_being_secured) {
    place.is_off_wanted = true;  // whoever talks to the cycler now sends it next
    return;
  }
  place.is_being_secured = true;
  tasks_.spawn(switch_off_idle(place));
}

ControlResult<void> BenchService::stop_channel(const std::string& channel, const Who& who, const std::string& reason) {
  Place* const place = find(channel);
  if (place == nullptr) return no_such_channel(channel);
  stop_place(*place, "stopped by " + by(who, reason));
  audit(who, place->is_busy() ? place->run : 0, "stop", reason, "{\"channel\":" + json_string(channel) + "}");
  changed(*place);
  return {};
}

ControlResult<void> BenchService::stop_chamber(const std::string& chamber, const Who& who, const std::string& reason) {
  ChamberTask* const its = bench_.chamber(chamber);
  if (its == nullptr) {
    std::vector<std::string> known;
    for (const ChamberConfig& config : config_.chambers) known.push_back(config.name);
    return ControlError{.fault = ControlFault::not_found,
                        .message = "no chamber '" + chamber + "'" + suggestion(chamber, known),
                        .where = "chamber",
                        .nearest = nearest_word(chamber, known)};
  }
  const std::string text = "chamber '" + chamber + "' stopped by " + by(who, reason);
  for (const std::unique_ptr<Place>& place : places_) {
    if (place->config.chamber == chamber) stop_place(*place, text);
  }
  its->emergency_stop();
  audit(who, 0, "stop", reason, "{\"chamber\":" + json_string(chamber) + "}");
  for (BenchWatcher* const watcher : watchers_) watcher->chamber_changed(chamber);
  return {};
}

void BenchService::stop_all(const Who& who, const std::string& reason) {
  const std::string text = "the whole bench was stopped by " + by(who, reason);
  for (const std::unique_ptr<Place>& place : places_) stop_place(*place, text);
  for (const std::unique_ptr<ChamberTask>& chamber : bench_.chambers()) chamber->emergency_stop();
  audit(who, 0, "stop", reason, R"({"bench":true})");
  log_.message("bench", db::Severity::warning, text);
}

/// OFF without a run: of an output that is off it is said once more, of one that nobody could confirm it is tried again.
Task<void> BenchService::switch_off_idle(Place& place) {
  Cycler& cycler = *bench_.instruments().cyclers.at(place.config.cycler);
  const Deadline deadline{time_.now() + idle_off_timeout};
  const Result<void> off = co_await cycler.output_off(deadline);  // it cuts what is under way
  co_await place.watch->hold();
  bool is_known_off = off.has_value();
  if (off) {
    const Deadline release_deadline{time_.now() + idle_off_timeout};
    const Result<void> released = co_await cycler.release(release_deadline);
    is_known_off = released.has_value();
    set_not_safe(place, false);
  } else {
    set_not_safe(place, true);
    bench_.alarms().ring(place.config.name + ": the cycler does not confirm OFF");
    message(place.config.name, db::Severity::alarm, "its output is not known to be off: " + off.error().what + ". Go and look.");
  }
  if (off) {
    place.watch->let_go(is_known_off);
  } else {
    place.watch->let_go_in_doubt();
  }
  place.is_being_secured = std::exchange(place.is_off_wanted, false);
  if (place.is_being_secured) tasks_.spawn(switch_off_idle(place));  // it may have come after this OFF
  changed(place);
}

/// Its chamber does not move over an output that may be on.
void BenchService::set_not_safe(Place& place, bool is_not_safe) {
  if (is_not_safe) {
    place.off_at.reset();
  } else if (place.is_not_safe) {
    place.off_at = time_.utc_now();
  }
  place.is_not_safe = is_not_safe;
  ChamberTask* const chamber = bench_.chamber(place.config.chamber);
  if (chamber == nullptr) return;
  if (is_not_safe) {
    chamber->may_be_on(place.config.name);
  } else {
    chamber->confirmed_off(place.config.name);
  }
}

// ---- alarms ---------------------------------------------------------------------------------------------------------

ControlResult<void> BenchService::acknowledge(std::uint64_t id, const Who& who, const std::string& reason) {
  if (who.role == Role::viewer) return wrong(ControlFault::forbidden, "a viewer acknowledges nothing");
  if (is_blank(who.name))
    return ControlError{.fault = ControlFault::bad_input, .message = "who has looked? Give a name", .where = "name"};
  AlarmStatus* const alarm = alarms_.find(id);
  if (alarm == nullptr) return wrong(ControlFault::not_found, fmt::format("no alarm {}", id));
  if (!alarm->acknowledged_by.empty())
    return wrong(ControlFault::wrong_state, fmt::format("alarm {} was acknowledged by {}", id, alarm->acknowledged_by));
  const bool is_trip = alarm->severity == AlarmSeverity::trip;
  if (is_trip && is_blank(reason))
    return ControlError{
        .fault = ControlFault::bad_input, .message = "a trip is acknowledged with what was found", .where = "reason"};
  Place* const place = find(alarm->channel);
  if (is_trip && place != nullptr && place->is_busy())
    return wrong(ControlFault::wrong_state, alarm->channel + " is still being switched off");
  alarm->acknowledged_by = who.name;
  alarm->acknowledged = time_.utc_now();
  alarm->is_active = false;
  for (BenchWatcher* const watcher : watchers_) watcher->alarm_changed(*alarm);
  if (is_trip && place != nullptr) {
    place->watch->mind_heat(place->job == nullptr);  // what is hot still, or again, is told anew
    if (place->job) place->job->runner->watch_heat_anew();
  }
  if (!is_trip || alarm->run == 0) {
    audit(who, alarm->run, "alarm acknowledged", reason, "{\"alarm\":" + json_string(alarm->text) + "}");
    if (is_trip && place != nullptr) note_heat_seen(who, place->config.name, reason);
  } else {
    recorder_.acknowledge({.run = alarm->run, .utc = time_.utc_now(), .operator_name = who.name, .reason = reason}, who.origin);
    acknowledged_.push_back(alarm->run);
    if (place != nullptr && !alarms_.has_open_trip({place->config.name})) place->trip.reset();
  }
  // Also by the alarm that says that it stayed latched: the first try may have met an output that was on.
  const bool is_about_that = is_trip || alarm->text.starts_with(stays_latched);
  const bool is_seen = is_about_that && place != nullptr && !place->is_busy() && !alarms_.has_open_trip({place->config.name});
  if (is_seen && place->watch->is_tripped() && !place->is_being_secured) {
    place->is_being_secured = true;
    tasks_.spawn(clear_instrument(*place));
  }
  tasks_.spawn(stand_alarms_down());
  if (place != nullptr) changed(*place);
  return {};
}

/// What the instrument's own protection has latched, a person has seen now.
Task<void> BenchService::clear_instrument(Place& place) {
  co_await place.watch->hold();
  const Deadline deadline{time_.now() + command_timeout};
  const Result<void> cleared = co_await bench_.instruments().cyclers.at(place.config.cycler)->acknowledge_trip(deadline);
  if (!cleared) message(place.config.name, db::Severity::alarm, std::string(stays_latched) + cleared.error().what);
  if (std::exchange(place.is_off_wanted, false)) {
    co_await switch_off_idle(place);
    co_return;
  }
  place.watch->let_go_as_before();
  place.is_being_secured = false;
  changed(place);
}

/// Chambers that heat had tripped may be used again, and exhaust, fan and siren go off, once nobody is left who has not looked.
Task<void> BenchService::stand_alarms_down() {
  for (const std::unique_ptr<ChamberTask>& chamber : bench_.chambers()) {
    std::vector<std::string> channels;
    for (const std::unique_ptr<Place>& place : places_) {
      if (place->config.chamber == chamber->name()) channels.push_back(place->config.name);
    }
    if (chamber->tripped() && !alarms_.has_open_alarm(channels, chamber->name()) && chamber->clear_trip()) {
      for (BenchWatcher* const watcher : watchers_) watcher->chamber_changed(chamber->name());
    }
  }
  for (const std::unique_ptr<AlarmOutput>& output : bench_.alarms().outputs()) {
    const AlarmWire& wire = output->wire();
    if (!output->is_wanted() || alarms_.has_open_alarm(channels_behind(config_, wire), wire.chamber)) continue;
    const Result<void> off = co_await output->stand_down();
    if (!off) message(wire.name(), db::Severity::alarm, off.error().what);
  }
}

}  // namespace cellrig
