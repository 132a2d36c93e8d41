#include "controller/runtime/bench_instruments.hpp"

namespace cellrig {

ChannelParts parts_of(const ChannelConfig& channel, BenchInstruments& instruments) {
  ChannelParts parts{.name = channel.name, .cycler = instruments.cyclers.at(channel.cycler).get()};
  if (channel.contactor) {
    parts.relays = instruments.relays.at(channel.contactor->instrument).get();
    parts.contactor = channel.contactor->index;
  }
  parts.has_cell_temperature = channel.cell_temperature.has_value();
  parts.has_ambient_temperature = channel.ambient_temperature.has_value();
  return parts;
}

Result<Lease> take_lease_of(const BenchConfig& bench, const std::string& instrument, const std::string& directory) {
  const HostPort& address = bench.instruments.at(instrument).addresses.begin()->second;
  Result<Lease> lease = Lease::take(directory, address.host + ":" + std::to_string(address.port));
  if (lease) return lease;
  return Error{lease.error().fault, instrument + ": " + lease.error().what};
}

}  // namespace cellrig
