// Somebody who sees what a fault does: on the wire, in the readings, in the world.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/base/resources.hpp"
#include "sim/bench.hpp"
#include "sim/faults.hpp"

namespace cellrig::sim {

inline const std::string modbus = "psb1.modbus", scpi = "psb1.scpi";  ///< ports of the demo bench

/// A bench that comes with cellrig, and a client on each of its ports. Every question is asked a second after the one before.
class Witness {
 public:
  explicit Witness(const std::string& bench_name = "demo", BenchOptions options = {{cell_directory()}, 1})
      : bench_{SimulatedBench::load(find_bench(bench_name), options)} {
    for (std::size_t i = 0; i < bench_->channels().size(); ++i) bench_->switch_contactor(TimePoint{}, i, true);
  }

  [[nodiscard]] SimulatedBench& bench() { return *bench_; }
  [[nodiscard]] World& world() { return bench_->world(); }
  [[nodiscard]] TimePoint now() const { return bench_->now(); }
  [[nodiscard]] CellTruth truth(std::size_t cell = 0) {
    bench_->advance(now());
    return world().truth(cell);
  }
  [[nodiscard]] PowerStage& stage(std::size_t cell = 0) { return world().stage(cell); }
  void pass(Duration duration) { bench_->advance(now() + duration); }

  void order(const std::string& text) {
    const Result<void> done = apply_fault(*bench_, now(), text);
    EXPECT_TRUE(done) << text << ": " << (done ? "" : done.error().what);
  }
  [[nodiscard]] std::string refusal(const std::string& text) {
    const Result<void> done = apply_fault(*bench_, now(), text);
    return done ? "done" : done.error().what;
  }

  /// Everything that comes back for these bytes, sooner or later.
  std::vector<Delivery> send(const std::string& port, const std::string& bytes) {
    pass(std::chrono::seconds{1});
    Client& client = client_of(port);
    std::vector<Delivery> deliveries;
    bench_->receive(*client.wire, now(), client.id, bytes, deliveries);
    return deliveries;
  }
  std::string ask(const std::string& port, const std::string& bytes) {
    std::string text;
    for (const Delivery& delivery : send(port, bytes)) text += delivery.bytes;
    return text;
  }
  /// "MEAS:VOLT?" -> "3.70 V"
  std::string line(const std::string& port, const std::string& question) {
    std::string text = ask(port, question + "\n");
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  double number(const std::string& port, const std::string& question) {
    return std::strtod(line(port, question).c_str(), nullptr);
  }
  /// The question for registers of unit 1; transactions are counted from 1.
  std::string read_request(unsigned address, unsigned count) {
    const unsigned transaction = ++transaction_;
    std::string frame;
    for (const unsigned byte :
         {transaction >> 8U, transaction, 0U, 0U, 0U, 6U, 1U, 3U, address >> 8U, address, count >> 8U, count}) {
      frame.push_back(static_cast<char>(static_cast<unsigned char>(byte & 0xFFU)));
    }
    return frame;
  }
  [[nodiscard]] bool is_dropped(const std::string& port) { return client_of(port).is_dropped; }

  /// The PSB charges (or discharges) its cell.
  void charge(double current_A = 5.0, double voltage_V = 4.2) {
    line("psb1.scpi", "SYST:LOCK ON");
    line("psb1.scpi", "POW 1000;SINK:POW 1000");
    line("psb1.scpi", "VOLT " + std::to_string(voltage_V) + ";CURR " + std::to_string(current_A));
    line("psb1.scpi", "OUTP ON");
    ASSERT_TRUE(stage().output_on());
  }
  double volts() { return number("psb1.scpi", "MEAS:VOLT?"); }
  double amps() { return number("psb1.scpi", "MEAS:CURR?"); }

 private:
  struct Client final : WireClient {
    void wire_dropped(ConnectionId) noexcept override { is_dropped = true; }
    Wire* wire = nullptr;
    ConnectionId id = 0;
    bool is_dropped = false;
  };
  Client& client_of(const std::string& port) {
    std::unique_ptr<Client>& client = clients_[port];
    if (client) return *client;
    client = std::make_unique<Client>();
    const std::size_t dot = port.find('.');
    client->wire = bench_->wire(port.substr(0, dot), port.substr(dot + 1));
    client->id = client->wire->open(now(), *client);
    return *client;
  }

  std::map<std::string, std::unique_ptr<Client>> clients_;  // they outlive the bench's connections
  std::unique_ptr<SimulatedBench> bench_;
  unsigned transaction_ = 0;
};

/// What proves that a fault does what it says.
using Proof = void (*)();
[[nodiscard]] const std::map<std::string, Proof>& wire_proofs();
[[nodiscard]] const std::map<std::string, Proof>& instrument_proofs();
[[nodiscard]] const std::map<std::string, Proof>& world_proofs();
[[nodiscard]] const std::map<std::string, Proof>& host_proofs();

}  // namespace cellrig::sim
