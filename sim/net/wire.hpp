// The cable between one port of an instrument and its clients, in process or over sockets: connections, and what may befall replies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
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

/// What a port is reached by.
struct PortForm {
  enum class Kind : unsigned char {
    tcp,           ///< a TCP port of its own
    rtu_over_tcp,  ///< a serial line behind a TCP port
    serial,        ///< a serial line
  };
  Kind kind = Kind::tcp;
  std::string line;                  ///< the name that all have in common who are on one line; empty for tcp
  std::optional<std::uint8_t> unit;  ///< on an RTU line; empty: those the instrument answers by itself
};

/// Which port of which instrument, and how it behaves as a host on the network.
struct WireConfig {
  std::string instrument;  ///< "psb1"
  std::string port;        ///< "modbus"
  PortForm form{};
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
        faults_{framing(), seed_for(config_.seed, config_.instrument + '.' + config_.port)} {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  [[nodiscard]] const std::string& instrument() const { return config_.instrument; }
  [[nodiscard]] const std::string& port_name() const { return config_.port; }
  [[nodiscard]] std::string name() const { return config_.instrument + '.' + config_.port; }
  [[nodiscard]] Framing framing() const {
    if (port_.takes_rtu_frames()) return Framing::lines_or_rtu;
    const bool is_rtu = config_.port == "modbus" && config_.form.kind != PortForm::Kind::tcp;
    return is_rtu ? Framing::modbus_rtu : framing_of(config_.port);
  }
  [[nodiscard]] const PortForm& form() const { return config_.form; }
  [[nodiscard]] Port& port() { return port_; }
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }

  /// A refuse fault also drops what is connected.
  void add_fault(TimePoint now, const WireFault& fault);
  /// Who lived through a half_open fault has forgotten its connections: they are dropped.
  void clear_faults(TimePoint now);
  /// The same, when the time of a half_open fault has run out.
  void end_half_open(TimePoint now);
  [[nodiscard]] std::vector<WireFault> faults_in_force(TimePoint now) const { return faults_.in_force(now); }
  [[nodiscard]] bool refuses(TimePoint now) const { return faults_.refuses(now); }
  /// Nobody reads at this end, and the connections stay.
  [[nodiscard]] bool is_half_open(TimePoint now) const { return faults_.is_half_open(now); }

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
    TimePoint last_due{};             ///< replies of one connection do not overtake each other
    std::string partial;              ///< the beginning of a request, while a fault looks at requests
    std::optional<Delivery> waiting;  ///< comes behind the next reply
  };
  void receive_requests(TimePoint now, Connection& connection, std::string_view bytes, std::vector<Delivery>& deliveries);
  /// Some of the requests that were handed over together, from the first-th on.
  struct Requests {
    std::string_view bytes;
    std::uint64_t first = 0;
  };
  [[nodiscard]] bool is_meant(std::string_view message) const;
  void pass(TimePoint now, Connection& connection, Requests requests, std::vector<Delivery>& deliveries);
  void deliver(TimePoint now, Connection& connection, Delivery&& reply, std::vector<Delivery>& deliveries);
  void send(Connection& connection, WireFaults::Outcome&& outcome, std::vector<Delivery>& deliveries);
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
