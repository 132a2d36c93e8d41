// BenchService: channels between their runs. What is told of their outputs and of the heat of their cells, and who must know it later.
#include <algorithm>
#include <utility>

#include "controller/runtime/bench_service.hpp"

namespace cellrig {

/// In the record of the run that it follows: whoever goes on with that counts the charge.
void BenchService::tell_on_again(Place& place, const std::string& what, AmpHours charge) {
  place.told_charge.add(time_.now(), charge);
  if (place.job) return place.job->runner->on_again(what, charge);
  recorder_.append(db::EventRow{.run = place.run != 0 ? place.run : place.last_run,
                                .utc = time_.utc_now(),
                                .severity = db::Severity::alarm,
                                .kind = std::string(on_again_event),
                                .message = what,
                                .value = charge.value()});
}

/// The record was read before its channel was held: what was told meanwhile stands before the deviation, which says that it is counted.
void BenchService::count_told(const Place& place, PreparedStart& prepared, TimePoint read_from) {
  if (prepared.goes_on) prepared.goes_on->unseen.after_end += place.told_charge.since(read_from);
}

/// As heat after the end of a run: OFF once more, the chamber safe with everybody in it, people called, and a person must look.
void BenchService::idle_cell_is_hot(Place& place, const TripCause& cause) {
  const std::string text = describe(cause) + " (no run: by the bench's own bound)";
  any_tripped_ = true;
  if (ChamberTask* const chamber = bench_.chamber(place.config.chamber)) chamber->heat_beside(place.config.name);
  stop_place(place, text);
  bench_.alarms().ring(place.config.name + ": " + text);
  keep_heat(place, place.run, text);
  log_.message(place.config.name, db::Severity::trip, text);
  const TripStatus trip = trip_status(cause);
  raise(AlarmStatus{.severity = AlarmSeverity::trip,
                    .channel = place.config.name,
                    .chamber = place.config.chamber,
                    .run = place.run,
                    .hazard = trip.hazard,
                    .text = text,
                    .value = trip.value,
                    .limit = trip.limit,
                    .unit = unit_of(cause.measurand),
                    .what_to_do = trip.what_to_do});
  changed(place);
}

/// For whoever comes after this process: with the run that was there last, or, without one, with the channel.
void BenchService::keep_heat(const Place& place, std::int64_t run, const std::string& text) {
  if (run == 0) audit({.name = options_.run.verb, .origin = {}}, 0, db::heat_without_run_action(place.config.name), text);
  const std::string kind{run == 0 ? "heat without a run" : db::heat_after_end_event};
  recorder_.append(db::EventRow{.run = run,
                                .utc = time_.utc_now(),
                                .severity = db::Severity::alarm,
                                .kind = kind,
                                .message = run == 0 ? place.config.name + ": " + text : text});
}

/// The last open one of the channel without a run is acknowledged: so is the heat, for those who come after this process.
void BenchService::note_heat_seen(const Who& who, const std::string& channel, const std::string& reason) {
  const std::deque<AlarmStatus>& all = alarms_.list();
  const bool is_open = std::any_of(all.begin(), all.end(), [&channel](const AlarmStatus& alarm) {
    return alarm.severity == AlarmSeverity::trip && alarm.run == 0 && alarm.channel == channel && alarm.acknowledged_by.empty();
  });
  if (!is_open) audit(who, 0, db::heat_seen_action(channel), reason);
}

}  // namespace cellrig
