// Accuracies of the limits that hold for the whole run, and what the files of accuracy_rows() share.
#include <cmath>

#include "profiles/accuracy_parts.hpp"
#include "profiles/check_rules.hpp"
#include "profiles/number.hpp"
#include "profiles/unit_suffix.hpp"

namespace cellrig {
namespace {

class RunLimitCollector {
 public:
  RunLimitCollector(const Program& program, const SafetyLimits& limits, const CheckContext& context,
                    const AskedTemperatures& asked)
      : program_{program},
        limits_{limits},
        context_{context},
        cycler_{*context.cycler},
        asked_{asked},
        thermometer_{thermometer_of(context)} {}

  std::vector<AccuracyRow> rows() {
    add_temperature_limits();
    for (const SensorLimitKey& key : sensor_limit_table()) add_sensor_limit(key);
    return std::move(rows_);
  }

  /// What is no tighter than it is for the whole run has its row there.
  std::vector<AccuracyRow> rows_that_differ() {
    const SafetyLimits& all = program_.limits;
    is_of_step_ = true;
    if (thermometer_ && limits_.cell_temperature_max != all.cell_temperature_max)
      add_temperature_limit("cell_temperature_max_degC", limits_.cell_temperature_max.value(), asked_.hottest, true);
    if (thermometer_ && limits_.cell_temperature_min != all.cell_temperature_min)
      add_temperature_limit("cell_temperature_min_degC", limits_.cell_temperature_min.value(), asked_.coldest, false);
    if (thermometer_ && limits_.charge_temperature_min != all.charge_temperature_min)
      add_temperature_limit("charge_temperature_min_degC", limits_.charge_temperature_min.value(), asked_.coldest_charge, false);
    for (const SensorLimitKey& key : sensor_limit_table()) {
      if (limits_.sensors.*key.limit != all.sensors.*key.limit) add_sensor_limit(key);
    }
    for (AccuracyRow& row : rows_) row.place.reset();  // the step's own
    return std::move(rows_);
  }

 private:
  void add_temperature_limits() {
    if (!thermometer_) return;
    add_temperature_limit("cell_temperature_max_degC", limits_.cell_temperature_max.value(), asked_.hottest, true);
    add_temperature_limit("cell_temperature_min_degC", limits_.cell_temperature_min.value(), asked_.coldest, false);
    add_temperature_limit("charge_temperature_min_degC", limits_.charge_temperature_min.value(), asked_.coldest_charge, false);
  }

  void add_temperature_limit(const std::string& key, double limit, const std::optional<Celsius>& asked, bool is_upper) {
    AccuracyRow row{.use = AccuracyUse::temperature_limit,
                    .instrument = thermometer_->model,
                    .subject = key,
                    .unit = "degC",
                    .value = limit,
                    .uncertainty = thermometer_->accuracy.bound_at(limit),
                    .is_unverified = thermometer_->accuracy.is_unverified};
    const double distance = !asked ? -1.0 : is_upper ? limit - asked->value() : asked->value() - limit;
    if (distance >= 0.0) {
      const double air_doubt = context_.chamber ? context_.chamber->temperature_accuracy.bound_at(asked->value()) : 0.0;
      if (context_.chamber) row.instrument += " and " + context_.chamber->model;
      row.uncertainty += air_doubt;
      row.compared_with = distance;
      row.compared_to = "from the chamber's " + with_unit(asked->value(), "degC");
      const bool is_refused =
          !is_of_step_ && key != "charge_temperature_min_degC" && distance <= air_doubt;  // by check_temperature()
      if (row.uncertainty > distance && !is_refused) {
        row.severity = Severity::warning;
        row.message = "'" + key + "' = " + with_unit(limit, "degC") + " lies " + with_unit(distance, "K") +
                      " from the chamber's " + with_unit(asked->value(), "degC") + ", and '" + row.instrument +
                      "' err by up to " + in_brief(row.uncertainty, "K") + ": the channel may trip";
      }
    }
    rows_.push_back(std::move(row));
  }

  void add_sensor_limit(const SensorLimitKey& key) {
    const std::optional<double>& limit = limits_.sensors.*key.limit;
    const std::optional<LoggerInput> sensor = sensor_input(program_, context_, key.measurand);
    if (!limit || !sensor) return;
    AccuracyRow row{.use = AccuracyUse::sensor_limit,
                    .instrument = "sensor of " + std::string{name_with_unit(key.measurand)},
                    .subject = std::string{key.key},
                    .unit = std::string{to_string(unit_of_name(key.key))},
                    .value = *limit,
                    .uncertainty = sensor->accuracy.bound_at(*limit),
                    .is_unverified = sensor->accuracy.is_unverified};
    if (key.measurand == Measurand::logger_voltage) {  // check_sensors() refuses what is too tight
      const double top = limits_.voltage_max.value();
      row.instrument = cycler_.model + " and " + row.instrument;
      row.uncertainty = sensor->accuracy.bound_at(top) + cycler_.voltage_accuracy.bound_at(top);
      row.compared_with = *limit;
      row.compared_to = "the value";
    } else {
      judge_by_value(row, "so it may trip early or late");
      row.place = place_of_sensor_limit(program_, context_, key);
    }
    rows_.push_back(std::move(row));
  }

  const Program& program_;
  const SafetyLimits& limits_;
  const CheckContext& context_;
  const CyclerCapabilities& cycler_;
  const AskedTemperatures& asked_;
  std::optional<Thermometer> thermometer_;
  bool is_of_step_ = false;
  std::vector<AccuracyRow> rows_;
};

/// " (and on lines 47 and 61)"
std::string further_lines(const AccuracyRow& row) {
  constexpr std::size_t shown_max = 4;
  std::vector<int> lines;
  for (const AccuracyStep& step : row.steps) {
    const bool is_new = std::find(lines.begin(), lines.end(), step.source.line) == lines.end();
    if (is_new && step.source.line != row.steps.front().source.line) lines.push_back(step.source.line);
  }
  if (lines.empty()) return {};
  std::string text;
  for (std::size_t i = 0; i < std::min(lines.size(), shown_max); ++i) text += (i == 0 ? "" : ", ") + std::to_string(lines[i]);
  if (lines.size() > shown_max) text += " and " + std::to_string(lines.size() - shown_max) + " more";
  return std::string{" (as on line"} + (lines.size() > 1 ? "s " : " ") + text + ")";
}

bool names_its_step(AccuracyUse use) { return use == AccuracyUse::set_current || use == AccuracyUse::resistance; }

}  // namespace

std::string in_brief(double value, std::string_view unit) { return with_unit(round_to_digits(value, 3), unit); }

std::string percent_of(double share) { return in_brief(share * 100.0, "%"); }

void judge_by_value(AccuracyRow& row, const std::string& consequence) {
  row.compared_with = std::abs(*row.value);
  row.compared_to = "the value";
  const double share = *row.share();
  if (share > accuracy_doubtful_share) row.severity = share > 1.0 ? Severity::error : Severity::warning;
  if (!row.severity) return;
  row.message = row.subject + (share > 1.0 ? " cannot be told: '" : " is blurred: '") + row.instrument + "' knows it to " +
                in_brief(row.uncertainty, row.unit) + (std::isfinite(share) ? " (" + percent_of(share) + ")" : "") + ", " +
                consequence;
}

std::optional<Thermometer> thermometer_of(const CheckContext& context) {
  const std::optional<LoggerInput>& input = context.sensors[static_cast<std::size_t>(Measurand::cell_temperature)];
  const bool has_logger = context.logger && context.logger->temperature_channels > 0;
  if (!input && !has_logger) return std::nullopt;
  return Thermometer{context.logger ? context.logger->model : "thermometer",
                     input ? input->accuracy : context.logger->temperature_accuracy};
}

std::vector<AccuracyRow> accuracy_rows_of_run(const Program& program, const CheckContext& context,
                                              const AskedTemperatures& asked) {
  return RunLimitCollector{program, program.limits, context, asked}.rows();
}

std::vector<AccuracyRow> accuracy_rows_of_step(const Program& program, const CheckContext& context, const SafetyLimits& limits,
                                               std::optional<Celsius> air) {
  return RunLimitCollector{program, limits, context, AskedTemperatures{air, air, air}}.rows_that_differ();
}

void check_accuracy(const Program& program, const CheckContext& context, FindingSink& sink) {
  for (const AccuracyRow& row : accuracy_rows(program, context)) {
    if (!row.severity) continue;
    const SourceSpot spot = row.steps.empty() ? SourceSpot{} : row.steps.front().source;
    const bool is_inner = spot.file > 0 && static_cast<std::size_t>(spot.file) <= program.files.size();
    const std::string& file = is_inner ? program.files[static_cast<std::size_t>(spot.file) - 1] : context.file;
    const SourcePlace place = row.place.value_or(SourcePlace{file, spot.line, spot.column});
    const std::string name = names_its_step(row.use) ? row.steps.front().name + ": " : "";
    sink.add(*row.severity, place, name + row.message + further_lines(row));
  }
}

}  // namespace cellrig
