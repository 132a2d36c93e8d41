// Which orders are in force, and which wait for their instant.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.hpp"

namespace cellrig::sim {

/// Faults of wires count for themselves; this is about all others, and about what is still to come.
class FaultLog {
 public:
  struct Entry {
    std::uint64_t number = 0;
    std::string kind;
    std::string target;  ///< and which of its states
    std::string order;   ///< as words
    bool is_waiting = false;
    TimePoint at{};                      ///< since when, or when
    TimePoint until = TimePoint::max();  ///< max: until somebody ends it
  };

  std::uint64_t add(Entry entry) {
    entry.number = ++last_number_;
    entries_.push_back(std::move(entry));
    return last_number_;
  }
  void remove(std::uint64_t number) {
    std::erase_if(entries_, [number](const Entry& entry) { return entry.number == number; });
  }
  void remove(std::string_view kind, std::string_view target) {
    std::erase_if(entries_, [&](const Entry& e) { return !e.is_waiting && e.kind == kind && e.target == target; });
  }
  [[nodiscard]] bool has(std::uint64_t number) const {
    return std::any_of(entries_.begin(), entries_.end(), [number](const Entry& entry) { return entry.number == number; });
  }
  void clear() { entries_.clear(); }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::uint64_t last_number_ = 0;
};

}  // namespace cellrig::sim
