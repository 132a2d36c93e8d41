#include "controller/cli/bench/instruments.hpp"

#include <algorithm>
#include <set>

#include "controller/base/resources.hpp"
#include "controller/cli/bench/bench_context.hpp"
#include "drivers/instruments/adam_6018.hpp"
#include "drivers/instruments/coil_module.hpp"
#include "drivers/instruments/ea_psb.hpp"
#include "drivers/instruments/espec.hpp"
#include "drivers/instruments/ea_psb_scpi.hpp"
#include "drivers/instruments/itech.hpp"
#include "drivers/instruments/keysight_daq.hpp"
#include "drivers/instruments/keysight_n6900.hpp"
#include "drivers/instruments/register_chamber.hpp"
#include "drivers/instruments/register_sensor.hpp"
#include "drivers/models/model_file.hpp"

namespace cellrig::cli {
namespace {

/// Relays that are another face of a logger: one connection, one object, two interfaces.
class RelaysOf final : public Relays {
 public:
  explicit RelaysOf(Relays& relays) : relays_{relays} {}
  [[nodiscard]] int relay_count() const override { return relays_.relay_count(); }
  [[nodiscard]] Task<Result<bool>> state(int channel, Deadline deadline) override { return relays_.state(channel, deadline); }
  [[nodiscard]] Task<Result<void>> set(int channel, bool energised, Deadline deadline) override {
    return relays_.set(channel, energised, deadline);
  }

 private:
  Relays& relays_;
};

/// The same for contacts on a module of relays.
class ContactsOf final : public Contacts {
 public:
  explicit ContactsOf(Contacts& contacts) : contacts_{contacts} {}
  [[nodiscard]] int contact_count() const override { return contacts_.contact_count(); }
  [[nodiscard]] Task<Result<void>> read(std::span<bool> closed, Deadline deadline) override {
    return contacts_.read(closed, deadline);
  }

 private:
  Contacts& contacts_;
};

template <class Model>
void apply_options(const InstrumentConfig& instrument, Model& model) {
  constexpr long unit_max = 255;
  const auto unit = instrument.options.find("unit");
  if (unit == instrument.options.end()) return;
  if (unit->second < 0 || unit->second > unit_max) {
    throw ConfigError{instrument.place, "instrument '" + instrument.name + "': unit must be 0 to 255"};
  }
  model.unit = static_cast<decltype(model.unit)>(unit->second);
}

/// Which of several outputs powers a chamber is the integrator's wiring.
void choose_event(const InstrumentConfig& instrument, RegisterChamberModel& model) {
  const auto event = instrument.options.find("event");
  if (event == instrument.options.end()) return;
  if (model.event_count == 0) {
    throw ConfigError{instrument.place,
                      "instrument '" + instrument.name + "': a " + model.capabilities.model + " has no event outputs"};
  }
  if (event->second < 1 || event->second > model.event_count) {
    throw ConfigError{instrument.place,
                      "instrument '" + instrument.name + "': event must be 1 to " + std::to_string(model.event_count)};
  }
  model.event = static_cast<int>(event->second);
}

class Maker {
 public:
  Maker(TimeSource& time, LinkMaker& links, BenchInstruments& made) : time_{time}, links_{links}, made_{made} {}

  void make(const InstrumentConfig& instrument) {
    const std::string file = model_file(instrument);
    const std::string kind = load_model_kind(file);
    if (kind == kind_ea_psb) {
      EaPsbModel model = load_ea_psb_model(file);
      apply_options(instrument, model);
      if (!instrument.addresses.contains("modbus")) {
        made_.cyclers[instrument.name] = std::make_unique<EaPsbScpiCycler>(time_, links_.scpi(instrument), model);
        return;
      }
      std::unique_ptr<ModbusBus> bus = links_.modbus(instrument, model.request_gap);
      made_.cyclers[instrument.name] =
          std::make_unique<EaPsbCycler>(time_, std::move(bus), links_.scpi(instrument), std::move(model));
    } else if (kind == kind_keysight_n6900) {
      made_.cyclers[instrument.name] = std::make_unique<KeysightN6900Cycler>(
          time_, links_.scpi(instrument), links_.scpi(instrument), load_keysight_n6900_model(file));
    } else if (kind == kind_itech) {
      made_.cyclers[instrument.name] = std::make_unique<ItechCycler>(time_, links_.scpi(instrument), load_itech_model(file));
    } else if (kind == kind_keysight_daq) {
      made_.loggers[instrument.name] =
          std::make_unique<KeysightDaq>(time_, links_.scpi(instrument), load_keysight_daq_model(file));
    } else if (kind == kind_register_chamber) {
      RegisterChamberModel model = load_register_chamber_model(file);
      apply_options(instrument, model);
      choose_event(instrument, model);
      std::unique_ptr<ModbusBus> bus = links_.modbus(instrument, model.request_gap);
      made_.chambers[instrument.name] = std::make_unique<RegisterChamber>(time_, std::move(bus), std::move(model));
    } else if (kind == kind_espec) {
      EspecModel model = load_espec_model(file);
      apply_options(instrument, model);
      made_.chambers[instrument.name] = std::make_unique<EspecChamber>(time_, links_.ascii(instrument), std::move(model));
    } else if (kind == kind_adam_6018) {
      Adam6018Model model = load_adam_6018_model(file);
      apply_options(instrument, model);
      std::unique_ptr<ModbusBus> bus = links_.modbus(instrument, model.request_gap);
      auto module = std::make_unique<Adam6018>(time_, std::move(bus), std::move(model));
      made_.relays[instrument.name] = std::make_unique<RelaysOf>(*module);
      made_.loggers[instrument.name] = std::move(module);
    } else if (kind == kind_register_sensor) {
      RegisterSensorModel model = load_register_sensor_model(file);
      apply_options(instrument, model);
      std::unique_ptr<ModbusBus> bus = links_.modbus(instrument, model.request_gap);
      made_.loggers[instrument.name] = std::make_unique<RegisterSensor>(time_, std::move(bus), std::move(model));
    } else if (kind == kind_coil_module) {
      CoilModuleModel model = load_coil_module_model(file);
      apply_options(instrument, model);
      std::unique_ptr<ModbusBus> bus = links_.modbus(instrument, model.request_gap);
      auto module = std::make_unique<CoilModule>(time_, std::move(bus), std::move(model));
      if (module->contact_count() > 0) made_.contacts[instrument.name] = std::make_unique<ContactsOf>(*module);
      made_.relays[instrument.name] = std::move(module);
    }
  }

 private:
  static std::string model_file(const InstrumentConfig& instrument) {
    try {
      return find_model(instrument.model);
    } catch (const ConfigError& error) {
      throw ConfigError{instrument.place, error.message()};
    }
  }

  TimeSource& time_;
  LinkMaker& links_;
  BenchInstruments& made_;
};

/// None named: all.
std::vector<std::string> names_of(const BenchConfig& bench, const std::vector<std::string>& channels) {
  if (!channels.empty()) return channels;
  std::vector<std::string> names;
  for (const ChannelConfig& channel : bench.channels) names.push_back(channel.name);
  return names;
}

/// The instruments that these channels use, in any role.
std::set<std::string> used_by(const BenchConfig& bench, const std::vector<std::string>& channels) {
  std::set<std::string> used;
  for (const ChannelConfig& channel : bench.channels) {
    if (!channels.empty() && std::find(channels.begin(), channels.end(), channel.name) == channels.end()) continue;
    used.insert(channel.cycler);
    for (const std::optional<InputRef>& ref : {channel.cell_temperature, channel.ambient_temperature, channel.voltage,
                                               channel.stack_force, channel.gas, channel.contactor}) {
      if (ref) used.insert(ref->instrument);
    }
    for (const InputRef& contact : channel.interlocks) used.insert(contact.instrument);
    if (const ChamberConfig* const chamber = bench.chamber(channel.chamber)) used.insert(chamber->instrument);
  }
  for (const AlarmWire& alarm : alarm_wires_of(bench, names_of(bench, channels))) used.insert(alarm.wire.instrument);
  return used;
}

template <class Map>
void require(const Map& made, const std::string& name, const ChannelConfig& channel, const char* role) {
  if (!made.contains(name)) throw ConfigError{channel.place, "channel '" + channel.name + "': '" + name + "' is no " + role};
}

void require_input(const BenchInstruments& made, const ChannelConfig& channel, const std::optional<InputRef>& input,
                   InputQuantity quantity) {
  if (!input) return;
  require(made.loggers, input->instrument, channel, quantity == InputQuantity::temperature ? "temperature logger" : "logger");
  require_quantity(made.loggers.at(input->instrument)->capabilities(), *input, quantity);
}

void require_output(const BenchInstruments& made, const InputRef& output, const std::string& user) {
  const auto module = made.relays.find(output.instrument);
  if (module == made.relays.end()) throw ConfigError{output.place, user + ": '" + output.instrument + "' is no relay module"};
  const int count = module->second->relay_count();
  if (output.index < count) return;
  throw ConfigError{output.place, user + ": '" + output.instrument + "' has outputs 0 to " + std::to_string(count - 1) + " only"};
}

void require_roles(const BenchConfig& bench, const std::vector<std::string>& channels, const BenchInstruments& made) {
  for (const ChannelConfig& channel : bench.channels) {
    if (!channels.empty() && std::find(channels.begin(), channels.end(), channel.name) == channels.end()) continue;
    require(made.cyclers, channel.cycler, channel, "cycler");
    require_input(made, channel, channel.cell_temperature, InputQuantity::temperature);
    require_input(made, channel, channel.ambient_temperature, InputQuantity::temperature);
    require_input(made, channel, channel.voltage, InputQuantity::voltage);
    require_input(made, channel, channel.stack_force, InputQuantity::force);
    require_input(made, channel, channel.gas, InputQuantity::gas);
    for (const InputRef& contact : channel.interlocks) {
      require(made.contacts, contact.instrument, channel, "module with contacts");
      if (contact.index < made.contacts.at(contact.instrument)->contact_count()) continue;
      throw ConfigError{contact.place, "'" + contact.instrument + "' has contacts 0 to " +
                                           std::to_string(made.contacts.at(contact.instrument)->contact_count() - 1)};
    }
    if (channel.contactor) require_output(made, *channel.contactor, "channel '" + channel.name + "'");
    if (const ChamberConfig* const chamber = bench.chamber(channel.chamber))
      require(made.chambers, chamber->instrument, channel, "chamber");
  }
  for (const AlarmWire& alarm : alarm_wires_of(bench, names_of(bench, channels))) require_output(made, alarm.wire, alarm.name());
}

}  // namespace

BenchInstruments make_instruments(TimeSource& time, const BenchConfig& bench, const std::vector<std::string>& channels,
                                  LinkMaker& links) {
  refuse_line_conflicts(bench);
  BenchInstruments made;
  Maker maker{time, links, made};
  for (const std::string& name : used_by(bench, channels)) maker.make(bench.instruments.at(name));
  require_roles(bench, channels, made);
  return made;
}

}  // namespace cellrig::cli
