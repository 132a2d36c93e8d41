#include "drivers/instruments/scpi_cycler.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cellrig {
namespace {

constexpr std::string_view trip_question = "STAT:QUES:COND?";

}  // namespace

Reading reading_of(const scpi::Number& number, TimePoint at) {
  return Reading{.value = number.value, .at = at, .quality = number.quality};
}

std::string names_of_bits(std::uint32_t bits, std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (((bits >> i) & 1U) != 0) text += (text.empty() ? "" : ", ") + std::string(names[i]);
  }
  return text.empty() ? "unknown" : text;
}

ScpiCycler::ScpiCycler(TimeSource& time, std::unique_ptr<ByteStream> scpi, std::unique_ptr<ByteStream> stop_session,
                       ScpiCyclerModel model, ScpiDialect dialect)
    : CyclerCore{time, std::move(model.capabilities), model.attempt_timeout},
      main_stream_{std::move(scpi)},
      stop_stream_{std::move(stop_session)},
      main_{time, *main_stream_, model.session},
      trip_mask_{model.trip_mask},
      idn_model_{std::move(model.idn_model)},
      command_pause_{model.command_pause},
      dialect_{std::move(dialect)} {
  if (stop_stream_) stop_.emplace(time, *stop_stream_, model.session);
}

Error ScpiCycler::misunderstood(Error error) {
  main_.cut();
  in_force_.clear();
  return error;
}

Error ScpiCycler::tripped(std::uint32_t bits, std::string_view more) const {
  return failure(Fault::protection_tripped, "tripped: " + trip_cause(bits) + std::string(more));
}

Task<Result<std::string>> ScpiCycler::ask(Call call, std::string_view message) {
  if (is_stopped(call)) co_return stopped();
  const Result<std::string> reply = co_await main_.query(message, call.deadline);
  if (is_stopped(call)) co_return stopped();
  co_return reply;
}

Task<Result<ScpiCycler::Values>> ScpiCycler::ask_values(Call call, std::string_view message, std::size_t count) {
  Result<std::string> reply = co_await ask(call, message);
  if (!reply && may_ask_again(call, reply.error().fault)) reply = co_await ask(call, message);
  if (!reply) co_return reply.error();
  const Result<std::vector<std::string_view>> values = scpi::split_reply(*reply, count);
  if (!values) co_return misunderstood(values.error());
  co_return Values{values->begin(), values->end()};
}

/// In one message, where the make is known to take that.
Task<Result<ScpiCycler::Values>> ScpiCycler::ask_all(Call call, const std::vector<std::string>& questions) {
  if (!dialect_.has_single_questions) {
    std::string message;
    for (const std::string& question : questions) message += (message.empty() ? "" : ";:") + question;
    co_return co_await ask_values(call, message, questions.size());
  }
  Values all;
  for (const std::string& question : questions) {
    const Result<Values> one = co_await ask_values(call, question, 1);
    if (!one) co_return one.error();
    all.push_back(one->front());
  }
  co_return all;
}

/// A command, and a common query for a reply. What it did is read back by a message of its own.
Task<Result<void>> ScpiCycler::command(Call call, std::string_view text) {
  std::string message{text};
  message += ';' + dialect_.sync;
  const Result<std::string> reply = co_await ask(call, message);
  if (!reply) co_return reply.error();
  const Result<int> complete = scpi::parse_integer(*reply);
  if (!complete) co_return misunderstood(complete.error());
  if (command_pause_ > Duration::zero()) co_return co_await pause(call, command_pause_);
  co_return Result<void>{};
}

/// One a message, so that the place where it stops is known.
Task<Result<void>> ScpiCycler::write(Call call, const scpi::Settings& settings) {
  for (const scpi::Setting& setting : settings) {
    const std::string text = scpi::command_of(setting);
    const Result<void> done = co_await command(call, text);
    if (!done) co_return done;
  }
  co_return Result<void>{};
}

Task<Result<void>> ScpiCycler::verify(Call call, const scpi::Settings& settings) {
  std::vector<std::string> questions;
  for (const scpi::Setting& setting : settings) questions.push_back(setting.header + '?');
  const Result<Values> values = co_await ask_all(call, questions);
  if (!values) co_return values.error();
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const Result<bool> held = scpi::is_held(settings[i], (*values)[i]);
    if (!held) co_return misunderstood(held.error());
    if (!*held) co_return refused("it does not hold " + scpi::command_of(settings[i]) + " but " + (*values)[i]);
  }
  co_return Result<void>{};
}

Task<Result<CyclerReadings>> ScpiCycler::measure(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  TimePoint asked = time_.now();
  Result<std::string> reply = co_await ask(*call, dialect_.measurement);
  if (!reply && may_ask_again(*call, reply.error().fault)) {
    asked = time_.now();
    reply = co_await ask(*call, dialect_.measurement);
  }
  if (!reply) co_return reply.error();
  const Result<CyclerReadings> readings = decode_measurement(*reply, midpoint(asked, time_.now()));
  if (!readings) co_return misunderstood(readings.error());
  co_return readings;
}

Task<Result<void>> ScpiCycler::stand_by(Call call) {
  if (!stop_) co_return Result<void>{};
  const Result<void> connected = co_await stop_->connect(call.deadline);
  if (is_stopped(call)) co_return stopped();
  co_return connected;
}

Task<Result<InstrumentIdentity>> ScpiCycler::identify(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  const Result<void> standing_by = co_await stand_by(*call);
  if (!standing_by) co_return standing_by.error();
  const Result<std::string> reply = co_await ask(*call, "*IDN?");
  if (!reply) co_return reply.error();
  const Result<InstrumentIdentity> identity = scpi::parse_identity(*reply);
  if (!identity) co_return misunderstood(identity.error());
  const bool is_it = dialect_.idn_may_go_on ? identity->model.starts_with(idn_model_) : identity->model == idn_model_;
  if (!is_it) co_return refused("the instrument calls itself '" + identity->model + "'");
  const Result<void> able = co_await check_ratings(*call);
  if (!able) co_return able.error();
  co_return identity;
}

Task<Result<void>> ScpiCycler::take_control(Call call) {
  if (dialect_.take_control.empty()) co_return Result<void>{};
  Result<void> done = co_await command(call, dialect_.take_control);
  if (!dialect_.has_control) co_return done;
  const scpi::Settings control{*dialect_.has_control};
  while (done) {
    done = co_await verify(call, control);
    if (done || done.error().fault != Fault::refused) co_return done;
    done = co_await pause(call, state_poll);  // the owner's read-back lags
  }
  co_return done;
}

Task<Result<void>> ScpiCycler::require_no_trip(Call call) {
  const Result<Values> values = co_await ask_values(call, trip_question, 1);
  if (!values) co_return values.error();
  const Result<int> questionable = scpi::parse_integer((*values)[0]);
  if (!questionable) co_return misunderstood(questionable.error());
  const std::uint32_t bits = static_cast<std::uint32_t>(*questionable) & trip_mask_;
  if (bits != 0) co_return tripped(bits, "; a person must acknowledge it");
  co_return Result<void>{};
}

Task<Result<void>> ScpiCycler::require_off(Call call) {
  const Result<Values> values = co_await ask_values(call, "OUTP?", 1);
  if (!values) co_return values.error();
  const Result<bool> on = scpi::parse_boolean((*values)[0]);
  if (!on) co_return misunderstood(on.error());
  if (*on) co_return refused("the output is on; this is done with the output off");
  co_return Result<void>{};
}

/// A change of priority resets or rewrites other settings, so it comes before all of them, with the output off. What is as it
/// should be is not written.
Task<Result<void>> ScpiCycler::require_regime(Call call) {
  Result<void> done = co_await require_off(call);
  if (!done) co_return done;
  for (const scpi::Setting& setting : dialect_.regime) {
    const scpi::Settings one{setting};
    done = co_await verify(call, one);
    if (done) continue;
    if (done.error().fault != Fault::refused) co_return done;
    done = co_await write(call, one);
    if (!done) co_return done;
  }
  co_return co_await verify(call, dialect_.regime);
}

Task<Result<void>> ScpiCycler::arm(const Protections& protections, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  armed_.reset();
  in_force_.clear();
  const Result<ProtectionPlan> plan = plan_protections(protections);
  if (!plan) co_return plan.error();
  const Armed wanted{protections, plan->guards};
  Result<void> done = co_await stand_by(call);
  if (done) done = co_await require_no_trip(call);
  if (done) done = co_await require_off(call);
  if (done) done = co_await take_control(call);
  if (done) done = co_await require_regime(call);
  if (done) done = co_await write(call, plan->idle);
  if (done) done = co_await write(call, plan->guards);
  if (done) done = co_await verify(call, dialect_.regime);
  if (done) done = co_await verify(call, plan->guards);
  if (!done) co_return done;
  armed_ = wanted;
  co_return Result<void>{};
}

Task<Result<void>> ScpiCycler::apply(const Setpoint& setpoint, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  if (!armed_) co_return refused("protections are not armed");
  const Result<SetpointPlan> plan = plan_setpoint(setpoint, armed_->protections);
  if (!plan) co_return plan.error();
  Result<void> done = co_await require_no_trip(call);
  if (!done) co_return done;
  // With or without a new connection.
  scpi::Settings standing = dialect_.regime;
  if (dialect_.has_control) standing.push_back(*dialect_.has_control);
  standing.insert(standing.end(), armed_->guards.begin(), armed_->guards.end());
  done = co_await verify(call, standing);
  if (!done) {
    if (done.error().fault == Fault::refused) armed_.reset();
    co_return done;
  }
  current_may_reach(plan->current_max);
  const scpi::Settings last = scpi::last_of_each(plan->steps);
  const scpi::Settings steps = steps_from_here(plan->steps, last);
  in_force_.clear();
  if (!steps.empty()) done = co_await write(call, steps);
  scpi::Settings wanted = dialect_.regime;
  wanted.insert(wanted.end(), last.begin(), last.end());
  if (done) done = co_await verify(call, wanted);
  if (done) done = co_await switch_on(call);
  if (!done) co_return done;
  in_force_ = last;
  current_is_bounded_by(plan->current_max);
  co_return done;
}

/// Another current or power under the voltage that is held is one write, or none where the instrument's digits are the same, and what
/// flows is not interrupted. Everything else goes by way of the least currents.
scpi::Settings ScpiCycler::steps_from_here(const scpi::Settings& steps, const scpi::Settings& last) const {
  if (in_force_.empty()) return steps;
  const scpi::Settings different = scpi::changed(in_force_, last);
  if (different.empty()) return different;
  const bool is_one_bound =
      different.size() == 1 && different.front().header != "VOLT" && different.front().kind == scpi::Setting::Kind::number;
  return is_one_bound ? different : steps;
}

Task<Result<void>> ScpiCycler::switch_on(Call call) {
  const std::vector<std::string> questions{"OUTP?", std::string(trip_question)};
  bool must_write = true;
  while (true) {
    const Result<Values> values = co_await ask_all(call, questions);
    if (!values) co_return values.error();
    const Result<bool> on = scpi::parse_boolean((*values)[0]);
    const Result<int> questionable = scpi::parse_integer((*values)[1]);
    if (!on) co_return misunderstood(on.error());
    if (!questionable) co_return misunderstood(questionable.error());
    const std::uint32_t bits = static_cast<std::uint32_t>(*questionable) & trip_mask_;
    if (bits != 0) co_return tripped(bits, "");
    if (*on) co_return Result<void>{};
    if (must_write) {
      const Result<void> done = co_await command(call, dialect_.on);
      if (!done) co_return done;
      must_write = false;
      continue;
    }
    const Result<void> paused = co_await pause(call, state_poll);
    if (!paused) co_return failure(paused.error().fault, "the output does not go on");
  }
}

Task<Result<void>> ScpiCycler::acknowledge_trip(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  armed_.reset();
  Result<void> done = co_await require_off(*call);
  if (done) done = co_await take_control(*call);
  if (done) done = co_await require_regime(*call);
  if (done) done = co_await clear_trip(*call);
  co_return done;
}

Task<Result<void>> ScpiCycler::clear_trip(Call call) {
  Result<void> done;
  if (dialect_.clear_trip_question.empty()) {
    done = co_await command(call, dialect_.clear_trip);
  } else {
    const Result<std::string> cleared = co_await ask(call, dialect_.clear_trip_question);
    if (!cleared) done = cleared.error();
  }
  if (!done) co_return done;
  const TimePoint settled = time_.now() + dialect_.trip_clears_within;
  while (true) {
    done = co_await require_no_trip(call);
    if (done || done.error().fault != Fault::protection_tripped || time_.now() >= settled) co_return done;
    done = co_await pause(call, state_poll);
    if (!done) co_return done;
  }
}

Task<Result<void>> ScpiCycler::release(Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> call = begin(deadline);
  if (!call) co_return call.error();
  Result<void> done = co_await require_off(*call);
  if (!done) co_return done;
  armed_.reset();
  done = co_await take_control(*call);
  if (done) done = co_await write(*call, dialect_.unwatch);
  if (done) done = co_await verify(*call, dialect_.unwatch);
  if (done && !dialect_.give_back.empty()) done = co_await command(*call, dialect_.give_back);
  if (!done) co_return done;
  hang_up();
  co_return Result<void>{};
}

// Nothing is in flight: this only closes what others may want to open.
void ScpiCycler::hang_up() noexcept {
  main_.cut();
  if (stop_) stop_->cut();
}

// ---- OFF

Task<Result<void>> ScpiCycler::off_by(int path, Deadline attempt) {
  in_force_.clear();
  ScpiSession& session = path == 0 && stop_ ? *stop_ : main_;
  bool may_lack_control = false;
  while (true) {
    if (may_lack_control && !dialect_.take_control.empty()) {
      const Result<void> taken = co_await session.send(dialect_.take_control, command_pause_, attempt);
      if (!taken) co_return taken;
    }
    // Again in every round: an instrument that says "off" while current flows may have come on behind its own back.
    const Result<void> written = co_await write_off(session, attempt);
    if (!written) co_return written;
    const Result<OffState> state = co_await ask_off_state(session, attempt);
    if (!state && state.error().fault == Fault::malformed) session.cut();
    if (!state) co_return state.error();
    if (!state->is_on && state->current_is_gone) co_return Result<void>{};
    may_lack_control = state->is_on;
    const TimePoint next_look = time_.now() + state_poll;
    if (next_look >= attempt.at) {
      co_return failure(Fault::device_fault,
                        state->is_on ? "the output does not go off" : "the output is off, but current flows");
    }
    co_await time_.sleep_until(next_look);
  }
}

Task<Result<void>> ScpiCycler::write_off(ScpiSession& session, Deadline deadline) {
  if (dialect_.off_in_single_messages) co_return co_await session.send(dialect_.off, command_pause_, deadline);
  const std::string off = dialect_.off + ';' + dialect_.sync;
  const Result<std::string> complete = co_await session.query(off, deadline);
  if (!complete) co_return complete.error();
  co_return Result<void>{};
}

Task<Result<ScpiCycler::OffState>> ScpiCycler::ask_off_state(ScpiSession& session, Deadline deadline) {
  if (dialect_.off_in_single_messages) {
    const Result<std::string> output = co_await session.query("OUTP?", deadline);
    if (!output) co_return output.error();
    const Result<std::string> current = co_await session.query("MEAS:CURR?", deadline);
    if (!current) co_return current.error();
    co_return decode_off_state(*output, *current);
  }
  const Result<std::string> reply = co_await session.query("OUTP?;:MEAS:CURR?", deadline);
  if (!reply) co_return reply.error();
  const Result<std::vector<std::string_view>> values = scpi::split_reply(*reply, 2);
  if (!values) co_return values.error();
  co_return decode_off_state((*values)[0], (*values)[1]);
}

Result<ScpiCycler::OffState> ScpiCycler::decode_off_state(std::string_view output, std::string_view current) const {
  const Result<bool> on = scpi::parse_boolean(output);
  if (!on) return on.error();
  const Result<scpi::Number> amps = scpi::parse_number(current, dialect_.current_unit);
  if (!amps) return amps.error();
  const bool is_gone = amps->quality == Quality::good && std::abs(amps->value) < off_current_threshold().value();
  return OffState{.is_on = *on, .current_is_gone = is_gone};
}

}  // namespace cellrig
