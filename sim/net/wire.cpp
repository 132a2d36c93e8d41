#include "sim/net/wire.hpp"

#include <algorithm>
#include <utility>

namespace cellrig::sim {

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
  connections_.push_back({++last_id_, &client, TimePoint{}});
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

void Wire::receive(TimePoint now, ConnectionId id, std::string_view bytes, std::vector<Delivery>& deliveries) {
  Connection* const connection = find(id);
  if (connection == nullptr) return;
  const bool is_faulty = !faults_.empty();
  if (is_faulty && faults_.is_deaf(now)) return;
  replies_.clear();
  port_.receive(now, id, bytes, replies_);
  for (Reply& reply : replies_) {
    if (!reply.answered || reply.bytes.empty()) continue;
    if (!config_.latency_is_modelled) reply.due = now + from_seconds(instrument_.faults().extra_latency_s);
    Delivery delivery{reply.due, std::move(reply.bytes)};
    bool queues = true;
    if (is_faulty) {
      WireFaults::Outcome outcome = faults_.apply(now, std::move(delivery));
      if (!outcome.delivery) continue;
      delivery = std::move(*outcome.delivery);
      queues = outcome.queues;
    }
    if (queues) connection->last_due = delivery.due = std::max(delivery.due, connection->last_due);
    deliveries.push_back(std::move(delivery));
  }
}

}  // namespace cellrig::sim
