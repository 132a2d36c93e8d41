// Rows of a form as high as its fields: a label stands beside the middle of its field.
#pragma once

#include <QFormLayout>
#include <QWidget>

namespace cellrig::ui {

inline constexpr int form_field_height = 42;  ///< of a line edit, by the style sheet

inline void align_labels(const QFormLayout& form) {
  for (int row = 0; row < form.rowCount(); ++row) {
    const QLayoutItem* const label = form.itemAt(row, QFormLayout::LabelRole);
    if (label != nullptr && label->widget() != nullptr) label->widget()->setMinimumHeight(form_field_height);
  }
}

}  // namespace cellrig::ui
