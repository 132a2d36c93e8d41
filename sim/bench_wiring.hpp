// What hangs on the inputs and outputs of a simulated bench's instruments: thermocouples, voltmeters, sensors, contacts, contactors.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "controller/base/time.hpp"
#include "sim/bench.hpp"
#include "sim/bench_file.hpp"
#include "sim/measurement_keys.hpp"

namespace cellrig::sim {

/// A model of instrument that the simulator knows.
struct BenchModel {
  const char* name;
  InstrumentRole role;
  int input_count = 0;    ///< thermocouples of a logger, what a sensor measures, contacts of a module
  int output_count = 0;   ///< relays
  int voltage_count = 0;  ///< voltage inputs, behind the thermocouples
};
/// `name` is one that require_known_model() has seen.
[[nodiscard]] const BenchModel& bench_model(const std::string& name);
/// ConfigError with the nearest name.
void require_known_model(const InstrumentEntry& instrument);

/// What one instrument's inputs and outputs are connected to.
struct LoggerWiring {
  std::map<int, Thermocouple*> sensors;   ///< by input
  std::map<int, std::size_t> contactors;  ///< channel by output
  std::map<int, std::size_t> outputs;     ///< exhaust, fan or siren by output
  std::map<int, std::size_t> voltages;    ///< channel by input
  std::optional<std::size_t> channel;     ///< that a sensor sits on
};

/// The wires of a bench file. Everything throws ConfigError, at the word that names the instrument, for what it cannot connect.
class BenchWiring {
 public:
  BenchWiring(const BenchFile& file, SimulatedBench& bench) : file_{file}, bench_{bench} {}

  [[nodiscard]] const BenchModel& model_of(const PlacedWord& instrument) const;
  void require_role(const PlacedWord& instrument, InstrumentRole role, const char* what) const;
  /// All that the entry connects to this channel.
  void connect(const ChannelEntry& entry, std::size_t channel);
  /// An exhaust, a fan, a siren. `clears`: the chamber whose gas it takes away.
  void connect_output(const WireEntry& wire, const std::string& name, std::optional<std::size_t> clears);

  [[nodiscard]] const LoggerWiring& of(const std::string& instrument) { return loggers_[instrument]; }
  /// What the outputs of a module drive.
  [[nodiscard]] std::function<void(TimePoint, int, bool)> relay_of(const std::string& instrument);

 private:
  void connect_thermocouple(const WireEntry& wire, std::size_t channel, bool is_ambient);
  void connect_voltage(const WireEntry& wire, std::size_t channel);
  void connect_sensor(const WireEntry& wire, std::size_t channel, const char* what);
  void require_contact(const WireEntry& wire) const;
  void require_free_output(const WireEntry& wire) const;
  void connect_contactor(const WireEntry& wire, std::size_t channel);

  const BenchFile& file_;
  SimulatedBench& bench_;
  std::map<std::string, LoggerWiring> loggers_;
};

}  // namespace cellrig::sim
