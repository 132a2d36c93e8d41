#include "profiles/exchange/protocol_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "controller/base/config_error.hpp"
#include "controller/base/overloaded.hpp"
#include "profiles/cell.hpp"
#include "profiles/compile.hpp"
#include "profiles/describe.hpp"
#include "profiles/parameters_text.hpp"
#include "profiles/reader.hpp"

namespace cellrig {
namespace {

namespace json = boost::json;

/// A course of more points is told by its bounds: a drive cycle of thousands belongs into the profile.
constexpr std::size_t course_steps_max = 60;
constexpr double mA_per_A = 1000.0;

json::object quantity_of(double value, const char* unit) { return {{"value", value}, {"unit", unit}}; }
json::object window_quantity(double least, double most, const char* unit) {
  return {{"min_value", least}, {"max_value", most}, {"unit", unit}};
}
json::object seconds_of(Duration duration) { return quantity_of(to_seconds(duration), "s"); }

const char* direction_word(StepDirection direction) {
  switch (direction) {
    case StepDirection::none: return "none";
    case StepDirection::charge: return "charge";
    case StepDirection::discharge: return "discharge";
  }
  return "none";
}

const char* mode_of(StepKind kind) {
  switch (kind) {
    case StepKind::rest:
    case StepKind::soak:
    case StepKind::person: return "rest";
    case StepKind::cc: return "cc";
    case StepKind::cv: return "cv";
    case StepKind::cccv: return "cccv";
    case StepKind::cp: return "cp";
    case StepKind::cr: return "cr";
    case StepKind::course: return "group";
  }
  return "rest";
}

/// Nothing: a termination has no word for it.
std::optional<json::object> termination_of(const ConditionNode& leaf) {
  if (leaf.kind != ConditionNode::Kind::leaf || leaf.formula >= 0) return std::nullopt;
  const bool is_up = leaf.comparison == Comparison::at_least || leaf.comparison == Comparison::above;
  const auto say = [&](const char* quantity, const char* unit, const char* direction) {
    return json::object{{"quantity", quantity}, {"value", leaf.value}, {"unit", unit}, {"direction", direction}};
  };
  switch (leaf.quantity) {
    case ConditionQuantity::voltage_V: return say("voltage", "V", is_up ? "above" : "below");
    case ConditionQuantity::current_A: return say("current", "A", is_up ? "above" : "below");
    case ConditionQuantity::capacity_Ah: return is_up ? std::optional{say("capacity", "Ah", "above")} : std::nullopt;
    case ConditionQuantity::step_time_s: return is_up ? std::optional{say("duration", "s", "elapsed")} : std::nullopt;
    default: return std::nullopt;
  }
}

class ProtocolWriter {
 public:
  explicit ProtocolWriter(const Program& program) : program_{program} {}

  json::object write() {
    std::size_t at = 0;
    json::array method = steps_of(at, program_.code.size());
    json::object record{{"method", std::move(method)}, {"safety", safety()}};
    if (record_s_ > 0) record["record"] = json::object{{"time_s", record_s_}};
    if (!notes_.empty()) record["notes"] = std::move(notes_);
    return record;
  }

 private:
  /// [at, end) of the code; a loop is one step with steps of its own.
  json::array steps_of(std::size_t& at, std::size_t end) {
    json::array steps;
    while (at < end) {
      const std::size_t here = at++;
      std::visit(
          overloaded{
              [&](const Step& step) { steps.push_back(step_of(step)); },
              [&](const LoopBegin& loop) { steps.push_back(group_of(loop, at)); },
              [&](const LoopEnd&) {},
              [&](const StopIf& stop) { note("ends the run when " + stop.condition.text); },
              [&](const Require& require) { note("criterion: " + require.condition.text); },
              [&](const LeaveIf& leave) { note("leaves a loop when " + leave.condition.text); },
              [&](const SetVariable& set) {
                note(fmt::format("sets {} = {}", program_.variables[set.variable].name, program_.formulas[set.formula].text));
              },
              [&](const Mark&) {},
              [&](const AdvanceCycle&) { note("begins a new cycle between two steps"); },
              [&](const DiagnosticsEnd&) {},
              [&](const Diagnostics& diagnostics) { steps.push_back(group_of(diagnostics, at)); },
          },
          program_.code[here]);
    }
    return steps;
  }

  json::object group_of(const LoopBegin& loop, std::size_t& at) {
    json::object group{{"mode", "group"}, {"count", loop.times}};
    json::array tags;
    if (loop.counts_cycles) tags.emplace_back("cycle");
    if (loop.is_reference) tags.emplace_back("reference");
    if (!tags.empty()) group["tags"] = std::move(tags);
    group["steps"] = steps_of(at, loop.end);
    return group;
  }

  json::object group_of(const Diagnostics& diagnostics, std::size_t& at) {
    std::string when;
    const auto add = [&when](const std::string& text) { when += (when.empty() ? "" : ", or ") + text; };
    if (diagnostics.every_cycles > 0) add(fmt::format("every {} cycles", diagnostics.every_cycles));
    if (diagnostics.fade_pct > 0) add(fmt::format("after each {:g} % of fade", diagnostics.fade_pct));
    if (diagnostics.after_alarm) add("after an alarm");
    json::object group{{"mode", "group"}, {"tags", json::array{"diagnostics"}}, {"description", "only when due: " + when}};
    group["steps"] = steps_of(at, diagnostics.end);
    return group;
  }

  json::object step_of(const Step& step) {
    json::object out{{"mode", mode_of(step.kind)}};
    descriptions_.clear();
    out["direction"] = !step.setpoint ? "rest" : step.direction == StepDirection::none ? "hold" : direction_word(step.direction);
    out["tags"] = json::array{step.name};
    if (step.course) {
      add_course(step, out);
    } else if (step.setpoint) {
      out["setpoints"] = setpoints_of(step);
    }
    if (step.chamber_temperature) out["temperature"] = quantity_of(step.chamber_temperature->value(), "degC");
    json::array ends;
    for (const EndCondition& end : step.ends) add_end(end, ends);
    if (!ends.empty()) out["termination"] = std::move(ends);
    if (step.time_max_is_normal) {
      out["duration"] = seconds_of(step.time_max);
    } else {
      describe_also("the run fails when it lasts " + describe(step.time_max));
    }
    if (step.record_interval > Duration::zero()) {
      if (record_s_ <= 0) record_s_ = to_seconds(step.record_interval);
      out["period"] = json::object{{"time_s", to_seconds(step.record_interval)}};
    }
    if (step.person) describe_also("a person: " + step.person->message);
    if (step.limits) describe_also("under limits of its own, tighter than those of the run");
    if (!descriptions_.empty()) out["description"] = descriptions_;
    return out;
  }

  json::object setpoints_of(const Step& step) {
    json::object out;
    if (step.current_bound)
      describe_also("its current limit is " + program_.formulas[step.current_bound->formula].text + ", known when it begins");
    const auto magnitude = [&](const char* name, double value, const char* unit) {
      if (!step.magnitude) {
        out[name] = quantity_of(std::abs(value), unit);
        return;
      }
      out[name] = json::object{{"max_value", step.magnitude->max}, {"unit", unit}};
      describe_also(fmt::format("{} = {}, known when it begins", name, program_.formulas[step.magnitude->formula].text));
    };
    std::visit(overloaded{
                   [&](const ConstantCurrent& s) {
                     magnitude("current", s.current.value(), "A");
                     out["voltage_limit"] = window_quantity(s.voltage_min.value(), s.voltage_max.value(), "V");
                   },
                   [&](const ConstantVoltage& s) {
                     out["voltage"] = quantity_of(s.voltage.value(), "V");
                     magnitude("current", std::max(s.current_max.value(), -s.current_min.value()), "A");
                   },
                   [&](const ConstantPower& s) {
                     magnitude("power", s.power.value(), "W");
                     out["voltage_limit"] = window_quantity(s.voltage_min.value(), s.voltage_max.value(), "V");
                     out["current_limit"] = quantity_of(s.current_limit.value(), "A");
                   },
                   [&](const ConstantResistance& s) {
                     out["resistance"] = quantity_of(s.resistance.value(), "ohm");
                     out["voltage_limit"] = window_quantity(s.voltage_min.value(), s.voltage_max.value(), "V");
                     out["current_limit"] = quantity_of(s.current_limit.value(), "A");
                   },
               },
               *step.setpoint);
    return out;
  }

  /// Parts that hold a value are steps of a group; a ramp is a scan; what is long is told by its bounds.
  void add_course(const Step& step, json::object& out) {
    const Course& course = *step.course;
    if (step.course_scale) describe_also("rates of the measured capacity, here by the nominal one");
    constexpr std::array<const char*, 3> names{"current", "power", "voltage"}, units{"A", "W", "V"}, modes{"cc", "cp", "cv"};
    const auto kind = static_cast<std::size_t>(course.quantity);
    const auto by_value = [](const CoursePoint& a, const CoursePoint& b) { return a.value < b.value; };
    const auto [least, most] = std::minmax_element(course.points.begin(), course.points.end(), by_value);
    out["direction"] = "none";
    if (course.is_linear || course.points.size() > course_steps_max) {
      out["mode"] = "scan";
      out["setpoints"] =
          json::object{{names[kind], window_quantity(least->value, most->value, units[kind])},
                       {"voltage_limit", window_quantity(course.voltage_min.value(), course.voltage_max.value(), "V")}};
      describe_also(
          course.kind == Course::Kind::ramp
              ? fmt::format("from {:g} to {:g} {}", course.points.front().value, course.points.back().value, units[kind])
              : fmt::format("{} points of {} in {:g} s, positive charges: the profile has them", course.points.size(),
                            names[kind], to_seconds(course.period)));
      return;
    }
    json::array parts;
    for (std::size_t i = 0; i < course.points.size(); ++i) {
      const CoursePoint& point = course.points[i];
      const Duration until = i + 1 < course.points.size() ? course.points[i + 1].at : course.period;
      const bool is_off = !course.setpoint_of(point.value);
      json::object part{{"mode", is_off ? "rest" : modes[kind]}, {"duration", seconds_of(until - point.at)}};
      part["direction"] = is_off                                         ? "rest"
                          : course.quantity == Course::Quantity::voltage ? "hold"
                          : point.value > 0                              ? "charge"
                                                                         : "discharge";
      if (!is_off) part["setpoints"] = json::object{{names[kind], quantity_of(std::abs(point.value), units[kind])}};
      parts.push_back(std::move(part));
    }
    out["steps"] = std::move(parts);
    if (course.period > Duration::zero() && step.time_max_is_normal)
      out["count"] = std::max<std::int64_t>(1, (step.time_max + course.period / 2) / course.period);
  }

  /// Any of several ends ends a step, and any of an any_of does.
  void add_end(const EndCondition& end, json::array& out) {
    if (end.target != EndCondition::Target::next) {
      describe_also("not with the next step goes on: " + end.text);
      return;
    }
    add_node(end.root, end.text, out);
  }

  void add_node(std::size_t index, const std::string& text, json::array& out) {
    const ConditionNode& node = program_.nodes[index];
    if (node.kind == ConditionNode::Kind::any_of) {
      std::size_t child = node.first_child;
      for (std::size_t i = 0; i < node.child_count; ++i, child = program_.nodes[child].next_sibling) add_node(child, text, out);
      return;
    }
    std::optional<json::object> termination = termination_of(node);
    if (!termination) {
      describe_also("ends when " + text);
      return;
    }
    if (node.hold > Duration::zero()) describe_also("held without a break: " + text);
    out.push_back(std::move(*termination));
  }

  [[nodiscard]] json::object safety() const {
    const SafetyLimits& l = program_.limits;
    return {{"max_voltage_V", l.voltage_max.value()},
            {"min_voltage_V", l.voltage_min.value()},
            {"max_current_mA", mA_per_A * l.charge_current_max.value()},
            {"min_current_mA", -mA_per_A * l.discharge_current_max.value()},
            {"max_capacity_mAh", mA_per_A * l.charge_capacity_max.value()},
            {"max_temperature_degC", l.cell_temperature_max.value()},
            {"min_temperature_degC", l.cell_temperature_min.value()}};
  }

  void describe_also(const std::string& text) {
    if (descriptions_.find(text) != std::string::npos) return;
    descriptions_ += (descriptions_.empty() ? "" : "; ") + text;
  }
  void note(const std::string& text) {
    const json::value line(text);  // braces would make a list of it
    if (std::find(notes_.begin(), notes_.end(), line) == notes_.end()) notes_.push_back(line);
  }

  const Program& program_;
  json::array notes_;
  std::string descriptions_;
  double record_s_ = 0.0;
};

json::object steps_unknown(const std::string& why) { return {{"notes", json::array{"the steps are not told: " + why}}}; }

}  // namespace

json::object protocol_record(const Program& program) { return ProtocolWriter{program}.write(); }

json::object protocol_record(const RecordedProtocol& run) {
  if (run.is_imported || run.profile_text.empty()) return steps_unknown("the run was not made by a profile");
  try {
    const Program program = compile(read_profile(run.profile_text, run.profile_name), read_cell(run.cell_text, run.cell_name),
                                    parameters_of(run.parameters_text));
    if (program.hash == run.program_hash) return protocol_record(program);
    return steps_unknown("this version of cellrig makes another program of the profile than the one that ran");
  } catch (const ConfigError& error) {
    return steps_unknown(fmt::format("the recorded profile does not compile by itself ({})", error.what()));
  }
}

std::string protocol_record_text(const RecordedProtocol& run) { return json::serialize(protocol_record(run)); }

}  // namespace cellrig
