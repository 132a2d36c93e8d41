#include "controller/runtime/address.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "profiles/yaml_reader.hpp"

namespace cellrig {
namespace {

constexpr std::string_view serial_prefix = "serial:", rtu_over_tcp_prefix = "rtu_over_tcp:";

std::string host_port_text(const HostPort& at) {
  const bool is_ipv6 = at.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + at.host + "]" : at.host) + ":" + std::to_string(at.port);
}

int read_baud(const YamlEntry& entry) {
  const std::int64_t baud = as_integer(entry.value, "baud");
  if (std::find(serial_bauds.begin(), serial_bauds.end(), baud) != serial_bauds.end()) return static_cast<int>(baud);
  std::string known;
  for (const int each : serial_bauds) known += (known.empty() ? "" : ", ") + std::to_string(each);
  throw ConfigError{entry.value.place(), "baud " + std::to_string(baud) + " is not known; one of " + known};
}

Parity read_parity(const YamlEntry& entry) {
  const std::string& word = as_text(entry.value, "parity");
  const auto found = std::find(parity_words.begin(), parity_words.end(), word);
  if (found != parity_words.end()) return static_cast<Parity>(found - parity_words.begin());
  const std::vector<std::string> words(parity_words.begin(), parity_words.end());
  throw ConfigError{entry.value.place(), "unknown parity '" + word + "'" + suggestion(word, words)};
}

int read_stop_bits(const YamlEntry& entry) {
  const std::int64_t bits = as_integer(entry.value, "stop_bits");
  if (bits == 1 || bits == 2) return static_cast<int>(bits);
  throw ConfigError{entry.value.place(), "stop_bits must be 1 or 2"};
}

PortAddress read_serial(const YamlMap& map) {
  PortAddress address;
  address.kind = PortAddress::Kind::serial;
  const YamlEntry& device = map.required("serial");
  address.device = as_text(device.value, "serial");
  if (!address.device.starts_with('/')) {
    throw ConfigError{device.value.place(), "'" + address.device + "' is no device; write its path, such as /dev/ttyUSB0"};
  }
  if (const YamlEntry* entry = map.find("baud")) address.baud = read_baud(*entry);
  if (const YamlEntry* entry = map.find("parity")) address.parity = read_parity(*entry);
  if (const YamlEntry* entry = map.find("stop_bits")) address.stop_bits = read_stop_bits(*entry);
  return address;
}

}  // namespace

HostPort parse_host_port(const std::string& text, const SourcePlace& place) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) throw ConfigError{place, "'" + text + "' is no address; write host:port"};
  HostPort result{.host = text.substr(0, colon)};
  if (result.host.size() > 2 && result.host.front() == '[' && result.host.back() == ']')
    result.host = result.host.substr(1, result.host.size() - 2);
  const char* const begin = text.data() + colon + 1;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, result.port);
  if (error != std::errc{} || stop != end || result.port == 0)
    throw ConfigError{place, "'" + text + "' has no port between 1 and 65535"};
  return result;
}

PortAddress read_port_address(const YamlNode& node, const std::string& port) {
  PortAddress address;
  if (!node.is_map()) {
    address = PortAddress{parse_host_port(as_text(node, port), node.place())};
  } else if (const YamlMap map{node, port, {"serial", "baud", "parity", "stop_bits", "rtu_over_tcp"}}; map.find("rtu_over_tcp")) {
    const YamlEntry& server = map.required("rtu_over_tcp");
    if (port != "modbus") throw ConfigError{server.place, "rtu_over_tcp is a form of modbus:, not of " + port + ":"};
    for (const char* const key : {"serial", "baud", "parity", "stop_bits"}) {
      const YamlEntry* const entry = map.find(key);
      if (entry != nullptr) throw ConfigError{entry->place, std::string(key) + " does not go with rtu_over_tcp"};
    }
    address = PortAddress{parse_host_port(as_text(server.value, "rtu_over_tcp"), server.value.place())};
    address.kind = PortAddress::Kind::rtu_over_tcp;
  } else {
    address = read_serial(map);
  }
  address.place = node.place();
  return address;
}

std::string to_string(const PortAddress& address) {
  switch (address.kind) {
    case PortAddress::Kind::tcp: return host_port_text(address.tcp);
    case PortAddress::Kind::rtu_over_tcp: return std::string(rtu_over_tcp_prefix) + host_port_text(address.tcp);
    case PortAddress::Kind::serial: return std::string(serial_prefix) + address.device;
  }
  return {};
}

void move_to(PortAddress& address, const std::string& text, const SourcePlace& place) {
  PortAddress there;
  if (text.starts_with(serial_prefix)) {
    there.kind = PortAddress::Kind::serial;
    there.device = text.substr(serial_prefix.size());
  } else if (text.starts_with(rtu_over_tcp_prefix)) {
    there.kind = PortAddress::Kind::rtu_over_tcp;
    there.tcp = parse_host_port(text.substr(rtu_over_tcp_prefix.size()), place);
  } else {
    there.tcp = parse_host_port(text, place);
  }
  if (there.kind != address.kind) {
    throw ConfigError{place, "'" + text + "' is another kind of address than '" + to_string(address) +
                                 "' of the bench file: was the simulator started with another one?"};
  }
  address.tcp = there.tcp;
  address.device = there.device;
}

std::string wire_of(const PortAddress& address) {
  if (address.kind != PortAddress::Kind::serial) return host_port_text(address.tcp);
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(address.device, error);
  return error ? address.device : real.string();
}

}  // namespace cellrig
