// The connections of instruments, by the addresses of a bench file: over TCP, serial lines, or in process to the simulator.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "controller/runtime/config.hpp"
#include "drivers/link/byte_stream.hpp"
#include "drivers/link/modbus_bus.hpp"
#include "drivers/modbus/rtu_line.hpp"
#include "sim/bench.hpp"

namespace cellrig::cli {

/// How a line is set: as the bench file says, and where it does not, as the model file. ConfigError when neither does.
[[nodiscard]] SerialSettings serial_settings_of(const InstrumentConfig& instrument, const PortAddress& address);

/// Units that share a line must agree on its settings, have different numbers, and have one. ConfigError at the second one's address.
void refuse_line_conflicts(const BenchConfig& bench);

/// Makes the connections of an instrument. All units of one RTU line share its one owner.
class LinkMaker {
 public:
  explicit LinkMaker(TimeSource& time) : time_{time} {}
  virtual ~LinkMaker() = default;
  LinkMaker(const LinkMaker&) = delete;
  LinkMaker& operator=(const LinkMaker&) = delete;

  /// request_gap: the pause that the instrument needs where it has a connection of its own; on a line its model file knows better.
  [[nodiscard]] std::unique_ptr<ModbusBus> modbus(const InstrumentConfig& instrument, Duration request_gap);
  [[nodiscard]] std::unique_ptr<ByteStream> scpi(const InstrumentConfig& instrument) { return text(instrument, "scpi"); }
  /// Lines of text that are no SCPI.
  [[nodiscard]] std::unique_ptr<ByteStream> ascii(const InstrumentConfig& instrument) { return text(instrument, "ascii"); }

 protected:
  [[nodiscard]] virtual std::unique_ptr<ModbusBus> modbus_tcp(const InstrumentConfig& instrument, const PortAddress& address,
                                                              Duration request_gap) = 0;
  /// For text, or for RTU frames when the port is "modbus".
  [[nodiscard]] virtual std::unique_ptr<ByteStream> stream(const InstrumentConfig& instrument, const std::string& port,
                                                           const PortAddress& address) = 0;
  TimeSource& time_;

 private:
  [[nodiscard]] std::unique_ptr<ByteStream> text(const InstrumentConfig& instrument, const std::string& port);
  [[nodiscard]] std::unique_ptr<ModbusBus> rtu_unit(const InstrumentConfig& instrument, const PortAddress& address);

  std::map<std::string, std::weak_ptr<RtuLine>> lines_;  ///< by wire
};

/// Sockets and serial lines. In lockstep libmodbus's own time-out is put out of the way: deadlines run in simulated time.
[[nodiscard]] std::unique_ptr<LinkMaker> socket_links(TimeSource& time, bool lockstep);
/// The simulator's own links, by the names of the bench file.
[[nodiscard]] std::unique_ptr<LinkMaker> in_process_links(TimeSource& time, sim::SimulatedBench& bench);

}  // namespace cellrig::cli
