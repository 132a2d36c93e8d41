// Which connections there are, and which one has to go when there are too many.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

namespace cellrig::api {

struct Connection {
  std::function<void()> close = [] {};
  std::chrono::steady_clock::time_point waits_since;
  bool is_waiting = true;  ///< for the client: neither is a request of it being carried out, nor does it listen to the stream
};

/// API thread. A connection is open as long as its shared pointer lives.
class Connections {
 public:
  explicit Connections(std::size_t count_max) : count_max_{count_max} {}

  /// False: all are busy; the new one has to go. Else room was made, by closing the one that keeps us waiting longest if there was none.
  [[nodiscard]] bool make_room() {
    std::erase_if(open_, [](const std::weak_ptr<Connection>& one) { return one.expired(); });
    if (open_.size() < count_max_) return true;
    std::shared_ptr<Connection> longest;
    for (const auto& one : open_) {
      const std::shared_ptr<Connection> candidate = one.lock();
      if (!candidate || !candidate->is_waiting) continue;
      if (!longest || candidate->waits_since < longest->waits_since) longest = candidate;
    }
    if (!longest) return false;
    longest->is_waiting = false;  // not twice
    longest->close();
    return true;
  }
  void add(const std::shared_ptr<Connection>& connection) { open_.push_back(connection); }
  [[nodiscard]] std::size_t count() const {
    std::size_t alive = 0;
    for (const auto& one : open_) alive += one.expired() ? 0 : 1;
    return alive;
  }

 private:
  std::size_t count_max_;
  std::list<std::weak_ptr<Connection>> open_;
};

/// Connections of which nothing is known yet but their address. The oldest has to go when there are too many, of the address that has the
/// most: who opens many only loses their own. API thread.
class Handshakes {
 public:
  Handshakes(std::size_t count_max, std::size_t of_one_address_max)
      : count_max_{count_max}, of_one_address_max_{of_one_address_max} {}

  void begin(const std::string& address, const std::shared_ptr<Connection>& connection) {
    std::erase_if(under_way_, [](const One& one) { return one.connection.expired(); });
    if (count_of(address) >= of_one_address_max_) close_oldest_of(address);
    if (under_way_.size() >= count_max_) close_oldest_of(busiest());
    under_way_.push_back({address, connection});
  }
  void end(const std::shared_ptr<Connection>& connection) {
    std::erase_if(under_way_, [&](const One& one) { return one.connection.lock() == connection; });
  }

 private:
  struct One {
    std::string address;
    std::weak_ptr<Connection> connection;
  };
  [[nodiscard]] std::size_t count_of(const std::string& address) const {
    return static_cast<std::size_t>(
        std::count_if(under_way_.begin(), under_way_.end(), [&](const One& one) { return one.address == address; }));
  }
  [[nodiscard]] std::string busiest() const {
    std::map<std::string, int> counts;
    for (const One& one : under_way_) ++counts[one.address];
    const auto most =
        std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == counts.end() ? std::string{} : most->first;
  }
  void close_oldest_of(const std::string& address) {
    const auto oldest =
        std::find_if(under_way_.begin(), under_way_.end(), [&](const One& one) { return one.address == address; });
    if (oldest == under_way_.end()) return;
    if (const std::shared_ptr<Connection> connection = oldest->connection.lock()) {
      connection->is_waiting = false;  // not twice
      connection->close();
    }
    under_way_.erase(oldest);
  }

  std::size_t count_max_, of_one_address_max_;
  std::list<One> under_way_;  ///< the oldest first
};

/// Places for slow work that strangers can ask for: so many in all, and so many of one address. One is taken as long as its shared pointer
/// lives. API thread.
class Places {
 public:
  Places(std::size_t count_max, std::size_t of_one_address_max)
      : count_max_{count_max}, of_one_address_max_{of_one_address_max} {}

  /// None: all are taken.
  [[nodiscard]] std::shared_ptr<const std::string> take(const std::string& address) {
    std::erase_if(taken_, [](const auto& one) { return one.expired(); });
    const auto own = std::count_if(taken_.begin(), taken_.end(), [&](const auto& one) { return *one.lock() == address; });
    if (taken_.size() >= count_max_ || static_cast<std::size_t>(own) >= of_one_address_max_) return nullptr;
    auto place = std::make_shared<const std::string>(address);
    taken_.push_back(place);
    return place;
  }

 private:
  std::size_t count_max_, of_one_address_max_;
  std::list<std::weak_ptr<const std::string>> taken_;
};

}  // namespace cellrig::api
