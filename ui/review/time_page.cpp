#include "ui/review/time_page.hpp"

#include <QVBoxLayout>

#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/model/seconds.hpp"
#include "ui/model/text.hpp"
#include "ui/review/record_thread.hpp"

namespace cellrig::ui {

namespace {
enum TimePaneIndex { voltage_pane, current_pane, temperature_pane, pressure_pane };

std::vector<Band> bands_of(const LoadedRun& run) {
  std::vector<Band> bands;
  int shade = 0;
  for (const db::StepInfo& step : run.steps) {
    const double from = seconds_of(step.row.started_test_time_ns);
    const std::optional<Point> last = run.traces.voltage_V->last();
    const double to = step.end ? seconds_of(step.end->ended_test_time_ns) : last ? last->x : from;
    bands.push_back({{from, to}, to_text(step.row.name), shade++ % 2});
  }
  return bands;
}

std::vector<Marker> markers_of(const LoadedRun& run) {
  std::vector<Marker> markers;
  for (const db::EventRow& event : run.events) {
    if (event.severity == db::Severity::info) continue;
    markers.push_back({seconds_of(event.test_time_ns), to_text(event.message), event.severity >= db::Severity::alarm});
  }
  return markers;
}
}  // namespace

TimePage::TimePage(RecordThread& record, QWidget* parent) : QWidget(parent), record_(record) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 8, 8, 8);
  chart_ = new TraceChart;
  chart_->add_pane({tr("Voltage"), QStringLiteral("V"), 0.01, 4});
  chart_->add_pane({tr("Current"), QStringLiteral("A"), 0.1, 3});
  chart_->add_pane({tr("Temperature"), QStringLiteral("°C"), 1, 3});
  chart_->add_pane({tr("Stack pressure"), QStringLiteral("MPa"), 0.01, 2});
  layout->addWidget(chart_);
  connect(chart_, &TraceChart::window_changed, this, &TimePage::fetch_stretch);
}

void TimePage::show_traces(const LoadedRun& run, int index, bool is_alone) {
  const Palette& p = colours();
  const QColor colour = p.series_colour(index);
  const QString mark = to_text(std::string(db::mark_of(run.info.origin)));
  const QString name =
      is_alone ? tr("measured") : tr("run %1 %2 %3").arg(run.info.run).arg(to_text(run.info.row.cell_id), mark).trimmed();
  if (is_alone && !run.traces.expected_voltage_V->is_empty()) {
    chart_->add_trace(voltage_pane, {tr("expected"), p.muted, true, false, 2}, run.traces.expected_voltage_V);
  }
  chart_->add_trace(voltage_pane, {name, colour}, run.traces.voltage_V);
  chart_->add_trace(current_pane, {is_alone ? QString() : name, is_alone ? p.series_colour(1) : colour}, run.traces.current_A);
  if (is_alone && !run.traces.expected_temperature_degC->is_empty()) {
    chart_->add_trace(temperature_pane, {tr("expected"), p.muted, true, false, 2}, run.traces.expected_temperature_degC);
  }
  chart_->add_trace(temperature_pane, {is_alone ? tr("cell") : name, is_alone ? p.series_colour(2) : colour},
                    run.traces.cell_temperature_degC);
  if (is_alone && !run.traces.ambient_temperature_degC->is_empty()) {
    chart_->add_trace(temperature_pane, {tr("ambient"), p.series_colour(5)}, run.traces.ambient_temperature_degC);
  }
  if (!run.traces.pressure_MPa->is_empty()) {
    chart_->add_trace(pressure_pane, {is_alone ? QString() : name, is_alone ? p.series_colour(3) : colour},
                      run.traces.pressure_MPa);
  }
}

void TimePage::show_runs(const std::vector<std::shared_ptr<const LoadedRun>>& runs) {
  const auto is_same = [](const auto& a, const auto& b) { return a->info.run == b->info.run; };
  // The rows of an overview have come: whoever looks at a part of it goes on looking at it.
  const bool stays = !chart_->is_following() && std::equal(runs.begin(), runs.end(), runs_.begin(), runs_.end(), is_same);
  runs_ = runs;
  chart_->clear_series();
  chart_->restyle();
  const bool is_alone = runs.size() == 1;
  bool has_pressure = false;
  int index = 0;
  for (const auto& run : runs) {
    show_traces(*run, index++, is_alone);
    has_pressure = has_pressure || !run->traces.pressure_MPa->is_empty();
  }
  chart_->set_pane_shown(pressure_pane, has_pressure);
  // Steps and events of several runs on one axis would say nothing.
  chart_->set_bands(is_alone ? bands_of(*runs.front()) : std::vector<Band>{});
  chart_->set_markers(is_alone ? markers_of(*runs.front()) : std::vector<Marker>{});
  stays ? chart_->refresh() : chart_->follow();
}

// A zoom into a stretch that was rolled up: its rows are read again, as they stand.
void TimePage::fetch_stretch(Window window) {
  if (runs_.size() != 1) return;
  const bool is_rolled_up = runs_.front()->traces.voltage_V->points_per_bucket_at(window.from) > 1;
  if (!is_rolled_up && !runs_.front()->is_thinned) return;
  // Wider than that the buckets are finer than pixels; what the service thinned out is coarser.
  const double share_of_run_max = is_rolled_up ? 0.2 : 0.7;
  const std::optional<Window> extent = runs_.front()->traces.voltage_V->extent();
  if (!extent || window.span() > share_of_run_max * extent->span()) return;
  const StretchOrder order{runs_.front()->info.run, window};
  record_.ask<std::shared_ptr<const RunTraces>>(
      this, [order](RecordSource& source, const IsCancelled& is_cancelled) { return source.stretch(order, is_cancelled); },
      [this, order](const Result<std::shared_ptr<const RunTraces>>& stretch) {
        if (!stretch || runs_.size() != 1 || runs_.front()->info.run != order.run) return;
        chart_->set_detail(runs_.front()->traces.voltage_V, (*stretch)->voltage_V);
        chart_->set_detail(runs_.front()->traces.current_A, (*stretch)->current_A);
        chart_->set_detail(runs_.front()->traces.cell_temperature_degC, (*stretch)->cell_temperature_degC);
        chart_->set_detail(runs_.front()->traces.ambient_temperature_degC, (*stretch)->ambient_temperature_degC);
        chart_->refresh();
      });
}

}  // namespace cellrig::ui
