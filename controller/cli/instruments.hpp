// The only place that names concrete instrument classes: from a bench file to objects behind interfaces.
#pragma once

#include <memory>
#include <string>

#include "controller/runtime/bench_run.hpp"
#include "controller/runtime/config.hpp"
#include "drivers/link/byte_stream.hpp"
#include "drivers/link/modbus_bus.hpp"

namespace cellrig::cli {

/// Makes the connections of an instrument: sockets, or in process to the simulator.
class LinkMaker {
 public:
  virtual ~LinkMaker() = default;
  [[nodiscard]] virtual std::unique_ptr<ModbusBus> modbus(const InstrumentConfig& instrument, Duration request_gap) = 0;
  [[nodiscard]] virtual std::unique_ptr<ByteStream> scpi(const InstrumentConfig& instrument) = 0;
};

/// TCP. In lockstep libmodbus's own time-out is put out of the way: deadlines run in simulated time.
[[nodiscard]] std::unique_ptr<LinkMaker> socket_links(TimeSource& time, bool lockstep);

/// Every instrument that the channels named need (all, when empty). ConfigError for an unknown model or a missing address.
[[nodiscard]] BenchInstruments make_instruments(TimeSource& time, const BenchConfig& bench,
                                                const std::vector<std::string>& channels, LinkMaker& links);

}  // namespace cellrig::cli
