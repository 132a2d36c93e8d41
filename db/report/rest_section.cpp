#include "db/report/rest_section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "db/analysis/run_analysis.hpp"

namespace cellrig::db {
namespace {

constexpr std::size_t shorts_max = 20;  ///< the worst ones
constexpr double short_score_shown_min = 0.05;

std::string slope_cell(const RunRest& rest) {
  if (!rest.slope) return "–";
  return fmt::format("{:+.2f} ± {:.2f}", 1000 * rest.slope->slope_V_per_h, 2000 * rest.slope->slope_uncertainty_V_per_h);
}

std::string milliampere_cell(const std::optional<double>& current_A) {
  return current_A ? fmt::format("{:+.3g}", 1000 * *current_A) : std::string("–");
}

std::string plating_cell(const RunRest& rest) {
  if (!rest.is_after_charge()) return "–";
  const std::optional<PlatingSignal>& signal = rest.plating;
  if (!signal) return "too short";
  if (signal->is_found)
    return fmt::format("sign at {:.0f} to {:.0f} s, contrast {:.2f} ± {:.2f}", signal->plateau_at_s, signal->peak_at_s,
                       signal->contrast, 2 * signal->contrast_uncertainty);
  if (!std::isfinite(signal->contrast_seen_from)) return "not to be told: nothing falls";
  if (signal->is_undecided()) return fmt::format("not to be told below a contrast of {:.1f}", signal->contrast_seen_from);
  return fmt::format("none; a contrast of {:.2f} would show", signal->contrast_seen_from);
}

std::string rest_table(const std::vector<RunRest>& rests) {
  if (rests.empty()) return {};
  ReportTable table{{">step", "after", ">hours", ">relaxed / mV", ">slope / mV/h", ">leak by slope / mA", ">leak by charge / mA",
                     "plated lithium"},
                    {},
                    {}};
  for (const RunRest& rest : rests) {
    const std::optional<double> by_slope_A = rest.slope ? rest.slope->current_A : std::nullopt;
    table.rows.push_back(
        {std::to_string(rest.step.row.step_count), rest.before.row.name, fmt::format("{:.2f}", rest.lasts_s / 3600),
         rest.relaxed ? fmt::format("{:+.1f}", 1000 * rest.relaxed->value()) : std::string("–"), slope_cell(rest),
         milliampere_cell(by_slope_A), milliampere_cell(rest.leak_by_charge_A), plating_cell(rest)});
  }
  table.note =
      "Relaxed: against the last voltage under current, after 10 min. Slope: a straight line through the second half of a rest "
      "of an hour or "
      "more, with twice its standard uncertainty; a steady fall is self-discharge or a leak. Leak by slope: that fall times "
      "dQ/dV of the "
      "step before at this voltage, an estimate, and relaxation counts as leak while it lasts. Leak by charge: (put in before - "
      "got "
      "out after) / time, of a day or more between a charge and a discharge; what is lost without a rest is in it too. Plated "
      "lithium: "
      "-dV/dt after a "
      "charge that falls and then rises by a tenth or more, which five standard deviations tell from the voltmeter's noise and "
      "last digit; contrast: the greater over the smaller one, with twice its standard uncertainty. It is a sign, no proof.";
  if (rests.size() == run_rests_max) table.note += fmt::format(" At most the {} longest rests are told.", run_rests_max);
  return "<h2>Rests</h2>\n" + table_html(table);
}

std::string short_table(const CycleSummary& summary) {
  std::vector<std::pair<double, std::int64_t>> signs;
  const bool has_all = std::any_of(summary.cycles.begin(), summary.cycles.end(), [](const CycleSummaryRow& cycle) {
    return cycle.figures.contains(Figure::soft_short_score_of_all_signs);
  });
  const Figure figure = has_all ? Figure::soft_short_score_of_all_signs : Figure::soft_short_score;  // of older versions
  for (const CycleSummaryRow& cycle : summary.cycles) {
    const auto found = cycle.figures.find(figure);
    if (found != cycle.figures.end() && found->second >= short_score_shown_min)
      signs.emplace_back(found->second, cycle.row.cycle);
  }
  std::stable_sort(signs.begin(), signs.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  ReportTable table{{">cycle", ">score, 0 to 1"}, {}, {}};
  for (const auto& [score, cycle] : signs) {
    if (table.rows.size() < shorts_max) table.rows.push_back({std::to_string(cycle), fmt::format("{:.2f}", score)});
  }
  if (table.rows.empty()) return {};
  table.note = std::string(definition_of(figure).text);
  if (signs.size() > shorts_max) table.note += fmt::format(" The {} worst of {} cycles.", shorts_max, signs.size());
  return "<h2>Signs of a soft short</h2>\n" + table_html(table);
}

}  // namespace

Result<std::string> rests_html(const ReportRun& run) {
  const Result<std::vector<RunRest>> rests = rests_of(*run.reader, run.summary.info.run);
  if (!rests) return rests.error();
  return rest_table(*rests) + short_table(run.summary);
}

}  // namespace cellrig::db
