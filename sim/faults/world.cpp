// Faults of what is around the cells: chambers, sensors, contactors, interlocks.
#include <algorithm>

#include "controller/base/config_error.hpp"
#include "sim/faults/kind.hpp"

namespace cellrig::sim::faults {
namespace {

constexpr std::array<std::string_view, 2> sensor_names{"cell", "ambient"};

void weld(SimulatedBench& bench, TimePoint now, SimulatedChannel& channel, bool on) {
  channel.is_contactor_welded = on;
  bench.switch_contactor(now, static_cast<std::size_t>(&channel - bench.channels().data()), channel.is_contactor_closed);
}

Result<void> contactor_welded(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  c.bench.world().advance(c.now);
  weld(c.bench, c.now, *channel, on);
  return Result<void>{};
}

/// F22, F35: the wire is broken, or shows one temperature whatever there is: where it is, unless one is given.
Result<void> thermocouple_fault(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const bool is_ambient = c.fields.choice("sensor", 0, sensor_names) == 1;
  Thermocouple& sensor = c.bench.thermocouple(*channel, is_ambient);
  c.bench.world().advance(c.now);
  const double present_degC = sensor.reading_degC().value_or(c.bench.world().room_temperature_degC());
  const double shown_degC = c.fields.number("temperature_degC", present_degC, -300.0, 3000.0);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  if (c.order.kind == "thermocouple_open") {
    sensor.set_open(on);
  } else {
    sensor.set_stuck(on ? std::optional{shown_degC} : std::nullopt);
  }
  return Result<void>{};
}

/// F31, F32: the plant goes there, or stays, whatever its controller says.
Result<void> chamber_stuck(const Context& c) {
  SimulatedChamber* const chamber = c.bench.chamber(target_of(c));
  if (chamber == nullptr) {
    std::vector<std::string> names;
    for (const SimulatedChamber& known : c.bench.chambers()) names.push_back(known.name);
    return unknown_target(c, "chamber", names);
  }
  const bool on = c.fields.flag("on", true);
  c.bench.world().advance(c.now);
  const double present_degC = c.bench.world().chamber(chamber->index).air_temperature_degC();
  const double temperature_degC = c.fields.number("temperature_degC", present_degC, -200.0, 1000.0);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  std::optional<SimulatedChamber::Command> command;
  if (on) command = SimulatedChamber::Command{true, temperature_degC};
  c.bench.impose(c.now, *chamber, command);
  return Result<void>{};
}

/// F34: also what a torn wire does.
Result<void> interlock_open(const Context& c) {
  const std::vector<Interlock>& all = c.bench.interlocks();
  if (all.empty()) return refuse("interlock_open: nothing on this bench has an interlock input that could open");
  // "door.0", or the module and the number of its input.
  const std::string target = target_of(c);
  const std::string of_input = target + '.' + std::to_string(c.fields.whole("input", 0));
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Interlock& i) { return i.name == target || i.name == of_input; });
  if (found == all.end()) {
    std::vector<std::string> names;
    for (const Interlock& known : all) names.push_back(known.name);
    return unknown_target(c, "interlock", names);
  }
  const bool on = c.fields.flag("on", true);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  found->set_open(c.now, on);
  return Result<void>{};
}

}  // namespace

void clear_world(SimulatedBench& bench, TimePoint now) {
  for (SimulatedChamber& chamber : bench.chambers()) {
    if (chamber.imposed) bench.impose(now, chamber, std::nullopt);
  }
  for (SimulatedChannel& channel : bench.channels()) {
    weld(bench, now, channel, false);
    for (const bool is_ambient : {false, true}) {
      bench.thermocouple(channel, is_ambient).set_open(false);
      bench.thermocouple(channel, is_ambient).set_stuck(std::nullopt);
    }
  }
  for (const Interlock& interlock : bench.interlocks()) interlock.set_open(now, false);
}

const std::vector<Kind>& world_kinds() {
  using enum Aim;
  constexpr Family family = Family::world;
  static const std::vector<Kind> all{
      {"chamber_stuck",
       family,
       chamber,
       {"temperature_degC"},
       chamber_stuck,
       true,
       Drawn::always,
       {{"temperature_degC", 5.0, 90.0}}},
      {"thermocouple_open", family, channel, {"sensor"}, thermocouple_fault},
      {"thermocouple_stuck", family, channel, {"sensor", "temperature_degC"}, thermocouple_fault},
      {"contactor_welded", family, channel, {}, contactor_welded},
      {"interlock_open", family, interlock, {"input"}, interlock_open},
  };
  return all;
}

}  // namespace cellrig::sim::faults
