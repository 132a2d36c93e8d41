// What a new run on a real bench does first, with its outputs off: each program is rehearsed, and one that would trip is refused.
#include "controller/async/thread_priority.hpp"
#include "controller/cli/rehearsal/rehearsal_progress.hpp"
#include "controller/cli/run/run_session_impl.hpp"

namespace cellrig::cli {
bool RunSession::was_interrupted() {
  rig_->time().context().restart();  // it was stopped when the last task had come to its end
  rig_->time().context().poll();
  return signal_ != 0;
}

void RunSession::require_sensible_expect() const {
  if (!options_.expect) return;
  if (!options_.without_rehearsal.empty())
    throw ConfigError{SourcePlace{}, "--expect compares the run with its rehearsal, and --without-rehearsal makes none"};
  if (options_.resume)
    throw ConfigError{SourcePlace{}, "--expect is for a new run: --resume compares with what was foretold when the run began"};
}

Rehearsed RunSession::rehearse_plan(const ChannelPlan& plan) {
  make_this_thread_ordinary();  // the next run of the real clock asks for its priority again
  RehearsalProgress progress{plan.program, options_.quiet ? RehearsalProgress::Form::none : RehearsalProgress::Form::drawn};
  StartRehearsal order{.program = plan.program,
                       .bench = bench_,
                       .channel = plan.channel,
                       .profile_file = plan.profile_file,
                       .cell_file = plan.cell_file,
                       .seed = options_.seed,
                       .expected_charge = plan.expected_charge,
                       .is_simulated = rig_->is_simulated()};
  order.goes_on = [&](const ChannelView& view) { return !progress.look(view) || !was_interrupted(); };
  order.say = [&](db::Severity severity, const std::string& text) { progress_.message(plan.channel, severity, text); };
  return rehearse_start(order);
}

/// What decides a rehearsal: two channels that agree in it are rehearsed once.
std::string RunSession::rehearsal_key(const ChannelPlan& plan) const {
  const ChannelConfig& channel = bench_.channel(plan.channel);
  std::string key = plan.program.hash + '\n' + plan.cell_file + '\n' + bench_.instruments.at(channel.cycler).model + '\n';
  key += channel.chamber + '\n';
  for (const std::optional<InputRef>* const input :
       {&channel.cell_temperature, &channel.ambient_temperature, &channel.voltage, &channel.stack_force, &channel.gas})
    key += *input ? '1' : '0';
  // Its bench file says of each simulated cell where it stands, and it may allow less on one channel than on another.
  if (rig_->is_simulated() || !channel.limit_places.empty()) key += plan.channel;
  if (plan.expected_charge) key += fmt::format(" {} {}", plan.expected_charge->min_pct, plan.expected_charge->max_pct);
  return key;
}

bool RunSession::rehearse_plans() {
  const bool is_due = !rig_->is_simulated() || options_.require_proofs || options_.expect;
  if (!options_.without_rehearsal.empty()) {
    rehearsed_ = "without: " + options_.without_rehearsal;
    return true;
  }
  if (!is_due || options_.resume) return true;
  std::map<std::string, Rehearsed> done;
  for (ChannelPlan& plan : plans_) {
    const std::string key = rehearsal_key(plan);
    if (done.count(key) == 0) done[key] = rehearse_plan(plan);
    if (done[key].summary.empty()) return false;
    plan.following.expected = done[key].expected;
    if (!rehearsed_.empty()) rehearsed_ += " | ";
    rehearsed_ += plan.channel + ": " + done[key].summary;
  }
  return true;
}

}  // namespace cellrig::cli
