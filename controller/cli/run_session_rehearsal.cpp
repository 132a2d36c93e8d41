// What a new run on a real bench does first, with its outputs off: each program is rehearsed, and one that would trip is refused.
#include "controller/async/thread_priority.hpp"
#include "controller/cli/rehearsal/rehearsal.hpp"
#include "controller/cli/rehearsal/rehearsal_progress.hpp"
#include "controller/cli/rehearsal/rehearsal_report.hpp"
#include "controller/cli/run_session_impl.hpp"

namespace cellrig::cli {
namespace {

/// The nearest of all approaches, as a share of the room there is for its quantity: "cell_temperature_max_degC: 5.84 degC are left in 'fast charge'".
std::string nearest_limit(const Program& program, const Rehearsal& rehearsal) {
  const Approach* nearest = nullptr;
  const auto share = [](const Approach& a) { return a.margin / std::max(a.room, 1e-9); };
  for (const Approach& a : rehearsal.approaches) {
    if (a.is_known && (nearest == nullptr || share(a) < share(*nearest))) nearest = &a;
  }
  if (nearest == nullptr) return "no limit was approached";
  return fmt::format("{}: {:.3g} {} are left in '{}'", nearest->limit, nearest->margin, nearest->unit,
                     step_at(program, nearest->instruction).name);
}

}  // namespace

bool RunSession::was_interrupted() {
  rig_->time().context().restart();  // it was stopped when the last task had come to its end
  rig_->time().context().poll();
  return signal_ != 0;
}

std::string RunSession::rehearse_plan(const ChannelPlan& plan) {
  RehearsalRequest request{
      .program = &plan.program, .bench = bench_, .channel = plan.channel, .cell_file = plan.cell_file, .seed = options_.seed};
  if (plan.expected_charge) request.soc_pct = (plan.expected_charge->min_pct + plan.expected_charge->max_pct) / 2;
  progress_.message(plan.channel, db::Severity::info,
                    "rehearsing the profile first, with the outputs off (cellrig rehearse shows more)");
  make_this_thread_ordinary();  // the next run of the real clock asks for its priority again
  RehearsalProgress progress{plan.program, options_.quiet};
  Rehearsal rehearsal;
  try {
    rehearsal = rehearse(request, [&](const ChannelView& view) { return !progress.look(view) || !was_interrupted(); });
  } catch (const ConfigError& error) {
    throw ConfigError{SourcePlace{plan.cell_file}, std::string("channel ") + plan.channel + ": it cannot be rehearsed (" +
                                                       error.what() + "). --without-rehearsal REASON goes on without"};
  }
  if (signal_ != 0) return {};
  if (rehearsal.outcome != Outcome::completed && rehearsal.outcome != Outcome::failed) {
    const std::string how = rehearsal.samples == 0                  ? "does not start"
                            : rehearsal.outcome == Outcome::tripped ? "trips"
                                                                    : "is broken off";
    throw ConfigError{
        SourcePlace{plan.profile_file},
        fmt::format("channel {}: in a rehearsal on the model of {}, from {:.0f} %, it {}: {}. cellrig rehearse shows "
                    "where; --without-rehearsal REASON goes on all the same",
                    plan.channel, plan.program.cell_name, rehearsal.soc_pct, how, rehearsal.reason)};
  }
  if (rehearsal.outcome != Outcome::completed)
    progress_.message(plan.channel, db::Severity::warning, "the rehearsal ended otherwise: " + verdict(rehearsal));
  for (const std::string& remark : remarks(plan.program, rehearsal))
    progress_.message(plan.channel, db::Severity::warning, "in the rehearsal: " + remark);
  const std::string summary = fmt::format("{}, {}, from {:.0f} %; {}", verdict(rehearsal), duration_text(rehearsal.seconds),
                                          rehearsal.soc_pct, nearest_limit(plan.program, rehearsal));
  progress_.message(plan.channel, db::Severity::info, "rehearsed: " + summary);
  return summary;
}

/// What decides a rehearsal: two channels that agree in it are rehearsed once.
std::string RunSession::rehearsal_key(const ChannelPlan& plan) const {
  const ChannelConfig& channel = bench_.channel(plan.channel);
  std::string key = plan.program.hash + '\n' + plan.cell_file + '\n' + bench_.instruments.at(channel.cycler).model + '\n';
  key += channel.chamber + '\n';
  for (const std::optional<InputRef>* const input :
       {&channel.cell_temperature, &channel.ambient_temperature, &channel.voltage, &channel.stack_force, &channel.gas})
    key += *input ? '1' : '0';
  if (plan.expected_charge) key += fmt::format(" {} {}", plan.expected_charge->min_pct, plan.expected_charge->max_pct);
  return key;
}

bool RunSession::rehearse_plans() {
  const bool is_due = !rig_->is_simulated() || options_.require_proofs;
  if (!options_.without_rehearsal.empty()) {
    rehearsed_ = "without: " + options_.without_rehearsal;
    return true;
  }
  if (!is_due || options_.resume) return true;
  std::map<std::string, std::string> done;
  for (const ChannelPlan& plan : plans_) {
    const std::string key = rehearsal_key(plan);
    if (done.count(key) == 0) done[key] = rehearse_plan(plan);
    if (done[key].empty()) return false;
    if (!rehearsed_.empty()) rehearsed_ += " | ";
    rehearsed_ += plan.channel + ": " + done[key];
  }
  return true;
}

}  // namespace cellrig::cli
