#include "controller/cli/record/cycle_columns.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::cli {
namespace {

using db::CycleSummaryRow;
using db::Figure;

CycleColumn stored(Figure figure, const char* heading, int decimals = 3, double factor = 1) {
  return {std::string(db::definition_of(figure).name), heading, figure, nullptr, decimals, factor};
}

std::vector<CycleColumn> capacity_columns() {
  return {
      {"charge_Ah", ">charge Ah", {}, [](const CycleSummaryRow& r) { return std::optional<double>{r.row.charge_Ah}; }, 4},
      {"discharge_Ah",
       ">discharge Ah",
       {},
       [](const CycleSummaryRow& r) { return std::optional<double>{r.row.discharge_Ah}; },
       4},
      {"charge_Wh", "", {}, [](const CycleSummaryRow& r) { return std::optional<double>{r.row.charge_Wh}; }},
      {"discharge_Wh", ">discharge Wh", {}, [](const CycleSummaryRow& r) { return std::optional<double>{r.row.discharge_Wh}; }},
      {"coulombic_efficiency", ">CE %", Figure::coulombic_efficiency,
       [](const CycleSummaryRow& r) { return r.row.coulombic_efficiency; }, 3, 100},
      {"energy_efficiency", ">EE %", Figure::energy_efficiency, [](const CycleSummaryRow& r) { return r.row.energy_efficiency; },
       2, 100},
      stored(Figure::voltage_efficiency, ">VE %", 2, 100),
      stored(Figure::charge_mean_voltage_V, ""),
      stored(Figure::discharge_mean_voltage_V, ""),
      stored(Figure::voltage_hysteresis_V, ">dV mV", 1, 1000),
      {"retention", ">retention %", {}, [](const CycleSummaryRow& r) { return r.retention; }, 2, 100},
      {"equivalent_full_cycles", ">EFC", Figure::equivalent_full_cycles_two_way,
       [](const CycleSummaryRow& r) {
         return r.equivalent_full_cycles ? std::optional<double>{r.equivalent_full_cycles->two_way} : std::nullopt;
       },
       2},
      {"equivalent_full_cycles_discharge", "", Figure::equivalent_full_cycles_discharge,
       [](const CycleSummaryRow& r) {
         return r.equivalent_full_cycles ? std::optional<double>{r.equivalent_full_cycles->discharge} : std::nullopt;
       }},
      {"charge_time_s",
       ">charge min",
       {},
       [](const CycleSummaryRow& r) { return std::optional<double>{r.row.charge_time_s}; },
       1,
       1.0 / 60},
      {"charge_time_to_80_pct_s", ">to 80 % min", Figure::charge_time_to_share_s,
       [](const CycleSummaryRow& r) {
         for (const auto& [share, seconds] : r.charge_time_to_share_s) {
           if (std::abs(share - 0.8) < 1e-9) return std::optional<double>{seconds};
         }
         return std::optional<double>{};
       },
       1, 1.0 / 60},
  };
}

std::vector<CycleColumn> condition_columns() {
  return {
      stored(Figure::cycle_cv_charge_share, ">CV %", 1, 100),
      stored(Figure::cycle_cv_time_s, ""),
      stored(Figure::cycle_temperature_min_degC, "", 1),
      stored(Figure::cycle_temperature_mean_degC, "", 1),
      {"cell_temperature_max_degC", ">T max", Figure::cycle_temperature_max_degC,
       [](const CycleSummaryRow& r) { return r.row.cell_temperature_max_degC; }, 1},
      stored(Figure::ambient_temperature_mean_degC, "", 1),
      stored(Figure::cycle_temperature_rise_K, ">rise K", 1),
      stored(Figure::charge_end_pressure_MPa, ">p charged", 3),
      stored(Figure::discharge_end_pressure_MPa, ">p empty", 3),
      stored(Figure::breathing_MPa, ">breathing", 3),
      stored(Figure::pressure_drift_MPa, ">drift", 4),
      stored(Figure::charge_overrun, "", 4),
      stored(Figure::charge_slope_least_V_per_s, "", 6),
      stored(Figure::resistance_ratio_least, "", 3),
      stored(Figure::rest_slope_V_per_day, "", 5),
      stored(Figure::soft_short_score, ">soft short", 2),
      stored(Figure::soft_short_score_of_all_signs, ">soft short", 2),
  };
}

std::vector<CycleColumn> all_columns(bool has_window) {
  std::vector<CycleColumn> columns = capacity_columns();
  for (CycleColumn& column : condition_columns()) columns.push_back(std::move(column));
  if (!has_window) return columns;
  const auto add = [&columns](const char* name, const char* heading, auto value, int decimals, double factor) {
    columns.push_back({name, heading, Figure::charge_window_time_s, value, decimals, factor});
  };
  add(
      "charge_window_time_s", ">window min",
      [](const CycleSummaryRow& r) { return r.window ? std::optional<double>{r.window->seconds} : std::nullopt; }, 2, 1.0 / 60);
  add(
      "charge_window_temperature_max_degC", ">window T max",
      [](const CycleSummaryRow& r) {
        return r.window ? std::optional<double>{r.window->cell_temperature_max_degC} : std::nullopt;
      },
      1, 1);
  return columns;
}

}  // namespace

std::optional<double> value_of(const CycleColumn& column, const db::CycleSummaryRow& row) {
  std::optional<double> value;
  if (column.value != nullptr) {
    value = column.value(row);
  } else if (const auto found = row.figures.find(*column.figure); found != row.figures.end()) {
    value = found->second;
  }
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::vector<CycleColumn> cycle_columns(const db::CycleSummary& summary, bool has_window) {
  std::vector<CycleColumn> columns = all_columns(has_window);
  std::erase_if(columns, [&summary](const CycleColumn& column) {
    const bool is_always = column.name.starts_with("charge_window") || !column.figure;
    return !is_always && std::none_of(summary.cycles.begin(), summary.cycles.end(),
                                      [&column](const db::CycleSummaryRow& row) { return value_of(column, row).has_value(); });
  });
  const auto by_name = [&columns](const char* name) {
    return std::find_if(columns.begin(), columns.end(), [name](const CycleColumn& column) { return column.name == name; });
  };
  // On a screen the one that sees more; records of older versions have the other.
  if (by_name("soft_short_score_of_all_signs") != columns.end() && by_name("soft_short_score") != columns.end())
    by_name("soft_short_score")->heading.clear();
  return columns;
}

boost::json::object definition_json(db::Figure figure) {
  const db::Definition& d = db::definition_of(figure);
  boost::json::object out{{"figure", static_cast<std::int64_t>(d.figure)}, {"unit", d.unit}, {"text", d.text}};
  if (!d.at.empty()) out["at"] = d.at;
  return out;
}

boost::json::object definitions_json(const std::vector<CycleColumn>& columns, const db::SummaryOptions& options) {
  boost::json::object out;
  for (const CycleColumn& column : columns) {
    if (column.figure) out[column.name] = definition_json(*column.figure);
    if (column.name == "retention") out[column.name] = definition_json(db::figure_of(options.reference.kind));
  }
  return out;
}

}  // namespace cellrig::cli
