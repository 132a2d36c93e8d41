// A run that was interrupted: found in the record, judged, and made ready to go on.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/result.hpp"
#include "controller/engine/resume_point.hpp"
#include "db/reader.hpp"

namespace cellrig {

class ChannelRecord;

/// A stop in order: from the last measurement to the confirmed OFF. What took longer is told with the run.
inline constexpr Duration stop_time_max = std::chrono::seconds{1};

/// What the record says of a run that nobody has finished. Instants of `point` are test times.
struct Interrupted {
  db::RunInfo info;
  ResumePoint point;
  std::string unreadable;        ///< why there is nothing in `point`: it is of another version; empty: there is
  Amps last_current{};           ///< of the last row
  bool criteria_met = true;      ///< as far as events and its end say
  Duration test_time{};          ///< where the record stands: test time goes on from here
  db::StepKey open_step = 0;     ///< a step that nobody ended; 0: none
  UtcTime last_seen{};           ///< of the last row, event or end; not of what was told after the end
  bool was_off = false;          ///< stopped in order: the output was confirmed off when the run ended
  std::string trip;              ///< the trip that ended it, or was the last word before it died; empty: none
  bool is_acknowledged = false;  ///< that trip, by a person
  std::string stop;              ///< it was being stopped when its process died, and why; empty: it was not
  AmpHours charge_after_end;  ///< that went in until a late OFF, and through an output that was found on after the run had ended
  std::map<std::string, double> limits_changed;  ///< by a person, the last word for each name
  /// An instrument that failed without a trip needs nobody's word, only the rule.
  [[nodiscard]] bool waits_for_person() const { return !trip.empty() && !is_acknowledged; }
};

/// Refused, with the reason in words, when this run is finished or was never there. Nothing is said about trips: see `trip`.
[[nodiscard]] Result<Interrupted> find_interrupted(db::Reader& reader, db::RunKey run);

/// The last run of this channel. Refused: there is none, or it is finished.
[[nodiscard]] Result<db::RunKey> last_run_of(db::Reader& reader, const std::string& channel);

/// Other runs on this channel, or with this specimen (when it has a name), that were active after this one: what they moved is in no
/// counter of this one. Runs in virtual time do not count: their cell is gone with them.
[[nodiscard]] Result<std::vector<db::RunKey>> later_runs(db::Reader& reader, const Interrupted& run, const std::string& channel);

/// The resume point becomes that of this program, with what the rows after it add. Refused: another program.
[[nodiscard]] Result<void> bring_up_to_date(db::Reader& reader, const Program& program, Interrupted& run);

/// The step it was interrupted in; null: before the first, or after the last.
[[nodiscard]] const Step* interrupted_step(const Program& program, const ChannelState& state);

/// Why, in the words of the BattINFO records: which category a deviation falls into.
enum class DeviationKind : unsigned char {
  power_outage,
  software_error,
  operator_intervention,
  premature_termination,
  communication_loss,
  equipment_failure,
};
[[nodiscard]] std::string_view to_string(DeviationKind kind);

/// How it goes on. Made by whoever starts the run, carried out by the channel's runner.
struct Continuation {
  Interrupted run;
  InterruptionRule rule = InterruptionRule::ask;
  DeviationKind kind = DeviationKind::software_error;
  UnseenCharge unseen;
  std::string operator_name;
  std::string host;                     ///< where it goes on
  std::string accepted_change;          ///< a person's reason to go on although cycler, channel or cell is another one
  std::vector<std::string> objections;  ///< what that person accepted: why it does not go on by itself
  std::string cannot_go_on;             ///< why this program can only close the run; empty: it can go on
  /// As far as this program can tell.
  [[nodiscard]] bool criteria_met() const { return cannot_go_on.empty() ? run.point.channel.criteria_met : run.criteria_met; }
  bool stays_paused = false;  ///< nobody asked for this continuation: what a person had paused waits for a person
};

/// `time_unseen`: how long an output can have stayed on that nobody switched off.
[[nodiscard]] UnseenCharge unseen_of(const Program& program, const Interrupted& run, Duration time_unseen);
/// The same where nobody can read what was commanded: at most `most`, where the bench says so, else what was measured last.
[[nodiscard]] UnseenCharge unseen_of_unreadable(const Interrupted& run, std::optional<Amps> most, Duration time_unseen);

/// The rule `stop`: nothing is energised, and the record of the run is closed. All that nobody saw is counted in its overcharge guard:
/// whoever goes on with this run all the same finds it there. Of a run that this program cannot read the resume point stays as it is, and an
/// event keeps what nobody saw.
void close_interrupted(ChannelRecord& record, const Continuation& continuation, Outcome outcome, const std::string& reason,
                       TimePoint now, UtcTime utc);

}  // namespace cellrig
