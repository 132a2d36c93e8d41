// How fast virtual time is: one channel (EA PSB in process, no chamber) cycles a cell CC-CV at 1 Hz and every sample goes into
// SQLite. Samples per second of one core, beside what cannot be done without: the cell's physics and a prepared INSERT of the same
// row, both measured in the same run. CPU time of the whole process counts, the recorder's thread included.
//
// virtual_bench [--cycles 100] [--rounds 3] [--short] [--only full|quiet|driver|physics]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/base/resources.hpp"
#include "db/sqlite.hpp"
#include "sim/cell_file.hpp"
#include "sim/world.hpp"
#include "tests/bench/virtual_run.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::bench {
namespace {

constexpr double target_per_s = 300'000;
/// Short form: this share of what physics and storage alone allow. A ratio of one run, so that it holds on any machine.
constexpr double share_min = 0.15;
constexpr std::size_t batch_rows = 10'000;

constexpr std::string_view bench_text = R"(bench: virtual

instruments:
  psb1: {model: ea-psb-10060-60, modbus: "192.0.2.10:502", scpi: "192.0.2.10:5025"}

channels:
  ch1: {cycler: psb1}

simulation:
  cells:
    ch1: {file: lg-m50, soc_pct: 50}
  room_temperature_degC: 25
  latency: modelled
)";

std::string cycling(int cycles) {
  return fmt::format(R"(profile: CC-CV cycling at 1C
format: 1
description: for the benchmark
source: for the benchmark
record: {{every_s: 0}}
steps:
  - cycles:
      times: {}
      steps:
        - cccv_charge: {{rate_C: 1, voltage_V: cell.voltage_max_V, until: rate_C <= 1/20 for 5 s, at_most_h: 4}}
        - rest: {{for_min: 10}}
        - cc_discharge: {{rate_C: 1, until: voltage_V <= cell.voltage_min_V, at_most_h: 2}}
        - rest: {{for_min: 10}}
)",
                     cycles);
}

/// The whole program; without a database name nothing is recorded.
RunFigures whole_program(int cycles, const std::string& database) {
  BenchConfig bench = make_bench(bench_text);
  const std::unique_ptr<cli::Rig> rig = cli::make_rig({.time = "virtual", .simulated = true}, bench);
  const RunSpec spec{.profile = cycling(cycles),
                     .channels = {"ch1"},
                     .options = options_with_period(std::chrono::seconds{1}),
                     .database = database};
  return run(*rig, bench, spec);
}

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Driver, in-process wire, instrument and physics; no runtime, no engine, nothing recorded. Charges and discharges around 50 %.
Task<void> ask_only(TimeSource& time, Cycler& cycler, std::uint64_t samples) {
  constexpr std::uint64_t samples_per_direction = 1200;
  const auto deadline = [&time] { return Deadline{time.now() + std::chrono::seconds{5}}; };
  const Protections guards{.over_voltage = Volts{4.3},
                           .under_voltage = Volts{2.4},
                           .charge_current_max = Amps{10},
                           .discharge_current_max = Amps{10},
                           .watchdog_delay = std::chrono::seconds{5}};
  must(co_await cycler.output_off(deadline()));
  must(co_await cycler.identify(deadline()));
  must(co_await cycler.arm(guards, deadline()));
  for (std::uint64_t i = 0; i < samples; ++i) {
    if (i % samples_per_direction == 0) {
      const double sign = i / samples_per_direction % 2 == 0 ? 1.0 : -1.0;
      const ConstantCurrent direction{.current = Amps{5.0 * sign}, .voltage_min = Volts{2.5}, .voltage_max = Volts{4.2}};
      const Setpoint setpoint{direction};
      must(co_await cycler.apply(setpoint, deadline()));
    }
    const TimePoint next = time.now() + std::chrono::seconds{1};
    must(co_await cycler.measure(deadline()));
    co_await time.sleep_until(next);
  }
  time.stop();
}

RunFigures driver_only(std::uint64_t samples) {
  BenchConfig bench = make_bench(bench_text);
  const std::unique_ptr<cli::Rig> rig = cli::make_rig({.time = "virtual", .simulated = true}, bench);
  BenchInstruments instruments = cli::make_instruments(rig->time(), bench, {"ch1"}, rig->links());
  const Meter meter;
  rig->time().spawn(ask_only(rig->time(), *instruments.cyclers.at("psb1"), samples));
  rig->time().run();
  return {.samples = samples, .cost = meter.elapsed()};
}

/// The cell on its power stage, looked at once a second: CC-CV and back.
RunFigures physics_only(std::uint64_t samples) {
  const sim::CellParameters parameters = sim::load_cell_file(cell_directory() + "/lg-m50.yaml");
  sim::World world;
  const std::size_t cell = world.add_cell(parameters, std::nullopt, 0.5, 25.0);
  sim::PowerStage& stage = world.stage(cell);
  sim::RegulatorCommand charge{.on = true, .voltage_V = 4.2, .source_current_max_A = 5.0};
  sim::RegulatorCommand discharge{.on = true, .voltage_V = 2.5, .sink_current_max_A = 5.0};
  const Meter meter;
  TimePoint now{};
  bool charging = true;
  stage.command(now, charge);
  for (std::uint64_t i = 0; i < samples; ++i) {
    now += std::chrono::seconds{1};
    world.advance(now);
    const bool done = charging ? stage.current_A() <= 0.25 : stage.terminal_voltage_V() <= 2.5001;
    if (!done) continue;
    charging = !charging;
    stage.command(now, charging ? charge : discharge);
  }
  return {.samples = samples, .cost = meter.elapsed()};
}

/// One prepared INSERT of eleven columns in transactions of 10,000: what any recorder must do at least.
RunFigures insert_only(std::uint64_t rows, const std::string& path) {
  db::Connection connection = must(db::Connection::open(path, db::OpenMode::write));
  must(connection.query_text("PRAGMA journal_mode = WAL"));
  must(connection.execute("PRAGMA synchronous = OFF", "bench"));
  must(connection.execute(
      "CREATE TABLE sample(step INTEGER, t INTEGER, flags INTEGER, v REAL, i REAL, t1 REAL, t2 REAL, q1 REAL, q2 REAL, "
      "e1 REAL, e2 REAL)",
      "bench"));
  db::Statement insert = must(connection.prepare("INSERT INTO sample VALUES(?,?,?,?,?,?,?,?,?,?,?)"));
  const Meter meter;
  for (std::uint64_t row = 0; row < rows; ++row) {
    if (row % batch_rows == 0) must(connection.execute("BEGIN", "bench"));
    const auto number = static_cast<std::int64_t>(row);
    sqlite3_bind_int64(insert.handle(), 1, number / 3000);
    sqlite3_bind_int64(insert.handle(), 2, number * 1'000'000'000);
    sqlite3_bind_int64(insert.handle(), 3, 1);
    for (int column = 4; column <= 11; ++column) {
      if (column == 6 || column == 7) {
        sqlite3_bind_null(insert.handle(), column);  // no thermocouple on this bench
      } else {
        sqlite3_bind_double(insert.handle(), column, 1e-4 * static_cast<double>(row) / column);
      }
    }
    must(insert.run("bench"));
    if ((row + 1) % batch_rows == 0) must(connection.execute("COMMIT", "bench"));
  }
  if (rows % batch_rows != 0) must(connection.execute("COMMIT", "bench"));
  return {.samples = rows, .rows = rows, .cost = meter.elapsed()};
}

struct Part {
  std::string name;
  std::function<RunFigures()> measure;
  RunFigures best;
};

double ns_per_sample(const RunFigures& figures) { return 1e9 * figures.cost.cpu_s / static_cast<double>(figures.samples); }

void print(const Part& part) {
  const RunFigures& f = part.best;
  const auto samples = static_cast<double>(f.samples);
  fmt::print("{:<44} {:>9} samples {:>9.0f} ns CPU ({:>5.0f} control thread) {:>10.0f} /s of CPU {:>10.0f} /s of wall\n",
             part.name, f.samples, ns_per_sample(f), 1e9 * f.cost.control_cpu_s / samples, samples / f.cost.cpu_s,
             samples / f.cost.wall_s);
}

int main_of(int argc, char** argv) {
  const bool is_short = has_flag(argc, argv, "--short");
  const int cycles = static_cast<int>(argument(argc, argv, "--cycles", is_short ? 20 : 100));
  const int rounds = static_cast<int>(argument(argc, argv, "--rounds", 3));
  const std::string folder = test::temporary_folder();
  int file = 0;
  const auto fresh = [&] { return folder + "/" + std::to_string(++file) + ".db"; };
  const auto samples = static_cast<std::uint64_t>(cycles) * 10'000;

  std::vector<Part> parts;
  parts.push_back({"whole program, every sample in SQLite", [&] { return whole_program(cycles, fresh()); }, {}});
  parts.push_back({"whole program, recorder off", [&] { return whole_program(cycles, ""); }, {}});
  parts.push_back({"driver, wire, instrument and physics", [&] { return driver_only(samples); }, {}});
  parts.push_back({"physics only", [&] { return physics_only(samples); }, {}});
  parts.push_back({"prepared INSERT of the row only", [&] { return insert_only(samples, fresh()); }, {}});
  const std::vector<std::string> names{"full", "quiet", "driver", "physics", "insert"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!has_flag(argc, argv, "--only") || has_flag(argc, argv, names[i])) continue;
    parts[i].measure = nullptr;
  }

  // The rounds take turns, so that a quiet moment of the machine is not given to one part alone.
  for (int round = 0; round < rounds; ++round) {
    for (Part& part : parts) {
      if (!part.measure) continue;
      const RunFigures figures = part.measure();
      if (!figures.failure.empty()) {
        fmt::print(stderr, "{}: {}\n", part.name, figures.failure);
        return 1;
      }
      if (part.best.samples == 0 || ns_per_sample(figures) < ns_per_sample(part.best)) part.best = figures;
    }
  }
  for (const Part& part : parts) {
    if (part.measure) print(part);
  }
  if (has_flag(argc, argv, "--only")) return 0;

  const RunFigures& full = parts[0].best;
  const double rate = static_cast<double>(full.samples) / full.cost.cpu_s;
  const double limit = 1e9 / (ns_per_sample(parts[3].best) + ns_per_sample(parts[4].best));
  fmt::print("rows in the record: {} of {} samples\n", full.rows, full.samples);
  fmt::print("{}: {:.0f} samples per second of one core, target {:.0f}\n", rate >= target_per_s ? "PASS" : "FAIL", rate,
             target_per_s);
  fmt::print("{:.1f} days of a test for a second of CPU, looked at once a second\n", rate / 86'400);
  const double share = rate / limit;
  fmt::print("{}: {:.2f} of what physics and INSERT alone allow ({:.0f} /s), bar {:.2f}\n", share >= share_min ? "PASS" : "FAIL",
             share, limit, share_min);
  return share >= share_min && full.rows == full.samples ? 0 : 1;
}

}  // namespace
}  // namespace cellrig::bench

int main(int argc, char** argv) { return cellrig::bench::main_of(argc, argv); }
