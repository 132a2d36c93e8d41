// The password of an account. Kept in memory only, for as long as the window lives.
#pragma once

#include <QDialog>
#include <functional>

class QLineEdit;
class QPushButton;

namespace cellrig::ui {

class SignInDialog : public QDialog {
  Q_OBJECT
 public:
  /// `trouble`: why the password before was not taken; empty at first.
  SignInDialog(const QString& user, const QString& bench, const QString& trouble, QWidget* parent = nullptr);
  void on_done(std::function<void(const QString& password)> done) { done_ = std::move(done); }
  [[nodiscard]] QLineEdit& password_field() { return *password_; }
  [[nodiscard]] QPushButton& action_button() { return *action_; }

 private:
  void finish();
  QLineEdit* password_ = nullptr;
  QPushButton* action_ = nullptr;
  std::function<void(const QString&)> done_;
};

}  // namespace cellrig::ui
