// The alarms of a bench service, newest last. Bounded; an open trip is never dropped.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "controller/runtime/bench_control.hpp"

namespace cellrig {

class ServiceAlarms {
 public:
  static constexpr std::size_t alarms_max = 500;
  /// Numbers begin above this one: larger than any of a process before, no number ever stands for two alarms.
  explicit ServiceAlarms(std::uint64_t numbers_above = 0) : last_id_{numbers_above} {}

  /// The same words for the same channel, while nobody has acknowledged them, are one alarm: then it returns nothing new.
  /// The alarm as it is kept, or null.
  const AlarmStatus* raise(AlarmStatus alarm);
  [[nodiscard]] AlarmStatus* find(std::uint64_t id);
  [[nodiscard]] std::vector<AlarmStatus> all() const { return {alarms_.begin(), alarms_.end()}; }
  [[nodiscard]] std::size_t open_count() const;
  /// Trips of these channels that nobody has acknowledged.
  [[nodiscard]] bool has_open_trip(const std::vector<std::string>& channels) const;
  /// Trips and alarms of these channels, of their chamber, or of the whole bench, that nobody has acknowledged. No chamber: any at all.
  [[nodiscard]] bool has_open_alarm(const std::vector<std::string>& channels, const std::string& chamber) const;
  [[nodiscard]] std::deque<AlarmStatus>& list() { return alarms_; }

 private:
  void make_room();

  std::deque<AlarmStatus> alarms_;
  std::uint64_t last_id_;
};

}  // namespace cellrig
