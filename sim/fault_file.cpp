#include "sim/fault_file.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <yaml-cpp/yaml.h>

#include "sim/faults/kind.hpp"

namespace cellrig::sim {
namespace {

constexpr std::size_t order_count_max = 10'000;

SourcePlace place_of(const YAML::Node& node, const std::string& path) {
  const YAML::Mark mark = node.Mark();
  return mark.is_null() ? SourcePlace{path} : SourcePlace{path, mark.line + 1, mark.column + 1};
}

/// A list is for keys that name several things: `kinds: [wire, cell]`.
std::string value_of(const YAML::Node& node, const std::string& path) {
  if (node.IsScalar()) return node.Scalar();
  if (!node.IsSequence()) throw ConfigError{place_of(node, path), "a word, a number or a list of them is expected"};
  std::string joined;
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) throw ConfigError{place_of(item, path), "a word or a number is expected"};
    joined += (joined.empty() ? "" : ",") + item.Scalar();
  }
  return joined;
}

std::string normal_key(std::string key) {
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

PlacedOrder read_order(const YAML::Node& node, const std::string& path) {
  PlacedOrder placed;
  placed.place = place_of(node, path);
  if (node.IsScalar()) {
    const Result<FaultOrder> order = parse_fault_order(node.Scalar());
    if (!order) throw ConfigError{placed.place, order.error().what};
    placed.order = *order;
    return placed;
  }
  if (!node.IsMap()) throw ConfigError{placed.place, "an order is a map with 'kind', or words like 'drop psb1 at_s=60'"};
  for (const auto& entry : node) {
    const std::string key = normal_key(entry.first.Scalar());
    if (key == "kind") {
      placed.order.kind = normal_key(value_of(entry.second, path));
      placed.place = place_of(entry.second, path);
      continue;
    }
    if (placed.order.find(key) != nullptr) throw ConfigError{place_of(entry.first, path), "'" + key + "' is given twice"};
    placed.order.fields.emplace_back(key, value_of(entry.second, path));
    placed.field_places.push_back(place_of(entry.first, path));
  }
  if (placed.order.kind.empty()) throw ConfigError{placed.place, "the key 'kind' is missing: which fault?"};
  return placed;
}

/// A refusal quotes the word that is wrong.
SourcePlace place_of_mistake(const PlacedOrder& placed, const std::string& refusal) {
  for (std::size_t i = 0; i < placed.field_places.size(); ++i) {
    const auto& [key, value] = placed.order.fields[i];
    const bool is_meant =
        refusal.find("'" + key + "'") != std::string::npos || refusal.find("'" + value + "'") != std::string::npos;
    if (is_meant) return placed.field_places[i];
  }
  return placed.place;
}

}  // namespace

std::vector<PlacedOrder> read_fault_orders(const YAML::Node& list, const std::string& path) {
  if (list.IsNull()) return {};
  if (!list.IsSequence()) throw ConfigError{place_of(list, path), "'faults' is a list of orders"};
  if (list.size() > order_count_max) throw ConfigError{place_of(list, path), "too many orders"};
  std::vector<PlacedOrder> orders;
  for (const YAML::Node& node : list) orders.push_back(read_order(node, path));
  return orders;
}

std::vector<PlacedOrder> load_fault_file(const std::string& path) {
  std::ifstream stream{path};
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) throw ConfigError{SourcePlace{path}, "this file of faults can't be read"};
  YAML::Node root;
  try {
    root = YAML::Load(text.str());
  } catch (const YAML::Exception& problem) {
    throw ConfigError{SourcePlace{path, problem.mark.line + 1, problem.mark.column + 1}, problem.msg};
  }
  if (!root.IsMap()) return read_fault_orders(root, path);
  for (const auto& entry : root) {
    const std::string key = entry.first.Scalar();
    if (key != "faults")
      throw ConfigError{place_of(entry.first, path), "unknown key '" + key + "'" + suggestion(key, {"faults"})};
  }
  return read_fault_orders(root["faults"], path);
}

void order_faults(SimulatedBench& bench, TimePoint now, const std::vector<PlacedOrder>& orders) {
  for (const PlacedOrder& placed : orders) {
    const Result<void> done = faults::order(bench, now, placed.order);
    if (!done) throw ConfigError{place_of_mistake(placed, done.error().what), done.error().what};
  }
}

}  // namespace cellrig::sim
