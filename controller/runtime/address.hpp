// Where a port of an instrument is: a TCP port, a serial line, or a serial line behind a TCP port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/base/config_error.hpp"
#include "controller/base/serial_settings.hpp"

namespace cellrig {

class YamlNode;

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

/// As the bench file has it. What it leaves out of a serial line the model file may know.
struct PortAddress {
  enum class Kind : unsigned char {
    tcp,           ///< Modbus TCP, or lines of text
    rtu_over_tcp,  ///< Modbus RTU frames in a TCP connection: a serial server, or an instrument that does so by itself
    serial,        ///< Modbus RTU, or lines of text
  };
  PortAddress() = default;
  PortAddress(HostPort at) : tcp{std::move(at)} {}  // NOLINT(google-explicit-constructor): the plain form of an address

  Kind kind = Kind::tcp;
  HostPort tcp;        ///< unless serial
  std::string device;  ///< serial: "/dev/ttyUSB0"
  std::optional<int> baud, stop_bits;
  std::optional<Parity> parity;
  SourcePlace place;
};

/// "192.0.2.10:502", "[::1]:502", "host:502"
[[nodiscard]] HostPort parse_host_port(const std::string& text, const SourcePlace& place);

/// The value of `modbus:`, `scpi:` or `ascii:` in a bench file. Throws ConfigError.
[[nodiscard]] PortAddress read_port_address(const YamlNode& node, const std::string& port);

/// "192.0.2.10:502", "serial:/dev/ttyUSB0", "rtu_over_tcp:192.0.2.10:10001": for messages, records and the ready file.
[[nodiscard]] std::string to_string(const PortAddress& address);

/// Takes the place that such a text names, and leaves the settings of the line.
void move_to(PortAddress& address, const std::string& text, const SourcePlace& place);

/// The same text for the same wire, however it is written (a link in /dev/serial/by-id, for one).
[[nodiscard]] std::string wire_of(const PortAddress& address);

}  // namespace cellrig
