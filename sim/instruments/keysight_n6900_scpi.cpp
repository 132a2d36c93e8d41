#include "sim/instruments/keysight_n6900_scpi.hpp"

#include <algorithm>
#include <cmath>

#include "sim/instruments/keysight_n6900_errors.hpp"

namespace cellrig::sim {

void KeysightN6900::ScpiSide::forget() {
  connections_.for_each([](Connection& connection) { connection = Connection{}; });
}

void KeysightN6900::ScpiSide::receive(TimePoint now, ConnectionId id, std::string_view bytes, std::vector<Reply>& replies) {
  device_.traffic(now);
  Connection& connection = connections_.at(id);
  while (!bytes.empty()) {
    const auto line = connection.lines.next(bytes);
    if (!line) return;
    std::string reply;
    Duration takes = device_.config_.query_latency;
    if (line->overflowed) {
      connection.errors.push(n6900_error::too_much_data);
    } else {
      takes += run_message(now, connection, line->text, reply);
    }
    takes += from_seconds(device_.faults_.extra_latency_s);
    const bool answered = !reply.empty();
    replies.push_back({.due = connection.busy.finish(now, takes), .bytes = std::move(reply), .answered = answered});
  }
}

Duration KeysightN6900::ScpiSide::run_message(TimePoint now, Connection& connection, std::string_view message,
                                              std::string& reply) {
  const OldValues old{.voltage = device_.value(N6900Parameter::voltage),
                      .current_limit = device_.value(N6900Parameter::current_limit),
                      .current_limit_negative = device_.value(N6900Parameter::current_limit_negative)};
  std::string& out = connection.output;
  if (out.size() > output_queue_max) out.clear();
  Duration takes{};
  bool has_replied = false;
  ScpiUnit unit;
  ScpiTree::Node node = ScpiTree::root;
  for (int count = 0; next_unit(message, unit); ++count) {
    if (unit.header.empty()) continue;
    const ScpiTree::Match match = recent_headers_.find(tree(), unit.header, node);
    node = match.parent;
    const std::size_t before = out.size();
    if (has_replied) out.push_back(';');
    const std::size_t start = out.size();
    Call call{
        .now = now, .connection = connection, .old = old, .suffix = match.suffix, .query = unit.query, .text = unit.arguments};
    run_unit(match, call);
    if (out.size() == start) {
      out.resize(before);
    } else {
      has_replied = true;
    }
    takes += call.takes + (count > 0 ? device_.config_.further_unit_latency : Duration{});
    if (call.is_void) return takes;
  }
  if (has_replied) {
    out.push_back('\n');
    reply = out;
    out.clear();
  }
  return takes;
}

void KeysightN6900::ScpiSide::run_unit(const ScpiTree::Match& match, Call& call) {
  if (match.command == ScpiTree::no_command) return fail(call, n6900_error::undefined_header);
  // F20: somebody at the front panel undoes what is set. A fault model, not a behaviour of the unit: LOC refuses nothing.
  // Switching the output off still works.
  const bool may_set = !device_.faults_.local_control || call.query;
  const std::size_t special = all_rows().size();
  if (match.command >= special) {
    if (may_set) parameter(call, n6900_parameter_patterns()[match.command - special].parameter);
    return;
  }
  const Row& row = all_rows()[match.command];
  if ((row.form == Row::Form::query && !call.query) || (row.form == Row::Form::set && call.query)) {
    return fail(call, n6900_error::undefined_header);
  }
  call.argument = row.argument;
  const bool is_off = row.handler == &ScpiSide::output && parse_bool(call.text) == false;
  if (may_set || is_off || row.pattern.starts_with('*')) (this->*row.handler)(call);
}

/// Command errors (-1xx) and missing options void the rest of the message [V]; execution errors do not (unverified).
void KeysightN6900::ScpiSide::fail(Call& call, ScpiError error) {
  call.connection.errors.push(error);
  const bool is_command_error = error.code <= -100 && error.code > -200;
  const bool is_unavailable = error.code == n6900_error::not_installed.code;
  if (is_command_error) {
    device_.event_status_ |= 1U << 5U;
  } else if (error.code < 0) {
    device_.event_status_ |= 1U << 4U;
  } else {
    device_.event_status_ |= 1U << 3U;
  }
  if (is_command_error || is_unavailable || error.code == n6900_error::stale.code) call.is_void = true;
}

std::string_view KeysightN6900::ScpiSide::only_argument(Call& call) {
  return taken(call, parse_only_argument(call.text)).value_or("");
}

std::optional<bool> KeysightN6900::ScpiSide::bool_argument(Call& call) { return taken(call, parse_flag_argument(call.text)); }

std::optional<double> KeysightN6900::ScpiSide::number_argument(Call& call, double low, double high, std::string_view unit) {
  return taken(call, parse_number_argument(call.text, {.low = low, .high = high}, unit));
}

double KeysightN6900::ScpiSide::shown_value(const Call& call, N6900Parameter parameter) const {
  switch (parameter) {
    case N6900Parameter::voltage: return call.old.voltage;
    case N6900Parameter::current_limit: return call.old.current_limit;
    case N6900Parameter::current_limit_negative: return call.old.current_limit_negative;
    default: return device_.value(parameter);
  }
}

void KeysightN6900::ScpiSide::parameter(Call& call, N6900Parameter parameter) {
  using Kind = N6900ParameterTraits::Kind;
  const N6900ParameterTraits& traits = traits_of(parameter);
  const double low = device_.low(parameter);
  const double high = device_.high(parameter);
  if (call.query) {
    double value = shown_value(call, parameter);
    if (!call.text.empty()) {
      if (traits.kind == Kind::boolean || traits.kind == Kind::keyword || traits.read_only) {
        return fail(call, n6900_error::parameter_not_allowed);
      }
      if (matches_keyword(call.text, "MAXimum")) {
        value = high;
      } else if (matches_keyword(call.text, "MINimum")) {
        value = low;
      } else if (matches_keyword(call.text, "DEFault")) {
        value = traits.initial;
      } else {
        return fail(call, n6900_error::illegal_parameter);
      }
    }
    return append_value(call.connection.output, traits.kind, traits.keywords, value);
  }
  if (traits.read_only) return fail(call, n6900_error::undefined_header);
  switch (traits.kind) {
    case Kind::boolean:
      if (const auto on = bool_argument(call)) set_parameter(call, parameter, *on ? 1.0 : 0.0);
      return;
    case Kind::keyword: {
      const std::string_view text = only_argument(call);
      if (text.empty()) return;
      const int place = find_keyword(traits.keywords, text);
      if (place < 0) return fail(call, n6900_error::illegal_parameter);
      return set_parameter(call, parameter, place);
    }
    case Kind::slew:
      if (matches_keyword(call.text, "INFinity")) return set_parameter(call, parameter, n6900_infinite);
      [[fallthrough]];
    case Kind::number:
    case Kind::integer:
      if (const auto value = number_argument(call, low, high, traits.unit)) {
        set_parameter(call, parameter, traits.kind == Kind::integer ? std::round(*value) : *value);
      }
      return;
  }
}

void KeysightN6900::ScpiSide::set_parameter(Call& call, N6900Parameter parameter, double value) {
  const bool current_priority = device_.settings_.current_priority;
  switch (parameter) {
    case N6900Parameter::current:
      // In voltage priority accepted silently and without effect [V].
      if (!current_priority) return;
      break;
    case N6900Parameter::voltage:
      if (current_priority) return;  // taken for the mirror image (unverified)
      break;
    case N6900Parameter::voltage_limit:
      if (!current_priority) return fail(call, n6900_error::conflicting_settings);  // [V]
      break;
    case N6900Parameter::current_limit:
    case N6900Parameter::current_limit_negative:
      if (current_priority) return fail(call, n6900_error::conflicting_settings);  // taken for the mirror image (unverified)
      break;
    default: break;
  }
  device_.settings_.values[index_of(parameter)] = value;
  device_.apply(call.now);
  device_.observe(call.now);
}

}  // namespace cellrig::sim
