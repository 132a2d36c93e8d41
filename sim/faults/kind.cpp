#include "sim/faults/kind.hpp"

#include <algorithm>
#include <charconv>

#include "controller/base/config_error.hpp"

namespace cellrig::sim::faults {
namespace {

constexpr double count_max = 1e9;

std::string plain(std::string_view word) {
  std::string text{word};
  for (char& c : text) {
    if (c == '-') c = '_';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

double Fields::number(std::string_view key, double fallback, double least, double most) {
  const std::string* const word = text(key);
  if (word == nullptr) return fallback;
  double value = 0.0;
  const auto [end, error] = std::from_chars(word->data(), word->data() + word->size(), value);
  const bool is_number = error == std::errc{} && end == word->data() + word->size();
  if (is_number && value >= least && value <= most) return value;
  complain(order_.kind + ": '" + std::string(key) + "' must be a number in its range, not '" + *word + "'");
  return fallback;
}

std::uint32_t Fields::whole(std::string_view key, std::uint32_t fallback) {
  return static_cast<std::uint32_t>(number(key, fallback, 0.0, count_max));
}

bool Fields::flag(std::string_view key, bool fallback) {
  const std::string* const word = text(key);
  if (word == nullptr) return fallback;
  if (*word == "true" || *word == "1") return true;
  if (*word == "false" || *word == "0") return false;
  complain(order_.kind + ": '" + std::string(key) + "' is true or false, not '" + *word + "'");
  return fallback;
}

std::size_t Fields::choice_of(std::string_view key, std::size_t fallback, const std::vector<std::string>& words) {
  const std::string* const word = text(key);
  if (word == nullptr) return fallback;
  const auto found =
      std::find_if(words.begin(), words.end(), [&](const std::string& known) { return plain(known) == plain(*word); });
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  complain(order_.kind + ": unknown " + std::string(key) + " '" + *word + "'" + suggestion(*word, words));
  return fallback;
}

void Fields::complain(std::string what) {
  if (complaint_.empty()) complaint_ = std::move(what);
}

Result<void> Fields::verdict() const {
  if (!complaint_.empty()) return refuse(complaint_);
  return Result<void>{};
}

std::string target_of(const Context& c) {
  for (const char* const key : {"target", "instrument", "channel", "chamber", "interlock"}) {
    const std::string* const word = c.fields.text(key);
    if (word == nullptr) continue;
    const std::string* const port = c.fields.text("port");
    return port == nullptr ? *word : *word + '.' + *port;
  }
  return "";
}

Error unknown_target(const Context& c, const std::string& what, const std::vector<std::string>& known) {
  const std::string target = target_of(c);
  if (target.empty()) return refuse(c.order.kind + ": on which " + what + "?" + suggestion("", known));
  return refuse(c.order.kind + ": unknown " + what + " '" + target + "'" + suggestion(target, known));
}

std::vector<std::string> channel_names(SimulatedBench& bench) {
  std::vector<std::string> names;
  for (const SimulatedChannel& channel : bench.channels()) names.push_back(channel.name);
  return names;
}

SimulatedChannel* channel_of(const Context& c, Error& error) {
  SimulatedChannel* const channel = c.bench.channel(target_of(c));
  if (channel == nullptr) error = unknown_target(c, "channel", channel_names(c.bench));
  return channel;
}

}  // namespace cellrig::sim::faults
