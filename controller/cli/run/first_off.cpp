#include "controller/cli/run/first_off.hpp"

#include <algorithm>

namespace cellrig::cli {

void FirstOff::switch_off(const std::vector<std::string>& channels, BenchOffOptions options) {
  channel_options_ = options.channel;
  BenchOff off{time_, bench_, instruments_, listener_, std::move(options)};
  const std::vector<std::string> none;
  run_to_end(time_, off.run(channels, none));
  found_ = off.found();
  not_off_ = off.not_off();
  maybe_on_ = off.maybe_on();
  out_of_reach_ = off.out_of_reach();
  problems_ = off.problems();
  found_busy_ = off.found_busy();
  leased_ = off.leased();
  leases_ = off.give_leases();
}

/// The right to them is ours already. What the first try could not do to them is no problem any more, unless it is one again.
void FirstOff::wait_for(const std::set<std::string>& channels, Patience patience) {
  for (const std::string& channel : channels) {
    std::erase(problems_, not_off_[channel]);
    not_off_.erase(channel);
    maybe_on_.erase(channel);
    out_of_reach_.erase(channel);
  }
  BenchOffOptions options{.channel = channel_options_, .look_at = channels, .take_leases = false};
  options.patience = std::move(patience);
  BenchOff off{time_, bench_, instruments_, listener_, std::move(options)};
  const std::vector<std::string> none;
  run_to_end(time_, off.run({channels.begin(), channels.end()}, none));
  for (const auto& [channel, found] : off.found()) found_[channel] = found;
  not_off_.insert(off.not_off().begin(), off.not_off().end());
  maybe_on_.insert(off.maybe_on().begin(), off.maybe_on().end());
  problems_.insert(problems_.end(), off.problems().begin(), off.problems().end());
}

}  // namespace cellrig::cli
