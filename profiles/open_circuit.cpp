#include "profiles/open_circuit.hpp"

#include <cmath>
#include <cstddef>

#include "profiles/yaml_reader.hpp"

namespace cellrig {
namespace {

const YamlNode* child(const YamlNode* node, std::string_view key) {
  if (node == nullptr || !node->is_map()) return nullptr;
  for (const YamlEntry& entry : node->entries()) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

}  // namespace

OpenCircuitTable::Range OpenCircuitTable::charge_at(double voltage_min_V, double voltage_max_V) const {
  constexpr double full_pct = 100.0;
  constexpr double outside_pct = 1.0;
  const double step = full_pct / static_cast<double>(voltage_V.size() - 1);
  // On a plateau the lower end asks for its first point, the upper end for its last.
  Range range{full_pct + outside_pct, -outside_pct};
  for (std::size_t i = 0; i + 1 < voltage_V.size(); ++i) {
    const double low = voltage_V[i], high = voltage_V[i + 1];
    if (high < voltage_min_V || low > voltage_max_V) continue;
    const auto at = [&](double voltage) { return step * (static_cast<double>(i) + (voltage - low) / (high - low)); };
    const double from = low >= voltage_min_V ? step * static_cast<double>(i) : at(voltage_min_V);
    const double to = high <= voltage_max_V ? step * static_cast<double>(i + 1) : at(voltage_max_V);
    if (from < range.min_pct) range.min_pct = from;
    if (to > range.max_pct) range.max_pct = to;
  }
  if (range.min_pct <= range.max_pct) return range;
  const bool is_below = voltage_max_V < voltage_V.front();
  return is_below ? Range{-outside_pct, -outside_pct} : Range{full_pct + outside_pct, full_pct + outside_pct};
}

std::optional<OpenCircuitTable> read_open_circuit_table(std::string_view text, const std::string& file) {
  const YamlNode root = read_yaml(text, file);
  const YamlNode* const node = child(child(child(&root, "model"), "tables"), "open_circuit_voltage_V");
  if (node == nullptr) return std::nullopt;
  OpenCircuitTable table;
  for (const YamlNode& item : as_list(*node, "open_circuit_voltage_V")) {
    const double voltage = as_number(item, "open_circuit_voltage_V");
    if (!std::isfinite(voltage) || (!table.voltage_V.empty() && voltage < table.voltage_V.back()))
      throw ConfigError{item.place(), "open_circuit_voltage_V must rise from empty to full"};
    table.voltage_V.push_back(voltage);
  }
  if (table.voltage_V.size() < 2) throw ConfigError{node->place(), "open_circuit_voltage_V needs at least two values"};
  return table;
}

}  // namespace cellrig
