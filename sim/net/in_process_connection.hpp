// The client's end of an in-process connection: what has arrived, what is still on its way, and whether the peer is there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/async/time_source.hpp"
#include "sim/bench.hpp"

namespace cellrig::sim {

/// Control thread only. It belongs to one link, whose single waiter sits in wait(). On a line all who are on it hear what is sent.
class InProcessConnection final {
 public:
  InProcessConnection(TimeSource& time, SimulatedBench& bench, Wire& wire);
  ~InProcessConnection() { close_ends(); }
  InProcessConnection(const InProcessConnection&) = delete;
  InProcessConnection& operator=(const InProcessConnection&) = delete;

  /// False: refused.
  [[nodiscard]] bool open();
  /// Also ends the wait of whoever waits here.
  void close() noexcept;
  /// Opened and not closed from this side. The peer may have gone all the same.
  [[nodiscard]] bool is_open() const { return is_open_; }
  /// What has arrived before is still to be read.
  [[nodiscard]] bool peer_has_gone() const { return peer_has_gone_; }

  void send(std::string_view bytes);
  /// Takes over what has arrived by now; the unread bytes.
  [[nodiscard]] std::string& arrived();
  /// Until something arrives or happens to the connection, at the latest `until`.
  [[nodiscard]] Task<WaitEnd> wait(TimePoint until) {
    wait_.forget();
    return wait_.until(pending_.empty() || until < pending_.front().due ? until : pending_.front().due);
  }
  [[nodiscard]] std::string name() const { return ends_.front()->wire.name() + " (in process)"; }
  [[nodiscard]] TimeSource& time() { return time_; }
  [[nodiscard]] bool outlives_closing() const { return is_line(); }

 private:
  /// The end at one of those who hear it.
  struct End final : WireClient {
    End(InProcessConnection& of, Wire& at) : connection{of}, wire{at} {}
    void wire_dropped(ConnectionId dropped) noexcept override;
    InProcessConnection& connection;
    Wire& wire;
    ConnectionId id = 0;  ///< 0: that one is not there
  };
  [[nodiscard]] bool has_end() const;
  /// A serial line: the instruments do not see who has it open, and what they say comes all the same.
  [[nodiscard]] bool is_line() const { return ends_.front()->wire.form().kind == PortForm::Kind::serial; }
  void close_ends() noexcept;

  TimeSource& time_;
  SimulatedBench& bench_;
  std::vector<std::unique_ptr<End>> ends_;
  Wait wait_;
  std::vector<Delivery> pending_;   ///< in the order of their due times
  std::vector<Delivery> incoming_;  ///< reused by send()
  std::string unread_;
  bool is_open_ = false;
  bool peer_has_gone_ = false;
};

}  // namespace cellrig::sim
