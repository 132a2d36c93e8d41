// The back door's language: one line in, one line out. Pure text; the server carries it out.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/base/result.hpp"
#include "controller/base/time.hpp"

namespace cellrig::sim::back_door {

/// "hello lockstep": time stands still from now on and belongs to this connection.
struct HelloLockstep {};

/// A connection to an instrument by both its TCP ports: one port of the client may serve connections to several of ours. Written
/// "<client port>-<instrument's port>".
struct LinkName {
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;
  std::optional<std::uint32_t> tty;  ///< a serial line by the number of its device, written "tty<number>"; then no ports
  auto operator<=>(const LinkName&) const = default;
};
[[nodiscard]] std::string format(LinkName link);

/// A connection, and how many complete requests it has delivered since it was opened.
struct InFlight {
  LinkName link;
  std::uint64_t request_count = 0;
};
/// "advance <to_ns> [from <ns>] [<link>:<count> ...]": first time moves to `from`, where the requests were sent; everybody listed
/// must have delivered that many requests; then time moves to the earliest of `to` (INT64_MAX: no limit) and the next reply due,
/// instruments' events happening in order on the way; then the replies due are sent, then the Tick is answered. "stuck <why>" when
/// a listed connection delivers nothing for 10 s of wall time, or when there is neither a limit nor a reply to come.
struct Advance {
  TimePoint to{};
  std::optional<TimePoint> from;  ///< empty: where the simulator stands
  std::vector<InFlight> in_flight;
};
/// "follow <ns>": time moves there, and nothing that was sent is served: what listens and what is true is that of this instant.
struct Follow {
  TimePoint to{};
};
/// "core <number>": whoever holds the time runs on this core of this machine and takes turns with the simulator, which had better
/// run there, too. A hint; "ok" in any case.
struct ShareCore {
  int core = 0;
};
/// "host real", "host lockstep": this connection is that of a controller whose time is of this kind. From now on it is told what
/// happens to the controller's host (remote_host.hpp): lines, to which it says nothing.
struct JoinHost {
  bool is_lockstep = false;
};
struct Truth {};
struct InjectFault {
  std::string order;
};
struct ClearFaults {};
struct Faults {};      ///< what is in force and what waits
struct FaultKinds {};  ///< what could be ordered
struct Now {};
struct State {};
struct Quit {};

using Command = std::variant<HelloLockstep, Advance, Follow, ShareCore, JoinHost, Truth, InjectFault, ClearFaults, Faults,
                             FaultKinds, Now, State, Quit>;

/// Refuses what it does not understand, with the nearest word.
[[nodiscard]] Result<Command> parse(std::string_view line);

/// What an advance came to: "now <T_ns> [<link> ...] until <Q_ns>": on which connections a whole reply was sent; with '?', where bytes
/// went that may or may not end an exchange, because what says how long the reply is was damaged; with '!', which are gone (closed by
/// a fault, or by the client itself). Every serial line that hung up is named once: the system gives its number again, to a line that
/// counts from nothing. A reply that is lost is a request held for ever.
struct Tick {
  TimePoint now{};
  /// Before this instant nothing comes and nothing happens, unless somebody sends something: whoever holds the time may go on to any
  /// instant before it without asking, and says where it was ("from", "follow") when it sends again.
  TimePoint quiet_until{};
  enum class Sent : unsigned char { damaged, whole, closed };
  struct Entry {
    LinkName link;
    Sent sent = Sent::whole;
  };
  std::vector<Entry> entries;
  /// Of several things on one connection the last in the order of Sent counts.
  void add(Entry entry);
};
[[nodiscard]] std::string format(const Tick& tick);

}  // namespace cellrig::sim::back_door
