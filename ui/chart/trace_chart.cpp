#include "ui/chart/trace_chart.hpp"

#include <QEvent>
#include <QPainter>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/chart/palette.hpp"

namespace cellrig::ui {

namespace {
constexpr double span_min_s = 0.5;
constexpr double empty_span_s = 60;
}  // namespace

TraceChart::TraceChart(QWidget* parent) : QWidget(parent) {
  layout_ = new QVBoxLayout(this);
  layout_->setContentsMargins(0, 0, 0, 0);
  layout_->setSpacing(0);
}

void TraceChart::set_x(const XSpec& x) {
  x_ = x;
  for (const Pane& p : panes_) p.view->set_time_readout(false);
  window_ = whole();
}

int TraceChart::add_pane(const PaneSpec& spec) {
  auto* view = new ChartPane({spec.quantity, spec.unit}, this);
  view->set_time_readout(!x_);
  layout_->addWidget(view, spec.stretch);
  connect(view, &ChartPane::window_requested, this, &TraceChart::show_window);
  connect(view, &ChartPane::fit_requested, this, &TraceChart::follow);
  connect(view, &ChartPane::cursor_moved, this, &TraceChart::set_cursor);
  panes_.push_back({view, spec, {}, {}});
  choose_axis_owner();
  return static_cast<int>(panes_.size()) - 1;
}

void TraceChart::add_trace(int pane, const SeriesLook& look, std::shared_ptr<const Trace> trace) {
  Pane& p = panes_.at(static_cast<std::size_t>(pane));
  const int series = p.view->add_series(look);
  p.view->set_readout(series, [trace](double x) -> std::optional<double> {
    const std::optional<Point> point = trace->nearest(x);
    if (!point) return std::nullopt;
    return point->y;
  });
  p.traces.push_back(std::move(trace));
  p.details.emplace_back();
}

void TraceChart::set_detail(const std::shared_ptr<const Trace>& trace, std::shared_ptr<const Trace> detail) {
  for (Pane& p : panes_) {
    for (std::size_t i = 0; i < p.traces.size(); ++i) {
      if (p.traces[i] == trace) p.details[i] = detail;
    }
  }
}

void TraceChart::clear_series() {
  for (Pane& p : panes_) {
    p.view->remove_all_series();
    p.traces.clear();
    p.details.clear();
  }
}

void TraceChart::set_pane_shown(int pane, bool is_shown) {
  panes_.at(static_cast<std::size_t>(pane)).view->setVisible(is_shown);
  choose_axis_owner();
}

// The lowest pane that is shown carries the numbers of the time axis.
void TraceChart::choose_axis_owner() {
  ChartPane* lowest = nullptr;
  for (const Pane& p : panes_) {
    if (!p.view->isHidden()) lowest = p.view;
  }
  const TimeUnit unit = x_ ? TimeUnit{} : time_unit_for(window_.span());
  ChartPane::Labels labels{tr("Test time"), QString::fromLatin1(unit.symbol.data(), static_cast<qsizetype>(unit.symbol.size()))};
  if (x_) labels = {x_->quantity, x_->unit};
  for (const Pane& p : panes_) {
    p.view->set_x_step_min(x_ ? x_->step_min : 0);
    p.view->set_x_axis(labels, unit, p.view == lowest);
  }
}

void TraceChart::set_bands(const std::vector<Band>& bands) {
  bool is_first = true;
  for (const Pane& p : panes_) {
    p.view->set_bands(bands, is_first && !p.view->isHidden());
    is_first = is_first && p.view->isHidden();
  }
}

void TraceChart::set_gaps(const std::vector<Gap>& gaps) {
  for (const Pane& p : panes_) p.view->set_gaps(gaps);
}

void TraceChart::set_markers(const std::vector<Marker>& markers) {
  for (const Pane& p : panes_) p.view->set_markers(markers);
}

Window TraceChart::whole() const {
  std::optional<Window> all;
  for (const Pane& p : panes_) {
    for (const auto& trace : p.traces) {
      const std::optional<Window> extent = trace->extent();
      if (!extent) continue;
      all = all ? Window{std::min(all->from, extent->from), std::max(all->to, extent->to)} : *extent;
    }
  }
  const double least = x_ ? x_->span_min : span_min_s;
  if (!all) return {0, x_ ? x_->span_min : empty_span_s};
  if (x_) *all = {all->from - x_->margin, all->to + x_->margin};
  if (all->span() < least) all->to = all->from + least;
  return *all;
}

void TraceChart::follow() {
  const bool was_following = follows_;
  follows_ = true;
  follow_span_s_ = 0;
  refresh();
  if (!was_following) Q_EMIT following_changed(true);
  Q_EMIT window_changed(window_);
}

void TraceChart::follow_last(double span_s) {
  const bool was_following = follows_;
  follows_ = true;
  follow_span_s_ = span_s;
  refresh();
  if (!was_following) Q_EMIT following_changed(true);
}

void TraceChart::show_window(Window window) {
  const Window all = whole();
  const double least = x_ ? x_->span_min : span_min_s;
  const double span = std::clamp(window.span(), least, std::max(all.span(), least));
  const double middle = (window.from + window.to) / 2;
  window_ = panned({middle - span / 2, middle + span / 2}, 0, all);
  const bool was_following = follows_;
  follows_ = window_ == all;
  follow_span_s_ = 0;
  apply_window();
  if (was_following != follows_) Q_EMIT following_changed(follows_);
  Q_EMIT window_changed(window_);
}

void TraceChart::apply_window() {
  choose_axis_owner();
  for (const Pane& p : panes_) {
    if (!p.view->isVisible()) continue;
    p.view->set_window(window_);
    for (std::size_t i = 0; i < p.traces.size(); ++i) {
      const std::optional<Window> fine = p.details[i] ? p.details[i]->extent() : std::nullopt;
      const bool is_within = fine && fine->from <= window_.from && fine->to >= window_.to;
      const Trace& trace = is_within ? *p.details[i] : *p.traces[i];
      p.view->set_points(static_cast<int>(i), trace.points(window_, p.view->columns()));
    }
    p.view->show_points(p.spec.span_min);
  }
}

void TraceChart::refresh() {
  if (follows_) {
    const Window all = whole();
    window_ = follow_span_s_ > 0 && all.span() > follow_span_s_ ? Window{all.to - follow_span_s_, all.to} : all;
  }
  if (isVisible()) apply_window();
}

void TraceChart::restyle() {
  for (const Pane& p : panes_) p.view->restyle();
}

void TraceChart::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  refresh();
}

void TraceChart::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) restyle();
}

void TraceChart::set_cursor(bool is_inside, double x) {
  for (const Pane& p : panes_) p.view->set_cursor(is_inside ? std::optional(x) : std::nullopt);
}

QPixmap TraceChart::picture() { return grab(); }

}  // namespace cellrig::ui
