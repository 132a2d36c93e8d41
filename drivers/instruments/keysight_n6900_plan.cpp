// KeysightN6900Cycler: the pure part.
#include <algorithm>
#include <array>

#include "drivers/instruments/keysight_n6900.hpp"
#include "drivers/instruments/setpoint_check.hpp"
#include "drivers/scpi/codec.hpp"

namespace cellrig::keysight_n6900 {
namespace {

// STAT:OPER:COND? and STAT:QUES:COND?
constexpr std::uint32_t operation_current_limit = 1U << 1;
constexpr std::uint32_t operation_off = 1U << 2;
constexpr std::uint32_t questionable_limit_positive = 1U << 7;
constexpr std::uint32_t questionable_limit_negative = 1U << 8;

/// Finer than its converters, and what a reply of seven digits can confirm; what is read back may differ by a step.
constexpr scpi::Precision volts{.digits = 4, .tolerance = 0.002};
constexpr scpi::Precision amps{.digits = 4, .tolerance = 0.001};
constexpr scpi::Precision seconds{.digits = 0, .tolerance = 0.5};
/// The protection may be set in coarser steps (unverified).
constexpr double over_voltage_step = 0.05;

Error refused(const char* what) { return fail(Fault::refused, what); }

}  // namespace

Result<Settings> plan_setpoint(const Setpoint& setpoint, const KeysightN6900Model& model, const Protections& armed) {
  if (std::holds_alternative<ConstantPower>(setpoint)) return refused("this model has no constant power");
  if (std::holds_alternative<ConstantResistance>(setpoint)) return refused("this model has no constant resistance");
  if (const Result<void> sane = check_setpoint(setpoint, model.capabilities, armed); !sane) return sane.error();
  const SetpointBounds bounds = bounds_of(setpoint);
  const Amps least = model.capabilities.current_limit_min;
  const Amps wanted = std::max(bounds.charge_current_max, bounds.discharge_current_max);
  if (!(wanted >= least)) return refused("the current of the set-point is below the instrument's least limit");
  return Settings{.voltage = regulated_voltage(bounds),
                  .limit_positive = std::max(bounds.charge_current_max, least),
                  .limit_negative = std::max(bounds.discharge_current_max, least),
                  .current_max = wanted};
}

scpi::Settings least_limits(const KeysightN6900Model& model) {
  const double least = model.capabilities.current_limit_min.value();
  return {scpi::number("CURR:LIM", least, amps), scpi::number("CURR:LIM:NEG", -least, amps)};
}

scpi::Settings steps_of(const Settings& settings, const KeysightN6900Model& model) {
  scpi::Settings steps = least_limits(model);
  steps.push_back(scpi::number("VOLT", settings.voltage.value(), volts));
  steps.push_back(scpi::number("CURR:LIM", settings.limit_positive.value(), amps));
  steps.push_back(scpi::number("CURR:LIM:NEG", -settings.limit_negative.value(), amps));
  return steps;
}

Result<scpi::Settings> plan_protections(const Protections& protections, const KeysightN6900Model& model) {
  if (const Result<void> sane = check_protections(protections, model.capabilities); !sane) return sane.error();
  const Result<int> watchdog_s = whole_seconds(protections.watchdog_delay);
  if (!watchdog_s) return watchdog_s.error();
  return scpi::Settings{
      scpi::upper_bound("VOLT:PROT", rounded_down(protections.over_voltage.value(), 0.001), volts, over_voltage_step),
      scpi::word("OUTP:PROT:MODE", "HIGHZ"),  // LOWZ would load the cell at shutdown
      scpi::flag("CURR:PROT:STAT", model.over_current_trips_in_limit),
      scpi::word("OUTP:PON:STAT", "RST"),  // it comes up with the output off
      scpi::number("OUTP:PROT:WDOG:DEL", *watchdog_s, seconds),
      scpi::flag("OUTP:PROT:WDOG", true)};
}

Result<CyclerReadings> decode_measurement(std::string_view reply, const KeysightN6900Model& model, TimePoint at) {
  const Result<std::vector<std::string_view>> values = scpi::split_reply(reply, 5);
  if (!values) return values.error();
  const Result<scpi::Number> voltage = scpi::parse_number((*values)[0]);
  const Result<scpi::Number> current = scpi::parse_number((*values)[1]);
  const Result<bool> output = scpi::parse_boolean((*values)[2]);
  const Result<int> operation = scpi::parse_integer((*values)[3]);
  const Result<int> questionable = scpi::parse_integer((*values)[4]);
  if (!voltage) return voltage.error();
  if (!current) return current.error();
  if (!output) return output.error();
  if (!operation) return operation.error();
  if (!questionable) return questionable.error();
  const auto operation_bits = static_cast<std::uint32_t>(*operation);
  const auto questionable_bits = static_cast<std::uint32_t>(*questionable);
  CyclerReadings readings;
  readings.voltage = reading_of(*voltage, at);
  readings.current = reading_of(*current, at);
  readings.output_on = *output && (operation_bits & operation_off) == 0;
  readings.tripped = (questionable_bits & model.trip_mask) != 0;
  const bool in_limit = (operation_bits & operation_current_limit) != 0 ||
                        (questionable_bits & (questionable_limit_positive | questionable_limit_negative)) != 0;
  if (readings.output_on) readings.regulation = in_limit ? Regulation::constant_current : Regulation::constant_voltage;
  return readings;
}

std::string trip_cause(std::uint32_t questionable) {
  constexpr std::array<std::string_view, 14> names{"over-voltage",      "over-current",    "power fail",       "power limit +",
                                                   "over-temperature",  "power limit -",   "reversed voltage", "limit +",
                                                   "limit -",           "inhibit input",   "unregulated",      "watchdog",
                                                   "excessive dynamic", "open sense leads"};
  return names_of_bits(questionable, names);
}

}  // namespace cellrig::keysight_n6900
