#include "sim/bench.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "sim/instruments/modbus_rtu.hpp"

namespace cellrig::sim {

SimulatedBench::SimulatedBench(TimePoint start, double room_temperature_degC, BenchOptions options)
    : options_{std::move(options)},
      world_{start, room_temperature_degC},
      now_{start},
      room_thermocouple_{room_temperature_degC} {}

SimulatedBench::~SimulatedBench() = default;

Instrument& SimulatedBench::add_instrument(std::string name, std::unique_ptr<Instrument> instrument, WireLimits limits) {
  const std::size_t index = instruments_.size();
  for (const NamedPort& port : instrument->ports()) {
    WireConfig config{.instrument = name,
                      .port = port.name,
                      .connection_count_max = limits.connection_count_max,
                      .latency_is_modelled = limits.latency_is_modelled,
                      .seed = options_.seed};
    if (const auto form = limits.forms.find(port.name); form != limits.forms.end()) config.form = form->second;
    Line line{.on_line = {}, .wire = {}, .instrument = index};
    ModbusDevice* const device = port.port->modbus_device();
    if (device != nullptr && config.form.kind != PortForm::Kind::tcp) {
      line.on_line = std::make_unique<RtuSlave>(*device, RtuSlaveConfig{.unit = config.form.unit});
    }
    Port& heard = line.on_line ? *line.on_line : *port.port;
    line.wire = std::make_unique<Wire>(std::move(config), *instrument, heard);
    wires_.push_back(std::move(line));
  }
  instruments_.push_back({std::move(name), std::move(instrument), TimePoint::max()});
  refresh(instruments_.back());
  return *instruments_.back().instrument;
}

std::size_t SimulatedBench::add_channel(SimulatedChannel channel) {
  channels_.push_back(std::move(channel));
  return channels_.size() - 1;
}

std::vector<BenchPort> SimulatedBench::ports() {
  std::vector<BenchPort> ports;
  for (const Line& line : wires_) {
    ports.push_back({line.wire->instrument(), line.wire->port_name(), &line.wire->port(), line.wire.get()});
  }
  return ports;
}

Wire* SimulatedBench::wire(std::string_view instrument, std::string_view port) {
  for (const Line& line : wires_) {
    if (line.wire->instrument() == instrument && line.wire->port_name() == port) return line.wire.get();
  }
  return nullptr;
}

std::vector<Wire*> SimulatedBench::wires_with(const Wire& wire) {
  std::vector<Wire*> all;
  for (const Line& line : wires_) {
    const PortForm& form = line.wire->form();
    const bool is_same_line = form.kind != PortForm::Kind::tcp && form.kind == wire.form().kind && form.line == wire.form().line;
    if (line.wire.get() == &wire || is_same_line) all.push_back(line.wire.get());
  }
  return all;
}

Instrument* SimulatedBench::instrument(std::string_view name) {
  for (const Entry& entry : instruments_) {
    if (entry.name == name) return entry.instrument.get();
  }
  return nullptr;
}

std::vector<std::string> SimulatedBench::instrument_names() const {
  std::vector<std::string> names;
  for (const Entry& entry : instruments_) names.push_back(entry.name);
  return names;
}

SimulatedChannel* SimulatedBench::channel(std::string_view name) {
  for (SimulatedChannel& channel : channels_) {
    if (channel.name == name) return &channel;
  }
  return nullptr;
}

SimulatedChamber* SimulatedBench::chamber(std::string_view name) {
  for (SimulatedChamber& chamber : chambers_) {
    if (chamber.name == name) return &chamber;
  }
  return nullptr;
}

/// After anything an instrument did.
void SimulatedBench::refresh(Entry& entry) {
  impose_again(now_);
  const TimePoint next = entry.instrument->next_event().value_or(TimePoint::max());
  if (next == entry.next_event) return;
  entry.next_event = next;
  find_earliest();
}

void SimulatedBench::find_earliest() {
  earliest_ = TimePoint::max();
  for (const Entry& entry : instruments_) earliest_ = std::min(earliest_, entry.next_event);
}

void SimulatedBench::refresh_events() {
  for (Entry& entry : instruments_) refresh(entry);
}

std::optional<TimePoint> SimulatedBench::next_event() const {
  const TimePoint next = schedule_.empty() ? earliest_ : std::min(earliest_, schedule_.begin()->first);
  if (next == TimePoint::max()) return std::nullopt;
  return next;
}

/// Instruments before scheduled actions at the same instant; instruments in the order of the bench file.
void SimulatedBench::run_earliest(TimePoint at) {
  now_ = std::max(now_, at);
  if (earliest_ == at) {
    for (Entry& entry : instruments_) {
      if (entry.next_event != at) continue;
      entry.instrument->advance(now_);
      refresh(entry);
      if (entry.next_event <= at) throw std::logic_error("instrument " + entry.name + " does not get past its own event");
    }
    return;
  }
  const auto first = schedule_.begin();
  const std::function<void(TimePoint)> action = std::move(first->second);
  schedule_.erase(first);
  world_.advance(now_);
  action(now_);
  refresh_events();
}

void SimulatedBench::let_events_happen(TimePoint to) {
  if (earliest_ <= to || !schedule_.empty()) {
    for (std::optional<TimePoint> next = next_event(); next && *next <= to; next = next_event()) run_earliest(*next);
  }
  now_ = std::max(now_, to);
}

void SimulatedBench::advance(TimePoint to) {
  let_events_happen(to);
  world_.advance(now_);
}

void SimulatedBench::receive(Wire& wire, TimePoint now, ConnectionId connection, std::string_view bytes,
                             std::vector<Delivery>& deliveries) {
  let_events_happen(now);
  wire.receive(now_, connection, bytes, deliveries);
  for (const Line& line : wires_) {
    if (line.wire.get() != &wire) continue;
    refresh(instruments_[line.instrument]);
    return;
  }
}

void SimulatedBench::switch_contactor(TimePoint now, std::size_t index, bool closed) {
  SimulatedChannel& channel = channels_.at(index);
  channel.is_contactor_closed = closed;
  world_.advance(now);
  world_.stage(channel.cell).set_contactor(now, closed || channel.is_contactor_welded);
}

const SimulatedOutput* SimulatedBench::output(std::string_view name) const {
  for (const SimulatedOutput& output : outputs_) {
    if (output.name == name) return &output;
  }
  return nullptr;
}

void SimulatedBench::switch_output(TimePoint now, std::size_t index, bool on) {
  SimulatedOutput& output = outputs_.at(index);
  if (output.is_on == on) return;
  world_.advance(now);
  output.is_on = on;
  ++(on ? output.times_on : output.times_off);
  if (on) output.switched_on_at = now;
  if (output.clears) world_.set_exhaust(*output.clears, on);
}

Thermocouple& SimulatedBench::thermocouple(const SimulatedChannel& channel, bool is_ambient) {
  if (!is_ambient) return world_.cell_thermocouple(channel.cell);
  const std::optional<std::size_t> chamber = world_.chamber_of(channel.cell);
  return chamber ? world_.air_thermocouple(*chamber) : room_thermocouple_;
}

void SimulatedBench::impose(TimePoint now, SimulatedChamber& chamber, std::optional<SimulatedChamber::Command> command) {
  world_.advance(now);
  ChamberAir& air = world_.chamber(chamber.index);
  if (!chamber.imposed) chamber.wanted = {air.is_running(), air.setpoint_degC()};
  chamber.imposed = command;
  const SimulatedChamber::Command& next = command ? *command : chamber.wanted;
  air.command(now, next.running, next.setpoint_degC);
}

void SimulatedBench::impose_again(TimePoint now) {
  for (SimulatedChamber& chamber : chambers_) {
    if (!chamber.imposed) continue;
    ChamberAir& air = world_.chamber(chamber.index);
    const SimulatedChamber::Command present{air.is_running(), air.setpoint_degC()};
    if (present == *chamber.imposed) continue;
    chamber.wanted = present;
    air.command(now, chamber.imposed->running, chamber.imposed->setpoint_degC);
  }
}

void SimulatedBench::schedule(TimePoint at, std::function<void(TimePoint)> action) {
  schedule_.emplace(std::max(at, now_), std::move(action));
}

namespace {

/// What only some cells have: `,"key":value`, or nothing.
std::string optional_json(const char* key, const std::optional<double>& value) {
  return value ? fmt::format(R"(,"{}":{:.9g})", key, *value) : std::string{};
}

const char* stage_name(RunawayStage stage) {
  switch (stage) {
    case RunawayStage::none: return "none";
    case RunawayStage::warning: return "warning";
    case RunawayStage::venting: return "venting";
    case RunawayStage::runaway: return "runaway";
  }
  return "none";
}

std::string channel_json(const SimulatedChannel& channel, World& world) {
  const CellTruth t = world.truth(channel.cell);
  const PowerStage& stage = world.stage(channel.cell);
  return fmt::format(
      R"("{}":{{"voltage_V":{:.9g},"current_A":{:.9g},"terminal_voltage_V":{:.9g},"terminal_current_A":{:.9g},"soc":{:.9g},)"
      R"("core_temperature_degC":{:.9g},"surface_temperature_degC":{:.9g},"ambient_temperature_degC":{:.9g},)"
      R"("output_on":{},"contactor_closed":{},"reversed":{},"equivalent_full_cycles":{:.9g},"capacity_Ah":{:.9g},)"
      R"("voltage_max_V":{:.9g},"voltage_min_V":{:.9g},"current_max_A":{:.9g},"current_min_A":{:.9g},)"
      R"("surface_temperature_max_degC":{:.9g},"soc_max":{:.9g},"soc_min":{:.9g},"resistance_factor":{:.9g},)"
      R"("short_S":{:.9g},"runaway":"{}"{}{}{}}})",
      channel.name, t.voltage_V, t.current_A, stage.terminal_voltage_V(), stage.current_A(), t.soc, t.core_temperature_degC,
      t.surface_temperature_degC, t.ambient_temperature_degC, stage.output_on(), stage.contactor_closed(), stage.reversed(),
      t.equivalent_full_cycles, t.capacity_Ah, t.voltage_max_V, t.voltage_min_V, t.current_max_A, t.current_min_A,
      t.surface_temperature_max_degC, t.soc_max, t.soc_min, t.resistance_factor, t.short_S, stage_name(t.runaway),
      optional_json("pressure_MPa", t.pressure_MPa), optional_json("thickness_mm", t.thickness_mm),
      optional_json("gas_ppm", t.gas_ppm));
}

std::string chamber_json(const SimulatedChamber& chamber, World& world) {
  const ChamberAir& air = world.chamber(chamber.index);
  return fmt::format(R"("{}":{{"air_temperature_degC":{:.9g},"setpoint_degC":{:.9g},"running":{},"stuck":{}}})", chamber.name,
                     air.air_temperature_degC(), air.setpoint_degC(), air.is_running(), chamber.imposed.has_value());
}

}  // namespace

std::string SimulatedBench::truth_json() {
  world_.advance(now_);
  std::string text = fmt::format(R"({{"schema_version":1,"now_ns":{},"channels":{{)", to_ns(now_));
  for (const SimulatedChannel& channel : channels_) {
    if (&channel != &channels_.front()) text += ',';
    text += channel_json(channel, world_);
  }
  text += R"(},"chambers":{)";
  for (const SimulatedChamber& chamber : chambers_) {
    if (&chamber != &chambers_.front()) text += ',';
    text += chamber_json(chamber, world_);
  }
  text += R"(},"outputs":{)";
  for (const SimulatedOutput& output : outputs_) {
    if (&output != &outputs_.front()) text += ',';
    text += fmt::format(R"("{}":{{"on":{},"times_on":{},"times_off":{}}})", output.name, output.is_on, output.times_on,
                        output.times_off);
  }
  return text + "}}";
}

}  // namespace cellrig::sim
