#include "controller/cli/rig.hpp"

#include "controller/async/lockstep_time.hpp"
#include "controller/async/real_time.hpp"
#include "controller/async/virtual_time.hpp"
#include "controller/base/resources.hpp"
#include "sim/bench.hpp"
#include "sim/net/in_process.hpp"
#include "sim/net/server.hpp"

namespace cellrig::cli {
namespace {

/// In process: the simulator's own links, by the names of the bench file.
class InProcessLinks final : public LinkMaker {
 public:
  InProcessLinks(TimeSource& time, sim::SimulatedBench& bench) : time_{time}, bench_{bench} {}
  [[nodiscard]] std::unique_ptr<ModbusBus> modbus(const InstrumentConfig& instrument, Duration /*request_gap*/) override {
    return sim::make_modbus_link(time_, bench_, instrument.name);
  }
  [[nodiscard]] std::unique_ptr<ByteStream> scpi(const InstrumentConfig& instrument) override {
    return sim::make_stream_link(time_, bench_, instrument.name);
  }

 private:
  TimeSource& time_;
  sim::SimulatedBench& bench_;
};

class VirtualRig final : public Rig {
 public:
  VirtualRig(const BenchConfig& bench, std::uint64_t seed)
      : simulated_{sim::SimulatedBench::load(bench.file, sim::BenchOptions{{cell_directory()}, seed})},
        links_{time_, *simulated_} {}
  [[nodiscard]] TimeSource& time() override { return time_; }
  [[nodiscard]] LinkMaker& links() override { return links_; }
  [[nodiscard]] std::string time_name() const override { return "virtual"; }
  [[nodiscard]] bool is_simulated() const override { return true; }

 private:
  VirtualTime time_;
  std::unique_ptr<sim::SimulatedBench> simulated_;
  InProcessLinks links_;
};

/// Real sockets: a real bench, a cellrig-sim elsewhere, or an own simulated bench on a thread of this process.
class SocketRig final : public Rig {
 public:
  SocketRig(const RigChoice& choice, BenchConfig& bench) : is_simulated_{choice.simulated || !choice.ready_file.empty()} {
    HostPort back_door;
    if (!choice.ready_file.empty()) back_door = use_simulator_addresses(bench, choice.ready_file);
    if (choice.simulated) back_door = start_server(bench, choice.seed);
    const bool lockstep = choice.time == "lockstep";
    if (lockstep) {
      time_ = std::make_unique<LockstepTime>(back_door.host, back_door.port);
    } else {
      time_ = std::make_unique<RealTime>(RealTime::Thread::preferred);
    }
    time_name_ = lockstep ? "lockstep" : "real";
    links_ = socket_links(*time_, lockstep);
  }
  ~SocketRig() override {
    links_.reset();
    time_.reset();
    if (server_) server_->stop();
  }
  [[nodiscard]] TimeSource& time() override { return *time_; }
  [[nodiscard]] LinkMaker& links() override { return *links_; }
  [[nodiscard]] std::string time_name() const override { return time_name_; }
  [[nodiscard]] bool is_simulated() const override { return is_simulated_; }

 private:
  HostPort start_server(BenchConfig& bench, std::uint64_t seed) {
    simulated_ = sim::SimulatedBench::load(bench.file, sim::BenchOptions{{cell_directory()}, seed});
    server_ = std::make_unique<sim::SimServer>(*simulated_, sim::ServerOptions{});
    for (auto& [name, instrument] : bench.instruments) {
      for (auto& [port, address] : instrument.addresses) address = HostPort{server_->host(), server_->port_of(name, port)};
    }
    server_->start();
    return HostPort{server_->host(), server_->back_door_port()};
  }

  bool is_simulated_;
  std::string time_name_;
  std::unique_ptr<sim::SimulatedBench> simulated_;
  std::unique_ptr<sim::SimServer> server_;
  std::unique_ptr<TimeSource> time_;
  std::unique_ptr<LinkMaker> links_;
};

}  // namespace

std::unique_ptr<Rig> make_rig(const RigChoice& choice, BenchConfig& bench) {
  if (choice.simulated && !choice.ready_file.empty()) {
    throw ConfigError{SourcePlace{}, "--simulated brings its own bench; --simulator uses another process: give one of them"};
  }
  RigChoice chosen = choice;
  if (chosen.time.empty()) chosen.time = choice.simulated ? "virtual" : "real";
  if (chosen.time == "virtual") {
    if (!choice.simulated) throw ConfigError{SourcePlace{}, "--time virtual needs --simulated: a real bench has only real time"};
    return std::make_unique<VirtualRig>(bench, choice.seed);
  }
  if (chosen.time == "lockstep" && !choice.simulated && choice.ready_file.empty()) {
    throw ConfigError{SourcePlace{}, "--time lockstep needs a simulator: --simulator READY.json or --simulated"};
  }
  return std::make_unique<SocketRig>(chosen, bench);
}

}  // namespace cellrig::cli
