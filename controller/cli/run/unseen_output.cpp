#include "controller/cli/run/unseen_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "controller/cli/record/record_source.hpp"
#include "controller/cli/run/charge_bound.hpp"
#include "controller/runtime/channel_record.hpp"
#include "controller/runtime/constants.hpp"

namespace cellrig::cli {
namespace {

/// A row is committed within 250 ms, a resume point at once: what a dead process had seen last is so much older at most.
constexpr Duration real_interval = std::chrono::seconds{1};
constexpr Duration lockstep_interval = std::chrono::seconds{60};
constexpr Duration virtual_interval = std::chrono::minutes{10};
constexpr Duration rows_late_max = std::chrono::minutes{10};  ///< of simulated time
/// Two tries of OFF with the contactor between them; those feed the watchdog. What follows is silence for it. Half a second is for their overhead.
constexpr Duration off_tries_max = 2 * off_path_timeout + contactor_timeout + std::chrono::milliseconds{500};

std::string found_on_event(db::RunKey run, bool is_off) {
  return fmt::format("output found on{}, run {}", is_off ? "" : " and not switched off", run);
}

/// How much later than its last word it may have asked its cycler anything, which fed the watchdog; with what the word itself was late by.
Duration asked_after_last_word(const Interrupted& run) {
  // It trips on readings that are so old: until then it asks, also where no answer comes.
  const Duration age_limit = std::max<Duration>(age_limit_min, age_limit_periods * run.info.row.control_period);
  const Duration silence = std::max(resume_point_interval_of(run.info.row.time_source), age_limit);
  // It died in the midst of its OFF: its last word is the trip or the stop, up to an age limit after its last measurement.
  const bool was_being_ended = !run.info.end && (!run.trip.empty() || !run.stop.empty());
  return was_being_ended ? silence + age_limit + off_tries_max : silence;
}

/// As far as the look of this start knows.
bool can_be_on(const Interrupted& run, const ResumeMoment& moment) {
  if (moment.is_elsewhere) return false;
  return run.was_off ? moment.found.is_known && moment.found.is_on : !moment.found.is_known || moment.found.is_on;
}

bool is_seen_on(const OutputFound& found) { return found.is_known && found.is_on; }

/// Until when it may have been on. A later look that cannot say that it was off outdates what an earlier start did.
UtcTime may_have_been_on_until(const Interrupted& run, const ResumeMoment& moment, const FoundBefore& before) {
  if (moment.is_elsewhere) return before.off_at.value_or(moment.now);
  return before.off_at && moment.is_off && !can_be_on(run, moment) ? *before.off_at : moment.utc;
}

void keep_of_run(db::Reader& reader, const ResumeTarget& target, ResumeMoment moment) {
  const Result<Interrupted> run = find_interrupted(reader, target.run);
  if (!run) return;  // it goes on no more
  moment.is_elsewhere = run->info.row.channel != target.channel;
  const FoundBefore before = found_on_before(reader, *run);
  const UnseenTime unseen = unseen_time(*run, moment, target.channel, before);
  if (unseen.is_doubtful && is_news(*run, moment, before)) moment.keep_found_on(describe_found(*run, moment, before, unseen));
}

}  // namespace

Duration resume_point_interval_of(const std::string& time_source) {
  if (time_source == "real") return real_interval;
  return time_source == "lockstep" ? lockstep_interval : virtual_interval;
}

std::optional<BenchConfig> recorded_bench(const Interrupted& run, std::string& why_not) {
  try {
    return parse_bench(run.info.row.bench_text, fmt::format("the bench file of run {}", run.info.run));
  } catch (const ConfigError& error) {
    why_not = error.what();
    return std::nullopt;
  }
}

const ChannelConfig* find_channel(const BenchConfig& bench, const std::string& name) {
  const auto found =
      std::find_if(bench.channels.begin(), bench.channels.end(), [&](const ChannelConfig& c) { return c.name == name; });
  return found == bench.channels.end() ? nullptr : &*found;
}

/// By the order of events, not by their time: clocks are set back, also while a machine has no power.
FoundBefore found_on_before(db::Reader& reader, const Interrupted& run) {
  FoundBefore before;
  std::int64_t went_on = 0;
  for (const db::EventRow& event : value_or_throw(reader.events(run.info.run), reader.path())) {
    if (event.kind == deviation_event) went_on = event.number;  // which says what it has counted
  }
  for (const db::EventRow& event : value_or_throw(reader.events(0), reader.path())) {
    if (event.number < went_on) continue;
    const bool was_off = event.kind == found_on_event(run.info.run, true);
    if (!was_off && event.kind != found_on_event(run.info.run, false)) continue;
    before.is_found = true;
    before.was_seen = before.was_seen || event.value;
    before.off_at = was_off ? std::optional{event.utc} : std::nullopt;
    before.current = worse_of(before.current, Amps{event.value.value_or(0.0)});
  }
  return before;
}

bool is_news(const Interrupted& run, const ResumeMoment& moment, const FoundBefore& before) {
  if (moment.is_elsewhere) return false;
  if (!before.is_found) return true;
  if (!moment.is_off) return before.off_at.has_value() || (is_seen_on(moment.found) && !before.was_seen);
  return !before.off_at || (can_be_on(run, moment) && *before.off_at < moment.utc);
}

/// What a watchdog promises is believed only as long as nothing contradicts it.
UnseenTime unseen_time(const Interrupted& run, const ResumeMoment& moment, const std::string& channel,
                       const FoundBefore& before) {
  std::string ignored;
  const std::optional<BenchConfig> began = recorded_bench(run, ignored);
  const ChannelConfig* const its = began ? find_channel(*began, run.info.row.channel) : nullptr;
  Duration delay = moment.bench->watchdog_delay;
  if (began) delay = std::max(delay, began->watchdog_delay);
  const bool has_watchdog =
      moment.bench->channel(channel).accept_without_watchdog.empty() && (its == nullptr || its->accept_without_watchdog.empty());
  const Duration usual = delay + watchdog_margin + asked_after_last_word(run);
  if (moment.has_run_here) return {usual};
  const UtcTime off_at = may_have_been_on_until(run, moment, before);
  const Duration elapsed{off_at.ns_since_epoch - run.last_seen.ns_since_epoch};
  // Simulated time is ahead of the disk by as much as the disk is slow: a late row is no watchdog that failed.
  const bool is_real = run.info.row.time_source == "real";
  const Duration patience = is_real ? usual : usual + rows_late_max;
  const bool is_overdue = elapsed > patience || elapsed < Duration::zero();  // a clock that was set back says nothing
  UnseenTime unseen{usual, before.is_found || (can_be_on(run, moment) && (is_overdue || run.was_off || !moment.is_off))};
  if (unseen.is_doubtful || !has_watchdog) {
    unseen.time = std::max(usual, elapsed);
    unseen.is_unknown = is_real && elapsed < Duration::zero();
  }
  return unseen;
}

std::string describe_bound(const UnseenTime& unseen) {
  if (!unseen.is_unknown) return fmt::format("for up to {:.0f} s nobody saw what flowed", to_seconds(unseen.time));
  return fmt::format(
      "for how long nobody can say, as this computer's clock is behind the last row; {:.0f} s of it are counted, and "
      "the overcharge guard does not know of more",
      to_seconds(unseen.time));
}

std::string describe_found(const Interrupted& run, const ResumeMoment& moment, const FoundBefore& before,
                           const UnseenTime& unseen) {
  const std::string should = run.was_off ? "its OFF had been confirmed" : "its watchdog should have fired";
  const std::string bound = describe_bound(unseen);
  const bool is_of_now = !before.is_found || can_be_on(run, moment);
  if (!is_of_now && !before.off_at) {
    return fmt::format("an earlier start {}; {}",
                       before.was_seen ? "found the output on, and its OFF was not confirmed"
                                       : "wanted to switch the output off, and its instrument did not answer",
                       bound);
  }
  if (!is_of_now) return fmt::format("the output was found on by an earlier start although {}; {}", should, bound);
  if (!moment.found.is_known)
    return fmt::format("the instrument did not say whether its output was still on when this start {}; {}",
                       moment.is_off ? "switched it off" : "wanted to switch it off", bound);
  if (!moment.is_off)
    return fmt::format("the output was found on with {:+.3f} A and did not confirm OFF; {}", moment.found.current.value(), bound);
  return fmt::format("the output was found on with {:+.3f} A although {}; {}", moment.found.current.value(), should, bound);
}

UnseenCharge bound_unseen(const Program* program, const Interrupted& run, const ResumeMoment& moment, const FoundBefore& before,
                          const UnseenTime& unseen) {
  UnseenCharge charge = program != nullptr ? unseen_of(*program, run, unseen.time)
                                           : unseen_of_unreadable(run, charge_current_max_of(run, *moment.bench), unseen.time);
  // What an output that is off measures is its offset, and of either sign; what is on on another channel was never this cell's.
  if (can_be_on(run, moment) && is_seen_on(moment.found)) charge.current = worse_of(charge.current, moment.found.current);
  if (!unseen.is_doubtful) return charge;
  charge.time = unseen.time;
  charge.current = worse_of(charge.current, before.current);
  return charge;
}

db::EventRow found_on_row(db::RunKey run, const std::string& channel, const ResumeMoment& moment, const std::string& what) {
  db::EventRow row{.utc = moment.is_off ? moment.utc : moment.now,
                   .severity = db::Severity::alarm,
                   .kind = found_on_event(run, moment.is_off),
                   .message = channel + ": " + what};
  if (moment.found.is_known) row.value = moment.found.current.value();
  return row;
}

bool FoundOutputs::are_news() const {
  const auto may_be_on = [](const auto& one) { return one.second.is_on || !one.second.is_known; };
  return !maybe_on.empty() || std::any_of(found.begin(), found.end(), may_be_on);
}

Result<void> keep_what_was_found(const FoundOutputs& outputs, const std::vector<ResumeTarget>& targets, db::Recorder& recorder,
                                 RunListener& listener) {
  Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(outputs.database);
  if (!reader) return reader.error();
  const Result<std::vector<db::RunInfo>> runs = (*reader)->runs();
  if (!runs) return runs.error();
  Result<void> problem;
  for (const auto& [name, found] : outputs.found) {
    const std::string& channel = name;
    ResumeMoment moment{
        .utc = found.off_at.value_or(outputs.off_at), .now = outputs.off_at, .is_off = !outputs.maybe_on.contains(channel)};
    moment.bench = outputs.bench;
    moment.found = found;
    std::set<db::RunKey> its;
    for (const ResumeTarget& target : targets) {
      if (target.channel == channel && target.run != 0) its.insert(target.run);
    }
    const auto last = std::find_if(runs->rbegin(), runs->rend(), [&](const db::RunInfo& run) {
      return run.row.channel == channel && run.row.time_source == outputs.time_source;
    });
    if (last != runs->rend()) its.insert(last->run);
    for (const db::RunKey run : its) {
      moment.keep_found_on = [&, run](const std::string& what) {
        listener.message(channel, db::Severity::alarm, what);
        recorder.append(found_on_row(run, channel, moment, what));
      };
      try {
        keep_of_run(**reader, {run, channel}, moment);
      } catch (const ConfigError& error) {  // this run's rows cannot be read; the others' can, perhaps
        problem = fail(Fault::device_fault, error.what());
      }
    }
  }
  const Result<void> flushed = recorder.flush();
  return problem ? flushed : problem;
}

void keep_or_say(const FoundOutputs& outputs, const std::vector<ResumeTarget>& targets, db::Recorder& recorder,
                 RunListener& listener) {
  if (!outputs.are_news()) return;
  const Result<void> kept = keep_what_was_found(outputs, targets, recorder, listener);
  if (!kept) listener.message("cellrig", db::Severity::alarm, "what was found on is not in the record: " + kept.error().what);
}

}  // namespace cellrig::cli
