#include "tests/program/live_bench.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <stdexcept>

#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

constexpr Seconds start_limit{20};
constexpr int long_charge_s = 3600;

}  // namespace

LiveBench::LiveBench(const std::string& bench) : simulator{bench}, folder{temporary_folder()} {
  write_charge("charge.yaml", long_charge_s);
  write_charge("warm.yaml", long_charge_s, "30");
}

void LiveBench::write_charge(const std::string& file, int seconds, const std::string& temperature_degC) {
  const std::string chamber = temperature_degC.empty() ? "" : ", temperature_degC: " + temperature_degC;
  (void)file_with("profile: Charge\nformat: 1\nrecord: {every_s: 0}\nsteps:\n  - cc_charge: {rate_C: 1, until: step_time_s >= " +
                      std::to_string(seconds) + ", at_most_h: 2" + chamber + "}\n",
                  file, folder);
}

std::unique_ptr<Process> LiveBench::start(const LiveRun& run) {
  std::vector<std::string> words{
      "run",    run.profile, "--bench", simulator.bench_file(), "--simulator", simulator.ready_file(), "--db", run.database,
      "--time", "real",      "--quiet"};
  for (const std::string& channel : run.channels) words.insert(words.end(), {"--channel", channel});
  words.insert(words.end(), run.more.begin(), run.more.end());
  std::vector<std::string> command = cellrig_command(words);
  if (!run.program.empty()) command.front() = run.program;
  return std::make_unique<Process>(command,
                                   with_leases({.folder = folder, .environment = run.environment, .errors = run.errors}));
}

std::unique_ptr<Process> LiveBench::start_charging(const LiveRun& run) {
  std::unique_ptr<Process> process = start(run);
  const bool began = eventually(start_limit, [&] { return charges(run.channels.front()) || process->has_ended(); });
  if (!began || process->has_ended()) throw std::runtime_error("it does not charge: " + process->out() + process->err());
  return process;
}

Finished LiveBench::off(const std::vector<std::string>& more) {
  std::vector<std::string> words{"off", "--bench", simulator.bench_file(), "--simulator", simulator.ready_file()};
  words.insert(words.end(), more.begin(), more.end());
  return cellrig(words, {.folder = folder});
}

bool LiveBench::goes_off(const std::string& channel, Seconds limit) {
  return eventually(limit, [&] { return simulator.is_off(channel); });
}

Seconds LiveBench::now() {
  constexpr double ns_per_s = 1e9;
  const std::string answer = simulator.ask("now");
  return Seconds{std::stod(answer.substr(answer.find(' ') + 1)) / ns_per_s};
}

bool LiveBench::oven_runs() {
  return boost::json::parse(simulator.ask("truth")).at("chambers").at("oven").at("running").as_bool();
}

double LiveBench::oven_setpoint_degC() {
  return boost::json::parse(simulator.ask("truth")).at("chambers").at("oven").at("setpoint_degC").to_number<double>();
}

std::unique_ptr<db::Reader> LiveBench::record(const std::string& database) const {
  Result<std::unique_ptr<db::Reader>> opened = db::Reader::open(folder + "/" + database);
  if (!opened) throw std::runtime_error(opened.error().what);
  return std::move(*opened);
}

db::RunInfo only_run(db::Reader& record, const std::string& channel) {
  std::vector<db::RunInfo> found;
  for (const db::RunInfo& run : record.runs().value()) {
    if (run.row.channel == channel) found.push_back(run);
  }
  EXPECT_EQ(found.size(), 1u) << channel;
  return found.empty() ? db::RunInfo{} : found.front();
}

std::vector<db::SampleRow> samples_of(db::Reader& record, db::RunKey run) {
  std::vector<db::SampleRow> rows;
  const auto keep = [&rows](const db::SampleView& view) {
    rows.push_back(view.row);
    return true;
  };
  (void)record.for_each_sample(run, keep).value();
  return rows;
}

}  // namespace cellrig::test
