#include "controller/api/views.hpp"

#include <algorithm>

#include "controller/api/messages_words.hpp"

namespace cellrig::api {
namespace {

template <class T>
std::optional<double> seconds_of(const std::optional<T>& duration) {
  return duration ? std::optional{to_seconds(*duration)} : std::nullopt;
}

std::optional<std::int64_t> run_of(std::int64_t run) { return run == 0 ? std::nullopt : std::optional{run}; }

Activity activity_of(ChannelCondition condition) {
  switch (condition) {
    case ChannelCondition::idle: return Activity::idle;
    case ChannelCondition::starting: return Activity::starting;
    case ChannelCondition::running: return Activity::running;
    case ChannelCondition::resting: return Activity::resting;
    case ChannelCondition::waiting: return Activity::waiting;
    case ChannelCondition::paused: return Activity::paused;
    case ChannelCondition::stopping: return Activity::stopping;
    case ChannelCondition::finished: return Activity::finished;
    case ChannelCondition::stopped: return Activity::stopped;
    case ChannelCondition::tripped: return Activity::tripped;
    case ChannelCondition::failed: return Activity::failed;
    case ChannelCondition::not_safe: return Activity::not_safe;
  }
  return Activity::not_safe;
}

std::optional<Regulation> regulation_of(const std::string& text) {
  const auto& known = Words<Regulation>::list;
  const auto found = std::find(known.begin(), known.end(), text);
  return found == known.end() ? std::nullopt : std::optional{static_cast<Regulation>(found - known.begin())};
}

AlarmSeverity severity_of(cellrig::AlarmSeverity severity) {
  switch (severity) {
    case cellrig::AlarmSeverity::warning: return AlarmSeverity::warning;
    case cellrig::AlarmSeverity::alarm: return AlarmSeverity::alarm;
    case cellrig::AlarmSeverity::trip: return AlarmSeverity::trip;
  }
  return AlarmSeverity::alarm;
}

PreflightState state_of(CheckLine::State state) {
  switch (state) {
    case CheckLine::State::ok: return PreflightState::ok;
    case CheckLine::State::warning: return PreflightState::warning;
    case CheckLine::State::refused: return PreflightState::refused;
  }
  return PreflightState::refused;
}

}  // namespace

ChannelView view_of(const ChannelStatus& s) {
  ChannelView view{.channel = s.channel,
                   .state = activity_of(s.condition),
                   .state_text = s.text,
                   .run = run_of(s.run),
                   .cell = s.cell,
                   .cell_id = s.cell_id,
                   .profile = s.profile,
                   .step_name = s.step_name,
                   .step_type = s.step_type,
                   .started_utc = s.started,
                   .ends_utc = s.ends,
                   .time_left_s = seconds_of(s.time_left),
                   .test_time_s = seconds_of(s.test_time),
                   .step_time_s = seconds_of(s.step_time),
                   .voltage_V = s.voltage_V,
                   .current_A = s.current_A,
                   .cell_temperature_degC = s.cell_temperature_degC,
                   .ambient_temperature_degC = s.ambient_temperature_degC,
                   .chamber = s.chamber,
                   .chamber_temperature_degC = s.chamber_temperature_degC,
                   .pressure_MPa = s.pressure_MPa,
                   .gas_ppm = s.gas_ppm,
                   .charge_Ah = s.charge_Ah,
                   .discharge_Ah = s.discharge_Ah,
                   .soc_pct = s.soc_pct,
                   .is_output_on = s.is_output_on,
                   .regulation = regulation_of(s.regulation),
                   .age_s = seconds_of(s.age),
                   .waits_for = s.waits_for,
                   .asks_person = s.asks_person,
                   .reason = s.reason,
                   .criteria_met = s.criteria_met,
                   .is_interrupted = s.is_interrupted,
                   .fencing_token = static_cast<std::int64_t>(s.fencing_token),
                   .limits = s.limits,
                   .run_limits = s.run_limits,
                   .operator_name = s.operator_name};
  if (s.run != 0) {
    view.step_count = static_cast<std::int64_t>(s.step_count);
    view.cycle = static_cast<std::int64_t>(s.cycle);
  }
  if (s.cycle_count) view.cycle_count = static_cast<std::int64_t>(*s.cycle_count);
  if (s.trip) view.trip = TripView{s.trip->hazard, s.trip->text, s.trip->value, s.trip->limit, s.trip->what_to_do};
  return view;
}

ChamberView view_of(const ChamberStatus& s) {
  ChamberView view{.chamber = s.chamber,
                   .setpoint_degC = s.setpoint_degC,
                   .actual_degC = s.actual_degC,
                   .is_running = s.is_running,
                   .is_not_safe = s.is_not_safe,
                   .is_tripped = s.is_tripped,
                   .age_s = seconds_of(s.age),
                   .held_by = s.held_by};
  for (const ChamberWaiting& waiting : s.waiting)
    view.waiting.push_back({waiting.channel, waiting.temperature_degC, waiting.why});
  return view;
}

AlarmView view_of(const AlarmStatus& s) {
  return {.id = static_cast<std::int64_t>(s.id),
          .severity = severity_of(s.severity),
          .channel = s.channel,
          .chamber = s.chamber,
          .run = run_of(s.run),
          .hazard = s.hazard,
          .text = s.text,
          .value = s.value,
          .limit = s.limit,
          .unit = s.unit,
          .what_to_do = s.what_to_do,
          .raised_utc = s.raised,
          .acknowledged_by = s.acknowledged_by,
          .acknowledged_utc = s.acknowledged,
          .is_active = s.is_active};
}

BenchView view_of(const Gathered& gathered, const std::string& version) {
  const BenchStatus& s = gathered.bench;
  BenchView view{.name = s.name,
                 .is_simulated = s.is_simulated,
                 .version = version,
                 .started_utc = s.started,
                 .utc = s.now,
                 .time_source = s.time_source,
                 .control_period_s = to_seconds(s.control_period),
                 .alarm_count = static_cast<std::int64_t>(s.alarm_count),
                 .is_ending = s.is_ending};
  for (const ChannelStatus& channel : gathered.channels) view.channels.push_back(view_of(channel));
  for (const ChamberStatus& chamber : gathered.chambers) view.chambers.push_back(view_of(chamber));
  return view;
}

std::vector<PreflightItem> view_of(const std::vector<CheckLine>& lines) {
  std::vector<PreflightItem> items;
  for (const CheckLine& line : lines) items.push_back({line.check, state_of(line.state), line.text});
  return items;
}

}  // namespace cellrig::api
