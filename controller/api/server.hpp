// The HTTP interface of a bench: HTTP/1.1 and WebSocket below /api/v1, on a thread and an io_context of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "controller/api/access.hpp"
#include "controller/api/catalogue.hpp"
#include "controller/async/time_source.hpp"
#include "controller/base/result.hpp"
#include "controller/runtime/bench_control.hpp"

namespace cellrig::db {
struct RunInfo;
}

namespace cellrig::api {

/// What one client may cost. Times are wall time of the server's own thread.
struct ServerLimits {
  std::size_t connections_max = 128;       ///< one more: the one that is idle longest is closed
  std::size_t connections_ordinary = 112;  ///< beyond that only stops are served
  std::size_t header_bytes_max = 8 * 1024;
  std::size_t body_bytes_max = 64 * 1024;
  std::size_t handshakes_max = 48;  ///< of TLS, under way; one more: the oldest is closed
  std::size_t handshakes_of_one_address_max = 16;
  Duration handshake_within = std::chrono::seconds{3};
  Duration header_within = std::chrono::seconds{10};  ///< from its first byte
  Duration body_within = std::chrono::seconds{10};
  Duration idle_within = std::chrono::seconds{60};  ///< between two requests of one connection
  Duration write_within = std::chrono::seconds{30};
  Duration control_within = std::chrono::seconds{5};  ///< the control thread's answer
  Duration start_within = std::chrono::minutes{30};   ///< of a start, which may rehearse
  Duration stream_idle_within = std::chrono::seconds{30};
  Duration accounts_look_every = std::chrono::seconds{1};
  double requests_per_s = 50;  ///< of one client, stops not counted
  double requests_burst = 200;
  std::size_t subscribers_max = 64;
  std::size_t subscribers_of_account_max = 16;    ///< so that one account never has all of them
  std::size_t subscriber_bytes_max = 256 * 1024;  ///< of samples that wait for one subscriber
};

/// "accounts changed", "accounts refused", "cell file added".
struct ServerChange {
  std::string action;
  std::string operator_name;  ///< who asked for it; empty: whoever looks after this computer
  std::string origin;         ///< from where; empty: this computer
  std::string reason;         ///< given by who asked
  std::string text;
  bool is_trouble = false;
  std::string what_to_do;  ///< of a trouble
};

struct ServerSettings {
  std::string address = "127.0.0.1";  ///< another than loopback is refused without TLS and accounts
  std::uint16_t port = 0;             ///< 0: any free one
  AccessSettings access;
  std::string database;  ///< read by the server itself; empty: there is no record
  /// What the metadata of an export say of a run's steps, as a JSON object. On the exports' threads; none: they say nothing of them.
  std::function<std::string(const db::RunInfo& run)> protocol_of{};
  std::string version;
  ServerLimits limits;
  /// What is no order to a channel, and belongs into the record all the same. On the server's thread.
  std::function<void(const ServerChange& change)> on_change{};
};

/// Made, used and destroyed on the control thread. While it lives, `time`, `bench` and `catalogue` do.
class Server {
 public:
  /// Listens when it returns. refused: the address may not be used, with the reason; link_lost: it cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerSettings settings, TimeSource& time, BenchControl& bench,
                                                             Catalogue& catalogue);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;  ///< "http://127.0.0.1:8230"

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cellrig::api
