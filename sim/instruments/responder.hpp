// What a simulated instrument is to the network: bytes in, bytes out, at instants. Pure: no socket, no clock, no thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.hpp"

namespace cellrig::sim {

/// One client connection to one port of one instrument.
using ConnectionId = std::uint32_t;

/// What an instrument makes of the bytes it got. `due` is when the reply's first byte leaves, the modelled latency included.
struct Reply {
  TimePoint due{};
  std::string bytes;     ///< empty: the instrument is silent (a set command, an unknown header)
  bool answered = true;  ///< false: a complete message that gets no answer
};

/// A port of an instrument.
/// * receive() may be handed any split or concatenation of messages; it buffers per connection with a bound.
/// * It appends exactly one Reply per complete message, in order.
/// * Bytes that can't be a message are dealt with as the real instrument does (silence, exception, closing).
class Port {
 public:
  virtual ~Port() = default;
  virtual void connected(ConnectionId connection) = 0;
  virtual void disconnected(ConnectionId connection) = 0;
  virtual void receive(TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Reply>& replies) = 0;
};

struct NamedPort {
  std::string name;  ///< "modbus", "scpi"
  Port* port = nullptr;
};

/// Faults that live inside an instrument rather than on its wire. Combined freely; all off by default.
struct InstrumentFaults {
  bool ignore_off = false;              ///< F27: OUTP OFF is acknowledged and does nothing
  bool freeze_readings = false;         ///< F21: measured values stand still
  bool negate_current = false;          ///< F23
  bool nan_readings = false;            ///< F17/F35: NaN, 9.91E37 or the type's idea of it
  bool local_control = false;           ///< F20: somebody pressed LOCAL
  bool clear_watchdog = false;          ///< the watchdog never fires
  double extra_latency_s = 0.0;         ///< F03
  std::optional<std::string> identity;  ///< answers with another identity (F16)
  double voltage_offset_V = 0.0;        ///< F24
};

/// A simulated instrument: its ports, its faults, and its own events (a watchdog that fires).
class Instrument {
 public:
  virtual ~Instrument() = default;
  [[nodiscard]] virtual std::vector<NamedPort> ports() = 0;
  /// The instrument's next own event, when it has one.
  [[nodiscard]] virtual std::optional<TimePoint> next_event() const = 0;
  /// Lets events up to `to` happen. Called in order of time, also by receive() of its ports.
  virtual void advance(TimePoint to) = 0;
  /// F19: power cycle: settings to their defaults, output off, protections and watchdog forgotten, remote lost.
  virtual void reboot(TimePoint now) = 0;
  [[nodiscard]] virtual InstrumentFaults& faults() = 0;
};

}  // namespace cellrig::sim
