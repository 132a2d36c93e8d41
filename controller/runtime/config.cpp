#include "controller/runtime/config.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "profiles/yaml_reader.hpp"

namespace cellrig {
namespace {

constexpr std::int64_t input_index_max = 255;
constexpr double watchdog_default_s = 5.0, watchdog_min_s = 1.0, watchdog_max_s = 30.0;

std::vector<std::string> names_of(const std::map<std::string, InstrumentConfig>& instruments) {
  std::vector<std::string> names;
  for (const auto& [name, instrument] : instruments) names.push_back(name);
  return names;
}

InstrumentConfig read_instrument(const YamlEntry& entry) {
  static const std::vector<std::string> known{"model", "modbus", "scpi", "unit", "event"};
  const YamlMap map{entry.value, "instrument " + entry.key, known};
  InstrumentConfig instrument{.name = entry.key, .model = map.text("model"), .place = entry.place};
  for (const char* port : {"modbus", "scpi"}) {
    if (const YamlEntry* address = map.find(port)) {
      instrument.addresses[port] = parse_host_port(as_text(address->value, port), address->value.place());
    }
  }
  for (const char* option : {"unit", "event"}) {
    if (const YamlEntry* value = map.find(option)) instrument.options[option] = as_integer(value->value, option);
  }
  if (instrument.addresses.empty()) {
    throw ConfigError{entry.place, "instrument '" + entry.key + "' has no address (modbus: or scpi:)"};
  }
  return instrument;
}

class BenchReader {
 public:
  explicit BenchReader(BenchConfig& bench) : bench_{bench} {}

  void read(const YamlNode& root) {
    const YamlMap map{
        root, "bench file", {"bench", "description", "instruments", "chambers", "channels", "watchdog_s", "simulation"}};
    bench_.name = map.text("bench");
    const double watchdog_s = map.number_or("watchdog_s", watchdog_default_s);
    if (!(watchdog_s >= watchdog_min_s && watchdog_s <= watchdog_max_s)) {
      throw ConfigError{map.required("watchdog_s").value.place(),
                        "watchdog_s must be 1 to 30: so long may a cell be charged by a dead program"};
    }
    bench_.watchdog_delay = from_seconds(watchdog_s);
    for (const YamlEntry& entry : map.required("instruments").value.entries())
      bench_.instruments[entry.key] = read_instrument(entry);
    if (const YamlEntry* chambers = map.find("chambers")) {
      for (const YamlEntry& entry : chambers->value.entries()) bench_.chambers.push_back(read_chamber(entry));
    }
    for (const YamlEntry& entry : map.required("channels").value.entries()) bench_.channels.push_back(read_channel(entry));
    if (bench_.channels.empty()) throw ConfigError{map.required("channels").place, "a bench needs at least one channel"};
    refuse_shared_hardware();
  }

 private:
  std::string instrument(const YamlEntry& entry, const std::string& what) const {
    const std::string& name = as_text(entry.value, what);
    if (!bench_.instruments.contains(name)) {
      throw ConfigError{entry.value.place(),
                        "unknown instrument '" + name + "'" + suggestion(name, names_of(bench_.instruments))};
    }
    return name;
  }

  ChamberConfig read_chamber(const YamlEntry& entry) const {
    const YamlMap map{entry.value, "chamber " + entry.key, {"instrument", "setpoint_min_degC", "setpoint_max_degC"}};
    ChamberConfig chamber{.name = entry.key, .instrument = instrument(map.required("instrument"), "instrument")};
    chamber.setpoint_min = Celsius{map.number_or("setpoint_min_degC", chamber.setpoint_min.value())};
    chamber.setpoint_max = Celsius{map.number_or("setpoint_max_degC", chamber.setpoint_max.value())};
    if (!(chamber.setpoint_min < chamber.setpoint_max))
      throw ConfigError{entry.place, "setpoint_min_degC must be below setpoint_max_degC"};
    return chamber;
  }

  std::optional<InputRef> read_ref(const YamlMap& channel, const char* key, const char* by, const char* index) const {
    const YamlEntry* const entry = channel.find(key);
    if (entry == nullptr) return std::nullopt;
    const YamlMap map{entry->value, key, {by, index}};
    const std::int64_t n = map.integer(index);
    if (n < 0 || n > input_index_max)
      throw ConfigError{map.required(index).value.place(), std::string(index) + " must be 0 to 255"};
    return InputRef{instrument(map.required(by), by), static_cast<int>(n)};
  }

  ChannelConfig read_channel(const YamlEntry& entry) const {
    const YamlMap map{entry.value,
                      "channel " + entry.key,
                      {"cycler", "cell_temperature", "ambient_temperature", "contactor", "chamber", "accept_without_watchdog"}};
    ChannelConfig channel{.name = entry.key, .cycler = instrument(map.required("cycler"), "cycler"), .place = entry.place};
    channel.cell_temperature = read_ref(map, "cell_temperature", "logger", "input");
    channel.ambient_temperature = read_ref(map, "ambient_temperature", "logger", "input");
    channel.contactor = read_ref(map, "contactor", "relays", "output");
    channel.accept_without_watchdog = map.text_or("accept_without_watchdog", "");
    if (const YamlEntry* chamber = map.find("chamber")) {
      channel.chamber = as_text(chamber->value, "chamber");
      std::vector<std::string> known;
      for (const ChamberConfig& c : bench_.chambers) known.push_back(c.name);
      if (bench_.chamber(channel.chamber) == nullptr) {
        throw ConfigError{chamber->value.place(),
                          "unknown chamber '" + channel.chamber + "'" + suggestion(channel.chamber, known)};
      }
    }
    return channel;
  }

  /// One output, one channel: two controllers of one cell is how a cell gets overcharged.
  void refuse_shared_hardware() const {
    std::map<std::string, std::string> owner;
    const auto claim = [&owner](const std::string& what, const ChannelConfig& channel) {
      const auto [entry, is_new] = owner.emplace(what, channel.name);
      if (!is_new)
        throw ConfigError{channel.place, "channel '" + channel.name + "' uses " + what + ", which is already that of channel '" +
                                             entry->second + "'"};
    };
    for (const ChannelConfig& channel : bench_.channels) {
      claim("the output of " + channel.cycler, channel);
      if (channel.cell_temperature)
        claim("input " + std::to_string(channel.cell_temperature->index) + " of " + channel.cell_temperature->instrument,
              channel);
      if (channel.contactor)
        claim("output " + std::to_string(channel.contactor->index) + " of " + channel.contactor->instrument, channel);
    }
    std::map<std::string, const InstrumentConfig*> wires;
    for (const auto& [name, instrument] : bench_.instruments) {
      for (const auto& [port, address] : instrument.addresses) {
        const std::string wire = address.host + ":" + std::to_string(address.port);
        const auto [entry, is_new] = wires.emplace(wire, &instrument);
        if (!is_new)
          throw ConfigError{instrument.place,
                            "instruments '" + entry->second->name + "' and '" + name + "' have the same address " + wire};
      }
    }
  }

  BenchConfig& bench_;
};

}  // namespace

const ChannelConfig& BenchConfig::channel(const std::string& wanted) const {
  std::vector<std::string> known;
  for (const ChannelConfig& c : channels) {
    if (c.name == wanted) return c;
    known.push_back(c.name);
  }
  throw ConfigError{SourcePlace{file}, "the bench has no channel '" + wanted + "'" + suggestion(wanted, known)};
}

const ChamberConfig* BenchConfig::chamber(const std::string& wanted) const {
  const auto found = std::find_if(chambers.begin(), chambers.end(), [&](const ChamberConfig& c) { return c.name == wanted; });
  return found == chambers.end() ? nullptr : &*found;
}

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

BenchConfig parse_bench(const std::string& text, const std::string& file) {
  BenchConfig bench;
  bench.file = file;
  bench.text = text;
  BenchReader{bench}.read(read_yaml(text, file));
  return bench;
}

BenchConfig load_bench(const std::string& path) { return parse_bench(read_text_file(path), path); }

HostPort use_simulator_addresses(BenchConfig& bench, const std::string& ready_file) {
  // JSON is YAML: the same strict reader gives places for errors.
  const YamlNode root = read_yaml(read_text_file(ready_file), ready_file);
  const YamlMap map{root, "ready file", {"schema_version", "pid", "bench", "back_door", "instruments"}};
  const YamlEntry& instruments = map.required("instruments");
  for (auto& [name, instrument] : bench.instruments) {
    const auto entry = std::find_if(instruments.value.entries().begin(), instruments.value.entries().end(),
                                    [&n = name](const YamlEntry& e) { return e.key == n; });
    if (entry == instruments.value.entries().end()) {
      throw ConfigError{instruments.place,
                        "the simulator has no instrument '" + name + "': was it started with another bench file?"};
    }
    for (auto& [port, address] : instrument.addresses) {
      const auto found = std::find_if(entry->value.entries().begin(), entry->value.entries().end(),
                                      [&p = port](const YamlEntry& e) { return e.key == p; });
      if (found == entry->value.entries().end())
        throw ConfigError{entry->place, "the simulator's '" + name + "' has no port '" + port + "'"};
      address = parse_host_port(as_text(found->value, port), found->value.place());
    }
  }
  return parse_host_port(map.text("back_door"), map.place());
}

}  // namespace cellrig
