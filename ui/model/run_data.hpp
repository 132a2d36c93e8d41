// A run while it goes on: what the service recorded so far, and what came since. Fed by the run page.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "controller/api/messages.hpp"
#include "ui/chart/trace.hpp"
#include "ui/model/expected.hpp"
#include "ui/model/step_places.hpp"

namespace cellrig::ui {

/// A stretch of test time for which nothing came.
struct Missing {
  Window window;
};

/// * History and live samples may come in any order: what came live before the history is kept until the history is there.
/// * Memory is bounded by Trace::Capacity whatever the length of the run.
class RunData {
 public:
  static constexpr std::size_t pending_max = 20'000;   ///< rows that wait for the history
  static constexpr std::size_t unplaced_max = 2000;    ///< rows that wait for their step
  static constexpr std::size_t steps_max = 20'000;     ///< more: the latest of them
  static constexpr std::size_t charge_curves_max = 8;  ///< steps of which voltage against charge is shown
  static constexpr std::size_t missing_max = 1000;
  RunData();

  void begin(std::int64_t run);
  [[nodiscard]] std::int64_t run() const { return run_; }
  /// One page of them, in order: takes the place of what is known from its first one on.
  void add_steps(const std::vector<api::StepView>& page);
  void set_expected(const std::vector<api::ExpectedCurveView>& curves);
  void set_history(const api::Columns& columns);
  /// Of a quantity that is not in the hot row and was asked for by itself.
  void set_pressure_history(const api::Columns& columns);
  [[nodiscard]] bool has_history() const { return has_history_; }
  void add_live(const api::Columns& columns);
  /// The next sample after this one does not follow the last: what lies between is missing.
  void note_interruption();

  [[nodiscard]] const std::shared_ptr<Trace>& voltage_V() const { return voltage_V_; }
  [[nodiscard]] const std::shared_ptr<Trace>& current_A() const { return current_A_; }
  [[nodiscard]] const std::shared_ptr<Trace>& temperature_degC() const { return temperature_degC_; }
  [[nodiscard]] const std::shared_ptr<Trace>& ambient_degC() const { return ambient_degC_; }
  [[nodiscard]] const std::shared_ptr<Trace>& pressure_MPa() const { return pressure_MPa_; }
  [[nodiscard]] const std::shared_ptr<Trace>& expected_voltage_V() const { return expected_voltage_V_; }
  [[nodiscard]] const std::shared_ptr<Trace>& expected_temperature_degC() const { return expected_temperature_degC_; }
  [[nodiscard]] const std::vector<api::StepView>& steps() const { return steps_; }
  [[nodiscard]] const std::vector<Missing>& missing() const { return missing_; }

  struct ChargeCurve {
    std::int64_t step_count = 0;
    std::string name;
    bool is_charge = false;
    std::shared_ptr<Trace> voltage_by_charge;  ///< V against Ah moved in the step
  };
  [[nodiscard]] const std::vector<ChargeCurve>& charge_curves() const { return charge_curves_; }

 private:
  struct Row;
  void add_row(const Row& row);
  void add_missing(const Window& window);
  struct Unplaced {
    RowPlace place;
    double voltage_V = 0;
  };
  void place_rows();
  void add_expected(const Unplaced& row, const api::StepView& step);
  void add_to_charge_curve(const Unplaced& row, const api::StepView& step);

  std::int64_t run_ = 0;
  bool has_history_ = false, is_interrupted_ = false;
  std::shared_ptr<Trace> voltage_V_, current_A_, temperature_degC_, ambient_degC_, pressure_MPa_, expected_voltage_V_,
      expected_temperature_degC_;
  ExpectedCurves expected_;
  std::vector<api::StepView> steps_;
  std::vector<Missing> missing_;
  std::vector<ChargeCurve> charge_curves_;
  std::vector<api::Columns> pending_;
  std::size_t pending_rows_ = 0;
  std::deque<Unplaced> unplaced_;  ///< rows of steps that are not known yet
};

}  // namespace cellrig::ui
