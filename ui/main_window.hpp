// The window: what is always in sight (who, which bench, is the link alive, alarms, emergency stop), and one page below.
#pragma once

#include <QMainWindow>
#include <QPointer>
#include <QSet>
#include <QTimer>
#include <functional>

#include "ui/api_client/api_client.hpp"
#include "ui/chart/palette.hpp"
#include "ui/dialogs/person_dialog.hpp"
#include "ui/dialogs/sign_in_dialog.hpp"
#include "ui/model/bench_model.hpp"
#include "ui/model/tab_order.hpp"

class QLabel;
class QPushButton;
class QStackedWidget;

namespace cellrig::ui {

class AlarmPanel;
class BenchView;
class ReviewView;
class RunPage;
class StartPage;
class StopNotice;

class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  enum class Page { bench, run, start, review };
  explicit MainWindow(QWidget* parent = nullptr);
  ~MainWindow() override;

  /// Of an account without its password: asks for it.
  void connect_to(const ServiceAddress& address);
  void open_record(const QString& path);
  void show_page(Page page);
  /// No service is there, and why.
  void show_trouble(const QString& text);

  /// Every output of the bench off. At once: nobody is asked.
  void emergency_stop();
  /// The program is to end. A stop that is still open is tried for `stop_wait_max_ms` more, unless this is called again meanwhile. `done`: what
  /// is not known to be off then.
  static constexpr int stop_wait_max_ms = 10'000;
  void end_after_stops(std::function<void(const QStringList& unconfirmed)> done);
  [[nodiscard]] Page page() const;
  [[nodiscard]] BenchView& bench_view() { return *bench_view_; }
  [[nodiscard]] RunPage& run_page() { return *run_page_; }
  [[nodiscard]] StartPage& start_page() { return *start_page_; }
  [[nodiscard]] ReviewView& review_view() { return *review_view_; }
  [[nodiscard]] AlarmPanel& alarm_panel() { return *alarm_panel_; }
  [[nodiscard]] QPushButton& stop_button() { return *stop_button_; }
  [[nodiscard]] QPushButton& page_button(Page page);
  [[nodiscard]] BenchModel& model() { return model_; }
  /// What is said about stops, and below it whatever else there is to say.
  [[nodiscard]] QString message() const;
  [[nodiscard]] StopNotice& stop_notice() { return *stop_notice_; }
  [[nodiscard]] SignInDialog* sign_in_dialog() const { return sign_in_; }
  [[nodiscard]] PersonDialog* acknowledge_dialog() const { return acknowledge_; }

 protected:
  bool focusNextPrevChild(bool next) override { return focus_next(*this, next); }
  bool eventFilter(QObject* watched, QEvent* event) override;
  void changeEvent(QEvent* event) override;
  void closeEvent(QCloseEvent* event) override;

 private:
  QWidget* make_top();
  void make_pages();
  void make_menu(QPushButton& button);
  void show_link();
  void show_bench();
  void acknowledge(const api::AlarmView& alarm);
  void ask_password(const QString& trouble);
  void show_session();
  void stop_chamber(const std::string& chamber);
  void say(const QString& text, bool is_error);
  void choose_theme(Theme theme);
  void save_layout() const;
  void restore_layout();

  ApiClient client_;
  BenchModel model_;
  QLabel* bench_label_ = nullptr;
  QLabel* simulated_ = nullptr;
  QLabel* link_ = nullptr;
  QLabel* message_ = nullptr;
  QPushButton *bench_button_ = nullptr, *run_button_ = nullptr, *start_button_ = nullptr, *review_button_ = nullptr;
  QPushButton* stop_button_ = nullptr;
  AlarmPanel* alarm_panel_ = nullptr;
  StopNotice* stop_notice_ = nullptr;
  QStackedWidget* pages_ = nullptr;
  BenchView* bench_view_ = nullptr;
  RunPage* run_page_ = nullptr;
  StartPage* start_page_ = nullptr;
  ReviewView* review_view_ = nullptr;
  QPointer<PersonDialog> acknowledge_;
  QPointer<SignInDialog> sign_in_;
  ServiceAddress address_;
  QTimer message_timer_;
  QString trouble_;
  QSet<QString> told_of_stops_;  ///< open ones, by path, that closing the window was refused for
  bool closes_unasked_ = false;  ///< nobody is there to be asked whether the window may close
  bool is_ending_ = false, is_made_ = false;
};

}  // namespace cellrig::ui
