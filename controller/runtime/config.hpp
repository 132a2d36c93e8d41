// The bench file: which instruments there are, and which of them make up a channel. The `simulation` section is the
// simulator's business and is not looked into here.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/config_error.hpp"
#include "controller/base/limits.hpp"
#include "controller/base/time.hpp"
#include "controller/base/units.hpp"
#include "controller/runtime/address.hpp"

namespace cellrig {

struct InstrumentConfig {
  std::string name;
  std::string model;                             ///< the name of a file in drivers/models
  std::map<std::string, PortAddress> addresses;  ///< by port name: "modbus", "scpi", "ascii"
  std::map<std::string, long> options;           ///< by name: "unit", "event"; what a model knows is in its model file
  std::optional<std::chrono::sys_days> calibrated_on;
  std::int64_t calibration_days = 365;     ///< how long it holds
  std::string accept_expired_calibration;  ///< the reason a person gave, or empty
  SourcePlace place;
};

struct InputRef {
  std::string instrument;
  int index = 0;
  SourcePlace place{};  ///< of the input's number
};

struct ChamberConfig {
  std::string name;
  std::string instrument;
  Celsius setpoint_min{-40.0}, setpoint_max{85.0};
  std::optional<InputRef> exhaust, fan;  ///< outputs that a thermal trip switches on
  std::optional<Duration> wait_max;      ///< that a channel may wait for others; empty: by the lengths of their programs
};

struct ChannelConfig {
  std::string name;
  std::string cycler;
  std::optional<InputRef> cell_temperature, ambient_temperature;
  std::optional<InputRef> voltage;  ///< a second voltmeter at the cell
  std::optional<InputRef> stack_force, gas;
  std::optional<double> stack_area_cm2;  ///< that the force presses; empty: by the cell's file
  std::vector<InputRef> interlocks;      ///< contacts; one that is open or silent trips
  ChannelLimits limits;                  ///< of fixture, leads, press and room, whatever cell is on it
  std::map<std::string, SourcePlace> limit_places;
  std::optional<InputRef> contactor;
  std::string chamber;                   ///< empty: none
  std::string accept_without_watchdog;   ///< the reason a person gave, or empty
  std::string accept_unproven_watchdog;  ///< as above, for one that nobody has seen fire
  std::string accept_any_temperature;    ///< as above, for a cell whose temperature the other channels of its chamber change
  SourcePlace place;
};

struct BenchConfig {
  std::string name;
  std::string file;
  std::string text;
  std::map<std::string, InstrumentConfig> instruments;
  std::vector<ChamberConfig> chambers;
  std::vector<ChannelConfig> channels;
  std::optional<InputRef> siren;  ///< the output that calls people
  Duration watchdog_delay = std::chrono::seconds{5};

  [[nodiscard]] const ChannelConfig& channel(const std::string& name) const;  ///< ConfigError with the nearest name
  [[nodiscard]] const ChamberConfig* chamber(const std::string& name) const;
};

/// An output that is switched on when something goes wrong, and stays on until a person has acknowledged that.
struct AlarmWire {
  enum class Role : unsigned char { exhaust, fan, siren };
  Role role = Role::siren;
  std::string chamber;  ///< empty: of the whole bench
  InputRef wire;

  [[nodiscard]] std::string name() const;   ///< "exhaust of chamber 'oven'", "siren"
  [[nodiscard]] std::string label() const;  ///< "output 3 of board": what the record knows it by, whatever it is called
};
[[nodiscard]] std::string_view to_string(AlarmWire::Role role);

/// Those that concern these channels: exhaust and fan of their chambers, and the siren.
[[nodiscard]] std::vector<AlarmWire> alarm_wires_of(const BenchConfig& bench, const std::vector<std::string>& channels);
/// The channels whose trips one of them answers for: all in the chamber, or all of the bench.
[[nodiscard]] std::vector<std::string> channels_behind(const BenchConfig& bench, const AlarmWire& wire);

/// Throws ConfigError with file, line, column: unknown keys and names, two channels on one output, sensors used twice.
[[nodiscard]] BenchConfig load_bench(const std::string& path);
[[nodiscard]] BenchConfig parse_bench(const std::string& text, const std::string& file);

/// Replaces the addresses by those of the ready file that cellrig-sim wrote. Returns the back door's address.
HostPort use_simulator_addresses(BenchConfig& bench, const std::string& ready_file);

}  // namespace cellrig
