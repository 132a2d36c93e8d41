// Orders for faults in YAML: a scenario file, or the list `faults` in the section `simulation` of a bench file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "controller/base/config_error.hpp"
#include "controller/base/time.hpp"
#include "sim/fault_order.hpp"

namespace YAML {
class Node;
}

namespace cellrig::sim {

class SimulatedBench;

/// An order, and where each of its words stands.
struct PlacedOrder {
  FaultOrder order;
  SourcePlace place;
  std::vector<SourcePlace> field_places;  ///< of the values, in the order of the fields; empty when the order is written as words
};

/// A list of orders, or a map with the one key `faults` that holds it. An order is a map ({kind: drop, target: psb1, at_s: 60}) or words
/// ("drop psb1 at_s=60"). @throws ConfigError with file, line and column.
[[nodiscard]] std::vector<PlacedOrder> load_fault_file(const std::string& path);
/// The same of a list in a file that is open already.
[[nodiscard]] std::vector<PlacedOrder> read_fault_orders(const YAML::Node& list, const std::string& path);

/// Orders them all. @throws ConfigError at the first that is refused, with the place of the word that is wrong.
void order_faults(SimulatedBench& bench, TimePoint now, const std::vector<PlacedOrder>& orders);

}  // namespace cellrig::sim
