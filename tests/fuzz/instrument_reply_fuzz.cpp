// Whole drivers on simulated instruments behind a wire that changes replies: by other bytes, late, twice, cut short, or not at all.
//
// First byte: which instrument. Then, for each reply of the instrument, a byte that says what becomes of it; where bytes replace a
// reply they end with a newline. Between them, before each call, a byte that says which call. What follows the end is polite.
#include <chrono>
#include <cmath>
#include <memory>

#include "controller/async/virtual_time.hpp"
#include "drivers/instruments/ea_psb_scpi.hpp"
#include "drivers/models/model_file.hpp"
#include "sim/instruments/ea_psb.hpp"
#include "sim/instruments/espec.hpp"
#include "sim/instruments/itech.hpp"
#include "sim/instruments/keysight_daq.hpp"
#include "sim/instruments/keysight_n6900.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/unit/drivers/cycler_calls.hpp"
#include "tests/unit/drivers/scripted_stream.hpp"
#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::fuzz {
namespace {

using namespace std::chrono_literals;
using testing::ScriptedStream;

constexpr int call_count_max = 16;

std::string model_path(const std::string& name) { return std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/" + name + ".yaml"; }

/// The wire between a driver and one port of a simulated instrument.
class Wires {
 public:
  Wires(VirtualTime& time, Input& input) : time_{time}, input_{input} {}

  std::unique_ptr<ByteStream> to(sim::Port& port) {
    const sim::ConnectionId connection = ++connections_;
    port.connected(connection);
    return std::make_unique<ScriptedStream>(time_, [this, &port, connection](ScriptedStream& stream, const std::string& line) {
      std::vector<sim::Reply> replies;
      port.receive(time_.now(), connection, line + "\n", replies);
      for (const sim::Reply& reply : replies) {
        if (reply.answered && !reply.bytes.empty()) bring(stream, reply);
      }
    });
  }

 private:
  void bring(ScriptedStream& stream, const sim::Reply& reply) {
    const Duration due = std::max(Duration{}, reply.due - time_.now());
    const std::string& bytes = reply.bytes;
    switch (input_.byte() % 16U) {
      case 1: return stream.push_later(due, std::string(input_.line()) + "\n");
      case 2: return;
      case 3: return stream.push_later(due + 10ms * input_.byte(), bytes);
      case 4: return stream.push_later(due, bytes.substr(0, input_.byte() % (bytes.size() + 1)));
      case 5: return stream.push_later(due, bytes + bytes);
      case 6: return stream.drop();
      case 7: return stream.push_later(due, changed(bytes));
      case 8: return stream.push_later(due, std::string(input_.line()));
      default: return stream.push_later(due, bytes);
    }
  }
  std::string changed(std::string bytes) {
    const std::size_t at = input_.byte() % bytes.size();
    bytes[at] = static_cast<char>(input_.byte());
    return bytes;
  }

  VirtualTime& time_;
  Input& input_;
  sim::ConnectionId connections_ = 0;
};

/// An instrument, its driver, and the calls of it.
struct Rig {
  VirtualTime time;
  Input input;
  Wires wires{time, input};
  sim::IdealBench bench{3.7, 0.01};
  sim::ChamberAir air{{}, TimePoint{}};
  std::unique_ptr<sim::Instrument> instrument;
  std::unique_ptr<Cycler> cycler;
  std::unique_ptr<Chamber> chamber;
  std::unique_ptr<Logger> logger;

  explicit Rig(Input from) : input{from} {}
  std::unique_ptr<ByteStream> wire(const char* port) { return wires.to(sim::port_of(*instrument, port)); }
};

void make_cycler(Rig& rig, unsigned which) {
  static const KeysightN6900Model n6974a = load_keysight_n6900_model(model_path("keysight-n6974a"));
  static const ItechModel itech = load_itech_model(model_path("itech-it-m3432"));
  static const EaPsbModel ea = load_ea_psb_model(model_path("ea-psb-10060-60"));
  if (which == 0) {
    rig.instrument = std::make_unique<sim::KeysightN6900>(sim::KeysightN6900Config{}, rig.bench.stage, rig.bench.advance_world());
    rig.cycler = std::make_unique<KeysightN6900Cycler>(rig.time, rig.wire("scpi"), rig.wire("scpi"), n6974a);
  } else if (which == 1) {
    rig.instrument = std::make_unique<sim::Itech>(sim::ItechConfig{}, rig.bench.stage, rig.bench.advance_world());
    rig.cycler = std::make_unique<ItechCycler>(rig.time, rig.wire("scpi"), itech);
  } else {
    rig.instrument = std::make_unique<sim::EaPsb>(sim::EaPsbConfig{}, rig.bench.stage, rig.bench.advance_world());
    rig.cycler = std::make_unique<EaPsbScpiCycler>(rig.time, rig.wire("scpi"), ea);
  }
}

void make(Rig& rig, unsigned which) {
  static const EspecModel espec = load_espec_model(model_path("espec-sh-641"));
  static const KeysightDaqModel daq = load_keysight_daq_model(model_path("keysight-daq970a"));
  if (which < 3) return make_cycler(rig, which);
  if (which == 3) {
    sim::ChamberAir& air = rig.air;
    rig.instrument = std::make_unique<sim::Espec>(sim::EspecConfig{}, air, [&air](TimePoint to) { air.advance(to); });
    rig.chamber = std::make_unique<EspecChamber>(rig.time, rig.wire("ascii"), espec);
  } else {
    const sim::KeysightDaq::Input input{.temperature_degC = [] { return 25.0; }, .voltage_V = [] { return 3.7; }};
    std::vector<sim::KeysightDaq::Input> inputs(20, input);
    rig.instrument = std::make_unique<sim::KeysightDaq>(sim::KeysightDaqConfig{}, inputs, [](TimePoint) {});
    rig.logger = std::make_unique<KeysightDaq>(rig.time, rig.wire("scpi"), daq);
  }
}

/// A result is a value or a Fault with a reason. Its words go to a terminal.
template <class T>
bool over(const Result<T>& result) {
  if (result) return true;
  require(!result.error().what.empty(), "an error says why");
  for (const char c : result.error().what) require(static_cast<unsigned char>(c) >= ' ', "an error spoils no terminal");
  return false;
}

template <class T>
bool finish(Rig& rig, Task<Result<T>> call) {
  return over(testing::finish(rig, std::move(call)));
}

void call_cycler(Rig& rig, unsigned call) {
  Cycler& cycler = *rig.cycler;
  const Deadline deadline{rig.time.now() + 2s};
  switch (call % 7) {
    case 0:
      finish(rig, cycler.output_off(deadline));
      return require(rig.time.now() <= deadline.at, "output_off() returns by its deadline");
    case 1: finish(rig, cycler.identify(deadline)); return;
    case 2: finish(rig, cycler.arm(testing::protections, deadline)); return;
    case 3: {
      const Result<CyclerReadings> readings = testing::finish(rig, cycler.measure(deadline));
      if (over(readings) && readings->voltage.quality == Quality::good) require(std::isfinite(readings->voltage.value), "finite");
      return;
    }
    case 4: finish(rig, cycler.apply(call % 2 == 0 ? testing::charge_5A : testing::discharge_8A, deadline)); return;
    case 5: finish(rig, cycler.acknowledge_trip(deadline)); return;
    default: finish(rig, cycler.release(deadline)); return;
  }
}

void call_chamber(Rig& rig, unsigned call) {
  const Deadline deadline{rig.time.now() + 5s};
  constexpr ChamberLimits limits{.setpoint_min = Celsius{-10.0}, .setpoint_max = Celsius{60.0}};
  switch (call % 5) {
    case 0: finish(rig, rig.chamber->stop(deadline)); return;
    case 1: finish(rig, rig.chamber->identify(deadline)); return;
    case 2: finish(rig, rig.chamber->arm(limits, deadline)); return;
    case 3: finish(rig, rig.chamber->run(Celsius{25.0}, deadline)); return;
    default: finish(rig, rig.chamber->measure(deadline)); return;
  }
}

void call_logger(Rig& rig, unsigned call) {
  const Deadline deadline{rig.time.now() + 5s};
  if (call % 2 == 0) return static_cast<void>(finish(rig, rig.logger->identify(deadline)));
  std::array<Reading, 2> readings{};
  if (!finish(rig, rig.logger->measure(readings, deadline))) return;
  for (const Reading& reading : readings) {
    if (reading.quality == Quality::good) require(std::isfinite(reading.value), "a good reading is finite");
  }
}

}  // namespace
}  // namespace cellrig::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cellrig::fuzz;
  Input input{data, size};
  const unsigned which = input.byte() % 5U;
  Rig rig{input};
  make(rig, which);
  for (int i = 0; i < call_count_max && !rig.input.is_empty(); ++i) {
    const unsigned call = rig.input.byte();
    if (rig.cycler) call_cycler(rig, call);
    if (rig.chamber) call_chamber(rig, call);
    if (rig.logger) call_logger(rig, call);
  }
  if (!rig.cycler) return 0;
  // Once the wire is polite again, OFF succeeds and is true.
  const cellrig::Deadline deadline{rig.time.now() + std::chrono::seconds{5}};
  const cellrig::Result<void> off = cellrig::testing::finish(rig, rig.cycler->output_off(deadline));
  rig.instrument->advance(rig.time.now());
  require(off.has_value(), "on a wire that is polite OFF is confirmed");
  require(std::abs(rig.bench.stage.current_A()) < 0.1, "an OFF that was confirmed is true");
  return 0;
}
