#include "profiles/canonical.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "controller/base/overloaded.hpp"
#include "profiles/expect.hpp"
#include "profiles/number.hpp"
#include "profiles/sensor_limits.hpp"

namespace cellrig {
namespace {

std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result + "\"";
}

template <class Tag>
std::string number(Quantity<Tag> quantity) {
  return format_number(quantity.value());
}
std::string number(Duration duration) { return std::to_string(duration.count()) + "ns"; }

std::string setpoint_text(const Setpoint& setpoint) {
  return std::visit(overloaded{
                        [](const ConstantCurrent& s) {
                          return "cc " + number(s.current) + " " + number(s.voltage_min) + " " + number(s.voltage_max);
                        },
                        [](const ConstantVoltage& s) {
                          return "cv " + number(s.voltage) + " " + number(s.current_min) + " " + number(s.current_max);
                        },
                        [](const ConstantPower& s) {
                          return "cp " + number(s.power) + " " + number(s.voltage_min) + " " + number(s.voltage_max) + " " +
                                 number(s.current_limit);
                        },
                        [](const ConstantResistance& s) {
                          return "cr " + number(s.resistance) + " " + number(s.voltage_min) + " " + number(s.voltage_max) + " " +
                                 number(s.current_limit);
                        },
                    },
                    setpoint);
}

/// Nothing for a cell without such a table.
std::string table_text(const std::string& name, const CurrentByTemperature& table) {
  std::string text;
  for (const CurrentByTemperature::Point& point : table.points())
    text += "\n" + name + " " + number(point.temperature) + " " + number(point.current);
  return text;
}

/// Only what is limited: a program without such limits keeps the hash it always had.
std::string sensor_limits_text(const SensorLimits& limits) {
  std::string text;
  for (const SensorLimitKey& key : sensor_limit_table()) {
    if (const std::optional<double>& limit = limits.*key.limit) text += "\n" + std::string{key.key} + " " + format_number(*limit);
  }
  for (const SensorDelayKey& key : sensor_delay_table()) {
    if (const std::optional<double>& for_s = limits.*key.for_s) text += "\n" + std::string{key.key} + " " + format_number(*for_s);
  }
  return text;
}

std::string limits_text(const SafetyLimits& limits) {
  return "voltage_V " + number(limits.voltage_min) + " " + number(limits.voltage_max) + "\ncurrent_A " +
         number(limits.charge_current_max) + " " + number(limits.discharge_current_max) + "\ncell_temperature_degC " +
         number(limits.cell_temperature_min) + " " + number(limits.cell_temperature_max) + "\ncharge_temperature_min_degC " +
         number(limits.charge_temperature_min) + "\ncharge_capacity_max_Ah " + number(limits.charge_capacity_max) +
         table_text("charge_current_A_at_degC", limits.charge_current_by_temperature) +
         table_text("discharge_current_A_at_degC", limits.discharge_current_by_temperature) + sensor_limits_text(limits.sensors) +
         (limits.still_share == SafetyLimits{}.still_share ? "" : "\nstill_share " + format_number(limits.still_share)) +
         (limits.temperature_rate_max_K_per_s
              ? "\ntemperature_rate_max_K_per_s " + format_number(*limits.temperature_rate_max_K_per_s)
              : "") +
         (limits.temperature_rate_for_s ? "\ntemperature_rate_for_s " + format_number(*limits.temperature_rate_for_s) : "");
}

std::string course_text(const Course& course) {
  std::string text = "course " + std::to_string(static_cast<int>(course.kind)) + " " +
                     std::to_string(static_cast<int>(course.quantity)) + (course.is_linear ? " linear " : " stairs ") +
                     number(course.period) + " " + number(course.update) + " " + number(course.voltage_min) + " " +
                     number(course.voltage_max) + " " + number(course.charge_max) + " " + number(course.discharge_max) + " " +
                     format_number(course.least);
  for (const CoursePoint& point : course.points)
    text += " " + number(point.at) + ":" + format_number(point.value) + (point.is_rate ? "*" : "");
  if (const std::optional<CourseOfMeasured>& by = course.of_measured)
    text +=
        " of_measured " + number(by->charge_max) + " " + number(by->discharge_max) + " " + (by->bound ? number(*by->bound) : "-");
  return text;
}

std::string step_text(const Step& step) {
  std::string text = "step " + in_quotes(step.name) + " " + std::string{bdf_step_type(step)};
  text += "\n  setpoint " + (step.setpoint ? setpoint_text(*step.setpoint) : std::string{"off"});
  for (const EndCondition& end : step.ends) {
    text += "\n  end " + std::to_string(end.root) + " " + in_quotes(end.text);
    if (end.target != EndCondition::Target::next)
      text += " target " + std::to_string(static_cast<int>(end.target)) + " " + std::to_string(end.instruction) + " depth " +
              std::to_string(end.loop_depth);
  }
  if (step.course) text += "\n  " + course_text(*step.course);
  if (step.magnitude)
    text += "\n  magnitude formula " + std::to_string(step.magnitude->formula) + " max " + format_number(step.magnitude->max);
  if (step.current_bound)
    text += "\n  current_bound formula " + std::to_string(step.current_bound->formula) + " max " +
            format_number(step.current_bound->max);
  if (step.course_scale) text += "\n  course_scale formula " + std::to_string(*step.course_scale);
  if (step.person) {
    text += "\n  person " + in_quotes(step.person->message) + (step.person->is_confirmed ? " confirms" : "");
    if (step.person->stack_pressure_MPa) text += " MPa " + format_number(*step.person->stack_pressure_MPa);
  }
  if (step.limits) text += "\n  limits " + in_quotes(limits_text(*step.limits));
  text += "\n  time_max " + number(step.time_max) + (step.time_max_is_normal ? " normal" : " failure");
  if (step.chamber_temperature) text += "\n  chamber_degC " + number(*step.chamber_temperature);
  text += "\n  record " + number(step.record_interval);
  // As with every later addition: what is not given is not written, and an old program keeps its hash.
  const RecordChanges& by = step.record_changes;
  if (by.any()) {
    text += "\n  record_changes " + format_number(by.voltage_V) + " V " + format_number(by.current_A) + " A " +
            format_number(by.temperature_K) + " K " + format_number(by.capacity_Ah) + " Ah";
  }
  if (!step.record_at.empty()) text += "\n  record_at";
  for (const Duration at : step.record_at) text += " " + number(at);
  if (step.record_before > Duration::zero()) text += "\n  record_before " + number(step.record_before);
  text += "\n  measure " + std::to_string(static_cast<int>(step.measure));
  if (step.sets_soc_pct) text += "\n  sets_soc_pct " + format_number(*step.sets_soc_pct);
  // The default is not written: a program without rules keeps the hash it always had.
  if (step.on_interruption != InterruptionRule::ask)
    text += "\n  on_interruption " + std::string{to_string(step.on_interruption)};
  return text;
}

std::string condition_text(const ResultCondition& condition) {
  return std::string{to_string(condition.quantity)} + " " + std::string{to_string(condition.comparison)} + " " +
         format_number(condition.value) + " " + in_quotes(condition.text) +
         (condition.variable < 0 ? "" : " variable " + std::to_string(condition.variable)) +
         (condition.formula < 0 ? "" : " formula " + std::to_string(condition.formula));
}

std::string instruction_text(const Instruction& instruction) {
  return std::visit(overloaded{
                        [](const Step& step) { return step_text(step); },
                        [](const LoopBegin& loop) {
                          return "loop " + std::to_string(loop.times) + " to " + std::to_string(loop.end) +
                                 (loop.counts_cycles ? " cycles" : "") + (loop.is_reference ? " reference" : "") +
                                 (loop.diagnostics < 0 ? "" : " diagnostics " + std::to_string(loop.diagnostics));
                        },
                        [](const LoopEnd& loop) { return "loop_end " + std::to_string(loop.begin); },
                        [](const StopIf& stop) { return "stop_if " + condition_text(stop.condition); },
                        [](const Require& require) { return "require " + condition_text(require.condition); },
                        [](const LeaveIf& leave) {
                          return "leave_if " + condition_text(leave.condition) + " loop " + std::to_string(leave.loop);
                        },
                        [](const SetVariable& set) {
                          return "set " + std::to_string(set.variable) + " formula " + std::to_string(set.formula);
                        },
                        [](const Mark& mark) { return "mark " + in_quotes(mark.text); },
                        [](const DiagnosticsEnd& end) { return "diagnostics_end " + std::to_string(end.slot); },
                        [](const AdvanceCycle&) { return std::string{"advance_cycle"}; },
                        [](const Diagnostics& d) {
                          return "diagnostics " + std::to_string(d.slot) + " cycles " + std::to_string(d.every_cycles) +
                                 " fade " + format_number(d.fade_pct) + (d.after_alarm ? " alarm" : "") + " to " +
                                 std::to_string(d.end);
                        },
                    },
                    instruction);
}

/// As with every addition: nothing for what old programs did not have.
std::string late_text(const ConditionNode& leaf) {
  std::string text;
  const bool names_one = leaf.quantity == ConditionQuantity::result || leaf.quantity == ConditionQuantity::variable;
  if (names_one) text += " operand " + std::to_string(leaf.operand);
  if (leaf.formula >= 0) text += " formula " + std::to_string(leaf.formula);
  if (leaf.blank > Duration::zero()) text += " after " + number(leaf.blank);
  return text;
}

std::string formula_text(const Formula& formula) {
  std::string text = "formula " + in_quotes(formula.text);
  for (const Formula::Operation& operation : formula.postfix) {
    text += " " + std::to_string(static_cast<int>(operation.kind));
    if (operation.kind == Formula::Operation::Kind::number) text += ":" + format_number(operation.number);
    if (operation.kind == Formula::Operation::Kind::result || operation.kind == Formula::Operation::Kind::variable)
      text += ":" + std::to_string(operation.operand);
  }
  return text + "\n";
}

std::string node_text(const ConditionNode& node) {
  if (node.kind == ConditionNode::Kind::leaf) {
    return "leaf " + std::string{to_string(node.quantity)} + " " + std::string{to_string(node.comparison)} + " " +
           format_number(node.value) + " for " + number(node.hold) + " leaf " + std::to_string(node.leaf_index) + " next " +
           std::to_string(node.next_sibling) + late_text(node);
  }
  return std::string{node.kind == ConditionNode::Kind::all_of ? "all " : "any "} + std::to_string(node.first_child) + " " +
         std::to_string(node.child_count) + " next " + std::to_string(node.next_sibling);
}

bool needs_pressure(const Program& program) {
  const bool is_limited = program.limits.sensors.stack_pressure_min_MPa || program.limits.sensors.stack_pressure_max_MPa;
  const bool is_limited_in_step = std::any_of(program.code.begin(), program.code.end(), [](const Instruction& instruction) {
    const Step* const step = std::get_if<Step>(&instruction);
    return step != nullptr && step->limits && step->limits->sensors.limits_stack_pressure();
  });
  return is_limited || is_limited_in_step ||
         std::any_of(program.nodes.begin(), program.nodes.end(), [](const ConditionNode& node) {
           return node.kind == ConditionNode::Kind::leaf && node.quantity == ConditionQuantity::stack_pressure_MPa;
         });
}

}  // namespace

std::string canonical_text(const Program& program) {
  std::string text = "cellrig program 1\nname " + in_quotes(program.name) + "\ncell " + in_quotes(program.cell_name);
  text += "\nnominal_capacity_Ah " + number(program.nominal_capacity);
  text += "\nparameters " + in_quotes(program.parameters_text);
  text += "\n" + limits_text(program.limits) + "\n";
  if (program.pressed_area_cm2 && needs_pressure(program))
    text += "pressed_area_cm2 " + format_number(*program.pressed_area_cm2) + "\n";
  text += canonical_text(program.expectation);
  text += std::string{"needs"} + (program.needs_chamber ? " chamber" : "") +
          (program.needs_cell_temperature ? " cell_temperature" : "") + "\n";
  for (std::size_t i = 0; i < program.code.size(); ++i)
    text += std::to_string(i) + " " + instruction_text(program.code[i]) + "\n";
  for (std::size_t i = 0; i < program.nodes.size(); ++i)
    text += "node " + std::to_string(i) + " " + node_text(program.nodes[i]) + "\n";
  for (const Formula& formula : program.formulas) text += formula_text(formula);
  for (const Variable& variable : program.variables)
    text += "variable " + in_quotes(variable.name) + " " + format_number(variable.initial) + " " + format_number(variable.min) +
            " " + format_number(variable.max) + "\n";
  if (program.needs_chamber && program.charge_temperature_max)
    text += "charge_temperature_max_degC " + number(*program.charge_temperature_max) + "\n";
  if (program.soc_reference != SocReference::latest)
    text += "soc_reference " + std::to_string(static_cast<int>(program.soc_reference)) + "\n";
  if (program.soc_reference == SocReference::rated) text += "rated_capacity_Ah " + number(program.rated_capacity) + "\n";
  return text;
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error{"SHA-256 is not available in this OpenSSL"};
  }
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    hex += digits[digest[i] >> 4U];
    hex += digits[digest[i] & 15U];
  }
  return hex;
}

}  // namespace cellrig
