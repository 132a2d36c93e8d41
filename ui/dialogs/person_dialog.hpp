// Who, and why: asked before an order that a person answers for. Not modal: the emergency stop stays one click away.
#pragma once

#include <QDialog>
#include <functional>
#include <utility>
#include <vector>

#include "ui/model/tab_order.hpp"

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;

namespace cellrig::ui {

class PersonDialog : public QDialog {
  Q_OBJECT
 public:
  struct Text {
    QString title;     ///< "Stop ch2"
    QString question;  ///< what will happen
    QString field;     ///< "Reason", "Note"
    QString action;    ///< on the button: "Stop the run"
    bool needs_field = true;
    bool needs_name = true;                              ///< false: a stop, which nobody has to type anything for
    QString choice_label;                                ///< "How"; empty: there is nothing to choose
    std::vector<std::pair<QString, QString>> choices{};  ///< shown, and what it stands for; none is chosen at first
    QString consent;  ///< of a box to tick; the field is for its reason then, and asked for with it only. Empty: none
  };
  explicit PersonDialog(const Text& text, QWidget* parent = nullptr);
  /// Called when name and reason are there and the person pressed the button.
  void on_done(std::function<void(const QString& name, const QString& reason)> done) { done_ = std::move(done); }
  [[nodiscard]] QLineEdit& name_field() { return *name_; }
  [[nodiscard]] QLineEdit& reason_field() { return *reason_; }
  [[nodiscard]] QPushButton& action_button() { return *action_; }
  /// What the chosen one stands for; empty without a choice.
  [[nodiscard]] QString choice() const;
  [[nodiscard]] QComboBox* choice_box() { return choice_; }
  [[nodiscard]] QCheckBox* consent_box() { return consent_; }
  [[nodiscard]] bool has_consent() const;

 protected:
  bool focusNextPrevChild(bool next) override { return focus_next(*this, next); }

 private:
  void look();
  void finish();
  bool needs_reason_, needs_name_;
  QLineEdit* name_ = nullptr;
  QLineEdit* reason_ = nullptr;
  QComboBox* choice_ = nullptr;
  QCheckBox* consent_ = nullptr;
  QLabel* missing_ = nullptr;
  QPushButton* action_ = nullptr;
  std::function<void(const QString&, const QString&)> done_;
};

/// The name of the account that is signed in; else the one that was given last, remembered over restarts.
[[nodiscard]] QString remembered_name();
/// Of the account; empty: nobody signed in with one. The service signs with that name whatever an order says.
void set_signed_in_name(const QString& name);
/// Writes the name into the field, and lets nobody change that of an account.
void prepare_name_field(QLineEdit& field);
void remember_name(const QString& name);

}  // namespace cellrig::ui
