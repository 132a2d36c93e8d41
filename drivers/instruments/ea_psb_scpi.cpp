#include "drivers/instruments/ea_psb_scpi.hpp"

#include <array>
#include <cmath>
#include <utility>

#include "drivers/modbus/register_map.hpp"
#include "drivers/scpi/codec.hpp"

namespace cellrig {
namespace ea_psb {
namespace {

// STAT:OPER:COND?
constexpr std::uint32_t operation_current = 1U << 9, operation_power = 1U << 10, operation_resistance = 1U << 11;
// STAT:QUES:COND?: OVP, OCP, OPP, OT, then the five events that were given the action ALARM, power fail, safety OVP
constexpr std::uint32_t alarm_bits = 0x1FFU | 1U << 13 | 1U << 14;
constexpr std::uint32_t questionable_remote = 1U << 10;

/// Half of the last decimal that a reply shows.
constexpr double shown = 0.0051, shown_power = 0.51;
constexpr double no_current_A = 0.0;

struct Scale {
  double nominal = 0.0;
  [[nodiscard]] double value(std::uint16_t raw) const { return modbus::PercentScale{nominal, raw_full_scale}.to_value(raw); }
};

scpi::Setting with_unit(scpi::Setting setting, const char* unit) {
  setting.unit = unit;
  return setting;
}
scpi::Setting volts(std::string header, double value, const EaPsbModel& model) {
  const scpi::Precision precision{.digits = 3, .tolerance = shown + model.capabilities.voltage_resolution.value()};
  return with_unit(scpi::number(std::move(header), value, precision), "V");
}
scpi::Setting amps(std::string header, double value, const EaPsbModel& model) {
  const scpi::Precision precision{.digits = 3, .tolerance = shown + model.capabilities.current_resolution.value()};
  return with_unit(scpi::number(std::move(header), value, precision), "A");
}
scpi::Setting watts(std::string header, double value, const EaPsbModel& model) {
  const double step = model.nominal_power.value() / raw_full_scale;
  return with_unit(scpi::number(std::move(header), value, scpi::Precision{.digits = 2, .tolerance = shown_power + step}), "W");
}

/// Voltage and current of MEAS:ARR?; one value alone is how it says that it has none.
Result<std::array<scpi::Number, 2>> decode_array(std::string_view text) {
  constexpr std::array<std::string_view, 3> units{"V", "A", "W"};
  std::array<scpi::Number, 3> values;
  if (text.find(',') == std::string_view::npos) {
    const Result<scpi::Number> alone = scpi::parse_number(text);
    if (!alone) return alone.error();
    if (alone->quality == Quality::good) return fail(Fault::malformed, "expected voltage, current and power");
    return std::array<scpi::Number, 2>{};
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t comma = text.find(',');
    const bool is_last = i + 1 == values.size();
    if ((comma == std::string_view::npos) != is_last) return fail(Fault::malformed, "expected voltage, current and power");
    const Result<scpi::Number> number = scpi::parse_number(text.substr(0, comma), units.at(i));
    if (!number) return number.error();
    values.at(i) = *number;
    if (!is_last) text.remove_prefix(comma + 1);
  }
  return std::array<scpi::Number, 2>{values[0], values[1]};
}

}  // namespace

Result<scpi::Settings> scpi_guards(const Protections& protections, const EaPsbModel& model) {
  const Result<ProtectionPlan> plan = plan_protections(protections, model);
  if (!plan) return plan.error();
  const Scale voltage{model.nominal_voltage.value()}, current{model.nominal_current.value()}, power{model.nominal_power.value()};
  const scpi::Precision whole{.digits = 0, .tolerance = 0.0};
  return scpi::Settings{volts("VOLT:PROT", voltage.value(plan->over_voltage), model),
                        amps("CURR:PROT", current.value(plan->over_current), model),
                        watts("POW:PROT", power.value(plan->over_power), model),
                        amps("SINK:CURR:PROT", plan->sink_over_current_A, model),
                        volts("SYST:CONF:UVD", plan->under_voltage_V, model),
                        scpi::word("SYST:CONF:UVD:ACT", "ALARM"),
                        scpi::word("POW:STAG:AFT:REM", "OFF"),
                        scpi::word("SYST:CONF:OUTP:REST", "OFF"),
                        with_unit(scpi::number("SYST:COMM:MON:TIME", plan->watchdog_s, whole), "s"),
                        scpi::word("SYST:COMM:MON:ACT", "ON")};
}

scpi::Settings scpi_steps(const Settings& settings, const EaPsbModel& model) {
  const Scale voltage{model.nominal_voltage.value()}, current{model.nominal_current.value()}, power{model.nominal_power.value()};
  return scpi::Settings{amps("CURR", no_current_A, model),
                        amps("SINK:CURR", no_current_A, model),
                        watts("POW", power.value(settings.source_power), model),
                        watts("SINK:POW", power.value(settings.sink_power), model),
                        volts("VOLT", voltage.value(settings.voltage), model),
                        amps("CURR", current.value(settings.source_current), model),
                        amps("SINK:CURR", current.value(settings.sink_current), model)};
}

Result<CyclerReadings> decode_scpi_measurement(std::string_view reply, TimePoint at) {
  const Result<std::vector<std::string_view>> parts = scpi::split_reply(reply, 4);
  if (!parts) return parts.error();
  const Result<std::array<scpi::Number, 2>> values = decode_array((*parts)[0]);
  const Result<bool> output = scpi::parse_boolean((*parts)[1]);
  const Result<int> operation = scpi::parse_integer((*parts)[2]);
  const Result<int> questionable = scpi::parse_integer((*parts)[3]);
  if (!values) return values.error();
  if (!output) return output.error();
  if (!operation) return operation.error();
  if (!questionable) return questionable.error();
  CyclerReadings readings;
  readings.voltage = reading_of((*values)[0], at);
  readings.current = reading_of((*values)[1], at);
  readings.output_on = *output;
  readings.remote = (static_cast<std::uint32_t>(*questionable) & questionable_remote) != 0;
  readings.tripped = (static_cast<std::uint32_t>(*questionable) & alarm_bits) != 0;
  if (!readings.output_on) return readings;
  const auto bits = static_cast<std::uint32_t>(*operation);
  readings.regulation = Regulation::constant_voltage;
  if ((bits & operation_current) != 0) readings.regulation = Regulation::constant_current;
  if ((bits & operation_power) != 0) readings.regulation = Regulation::constant_power;
  if ((bits & operation_resistance) != 0) readings.regulation = Regulation::constant_resistance;
  return readings;
}

std::string scpi_trip_cause(std::uint32_t questionable) {
  constexpr std::array<std::string_view, 15> names{"over-voltage",
                                                   "over-current",
                                                   "over-power",
                                                   "over-temperature",
                                                   "over-voltage event",
                                                   "under-voltage event",
                                                   "over-current event",
                                                   "under-current event",
                                                   "over-power event",
                                                   "",
                                                   "",
                                                   "",
                                                   "",
                                                   "power fail",
                                                   "safety OVP"};
  return names_of_bits(questionable & alarm_bits, names);
}

}  // namespace ea_psb

namespace {

ScpiDialect dialect_of_ea() {
  ScpiDialect dialect;
  dialect.take_control = "SYST:LOCK ON";
  dialect.give_back = "SYST:LOCK OFF";
  dialect.has_control = scpi::word("SYST:LOCK:OWNER", "REMOTE");
  dialect.regime = {scpi::word("SYST:CONF:MODE", "UIP")};
  dialect.unwatch = {scpi::word("SYST:COMM:MON:ACT", "OFF")};
  dialect.measurement = "MEAS:ARR?;:OUTP?;:STAT:OPER:COND?;:STAT:QUES:COND?";
  dialect.sync = "*STB?";
  dialect.on = "OUTP ON";
  dialect.off = "OUTP OFF";
  dialect.current_unit = "A";
  dialect.clear_trip_question = "SYST:ERR:ALL?";
  dialect.has_single_questions = true;
  dialect.idn_may_go_on = true;  // "PSB 10060-60 2U"
  dialect.off_in_single_messages = true;
  return dialect;
}

ScpiCyclerModel scpi_model_of(const EaPsbModel& model) {
  ScpiCyclerModel of;
  of.capabilities = model.capabilities;
  of.capabilities.has_constant_resistance = false;
  of.idn_model = model.device_type;
  of.trip_mask = ea_psb::alarm_bits;
  of.attempt_timeout = model.attempt_timeout;
  return of;
}

}  // namespace

EaPsbScpiCycler::EaPsbScpiCycler(TimeSource& time, std::unique_ptr<ByteStream> scpi, const EaPsbModel& model)
    : ScpiCycler{time, std::move(scpi), nullptr, scpi_model_of(model), dialect_of_ea()}, model_{model} {}

Result<ScpiCycler::ProtectionPlan> EaPsbScpiCycler::plan_protections(const Protections& protections) const {
  const Result<scpi::Settings> guards = ea_psb::scpi_guards(protections, model_);
  if (!guards) return guards.error();
  const scpi::Settings idle{ea_psb::amps("CURR", ea_psb::no_current_A, model_),
                            ea_psb::amps("SINK:CURR", ea_psb::no_current_A, model_)};
  return ProtectionPlan{.idle = idle, .guards = *guards};
}

Result<ScpiCycler::SetpointPlan> EaPsbScpiCycler::plan_setpoint(const Setpoint& setpoint, const Protections& armed) const {
  if (std::holds_alternative<ConstantResistance>(setpoint)) {
    return fail(Fault::refused,
                "over SCPI alone this driver has no constant resistance; give the instrument its modbus: address");
  }
  const Result<ea_psb::Settings> settings = ea_psb::plan_setpoint(setpoint, model_, armed);
  if (!settings) return settings.error();
  return SetpointPlan{.steps = ea_psb::scpi_steps(*settings, model_), .current_max = settings->current_max};
}

Result<CyclerReadings> EaPsbScpiCycler::decode_measurement(std::string_view reply, TimePoint at) const {
  return ea_psb::decode_scpi_measurement(reply, at);
}

std::string EaPsbScpiCycler::trip_cause(std::uint32_t questionable) const { return ea_psb::scpi_trip_cause(questionable); }

/// Every set value is a share of these inside the instrument.
Task<Result<void>> EaPsbScpiCycler::check_ratings(Call call) {
  struct Rating {
    const char* question;
    const char* unit;
    double value;
  };
  const std::array<Rating, 3> ratings{{{"SYST:NOM:VOLT?", "V", model_.nominal_voltage.value()},
                                       {"SYST:NOM:CURR?", "A", model_.nominal_current.value()},
                                       {"SYST:NOM:POW?", "W", model_.nominal_power.value()}}};
  for (const Rating& rating : ratings) {
    const Result<Values> values = co_await ask_values(call, rating.question, 1);
    if (!values) co_return values.error();
    const Result<double> value = scpi::parse_setting((*values)[0], rating.unit);
    if (!value) co_return misunderstood(value.error());
    if (std::abs(*value - rating.value) > 1e-3 * rating.value) {
      co_return refused("its nominal values are not those of the model file");
    }
  }
  co_return Result<void>{};
}

}  // namespace cellrig
