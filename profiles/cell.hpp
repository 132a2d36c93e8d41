// The cell under test, as its file in profiles/cells/ describes it. The part under `model` belongs to the simulator and is not
// read here.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "controller/base/config_error.hpp"
#include "controller/base/limits.hpp"
#include "controller/base/pulse_resistance.hpp"
#include "controller/base/units.hpp"
#include "profiles/expression.hpp"

namespace cellrig {

// How far the supervisor's limits lie outside the cell's own window unless the file says otherwise. End condition < set-point
// bound < safety limit must nest with room for the instrument's error: ends lie within the window, bounds up to 10 mV beyond it.
inline constexpr Volts safety_voltage_margin{0.020};
inline constexpr double safety_current_factor = 1.05;  ///< of the cell's greatest rate, at any temperature: noise must not trip
inline constexpr double least_specific_heat_J_per_kgK = 700.0;  ///< assumed: lithium cells have 800 to 1100
inline constexpr double charge_capacity_factor = 1.2;           ///< of the rated capacity

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
  std::optional<double> volume_L;          ///< of the dimensions
  std::optional<double> pressed_area_cm2;  ///< of the dimensions: what a press acts on; a round cell has none
  double charge_rate_max_C = 0.0;
  double discharge_rate_max_C = 0.0;
  Celsius charge_temperature_max;  ///< not a safety limit of the supervisor; compile() refuses a warmer charge
  SafetyLimits limits;
  std::optional<PulseResistance> pulse_resistance;

  /// What a profile may write after "cell.": "cell.voltage_max_V" -> 4.2.
  Names names;
  /// Where each key was given, by its bare name; a limit that was not given has the place of `limits`.
  std::map<std::string, SourcePlace> places;

  [[nodiscard]] Amps current_at(double rate_C) const { return Amps{rate_C * nominal_capacity.value()}; }
  [[nodiscard]] SourcePlace place_of(const std::string& key) const;
};

/// Throws ConfigError. `file` is the name that errors show.
[[nodiscard]] Cell read_cell(std::string_view text, const std::string& file);
[[nodiscard]] Cell read_cell_file(const std::filesystem::path& path);

}  // namespace cellrig
