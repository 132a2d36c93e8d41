// The physical truth behind all simulated instruments: cells on power stages, some of them in chambers.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "controller/base/time.hpp"
#include "sim/physics/cell.hpp"
#include "sim/physics/cell_life.hpp"
#include "sim/physics/chamber.hpp"
#include "sim/physics/power_stage.hpp"
#include "sim/physics/thermocouple.hpp"

namespace cellrig::sim {

/// What really happens in a cell, for assertions by the back door; extremes since the cell was added.
struct CellTruth {
  double voltage_V;  ///< the cell's own, also behind an open contactor
  double current_A;  ///< positive charges the cell, whatever its polarity at the instrument
  double soc;
  double core_temperature_degC;
  double surface_temperature_degC;
  double ambient_temperature_degC;
  double equivalent_full_cycles;
  double capacity_Ah;
  double voltage_max_V;
  double voltage_min_V;
  double current_max_A;
  double current_min_A;
  double surface_temperature_max_degC;
  double soc_max;
  double soc_min;
  double resistance_factor;            ///< of ageing and voids; 1 when fresh
  double short_S;                      ///< internal short; 0 = none
  std::optional<double> pressure_MPa;  ///< of the stack; empty when the cell file knows none
  std::optional<double> thickness_mm;
  std::optional<double> gas_ppm;  ///< beside the cell
  RunawayStage runaway = RunawayStage::none;
  bool operator==(const CellTruth&) const = default;
};

/// What holds a cell, and where its heat goes.
enum class Fixture : unsigned char {
  free,    ///< air around it: the heat warms the chamber
  plates,  ///< between plates that a cooler of their own keeps at the temperature of the air
};

/// Owns everything; addresses stay valid. advance() moves all parts together: chamber air and cells exchange heat at least
/// every 10 s while a power stage takes its own, shorter steps. An instrument first advances the world to its now, then acts on
/// its stage. Single-threaded; the same calls give the same bits.
class World {
 public:
  static constexpr double default_room_degC = 25.0;
  /// Longest time for which chamber air, cells and thermocouples are moved apart.
  static constexpr Duration coupling_max = std::chrono::seconds{10};

  explicit World(TimePoint start = TimePoint{}, double room_temperature_degC = default_room_degC);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::size_t add_chamber(const ChamberParameters& parameters);
  /// A rested cell on a power stage of its own: contactor closed, output off. Without a chamber it stands in the room.
  /// @throws std::out_of_range for a chamber that does not exist.
  std::size_t add_cell(const CellParameters& parameters, std::optional<std::size_t> chamber, double soc_start,
                       double temperature_degC, Fixture fixture = Fixture::free);

  /// The cells change places, with their fixtures and everything that has happened to them; extremes stay with the stages.
  void swap_cells(std::size_t a, std::size_t b);

  void advance(TimePoint to);
  [[nodiscard]] TimePoint now() const { return now_; }

  [[nodiscard]] std::size_t cell_count() const { return channels_.size(); }
  [[nodiscard]] std::size_t chamber_count() const { return chambers_.size(); }
  [[nodiscard]] PowerStage& stage(std::size_t cell) { return channels_.at(cell).stage; }
  [[nodiscard]] ChamberAir& chamber(std::size_t chamber) { return chambers_.at(chamber).air; }
  [[nodiscard]] std::optional<std::size_t> chamber_of(std::size_t cell) const { return channels_.at(cell).chamber; }
  [[nodiscard]] Thermocouple& cell_thermocouple(std::size_t cell) { return channels_.at(cell).thermocouple; }
  [[nodiscard]] Thermocouple& air_thermocouple(std::size_t chamber) { return chambers_.at(chamber).thermocouple; }
  /// The slow processes of a cell; nullptr when its file has none.
  [[nodiscard]] CellLife* life(std::size_t cell);
  /// The same, made for a cell whose file has none: faults act through it.
  [[nodiscard]] CellLife& ensure_life(std::size_t cell);
  [[nodiscard]] CellTruth truth(std::size_t cell) const;
  [[nodiscard]] double room_temperature_degC() const { return room_degC_; }
  /// From now() on the chamber's air is drawn off: what gas stands beside its cells goes with it.
  void set_exhaust(std::size_t chamber, bool on) { chambers_.at(chamber).is_drawn_off = on; }

 private:
  struct Channel {
    Channel(const CellParameters& parameters, std::optional<std::size_t> in, double soc, double temperature_degC, TimePoint at,
            Fixture held);
    Cell cell;
    PowerStage stage;
    Thermocouple thermocouple;
    std::optional<std::size_t> chamber;
    std::optional<CellLife> life;
    bool warms_chamber;
  };
  struct Enclosure {
    Enclosure(const ChamberParameters& parameters, TimePoint at)
        : air{parameters, at}, thermocouple{parameters.start_temperature_degC} {}
    ChamberAir air;
    Thermocouple thermocouple;
    double heat_W = 0.0;
    double air_before_degC = 0.0;
    bool is_drawn_off = false;
  };
  void advance_coupled(TimePoint to);
  [[nodiscard]] Duration step_max() const;

  TimePoint now_;
  bool has_life_ = false;
  double room_degC_;
  std::deque<Channel> channels_;
  std::deque<Enclosure> chambers_;
};

}  // namespace cellrig::sim
