#include "sim/world.hpp"

#include <algorithm>
#include <stdexcept>

namespace cellrig::sim {

World::World(TimePoint start, double room_temperature_degC) : now_{start}, room_degC_{room_temperature_degC} {}

std::size_t World::add_chamber(const ChamberParameters& parameters) {
  chambers_.emplace_back(parameters, now_);
  return chambers_.size() - 1;
}

std::size_t World::add_cell(const CellParameters& parameters, std::optional<std::size_t> chamber, double soc_start,
                            double temperature_degC) {
  if (chamber && *chamber >= chambers_.size()) throw std::out_of_range("a cell was put into a chamber that does not exist");
  channels_.emplace_back(parameters, chamber, soc_start, temperature_degC, now_);
  Channel& channel = channels_.back();
  channel.stage.set_ambient(chamber ? chambers_[*chamber].air.air_temperature_degC() : room_degC_);
  return channels_.size() - 1;
}

void World::advance(TimePoint to) {
  while (now_ < to) advance_coupled(std::min(to, now_ + coupling_max));
}

/// Air first, with the heat the cells gave at the start; the cells then see the mean air temperature of the interval.
void World::advance_coupled(TimePoint to) {
  const double duration_s = to_seconds(to - now_);
  if (!chambers_.empty()) {
    for (Enclosure& chamber : chambers_) chamber.heat_W = 0.0;
    for (Channel& channel : channels_) {
      if (channel.chamber) chambers_[*channel.chamber].heat_W += channel.cell.heat_to_ambient_W();
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
  }
  now_ = to;
}

CellTruth World::truth(std::size_t cell) const {
  const Channel& channel = channels_.at(cell);
  const CellState& state = channel.cell.state();
  const StageExtremes& extremes = channel.stage.extremes();
  return CellTruth{.voltage_V = channel.stage.cell_voltage_V(),
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
                   .soc_min = extremes.soc_min};
}

}  // namespace cellrig::sim
