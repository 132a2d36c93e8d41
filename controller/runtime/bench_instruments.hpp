// The instruments behind a bench file, and which of them a channel is made of.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

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
  std::map<std::string, std::unique_ptr<Contacts>> contacts;
};

[[nodiscard]] ChannelParts parts_of(const ChannelConfig& channel, BenchInstruments& instruments);

/// The modules that a channel's interlock contacts are on, each once.
[[nodiscard]] std::vector<std::string> interlock_modules(const ChannelConfig& channel);

/// What one process at a time may use an instrument by: its first address, and every serial line it is on (also one behind a TCP port).
[[nodiscard]] std::vector<std::string> leased_wires_of(const InstrumentConfig& instrument);
[[nodiscard]] std::vector<std::string> serial_lines_of(const InstrumentConfig& instrument);

/// The right to use such a wire. Busy: the message names the instrument and who has it.
[[nodiscard]] Result<Lease> take_lease_of(const std::string& instrument, const std::string& wire, const std::string& directory);

}  // namespace cellrig
