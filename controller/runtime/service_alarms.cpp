#include "controller/runtime/service_alarms.hpp"

#include <algorithm>

namespace cellrig {
namespace {

bool is_open(const AlarmStatus& alarm) { return alarm.acknowledged_by.empty(); }
bool is_open_trip(const AlarmStatus& alarm) { return is_open(alarm) && alarm.severity == AlarmSeverity::trip; }

bool lists(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const AlarmStatus* ServiceAlarms::raise(AlarmStatus alarm) {
  const auto same = std::find_if(alarms_.begin(), alarms_.end(), [&](const AlarmStatus& other) {
    return is_open(other) && other.channel == alarm.channel && other.chamber == alarm.chamber && other.text == alarm.text &&
           other.run == alarm.run;
  });
  if (same != alarms_.end()) return nullptr;
  make_room();
  alarm.id = ++last_id_;
  alarms_.push_back(std::move(alarm));
  return &alarms_.back();
}

/// Acknowledged ones go first, then warnings, then what is oldest; never an open trip.
void ServiceAlarms::make_room() {
  if (alarms_.size() < alarms_max) return;
  auto victim = std::find_if(alarms_.begin(), alarms_.end(), [](const AlarmStatus& a) { return !is_open(a); });
  if (victim == alarms_.end())
    victim =
        std::find_if(alarms_.begin(), alarms_.end(), [](const AlarmStatus& a) { return a.severity == AlarmSeverity::warning; });
  if (victim == alarms_.end())
    victim = std::find_if(alarms_.begin(), alarms_.end(), [](const AlarmStatus& a) { return !is_open_trip(a); });
  if (victim != alarms_.end()) alarms_.erase(victim);
}

AlarmStatus* ServiceAlarms::find(std::uint64_t id) {
  const auto found = std::find_if(alarms_.begin(), alarms_.end(), [id](const AlarmStatus& a) { return a.id == id; });
  return found == alarms_.end() ? nullptr : &*found;
}

std::size_t ServiceAlarms::open_count() const {
  return static_cast<std::size_t>(std::count_if(alarms_.begin(), alarms_.end(), is_open));
}

bool ServiceAlarms::has_open_trip(const std::vector<std::string>& channels) const {
  return std::any_of(alarms_.begin(), alarms_.end(),
                     [&](const AlarmStatus& a) { return is_open_trip(a) && lists(channels, a.channel); });
}

bool ServiceAlarms::has_open_alarm(const std::vector<std::string>& channels, const std::string& chamber) const {
  return std::any_of(alarms_.begin(), alarms_.end(), [&](const AlarmStatus& a) {
    if (!is_open(a) || a.severity == AlarmSeverity::warning) return false;
    if (chamber.empty()) return true;  // of the whole bench: a chamber's own alarm, too
    return lists(channels, a.channel) || (!a.chamber.empty() && a.chamber == chamber) || (a.channel.empty() && a.chamber.empty());
  });
}

}  // namespace cellrig
