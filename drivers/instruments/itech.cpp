#include "drivers/instruments/itech.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "drivers/instruments/setpoint_check.hpp"
#include "drivers/scpi/codec.hpp"

namespace cellrig {
namespace itech {
namespace {

// STAT:OPER:COND?
constexpr std::uint32_t operation_off = 1U << 6;
constexpr std::uint32_t operation_current = 1U << 7 | 1U << 11;
constexpr std::uint32_t operation_power = 1U << 9 | 1U << 12;

constexpr scpi::Precision seconds{.digits = 0, .tolerance = 0.5};
constexpr scpi::Precision delay{.digits = 3, .tolerance = 0.001};
constexpr scpi::Precision watts{.digits = 1, .tolerance = 0.1};

Error refused(const char* what) { return fail(Fault::refused, what); }

/// As many digits as the instrument keeps; what is read back may differ by a step.
scpi::Precision precision_of(double resolution) {
  return scpi::Precision{.digits = std::max(0, static_cast<int>(std::ceil(-std::log10(resolution) - 1e-9))),
                         .tolerance = 1.01 * resolution};
}
scpi::Precision volts_of(const ItechModel& model) { return precision_of(model.capabilities.voltage_resolution.value()); }
scpi::Precision amps_of(const ItechModel& model) { return precision_of(model.capabilities.current_resolution.value()); }

/// The first two of "V,I,P,Ah,Wh"; all five must be numbers.
Result<std::array<scpi::Number, 5>> decode_values(std::string_view text) {
  std::array<scpi::Number, 5> values;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t comma = text.find(',');
    const bool is_last = i + 1 == values.size();
    if ((comma == std::string_view::npos) != is_last) return fail(Fault::malformed, "expected voltage, current, power, Ah, Wh");
    const Result<scpi::Number> number = scpi::parse_number(text.substr(0, comma));
    if (!number) return number.error();
    values[i] = *number;
    if (!is_last) text.remove_prefix(comma + 1);
  }
  return values;
}

}  // namespace

Result<Settings> plan_setpoint(const Setpoint& setpoint, const ItechModel& model, const Protections& armed) {
  if (std::holds_alternative<ConstantResistance>(setpoint)) return refused("this model has no constant resistance");
  if (const Result<void> sane = check_setpoint(setpoint, model.capabilities, armed); !sane) return sane.error();
  const SetpointBounds bounds = bounds_of(setpoint);
  const Amps least = model.capabilities.current_limit_min;
  const Amps wanted = std::max(bounds.charge_current_max, bounds.discharge_current_max);
  if (!(wanted >= std::max(least, model.capabilities.current_resolution))) {
    return refused("the current of the set-point is below the instrument's resolution");
  }
  Settings settings{.voltage = regulated_voltage(bounds),
                    .limit_positive = std::max(bounds.charge_current_max, least),
                    .limit_negative = std::max(bounds.discharge_current_max, least),
                    .power_positive = model.capabilities.power_max,
                    .power_negative = model.capabilities.power_max,
                    .current_max = wanted};
  if (const auto* power = std::get_if<ConstantPower>(&setpoint)) {
    if (!(abs(power->power) >= model.power_limit_min)) return refused("the power of the set-point is below the least limit");
    (power->power > Watts{0.0} ? settings.power_positive : settings.power_negative) = abs(power->power);
  }
  return settings;
}

scpi::Settings least_limits(const ItechModel& model) {
  const double least = model.capabilities.current_limit_min.value();
  return {scpi::number("CURR:LIM", least, amps_of(model)), scpi::number("CURR:LIM:NEG", -least, amps_of(model))};
}

scpi::Settings steps_of(const Settings& settings, const ItechModel& model) {
  scpi::Settings steps = least_limits(model);
  steps.push_back(scpi::number("POW:LIM", settings.power_positive.value(), watts));
  steps.push_back(scpi::number("POW:LIM:NEG", -settings.power_negative.value(), watts));
  steps.push_back(scpi::number("VOLT", settings.voltage.value(), volts_of(model)));
  steps.push_back(scpi::number("CURR:LIM", settings.limit_positive.value(), amps_of(model)));
  steps.push_back(scpi::number("CURR:LIM:NEG", -settings.limit_negative.value(), amps_of(model)));
  return steps;
}

Result<scpi::Settings> plan_protections(const Protections& protections, const ItechModel& model) {
  if (const Result<void> sane = check_protections(protections, model.capabilities); !sane) return sane.error();
  const Result<int> watchdog_s = whole_seconds(protections.watchdog_delay);
  if (!watchdog_s) return watchdog_s.error();
  const double volt = model.capabilities.voltage_resolution.value();
  const double ampere = model.capabilities.current_resolution.value();
  const double over_voltage_V = rounded_down(protections.over_voltage.value(), volt);
  const double under_voltage_V = rounded_up(protections.under_voltage.value(), volt);
  // One level for both directions; each direction has its own current limit in every set-point.
  const Amps current_max = std::max(protections.charge_current_max, protections.discharge_current_max);
  const double over_current_A = rounded_down(std::min(current_max, model.over_current_protection_max).value(), ampere);
  return scpi::Settings{scpi::upper_bound("VOLT:PROT", over_voltage_V, volts_of(model), volt),
                        scpi::number("VOLT:PROT:DEL", to_seconds(model.over_voltage_delay), delay),
                        scpi::flag("VOLT:PROT:STAT", true),
                        scpi::upper_bound("CURR:PROT", over_current_A, amps_of(model), ampere),
                        scpi::number("CURR:PROT:DEL", to_seconds(model.over_current_delay), delay),
                        scpi::flag("CURR:PROT:STAT", true),
                        scpi::number("VOLT:UND:PROT", under_voltage_V, volts_of(model)),
                        scpi::number("VOLT:UND:PROT:DEL", to_seconds(model.under_voltage_delay), delay),
                        scpi::flag("VOLT:UND:PROT:STAT", true),
                        scpi::word("OUTP:PON:STAT", "RST", "RESET"),  // it comes up with the output off
                        scpi::number("OUTP:PROT:WDOG:DEL", *watchdog_s, seconds),
                        scpi::flag("OUTP:PROT:WDOG", true)};
}

Result<CyclerReadings> decode_measurement(std::string_view reply, const ItechModel& model, TimePoint at) {
  const Result<std::vector<std::string_view>> parts = scpi::split_reply(reply, 4);
  if (!parts) return parts.error();
  const Result<std::array<scpi::Number, 5>> values = decode_values((*parts)[0]);
  const Result<bool> output = scpi::parse_boolean((*parts)[1]);
  const Result<int> operation = scpi::parse_integer((*parts)[2]);
  const Result<int> questionable = scpi::parse_integer((*parts)[3]);
  if (!values) return values.error();
  if (!output) return output.error();
  if (!operation) return operation.error();
  if (!questionable) return questionable.error();
  const auto bits = static_cast<std::uint32_t>(*operation);
  CyclerReadings readings;
  readings.voltage = reading_of((*values)[0], at);
  readings.current = reading_of((*values)[1], at);
  readings.output_on = *output && (bits & operation_off) == 0;
  readings.tripped = (static_cast<std::uint32_t>(*questionable) & model.trip_mask) != 0;
  if (!readings.output_on) return readings;
  readings.regulation = Regulation::constant_voltage;
  if ((bits & operation_current) != 0) readings.regulation = Regulation::constant_current;
  if ((bits & operation_power) != 0) readings.regulation = Regulation::constant_power;
  return readings;
}

std::string trip_cause(std::uint32_t questionable) {
  constexpr std::array<std::string_view, 15> names{
      "over-voltage",  "over-current +",   "over-current -",        "over-power +", "over-power -",
      "under-voltage", "over-temperature", "under-current",         "sense leads",  "current sharing",
      "reversed",      "inhibit input",    "shut down (watchdog?)", "oscillation",  "internal fault"};
  return names_of_bits(questionable, names);
}

}  // namespace itech

namespace {

ScpiDialect dialect_of_itech() {
  ScpiDialect dialect;
  dialect.take_control = "SYST:REM";
  dialect.give_back = "SYST:LOC";
  dialect.regime = {scpi::word("FUNC", "VOLT", "VOLTAGE"), scpi::word("FUNC:MODE", "FIX", "FIXED")};
  dialect.measurement = "MEAS?;:OUTP?;:STAT:OPER:COND?;:STAT:QUES:COND?";
  dialect.trip_clears_within = std::chrono::milliseconds{300};  // seen: 0.1 to 0.15 s
  dialect.off_in_single_messages = true;
  return dialect;
}

}  // namespace

ItechCycler::ItechCycler(TimeSource& time, std::unique_ptr<ByteStream> scpi, const ItechModel& model)
    : ScpiCycler{time, std::move(scpi), nullptr, model, dialect_of_itech()}, model_{model} {}

Result<ScpiCycler::ProtectionPlan> ItechCycler::plan_protections(const Protections& protections) const {
  const Result<scpi::Settings> guards = itech::plan_protections(protections, model_);
  if (!guards) return guards.error();
  return ProtectionPlan{.idle = itech::least_limits(model_), .guards = *guards};
}

Result<ScpiCycler::SetpointPlan> ItechCycler::plan_setpoint(const Setpoint& setpoint, const Protections& armed) const {
  const Result<itech::Settings> settings = itech::plan_setpoint(setpoint, model_, armed);
  if (!settings) return settings.error();
  return SetpointPlan{.steps = itech::steps_of(*settings, model_), .current_max = settings->current_max};
}

Result<CyclerReadings> ItechCycler::decode_measurement(std::string_view reply, TimePoint at) const {
  return itech::decode_measurement(reply, model_, at);
}

std::string ItechCycler::trip_cause(std::uint32_t questionable) const { return itech::trip_cause(questionable); }

/// Its model number says what it can do; nothing is known to ask for.
Task<Result<void>> ItechCycler::check_ratings(Call call) {
  if (is_stopped(call)) co_return stopped();
  co_return Result<void>{};
}

}  // namespace cellrig
