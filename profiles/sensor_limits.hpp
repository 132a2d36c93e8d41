// Limits on what sensors beside the cycler measure. Three owners may give them with the same keys: the cell's file, the bench file
// (what the press or the room allows), and a profile. The tightest holds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/config_error.hpp"
#include "controller/base/limits.hpp"
#include "controller/base/observation.hpp"

namespace cellrig {

struct SensorLimitKey {
  std::string_view key;
  std::optional<double> SensorLimits::*limit;
  bool is_upper;
  Measurand measurand;  ///< what must be measured for it
};

[[nodiscard]] const std::vector<SensorLimitKey>& sensor_limit_table();
[[nodiscard]] std::vector<std::string> sensor_limit_keys();
/// nullptr: no such key.
[[nodiscard]] const SensorLimitKey* find_sensor_limit(std::string_view key);

/// Stores one limit, and refuses what cannot be one: not above zero, a minimum at or above its maximum.
void set_sensor_limit(const SensorLimitKey& key, double value, const SourcePlace& place, SensorLimits& into);

}  // namespace cellrig
