// One run of the swarm: what its parts share. swarm_run.cpp runs and judges it, swarm_death.cpp is for one whose controller is killed.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/async/virtual_time.hpp"
#include "controller/cli/bench/host_faults.hpp"
#include "controller/runtime/bench_run.hpp"
#include "sim/bench.hpp"
#include "tests/swarm/judge.hpp"
#include "tests/swarm/swarm_run.hpp"
#include "tests/swarm/uncommitted_tail.hpp"
#include "tests/swarm/watched_recorder.hpp"

namespace cellrig::swarm {

inline constexpr Duration after_the_end = std::chrono::minutes{1};  ///< in which nothing may flow any more

class SwarmRun;

class WatchedTime final : public VirtualTime {
 public:
  explicit WatchedTime(SwarmRun& run) : run_{run} {}
  void watch(bool on) { is_watched_ = on; }

 private:
  void served() override;
  SwarmRun& run_;
  bool is_watched_ = false;
};

class SwarmRun final : public RunListener {
 public:
  SwarmRun(const Plan& plan, Recording recording);
  RunReport run();
  void look();

 private:
  void sample(const ChannelView& view) override { judge_->sample(view, time_.now()); }
  void message(std::string_view channel, db::Severity severity, std::string_view text) override {
    judge_->message(channel, severity, text, time_.now());
  }
  void person_asked(std::string_view channel, const PersonTask& task) override;

  [[nodiscard]] std::vector<std::string> channel_names() const;
  [[nodiscard]] double moved_Ah(const std::string& channel) const;
  [[nodiscard]] UncommittedTail::Moved all_moved_Ah() const;
  [[nodiscard]] std::vector<ChannelJob> jobs();
  [[nodiscard]] BenchRunOptions run_options();
  void make_recorder();
  void start(std::vector<ChannelJob> list);
  void run_until_over();
  void judge_the_end();
  void judge_record();
  void judge_reaction(RunReport& report);
  void order(const std::string& words);
  void die();
  void judge_after_death();
  [[nodiscard]] bool is_to_go_on() const;
  void open_record();
  void make_controller();
  void go_on_after_death();
  [[nodiscard]] std::vector<ChannelJob> interrupted_jobs();
  void judge_unseen();
  static Task<void> clear_latched(SwarmRun* self);
  static Task<void> whole(SwarmRun* self, std::vector<ChannelJob> list);
  static Task<void> look_closely_at_trouble(SwarmRun* self);
  static Task<void> carry_out(SwarmRun* self, const DrawnFault* fault);
  static Task<void> compete(SwarmRun* self);
  static Task<void> compete_once(SwarmRun* self, bool is_forced);
  static Task<void> end_at_last(SwarmRun* self);
  static Task<void> stop_at_last(SwarmRun* self);
  [[nodiscard]] Duration look_again() const;

  const Plan& plan_;
  Recording recording_;
  std::string folder_;
  Trace trace_;
  WatchedTime time_{*this};
  cli::HostFaults host_{time_, &time_};
  BenchConfig config_;
  std::unique_ptr<sim::SimulatedBench> bench_;
  std::map<std::string, Program> programs_;
  std::unique_ptr<Judge> judge_;
  std::unique_ptr<WatchedRecorder> recorder_;
  std::unique_ptr<UncommittedTail> tail_;  ///< before it: what a process tells
  BenchInstruments instruments_;
  std::unique_ptr<BenchRun> bench_run_;
  Wait trouble_{time_};
  bool has_trouble_ = false;
  TimePoint closely_until_{};
  bool is_over_ = false;
  bool is_dead_ = false;
  bool has_gone_on_ = false;
  std::set<std::string> owned_;  ///< channels that have a run
  TimePoint died_at_{};
  std::map<std::string, double> seen_Ah_;    ///< by channel, what had moved when that was told which the record has last
  std::map<std::string, double> unseen_Ah_;  ///< and the most that can have moved since, as the record says
};

}  // namespace cellrig::swarm
