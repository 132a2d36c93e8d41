#include "controller/cli/bench/rig.hpp"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "controller/async/lockstep_time.hpp"
#include "controller/async/real_time.hpp"
#include "controller/async/virtual_time.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/bench/host_faults.hpp"
#include "controller/cli/bench/host_link.hpp"
#include "controller/cli/bench/second_controller.hpp"
#include "controller/runtime/lease.hpp"
#include "sim/bench.hpp"
#include "sim/net/server.hpp"

namespace cellrig::cli {
namespace {

/// For leases that nobody outside this process asks for. It goes with this object.
class OwnFolder {
 public:
  OwnFolder() : path_{(std::filesystem::temp_directory_path() / "cellrig-leases-XXXXXX").string()} {
    if (::mkdtemp(path_.data()) == nullptr) throw std::system_error{errno, std::generic_category(), path_};
  }
  ~OwnFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class VirtualRig final : public Rig {
 public:
  VirtualRig(const RigChoice& choice, const BenchConfig& bench)
      : bench_{bench},
        simulated_{sim::SimulatedBench::load(
            bench.file, {{cell_directory()}, choice.seed, choice.fault_file, &host_faults_, choice.cell_instead})},
        links_{in_process_links(time_, *simulated_)} {
    if (host_faults_.awaits_second_controller()) leases_.emplace();
    host_faults_.second_controller_is([this](bool is_forced) {
      return run_second_controller(
          {time_, bench_, [this] { return in_process_links(time_, *simulated_); }, lease_directory(), say_}, is_forced);
    });
  }
  ~VirtualRig() override { time_.drop_tasks(); }  // a second controller may still be under way
  [[nodiscard]] TimeSource& time() override { return time_; }
  [[nodiscard]] LinkMaker& links() override { return *links_; }
  [[nodiscard]] std::string time_name() const override { return "virtual"; }
  [[nodiscard]] bool is_simulated() const override { return true; }
  [[nodiscard]] bool disk_is_full() const override { return host_faults_.disk_is_full(); }
  [[nodiscard]] bool disk_may_fail() const override { return host_faults_.has_disk(); }
  [[nodiscard]] std::string lease_directory() const override { return leases_ ? leases_->path() : std::string{}; }
  void set_stack_pressure(const std::string& channel, double pressure_MPa) override {
    if (const sim::SimulatedChannel* const place = simulated_->channel(channel))
      (void)simulated_->world().ensure_life(place->cell).set_stack_pressure(pressure_MPa);
  }
  void on_settle(std::function<void()> settle) override { host_faults_.settles_by(std::move(settle)); }
  void on_message(std::function<void(const std::string&)> say) override { say_ = std::move(say); }

 private:
  BenchConfig bench_;
  std::optional<OwnFolder> leases_;
  std::function<void(const std::string&)> say_ = [](const std::string&) {};
  VirtualTime time_;
  HostFaults host_faults_{time_, &time_};
  std::unique_ptr<sim::SimulatedBench> simulated_;
  std::unique_ptr<LinkMaker> links_;
};

/// Real sockets: a real bench, a cellrig-sim elsewhere, or an own simulated bench on a thread of this process.
class SocketRig final : public Rig {
 public:
  SocketRig(const RigChoice& choice, BenchConfig& bench) : is_simulated_{choice.simulated || !choice.ready_file.empty()} {
    HostPort back_door;
    if (!choice.ready_file.empty()) back_door = use_simulator_addresses(bench, choice.ready_file);
    if (choice.simulated) back_door = start_server(choice, bench);
    const bool lockstep = choice.time == "lockstep";
    HostClock* clock = nullptr;
    if (lockstep) {
      time_ = std::make_unique<LockstepTime>(back_door.host, back_door.port);
    } else {
      auto real = std::make_unique<RealTime>(RealTime::Thread::preferred);
      clock = real.get();
      time_ = std::move(real);
    }
    time_name_ = lockstep ? "lockstep" : "real";
    links_ = socket_links(*time_, lockstep);
    if (is_simulated_ && choice.is_run) suffer_faults_of_host(bench, back_door, clock);
  }
  ~SocketRig() override {
    host_link_.reset();
    time_->drop_tasks();  // a second controller may still be under way
    links_.reset();
    time_.reset();
    if (server_) server_->stop();
  }
  [[nodiscard]] TimeSource& time() override { return *time_; }
  [[nodiscard]] LinkMaker& links() override { return *links_; }
  [[nodiscard]] std::string time_name() const override { return time_name_; }
  [[nodiscard]] bool is_simulated() const override { return is_simulated_; }
  [[nodiscard]] bool disk_is_full() const override { return host_faults_ && host_faults_->disk_is_full(); }
  void on_message(std::function<void(const std::string&)> say) override { say_ = std::move(say); }

 private:
  void suffer_faults_of_host(const BenchConfig& bench, const HostPort& back_door, HostClock* clock) {
    const bool lockstep = clock == nullptr;
    host_faults_ = std::make_unique<HostFaults>(*time_, clock);
    if (!lockstep) host_faults_->prepare_disk();  // what is never synced would be remembered for ever
    host_faults_->second_controller_is([this, bench, lockstep](bool is_forced) {
      return run_second_controller(
          {*time_, bench, [this, lockstep] { return socket_links(*time_, lockstep); }, Lease::default_directory(), say_},
          is_forced);
    });
    const HostLink::Time kind = lockstep ? HostLink::Time::lockstep : HostLink::Time::real;
    host_link_ = std::make_unique<HostLink>(back_door, kind, *time_, *host_faults_);
  }
  HostPort start_server(const RigChoice& choice, BenchConfig& bench) {
    simulated_ = sim::SimulatedBench::load(bench.file, sim::BenchOptions{{cell_directory()}, choice.seed, choice.fault_file});
    server_ = std::make_unique<sim::SimServer>(*simulated_, sim::ServerOptions{});
    for (auto& [name, instrument] : bench.instruments) {
      for (auto& [port, address] : instrument.addresses) move_to(address, server_->address_of(name, port), instrument.place);
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
  std::function<void(const std::string&)> say_ = [](const std::string&) {};
  std::unique_ptr<HostFaults> host_faults_;
  std::unique_ptr<HostLink> host_link_;
};

}  // namespace

std::unique_ptr<Rig> make_rig(const RigChoice& choice, BenchConfig& bench) {
  if (choice.simulated && !choice.ready_file.empty()) {
    throw ConfigError{SourcePlace{}, "--simulated brings its own bench; --simulator uses another process: give one of them"};
  }
  if (!choice.fault_file.empty() && !choice.simulated) {
    throw ConfigError{SourcePlace{},
                      "--faults needs --simulated; to a running simulator give them yourself: cellrig-sim --faults FILE"};
  }
  RigChoice chosen = choice;
  if (chosen.time.empty()) chosen.time = choice.simulated ? "virtual" : "real";
  if (chosen.time == "virtual") {
    if (!choice.simulated) throw ConfigError{SourcePlace{}, "--time virtual needs --simulated: a real bench has only real time"};
    return std::make_unique<VirtualRig>(choice, bench);
  }
  if (chosen.time == "lockstep" && !choice.simulated && choice.ready_file.empty()) {
    throw ConfigError{SourcePlace{}, "--time lockstep needs a simulator: --simulator READY.json or --simulated"};
  }
  return std::make_unique<SocketRig>(chosen, bench);
}

}  // namespace cellrig::cli
