#include "db/analysis/cycle_summary.hpp"

#include <algorithm>

namespace cellrig::db {

namespace {

Result<std::map<double, double>> first_resistances(Reader& reader, RunKey run) {
  const Result<std::vector<StepMetricRow>> metrics = reader.step_metrics(run);
  if (!metrics) return metrics.error();
  std::map<double, double> out;
  StepKey step = 0;
  for (const StepMetricRow& row : *metrics) {
    if (row.metric.figure != Figure::dc_resistance_ohm) continue;
    if (step != 0 && row.step != step) break;
    step = row.step;
    out[row.metric.at] = row.metric.value;
  }
  return out;
}

void add_stored_figures(CycleSummary& summary, const std::vector<CycleMetricRow>& metrics) {
  std::map<std::int64_t, CycleSummaryRow*> by_cycle;
  for (CycleSummaryRow& cycle : summary.cycles) by_cycle[cycle.row.cycle] = &cycle;
  for (const CycleMetricRow& row : metrics) {
    const auto found = by_cycle.find(row.cycle);
    if (found == by_cycle.end()) continue;
    if (row.metric.figure == Figure::charge_time_to_share_s) {
      found->second->charge_time_to_share_s[row.metric.at] = row.metric.value;
    } else if (definition_of(row.metric.figure).at.empty()) {
      found->second->figures[row.metric.figure] = row.metric.value;
    }
  }
}

void add_life(CycleSummary& summary, const SummaryOptions& options) {
  std::vector<CycleRow> rows;
  for (const CycleSummaryRow& cycle : summary.cycles) rows.push_back(cycle.row);
  summary.capacities = capacities(rows, options.source);
  summary.reference_Ah = reference_capacity_Ah(summary.capacities, options.reference);
  Sums throughput;
  for (CycleSummaryRow& cycle : summary.cycles) {
    throughput.charge_Ah += cycle.row.charge_Ah;
    throughput.discharge_Ah += cycle.row.discharge_Ah;
    cycle.equivalent_full_cycles = equivalent_full_cycles(throughput, summary.info.row.nominal_capacity_Ah);
  }
  if (!summary.reference_Ah || !(*summary.reference_Ah > 0)) return;
  std::map<std::int64_t, double> capacity_of;
  for (const CapacityPoint& point : summary.capacities) capacity_of[point.cycle] = point.capacity_Ah;
  for (CycleSummaryRow& cycle : summary.cycles) {
    const auto found = capacity_of.find(cycle.row.cycle);
    if (found != capacity_of.end()) cycle.retention = found->second / *summary.reference_Ah;
  }
  for (std::size_t i = 0; i < end_of_life_shares.size(); ++i) {
    summary.cycles_to[i] = cycles_to(summary.capacities, *summary.reference_Ah, end_of_life_shares[i]);
  }
}

}  // namespace

Result<CycleSummary> summarise(Reader& reader, RunKey run, const SummaryOptions& options) {
  CycleSummary summary;
  Result<RunInfo> info = reader.run(run);
  if (!info) return info.error();
  summary.info = std::move(*info);
  const Result<std::vector<CycleRow>> rows = reader.cycles(run);
  if (!rows) return rows.error();
  for (const CycleRow& row : *rows) summary.cycles.push_back({row, {}, {}, {}, {}, {}});
  const Result<std::vector<CycleMetricRow>> metrics = reader.cycle_metrics(run);
  if (!metrics) return metrics.error();
  add_stored_figures(summary, *metrics);
  add_life(summary, options);
  Result<std::map<double, double>> resistances = first_resistances(reader, run);
  if (!resistances) return resistances.error();
  summary.dc_resistance_ohm = std::move(*resistances);
  if (!options.window) return summary;
  SocWindow window = *options.window;
  if (!(window.reference_Ah > 0)) window.reference_Ah = summary.info.row.nominal_capacity_Ah;
  const Result<std::vector<StepInfo>> steps = reader.steps(run);
  if (!steps) return steps.error();
  for (CycleSummaryRow& cycle : summary.cycles) {
    const Result<LoadedCurve> curve = charge_curve(reader, *steps, cycle.row.cycle);
    if (!curve) return curve.error();
    cycle.window = charge_time(curve->points, window);
  }
  return summary;
}

Result<LoadedCurve> charge_curve(Reader& reader, std::span<const StepInfo> steps, std::int64_t cycle) {
  LoadedCurve curve;
  std::vector<CurvePoint>& out = curve.points;
  double moved_Ah = 0, waited_s = 0;
  std::optional<std::int64_t> from_ns;
  std::vector<CurvePoint> rest;  // belongs to the charge only when it goes on
  for (const StepInfo& step : steps) {
    if (!step.row.in_cycle || step.row.cycle != cycle) continue;
    const bool is_charge = step.row.type.ends_with("_CHG");
    if (!is_charge && step.row.type.ends_with("_DCH")) {
      if (!out.empty()) break;
      continue;
    }
    if (!is_charge && out.empty()) continue;
    Result<LoadedCurve> part = load_curve(reader, step, curve_points_max / 4);
    if (!part) return part.error();
    curve.thinned_by = std::max(curve.thinned_by, part->thinned_by);
    if (!from_ns) from_ns = step.row.started_test_time_ns;
    const double offset_s = static_cast<double>(step.row.started_test_time_ns - *from_ns) / 1e9;
    double end_Ah = moved_Ah;
    for (CurvePoint& point : part->points) {
      point.time_s += offset_s - waited_s - point.waited_s;
      point.moved_Ah += moved_Ah;
      end_Ah = point.moved_Ah;
    }
    waited_s += part->waited_s;
    if (!is_charge) {
      rest.insert(rest.end(), part->points.begin(), part->points.end());
      continue;
    }
    if (out.empty() && !part->points.empty() && part->points.front().time_s > 0) {
      // The step began before its first row: nothing had moved then.
      CurvePoint start = part->points.front();
      start.time_s = 0;
      start.moved_Ah = 0;
      out.push_back(start);
    }
    out.insert(out.end(), rest.begin(), rest.end());
    rest.clear();
    out.insert(out.end(), part->points.begin(), part->points.end());
    moved_Ah = end_Ah;
  }
  return curve;
}

}  // namespace cellrig::db
