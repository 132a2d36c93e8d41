#include "drivers/instruments/keysight_n6900.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "drivers/scpi/codec.hpp"

namespace cellrig {
namespace {

using scpi::format_number;

constexpr Duration state_poll = std::chrono::milliseconds{10};
constexpr Duration retry_pause = std::chrono::milliseconds{20};
constexpr int digits = 4;  // finer than its converters, and what a reply of seven digits can confirm
/// Read-back may differ by a step of the converter.
constexpr double voltage_tolerance = 0.002;
constexpr double current_tolerance = 0.001;
/// The protection may be set in coarser steps (unverified): below what was asked for is as good, above it is not.
constexpr double over_voltage_step = 0.05;

bool is_near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance; }

}  // namespace

KeysightN6900Cycler::KeysightN6900Cycler(TimeSource& time, std::unique_ptr<ByteStream> scpi,
                                         std::unique_ptr<ByteStream> stop_session, KeysightN6900Model model)
    : time_{time},
      main_stream_{std::move(scpi)},
      stop_stream_{std::move(stop_session)},
      model_{std::move(model)},
      main_{time, *main_stream_, model_.session},
      stop_{time, *stop_stream_, model_.session} {}

Result<KeysightN6900Cycler::Call> KeysightN6900Cycler::begin(Deadline deadline) const {
  if (stopping_ > 0) return stopped();
  return Call{deadline, epoch_};
}

Error KeysightN6900Cycler::stopped() const {
  return fail(Fault::interrupted, model_.capabilities.model + ": the output is being turned off");
}

Error KeysightN6900Cycler::refused(const std::string& what) const {
  return fail(Fault::refused, model_.capabilities.model + ": " + what);
}

/// What was said does not parse: nothing more is believed on this connection.
Error KeysightN6900Cycler::misunderstood(Error error) {
  main_.cut();
  return error;
}

Task<Result<std::string>> KeysightN6900Cycler::ask(Call call, std::string_view message) {
  if (call.epoch != epoch_) co_return stopped();
  const Result<std::string> reply = co_await main_.query(message, call.deadline);
  if (call.epoch != epoch_) co_return stopped();
  co_return reply;
}

Task<Result<KeysightN6900Cycler::Values>> KeysightN6900Cycler::ask_values(Call call, std::string_view message,
                                                                          std::size_t count) {
  Result<std::string> reply = co_await ask(call, message);
  if (!reply && reply.error().fault == Fault::link_lost && call.epoch == epoch_ && time_.now() < call.deadline.at) {
    reply = co_await ask(call, message);  // questions only; on a new connection, once
  }
  if (!reply) co_return reply.error();
  const Result<std::vector<std::string_view>> values = scpi::split_reply(*reply, count);
  if (!values) co_return misunderstood(values.error());
  co_return Values{values->begin(), values->end()};
}

/// Set commands, joined by ";:", and a common query for a reply. What they did is read back by a message of its own.
Task<Result<void>> KeysightN6900Cycler::command(Call call, std::string_view commands) {
  std::string message{commands};
  message += ";*OPC?";
  const Result<std::string> reply = co_await ask(call, message);
  if (!reply) co_return reply.error();
  const Result<bool> complete = scpi::parse_boolean(*reply);
  if (!complete) co_return misunderstood(complete.error());
  co_return Result<void>{};
}

Task<Result<void>> KeysightN6900Cycler::pause(Call call, Duration duration) {
  if (call.epoch != epoch_) co_return stopped();
  const TimePoint until = std::min(call.deadline.at, time_.now() + duration);
  co_await time_.sleep_until(until);
  if (call.epoch != epoch_) co_return stopped();
  if (time_.now() >= call.deadline.at) co_return fail(Fault::timeout, model_.capabilities.model + ": not done in time");
  co_return Result<void>{};
}

Task<Result<CyclerReadings>> KeysightN6900Cycler::measure(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  // MEAS starts an acquisition, FETC takes the current of the same one (and is answered by silence without a MEAS before it).
  constexpr std::string_view question = "MEAS:VOLT?;:FETC:CURR?;:OUTP?;:STAT:OPER:COND?;:STAT:QUES:COND?";
  TimePoint asked = time_.now();
  Result<std::string> reply = co_await ask(*call, question);
  if (!reply && reply.error().fault == Fault::link_lost && call->epoch == epoch_ && time_.now() < deadline.at) {
    asked = time_.now();
    reply = co_await ask(*call, question);
  }
  if (!reply) co_return reply.error();
  const Result<CyclerReadings> readings = keysight_n6900::decode_measurement(*reply, model_, midpoint(asked, time_.now()));
  if (!readings) co_return misunderstood(readings.error());
  co_return readings;
}

Task<Result<InstrumentIdentity>> KeysightN6900Cycler::identify(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  const Result<void> standing_by = co_await stop_.connect(deadline);
  if (call->epoch != epoch_) co_return stopped();
  if (!standing_by) co_return standing_by.error();
  const Result<std::string> reply = co_await ask(*call, "*IDN?");
  if (!reply) co_return reply.error();
  const Result<InstrumentIdentity> identity = scpi::parse_identity(*reply);
  if (!identity) co_return misunderstood(identity.error());
  if (identity->model != model_.idn_model) co_return refused("the instrument calls itself '" + identity->model + "'");
  const Result<Values> limits = co_await ask_values(*call, "CURR:LIM? MAX;:CURR:LIM:NEG? MIN", 2);
  if (!limits) co_return limits.error();
  const Result<double> positive = scpi::parse_setting((*limits)[0]);
  const Result<double> negative = scpi::parse_setting((*limits)[1]);
  if (!positive) co_return misunderstood(positive.error());
  if (!negative) co_return misunderstood(negative.error());
  // How far it can sink depends on the dissipators that are connected.
  if (*positive < model_.capabilities.charge_current_max.value() - current_tolerance ||
      -*negative < model_.capabilities.discharge_current_max.value() - current_tolerance) {
    co_return refused("its current limits are narrower than the model file says; is a dissipator missing?");
  }
  co_return identity;
}

Task<Result<void>> KeysightN6900Cycler::require_no_trip(Call call) {
  const Result<Values> values = co_await ask_values(call, "STAT:QUES:COND?", 1);
  if (!values) co_return values.error();
  const Result<int> questionable = scpi::parse_integer((*values)[0]);
  if (!questionable) co_return misunderstood(questionable.error());
  const std::uint32_t tripped = static_cast<std::uint32_t>(*questionable) & model_.trip_mask;
  if (tripped == 0) co_return Result<void>{};
  co_return fail(Fault::device_fault, model_.capabilities.model + ": tripped: " + keysight_n6900::trip_cause(tripped) +
                                          "; a person must acknowledge it");
}

/// A change of priority turns the output off and resets every setting, so it comes before all of them, with the output off.
Task<Result<void>> KeysightN6900Cycler::require_voltage_priority(Call call) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Result<Values> values = co_await ask_values(call, "OUTP?;:FUNC?", 2);
    if (!values) co_return values.error();
    const Result<bool> on = scpi::parse_boolean((*values)[0]);
    if (!on) co_return misunderstood(on.error());
    if (*on) co_return refused("the output is on; protections are armed with the output off");
    if ((*values)[1] == "VOLT") co_return Result<void>{};
    const Result<void> done = co_await command(call, "FUNC VOLT");
    if (!done) co_return done;
  }
  co_return refused("it does not enter voltage priority");
}

Task<Result<void>> KeysightN6900Cycler::arm(const Protections& protections, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  armed_.reset();
  const Result<keysight_n6900::ProtectionPlan> plan = keysight_n6900::plan_protections(protections, model_);
  if (!plan) co_return plan.error();
  Result<void> done = co_await stop_.connect(deadline);
  if (call.epoch != epoch_) co_return stopped();
  if (done) done = co_await require_no_trip(call);
  if (done) done = co_await require_voltage_priority(call);
  if (done) done = co_await program_protections(call, *plan);
  if (done) done = co_await verify_protections(call, *plan);
  if (!done) co_return done;
  armed_ = Armed{protections, *plan};
  co_return Result<void>{};
}

Task<Result<void>> KeysightN6900Cycler::program_protections(Call call, const keysight_n6900::ProtectionPlan& plan) {
  const std::string least = format_number(model_.capabilities.current_limit_min.value(), digits);
  const std::array<std::string, 3> steps{"CURR:LIM " + least + ";:CURR:LIM:NEG -" + least,
                                         "VOLT:PROT " + format_number(plan.over_voltage_V, digits) +
                                             ";:OUTP:PROT:MODE HIGHZ;:CURR:PROT:STAT " +
                                             (model_.over_current_trips_in_limit ? "1" : "0") + ";:OUTP:PON:STAT RST",
                                         "OUTP:PROT:WDOG:DEL " + std::to_string(plan.watchdog_s) + ";:OUTP:PROT:WDOG 1"};
  for (const std::string& step : steps) {
    const Result<void> done = co_await command(call, step);
    if (!done) co_return done;
  }
  co_return Result<void>{};
}

Task<Result<void>> KeysightN6900Cycler::verify_protections(Call call, const keysight_n6900::ProtectionPlan& plan) {
  constexpr std::string_view question =
      "FUNC?;:OUTP:PROT:MODE?;:VOLT:PROT?;:CURR:PROT:STAT?;:OUTP:PROT:WDOG:DEL?;:OUTP:PROT:WDOG?;:OUTP:PON:STAT?";
  const Result<Values> values = co_await ask_values(call, question, 7);
  if (!values) co_return values.error();
  const Result<double> over_voltage = scpi::parse_setting((*values)[2]);
  const Result<bool> over_current = scpi::parse_boolean((*values)[3]);
  const Result<double> delay = scpi::parse_setting((*values)[4]);
  const Result<bool> watchdog = scpi::parse_boolean((*values)[5]);
  if (!over_voltage) co_return misunderstood(over_voltage.error());
  if (!over_current) co_return misunderstood(over_current.error());
  if (!delay) co_return misunderstood(delay.error());
  if (!watchdog) co_return misunderstood(watchdog.error());
  std::string wrong;
  if ((*values)[0] != "VOLT") wrong = "it is not in voltage priority";
  if ((*values)[1] != "HIGHZ") wrong = "it would shut down with low impedance and load the cell";
  const bool guards =
      *over_voltage <= plan.over_voltage_V + voltage_tolerance && *over_voltage >= plan.over_voltage_V - over_voltage_step;
  if (!guards) wrong = "over-voltage protection is " + (*values)[2];
  if (*over_current != model_.over_current_trips_in_limit) wrong = "over-current protection is " + (*values)[3];
  if (!is_near(*delay, plan.watchdog_s, 0.5)) wrong = "the watchdog's delay is " + (*values)[4];
  if (!*watchdog) wrong = "the watchdog is not armed";
  if ((*values)[6] != "RST") wrong = "it would not come up with the output off";
  if (wrong.empty()) co_return Result<void>{};
  armed_.reset();
  co_return refused(wrong);
}

Task<Result<void>> KeysightN6900Cycler::apply(const Setpoint& setpoint, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  if (!armed_) co_return refused("protections are not armed");
  const Result<keysight_n6900::Settings> settings = keysight_n6900::plan_setpoint(setpoint, model_, armed_->protections);
  if (!settings) co_return settings.error();
  Result<void> done = co_await require_no_trip(call);
  if (!done) co_return done;
  // A *RST or a restart may have undone them, with or without a new connection.
  const keysight_n6900::ProtectionPlan plan = armed_->plan;
  done = co_await verify_protections(call, plan);
  if (!done) co_return done;
  last_current_ = std::max(last_current_, settings->current_max);  // the old one may still flow
  done = co_await write_settings(call, *settings);
  if (done) done = co_await verify_settings(call, *settings);
  if (done) done = co_await switch_on(call);
  if (done) last_current_ = settings->current_max;
  co_return done;
}

// One write a message, so that the place where it stops is known: least limits, then the voltage, then the limits wanted.
Task<Result<void>> KeysightN6900Cycler::write_settings(Call call, const keysight_n6900::Settings& settings) {
  const std::string least = format_number(model_.capabilities.current_limit_min.value(), digits);
  const std::array<std::string, 5> steps{"CURR:LIM " + least, "CURR:LIM:NEG -" + least,
                                         "VOLT " + format_number(settings.voltage.value(), digits),
                                         "CURR:LIM " + format_number(settings.limit_positive.value(), digits),
                                         "CURR:LIM:NEG -" + format_number(settings.limit_negative.value(), digits)};
  for (const std::string& step : steps) {
    const Result<void> done = co_await command(call, step);
    if (!done) co_return done;
  }
  co_return Result<void>{};
}

Task<Result<void>> KeysightN6900Cycler::verify_settings(Call call, const keysight_n6900::Settings& settings) {
  const Result<Values> values = co_await ask_values(call, "FUNC?;:VOLT?;:CURR:LIM?;:CURR:LIM:NEG?", 4);
  if (!values) co_return values.error();
  const Result<double> voltage = scpi::parse_setting((*values)[1]);
  const Result<double> positive = scpi::parse_setting((*values)[2]);
  const Result<double> negative = scpi::parse_setting((*values)[3]);
  if (!voltage) co_return misunderstood(voltage.error());
  if (!positive) co_return misunderstood(positive.error());
  if (!negative) co_return misunderstood(negative.error());
  const bool agrees = (*values)[0] == "VOLT" && is_near(*voltage, settings.voltage.value(), voltage_tolerance) &&
                      is_near(*positive, settings.limit_positive.value(), current_tolerance) &&
                      is_near(*negative, -settings.limit_negative.value(), current_tolerance);
  if (!agrees) co_return refused("it does not hold the set-point it was given");
  co_return Result<void>{};
}

Task<Result<void>> KeysightN6900Cycler::switch_on(Call call) {
  bool must_write = true;
  while (true) {
    const Result<Values> values = co_await ask_values(call, "OUTP?;:STAT:QUES:COND?", 2);
    if (!values) co_return values.error();
    const Result<bool> on = scpi::parse_boolean((*values)[0]);
    const Result<int> questionable = scpi::parse_integer((*values)[1]);
    if (!on) co_return misunderstood(on.error());
    if (!questionable) co_return misunderstood(questionable.error());
    const std::uint32_t tripped = static_cast<std::uint32_t>(*questionable) & model_.trip_mask;
    if (tripped != 0) {
      co_return fail(Fault::device_fault, model_.capabilities.model + ": tripped: " + keysight_n6900::trip_cause(tripped));
    }
    if (*on) co_return Result<void>{};
    if (must_write) {
      const Result<void> done = co_await command(call, "OUTP 1");
      if (!done) co_return done;
      must_write = false;
      continue;
    }
    const Result<void> paused = co_await pause(call, state_poll);
    if (!paused) co_return fail(paused.error().fault, model_.capabilities.model + ": the output does not go on");
  }
}

// The stop session first, then the main one, in turn until one of them confirms.
Task<Result<void>> KeysightN6900Cycler::output_off(Deadline deadline) {
  const CallScope stopping{stopping_};
  ++epoch_;
  if (calls_ > 0) main_.cut();
  Result<void> done = fail(Fault::timeout, model_.capabilities.model + ": no time was left to turn the output off");
  bool by_stop_session = true;
  while (time_.now() < deadline.at) {
    const TimePoint started = time_.now();
    const Deadline attempt{std::min(deadline.at, started + model_.attempt_timeout)};
    ScpiSession& session = by_stop_session ? stop_ : main_;
    done = co_await off_by(session, attempt);
    if (done) break;
    by_stop_session = !by_stop_session;
    const TimePoint next_attempt = std::min(deadline.at, started + retry_pause);
    if (time_.now() < next_attempt) co_await time_.sleep_until(next_attempt);
  }
  if (done) last_current_ = Amps{0.0};
  co_return done;
}

Task<Result<void>> KeysightN6900Cycler::off_by(ScpiSession& session, Deadline deadline) {
  bool must_write = true;
  while (true) {
    if (must_write) {
      const Result<std::string> complete = co_await session.query("OUTP 0;*OPC?", deadline);
      if (!complete) co_return complete.error();
    }
    const Result<std::string> reply = co_await session.query("OUTP?;:MEAS:CURR?", deadline);
    if (!reply) co_return reply.error();
    const Result<std::vector<std::string_view>> values = scpi::split_reply(*reply, 2);
    const Result<bool> on = values ? scpi::parse_boolean((*values)[0]) : Result<bool>{values.error()};
    const Result<scpi::Number> current = values ? scpi::parse_number((*values)[1]) : Result<scpi::Number>{values.error()};
    if (!on || !current) {
      session.cut();
      co_return on ? current.error() : on.error();
    }
    const bool current_is_gone = current->quality == Quality::good && std::abs(current->value) < off_current_threshold().value();
    if (!*on && current_is_gone) co_return Result<void>{};
    must_write = *on;
    const TimePoint next_look = time_.now() + state_poll;
    if (next_look >= deadline.at) {
      co_return fail(Fault::device_fault, model_.capabilities.model +
                                              (*on ? ": the output does not go off" : ": the output is off, but current flows"));
    }
    co_await time_.sleep_until(next_look);
  }
}

Task<Result<void>> KeysightN6900Cycler::acknowledge_trip(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  armed_.reset();
  Result<void> done = co_await require_voltage_priority(*call);
  if (done) done = co_await command(*call, "OUTP:PROT:CLE");
  if (done) done = co_await require_no_trip(*call);
  co_return done;
}

Task<Result<void>> KeysightN6900Cycler::release(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  Result<void> done = co_await require_voltage_priority(*call);  // and the output off
  if (!done) co_return done;
  armed_.reset();
  done = co_await command(*call, "OUTP:PROT:WDOG 0");
  if (!done) co_return done;
  const Result<Values> values = co_await ask_values(*call, "OUTP:PROT:WDOG?", 1);
  if (!values) co_return values.error();
  const Result<bool> watchdog = scpi::parse_boolean((*values)[0]);
  if (!watchdog) co_return misunderstood(watchdog.error());
  if (*watchdog) co_return refused("the watchdog stays armed");
  main_.cut();
  stop_.cut();
  co_return Result<void>{};
}

Amps KeysightN6900Cycler::off_current_threshold() const {
  // 1 % of the set-point, but never less than what the instrument itself may show at no current.
  const double floor_A =
      model_.capabilities.current_accuracy.bound_at(0.0) + 2.0 * model_.capabilities.current_resolution.value();
  return std::max(Amps{0.01 * last_current_.value()}, Amps{floor_A});
}

}  // namespace cellrig
