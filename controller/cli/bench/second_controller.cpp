#include "controller/cli/bench/second_controller.hpp"

#include <vector>

#include "controller/cli/bench/instruments.hpp"
#include "controller/runtime/bench_off.hpp"

namespace cellrig::cli {

Task<void> run_second_controller(SecondControllerParts given, bool is_forced) {
  const SecondControllerParts parts = std::move(given);
  std::vector<std::string> channels;
  for (const ChannelConfig& channel : parts.bench.channels) channels.push_back(channel.name);
  const std::unique_ptr<LinkMaker> links = parts.make_links();
  BenchInstruments instruments = make_instruments(parts.time, parts.bench, channels, *links);
  RunListener nobody;
  BenchOffOptions options{.take_leases = !is_forced, .lease_directory = parts.lease_directory};
  BenchOff off{parts.time, parts.bench, instruments, nobody, std::move(options)};
  std::vector<std::string> no_chambers;
  co_await off.run(std::move(channels), std::move(no_chambers));
  for (const std::string& problem : off.problems()) parts.say("second controller: " + problem);
  if (off.problems().empty()) parts.say("second controller: it switched off every output of the bench");
}

}  // namespace cellrig::cli
