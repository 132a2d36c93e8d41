#include "sim/cell_file.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "sim/cell_life_file.hpp"
#include "sim/strict_yaml.hpp"

namespace cellrig::sim {
namespace {

using Field = NumberField;

struct TableField {
  std::string key;
  OcvTable* to;
};

class CellFile {
 public:
  explicit CellFile(const std::string& path) : yaml_{path} {}

  CellParameters read() {
    const YAML::Node root = yaml_.load();
    yaml_.require_map(root, root, "the cell file");
    CellParameters p;
    const YAML::Node name = root["name"];
    if (!name || !name.IsScalar()) throw yaml_.error(name ? name : root, "missing key 'name'");
    p.name = name.as<std::string>();
    for (const Field& field : head_fields(p)) yaml_.read_number(root, "", field);
    if (!(p.voltage_min_V < p.voltage_max_V))
      throw yaml_.error(root["voltage_max_V"], "voltage_max_V must be above voltage_min_V");

    const YAML::Node model = root["model"];
    if (!model) throw yaml_.error(root, "missing key 'model': the simulator knows nothing about this cell");
    yaml_.require_map(model, root, "'model'");
    const std::vector<Field> fields = model_fields(p);
    const std::vector<TableField> tables = table_fields(p);
    yaml_.refuse_unknown_keys(model, "model", keys_of_group("", fields, tables));
    for (const std::string& group : groups_of(fields)) {
      yaml_.require_map(model[group], model, "'model." + group + "'");
      yaml_.refuse_unknown_keys(model[group], "model." + group, keys_of_group(group, fields, tables));
    }
    for (const Field& field : fields) yaml_.read_number(field.group.empty() ? model : model[field.group], "", field);
    yaml_.require_map(model["tables"], model, "'model.tables'");
    yaml_.refuse_unknown_keys(model["tables"], "model.tables", keys_of_group("tables", fields, tables));
    for (const TableField& table : tables) read_table(model["tables"], table);
    p.life = read_life_sections(yaml_, model);
    return p;
  }

 private:
  static std::vector<Field> head_fields(CellParameters& p) {
    return {{"", "voltage_min_V", &p.voltage_min_V},
            {"", "voltage_max_V", &p.voltage_max_V, true},
            {"", "mass_kg", &p.mass_kg, true},
            {"", "electrode_area_cm2", &p.electrode_area_cm2, true}};
  }

  static std::vector<TableField> table_fields(CellParameters& p) {
    return {{"open_circuit_voltage_V", &p.open_circuit_voltage_V},
            {"entropic_coefficient_V_per_K", &p.entropic_coefficient_V_per_K},
            {"half_hysteresis_V", &p.half_hysteresis_V}};
  }

  static std::vector<Field> model_fields(CellParameters& p) {
    return {
        {"", "capacity_Ah", &p.capacity_Ah, true},
        {"hysteresis", "scale", &p.hysteresis_scale},
        {"hysteresis", "rate", &p.hysteresis_rate},
        {"ohmic", "metal_resistance_ohm", &p.metal_resistance_ohm, true},
        {"ohmic", "electrolyte_resistance_ohm", &p.electrolyte_resistance_ohm},
        {"ohmic", "electrolyte_activation_J_per_mol", &p.electrolyte_activation_J_per_mol},
        {"ohmic", "charge_resistance_factor", &p.charge_resistance_factor, true},
        {"charge_transfer", "exchange_current_A", &p.exchange_current_A, true},
        {"charge_transfer", "activation_J_per_mol", &p.charge_transfer_activation_J_per_mol},
        {"charge_transfer", "low_soc_rise", &p.low_soc_charge_transfer_rise},
        {"fast_pair", "resistance_ohm", &p.fast_pair.resistance_ohm},
        {"fast_pair", "time_constant_s", &p.fast_pair.time_constant_s, true},
        {"fast_pair", "activation_J_per_mol", &p.fast_pair.activation_J_per_mol},
        {"slow_pair", "resistance_ohm", &p.slow_pair.resistance_ohm},
        {"slow_pair", "time_constant_s", &p.slow_pair.time_constant_s, true},
        {"slow_pair", "activation_J_per_mol", &p.slow_pair.activation_J_per_mol},
        {"diffusion", "gain", &p.diffusion_gain},
        {"diffusion", "time_constant_s", &p.diffusion_time_constant_s, true},
        {"diffusion", "activation_J_per_mol", &p.diffusion_activation_J_per_mol},
        {"inaccessible", "soc", &p.inaccessible_soc},
        {"inaccessible", "activation_J_per_mol", &p.inaccessible_activation_J_per_mol},
        {"inaccessible", "width_soc", &p.inaccessible_width_soc, true},
        {"thermal", "core_heat_capacity_J_per_K", &p.core_heat_capacity_J_per_K, true},
        {"thermal", "surface_heat_capacity_J_per_K", &p.surface_heat_capacity_J_per_K, true},
        {"thermal", "core_to_surface_K_per_W", &p.core_to_surface_K_per_W, true},
        {"thermal", "surface_to_ambient_W_per_K", &p.surface_to_ambient_W_per_K, true},
        {.group = "thermal",
         .key = "plates_to_ambient_W_per_K",
         .to = &p.plates_to_ambient_W_per_K,
         .above_zero = true,
         .may_be_missing = true},
    };
  }

  static std::vector<std::string> groups_of(const std::vector<Field>& fields) {
    std::vector<std::string> groups;
    for (const Field& field : fields) {
      if (!field.group.empty() && std::find(groups.begin(), groups.end(), field.group) == groups.end())
        groups.push_back(field.group);
    }
    return groups;
  }

  static std::vector<std::string> keys_of_group(const std::string& group, const std::vector<Field>& fields,
                                                const std::vector<TableField>& tables) {
    std::vector<std::string> keys;
    for (const Field& field : fields) {
      if (field.group == group) keys.push_back(field.key);
    }
    if (group == "tables") {
      for (const TableField& table : tables) keys.push_back(table.key);
    }
    if (group.empty()) {
      for (std::string& name : groups_of(fields)) keys.push_back(std::move(name));
      keys.emplace_back("tables");
      keys.insert(keys.end(), life_section_names().begin(), life_section_names().end());
    }
    return keys;
  }

  void read_table(const YAML::Node& map, const TableField& table) const {
    const YAML::Node node = map[table.key];
    if (!node) throw yaml_.error(map, "missing key 'tables." + table.key + "'");
    const bool is_voltage = table.key == "open_circuit_voltage_V";
    if (!is_voltage && node.IsScalar()) {  // the same everywhere
      *table.to = OcvTable{std::vector<double>(OcvTable::points, yaml_.number(node, "tables." + table.key))};
      return;
    }
    if (!node.IsSequence() || node.size() != OcvTable::points) {
      throw yaml_.error(node, "tables." + table.key + " must be a list of 101 numbers, from empty to full");
    }
    std::vector<double> values;
    for (const auto& entry : node) values.push_back(yaml_.number(entry, "a value of tables." + table.key));
    if (is_voltage && !std::is_sorted(values.begin(), values.end())) {
      throw yaml_.error(node, "tables.open_circuit_voltage_V must rise with the state of charge");
    }
    *table.to = OcvTable{values};
  }

  StrictYaml yaml_;
};

}  // namespace

/// Benches are built by the hundred from the same few cells: a file is read into parameters once, as long as its text stays the same.
CellParameters load_cell_file(const std::string& path) {
  struct Known {
    std::string text;
    CellParameters parameters;
  };
  constexpr std::size_t known_max = 64;
  thread_local std::map<std::string, Known> known;
  std::ifstream stream{path};
  std::ostringstream text;
  text << stream.rdbuf();
  const auto found = known.find(path);
  if (stream && found != known.end() && found->second.text == text.str()) return found->second.parameters;
  CellParameters parameters = CellFile{path}.read();
  if (known.size() >= known_max) known.clear();
  known.insert_or_assign(path, Known{text.str(), parameters});
  return parameters;
}

}  // namespace cellrig::sim
