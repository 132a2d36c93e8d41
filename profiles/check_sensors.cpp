// Limits on what sensors measure: is there a sensor, does it reach that far, and do the limits of cell, bench and profile nest?
#include <string>

#include "profiles/check_rules.hpp"
#include "profiles/number.hpp"
#include "profiles/sensor_limits.hpp"

namespace cellrig {
namespace {

constexpr double mm2_per_cm2 = 100.0;

struct GivenLimit {
  const SensorLimitKey& key;
  double value = 0.0;
  SourcePlace place;
};

class SensorLimitChecker {
 public:
  SensorLimitChecker(const Program& program, const CheckContext& context, FindingSink& sink)
      : program_{program}, context_{context}, sink_{sink} {}

  void check() {
    for (const SensorLimitSource& source : program_.sensor_limit_sources) {
      const SensorLimitKey& key = *find_sensor_limit(source.key);
      const GivenLimit limit{key, *(program_.limits.sensors.*key.limit), source.place};
      check_sensor(limit);
      if (source.is_by_profile) check_against_bench(limit);
    }
    check_steps();
    for (const SensorLimitKey& key : sensor_limit_table()) {
      const std::optional<double>& value = context_.bench_limits.sensors.*key.limit;
      const auto place = context_.bench_limit_places.find(std::string{key.key});
      if (value && place != context_.bench_limit_places.end()) check_sensor({key, *value, place->second});
    }
    check_window();
    check_difference();
  }

 private:
  /// Limits of a step are those of its program but for what it tightens.
  void check_steps() {
    for (const Instruction& instruction : program_.code) {
      const Step* const step = std::get_if<Step>(&instruction);
      if (step == nullptr || !step->limits) continue;
      const SourcePlace place = sink_.place_of(step->source);
      for (const SensorLimitKey& key : sensor_limit_table()) {
        const std::optional<double>& value = step->limits->sensors.*key.limit;
        if (!value || value == program_.limits.sensors.*key.limit) continue;
        check_sensor({key, *value, place});
        check_against_bench({key, *value, place});
      }
      const SensorLimits all = tighter(step->limits->sensors, context_.bench_limits.sensors);
      if (leaves_no_window(all)) sink_.error(place, "the limits of this step leave no window for the stack pressure");
    }
  }

  static bool leaves_no_window(const SensorLimits& all) {
    return all.stack_pressure_min_MPa && all.stack_pressure_max_MPa &&
           !(*all.stack_pressure_min_MPa < *all.stack_pressure_max_MPa);
  }

  void check_sensor(const GivenLimit& limit) {
    const std::optional<LoggerInput> sensor = sensor_input(program_, context_, limit.key.measurand);
    const std::string name = "'" + std::string{limit.key.key} + "'";
    if (!sensor) {
      const bool lacks_area = limit.key.measurand == Measurand::stack_pressure &&
                              context_.sensors[static_cast<std::size_t>(Measurand::stack_force)].has_value();
      return sink_.error(limit.place,
                         name + (lacks_area ? " needs the pressed area: 'area_cm2' in the bench file, or length and width "
                                              "in the cell's file"
                                            : " cannot be kept: no sensor of this channel delivers " +
                                                  std::string{name_with_unit(limit.key.measurand)}));
    }
    const bool is_difference = limit.key.measurand == Measurand::logger_voltage;
    if (!is_difference && !(limit.value >= sensor->min && limit.value <= sensor->max))
      sink_.error(limit.place, name + " = " + format_short(limit.value) + " lies outside the range of its sensor, " +
                                   format_short(sensor->min) + " to " + format_short(sensor->max));
  }

  void check_against_bench(const GivenLimit& limit) {
    const std::optional<double>& bench = context_.bench_limits.sensors.*limit.key.limit;
    if (!bench || (limit.key.is_upper ? limit.value <= *bench : limit.value >= *bench)) return;
    const auto place = context_.bench_limit_places.find(std::string{limit.key.key});
    sink_.error(limit.place, "'" + std::string{limit.key.key} + "' = " + format_short(limit.value) +
                                 " widens the bench's limit of " + format_short(*bench) +
                                 (place == context_.bench_limit_places.end() ? "" : " (" + to_string(place->second) + ")") +
                                 ": a profile may only tighten it");
  }

  void check_window() {
    if (!leaves_no_window(tighter(program_.limits.sensors, context_.bench_limits.sensors))) return;
    sink_.error(place_of_sensor_limit(program_, context_, *find_sensor_limit("stack_pressure_max_MPa")),
                "the limits of cell, bench and profile leave no window for the stack pressure");
  }

  /// Two healthy voltmeters may be apart by both their errors.
  void check_difference() {
    const std::optional<double> limit = tighter(program_.limits.sensors, context_.bench_limits.sensors).voltage_difference_max_V;
    const std::optional<LoggerInput> sensor = sensor_input(program_, context_, Measurand::logger_voltage);
    if (!limit || !sensor || !context_.cycler) return;
    const double top = program_.limits.voltage_max.value();
    const double apart = sensor->accuracy.bound_at(top) + context_.cycler->voltage_accuracy.bound_at(top);
    if (*limit > apart) return;
    sink_.error(place_of_sensor_limit(program_, context_, *find_sensor_limit("voltage_difference_max_V")),
                "'voltage_difference_max_V' = " + format_short(*limit) +
                    " is less than the errors of the cycler and of "
                    "the second voltmeter together, " +
                    format_short(apart) + " V");
  }

  const Program& program_;
  const CheckContext& context_;
  FindingSink& sink_;
};

}  // namespace

std::optional<LoggerInput> sensor_input(const Program& program, const CheckContext& context, Measurand measurand) {
  if (measurand != Measurand::stack_pressure) return context.sensors[static_cast<std::size_t>(measurand)];
  std::optional<LoggerInput> force = context.sensors[static_cast<std::size_t>(Measurand::stack_force)];
  const std::optional<double> area_cm2 = context.stack_area_cm2 ? context.stack_area_cm2 : program.pressed_area_cm2;
  if (!force || !area_cm2) return std::nullopt;
  const double mm2 = *area_cm2 * mm2_per_cm2;
  force->min /= mm2;
  force->max /= mm2;
  force->accuracy.offset /= mm2;
  return force;
}

SourcePlace place_of_sensor_limit(const Program& program, const CheckContext& context, const SensorLimitKey& key) {
  const std::optional<double>& ours = program.limits.sensors.*key.limit;
  const std::optional<double>& bench = context.bench_limits.sensors.*key.limit;
  const auto in_bench = context.bench_limit_places.find(std::string{key.key});
  const bool is_bench = bench && (!ours || (key.is_upper ? *bench <= *ours : *bench >= *ours));
  if (is_bench && in_bench != context.bench_limit_places.end()) return in_bench->second;
  for (const SensorLimitSource& source : program.sensor_limit_sources) {
    if (source.key == key.key) return source.place;
  }
  return SourcePlace{context.file, 0, 0};
}

void check_sensors(const Program& program, const CheckContext& context, FindingSink& sink) {
  if (!context.cycler) return;  // no bench is known
  SensorLimitChecker{program, context, sink}.check();
  if (context.relay_without_watchdog.empty()) return;
  sink.warning(SourceSpot{}, "the contactor is the only second path to OFF, and '" + context.relay_without_watchdog +
                                 "' has no watchdog: it stays closed when this program or its line dies");
}

}  // namespace cellrig
