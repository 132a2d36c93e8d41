// How long a cell is left beyond a limit: from right before the value goes onto the wire to right after the OFF command came off it, on real
// sockets in real time, through the program's own driver, supervisor and channel. Two cases:
//   * the voltage in the cycler's own reply;
//   * the temperature from the logger, while the cycler does not answer: its exchange must be cut and its link made anew for the OFF.
// Beside it loopback round trips with the same server, taken between the trials of the same run.
//
// reaction_bench [--trials 1000] [--burners 0] [--short]      --trials 100000 takes about an hour
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "controller/async/real_time.hpp"
#include "controller/cli/bench/instruments.hpp"
#include "controller/base/resources.hpp"
#include "controller/runtime/null_recorder.hpp"
#include "controller/runtime/sensor_task.hpp"
#include "profiles/cell.hpp"
#include "profiles/compile.hpp"
#include "profiles/reader.hpp"
#include "tests/bench/reaction_instruments.hpp"
#include "tests/bench/realtime_latency.hpp"
#include "tests/bench/virtual_run.hpp"

namespace cellrig::bench {
namespace {

constexpr double target_us = 2000;  ///< beyond a round trip, at the 99.9th percentile
/// Short form: the median in round trips of the same run. The first case can't be below two, the second needs a new connection.
constexpr double voltage_round_trips_max = 20, temperature_round_trips_max = 40;
/// Short, so that trials are: how long a reaction takes does not depend on how often is measured.
constexpr std::chrono::milliseconds control_period{5}, sensor_period{4};
constexpr std::chrono::microseconds quiet_before_round_trip{300};
constexpr int round_trips_per_trial = 4;
/// Looks at the state, the output being on: one is the driver's own after switching on.
constexpr int looks_min = 3, looks_spread = 3;

constexpr std::string_view profile_text = R"(profile: a charge
format: 1
description: for the benchmark
source: for the benchmark
steps:
  - cc_charge: {rate_C: 0.5, until: voltage_V >= cell.voltage_max_V, at_most_h: 2}
)";

std::string bench_text(const ReactionInstruments& instruments) {
  return fmt::format(R"(bench: reaction

instruments:
  psb1: {{model: ea-psb-10060-60, modbus: "127.0.0.1:{}", scpi: "127.0.0.1:{}"}}
  adam: {{model: adam-6018, modbus: "127.0.0.1:{}"}}

channels:
  ch1: {{cycler: psb1, cell_temperature: {{logger: adam, input: 0}}}}
)",
                     instruments.psb_modbus_port(), instruments.psb_scpi_port(), instruments.adam_port());
}

/// Round trips with the server under test: a blocking client, after a moment of quiet, as a value beyond a limit comes.
class RoundTrips {
 public:
  explicit RoundTrips(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("no connection for the round trips");
  }
  ~RoundTrips() { ::close(fd_); }
  RoundTrips(const RoundTrips&) = delete;
  RoundTrips& operator=(const RoundTrips&) = delete;

  void make_one() {
    char frame[12]{};
    const std::int64_t start = monotonic_ns();
    if (::send(fd_, frame, sizeof frame, MSG_NOSIGNAL) < 0 || ::recv(fd_, frame, sizeof frame, MSG_WAITALL) <= 0) return;
    us.push_back(1e-3 * static_cast<double>(monotonic_ns() - start));
  }
  std::vector<double> us;

 private:
  int fd_;
};

class Trials {
 public:
  Trials()
      : bench_{make_bench(bench_text(wire_))},
        program_{compile(read_profile(profile_text, "profile.yaml"), read_cell_file(find_cell("lg-m50")))},
        links_{cli::socket_links(time_, false)},
        instruments_{cli::make_instruments(time_, bench_, {"ch1"}, *links_)},
        round_trips_{wire_.echo_port()} {}

  /// Throws when a trial does not end as it must: tripped, and the output confirmed off.
  void run(int count) {
    time_.spawn(run_all(count));
    time_.run();
  }
  std::vector<double> voltage_us, temperature_us;
  [[nodiscard]] const std::vector<double>& round_trip_us() const { return round_trips_.us; }

 private:
  Task<void> run_all(int count);
  Task<void> arm_once();
  Task<void> run_one(Hazardous hazard, int looks, std::vector<double>& us);
  Task<void> refresh(SensorTask& task, Wait& ended);
  [[nodiscard]] std::unique_ptr<ChannelRunner> make_runner();

  ReactionInstruments wire_;
  RealTime time_{RealTime::Thread::preferred};  // as the program does on a real bench
  BenchConfig bench_;
  Program program_;
  std::unique_ptr<cli::LinkMaker> links_;
  BenchInstruments instruments_;
  NullRecorder recorder_;
  RunListener listener_;
  RoundTrips round_trips_;
};

std::unique_ptr<ChannelRunner> Trials::make_runner() {
  const ChannelParts parts{.name = "ch1", .cycler = instruments_.cyclers.at("psb1").get(), .has_cell_temperature = true};
  ChannelOptions options = options_with_period(control_period);
  options.sensor_period = sensor_period;
  options.nominal_capacity = program_.nominal_capacity;
  return std::make_unique<ChannelRunner>(time_, parts, program_, options, recorder_, listener_);
}

template <class T>
void require(const Result<T>& result) {
  if (!result) throw std::runtime_error(result.error().what);
}

/// The protections stay armed from trial to trial: a run that was hurried does not give the cycler back.
Task<void> Trials::arm_once() {
  const std::unique_ptr<ChannelRunner> runner = make_runner();
  SensorTask sensors{time_, "adam", *instruments_.loggers.at("adam"), sensor_period, listener_};
  const SensorSubscription cell{runner.get(), Measurand::cell_temperature, 0};
  sensors.subscribe(cell);
  const Deadline deadline{time_.now() + std::chrono::seconds{5}};
  require(co_await runner->secure());
  require(co_await runner->identify());
  require(co_await instruments_.loggers.at("adam")->identify(deadline));
  require(co_await sensors.refresh());
  require(co_await runner->connect_cell());
  require(co_await runner->arm());
}

Task<void> Trials::refresh(SensorTask& task, Wait& ended) {
  co_await task.run();
  ended.wake();
}

Task<void> Trials::run_one(Hazardous hazard, int looks, std::vector<double>& us) {
  const std::unique_ptr<ChannelRunner> runner = make_runner();
  SensorTask sensors{time_, "adam", *instruments_.loggers.at("adam"), sensor_period, listener_};
  const SensorSubscription cell{runner.get(), Measurand::cell_temperature, 0};
  sensors.subscribe(cell);
  runner->hurry();
  wire_.prepare(hazard, looks);
  require(co_await sensors.refresh());  // as every run does before its first set-point: what is not measured counts as the worst
  Wait sensors_ended{time_};
  time_.spawn(refresh(sensors, sensors_ended));
  co_await runner->run(0);
  sensors.stop();
  co_await sensors_ended.until_woken();
  const std::int64_t reaction_ns = wire_.reaction_ns();
  if (reaction_ns <= 0 || runner->outcome() != Outcome::tripped || runner->safe_by() != SafeBy::instrument) {
    throw std::runtime_error("a trial did not end with a trip and a confirmed OFF: " + runner->reason());
  }
  us.push_back(1e-3 * static_cast<double>(reaction_ns));
  for (int i = 0; i < round_trips_per_trial; ++i) {
    co_await time_.sleep_for(quiet_before_round_trip);
    round_trips_.make_one();
  }
}

Task<void> Trials::run_all(int count) {
  co_await arm_once();
  for (int i = 0; i < count; ++i) {
    const int looks = looks_min + i % looks_spread;
    co_await run_one(Hazardous::over_voltage, looks, voltage_us);
    co_await run_one(Hazardous::over_temperature_and_hang, looks, temperature_us);
  }
  time_.stop();
}

/// Something else that wants every core.
class Burners {
 public:
  explicit Burners(int count) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this] {
        while (!is_over_) {
        }
      });
    }
  }
  ~Burners() {
    is_over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Burners(const Burners&) = delete;
  Burners& operator=(const Burners&) = delete;

 private:
  std::atomic<bool> is_over_{false};
  std::vector<std::thread> threads_;
};

bool report(const std::string& name, const std::vector<double>& us, const Percentiles& round_trip, double round_trips_max) {
  const Percentiles p = percentiles_of(us);
  const double bound_us = target_us + round_trip.p99_9;
  fmt::print("{}: p99.9 {:.0f} us, target {:.0f} us ({:.0f} and a round trip); {}\n", p.p99_9 <= bound_us ? "PASS" : "FAIL",
             p.p99_9, bound_us, target_us, name);
  const double median = p.p50 / round_trip.p50;
  fmt::print("{}: median {:.1f} round trips, bar {:.0f}; {}\n", median <= round_trips_max ? "PASS" : "FAIL", median,
             round_trips_max, name);
  return median <= round_trips_max;
}

int main_of(int argc, char** argv) {
  const int count = static_cast<int>(argument(argc, argv, "--trials", has_flag(argc, argv, "--short") ? 100 : 1000));
  const int burner_count = static_cast<int>(argument(argc, argv, "--burners", 0));
  Trials trials;
  {
    const Burners burners{burner_count};
    trials.run(count);
  }
  const Percentiles round_trip = percentiles_of(trials.round_trip_us());
  const std::string voltage = "over-voltage in the cycler's reply";
  const std::string temperature = "over-temperature from the logger, the cycler hangs";
  fmt::print("loopback round trip:                                  {}\n", to_string(round_trip, "us"));
  fmt::print("{:<52}  {}\n", voltage + ":", to_string(percentiles_of(trials.voltage_us), "us"));
  fmt::print("{:<52}  {}\n", temperature + ":", to_string(percentiles_of(trials.temperature_us), "us"));
  const bool first = report(voltage, trials.voltage_us, round_trip, voltage_round_trips_max);
  const bool second = report(temperature, trials.temperature_us, round_trip, temperature_round_trips_max);
  return first && second ? 0 : 1;
}

}  // namespace
}  // namespace cellrig::bench

int main(int argc, char** argv) {
  try {
    return cellrig::bench::main_of(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "reaction_bench: {}\n", error.what());
    return 1;
  }
}
