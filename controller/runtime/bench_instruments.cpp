#include "controller/runtime/bench_instruments.hpp"

#include <algorithm>

namespace cellrig {

ChannelParts parts_of(const ChannelConfig& channel, BenchInstruments& instruments) {
  ChannelParts parts{.name = channel.name, .cycler = instruments.cyclers.at(channel.cycler).get()};
  if (channel.contactor) {
    parts.relays = instruments.relays.at(channel.contactor->instrument).get();
    parts.contactor = channel.contactor->index;
  }
  parts.has_cell_temperature = channel.cell_temperature.has_value();
  parts.has_ambient_temperature = channel.ambient_temperature.has_value();
  parts.has_logger_voltage = channel.voltage.has_value();
  parts.has_stack_force = channel.stack_force.has_value();
  parts.has_gas = channel.gas.has_value();
  parts.stack_area_cm2 = channel.stack_area_cm2;
  parts.interlock_modules = interlock_modules(channel).size();
  parts.limits = channel.limits;
  return parts;
}

std::vector<std::string> interlock_modules(const ChannelConfig& channel) {
  std::vector<std::string> modules;
  for (const InputRef& contact : channel.interlocks) {
    if (std::find(modules.begin(), modules.end(), contact.instrument) == modules.end()) modules.push_back(contact.instrument);
  }
  return modules;
}

std::vector<std::string> serial_lines_of(const InstrumentConfig& instrument) {
  std::vector<std::string> lines;
  for (const auto& [port, address] : instrument.addresses) {
    if (address.kind != PortAddress::Kind::tcp) lines.push_back(wire_of(address));
  }
  return lines;
}

std::vector<std::string> leased_wires_of(const InstrumentConfig& instrument) {
  std::vector<std::string> wires = serial_lines_of(instrument);
  const std::string first = wire_of(instrument.addresses.begin()->second);
  if (std::find(wires.begin(), wires.end(), first) == wires.end()) wires.push_back(first);
  return wires;
}

Result<Lease> take_lease_of(const std::string& instrument, const std::string& wire, const std::string& directory) {
  Result<Lease> lease = Lease::take(directory, wire);
  if (lease) return lease;
  return Error{lease.error().fault, instrument + ": " + lease.error().what};
}

}  // namespace cellrig
