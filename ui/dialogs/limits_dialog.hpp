// The safety limits of a run: what is in force, and new ones. Tighter ones are anybody's who operates; a wider one takes an engineer and a
// reason, and the bench decides.
#pragma once

#include <QDialog>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "controller/api/messages.hpp"
#include "ui/model/tab_order.hpp"

class QCheckBox;
class QFormLayout;
class QHBoxLayout;
class QLabel;
class QLineEdit;
class QPushButton;

namespace cellrig::ui {

class LimitsDialog : public QDialog {
  Q_OBJECT
 public:
  /// Of the run: what the service judges a new value by. In force: with those of a step that has its own.
  struct Limits {
    std::map<std::string, double> of_run, in_force;
  };
  LimitsDialog(const QString& channel, const Limits& limits, QWidget* parent = nullptr);
  void on_done(std::function<void(const api::LimitsOrder& order)> done) { done_ = std::move(done); }
  /// Null for a limit that is not there.
  [[nodiscard]] QLineEdit* field(const std::string& limit) const;
  /// "in this step 45"; empty: nothing else than the run's is in force.
  [[nodiscard]] QString step_text(const std::string& limit) const;
  [[nodiscard]] QLineEdit& name_field() { return *name_; }
  [[nodiscard]] QPushButton& action_button() { return *action_; }
  [[nodiscard]] QCheckBox& widen_box() { return *widen_; }

 protected:
  bool focusNextPrevChild(bool next) override { return focus_next(*this, next); }

 private:
  struct Row {
    std::string limit;
    QLineEdit* field = nullptr;
    QLabel* of_step = nullptr;  ///< null: nothing else than the run's is in force
  };
  void add_limits(QFormLayout& form, const Limits& limits);
  void add_person(QFormLayout& form);
  [[nodiscard]] QHBoxLayout* make_buttons();
  void look();
  void finish();
  /// What was typed; false: something is no number.
  [[nodiscard]] bool read(std::map<std::string, double>& changed) const;

  std::vector<Row> rows_;
  QLineEdit *name_ = nullptr, *reason_ = nullptr;
  QCheckBox* widen_ = nullptr;
  QLabel* missing_ = nullptr;
  QPushButton* action_ = nullptr;
  std::function<void(const api::LimitsOrder&)> done_;
};

}  // namespace cellrig::ui
