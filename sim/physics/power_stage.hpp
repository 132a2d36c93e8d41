// The output stage of a bidirectional cycler, attached to one cell through a contactor. Ideal: what an instrument adds
// (accuracy, slew rate, quantisation, protocol) belongs to sim/instruments.
#pragma once

#include "controller/base/time.hpp"
#include "sim/physics/cell.hpp"
#include "sim/physics/regulator.hpp"
#include "sim/physics/step_rule.hpp"

namespace cellrig::sim {

/// A voltage source with limits in both directions. Not-a-number in a voltage or limit means that no current flows.
struct RegulatorCommand {
  bool on = false;
  double voltage_V = 0;              ///< regulated voltage; current flows towards it, within the limits
  double source_current_max_A = 0;   ///< >= 0, charge limit
  double sink_current_max_A = 0;     ///< >= 0, discharge limit (magnitude)
  double source_power_max_W = 1e9;   ///< magnitude
  double sink_power_max_W = 1e9;     ///< magnitude
  double sink_resistance_ohm = 0;    ///< 0 = mode off; otherwise |I| <= V / R while sinking
  double over_voltage_trip_V = 1e9;  ///< the instrument's own protections, judged at every sub-step; NaN trips
  double over_current_trip_A = 1e9;
  double under_voltage_trip_V = -1e9;
  bool operator==(const RegulatorCommand&) const = default;
};

enum class StageTrip : unsigned char { none, over_voltage, over_current, under_voltage };

/// The truth met so far, judged at every sub-step. The voltage is the cell's own, whatever the contactor does.
struct StageExtremes {
  double voltage_max_V;
  double voltage_min_V;
  double current_max_A;  ///< most positive
  double current_min_A;  ///< most negative
  double surface_max_degC;
  double soc_max;
  double soc_min;
};

/// * The current is the unique solution of the voltage regulation within the tightest of all limits (operating_point).
/// * advance() steps by the StepRule of the cell model; a change from a limit to the voltage is located inside the step, so that
///   the voltage passes the commanded one by less than 0.1 mV.
/// * A trip turns the output off. clear_trip() does not turn it on again: that takes a new command with on = true.
/// * Times before now() are ignored: nothing runs backwards. Not thread safe.
class PowerStage {
 public:
  /// The cell must outlive the stage. The contactor starts closed, the output off.
  PowerStage(Cell& cell, TimePoint start);

  /// Advances to now, then takes effect. While a trip is present the output stays off.
  void command(TimePoint now, const RegulatorCommand& command);
  void set_contactor(TimePoint now, bool closed);
  /// Cell connected with the wrong polarity: the terminals read -V and any current is reversed in the cell.
  void set_reversed(bool reversed);
  /// The circuit is broken behind the terminals (a tab, the cell's own switch): no current, and an output that is on stands at its
  /// set voltage.
  void set_open_circuit(TimePoint now, bool open);
  /// The regulator misses its voltage by so much (an overshoot, one half of an oscillation), V.
  void set_voltage_error(TimePoint now, double error_V);
  /// Another stage does whatever this one is told, too; nullptr: none. It must outlive this one. A circle ends where it began.
  void set_follower(PowerStage* follower) { follower_ = follower; }
  [[nodiscard]] const PowerStage* follower() const { return follower_; }
  void set_ambient(double temperature_degC) { cell_->set_ambient(temperature_degC); }
  void advance(TimePoint to);

  [[nodiscard]] TimePoint now() const { return now_; }
  /// At the instrument's sense leads; 0 when the contactor is open, and at an open circuit without output.
  [[nodiscard]] double terminal_voltage_V() const;
  /// At the terminals; positive sources (charges a cell that is connected the right way).
  [[nodiscard]] double current_A() const { return reversed_ ? -point_.current_A : point_.current_A; }
  [[nodiscard]] RegulatorMode mode() const { return point_.mode; }
  /// Commanded on and not tripped (since).
  [[nodiscard]] bool output_on() const { return on_; }
  [[nodiscard]] bool contactor_closed() const { return contactor_closed_; }
  [[nodiscard]] bool reversed() const { return reversed_; }
  [[nodiscard]] bool open_circuit() const { return open_circuit_; }
  [[nodiscard]] double voltage_error_V() const { return voltage_error_V_; }
  [[nodiscard]] StageTrip trip() const { return trip_; }
  void clear_trip() { trip_ = StageTrip::none; }
  [[nodiscard]] const RegulatorCommand& last_command() const { return command_; }

  /// For a change from outside (health, extra heat): the operating point is solved again at the next advance.
  Cell& cell() {
    is_stale_ = true;
    return *cell_;
  }
  [[nodiscard]] const Cell& cell() const { return *cell_; }
  /// The cell's own voltage at its own current, V.
  [[nodiscard]] double cell_voltage_V() const { return point_.voltage_V; }
  [[nodiscard]] double cell_current_A() const { return point_.current_A; }
  [[nodiscard]] const StageExtremes& extremes() const { return extremes_; }

 private:
  [[nodiscard]] bool is_driving() const { return on_ && contactor_closed_ && !open_circuit_; }
  void step(Duration step_max);
  void step_driven(Duration step);
  [[nodiscard]] double excess_V(const VoltageCurve& curve, double current_A) const;
  [[nodiscard]] Duration locate_mode_change(Duration step, double current_A, CellState& after) const;
  void refresh();
  void settle(const VoltageCurve& curve);
  [[nodiscard]] StageTrip judge() const;
  void remember_voltage(double cell_voltage_V);
  void remember_extremes();

  Cell* cell_;
  TimePoint now_;
  RegulatorCommand command_;
  RegulatorLimits limits_;
  OperatingPoint point_;
  StageExtremes extremes_{};
  StepRule rule_;
  StageTrip trip_ = StageTrip::none;
  int located_in_a_row_ = 0;
  bool on_ = false;
  bool contactor_closed_ = true;
  bool open_circuit_ = false;
  bool is_being_followed_ = false;
  double voltage_error_V_ = 0.0;
  PowerStage* follower_ = nullptr;
  bool reversed_ = false;
  bool is_stale_ = false;
};

}  // namespace cellrig::sim
