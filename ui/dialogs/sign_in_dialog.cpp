#include "ui/dialogs/sign_in_dialog.hpp"

#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QVBoxLayout>

namespace cellrig::ui {

namespace {
constexpr int sign_in_width_min = 420, password_length_max = 500;
}

SignInDialog::SignInDialog(const QString& user, const QString& bench, const QString& trouble, QWidget* parent) : QDialog(parent) {
  setWindowTitle(tr("Sign in"));
  setModal(false);  // the emergency stop stays one click away
  setAttribute(Qt::WA_DeleteOnClose);
  setMinimumWidth(sign_in_width_min);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(20, 20, 20, 20);
  layout->setSpacing(14);
  auto* question = new QLabel(tr("Password of %1 at %2").arg(user, bench));
  question->setTextFormat(Qt::PlainText);
  question->setWordWrap(true);
  layout->addWidget(question);
  password_ = new QLineEdit;
  password_->setEchoMode(QLineEdit::Password);
  password_->setMaxLength(password_length_max);
  password_->setAccessibleName(tr("Password"));
  layout->addWidget(password_);
  auto* why = new QLabel(trouble);
  why->setTextFormat(Qt::PlainText);
  why->setProperty("role", QStringLiteral("error"));
  why->setWordWrap(true);
  why->setVisible(!trouble.isEmpty());
  layout->addWidget(why);
  auto* row = new QHBoxLayout;
  auto* cancel = new QPushButton(tr("Cancel"));
  action_ = new QPushButton(tr("Sign in"));
  action_->setProperty("role", QStringLiteral("primary"));
  action_->setDefault(true);
  action_->setEnabled(false);
  row->addStretch(1);
  row->addWidget(cancel);
  row->addWidget(action_);
  layout->addLayout(row);
  connect(cancel, &QPushButton::clicked, this, &QDialog::reject);
  connect(action_, &QPushButton::clicked, this, &SignInDialog::finish);
  connect(password_, &QLineEdit::textChanged, this, [this](const QString& text) { action_->setEnabled(!text.isEmpty()); });
  password_->setFocus();
}

void SignInDialog::finish() {
  if (done_) done_(password_->text());
  accept();
}

}  // namespace cellrig::ui
