#include "tests/bench/virtual_run.hpp"

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "controller/base/resources.hpp"
#include "controller/runtime/null_recorder.hpp"
#include "profiles/cell.hpp"
#include "profiles/compile.hpp"
#include "profiles/reader.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::bench {
namespace {

double cpu_seconds_used(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Cost cost_now() {
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {cpu_seconds_used(RUSAGE_SELF), cpu_seconds_used(RUSAGE_THREAD), std::chrono::duration<double>(wall).count()};
}

std::unique_ptr<db::Recorder> make_recorder(const std::string& database, bool is_real_time) {
  if (database.empty()) return std::make_unique<NullRecorder>();
  Result<std::unique_ptr<db::Recorder>> opened =
      db::Recorder::open({.path = database, .commit = is_real_time ? db::CommitPolicy::real() : db::CommitPolicy::simulated()});
  if (!opened) throw std::runtime_error(opened.error().what);
  return std::move(*opened);
}

std::vector<ChannelJob> make_jobs(const RunSpec& spec, const Program& program, const cli::Rig& rig) {
  std::vector<ChannelJob> jobs;
  for (const std::string& channel : spec.channels) {
    db::RunRow row;
    row.cell_name = program.cell_name;
    row.profile_name = program.name;
    row.program_hash = program.hash;
    row.time_source = rig.time_name();
    row.control_period = spec.options.control_period;
    row.nominal_capacity_Ah = program.nominal_capacity.value();
    jobs.push_back({channel, &program, std::move(row)});
  }
  return jobs;
}

}  // namespace

Meter::Meter() : start_{cost_now()} {}

Cost Meter::elapsed() const {
  const Cost now = cost_now();
  return {now.cpu_s - start_.cpu_s, now.control_cpu_s - start_.control_cpu_s, now.wall_s - start_.wall_s};
}

ChannelOptions options_with_period(Duration period) {
  ChannelOptions options;
  options.control_period = period;
  options.control_period_off = period;
  options.control_period_long_rest = period;
  options.sensor_period = period;
  options.resume_point_interval = std::chrono::minutes{10};
  return options;
}

BenchConfig make_bench(std::string_view text) {
  const std::string file = test::temporary_folder() + "/bench.yaml";
  std::ofstream{file} << text;
  return load_bench(file);
}

RunFigures run(cli::Rig& rig, const BenchConfig& bench, const RunSpec& spec) {
  TimeSource& time = rig.time();
  Cell cell = read_cell_file(find_cell("lg-m50"));
  cell.limits
      .charge_current_by_temperature = {};  // these benches have no thermometer, and 1C is too much for a cell that may be cold
  const Program program = compile(read_profile(spec.profile, "profile.yaml"), cell);
  const std::unique_ptr<db::Recorder> recorder = make_recorder(spec.database, rig.time_name() == "real");
  BenchInstruments instruments = cli::make_instruments(time, bench, spec.channels, rig.links());
  RunListener nobody;
  RunListener& listener = spec.listener != nullptr ? *spec.listener : nobody;
  BenchRun bench_run{time,      bench,    instruments,
                     *recorder, listener, BenchRunOptions{.channel = spec.options, .take_leases = false}};
  const auto whole = [](BenchRun* runs, std::vector<ChannelJob> jobs, TimeSource* t) -> Task<void> {
    co_await runs->run(std::move(jobs));
    t->stop();
  };

  RunFigures figures;
  const Meter meter;
  time.spawn(whole(&bench_run, make_jobs(spec, program, rig), &time));
  time.run();
  const Result<void> closed = recorder->close();
  figures.cost = meter.elapsed();

  figures.rows = recorder->rows_written();
  if (!closed) figures.failure = closed.error().what;
  for (const ChannelResult& result : bench_run.results()) {
    figures.samples += result.samples;
    figures.periods_missed += result.periods_missed;
    if (result.outcome != Outcome::completed)
      figures.failure = result.channel + ": " + std::string(to_string(result.outcome)) + ": " + result.reason;
  }
  return figures;
}

double argument(int argc, char** argv, std::string_view name, double otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == name) return std::strtod(argv[i + 1], nullptr);
  }
  return otherwise;
}

bool has_flag(int argc, char** argv, std::string_view name) {
  for (int i = 1; i < argc; ++i) {
    if (argv[i] == name) return true;
  }
  return false;
}

}  // namespace cellrig::bench
