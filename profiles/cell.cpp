#include "profiles/cell.hpp"

#include "profiles/number.hpp"
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

void read_limits(const YamlMap& map, Cell& cell) {
  NumberReader numbers{map, cell};
  SafetyLimits& limits = cell.limits;
  cell.charge_rate_max_C = numbers.positive("charge_rate_max_C");
  cell.discharge_rate_max_C = numbers.positive("discharge_rate_max_C");
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
  const YamlMap map{root,
                    "a cell",
                    {"name", "description", "source", "classification", "nominal_capacity_Ah", "rated_capacity_Ah", "mass_kg",
                     "electrode_area_cm2", "voltage_min_V", "voltage_max_V", "limits", "model"}};
  Cell cell;
  cell.file = file;
  cell.name = map.text("name");
  cell.description = map.text_or("description", "");
  cell.source = map.text_or("source", "");
  if (const YamlEntry* classification = map.find("classification")) {
    for (const YamlEntry& entry : classification->value.entries())
      cell.classification[entry.key] = as_text(entry.value, entry.key);
  }
  NumberReader numbers{map, cell};
  cell.nominal_capacity = AmpHours{numbers.positive("nominal_capacity_Ah")};
  cell.rated_capacity = AmpHours{numbers.positive("rated_capacity_Ah")};
  cell.mass_kg = numbers.optional_positive("mass_kg");
  cell.electrode_area_cm2 = numbers.optional_positive("electrode_area_cm2");
  cell.voltage_min = Volts{numbers.required("voltage_min_V")};
  cell.voltage_max = Volts{numbers.required("voltage_max_V")};
  require_order(cell, "voltage_min_V", cell.voltage_min.value(), "voltage_max_V", cell.voltage_max.value());
  const YamlMap limits{map.required("limits").value,
                       "limits",
                       {"charge_rate_max_C", "discharge_rate_max_C", "cell_temperature_min_degC", "cell_temperature_max_degC",
                        "charge_temperature_min_degC", "charge_temperature_max_degC", "voltage_min_V", "voltage_max_V",
                        "charge_current_max_A", "discharge_current_max_A", "charge_capacity_max_Ah"}};
  read_limits(limits, cell);
  require_limits(cell);
  return cell;
}

Cell read_cell_file(const std::filesystem::path& path) { return read_cell(read_text_file(path), path.string()); }

}  // namespace cellrig
