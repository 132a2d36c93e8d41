// What a bad network does to requests, replies and connections. A fault model is a contract: every kind is exact, counted, and repeats
// with the seed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.hpp"
#include "sim/instruments/responder.hpp"
#include "sim/net/framing.hpp"
#include "sim/net/reply_damage.hpp"
#include "sim/random.hpp"

namespace cellrig::sim {

enum class WireFaultKind : unsigned char {
  drop,           ///< the instrument acts, its reply is lost (F01, F02)
  delay,          ///< the reply comes later (F03), perhaps after the deadline of whoever asked (F04)
  garble,         ///< some bytes are flipped
  truncate,       ///< only the first bytes come (F07)
  duplicate,      ///< the reply comes twice (F05)
  close,          ///< the connection is closed instead of an answer
  refuse,         ///< existing connections are dropped, new ones refused (F12)
  accept_only,    ///< connections are accepted; nothing reaches the instrument and nothing comes back (F13)
  reorder,        ///< the reply waits and comes behind the next one of its connection (F06)
  reset,          ///< the connection is reset instead of an answer: RST, not FIN (F12)
  half_open,      ///< nothing is read and nothing is answered, and every connection stays open (F11)
  drip,           ///< the reply comes one byte at a time (F14)
  rubbish,        ///< other bytes come in its place (F08)
  noise,          ///< stray bytes come before it (F15)
  collision,      ///< somebody else's frame lies over its beginning (F15)
  mutate,         ///< one field of a Modbus reply is wrong, all the rest is right (F08, F09)
  swap_words,     ///< 32-bit values come with their halves exchanged (F16)
  swap_bytes,     ///< registers come low byte first (F16)
  number_format,  ///< numbers of a line are written in another way (F17)
  exception,      ///< a Modbus request is refused with this exception, and nothing is done (F10)
  lose_request,   ///< the request is lost, not its reply (F18)
  error_flood,    ///< rubbish commands come before a request: the error queue overflows (F18)
};
inline constexpr std::array<std::string_view, 22> wire_fault_names{
    "drop",       "delay",      "garble",        "truncate",  "duplicate",    "close",      "refuse",    "accept_only",
    "reorder",    "reset",      "half_open",     "drip",      "rubbish",      "noise",      "collision", "mutate",
    "swap_words", "swap_bytes", "number_format", "exception", "lose_request", "error_flood"};

/// Which requests are lost.
enum class RequestScope : unsigned char {
  sets,     ///< those that change something: writes, lines without a question mark
  queries,  ///< the others
  any,
};
inline constexpr std::array<std::string_view, 3> request_scope_names{"sets", "queries", "any"};

struct WireFault {
  WireFaultKind kind = WireFaultKind::drop;
  std::uint32_t skip = 0;                  ///< so many messages that it could hit pass unharmed first
  std::optional<std::uint32_t> count = 1;  ///< so many are hit; empty: no end. Not for refuse, accept_only, half_open
  double rate = 1.0;                       ///< probability that one is hit, 0..1
  Duration delay{};                        ///< delay: so long; drip: between two bytes
  std::optional<Duration> delay_least;     ///< delay: drawn evenly between this and `delay`
  bool overtaken = false;                  ///< delay only: later replies of the connection do not queue behind it
  std::uint32_t bytes = 1;  ///< garble: flipped; truncate: that come; noise: stray; collision: lost; error_flood: commands
  ModbusField field = ModbusField::unit;  ///< mutate
  std::optional<std::uint32_t> value;   ///< mutate: what stands there (any other than the right one without); exception: its code
  NumberForm form = NumberForm::comma;  ///< number_format
  RequestScope scope = RequestScope::sets;  ///< lose_request
  TimePoint until = TimePoint::max();       ///< no effect from then on
};

/// What goes onto the wire to one client, and when.
struct Delivery {
  TimePoint due{};
  std::string bytes;
  bool closes = false;    ///< after the bytes the connection is closed
  bool is_whole = true;   ///< a client that frames correctly has a reply after these bytes
  bool resets = false;    ///< closes, and not in good order: RST
  std::uint64_t nth = 0;  ///< which of the messages that were handed over together it answers, from 0 on
};

/// The faults of one port.
class WireFaults {
 public:
  WireFaults(Framing framing, std::uint64_t seed) : framing_{framing}, random_{seed} {}

  void add(const WireFault& fault) { faults_.push_back(fault); }
  void clear() { faults_.clear(); }
  [[nodiscard]] bool empty() const { return faults_.empty(); }
  [[nodiscard]] bool refuses(TimePoint now) const { return holds(WireFaultKind::refuse, now); }
  [[nodiscard]] bool is_half_open(TimePoint now) const { return holds(WireFaultKind::half_open, now); }
  [[nodiscard]] bool is_deaf(TimePoint now) const { return holds(WireFaultKind::accept_only, now) || is_half_open(now); }
  /// Some fault looks at requests, message by message.
  [[nodiscard]] bool watches_requests(TimePoint now) const;
  /// Those that can still hit something.
  [[nodiscard]] std::vector<WireFault> in_force(TimePoint now) const;

  struct Verdict {
    bool is_lost = false;                  ///< it does not reach the instrument
    std::uint32_t rubbish_before = 0;      ///< so many unknown commands reach it first
    std::optional<std::string> exception;  ///< what is answered in its place
  };
  /// Of one complete request.
  Verdict judge_request(TimePoint now, std::string_view message);

  struct Outcome {
    std::optional<Delivery> delivery;  ///< empty: nothing comes, ever
    bool queues = true;                ///< later replies of the connection come after it
    bool waits = false;                ///< it comes behind the next reply of the connection
    Duration drip{};                   ///< above zero: byte by byte
  };
  /// Every fault that is still in force may hit, in the order they were added.
  Outcome apply(TimePoint now, Delivery&& reply);

 private:
  [[nodiscard]] bool holds(WireFaultKind kind, TimePoint now) const;
  [[nodiscard]] bool can_hit_reply(const WireFault& fault, const Delivery& reply) const;
  bool hits(WireFault& fault, TimePoint now);
  void damage(const WireFault& fault, Outcome& outcome);
  void garble(Delivery& reply, std::uint32_t count);
  [[nodiscard]] std::string stray_bytes(std::size_t count);
  void forget_spent(TimePoint now);

  Framing framing_;
  Random random_;
  std::vector<WireFault> faults_;
};

}  // namespace cellrig::sim
