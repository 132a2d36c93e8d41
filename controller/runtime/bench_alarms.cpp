#include "controller/runtime/bench_alarms.hpp"

namespace cellrig {
namespace {
/// What turns a current or a heater off is on the wires by then, and confirmed as a rule.
constexpr Duration off_head_start = std::chrono::milliseconds{300};
}  // namespace

BenchAlarms::BenchAlarms(TimeSource& time, const BenchConfig& bench, const std::vector<std::string>& channels,
                         BenchInstruments& instruments, Tell tell) {
  for (const AlarmWire& wire : alarm_wires_of(bench, channels)) {
    const auto told = [tell, wire](db::Severity severity, const std::string& action, const std::string& text) {
      tell(wire, severity, action, text);
    };
    outputs_.push_back(std::make_unique<AlarmOutput>(time, wire, *instruments.relays.at(wire.wire.instrument), told));
  }
}

std::vector<AlarmWire> BenchAlarms::wires() const {
  std::vector<AlarmWire> all;
  for (const std::unique_ptr<AlarmOutput>& output : outputs_) all.push_back(output->wire());
  return all;
}

Result<std::vector<AlarmMemory>> BenchAlarms::recall(const std::vector<AlarmWire>& wires, const Remember& remember) {
  std::vector<AlarmMemory> memories(wires.size());
  for (std::size_t i = 0; remember && i < wires.size(); ++i) {
    const Result<AlarmMemory> known = remember(wires[i]);
    if (!known) return known.error();
    memories[i] = *known;
  }
  return memories;
}

Task<Result<void>> BenchAlarms::settle(std::vector<AlarmMemory> memories) {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const Result<void> settled = co_await outputs_[i]->settle(memories.at(i));
    if (!settled) co_return settled;
  }
  co_return Result<void>{};
}

void BenchAlarms::ring(const std::string& why) {
  for (const std::unique_ptr<AlarmOutput>& output : outputs_) {
    if (output->wire().role == AlarmWire::Role::siren) output->switch_on(why, off_head_start);
  }
}

std::vector<AlarmOutput*> BenchAlarms::of_chamber(const std::string& chamber) {
  std::vector<AlarmOutput*> found;
  for (const std::unique_ptr<AlarmOutput>& output : outputs_) {
    if (!chamber.empty() && output->wire().chamber == chamber) found.push_back(output.get());
  }
  return found;
}

Task<void> BenchAlarms::finish() {
  for (const std::unique_ptr<AlarmOutput>& output : outputs_) output->end_soon();
  for (const std::unique_ptr<AlarmOutput>& output : outputs_) co_await output->ended();
}

void BenchAlarms::hurry() {
  for (const std::unique_ptr<AlarmOutput>& output : outputs_) output->hurry();
}

}  // namespace cellrig
