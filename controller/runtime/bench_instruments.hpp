// The instruments behind a bench file, and which of them a channel is made of.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "controller/runtime/channel_runner.hpp"
#include "controller/runtime/config.hpp"
#include "controller/runtime/lease.hpp"
#include "drivers/instruments/chamber.hpp"

namespace cellrig {

/// By name. Made by the command line, which alone knows concrete classes.
struct BenchInstruments {
  std::map<std::string, std::unique_ptr<Cycler>> cyclers;
  std::map<std::string, std::unique_ptr<Chamber>> chambers;
  std::map<std::string, std::unique_ptr<Logger>> loggers;
  std::map<std::string, std::unique_ptr<Relays>> relays;
};

[[nodiscard]] ChannelParts parts_of(const ChannelConfig& channel, BenchInstruments& instruments);

/// The right to control an instrument, by its first address.
[[nodiscard]] Result<Lease> take_lease_of(const BenchConfig& bench, const std::string& instrument, const std::string& directory);

}  // namespace cellrig
