#include "ui/model/alarm_sound.hpp"

#include <algorithm>

namespace cellrig::ui {

void AlarmSound::look(const std::vector<api::AlarmView>& alarms) {
  open_.clear();
  for (const api::AlarmView& alarm : alarms) {
    if (alarm.acknowledged_by.empty()) open_.insert({alarm.id, alarm.raised_utc ? alarm.raised_utc->ns_since_epoch : 0});
  }
  std::erase_if(silenced_, [this](const Key& key) { return !open_.contains(key); });
}

bool AlarmSound::is_on() const { return !std::includes(silenced_.begin(), silenced_.end(), open_.begin(), open_.end()); }

}  // namespace cellrig::ui
