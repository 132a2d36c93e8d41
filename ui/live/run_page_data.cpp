// The run page: what it fetches, and how that becomes curves and tables.
#include <QHeaderView>
#include <QTabWidget>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "ui/api_client/api_client.hpp"
#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/live/run_page.hpp"
#include "ui/model/activity_text.hpp"
#include "ui/model/table_model.hpp"
#include "ui/model/table_view.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {

enum RunPaneIndex { run_voltage, run_current, run_temperature, run_pressure };
constexpr int history_points = 4000;
constexpr std::size_t steps_of_page = 10'000;  // as many as the service gives at once

TableColumn optional_number(const QString& title, int decimals, std::function<std::optional<double>(int)> value) {
  return {title,
          [value, decimals](int row) { return number_text(value(row), decimals); },
          [value](int row) { return QVariant(value(row).value_or(-1e300)); },
          true,
          {}};
}

QString reason_of(const api::StepView& step) {
  if (!step.ended_test_time_s) return RunPage::tr("goes on");
  return step.condition.empty() ? to_text(step.reason) : to_text(step.reason) + QStringLiteral(": ") + to_text(step.condition);
}

}  // namespace

// Together with the data: the tables show what is there by its place.
void RunPage::clear_rows() {
  ++steps_asked_;  // what is on its way is of another run
  is_fetching_steps_ = are_steps_stale_ = false;
  rows_of_step_ = -1;
  events_.clear();
  event_model_->set_row_count(0);
  step_model_->set_row_count(0);
}

void RunPage::fetch_run() {
  const api::ChannelView* channel = view();
  if (channel == nullptr || !channel->run) return;
  const std::int64_t run = *channel->run;
  data_.begin(run);
  clear_rows();
  rebuild_chart();
  chart_->follow();
  // In this order: the expectation of a row needs its step.
  client_.get<std::vector<api::ExpectedCurveView>>(run_path(QStringLiteral("/expected")), this, [this, run](const auto& curves) {
    if (curves && run == data_.run()) data_.set_expected(*curves);
  });
  const auto newest = channel->step_count.value_or(0);
  fetch_steps(std::max<std::int64_t>(0, newest - static_cast<std::int64_t>(RunData::steps_max)), [this, run] {
    const QString query = QStringLiteral("/samples?points=%1&quantities=%2");
    const QString hot = QStringLiteral(
        "voltage_V,current_A,cell_temperature_degC,ambient_temperature_degC,step_charge_Ah,step_discharge_Ah,"
        "step_time_s,step_count");
    client_.get<api::SamplesView>(run_path(query.arg(QString::number(history_points), hot)), this,
                                  [this, run](const auto& samples) {
                                    if (run != data_.run()) return;
                                    data_.set_history(samples ? samples->columns : api::Columns{});
                                    is_dirty_ = true;
                                  });
    client_.get<api::SamplesView>(run_path(query.arg(QString::number(history_points), QStringLiteral("stack_pressure_MPa"))),
                                  this, [this, run](const auto& samples) {
                                    if (!samples || run != data_.run()) return;
                                    data_.set_pressure_history(samples->columns);
                                    rebuild_chart();
                                  });
  });
}

void RunPage::fetch_steps(std::int64_t after, const std::function<void()>& done) {
  is_fetching_steps_ = true;
  const QString path = run_path(QStringLiteral("/steps?limit=%1&after=%2").arg(steps_of_page).arg(after));
  client_.get<std::vector<api::StepView>>(
      path, this, [this, asked = steps_asked_, after, done](const Answer<std::vector<api::StepView>>& page) {
        if (asked != steps_asked_) return;
        is_fetching_steps_ = false;
        if (!page) return;  // the next step asks again
        data_.add_steps(*page);
        step_model_->set_row_count(static_cast<int>(data_.steps().size()));  // at once: its rows are these
        if (page->size() < steps_of_page) {
          done();
          if (are_steps_stale_) fetch_step_rows();
          return;
        }
        // An interruption makes several parts of one execution: the last one of a full page may have more of them.
        const std::int64_t last = page->back().step_count;
        fetch_steps(last - 1 > after ? last - 1 : last, done);
      });
}

void RunPage::fetch_rows() {
  const api::ChannelView* channel = view();
  rows_of_step_ = channel == nullptr ? -1 : channel->step_count.value_or(0);
  const std::int64_t run = data_.run();
  if (run == 0) return;
  fetch_step_rows();
  client_.get<std::vector<api::EventView>>(run_path(QStringLiteral("/events?limit=500")), this, [this, run](const auto& events) {
    if (!events || run != data_.run()) return;
    event_model_->set_row_count(0);
    events_ = *events;
    event_model_->set_row_count(static_cast<int>(events_.size()));
    event_table_->resizeColumnsToContents();
    is_dirty_ = true;
  });
}

// One chain of pages at a time: two would take each other's rows away.
void RunPage::fetch_step_rows() {
  are_steps_stale_ = is_fetching_steps_;
  if (are_steps_stale_) return;
  const std::int64_t known = data_.steps().empty()
                                 ? rows_of_step_ - static_cast<std::int64_t>(RunData::steps_max)
                                 : data_.steps().back().step_count - 1;  // how the latest one ended, and what came then
  fetch_steps(std::max<std::int64_t>(0, known), [this] {
    step_model_->set_row_count(0);
    step_model_->set_row_count(static_cast<int>(data_.steps().size()));
    step_table_->resizeColumnsToContents();
    step_table_->scrollToBottom();
    is_dirty_ = true;
  });
}

// Zoomed in further than the history is fine: the service has the rows.
void RunPage::fetch_stretch(Window window) {
  const std::optional<Window> extent = data_.voltage_V()->extent();
  if (data_.run() == 0 || !extent || window.span() > 0.5 * extent->span()) return;
  const std::int64_t run = data_.run();
  const QString query =
      QStringLiteral("/samples?from_s=%1&to_s=%2&points=%3&quantities=voltage_V,current_A,cell_temperature_degC")
          .arg(window.from, 0, 'f', 3)
          .arg(window.to, 0, 'f', 3)
          .arg(2 * chart_->pane(0).columns());
  client_.get<api::SamplesView>(run_path(query), this, [this, run, window](const Answer<api::SamplesView>& samples) {
    if (!samples || run != data_.run() || !(chart_->window() == window)) return;
    RunData fine;
    fine.begin(run);
    fine.set_history(samples->columns);
    chart_->set_detail(data_.voltage_V(), fine.voltage_V());
    chart_->set_detail(data_.current_A(), fine.current_A());
    chart_->set_detail(data_.temperature_degC(), fine.temperature_degC());
    is_dirty_ = true;
  });
}

void RunPage::rebuild_chart() {
  const Palette& p = colours();
  has_pressure_ = !data_.pressure_MPa()->is_empty();
  has_ambient_ = !data_.ambient_degC()->is_empty();
  has_expected_ = !data_.expected_voltage_V()->is_empty();
  chart_->clear_series();
  chart_->restyle();
  if (has_expected_) {
    chart_->add_trace(run_voltage, {tr("expected"), p.muted, true, false, 2}, data_.expected_voltage_V());
    chart_->add_trace(run_temperature, {tr("expected"), p.muted, true, false, 2}, data_.expected_temperature_degC());
  }
  chart_->add_trace(run_voltage, {tr("measured"), p.series_colour(0)}, data_.voltage_V());
  chart_->add_trace(run_current, {{}, p.series_colour(1)}, data_.current_A());
  chart_->add_trace(run_temperature, {tr("cell"), p.series_colour(2)}, data_.temperature_degC());
  if (has_ambient_) chart_->add_trace(run_temperature, {tr("ambient"), p.series_colour(5)}, data_.ambient_degC());
  if (has_pressure_) chart_->add_trace(run_pressure, {{}, p.series_colour(3)}, data_.pressure_MPa());
  chart_->set_pane_shown(run_pressure, has_pressure_);
  chart_->refresh();
}

void RunPage::show_bands() {
  std::vector<Band> bands;
  const double now = data_.voltage_V()->last() ? data_.voltage_V()->last()->x : 0;
  int shade = 0;
  for (const api::StepView& step : data_.steps()) {
    bands.push_back({{step.started_test_time_s, step.ended_test_time_s.value_or(now)}, to_text(step.name), shade++ % 2});
  }
  chart_->set_bands(bands);
  std::vector<Marker> markers;
  // All of them: a note or a pause explains a curve as well as a fault does. The gravest first, whose words are shown where several meet.
  std::vector<const api::EventView*> gravest_first;
  for (const api::EventView& event : events_) gravest_first.push_back(&event);
  std::stable_sort(gravest_first.begin(), gravest_first.end(),
                   [](const api::EventView* a, const api::EventView* b) { return a->severity > b->severity; });
  for (const api::EventView* event : gravest_first)
    markers.push_back({event->test_time_s, to_text(event->text), event->severity >= api::AlarmSeverity::alarm});
  chart_->set_markers(markers);
  std::vector<Gap> gaps;
  for (const Missing& missing : data_.missing()) gaps.push_back({missing.window, tr("no data")});
  chart_->set_gaps(gaps);
}

void RunPage::show_charge_curves() {
  const auto& curves = data_.charge_curves();
  const std::int64_t newest = curves.empty() ? -1 : curves.back().step_count;
  if (curves.size() == charge_curves_shown_ && newest == charge_step_shown_) return;
  charge_curves_shown_ = curves.size();
  charge_step_shown_ = newest;
  charge_chart_->clear_series();
  charge_chart_->restyle();
  int colour = 0;
  for (const RunData::ChargeCurve& curve : curves) {
    charge_chart_->add_trace(
        0, {tr("%1 %2").arg(curve.step_count).arg(to_text(curve.name)), colours().series_colour(colour++), !curve.is_charge},
        curve.voltage_by_charge);
  }
}

void RunPage::make_tables() {
  const auto step = [this](int row) -> const api::StepView& { return data_.steps()[static_cast<std::size_t>(row)]; };
  const auto lasted = [step](int r) {
    return step(r).ended_test_time_s ? *step(r).ended_test_time_s - step(r).started_test_time_s : std::nan("");
  };
  step_model_ = new TableModel(
      {optional_number(tr("No."), 0, [step](int r) { return std::optional<double>(static_cast<double>(step(r).step_count)); }),
       optional_number(tr("Cycle"), 0, [step](int r) { return std::optional<double>(static_cast<double>(step(r).cycle)); }),
       {tr("Step"), [step](int r) { return to_text(step(r).name); }, {}, false, {}},
       {tr("Set-point"), [step](int r) { return to_text(step(r).setpoint); }, {}, false, {}},
       {tr("Lasted"),
        [lasted](int r) { return duration_text(lasted(r)); },
        [lasted](int r) { return QVariant(lasted(r)); },
        true,
        {}},
       {tr("Ended by"), [step](int r) { return reason_of(step(r)); }, {}, false, {}},
       optional_number(tr("Value"), 4, [step](int r) { return step(r).value; }),
       optional_number(tr("Margin"), 4, [step](int r) { return step(r).margin; }),
       optional_number(tr("Ah in"), 4, [step](int r) { return step(r).charge_Ah; }),
       optional_number(tr("Ah out"), 4, [step](int r) { return step(r).discharge_Ah; })},
      this);
  const auto event = [this](int row) -> const api::EventView& { return events_[static_cast<std::size_t>(row)]; };
  const auto grave = [event](int r) -> std::optional<QColor> {
    if (event(r).severity >= api::AlarmSeverity::alarm) return colours().alarm;
    return std::nullopt;
  };
  event_model_ = new TableModel({{tr("Test time"),
                                  [event](int r) { return duration_text(event(r).test_time_s); },
                                  [event](int r) { return QVariant(event(r).test_time_s); },
                                  true,
                                  {}},
                                 {tr("Severity"), [event](int r) { return alarm_severity_text(event(r).severity); },
                                  [event](int r) { return QVariant(static_cast<int>(event(r).severity)); }, false, grave},
                                 {tr("Kind"), [event](int r) { return to_text(event(r).kind); }, {}, false, {}},
                                 {tr("What happened"), [event](int r) { return to_text(event(r).text); }, {}, false, {}}},
                                this);
  const auto add = [this](TableView*& table, TableModel* model, const QString& title, const QString& name) {
    table = new TableView;
    table->setAccessibleName(name);
    table->show_model(model);
    auto* page = new QWidget;
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(8, 8, 8, 8);
    layout->addWidget(table);
    tabs_->addTab(page, title);
  };
  add(step_table_, step_model_, tr("Steps"), tr("Steps and why they ended"));
  add(event_table_, event_model_, tr("Events"), tr("Events"));
}

}  // namespace cellrig::ui
