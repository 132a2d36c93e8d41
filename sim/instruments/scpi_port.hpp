// A SCPI socket as most instruments have it: lines out of bytes, units out of lines, one reply line for the queries of a message.
// For instruments that share these habits; the N6900 and the EA have their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/instruments/connection_table.hpp"
#include "sim/instruments/responder.hpp"
#include "sim/instruments/scpi_arguments.hpp"
#include "sim/instruments/scpi_text.hpp"
#include "sim/instruments/scpi_tree.hpp"

namespace cellrig::sim {

/// * A command error (-1xx) or a query that fails voids its message: what is left is not looked at, and nothing is replied.
/// * The error queue is the instrument's, whoever asks.
class ScpiPort : public Port {
 public:
  void connected(ConnectionId connection) override { connections_.open(connection); }
  void disconnected(ConnectionId connection) override { connections_.close(connection); }
  void receive(TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Reply>& replies) override;
  /// After a reboot nothing is left of any connection.
  void forget();

 protected:
  struct Call {
    TimePoint now;
    std::uint16_t command = ScpiTree::no_command;
    bool query = false;
    std::string_view text;  ///< arguments
    std::string& out;
    Duration takes{};    ///< on top of the message's own time
    Duration settles{};  ///< after the reply, before the next message is looked at
    bool is_void = false;
  };

  /// Before each piece of traffic: time and watchdog.
  virtual void traffic(TimePoint now) = 0;
  [[nodiscard]] virtual const ScpiTree& tree() const = 0;
  /// Of one message.
  [[nodiscard]] virtual Duration message_time() const = 0;
  virtual void run(Call& call) = 0;
  [[nodiscard]] virtual std::string_view line_end() const { return "\n"; }

  void fail(Call& call, ScpiError error);
  /// For a setting that takes one argument; empty (and an error) when there is none or more than one.
  std::string_view only_argument(Call& call);
  std::optional<bool> flag_argument(Call& call);
  std::optional<double> number_argument(Call& call, ScpiRange range, std::string_view unit);
  /// Its place among "FIXed|LIST"; nothing (and an error) when it is not there.
  std::optional<int> keyword_argument(Call& call, std::string_view keywords);

  [[nodiscard]] ScpiErrorQueue& errors() { return errors_; }

 private:
  struct Connection {
    ScpiLineBuffer lines;
    BusyUntil busy;
  };
  struct Times {
    Duration takes{}, settles{};
  };
  Times run_message(TimePoint now, std::string_view message, std::string& reply);
  template <class T>
  std::optional<T> taken(Call& call, const ScpiArgument<T>& argument) {
    if (!argument.value) fail(call, argument.error);
    return argument.value;
  }

  ConnectionTable<Connection> connections_;
  ScpiErrorQueue errors_;
  RecentHeaders recent_headers_;
};

/// "FIXed|LIST": the form at a place, as written there.
[[nodiscard]] std::string_view keyword_at(std::string_view keywords, int place);

}  // namespace cellrig::sim
