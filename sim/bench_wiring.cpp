#include "sim/bench_wiring.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "sim/instruments/adam_6018.hpp"
#include "sim/instruments/coil_modules.hpp"
#include "sim/instruments/keysight_daq.hpp"

namespace cellrig::sim {
namespace {

constexpr int daq970a_thermocouples = 12;  // of its 20 channels, as its model file has it

using Role = InstrumentRole;
constexpr std::array<BenchModel, 17> models{
    {{"ea-psb-10060-60", Role::cycler},
     {"ea-psb-10060-1000", Role::cycler},
     {"keysight-n6974a", Role::cycler},
     {"itech-it-m3432", Role::cycler},
     {"itech-it6054c-800-225", Role::cycler},
     {"watlow-f4t", Role::chamber},
     {"watlow-f4t-rtu", Role::chamber},
     {"binder-mb1", Role::chamber},
     {"espec-sh-641", Role::chamber},
     {"espec-p300", Role::chamber},
     {"adam-6018", Role::logger, adam_6018_channels, adam_6018_channels},
     {"keysight-daq970a", Role::logger, daq970a_thermocouples, 0,
      static_cast<int>(keysight_daq_channels) - daq970a_thermocouples},
     {"keysight-34970a", Role::logger, daq970a_thermocouples, 0, static_cast<int>(keysight_daq_channels) - daq970a_thermocouples},
     {"loadcell-aje", Role::sensor, 2},
     {"gas-jxbs-3001-co", Role::sensor, 1},
     {"adam-6060", Role::module, adam_6060_inputs, adam_6060_relays},
     {"waveshare-relay-8", Role::module, 0, waveshare_relays}}};

void check_number(const WireEntry& wire, int count, const std::string& what) {
  if (wire.number < count) return;
  throw ConfigError{wire.instrument.place,
                    "'" + wire.instrument.text + "' has " + what + " 0 to " + std::to_string(count - 1) + " only"};
}

}  // namespace

const BenchModel& bench_model(const std::string& name) {
  return *std::find_if(models.begin(), models.end(), [&](const BenchModel& m) { return name == m.name; });
}

void require_known_model(const InstrumentEntry& instrument) {
  std::vector<std::string> known;
  for (const BenchModel& model : models) {
    if (instrument.model.text == model.name) return;
    known.emplace_back(model.name);
  }
  throw ConfigError{instrument.model.place, "the simulator has no instrument model '" + instrument.model.text + "'" +
                                                suggestion(instrument.model.text, known)};
}

const BenchModel& BenchWiring::model_of(const PlacedWord& name) const {
  const auto instrument = std::find_if(file_.instruments.begin(), file_.instruments.end(),
                                       [&](const InstrumentEntry& entry) { return entry.name == name.text; });
  return bench_model(instrument->model.text);
}

void BenchWiring::require_role(const PlacedWord& instrument, InstrumentRole role, const char* what) const {
  if (model_of(instrument).role != role)
    throw ConfigError{instrument.place, "instrument '" + instrument.text + "' is no " + what};
}

void BenchWiring::connect(const ChannelEntry& entry, std::size_t channel) {
  if (entry.cell_temperature) connect_thermocouple(*entry.cell_temperature, channel, false);
  if (entry.ambient_temperature) connect_thermocouple(*entry.ambient_temperature, channel, true);
  if (entry.voltage) connect_voltage(*entry.voltage, channel);
  if (entry.stack_force) connect_sensor(*entry.stack_force, channel, "force sensor");
  if (entry.gas) connect_sensor(*entry.gas, channel, "gas sensor");
  for (const WireEntry& contact : entry.interlocks) require_contact(contact);
  if (entry.contactor) connect_contactor(*entry.contactor, channel);
}

void BenchWiring::connect_thermocouple(const WireEntry& wire, std::size_t channel, bool is_ambient) {
  require_role(wire.instrument, InstrumentRole::logger, "logger");
  check_number(wire, model_of(wire.instrument).input_count, "inputs");
  Thermocouple*& wired = loggers_[wire.instrument.text].sensors[wire.number];
  Thermocouple* const sensor = &bench_.thermocouple(bench_.channels()[channel], is_ambient);
  if (wired != nullptr && wired != sensor) {
    throw ConfigError{wire.instrument.place,
                      "input " + std::to_string(wire.number) + " of '" + wire.instrument.text + "' is taken by another sensor"};
  }
  wired = sensor;
}

/// A second voltmeter at the cell.
void BenchWiring::connect_voltage(const WireEntry& wire, std::size_t channel) {
  const BenchModel& model = model_of(wire.instrument);
  if (model.voltage_count == 0)
    throw ConfigError{wire.instrument.place, "instrument '" + wire.instrument.text + "' has no voltage inputs"};
  if (wire.number < model.input_count || wire.number >= model.input_count + model.voltage_count) {
    throw ConfigError{wire.instrument.place, "'" + wire.instrument.text + "' has voltage inputs " +
                                                 std::to_string(model.input_count) + " to " +
                                                 std::to_string(model.input_count + model.voltage_count - 1) + " only"};
  }
  loggers_[wire.instrument.text].voltages[wire.number] = channel;
}

/// A press has one cell in it; gas is of the first cell that names the sensor.
void BenchWiring::connect_sensor(const WireEntry& wire, std::size_t channel, const char* what) {
  require_role(wire.instrument, InstrumentRole::sensor, what);
  check_number(wire, model_of(wire.instrument).input_count, "inputs");
  std::optional<std::size_t>& wired = loggers_[wire.instrument.text].channel;
  if (!wired) wired = channel;
}

void BenchWiring::require_contact(const WireEntry& wire) const {
  if (model_of(wire.instrument).role != InstrumentRole::module || model_of(wire.instrument).input_count == 0)
    throw ConfigError{wire.instrument.place, "instrument '" + wire.instrument.text + "' has no contacts"};
  check_number(wire, model_of(wire.instrument).input_count, "contacts");
}

void BenchWiring::require_free_output(const WireEntry& wire) const {
  const int output_count = model_of(wire.instrument).output_count;
  if (output_count == 0) throw ConfigError{wire.instrument.place, "instrument '" + wire.instrument.text + "' is no relay module"};
  check_number(wire, output_count, "outputs");
  const auto module = loggers_.find(wire.instrument.text);
  if (module == loggers_.end()) return;
  const bool is_contactor = module->second.contactors.contains(wire.number);
  if (!is_contactor && !module->second.outputs.contains(wire.number)) return;
  throw ConfigError{wire.instrument.place, "output " + std::to_string(wire.number) + " of '" + wire.instrument.text +
                                               "' drives " +
                                               (is_contactor ? "another contactor already" : "something else already")};
}

void BenchWiring::connect_output(const WireEntry& wire, const std::string& name, std::optional<std::size_t> clears) {
  require_free_output(wire);
  loggers_[wire.instrument.text].outputs.emplace(wire.number, bench_.outputs().size());
  SimulatedOutput output{.name = name, .instrument = wire.instrument.text, .output = wire.number, .clears = clears};
  bench_.add_output(std::move(output));
}

void BenchWiring::connect_contactor(const WireEntry& wire, std::size_t channel) {
  require_free_output(wire);
  loggers_[wire.instrument.text].contactors.emplace(wire.number, channel);
  bench_.channels()[channel].contactor_instrument = wire.instrument.text;
  bench_.switch_contactor(TimePoint{}, channel, false);  // de-energised until somebody energises it
}

std::function<void(TimePoint, int, bool)> BenchWiring::relay_of(const std::string& instrument) {
  return [bench = &bench_, wiring = loggers_[instrument]](TimePoint now, int output, bool closed) {
    const auto channel = wiring.contactors.find(output);
    if (channel != wiring.contactors.end()) bench->switch_contactor(now, channel->second, closed);
    const auto other = wiring.outputs.find(output);
    if (other != wiring.outputs.end()) bench->switch_output(now, other->second, closed);
  };
}

}  // namespace cellrig::sim
