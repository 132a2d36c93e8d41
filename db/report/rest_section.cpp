#include "db/report/rest_section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "db/analysis/curve.hpp"
#include "db/analysis/rest.hpp"

namespace cellrig::db {
namespace {

constexpr std::size_t rests_max = 20;  ///< the longest ones
constexpr double rest_min_s = 600;
constexpr double settled_share = 0.5;  ///< of a rest, after which its slope is taken: the first half relaxes
constexpr double slope_min_s = 3600;   ///< a shorter rest relaxes all the time
constexpr std::size_t rest_points_max = 1U << 16;
constexpr double short_score_shown_min = 0.05;
constexpr double relaxation_shown_s = 600;

struct RestStep {
  const StepInfo* step = nullptr;
  const StepInfo* before = nullptr;  ///< the one that carried current
  double lasts_s = 0;
};

double seconds_of(const StepInfo& step) {
  return step.end ? static_cast<double>(step.end->ended_test_time_ns - step.row.started_test_time_ns) / 1e9 : 0.0;
}

bool carries_current(const StepInfo& step) { return step.end && step.end->charge_Ah + step.end->discharge_Ah > 0; }

/// The longest, in the order of the run.
std::vector<RestStep> rests_of(const std::vector<StepInfo>& steps) {
  std::vector<RestStep> rests;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const double lasts_s = seconds_of(steps[i]);
    const bool is_rest = steps[i].row.type == "REST" && lasts_s >= rest_min_s && carries_current(steps[i - 1]);
    if (is_rest) rests.push_back({&steps[i], &steps[i - 1], lasts_s});
  }
  if (rests.size() <= rests_max) return rests;
  const auto longer = [](const RestStep& a, const RestStep& b) { return a.lasts_s > b.lasts_s; };
  std::nth_element(rests.begin(), rests.begin() + rests_max, rests.end(), longer);
  rests.resize(rests_max);
  std::sort(rests.begin(), rests.end(), [](const RestStep& a, const RestStep& b) { return a.step < b.step; });
  return rests;
}

std::string relaxation_cell(const RestStep& rest, Curve curve, double under_current_V) {
  const std::array at{std::min(relaxation_shown_s, rest.lasts_s)};
  const std::vector<RelaxationPoint> points = relaxation(Volts{under_current_V}, curve, at);
  return points.empty() ? std::string("–") : fmt::format("{:+.1f}", 1000 * points.front().change.value());
}

std::string slope_cell(const RestStep& rest, Curve curve) {
  if (rest.lasts_s < slope_min_s) return "–";
  const std::optional<SelfDischarge> found = self_discharge(curve, settled_share * rest.lasts_s);
  if (!found) return "–";
  return fmt::format("{:+.2f} ± {:.2f}", 1000 * found->slope_V_per_h, 2000 * found->slope_uncertainty_V_per_h);
}

std::string plating_cell(const RestStep& rest, Curve curve) {
  if (rest.before->end->charge_Ah <= rest.before->end->discharge_Ah) return "–";
  const std::optional<PlatingSignal> signal = plating_signal(curve);
  if (!signal) return "too short";
  if (signal->is_found)
    return fmt::format("sign at {:.0f} to {:.0f} s, contrast {:.2f} ± {:.2f}", signal->plateau_at_s, signal->peak_at_s,
                       signal->contrast, 2 * signal->contrast_uncertainty);
  if (!std::isfinite(signal->contrast_seen_from)) return "not to be told: nothing falls";
  if (signal->is_undecided()) return fmt::format("not to be told below a contrast of {:.1f}", signal->contrast_seen_from);
  return fmt::format("none; a contrast of {:.2f} would show", signal->contrast_seen_from);
}

Result<std::string> rest_table(const ReportRun& run, const std::vector<StepInfo>& steps) {
  const std::vector<RestStep> rests = rests_of(steps);
  if (rests.empty()) return std::string{};
  ReportTable table{{">step", "after", ">hours", ">relaxed / mV", ">slope / mV/h", "plated lithium"}, {}, {}};
  for (const RestStep& rest : rests) {
    const Result<LoadedCurve> before = load_curve(*run.reader, *rest.before, rest_points_max);
    const Result<LoadedCurve> loaded = load_curve(*run.reader, *rest.step, rest_points_max);
    if (!before) return before.error();
    if (!loaded) return loaded.error();
    if (before->points.empty() || loaded->points.size() < 2) continue;
    const Curve curve = loaded->points;
    table.rows.push_back(
        {std::to_string(rest.step->row.step_count), rest.before->row.name, fmt::format("{:.2f}", rest.lasts_s / 3600),
         relaxation_cell(rest, curve, before->points.back().voltage_V), slope_cell(rest, curve), plating_cell(rest, curve)});
  }
  table.note =
      "Relaxed: against the last voltage under current, after 10 min. Slope: a straight line through the second half of a rest "
      "of an hour or "
      "more, with twice its standard uncertainty; a steady fall is self-discharge or a leak. Plated lithium: -dV/dt after a "
      "charge that falls and then rises by a tenth or more, which five standard deviations tell from the voltmeter's noise and "
      "last digit; contrast: the greater over the smaller one, with twice its standard uncertainty. It is a sign, no proof.";
  if (rests.size() == rests_max) table.note += fmt::format(" At most the {} longest rests are told.", rests_max);
  return "<h2>Rests</h2>\n" + table_html(table);
}

std::string short_table(const CycleSummary& summary) {
  std::vector<std::pair<double, std::int64_t>> signs;
  for (const CycleSummaryRow& cycle : summary.cycles) {
    const auto found = cycle.figures.find(Figure::soft_short_score);
    if (found != cycle.figures.end() && found->second >= short_score_shown_min)
      signs.emplace_back(found->second, cycle.row.cycle);
  }
  std::stable_sort(signs.begin(), signs.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  ReportTable table{{">cycle", ">score, 0 to 1"}, {}, {}};
  for (const auto& [score, cycle] : signs) {
    if (table.rows.size() < rests_max) table.rows.push_back({std::to_string(cycle), fmt::format("{:.2f}", score)});
  }
  if (table.rows.empty()) return {};
  table.note = std::string(definition_of(Figure::soft_short_score).text);
  if (signs.size() > rests_max) table.note += fmt::format(" The {} worst of {} cycles.", rests_max, signs.size());
  return "<h2>Signs of a soft short</h2>\n" + table_html(table);
}

}  // namespace

Result<std::string> rests_html(const ReportRun& run) {
  const Result<std::vector<StepInfo>> steps = run.reader->steps(run.summary.info.run);
  if (!steps) return steps.error();
  const Result<std::string> rests = rest_table(run, *steps);
  if (!rests) return rests.error();
  return *rests + short_table(run.summary);
}

}  // namespace cellrig::db
