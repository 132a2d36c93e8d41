// ChannelRunner: what is said of a step that has ended.
#include <fmt/format.h>

#include <cmath>

#include "controller/runtime/channel_runner.hpp"

namespace cellrig {

void ChannelRunner::note_end(const output::StepEnded& ended) {
  const bool goes_on = machine_.state().pc != ended.instruction || machine_.state().phase == Phase::applying ||
                       machine_.state().phase == Phase::awaiting_chamber;
  record_.step_ended(ended, goes_on ? machine_.current_step() : nullptr);
  if (follower_) note_divergence(follower_->end_step(ended));
  point_is_due_ = true;
  const Results& results = machine_.state().results;
  const bool is_over = ended.reason == StepEndReason::condition || ended.reason == StepEndReason::time_bound;
  if (is_over && results.has_resistance && record_.step_at(ended.instruction).measure == Measure::resistance) {
    say(db::Severity::info, "resistance",
        fmt::format("{:.6f} Ohm by step '{}'", results.resistance_Ohm, record_.step_at(ended.instruction).name));
  }
  if (ended.is_held) {
    const Step& held = record_.step_at(ended.instruction);
    say(db::Severity::warning, "end not reached",
        fmt::format("step '{}' ended at {:.4f} V, {:.1f} mV short of '{}': the cycler held its bound there, by its own error",
                    held.name, ended.value, 1e3 * std::abs(ended.margin), held.ends[ended.end].text));
  }
  if (ended.has_end && record_.step_at(ended.instruction).ends[ended.end].target == EndCondition::Target::failure) {
    const Step& failed = record_.step_at(ended.instruction);
    reason_ = fmt::format("step '{}' ended as failed: {} ({:.6g})", failed.name, failed.ends[ended.end].text, ended.value);
    say(db::Severity::alarm, "step failed", reason_);
    return;
  }
  if (ended.reason != StepEndReason::time_bound || machine_.state().phase != Phase::stopping) return;
  const Step& step = record_.step_at(ended.instruction);
  if (step.time_max_is_normal) return;
  reason_ = fmt::format("step '{}' did not reach its end within {:g} h", step.name, to_seconds(step.time_max) / 3600.0);
  say(db::Severity::alarm, "step failed", reason_);
}

}  // namespace cellrig
