// For how long an output that nobody watched can have been on: what this start saw of it right before its first OFF, what earlier starts saw,
// and what its watchdog promises. Whatever a start has seen it keeps for the next one, which will find the output off.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/cli/run/resume_plan.hpp"
#include "controller/engine/program.hpp"
#include "controller/runtime/listener.hpp"
#include "db/recorder.hpp"

namespace cellrig::cli {

/// An output that should have been off and was found on by an earlier start, since the run went on last.
struct FoundBefore {
  bool is_found = false;
  bool was_seen = false;          ///< on; else its instrument did not answer
  std::optional<UtcTime> off_at;  ///< that start switched it off; nothing: its OFF was not confirmed
  Amps current{};                 ///< that it saw; 0: none, or the instrument did not answer
};

[[nodiscard]] FoundBefore found_on_before(db::Reader& reader, const Interrupted& run);

/// How long an output can have been on that nobody saw, and whether it is for a person to say so.
struct UnseenTime {
  Duration time{};
  bool is_doubtful =
      false;  ///< its watchdog, or the OFF that was confirmed, should have ended that, and nobody can say that it did
  bool is_unknown = false;  ///< nothing bounds it but a clock that was set back: `time` is the least
};

[[nodiscard]] UnseenTime unseen_time(const Interrupted& run, const ResumeMoment& moment, const std::string& channel,
                                     const FoundBefore& before);
[[nodiscard]] std::string describe_bound(const UnseenTime& unseen);
/// Of what is doubtful: why.
[[nodiscard]] std::string describe_found(const Interrupted& run, const ResumeMoment& moment, const FoundBefore& before,
                                         const UnseenTime& unseen);
/// It is not in the record yet.
[[nodiscard]] bool is_news(const Interrupted& run, const ResumeMoment& moment, const FoundBefore& before);

/// What flowed at the look counts like what was measured last. program: null when nobody can read how far the run had come.
[[nodiscard]] UnseenCharge bound_unseen(const Program* program, const Interrupted& run, const ResumeMoment& moment,
                                        const FoundBefore& before, const UnseenTime& unseen);

/// The event of the bench with which the next start knows what this one has seen. Not of the run: that one's last word stays what it was.
[[nodiscard]] db::EventRow found_on_row(db::RunKey run, const std::string& channel, const ResumeMoment& moment,
                                        const std::string& what);

/// What one start saw of its outputs, right before its first OFF.
struct FoundOutputs {
  const BenchConfig* bench = nullptr;
  std::string database;
  std::string time_source;  ///< runs of another one had other cells
  std::map<std::string, OutputFound> found;
  std::set<std::string> maybe_on;  ///< their OFF was not confirmed
  UtcTime off_at{};                ///< of the others

  /// There is something that the next start would not see.
  [[nodiscard]] bool are_news() const;
};

/// Before anything is refused: for the last run of each of these channels that can go on, and for `targets`. A record that is not there has
/// no run. Errors: of the record.
[[nodiscard]] Result<void> keep_what_was_found(const FoundOutputs& outputs, const std::vector<ResumeTarget>& targets,
                                               db::Recorder& recorder, RunListener& listener);

/// The same, if there are news; what cannot be kept is said, and changes nothing about the rest.
void keep_or_say(const FoundOutputs& outputs, const std::vector<ResumeTarget>& targets, db::Recorder& recorder,
                 RunListener& listener);

/// The bench that a run began with; nothing, with the reason, when its text cannot be read here.
[[nodiscard]] std::optional<BenchConfig> recorded_bench(const Interrupted& run, std::string& why_not);
[[nodiscard]] const ChannelConfig* find_channel(const BenchConfig& bench, const std::string& name);

}  // namespace cellrig::cli
