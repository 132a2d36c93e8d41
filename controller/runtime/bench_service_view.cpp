// BenchService: what clients see, and who is told.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "controller/base/config_error.hpp"
#include "controller/runtime/bench_service.hpp"
#include "controller/runtime/chamber_rules.hpp"

namespace cellrig {
namespace {

AlarmSeverity alarm_severity(db::Severity severity) {
  switch (severity) {
    case db::Severity::info:
    case db::Severity::warning: return AlarmSeverity::warning;
    case db::Severity::alarm: return AlarmSeverity::alarm;
    case db::Severity::trip: return AlarmSeverity::trip;
  }
  return AlarmSeverity::alarm;
}

CheckLine line_of(const std::string& check, const Ruling& ruling) {
  const bool is_refused = ruling.kind == Ruling::Kind::refused;
  const bool is_good = ruling.kind == Ruling::Kind::good;
  return {check,
          is_refused ? CheckLine::State::refused
          : is_good  ? CheckLine::State::ok
                     : CheckLine::State::warning,
          is_good ? "good" : ruling.text};
}

CheckLine within(const std::string& check, const std::string& unit, const Reading& reading, double least, double most) {
  if (!reading.usable()) return {check, CheckLine::State::warning, "not known yet"};
  const std::string text = fmt::format("{:.3f} {}, allowed are {:g} to {:g} {}", reading.value, unit, least, most, unit);
  const bool is_good = reading.value >= least && reading.value <= most;
  return {check, is_good ? CheckLine::State::ok : CheckLine::State::refused, text};
}

}  // namespace

// ---- what is seen ---------------------------------------------------------------------------------------------------

BenchStatus BenchService::bench() const {
  BenchStatus status = options_.status;
  status.now = time_.utc_now();
  status.control_period = options_.run.channel.control_period;
  status.alarm_count = alarms_.open_count();
  status.is_ending = stop_requested_.has_value();
  return status;
}

ChannelStatus BenchService::status_of(const Place& place) const {
  ChannelStatus status = channel_status(place, time_.now(), time_.utc_now());
  const ChamberTask* const chamber = bench_.chamber(place.config.chamber);
  if (chamber == nullptr) return status;
  const std::optional<Reading> actual = chamber->look().actual;
  if (actual && actual->usable()) status.chamber_temperature_degC = actual->value;
  return status;
}

std::vector<ChannelStatus> BenchService::channels() const {
  std::vector<ChannelStatus> all;
  for (const std::unique_ptr<Place>& place : places_) all.push_back(status_of(*place));
  return all;
}

ControlResult<ChannelStatus> BenchService::channel(const std::string& name) const {
  const Place* const place = find(name);
  if (place == nullptr) return no_such_channel(name);
  return status_of(*place);
}

ChamberStatus BenchService::status_of(const ChamberTask& chamber) const {
  const ChamberLook look = chamber.look();
  ChamberStatus status{.chamber = chamber.name(),
                       .is_running = look.is_running,
                       .is_not_safe = look.is_not_stopped,
                       .held_by = look.held_by,
                       .is_tripped = look.is_tripped};
  if (look.setpoint) status.setpoint_degC = look.setpoint->value();
  if (look.actual) status.age = time_.now() - look.actual->at;
  if (look.actual && look.actual->usable()) status.actual_degC = look.actual->value;
  for (const ChamberLook::Waiting& waiting : look.waiting)
    status.waiting.push_back({waiting.channel, waiting.temperature.value(), waiting.why});
  return status;
}

std::vector<ChamberStatus> BenchService::chambers() const {
  std::vector<ChamberStatus> all;
  for (const std::unique_ptr<ChamberTask>& chamber : bench_.chambers()) all.push_back(status_of(*chamber));
  return all;
}

ControlResult<ChamberStatus> BenchService::chamber(const std::string& name) const {
  if (const ChamberTask* const its = bench_.chamber(name)) return status_of(*its);
  std::vector<std::string> known;
  for (const ChamberConfig& config : config_.chambers) known.push_back(config.name);
  return ControlError{.fault = ControlFault::not_found,
                      .message = "no chamber '" + name + "'" + suggestion(name, known),
                      .where = "chamber",
                      .nearest = nearest_word(name, known)};
}

// ---- what a start would say -----------------------------------------------------------------------------------------

void BenchService::preflight(StartOrder order, ControlReply<std::vector<CheckLine>> reply) {
  Place* const place = find(order.channel);
  if (place == nullptr) return reply(no_such_channel(order.channel));
  if (stop_requested_) return reply(ControlError{.fault = ControlFault::ending, .message = "the bench is being closed"});
  tasks_.spawn(preflight_aside(*place, std::move(order), std::move(reply)));
}

Task<void> BenchService::preflight_aside(Place& place, StartOrder order, ControlReply<std::vector<CheckLine>> reply) {
  const auto prepared = std::make_shared<ControlResult<PreparedStart>>(ControlError{});
  PrepareContext context = prepare_context(place, false);
  const std::function<void()> prepare = [prepared, make = options_.prepare, order, context] { *prepared = make(order, context); };
  co_await bench_.aside(prepare);
  std::vector<CheckLine> lines;
  if (const ControlResult<void> allowed = may_start(place); !allowed)
    lines.push_back({"channel", CheckLine::State::refused, allowed.error().message});
  if (*prepared) {
    lines.insert(lines.end(), (**prepared).lines.begin(), (**prepared).lines.end());
    add_lines_now(place, *(**prepared).program, lines);
    reply(std::move(lines));
    co_return;
  }
  // What the profile is refused for is an answer, not a failure of the question; a name that is nobody's is.
  const ControlError& error = prepared->error();
  if (error.fault == ControlFault::not_found || error.fault == ControlFault::bad_input) {
    reply(error);
    co_return;
  }
  lines.push_back(
      {"profile", CheckLine::State::refused, error.where.empty() ? error.message : error.where + ": " + error.message});
  reply(std::move(lines));
}

/// From what is known without asking any instrument.
void BenchService::add_lines_now(const Place& place, const Program& program, std::vector<CheckLine>& lines) const {
  const Observation& seen = place.watch->observation();
  const SafetyLimits limits = tighter(program.limits, place.config.limits);
  if (!place.is_busy()) {
    lines.push_back(place.watch->is_known_off()
                        ? CheckLine{"output", CheckLine::State::ok, "off, confirmed"}
                        : CheckLine{"output", CheckLine::State::warning, "OFF has to be confirmed first"});
    // A contactor stands open between two runs: what the cycler measures then is not the cell. The start closes it and measures before anything flows.
    lines.push_back(
        place.config.contactor
            ? CheckLine{"cell voltage", CheckLine::State::warning, "behind the open contactor: the start measures it first"}
            : within("cell voltage", "V", seen[Measurand::voltage], limits.voltage_min.value(), limits.voltage_max.value()));
  }
  if (place.config.cell_temperature) {
    lines.push_back(within("cell temperature", "degC", seen[Measurand::cell_temperature], limits.cell_temperature_min.value(),
                           limits.cell_temperature_max.value()));
  } else {
    lines.push_back(
        {"cell temperature", CheckLine::State::warning, "no thermocouple on the cell: nothing guards its temperature"});
  }
  if (!place.config.interlocks.empty()) {
    const Reading& interlock = seen[Measurand::interlock];
    const bool is_closed = interlock.usable() && interlock.value >= 1.0;
    lines.push_back(
        {"interlock", is_closed ? CheckLine::State::ok : CheckLine::State::refused, is_closed ? "closed" : "open or unknown"});
  }
  const Result<void> disk = bench_.enough_disk();
  lines.push_back({"disk", disk ? CheckLine::State::ok : CheckLine::State::refused, disk ? "good" : disk.error().what});
  if (options_.run.judge_calibration) {
    for (const std::string& name : instruments_of(config_, place.config))
      lines.push_back(line_of("calibration of " + name, judge_calibration(config_.instruments.at(name), time_.utc_now())));
    const Ruling undated = judge_undated(config_, place.config, options_.run.proof_rule == ProofRule::require);
    if (undated.kind != Ruling::Kind::good) lines.push_back(line_of("calibration", undated));
  }
  std::vector<ChamberGuest> guests{{&place.config, &program}};
  for (const BenchJob* const there : bench_.jobs()) {
    if (&there->config != &place.config && !there->runner->has_ended()) guests.push_back({&there->config, there->job.program});
  }
  for (const ChamberRuling& said : judge_chambers(config_, guests, {})) {
    if (said.guest == 0 || said.ruling.kind == Ruling::Kind::refused) lines.push_back(line_of("chamber", said.ruling));
  }
}

// ---- who is told ----------------------------------------------------------------------------------------------------

void BenchService::add_watcher(BenchWatcher& watcher) { watchers_.push_back(&watcher); }
void BenchService::remove_watcher(BenchWatcher& watcher) { std::erase(watchers_, &watcher); }

void BenchService::changed(const Place& place) {
  for (BenchWatcher* const watcher : watchers_) watcher->channel_changed(place.config.name);
}

void BenchService::tell_run(std::int64_t run) {
  for (BenchWatcher* const watcher : watchers_) watcher->run_changed(run);
}

void BenchService::raise(AlarmStatus alarm) {
  alarm.raised = time_.utc_now();
  // That somebody looked after an earlier trip of this run says nothing of this one.
  if (alarm.severity == AlarmSeverity::trip) std::erase(acknowledged_, alarm.run);
  if (const AlarmStatus* const kept = alarms_.raise(std::move(alarm))) {
    for (BenchWatcher* const watcher : watchers_) watcher->alarm_changed(*kept);
  }
}

void BenchService::warn(const std::string& text, const std::string& what_to_do) {
  raise({.severity = AlarmSeverity::warning, .text = text, .what_to_do = what_to_do});
}

void BenchService::tell_sample(const Place& place, const ChannelView* view) {
  if (watchers_.empty()) return;
  const Observation& seen = view != nullptr ? view->observation : place.watch->observation();
  const auto value = [&seen](Measurand measurand) {
    const Reading& reading = seen[measurand];
    return reading.usable() ? reading.value : std::numeric_limits<double>::quiet_NaN();
  };
  LiveSample sample{.channel = place.config.name, .run = view != nullptr ? place.run : 0, .utc = time_.utc_now()};
  sample.voltage_V = value(Measurand::voltage);
  sample.current_A = value(Measurand::current);
  sample.cell_temperature_degC = value(Measurand::cell_temperature);
  sample.ambient_temperature_degC = value(Measurand::ambient_temperature);
  sample.chamber_temperature_degC = value(Measurand::chamber_temperature);
  sample.pressure_MPa = value(Measurand::stack_pressure);
  if (view != nullptr) {
    sample.test_time_s = to_seconds(view->test_time);
    sample.step_count = view->step_count;
    sample.cycle = view->cycle;
    sample.charge_Ah = view->step_moved.charge.value();
    sample.discharge_Ah = view->step_moved.discharge.value();
    const bool is_running = view->phase == Phase::running;
    sample.step_time_s = is_running ? to_seconds(view->step_time) : std::numeric_limits<double>::quiet_NaN();
  }
  for (BenchWatcher* const watcher : watchers_) watcher->sample(sample);
}

void BenchService::sample(const ChannelView& view) {
  log_.sample(view);
  if (const Place* const place = find(view.channel)) tell_sample(*place, &view);
}

void BenchService::step_started(const ChannelView& view) {
  log_.step_started(view);
  if (const Place* const place = find(view.channel)) changed(*place);
}

void BenchService::person_asked(std::string_view channel, const PersonTask& task) {
  log_.person_asked(channel, task);
  Place* const place = find(channel);
  if (place == nullptr) return;
  place->asks_person = task.message;
  changed(*place);
}

void BenchService::cycle_begins(std::string_view channel, Duration late) {
  log_.cycle_begins(channel, late);
  for (BenchWatcher* const watcher : watchers_) watcher->control_cycle(channel, late);
}

/// Of a channel, a chamber, a logger, the record.
void BenchService::message(std::string_view channel, db::Severity severity, std::string_view text) {
  log_.message(channel, severity, text);
  const Place* const place = find(channel);
  if (severity == db::Severity::info) {
    if (place != nullptr) changed(*place);
    return;
  }
  AlarmStatus alarm{.severity = alarm_severity(severity), .text = std::string(text)};
  if (place != nullptr) {
    alarm.channel = place->config.name;
    alarm.chamber = place->config.chamber;
    // Before the record of a start begins its trips are in none, and not in that of the run before.
    const bool is_heat_at_start = severity == db::Severity::trip && place->stage == Place::Stage::starting;
    if (is_heat_at_start) keep_heat(*place, 0, alarm.text);
    const bool is_of_run = (place->is_busy() || severity == db::Severity::trip) && !is_heat_at_start;
    alarm.run = is_of_run ? place->run : 0;
    const ChannelRunner* const runner = place->runner();
    const std::optional<TripCause> cause = runner != nullptr ? runner->trip_cause() : std::nullopt;
    if (cause && describe(*cause) == text) {
      const TripStatus trip = trip_status(*cause);
      alarm.hazard = trip.hazard;
      alarm.value = trip.value;
      alarm.limit = trip.limit;
      alarm.unit = unit_of(cause->measurand);
      alarm.what_to_do = trip.what_to_do;
    }
  } else if (bench_.chamber(std::string(channel)) != nullptr) {
    alarm.chamber = channel;
  } else {
    alarm.text = std::string(channel) + ": " + alarm.text;
  }
  raise(std::move(alarm));
  if (place != nullptr) changed(*place);
}

}  // namespace cellrig
