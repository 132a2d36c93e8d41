// What an instrument remembers per client connection, and when it is free to answer the next message of that client.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "sim/instruments/responder.hpp"

namespace cellrig::sim {

/// A handful of connections, looked up by a linear search: instruments take six clients at most, and the server enforces that.
/// References to a State hold only until the next open() or close().
template <class State>
class ConnectionTable {
 public:
  State& open(ConnectionId id) {
    close(id);
    return entries_.emplace_back(id, State{}).second;
  }
  void close(ConnectionId id) {
    std::erase_if(entries_, [id](const auto& entry) { return entry.first == id; });
  }
  /// A connection that was never announced is opened: the caller's order of events must not be able to crash an instrument.
  State& at(ConnectionId id) {
    for (auto& entry : entries_) {
      if (entry.first == id) return entry.second;
    }
    return open(id);
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  template <class Visit>
  void for_each(Visit visit) {
    for (auto& entry : entries_) visit(entry.second);
  }

 private:
  std::vector<std::pair<ConnectionId, State>> entries_;
};

/// Messages of one connection are worked off one after the other: a reply never leaves before the one in front of it.
class BusyUntil {
 public:
  TimePoint finish(TimePoint now, Duration takes) {
    free_at_ = std::max(free_at_, now) + takes;
    return free_at_;
  }

 private:
  TimePoint free_at_{};
};

}  // namespace cellrig::sim
