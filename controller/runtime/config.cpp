#include "controller/runtime/config.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "controller/base/text.hpp"
#include "profiles/sensor_limits.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig {
namespace {

constexpr std::int64_t input_index_max = 255;
constexpr std::array<const char*, 7> channel_limit_keys{"voltage_min_V",
                                                        "voltage_max_V",
                                                        "charge_current_max_A",
                                                        "discharge_current_max_A",
                                                        "cell_temperature_min_degC",
                                                        "cell_temperature_max_degC",
                                                        "charge_temperature_min_degC"};
constexpr std::int64_t calibration_days_max = 3660;
constexpr double wait_max_h_max = 87'600.0;
constexpr double watchdog_default_s = 5.0, watchdog_min_s = 1.0, watchdog_max_s = 30.0;

std::vector<std::string> names_of(const std::map<std::string, InstrumentConfig>& instruments) {
  std::vector<std::string> names;
  for (const auto& [name, instrument] : instruments) names.push_back(name);
  return names;
}

/// A person's reason to go without something. An empty one is none.
std::string read_reason(const YamlMap& map, const char* key) {
  const YamlEntry* const entry = map.find(key);
  if (entry == nullptr) return {};
  const std::string& reason = as_text(entry->value, key);
  if (is_blank(reason))
    throw ConfigError{entry->value.place(), std::string{"'"} + key + "' needs a reason, for whoever reads the record"};
  return reason;
}

std::chrono::sys_days as_date(const YamlNode& node, const std::string& what) {
  const std::string& text = as_text(node, what);
  constexpr std::string_view shape = "0000-00-00";
  const bool is_shaped = text.size() == shape.size() && std::equal(text.begin(), text.end(), shape.begin(), [](char c, char s) {
                           return s == '-' ? c == '-' : c >= '0' && c <= '9';
                         });
  if (is_shaped) {
    const std::chrono::year_month_day date{std::chrono::year{std::stoi(text.substr(0, 4))},
                                           std::chrono::month{static_cast<unsigned>(std::stoi(text.substr(5, 2)))},
                                           std::chrono::day{static_cast<unsigned>(std::stoi(text.substr(8, 2)))}};
    if (date.ok() && date.year() >= std::chrono::year{1970}) return std::chrono::sys_days{date};
  }
  throw ConfigError{node.place(), "'" + what + "' is a date like 2026-01-15, found '" + text + "'"};
}

void read_calibration(const YamlMap& map, InstrumentConfig& into) {
  const YamlEntry* const date = map.find("calibrated_on");
  for (const char* key : {"calibration_days", "accept_expired_calibration"}) {
    const YamlEntry* const entry = map.find(key);
    if (entry != nullptr && date == nullptr)
      throw ConfigError{entry->place, std::string{"'"} + key + "' needs the date of the calibration, 'calibrated_on'"};
  }
  if (date == nullptr) return;
  into.calibrated_on = as_date(date->value, "calibrated_on");
  into.calibration_days = map.integer_or("calibration_days", into.calibration_days);
  if (into.calibration_days < 1 || into.calibration_days > calibration_days_max)
    throw ConfigError{map.required("calibration_days").value.place(), "calibration_days must be 1 to 3660"};
  into.accept_expired_calibration = read_reason(map, "accept_expired_calibration");
}

InstrumentConfig read_instrument(const YamlEntry& entry) {
  static const std::vector<std::string> known{
      "model", "modbus", "scpi", "ascii", "unit", "event", "calibrated_on", "calibration_days", "accept_expired_calibration"};
  const YamlMap map{entry.value, "instrument " + entry.key, known};
  InstrumentConfig instrument{.name = entry.key, .model = map.text("model"), .place = entry.place};
  for (const char* port : {"modbus", "scpi", "ascii"}) {
    if (const YamlEntry* address = map.find(port)) instrument.addresses[port] = read_port_address(address->value, port);
  }
  for (const char* option : {"unit", "event"}) {
    if (const YamlEntry* value = map.find(option)) instrument.options[option] = as_integer(value->value, option);
  }
  read_calibration(map, instrument);
  if (instrument.addresses.empty()) {
    throw ConfigError{entry.place, "instrument '" + entry.key + "' has no address (modbus:, scpi: or ascii:)"};
  }
  return instrument;
}

class BenchReader {
 public:
  explicit BenchReader(BenchConfig& bench) : bench_{bench} {}

  void read(const YamlNode& root) {
    const YamlMap map{
        root, "bench file", {"bench", "description", "instruments", "chambers", "channels", "siren", "watchdog_s", "simulation"}};
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
    bench_.siren = read_ref(map, "siren", "relays", "output");
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
    const YamlMap map{entry.value,
                      "chamber " + entry.key,
                      {"instrument", "setpoint_min_degC", "setpoint_max_degC", "exhaust", "fan", "wait_max_h"}};
    ChamberConfig chamber{.name = entry.key, .instrument = instrument(map.required("instrument"), "instrument")};
    chamber.setpoint_min = Celsius{map.number_or("setpoint_min_degC", chamber.setpoint_min.value())};
    chamber.setpoint_max = Celsius{map.number_or("setpoint_max_degC", chamber.setpoint_max.value())};
    if (!(chamber.setpoint_min < chamber.setpoint_max))
      throw ConfigError{entry.place, "setpoint_min_degC must be below setpoint_max_degC"};
    chamber.exhaust = read_ref(map, "exhaust", "relays", "output");
    chamber.fan = read_ref(map, "fan", "relays", "output");
    if (map.find("wait_max_h") != nullptr) {
      const double hours = map.number("wait_max_h");
      if (!(hours > 0 && hours <= wait_max_h_max))
        throw ConfigError{map.required("wait_max_h").value.place(), "wait_max_h must be above 0, and at most 87600 (ten years)"};
      chamber.wait_max = from_seconds(hours * 3600.0);
    }
    return chamber;
  }

  InputRef read_ref(const YamlMap& map, const char* by, const char* index) const {
    const std::int64_t n = map.integer(index);
    const SourcePlace place = map.required(index).value.place();
    if (n < 0 || n > input_index_max) throw ConfigError{place, std::string(index) + " must be 0 to 255"};
    return InputRef{instrument(map.required(by), by), static_cast<int>(n), place};
  }

  std::optional<InputRef> read_ref(const YamlMap& channel, const char* key, const char* by, const char* index) const {
    const YamlEntry* const entry = channel.find(key);
    if (entry == nullptr) return std::nullopt;
    return read_ref(YamlMap{entry->value, key, {by, index}}, by, index);
  }

  void read_stack_force(const YamlMap& channel, ChannelConfig& into) const {
    const YamlEntry* const entry = channel.find("stack_force");
    if (entry == nullptr) return;
    const YamlMap map{entry->value, "stack_force", {"logger", "input", "area_cm2"}};
    into.stack_force = read_ref(map, "logger", "input");
    if (map.find("area_cm2") == nullptr) return;
    into.stack_area_cm2 = map.number("area_cm2");
    if (!(*into.stack_area_cm2 > 0.0)) throw ConfigError{map.required("area_cm2").value.place(), "area_cm2 must be above zero"};
  }

  /// One contact, or a list of them.
  void read_interlocks(const YamlMap& channel, ChannelConfig& into) const {
    const YamlEntry* const entry = channel.find("interlock");
    if (entry == nullptr) return;
    std::vector<YamlNode> contacts;
    if (entry->value.is_sequence()) {
      contacts = entry->value.items();
    } else {
      contacts.push_back(entry->value);
    }
    if (contacts.empty()) throw ConfigError{entry->value.place(), "'interlock' lists no contact"};
    for (const YamlNode& contact : contacts) {
      const InputRef ref = read_ref(YamlMap{contact, "interlock", {"inputs", "input"}}, "inputs", "input");
      const bool is_known = std::any_of(into.interlocks.begin(), into.interlocks.end(), [&ref](const InputRef& other) {
        return other.instrument == ref.instrument && other.index == ref.index;
      });
      if (is_known) throw ConfigError{ref.place, "this contact is listed twice"};
      into.interlocks.push_back(ref);
    }
  }

  static void require_sensor(const YamlEntry& limit, Measurand measurand, const ChannelConfig& channel) {
    const bool is_bound = (measurand == Measurand::stack_pressure && channel.stack_force) ||
                          (measurand == Measurand::gas && channel.gas) ||
                          (measurand == Measurand::logger_voltage && channel.voltage);
    if (is_bound) return;
    const char* const key = measurand == Measurand::stack_pressure ? "stack_force"
                            : measurand == Measurand::gas          ? "gas"
                                                                   : "voltage";
    throw ConfigError{limit.value.place(), "'" + limit.key + "' needs a sensor: this channel has no '" + key + "'"};
  }

  static void read_limits(const YamlMap& channel, ChannelConfig& into) {
    const YamlEntry* const entry = channel.find("limits");
    if (entry == nullptr) return;
    std::vector<std::string> keys = sensor_limit_keys();
    keys.insert(keys.end(), channel_limit_keys.begin(), channel_limit_keys.end());
    const YamlMap map{entry->value, "limits", keys};
    for (const YamlEntry& limit : entry->value.entries()) {
      into.limit_places[limit.key] = limit.value.place();
      read_limit(limit, map.number(limit.key), into);
    }
    for (const YamlEntry& delay : entry->value.entries()) {
      const SensorDelayKey* const key = find_sensor_delay(delay.key);
      if (key == nullptr) continue;
      if (!has_limit_for(*key, into.limits.sensors))
        throw ConfigError{delay.value.place(), "'" + delay.key + "' delays a limit that is not given"};
      set_sensor_delay(*key, map.number(delay.key), delay.value.place(), into.limits.sensors);
    }
    require_windows(entry->value.place(), into.limits);
  }

  static void read_limit(const YamlEntry& entry, double value, ChannelConfig& into) {
    ChannelLimits& limits = into.limits;
    const SensorLimitKey* const sensor = find_sensor_limit(entry.key);
    if (sensor != nullptr) {
      set_sensor_limit(*sensor, value, entry.value.place(), limits.sensors);
      return require_sensor(entry, sensor->measurand, into);
    }
    if (entry.key.ends_with("_A") && !(value > 0)) throw ConfigError{entry.value.place(), "'" + entry.key + "' must be above 0"};
    if (entry.key.ends_with("_degC") && !into.cell_temperature)
      throw ConfigError{entry.value.place(), "'" + entry.key + "' needs a sensor: this channel has no 'cell_temperature'"};
    if (entry.key == "voltage_min_V") limits.voltage_min = Volts{value};
    if (entry.key == "voltage_max_V") limits.voltage_max = Volts{value};
    if (entry.key == "charge_current_max_A") limits.charge_current_max = Amps{value};
    if (entry.key == "discharge_current_max_A") limits.discharge_current_max = Amps{value};
    if (entry.key == "cell_temperature_min_degC") limits.cell_temperature_min = Celsius{value};
    if (entry.key == "cell_temperature_max_degC") limits.cell_temperature_max = Celsius{value};
    if (entry.key == "charge_temperature_min_degC") limits.charge_temperature_min = Celsius{value};
  }

  static void require_windows(const SourcePlace& place, const ChannelLimits& limits) {
    if (limits.voltage_min && limits.voltage_max && !(*limits.voltage_min < *limits.voltage_max))
      throw ConfigError{place, "the limits leave no voltage window"};
    if (limits.cell_temperature_min && limits.cell_temperature_max &&
        !(*limits.cell_temperature_min < *limits.cell_temperature_max))
      throw ConfigError{place, "the limits leave no temperature window"};
  }

  ChannelConfig read_channel(const YamlEntry& entry) const {
    const YamlMap map{
        entry.value,
        "channel " + entry.key,
        {"cycler", "cell_temperature", "ambient_temperature", "voltage", "stack_force", "gas", "interlock", "limits", "contactor",
         "chamber", "accept_without_watchdog", "accept_unproven_watchdog", "accept_any_temperature"}};
    ChannelConfig channel{.name = entry.key, .cycler = instrument(map.required("cycler"), "cycler"), .place = entry.place};
    channel.cell_temperature = read_ref(map, "cell_temperature", "logger", "input");
    channel.ambient_temperature = read_ref(map, "ambient_temperature", "logger", "input");
    channel.voltage = read_ref(map, "voltage", "logger", "input");
    channel.gas = read_ref(map, "gas", "logger", "input");
    read_stack_force(map, channel);
    read_interlocks(map, channel);
    read_limits(map, channel);
    channel.contactor = read_ref(map, "contactor", "relays", "output");
    channel.accept_without_watchdog = read_reason(map, "accept_without_watchdog");
    channel.accept_unproven_watchdog = read_reason(map, "accept_unproven_watchdog");
    channel.accept_any_temperature = read_reason(map, "accept_any_temperature");
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
      // Gas and air are shared; what is fixed to one cell is not.
      for (const std::optional<InputRef>& own : {channel.cell_temperature, channel.voltage, channel.stack_force}) {
        if (own) claim("input " + std::to_string(own->index) + " of " + own->instrument, channel);
      }
      if (channel.contactor)
        claim("output " + std::to_string(channel.contactor->index) + " of " + channel.contactor->instrument, channel);
    }
    refuse_shared_outputs();
    refuse_shared_wires();
  }

  /// A relay drives one thing: a contactor that opens must not be an exhaust that goes off.
  void refuse_shared_outputs() const {
    std::map<std::string, std::string> user;
    const auto claim = [&user](const std::optional<InputRef>& wire, const std::string& name) {
      if (!wire) return;
      const std::string label = "output " + std::to_string(wire->index) + " of " + wire->instrument;
      const auto [entry, is_new] = user.emplace(label, name);
      if (!is_new) throw ConfigError{wire->place, label + " is already the " + entry->second};
    };
    for (const ChannelConfig& channel : bench_.channels) claim(channel.contactor, "contactor of channel '" + channel.name + "'");
    for (const ChamberConfig& chamber : bench_.chambers) {
      claim(chamber.exhaust, AlarmWire{AlarmWire::Role::exhaust, chamber.name, {}}.name());
      claim(chamber.fan, AlarmWire{AlarmWire::Role::fan, chamber.name, {}}.name());
    }
    claim(bench_.siren, AlarmWire{}.name());
  }

  /// Units of Modbus RTU may share a line, and one instrument may take RTU frames and text at the same TCP port. Nothing else is shared.
  void refuse_shared_wires() const {
    struct Use {
      const InstrumentConfig* instrument;
      bool is_rtu;
    };
    std::map<std::string, Use> wires;
    for (const auto& [name, instrument] : bench_.instruments) {
      for (const auto& [port, address] : instrument.addresses) {
        const bool is_serial = address.kind == PortAddress::Kind::serial;
        const bool is_rtu = address.kind == PortAddress::Kind::rtu_over_tcp || (is_serial && port == "modbus");
        const std::string wire = wire_of(address);
        const auto [entry, is_new] = wires.emplace(wire, Use{&instrument, is_rtu});
        if (is_new) continue;
        const Use& other = entry->second;
        if (other.instrument == &instrument && !is_serial && other.is_rtu != is_rtu) continue;
        if (other.instrument != &instrument && other.is_rtu && is_rtu) continue;
        throw ConfigError{address.place,
                          other.instrument == &instrument
                              ? "two ports of instrument '" + name + "' have the same address " + wire
                              : "instruments '" + other.instrument->name + "' and '" + name + "' have the same address " + wire};
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

std::string_view to_string(AlarmWire::Role role) {
  switch (role) {
    case AlarmWire::Role::exhaust: return "exhaust";
    case AlarmWire::Role::fan: return "fan";
    case AlarmWire::Role::siren: return "siren";
  }
  return "";
}

std::string AlarmWire::name() const {
  const std::string what{to_string(role)};
  return chamber.empty() ? what : what + " of chamber '" + chamber + "'";
}

std::string AlarmWire::label() const { return "output " + std::to_string(wire.index) + " of " + wire.instrument; }

std::vector<AlarmWire> alarm_wires_of(const BenchConfig& bench, const std::vector<std::string>& channels) {
  const auto has_channel = [&](const ChamberConfig& chamber) {
    return std::any_of(channels.begin(), channels.end(),
                       [&](const std::string& channel) { return bench.channel(channel).chamber == chamber.name; });
  };
  std::vector<AlarmWire> wires;
  for (const ChamberConfig& chamber : bench.chambers) {
    if (!has_channel(chamber)) continue;
    if (chamber.exhaust) wires.push_back({AlarmWire::Role::exhaust, chamber.name, *chamber.exhaust});
    if (chamber.fan) wires.push_back({AlarmWire::Role::fan, chamber.name, *chamber.fan});
  }
  if (bench.siren && !channels.empty()) wires.push_back({AlarmWire::Role::siren, {}, *bench.siren});
  return wires;
}

std::vector<std::string> channels_behind(const BenchConfig& bench, const AlarmWire& wire) {
  std::vector<std::string> names;
  for (const ChannelConfig& channel : bench.channels) {
    if (wire.chamber.empty() || channel.chamber == wire.chamber) names.push_back(channel.name);
  }
  return names;
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
      move_to(address, as_text(found->value, port), found->value.place());
    }
  }
  return parse_host_port(map.text("back_door"), map.place());
}

}  // namespace cellrig
