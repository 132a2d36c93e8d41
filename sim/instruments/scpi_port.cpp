#include "sim/instruments/scpi_port.hpp"

#include <algorithm>
#include <utility>

namespace cellrig::sim {
namespace {

constexpr std::size_t reply_size_max = 65536;

}  // namespace

std::string_view keyword_at(std::string_view keywords, int place) {
  for (; place > 0; --place) {
    const std::size_t end = keywords.find('|');
    if (end == std::string_view::npos) return {};
    keywords.remove_prefix(end + 1);
  }
  return keywords.substr(0, keywords.find('|'));
}

void ScpiPort::forget() {
  connections_.for_each([](Connection& connection) { connection = Connection{}; });
  errors_.clear();
}

void ScpiPort::receive(TimePoint now, ConnectionId id, std::string_view bytes, std::vector<Reply>& replies) {
  traffic(now);
  Connection& connection = connections_.at(id);
  while (!bytes.empty()) {
    const auto line = connection.lines.next(bytes);
    if (!line) return;
    std::string reply;
    Times times;
    if (line->overflowed) {
      errors_.push(scpi_error::too_much_data);
    } else {
      times = run_message(now, line->text, reply);
    }
    const bool is_answered = !reply.empty();
    if (is_answered) reply += line_end();
    const TimePoint due = connection.busy.finish(now, message_time() + times.takes);
    replies.push_back({.due = due, .bytes = std::move(reply), .answered = is_answered});
    connection.busy.finish(now, times.settles);
  }
}

ScpiPort::Times ScpiPort::run_message(TimePoint now, std::string_view message, std::string& reply) {
  Times times;
  ScpiUnit unit;
  ScpiTree::Node node = ScpiTree::root;
  std::string out;
  while (next_unit(message, unit)) {
    if (unit.header.empty()) continue;
    const ScpiTree::Match match = recent_headers_.find(tree(), unit.header, node);
    node = match.parent;
    out.clear();
    Call call{.now = now, .command = match.command, .query = unit.query, .text = unit.arguments, .out = out};
    if (match.command == ScpiTree::no_command) {
      fail(call, scpi_error::undefined_header);
    } else {
      run(call);
    }
    times.takes += call.takes;
    times.settles = std::max(times.settles, call.settles);
    if (call.is_void || reply.size() + out.size() > reply_size_max) {
      reply.clear();
      return times;
    }
    if (out.empty()) continue;
    if (reply.empty()) {
      reply.swap(out);
      continue;
    }
    reply.push_back(';');
    reply += out;
  }
  return times;
}

void ScpiPort::fail(Call& call, ScpiError error) {
  errors_.push(error);
  call.is_void = call.is_void || call.query || (error.code <= -100 && error.code > -200);
}

std::string_view ScpiPort::only_argument(Call& call) { return taken(call, parse_only_argument(call.text)).value_or(""); }

std::optional<bool> ScpiPort::flag_argument(Call& call) { return taken(call, parse_flag_argument(call.text)); }

std::optional<double> ScpiPort::number_argument(Call& call, ScpiRange range, std::string_view unit) {
  return taken(call, parse_number_argument(call.text, range, unit));
}

std::optional<int> ScpiPort::keyword_argument(Call& call, std::string_view keywords) {
  const std::string_view text = only_argument(call);
  if (text.empty()) return std::nullopt;
  for (int place = 0; !keyword_at(keywords, place).empty(); ++place) {
    if (matches_keyword(text, keyword_at(keywords, place))) return place;
  }
  fail(call, scpi_error::illegal_parameter);
  return std::nullopt;
}

}  // namespace cellrig::sim
