#include "ui/main_window.hpp"

#include <QActionGroup>
#include <QApplication>
#include <QCloseEvent>
#include <QDeadlineTimer>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QSettings>
#include <QStackedWidget>
#include <QVBoxLayout>
#include <utility>

#include "ui/dialogs/start_page.hpp"
#include "ui/live/alarm_panel.hpp"
#include "ui/live/bench_view.hpp"
#include "ui/live/run_page.hpp"
#include "ui/live/stop_notice.hpp"
#include "ui/model/activity_text.hpp"
#include "ui/model/permission.hpp"
#include "ui/model/text.hpp"
#include "ui/review/review_view.hpp"

namespace cellrig::ui {

namespace {
constexpr int window_margin = 12, message_shown_ms = 15'000, stop_width = 210, stop_height = 52;
constexpr QSize first_size{1280, 800};

QPushButton* page_tab(const QString& text, const QString& shortcut) {
  auto* made = new QPushButton(text);
  made->setProperty("role", QStringLiteral("tab"));
  made->setCheckable(true);
  made->setAutoExclusive(true);
  made->setShortcut(QKeySequence(shortcut));
  made->setToolTip(shortcut);
  return made;
}
}  // namespace

MainWindow::MainWindow(QWidget* parent) : QMainWindow(parent), model_(client_) {
  setWindowTitle(QStringLiteral("cellrig"));
  auto* middle = new QWidget;
  auto* layout = new QVBoxLayout(middle);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(make_top());
  auto* notices = new QVBoxLayout;
  notices->setContentsMargins(window_margin, 0, window_margin, 0);
  alarm_panel_ = new AlarmPanel;
  message_ = new QLabel;
  message_->setWordWrap(true);
  message_->hide();
  stop_notice_ = new StopNotice;
  notices->addWidget(stop_notice_);
  notices->addWidget(alarm_panel_);
  notices->addWidget(message_);
  layout->addLayout(notices);
  make_pages();
  layout->addWidget(pages_, 1);
  setCentralWidget(middle);
  connect(&client_, &ApiClient::link_changed, this, &MainWindow::show_link);
  connect(&client_, &ApiClient::misunderstood, this,
          [this](const QString& what) { say(tr("The service said what this window does not understand: %1").arg(what), true); });
  connect(&client_, &ApiClient::session_changed, this, &MainWindow::show_session);
  connect(&client_, &ApiClient::trouble_changed, this, &MainWindow::show_link);
  connect(&client_, &ApiClient::sign_in_refused, this, [this](const QString& why) {
    if (!address_.user.isEmpty()) ask_password(why);
  });
  connect(&client_, &ApiClient::stop_heard, stop_notice_, &StopNotice::hear);
  // Whoever was told of one stop was told of no other, and of no later one at the same place.
  connect(&client_, &ApiClient::stop_heard, this, [this] { told_of_stops_ &= client_.open_stops(); });
  connect(&model_, &BenchModel::bench_changed, this, &MainWindow::show_bench);
  connect(&model_, &BenchModel::alarms_changed, this, [this] { alarm_panel_->show_alarms(model_.alarms()); });
  connect(alarm_panel_, &AlarmPanel::acknowledge_requested, this, &MainWindow::acknowledge);
  connect(bench_view_, &BenchView::chamber_stop_requested, this, &MainWindow::stop_chamber);
  message_timer_.setSingleShot(true);
  message_timer_.setInterval(message_shown_ms);
  connect(&message_timer_, &QTimer::timeout, message_, &QWidget::hide);
  qApp->installEventFilter(this);
  resize(first_size);
  restore_layout();
  show_link();
  show_page(Page::bench);
  is_made_ = true;
}

MainWindow::~MainWindow() {
  qApp->removeEventFilter(this);
  client_.disconnect_from();  // as long as the model is there: the pages look at it once more
}

QWidget* MainWindow::make_top() {
  auto* top = new QWidget;
  auto* row = new QHBoxLayout(top);
  row->setContentsMargins(window_margin, 8, window_margin, 8);
  row->setSpacing(8);
  bench_label_ = new QLabel(QStringLiteral("cellrig"));
  bench_label_->setProperty("role", QStringLiteral("title"));
  simulated_ = new QLabel(tr("SIMULATED"));
  simulated_->setStyleSheet(
      QStringLiteral("background: #E69F00; color: black; border-radius: 6px; padding: 4px 10px; font-weight: 700;"));
  simulated_->hide();
  link_ = new QLabel;
  link_->setAccessibleName(tr("Link to the bench service"));
  bench_button_ = page_tab(tr("Bench"), QStringLiteral("Ctrl+1"));
  run_button_ = page_tab(tr("Run"), QStringLiteral("Ctrl+2"));
  start_button_ = page_tab(tr("Start"), QStringLiteral("Ctrl+3"));
  review_button_ = page_tab(tr("Review"), QStringLiteral("Ctrl+4"));
  auto* menu = new QPushButton(tr("&View"));
  make_menu(*menu);
  stop_button_ = new QPushButton(tr("STOP ALL  (F12)"));
  stop_button_->setProperty("role", QStringLiteral("emergency"));
  stop_button_->setMinimumSize(stop_width, stop_height);
  stop_button_->setToolTip(tr("Emergency stop: every output of the bench off, at once (F12 or Pause)"));
  stop_button_->setAccessibleName(tr("Emergency stop: every output off"));
  stop_button_->setAutoDefault(false);
  row->addWidget(bench_label_);
  row->addWidget(simulated_, 0, Qt::AlignVCenter);
  for (QPushButton* made : {bench_button_, run_button_, start_button_, review_button_}) row->addWidget(made);
  row->addStretch(1);
  row->addWidget(link_);
  row->addWidget(menu);
  row->addWidget(stop_button_);
  connect(stop_button_, &QPushButton::clicked, this, &MainWindow::emergency_stop);
  connect(bench_button_, &QPushButton::clicked, this, [this] { show_page(Page::bench); });
  connect(run_button_, &QPushButton::clicked, this, [this] { show_page(Page::run); });
  connect(start_button_, &QPushButton::clicked, this, [this] { show_page(Page::start); });
  connect(review_button_, &QPushButton::clicked, this, [this] { show_page(Page::review); });
  return top;
}

void MainWindow::make_menu(QPushButton& button) {
  auto* menu = new QMenu(&button);
  auto* group = new QActionGroup(menu);
  const std::pair<QString, Theme> themes[] = {
      {tr("As the desktop"), Theme::desktop}, {tr("Light"), Theme::light}, {tr("Dark"), Theme::dark}};
  const QString remembered = QSettings().value(QStringLiteral("window/theme")).toString();
  for (const auto& [text, theme] : themes) {
    QAction* action = menu->addAction(text);
    action->setCheckable(true);
    action->setChecked(theme == theme_named(remembered));
    group->addAction(action);
    connect(action, &QAction::triggered, this, [this, chosen = theme] { choose_theme(chosen); });
  }
  button.setMenu(menu);
}

void MainWindow::make_pages() {
  bench_view_ = new BenchView(model_);
  run_page_ = new RunPage(client_, model_);
  start_page_ = new StartPage(client_, model_);
  review_view_ = new ReviewView;
  pages_ = new QStackedWidget;
  for (QWidget* page : {static_cast<QWidget*>(bench_view_), static_cast<QWidget*>(run_page_), static_cast<QWidget*>(start_page_),
                        static_cast<QWidget*>(review_view_)}) {
    pages_->addWidget(page);
  }
  connect(bench_view_, &BenchView::channel_opened, this, [this](const std::string& channel) {
    run_page_->open_channel(channel);
    show_page(Page::run);
  });
  connect(bench_view_, &BenchView::start_requested, this, [this] { show_page(Page::start); });
  connect(run_page_, &RunPage::back_requested, this, [this] { show_page(Page::bench); });
  connect(run_page_, &RunPage::said, this, &MainWindow::say);
  connect(start_page_, &StartPage::back_requested, this, [this] { show_page(Page::bench); });
  connect(start_page_, &StartPage::said, this, &MainWindow::say);
  connect(start_page_, &StartPage::started, this, [this](const std::string& channel) {
    run_page_->open_channel(channel);
    show_page(Page::run);
  });
}

QPushButton& MainWindow::page_button(Page page) {
  QPushButton* const buttons[] = {bench_button_, run_button_, start_button_, review_button_};
  return *buttons[static_cast<int>(page)];
}

MainWindow::Page MainWindow::page() const { return static_cast<Page>(pages_->currentIndex()); }

void MainWindow::show_page(Page page) {
  pages_->setCurrentIndex(static_cast<int>(page));
  page_button(page).setChecked(true);
  if (page == Page::start) start_page_->begin({});
  if (page == Page::bench) bench_view_->setFocus(Qt::OtherFocusReason);
}

void MainWindow::connect_to(const ServiceAddress& address) {
  trouble_.clear();
  address_ = address;
  if (address.user.isEmpty() || !address.password.isEmpty()) {
    client_.connect_to(address);
  } else {
    ask_password({});
  }
}

void MainWindow::ask_password(const QString& trouble) {
  if (sign_in_) sign_in_->close();
  auto* dialog = new SignInDialog(address_.user, address_.url.toDisplayString(), trouble, this);
  sign_in_ = dialog;
  dialog->on_done([this](const QString& password) {
    address_.password = password;
    client_.connect_to(address_);
  });
  if (client_.link() == LinkState::none) show_trouble(tr("Nobody is signed in."));
  dialog->show();
}

void MainWindow::show_session() {
  const std::optional<api::SessionView>& session = client_.session();
  set_signed_in_name(session ? to_text(session->name) : QString());
  const QString why_not = why_not_allowed(session, api::Role::operates);
  set_usable(bench_view_->start_button(), true, why_not);
  alarm_panel_->set_why_not_acknowledge(why_not);
  alarm_panel_->show_alarms(model_.alarms());
  if (session) review_view_->set_service(client_.address());
  run_page_->show_session();
  start_page_->show_session();
  show_link();
}

void MainWindow::open_record(const QString& path) { review_view_->open_record(path); }

void MainWindow::show_trouble(const QString& text) {
  trouble_ = text;
  show_link();
}

void MainWindow::show_link() {
  const LinkState link = client_.link();
  const QString address = client_.address().url.toDisplayString();
  QString text, placeholder;
  QColor colour = colours().muted;
  switch (link) {
    case LinkState::none:
      text = tr("no bench service");
      placeholder = trouble_.isEmpty() ? tr("No bench service. Start with --connect or --simulated, or open a record in Review.")
                                       : trouble_;
      break;
    case LinkState::connecting:
      text = tr("connecting…");
      placeholder = tr("Connecting to %1…").arg(address);
      if (!client_.trouble().isEmpty()) placeholder += QStringLiteral("\n") + client_.trouble();
      colour = colours().warning;
      break;
    case LinkState::live:
      text = tr("● connected");
      if (client_.session() && !client_.session()->name.empty())
        text = tr("● %1, %2").arg(to_text(client_.session()->name), role_text(client_.session()->role));
      colour = colours().good;
      break;
    case LinkState::refused:
      text = tr("✗ not signed in");
      placeholder = tr("%1 does not let this window in: %2").arg(address, client_.trouble());
      colour = colours().alarm;
      break;
    case LinkState::lost:
      text = tr("✗ no data since %1").arg(clock_text(*client_.last_heard(), utc_now()));
      colour = colours().alarm;
      break;
  }
  link_->setText(text);
  link_->setToolTip(address);
  link_->setStyleSheet(QStringLiteral("color: %1; font-weight: 600;").arg(colour.name()));
  bench_view_->set_placeholder(placeholder);
  const bool is_stale = link == LinkState::lost || link == LinkState::refused;
  bench_view_->set_stale(is_stale);
  run_page_->set_stale_since(is_stale ? client_.last_heard() : std::nullopt);
}

void MainWindow::show_bench() {
  const api::BenchView& bench = model_.bench();
  bench_label_->setText(to_text(bench.name));
  simulated_->setVisible(bench.is_simulated);
  setWindowTitle(QStringLiteral("cellrig – ") + to_text(bench.name));
}

void MainWindow::say(const QString& text, bool is_error) {
  message_->setText(text);
  message_->setStyleSheet(
      QStringLiteral("color: %1; font-weight: 600; padding: 6px 0;").arg((is_error ? colours().alarm : colours().text).name()));
  message_->show();
  message_timer_.start();
}

QString MainWindow::message() const {
  QStringList lines{stop_notice_->text(), message_->isHidden() ? QString() : message_->text()};
  lines.removeAll(QString());
  return lines.join(QLatin1Char('\n'));
}

void MainWindow::emergency_stop() { client_.stop(QStringLiteral("/stop"), tr("every output"), {}); }

void MainWindow::stop_chamber(const std::string& chamber) {
  auto* dialog = new PersonDialog({tr("Stop chamber %1").arg(to_text(chamber)),
                                   tr("Every channel in it goes off, their runs end, and the chamber is switched off."),
                                   tr("Reason"), tr("Stop the chamber"), false, false},
                                  this);
  dialog->on_done([this, chamber](const QString& name, const QString& reason) {
    client_.stop(QStringLiteral("/chambers/%1/stop").arg(QString::fromUtf8(QUrl::toPercentEncoding(to_text(chamber)))),
                 tr("chamber %1").arg(to_text(chamber)), {name.toStdString(), reason.toStdString(), {}});
  });
  dialog->show();
}

void MainWindow::acknowledge(const api::AlarmView& alarm) {
  if (acknowledge_) acknowledge_->close();
  auto* dialog =
      new PersonDialog({tr("Acknowledge"),
                        tr("%1: %2\n\nWhat to do: %3\n\nAcknowledging says that you have looked at it; it does not mend it.")
                            .arg(alarm_severity_text(alarm.severity), to_text(alarm.text), to_text(alarm.what_to_do)),
                        tr("What you found"), tr("Acknowledge")},
                       this);
  acknowledge_ = dialog;
  dialog->on_done([this, id = alarm.id](const QString& name, const QString& reason) {
    client_.post<api::Done>(
        {QStringLiteral("/alarms/%1/acknowledge").arg(id), {}}, api::AcknowledgeOrder{name.toStdString(), reason.toStdString()},
        this,
        [this](const Answer<api::Done>& answer) { say(answer ? to_text(answer->done) : error_text(answer.error()), !answer); });
  });
  dialog->show();
}

// The keys of the emergency stop work wherever the focus is, in a dialog of this window, too.
bool MainWindow::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::KeyPress) {
    const auto* key = static_cast<QKeyEvent*>(event);
    const bool is_stop = key->key() == Qt::Key_F12 || key->key() == Qt::Key_Pause;
    if (is_stop && (watched->isWindowType() || watched->isWidgetType())) {
      if (!key->isAutoRepeat()) emergency_stop();
      return true;
    }
  }
  // Not in the midst of it: the desktop's own palette is read, and every widget gets another one.
  if (event->type() == QEvent::ThemeChange && watched == this) QTimer::singleShot(0, this, &follow_desktop);
  return QMainWindow::eventFilter(watched, event);
}

// The desktop became light or dark: what has a colour of its own takes it from the new palette.
void MainWindow::changeEvent(QEvent* event) {
  QMainWindow::changeEvent(event);
  if (event->type() != QEvent::PaletteChange || !is_made_) return;
  show_link();
  alarm_panel_->show_alarms(model_.alarms());
}

void MainWindow::choose_theme(Theme theme) {
  QSettings().setValue(QStringLiteral("window/theme"), name_of(theme));
  apply_theme(theme);
  show_link();
  alarm_panel_->show_alarms(model_.alarms());
}

void MainWindow::save_layout() const {
  QSettings settings;
  settings.setValue(QStringLiteral("window/geometry"), saveGeometry());
  bench_view_->save_layout();
  run_page_->save_layout();
  review_view_->save_layout();
}

void MainWindow::restore_layout() {
  restoreGeometry(QSettings().value(QStringLiteral("window/geometry")).toByteArray());
  bench_view_->restore_layout();
  run_page_->restore_layout();
  review_view_->restore_layout();
}

void MainWindow::end_after_stops(std::function<void(const QStringList&)> done) {
  constexpr int look_every_ms = 50;
  if (!client_.has_open_stop() || std::exchange(is_ending_, true)) {
    closes_unasked_ = true;
    done(stop_notice_->unconfirmed());
    return;
  }
  say(tr("This window was told to end, and waits for the stop to be confirmed."), true);
  auto* look = new QTimer(this);
  const QDeadlineTimer deadline(stop_wait_max_ms);
  connect(look, &QTimer::timeout, this, [this, look, deadline, done = std::move(done)] {
    if (client_.has_open_stop() && !deadline.hasExpired()) return;
    look->stop();
    look->deleteLater();
    closes_unasked_ = true;
    done(stop_notice_->unconfirmed());
  });
  look->start(look_every_ms);
}

void MainWindow::closeEvent(QCloseEvent* event) {
  save_layout();
  // It would end with the window, unsaid. Whoever closes again means it.
  const QSet<QString> open = client_.open_stops();
  const bool is_new = !(open - std::exchange(told_of_stops_, open)).isEmpty();
  if (!closes_unasked_ && is_new) {
    say(tr("A stop is not confirmed yet, and closing would end it: use the hardware emergency stop, or close again."), true);
    return event->ignore();
  }
  QMainWindow::closeEvent(event);
}

}  // namespace cellrig::ui
