#include "ui/dialogs/limits_dialog.hpp"

#include <QCheckBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QVBoxLayout>
#include <cmath>

#include "ui/dialogs/form_rows.hpp"
#include "ui/dialogs/person_dialog.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr int limits_width_min = 560, limit_text_length_max = 20, limit_reason_length_max = 500;

/// "cell_temperature_max_degC" -> "cell temperature max, °C"
QString limit_label(const std::string& limit) {
  const QString text = to_text(limit);
  const auto cut = text.lastIndexOf(QLatin1Char('_'));
  QString unit = text.mid(cut + 1);
  if (unit == QLatin1String("degC")) unit = QStringLiteral("°C");
  return text.left(cut).replace(QLatin1Char('_'), QLatin1Char(' ')) + QStringLiteral(", ") + unit;
}
}  // namespace

LimitsDialog::LimitsDialog(const QString& channel, const Limits& limits, QWidget* parent) : QDialog(parent) {
  setWindowTitle(tr("Safety limits of %1").arg(channel));
  setModal(false);
  setAttribute(Qt::WA_DeleteOnClose);
  setMinimumWidth(limits_width_min);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(20, 20, 20, 20);
  layout->setSpacing(14);
  auto* question =
      new QLabel(tr("The limits of the run stand in the fields. Write a tighter value over one; a wider one is for an engineer. "
                    "What a step has of "
                    "its own is said beside it, and is tightened with the run's."));
  question->setWordWrap(true);
  layout->addWidget(question);
  auto* form = new QFormLayout;
  form->setSpacing(8);
  add_limits(*form, limits);
  add_person(*form);
  align_labels(*form);
  layout->addLayout(form);
  layout->addWidget(widen_);
  missing_ = new QLabel;
  missing_->setProperty("role", QStringLiteral("caption"));
  layout->addWidget(missing_);
  layout->addLayout(make_buttons());
  look();
}

void LimitsDialog::add_limits(QFormLayout& form, const Limits& limits) {
  for (const auto& [limit, value] : limits.of_run) {
    auto* field = new QLineEdit;
    field->setPlaceholderText(QString::number(value, 'g', 6));
    field->setMaxLength(limit_text_length_max);
    field->setAccessibleName(limit_label(limit));
    auto* row = new QHBoxLayout;
    row->addWidget(field, 1);
    rows_.push_back({limit, field});
    const auto now = limits.in_force.find(limit);
    if (now != limits.in_force.end() && now->second != value) {
      auto* of_step = new QLabel(tr("in this step %1").arg(QString::number(now->second, 'g', 6)));
      of_step->setProperty("role", QStringLiteral("caption"));
      row->addWidget(of_step);
      field->setAccessibleDescription(of_step->text());
      rows_.back().of_step = of_step;
    }
    form.addRow(limit_label(limit), row);
    connect(field, &QLineEdit::textChanged, this, &LimitsDialog::look);
  }
}

void LimitsDialog::add_person(QFormLayout& form) {
  name_ = new QLineEdit;
  prepare_name_field(*name_);
  name_->setMaxLength(limit_text_length_max * 5);
  name_->setAccessibleName(tr("Your name"));
  reason_ = new QLineEdit;
  reason_->setMaxLength(limit_reason_length_max);
  reason_->setAccessibleName(tr("Reason"));
  widen_ = new QCheckBox(tr("&Widen: I am an engineer and say why"));
  form.addRow(tr("Your &name"), name_);
  form.addRow(tr("Reason"), reason_);
  connect(name_, &QLineEdit::textChanged, this, &LimitsDialog::look);
  connect(reason_, &QLineEdit::textChanged, this, &LimitsDialog::look);
  connect(widen_, &QCheckBox::toggled, this, &LimitsDialog::look);
}

QHBoxLayout* LimitsDialog::make_buttons() {
  auto* row = new QHBoxLayout;
  auto* cancel = new QPushButton(tr("Cancel"));
  action_ = new QPushButton(tr("Put in force"));
  action_->setProperty("role", QStringLiteral("primary"));
  action_->setDefault(true);
  row->addStretch(1);
  row->addWidget(cancel);
  row->addWidget(action_);
  connect(cancel, &QPushButton::clicked, this, &QDialog::reject);
  connect(action_, &QPushButton::clicked, this, &LimitsDialog::finish);
  return row;
}

QLineEdit* LimitsDialog::field(const std::string& limit) const {
  for (const Row& row : rows_) {
    if (row.limit == limit) return row.field;
  }
  return nullptr;
}

QString LimitsDialog::step_text(const std::string& limit) const {
  for (const Row& row : rows_) {
    if (row.limit == limit && row.of_step != nullptr) return row.of_step->text();
  }
  return {};
}

bool LimitsDialog::read(std::map<std::string, double>& changed) const {
  for (const Row& row : rows_) {
    const QString text = with_decimal_point(row.field->text().trimmed());
    if (text.isEmpty()) continue;
    bool is_number = false;
    const double value = QLocale::c().toDouble(text, &is_number);
    if (!is_number || !std::isfinite(value)) return false;
    changed[row.limit] = value;
  }
  return true;
}

void LimitsDialog::look() {
  std::map<std::string, double> changed;
  const bool is_readable = read(changed);
  const bool has_name = !name_->text().trimmed().isEmpty();
  const bool has_reason = !widen_->isChecked() || !reason_->text().trimmed().isEmpty();
  action_->setEnabled(is_readable && !changed.empty() && has_name && has_reason);
  missing_->setText(!is_readable      ? tr("A limit is a number.")
                    : changed.empty() ? tr("Nothing is changed.")
                    : !has_name       ? tr("Please give your name.")
                    : !has_reason     ? tr("Please say why.")
                                      : QStringLiteral(" "));
}

void LimitsDialog::finish() {
  api::LimitsOrder order;
  if (!read(order.limits) || order.limits.empty()) return;
  order.widen = widen_->isChecked();
  order.operator_name = name_->text().trimmed().toStdString();
  order.reason = reason_->text().trimmed().toStdString();
  remember_name(name_->text().trimmed());
  if (done_) done_(order);
  accept();
}

}  // namespace cellrig::ui
