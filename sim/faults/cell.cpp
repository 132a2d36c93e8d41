// Faults of cells. What they did to a cell stays done.
#include <algorithm>
#include <cmath>

#include "controller/base/config_error.hpp"
#include "sim/faults/kind.hpp"

namespace cellrig::sim::faults {
namespace {

constexpr double resistance_max_ohm = 1e9;
constexpr double heat_max_W = 1e6;
constexpr int growth_step_count = 60;

double own_short_S(SimulatedBench& bench, std::size_t cell) { return bench.world().stage(cell).cell().parameters().life.short_S; }

void set_short(SimulatedBench& bench, TimePoint now, std::size_t cell, double conductance_S) {
  bench.world().advance(now);
  bench.world().ensure_life(cell).set_short(conductance_S);
}

/// F45: there at once.
Result<void> internal_short(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double ohm = c.fields.number("ohm", 0.05, 1e-4, resistance_max_ohm);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  set_short(c.bench, c.now, channel->cell, on ? 1.0 / ohm : own_short_S(c.bench, channel->cell));
  return Result<void>{};
}

struct Growth {
  SimulatedBench* bench;
  std::size_t cell;
  std::uint64_t number;
  double conductance_S;
  double factor;
  int steps_left;
  Duration step;
};

void grow_on(const Growth& present, TimePoint now) {
  if (!present.bench->fault_log().has(present.number)) return;
  set_short(*present.bench, now, present.cell, present.conductance_S);
  if (present.steps_left == 0) return;
  Growth next = present;
  next.conductance_S *= next.factor;
  --next.steps_left;
  present.bench->schedule(now + next.step, [next](TimePoint then) { grow_on(next, then); });
}

/// F46: from one resistance to a smaller one, evenly in its logarithm.
Result<void> soft_short(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double ohm = c.fields.number("ohm", 1000.0, 1e-4, resistance_max_ohm);
  const double end_ohm = c.fields.number("end_ohm", std::min(10.0, ohm), 1e-4, resistance_max_ohm);
  const Duration over = from_seconds(c.fields.number("over_s", 3600.0, 1.0, 1e8));
  if (end_ohm > ohm) c.fields.complain("soft_short: 'end_ohm' is more than 'ohm': a dendrite does not heal");
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  if (on) {
    const double factor = std::pow(ohm / end_ohm, 1.0 / growth_step_count);
    grow_on({&c.bench, channel->cell, c.number, 1.0 / ohm, factor, growth_step_count, over / growth_step_count}, c.now);
  } else {
    set_short(c.bench, c.now, channel->cell, own_short_S(c.bench, channel->cell));
  }
  return Result<void>{};
}

/// F47: gas, pressure on the stack, and heat that ends after a while; the voltage stays.
Result<void> venting(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const double gas_ppm = c.fields.number("gas_ppm", 2000.0, 1.0, 1e6);
  const double pressure_MPa = c.fields.number("pressure_MPa", 0.2, 0.0, 100.0);
  const double rise_K = c.fields.number("rise_K", 30.0, 0.0, 500.0);
  const double over_s = c.fields.number("over_s", 5.0, 0.1, 3600.0);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  World& world = c.bench.world();
  world.advance(c.now);
  world.ensure_life(channel->cell).vent(gas_ppm, pressure_MPa);
  Cell& cell = world.stage(channel->cell).cell();
  const CellParameters& p = cell.parameters();
  cell.set_extra_heat((p.core_heat_capacity_J_per_K + p.surface_heat_capacity_J_per_K) * rise_K / over_s);
  c.bench.schedule(c.now + from_seconds(over_s), [bench = &c.bench, index = channel->cell](TimePoint then) {
    bench->world().advance(then);
    bench->world().stage(index).cell().set_extra_heat(0.0);
  });
  return Result<void>{};
}

/// F33: the cell is warmer (or colder) than the air that a chamber speaks of.
Result<void> extra_heat(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double power_W = c.fields.number("power_W", 2.0, -heat_max_W, heat_max_W);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  c.bench.world().advance(c.now);
  c.bench.world().stage(channel->cell).cell().set_extra_heat(on ? power_W : 0.0);
  return Result<void>{};
}

/// F48
Result<void> open_circuit(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  c.bench.world().advance(c.now);
  c.bench.world().stage(channel->cell).set_open_circuit(c.now, on);
  return Result<void>{};
}

void declare_again(SimulatedBench& bench, SimulatedChannel& channel) {
  if (!channel.declared_health) return;
  bench.world()
      .stage(channel.cell)
      .cell()
      .set_health(channel.declared_health->capacity_fraction, channel.declared_health->resistance_factor);
  channel.declared_health.reset();
}

/// F49: not the capacity, not the resistance that the file declares: factors on what this cell had.
Result<void> cell_differs(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  const double capacity_fraction = c.fields.number("capacity_fraction", 0.7, 0.01, 2.0);
  const double resistance_factor = c.fields.number("resistance_factor", 2.0, 0.01, 100.0);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  c.bench.world().advance(c.now);
  declare_again(c.bench, *channel);
  if (!on) return Result<void>{};
  Cell& cell = c.bench.world().stage(channel->cell).cell();
  const SimulatedChannel::Health declared{cell.given_capacity_fraction(), cell.given_resistance_factor()};
  channel->declared_health = declared;
  cell.set_health(declared.capacity_fraction * capacity_fraction, declared.resistance_factor * resistance_factor);
  return Result<void>{};
}

/// The SoC at which a rested cell has this voltage; nothing: at none that the model knows.
std::optional<double> soc_at(const Cell& cell, double voltage_V) {
  constexpr double soc_least = -1.0, soc_most = 1.3;
  constexpr double tolerance_V = 1e-3;
  constexpr int halvings = 60;
  const auto voltage_at = [&cell](double soc) {
    CellState state;
    state.soc = soc;
    state.core_degC = cell.state().core_degC;
    state.surface_degC = cell.state().surface_degC;
    return cell.curve(state).rest_voltage_V();
  };
  double low = soc_least, high = soc_most;
  for (int i = 0; i < halvings; ++i) {
    const double middle = 0.5 * (low + high);
    (voltage_at(middle) < voltage_V ? low : high) = middle;
  }
  const double soc = 0.5 * (low + high);
  if (!(std::abs(voltage_at(soc) - voltage_V) <= tolerance_V)) return std::nullopt;
  return soc;
}

/// F49: somebody put in a cell that is fuller or emptier than any should be. It stays so: an event.
Result<void> cell_state(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const double soc_pct = c.fields.number("soc_pct", 0.0, -20.0, 130.0);
  const double voltage_V = c.fields.number("voltage_V", 0.0, 0.0, 100.0);
  if (c.fields.has("soc_pct") == c.fields.has("voltage_V"))
    c.fields.complain("cell_state: either 'soc_pct' or 'voltage_V' is needed");
  Cell& cell = c.bench.world().stage(channel->cell).cell();
  std::optional<double> soc = soc_pct / 100.0;
  if (c.fields.has("voltage_V")) soc = soc_at(cell, voltage_V);
  if (!soc) c.fields.complain("cell_state: this cell has no state of charge at which it rests at that voltage");
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  c.bench.world().advance(c.now);
  CellState state = cell.state();
  state.soc = *soc;
  state.soc_lag = state.fast_pair_V = state.slow_pair_V = state.hysteresis = 0.0;
  cell.commit(state);
  return Result<void>{};
}

Result<void> reversed_cell(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const bool on = c.fields.flag("on", true);
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  c.bench.world().advance(c.now);
  c.bench.world().stage(channel->cell).set_reversed(on != channel->is_reversed_by_file);
  return Result<void>{};
}

void swap_cells(SimulatedBench& bench, SimulatedChannel& a, SimulatedChannel& b) {
  bench.world().swap_cells(a.cell, b.cell);
  std::swap(a.declared_health, b.declared_health);
  const auto index_of = [&](const SimulatedChannel& channel) {
    return static_cast<std::size_t>(&channel - bench.channels().data());
  };
  const bool is_undone = a.swapped_with == index_of(b);
  a.swapped_with = is_undone ? std::nullopt : std::optional{index_of(b)};
  b.swapped_with = is_undone ? std::nullopt : std::optional{index_of(a)};
}

Result<void> cell_swapped(const Context& c) {
  Error error = refuse("");
  SimulatedChannel* const channel = channel_of(c, error);
  if (channel == nullptr) return error;
  const std::string* const with = c.fields.text("with");
  SimulatedChannel* const other = with == nullptr ? nullptr : c.bench.channel(*with);
  if (other == nullptr || other == channel) {
    return refuse("cell_swapped: 'with' names the other channel" +
                  suggestion(with == nullptr ? "" : *with, channel_names(c.bench)));
  }
  if (channel->swapped_with || other->swapped_with)
    return refuse("cell_swapped: a cell that is swapped already stays; clear-faults first");
  if (const Result<void> verdict = c.fields.verdict(); c.ends(verdict)) return verdict;
  c.bench.world().advance(c.now);
  swap_cells(c.bench, *channel, *other);
  return Result<void>{};
}

}  // namespace

void clear_cells(SimulatedBench& bench, TimePoint now) {
  World& world = bench.world();
  std::vector<SimulatedChannel>& channels = bench.channels();
  for (SimulatedChannel& channel : channels) {
    declare_again(bench, channel);
    if (channel.swapped_with) swap_cells(bench, channel, channels[*channel.swapped_with]);
  }
  for (SimulatedChannel& channel : channels) {
    PowerStage& stage = world.stage(channel.cell);
    stage.set_reversed(channel.is_reversed_by_file);
    if (stage.open_circuit()) stage.set_open_circuit(now, false);
    stage.cell().set_extra_heat(0.0);
    CellLife* const life = world.life(channel.cell);
    if (life == nullptr) continue;
    life->set_short(own_short_S(bench, channel.cell));
    life->air_out();
  }
}

const std::vector<Kind>& cell_kinds() {
  using enum Aim;
  constexpr Family family = Family::cell;
  static const std::vector<Kind> all{
      {"internal_short", family, channel, {"ohm"}, internal_short, true, Drawn::always, {{"ohm", 0.01, 10.0}}},
      {"soft_short", family, channel, {"ohm", "end_ohm", "over_s"}, soft_short},
      {"venting", family, channel, {"gas_ppm", "pressure_MPa", "rise_K", "over_s"}, venting, false},
      {"extra_heat", family, channel, {"power_W"}, extra_heat, true, Drawn::always, {{"power_W", 0.1, 20.0}}},
      {"open_circuit", family, channel, {}, open_circuit},
      {"cell_differs", family, channel, {"capacity_fraction", "resistance_factor"}, cell_differs},
      {"cell_state", family, channel, {"soc_pct", "voltage_V"}, cell_state, false, Drawn::never},
      {"reversed_cell", family, channel, {}, reversed_cell},
      {"cell_swapped", family, channel, {"with"}, cell_swapped, false, Drawn::never},
  };
  return all;
}

}  // namespace cellrig::sim::faults
