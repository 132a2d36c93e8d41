#include "sim/net/back_door.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "controller/base/config_error.hpp"

namespace cellrig::sim::back_door {
namespace {

constexpr std::size_t in_flight_count_max = 4096;

const std::vector<std::string>& words() {
  static const std::vector<std::string> all{"hello", "advance", "truth", "fault", "clear-faults", "now", "state", "quit"};
  return all;
}

std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r"), rest.size()));
  const std::string_view word = rest.substr(0, std::min(rest.find_first_of(" \t\r"), rest.size()));
  rest.remove_prefix(word.size());
  return word;
}

template <class Integer>
std::optional<Integer> integer(std::string_view text) {
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error refuse(std::string what) { return fail(Fault::refused, std::move(what)); }

Result<Command> parse_advance(std::string_view rest) {
  const std::optional<std::int64_t> to = integer<std::int64_t>(take_word(rest));
  if (!to) return refuse("advance: an instant in ns is expected");
  Advance advance{TimePoint{Duration{*to}}, {}};
  for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest)) {
    const std::size_t colon = std::min(word.find(':'), word.size());
    const std::optional<std::uint16_t> port = integer<std::uint16_t>(word.substr(0, colon));
    const std::optional<std::uint64_t> count = integer<std::uint64_t>(word.substr(std::min(colon + 1, word.size())));
    if (!port || !count) return refuse("advance: '" + std::string(word) + "' is not <port>:<count>");
    if (advance.in_flight.size() >= in_flight_count_max) return refuse("advance: too many connections");
    advance.in_flight.push_back({*port, *count});
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
  if (word == "hello") {
    if (second == "lockstep" && take_word(rest).empty()) return Command{HelloLockstep{}};
    return refuse("hello: only 'hello lockstep' is known");
  }
  if (!second.empty()) return refuse("'" + std::string(word) + "' takes no words");
  if (word == "truth") return Command{Truth{}};
  if (word == "clear-faults") return Command{ClearFaults{}};
  if (word == "now") return Command{Now{}};
  if (word == "state") return Command{State{}};
  if (word == "quit") return Command{Quit{}};
  return refuse("unknown command '" + std::string(word) + "'" + suggestion(word, words()));
}

void Tick::add(Entry entry) {
  for (Entry& known : entries) {
    if (known.port != entry.port) continue;
    known.is_closed = known.is_closed || entry.is_closed;
    return;
  }
  entries.push_back(entry);
}

std::string format(const Tick& tick) {
  std::string text = "now " + std::to_string(to_ns(tick.now));
  for (const Tick::Entry& entry : tick.entries) {
    text += ' ';
    text += std::to_string(entry.port);
    if (entry.is_closed) text += '!';
  }
  return text;
}

}  // namespace cellrig::sim::back_door
