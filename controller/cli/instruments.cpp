#include "controller/cli/instruments.hpp"

#include <algorithm>
#include <set>

#include "controller/base/resources.hpp"
#include "drivers/instruments/adam_6018.hpp"
#include "drivers/instruments/ea_psb.hpp"
#include "drivers/instruments/itech.hpp"
#include "drivers/instruments/keysight_daq.hpp"
#include "drivers/instruments/keysight_n6900.hpp"
#include "drivers/instruments/watlow_f4t.hpp"
#include "drivers/modbus/libmodbus_bus.hpp"
#include "drivers/models/model_file.hpp"
#include "drivers/transport/tcp_stream.hpp"

namespace cellrig::cli {
namespace {

constexpr std::chrono::hours lockstep_response_timeout{1};

class SocketLinks final : public LinkMaker {
 public:
  SocketLinks(TimeSource& time, bool lockstep) : time_{time}, lockstep_{lockstep} {}

  [[nodiscard]] std::unique_ptr<ModbusBus> modbus(const InstrumentConfig& instrument, Duration request_gap) override {
    const HostPort& address = address_of(instrument, "modbus");
    LibmodbusBusOptions options{.host = address.host, .port = address.port};
    if (lockstep_) options.response_timeout = lockstep_response_timeout;
    options.request_gap = request_gap;
    options.prefer_thread = !lockstep_;
    return std::make_unique<LibmodbusBus>(time_, options);
  }
  [[nodiscard]] std::unique_ptr<ByteStream> scpi(const InstrumentConfig& instrument) override {
    const HostPort& address = address_of(instrument, "scpi");
    return std::make_unique<TcpStream>(time_, address.host, address.port);
  }

 private:
  static const HostPort& address_of(const InstrumentConfig& instrument, const std::string& port) {
    const auto found = instrument.addresses.find(port);
    if (found == instrument.addresses.end()) {
      throw ConfigError{instrument.place, "instrument '" + instrument.name + "' needs its " + port + ": address"};
    }
    return found->second;
  }

  TimeSource& time_;
  bool lockstep_;
};

/// Relays that are another face of a logger: one connection, one object, two interfaces.
class RelaysOf final : public Relays {
 public:
  explicit RelaysOf(Relays& relays) : relays_{relays} {}
  [[nodiscard]] Task<Result<void>> set(int channel, bool energised, Deadline deadline) override {
    return relays_.set(channel, energised, deadline);
  }

 private:
  Relays& relays_;
};

template <class Model>
void apply_options(const InstrumentConfig& instrument, Model& model) {
  if (const auto unit = instrument.options.find("unit"); unit != instrument.options.end())
    model.unit = static_cast<std::uint8_t>(unit->second);
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
    } else if (kind == kind_watlow_f4t) {
      WatlowF4tModel model = load_watlow_f4t_model(file);
      apply_options(instrument, model);
      if (const auto event = instrument.options.find("event"); event != instrument.options.end())
        model.condition_event = static_cast<int>(event->second);
      std::unique_ptr<ModbusBus> bus = links_.modbus(instrument, model.request_gap);
      made_.chambers[instrument.name] = std::make_unique<WatlowF4tChamber>(time_, std::move(bus), std::move(model));
    } else if (kind == kind_adam_6018) {
      Adam6018Model model = load_adam_6018_model(file);
      apply_options(instrument, model);
      std::unique_ptr<ModbusBus> bus = links_.modbus(instrument, model.request_gap);
      auto module = std::make_unique<Adam6018>(time_, std::move(bus), std::move(model));
      made_.relays[instrument.name] = std::make_unique<RelaysOf>(*module);
      made_.loggers[instrument.name] = std::move(module);
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

/// The instruments that these channels use, in any role.
std::set<std::string> used_by(const BenchConfig& bench, const std::vector<std::string>& channels) {
  std::set<std::string> used;
  for (const ChannelConfig& channel : bench.channels) {
    if (!channels.empty() && std::find(channels.begin(), channels.end(), channel.name) == channels.end()) continue;
    used.insert(channel.cycler);
    for (const std::optional<InputRef>& ref : {channel.cell_temperature, channel.ambient_temperature, channel.contactor}) {
      if (ref) used.insert(ref->instrument);
    }
    if (const ChamberConfig* const chamber = bench.chamber(channel.chamber)) used.insert(chamber->instrument);
  }
  return used;
}

template <class Map>
void require(const Map& made, const std::string& name, const ChannelConfig& channel, const char* role) {
  if (!made.contains(name)) throw ConfigError{channel.place, "channel '" + channel.name + "': '" + name + "' is no " + role};
}

void require_roles(const BenchConfig& bench, const std::vector<std::string>& channels, const BenchInstruments& made) {
  for (const ChannelConfig& channel : bench.channels) {
    if (!channels.empty() && std::find(channels.begin(), channels.end(), channel.name) == channels.end()) continue;
    require(made.cyclers, channel.cycler, channel, "cycler");
    if (channel.cell_temperature) require(made.loggers, channel.cell_temperature->instrument, channel, "temperature logger");
    if (channel.ambient_temperature)
      require(made.loggers, channel.ambient_temperature->instrument, channel, "temperature logger");
    if (channel.contactor) require(made.relays, channel.contactor->instrument, channel, "relay module");
    if (const ChamberConfig* const chamber = bench.chamber(channel.chamber))
      require(made.chambers, chamber->instrument, channel, "chamber");
  }
}

}  // namespace

std::unique_ptr<LinkMaker> socket_links(TimeSource& time, bool lockstep) { return std::make_unique<SocketLinks>(time, lockstep); }

BenchInstruments make_instruments(TimeSource& time, const BenchConfig& bench, const std::vector<std::string>& channels,
                                  LinkMaker& links) {
  BenchInstruments made;
  Maker maker{time, links, made};
  for (const std::string& name : used_by(bench, channels)) maker.make(bench.instruments.at(name));
  require_roles(bench, channels, made);
  return made;
}

}  // namespace cellrig::cli
