// The inside of SimServer. Split over server_loop.cpp (sockets), server_time.cpp (who gets what when) and server_commands.cpp (back door).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "controller/async/core_pin.hpp"
#include "sim/net/back_door.hpp"
#include "sim/net/framing.hpp"
#include "sim/net/server.hpp"
#include "sim/net/sim_clock.hpp"
#include "sim/net/socket.hpp"

namespace cellrig::sim {

class SimServer::Loop {
 public:
  Loop(SimulatedBench& bench, ServerOptions options);
  ~Loop();
  void run();
  void request_stop() noexcept;

  ServerOptions options;
  std::vector<ServedPort> ports;
  std::uint16_t back_door_port = 0;
  std::thread thread;

 private:
  struct Listener {
    Descriptor socket;
    Wire* wire = nullptr;
    std::uint16_t port = 0;
    bool is_listening = false;
  };
  /// A connection to an instrument.
  struct Client final : WireClient {
    void wire_dropped(ConnectionId) noexcept override { is_dropped = true; }
    Descriptor socket;
    Wire* wire = nullptr;
    std::size_t listener = 0;
    ConnectionId id = 0;
    std::uint64_t serial = 0;  ///< never used twice
    back_door::LinkName link;
    MessageCounter requests{Framing::lines};
    std::string unprocessed;  ///< lockstep: what came since the last advance
    bool has_ended = false;   ///< the peer has closed
    bool is_dropped = false;  ///< the instrument's side has
  };
  struct Session {
    Descriptor socket;
    std::string received;
  };
  /// A reply that waits for its instant.
  struct Held {
    Delivery delivery;
    std::uint64_t sequence = 0;
    std::size_t slot = 0;
    std::uint64_t serial = 0;
    /// For a heap whose front is the earliest.
    bool operator<(const Held& other) const {
      return delivery.due != other.delivery.due ? delivery.due > other.delivery.due : sequence > other.sequence;
    }
  };
  struct PendingAdvance {
    back_door::Advance request;
    std::int64_t stuck_at_ns = 0;
  };

  // server_loop.cpp
  void bind_everything();
  void watch(const Descriptor& socket, std::uint64_t tag);
  void unwatch(const Descriptor& socket);
  void handle(std::uint64_t tag);
  void accept_clients(std::size_t listener);
  void add_client(std::size_t listener, Accepted accepted);
  void accept_sessions();
  void read_client(std::size_t slot);
  void end_client(std::size_t slot);
  void note_gone(back_door::LinkName link);
  [[nodiscard]] Client* client_of(back_door::LinkName link) const;
  void settle(back_door::Tick* tick);
  void update_listeners();

  // server_time.cpp
  void process(Client& client, std::size_t slot);
  void process_all();
  void send_due(TimePoint now, back_door::Tick* tick);
  void drop_stale_front();
  void tick_real_time();
  void arm_timer();
  [[nodiscard]] int timeout_ms() const;
  bool try_advance();
  [[nodiscard]] bool has_all_requests(back_door::Tick& gone) const;
  [[nodiscard]] std::string who_waits() const;
  void answer_advance(const std::string& line);
  void follow(TimePoint to);
  [[nodiscard]] TimePoint next_by_itself();
  void leave_lockstep();

  // server_commands.cpp
  void read_session(std::size_t slot);
  void serve_lines(std::size_t slot);
  [[nodiscard]] std::optional<std::string> execute(std::size_t slot, std::string_view line);
  void end_session(std::size_t slot);
  void answer(std::size_t slot, std::string line);
  [[nodiscard]] std::string state_json() const;

  SimulatedBench& bench_;
  SimClock clock_;
  Descriptor epoll_;
  Descriptor stop_event_;
  Descriptor timer_;
  Descriptor back_door_;
  std::vector<Listener> listeners_;
  std::vector<std::unique_ptr<Client>> clients_;    ///< by slot; empty ones are used again
  std::vector<std::unique_ptr<Session>> sessions_;  ///< by slot
  /// The slot of the connection that has this name; empty: it has ended, by whomever, since lockstep began.
  std::map<back_door::LinkName, std::optional<std::size_t>> links_;
  std::vector<std::size_t> unprocessed_;  ///< slots with bytes that wait for an advance
  std::vector<Held> held_;                ///< a heap
  std::vector<Delivery> deliveries_;      ///< reused
  std::optional<std::size_t> lockstep_session_;
  std::optional<PendingAdvance> advance_;
  CorePin core_pin_;  ///< of the serving thread, in lockstep
  std::uint64_t last_sequence_ = 0;
  std::uint64_t last_serial_ = 0;
  TimePoint last_world_advance_{};
  std::int64_t armed_for_ns_ = 0;
  bool is_stopping_ = false;
};

}  // namespace cellrig::sim
