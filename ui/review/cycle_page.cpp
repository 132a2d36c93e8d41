#include "ui/review/cycle_page.hpp"

#include <QVBoxLayout>

#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/model/seconds.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
enum CyclePaneIndex { capacity_pane, retention_pane, efficiency_pane, time_pane };
constexpr Trace::Capacity cycle_capacity{.recent_points = std::size_t{1} << 14, .history_buckets = std::size_t{1} << 12};

/// Cycles whose figure is known, against the cycle.
template <class Figure>
std::shared_ptr<Trace> against_cycle(const std::vector<db::CycleRow>& cycles, Figure figure) {
  auto trace = std::make_shared<Trace>(cycle_capacity);
  for (const db::CycleRow& cycle : cycles) {
    const std::optional<double> value = figure(cycle);
    if (value) trace->append({static_cast<double>(cycle.cycle), *value});
  }
  return trace;
}

/// Retention as it was measured; where no cycle measured a reference, the discharged capacity against the first cycle's.
std::shared_ptr<Trace> retention_of(const std::vector<db::CycleRow>& cycles) {
  std::shared_ptr<Trace> measured = against_cycle(cycles, [](const db::CycleRow& c) -> std::optional<double> {
    if (!c.retention) return std::nullopt;
    return *c.retention * 100;
  });
  if (!measured->is_empty() || cycles.empty() || !(cycles.front().discharge_Ah > 0)) return measured;
  const double first = cycles.front().discharge_Ah;
  return against_cycle(cycles, [first](const db::CycleRow& c) -> std::optional<double> { return c.discharge_Ah / first * 100; });
}
}  // namespace

CyclePage::CyclePage(QWidget* parent) : QWidget(parent) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 8, 8, 8);
  chart_ = new TraceChart;
  chart_->set_x({.quantity = tr("Cycle"), .unit = {}, .span_min = 1, .step_min = 1, .margin = 0.5});
  chart_->add_pane({tr("Capacity"), QStringLiteral("Ah"), 0.02});
  chart_->add_pane({tr("Retention"), QStringLiteral("%"), 0.5});
  chart_->add_pane({tr("Efficiency"), QStringLiteral("%"), 0.5});
  chart_->add_pane({tr("Charge time"), QStringLiteral("min"), 1});
  layout->addWidget(chart_);
}

void CyclePage::show_runs(const std::vector<std::shared_ptr<const LoadedRun>>& runs) {
  chart_->clear_series();
  chart_->restyle();
  const bool is_alone = runs.size() == 1;
  int index = 0;
  for (const auto& run : runs) {
    const auto& cycles = run->cycles;
    const QColor colour = colours().series_colour(index), second = is_alone ? colours().series_colour(1) : colour;
    const QString name = is_alone ? QString() : tr("run %1 %2 ").arg(run->info.run).arg(to_text(run->info.row.cell_id));
    const auto look = [&](const QString& what, const QColor& c, bool is_dashed) {
      return SeriesLook{(name + what).trimmed(), c, is_dashed, true, 2};
    };
    chart_->add_trace(capacity_pane, look(tr("discharge"), colour, false),
                      against_cycle(cycles, [](const db::CycleRow& c) { return std::optional<double>(c.discharge_Ah); }));
    chart_->add_trace(capacity_pane, look(tr("charge"), second, true),
                      against_cycle(cycles, [](const db::CycleRow& c) { return std::optional<double>(c.charge_Ah); }));
    chart_->add_trace(retention_pane, look({}, colour, false), retention_of(cycles));
    const auto percent = [](std::optional<double> share) { return share ? std::optional<double>(*share * 100) : std::nullopt; };
    chart_->add_trace(efficiency_pane, look(tr("coulombic"), colour, false),
                      against_cycle(cycles, [&](const db::CycleRow& c) { return percent(c.coulombic_efficiency); }));
    chart_->add_trace(efficiency_pane, look(tr("energy"), second, true),
                      against_cycle(cycles, [&](const db::CycleRow& c) { return percent(c.energy_efficiency); }));
    chart_->add_trace(time_pane, look({}, colour, false), against_cycle(cycles, [](const db::CycleRow& c) {
                        return std::optional<double>(c.charge_time_s / s_per_min);
                      }));
    ++index;
  }
  chart_->follow();
}

}  // namespace cellrig::ui
