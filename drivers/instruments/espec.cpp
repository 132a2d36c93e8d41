#include "drivers/instruments/espec.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cellrig {
namespace {

using Pace = EspecSession::Pace;

EspecSessionOptions session_of(const EspecModel& model) {
  EspecSessionOptions options = model.session;
  if (model.unit > 0) options.prefix = std::to_string(model.unit) + ",";
  return options;
}

/// A tenth of a degree is all it shows: what differs by half of one is the same, whichever way a half was rounded.
constexpr double half_a_tenth = 0.05 + 1e-6;

}  // namespace

EspecChamber::EspecChamber(TimeSource& time, std::unique_ptr<ByteStream> stream, EspecModel model)
    : ChamberCore{time, model.capabilities},
      stream_{std::move(stream)},
      model_{std::move(model)},
      session_{time, *stream_, session_of(model_)} {}

bool EspecChamber::is_plausible(const std::optional<double>& temperature) const {
  return temperature && *temperature >= model_.plausible_min.value() && *temperature <= model_.plausible_max.value();
}

bool EspecChamber::is_same(double a, double b) const {
  return std::abs(a - b) <= std::max(model_.setpoint_tolerance_K, half_a_tenth);
}

EspecChamber::AlarmLimits EspecChamber::alarm_limits_of(const ChamberLimits& limits) const {
  return {.low = std::max(limits.setpoint_min.value() - model_.alarm_margin_K, model_.alarm_min.value()),
          .high = std::min(limits.setpoint_max.value() + model_.alarm_margin_K, model_.alarm_max.value())};
}

Task<Result<std::string>> EspecChamber::ask(Call call, std::string_view question) {
  if (is_stopped(call)) co_return stopped();
  Result<std::string> reply = co_await session_.ask(question, Pace::full, call.deadline);
  if (!reply && may_ask_again(call, reply.error().fault)) {
    reply = co_await session_.ask(question, Pace::full, call.deadline);
  }
  if (is_stopped(call)) co_return stopped();
  co_return reply;
}

Task<Result<void>> EspecChamber::set(Call call, std::string_view command) {
  if (is_stopped(call)) co_return stopped();
  const Result<void> done = co_await session_.set(command, Pace::full, call.deadline);
  if (is_stopped(call)) co_return stopped();
  co_return done;
}

Task<Result<espec::Temperatures>> EspecChamber::temperatures(Call call) {
  const Result<std::string> reply = co_await ask(call, "TEMP?");
  if (!reply) co_return reply.error();
  const Result<espec::Temperatures> found = espec::parse_temperatures(*reply);
  if (!found) co_return session_.distrust(found.error());
  co_return found;
}

Task<Result<espec::Monitor>> EspecChamber::monitor(Call call) {
  const Result<std::string> reply = co_await ask(call, "MON?");
  if (!reply) co_return reply.error();
  const Result<espec::Monitor> found = espec::parse_monitor(*reply);
  if (!found) co_return session_.distrust(found.error());
  co_return found;
}

Task<Result<InstrumentIdentity>> EspecChamber::identify(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  const Result<std::string> reply = co_await ask(call, "TYPE?");
  if (!reply) co_return reply.error();
  const Result<espec::Type> type = espec::parse_type(*reply);
  if (!type) co_return session_.distrust(type.error());
  if (std::find(model_.controllers.begin(), model_.controllers.end(), type->controller) == model_.controllers.end()) {
    co_return refused("its controller calls itself '" + type->controller + "'");
  }
  if (!(type->temperature_max >= model_.capabilities.temperature_max.value())) {
    co_return refused("it ends at " + espec::decimal(type->temperature_max).value_or("?") +
                      " degC, below the model file's range");
  }
  const Result<std::string> firmware = co_await ask(call, "ROM?");
  if (!firmware) co_return firmware.error();
  const Result<espec::Temperatures> now = co_await temperatures(call);
  if (!now) co_return now.error();
  if (!is_plausible(now->measured)) co_return refused("its temperature is none; is its sensor connected, and its unit Celsius?");
  co_return InstrumentIdentity{.maker = "ESPEC", .model = type->controller, .serial = {}, .firmware = *firmware};
}

Task<Result<void>> EspecChamber::arm(const ChamberLimits& limits, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  armed_.reset();
  const Result<void> possible = judge_limits(limits);
  if (!possible) co_return possible;
  const ChamberLimits wanted = limits;
  const Result<void> done = co_await hold_alarm_limits(*call, wanted);
  if (done) armed_ = wanted;
  co_return done;
}

/// An old set-point outside would be refused together with the new limits, or refuse them: it goes in the same command, moved onto
/// the nearer end. Nothing runs because of it.
Task<Result<void>> EspecChamber::hold_alarm_limits(Call call, const ChamberLimits& limits) {
  const AlarmLimits wanted = alarm_limits_of(limits);
  const double inside_min = limits.setpoint_min.value();
  const double inside_max = limits.setpoint_max.value();
  Result<espec::Temperatures> held = co_await temperatures(call);
  if (!held) co_return held.error();
  const bool is_inside = held->setpoint >= inside_min - half_a_tenth && held->setpoint <= inside_max + half_a_tenth;
  if (is_inside && is_same(held->alarm_high, wanted.high) && is_same(held->alarm_low, wanted.low)) co_return Result<void>{};
  const std::optional<std::string> setpoint = espec::decimal(std::clamp(held->setpoint, inside_min, inside_max));
  const std::optional<std::string> high = espec::decimal(wanted.high);
  const std::optional<std::string> low = espec::decimal(wanted.low);
  if (!setpoint || !high || !low) co_return refused("the limits are beyond what it can be told");
  const std::string command = "TEMP," + (is_inside ? std::string() : " S" + *setpoint) + " H" + *high + " L" + *low;
  const Result<void> done = co_await set(call, command);
  if (!done) co_return done;
  held = co_await temperatures(call);
  if (!held) co_return held.error();
  if (!is_same(held->alarm_high, wanted.high) || !is_same(held->alarm_low, wanted.low)) {
    co_return refused("its alarm limits are not those it was given");
  }
  const bool stays_inside = held->setpoint >= inside_min - half_a_tenth && held->setpoint <= inside_max + half_a_tenth;
  if (!stays_inside) co_return refused("its set-point stays outside the limits");
  co_return Result<void>{};
}

Task<Result<void>> EspecChamber::hold_setpoint(Call call, double setpoint) {
  Result<espec::Temperatures> held = co_await temperatures(call);
  if (!held) co_return held.error();
  if (is_same(held->setpoint, setpoint)) co_return Result<void>{};
  const std::optional<std::string> text = espec::decimal(setpoint);
  if (!text) co_return refused("the set-point is beyond what it can be told");
  const std::string command = "TEMP, S" + *text;
  const Result<void> done = co_await set(call, command);
  if (!done) co_return done;
  held = co_await temperatures(call);
  if (!held) co_return held.error();
  if (!is_same(held->setpoint, setpoint)) co_return refused("its set-point is not what it was given");
  co_return Result<void>{};
}

Task<Result<void>> EspecChamber::run(Celsius setpoint, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  const Result<void> allowed = judge_setpoint(setpoint);
  if (!allowed) co_return allowed;
  Result<espec::Monitor> state = co_await monitor(call);
  if (!state) co_return state.error();
  if (state->mode == espec::Mode::program) co_return refused("one of its own programs is under way");
  const Result<void> held = co_await hold_setpoint(call, setpoint.value());
  if (!held) co_return held;
  if (state->mode == espec::Mode::constant) co_return Result<void>{};
  const Result<void> done = co_await set(call, "MODE,CONSTANT");
  if (!done) co_return done;
  do {
    state = co_await monitor(call);
    if (!state) co_return state.error();
  } while (state->mode != espec::Mode::constant);
  co_return Result<void>{};
}

/// STANDBY whatever it does. A refusal may mean that there is nothing to stop (it is off): what it says of its mode counts. An urgent
/// command that came too early is not answered: it is not waited for longer than the pause that it did not keep.
Task<Result<void>> EspecChamber::stop_once(Call call, int attempt) {
  const Pace pace = attempt == 0 ? Pace::urgent : Pace::full;
  const EspecSessionOptions& wire = model_.session;
  const Duration patience =
      pace == Pace::urgent ? wire.frame_gap + wire.question_pause : wire.setting_pause + model_.attempt_timeout;
  const Deadline to_answer{std::min(call.deadline.at, time_.now() + patience)};
  const Result<void> told = co_await session_.set("MODE,STANDBY", pace, to_answer);
  if (!told && told.error().fault != Fault::refused) co_return told;
  const Deadline to_confirm{std::min(call.deadline.at, time_.now() + wire.setting_pause + model_.attempt_timeout)};
  const Result<std::string> reply = co_await session_.ask("MON?", Pace::full, to_confirm);
  if (!reply) co_return reply.error();
  const Result<espec::Monitor> state = espec::parse_monitor(*reply);
  if (!state) co_return session_.distrust(state.error());
  if (state->mode == espec::Mode::off || state->mode == espec::Mode::standby) co_return Result<void>{};
  if (!told) co_return told;
  co_return failure(Fault::device_fault, "it acknowledged STANDBY and goes on");
}

Task<Result<ChamberReadings>> EspecChamber::measure(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  const Result<espec::Temperatures> shown = co_await temperatures(call);
  if (!shown) co_return shown.error();
  const TimePoint at_middle = midpoint(session_.sent_at(), time_.now());
  const Result<espec::Monitor> state = co_await monitor(call);
  if (!state) co_return state.error();
  const bool is_good = is_plausible(shown->measured);
  ChamberReadings readings;
  readings.temperature = temperature_reading(shown->measured.value_or(0.0), is_good, at_middle);
  readings.setpoint = Celsius{shown->setpoint};
  readings.running = state->mode == espec::Mode::constant;
  readings.alarm = state->alarm_count > 0;
  co_return readings;
}

}  // namespace cellrig
