// KeysightN6900Cycler: the pure part.
#include <algorithm>
#include <array>
#include <cmath>

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

Error refused(const char* what) { return fail(Fault::refused, what); }

Reading reading_of(const scpi::Number& number, TimePoint at) {
  return Reading{.value = number.value, .at = at, .quality = number.quality};
}

}  // namespace

Result<Settings> plan_setpoint(const Setpoint& setpoint, const KeysightN6900Model& model, const Protections& armed) {
  if (std::holds_alternative<ConstantPower>(setpoint)) return refused("this model has no constant power");
  if (std::holds_alternative<ConstantResistance>(setpoint)) return refused("this model has no constant resistance");
  if (const Result<void> sane = check_setpoint(setpoint, model.capabilities, armed); !sane) return sane.error();
  const SetpointBounds bounds = bounds_of(setpoint);
  const Amps least = model.capabilities.current_limit_min;
  const Amps wanted = std::max(bounds.charge_current_max, bounds.discharge_current_max);
  if (!(wanted >= least)) return refused("the current of the set-point is below the instrument's least limit");
  const bool discharges = bounds.charge_current_max == Amps{0.0};
  return Settings{.voltage = discharges ? bounds.voltage_min : bounds.voltage_max,
                  .limit_positive = std::max(bounds.charge_current_max, least),
                  .limit_negative = std::max(bounds.discharge_current_max, least),
                  .current_max = wanted};
}

Result<ProtectionPlan> plan_protections(const Protections& protections, const KeysightN6900Model& model) {
  if (const Result<void> sane = check_protections(protections, model.capabilities); !sane) return sane.error();
  constexpr double division_noise = 1e-6;
  ProtectionPlan plan;
  plan.over_voltage_V = std::floor(protections.over_voltage.value() * 1000.0 + division_noise) / 1000.0;
  plan.watchdog_s = static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(protections.watchdog_delay).count());
  if (plan.watchdog_s < 1) return refused("the watchdog's shortest delay is one second");
  return plan;
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
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (((questionable >> i) & 1U) != 0) text += (text.empty() ? "" : ", ") + std::string(names[i]);
  }
  return text.empty() ? "unknown" : text;
}

}  // namespace cellrig::keysight_n6900
