#include "tests/contract/contract_rig.hpp"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include "controller/async/lockstep_time.hpp"
#include "controller/async/real_time.hpp"
#include "controller/async/virtual_time.hpp"
#include "controller/base/resources.hpp"
#include "sim/faults.hpp"
#include "sim/net/in_process.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

/// The bench is in this thread: it is asked directly, in the words of the back door.
class MemoryBackDoor final : public BackDoor {
 public:
  MemoryBackDoor(TimeSource& time, sim::SimulatedBench& bench) : time_{time}, bench_{bench} {}
  std::string ask(const std::string& line) override {
    bench_.advance(time_.now());
    if (line == "truth") return bench_.truth_json();
    if (line == "clear-faults") {
      sim::clear_faults(bench_, time_.now());
      return "ok";
    }
    const Result<void> done = sim::apply_fault(bench_, time_.now(), std::string_view{line}.substr(line.find(' ') + 1));
    return done ? "ok" : "error " + done.error().what;
  }

 private:
  TimeSource& time_;
  sim::SimulatedBench& bench_;
};

/// The bench belongs to the server's thread.
class SocketBackDoor final : public BackDoor {
 public:
  SocketBackDoor(const std::string& host, std::uint16_t port) {
    boost::asio::ip::tcp::resolver resolver{context_};
    boost::asio::connect(socket_, resolver.resolve(host, std::to_string(port)));
    socket_.set_option(boost::asio::ip::tcp::no_delay{true});
  }
  std::string ask(const std::string& line) override {
    boost::asio::write(socket_, boost::asio::buffer(line + "\n"));
    const std::size_t size = boost::asio::read_until(socket_, boost::asio::dynamic_buffer(received_), '\n');
    std::string answer = received_.substr(0, size - 1);
    received_.erase(0, size);
    return answer;
  }

 private:
  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::socket socket_{context_};
  std::string received_;
};

/// One object of the truth line, by name. The line is made by ourselves: no object inside an object inside it, no escapes.
class TruthObject {
 public:
  TruthObject(std::string_view line, const std::string& name) {
    const std::size_t begin = line.find('"' + name + "\":{");
    if (begin == std::string_view::npos) throw std::runtime_error("no truth about " + name);
    text_ = line.substr(begin, line.find('}', begin) - begin);
  }
  [[nodiscard]] double number(const std::string& key) const { return std::strtod(std::string(value(key)).c_str(), nullptr); }
  /// What only some cells have; 0 for the others.
  [[nodiscard]] double number_or_zero(const std::string& key) const {
    return text_.find('"' + key + "\":") == std::string_view::npos ? 0.0 : number(key);
  }
  [[nodiscard]] bool flag(const std::string& key) const { return value(key).starts_with("true"); }

 private:
  [[nodiscard]] std::string_view value(const std::string& key) const {
    const std::string pattern = '"' + key + "\":";
    const std::size_t at = text_.find(pattern);
    if (at == std::string_view::npos) throw std::runtime_error("no truth called " + key);
    return text_.substr(at + pattern.size());
  }
  std::string_view text_;
};

}  // namespace

std::string to_string(LinkKind kind) {
  switch (kind) {
    case LinkKind::memory: return "memory";
    case LinkKind::lockstep: return "sockets";
    case LinkKind::real: return "real_time";
  }
  return "unknown";
}

ContractRig::ContractRig(LinkKind kind, const std::string& bench_text) {
  static const std::string file = temporary_folder() + "/bench.yaml";
  std::ofstream{file} << bench_text;
  config_ = load_bench(file);
  bench_ = sim::SimulatedBench::load(file, sim::BenchOptions{{cell_directory()}, 1});
  if (kind == LinkKind::memory) {
    time_ = std::make_unique<VirtualTime>();
    back_door_ = std::make_unique<MemoryBackDoor>(*time_, *bench_);
    links_ = cli::in_process_links(*time_, *bench_);
    return;
  }
  server_ = std::make_unique<sim::SimServer>(*bench_, sim::ServerOptions{});
  for (auto& [name, instrument] : config_.instruments) {
    for (auto& [port, address] : instrument.addresses) move_to(address, server_->address_of(name, port), instrument.place);
  }
  server_->start();
  const bool is_lockstep = kind == LinkKind::lockstep;
  if (is_lockstep) {
    time_ = std::make_unique<LockstepTime>(server_->host(), server_->back_door_port());
  } else {
    time_ = std::make_unique<RealTime>();
  }
  back_door_ = std::make_unique<SocketBackDoor>(server_->host(), server_->back_door_port());
  links_ = cli::socket_links(*time_, is_lockstep);
}

ContractRig::~ContractRig() {
  links_.reset();
  back_door_.reset();
  time_.reset();
  if (server_) server_->stop();
}

BenchInstruments ContractRig::make_instruments(const std::string& channel) {
  return cli::make_instruments(*time_, config_, {channel}, *links_);
}

void ContractRig::pass(Duration duration) { call(wait_until(time_.get(), time_->now() + duration)); }

void ContractRig::fault(const std::string& order) {
  const std::string answer = back_door_->ask("fault " + order);
  if (answer != "ok") ADD_FAILURE() << order << ": " << answer;
}

void ContractRig::clear_faults() { EXPECT_EQ(back_door_->ask("clear-faults"), "ok"); }

ChannelTruth ContractRig::truth(const std::string& channel) {
  const std::string line = back_door_->ask("truth");
  const TruthObject object{line, channel};
  return ChannelTruth{.voltage_V = object.number("voltage_V"),
                      .current_A = object.number("current_A"),
                      .terminal_voltage_V = object.number("terminal_voltage_V"),
                      .voltage_max_V = object.number("voltage_max_V"),
                      .voltage_min_V = object.number("voltage_min_V"),
                      .current_max_A = object.number("current_max_A"),
                      .current_min_A = object.number("current_min_A"),
                      .surface_temperature_degC = object.number("surface_temperature_degC"),
                      .ambient_temperature_degC = object.number("ambient_temperature_degC"),
                      .pressure_MPa = object.number_or_zero("pressure_MPa"),
                      .gas_ppm = object.number_or_zero("gas_ppm"),
                      .output_on = object.flag("output_on"),
                      .contactor_closed = object.flag("contactor_closed")};
}

ChamberTruth ContractRig::chamber_truth(const std::string& chamber) {
  const std::string line = back_door_->ask("truth");
  const TruthObject object{line, chamber};
  return ChamberTruth{.air_temperature_degC = object.number("air_temperature_degC"),
                      .setpoint_degC = object.number("setpoint_degC"),
                      .running = object.flag("running")};
}

}  // namespace cellrig::test
