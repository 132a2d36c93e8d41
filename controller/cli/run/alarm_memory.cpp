#include "controller/cli/run/alarm_memory.hpp"

#include <algorithm>
#include <memory>
#include <set>

#include "db/reader.hpp"

namespace cellrig::cli {
namespace {

/// The runs on these channels.
Result<std::set<db::RunKey>> runs_on(db::Reader& reader, const std::vector<std::string>& channels) {
  Result<std::vector<db::RunInfo>> all = reader.runs();
  if (!all) return all.error();
  std::set<db::RunKey> runs;
  for (const db::RunInfo& info : *all) {
    if (std::find(channels.begin(), channels.end(), info.row.channel) != channels.end()) runs.insert(info.run);
  }
  return runs;
}

}  // namespace

/// By the order of the audit trail: clocks of a simulated run and of whoever acknowledges it differ.
Result<AlarmMemory> alarm_memory_in(const std::string& database, const BenchConfig& bench, const AlarmWire& wire) {
  Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(database);
  if (!reader) return reader.error();
  const std::vector<std::string> channels = channels_behind(bench, wire);
  const Result<std::set<db::RunKey>> runs = runs_on(**reader, channels);
  if (!runs) return runs.error();
  Result<std::vector<db::AuditRow>> audit = (*reader)->audit();
  if (!audit) return audit.error();
  const std::string label = wire.label();
  std::set<std::string> seen{acknowledged_action(label)};
  for (const std::string& channel : channels) seen.insert(db::heat_seen_action(channel));
  AlarmMemory memory;
  for (const db::AuditRow& row : *audit) {
    if (row.action == switched_on_action(label) || row.action == not_confirmed_on_action(label)) {
      memory = AlarmMemory{.was_switched_on = true};
    } else if (row.action == switched_off_action(label)) {
      memory = AlarmMemory{};
    } else if (seen.contains(row.action) ||
               (row.action == "trip acknowledged" && memory.was_switched_on && runs->contains(row.run))) {
      memory.is_acknowledged = true;
    } else if (row.action == "run begun" && runs->contains(row.run) && !memory.was_switched_on) {
      memory.is_acknowledged = false;  // that start has found it off, or not known why it is on
    }
  }
  for (const std::string& channel : channels) {
    const Result<std::optional<db::RunKey>> trip = (*reader)->unacknowledged_trip(channel, "", "");
    if (!trip) return trip.error();
    const Result<std::optional<std::string>> heat = (*reader)->unacknowledged_heat(channel);
    if (!heat) return heat.error();
    memory.has_open_trip = memory.has_open_trip || trip->has_value() || heat->has_value();
  }
  return memory;
}

}  // namespace cellrig::cli
