#include "sim/bench_file.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include <yaml-cpp/yaml.h>

#include "sim/cell_life_file.hpp"
#include "sim/measurement_keys.hpp"

namespace cellrig::sim {
namespace {

constexpr int unit_max = 255;
constexpr double temperature_min_degC = -80.0;
constexpr double temperature_max_degC = 150.0;

struct Range {
  double least = 0.0;
  double most = 0.0;
};

class Reader {
 public:
  Reader(const std::string& text, std::string path, const std::optional<CellInstead>& instead) : path_{std::move(path)} {
    try {
      root_ = YAML::Load(text);
    } catch (const YAML::Exception& e) {
      throw ConfigError{{path_, e.mark.line + 1, e.mark.column + 1}, e.msg};
    }
    if (!root_.IsMap()) throw ConfigError{{path_}, "a bench file is a map with 'instruments', 'channels' and 'simulation'"};
    if (instead) put_in_every_channel(*instead);
    simulation_ = root_["simulation"];
    if (!simulation_) throw ConfigError{{path_}, "missing key 'simulation': this bench has no simulated cells"};
  }

  BenchFile read() {
    BenchFile file;
    file.path = path_;
    const YAML::Node name = root_["bench"];
    file.name = name && name.IsScalar() ? name.Scalar() : "bench";
    read_simulation(file);
    read_instruments(file);
    read_measurements(file);
    read_chambers(file);
    read_channels(file);
    file.siren = read_wire(root_, "siren", "relays", "output", file);
    return file;
  }

 private:
  void put_in_every_channel(const CellInstead& instead) {
    const YAML::Node channels = root_["channels"];
    if (!channels || !channels.IsMap()) return;  // read_channels() tells
    YAML::Node simulation = root_["simulation"];
    if (simulation && !simulation.IsMap()) throw error(simulation, "simulation is a map");
    simulation.remove("faults");
    YAML::Node cells{YAML::NodeType::Map};
    for (const auto& channel : channels) {
      const std::string name = channel.first.Scalar();
      const YAML::Node old = simulation && simulation["cells"] ? simulation["cells"][name] : YAML::Node{};
      YAML::Node cell{YAML::NodeType::Map};
      cell["file"] = instead.file;
      if (old && old.IsMap()) {
        for (const char* const kept : {"soc_pct", "temperature_degC", "fixture", "stack"}) {
          if (old[kept]) cell[kept] = old[kept];
        }
        if (instead.keeps_spread && old["spread"]) cell["spread"] = old["spread"];
      }
      if (instead.soc_pct) cell["soc_pct"] = *instead.soc_pct;
      cells[name] = cell;
    }
    simulation["cells"] = cells;
  }

  [[nodiscard]] SourcePlace place(const YAML::Node& node) const {
    const YAML::Mark mark = node.Mark();
    return mark.is_null() ? SourcePlace{path_} : SourcePlace{path_, mark.line + 1, mark.column + 1};
  }
  [[nodiscard]] ConfigError error(const YAML::Node& node, const std::string& message) const {
    return ConfigError{place(node), message};
  }
  [[nodiscard]] PlacedWord word(const YAML::Node& node, const std::string& what) const {
    if (!node.IsScalar()) throw error(node, what + " must be a name");
    return {node.Scalar(), place(node)};
  }
  void require_map(const YAML::Node& node, const std::string& what) const {
    if (!node.IsMap()) throw error(node, what + " must be a map");
  }
  void refuse_unknown(const YAML::Node& map, const std::string& what, const std::vector<std::string>& known) const {
    require_map(map, what);
    std::set<std::string> seen;
    for (const auto& entry : map) {
      const std::string key = entry.first.Scalar();
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        throw error(entry.first, what + ": unknown key '" + key + "'" + suggestion(key, known));
      }
      if (!seen.insert(key).second) throw error(entry.first, what + ": '" + key + "' is given twice");
    }
  }
  void number(const YAML::Node& map, const std::string& key, Range range, double& into) const {
    const YAML::Node node = map[key];
    if (!node) return;
    double value = NAN;
    if (!node.IsScalar() || !YAML::convert<double>::decode(node, value) || !(value >= range.least && value <= range.most)) {
      std::ostringstream text;
      text << key << " must be a number from " << range.least << " to " << range.most;
      throw error(node, text.str());
    }
    into = value;
  }

  void read_simulation(BenchFile& file) const {
    refuse_unknown(simulation_, "simulation", {"cells", "room_temperature_degC", "latency", "measurement", "faults"});
    number(simulation_, "room_temperature_degC", {temperature_min_degC, temperature_max_degC}, file.room_temperature_degC);
    if (const YAML::Node latency = simulation_["latency"]) {
      const PlacedWord kind = word(latency, "latency");
      if (kind.text != "modelled" && kind.text != "none") {
        throw error(latency, "unknown latency '" + kind.text + "'" + suggestion(kind.text, {"modelled", "none"}));
      }
      file.latency_is_modelled = kind.text == "modelled";
    }
    if (const YAML::Node faults = simulation_["faults"]) file.faults = read_fault_orders(faults, path_);
    const YAML::Node cells = simulation_["cells"];
    if (!cells) throw error(simulation_, "simulation: missing key 'cells'");
    require_map(cells, "simulation.cells");
    const std::vector<std::string> channels = keys(root_["channels"]);
    for (const auto& entry : cells) {
      const std::string channel = entry.first.Scalar();
      if (std::find(channels.begin(), channels.end(), channel) != channels.end()) continue;
      throw error(entry.first, "simulation.cells: unknown channel '" + channel + "'" + suggestion(channel, channels));
    }
  }

  static std::vector<std::string> keys(const YAML::Node& map) {
    std::vector<std::string> names;
    if (!map || !map.IsMap()) return names;
    for (const auto& entry : map) names.push_back(entry.first.Scalar());
    return names;
  }

  [[nodiscard]] CellEntry read_cell(const std::string& channel, const BenchFile& file) const {
    const YAML::Node node = simulation_["cells"][channel];
    if (!node) throw error(simulation_["cells"], "simulation.cells: channel '" + channel + "' has no cell");
    refuse_unknown(node, "simulation.cells." + channel,
                   {"file", "soc_pct", "temperature_degC", "reversed", "capacity_fraction", "resistance_factor",
                    "fade_per_cycle_pct", "ageing", "runaway", "spread", "fixture", "short_ohm", "stack"});
    if (!node["file"]) throw error(node, "simulation.cells." + channel + ": missing key 'file'");
    CellEntry cell;
    cell.file = word(node["file"], "file");
    double soc_pct = 50.0;
    number(node, "soc_pct", {-5.0, 105.0}, soc_pct);
    cell.soc = soc_pct / 100.0;
    cell.temperature_degC = file.room_temperature_degC;
    number(node, "temperature_degC", {temperature_min_degC, temperature_max_degC}, cell.temperature_degC);
    number(node, "capacity_fraction", {0.01, 2.0}, cell.capacity_fraction);
    number(node, "resistance_factor", {0.01, 100.0}, cell.resistance_factor);
    number(node, "fade_per_cycle_pct", {0.0, 50.0}, cell.fade_per_cycle_pct);
    number(node, "short_ohm", {0.0, 1e9}, cell.short_ohm);
    if (const YAML::Node reversed = node["reversed"]) cell.reversed = boolean(reversed, "reversed");
    if (const YAML::Node ages = node["ageing"]) cell.ages = boolean(ages, "ageing");
    if (const YAML::Node runaway = node["runaway"]) cell.runs_away = boolean(runaway, "runaway");
    if (const YAML::Node spread = node["spread"]) cell.is_drawn = boolean(spread, "spread");
    if (const YAML::Node fixture = node["fixture"]) cell.has_plates = choice(fixture, "fixture", {"free", "plates"}) == 1;
    if (const YAML::Node stack = node["stack"]) cell.stack = read_stack(stack);
    return cell;
  }

  [[nodiscard]] StackEntry read_stack(const YAML::Node& node) const {
    refuse_unknown(node, "stack", {"mode", "pressure_MPa"});
    if (!node["mode"] || !node["pressure_MPa"]) throw error(node, "stack: 'mode' and 'pressure_MPa' are needed");
    StackEntry stack;
    stack.place = place(node);
    stack.mode = choice(node["mode"], "stack mode", stack_mode_words());
    number(node, "pressure_MPa", {0.01, 100.0}, stack.pressure_MPa);
    return stack;
  }

  [[nodiscard]] bool boolean(const YAML::Node& node, const std::string& what) const {
    bool value = false;
    if (!YAML::convert<bool>::decode(node, value)) throw error(node, what + " is true or false");
    return value;
  }

  /// The position of the node's word in `words`.
  [[nodiscard]] std::size_t choice(const YAML::Node& node, const std::string& what, const std::vector<std::string>& words) const {
    const PlacedWord chosen = word(node, what);
    const auto found = std::find(words.begin(), words.end(), chosen.text);
    if (found == words.end()) throw error(node, "unknown " + what + " '" + chosen.text + "'" + suggestion(chosen.text, words));
    return static_cast<std::size_t>(found - words.begin());
  }

  void read_instruments(BenchFile& file) const {
    const YAML::Node instruments = root_["instruments"];
    if (!instruments) throw ConfigError{{path_}, "missing key 'instruments'"};
    require_map(instruments, "instruments");
    for (const auto& entry : instruments) {
      const std::string name = entry.first.Scalar();
      require_map(entry.second, "instruments." + name);
      if (!entry.second["model"]) throw error(entry.second, "instruments." + name + ": missing key 'model'");
      InstrumentEntry instrument{.name = name, .model = word(entry.second["model"], "model")};
      for (const char* const port : {"modbus", "scpi", "ascii"}) {
        if (const YAML::Node address = entry.second[port]; address && address.IsMap())
          instrument.addresses.push_back(read_address(port, address));
      }
      if (const YAML::Node unit = entry.second["unit"]) {
        int number = 0;
        if (!YAML::convert<int>::decode(unit, number) || number < 0 || number > unit_max)
          throw error(unit, "unit must be a whole number from 0 to " + std::to_string(unit_max));
        instrument.unit = number;
      }
      file.instruments.push_back(std::move(instrument));
    }
  }

  void read_measurements(BenchFile& file) const {
    const YAML::Node node = simulation_["measurement"];
    if (!node) return;
    std::vector<std::string> names;
    for (const InstrumentEntry& instrument : file.instruments) names.push_back(instrument.name);
    if (node.IsScalar()) {
      const MeasurementEntry all = read_measurement(node, "measurement");
      for (const std::string& name : names) file.measurements.emplace(name, all);
      return;
    }
    refuse_unknown(node, "simulation.measurement", names);
    for (const auto& entry : node) {
      const std::string name = entry.first.Scalar();
      file.measurements.emplace(name, read_measurement(entry.second, "simulation.measurement." + name));
    }
  }

  [[nodiscard]] MeasurementEntry read_measurement(const YAML::Node& node, const std::string& what) const {
    using Kind = MeasurementEntry::Kind;
    if (node.IsScalar()) return {.kind = choice(node, what, {"ideal", "drawn"}) == 0 ? Kind::ideal : Kind::drawn, .numbers = {}};
    std::vector<std::string> known;
    for (const MeasurementKey& key : measurement_keys) known.emplace_back(key.name);
    refuse_unknown(node, what, known);
    MeasurementEntry measurement{.kind = Kind::given, .numbers = {}};
    for (const MeasurementKey& key : measurement_keys) {
      const std::string name{key.name};
      if (!node[name]) continue;
      double value = 0.0;
      number(node, name, {key.least, key.most}, value);
      measurement.numbers.emplace(name, MeasurementEntry::Number{value, place(node[name])});
    }
    return measurement;
  }

  [[nodiscard]] AddressEntry read_address(const std::string& port, const YAML::Node& node) const {
    AddressEntry address{.port = port, .serial = {}, .rtu_over_tcp = {}};
    if (node["serial"]) address.serial = word(node["serial"], "serial");
    if (node["rtu_over_tcp"]) address.rtu_over_tcp = word(node["rtu_over_tcp"], "rtu_over_tcp");
    if (address.serial.text.empty() == address.rtu_over_tcp.text.empty())
      throw error(node, port + ": either 'serial' or 'rtu_over_tcp' is needed");
    return address;
  }

  void read_chambers(BenchFile& file) const {
    const YAML::Node chambers = root_["chambers"];
    if (!chambers || chambers.IsNull()) return;
    require_map(chambers, "chambers");
    for (const auto& entry : chambers) {
      const std::string name = entry.first.Scalar();
      require_map(entry.second, "chambers." + name);
      if (!entry.second["instrument"]) throw error(entry.second, "chambers." + name + ": missing key 'instrument'");
      ChamberEntry chamber{
          .name = name, .instrument = known_instrument(entry.second["instrument"], file), .exhaust = {}, .fan = {}};
      chamber.exhaust = read_wire(entry.second, "exhaust", "relays", "output", file);
      chamber.fan = read_wire(entry.second, "fan", "relays", "output", file);
      file.chambers.push_back(std::move(chamber));
    }
  }

  [[nodiscard]] PlacedWord known_instrument(const YAML::Node& node, const BenchFile& file) const {
    PlacedWord name = word(node, "an instrument");
    std::vector<std::string> known;
    for (const InstrumentEntry& instrument : file.instruments) known.push_back(instrument.name);
    if (std::find(known.begin(), known.end(), name.text) == known.end()) {
      throw ConfigError{name.place, "unknown instrument '" + name.text + "'" + suggestion(name.text, known)};
    }
    return name;
  }

  [[nodiscard]] std::optional<WireEntry> read_wire(const YAML::Node& channel, const char* key, const char* instrument_key,
                                                   const char* number_key, const BenchFile& file) const {
    const YAML::Node node = channel[key];
    if (!node || node.IsNull()) return std::nullopt;
    return read_number(node, key, instrument_key, number_key, file);
  }

  /// One contact, or a list of them.
  [[nodiscard]] std::vector<WireEntry> read_interlocks(const YAML::Node& channel, const BenchFile& file) const {
    const YAML::Node node = channel["interlock"];
    std::vector<WireEntry> wires;
    if (!node || node.IsNull()) return wires;
    if (!node.IsSequence()) return {read_number(node, "interlock", "inputs", "input", file)};
    for (const auto& contact : node) wires.push_back(read_number(contact, "interlock", "inputs", "input", file));
    return wires;
  }

  [[nodiscard]] WireEntry read_number(const YAML::Node& node, const char* key, const char* instrument_key, const char* number_key,
                                      const BenchFile& file) const {
    require_map(node, key);
    if (!node[instrument_key] || !node[number_key]) {
      throw error(node, std::string(key) + ": '" + instrument_key + "' and '" + number_key + "' are needed");
    }
    WireEntry wire{known_instrument(node[instrument_key], file), 0};
    if (!YAML::convert<int>::decode(node[number_key], wire.number) || wire.number < 0) {
      throw error(node[number_key], std::string(number_key) + " must be a whole number from 0");
    }
    return wire;
  }

  void read_channels(BenchFile& file) const {
    const YAML::Node channels = root_["channels"];
    if (!channels) throw ConfigError{{path_}, "missing key 'channels'"};
    require_map(channels, "channels");
    for (const auto& entry : channels) {
      const YAML::Node node = entry.second;
      ChannelEntry channel;
      channel.name = entry.first.Scalar();
      channel.place = place(entry.first);
      require_map(node, "channels." + channel.name);
      if (!node["cycler"]) throw error(node, "channels." + channel.name + ": missing key 'cycler'");
      channel.cycler = known_instrument(node["cycler"], file);
      channel.cell_temperature = read_wire(node, "cell_temperature", "logger", "input", file);
      channel.ambient_temperature = read_wire(node, "ambient_temperature", "logger", "input", file);
      channel.voltage = read_wire(node, "voltage", "logger", "input", file);
      channel.stack_force = read_wire(node, "stack_force", "logger", "input", file);
      channel.gas = read_wire(node, "gas", "logger", "input", file);
      channel.interlocks = read_interlocks(node, file);
      channel.contactor = read_wire(node, "contactor", "relays", "output", file);
      if (const YAML::Node chamber = node["chamber"]; chamber && !chamber.IsNull()) {
        channel.chamber = word(chamber, "chamber");
        std::vector<std::string> known;
        for (const ChamberEntry& c : file.chambers) known.push_back(c.name);
        if (std::find(known.begin(), known.end(), channel.chamber->text) == known.end()) {
          throw error(chamber, "unknown chamber '" + channel.chamber->text + "'" + suggestion(channel.chamber->text, known));
        }
      }
      channel.cell = read_cell(channel.name, file);
      file.channels.push_back(std::move(channel));
    }
  }

  std::string path_;
  YAML::Node root_;
  YAML::Node simulation_;
};

}  // namespace

BenchFile parse_bench_file(const std::string& text, const std::string& path, const std::optional<CellInstead>& cell) {
  return Reader{text, path, cell}.read();
}

BenchFile load_bench_file(const std::string& path, const std::optional<CellInstead>& cell) {
  std::ifstream stream{path};
  if (!stream) throw ConfigError{{path}, "the bench file can't be read"};
  std::ostringstream text;
  text << stream.rdbuf();
  return parse_bench_file(text.str(), path, cell);
}

}  // namespace cellrig::sim
