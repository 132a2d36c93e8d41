// The bench file: which instruments there are, and which of them make up a channel. The `simulation` section is the
// simulator's business and is not looked into here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/config_error.hpp"
#include "controller/base/time.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

struct InstrumentConfig {
  std::string name;
  std::string model;                          ///< the name of a file in drivers/models
  std::map<std::string, HostPort> addresses;  ///< by port name: "modbus", "scpi"
  std::map<std::string, long> options;        ///< by name: "unit", "event"; what a model knows is in its model file
  SourcePlace place;
};

struct InputRef {
  std::string instrument;
  int index = 0;
};

struct ChamberConfig {
  std::string name;
  std::string instrument;
  Celsius setpoint_min{-40.0}, setpoint_max{85.0};
};

struct ChannelConfig {
  std::string name;
  std::string cycler;
  std::optional<InputRef> cell_temperature, ambient_temperature;
  std::optional<InputRef> contactor;
  std::string chamber;                  ///< empty: none
  std::string accept_without_watchdog;  ///< the reason a person gave, or empty
  SourcePlace place;
};

struct BenchConfig {
  std::string name;
  std::string file;
  std::string text;
  std::map<std::string, InstrumentConfig> instruments;
  std::vector<ChamberConfig> chambers;
  std::vector<ChannelConfig> channels;
  Duration watchdog_delay = std::chrono::seconds{5};

  [[nodiscard]] const ChannelConfig& channel(const std::string& name) const;  ///< ConfigError with the nearest name
  [[nodiscard]] const ChamberConfig* chamber(const std::string& name) const;
};

/// Throws ConfigError with file, line, column: unknown keys and names, two channels on one output, sensors used twice.
[[nodiscard]] BenchConfig load_bench(const std::string& path);
[[nodiscard]] BenchConfig parse_bench(const std::string& text, const std::string& file);

/// Replaces the addresses by those of the ready file that cellrig-sim wrote. Returns the back door's address.
HostPort use_simulator_addresses(BenchConfig& bench, const std::string& ready_file);

/// "192.0.2.10:502", "[::1]:502", "host:502"
[[nodiscard]] HostPort parse_host_port(const std::string& text, const SourcePlace& place);

}  // namespace cellrig
