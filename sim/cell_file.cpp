#include "sim/cell_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>
#include <yaml-cpp/yaml.h>

#include "controller/base/config_error.hpp"

namespace cellrig::sim {
namespace {

constexpr double unbounded = std::numeric_limits<double>::infinity();

/// Where a number goes and what it may be. The group is a key of `model`, or empty for a key of `model` itself.
struct Field {
  std::string group;
  std::string key;
  double* to;
  bool above_zero = false;  ///< otherwise >= 0 is enough
  double max = unbounded;
};

struct TableField {
  std::string key;
  OcvTable* to;
};

class CellFile {
 public:
  explicit CellFile(std::string path) : path_{std::move(path)} {}

  CellParameters read() {
    const YAML::Node root = load();
    require_map(root, root, "the cell file");
    CellParameters p;
    const YAML::Node name = root["name"];
    if (!name || !name.IsScalar()) throw error(name ? name : root, "missing key 'name'");
    p.name = name.as<std::string>();
    for (const Field& field : head_fields(p)) read_number(root, field);
    if (!(p.voltage_min_V < p.voltage_max_V)) throw error(root["voltage_max_V"], "voltage_max_V must be above voltage_min_V");

    const YAML::Node model = root["model"];
    if (!model) throw error(root, "missing key 'model': the simulator knows nothing about this cell");
    require_map(model, root, "'model'");
    const std::vector<Field> fields = model_fields(p);
    const std::vector<TableField> tables = table_fields(p);
    refuse_unknown_keys(model, "model", keys_of_group("", fields, tables));
    for (const std::string& group : groups_of(fields)) {
      require_map(model[group], model, "'model." + group + "'");
      refuse_unknown_keys(model[group], "model." + group, keys_of_group(group, fields, tables));
    }
    for (const Field& field : fields) read_number(field.group.empty() ? model : model[field.group], field);
    require_map(model["tables"], model, "'model.tables'");
    refuse_unknown_keys(model["tables"], "model.tables", keys_of_group("tables", fields, tables));
    for (const TableField& table : tables) read_table(model["tables"], table);
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
    CycleFade& fade = p.cycle_fade;
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
        {"ageing", "leakage_A", &p.leakage_A},
        {"ageing", "loss_per_cycle", &fade.loss_per_cycle, false, 1.0},
        {"ageing", "exponent", &fade.exponent, true},
        {"ageing", "resistance_rise_per_loss", &fade.resistance_rise_per_loss},
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
    }
    return keys;
  }

  YAML::Node load() const {
    try {
      return YAML::LoadFile(path_);
    } catch (const YAML::BadFile&) {
      throw ConfigError{SourcePlace{path_, 0, 0}, "cannot read this cell file"};
    } catch (const YAML::ParserException& problem) {
      throw ConfigError{SourcePlace{path_, problem.mark.line + 1, problem.mark.column + 1}, "not valid YAML: " + problem.msg};
    }
  }

  [[nodiscard]] ConfigError error(const YAML::Node& at, const std::string& message) const {
    const YAML::Mark mark = at.Mark();
    return ConfigError{SourcePlace{path_, mark.line + 1, mark.column + 1}, message};
  }

  void require_map(const YAML::Node& node, const YAML::Node& parent, const std::string& what) const {
    if (!node) throw error(parent, "missing key " + what);
    if (!node.IsMap()) throw error(node, what + " must be a map of keys and values");
  }

  void refuse_unknown_keys(const YAML::Node& map, const std::string& where, const std::vector<std::string>& known) const {
    std::set<std::string> seen;
    for (const auto& entry : map) {
      if (!entry.first.IsScalar()) throw error(entry.first, "a key of " + where + " must be a word");
      const std::string& key = entry.first.Scalar();
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        throw error(entry.first, "unknown key '" + key + "' in " + where + suggestion(key, known));
      }
      if (!seen.insert(key).second) throw error(entry.first, "key '" + key + "' stands twice in " + where);
    }
  }

  [[nodiscard]] double number(const YAML::Node& node, const std::string& what) const {
    double value = 0.0;
    if (!node.IsScalar() || !YAML::convert<double>::decode(node, value) || !std::isfinite(value)) {
      throw error(node, what + " must be a finite number" + (node.IsScalar() ? ", got '" + node.Scalar() + "'" : ""));
    }
    return value;
  }

  void read_number(const YAML::Node& map, const Field& field) const {
    const std::string what = field.group.empty() ? field.key : field.group + "." + field.key;
    const YAML::Node node = map[field.key];
    if (!node) throw error(map, "missing key '" + what + "'");
    const double value = number(node, what);
    if (field.above_zero && !(value > 0)) throw error(node, what + " must be above zero");
    if (!(value >= 0)) throw error(node, what + " must not be negative");
    if (!(value <= field.max)) throw error(node, what + " is out of range");
    *field.to = value;
  }

  void read_table(const YAML::Node& map, const TableField& table) const {
    const YAML::Node node = map[table.key];
    if (!node) throw error(map, "missing key 'tables." + table.key + "'");
    if (!node.IsSequence() || node.size() != OcvTable::points) {
      throw error(node, "tables." + table.key + " must be a list of 101 numbers, from empty to full");
    }
    std::vector<double> values;
    for (const auto& entry : node) values.push_back(number(entry, "a value of tables." + table.key));
    if (table.key == "open_circuit_voltage_V" && !std::is_sorted(values.begin(), values.end())) {
      throw error(node, "tables.open_circuit_voltage_V must rise with the state of charge");
    }
    *table.to = OcvTable{values};
  }

  std::string path_;
};

}  // namespace

CellParameters load_cell_file(const std::string& path) { return CellFile{path}.read(); }

}  // namespace cellrig::sim
