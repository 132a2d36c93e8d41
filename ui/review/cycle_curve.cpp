#include "ui/review/cycle_curve.hpp"

#include <cmath>
#include <optional>

#include "db/analysis/differential.hpp"

namespace cellrig::ui {

namespace {
constexpr Trace::Capacity curve_capacity{.recent_points = std::size_t{1} << 14, .history_buckets = std::size_t{1} << 12};

std::shared_ptr<Trace> curve_trace() { return std::make_shared<Trace>(curve_capacity); }
}  // namespace

// Types of the Battery Data Format: CC_CHG, CCCV_CHG, CP_DCH, ...
bool is_part_of(const db::StepInfo& step, std::int64_t cycle, bool is_charge) {
  return step.row.cycle == cycle && step.row.in_cycle && step.row.type.ends_with(is_charge ? "_CHG" : "_DCH");
}

CycleCurveBuilder::CycleCurveBuilder(const CurveOrder& order, std::int64_t cycle, bool is_charge)
    : voltage_step_V_(order.voltage_step_V),
      smoothed_over_(order.smoothed_over),
      curve_{order.run, cycle, is_charge, curve_trace(), curve_trace(), {}, {}} {}

void CycleCurveBuilder::add_step(const std::vector<db::CurvePoint>& points, const std::string& thinning) {
  if (!thinning.empty()) curve_.thinning = thinning;
  double moved_Ah = 0;
  for (const db::CurvePoint& p : points) {
    moved_Ah = std::abs(p.moved_Ah);
    curve_.voltage_by_charge->append({moved_before_Ah_ + moved_Ah, p.voltage_V});
  }
  moved_before_Ah_ += moved_Ah;
  if (moved_Ah <= most_moved_Ah_) return;
  most_moved_Ah_ = moved_Ah;
  curve_.dq_dv = curve_trace();
  const std::optional<db::Differential> differential =
      db::dq_dv(points, {.voltage_step_V = voltage_step_V_, .smoothed_over = smoothed_over_});
  if (!differential) return;
  for (const db::DifferentialPoint& p : differential->points) curve_.dq_dv->append({p.at, p.value});
  curve_.resampling = differential->resampling;
}

}  // namespace cellrig::ui
