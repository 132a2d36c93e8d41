// A simulated bench in real time, and controllers on it as a person starts them: for tests of what one process does to another.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "db/reader.hpp"
#include "tests/program/process.hpp"

namespace cellrig::test {

struct LiveRun {
  std::vector<std::string> channels{"ch1"};
  std::string profile = "charge.yaml";  ///< a file in the folder of the bench
  std::string database = "first.db";
  std::vector<std::string> more;  ///< further words
  std::string program;            ///< empty: cellrig
  std::map<std::string, std::string> environment;
  Errors errors = Errors::file;
};

class LiveBench {
 public:
  /// A name in sim/benches, or the text of a bench file.
  explicit LiveBench(const std::string& bench);

  /// Writes a profile into the folder: `charge` seconds at 1C; in a chamber when a temperature is given.
  void write_charge(const std::string& file, int seconds, const std::string& temperature_degC = "");
  [[nodiscard]] std::unique_ptr<Process> start(const LiveRun& run);
  /// The same, and waits until its first channel is charged.
  [[nodiscard]] std::unique_ptr<Process> start_charging(const LiveRun& run);
  /// `cellrig off` on this bench, with further words.
  [[nodiscard]] Finished off(const std::vector<std::string>& more = {});

  [[nodiscard]] bool charges(const std::string& channel) { return simulator.truth(channel).current_A > 4.9; }
  [[nodiscard]] bool goes_off(const std::string& channel, Seconds limit);
  /// The simulated world's clock.
  [[nodiscard]] Seconds now();
  /// Of the chamber "oven".
  [[nodiscard]] bool oven_runs();
  [[nodiscard]] double oven_setpoint_degC();
  [[nodiscard]] std::unique_ptr<db::Reader> record(const std::string& database = "first.db") const;

  Simulator simulator;
  std::string folder;
};

/// The run of this channel; fails the test when there is not exactly one.
[[nodiscard]] db::RunInfo only_run(db::Reader& record, const std::string& channel);
[[nodiscard]] std::vector<db::SampleRow> samples_of(db::Reader& record, db::RunKey run);

}  // namespace cellrig::test
