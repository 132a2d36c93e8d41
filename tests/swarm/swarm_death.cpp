// A run whose controller is killed: the watchdogs, OFF by a new process, and the run that goes on.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "controller/cli/bench/instruments.hpp"
#include "controller/cli/run/resume_plan.hpp"
#include "controller/runtime/bench_off.hpp"
#include "controller/runtime/resume.hpp"
#include "db/reader.hpp"
#include "sim/net/in_process.hpp"
#include "tests/swarm/swarm_run_impl.hpp"

namespace cellrig::swarm {
namespace {

Task<void> switch_off(BenchOff* off, std::vector<std::string> channels, TimeSource* time) {
  std::vector<std::string> no_chambers;
  co_await off->run(std::move(channels), std::move(no_chambers));
  time->stop();
}

}  // namespace

/// F37: whoever held the outputs is gone, in the middle of whatever it did.
void SwarmRun::die() {
  is_dead_ = true;
  died_at_ = time_.now();
  tail_->lose();
  time_.stop();
}

/// First the instruments' own watchdogs; then a new process, which begins with OFF.
void SwarmRun::judge_after_death() {
  time_.drop_tasks();
  bench_run_.reset();
  instruments_ = BenchInstruments{};
  const TimePoint death = time_.now();
  for (TimePoint at = death; at <= death + after_the_end && !judge_->violation(); at += 100ms) {
    bench_->advance(at);
    (void)judge_->look(at);
  }
  if (judge_->violation()) return;
  time_.suspend(after_the_end);
  const std::unique_ptr<cli::LinkMaker> links = cli::in_process_links(time_, *bench_);
  BenchInstruments instruments = cli::make_instruments(time_, config_, channel_names(), *links);
  RunListener nobody;
  BenchOff off{time_, config_, instruments, nobody, BenchOffOptions{.lease_directory = folder_ + "/leases"}};
  time_.spawn(switch_off(&off, channel_names(), &time_));
  time_.run();
  for (const std::string& problem : off.problems()) {
    const bool is_held = problem.find("is already controlled by") != std::string::npos;
    if (is_held) judge_->complain("I4", "", "a dead process still holds an output: " + problem, time_.now());
  }
  time_.drop_tasks();
}

// ---- and who goes on ------------------------------------------------------------------------------------------------

/// By what was committed. A disk that keeps more to itself than that is for tests/db/slow_disk_test.cpp.
bool SwarmRun::is_to_go_on() const {
  return is_dead_ && recording_ == Recording::sqlite && !judge_->violation() && !recorder_->failed();
}

/// A person who came back has cleared what the instruments' watchdogs have latched.
Task<void> SwarmRun::clear_latched(SwarmRun* self) {
  for (const auto& [name, cycler] : self->instruments_.cyclers) {
    const Deadline deadline{self->time_.now() + std::chrono::seconds{5}};
    (void)co_await cycler->acknowledge_trip(deadline);
  }
  self->time_.stop();
}

/// The rule changes with the seed. A run whose last word is a trip waits for a person, and is left alone.
std::vector<ChannelJob> SwarmRun::interrupted_jobs() {
  constexpr std::array rules{InterruptionRule::resume, InterruptionRule::redo_step, InterruptionRule::skip_step};
  const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(folder_ + "/record.db");
  if (!reader) throw std::runtime_error(reader.error().what);
  const Duration silence = std::max(cli::resume_point_interval_of("real"), plan_.control_period);
  std::vector<ChannelJob> list;
  for (const auto& [key, run] : recorder_->runs()) {
    if (run.end) continue;
    const Program& program = programs_.at(run.channel);
    Result<Interrupted> found = find_interrupted(**reader, key);
    const Result<void> ready = found ? bring_up_to_date(**reader, program, *found) : Result<void>{found.error()};
    if (!ready) {
      judge_->complain("I8", run.channel, "it does not go on: " + ready.error().what, time_.now());
      continue;
    }
    Continuation how{.rule = rules[plan_.seed % rules.size()]};
    how.unseen = unseen_of(program, *found, plan_.watchdog_delay + std::chrono::seconds{1} + silence);
    unseen_Ah_[run.channel] = std::abs(how.unseen.moved_max().value());
    how.run = std::move(*found);
    list.push_back(ChannelJob{run.channel, &program, {}, std::move(how), std::nullopt, {}});
  }
  return list;
}

/// I8: whatever flowed after the last word of the dead process is within what the next one counts.
void SwarmRun::judge_unseen() {
  constexpr double accuracy_Ah = 0.001;
  for (const auto& [channel, bound_Ah] : unseen_Ah_) {
    const double flowed_Ah = moved_Ah(channel) - seen_Ah_[channel];
    if (flowed_Ah > bound_Ah + accuracy_Ah)
      judge_->complain("I8", channel, fmt::format("{:.4f} Ah flowed unseen, at most {:.4f} Ah are counted", flowed_Ah, bound_Ah),
                       time_.now());
  }
}

void SwarmRun::go_on_after_death() {
  has_gone_on_ = true;
  for (const DrawnFault& fault : plan_.faults) {
    const TimePoint begins{fault.at};
    const bool was_in_force = begins <= died_at_ && begins + fault.lasts >= died_at_;
    if (!was_in_force) continue;
    for (const std::string& words : fault.ends) order(words);
    judge_->fault_ends(fault, time_.now());
  }
  if (const Result<void> closed = recorder_->close(); !closed)
    return judge_->complain("I3", "", closed.error().what, time_.now());
  open_record();
  make_controller();
  time_.spawn(clear_latched(this));
  time_.run();
  std::vector<ChannelJob> list = interrupted_jobs();
  judge_unseen();
  for (const ChannelJob& job : list) judge_->goes_on(job.channel, time_.now());
  if (list.empty() || judge_->violation()) {
    bench_run_.reset();
    return;
  }
  is_over_ = false;
  start(std::move(list));
  run_until_over();
}

}  // namespace cellrig::swarm
