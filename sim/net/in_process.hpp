// Links without sockets, for virtual time: the same bytes and the same faults as on a real connection.
#pragma once

#include <memory>
#include <string_view>

#include "controller/async/time_source.hpp"
#include "drivers/link/byte_stream.hpp"
#include "drivers/link/modbus_bus.hpp"
#include "sim/bench.hpp"

namespace cellrig::sim {

/// One Modbus TCP connection to a port of the bench. The port must exist (std::invalid_argument otherwise); time and bench must outlive
/// the link, and the link its calls. Control thread only.
[[nodiscard]] std::unique_ptr<ModbusBus> make_modbus_link(TimeSource& time, SimulatedBench& bench, std::string_view instrument,
                                                          std::string_view port = "modbus");

/// One byte stream to a port of the bench. It also offers UnreadProbe. Same conditions.
[[nodiscard]] std::unique_ptr<ByteStream> make_stream_link(TimeSource& time, SimulatedBench& bench, std::string_view instrument,
                                                           std::string_view port = "scpi");

}  // namespace cellrig::sim
