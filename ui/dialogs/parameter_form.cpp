#include "ui/dialogs/parameter_form.hpp"

#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>

#include "ui/dialogs/form_rows.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr int parameter_length_max = 200;

QString range_text(const api::ParameterView& parameter) {
  QStringList parts;
  if (!parameter.text.empty()) parts += to_text(parameter.text);
  if (!parameter.min.empty() || !parameter.max.empty()) {
    parts += ParameterForm::tr("from %1 to %2")
                 .arg(parameter.min.empty() ? QStringLiteral("…") : to_text(parameter.min),
                      parameter.max.empty() ? QStringLiteral("…") : to_text(parameter.max));
  }
  return parts.join(QStringLiteral("; "));
}
}  // namespace

ParameterForm::ParameterForm(QWidget* parent) : QWidget(parent) {
  form_ = new QFormLayout(this);
  form_->setContentsMargins(0, 0, 0, 0);
  form_->setSpacing(8);
  form_->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
}

void ParameterForm::show_profile(const api::ProfileView& profile) {
  while (form_->rowCount() > 0) form_->removeRow(0);
  names_.clear();
  for (const api::ParameterView& parameter : profile.parameters) {
    const QString name = to_text(parameter.name);
    auto* field = new QLineEdit;
    field->setObjectName(name);
    field->setMaxLength(parameter_length_max);
    field->setPlaceholderText(to_text(parameter.default_value));
    field->setToolTip(range_text(parameter));
    field->setAccessibleName(name);
    field->setAccessibleDescription(range_text(parameter));
    const bool has_unit_in_name = parameter.unit.empty() || name.endsWith(to_text(parameter.unit));
    form_->addRow(has_unit_in_name ? name : with_unit_caption(name, to_text(parameter.unit)), field);
    names_.push_back(parameter.name);
    connect(field, &QLineEdit::textChanged, this, &ParameterForm::edited);
  }
  align_labels(*form_);
  if (names_.empty()) {
    auto* none = new QLabel(tr("This profile has no parameters."));
    none->setProperty("role", QStringLiteral("caption"));
    form_->addRow(none);
  }
}

QLineEdit* ParameterForm::field(const QString& name) const { return findChild<QLineEdit*>(name); }

api::Parameters ParameterForm::values() const {
  api::Parameters values;
  for (const std::string& name : names_) {
    const QString text = with_decimal_point(field(to_text(name))->text());
    if (!text.isEmpty()) values[name] = text.toStdString();
  }
  return values;
}

bool ParameterForm::are_readable() const {
  for (const std::string& name : names_) {
    const QString text = field(to_text(name))->text();
    // A comma belongs to no expression of the profile language: with one, it has to be a number.
    if (text.contains(QLatin1Char(',')) && !parse_number(text)) return false;
  }
  return true;
}

}  // namespace cellrig::ui
