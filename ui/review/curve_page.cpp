#include "ui/review/curve_page.hpp"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/model/choice.hpp"
#include "ui/model/text.hpp"
#include "ui/review/record_thread.hpp"

namespace cellrig::ui {

namespace {
constexpr std::size_t cycles_at_first = 4;  ///< and of several runs fewer: no colour twice
constexpr std::size_t series_colours = 7;
constexpr std::size_t cycles_shown_max = 24;  ///< of a run; more lines than that cannot be told apart
enum Direction { both, charge, discharge };

std::vector<std::int64_t> cycles_in(const LoadedRun& run) {
  std::vector<std::int64_t> cycles;
  for (const db::CycleRow& cycle : run.cycles) cycles.push_back(cycle.cycle);
  return cycles;
}
}  // namespace

CurvePage::CurvePage(RecordThread& record, QWidget* parent) : QWidget(parent), record_(record) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 8, 8, 8);
  auto* row = new QHBoxLayout;
  cycles_ = new QLineEdit;
  cycles_->setPlaceholderText(tr("1, 10, 50-60"));
  cycles_->setAccessibleName(tr("Cycles to show"));
  cycles_->setMaximumWidth(320);
  auto* cycles_label = new QLabel(tr("&Cycles"));
  cycles_label->setBuddy(cycles_);
  direction_ = new QComboBox;
  direction_->addItems({tr("charge and discharge"), tr("charge"), tr("discharge")});
  direction_->setAccessibleName(tr("Direction"));
  note_ = new QLabel;
  note_->setProperty("role", QStringLiteral("caption"));
  note_->setWordWrap(true);
  row->addWidget(cycles_label);
  row->addWidget(cycles_);
  row->addWidget(direction_);
  row->addWidget(note_, 1);
  layout->addLayout(row);
  auto* charts = new QHBoxLayout;
  voltage_chart_ = new TraceChart;
  voltage_chart_->set_x({.quantity = tr("Charge moved"), .unit = QStringLiteral("Ah"), .span_min = 0.001});
  voltage_chart_->add_pane({tr("Voltage"), QStringLiteral("V"), 0.01});
  differential_chart_ = new TraceChart;
  differential_chart_->set_x({.quantity = tr("Voltage"), .unit = QStringLiteral("V"), .span_min = 0.001});
  differential_chart_->add_pane({tr("dQ/dV"), QStringLiteral("Ah/V"), 0.01});
  charts->addWidget(voltage_chart_, 1);
  charts->addWidget(differential_chart_, 1);
  layout->addLayout(charts, 1);
  connect(cycles_, &QLineEdit::textEdited, this, [this] { is_own_choice_ = true; });
  connect(cycles_, &QLineEdit::editingFinished, this, &CurvePage::fetch);
  connect(direction_, &QComboBox::currentIndexChanged, this, [this](int) { paint_curves(); });
}

QString CurvePage::note() const { return note_->text(); }

void CurvePage::show_runs(const std::vector<std::shared_ptr<const LoadedRun>>& runs) {
  if (runs == runs_ && !is_stale_) return paint_curves();  // in other colours
  runs_ = runs;
  std::vector<std::int64_t> longest;
  for (const auto& run : runs) {
    if (run->cycles.size() > longest.size()) longest = cycles_in(*run);
  }
  const std::size_t share = series_colours / std::max<std::size_t>(runs.size(), 1);
  const std::size_t at_first = std::clamp<std::size_t>(share, 1, cycles_at_first);
  if (!is_own_choice_ || chosen_cycles(cycles_->text().toStdString(), longest).empty()) {
    cycles_->setText(QString::fromStdString(spread_choice(longest, at_first)));
  }
  fetch();
}

void CurvePage::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  if (is_stale_) fetch();
}

/// Every row of the cycles is read for it: not for a page that nobody looks at.
void CurvePage::fetch() {
  const int question = ++asked_;
  curves_.clear();
  is_stale_ = !isVisible();
  if (is_stale_) return;
  paint_curves();
  for (const auto& run : runs_) {
    CurveOrder order{run->info.run, chosen_cycles(cycles_->text().toStdString(), cycles_in(*run))};
    if (order.cycles.size() > cycles_shown_max) order.cycles.resize(cycles_shown_max);
    if (order.cycles.empty()) continue;
    record_.ask<std::vector<CycleCurve>>(
        this, [order](RecordSource& source, const IsCancelled& is_cancelled) { return source.curves(order, is_cancelled); },
        [this, question](const Result<std::vector<CycleCurve>>& curves) {
          if (question != asked_) return;
          if (!curves) {
            note_->setText(to_text(curves.error().what));
            return;
          }
          curves_.insert(curves_.end(), curves->begin(), curves->end());
          paint_curves();
        });
  }
}

void CurvePage::paint_curves() {
  voltage_chart_->clear_series();
  differential_chart_->clear_series();
  voltage_chart_->restyle();
  differential_chart_->restyle();
  const int direction = direction_->currentIndex();
  int colour = -1, shown = 0;
  std::pair<db::RunKey, std::int64_t> previous{-1, -1};
  QString resampling, thinning;
  for (const CycleCurve& curve : curves_) {
    if ((direction == charge && !curve.is_charge) || (direction == discharge && curve.is_charge)) continue;
    const std::pair<db::RunKey, std::int64_t> key{curve.run, curve.cycle};
    if (key != previous) ++colour;
    previous = key;
    QString name = tr("cycle %1").arg(curve.cycle);
    if (runs_.size() > 1) name = tr("run %1 cycle %2").arg(curve.run).arg(curve.cycle);
    const bool is_second_of_pair = direction == both && !curve.is_charge;  // its colour is named already
    const SeriesLook look{is_second_of_pair ? QString() : name, colours().series_colour(colour),
                          !curve.is_charge && direction == both, false, 2};
    voltage_chart_->add_trace(0, look, curve.voltage_by_charge);
    differential_chart_->add_trace(0, look, curve.dq_dv);
    if (!curve.resampling.empty()) resampling = to_text(curve.resampling);
    if (!curve.thinning.empty() && thinning.isEmpty())
      thinning = tr("Thinned out: cycle %1 %2.").arg(curve.cycle).arg(to_text(curve.thinning));
    ++shown;
  }
  if (direction == both) resampling = tr("Solid: charge, dashed: discharge. dQ/dV: %1.").arg(resampling);
  if (!thinning.isEmpty()) resampling += (resampling.isEmpty() ? QString() : QStringLiteral(" ")) + thinning;
  note_->setText(shown == 0 ? tr("No such cycle in the runs that are chosen.") : resampling);
  voltage_chart_->follow();
  differential_chart_->follow();
  Q_EMIT curves_shown(shown);
}

}  // namespace cellrig::ui
