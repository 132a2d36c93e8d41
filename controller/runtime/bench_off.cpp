#include "controller/runtime/bench_off.hpp"

#include <algorithm>

namespace cellrig {
namespace {
constexpr Duration chamber_timeout = std::chrono::seconds{5};
}

BenchOff::BenchOff(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, RunListener& listener,
                   BenchOffOptions options)
    : time_{time}, bench_{bench}, instruments_{instruments}, listener_{listener}, options_{std::move(options)} {}

bool BenchOff::is_ours(const std::string& name, const std::string& instrument) {
  if (!options_.take_leases) return true;
  Result<Lease> lease = take_lease_of(bench_, instrument, options_.lease_directory);
  if (lease) {
    leases_.push_back(std::move(*lease));
    return true;
  }
  problems_.push_back(name + ": " + lease.error().what + " (cellrig off --force turns it off all the same)");
  return false;
}

Task<void> BenchOff::run(std::vector<std::string> channels, std::vector<std::string> chambers) {
  TaskGroup all{time_};
  ChannelOptions options = options_.channel;
  options.watchdog_delay = bench_.watchdog_delay;
  for (const std::string& name : channels) {
    const ChannelConfig& channel = bench_.channel(name);
    if (!is_ours(name, channel.cycler)) continue;
    runners_.push_back(
        std::make_unique<ChannelRunner>(time_, parts_of(channel, instruments_), nothing_, options, recorder_, listener_));
    all.spawn(channel_off(*runners_.back()));
  }
  for (const std::string& name : chambers) {
    const std::string& instrument = bench_.chamber(name)->instrument;
    const auto made = instruments_.chambers.find(instrument);
    if (made != instruments_.chambers.end() && is_ours(name, instrument)) all.spawn(chamber_off(name, *made->second));
  }
  co_await all.wait();
}

Task<void> BenchOff::channel_off(ChannelRunner& runner) {
  const Result<void> off = co_await runner.secure();
  if (!off) problems_.push_back(off.error().what);
}

Task<void> BenchOff::chamber_off(std::string name, Chamber& chamber) {
  const Deadline deadline{time_.now() + chamber_timeout};
  const Result<void> stopped = co_await chamber.stop(deadline);
  if (!stopped) problems_.push_back(name + ": the chamber did not confirm that it stopped: " + stopped.error().what);
}

std::vector<std::string> chambers_of_only(const BenchConfig& bench, const std::vector<std::string>& channels) {
  std::vector<std::string> found;
  for (const ChamberConfig& chamber : bench.chambers) {
    const bool all_named = std::all_of(bench.channels.begin(), bench.channels.end(), [&](const ChannelConfig& channel) {
      return channel.chamber != chamber.name || std::find(channels.begin(), channels.end(), channel.name) != channels.end();
    });
    if (all_named) found.push_back(chamber.name);
  }
  return found;
}

}  // namespace cellrig
