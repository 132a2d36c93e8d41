// What a channel does with the curves of its rehearsal: every observation that the engine has judged is shown to them.
#include <fmt/format.h>

#include "controller/runtime/channel_runner.hpp"

namespace cellrig {
namespace {

/// Of a run. A cell that is another one diverges in every step of a year: whoever has not acted by then will not read on.
constexpr unsigned divergences_max = 100;

}  // namespace

void ChannelRunner::follow(const Following& following, bool chamber_is_asked) {
  if (!following.any()) return;
  const Surroundings around = parts_.has_ambient_temperature ? Surroundings::air
                              : chamber_is_asked             ? Surroundings::chamber
                                                             : Surroundings::start;
  follower_.emplace(program_, following, around);
}

/// The last observation of a step is judged by its end.
void ChannelRunner::look_at_step(std::uint64_t step_count) {
  if (!follower_ || machine_.state().step_count != step_count) return;
  const Duration gap_limit = std::max<Duration>(age_limit(), 3 * options_.sensor_period);
  note_divergence(follower_->look(machine_.state(), observation_, time_.now(), gap_limit));
}

/// No alarm: the profile has ways, and the run took one of them.
void ChannelRunner::note_detour(const std::optional<Detour>& found) {
  if (!found || ++detours_ > divergences_max) return;
  std::string text = describe(*found, program_);
  if (detours_ == divergences_max) text += fmt::format("; this is the {}th time, no further ones are told", divergences_max);
  say(db::Severity::info, std::string(expectation_event), text);
}

void ChannelRunner::note_divergence(const std::optional<Divergence>& found) {
  if (!found || ++divergences_ > divergences_max) return;
  std::string text = describe(*found, record_.step_at(found->instruction));
  if (divergences_ == divergences_max) text += fmt::format("; this is the {}th one, no further ones are told", divergences_max);
  record_.divergence(*found, text, time_.now(), time_.utc_now());
  machine_.note_alarm();
  listener_.message(parts_.name, db::Severity::warning, "divergence: " + text);
  if (!program_.expectation.stops || must_be_off()) return;
  stopped_by_divergence_ = true;
  machine_.fail_criteria();
  stop(Outcome::stopped, std::string(divergence_stop) + text);
}

}  // namespace cellrig
