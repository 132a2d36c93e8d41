#include "ui/dialogs/person_dialog.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QVBoxLayout>

#include "ui/dialogs/form_rows.hpp"

namespace cellrig::ui {

namespace {
constexpr int width_min = 520, text_length_max = 500, name_length_max = 100;

QString& signed_in_name() {
  static QString name;
  return name;
}
}  // namespace

QString remembered_name() {
  return signed_in_name().isEmpty() ? QSettings().value(QStringLiteral("person/name")).toString() : signed_in_name();
}

void remember_name(const QString& name) {
  if (signed_in_name().isEmpty()) QSettings().setValue(QStringLiteral("person/name"), name);
}

void set_signed_in_name(const QString& name) { signed_in_name() = name; }

void prepare_name_field(QLineEdit& field) {
  const bool is_of_account = !signed_in_name().isEmpty();
  if (is_of_account || field.isReadOnly() || field.text().isEmpty()) field.setText(remembered_name());
  field.setReadOnly(is_of_account);
  field.setToolTip(is_of_account ? PersonDialog::tr("An account signs with its own name.") : QString());
}

PersonDialog::PersonDialog(const Text& text, QWidget* parent)
    : QDialog(parent), needs_reason_(text.needs_field), needs_name_(text.needs_name) {
  setWindowTitle(text.title);
  setModal(false);
  setAttribute(Qt::WA_DeleteOnClose);
  setMinimumWidth(width_min);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(20, 20, 20, 20);
  layout->setSpacing(14);
  auto* question = new QLabel(text.question);
  question->setWordWrap(true);
  layout->addWidget(question);
  auto* form = new QFormLayout;
  form->setSpacing(10);
  name_ = new QLineEdit;
  prepare_name_field(*name_);
  name_->setMaxLength(name_length_max);
  name_->setAccessibleName(tr("Your name"));
  reason_ = new QLineEdit;
  reason_->setMaxLength(text_length_max);
  reason_->setAccessibleName(text.field);
  if (!text.choices.empty()) {
    choice_ = new QComboBox;
    choice_->setAccessibleName(text.choice_label);
    choice_->setPlaceholderText(tr("please choose"));
    for (const auto& [shown, meaning] : text.choices) choice_->addItem(shown, meaning);
    choice_->setCurrentIndex(-1);
    connect(choice_, &QComboBox::currentIndexChanged, this, &PersonDialog::look);
    form->addRow(text.choice_label, choice_);
  }
  form->addRow(tr("Your &name"), name_);
  if (!text.consent.isEmpty()) {
    consent_ = new QCheckBox(text.consent);
    form->addRow(consent_);
    connect(consent_, &QCheckBox::toggled, this, &PersonDialog::look);
  }
  form->addRow(text.field, reason_);
  align_labels(*form);
  layout->addLayout(form);
  missing_ = new QLabel;
  missing_->setProperty("role", QStringLiteral("caption"));
  layout->addWidget(missing_);
  auto* row = new QHBoxLayout;
  auto* cancel = new QPushButton(tr("Cancel"));
  action_ = new QPushButton(text.action);
  action_->setProperty("role", QStringLiteral("primary"));
  action_->setDefault(true);
  row->addStretch(1);
  row->addWidget(cancel);
  row->addWidget(action_);
  layout->addLayout(row);
  connect(cancel, &QPushButton::clicked, this, &QDialog::reject);
  connect(action_, &QPushButton::clicked, this, &PersonDialog::finish);
  connect(name_, &QLineEdit::textChanged, this, &PersonDialog::look);
  connect(reason_, &QLineEdit::textChanged, this, &PersonDialog::look);
  if (!needs_name_ && !needs_reason_) {
    action_->setFocus();  // Return and Space do it
  } else {
    (name_->text().isEmpty() ? name_ : reason_)->setFocus();
  }
  look();
}

void PersonDialog::look() {
  if (consent_ != nullptr) reason_->setEnabled(consent_->isChecked());
  const bool needs_reason = consent_ != nullptr ? consent_->isChecked() : needs_reason_;
  const bool has_choice = choice_ == nullptr || choice_->currentIndex() >= 0;
  const bool has_name = !needs_name_ || !name_->text().trimmed().isEmpty(),
             has_reason = !needs_reason || !reason_->text().trimmed().isEmpty();
  action_->setEnabled(has_choice && has_name && has_reason);
  missing_->setText(!has_choice   ? tr("Please choose how.")
                    : !has_name   ? tr("Please give your name.")
                    : !has_reason ? tr("Please say why.")
                                  : QStringLiteral(" "));
}

QString PersonDialog::choice() const { return choice_ == nullptr ? QString() : choice_->currentData().toString(); }

bool PersonDialog::has_consent() const { return consent_ != nullptr && consent_->isChecked(); }

void PersonDialog::finish() {
  if (const QString name = name_->text().trimmed(); !name.isEmpty()) remember_name(name);
  if (done_) done_(name_->text().trimmed(), reason_->text().trimmed());
  accept();
}

}  // namespace cellrig::ui
