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

  [[nodiscard]] const ChannelResult& result(const std::string& channel) const;
  [[nodiscard]] VirtualTime& time() { return time_; }
  [[nodiscard]] sim::SimulatedBench& bench() { return *simulated_; }
  [[nodiscard]] BenchRun& bench_run() { return *bench_run_; }
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
  void load_bench_file();
  void compile_profiles();

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
  BenchInstruments instruments_;
  std::unique_ptr<BenchRun> bench_run_;
  std::unique_ptr<db::Reader> reader_;
};

/// A folder of its own, removed at the end of the process.
[[nodiscard]] std::string temporary_folder();

}  // namespace cellrig::test
