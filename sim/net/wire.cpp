#include "sim/net/wire.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace cellrig::sim {
namespace {

constexpr std::size_t partial_size_max = 65536;
constexpr Duration exception_latency = std::chrono::milliseconds{1};
constexpr std::string_view rubbish_command = "XYZZY:PLUGH 1\n";  // no instrument has it

}  // namespace

Wire::Connection* Wire::find(ConnectionId id) {
  for (Connection& connection : connections_) {
    if (connection.id == id) return &connection;
  }
  return nullptr;
}

void Wire::add_fault(TimePoint now, const WireFault& fault) {
  faults_.add(fault);
  if (refuses(now)) drop_all();
}

ConnectionId Wire::open(TimePoint now, WireClient& client) {
  if (faults_.refuses(now) || connections_.size() >= config_.connection_count_max) return 0;
  Connection connection;
  connection.id = ++last_id_;
  connection.client = &client;
  connections_.push_back(std::move(connection));
  port_.connected(last_id_);
  return last_id_;
}

void Wire::close(ConnectionId connection) {
  if (std::erase_if(connections_, [&](const Connection& c) { return c.id == connection; }) > 0) port_.disconnected(connection);
}

void Wire::drop_all() {
  const std::vector<Connection> dropped = std::exchange(connections_, {});
  for (const Connection& connection : dropped) {
    port_.disconnected(connection.id);
    connection.client->wire_dropped(connection.id);
  }
}

void Wire::clear_faults(TimePoint now) {
  const bool was_half_open = is_half_open(now);
  faults_.clear();
  for (Connection& connection : connections_) connection.waiting.reset();
  if (was_half_open) drop_all();
}

void Wire::end_half_open(TimePoint now) {
  if (!is_half_open(now)) drop_all();
}

void Wire::receive(TimePoint now, ConnectionId id, std::string_view bytes, std::vector<Delivery>& deliveries) {
  Connection* const connection = find(id);
  if (connection == nullptr) return;
  if (!faults_.empty() && faults_.is_deaf(now)) return;
  if (connection->partial.empty() && (faults_.empty() || !faults_.watches_requests(now))) {
    pass(now, *connection, {bytes, 0}, deliveries);
  } else {
    receive_requests(now, *connection, bytes, deliveries);
  }
}

/// On a line that several share everybody hears every frame; faults are for one's own.
bool Wire::is_meant(std::string_view message) const {
  if (!config_.form.unit || framing() != Framing::modbus_rtu || message.empty()) return true;
  return static_cast<std::uint8_t>(message.front()) == *config_.form.unit;
}

/// Message by message, because a fault may hit the one and not the next.
void Wire::receive_requests(TimePoint now, Connection& connection, std::string_view bytes, std::vector<Delivery>& deliveries) {
  std::string text = std::exchange(connection.partial, {});
  text += bytes;
  std::string_view rest = text;
  std::uint64_t nth = 0;
  for (std::size_t size = first_message_size(framing(), rest); size > 0; size = first_message_size(framing(), rest)) {
    const std::string_view message = rest.substr(0, size);
    rest.remove_prefix(size);
    const std::uint64_t number = nth++;
    if (!is_meant(message)) {
      pass(now, connection, {message, number}, deliveries);
      continue;
    }
    WireFaults::Verdict verdict = faults_.judge_request(now, message);
    if (verdict.rubbish_before > 0) {
      std::vector<Reply> unheard;
      for (std::uint32_t i = 0; i < verdict.rubbish_before; ++i) port_.receive(now, connection.id, rubbish_command, unheard);
    }
    if (verdict.is_lost) continue;
    if (verdict.exception) {
      Delivery exception{now + exception_latency, std::move(*verdict.exception)};
      exception.nth = number;
      deliver(now, connection, std::move(exception), deliveries);
    } else {
      pass(now, connection, {message, number}, deliveries);
    }
  }
  if (faults_.watches_requests(now) && rest.size() <= partial_size_max) {
    connection.partial = rest;
  } else if (!rest.empty()) {
    pass(now, connection, {rest, nth}, deliveries);
  }
}

void Wire::pass(TimePoint now, Connection& connection, Requests requests, std::vector<Delivery>& deliveries) {
  replies_.clear();
  port_.receive(now, connection.id, requests.bytes, replies_);
  std::uint64_t nth = requests.first;
  for (Reply& reply : replies_) {
    const std::uint64_t message = nth++;
    if (!reply.answered || reply.bytes.empty()) continue;
    if (!config_.latency_is_modelled) reply.due = now + from_seconds(instrument_.faults().extra_latency_s);
    Delivery delivery{reply.due, std::move(reply.bytes)};
    delivery.nth = message;
    deliver(now, connection, std::move(delivery), deliveries);
  }
}

void Wire::deliver(TimePoint now, Connection& connection, Delivery&& reply, std::vector<Delivery>& deliveries) {
  if (faults_.empty() && !connection.waiting) {  // the usual case, without a detour
    connection.last_due = reply.due = std::max(reply.due, connection.last_due);
    deliveries.push_back(std::move(reply));
    return;
  }
  WireFaults::Outcome outcome;
  if (faults_.empty()) {
    outcome.delivery = std::move(reply);
  } else {
    outcome = faults_.apply(now, std::move(reply));
  }
  if (!outcome.delivery) return;
  if (outcome.waits && !connection.waiting) {
    connection.waiting = std::move(outcome.delivery);
    return;
  }
  send(connection, std::move(outcome), deliveries);
  if (!connection.waiting) return;
  connection.waiting->due = std::max(connection.waiting->due, connection.last_due);
  deliveries.push_back(std::move(*connection.waiting));
  connection.waiting.reset();
}

void Wire::send(Connection& connection, WireFaults::Outcome&& outcome, std::vector<Delivery>& deliveries) {
  Delivery& delivery = *outcome.delivery;
  if (outcome.queues) delivery.due = std::max(delivery.due, connection.last_due);
  const std::string bytes = outcome.drip > Duration::zero() ? std::move(delivery.bytes) : std::string{};
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    Delivery part{delivery.due, bytes.substr(i, 1)};
    part.is_whole = false;
    deliveries.push_back(std::move(part));
    delivery.due += outcome.drip;
  }
  if (!bytes.empty()) delivery.bytes = bytes.substr(bytes.size() - 1);
  if (outcome.queues) connection.last_due = delivery.due;
  deliveries.push_back(std::move(delivery));
}

}  // namespace cellrig::sim
