#include "profiles/cell.hpp"

#include <algorithm>
#include <numbers>
#include <utility>

#include "profiles/number.hpp"
#include "profiles/sensor_limits.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig {
namespace {

/// Reads numbers of one map and remembers where each was given.
class NumberReader {
 public:
  NumberReader(const YamlMap& map, Cell& cell) : map_{map}, cell_{cell} {}

  double required(const std::string& key) {
    const double value = map_.number(key);
    cell_.places[key] = map_.required(key).value.place();
    cell_.names["cell." + key] = value;
    return value;
  }
  double positive(const std::string& key) {
    const double value = required(key);
    if (!(value > 0.0)) throw ConfigError{cell_.places[key], "'" + key + "' must be above zero, found " + format_number(value)};
    return value;
  }
  std::optional<double> optional_positive(const std::string& key) {
    return map_.find(key) == nullptr ? std::nullopt : std::optional{positive(key)};
  }
  /// A safety limit that follows from another key unless given. Not a name for expressions: cell.voltage_max_V is the cell's.
  double limit_or(const std::string& key, double otherwise) {
    const YamlEntry* entry = map_.find(key);
    cell_.places["limits." + key] = entry == nullptr ? map_.place() : entry->value.place();
    return entry == nullptr ? otherwise : as_number(entry->value, key);
  }

 private:
  const YamlMap& map_;
  Cell& cell_;
};

void require_order(const Cell& cell, const std::string& low_key, double low, const std::string& high_key, double high) {
  if (low < high) return;
  throw ConfigError{cell.place_of(high_key),
                    "'" + high_key + "' = " + format_number(high) + " must be above '" + low_key + "' = " + format_number(low)};
}

/// The words of the draft standard; "semi-solid" is not among them.
void read_classification(const YamlNode& node, Cell& cell) {
  const YamlMap map{node, "classification", {"electrolyte_class", "electrolyte_family", "mass_loss_pct", "mass_loss_method"}};
  const auto read_word = [&](const std::string& key, const std::vector<std::string>& known) {
    const YamlNode& value = map.required(key).value;
    const std::string& word = as_text(value, key);
    if (std::find(known.begin(), known.end(), word) == known.end())
      throw ConfigError{value.place(), "unknown " + key + " '" + word + "'" + suggestion(word, known)};
    cell.classification[key] = word;
  };
  read_word("electrolyte_class", {"liquid", "hybrid", "solid"});
  if (map.find("electrolyte_family") != nullptr)
    read_word("electrolyte_family", {"sulfide", "oxide", "polymer", "halide", "composite"});
  const YamlEntry* const loss = map.find("mass_loss_pct");
  const YamlEntry* const method = map.find("mass_loss_method");
  if ((loss == nullptr) != (method == nullptr))
    throw ConfigError{map.place(), "classification: 'mass_loss_pct' and 'mass_loss_method' belong together"};
  if (loss == nullptr) return;
  const double loss_pct = as_number(loss->value, "mass_loss_pct");
  if (!(loss_pct >= 0.0 && loss_pct <= 100.0))
    throw ConfigError{loss->value.place(), "'mass_loss_pct' is a percentage, found " + format_number(loss_pct)};
  cell.classification["mass_loss_pct"] = format_number(loss_pct);
  cell.classification["mass_loss_method"] = as_text(method->value, "mass_loss_method");
}

/// A box (length, width, thickness) or a round cell (diameter, length).
void read_dimensions(const YamlNode& node, Cell& cell) {
  constexpr double mm3_per_litre = 1e6;
  constexpr double mm2_per_cm2 = 100.0;
  const YamlMap map{node, "dimensions", {"length_mm", "width_mm", "thickness_mm", "diameter_mm"}};
  NumberReader numbers{map, cell};
  const double length = numbers.positive("length_mm");
  if (map.find("diameter_mm") != nullptr) {
    for (const char* key : {"width_mm", "thickness_mm"}) {
      if (const YamlEntry* entry = map.find(key))
        throw ConfigError{entry->place, std::string("a round cell has no '") + key + "'"};
    }
    const double radius = 0.5 * numbers.positive("diameter_mm");
    cell.volume_L = std::numbers::pi * radius * radius * length / mm3_per_litre;
  } else {
    const double face_mm2 = length * numbers.positive("width_mm");
    cell.volume_L = face_mm2 * numbers.positive("thickness_mm") / mm3_per_litre;
    cell.pressed_area_cm2 = face_mm2 / mm2_per_cm2;
  }
  cell.names["cell.volume_L"] = *cell.volume_L;
}

/// The supervisor's limit against temperature. Without the key: the greatest rate at every temperature.
CurrentByTemperature read_rates(const YamlMap& limits, const std::string& key, double rate_max_C, const Cell& cell) {
  CurrentByTemperature table;
  const YamlEntry* const entry = limits.find(key);
  if (entry == nullptr) return table;
  for (const YamlNode& item : as_list(entry->value, key)) {
    const YamlMap map{item, key, {"temperature_degC", "rate_C"}};
    const Celsius temperature{map.number("temperature_degC")};
    const double rate_C = map.number("rate_C");
    if (!table.empty() && !(table.points().back().temperature < temperature))
      throw ConfigError{map.required("temperature_degC").value.place(), "temperatures of '" + key + "' must rise"};
    if (!(rate_C >= 0.0 && rate_C <= rate_max_C))
      throw ConfigError{map.required("rate_C").value.place(),
                        "a rate of '" + key + "' lies from 0 to the greatest rate, " + format_number(rate_max_C)};
    if (!table.add({temperature, cell.current_at(rate_C) * safety_current_factor}))
      throw ConfigError{map.place(), "'" + key + "' has at most " + std::to_string(CurrentByTemperature::points_max) + " points"};
  }
  return table;
}

void read_delays(const YamlMap& map, Cell& cell) {
  SafetyLimits& limits = cell.limits;
  for (const YamlEntry* const entry : {map.find("temperature_rate_max_K_per_s"), map.find("temperature_rate_for_s")}) {
    if (entry == nullptr) continue;
    const double value = as_number(entry->value, entry->key);
    require_temperature_rate(entry->key, value, entry->value.place());
    cell.places["limits." + entry->key] = entry->value.place();
    (entry->key == "temperature_rate_for_s" ? limits.temperature_rate_for_s : limits.temperature_rate_max_K_per_s) = value;
  }
  for (const SensorDelayKey& key : sensor_delay_table()) {
    const YamlEntry* const entry = map.find(std::string{key.key});
    if (entry == nullptr) continue;
    if (!has_limit_for(key, limits.sensors))
      throw ConfigError{entry->value.place(), "'" + entry->key + "' delays a limit that is not given"};
    cell.places["limits." + entry->key] = entry->value.place();
    set_sensor_delay(key, as_number(entry->value, entry->key), entry->value.place(), limits.sensors);
  }
}

void read_limits(const YamlMap& map, Cell& cell) {
  NumberReader numbers{map, cell};
  SafetyLimits& limits = cell.limits;
  cell.charge_rate_max_C = numbers.positive("charge_rate_max_C");
  cell.discharge_rate_max_C = numbers.positive("discharge_rate_max_C");
  limits.charge_current_by_temperature = read_rates(map, "charge_rate_by_temperature", cell.charge_rate_max_C, cell);
  limits.discharge_current_by_temperature = read_rates(map, "discharge_rate_by_temperature", cell.discharge_rate_max_C, cell);
  limits.cell_temperature_min = Celsius{numbers.required("cell_temperature_min_degC")};
  limits.cell_temperature_max = Celsius{numbers.required("cell_temperature_max_degC")};
  limits.charge_temperature_min = Celsius{numbers.required("charge_temperature_min_degC")};
  cell.charge_temperature_max = Celsius{numbers.required("charge_temperature_max_degC")};
  limits.voltage_min = Volts{numbers.limit_or("voltage_min_V", (cell.voltage_min - safety_voltage_margin).value())};
  limits.voltage_max = Volts{numbers.limit_or("voltage_max_V", (cell.voltage_max + safety_voltage_margin).value())};
  limits.charge_current_max =
      Amps{numbers.limit_or("charge_current_max_A", (cell.current_at(cell.charge_rate_max_C) * safety_current_factor).value())};
  limits.discharge_current_max = Amps{
      numbers.limit_or("discharge_current_max_A", (cell.current_at(cell.discharge_rate_max_C) * safety_current_factor).value())};
  limits.charge_capacity_max =
      AmpHours{numbers.limit_or("charge_capacity_max_Ah", charge_capacity_factor * cell.rated_capacity.value())};
  constexpr double percent = 100.0, still_max_pct = 20.0;
  const double still_pct = numbers.limit_or("readings_still_max_pct", percent * limits.still_share);
  if (!(still_pct > 0.0 && still_pct <= still_max_pct))
    throw ConfigError{map.required("readings_still_max_pct").value.place(), "'readings_still_max_pct' lies from 0 to 20"};
  limits.still_share = still_pct / percent;
  for (const SensorLimitKey& key : sensor_limit_table()) {
    const YamlEntry* const entry = map.find(std::string{key.key});
    if (entry == nullptr) continue;
    cell.places["limits." + entry->key] = entry->value.place();
    set_sensor_limit(key, as_number(entry->value, entry->key), entry->value.place(), limits.sensors);
  }
  read_delays(map, cell);
}

void read_pulse(const YamlNode& node, Cell& cell) {
  constexpr double mohm_per_ohm = 1000.0;
  constexpr double longest_s = 10.0;
  constexpr double nearly_empty_share = 0.4;  // of the voltage window: below it are the last percent of the charge
  const YamlMap map{node,
                    "pulse_resistance",
                    {"min_mohm", "max_mohm", "rate_C", "for_s", "temperature_min_degC", "temperature_max_degC", "voltage_min_V"}};
  PulseResistance pulse{.voltage_min = cell.voltage_min, .voltage_max = cell.voltage_max};
  const auto number = [&](const std::string& key, double otherwise) {
    const YamlEntry* const entry = map.find(key);
    return entry == nullptr ? otherwise : as_number(entry->value, key);
  };
  const auto require = [&](bool is_good, const std::string& key, const std::string& rule) {
    if (!is_good)
      throw ConfigError{map.find(key) != nullptr ? map.find(key)->value.place() : map.place(), "'" + key + "' " + rule};
  };
  pulse.least = Ohms{map.number("min_mohm") / mohm_per_ohm};
  pulse.most = Ohms{map.number("max_mohm") / mohm_per_ohm};
  require(pulse.least.value() > 0.0 && pulse.least < pulse.most, "max_mohm", "is more than 'min_mohm', and that more than 0");
  pulse.rate_C = number("rate_C", pulse.rate_C);
  require(pulse.rate_C > 0.0 && pulse.rate_C <= std::min(cell.charge_rate_max_C, cell.discharge_rate_max_C), "rate_C",
          "is more than 0, and no more than the cell's limits in both directions");
  const double seconds = number("for_s", to_seconds(pulse.lasts));
  require(seconds > 0.0 && seconds <= longest_s, "for_s", "lies from 0 to 10 s: it is a short pulse");
  pulse.lasts = from_seconds(seconds);
  pulse.temperature_min = Celsius{number("temperature_min_degC", pulse.temperature_min.value())};
  pulse.temperature_max = Celsius{number("temperature_max_degC", pulse.temperature_max.value())};
  require(pulse.temperature_min < pulse.temperature_max, "temperature_max_degC", "is more than 'temperature_min_degC'");
  pulse.rest_voltage_min =
      Volts{number("voltage_min_V", (cell.voltage_min + nearly_empty_share * (cell.voltage_max - cell.voltage_min)).value())};
  require(pulse.rest_voltage_min >= cell.voltage_min && pulse.rest_voltage_min < cell.voltage_max, "voltage_min_V",
          "lies within the cell's window");
  cell.pulse_resistance = pulse;
}

void require_limits(const Cell& cell) {
  const SafetyLimits& limits = cell.limits;
  require_order(cell, "limits.voltage_min_V", limits.voltage_min.value(), "voltage_min_V", cell.voltage_min.value());
  require_order(cell, "voltage_max_V", cell.voltage_max.value(), "limits.voltage_max_V", limits.voltage_max.value());
  require_order(cell, "cell_temperature_min_degC", limits.cell_temperature_min.value(), "cell_temperature_max_degC",
                limits.cell_temperature_max.value());
  require_order(cell, "charge_temperature_min_degC", limits.charge_temperature_min.value(), "charge_temperature_max_degC",
                cell.charge_temperature_max.value());
  require_order(cell, "rated_capacity_Ah", cell.rated_capacity.value(), "limits.charge_capacity_max_Ah",
                limits.charge_capacity_max.value());
  const double charge_max = cell.current_at(cell.charge_rate_max_C).value();
  const double discharge_max = cell.current_at(cell.discharge_rate_max_C).value();
  require_order(cell, "charge_rate_max_C in A", charge_max, "limits.charge_current_max_A", limits.charge_current_max.value());
  require_order(cell, "discharge_rate_max_C in A", discharge_max, "limits.discharge_current_max_A",
                limits.discharge_current_max.value());
}

}  // namespace

SourcePlace Cell::place_of(const std::string& key) const {
  const auto found = places.find(key);
  return found == places.end() ? SourcePlace{file, 0, 0} : found->second;
}

Cell read_cell(std::string_view text, const std::string& file) {
  const YamlNode root = read_yaml(text, file);
  const YamlMap map{
      root,
      "a cell",
      {"name", "description", "source", "classification", "nominal_capacity_Ah", "rated_capacity_Ah", "mass_kg",
       "electrode_area_cm2", "dimensions", "voltage_min_V", "voltage_max_V", "limits", "pulse_resistance", "model"}};
  Cell cell;
  cell.file = file;
  cell.name = map.text("name");
  cell.description = map.text_or("description", "");
  cell.source = map.text_or("source", "");
  if (const YamlEntry* classification = map.find("classification")) read_classification(classification->value, cell);
  if (const YamlEntry* dimensions = map.find("dimensions")) read_dimensions(dimensions->value, cell);
  NumberReader numbers{map, cell};
  cell.nominal_capacity = AmpHours{numbers.positive("nominal_capacity_Ah")};
  cell.rated_capacity = AmpHours{numbers.positive("rated_capacity_Ah")};
  cell.mass_kg = numbers.optional_positive("mass_kg");
  cell.electrode_area_cm2 = numbers.optional_positive("electrode_area_cm2");
  cell.voltage_min = Volts{numbers.required("voltage_min_V")};
  cell.voltage_max = Volts{numbers.required("voltage_max_V")};
  require_order(cell, "voltage_min_V", cell.voltage_min.value(), "voltage_max_V", cell.voltage_max.value());
  std::vector<std::string> limit_keys{"charge_rate_max_C",
                                      "discharge_rate_max_C",
                                      "cell_temperature_min_degC",
                                      "cell_temperature_max_degC",
                                      "charge_temperature_min_degC",
                                      "charge_temperature_max_degC",
                                      "voltage_min_V",
                                      "voltage_max_V",
                                      "charge_current_max_A",
                                      "discharge_current_max_A",
                                      "charge_capacity_max_Ah",
                                      "readings_still_max_pct",
                                      "temperature_rate_max_K_per_s",
                                      "temperature_rate_for_s",
                                      "charge_rate_by_temperature",
                                      "discharge_rate_by_temperature"};
  for (std::string& key : sensor_limit_keys()) limit_keys.push_back(std::move(key));
  const YamlMap limits{map.required("limits").value, "limits", limit_keys};
  read_limits(limits, cell);
  if (cell.mass_kg) cell.limits.heat_capacity_J_per_K = least_specific_heat_J_per_kgK * *cell.mass_kg;
  require_limits(cell);
  if (const YamlEntry* pulse = map.find("pulse_resistance")) read_pulse(pulse->value, cell);
  return cell;
}

Cell read_cell_file(const std::filesystem::path& path) { return read_cell(read_text_file(path), path.string()); }

}  // namespace cellrig
