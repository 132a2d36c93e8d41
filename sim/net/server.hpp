// A simulated bench on real sockets: one thread, in real time, or in lockstep with whoever holds the back door.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.hpp"
#include "sim/bench.hpp"

namespace cellrig::sim {

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port_base = 0;  ///< 0: free ports; otherwise the back door gets this one and the instruments the ones after it
  Duration stuck_after = std::chrono::seconds{10};  ///< wall time an advance waits for requests that do not come
};

struct ServedPort {
  std::string instrument;
  std::string name;
  std::string address;     ///< "127.0.0.1:4711", "rtu_over_tcp:127.0.0.1:4711", "serial:/tmp/cellrig-sim-x/ttyUSB0"
  std::uint16_t port = 0;  ///< 0: a serial line
};

/// * A port that the bench file puts on a serial line is served on a pseudo-terminal, one for all that are on the same line. Their links
///   have the names of the devices and lie in a folder of this server, which goes with it.
/// * Listens from construction on; serves in run() or, after start(), in a thread of its own.
/// * The bench belongs to the serving thread: while it runs, ask and change it through the back door only.
/// * Real time: the bench's time line follows the machine's clock; replies leave when they are due; the world is moved at
///   least every 50 ms.
/// * Lockstep: time moves only by "advance" of the back door (back_door.hpp), and nothing is answered in between. When the connection
///   that asked for it closes, time goes on in real time from where it stands.
class SimServer {
 public:
  /// @throws std::system_error when a port can't be had.
  SimServer(SimulatedBench& bench, ServerOptions options);
  ~SimServer();
  SimServer(const SimServer&) = delete;
  SimServer& operator=(const SimServer&) = delete;

  [[nodiscard]] const std::string& host() const;
  [[nodiscard]] std::uint16_t back_door_port() const;
  [[nodiscard]] const std::vector<ServedPort>& ports() const;
  /// Empty: there is no such port.
  [[nodiscard]] std::string address_of(std::string_view instrument, std::string_view name) const;
  /// 0: there is no such port, or it is a serial line.
  [[nodiscard]] std::uint16_t port_of(std::string_view instrument, std::string_view name) const;

  /// Serves until stop() or a "quit" by the back door.
  void run();
  void start();
  /// Any thread; also from a signal handler. Does not wait.
  void request_stop() noexcept;
  /// Ends the thread of start() and waits for it.
  void stop();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace cellrig::sim
