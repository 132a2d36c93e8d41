// The cable between one port of an instrument and its clients, in process or over sockets: connections, and what may befall replies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "sim/instruments/responder.hpp"
#include "sim/net/framing.hpp"
#include "sim/net/wire_faults.hpp"

namespace cellrig::sim {

/// Whoever holds a connection is told when the instrument's side drops it.
class WireClient {
 public:
  virtual ~WireClient() = default;
  /// The connection is gone; close() for it is a no-op. Called from inside Wire: do no more than take note.
  virtual void wire_dropped(ConnectionId connection) noexcept = 0;
};

/// Which port of which instrument, and how it behaves as a host on the network.
struct WireConfig {
  std::string instrument;  ///< "psb1"
  std::string port;        ///< "modbus"
  std::size_t connection_count_max = std::numeric_limits<std::size_t>::max();
  bool latency_is_modelled = true;  ///< false: replies leave at once, but for the faults' extra latency
  std::uint64_t seed = 1;
};

class Wire {
 public:
  /// Instrument and port must outlive the wire.
  Wire(WireConfig config, Instrument& instrument, Port& port)
      : config_{std::move(config)},
        instrument_{instrument},
        port_{port},
        faults_{framing_of(config_.port), seed_for(config_.seed, config_.instrument + '.' + config_.port)} {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  [[nodiscard]] const std::string& instrument() const { return config_.instrument; }
  [[nodiscard]] const std::string& port_name() const { return config_.port; }
  [[nodiscard]] std::string name() const { return config_.instrument + '.' + config_.port; }
  [[nodiscard]] Framing framing() const { return framing_of(config_.port); }
  [[nodiscard]] Port& port() { return port_; }
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }

  /// A refuse fault also drops what is connected.
  void add_fault(TimePoint now, const WireFault& fault);
  void clear_faults() { faults_.clear(); }
  [[nodiscard]] bool refuses(TimePoint now) const { return faults_.refuses(now); }

  /// 0: refused, or too many connections. The client must outlive the connection.
  [[nodiscard]] ConnectionId open(TimePoint now, WireClient& client);
  void close(ConnectionId connection);
  void drop_all();

  /// Hands bytes to the instrument and appends what will come back. Call it through SimulatedBench::receive, which keeps the world in
  /// the order of time.
  void receive(TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Delivery>& deliveries);

 private:
  struct Connection {
    ConnectionId id = 0;
    WireClient* client = nullptr;
    TimePoint last_due{};  ///< replies of one connection do not overtake each other
  };
  [[nodiscard]] Connection* find(ConnectionId id);

  WireConfig config_;
  Instrument& instrument_;
  Port& port_;
  WireFaults faults_;
  std::vector<Connection> connections_;
  std::vector<Reply> replies_;  ///< reused by every receive()
  ConnectionId last_id_ = 0;
};

}  // namespace cellrig::sim
