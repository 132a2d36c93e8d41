// What a bad network does to replies and connections. A fault model is a contract: every kind is exact, counted, and repeats
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
#include "sim/random.hpp"

namespace cellrig::sim {

enum class WireFaultKind : unsigned char {
  drop,         ///< the instrument acts, its reply is lost (F01, F02)
  delay,        ///< the reply comes later (F03), perhaps after the deadline of whoever asked (F04)
  garble,       ///< some bytes are flipped (F08, F09)
  truncate,     ///< only the first bytes come (F07)
  duplicate,    ///< the reply comes twice (F05)
  close,        ///< the connection is closed instead of an answer (F12)
  refuse,       ///< existing connections are dropped, new ones refused (F12)
  accept_only,  ///< connections are accepted; nothing reaches the instrument and nothing comes back (F11, F13)
};
inline constexpr std::array<std::string_view, 8> wire_fault_names{"drop",      "delay", "garble", "truncate",
                                                                  "duplicate", "close", "refuse", "accept_only"};

struct WireFault {
  WireFaultKind kind = WireFaultKind::drop;
  std::uint32_t skip = 0;                  ///< so many replies pass unharmed first
  std::optional<std::uint32_t> count = 1;  ///< so many replies are hit; empty: no end. Not for refuse and accept_only
  double rate = 1.0;                       ///< probability that a reply is hit, 0..1
  Duration delay{};                        ///< delay only
  bool overtaken = false;                  ///< delay only: later replies of the connection do not queue behind it
  std::uint32_t bytes = 1;                 ///< garble: how many are flipped; truncate: how many come
  TimePoint until = TimePoint::max();      ///< no effect from then on
};

/// What goes onto the wire to one client, and when.
struct Delivery {
  TimePoint due{};
  std::string bytes;
  bool closes = false;   ///< after the bytes the connection is closed
  bool is_whole = true;  ///< a client that frames correctly has a reply after these bytes
};

/// The faults of one port.
class WireFaults {
 public:
  WireFaults(Framing framing, std::uint64_t seed) : framing_{framing}, random_{seed} {}

  void add(const WireFault& fault) { faults_.push_back(fault); }
  void clear() { faults_.clear(); }
  [[nodiscard]] bool empty() const { return faults_.empty(); }
  [[nodiscard]] bool refuses(TimePoint now) const { return holds(WireFaultKind::refuse, now); }
  [[nodiscard]] bool is_deaf(TimePoint now) const { return holds(WireFaultKind::accept_only, now); }

  struct Outcome {
    std::optional<Delivery> delivery;  ///< empty: nothing comes, ever
    bool queues = true;                ///< later replies of the connection come after it
  };
  /// Every fault that is still in force may hit, in the order they were added.
  Outcome apply(TimePoint now, Delivery&& reply);

 private:
  [[nodiscard]] bool holds(WireFaultKind kind, TimePoint now) const;
  bool hits(WireFault& fault, TimePoint now);
  void garble(Delivery& reply, std::uint32_t count);

  Framing framing_;
  Random random_;
  std::vector<WireFault> faults_;
};

}  // namespace cellrig::sim
