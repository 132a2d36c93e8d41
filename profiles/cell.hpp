// The cell under test, as its file in profiles/cells/ describes it. The part under `model` belongs to the simulator and is not
// read here.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/config_error.hpp"
#include "controller/base/limits.hpp"
#include "controller/base/units.hpp"
#include "profiles/expression.hpp"

namespace cellrig {

// How far the supervisor's limits lie outside the cell's own window unless the file says otherwise. End condition < set-point
// bound < safety limit must nest with room for the instrument's error: ends lie within the window, bounds up to 10 mV beyond it.
inline constexpr Volts safety_voltage_margin{0.020};
inline constexpr double safety_current_factor = 1.05;  ///< of the cell's greatest rate: noise must not trip
inline constexpr double charge_capacity_factor = 1.2;  ///< of the rated capacity

/// How fast a cell may be charged or discharged at a temperature.
struct RatePoint {
  Celsius temperature;
  double rate_C = 0.0;
};

struct Cell {
  std::string name;
  std::string description;
  std::string source;
  std::string file;
  /// For the record: electrolyte_class (liquid, hybrid, solid), electrolyte_family, mass_loss_pct, mass_loss_method.
  std::map<std::string, std::string> classification;
  AmpHours nominal_capacity;  ///< what 1C refers to
  AmpHours rated_capacity;    ///< what is expected of it
  Volts voltage_min;
  Volts voltage_max;
  std::optional<double> mass_kg;
  std::optional<double> electrode_area_cm2;
  std::optional<double> volume_L;  ///< of the dimensions
  double charge_rate_max_C = 0.0;
  double discharge_rate_max_C = 0.0;
  std::vector<RatePoint> charge_rates;  ///< rising temperature; empty = the greatest rate at every temperature
  std::vector<RatePoint> discharge_rates;
  Celsius charge_temperature_max;  ///< not a safety limit of the supervisor; compile() refuses a warmer charge
  SafetyLimits limits;

  /// What a profile may write after "cell.": "cell.voltage_max_V" -> 4.2.
  Names names;
  /// Where each key was given, by its bare name; a limit that was not given has the place of `limits`.
  std::map<std::string, SourcePlace> places;

  [[nodiscard]] Amps current_at(double rate_C) const { return Amps{rate_C * nominal_capacity.value()}; }
  /// Linear between the points of the file, their ends beyond them; never above the greatest rate.
  [[nodiscard]] double charge_rate_max_at(Celsius temperature) const;
  [[nodiscard]] double discharge_rate_max_at(Celsius temperature) const;
  [[nodiscard]] SourcePlace place_of(const std::string& key) const;
};

/// Throws ConfigError. `file` is the name that errors show.
[[nodiscard]] Cell read_cell(std::string_view text, const std::string& file);
[[nodiscard]] Cell read_cell_file(const std::filesystem::path& path);

}  // namespace cellrig
