#include "drivers/instruments/keysight_n6900.hpp"

#include <utility>

#include "drivers/scpi/codec.hpp"

namespace cellrig {
namespace {

constexpr double current_tolerance = 0.001;

ScpiDialect dialect_of_n6900() {
  ScpiDialect dialect;
  dialect.regime = {scpi::word("FUNC", "VOLT")};
  // MEAS starts an acquisition, FETC takes the current of the same one (and is answered by silence without a MEAS before it).
  dialect.measurement = "MEAS:VOLT?;:FETC:CURR?;:OUTP?;:STAT:OPER:COND?;:STAT:QUES:COND?";
  return dialect;
}

}  // namespace

KeysightN6900Cycler::KeysightN6900Cycler(TimeSource& time, std::unique_ptr<ByteStream> scpi,
                                         std::unique_ptr<ByteStream> stop_session, const KeysightN6900Model& model)
    : ScpiCycler{time, std::move(scpi), std::move(stop_session), model, dialect_of_n6900()}, model_{model} {}

Result<ScpiCycler::ProtectionPlan> KeysightN6900Cycler::plan_protections(const Protections& protections) const {
  const Result<scpi::Settings> guards = keysight_n6900::plan_protections(protections, model_);
  if (!guards) return guards.error();
  return ProtectionPlan{.idle = keysight_n6900::least_limits(model_), .guards = *guards};
}

Result<ScpiCycler::SetpointPlan> KeysightN6900Cycler::plan_setpoint(const Setpoint& setpoint, const Protections& armed) const {
  const Result<keysight_n6900::Settings> settings = keysight_n6900::plan_setpoint(setpoint, model_, armed);
  if (!settings) return settings.error();
  return SetpointPlan{.steps = keysight_n6900::steps_of(*settings, model_), .current_max = settings->current_max};
}

Result<CyclerReadings> KeysightN6900Cycler::decode_measurement(std::string_view reply, TimePoint at) const {
  return keysight_n6900::decode_measurement(reply, model_, at);
}

std::string KeysightN6900Cycler::trip_cause(std::uint32_t questionable) const { return keysight_n6900::trip_cause(questionable); }

/// How far it can sink depends on the dissipators that are connected.
Task<Result<void>> KeysightN6900Cycler::check_ratings(Call call) {
  const Result<Values> limits = co_await ask_values(call, "CURR:LIM? MAX;:CURR:LIM:NEG? MIN", 2);
  if (!limits) co_return limits.error();
  const Result<double> positive = scpi::parse_setting((*limits)[0]);
  const Result<double> negative = scpi::parse_setting((*limits)[1]);
  if (!positive) co_return misunderstood(positive.error());
  if (!negative) co_return misunderstood(negative.error());
  if (*positive < model_.capabilities.charge_current_max.value() - current_tolerance ||
      -*negative < model_.capabilities.discharge_current_max.value() - current_tolerance) {
    co_return refused("its current limits are narrower than the model file says; is a dissipator missing?");
  }
  co_return Result<void>{};
}

}  // namespace cellrig
