#include "controller/cli/rehearsal/rehearsal.hpp"

#include <algorithm>

#include "controller/async/virtual_time.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/bench/instruments.hpp"
#include "controller/cli/rehearsal/rehearsal_watch.hpp"
#include "controller/cli/run/simulated_person.hpp"
#include "controller/runtime/bench_run.hpp"
#include "profiles/estimate.hpp"
#include "sim/bench.hpp"

namespace cellrig::cli {
namespace {

constexpr Duration usual_period = std::chrono::seconds{1};
constexpr Duration long_rest_period = std::chrono::seconds{10};
/// Of loggers and chambers in tests of months: a cell warms and cools over minutes, and each look is an exchange like any other.
constexpr Duration slow_sensor_period = std::chrono::seconds{10};
constexpr Duration months = std::chrono::hours{24 * 60};
constexpr Duration resume_point_interval = std::chrono::hours{1};

/// Months are looked at as rarely as the watchdog allows.
Duration period_of(const RehearsalRequest& request) {
  const Duration most = request.bench.watchdog_delay / 2;
  if (request.control_period) return std::min(*request.control_period, most);
  return estimate_duration(*request.program) > months ? most : std::min(usual_period, most);
}

ChannelOptions channel_options(Duration period) {
  ChannelOptions options;
  options.control_period = period;
  options.control_period_off = period;
  options.control_period_long_rest = std::max(long_rest_period, period);
  options.sensor_period = period > usual_period ? std::max(period, slow_sensor_period) : period;
  options.resume_point_interval = resume_point_interval;
  return options;
}

std::vector<ChannelJob> job_of(const RehearsalRequest& request, Duration period, CurveGatherer& gatherer) {
  db::RunRow row;
  row.cell_name = request.program->cell_name;
  row.profile_name = request.program->name;
  row.program_hash = request.program->hash;
  row.time_source = "virtual";
  row.seed = request.seed;
  row.control_period = period;
  row.nominal_capacity_Ah = request.program->nominal_capacity.value();
  std::vector<ChannelJob> jobs;
  ChannelJob job{.channel = request.channel, .program = request.program, .run = std::move(row)};
  job.following.gatherer = &gatherer;
  jobs.push_back(std::move(job));
  return jobs;
}

double soc_pct_of(sim::SimulatedBench& bench, const std::string& channel) {
  return 100.0 * bench.world().truth(bench.channel(channel)->cell).soc;
}

}  // namespace

Rehearsal rehearse(const RehearsalRequest& request, const RehearsalWatcher& watcher) {
  const Duration period = period_of(request);
  VirtualTime time;
  const std::unique_ptr<sim::SimulatedBench> simulated = sim::SimulatedBench::load(
      request.bench.file,
      sim::BenchOptions{.cell_directories = {cell_directory()},
                        .seed = request.seed,
                        .cell_instead = sim::CellInstead{.file = request.cell_file, .soc_pct = request.soc_pct}});
  const std::unique_ptr<LinkMaker> links = in_process_links(time, *simulated);
  BenchInstruments instruments = make_instruments(time, request.bench, {request.channel}, *links);
  const double soc_pct = soc_pct_of(*simulated, request.channel);

  CurveGatherer gatherer{*request.program};
  BenchRun* running = nullptr;
  const SafetyLimits limits = tighter(request.program->limits, request.bench.channel(request.channel).limits);
  RehearsalWatch watch{*request.program, limits, watcher, [&running] { running->stop(Outcome::stopped); }};
  BenchRun bench_run{time,  request.bench, instruments,
                     watch, watch,         BenchRunOptions{.channel = channel_options(period), .take_leases = false}};
  running = &bench_run;
  watch.set_person([&](const std::string& channel, const PersonTask& task) {
    time.spawn(do_as_asked(time, bench_run, channel, task, [&simulated, channel](double pressure_MPa) {
      if (const sim::SimulatedChannel* const place = simulated->channel(channel))
        (void)simulated->world().ensure_life(place->cell).set_stack_pressure(pressure_MPa);
    }));
  });
  run_to_end(time, bench_run.run(job_of(request, period, gatherer)));

  Rehearsal rehearsal = watch.take();
  rehearsal.limits = limits;
  const ChannelResult& result = bench_run.results().front();
  rehearsal.outcome = result.outcome;
  rehearsal.criteria_met = result.criteria_met;
  rehearsal.reason = result.reason;
  rehearsal.bench = request.bench.name;
  rehearsal.channel = request.channel;
  rehearsal.cell = request.program->cell_name;
  rehearsal.soc_pct = soc_pct;
  rehearsal.control_period = period;
  rehearsal.expected = gatherer.take();
  return rehearsal;
}

}  // namespace cellrig::cli
