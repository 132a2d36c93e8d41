#include "sim/world.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace cellrig::sim {

World::World(TimePoint start, double room_temperature_degC) : now_{start}, room_degC_{room_temperature_degC} {}

World::Channel::Channel(const CellParameters& parameters, std::optional<std::size_t> in, double soc, double temperature_degC,
                        TimePoint at, Fixture held)
    : cell{parameters, soc, temperature_degC},
      stage{cell, at},
      thermocouple{temperature_degC},
      chamber{in},
      warms_chamber{held == Fixture::free} {
  if (held == Fixture::plates) cell.set_surface_to_ambient(parameters.plates_to_ambient_W_per_K);
  if (!parameters.life.any()) return;
  life.emplace(cell);
  stage.cell().set_influences(life->influences());
}

std::size_t World::add_chamber(const ChamberParameters& parameters) {
  chambers_.emplace_back(parameters, now_);
  return chambers_.size() - 1;
}

std::size_t World::add_cell(const CellParameters& parameters, std::optional<std::size_t> chamber, double soc_start,
                            double temperature_degC, Fixture fixture) {
  if (chamber && *chamber >= chambers_.size()) throw std::out_of_range("a cell was put into a chamber that does not exist");
  if (fixture == Fixture::plates && !(parameters.plates_to_ambient_W_per_K > 0)) {
    throw std::invalid_argument("this cell has no numbers for a fixture with plates");
  }
  channels_.emplace_back(parameters, chamber, soc_start, temperature_degC, now_, fixture);
  Channel& channel = channels_.back();
  has_life_ = has_life_ || channel.life;
  channel.stage.set_ambient(chamber ? chambers_[*chamber].air.air_temperature_degC() : room_degC_);
  return channels_.size() - 1;
}

void World::swap_cells(std::size_t a, std::size_t b) {
  Channel& first = channels_.at(a);
  Channel& second = channels_.at(b);
  Cell& cell_of_first = first.stage.cell();
  Cell& cell_of_second = second.stage.cell();
  const double ambient_of_first_degC = cell_of_first.ambient_degC();
  const double ambient_of_second_degC = cell_of_second.ambient_degC();
  std::swap(cell_of_first, cell_of_second);
  std::swap(first.life, second.life);
  std::swap(first.warms_chamber, second.warms_chamber);
  cell_of_first.set_ambient(ambient_of_first_degC);
  cell_of_second.set_ambient(ambient_of_second_degC);
}

void World::advance(TimePoint to) {
  while (now_ < to) advance_coupled(std::min(to, now_ + (has_life_ ? step_max() : coupling_max)));
}

/// The shortest step that a slow process of any cell asks for.
Duration World::step_max() const {
  Duration step = coupling_max;
  for (const Channel& channel : channels_) {
    if (channel.life) step = std::min(step, from_seconds(channel.life->step_max_s()));
  }
  return step;
}

/// Air first, with the heat the cells gave at the start; the cells then see the mean air temperature of the interval.
void World::advance_coupled(TimePoint to) {
  const double duration_s = to_seconds(to - now_);
  if (!chambers_.empty()) {
    for (Enclosure& chamber : chambers_) chamber.heat_W = 0.0;
    for (Channel& channel : channels_) {
      if (channel.chamber && channel.warms_chamber) chambers_[*channel.chamber].heat_W += channel.cell.heat_to_ambient_W();
    }
    for (Enclosure& chamber : chambers_) {
      chamber.air.set_heat(chamber.heat_W);
      chamber.air_before_degC = chamber.air.air_temperature_degC();
      chamber.air.advance(to);
      chamber.thermocouple.advance(duration_s, chamber.air.air_temperature_degC());
    }
  }
  for (Channel& channel : channels_) {
    if (channel.chamber) {
      const Enclosure& chamber = chambers_[*channel.chamber];
      channel.stage.set_ambient(0.5 * (chamber.air_before_degC + chamber.air.air_temperature_degC()));
    }
    channel.stage.advance(to);
    channel.thermocouple.advance(duration_s, channel.cell.state().surface_degC);
    if (!channel.life) continue;
    const bool moves =
        channel.life->advance(channel.cell, duration_s, channel.stage.cell_current_A(), channel.stage.cell_voltage_V());
    if (channel.chamber && chambers_[*channel.chamber].is_drawn_off) channel.life->draw_off_gas(duration_s);
    Cell& cell = moves ? channel.stage.cell() : channel.cell;
    cell.set_influences(channel.life->influences());
  }
  now_ = to;
}

CellLife* World::life(std::size_t cell) {
  Channel& channel = channels_.at(cell);
  return channel.life ? &*channel.life : nullptr;
}

CellLife& World::ensure_life(std::size_t cell) {
  Channel& channel = channels_.at(cell);
  if (!channel.life) channel.life.emplace(channel.stage.cell());
  has_life_ = true;
  return *channel.life;
}

CellTruth World::truth(std::size_t cell) const {
  const Channel& channel = channels_.at(cell);
  const CellState& state = channel.cell.state();
  const StageExtremes& extremes = channel.stage.extremes();
  CellTruth truth{.voltage_V = channel.stage.cell_voltage_V(),
                  .current_A = channel.stage.cell_current_A(),
                  .soc = state.soc,
                  .core_temperature_degC = state.core_degC,
                  .surface_temperature_degC = state.surface_degC,
                  .ambient_temperature_degC = channel.cell.ambient_degC(),
                  .equivalent_full_cycles = channel.cell.equivalent_full_cycles(),
                  .capacity_Ah = channel.cell.capacity_Ah(),
                  .voltage_max_V = extremes.voltage_max_V,
                  .voltage_min_V = extremes.voltage_min_V,
                  .current_max_A = extremes.current_max_A,
                  .current_min_A = extremes.current_min_A,
                  .surface_temperature_max_degC = extremes.surface_max_degC,
                  .soc_max = extremes.soc_max,
                  .soc_min = extremes.soc_min,
                  .resistance_factor = channel.cell.resistance_factor(),
                  .short_S = 0.0};
  if (channel.life) {
    truth.short_S = channel.life->short_S();
    truth.pressure_MPa = channel.life->pressure_MPa();
    truth.thickness_mm = channel.life->thickness_mm();
    truth.gas_ppm = channel.life->gas_ppm();
    truth.runaway = channel.life->runaway_stage();
  }
  return truth;
}

}  // namespace cellrig::sim
