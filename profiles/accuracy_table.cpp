// The table of accuracies as a person reads it.
#include <cmath>
#include <set>

#include "profiles/accuracy.hpp"
#include "profiles/number.hpp"
#include "profiles/text_table.hpp"

namespace cellrig {
namespace {

std::string with_digits(double value, const std::string& unit) { return with_unit(round_to_digits(value, 3), unit); }

std::string step_cell(const AccuracyRow& row) {
  if (row.steps.empty()) return "whole run";
  std::set<std::string> names;
  for (const AccuracyStep& step : row.steps) names.insert(step.name);
  std::string text = row.steps.front().name;
  if (names.size() > 1) {
    text += " and " + std::to_string(row.steps.size() - 1) + " more";
  } else if (row.steps.size() > 1) {
    text += " x " + std::to_string(row.steps.size());
  }
  return text;
}

std::string compared_cell(const AccuracyRow& row) {
  if (!row.compared_with) return {};
  if (row.compared_to == "the value") return row.compared_to;
  return with_digits(*row.compared_with, row.unit == "degC" ? "K" : row.unit) + " " + row.compared_to;
}

std::string share_cell(const AccuracyRow& row) {
  constexpr double shown_max = 9.99;
  const std::optional<double> share = row.share();
  if (!share) return {};
  if (!(*share <= shown_max)) return "> 999 %";
  const double percent = *share * 100.0;
  return format_short(percent < 10.0 ? round_to_digits(percent, 2) : std::round(percent)) + " %";
}

std::string notes_cell(const AccuracyRow& row) {
  std::string text;
  if (row.severity) text = *row.severity == Severity::error ? "error" : "warning";
  return text + (text.empty() || row.advice.empty() ? "" : ": ") + row.advice;
}

}  // namespace

std::string_view to_string(AccuracyUse use) {
  switch (use) {
    case AccuracyUse::set_current: return "set_current";
    case AccuracyUse::current_limit: return "current_limit";
    case AccuracyUse::voltage_limit: return "voltage_limit";
    case AccuracyUse::current_end: return "current_end";
    case AccuracyUse::power_end: return "power_end";
    case AccuracyUse::voltage_end: return "voltage_end";
    case AccuracyUse::voltage_change_end: return "voltage_change_end";
    case AccuracyUse::temperature_end: return "temperature_end";
    case AccuracyUse::sensor_end: return "sensor_end";
    case AccuracyUse::resistance: return "resistance";
    case AccuracyUse::record_change: return "record_change";
    case AccuracyUse::chamber_temperature: return "chamber_temperature";
    case AccuracyUse::temperature_limit: return "temperature_limit";
    case AccuracyUse::sensor_limit: return "sensor_limit";
  }
  return "unknown";
}

std::string describe(const std::vector<AccuracyRow>& rows) {
  if (rows.empty()) return {};
  std::vector<std::vector<std::string>> cells{
      {"step", "instrument", "what", "value", "known to", "compared with", "share", "notes"}};
  std::set<std::string> unverified;
  for (const AccuracyRow& row : rows) {
    const std::string difference_unit = row.unit == "degC" ? "K" : row.unit;
    cells.push_back({step_cell(row), row.instrument, row.subject,
                     row.value ? with_unit(round_to_digits(*row.value, 6), row.unit) : "",
                     with_digits(row.uncertainty, difference_unit), compared_cell(row), share_cell(row), notes_cell(row)});
    if (row.is_unverified) unverified.insert(row.instrument);
  }
  std::string text = text_table(cells);
  if (!unverified.empty()) {
    std::string names;
    for (const std::string& name : unverified) names += (names.empty() ? "" : ", ") + name;
    text += "accuracy unverified, as the model files say: " + names + "\n";
  }
  return text;
}

}  // namespace cellrig
