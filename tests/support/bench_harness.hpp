// A whole bench in virtual time for scenario tests: the program's own runtime, drivers and recorder over the simulator's
// in-process links. Assertions are made on the record and on the world's truth.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/async/virtual_time.hpp"
#include "controller/runtime/bench_run.hpp"
#include "db/reader.hpp"
#include "sim/bench.hpp"

namespace cellrig::test {

struct HarnessOptions {
  std::string bench = "single";                 ///< a name in sim/benches, or the text of a bench file
  std::map<std::string, std::string> profiles;  ///< channel -> the text of a profile, or the name of one in the library
  std::map<std::string, std::string> settings;  ///< parameter -> value, for all channels
  std::string cell = "lg-m50";                  ///< a name in profiles/cells, or the text of a cell file
  std::uint64_t seed = 1;
  Duration control_period = std::chrono::seconds{1};
  std::size_t database_bytes_max = 0;
  std::function<std::uint64_t(TimePoint)> free_disk_bytes;  ///< what is free where the database is; empty: plenty
  std::string database;                                     ///< empty: a temporary file
  bool ignore_check = false;                                ///< run although `check` has errors
  std::string lease_directory;                              ///< of outputs and chambers; empty: none is taken
  Duration resume_point_interval = std::chrono::seconds{10};
  std::function<void(BenchRunOptions&)> start_rules;  ///< what a start must keep beyond its own; empty: nothing
  bool has_person = true;                             ///< who does what steps ask for, after a minute
  std::string expected_soc;                           ///< as --expect-soc has it; empty: any
  std::string rehearsed_on;  ///< a bench as above: new runs are compared with a rehearsal of `cell` on it; empty: with nothing
};

/// When a process dies: after so many samples, or after so many writes (a sample, or what is held together), whichever comes
/// first. 0: not for this reason.
struct Death {
  std::size_t samples = 0;
  std::size_t writes = 0;
};

/// What a listener was told.
struct Message {
  std::string channel;
  db::Severity severity = db::Severity::info;
  std::string text;
};

class BenchHarness {
 public:
  explicit BenchHarness(HarnessOptions options);
  ~BenchHarness();

  /// Before run(): does something at this virtual instant.
  void at(Duration instant, std::function<void()> action);
  /// Orders a fault by the simulator's own words at this instant: "drop psb1.modbus".
  void fault_at(Duration instant, const std::string& order);
  /// Runs everything to its end.
  const std::vector<ChannelResult>& run();
  /// The process dies: nothing is recorded nor sent any more. False: it ended before.
  [[nodiscard]] bool run_until_killed(Death death);
  /// A process that is made `gap` later goes on with the first run of each channel. It may be killed as well.
  const std::vector<ChannelResult>& resume(Duration gap, InterruptionRule rule);
  [[nodiscard]] bool resume_until_killed(Duration gap, InterruptionRule rule, Death death);
  /// Why it cannot go on; empty when it could.
  [[nodiscard]] const std::string& resume_refusal() const { return resume_refusal_; }

  [[nodiscard]] const ChannelResult& result(const std::string& channel) const;
  [[nodiscard]] VirtualTime& time() { return time_; }
  [[nodiscard]] sim::SimulatedBench& bench() { return *simulated_; }
  [[nodiscard]] BenchRun& bench_run() { return *bench_run_; }
  /// The one writer, during the run.
  [[nodiscard]] db::Recorder& recorder() { return *recorder_; }
  /// What the cell's power stage really does, now.
  [[nodiscard]] sim::CellTruth truth(const std::string& channel);
  [[nodiscard]] bool output_is_on(const std::string& channel);
  [[nodiscard]] db::Reader& record();
  [[nodiscard]] const std::string& database() const { return options_.database; }
  [[nodiscard]] const std::vector<Message>& messages() const { return messages_; }
  [[nodiscard]] bool said(const std::string& part) const;
  /// Errors that `check` found, by channel.
  [[nodiscard]] const std::vector<std::string>& findings() const { return findings_; }

 private:
  class Listener;
  class DyingRecorder;
  void attend(const std::string& channel, const PersonTask& task);
  void load_bench_file();
  void compile_profiles();
  void make_process(Death death);
  [[nodiscard]] std::optional<ExpectedCharge> expected_charge() const;
  [[nodiscard]] Following rehearsed(const std::string& channel, const Program& program) const;
  [[nodiscard]] std::vector<ChannelJob> new_jobs() const;
  [[nodiscard]] std::vector<ChannelJob> interrupted_jobs(InterruptionRule rule);
  [[nodiscard]] bool run_jobs(std::vector<ChannelJob> jobs);
  void pass(Duration gap);

  HarnessOptions options_;
  std::string folder_;
  VirtualTime time_;
  BenchConfig config_;
  std::unique_ptr<sim::SimulatedBench> simulated_;
  std::map<std::string, Program> programs_;
  std::vector<std::string> findings_;
  std::vector<Message> messages_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<db::Recorder> recorder_;
  std::string resume_refusal_;
  bool killed_ = false;
  BenchInstruments instruments_;
  std::unique_ptr<BenchRun> bench_run_;
  std::unique_ptr<db::Reader> reader_;
};

/// A folder of its own, removed at the end of the process.
[[nodiscard]] std::string temporary_folder();

}  // namespace cellrig::test
