#include "sim/net/back_door.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "controller/base/config_error.hpp"

namespace cellrig::sim::back_door {
namespace {

constexpr std::size_t in_flight_count_max = 4096;

const std::vector<std::string>& words() {
  static const std::vector<std::string> all{"hello",        "advance", "follow",      "core", "host",  "truth", "fault",
                                            "clear-faults", "faults",  "fault-kinds", "now",  "state", "quit"};
  return all;
}

std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r"), rest.size()));
  const std::string_view word = rest.substr(0, std::min(rest.find_first_of(" \t\r"), rest.size()));
  rest.remove_prefix(word.size());
  return word;
}

/// What is before and after the first `separator`; without one, everything and nothing.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator) {
  const std::size_t at = std::min(text.find(separator), text.size());
  return {text.substr(0, at), text.substr(std::min(at + 1, text.size()))};
}

template <class Integer>
std::optional<Integer> integer(std::string_view text) {
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error refuse(std::string what) { return fail(Fault::refused, std::move(what)); }

std::optional<TimePoint> instant(std::string_view text) {
  const std::optional<std::int64_t> ns = integer<std::int64_t>(text);
  if (!ns) return std::nullopt;
  return TimePoint{Duration{*ns}};
}

constexpr std::string_view tty_prefix = "tty";

std::optional<LinkName> link_name(std::string_view text) {
  if (text.starts_with(tty_prefix)) {
    const std::optional<std::uint32_t> number = integer<std::uint32_t>(text.substr(tty_prefix.size()));
    if (!number) return std::nullopt;
    return LinkName{.client_port = 0, .server_port = 0, .tty = number};
  }
  const auto [client, server] = cut(text, '-');
  const std::optional<std::uint16_t> client_port = integer<std::uint16_t>(client);
  const std::optional<std::uint16_t> server_port = integer<std::uint16_t>(server);
  if (!client_port || !server_port) return std::nullopt;
  return LinkName{.client_port = *client_port, .server_port = *server_port, .tty = {}};
}

Result<Command> parse_advance(std::string_view rest) {
  const std::optional<TimePoint> to = instant(take_word(rest));
  if (!to) return refuse("advance: an instant in ns is expected");
  Advance advance{.to = *to};
  for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest)) {
    if (word == "from") {
      advance.from = instant(take_word(rest));
      if (!advance.from) return refuse("advance: an instant in ns is expected after 'from'");
      continue;
    }
    const auto [link, count] = cut(word, ':');
    const std::optional<LinkName> name = link_name(link);
    const std::optional<std::uint64_t> request_count = integer<std::uint64_t>(count);
    if (!name || !request_count) {
      return refuse("advance: '" + std::string(word) +
                    "' is not <client port>-<instrument's port>:<count> or tty<number>:<count>");
    }
    if (advance.in_flight.size() >= in_flight_count_max) return refuse("advance: too many connections");
    advance.in_flight.push_back({*name, *request_count});
  }
  return Command{std::move(advance)};
}

}  // namespace

Result<Command> parse(std::string_view line) {
  std::string_view rest = line;
  const std::string_view word = take_word(rest);
  if (word == "advance") return parse_advance(rest);
  if (word == "fault") return Command{InjectFault{std::string(rest)}};
  const std::string_view second = take_word(rest);
  if (word == "follow") {
    const std::optional<TimePoint> to = instant(second);
    if (!to || !take_word(rest).empty()) return refuse("follow: one instant in ns is expected");
    return Command{Follow{*to}};
  }
  if (word == "core") {
    const std::optional<int> core = integer<int>(second);
    if (!core || !take_word(rest).empty()) return refuse("core: one number is expected");
    return Command{ShareCore{*core}};
  }
  if (word == "hello") {
    if (second == "lockstep" && take_word(rest).empty()) return Command{HelloLockstep{}};
    return refuse("hello: only 'hello lockstep' is known");
  }
  if (word == "host") {
    if ((second == "real" || second == "lockstep") && take_word(rest).empty()) return Command{JoinHost{second == "lockstep"}};
    return refuse("host: 'real' or 'lockstep' is expected");
  }
  if (!second.empty()) return refuse("'" + std::string(word) + "' takes no words");
  if (word == "truth") return Command{Truth{}};
  if (word == "clear-faults") return Command{ClearFaults{}};
  if (word == "faults") return Command{Faults{}};
  if (word == "fault-kinds") return Command{FaultKinds{}};
  if (word == "now") return Command{Now{}};
  if (word == "state") return Command{State{}};
  if (word == "quit") return Command{Quit{}};
  return refuse("unknown command '" + std::string(word) + "'" + suggestion(word, words()));
}

void Tick::add(Entry entry) {
  for (Entry& known : entries) {
    if (known.link != entry.link) continue;
    known.sent = std::max(known.sent, entry.sent);
    return;
  }
  entries.push_back(entry);
}

std::string format(LinkName link) {
  if (link.tty) return std::string(tty_prefix) + std::to_string(*link.tty);
  return std::to_string(link.client_port) + '-' + std::to_string(link.server_port);
}

std::string format(const Tick& tick) {
  std::string text = "now " + std::to_string(to_ns(tick.now));
  for (const Tick::Entry& entry : tick.entries) {
    text += ' ';
    text += format(entry.link);
    if (entry.sent == Tick::Sent::damaged) text += '?';
    if (entry.sent == Tick::Sent::closed) text += '!';
  }
  return text + " until " + std::to_string(to_ns(tick.quiet_until));
}

}  // namespace cellrig::sim::back_door
