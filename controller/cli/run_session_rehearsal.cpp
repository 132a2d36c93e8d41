// What a new run on a real bench does first, with its outputs off: each program is rehearsed, and one that would trip is refused.
#include "controller/cli/rehearsal/rehearsal.hpp"
#include "controller/cli/rehearsal/rehearsal_progress.hpp"
#include "controller/cli/rehearsal/rehearsal_report.hpp"
#include "controller/cli/run_session_impl.hpp"

namespace cellrig::cli {
namespace {

/// The nearest of all approaches, as a share of the bound: "cell_temperature_max_degC: 5.84 degC are left in 'fast charge'".
std::string nearest_limit(const Program& program, const Rehearsal& rehearsal) {
  const Approach* nearest = nullptr;
  const auto share = [](const Approach& a) { return a.margin / std::max(std::abs(a.bound), 1e-9); };
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
  RehearsalProgress progress{plan.program, options_.quiet};
  Rehearsal rehearsal;
  try {
    rehearsal = rehearse(request, [&](const ChannelView& view) { return !progress.look(view) || !was_interrupted(); });
  } catch (const ConfigError& error) {
    throw ConfigError{SourcePlace{plan.cell_file}, std::string("channel ") + plan.channel + ": it cannot be rehearsed (" +
                                                       error.what() + "). --without-rehearsal REASON goes on without"};
  }
  if (signal_ != 0) return {};
  if (rehearsal.outcome == Outcome::tripped) {
    throw ConfigError{SourcePlace{plan.profile_file},
                      fmt::format("channel {}: in a rehearsal on the model of {} it trips: {}. cellrig rehearse shows where; "
                                  "--without-rehearsal REASON goes on all the same",
                                  plan.channel, plan.program.cell_name, rehearsal.reason)};
  }
  if (rehearsal.outcome != Outcome::completed)
    progress_.message(plan.channel, db::Severity::warning, "the rehearsal ended otherwise: " + verdict(rehearsal));
  for (const std::string& remark : remarks(plan.program, rehearsal))
    progress_.message(plan.channel, db::Severity::warning, "in the rehearsal: " + remark);
  const std::string summary =
      fmt::format("{}, {}; {}", verdict(rehearsal), duration_text(rehearsal.seconds), nearest_limit(plan.program, rehearsal));
  progress_.message(plan.channel, db::Severity::info, "rehearsed: " + summary);
  return summary;
}

void RunSession::rehearse_plans() {
  const bool is_due = !rig_->is_simulated() || options_.require_proofs;
  if (!options_.without_rehearsal.empty()) {
    rehearsed_ = "without: " + options_.without_rehearsal;
    return;
  }
  if (!is_due || options_.resume) return;
  std::map<std::string, std::string> done;  // the same program on two channels of a kind is rehearsed once
  for (const ChannelPlan& plan : plans_) {
    const std::string key = plan.program.hash + plan.cell_file + bench_.channel(plan.channel).chamber +
                            bench_.instruments.at(bench_.channel(plan.channel).cycler).model;
    if (done.count(key) != 0) continue;
    done[key] = rehearse_plan(plan);
    if (signal_ != 0) return;
    if (!rehearsed_.empty()) rehearsed_ += " | ";
    rehearsed_ += plan.channel + ": " + done[key];
  }
}

}  // namespace cellrig::cli
