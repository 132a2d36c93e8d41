#include "sim/net/wire_faults.hpp"

#include <algorithm>

namespace cellrig::sim {
namespace {

/// Bytes of a Modbus reply that say how long it is, by either way to find out: the header's length or function and byte count.
constexpr std::size_t modbus_shape_begin = 2;
constexpr std::size_t modbus_shape_end = 9;
constexpr std::uint8_t device_busy = 6;

bool is_state(WireFaultKind kind) {
  return kind == WireFaultKind::refuse || kind == WireFaultKind::accept_only || kind == WireFaultKind::half_open;
}

bool is_of_requests(WireFaultKind kind) {
  return kind == WireFaultKind::exception || kind == WireFaultKind::lose_request || kind == WireFaultKind::error_flood;
}

/// How a Modbus message on this wire is wrapped; nothing: it is a line of text.
std::optional<ModbusWrap> wrap_of(Framing framing, std::string_view message) {
  switch (framing) {
    case Framing::modbus_tcp: return ModbusWrap::tcp;
    case Framing::modbus_rtu: return ModbusWrap::rtu;
    case Framing::lines: return std::nullopt;
    case Framing::lines_or_rtu: break;
  }
  return !message.empty() && message.front() == '\0' ? std::optional{ModbusWrap::rtu} : std::nullopt;
}

/// A request that changes something.
bool is_set(Framing framing, std::string_view message) {
  const std::optional<ModbusWrap> wrap = wrap_of(framing, message);
  if (!wrap) return message.find('?') == std::string_view::npos;
  if (message.size() <= function_at(*wrap)) return false;
  const auto function = static_cast<unsigned char>(message[function_at(*wrap)]);
  return function == 5 || function == 6 || function == 15 || function == 16;
}

bool is_over(const WireFault& fault, TimePoint now) { return !(now < fault.until) || (fault.count && *fault.count == 0); }
/// Of an RTU reply: unit, function, byte count.
constexpr std::size_t rtu_shape_end = 3;

}  // namespace

bool WireFaults::holds(WireFaultKind kind, TimePoint now) const {
  return std::any_of(faults_.begin(), faults_.end(),
                     [&](const WireFault& fault) { return fault.kind == kind && now < fault.until; });
}

bool WireFaults::watches_requests(TimePoint now) const {
  return std::any_of(faults_.begin(), faults_.end(),
                     [&](const WireFault& fault) { return is_of_requests(fault.kind) && !is_over(fault, now); });
}

std::vector<WireFault> WireFaults::in_force(TimePoint now) const {
  std::vector<WireFault> found;
  for (const WireFault& fault : faults_) {
    if (!is_over(fault, now)) found.push_back(fault);
  }
  return found;
}

bool WireFaults::hits(WireFault& fault, TimePoint now) {
  if (is_over(fault, now)) return false;
  if (fault.skip > 0) {
    --fault.skip;
    return false;
  }
  if (fault.rate < 1.0 && !(random_.uniform() < fault.rate)) return false;
  if (fault.count) --*fault.count;
  return true;
}

void WireFaults::forget_spent(TimePoint now) {
  std::erase_if(faults_, [now](const WireFault& fault) { return is_over(fault, now); });
}

WireFaults::Verdict WireFaults::judge_request(TimePoint now, std::string_view message) {
  Verdict verdict;
  for (WireFault& fault : faults_) {
    const bool sets = is_set(framing_, message);
    if (fault.kind == WireFaultKind::lose_request) {
      const bool is_meant = fault.scope == RequestScope::any || (fault.scope == RequestScope::sets) == sets;
      if (is_meant && hits(fault, now)) verdict.is_lost = true;
    } else if (fault.kind == WireFaultKind::error_flood) {
      if (hits(fault, now)) verdict.rubbish_before += fault.bytes;
    } else if (const std::optional<ModbusWrap> wrap = wrap_of(framing_, message);
               fault.kind == WireFaultKind::exception && wrap && message.size() > function_at(*wrap)) {
      const auto code = static_cast<std::uint8_t>(fault.value.value_or(device_busy));
      if (hits(fault, now)) verdict.exception = exception_reply(message, *wrap, code);
    }
  }
  forget_spent(now);
  return verdict;
}

void WireFaults::garble(Delivery& reply, std::uint32_t count) {
  const bool is_mixed = framing_ == Framing::lines_or_rtu;
  const bool is_rtu = framing_ == Framing::modbus_rtu || (is_mixed && !reply.bytes.empty() && reply.bytes.front() == '\0');
  for (std::uint32_t i = 0; i < count && !reply.bytes.empty(); ++i) {
    const std::size_t at = random_.below(reply.bytes.size());
    const auto flipped = static_cast<unsigned char>(1U + random_.below(255));  // never 0: a hit byte does change
    reply.bytes[at] = static_cast<char>(static_cast<unsigned char>(reply.bytes[at]) ^ flipped);
    if (is_rtu && at < rtu_shape_end) reply.is_whole = false;
    if (framing_ == Framing::modbus_tcp && at >= modbus_shape_begin && at < modbus_shape_end) reply.is_whole = false;
  }
  const bool is_line = framing_ == Framing::lines || (is_mixed && !is_rtu);
  if (is_line && !reply.bytes.empty() && reply.bytes.back() != '\n') reply.is_whole = false;
}

/// No text: a line that nobody drives, or that two drive, is read as bytes with the highest bit set.
std::string WireFaults::stray_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(static_cast<unsigned char>(0x80U | random_.below(0x80)));
  return bytes;
}

/// Some faults can hit only replies that have what they change; the others pass and are not counted.
bool WireFaults::can_hit_reply(const WireFault& fault, const Delivery& reply) const {
  const std::optional<ModbusWrap> wrap = wrap_of(framing_, reply.bytes);
  switch (fault.kind) {
    case WireFaultKind::mutate: return wrap && has_field(reply.bytes, *wrap, fault.field);
    case WireFaultKind::swap_words: return wrap && carries_registers(reply.bytes, *wrap, 2);
    case WireFaultKind::swap_bytes: return wrap && carries_registers(reply.bytes, *wrap, 1);
    case WireFaultKind::number_format: return !wrap && carries_number(reply.bytes);
    default: return !is_state(fault.kind) && !is_of_requests(fault.kind);
  }
}

void WireFaults::damage(const WireFault& fault, Outcome& outcome) {
  Delivery& delivery = *outcome.delivery;
  const std::optional<ModbusWrap> wrap = wrap_of(framing_, delivery.bytes);
  const bool is_modbus = wrap.has_value();
  const std::size_t size = delivery.bytes.size();
  switch (fault.kind) {
    case WireFaultKind::delay: {
      const Duration least = fault.delay_least.value_or(fault.delay);
      const double share = fault.delay_least ? random_.uniform() : 0.0;
      delivery.due += least + from_seconds(share * to_seconds(fault.delay - least));
      outcome.queues = outcome.queues && !fault.overtaken;
      break;
    }
    case WireFaultKind::garble: garble(delivery, fault.bytes); break;
    case WireFaultKind::truncate:
      if (size > 0) delivery.bytes.resize(std::min<std::size_t>(fault.bytes, size - 1));
      delivery.is_whole = false;
      break;
    case WireFaultKind::duplicate: delivery.bytes += std::string(delivery.bytes); break;
    case WireFaultKind::close:
    case WireFaultKind::reset:
      delivery.bytes.clear();
      delivery.closes = true;
      delivery.resets = fault.kind == WireFaultKind::reset;
      delivery.is_whole = false;
      break;
    case WireFaultKind::reorder: outcome.waits = true; break;
    case WireFaultKind::drip: outcome.drip = fault.delay; break;
    case WireFaultKind::rubbish:
      delivery.bytes = stray_bytes(size);
      if (!is_modbus && size > 0) delivery.bytes.back() = '\n';
      delivery.is_whole = delivery.is_whole && !is_modbus;
      break;
    case WireFaultKind::noise:
      delivery.bytes.insert(0, stray_bytes(fault.bytes));
      delivery.is_whole = delivery.is_whole && !is_modbus;
      break;
    case WireFaultKind::collision: {
      const std::size_t hit = std::min<std::size_t>(fault.bytes, is_modbus || size == 0 ? size : size - 1);
      delivery.bytes.replace(0, hit, stray_bytes(hit));
      delivery.is_whole = delivery.is_whole && !is_modbus;
      break;
    }
    case WireFaultKind::mutate:
      mutate_modbus(delivery.bytes, wrap.value_or(ModbusWrap::tcp), fault.field, fault.value);
      delivery.is_whole = delivery.is_whole && wrap == ModbusWrap::tcp &&
                          (fault.field == ModbusField::unit || fault.field == ModbusField::transaction);
      break;
    case WireFaultKind::swap_words: swap_words(delivery.bytes, wrap.value_or(ModbusWrap::tcp)); break;
    case WireFaultKind::swap_bytes: swap_bytes(delivery.bytes, wrap.value_or(ModbusWrap::tcp)); break;
    case WireFaultKind::number_format: delivery.bytes = with_numbers_as(delivery.bytes, fault.form); break;
    case WireFaultKind::drop:
    case WireFaultKind::refuse:
    case WireFaultKind::accept_only:
    case WireFaultKind::half_open:
    case WireFaultKind::exception:
    case WireFaultKind::lose_request:
    case WireFaultKind::error_flood: break;
  }
}

WireFaults::Outcome WireFaults::apply(TimePoint now, Delivery&& reply) {
  Outcome outcome{.delivery = std::move(reply)};
  bool is_lost = false;
  for (WireFault& fault : faults_) {
    if (!can_hit_reply(fault, *outcome.delivery) || !hits(fault, now)) continue;
    if (fault.kind == WireFaultKind::drop) is_lost = true;
    damage(fault, outcome);
  }
  forget_spent(now);
  if (is_lost || (outcome.delivery->bytes.empty() && !outcome.delivery->closes)) outcome.delivery.reset();
  return outcome;
}

}  // namespace cellrig::sim
