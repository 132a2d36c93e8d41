// The back door's language: one line in, one line out. Pure text; the server carries it out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/base/result.hpp"
#include "controller/base/time.hpp"

namespace cellrig::sim::back_door {

/// "hello lockstep": time stands still from now on and belongs to this connection.
struct HelloLockstep {};

/// A connection by the client's local TCP port, and how many complete requests it has delivered since it was opened.
struct InFlight {
  std::uint16_t port = 0;
  std::uint64_t request_count = 0;
};
/// "advance <to_ns> [<port>:<count> ...]": first everybody listed must have delivered that many requests; then time moves to the
/// earliest of `to` (INT64_MAX: no limit) and the next reply due, instruments' events happening in order on the way; then the replies
/// due are sent, then the Tick is answered. "stuck <why>" when a listed connection delivers nothing for 10 s of wall time, or when
/// there is neither a limit nor a reply to come.
struct Advance {
  TimePoint to{};
  std::vector<InFlight> in_flight;
};
struct Truth {};
struct InjectFault {
  std::string order;
};
struct ClearFaults {};
struct Now {};
struct State {};
struct Quit {};

using Command = std::variant<HelloLockstep, Advance, Truth, InjectFault, ClearFaults, Now, State, Quit>;

/// Refuses what it does not understand, with the nearest word.
[[nodiscard]] Result<Command> parse(std::string_view line);

/// What an advance came to: "now <T_ns> [<port> ...]": on which connections a whole reply was sent, and, with '!', which are gone
/// (closed by a fault, or by the client itself).
/// A reply that is lost is a request held for ever; one that is damaged in its length is sent and not listed.
struct Tick {
  TimePoint now{};
  struct Entry {
    std::uint16_t port = 0;
    bool is_closed = false;
  };
  std::vector<Entry> entries;
  void add(Entry entry);
};
[[nodiscard]] std::string format(const Tick& tick);

}  // namespace cellrig::sim::back_door
