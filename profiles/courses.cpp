#include "profiles/courses.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "profiles/number.hpp"

namespace cellrig {
namespace {

constexpr double passes_max = 1e6;
constexpr Duration update_default = std::chrono::seconds{1};
constexpr Duration update_min = std::chrono::milliseconds{100};
/// Below this share of the nominal capacity per hour a current is none, and the output is off.
constexpr double least_rate_C = 1e-4;

class CourseMaker {
 public:
  CourseMaker(const StepSpec& spec, const StepScope& scope) : spec_{spec}, scope_{scope} {
    const Cell& cell = scope.cell;
    course_.charge_max = cell.current_at(cell.charge_rate_max_C);
    course_.discharge_max = cell.current_at(cell.discharge_rate_max_C);
    course_.least = least_rate_C * cell.nominal_capacity.value();
    if (scope.rates_are_measured) course_.of_measured = CourseOfMeasured{course_.charge_max, course_.discharge_max, {}};
    set_voltages();
    if (const Field* most = spec.first_of({"rate_max_C", "current_max_A"})) set_current_max(*most);
  }

  Course make(Duration length) {
    if (spec_.table) {
      drive(*spec_.table);
    } else if (!spec_.pulses.empty()) {
      pulse_train();
    } else {
      ramp(length);
    }
    const bool has_rate =
        std::any_of(course_.points.begin(), course_.points.end(), [](const CoursePoint& p) { return p.is_rate; });
    if (course_.of_measured && !has_rate && !course_.of_measured->bound) course_.of_measured.reset();
    return std::move(course_);
  }

 private:
  void set_voltages() {
    const VoltageBounds bounds = bounds_of_course(spec_, scope_);
    course_.voltage_min = bounds.min;
    course_.voltage_max = bounds.max;
  }

  void set_current_max(const Field& field) {
    const double given = value_of(field, scope_.names);
    if (!(given > 0.0)) throw ConfigError{field.value.place, "'" + field.key + "' must be above zero"};
    const bool is_rate = unit_of_name(field.key) == Unit::c_rate;
    const Amps most{is_rate ? given * scope_.rate_capacity.value() : given};
    if (course_.of_measured && is_rate) {
      course_.of_measured->bound = most;
    } else if (course_.of_measured) {
      course_.of_measured->charge_max = std::min(course_.of_measured->charge_max, most);
      course_.of_measured->discharge_max = std::min(course_.of_measured->discharge_max, most);
    }
    course_.charge_max = std::min(course_.charge_max, most);
    course_.discharge_max = std::min(course_.discharge_max, most);
  }

  /// A signed current, within what the cell allows. A hair of tolerance: a rounding must not refuse it.
  double allowed(double amps, const SourcePlace& place, const std::string& what) const {
    const bool charges = amps > 0.0;
    const std::string key = charges ? "charge_rate_max_C" : "discharge_rate_max_C";
    const double most = (charges ? course_.charge_max : course_.discharge_max).value();
    if (std::abs(amps) <= most * (1.0 + 1e-9))
      return std::clamp(amps, -course_.discharge_max.value(), course_.charge_max.value());
    throw ConfigError{place, what + " of " + with_unit(std::abs(amps), "A") + " is beyond " + with_unit(most, "A") +
                                 ", the least of the step's own bound and the cell's " + key + " (" +
                                 to_string(scope_.cell.place_of(key)) + ")"};
  }

  double current_of(const Field& field) const {
    const double given = value_of(field, scope_.names);
    if (!(given >= 0.0))
      throw ConfigError{field.value.place, "'" + field.key + "' is a magnitude: charge and discharge are told apart by words"};
    return unit_of_name(field.key) == Unit::c_rate ? given * scope_.rate_capacity.value() : given;
  }

  /// In proportion to a capacity that is measured in the run.
  bool is_rate(const Field& field) const { return course_.of_measured && unit_of_name(field.key) == Unit::c_rate; }

  void ramp(Duration length) {
    course_.kind = Course::Kind::ramp;
    course_.is_linear = true;
    course_.update = update_default;
    if (const Field* update = spec_.find("update_s")) {
      course_.update = from_seconds(std::clamp(value_of(*update, scope_.names), -1.0, 3600.0));
      if (course_.update < update_min)
        throw ConfigError{update->value.place, "'update_s' must be at least " + format_short(to_seconds(update_min))};
    }
    course_.period = length;
    double from = 0.0, to = 0.0;
    bool from_is_rate = false, to_is_rate = false;
    if (spec_.word == "voltage_ramp") {
      course_.quantity = Course::Quantity::voltage;
      from = value_of(*spec_.find("from_voltage_V"), scope_.names);
      to = value_of(*spec_.find("to_voltage_V"), scope_.names);
    } else {
      const double sign = spec_.direction == StepDirection::charge ? 1.0 : -1.0;
      const Field &first = *spec_.first_of({"from_rate_C", "from_current_A"}),
                  &last = *spec_.first_of({"to_rate_C", "to_current_A"});
      from = allowed(sign * current_of(first), first.value.place, "'" + first.key + "'");
      to = allowed(sign * current_of(last), last.value.place, "'" + last.key + "'");
      from_is_rate = is_rate(first);
      to_is_rate = is_rate(last);
    }
    course_.points = {{Duration::zero(), from, from_is_rate}, {length, to, to_is_rate}};
  }

  void pulse_train() {
    course_.kind = Course::Kind::pulses;
    for (const PulseSpec& pulse : spec_.pulses) {
      double value = 0.0;
      bool by_rate = false;
      Duration length{};
      for (const Field& field : pulse.fields) {
        if (field.key.starts_with("for_")) {
          const double seconds = value_of(field, scope_.names) * seconds_per(unit_of_name(field.key));
          if (!(seconds >= to_seconds(update_min) && seconds <= 7.0 * 86400.0))
            throw ConfigError{field.value.place, "a pulse lasts from 0.1 s to seven days, found " + format_short(seconds) + " s"};
          length = from_seconds(seconds);
        } else {
          const double sign = field.key.starts_with("charge_") ? 1.0 : -1.0;
          value = allowed(sign * current_of(field), field.value.place, "'" + field.key + "'");
          by_rate = is_rate(field);
        }
      }
      course_.points.push_back({course_.period, value, by_rate});
      course_.period += length;
    }
  }

  void drive(const DriveTable& table) {
    course_.kind = Course::Kind::drive;
    course_.quantity = table.column == "power_W" ? Course::Quantity::power : Course::Quantity::current;
    double scale = 1.0;
    if (const Field* given = spec_.find("scale")) {
      scale = value_of(*given, scope_.names);
      if (!(scale > 0.0)) throw ConfigError{given->value.place, "'scale' must be above zero, found " + format_short(scale)};
    }
    const double factor = table.column == "rate_C" ? scale * scope_.rate_capacity.value() : scale;
    for (std::size_t i = 0; i < table.points.size(); ++i) {
      const double value = table.points[i].value * factor;
      const SourcePlace place{table.file, table.lines[i], 0};
      course_.points.push_back(
          {table.points[i].at,
           course_.quantity == Course::Quantity::current ? allowed(value, place, "a current") : allowed_power(value, place),
           table.column == "rate_C" && course_.of_measured.has_value()});
    }
    course_.period = table.period;
  }

  /// At the lowest voltage it takes the most current; there the instrument bounds it. More than the cell's power at its highest is a slip.
  double allowed_power(double watts, const SourcePlace& place) const {
    const double most = (watts > 0.0 ? course_.charge_max : course_.discharge_max).value() * course_.voltage_max.value();
    if (std::abs(watts) <= most * (1.0 + 1e-9)) return watts;
    throw ConfigError{place, "a power of " + with_unit(std::abs(watts), "W") +
                                 " is beyond what the cell's greatest current gives at " +
                                 with_unit(course_.voltage_max.value(), "V") + ", " + with_unit(most, "W")};
  }

  const StepSpec& spec_;
  const StepScope& scope_;
  Course course_;
};

double extreme_value(const Course& course, bool upward) {
  double extreme = course.points.front().value;
  for (const CoursePoint& point : course.points)
    extreme = upward ? std::max(extreme, point.value) : std::min(extreme, point.value);
  return extreme;
}

}  // namespace

Course make_course(const StepSpec& spec, const StepScope& scope, Duration length) {
  return CourseMaker{spec, scope}.make(length);
}

std::uint64_t course_passes(const StepSpec& spec, const StepScope& scope) {
  const Field* field = spec.find("times");
  if (field == nullptr) return 1;
  const double times = value_of(*field, scope.names);
  if (!(times >= 1.0 && times <= passes_max) || times != std::floor(times))
    throw ConfigError{field->value.place,
                      "'times' must be a whole number from 1 to " + format_short(passes_max) + ", found " + format_short(times)};
  return static_cast<std::uint64_t>(times);
}

std::optional<Setpoint> hardest_charge(const Course& course) {
  if (course.quantity == Course::Quantity::voltage)
    return ConstantVoltage{Volts{extreme_value(course, true)}, Amps{}, course.charge_max};
  const double most = extreme_value(course, true);
  return most > 0.0 ? course.setpoint_of(most) : std::nullopt;
}

std::optional<Setpoint> hardest_discharge(const Course& course) {
  if (course.quantity == Course::Quantity::voltage)
    return ConstantVoltage{Volts{extreme_value(course, false)}, -course.discharge_max, Amps{}};
  const double most = extreme_value(course, false);
  return most < 0.0 ? course.setpoint_of(most) : std::nullopt;
}

double net_charge_Ah(const Course& course) {
  if (course.quantity != Course::Quantity::current) return 0.0;
  double coulombs = 0.0;
  for (std::size_t i = 0; i < course.points.size(); ++i) {
    const bool is_last = i + 1 == course.points.size();
    const Duration until = is_last ? course.period : course.points[i + 1].at;
    const double next = course.is_linear && !is_last ? course.points[i + 1].value : course.points[i].value;
    coulombs += 0.5 * (course.points[i].value + next) * to_seconds(until - course.points[i].at);
  }
  return coulombs / 3600.0;
}

}  // namespace cellrig
