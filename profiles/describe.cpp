#include "profiles/describe.hpp"

#include <cmath>

#include "controller/base/overloaded.hpp"
#include "profiles/estimate.hpp"
#include "profiles/number.hpp"
#include "profiles/text_table.hpp"

namespace cellrig {
namespace {

template <class Tag>
std::string in_short(Quantity<Tag> quantity) {
  return format_short(quantity.value());
}

std::string voltage_range(Volts min, Volts max) { return in_short(min) + " to " + in_short(max) + " V"; }

std::string notes_of(const Step& step) {
  std::string notes;
  const auto add = [&notes](const std::string& note) { notes += (notes.empty() ? "" : ", ") + note; };
  if (step.chamber_temperature) add("chamber " + in_short(*step.chamber_temperature) + " degC");
  switch (step.measure) {
    case Measure::nothing: break;
    case Measure::reference: add("measures reference"); break;
    case Measure::test: add("measures test"); break;
    case Measure::charge_time: add("measures charge time"); break;
    case Measure::resistance: add("measures resistance"); break;
  }
  if (step.limits) add("tighter limits");
  if (step.on_interruption != InterruptionRule::ask) add("interrupted: " + std::string{to_string(step.on_interruption)});
  if (step.sets_soc_pct) add("then SoC " + format_short(*step.sets_soc_pct) + " %");
  return notes;
}

std::string course_of(const Course& course, Duration length) {
  const auto by_value = [](const CoursePoint& a, const CoursePoint& b) { return a.value < b.value; };
  const auto [least, most] = std::minmax_element(course.points.begin(), course.points.end(), by_value);
  constexpr std::array<std::string_view, 3> units{"A", "W", "V"};
  const std::string unit{units[static_cast<std::size_t>(course.quantity)]};
  std::string text;
  if (course.kind == Course::Kind::ramp) {
    text = format_short(course.points.front().value) + " to " + format_short(course.points.back().value) + " " + unit;
  } else {
    text = format_short(least->value) + " to " + format_short(most->value) + " " + unit + " in " +
           std::to_string(course.points.size()) + (course.points.size() == 1 ? " part" : " parts");
    if (const auto passes = length / course.period; passes > 1) text += " x " + std::to_string(passes);
  }
  return text + ", " + voltage_range(course.voltage_min, course.voltage_max);
}

std::string setpoint_of(const Step& step) {
  if (!step.setpoint) return "output off";
  if (step.course) return (step.course_scale ? "about " : "") + course_of(*step.course, step.time_max);
  return (step.magnitude || step.current_bound ? "about " : "") + describe(*step.setpoint);
}

ProgramRow row_of(const Step& step) {
  ProgramRow row;
  row.source_line = step.source.line;
  row.name = step.name;
  row.setpoint = step.person ? "a person: " + step.person->message : setpoint_of(step);
  for (const EndCondition& end : step.ends) row.ends += (row.ends.empty() ? "" : " | ") + end.text;
  row.bound = (step.time_max_is_normal ? "for " : "at most ") + describe(step.time_max);
  row.notes = notes_of(step);
  return row;
}

ProgramRow row_of(const LoopBegin& loop) {
  ProgramRow row;
  row.name = (loop.counts_cycles ? "cycles x " : "repeat x ") + std::to_string(loop.times);
  if (loop.is_reference) row.notes = "reference";
  return row;
}

ProgramRow row_of(const ResultCondition& condition, const std::string& word) {
  ProgramRow row;
  row.source_line = condition.source.line;
  row.name = word;
  row.ends = condition.text;
  return row;
}

ProgramRow row_of(const Diagnostics& diagnostics) {
  ProgramRow row;
  row.source_line = diagnostics.source.line;
  row.name = "diagnostics";
  const auto add = [&row](const std::string& when) { row.ends += (row.ends.empty() ? "" : " | ") + when; };
  if (diagnostics.every_cycles > 0) add("every " + std::to_string(diagnostics.every_cycles) + " cycles");
  if (diagnostics.fade_pct > 0) add("each " + format_short(diagnostics.fade_pct) + " % of fade");
  if (diagnostics.after_alarm) add("after an alarm");
  row.notes = "the lines below, when due";
  return row;
}

std::string table_of(const std::vector<ProgramRow>& rows) {
  std::vector<std::vector<std::string>> lines{{"step", "set-point", "ends when", "bound", "expected", "notes"}};
  for (const ProgramRow& row : rows) {
    const std::string expected = row.expected > Duration::zero() ? "~" + describe(row.expected) : "";
    lines.push_back({std::string(2 * row.depth, ' ') + row.name, row.setpoint, row.ends, row.bound, expected, row.notes});
  }
  return text_table(lines);
}

/// "charge 1.575 A at 0 degC, 3.675 A at 10 degC"
std::string table_of_currents(const std::string& name, const CurrentByTemperature& table) {
  std::string text;
  for (const CurrentByTemperature::Point& point : table.points())
    text += (text.empty() ? name : ",") + " " + in_short(point.current) + " A at " + in_short(point.temperature) + " degC";
  return text;
}

/// Nothing for a cell that takes the same current at every temperature.
std::string temperature_limits_of(const SafetyLimits& limits) {
  const std::string charge = table_of_currents("charge", limits.charge_current_by_temperature);
  const std::string discharge = table_of_currents("discharge", limits.discharge_current_by_temperature);
  if (charge.empty() && discharge.empty()) return {};
  return "limits by temperature: " + charge + (charge.empty() || discharge.empty() ? "" : "; ") + discharge + "\n";
}

std::string sensor_limits_of(const SensorLimits& limits) {
  std::string text;
  const auto add = [&text](const char* what, const std::optional<double>& limit, const char* unit) {
    if (limit) text += std::string{", "} + what + " " + format_short(*limit) + " " + unit;
  };
  add("stack pressure at least", limits.stack_pressure_min_MPa, "MPa");
  add("stack pressure at most", limits.stack_pressure_max_MPa, "MPa");
  add("gas at most", limits.gas_max_ppm, "ppm");
  add("voltmeters apart at most", limits.voltage_difference_max_V, "V");
  add("stack pressure beyond for", limits.stack_pressure_for_s, "s");
  add("gas beyond for", limits.gas_for_s, "s");
  return text;
}

std::string limits_of(const SafetyLimits& limits) {
  return "voltage " + voltage_range(limits.voltage_min, limits.voltage_max) + ", charge " + in_short(limits.charge_current_max) +
         " A, discharge " + in_short(limits.discharge_current_max) + " A, cell " + in_short(limits.cell_temperature_min) +
         " to " + in_short(limits.cell_temperature_max) + " degC, charging from " + in_short(limits.charge_temperature_min) +
         " degC, net charge " + in_short(limits.charge_capacity_max) + " Ah" + sensor_limits_of(limits.sensors);
}

/// Nothing for a profile that says nothing of it.
std::string expectation_line(const Expectation& e) {
  if (e == Expectation{}) return {};
  return "expected: within " + format_short(e.voltage_V) + " V, " + format_short(e.temperature_K) + " K and " +
         format_short(e.capacity_pct) + " % of the rehearsal; " + (e.stops ? "stops" : "warns") + " after " + describe(e.hold) +
         " outside\n";
}

}  // namespace

std::string describe(const Setpoint& setpoint) {
  return std::visit(
      overloaded{
          [](const ConstantCurrent& s) { return in_short(s.current) + " A, " + voltage_range(s.voltage_min, s.voltage_max); },
          [](const ConstantVoltage& s) {
            return in_short(s.voltage) + " V, " + in_short(s.current_min) + " to " + in_short(s.current_max) + " A";
          },
          [](const ConstantPower& s) {
            return in_short(s.power) + " W, " + voltage_range(s.voltage_min, s.voltage_max) + ", up to " +
                   in_short(s.current_limit) + " A";
          },
          [](const ConstantResistance& s) {
            return in_short(s.resistance) + " Ohm, " + voltage_range(s.voltage_min, s.voltage_max) + ", up to " +
                   in_short(s.current_limit) + " A";
          },
      },
      setpoint);
}

std::string describe(Duration duration) {
  const double seconds = to_seconds(duration);
  const auto rounded = [](double value) { return format_short(std::round(value * 10.0) / 10.0); };
  if (seconds < 120.0) return rounded(seconds) + " s";
  if (seconds < 7200.0) return rounded(seconds / 60.0) + " min";
  if (seconds < 2.0 * 86400.0) return rounded(seconds / 3600.0) + " h";
  return rounded(seconds / 86400.0) + " days";
}

std::vector<ProgramRow> rows_of(const Program& program) {
  const DurationEstimate estimated = estimate(program);
  std::vector<ProgramRow> rows;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < program.code.size(); ++i) {
    ProgramRow row;
    bool is_shown = true;
    std::size_t row_depth = depth;
    std::visit(overloaded{
                   [&](const Step& step) { row = row_of(step); },
                   [&](const LoopBegin& loop) {
                     row = row_of(loop);
                     ++depth;
                   },
                   [&](const LoopEnd&) {
                     is_shown = false;
                     --depth;
                   },
                   [&](const StopIf& stop) { row = row_of(stop.condition, "stop_if"); },
                   [&](const Require& require) { row = row_of(require.condition, "require"); },
                   [&](const LeaveIf& leave) { row = row_of(leave.condition, "leave_if"); },
                   [&](const SetVariable& set) {
                     row.name = "set " + program.variables[set.variable].name;
                     row.setpoint = "= " + program.formulas[set.formula].text;
                     row.source_line = set.source.line;
                   },
                   [&](const Mark& mark) { row.name = "mark: " + mark.text; },
                   [&](const AdvanceCycle&) { row.name = "advance_cycle"; },
                   [&](const DiagnosticsEnd&) { is_shown = false; },
                   [&](const Diagnostics& diagnostics) { row = row_of(diagnostics); },
               },
               program.code[i]);
    if (!is_shown) continue;
    row.instruction = i;
    row.depth = row_depth;
    row.expected = estimated.per_instruction[i];
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string describe(const Program& program) {
  const DurationEstimate estimated = estimate(program);
  std::string text = program.name + "\ncell: " + program.cell_name + "\nhash: " + program.hash +
                     "\nlimits: " + limits_of(program.limits) + "\n" + temperature_limits_of(program.limits) +
                     expectation_line(program.expectation);
  std::size_t start = 0;
  while (start < program.parameters_text.size()) {
    const std::size_t end = program.parameters_text.find('\n', start);
    text += "parameter " + program.parameters_text.substr(start, end - start) + "\n";
    start = end == std::string::npos ? program.parameters_text.size() : end + 1;
  }
  text += "\n" + table_of(rows_of(program));
  text +=
      "\nexpected duration about " + describe(estimated.expected) + ", never longer than " + describe(estimated.longest) + "\n";
  return text;
}

}  // namespace cellrig
