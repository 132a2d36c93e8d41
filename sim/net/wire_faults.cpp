#include "sim/net/wire_faults.hpp"

#include <algorithm>

namespace cellrig::sim {
namespace {

/// Bytes of a Modbus reply that say how long it is, by either way to find out: the header's length or function and byte count.
constexpr std::size_t modbus_shape_begin = 2;
constexpr std::size_t modbus_shape_end = 9;

}  // namespace

bool WireFaults::holds(WireFaultKind kind, TimePoint now) const {
  return std::any_of(faults_.begin(), faults_.end(),
                     [&](const WireFault& fault) { return fault.kind == kind && now < fault.until; });
}

bool WireFaults::hits(WireFault& fault, TimePoint now) {
  if (!(now < fault.until) || (fault.count && *fault.count == 0)) return false;
  if (fault.skip > 0) {
    --fault.skip;
    return false;
  }
  if (fault.rate < 1.0 && !(random_.uniform() < fault.rate)) return false;
  if (fault.count) --*fault.count;
  return true;
}

void WireFaults::garble(Delivery& reply, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count && !reply.bytes.empty(); ++i) {
    const std::size_t at = random_.below(reply.bytes.size());
    const auto flipped = static_cast<unsigned char>(1U + random_.below(255));  // never 0: a hit byte does change
    reply.bytes[at] = static_cast<char>(static_cast<unsigned char>(reply.bytes[at]) ^ flipped);
    if (framing_ == Framing::modbus_tcp && at >= modbus_shape_begin && at < modbus_shape_end) reply.is_whole = false;
  }
  if (framing_ == Framing::lines && !reply.bytes.empty() && reply.bytes.back() != '\n') reply.is_whole = false;
}

WireFaults::Outcome WireFaults::apply(TimePoint now, Delivery&& reply) {
  Outcome outcome{std::move(reply), true};
  Delivery& delivery = *outcome.delivery;
  bool is_lost = false;
  for (WireFault& fault : faults_) {
    if (fault.kind == WireFaultKind::refuse || fault.kind == WireFaultKind::accept_only || !hits(fault, now)) continue;
    switch (fault.kind) {
      case WireFaultKind::drop: is_lost = true; break;
      case WireFaultKind::delay:
        delivery.due += fault.delay;
        outcome.queues = outcome.queues && !fault.overtaken;
        break;
      case WireFaultKind::garble: garble(delivery, fault.bytes); break;
      case WireFaultKind::truncate:
        if (!delivery.bytes.empty()) delivery.bytes.resize(std::min<std::size_t>(fault.bytes, delivery.bytes.size() - 1));
        delivery.is_whole = false;
        break;
      case WireFaultKind::duplicate: delivery.bytes += std::string(delivery.bytes); break;
      case WireFaultKind::close:
        delivery.bytes.clear();
        delivery.closes = true;
        delivery.is_whole = false;
        break;
      case WireFaultKind::refuse:
      case WireFaultKind::accept_only: break;
    }
  }
  std::erase_if(faults_, [&](const WireFault& fault) { return !(now < fault.until) || (fault.count && *fault.count == 0); });
  if (is_lost || (delivery.bytes.empty() && !delivery.closes)) outcome.delivery.reset();
  return outcome;
}

}  // namespace cellrig::sim
