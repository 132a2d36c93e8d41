// One line of text that ends with "…" where there is no room for all of it. The whole is its text, its tool tip and what a screen reader says.
#pragma once

#include <QLabel>

namespace cellrig::ui {

class ElidedLabel : public QLabel {
  Q_OBJECT
 public:
  explicit ElidedLabel(const QString& text = {}, QWidget* parent = nullptr);
  /// A second line of the tool tip.
  void set_hint(const QString& hint) { hint_ = hint; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  QString hint_;
};

}  // namespace cellrig::ui
