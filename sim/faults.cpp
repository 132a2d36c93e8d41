#include "sim/faults.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "controller/base/config_error.hpp"
#include "sim/fault_order.hpp"
#include "sim/random.hpp"

namespace cellrig::sim {
namespace {

constexpr double seconds_max = 1e9;
constexpr double count_max = 1e9;

Error refuse(std::string what) { return fail(Fault::refused, std::move(what)); }

/// The fields of an order, each of them checked while it is read. The first mistake is kept.
class Fields {
 public:
  explicit Fields(const FaultOrder& order) : order_{order} {}

  [[nodiscard]] const std::string* text(std::string_view key) const { return order_.find(key); }
  double number(std::string_view key, double fallback, double least, double most) {
    const std::string* const word = order_.find(key);
    if (word == nullptr) return fallback;
    double value = 0.0;
    const auto [end, error] = std::from_chars(word->data(), word->data() + word->size(), value);
    const bool is_number = error == std::errc{} && end == word->data() + word->size();
    if (is_number && value >= least && value <= most) return value;
    complain(order_.kind + ": '" + std::string(key) + "' must be a number in its range, not '" + *word + "'");
    return fallback;
  }
  std::uint32_t whole(std::string_view key, std::uint32_t fallback) {
    return static_cast<std::uint32_t>(number(key, fallback, 0.0, count_max));
  }
  bool flag(std::string_view key, bool fallback) {
    const std::string* const word = order_.find(key);
    if (word == nullptr) return fallback;
    if (*word == "true" || *word == "1") return true;
    if (*word == "false" || *word == "0") return false;
    complain(order_.kind + ": '" + std::string(key) + "' is true or false, not '" + *word + "'");
    return fallback;
  }
  void complain(std::string what) {
    if (complaint_.empty()) complaint_ = std::move(what);
  }
  [[nodiscard]] const std::string& complaint() const { return complaint_; }

 private:
  const FaultOrder& order_;
  std::string complaint_;
};

struct Context {
  SimulatedBench& bench;
  TimePoint now;
  const FaultOrder& order;
  Fields& fields;
  bool is_rehearsal = false;  ///< check everything, change nothing
};
using Action = Result<void> (*)(const Context&);

struct Kind {
  std::string_view name;
  std::vector<std::string> fields;  ///< besides at_s
  Action action;
};

Result<void> verdict(const Context& c) {
  if (!c.fields.complaint().empty()) return refuse(c.fields.complaint());
  return Result<void>{};
}

/// What an order aims at: a target by any of its names.
std::string target_of(const Context& c) {
  for (const char* const key : {"target", "instrument", "channel", "chamber"}) {
    const std::string* const word = c.fields.text(key);
    if (word == nullptr) continue;
    const std::string* const port = c.fields.text("port");
    return port == nullptr ? *word : *word + '.' + *port;
  }
  return "";
}

Error unknown_target(const Context& c, const char* what, const std::vector<std::string>& known) {
  const std::string target = target_of(c);
  if (target.empty()) return refuse(c.order.kind + ": on which " + std::string(what) + "?" + suggestion("", known));
  return refuse(c.order.kind + ": unknown " + std::string(what) + " '" + target + "'" + suggestion(target, known));
}

Result<std::vector<Wire*>> wires_of(const Context& c, bool is_everything_allowed) {
  const std::string target = target_of(c);
  std::vector<Wire*> wires;
  std::vector<std::string> known = c.bench.instrument_names();
  for (const BenchPort& port : c.bench.ports()) {
    known.push_back(port.wire->name());
    const bool is_meant = target == port.instrument || target == port.wire->name() || (target.empty() && is_everything_allowed);
    if (is_meant) wires.push_back(port.wire);
  }
  if (wires.empty()) return unknown_target(c, "instrument or port", known);
  return wires;
}

// ---- wire

Result<void> wire_fault(const Context& c) {
  const auto name = std::find(wire_fault_names.begin(), wire_fault_names.end(), c.order.kind);
  WireFault fault;
  fault.kind = static_cast<WireFaultKind>(name - wire_fault_names.begin());
  fault.skip = c.fields.whole("skip", 0);
  fault.rate = c.fields.number("rate", 1.0, 0.0, 1.0);
  const std::string* const count = c.fields.text("count");
  // A rate means a state of the network, not one event.
  if ((count != nullptr && *count == "for_ever") || (count == nullptr && c.fields.text("rate") != nullptr)) {
    fault.count.reset();
  } else {
    fault.count = c.fields.whole("count", 1);
  }
  fault.delay = from_seconds(c.fields.number("delay_ms", 0.0, 0.0, seconds_max) / 1000.0);
  fault.overtaken = c.fields.flag("overtaken", false);
  fault.bytes = c.fields.whole("bytes", 1);
  if (c.fields.text("for_s") != nullptr) fault.until = c.now + from_seconds(c.fields.number("for_s", 0.0, 0.0, seconds_max));
  if (fault.kind == WireFaultKind::delay && c.fields.text("delay_ms") == nullptr)
    c.fields.complain("delay: 'delay_ms' is missing");
  const Result<std::vector<Wire*>> wires = wires_of(c, false);
  if (!wires) return wires.error();
  if (const Result<void> checked = verdict(c); !checked || c.is_rehearsal) return checked;
  for (Wire* const wire : *wires) wire->add_fault(c.now, fault);
  return Result<void>{};
}

WireFault drawn_fault(WireFaultKind kind, double rate, Random& random) {
  WireFault fault;
  fault.kind = kind;
  fault.count.reset();
  fault.rate = rate * std::pow(10.0, -2.0 * random.uniform());  // two decades: rare faults and frequent ones
  fault.delay = from_seconds(0.01 + 2.0 * random.uniform());
  fault.overtaken = random.below(2) == 0;
  fault.bytes = static_cast<std::uint32_t>(1 + random.below(8));
  return fault;
}

/// The seed draws which kinds there are on each port and how often they come, at most `rate` each.
Result<void> random_faults(const Context& c) {
  const auto seed = static_cast<std::uint64_t>(c.fields.number("seed", 1.0, 0.0, 9e15));
  const double rate = c.fields.number("rate", 0.01, 0.0, 1.0);
  const Result<std::vector<Wire*>> wires = wires_of(c, true);
  if (!wires) return wires.error();
  if (const Result<void> checked = verdict(c); !checked || c.is_rehearsal) return checked;
  for (Wire* const wire : *wires) {
    Random random{seed_for(seed, wire->name())};
    for (const WireFaultKind kind : {WireFaultKind::drop, WireFaultKind::delay, WireFaultKind::garble, WireFaultKind::truncate,
                                     WireFaultKind::duplicate, WireFaultKind::close}) {
      const bool is_present = random.below(2) == 0;
      const WireFault fault = drawn_fault(kind, rate, random);
      if (is_present) wire->add_fault(c.now, fault);
    }
  }
  return Result<void>{};
}

// ---- instruments

void set_flag(InstrumentFaults& faults, std::string_view kind, bool on) {
  if (kind == "freeze") faults.freeze_readings = on;
  if (kind == "ignore_off") faults.ignore_off = on;
  if (kind == "nan") faults.nan_readings = on;
  if (kind == "local") faults.local_control = on;
  if (kind == "negate_current") faults.negate_current = on;
  if (kind == "clear_watchdog") faults.clear_watchdog = on;
}

Result<void> instrument_fault(const Context& c) {
  Instrument* const instrument = c.bench.instrument(target_of(c));
  if (instrument == nullptr) return unknown_target(c, "instrument", c.bench.instrument_names());
  const bool on = c.fields.flag("on", true);
  const std::string* const text = c.fields.text("text");
  const double offset_V = c.fields.number("offset_V", 0.0, -1e3, 1e3);
  const double delay_ms = c.fields.number("delay_ms", 0.0, 0.0, seconds_max);
  if (c.order.kind == "identity" && on && text == nullptr) c.fields.complain("identity: 'text' is missing");
  if (const Result<void> checked = verdict(c); !checked || c.is_rehearsal) return checked;
  InstrumentFaults& faults = instrument->faults();
  set_flag(faults, c.order.kind, on);
  if (c.order.kind == "identity") faults.identity = on ? std::optional<std::string>{*text} : std::nullopt;
  if (c.order.kind == "voltage_offset") faults.voltage_offset_V = on ? offset_V : 0.0;
  if (c.order.kind == "extra_latency") faults.extra_latency_s = on ? delay_ms / 1000.0 : 0.0;
  if (c.order.kind == "reboot") instrument->reboot(c.now);
  return Result<void>{};
}

// ---- world

std::vector<std::string> channel_names(SimulatedBench& bench) {
  std::vector<std::string> names;
  for (const SimulatedChannel& channel : bench.channels()) names.push_back(channel.name);
  return names;
}

void weld(SimulatedBench& bench, TimePoint now, std::size_t index, bool on) {
  SimulatedChannel& channel = bench.channels()[index];
  channel.is_contactor_welded = on;
  bench.switch_contactor(now, index, channel.is_contactor_closed);
}

void swap_cells(SimulatedBench& bench, SimulatedChannel& a, SimulatedChannel& b) {
  bench.world().swap_cells(a.cell, b.cell);
  const auto index_of = [&](const SimulatedChannel& channel) {
    return static_cast<std::size_t>(&channel - bench.channels().data());
  };
  const bool is_undone = a.swapped_with == index_of(b);
  a.swapped_with = is_undone ? std::nullopt : std::optional{index_of(b)};
  b.swapped_with = is_undone ? std::nullopt : std::optional{index_of(a)};
}

Result<void> swap_fault(const Context& c, SimulatedChannel& channel) {
  const std::string* const with = c.fields.text("with");
  SimulatedChannel* const other = with == nullptr ? nullptr : c.bench.channel(*with);
  if (other == nullptr || other == &channel) {
    return refuse("cell_swapped: 'with' names the other channel" +
                  suggestion(with == nullptr ? "" : *with, channel_names(c.bench)));
  }
  if (channel.swapped_with || other->swapped_with)
    return refuse("cell_swapped: a cell that is swapped already stays; clear-faults first");
  if (!c.is_rehearsal) swap_cells(c.bench, channel, *other);
  return Result<void>{};
}

Result<void> channel_fault(const Context& c) {
  SimulatedChannel* const channel = c.bench.channel(target_of(c));
  if (channel == nullptr) return unknown_target(c, "channel", channel_names(c.bench));
  const bool on = c.fields.flag("on", true);
  const std::string* const sensor = c.fields.text("sensor");
  if (sensor != nullptr && *sensor != "cell" && *sensor != "ambient") {
    c.fields.complain("thermocouple_open: unknown sensor '" + *sensor + "'" + suggestion(*sensor, {"cell", "ambient"}));
  }
  if (const Result<void> checked = verdict(c); !checked) return checked;
  World& world = c.bench.world();
  world.advance(c.now);
  if (c.order.kind == "cell_swapped") return swap_fault(c, *channel);
  if (c.is_rehearsal) return Result<void>{};
  if (c.order.kind == "reversed_cell") world.stage(channel->cell).set_reversed(on != channel->is_reversed_by_file);
  if (c.order.kind == "contactor_welded") weld(c.bench, c.now, static_cast<std::size_t>(channel - c.bench.channels().data()), on);
  if (c.order.kind == "thermocouple_open") {
    c.bench.thermocouple(*channel, sensor != nullptr && *sensor == "ambient").set_open(on);
  }
  return Result<void>{};
}

Result<void> chamber_fault(const Context& c) {
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
  if (const Result<void> checked = verdict(c); !checked || c.is_rehearsal) return checked;
  std::optional<SimulatedChamber::Command> command;
  if (on) command = SimulatedChamber::Command{true, temperature_degC};
  c.bench.impose(c.now, *chamber, command);
  return Result<void>{};
}

// ---- the table

const std::vector<Kind>& kinds() {
  static const std::vector<std::string> wire{"target", "instrument", "port", "skip", "count", "rate", "for_s"};
  static const auto with = [](std::vector<std::string> base, std::initializer_list<const char*> more) {
    base.insert(base.end(), more.begin(), more.end());
    return base;
  };
  static const std::vector<std::string> state{"target", "instrument", "port", "for_s"};
  static const std::vector<std::string> device{"target", "instrument", "on"};
  static const std::vector<std::string> channel{"target", "channel", "on"};
  static const std::vector<Kind> all{
      {"drop", wire, wire_fault},
      {"delay", with(wire, {"delay_ms", "overtaken"}), wire_fault},
      {"garble", with(wire, {"bytes"}), wire_fault},
      {"truncate", with(wire, {"bytes"}), wire_fault},
      {"duplicate", wire, wire_fault},
      {"close", wire, wire_fault},
      {"refuse", state, wire_fault},
      {"accept_only", state, wire_fault},
      {"random", {"target", "instrument", "port", "seed", "rate"}, random_faults},
      {"freeze", device, instrument_fault},
      {"reboot", {"target", "instrument"}, instrument_fault},
      {"ignore_off", device, instrument_fault},
      {"nan", device, instrument_fault},
      {"local", device, instrument_fault},
      {"negate_current", device, instrument_fault},
      {"clear_watchdog", device, instrument_fault},
      {"identity", with(device, {"text"}), instrument_fault},
      {"voltage_offset", with(device, {"offset_V"}), instrument_fault},
      {"extra_latency", with(device, {"delay_ms"}), instrument_fault},
      {"chamber_stuck", {"target", "chamber", "on", "temperature_degC"}, chamber_fault},
      {"thermocouple_open", with(channel, {"sensor"}), channel_fault},
      {"reversed_cell", channel, channel_fault},
      {"contactor_welded", channel, channel_fault},
      {"cell_swapped", {"target", "channel", "with"}, channel_fault},
  };
  return all;
}

Result<void> check_names(const FaultOrder& order, const Kind* kind) {
  if (kind == nullptr) return refuse("unknown fault '" + order.kind + "'" + suggestion(order.kind, fault_names()));
  for (const auto& [name, value] : order.fields) {
    if (name == "at_s" || std::find(kind->fields.begin(), kind->fields.end(), name) != kind->fields.end()) continue;
    return refuse(order.kind + ": unknown field '" + name + "'" + suggestion(name, kind->fields));
  }
  return Result<void>{};
}

}  // namespace

std::vector<std::string> fault_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) names.emplace_back(kind.name);
  return names;
}

Result<void> apply_fault(SimulatedBench& bench, TimePoint now, std::string_view text) {
  const Result<FaultOrder> order = parse_fault_order(text);
  if (!order) return order.error();
  const auto kind = std::find_if(kinds().begin(), kinds().end(), [&](const Kind& k) { return k.name == order->kind; });
  if (const Result<void> known = check_names(*order, kind == kinds().end() ? nullptr : &*kind); !known) return known;
  Fields fields{*order};
  const TimePoint at{from_seconds(fields.number("at_s", 0.0, 0.0, seconds_max))};
  if (!fields.complaint().empty()) return refuse(fields.complaint());
  if (at > now) {
    const Result<void> rehearsed = kind->action(Context{bench, now, *order, fields, true});
    if (!rehearsed) return rehearsed;
    bench.schedule(at, [&bench, kept = *order, action = kind->action](TimePoint then) {
      Fields later{kept};
      static_cast<void>(action(Context{bench, then, kept, later}));  // it was checked when it was ordered
    });
    return rehearsed;
  }
  const Result<void> done = kind->action(Context{bench, now, *order, fields});
  bench.refresh_events();
  return done;
}

void clear_faults(SimulatedBench& bench, TimePoint now) {
  bench.clear_schedule();
  for (const BenchPort& port : bench.ports()) port.wire->clear_faults();
  for (const std::string& name : bench.instrument_names()) bench.instrument(name)->faults() = InstrumentFaults{};
  World& world = bench.world();
  world.advance(now);
  for (SimulatedChamber& chamber : bench.chambers()) {
    if (chamber.imposed) bench.impose(now, chamber, std::nullopt);
  }
  std::vector<SimulatedChannel>& channels = bench.channels();
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (channels[i].swapped_with) swap_cells(bench, channels[i], channels[*channels[i].swapped_with]);
    weld(bench, now, i, false);
    world.stage(channels[i].cell).set_reversed(channels[i].is_reversed_by_file);
    bench.thermocouple(channels[i], false).set_open(false);
    bench.thermocouple(channels[i], true).set_open(false);
  }
  bench.refresh_events();
}

}  // namespace cellrig::sim
