#include "controller/cli/record/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "controller/base/config_error.hpp"
#include "controller/cli/record/record_source.hpp"

namespace cellrig::cli {
namespace {

using db::CycleSummary;
using db::CycleSummaryRow;
using db::Figure;
using Value = std::function<std::optional<double>(const CycleSummary&)>;

std::vector<double> of_cycles(const CycleSummary& summary,
                              const std::function<std::optional<double>(const CycleSummaryRow&)>& value) {
  std::vector<double> values;
  for (const CycleSummaryRow& row : summary.cycles) {
    const std::optional<double> v = value(row);
    if (v && std::isfinite(*v)) values.push_back(*v);
  }
  return values;
}

std::optional<double> median_of(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

std::optional<double> greatest_of(const std::vector<double>& values) {
  return values.empty() ? std::nullopt : std::optional<double>{*std::max_element(values.begin(), values.end())};
}

Value median_figure(Figure figure) {
  return [figure](const CycleSummary& s) {
    return median_of(of_cycles(s, [figure](const CycleSummaryRow& row) {
      const auto found = row.figures.find(figure);
      return found == row.figures.end() ? std::nullopt : std::optional<double>{found->second};
    }));
  };
}

Value greatest_figure(Figure figure) {
  return [figure](const CycleSummary& s) {
    return greatest_of(of_cycles(s, [figure](const CycleSummaryRow& row) {
      const auto found = row.figures.find(figure);
      return found == row.figures.end() ? std::nullopt : std::optional<double>{found->second};
    }));
  };
}

struct LinePlan {
  std::string name, label;
  int decimals = 3;
  double factor = 1;
  Value value;
};

std::optional<double> last_retention(const CycleSummary& s) {
  std::optional<double> last;
  for (const CycleSummaryRow& row : s.cycles) last = row.retention ? row.retention : last;
  return last;
}

std::vector<LinePlan> capacity_lines() {
  const auto capacity = [](bool is_last) {
    return [is_last](const CycleSummary& s) {
      if (s.capacities.empty()) return std::optional<double>{};
      return std::optional<double>{(is_last ? s.capacities.back() : s.capacities.front()).capacity_Ah};
    };
  };
  return {
      {"cycles", "cycles", 0, 1,
       [](const CycleSummary& s) { return std::optional<double>{static_cast<double>(s.cycles.size())}; }},
      {"first_discharge_Ah", "first discharge / Ah", 4, 1, capacity(false)},
      {"last_discharge_Ah", "last discharge / Ah", 4, 1, capacity(true)},
      {"reference_capacity_Ah", "reference capacity / Ah", 4, 1, [](const CycleSummary& s) { return s.reference_Ah; }},
      {"retention", "last retention / %", 2, 100, last_retention},
      {"cycles_to_80_pct", "cycles to 80 % (2 of 3)", 0, 1,
       [](const CycleSummary& s) {
         const auto& at = s.cycles_to.back().confirmed_of_three;
         return at ? std::optional<double>{static_cast<double>(*at)} : std::nullopt;
       }},
      {"equivalent_full_cycles", "equivalent full cycles", 1, 1,
       [](const CycleSummary& s) {
         if (s.cycles.empty() || !s.cycles.back().equivalent_full_cycles) return std::optional<double>{};
         return std::optional<double>{s.cycles.back().equivalent_full_cycles->two_way};
       }},
  };
}

std::vector<LinePlan> figure_lines() {
  return {
      {"coulombic_efficiency", "coulombic efficiency, median / %", 3, 100, median_figure(Figure::coulombic_efficiency)},
      {"energy_efficiency", "energy efficiency, median / %", 2, 100, median_figure(Figure::energy_efficiency)},
      {"voltage_efficiency", "voltage efficiency, median / %", 2, 100, median_figure(Figure::voltage_efficiency)},
      {"voltage_hysteresis_V", "voltage hysteresis, median / mV", 1, 1000, median_figure(Figure::voltage_hysteresis_V)},
      {"charge_time_s", "charge time, median / min", 2, 1.0 / 60,
       [](const CycleSummary& s) {
         return median_of(of_cycles(s, [](const CycleSummaryRow& r) { return std::optional<double>{r.row.charge_time_s}; }));
       }},
      {"charge_window_time_s", "charge window time, median / min", 2, 1.0 / 60,
       [](const CycleSummary& s) {
         return median_of(
             of_cycles(s, [](const CycleSummaryRow& r) { return r.window ? std::optional{r.window->seconds} : std::nullopt; }));
       }},
      {"cycle_cv_charge_share", "share of charge under constant voltage, median / %", 1, 100,
       median_figure(Figure::cycle_cv_charge_share)},
      {"cell_temperature_max_degC", "highest cell temperature / degC", 1, 1,
       [](const CycleSummary& s) {
         return greatest_of(of_cycles(s, [](const CycleSummaryRow& r) { return r.row.cell_temperature_max_degC; }));
       }},
      {"temperature_rise_K", "largest rise in a charge / K", 1, 1, greatest_figure(Figure::cycle_temperature_rise_K)},
      {"breathing_MPa", "breathing, largest / MPa", 3, 1, greatest_figure(Figure::breathing_MPa)},
      {"soft_short_score", "soft-short score of three signs, largest", 2, 1, greatest_figure(Figure::soft_short_score)},
      {"soft_short_score_of_all_signs", "soft-short score of all signs, largest", 2, 1,
       greatest_figure(Figure::soft_short_score_of_all_signs)},
  };
}

std::vector<LinePlan> plans_for(const std::vector<ComparedRun>& runs) {
  std::vector<LinePlan> plans = capacity_lines();
  for (LinePlan& plan : figure_lines()) plans.push_back(std::move(plan));
  std::set<double> times;
  for (const ComparedRun& run : runs) {
    for (const auto& [at, value] : run.summary.dc_resistance_ohm) times.insert(at);
  }
  for (const double at : times) {
    plans.push_back({fmt::format("dc_resistance_ohm_at_{:g}_s", at),
                     fmt::format("DC resistance of the first pulse at {:g} s / mOhm", at), 2, 1000, [at](const CycleSummary& s) {
                       const auto found = s.dc_resistance_ohm.find(at);
                       return found == s.dc_resistance_ohm.end() ? std::nullopt : std::optional<double>{found->second};
                     }});
  }
  return plans;
}

std::string instruments_text(const db::RunInfo& info) {
  std::string text;
  for (const db::InstrumentRow& i : info.row.instruments) {
    text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", i.role, i.model, i.serial);
  }
  return text;
}

/// "parameters: ...; ..." when not all runs say the same.
void add_difference(std::vector<std::string>& out, const std::vector<ComparedRun>& runs, const char* what,
                    const std::function<std::string(const db::RunInfo&)>& text) {
  std::vector<std::string> texts;
  for (const ComparedRun& run : runs) texts.push_back(text(run.run.info));
  if (std::adjacent_find(texts.begin(), texts.end(), std::not_equal_to<>()) == texts.end()) return;
  std::string sentence = std::string(what) + ": ";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::string one = texts[i].empty() ? "none" : texts[i];
    while (!one.empty() && one.back() == '\n') one.pop_back();
    for (std::size_t at = one.find('\n'); at != std::string::npos; at = one.find('\n', at)) one.replace(at, 1, ", ");
    sentence += fmt::format("{}{} {}", i == 0 ? "" : "; ", runs[i].run.name, one);
  }
  out.push_back(std::move(sentence));
}

std::vector<std::string> differences_of(const std::vector<ComparedRun>& runs) {
  std::vector<std::string> out;
  add_difference(out, runs, "profile", [](const db::RunInfo& i) { return i.row.profile_name; });
  add_difference(out, runs, "profile file (SHA-256)", [](const db::RunInfo& i) { return i.profile_sha256.substr(0, 12); });
  add_difference(out, runs, "parameters", [](const db::RunInfo& i) { return i.row.parameters_text; });
  add_difference(out, runs, "cell", [](const db::RunInfo& i) { return i.row.cell_name; });
  add_difference(out, runs, "cell file (SHA-256)", [](const db::RunInfo& i) { return i.cell_sha256.substr(0, 12); });
  add_difference(out, runs, "nominal capacity / Ah",
                 [](const db::RunInfo& i) { return fmt::format("{:g}", i.row.nominal_capacity_Ah); });
  add_difference(out, runs, "origin", [](const db::RunInfo& i) { return std::string(db::word_of(i.origin)); });
  add_difference(out, runs, "time", [](const db::RunInfo& i) { return i.row.time_source; });
  add_difference(out, runs, "instruments", instruments_text);
  add_difference(out, runs, "program version", [](const db::RunInfo& i) { return i.row.software_version; });
  return out;
}

void add_spread(ComparisonLine& line, const std::map<std::string, db::Tolerance>& tolerances) {
  std::vector<double> known;
  for (const std::optional<double>& value : line.values) {
    if (value) known.push_back(*value);
  }
  const auto tolerance = tolerances.find(line.name);
  line.spread = db::lot_spread(known, tolerance == tolerances.end() ? db::Tolerance{} : tolerance->second);
}

}  // namespace

RunComparison compare_runs(const std::vector<OpenRun>& runs, const SummaryWords& words,
                           const std::map<std::string, db::Tolerance>& tolerances) {
  RunComparison out;
  for (const OpenRun& run : runs) {
    const db::SummaryOptions options = summary_options(words, run.info.row.nominal_capacity_Ah);
    out.runs.push_back({run, value_or_throw(db::summarise(*run.reader, run.info.run, options), run.reader->path())});
  }
  std::vector<std::string> names;
  for (const LinePlan& plan : plans_for(out.runs)) {
    names.push_back(plan.name);
    ComparisonLine line{plan.name, plan.label, plan.decimals, plan.factor, {}, {}};
    for (const ComparedRun& run : out.runs) line.values.push_back(plan.value(run.summary));
    if (std::none_of(line.values.begin(), line.values.end(), [](const auto& v) { return v.has_value(); })) continue;
    add_spread(line, tolerances);
    out.lines.push_back(std::move(line));
  }
  for (const auto& [name, tolerance] : tolerances) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      throw ConfigError{SourcePlace{}, "--tolerance: there is no figure '" + name + "'" + suggestion(name, names)};
    }
  }
  out.differences = differences_of(out.runs);
  return out;
}

}  // namespace cellrig::cli
