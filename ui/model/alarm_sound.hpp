// When alarms are heard. Pure: no Qt.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "controller/api/messages.hpp"

namespace cellrig::ui {

/// * Sounds as long as there is an alarm that nobody has acknowledged, and that was not there when somebody asked for silence.
/// * Silence is about the alarms of that moment: the next one is heard.
class AlarmSound {
 public:
  void look(const std::vector<api::AlarmView>& alarms);
  void silence() { silenced_ = open_; }
  [[nodiscard]] bool is_on() const;

 private:
  /// Number and instant: a service of an earlier version counted from 1 again.
  using Key = std::pair<std::int64_t, std::int64_t>;
  std::set<Key> open_, silenced_;
};

}  // namespace cellrig::ui
