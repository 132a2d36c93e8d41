#include "tests/swarm/campaign.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "controller/runtime/channel_record.hpp"
#include "tests/swarm/fault_menu.hpp"

namespace cellrig::swarm {
namespace {

constexpr double progress_interval_s = 2.0;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double wall_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

class Progress {
 public:
  explicit Progress(std::size_t total) : total_{total}, start_s_{wall_seconds()}, next_s_{start_s_ + progress_interval_s} {}
  void tell(const Tally& tally) {
    const double now_s = wall_seconds();
    if (now_s < next_s_ || tally.runs == 0) return;
    next_s_ = now_s + progress_interval_s;
    const double share = static_cast<double>(tally.runs) / static_cast<double>(total_);
    fmt::print(stderr, "{} of {} runs ({:.0f} %), {:.0f} channel-hours, {} broken; about {:.0f} s left\n", tally.runs, total_,
               100 * share, tally.channel_hours, tally.failures.size(), (now_s - start_s_) * (1 / share - 1));
  }

 private:
  std::size_t total_;
  double start_s_, next_s_;
};

void count(Tally& tally, const Plan& plan, const RunReport& report) {
  ++tally.runs;
  tally.channel_hours += report.channel_hours;
  tally.samples += report.samples;
  tally.looks += report.looks;
  PaceTally& pace = tally.by_pace[plan.pace];
  ++pace.runs;
  pace.channels += plan.channels.size();
  pace.faults += plan.faults.size();
  pace.channel_hours += report.channel_hours;
  tally.trace_hash = tally.trace_hash * 31U + report.trace_hash;
  FaultTally* const fault = plan.faults.size() == 1 && plan.network.empty() ? &tally.by_fault[plan.faults.front().name] : nullptr;
  for (const auto& [channel, outcome] : report.outcomes) {
    ++tally.endings[std::string(to_string(outcome))];
    if (fault != nullptr) ++fault->endings[std::string(to_string(outcome))];
  }
  for (const ReactionTime& reaction : report.reactions) {
    ReactionTime& sum = tally.reactions.emplace(reaction.hazard, ReactionTime{reaction.hazard, {}, {}, 0}).first->second;
    sum.count += reaction.count;
    if (reaction.worst > sum.worst) {
      sum.worst = reaction.worst;
      sum.deadline = reaction.deadline;
    }
  }
  if (fault == nullptr) return;
  ++fault->runs;
  if (report.violation) ++fault->violations;
  if (!report.after_fault) return;
  ++fault->met;
  const auto share = [](const Judge::AfterFault& a) { return to_seconds(a.flowed) / to_seconds(a.deadline); };
  if (!fault->worst || share(*report.after_fault) > share(*fault->worst)) fault->worst = report.after_fault;
}

std::string endings_text(const std::map<std::string, std::uint64_t>& endings) {
  std::string text;
  for (const auto& [name, number] : endings) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number, name);
  return text;
}

void run_job(const Job& job, const CampaignOptions& options, Tally& tally) {
  const Plan plan = draw_plan(job.seed, job.options);
  const bool is_elsewhere = !job.options.fault.empty() && plan.faults.empty();  // this bench has no place for it
  if (is_elsewhere) return;
  const double before_s = cpu_seconds();
  const RunReport report = run_plan(plan, options.recording);
  count(tally, plan, report);
  tally.by_pace[plan.pace].cpu_s += cpu_seconds() - before_s;
  if (report.violation) tally.failures.push_back({job, plan, *report.violation});
  if (options.after_each) options.after_each(plan, report);
  if (!options.quiet && report.violation) fmt::print(stderr, "{}\n", text_of(tally.failures.back()));
}

/// A deadline that nothing was held against says nothing. Seeds beyond those of the jobs, each family in turn.
void run_until_judged(const std::vector<Job>& jobs, const CampaignOptions& options, Tally& tally) {
  std::uint64_t last_seed = 0;
  for (const Job& job : jobs) last_seed = std::max(last_seed, job.seed);
  for (const std::string& fault : deadlines_without_a_run(tally)) {
    std::vector<Job> alike;
    std::copy_if(jobs.begin(), jobs.end(), std::back_inserter(alike), [&](const Job& job) { return job.options.fault == fault; });
    for (std::uint64_t i = 0; i < options.further_seeds_max && !alike.empty() && tally.by_fault[fault].met == 0; ++i) {
      Job job = alike[i % alike.size()];
      job.seed = last_seed + 1 + i;
      run_job(job, options, tally);
      if (!tally.failures.empty() && options.stop_at_first) return;
    }
  }
}

}  // namespace

Tally run_campaign(const std::vector<Job>& jobs, const CampaignOptions& options) {
  Tally tally;
  Progress progress{jobs.size()};
  if (options.has_yardstick) measure_yardstick(tally.yardstick, options.recording);
  const double cpu_s = cpu_seconds();
  const double wall_s = wall_seconds();
  for (const Job& job : jobs) {
    run_job(job, options, tally);
    if (!options.quiet) progress.tell(tally);
    if (!tally.failures.empty() && options.stop_at_first) break;
  }
  const bool goes_on = tally.failures.empty() || !options.stop_at_first;
  if (goes_on) run_until_judged(jobs, options, tally);
  tally.cpu_s = cpu_seconds() - cpu_s;
  tally.wall_s = wall_seconds() - wall_s;
  if (options.has_yardstick) measure_yardstick(tally.yardstick, options.recording);
  return tally;
}

std::vector<Job> matrix_jobs(std::uint64_t first_seed, std::uint64_t seeds, const PlanOptions& common) {
  std::vector<Job> jobs;
  for (const MenuEntry& entry : fault_menu()) {
    if (!common.fault.empty() && entry.name != common.fault) continue;
    for (std::size_t family = 0; family < family_words().size(); ++family) {
      if (common.family && static_cast<std::size_t>(*common.family) != family) continue;
      for (std::uint64_t i = 0; i < seeds; ++i) {
        Job job{first_seed + i, common};
        job.options.fault = std::string(entry.name);
        job.options.family = static_cast<Family>(family);
        // A bench without a place for the fault says nothing of it: another one is drawn.
        constexpr std::uint64_t tries_max = 60;
        for (std::uint64_t tries = 0; tries < tries_max && draw_plan(job.seed, job.options).faults.empty(); ++tries)
          job.seed += seeds;
        jobs.push_back(job);
      }
    }
  }
  return jobs;
}

Plan minimise(Plan plan, const Violation& violation, Recording recording) {
  const auto still_breaks = [&](const Plan& smaller) {
    const RunReport report = run_plan(smaller, recording);
    return report.violation && report.violation->invariant == violation.invariant;
  };
  Plan smaller = plan;
  smaller.network.clear();
  if (!plan.network.empty() && still_breaks(smaller)) plan = smaller;
  for (std::size_t i = plan.faults.size(); i-- > 0;) {
    smaller = plan;
    smaller.faults.erase(smaller.faults.begin() + static_cast<std::ptrdiff_t>(i));
    if (still_breaks(smaller)) plan = smaller;
  }
  return plan;
}

std::vector<std::string> faults_without_a_run(const Tally& tally) {
  std::vector<std::string> names;
  for (const MenuEntry& entry : fault_menu()) {
    if (!tally.by_fault.contains(std::string(entry.name))) names.emplace_back(entry.name);
  }
  return names;
}

std::vector<std::string> deadlines_without_a_run(const Tally& tally) {
  std::vector<std::string> names;
  for (const MenuEntry& entry : fault_menu()) {
    const auto found = tally.by_fault.find(std::string(entry.name));
    if (entry.reaction != Reaction::none && found != tally.by_fault.end() && found->second.met == 0)
      names.emplace_back(entry.name);
  }
  return names;
}

std::string table_of(const Tally& tally) {
  std::string text = fmt::format("{:<28} {:>8} {:>12} {:>12}\n", "hazard, by the truth", "times", "worst s", "allowed s");
  for (const auto& [name, reaction] : tally.reactions)
    text += fmt::format("{:<28} {:>8} {:>12.3f} {:>12.3f}\n", name, reaction.count, to_seconds(reaction.worst),
                        to_seconds(reaction.deadline));
  return text;
}

std::string matrix_table_of(const Tally& tally) {
  std::string text = fmt::format("{:<8} {:<42} {:>5} {:>5} {:>6} {:>8} {:>8}  {}\n", "fault", "", "runs", "flow", "broken",
                                 "off s", "allowed", "channels ended");
  for (const MenuEntry& entry : fault_menu()) {
    const auto found = tally.by_fault.find(std::string(entry.name));
    if (found == tally.by_fault.end()) continue;
    const FaultTally& t = found->second;
    std::string off = "-";
    std::string allowed = "-";
    if (t.worst) {
      off = fmt::format("{:.3f}", to_seconds(t.worst->flowed));
      allowed = fmt::format("{:.3f}", to_seconds(t.worst->deadline));
    }
    text += fmt::format("{:<8} {:<42} {:>5} {:>5} {:>6} {:>8} {:>8}  {}\n", entry.name, entry.what, t.runs, t.met, t.violations,
                        off, allowed, endings_text(t.endings));
  }
  return text;
}

std::string pace_table_of(const Tally& tally) {
  std::string text = fmt::format("{:<10} {:>6} {:>9} {:>7} {:>14} {:>9} {:>11}\n", "pace", "runs", "channels", "faults",
                                 "channel-hours", "CPU s", "per CPU s");
  for (const auto& [pace, t] : tally.by_pace)
    text += fmt::format("{:<10} {:>6} {:>9} {:>7} {:>14.1f} {:>9.1f} {:>11.0f}\n", to_string(pace), t.runs, t.channels, t.faults,
                        t.channel_hours, t.cpu_s, t.channel_hours / std::max(t.cpu_s, 1e-9));
  return text;
}

std::string summary_of(const Tally& tally) {
  const double speed = tally.channel_hours / std::max(tally.cpu_s, 1e-9);
  std::string text = fmt::format(
      "{} runs, {} broken; channels: {}\n{:.1f} channel-hours in {:.1f} s of CPU: {:.0f} channel-hours per CPU second; {} "
      "samples, "
      "{} looks at the truth; trace {:016x}\n",
      tally.runs, tally.failures.size(), endings_text(tally.endings), tally.channel_hours, tally.cpu_s, speed, tally.samples,
      tally.looks, tally.trace_hash);
  if (tally.yardstick.cpu_s > 0) {
    text += fmt::format(
        "beside it one healthy channel, measured every second and judged by nobody: {:.0f} channel-hours per CPU second; "
        "the swarm is {:.2f} of it\n",
        tally.yardstick.hours_per_cpu_s(), speed / tally.yardstick.hours_per_cpu_s());
  }
  return text;
}

std::string text_of(const Failure& failure) {
  const Violation& v = failure.violation;
  return fmt::format("BROKEN {} at {:.6f} s{}{}: {}\n  truth: {}\n  {}", v.invariant, to_seconds(v.at.time_since_epoch()),
                     v.channel.empty() ? "" : " on ", v.channel, v.what, v.truth, describe(failure.plan));
}

}  // namespace cellrig::swarm
