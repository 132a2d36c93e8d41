#include "ui/live/run_page.hpp"

#include <QComboBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QSettings>
#include <QTabWidget>
#include <QVBoxLayout>

#include "ui/api_client/api_client.hpp"
#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/live/run_numbers.hpp"
#include "ui/model/activity_text.hpp"
#include "ui/model/bench_filter.hpp"
#include "ui/model/table_model.hpp"
#include "ui/model/table_view.hpp"
#include "ui/model/permission.hpp"
#include "ui/model/elided_label.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr int run_margin = 12, run_tick_ms = 100;
constexpr double last_minutes_s = 300;

QPushButton* order_button(const QString& text, const QString& hint) {
  auto* made = new QPushButton(text);
  made->setToolTip(hint);
  return made;
}
}  // namespace

RunPage::RunPage(ApiClient& client, BenchModel& model, QWidget* parent) : QWidget(parent), client_(client), model_(model) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(run_margin, run_margin, run_margin, run_margin);
  layout->setSpacing(8);
  make_head();
  make_body();
  connect(&model_, &BenchModel::bench_changed, this, [this] {
    const std::string shown = channel_;
    channels_->blockSignals(true);
    channels_->clear();
    std::vector<std::size_t> order = filtered(model_.channels(), {});
    for (const std::size_t i : order) channels_->addItem(to_text(model_.channels()[i].channel));
    channels_->setCurrentText(to_text(shown));
    channels_->blockSignals(false);
    if (shown.empty()) {
      if (!order.empty()) open_channel(model_.channels()[order.front()].channel);
    } else {
      show_view();
    }
  });
  connect(&model_, &BenchModel::channel_changed, this,
          [this](const std::string& channel) { is_dirty_ = is_dirty_ || channel == channel_; });
  connect(&model_, &BenchModel::samples_came, this, [this](const api::LiveSamples& samples) {
    if (samples.channel != channel_ || samples.run != data_.run()) return;
    data_.add_live(samples.columns);
    is_dirty_ = true;
  });
  connect(&client_, &ApiClient::link_changed, this, [this](LinkState link) {
    if (link == LinkState::lost) data_.note_interruption();
    if (link == LinkState::live && data_.has_history()) fetch_rows();
  });
  connect(&model_, &BenchModel::samples_dropped, this, [this](qint64) { data_.note_interruption(); });
  tick_.setInterval(run_tick_ms);
  connect(&tick_, &QTimer::timeout, this, &RunPage::tick);
  tick_.start();
}

QPushButton& RunPage::button(Order order) const {
  switch (order) {
    case Order::pause: return *pause_;
    case Order::resume: return *resume_;
    case Order::skip: return *skip_;
    case Order::stop: return *stop_;
    case Order::note: return *note_;
    case Order::confirm: return *confirm_;
    case Order::go_on: return *go_on_;
  }
  return *stop_;
}

QString RunPage::run_path(const QString& rest) const { return QStringLiteral("/runs/%1").arg(data_.run()) + rest; }

void RunPage::open_channel(const std::string& channel) {
  if (channel == channel_ && data_.has_history()) {  // what was fetched, and what somebody zoomed into, stays
    show_view();
    return;
  }
  channel_ = channel;
  channels_->blockSignals(true);
  channels_->setCurrentText(to_text(channel));
  channels_->blockSignals(false);
  data_.begin(0);
  clear_rows();
  rebuild_chart();
  show_view();
}

void RunPage::tick() {
  if (!is_dirty_ || !isVisible()) return;
  is_dirty_ = false;
  show_view();
  if (has_pressure_ != !data_.pressure_MPa()->is_empty() || has_ambient_ != !data_.ambient_degC()->is_empty() ||
      has_expected_ != !data_.expected_voltage_V()->is_empty()) {
    rebuild_chart();
  }
  // Only what is looked at costs anything.
  if (tabs_->currentIndex() == 0) {
    show_bands();
    chart_->refresh();
  } else if (tabs_->currentIndex() == 1) {
    show_charge_curves();
    charge_chart_->refresh();
  }
}

void RunPage::show_view() {
  const api::ChannelView* channel = view();
  if (channel == nullptr) return;
  const QColor colour = activity_colour(channel->state);
  badge_->setText(activity_text(channel->state));
  badge_->setStyleSheet(
      QStringLiteral("background: %1; color: %2; border-radius: 13px; padding: 4px 14px; font-size: 15px; font-weight: 700;")
          .arg(colour.name(), text_on(colour).name()));
  QStringList parts;
  for (const QString& part : {cell_text(*channel), to_text(channel->profile)}) {
    if (!part.isEmpty()) parts += part;
  }
  if (channel->run) parts += tr("run %1").arg(*channel->run);
  title_->setText(parts.isEmpty() ? tr("no cell") : parts.join(QStringLiteral(" · ")));
  title_->set_hint(to_text(channel->state_text));
  numbers_->show_channel(*channel);
  QString question = to_text(channel->asks_person);
  if (channel->trip) question = tr("%1. %2").arg(to_text(channel->trip->text), to_text(channel->trip->what_to_do));
  if (question.isEmpty() && !channel->waits_for.empty()) question = tr("Waits for %1").arg(to_text(channel->waits_for));
  if (question.isEmpty() && !is_busy(channel->state)) question = to_text(channel->reason);
  question_->setText(question);
  question_row_->setVisible(!question.isEmpty());
  confirm_->setVisible(!channel->asks_person.empty());
  go_on_->setVisible(channel->is_interrupted);
  show_buttons(*channel);
  if (channel->run && *channel->run != data_.run()) fetch_run();
  if (channel->step_count.value_or(0) != rows_of_step_ && data_.run() != 0) fetch_rows();
}

void RunPage::show_buttons(const api::ChannelView& view) {
  const bool is_running = is_busy(view.state) && view.state != api::Activity::stopping;
  const bool is_paused = view.state == api::Activity::paused;
  pause_->setVisible(!is_paused);
  resume_->setVisible(is_paused);
  const QString why_not = why_not_allowed(client_.session(), api::Role::operates);
  set_usable(*pause_, is_running, why_not);
  set_usable(*resume_, true, why_not);
  set_usable(*skip_, is_running, why_not);
  set_usable(*note_, view.run.has_value(), why_not);
  set_usable(*limits_, is_running && !view.limits.empty(), why_not);
  set_usable(*confirm_, true, why_not);
  set_usable(*go_on_, true, why_not);
  stop_->setEnabled(is_busy(view.state));  // open to every role
}

void RunPage::set_stale_since(std::optional<UtcTime> since) {
  stale_->setVisible(since.has_value());
  if (since) stale_->setText(tr("No data since %1: what is shown is old.").arg(clock_text(*since, utc_now())));
}

void RunPage::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange || charge_chart_ == nullptr) return;  // another theme
  charge_step_shown_ = -1;
  rebuild_chart();
  show_charge_curves();
  show_view();
}

void RunPage::save_layout() const { QSettings().setValue(QStringLiteral("run/tab"), tabs_->currentIndex()); }

void RunPage::restore_layout() { tabs_->setCurrentIndex(QSettings().value(QStringLiteral("run/tab"), 0).toInt()); }

void RunPage::make_head() {
  auto* row = new QHBoxLayout;
  row->setSpacing(run_margin);
  auto* back = order_button(tr("‹ &Bench"), tr("Back to all channels (Alt+Left)"));
  back->setShortcut(QKeySequence::Back);
  channels_ = new QComboBox;
  channels_->setAccessibleName(tr("Channel"));
  channels_->setMinimumContentsLength(6);
  badge_ = new QLabel;
  title_ = new ElidedLabel;
  title_->setProperty("role", QStringLiteral("title"));
  pause_ = order_button(tr("&Pause"), tr("Output off; the step goes on later"));
  resume_ = order_button(tr("&Resume"), tr("Goes on after a pause"));
  skip_ = order_button(tr("Skip st&ep"), tr("Ends this step and goes to the next"));
  limits_ = order_button(tr("&Limits…"), tr("The safety limits of this run: what is in force, and tighter ones"));
  note_ = order_button(tr("&Note…"), tr("Writes a note into the record"));
  stop_ = order_button(tr("S&top run…"), tr("Output off; the run ends"));
  stop_->setProperty("role", QStringLiteral("danger"));
  row->addWidget(back);
  row->addWidget(channels_);
  row->addWidget(badge_, 0, Qt::AlignVCenter);
  row->addWidget(title_, 1);
  for (QPushButton* made : {pause_, resume_, skip_, limits_, note_, stop_}) row->addWidget(made);
  static_cast<QVBoxLayout*>(layout())->addLayout(row);
  connect(back, &QPushButton::clicked, this, &RunPage::back_requested);
  connect(channels_, &QComboBox::currentTextChanged, this, [this](const QString& name) {
    if (!name.isEmpty()) open_channel(name.toStdString());
  });
  connect(pause_, &QPushButton::clicked, this, [this] { ask(Order::pause); });
  connect(resume_, &QPushButton::clicked, this, [this] { ask(Order::resume); });
  connect(skip_, &QPushButton::clicked, this, [this] { ask(Order::skip); });
  connect(note_, &QPushButton::clicked, this, [this] { ask(Order::note); });
  connect(limits_, &QPushButton::clicked, this, &RunPage::ask_limits);
  connect(stop_, &QPushButton::clicked, this, [this] { ask(Order::stop); });
}

void RunPage::make_body() {
  auto* column = static_cast<QVBoxLayout*>(layout());
  stale_ = new QLabel;
  stale_->setProperty("role", QStringLiteral("error"));
  stale_->hide();
  column->addWidget(stale_);
  question_row_ = new QWidget;
  auto* row = new QHBoxLayout(question_row_);
  row->setContentsMargins(0, 0, 0, 0);
  question_ = new QLabel;
  question_->setProperty("role", QStringLiteral("error"));
  question_->setWordWrap(true);
  confirm_ = order_button(tr("&Done, confirm…"), tr("Says that a person did what the step asks for"));
  row->addWidget(question_, 1);
  go_on_ = order_button(tr("&Go on…"), tr("Goes on with the run that was interrupted"));
  row->addWidget(confirm_);
  row->addWidget(go_on_);
  connect(go_on_, &QPushButton::clicked, this, [this] { ask(Order::go_on); });
  connect(confirm_, &QPushButton::clicked, this, [this] { ask(Order::confirm); });
  question_row_->hide();
  column->addWidget(question_row_);
  numbers_ = new RunNumbers;
  column->addWidget(numbers_);
  tabs_ = new QTabWidget;
  column->addWidget(tabs_, 1);
  make_live_tab();
  make_tables();
  connect(tabs_, &QTabWidget::currentChanged, this, [this](int) { is_dirty_ = true; });
}

void RunPage::make_live_tab() {
  chart_ = new TraceChart;
  chart_->add_pane({tr("Voltage"), QStringLiteral("V"), 0.01, 4});
  chart_->add_pane({tr("Current"), QStringLiteral("A"), 0.1, 3});
  chart_->add_pane({tr("Temperature"), QStringLiteral("°C"), 1, 3});
  chart_->add_pane({tr("Pressure"), QStringLiteral("MPa"), 0.01, 3});
  auto* page = new QWidget;
  auto* layout = new QVBoxLayout(page);
  layout->setContentsMargins(8, 8, 8, 8);
  auto* corner = new QWidget;
  corner->setStyleSheet(QStringLiteral("QPushButton { min-height: 42px; }"));  // with its frame as high as a tab
  auto* row = new QHBoxLayout(corner);
  row->setContentsMargins(0, 0, 0, 0);
  follow_ = order_button(tr("&Whole run"), tr("Everything so far, and what comes (Home)"));
  auto* last = order_button(tr("Last &5 min"), tr("The newest five minutes, moving along"));
  row->addWidget(last);
  row->addWidget(follow_);
  layout->addWidget(chart_, 1);
  charge_chart_ = new TraceChart;
  charge_chart_->set_x({.quantity = tr("Charge moved in the step"), .unit = QStringLiteral("Ah"), .span_min = 0.001});
  charge_chart_->add_pane({tr("Voltage"), QStringLiteral("V"), 0.01});
  auto* charge_page = new QWidget;
  auto* charge_layout = new QVBoxLayout(charge_page);
  charge_layout->setContentsMargins(8, 8, 8, 8);
  charge_layout->addWidget(charge_chart_);
  tabs_->addTab(page, tr("Live"));
  tabs_->addTab(charge_page, tr("V against Ah"));
  tabs_->setCornerWidget(corner);
  connect(follow_, &QPushButton::clicked, chart_, &TraceChart::follow);
  connect(last, &QPushButton::clicked, this, [this] { chart_->follow_last(last_minutes_s); });
  connect(chart_, &TraceChart::window_changed, this, &RunPage::fetch_stretch);
}

}  // namespace cellrig::ui
