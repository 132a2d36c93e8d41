// Voltage against charge, and dQ/dV, of one direction of one cycle. Pure: no Qt.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "db/analysis/curve.hpp"
#include "ui/chart/trace.hpp"

namespace cellrig::ui {

struct CycleCurve {
  db::RunKey run = 0;
  std::int64_t cycle = 0;
  bool is_charge = false;
  std::shared_ptr<Trace> voltage_by_charge;  ///< V against Ah moved since this direction began
  std::shared_ptr<Trace> dq_dv;              ///< Ah/V against V; of the step that moved most
  std::string resampling;                    ///< how dQ/dV was computed, in words
  std::string thinning;                      ///< which rows it is made from, in words; empty: all of them
};
struct CurveOrder {
  db::RunKey run = 0;
  std::vector<std::int64_t> cycles;
  double voltage_step_V = 0.01;  ///< bin of dQ/dV
  std::size_t smoothed_over = 5;
};

/// True: this step is part of that direction of that cycle.
[[nodiscard]] bool is_part_of(const db::StepInfo& step, std::int64_t cycle, bool is_charge);

class CycleCurveBuilder {
 public:
  CycleCurveBuilder(const CurveOrder& order, std::int64_t cycle, bool is_charge);
  /// In the order of time. The points of one step, whose charge counts from its start. `thinning`: which of its rows they are, in words; empty:
  /// all of them.
  void add_step(const std::vector<db::CurvePoint>& points, const std::string& thinning);
  [[nodiscard]] bool is_empty() const { return curve_.voltage_by_charge->is_empty(); }
  [[nodiscard]] const CycleCurve& curve() const { return curve_; }

 private:
  double voltage_step_V_ = 0;
  std::size_t smoothed_over_ = 1;
  double moved_before_Ah_ = 0, most_moved_Ah_ = 0;
  CycleCurve curve_;
};

}  // namespace cellrig::ui
