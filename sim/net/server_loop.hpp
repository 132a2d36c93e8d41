// The inside of SimServer. Split over server_loop.cpp (sockets), server_time.cpp (who gets what when),
// server_commands.cpp (back door) and server_http.cpp (the same for curl).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "controller/async/core_pin.hpp"
#include "sim/net/back_door.hpp"
#include "sim/net/framing.hpp"
#include "sim/net/http_request.hpp"
#include "sim/net/pseudo_terminal.hpp"
#include "sim/net/remote_host.hpp"
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
  /// A TCP port or a serial line, and who hears what is said there.
  struct Listener {
    PortForm form{};
    std::vector<Wire*> wires;
    Descriptor socket;
    std::uint16_t port = 0;
    std::string tty_path;
    std::unique_ptr<PseudoTerminal> tty;
    bool is_listening = false;
  };
  /// The end of a connection at one of those who hear it.
  struct End final : WireClient {
    explicit End(Wire& at) : wire{at} {}
    void wire_dropped(ConnectionId) noexcept override { id = 0; }
    Wire& wire;
    ConnectionId id = 0;  ///< 0: that one is not there
  };
  /// A connection to an instrument, or a serial line.
  struct Client {
    [[nodiscard]] bool is_dropped() const;  ///< by the instruments' side
    /// Nobody reads at the other end any more. Of a serial line nobody can tell.
    [[nodiscard]] bool is_half_open(TimePoint now) const;
    [[nodiscard]] std::string name() const;
    Descriptor socket;                    ///< of TCP
    const PseudoTerminal* tty = nullptr;  ///< of a serial line
    std::vector<std::unique_ptr<End>> ends;
    std::size_t listener = 0;
    std::uint64_t serial = 0;  ///< never used twice
    back_door::LinkName link;
    MessageCounter requests{Framing::lines};
    std::uint64_t processed_count = 0;  ///< of the requests: handed to the instruments
    std::string unprocessed;            ///< lockstep: what came since the last advance
    bool has_ended = false;             ///< the peer has closed
    bool is_unread = false;             ///< half open: nobody looks at the socket any more
  };
  struct Session {
    Descriptor socket;
    std::string received;
    bool has_spoken = false;
    bool is_http = false;
    std::optional<bool> host_is_lockstep;  ///< set: a controller listens for faults of its host
    bool is_ending = false;                ///< the last answer is sent: what still comes is thrown away
  };
  /// A reply that waits for its instant.
  struct Held {
    Delivery delivery;
    std::uint64_t sequence = 0;
    std::size_t slot = 0;
    std::uint64_t serial = 0;
    std::uint64_t request_number = 0;  ///< that it answers, on its connection
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
  void read_clients_of(std::size_t listener);
  void open_tty(std::size_t listener);
  [[nodiscard]] bool open_ends(Client& client, const std::vector<Wire*>& wires);
  void keep_client(std::unique_ptr<Client> client);
  [[nodiscard]] Listener& listener_for(const BenchPort& port);
  void count_lines_anew();
  void accept_sessions();
  void read_client(std::size_t slot);
  void stop_reading(Client& client);
  void read_ttys();
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
  void tell_of_gone_lines(back_door::Tick& tick);
  [[nodiscard]] std::string who_waits() const;
  void answer_advance(const std::string& line);
  void follow(TimePoint to);
  [[nodiscard]] TimePoint next_by_itself();
  void leave_lockstep();

  // server_http.cpp
  void serve_http(std::size_t slot);
  [[nodiscard]] http::Answer respond(const http::Request& request);
  [[nodiscard]] http::Answer carry_out_orders(std::string_view body);

  // server_commands.cpp
  void read_session(std::size_t slot);
  void serve_lines(std::size_t slot);
  [[nodiscard]] std::optional<std::string> execute(std::size_t slot, std::string_view line);
  void end_session(std::size_t slot);
  void answer(std::size_t slot, std::string line);
  [[nodiscard]] RemoteHost::Listeners hosts() const;
  void tell_hosts(const std::string& line);
  [[nodiscard]] std::string state_json() const;

  SimulatedBench& bench_;
  SimClock clock_;
  RemoteHost host_;
  Descriptor epoll_;
  Descriptor stop_event_;
  Descriptor timer_;
  Descriptor back_door_;
  std::unique_ptr<OwnFolder> tty_folder_;  ///< when there are serial lines
  std::vector<Listener> listeners_;
  std::vector<Descriptor> hung_up_;                 ///< the devices of lines that were
  std::set<back_door::LinkName> gone_lines_;        ///< lockstep: of these the holder of the time has not been told yet
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
