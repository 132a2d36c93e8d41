// Starting a run: what, on which channel; and everything that is known about it before it begins.
#pragma once

#include <QTimer>
#include <QWidget>
#include <vector>

#include "ui/dialogs/start_gate.hpp"
#include "ui/model/bench_model.hpp"

class QComboBox;
class QLabel;
class QLayout;
class QLineEdit;
class QListWidget;
class QPushButton;

namespace cellrig::ui {

class ApiClient;
class ParameterForm;
class TraceChart;

/// A page of the window and no dialog over it: the emergency stop and the alarms stay where they are.
class StartPage : public QWidget {
  Q_OBJECT
 public:
  StartPage(ApiClient& client, BenchModel& model, QWidget* parent = nullptr);
  /// Fetches profiles and cells. `channel`: chosen at first; empty: the first free one.
  void begin(const std::string& channel);
  /// Another person is signed in.
  void show_session();
  [[nodiscard]] QPushButton& start_button() { return *start_; }
  [[nodiscard]] QLineEdit& barcode_field() { return *cell_id_; }
  [[nodiscard]] QLineEdit& operator_field() { return *operator_; }
  [[nodiscard]] QComboBox& profile_box() { return *profile_; }
  [[nodiscard]] QComboBox& cell_box() { return *cell_; }
  /// A cell file of this computer becomes one of the bench's, under its own name. A person gives the reason, and the bench looks at it first.
  void add_cell_file(const QString& path);
  [[nodiscard]] QPushButton& cell_file_button() { return *cell_file_; }
  [[nodiscard]] QComboBox& channel_box() { return *channel_; }
  [[nodiscard]] ParameterForm& parameters() { return *parameters_; }
  [[nodiscard]] QString obstacle_text() const;

 Q_SIGNALS:
  void started(const std::string& channel);
  void back_requested();
  void said(const QString& text, bool is_error);

 private:
  QWidget* make_left();
  QWidget* make_right();
  QLayout* make_judgements();
  QWidget* make_fields();
  void fetch_cells(const QString& wanted);
  void choose_cell_file();
  void send_cell_file(const QString& path, const api::CellFileOrder& order);
  void show_profile();
  void changed();
  void look();
  void check();
  void rehearse();
  void poll_rehearsal();
  void preflight();
  void show_rehearsal();
  void show_preflight();
  void show_findings();
  void start();
  [[nodiscard]] StartFacts facts() const;
  [[nodiscard]] QString chosen(const QComboBox& box) const;

  ApiClient& client_;
  BenchModel& model_;
  QComboBox *channel_ = nullptr, *cell_ = nullptr, *profile_ = nullptr;
  QLineEdit *cell_id_ = nullptr, *operator_ = nullptr, *charge_ = nullptr, *without_rehearsal_ = nullptr;
  QLabel *profile_text_ = nullptr, *findings_ = nullptr, *figures_ = nullptr, *limits_ = nullptr, *obstacles_ = nullptr;
  QListWidget* preflight_list_ = nullptr;
  ParameterForm* parameters_ = nullptr;
  TraceChart* chart_ = nullptr;
  QPushButton *start_ = nullptr, *cell_file_ = nullptr;
  QTimer settle_, preflight_timer_, rehearsal_timer_;
  std::vector<api::ProfileView> profiles_;
  std::optional<api::CheckReport> check_;
  std::optional<std::vector<api::PreflightItem>> preflight_;
  std::optional<api::RehearsalView> rehearsal_;
  std::string preferred_channel_;
  int question_ = 0;  ///< answers to what was chosen before are dropped
  bool is_starting_ = false;
};

}  // namespace cellrig::ui
