// What a simulated instrument is to the network: bytes in, bytes out, at instants. Pure: no socket, no clock, no thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.hpp"
#include "sim/instruments/reading_faults.hpp"

namespace cellrig::sim {

/// One client connection to one port of one instrument.
using ConnectionId = std::uint32_t;

/// What an instrument makes of the bytes it got. `due` is when the reply's first byte leaves, the modelled latency included.
struct Reply {
  TimePoint due{};
  std::string bytes;     ///< empty: the instrument is silent (a set command, an unknown header)
  bool answered = true;  ///< false: a complete message that gets no answer
};

class ModbusDevice;

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
  /// What is behind a Modbus port, so that it can be put on a serial line as well.
  [[nodiscard]] virtual ModbusDevice* modbus_device() { return nullptr; }
  /// A port for text that takes Modbus RTU frames, too: those whose first byte is zero.
  [[nodiscard]] virtual bool takes_rtu_frames() const { return false; }
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
  std::uint32_t open_inputs = 0;        ///< F34, F35: a bit for each input whose contact, sensor or wire is open
  ReadingFaults readings;               ///< F16, F21, F24 to F26: what is measured is right, what is shown is not
  ClockFault clock;                     ///< F36
};

/// Which of these faults show on an instrument; what could change nothing is refused. Extra latency shows on all of them.
namespace feels {
inline constexpr unsigned off = 1U;            ///< it has something to switch off
inline constexpr unsigned readings = 2U;       ///< they can stand still, or be no numbers
inline constexpr unsigned temperature = 4U;    ///< in degC
inline constexpr unsigned electric = 8U;       ///< voltage and current of an output
inline constexpr unsigned other_sensor = 16U;  ///< a force, a gas, a second voltage
inline constexpr unsigned local = 32U;         ///< somebody can press LOCAL
inline constexpr unsigned watchdog = 64U;
inline constexpr unsigned identity = 128U;
inline constexpr unsigned cycler = off | readings | electric | local | watchdog | identity;
inline constexpr unsigned chamber = off | readings | temperature | local;
}  // namespace feels

/// F30: what an instrument may protect itself from without anybody's asking.
enum class OwnTrip : unsigned char { over_voltage, over_current, over_temperature };

/// A simulated instrument: its ports, its faults, and its own events (a watchdog that fires).
class Instrument {
 public:
  virtual ~Instrument() = default;
  [[nodiscard]] virtual std::vector<NamedPort> ports() = 0;
  /// The instrument's next own event, when it has one.
  [[nodiscard]] virtual std::optional<TimePoint> next_event() const = 0;
  /// Lets events up to `to` happen. Called in order of time, also by receive() of its ports.
  virtual void advance(TimePoint to) = 0;
  /// How many inputs have a sensor that may break (F35).
  [[nodiscard]] virtual unsigned sensor_count() const { return 0; }
  /// F19: power cycle: settings to their defaults, output off, protections and watchdog forgotten, remote lost.
  virtual void reboot(TimePoint now) = 0;
  [[nodiscard]] virtual InstrumentFaults& faults() = 0;
  /// Of `feels`.
  [[nodiscard]] virtual unsigned felt_faults() const { return ~0U; }
  /// F30: protects itself now: output off, cause latched. False: it has no such protection.
  virtual bool trip_itself(TimePoint /*now*/, OwnTrip /*cause*/) { return false; }
  /// F36: it stamps what it says.
  [[nodiscard]] virtual bool has_clock() const { return false; }
};

}  // namespace cellrig::sim
