// One channel and its run, live: curves with steps and expectation, steps with reasons, events, and what a person may do.
#pragma once

#include <QTimer>
#include <QWidget>
#include <functional>
#include <optional>
#include <string>

#include "ui/model/bench_model.hpp"
#include "ui/model/run_data.hpp"

class QComboBox;
class QLabel;
class QPushButton;
class QTabWidget;

namespace cellrig::ui {

class ElidedLabel;
class ApiClient;
class PersonDialog;
class RunNumbers;
class TableModel;
class TableView;
class TraceChart;

class RunPage : public QWidget {
  Q_OBJECT
 public:
  RunPage(ApiClient& client, BenchModel& model, QWidget* parent = nullptr);
  void open_channel(const std::string& channel);
  [[nodiscard]] const std::string& channel() const { return channel_; }
  /// The link is lost since then: what is shown is old.
  void set_stale_since(std::optional<UtcTime> since);
  /// Another person is signed in: other orders are allowed.
  void show_session() { show_view(); }
  void save_layout() const;
  void restore_layout();

  enum class Order { pause, resume, skip, stop, note, confirm, go_on };
  /// Asks who and why, then orders it.
  void ask(Order order);
  [[nodiscard]] QPushButton& button(Order order) const;
  [[nodiscard]] QPushButton& limits_button() const { return *limits_; }
  [[nodiscard]] TraceChart& chart() { return *chart_; }
  [[nodiscard]] const RunData& data() const { return data_; }
  [[nodiscard]] QTabWidget& tabs() { return *tabs_; }

 Q_SIGNALS:
  void back_requested();
  void said(const QString& text, bool is_error);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void make_head();
  void make_body();
  void make_live_tab();
  void make_tables();
  void show_view();
  void show_buttons(const api::ChannelView& view);
  void clear_rows();
  void fetch_run();
  void fetch_rows();
  void fetch_step_rows();
  /// The executions after this one, page by page, then `done`.
  void fetch_steps(std::int64_t after, const std::function<void()>& done);
  void fetch_stretch(Window window);
  void rebuild_chart();
  void show_bands();
  void show_charge_curves();
  void tick();
  /// What a person was shown when asked: an order is about that, whatever has happened since.
  struct Asked {
    std::string channel;
    std::optional<std::int64_t> run, step_count;
    std::int64_t fencing_token = 0;
  };
  void order(Order order, const Asked& asked, const PersonDialog& dialog, const QString& name, const QString& reason);
  void ask_limits();
  [[nodiscard]] const api::ChannelView* view() const { return model_.channel(channel_); }
  [[nodiscard]] QString run_path(const QString& rest) const;

  ApiClient& client_;
  BenchModel& model_;
  std::string channel_;
  RunData data_;
  std::vector<api::EventView> events_;
  int steps_asked_ = 0;  ///< answers to what was asked for another run are dropped
  bool is_fetching_steps_ = false, are_steps_stale_ = false;
  std::int64_t rows_of_step_ = -1;  ///< the step count that the tables were fetched at
  bool has_pressure_ = false, has_ambient_ = false, has_expected_ = false, is_dirty_ = false;
  std::size_t charge_curves_shown_ = 0;
  std::int64_t charge_step_shown_ = -1;

  QComboBox* channels_ = nullptr;
  QLabel* badge_ = nullptr;
  ElidedLabel* title_ = nullptr;
  QLabel* stale_ = nullptr;
  QLabel* question_ = nullptr;
  QWidget* question_row_ = nullptr;
  QPushButton *pause_ = nullptr, *resume_ = nullptr, *skip_ = nullptr, *stop_ = nullptr, *note_ = nullptr, *confirm_ = nullptr;
  QPushButton *go_on_ = nullptr, *limits_ = nullptr;
  QPushButton* follow_ = nullptr;
  RunNumbers* numbers_ = nullptr;
  QTabWidget* tabs_ = nullptr;
  TraceChart* chart_ = nullptr;
  TraceChart* charge_chart_ = nullptr;
  TableModel* step_model_ = nullptr;
  TableModel* event_model_ = nullptr;
  TableView* step_table_ = nullptr;
  TableView* event_table_ = nullptr;
  QTimer tick_;
};

}  // namespace cellrig::ui
