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
/// Limits and their delays.
[[nodiscard]] std::vector<std::string> sensor_limit_keys();
/// nullptr: no such key.
[[nodiscard]] const SensorLimitKey* find_sensor_limit(std::string_view key);

/// How long readings must lie beyond a limit. An owner gives a delay for its own limit; the shortest of all owners' holds.
struct SensorDelayKey {
  std::string_view key;
  std::optional<double> SensorLimits::*for_s;
  double at_most_s;  ///< within the reaction time that docs/safety.md promises
  Measurand measurand;
};
/// nullptr: no such key.
[[nodiscard]] const SensorDelayKey* find_sensor_delay(std::string_view key);
[[nodiscard]] const std::vector<SensorDelayKey>& sensor_delay_table();
/// Does anything in `limits` need this delay?
[[nodiscard]] bool has_limit_for(const SensorDelayKey& key, const SensorLimits& limits);
/// Stores one delay; 0 means none. Refuses what is negative or too long.
void set_sensor_delay(const SensorDelayKey& key, double seconds, const SourcePlace& place, SensorLimits& into);

/// Does nothing for other keys. Refuses more than GB 38031 allows, and what is too short to be seen: means of a second are judged.
void require_temperature_rate(std::string_view key, double value, const SourcePlace& place);

/// Stores one limit, and refuses what cannot be one: not above zero, a minimum at or above its maximum.
void set_sensor_limit(const SensorLimitKey& key, double value, const SourcePlace& place, SensorLimits& into);

}  // namespace cellrig
